"""A model's parameters as one vector w of length d.

Every distinct number is one coordinate, however many Parameters look at it: two Parameters on one storage (tied
weights, also transposed) share their coordinates, so a sampler moves them together and adds its noise once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sltcourse.llc.types import Pieces


@dataclass(frozen=True)
class Window:
    """How one Parameter looks at the block of coordinates it lives in."""

    name: str
    shape: torch.Size
    index: Tensor | None = None  # position in the block of each element; None: the block itself, in order

    def read(self, block: Tensor) -> Tensor:
        """The Parameter's elements, in its own shape, from the ``block`` (size,)."""
        return (block if self.index is None else block[self.index]).reshape(self.shape)

    def write(self, block: Tensor, value: Tensor) -> None:
        """Put the elements ``value``, of the Parameter's shape, into the ``block`` (size,)."""
        if self.index is None:
            block.copy_(value.reshape(-1))
        else:
            block[self.index] = value.reshape(-1)


@dataclass(frozen=True)
class Block:
    """Coordinates that share a storage; ``free`` are the positions to be sampled (None: all of them)."""

    windows: tuple[Window, ...]
    size: int
    free: Tensor | None

    @property
    def num_free(self) -> int:
        """How many coordinates are to be sampled."""
        return self.size if self.free is None else len(self.free)


class Parameters:
    """The layout of a module's parameters in one vector, restricted to the coordinates that are to be sampled.

    ``model``: a module, or names to parameters. ``mask`` maps names of parameters to True, False or a boolean tensor
    of the parameter's shape, or names of modules, for all that is in them, to True or False (refined LLC, Wang et al.
    2024, arXiv:2410.02984); the nearest name counts. What it does not name is held at w*, and so is what has
    ``requires_grad=False``.
    """

    def __init__(self, model: nn.Module | Mapping[str, nn.Parameter], mask: Any = None):
        named = dict(model.named_parameters() if isinstance(model, nn.Module) else model)
        if not named:
            raise ValueError("the model has no parameters: there is nothing to sample.")
        masks = _masks(named, mask)
        self.blocks = [_block([(name, named[name]) for name in group], masks) for group in _sharing(named)]
        self.dim = sum(block.num_free for block in self.blocks)
        if self.dim == 0:
            raise ValueError("no parameter is free: every one is masked out or has requires_grad=False.")

    def free_sizes(self) -> dict[str, int]:
        """The free coordinates of each block that has any, in the order of w; named by the block's first parameter."""
        return {block.windows[0].name: block.num_free for block in self.blocks if block.num_free}

    def values(self, state: Mapping[str, Tensor]) -> list[Tensor]:
        """The blocks, each a vector, filled from ``state`` (names to tensors). ValueError for other shapes."""
        filled = []
        for block in self.blocks:
            first = state[block.windows[0].name]
            vector = torch.empty(block.size, dtype=first.dtype, device=first.device)
            for window in block.windows:
                if state[window.name].shape != window.shape:
                    raise ValueError(
                        f"{window.name} has shape {tuple(state[window.name].shape)} in the checkpoint "
                        f"and {tuple(window.shape)} in the model."
                    )
                window.write(vector, state[window.name].detach())
            filled.append(vector)
        return filled

    def split(self, w: Tensor) -> Pieces:
        """The free coordinates ``w`` (..., d) cut into one piece per block that has any."""
        return w.split([block.num_free for block in self.blocks if block.num_free], dim=-1)

    def join(self, values: list[Tensor]) -> Tensor:
        """The free coordinates (d,) of the block vectors ``values``."""
        return torch.cat(
            [v if b.free is None else v[b.free.to(v.device)] for b, v in zip(self.blocks, values, strict=True)]
        )

    def tensors(self, pieces: Iterable[Tensor], fixed: Sequence[Tensor]) -> dict[str, Tensor]:
        """Names to parameter tensors, from the free ``pieces`` and the block vectors ``fixed`` at w*."""
        out: dict[str, Tensor] = {}
        pieces = iter(pieces)
        for block, at_rest in zip(self.blocks, fixed, strict=True):
            if block.num_free == 0:
                vector = at_rest
            elif block.free is None:
                vector = next(pieces)
            else:
                vector = at_rest.index_copy(0, block.free.to(at_rest.device), next(pieces))
            out.update((window.name, window.read(vector)) for window in block.windows)
        return out


def _masks(named: Mapping[str, nn.Parameter], mask: Any) -> dict[str, Tensor]:
    """A boolean vector per parameter: which of its elements are free."""
    wanted = _wanted(named, mask)
    free = {}
    for name, p in named.items():
        chosen = wanted[name].cpu()
        if chosen.shape not in ((), p.shape):
            raise ValueError(f"mask of {name} has shape {tuple(chosen.shape)}, the parameter {tuple(p.shape)}.")
        free[name] = (chosen & p.requires_grad).expand(p.shape).reshape(-1)
    return free


def _wanted(named: Mapping[str, nn.Parameter], mask: Any) -> dict[str, Tensor]:
    """The boolean that ``mask`` gives to each parameter, by its name or by the longest name of a module above it."""
    if mask is None:
        return {name: torch.tensor(True) for name in named}
    if not isinstance(mask, Mapping):
        example = next(iter(named))
        raise TypeError(
            f"mask is a {type(mask).__name__}; it maps names to booleans, as in mask={{{example!r}: True}}: parameters "
            "or modules to be sampled."
        )
    inside = {name: _prefixes(name) for name in named}
    known = {prefix for prefixes in inside.values() for prefix in prefixes}
    unknown = [str(name) for name in mask if name not in known]
    if unknown:
        raise ValueError(f"mask names {sorted(unknown)}, which the model does not have; it has {sorted(named)}.")
    values = {name: _boolean(name, value) for name, value in mask.items()}
    for name, value in values.items():
        if name not in named and value.ndim:
            raise ValueError(f"mask of the module {name} must be True or False; give tensors by parameter.")
    return {
        name: next((values[prefix] for prefix in prefixes if prefix in values), torch.tensor(False))
        for name, prefixes in inside.items()
    }


def _prefixes(name: str) -> list[str]:
    """``name`` and the names of the modules above it, the nearest first."""
    parts = name.split(".")
    return [".".join(parts[:k]) for k in range(len(parts), 0, -1)]


def _boolean(name: str, value: Any) -> Tensor:
    """``value`` as a boolean tensor; TypeError or ValueError where it is none."""
    try:
        value = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"mask of {name} is a {type(value).__name__}; it must be True, False or booleans.") from error
    if value.layout != torch.strided:
        raise ValueError(f"mask of {name} is a sparse tensor: give .to_dense().")
    if value.dtype != torch.bool:
        raise ValueError(f"mask of {name} holds {value.dtype} numbers; it must be booleans (say mask > 0).")
    return value


def _sharing(named: Mapping[str, nn.Parameter]) -> list[list[str]]:
    """The names in groups, each of Parameters that lie within one stretch of a storage; in the order of ``named``.

    What merely lies in the same storage, one behind the other (flattened weights), shares nothing.
    """
    ends: defaultdict[Any, list[tuple[int, int, str]]] = defaultdict(list)
    for name, p in named.items():
        start = int(p.storage_offset())
        reach = sum((int(size) - 1) * int(stride) for size, stride in zip(p.shape, p.stride(), strict=True))
        ends[p.untyped_storage().data_ptr() if p.numel() else name].append((start, start + reach, name))
    groups: list[set[str]] = []
    for stretches in ends.values():
        last = -1
        for start, end, name in sorted(stretches):
            if start > last:
                groups.append(set())
            groups[-1].add(name)
            last = max(last, end)
    ordered = [[name for name in named if name in group] for group in groups]
    order = list(named)
    return sorted(ordered, key=lambda group: order.index(group[0]))


def _block(named: Sequence[tuple[str, nn.Parameter]], masks: Mapping[str, Tensor]) -> Block:
    """The block of the Parameters ``named``, which share a storage; ValueError where a mask parts them."""
    windows: list[Window] = []
    if len(named) == 1 and named[0][1].is_contiguous():
        name, p = named[0]
        size, free = p.numel(), masks[name]
        windows.append(Window(name, p.shape))
    else:  # several Parameters on one storage, or one with strides: number the distinct elements they touch
        where = {name: _elements(p) for name, p in named}
        distinct = torch.cat(list(where.values())).unique()
        size, free, seen = len(distinct), torch.zeros(len(distinct), dtype=torch.bool), {}
        for name, p in named:
            index = torch.searchsorted(distinct, where[name])
            whole = len(index) == size and torch.equal(index, torch.arange(size))
            windows.append(Window(name, p.shape, None if whole else index.to(p.device)))
            seen[name] = index
            free[index] |= masks[name]
        for name, index in seen.items():
            if not torch.equal(free[index], masks[name]):
                others = [other for other in seen if other != name]
                raise ValueError(
                    f"{name} shares its storage with {others}, but the mask (or requires_grad) frees "
                    "only one of them; tied parameters move together."
                )
    return Block(tuple(windows), size, None if free.all() else free.nonzero().squeeze(1))


def _elements(p: Tensor) -> Tensor:
    """The position in its storage of each element of ``p``, in ``p``'s own order."""
    index = torch.tensor(p.storage_offset())
    for size, stride in zip(p.shape, p.stride(), strict=True):
        index = index.unsqueeze(-1) + torch.arange(size) * stride
    return index.reshape(-1)
