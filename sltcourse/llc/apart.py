"""Large models: the chains apart, each by the recorded function of one chain, several at a time on as many threads.

Batched over chains, what the gradient of a large model keeps falls out of the processor's cache, and fused attention on
the CPU has no batched form. Of one chain the model runs by the kernels that it was written for, and the threads of the
processor share the chains. Small models are batched: apart, they would mostly wait for Python.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import grad_and_value

from sltcourse.llc.types import Batch, Fixed

if TYPE_CHECKING:
    from sltcourse.llc.evaluate import Evaluator

LARGE = 2**22  # bytes that autograd keeps for the gradient of one chain


class Apart:
    """The function (w, *batch) of all chains that ``Evaluator.batched`` describes, one chain after another.

    ``one(pieces, fixed, batch)`` is the loss of one chain. Recorded at ``w`` (chains, d) and ``batch``, for others of
    their shapes; raises what the tracing raises.
    """

    def __init__(
        self,
        evaluator: "Evaluator",
        kind: str,
        which: str,
        one: Callable[..., Tensor],
        w: Tensor,
        batch: Batch,
    ):
        self._evaluator, self._kind, self._which, self._one = evaluator, kind, which, one
        fixed = [evaluator.objective.fixed_at(int(point)) for point in evaluator.points]
        self._fixed = [[*vectors, *buffers.values()] for vectors, buffers in fixed]
        self._blocks, self._names = len(fixed[0][0]), list(fixed[0][1])
        self._recorded = evaluator.trace(self._single, *self._arguments(0, w, batch), batched=False)

    def __call__(self, w: Tensor, *batch: Tensor) -> list[Tensor]:
        """[loss (chains,)], or [loss, gradient (chains, d)], of w (chains, d)."""
        recorded = self._recorded
        pool, threads = self._evaluator.pool, torch.get_num_threads()
        jobs = [self._arguments(k, w, batch) for k in range(len(w))]
        if pool is None:
            results = [recorded(*job) for job in jobs]
        else:
            try:
                torch.set_num_threads(1)
                results = list(pool.map(lambda job: _alone(recorded, job), jobs))
            finally:
                torch.set_num_threads(threads)
        return [torch.stack(column) for column in zip(*results, strict=True)]

    def _arguments(self, chain: int, w: Tensor, batch: Batch) -> list[Tensor]:
        """What the recorded function takes for one chain: w (d,), what is not sampled, and its batch."""
        mine = [x[chain].contiguous() for x in batch] if self._which == "own" else batch
        return [w[chain], *self._fixed[chain], *mine]

    def _single(self, w: Tensor, *rest: Tensor) -> list[Tensor]:
        """[loss], or [loss, gradient (d,)], of one chain."""
        buffers = self._blocks + len(self._names)
        fixed: Fixed = list(rest[: self._blocks]), dict(zip(self._names, rest[self._blocks : buffers], strict=True))
        pieces, batch = self._evaluator.objective.split(w), rest[buffers:]
        if self._kind == "loss":
            return [self._one(pieces, fixed, batch).to(w.dtype).clone()]
        grads, loss = grad_and_value(self._one)(pieces, fixed, batch)
        return [loss.to(w.dtype).clone(), torch.cat(grads)]


def _alone(recorded: Callable[..., list[Tensor]], job: list[Tensor]) -> list[Tensor]:
    """What is recorded, on the pool's thread alone. A thread that sets this as it starts might do so behind a run, and
    the matrix library has one number for all threads."""
    torch.set_num_threads(1)
    return recorded(*job)


def pool_of(threads: int) -> ThreadPoolExecutor | None:
    """A pool of so many threads; None for one."""
    return None if threads < 2 else ThreadPoolExecutor(threads, "chains")


def large(evaluator: "Evaluator", batch_size: int | None) -> bool:
    """Whether the chains go apart: a rule of size alone, so that a seed gives the same draws at each run.

    ``batch_size``: None at full batch.
    """
    objective = evaluator.objective
    if evaluator.looped or evaluator.rows is None or objective.device.type != "cpu":
        return False
    rows = evaluator.slice_size(len(evaluator.points)) if batch_size is None else batch_size
    return objective.bytes_per_row * rows + objective.bytes_at_rest >= LARGE
