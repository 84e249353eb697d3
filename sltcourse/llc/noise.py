"""The noise of Langevin dynamics: standard normal numbers."""

import json
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sltcourse.llc.trace import trace

LARGE = 2**18  # about where two threads begin to beat torch's normal_, which uses one


class Noise:
    """Standard normal numbers in the shape of ``like``, drawn anew by each ``draw()`` into the same tensor.

    A large draw on the CPU is made from random bits (SFC64, seeded from ``generator``) by Box and Muller's
    transformation, which runs on all threads and gives the same numbers on any number of them. ``compiled``: see
    ``trace``.
    """

    def __init__(self, like: torch.Tensor, generator: torch.Generator, compiled: bool = False):
        size, self._generator = like.numel(), generator
        self._transform: Callable[..., object] | None = None
        self._halves = torch.empty(2, (size + 1) // 2, device=like.device, dtype=like.dtype)
        self._values = self._halves.view(-1)[:size].view(like.shape)
        if like.device.type == "cpu" and size >= LARGE:
            seed = int(torch.randint(2**62, (), generator=generator))
            self._bits = np.random.Generator(np.random.SFC64(seed))
            self._transform = trace(_box_muller, *self._halves, *self._draw_bits(), compiled=compiled)

    def draw(self) -> torch.Tensor:
        """New numbers, in the shape of ``like``; the tensor is the same each time."""
        if self._transform is None:
            return self._values.normal_(generator=self._generator)
        self._transform(*self._halves, *self._draw_bits())
        return self._values

    def bits_state(self) -> bytes | None:
        """Where the random bits stand, 256 bytes; None where there are none but the generator's."""
        if self._transform is None:
            return None
        return json.dumps(self._bits.bit_generator.state, default=np.ndarray.tolist).ljust(256).encode()

    def restore_bits(self, state: bytes) -> None:
        """Go on from ``bits_state()``."""
        known = json.loads(state)
        known["state"]["state"] = np.array(known["state"]["state"], np.uint64)
        self._bits.bit_generator.state = known

    def _draw_bits(self) -> torch.Tensor:
        """Fresh random bits, whole numbers of 32 bits in the shape of the two halves."""
        words = self._bits.integers(2**64, size=self._halves.shape[1], dtype=np.uint64)
        return torch.from_numpy(words.view(np.int32)).view(2, -1)


def _box_muller(cosine: Tensor, sine: Tensor, bits: Tensor, more: Tensor) -> list[Tensor]:
    """Fill ``cosine`` and ``sine`` (k,) with normal numbers, given random whole numbers from −2³¹ to 2³¹ − 1."""
    uniform = bits.to(sine.dtype).abs_().add_(0.5).div_(2**31).clamp_(max=1)
    radius, angle = uniform.log_().mul_(-2).sqrt_(), more.to(sine.dtype).mul_(math.pi / 2**31)
    cosine.copy_(angle).cos_().mul_(radius)
    sine.copy_(angle).sin_().mul_(radius)
    return []
