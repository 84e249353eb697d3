"""Rows that are read when they are wanted: from arrays on disk, or from a Dataset, by worker processes."""

import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from sltcourse.llc.types import Batch

WORKERS = 2  # processes that read ahead, where processes can be forked
WIDER = {np.dtype("uint16"): np.int64, np.dtype("uint32"): np.int64, np.dtype("uint64"): np.int64}


class Ragged(ValueError):
    """Rows of different shapes."""


class ArraySource:
    """Tensors or numpy arrays with n rows each, read by rows; numbers with a point are given as ``dtype``."""

    workers: int | None = None

    def __init__(self, arrays: Sequence[Any], dtype: torch.dtype | None):
        self.arrays, self.dtype = arrays, dtype

    def __len__(self) -> int:
        return len(self.arrays[0])

    def get(self, index: np.ndarray) -> Batch:
        """The leaves of the rows ``index``."""
        order = np.argsort(index, kind="stable")
        back = torch.from_numpy(np.argsort(order, kind="stable"))
        ordered = index[order]
        out = []
        for x in self.arrays:
            rows = x[torch.from_numpy(ordered).to(x.device)] if isinstance(x, Tensor) else as_tensor(x[ordered])
            out.append(self._cast(rows)[back.to(rows.device)].contiguous())
        return tuple(out)

    def whole(self, k: int) -> Tensor:
        """Array ``k`` as a tensor in memory, row after row, as a DataLoader's batches lie."""
        x = self.arrays[k]
        x = x.detach() if isinstance(x, Tensor) else as_tensor(x)
        return self._cast(x.clone() if x.is_inference() else x).contiguous()

    def stays(self, k: int) -> bool:
        """Whether ``whole`` takes no new memory."""
        x = self.arrays[k]
        if isinstance(x, np.memmap) or not (x.is_contiguous() if isinstance(x, Tensor) else x.flags.c_contiguous):
            return False
        return not isinstance(x, Tensor) or not self._changes(x)

    def bytes_per_row(self, k: int) -> int:
        """Bytes of a row of array ``k`` as it is given."""
        row = self.arrays[k][:1]
        return self._cast(row if isinstance(row, Tensor) else as_tensor(np.array(row))).nbytes

    def _changes(self, x: Tensor) -> bool:
        return x.is_floating_point() and self.dtype is not None and x.dtype != self.dtype

    def _cast(self, x: Tensor) -> Tensor:
        return x.to(self.dtype) if self._changes(x) else x


class DatasetSource:
    """A map-style Dataset and its collate_fn (None: ours, which stacks numbers, arrays and tensors)."""

    def __init__(
        self,
        dataset: Any,
        collate: Callable[[list[Any]], Any] | None,
        dtype: torch.dtype | None,
        workers: int | None = None,
    ):
        self.dataset, self.collate, self.dtype, self.workers = dataset, collate, dtype, workers
        self.tree: object = None

    def __len__(self) -> int:
        return len(self.dataset)

    def get(self, index: np.ndarray) -> Batch:
        """The leaves of the rows ``index``."""
        numbers = index.tolist()
        try:
            many = getattr(self.dataset, "__getitems__", None)
            items = many(numbers) if many else [self.dataset[i] for i in numbers]
            batch = None if self.collate is None else self.collate(items)
        except (KeyboardInterrupt, MemoryError):
            raise
        except Exception as error:
            raise ValueError(
                f"the dataset could not give rows {_few(numbers)}: {type(error).__name__}: {error}"
            ) from error
        found, tree = _stacked(items, numbers) if self.collate is None else flatten(batch)
        if self.tree is None:
            self.tree = tree
        elif self.tree != tree:
            raise ValueError(
                f"rows {_few(numbers)} of the dataset have another form than the first: {tree}, {self.tree}."
            )
        leaves = [as_tensor(x).detach().cpu() for x in found]
        if any(x.ndim == 0 or len(x) != len(numbers) for x in leaves):
            raise ValueError(
                f"{len(numbers)} items became leaves of shapes {[tuple(x.shape) for x in leaves]}: collate_fn must "
                "keep one row per item."
            )
        return tuple((x.to(self.dtype) if self.dtype and x.is_floating_point() else x).contiguous() for x in leaves)


class StreamMinibatches:
    """Minibatches of step 0, 1, ...: which rows step t takes depends on the seed and on t alone.

    ``steps``: what they are. ``moved``: brings leaves to the device.
    """

    def __init__(self, steps: "Steps", moved: Callable[[Iterable[Tensor]], Batch]):
        self._steps, self._moved, self.step, self.size = steps, moved, 0, steps.size
        self._iterator: Iterator[Batch] | None = None

    @torch.inference_mode(False)
    def draw(self) -> Batch:
        """The next leaves (chains, size, ...)."""
        if self._iterator is None:
            self._iterator = self._started()
        leaves = next(self._iterator)
        self.step += 1
        shape = self._steps.chains, self._steps.size
        return self._moved(x.view(*shape, *x.shape[1:]) for x in leaves)

    def seek(self, step: int) -> None:
        """Go on with the minibatch of step ``step``."""
        if step != self.step:
            self.step, self._iterator = step, None

    def _started(self) -> Iterator[Batch]:
        """The minibatches from the present step on, read ahead by worker processes where they can be forked."""
        forks = multiprocessing.get_start_method(allow_none=True) in (None, "fork") and hasattr(os, "fork")
        workers = self._steps.source.workers or (WORKERS if forks else 0)
        return iter(
            DataLoader(self._steps, batch_size=None, sampler=_From(self.step), num_workers=workers, collate_fn=tuple)
        )


class Steps(Dataset[Batch]):
    """Minibatch t of all chains as item t: ``size`` rows of ``source`` for each of them.

    ``cumulative`` (n,): the chances of rows 0 to i to be drawn, added up; None: all alike.
    """

    def __init__(
        self,
        source: ArraySource | DatasetSource,
        chains: int,
        size: int,
        seed: int,
        cumulative: np.ndarray | None,
    ):
        self.source, self.chains, self.size, self.seed, self.cumulative = source, chains, size, seed, cumulative

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.Generator(np.random.Philox(key=self.seed % 2**64, counter=[0, 0, 0, step]))
        many, n = self.chains * self.size, len(self.source)
        if self.cumulative is None:
            index = rng.integers(n, size=many)
        else:
            last = min(int((self.cumulative < 1).sum()), n - 1)
            index = np.minimum(np.searchsorted(self.cumulative, rng.random(many), side="right"), last)
        return self.source.get(index)


class _From(Sampler[int]):
    """step, step + 1, ... without end."""

    def __init__(self, step: int):
        self.step = step

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self.step)


def as_tensor(x: Any) -> Tensor:
    """A tensor of a number, a list of numbers, an array or a tensor; TypeError or ValueError where it is none."""
    if isinstance(x, Tensor):
        if kind := _no_plain_memory(x):
            raise TypeError(f"the data holds a {kind} tensor: give {KINDS[kind]}.")
        of_its_own = type(x).__torch_dispatch__ is not Tensor.__torch_dispatch__  # no tensor of plain memory
        return x if type(x) is Tensor or of_its_own else x.as_subclass(Tensor)
    if hasattr(x, "to_numpy"):
        x = x.to_numpy()  # pandas, polars
    if isinstance(x, (list, tuple)) and x and all(isinstance(part, Tensor) for part in x):
        return torch.stack(tuple(x))
    if isinstance(x, (bool, int, float)):
        return torch.tensor(x)
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise Ragged("the data holds a list whose rows have different lengths: pad them to one length.") from error
    if array.dtype == object and isinstance(x, (list, tuple)):
        raise Ragged("the data holds a list whose rows have different lengths: pad them to one length.")
    if array.dtype.kind not in "biufc":
        raise TypeError(f"the data holds a {type(x).__name__} ({array.dtype}), which is no array of numbers.")
    if array.dtype in WIDER:
        array = array.astype(WIDER[array.dtype])
    if isinstance(x, (list, tuple)) and array.dtype == np.float64:
        array = array.astype(np.float32 if torch.get_default_dtype() == torch.float32 else np.float64)
    if np.ma.is_masked(x):
        raise TypeError(
            "the data holds a masked array, whose masked entries are no numbers: fill them or leave them out."
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if isinstance(x, np.memmap) or not array.flags.writeable or min(array.strides, default=0) < 0:
        array = np.array(array)
    return torch.from_numpy(array)


def flatten(data: Any) -> tuple[list[Any], object]:
    """The distinct arrays in ``data`` (a list) and the tree that says where each belongs."""
    leaves: list[Any] = []
    seen: dict[int, int] = {}

    def walk(node: Any, path: tuple[Any, ...]) -> Any:
        table = hasattr(node, "to_numpy")  # pandas, whose tables have keys too
        if not table and (isinstance(node, Mapping) or (hasattr(node, "keys") and hasattr(node, "values"))):
            return {key: walk(node[key], (*path, key)) for key in node.keys()}
        if isinstance(node, tuple) or (
            isinstance(node, list) and any(isinstance(x, (Tensor, np.ndarray)) for x in node)
        ):
            return tuple(walk(value, (*path, k)) for k, value in enumerate(node))
        if node is None or isinstance(node, (str, bytes)):
            what = "None" if node is None else "text"
            where = f" under {path[-1]!r}" if path else ""
            raise TypeError(f"the data holds {what}{where}: leave it out, only arrays of numbers can be sampled on.")
        if id(node) not in seen:
            seen[id(node)] = len(leaves)
            leaves.append(node if isinstance(node, (Tensor, np.ndarray)) and _plain(node) else as_tensor(node))
        return seen[id(node)]

    tree = walk(data, ())
    return leaves, tree


KINDS = {
    "sparse": ".to_dense()",
    "nested": "rows padded to one length",
    "quantized": ".dequantize()",
    "meta": "one that holds numbers",
}


def _no_plain_memory(x: Tensor) -> str | None:
    """What kind of tensor ``x`` is, one of KINDS, where it is none of plain memory."""
    if x.is_nested:
        return "nested"
    if x.is_meta:
        return "meta"
    if x.is_quantized:
        return "quantized"
    return None if x.layout == torch.strided else "sparse"


def _plain(node: Any) -> bool:
    if isinstance(node, Tensor):
        return type(node) is Tensor and _no_plain_memory(node) is None
    masked = isinstance(node, np.ma.MaskedArray)
    return bool(node.dtype.kind in "biufc" and node.dtype.isnative and node.dtype not in WIDER and not masked)


def _stacked(items: Sequence[Any], index: Sequence[int]) -> tuple[list[Tensor], object]:
    """The rows ``items`` of a dataset, stacked leaf by leaf."""
    flat = [flatten(item if not isinstance(item, list) else tuple(item)) for item in items]
    tree = flat[0][1]
    for i, (_, other) in zip(index, flat, strict=True):
        if other != tree:
            raise ValueError(f"row {i} of the dataset has another form than row {index[0]}: {other}, {tree}.")
    columns = []
    for entries in zip(*(leaves for leaves, _ in flat), strict=True):
        column = [as_tensor(x) for x in entries]
        shapes = {tuple(x.shape) for x in column}
        if len(shapes) > 1:
            raise Ragged(
                f"rows of the dataset have different shapes ({sorted(shapes)[:3]}): pad them, or give a DataLoader "
                "whose collate_fn does."
            )
        columns.append(torch.stack(column))
    return columns, tree


def _few(index: Sequence[int]) -> str:
    """Numbers of rows, for an error message."""
    return f"{index[0]} to {index[-1]}" if len(index) > 3 else str(index)
