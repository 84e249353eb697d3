"""One thread for small tensors: several lose more to waiting for each other than they gain, most on a busy machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 2**25  # bytes a step touches, or multiplications in a pass over the data


@contextmanager
def threads_for(work: float) -> Iterator[None]:
    """Compute on one thread if ``work`` is small, else on as many as torch is set to."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if work < SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
