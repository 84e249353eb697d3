"""Rows that lie on the device, and minibatches gathered from them there."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from sltcourse.llc.types import Batch

THIN = 16  # a table with this many columns or fewer is gathered column by column


class TensorSource:
    """Leaves that lie on the device."""

    def __init__(self, leaves: Sequence[Tensor]):
        self.leaves = tuple(leaves)

    def __len__(self) -> int:
        return len(self.leaves[0])

    @cached_property
    def columns(self) -> list[Tensor | None]:
        """Thin tables column by column, else None, for each leaf."""
        return [x.T.contiguous() if x.ndim == 2 and x.shape[1] <= THIN else None for x in self.leaves]


class Minibatches:
    """Minibatches gathered on the device; the index is one tensor, filled again at each draw."""

    def __init__(
        self,
        source: TensorSource,
        chains: int,
        size: int,
        generator: torch.Generator | None,
        cumulative: Tensor | None,
        *,
        by_columns: bool = True,
    ):
        self._leaves, self._n, self.size = source.leaves, len(source), size
        self._columns = source.columns if by_columns else [None] * len(source.leaves)
        device = self._leaves[0].device
        self._index = torch.zeros(chains, size, dtype=torch.long, device=device)
        self._generator = generator
        self._cumulative: Tensor | None = None
        if cumulative is not None:
            real = torch.float32 if device.type == "mps" else torch.float64
            self._last = int((cumulative < 1).sum().clamp(max=self._n - 1))  # the last row that can be drawn
            self._cumulative = cumulative.to(device, real)
            self._uniform = torch.zeros(chains, size, dtype=real, device=device)

    @torch.inference_mode(False)
    def draw(self) -> Batch:
        """Leaves (chains, size, ...); thin tables come column by column, where that is wanted."""
        chains, size = self._index.shape
        if self._cumulative is None:
            self._index.random_(0, self._n, generator=self._generator)
        else:
            self._uniform.uniform_(generator=self._generator)
            torch.searchsorted(self._cumulative, self._uniform, right=True, out=self._index)
            self._index.clamp_(max=self._last)
        flat = self._index.view(-1)
        return tuple(
            x.index_select(0, flat).view(chains, size, *x.shape[1:])
            if columns is None
            else columns.index_select(1, flat).view(-1, chains, size).permute(1, 2, 0)
            for x, columns in zip(self._leaves, self._columns, strict=True)
        )

    def seek(self, step: int) -> None:
        """Nothing to do: where the draws stand is in the generator."""
