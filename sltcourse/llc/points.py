"""The points of a sweep's grid, each with an identity: a digest of the function, the point and the version."""

import dataclasses
import functools
import hashlib
import inspect
import itertools
import json
import math
import textwrap
from ast import parse, unparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import CodeType
from typing import Any

import numpy as np
import torch

MOST = 1_000_000  # points of a grid
OWN = ("status", "failure")  # variables of the answer that are there in any case

Label = bool | int | float | str


@dataclass(frozen=True)
class Point:
    """One point of the grid: where it stands, its labels, what the function is given, and its identity."""

    place: tuple[int, ...]
    labels: dict[str, Label]
    arguments: dict[str, Any]
    identity: str


def points(
    function: Callable[..., Any], grid: Mapping[str, Any], version: str
) -> tuple[dict[str, list[Label]], list[Point]]:
    """The labels along each dimension, and all points. Raises TypeError and ValueError for what is no grid."""
    if not callable(function):
        raise TypeError(f"function is a {type(function).__name__}; it must be a function of a point of the grid.")
    if not isinstance(version, str):
        raise TypeError(f"version is {version!r}; it must be a string that you change when data or code change.")
    if not isinstance(grid, Mapping):
        raise TypeError(f"grid is a {type(grid).__name__}; it must be a dict: each argument's name, and its values.")
    if not grid:
        raise ValueError("grid is empty: give at least one argument with its values.")
    values = {name: _values(name, given) for name, given in grid.items()}
    count = math.prod(map(len, values.values()))
    if count > MOST:
        raise ValueError(f"the grid has {count} points, and {MOST} are the most: sweep over parts of it.")
    about = [name_of(function), _code(function), version]
    contents = {name: [_content(value, name) for value in mine.values()] for name, mine in values.items()}
    found = []
    for place in itertools.product(*(range(len(mine)) for mine in values.values())):
        labels = {name: list(mine)[k] for k, (name, mine) in zip(place, values.items(), strict=True)}
        arguments = {name: values[name][label] for name, label in labels.items()}
        own = {name: [labels[name], contents[name][k]] for k, name in zip(place, values, strict=True)}
        found.append(Point(place, labels, arguments, _digest([*about, own])))
    _accepted(function, found[0].arguments)
    return {name: list(mine) for name, mine in values.items()}, found


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called."""
    inner = function.func if isinstance(function, functools.partial) else function
    return str(getattr(inner, "__qualname__", type(inner).__qualname__)).rpartition("<locals>.")[2]


def _values(name: Any, given: Any) -> dict[Label, Any]:
    """The labels of one dimension, and for each the value that the function is given."""
    if not isinstance(name, str) or not name.isidentifier() or name in OWN:
        raise ValueError(f"grid has the key {name!r}; its keys are names of the function's arguments.")
    if hasattr(given, "tolist"):  # an array
        given = given.tolist()
    if not isinstance(given, (Mapping, list, tuple, range)):
        raise TypeError(
            f"grid[{name!r}] is a {type(given).__name__}; give a list of values, or a dict of labels and values."
        )
    if not given:
        raise ValueError(f"grid[{name!r}] is empty: give at least one value.")
    labels = [value.item() if isinstance(value, np.generic) else value for value in given]
    for label in labels:
        if not isinstance(label, (bool, int, float, str)):
            raise TypeError(
                f"grid[{name!r}] holds a {type(label).__name__}, and only numbers and strings name a point: "
                "give a dict of labels and values."
            )
        if isinstance(label, float) and math.isnan(label):
            raise ValueError(f"grid[{name!r}] holds nan, which names no point.")
    if len({_kind(label) for label in labels}) > 1:
        raise ValueError(f"grid[{name!r}] mixes kinds of labels: give numbers only, or strings only.")
    if len(set(labels)) < len(labels):
        raise ValueError(f"grid[{name!r}] holds {next(x for x in labels if labels.count(x) > 1)!r} twice.")
    return dict(zip(labels, given.values() if isinstance(given, Mapping) else labels, strict=True))


def _kind(label: Label) -> type:
    return type(label) if isinstance(label, (bool, str)) else float


def _accepted(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Raises TypeError where the function cannot be called with the grid's names."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # a function of another language does not say
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise TypeError(
            f"{name_of(function)}{signature} cannot be called with the grid's {', '.join(arguments)}: {error}."
        ) from None


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _code(function: Any) -> Any:
    """A function's code, whatever its comments and its layout; what it only refers to is not in it."""
    if isinstance(function, functools.partial):
        return [_code(function.func), _content(function.args, "function"), _content(function.keywords, "function")]
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", function)  # noqa: B004  # its code, not whether it is there
    if getattr(function, "__name__", "") != "<lambda>":  # whose source is its line, which may hold several of them
        try:
            return unparse(parse(textwrap.dedent(inspect.getsource(function))))
        except (OSError, TypeError, SyntaxError):
            pass
    return _bytecode(getattr(function, "__code__", None))


def _bytecode(code: CodeType | None) -> Any:
    if code is None:
        return ""
    constants = [
        _bytecode(x) if isinstance(x, CodeType) else sorted(map(repr, x)) if isinstance(x, frozenset) else repr(x)
        for x in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), constants]


def _content(value: Any, name: str) -> Any:
    """A digest of what a value holds, the same in every process. Raises TypeError for what cannot be told."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return [type(value).__name__, repr(value)]
    if isinstance(value, (torch.dtype, torch.device, PurePath)):
        return str(value)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcUSmM":
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, torch.Tensor):
        flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return [str(value.dtype), list(value.shape), hashlib.sha256(flat.tobytes()).hexdigest()]
    if isinstance(value, torch.nn.Module):
        return [repr(value), _content(value.state_dict(), name)]
    if isinstance(value, Mapping):
        return [[_content(key, name), _content(entry, name)] for key, entry in value.items()]
    if isinstance(value, (list, tuple)):
        return [_content(entry, name) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = {field.name: _content(getattr(value, field.name), name) for field in dataclasses.fields(value)}
        return [type(value).__qualname__, own]
    if inspect.isroutine(value) or isinstance(value, functools.partial):
        return [name_of(value), _code(value)]
    raise TypeError(
        f"{name} holds a {type(value).__name__}, whose content cannot be told: give labels, "
        "and look the value up in the function."
    )
