"""The noise of Langevin dynamics: standard normal numbers, on the CPU drawn by all threads."""

from concurrent.futures import ThreadPoolExecutor

import torch

BLOCK = 2**17  # numbers that one generator draws at a time


class Noise:
    """Standard normal numbers in the shape of ``like``, drawn anew by each ``draw()`` into the same tensor.

    torch draws normal numbers on one thread, which for a large model takes as long as its matrix products. So a large
    tensor on the CPU is cut into blocks with a generator each, seeded from ``generator``: what is drawn depends on the
    seed and not on the number of threads.
    """

    def __init__(self, like: torch.Tensor, generator: torch.Generator):
        self._values = torch.empty_like(like, memory_format=torch.contiguous_format)
        self._blocks, self._generators = [self._values.view(-1)], [generator]
        if like.device.type == "cpu" and like.numel() >= 2 * BLOCK:
            self._blocks = self._values.view(-1).split(BLOCK)
            seeds = torch.randint(2**62, (len(self._blocks),), generator=generator).tolist()
            self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        threads = torch.get_num_threads()  # two gain nothing: OpenMP's own still spin on the core after a step
        self._pool = ThreadPoolExecutor(threads) if threads > 2 and len(self._blocks) > 1 else None

    def draw(self) -> torch.Tensor:
        fill = self._pool.map if self._pool else map
        list(fill(_fill, self._blocks, self._generators))
        return self._values


def _fill(block, generator):
    block.normal_(generator=generator)
