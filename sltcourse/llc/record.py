"""Rows of numbers that are kept of every draw."""

import numpy as np
from torch import Tensor

BLOCK = 256  # draws that are kept on the device before they are moved out


class Record:
    """The rows of numbers (RECORDED, chains) of each draw, kept on the device and moved out in blocks."""

    def __init__(self) -> None:
        self._now: Tensor | None = None
        self._blocks: list[np.ndarray] = []
        self._count = 0

    def add(self, row: Tensor) -> None:
        """One draw, (rows, chains)."""
        if self._now is None:
            self._now = row.new_zeros((BLOCK, *row.shape))
        self._now[self._count].copy_(row)
        self._count += 1
        if self._count == BLOCK:
            self._move_out()

    def _move_out(self) -> None:
        """Move what is held on the device out."""
        if self._now is not None:
            self._blocks.append(self._now[: self._count].cpu().double().numpy().copy())
        self._count = 0

    def array(self, chains: int, rows: int) -> np.ndarray:
        """All of it, (rows, chains, draws)."""
        if self._count:
            self._move_out()
        if not self._blocks:
            return np.zeros((rows, chains, 0))
        return np.moveaxis(np.concatenate(self._blocks), 0, 2)
