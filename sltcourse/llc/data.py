"""Data as rows: what a user has, tensors, arrays, a Dataset or a DataLoader, becomes leaves with one row per sample.

What fits in memory is kept as tensors on the device; what does not is read by rows (``stream``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
)

from sltcourse.llc.in_memory import THIN, Minibatches, TensorSource
from sltcourse.llc.stream import ArraySource, DatasetSource, Ragged, Steps, StreamMinibatches, as_tensor, flatten
from sltcourse.llc.types import Batch, Form, Share

MEMORY = 4 * 2**30  # bytes of data that are read into memory unless told otherwise
AT_ONCE = 2**26  # bytes that are read, or counted, at a time


Collate = Callable[[list[Any]], Any]
"""A DataLoader's collate_fn: a list of rows to one batch."""


@dataclass(frozen=True)
class Structure:
    """How the leaves make what the user gave: ``tree`` is nested tuples and dicts, its ends numbers of leaves."""

    tree: object

    def build(self, leaves: Sequence[Any]) -> Form:
        """The user's form (a tensor, a tuple, a dict, or these nested) of ``leaves``."""

        def made(node: Any) -> Form:
            if isinstance(node, int):
                return leaves[node]
            if isinstance(node, dict):
                return {key: made(value) for key, value in node.items()}
            return tuple(made(value) for value in node)

        return made(self.tree)


class Rows:
    """n samples. A batch is a tuple of leaves, tensors on ``device`` whose first axis is rows.

    ``num_samples``: n. ``structure``: how the leaves form what the user gave. ``in_memory``: the leaves lie on the
    device, so that ``draw`` can be captured in a CUDA graph. ``uneven``: rows have different weights, see ``passes``.
    """

    def __init__(
        self,
        source: "TensorSource | ArraySource | DatasetSource",
        structure: Structure,
        device: torch.device | str,
        weights: Tensor | None = None,
    ):
        self.num_samples, self.structure, self.device = len(source), structure, torch.device(device)
        self.in_memory = isinstance(source, TensorSource)
        self._source = source
        self.by_columns = True  # minibatches of thin tables are gathered column by column
        self._counts: Tensor | None = None
        self._weights = weights  # float64 on the CPU, or None: all alike
        self.uneven = weights is not None and not bool((weights == weights[0]).all())

    @property
    def bytes_per_row(self) -> int:
        """Bytes of one row's leaves."""
        return sum(x.nbytes for x in self.slice(0, 1))

    @torch.inference_mode(False)
    def slice(self, start: int, stop: int) -> Batch:
        """The leaves of rows start, ..., stop − 1."""
        if isinstance(self._source, TensorSource):
            return tuple(x[start:stop] for x in self._source.leaves)
        return self._moved(self._source.get(np.arange(start, min(stop, self.num_samples))))

    @torch.inference_mode(False)
    def strided(self, leaves: Batch) -> Batch:
        """``leaves`` (rows, ...) with the strides that minibatches have."""
        thin = [self.in_memory and self.by_columns and x.ndim == 2 and x.shape[1] <= THIN for x in leaves]
        return tuple(x.T.contiguous().T if t else x for x, t in zip(leaves, thin, strict=True))

    @torch.inference_mode(False)
    def take(self, index: Tensor) -> Batch:
        """The leaves of the rows ``index`` (k,), in that order."""
        if isinstance(self._source, TensorSource):
            return tuple(x.index_select(0, index.to(self.device)) for x in self._source.leaves)
        return self._moved(self._source.get(index.cpu().numpy()))

    @torch.inference_mode(False)
    def minibatches(
        self, chains: int, size: int, generator: torch.Generator | None, seed: int = 0
    ) -> "Minibatches | StreamMinibatches":
        """An object whose ``draw()`` gives fresh leaves (chains, size, ...), with replacement, each chain its own.

        In memory the numbers come from ``generator`` and nothing waits for the device. Read by rows, those of step t
        depend on ``seed`` and t alone, and ``seek(t)`` goes on from there. A row of weight v is drawn with
        probability v/Σv, so that the plain mean over a minibatch is unbiased; a row without a counted target
        (``set_counts``) never.
        """
        chance = self._chance()
        cumulative = None if chance is None else chance.cumsum(0) / chance.sum()
        if isinstance(self._source, TensorSource):
            return Minibatches(self._source, chains, size, generator, cumulative, by_columns=self.by_columns)
        edges = None if cumulative is None else cumulative.numpy()
        return StreamMinibatches(Steps(self._source, chains, size, seed, edges), self._moved)

    def passes(self, size: int) -> Iterator[tuple[Batch, Share]]:
        """All rows that count, at most ``size`` at a time, with what each part adds to L_n.

        Yields (leaves, share): L_n = Σ share·L(part) with a number ``share``; where rows are ``uneven``, ``share``
        is a tensor (rows,) and L_n = Σ share·(losses of the rows).
        """
        weights = self._weights if self.uneven else None
        if weights is None and self._counts is None:
            for start in range(0, self.num_samples, size):
                leaves = self.slice(start, start + size)
                yield leaves, len(leaves[0]) / self.num_samples
            return
        share = torch.ones(self.num_samples, dtype=torch.float64) if weights is None else weights.clone()
        share *= 1 if self._counts is None else self._counts
        share /= share.sum()
        kept = share.nonzero().squeeze(1)
        for index in kept.split(size):
            whole = len(index) == index[-1] - index[0] + 1
            leaves = self.slice(int(index[0]), int(index[-1]) + 1) if whole else self.take(index)
            part = share[index]
            like = next((x for x in leaves if x.is_floating_point()), torch.empty(0, device=self.device))
            dtype = like.dtype if like.dtype == torch.float64 else torch.float32
            yield leaves, part.to(self.device, dtype) if self.uneven else part.sum().item()

    def set_counts(self, counts: Tensor) -> float:
        """Say how many targets each row counts (n,), for losses that are means over those (tokens).

        Returns their mean over the rows that minibatches are drawn from. Rows that count none are never drawn.
        """
        each = self._counts = counts.double().cpu()
        chance = self._chance_of(each)
        return ((chance * each).sum() / chance.sum()).item()

    def _chance(self) -> Tensor | None:
        """What each row's chance to be drawn is proportional to (n,), or None where it is the same for all."""
        if self._counts is None:
            return self._weights if self.uneven else None
        return self._chance_of(self._counts)

    def _chance_of(self, counts: Tensor) -> Tensor:
        """The same, where rows count ``counts`` (n,) targets."""
        counted = (counts > 0).double()
        return counted * self._weights if self.uneven and self._weights is not None else counted

    def _moved(self, leaves: Iterable[Tensor]) -> Batch:
        return tuple(x.to(self.device, non_blocking=True) for x in leaves)


def as_rows(
    data: Any,
    *,
    device: torch.device | str,
    dtype: torch.dtype,
    memory_bytes: int | None = None,
    weights: Any = None,
    keep_dtype: bool = False,
) -> Rows:
    """Rows of ``data``, on ``device``, numbers with a point as ``dtype`` (as they are with ``keep_dtype``).

    ``data``: a tensor; tuples, lists or dicts of tensors or numpy arrays (np.memmap too) with n rows each; a
    TensorDataset, a Subset or any map-style Dataset; a list of (x, y) pairs; a DataLoader, of which the dataset and
    collate_fn are used. What needs more than ``memory_bytes`` (default 4 GiB) is read by rows, when they are wanted.
    ``weights`` (n,): L_n = Σ v_i l_i / Σ v_i.

    Raises TypeError where it is none of these, ValueError where it is empty, ragged, random, or rows disagree.
    """
    device, memory_bytes = torch.device(device), MEMORY if memory_bytes is None else memory_bytes
    cast = None if keep_dtype else dtype
    with torch.inference_mode(False), torch.no_grad():
        source, structure = _read(data, cast, memory_bytes, device)
        return Rows(source, structure, device, _checked_weights(weights, len(source)))


def _read(
    data: Any, dtype: torch.dtype | None, memory_bytes: int, device: torch.device
) -> "tuple[TensorSource | ArraySource | DatasetSource, Structure]":
    """The leaves of ``data``, in memory if they fit, and how they form it; errors as ``as_rows``."""
    collate, workers = None, None
    if isinstance(data, DataLoader):
        data, collate, workers = _opened(data)
    if isinstance(data, IterableDataset):
        raise TypeError(
            f"{type(data).__name__} is an IterableDataset: it has no n and no row i, so L_n and minibatches that are "
            "drawn independently do not exist. Give a map-style Dataset (with __len__ and __getitem__)."
        )
    if isinstance(data, TensorDataset) and collate is None:
        data = tuple(data.tensors)
    if isinstance(data, Subset) and collate is None:
        inner: Dataset[Any] = data
        index = torch.arange(len(data))
        while isinstance(inner, Subset):
            index = torch.as_tensor(list(inner.indices), dtype=torch.long)[index]
            inner = inner.dataset
        if isinstance(inner, TensorDataset):
            if len(index) == 0:
                raise ValueError("the data is empty.")
            data = tuple(x[index.to(x.device)] for x in inner.tensors)
    if collate is None and _is_arrays(data):
        return _from_arrays(data, dtype, memory_bytes, device)
    if not hasattr(data, "__getitem__") or not hasattr(data, "__len__") or isinstance(data, (str, bytes, Mapping)):
        raise TypeError(
            f"data cannot be a {type(data).__name__}: give a tensor or array, a tuple (inputs, targets) or dict of "
            "them with one row per sample, a map-style Dataset, or a DataLoader."
        )
    return _from_dataset(data, collate, workers, dtype, memory_bytes, device)


def _opened(loader: DataLoader[Any]) -> tuple[Any, Collate | None, int | None]:
    """The dataset, collate_fn (None: the default one) and number of workers of a DataLoader."""
    if isinstance(loader.dataset, IterableDataset):
        return loader.dataset, None, None
    if loader.batch_sampler is None:
        raise TypeError(
            "the DataLoader has batch_size=None, so that its dataset gives whole batches: give a dataset of rows."
        )
    if isinstance(loader.sampler, WeightedRandomSampler):
        raise ValueError(
            "the DataLoader draws its rows by a WeightedRandomSampler: give its dataset, and weights= for what L_n is."
        )
    data = loader.dataset
    if isinstance(loader.sampler, SubsetRandomSampler):
        data = Subset(data, list(loader.sampler.indices))
    collate = None if loader.collate_fn is default_collate else loader.collate_fn
    return data, collate, loader.num_workers or None


def _is_arrays(data: Any) -> bool:
    """Whole arrays (a tensor, a tuple or dict of them), as against single rows one after another."""
    if isinstance(data, (Tensor, np.ndarray, Mapping, tuple)) or hasattr(data, "to_numpy"):
        return True
    if isinstance(data, list):
        if data and all(isinstance(x, (Tensor, np.ndarray)) or hasattr(x, "to_numpy") for x in data):
            return True
        if all(isinstance(x, (list, int, float)) for x in data) and data:
            raise TypeError(
                "a list of lists or of numbers could be rows or columns: give np.asarray(...) of the inputs and of "
                "the targets, as (inputs, targets)."
            )
    return False


def _from_arrays(
    data: Any, dtype: torch.dtype | None, memory_bytes: int, device: torch.device
) -> tuple[TensorSource | ArraySource, Structure]:
    """As ``_read``, of whole arrays."""
    leaves, tree = flatten(data)
    if not leaves or any(len(x) == 0 if x.ndim else False for x in leaves):
        raise ValueError("the data is empty.")
    if any(x.ndim == 0 for x in leaves):
        raise ValueError("the data holds a single number (a 0-d tensor); its first axis must be the samples.")
    if len({len(x) for x in leaves}) > 1:
        found = ", ".join(str(len(x)) for x in leaves[:6]) + (", ..." if len(leaves) > 6 else "")
        raise ValueError(f"the data tensors have [{found}] rows; they must agree, one row of each per sample.")
    source = ArraySource(leaves, dtype)
    new = sum(
        source.bytes_per_row(k) * len(x) for k, x in enumerate(leaves) if not source.stays(k) or device.type != "cpu"
    )
    if new > memory_bytes and any(isinstance(x, np.ndarray) or x.device.type == "cpu" for x in leaves):
        return source, Structure(tree)
    return TensorSource([source.whole(k).to(device) for k in range(len(leaves))]), Structure(tree)


def _from_dataset(
    data: Any,
    collate: Collate | None,
    workers: int | None,
    dtype: torch.dtype | None,
    memory_bytes: int,
    device: torch.device,
) -> tuple[TensorSource | DatasetSource, Structure]:
    """As ``_read``, of a map-style Dataset, whose rows are asked for twice to see that they are not random."""
    n = len(data)
    if n == 0:
        raise ValueError("the data is empty.")
    source = DatasetSource(data, collate, dtype, workers)
    first = source.get(np.arange(min(2, n)))
    again = source.get(np.arange(min(2, n)))
    if any(a.shape != b.shape or not torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
           for a, b in zip(first, again, strict=True)):  # fmt: skip
        raise ValueError(
            "the dataset gives another row 0 when asked twice (a random augmentation?): L_n is then no function of w. "
            "Give it without randomness."
        )
    each = max(1, sum(x.nbytes for x in first) // len(first[0]))
    structure = Structure(source.tree)
    if each * n > memory_bytes:
        return source, structure
    try:
        parts = [source.get(index) for index in np.array_split(np.arange(n), -(-each * n // AT_ONCE))]
        shapes = {tuple(x.shape[1:] for x in part) for part in parts}
    except Ragged:
        if collate is None:
            raise
        shapes = set()
    if len(shapes) != 1:  # a collate_fn that pads each batch to its longest row
        parts = [source.get(np.arange(n))]
    return TensorSource([torch.cat(column).to(device) for column in zip(*parts, strict=True)]), structure


def _checked_weights(weights: Any, n: int) -> Tensor | None:
    """``weights`` as float64 on the CPU, (n,); ValueError where they are none."""
    if weights is None:
        return None
    try:
        weights = as_tensor(weights).detach()
    except (TypeError, ValueError) as error:
        raise TypeError(f"weights is a {type(weights).__name__}; it must be n numbers, one per row.") from error
    if weights.is_complex():
        raise ValueError("weights must be real.")
    weights = weights.cpu().double()
    if weights.shape != (n,):
        raise ValueError(f"weights has shape {tuple(weights.shape)}; one number per row is wanted, ({n},).")
    if not bool(torch.isfinite(weights).all()) or bool((weights < 0).any()):
        raise ValueError("weights must be finite and not negative.")
    if not bool(weights.any()):
        raise ValueError("all weights are 0: no row counts.")
    return weights


def merged(structure: Structure) -> Structure:
    """``structure`` with a tuple of one leaf, or of one leaf twice, written as that leaf (an autoencoder)."""
    tree = structure.tree
    if isinstance(tree, tuple) and len(tree) in (1, 2) and all(node == tree[0] for node in tree):
        return replace(structure, tree=tree[0])
    return structure


def same_form(name: str, given: Structure, own: Structure) -> Structure:
    """``own``, if data formed as ``given`` can be formed so; else ValueError."""
    both = isinstance(given.tree, tuple) and len(set(given.tree)) == 1 and own.tree == given.tree[0]
    if given.tree == own.tree or both:  # both: an autoencoder's (x, x)
        return own
    raise ValueError(
        f"observe[{name!r}] has data of the form {given.tree}, the posterior's is {own.tree}: give it the same form "
        "(numbers stand for tensors)."
    )
