"""What a sweep keeps of a point: plain values, in a JSON file with a checksum of all that it holds."""

import hashlib
import json
import traceback
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from sltcourse.kit import files
from sltcourse.llc.points import OWN, Point
from sltcourse.llc.result import LLCResult

LONGEST = 1000  # characters of a reason
MOST_SHOWN = 5  # points that a warning names


@dataclass(frozen=True)
class Record:
    """What a point gave, or why it gave nothing. An array stands as {"dims": [...], "dtype": "...", "data": [...]}."""

    values: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    partial: bool = False  # an interrupt ended it early: it is not kept


Arriving = Generator[tuple[Point, Record], None, None]


def computed(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Record:
    """Call the function. Whatever it raises, but for an interrupt, is its record."""
    try:
        returned = function(**arguments)
        return Record(_values(returned), partial=isinstance(returned, LLCResult) and returned.partial)
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        where = traceback.extract_tb(error.__traceback__)[1:] or traceback.extract_tb(error.__traceback__)
        place = f" (in {where[0].name}, line {where[0].lineno})"
        return Record(failure=f"{type(error).__name__}: {text[:LONGEST]}{place}")


def write(path: Path, record: Record, about: Mapping[str, Any]) -> None:
    """Keep a record, wholly or not at all. ``about``: its identity, and what a reader of the file wants to know."""
    whole = {**about, "failure": record.failure, "values": record.values}
    text = json.dumps({**whole, "sha256": _checksum(whole)}, indent=1)
    files.write(path, text + "\n")


def read(path: Path, identity: str) -> Record | None:
    """The record that ``write`` kept; None where the file is another's, truncated or altered. FileNotFoundError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.pop("sha256") != _checksum(found) or found["identity"] != identity:
            return None
        return Record(found["values"], found["failure"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def table(grid: Mapping[str, list[Any]], records: Mapping[tuple[int, ...], Record]) -> xr.Dataset:
    """All records as one Dataset over the grid's dimensions; what is not there is nan, or an empty string.

    What a function gives under a name that is taken, say of one of its own arguments, gets an underscore behind it.
    """
    shape, dims = tuple(map(len, grid.values())), tuple(grid)
    names = dict.fromkeys(name for record in records.values() for name in record.values)
    taken, data, sizes = {*grid, *OWN, *names}, {}, dict[str, int]()
    for name in names:
        called = _free(name, taken) if name in (*grid, *OWN) else name
        taken.add(called)
        mine = {place: record.values[name] for place, record in records.items() if name in record.values}
        single = {place: value for place, value in mine.items() if not isinstance(value, dict)}
        if sum(value is not None for value in single.values()) > len(mine) - len(single) or len(single) == len(mine):
            data[called] = dims, _scalars(single, shape)
            continue
        own, array = _arrays(mine, shape)
        for axis, (dim, size) in enumerate(zip(own, array.shape[len(shape) :], strict=True)):
            if dim in taken or sizes.get(dim, size) != size:  # another's, or as long as another array's is not
                own[axis] = _free(f"{called}_{dim}", {*taken, *sizes})
            sizes[own[axis]] = size
        data[called] = (*dims, *own), array
    status, failure = np.full(shape, "not computed"), np.full(shape, "", object)
    for place, record in records.items():
        status[place], failure[place] = "failed" if record.failure else "done", record.failure
    data.update(status=(dims, status), failure=(dims, failure.astype(str)))
    return xr.Dataset(data, {name: np.asarray(labels) for name, labels in grid.items()})


def unlike(records: Iterable[tuple[Point, Record]]) -> str:
    """Which points gave other names than most did, or another kind of value, in a sentence; "" where none did."""
    given = [(point, _kinds(record)) for point, record in records if not record.failure]
    if not given:
        return ""
    names = _commonest(sorted(own) for _, own in given)
    found: dict[str, list[list[str]]] = {}
    for _, own in given:
        for name, kind in own.items():
            found.setdefault(name, []).extend([[kind]] if kind else [])
    usual = {name: _commonest(kinds)[0] if kinds else "" for name, kinds in found.items()}
    odd = []
    for point, own in given:
        other = {name for name, kind in own.items() if kind not in ("", usual[name])}
        if sorted(own) != names or other:
            what = [f"{name} ({kind})" if name in other else name for name, kind in own.items()]
            where = ", ".join(f"{name} = {label}" for name, label in point.labels.items())
            odd.append(f"at {where}: {', '.join(what) or 'nothing'}")
    if not odd:
        return ""
    shown = [*odd[:MOST_SHOWN], *([f"and {len(odd) - MOST_SHOWN} more"] if len(odd) > MOST_SHOWN else [])]
    return (
        f"{len(odd)} of {len(given)} points gave other names or kinds of values than the rest, which gave "
        f"{', '.join(names) or 'nothing'}; {'; '.join(shown)}. Where a point has nothing that fits, stands nan or ''."
    )


def _commonest(what: Iterable[list[str]]) -> list[str]:
    """The most frequent one; of equally frequent ones the one that was there first."""
    return list(Counter(map(tuple, what)).most_common(1)[0][0])


def _kinds(record: Record) -> dict[str, str]:
    """What each value is, by name; "" for None, which fits everywhere."""
    kinds = {}
    for name, value in record.values.items():
        if isinstance(value, dict):
            kinds[name] = f"an array over {', '.join(value['dims'])}"
        else:
            kinds[name] = "" if value is None else "a text" if isinstance(value, str) else "a number"
    return kinds


def _free(name: str, taken: Container[str]) -> str:
    """``name``, with as many underscores behind it as make it a new one."""
    while name in taken:
        name += "_"
    return name


def _checksum(whole: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _values(returned: Any) -> dict[str, Any]:
    """What a function returned, as plain values by name."""
    if isinstance(returned, LLCResult):
        return _of_result(returned)
    if isinstance(returned, Mapping):
        for name in returned:
            if not isinstance(name, str):
                raise TypeError(f"the function returned a dict with the key {name!r}; its keys must be strings")
        return {name: _plain(name, value) for name, value in returned.items()}
    if isinstance(returned, (list, tuple)) and any(isinstance(one, LLCResult) for one in returned):
        raise TypeError("the function returned several estimates: return one, and put the w* into the grid")
    return {"value": _plain("what the function returned", returned)}


def _of_result(result: LLCResult) -> dict[str, Any]:
    """An estimate without its draws."""
    names = ("llc", "std_error", "rhat", "ess", "acceptance", "share_below", "step_bias", "equipartition", "init_loss")
    known = {name: None if getattr(result, name) is None else float(getattr(result, name)) for name in names}
    return {**known, "verdict": result.verdict.word, "reasons": " ".join(result.verdict.reasons),
            "diverged": len(result.diverged)}  # fmt: skip


def _plain(name: str, value: Any) -> Any:
    """A number, a string, None, or an array with its dimensions."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    dims = list(value.dims) if isinstance(value, xr.DataArray) else None
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy() if value.dtype != torch.bfloat16 else value.detach().cpu().float().numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} is a {type(value).__name__}, and only numbers, strings and arrays of numbers are kept")
    if array.ndim == 0:
        return array.item()
    dims = dims or [f"{name.replace(' ', '_')}_{axis}" for axis in range(array.ndim)]
    return {"dims": [str(dim) for dim in dims], "dtype": str(array.dtype), "data": array.tolist()}


def _scalars(mine: Mapping[tuple[int, ...], Any], shape: tuple[int, ...]) -> np.ndarray:
    present = list(mine.values())
    texts = any(isinstance(value, str) for value in present)
    whole = len(mine) == int(np.prod(shape))
    kind: Any = object if texts else float
    for exact in (bool, int):
        if whole and all(type(value) is exact and abs(value) < 2**63 for value in present):
            kind = exact
    out = (
        np.full(shape, "" if texts else np.nan, object).astype(kind)
        if kind in (object, float)
        else np.zeros(shape, kind)
    )
    for place, value in mine.items():
        out[place] = ("" if value is None else str(value)) if texts else np.nan if value is None else value
    return out.astype(str) if texts else out


def _arrays(mine: Mapping[tuple[int, ...], Any], shape: tuple[int, ...]) -> tuple[list[str], np.ndarray]:
    """The dimensions of most points' arrays, and those as one; nan fills what is shorter or over others."""
    given = {place: v for place, v in mine.items() if isinstance(v, dict)}
    own = _commonest(v["dims"] for v in given.values())
    arrays = {place: np.asarray(v["data"], v["dtype"]) for place, v in given.items() if v["dims"] == own}
    longest = tuple(max(sizes) for sizes in zip(*(array.shape for array in arrays.values()), strict=True))
    even = len(arrays) == int(np.prod(shape)) and all(array.shape == longest for array in arrays.values())
    out = (
        np.full((*shape, *longest), np.nan)
        if not even
        else np.empty((*shape, *longest), np.result_type(*arrays.values()))
    )
    for place, array in arrays.items():
        out[place][tuple(slice(size) for size in array.shape)] = array
    return own, out
