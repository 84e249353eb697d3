"""The noise of Langevin dynamics: standard normal numbers, or numbers of four values that do as well and cost less."""

import math

import torch
from torch import Tensor

LARGE = 2**18  # numbers in a draw from which on they are not normal: below, the draw costs next to nothing

# ±FAR with probability 1/16 each and ±NEAR with 7/16 each have the moments of a standard normal number up to the fifth;
# their sixth is 13.4, in place of 15.
FAR, NEAR = math.sqrt(1 + math.sqrt(14)), math.sqrt(1 - math.sqrt(14) / 7)


class Noise:
    """Random numbers of mean 0 and variance 1 in the shape of ``like``, drawn anew by each ``draw()`` into one tensor.

    A small draw, or one on a GPU, is standard normal. A large one on the CPU takes one of sixteen equally likely
    numbers, from four random bits, in a sixth of the time. A step of Langevin dynamics is a weak approximation: what
    its draws converge to, and how fast in the step size, rests on the first moments of the noise (Milstein & Tretyakov
    2004, section 2.1). Three suffice for SGLD, whose errors are of first order in the step; five for the second order
    of WhitenedSGLD. Noise of signs, which matches three, would cost the latter a part of its order.

    All random bits come from ``generator``, so its state says where the noise stands.
    """

    def __init__(self, like: Tensor, generator: torch.Generator):
        size, self._generator = like.numel(), generator
        self._few = like.device.type == "cpu" and size >= LARGE
        if not self._few:
            self._values = torch.empty(like.shape, device=like.device, dtype=like.dtype)
            return
        table = table_of(like.dtype)
        self._words = torch.empty(-(-size // 16), dtype=torch.int64)
        self._index = torch.empty(8 * len(self._words), dtype=torch.int32)
        pairs = torch.empty(len(self._index), 2, dtype=like.dtype)
        self._table, self._pairs = torch.view_as_complex(table), torch.view_as_complex(pairs)  # two in one gathering
        self._values = pairs.view(-1)[:size].view(like.shape)

    def draw(self) -> Tensor:
        """New numbers, in the shape of ``like``; the tensor is the same each time."""
        if not self._few:
            return self._values.normal_(generator=self._generator)
        self._words.random_(-(2**63), None, generator=self._generator)  # all 64 bits of a word
        self._index.copy_(self._words.view(torch.uint8))
        torch.index_select(self._table, 0, self._index, out=self._pairs)
        return self._values


def table_of(dtype: torch.dtype) -> Tensor:
    """(256, 2): the two numbers that a byte stands for, four bits each."""
    half = torch.tensor([FAR] + [NEAR] * 7, dtype=torch.float64)
    sixteen = torch.cat([half, -half])
    byte = torch.arange(256)
    return torch.stack([sixteen[byte % 16], sixteen[byte // 16]], 1).to(dtype)
