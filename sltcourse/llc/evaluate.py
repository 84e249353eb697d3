"""Loss and gradient of many chains at once, and the proof at the start of each run that they are the model's own.

The fast way: the model under ``torch.func`` (functional_call, grad, vmap), all chains as one batch, recorded once into
a flat list of tensor operations; for large models, the same of one chain, see ``apart``. The slow way: the plain
module, chain by chain, forward and backward, as in a training loop. No rewriting of somebody's model can be proved
right in general. So whatever the fast way uses is compared with the plain module, for one chain, on real data, a little
beside w*; where they differ by more than rounding, or where the fast way does not work, the slow way runs, and
``notes`` says why.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

import torch
from torch import Tensor
from torch.func import grad_and_value, vjp, vmap

from sltcourse.llc.apart import Apart, large, pool_of
from sltcourse.llc.data import Rows
from sltcourse.llc.devices import refuse_autocast
from sltcourse.llc.plain import out_of_memory
from sltcourse.llc.trace import CannotCompile, trace
from sltcourse.llc.types import Batch, Fixed, Pieces, Share

if TYPE_CHECKING:
    from sltcourse.llc.objective import Objective

Recorded = Callable[..., list[Tensor]]
"""A function (w, *batch) of all chains: [loss (chains,)], or [loss, gradient (chains, d)]."""
Finish = Callable[[Tensor, Tensor | None, Tensor, int, Batch], tuple[Tensor, Tensor | None, float, float]]
"""(loss, gradient, w (d,), chain, batch) of the plain module to what a recorded function makes of them, and the sizes
of loss and gradient that rounding is relative to, where these are larger than what comes out."""

SAMPLES_AT_ONCE = 2**18  # rows × chains in one pass over the data, at most
LOSS_TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}  # relative; rounding is ten to a hundred times smaller
GRAD_TOLERANCE = {torch.float32: 2e-3, torch.float64: 1e-8}  # relative to the gradient's norm
HALF_TOLERANCE = 3e-2, 1e-1  # of both, for a model that computes in half precision
BESIDE = 1e-2  # how far from w* they are compared, relative to the size of w*


class Evaluator:
    """Loss and gradient of ``len(points)`` chains; chain k belongs to point ``points[k]`` of ``objective``.

    ``rows``: the data. ``penalty``: μ of the term (μ/2)‖w‖² that the loss gets. ``memory_bytes`` bounds what a pass
    over the data keeps. ``compiled``: see ``trace``. ``notes``: sentences on what could not be done the fast way.
    ``looped``: the chains run one by one by the plain module; ``apart``: one by one by a recorded function.
    """

    def __init__(
        self,
        objective: "Objective",
        rows: Rows | None,
        points: Tensor,
        *,
        penalty: float = 0.0,
        memory_bytes: float = 2**32,
        compiled: bool = False,
    ):
        refuse_autocast(objective.device)
        self.objective, self.rows, self.points = objective, rows, points
        self.penalty, self.memory_bytes, self.compiled = penalty, memory_bytes, compiled
        self.notes: list[str] = []
        self.looped = self.apart = False
        self.pool: ThreadPoolExecutor | None = None  # the threads that share chains apart; None: one does it all
        if not objective.functional:
            self.give_up(objective.why_not_functional)
        self._fixed, self._fixed_axis = objective.fixed_of(points)
        self._recorded: dict[tuple[object, ...], Recorded] = {}

    @overload
    def on_batches(self, kind: Literal["loss"], w: Tensor, batch: Batch) -> tuple[Tensor]: ...

    @overload
    def on_batches(self, kind: Literal["grad"], w: Tensor, batch: Batch) -> tuple[Tensor, Tensor]: ...

    def on_batches(self, kind: str, w: Tensor, batch: Batch) -> tuple[Tensor, ...]:
        """(loss,) or, of ``kind`` "grad", (loss, gradient) of w (chains, d), each chain on its own minibatch.

        A batched gradient is not recorded here: it is part of a sampler's step, which is recorded as a whole.
        """
        if kind == "loss" or self.stepwise:
            out = self._run(kind, w, batch, "own")
        else:
            out = self.batched(kind, "own")(w, *batch)
        if not self.penalty:
            return tuple(out)
        loss = out[0] + 0.5 * self.penalty * w.square().sum(1)
        return (loss,) if kind == "loss" else (loss, out[1] + self.penalty * w)

    @overload
    def over_data(self, kind: Literal["loss"], w: Tensor) -> tuple[Tensor]: ...

    @overload
    def over_data(self, kind: Literal["grad"], w: Tensor) -> tuple[Tensor, Tensor]: ...

    def over_data(self, kind: Literal["loss", "grad"], w: Tensor) -> tuple[Tensor, ...]:
        """(loss,) or (loss, gradient) of w (chains, d) on all the data, slice by slice."""
        if self.rows is None:
            return tuple(self._run(kind, w, (), "shared"))
        try:
            return self._over_slices(kind, w, self.rows)
        except (RuntimeError, MemoryError) as error:
            rows = self.slice_size(len(w))
            if not out_of_memory(error) or rows == 1:
                raise
        # half as many rows at a time
        self.memory_bytes = min(self.memory_bytes, rows * len(w) * self.objective.bytes_per_row) / 2
        if w.device.type == "cuda":
            torch.cuda.empty_cache()
        return self.over_data(kind, w)

    def _over_slices(self, kind: str, w: Tensor, rows: Rows) -> tuple[Tensor, ...]:
        """``over_data``, with what fits the memory at a time."""
        total: list[Tensor] = []
        for batch, share in rows.passes(self.slice_size(len(w))):
            if isinstance(share, Tensor):  # rows of different weights
                parts = self._run(kind, w, (*batch, share), "uneven")
            else:
                parts = [part.mul_(share) for part in self._run(kind, w, batch, "shared")]
            total = [t.add_(p) for t, p in zip(total, parts, strict=True)] if total else parts
        if self.penalty:
            total[0].add_(w.square().sum(1), alpha=0.5 * self.penalty)
            if kind == "grad":
                total[1].add_(w, alpha=self.penalty)
        return tuple(total)

    def batched(self, kind: str, which: str, one: Callable[..., Tensor] | None = None) -> Recorded:
        """The function (w, *batch) of all chains, not recorded; ``one``: that of one chain, None: ``one_chain``.

        ``which`` batch: "own", a minibatch for each chain, (chains, rows, ...); "shared", rows of the data for all
        chains; "uneven", the same with a last tensor (rows,), what each row's loss is multiplied by.
        """
        one = self.one_chain(which) if one is None else one
        many: Callable[..., Any] = vmap(
            one if kind == "loss" else grad_and_value(one), in_dims=(0, self._fixed_axis, 0 if which == "own" else None)
        )

        def function(w: Tensor, *batch: Tensor) -> list[Tensor]:
            out = many(self.objective.split(w), self._fixed, batch)
            if kind == "loss":
                return [out.to(w.dtype).clone()]
            pieces, loss = out
            return [loss.to(w.dtype).clone(), torch.cat(pieces, dim=1)]  # fresh tensors: the samplers overwrite them

        return function

    def one_chain(self, which: str) -> Callable[[Pieces, Fixed, Batch], Tensor]:
        """The mean loss of one chain on a batch of that kind, see ``batched``."""

        def uneven(pieces: Pieces, fixed: Fixed, batch: Batch) -> Tensor:
            return self.objective.part(pieces, fixed, batch[:-1], batch[-1])

        ways: dict[str, Callable[[Pieces, Fixed, Batch], Tensor]] = {
            "own": self.objective,
            "shared": self.objective.raw,
            "uneven": uneven,
        }
        return ways[which]

    @property
    def stepwise(self) -> bool:
        """Whether a gradient is computed by itself, and not as a part of a sampler's recorded step."""
        return self.looped or self.apart

    def choose(self, batch_size: int | None, way: str = "") -> None:
        """Batched or apart, see ``apart``; ``way``: that of an earlier part of the same run, see the property."""
        self.looped |= way == "plain"
        self.apart = way == "apart" if way else large(self, batch_size)
        self.pool = pool_of(torch.get_num_threads()) if self.apart and not self.compiled else None

    @property
    def way(self) -> str:
        """How the chains run: "batched", "apart" or "plain"."""
        return "plain" if self.looped else "apart" if self.apart else "batched"

    @property
    def _how(self) -> str:
        """How what is recorded runs, in words."""
        return "recorded" if self.apart else "batched over chains"

    def slice_size(self, chains: int) -> int:
        """How many rows a pass over the data takes at once."""
        assert self.rows is not None
        return slice_size(self.objective, self.rows, chains, self.memory_bytes)

    def give_up(self, reason: str) -> None:
        """From now on, chain by chain."""
        self.looped = True
        self.notes.append(f"the chains ran one by one, which is slower: {reason}")

    def _run(self, kind: str, w: Tensor, batch: Batch, which: str) -> list[Tensor]:
        """What ``batched`` says, recorded, or chain by chain."""
        key, w = (kind, which, len(w), *(x.shape for x in batch)), w.contiguous()
        if not self.looped and key not in self._recorded:
            recorded = self._record(kind, w, batch, which)
            if recorded is not None:
                self._recorded[key] = recorded
        plain = partial(self._plain, kind, w, batch, which)
        return plain() if self.looped else list(self.attempt(lambda: self._recorded[key](w, *batch), plain))

    def _record(self, kind: str, w: Tensor, batch: Batch, which: str) -> Recorded | None:
        """The recorded function, compared with the plain module; None, and ``looped``, where that fails."""
        try:
            function = self.function(kind, which, w, batch)
        except CannotCompile:
            raise
        except Exception as error:
            self._fall_back(error)
            return None
        reason = self.difference(function, w, batch, which)
        if reason:
            self.give_up(reason)
            return None
        return function

    def function(self, kind: str, which: str, w: Tensor, batch: Batch) -> Recorded:
        """What ``batched`` says, recorded; raises what the tracing raises."""
        try:
            return self._function(kind, which, w, batch)
        except CannotCompile:
            raise
        except Exception as error:
            if kind != "loss" or out_of_memory(error):
                raise
            return self._function(kind, which, w, batch, as_for_gradient_of(self.one_chain(which)))

    def _function(
        self, kind: str, which: str, w: Tensor, batch: Batch, one: Callable[..., Tensor] | None = None
    ) -> Recorded:
        """``function``, of ``one``, the loss of one chain; None: ``one_chain``."""
        if self.apart:
            return Apart(self, kind, which, one or self.one_chain(which), w, batch)
        return self.trace(self.batched(kind, which, *([one] if one else ())), w, *batch)

    def trace(self, function: Callable[..., Any], *args: Tensor, **options: bool) -> Callable[..., Any]:
        """``function`` recorded at ``args``, see ``trace``."""
        return trace(function, *args, compiled=self.compiled, **options)

    def recorded(self, function: Callable[..., Any], *args: Tensor) -> Callable[..., Any] | None:
        """``function`` recorded at ``args``; None, and ``looped``, where torch.func cannot batch it.

        Raises CannotCompile where the function is to be compiled and cannot be.
        """
        try:
            return self.trace(function, *args)
        except CannotCompile:
            raise
        except Exception as error:
            self._fall_back(error)
            return None

    def attempt(self, recorded: Callable[[], Any], plain: Callable[[], Any]) -> Any:
        """``recorded()``; where what was recorded on one minibatch fails on this one, ``plain()``, from now on.

        Operations whose results are as large as the data say (a selection, CTC) may do so.
        """
        try:
            return recorded()
        except Exception as error:
            if out_of_memory(error):
                raise
            self.give_up(f"{self._how} it fails on another minibatch ({first_line(error)}).")
        return plain()

    def _fall_back(self, error: Exception) -> None:
        """Chain by chain from now on, as torch.func cannot; raises the error of a memory that is full."""
        if out_of_memory(error):
            raise error
        self.give_up(f"torch.func cannot {'trace' if self.apart else 'batch'} this model ({first_line(error)}).")

    def difference(
        self,
        function: Recorded,
        w: Tensor,
        batch: Batch,
        which: str,
        finish: "Finish | None" = None,
        beside: bool = True,
    ) -> str | None:
        """What ``function(w, *batch)`` gets wrong for the last chain a little beside its w*, or None.

        ``function`` returns [loss] or [loss, gradient]. ``finish``: what it makes of the plain module's; None: it
        returns just these. Not ``beside``: at ``w`` itself.
        """
        chain = len(w) - 1
        w = self.beside(w) if beside else w
        try:
            got = [x[chain] for x in function(w.clone(), *batch)]  # a step moves what it is given
        except Exception as error:
            if out_of_memory(error):
                raise
            return f"{self._how} it fails on another minibatch ({first_line(error)})."
        loss, grad = self.plain_one(w[chain], chain, batch, which, len(got) > 1)
        if not torch.isfinite(loss):
            return None  # nothing to compare: the run itself will say that the loss is not finite
        loss_size = grad_size = 0.0
        if finish is not None:
            loss, grad, loss_size, grad_size = finish(loss, grad, w[chain], chain, batch)
        of_loss, of_grad = LOSS_TOLERANCE[w.dtype], GRAD_TOLERANCE[w.dtype]
        if self.objective.native:
            of_loss, of_grad = HALF_TOLERANCE
        if not (got[0] - loss).abs() <= of_loss * max(loss.abs().item(), loss_size) + torch.finfo(w.dtype).tiny:
            return f"{self._how} its loss is {got[0].item():.6g}, where the model's own is {loss.item():.6g}."
        if len(got) > 1 and grad is not None:
            off, size = (got[1] - grad).norm(), grad.norm()
            if not off <= of_grad * max(size.item(), grad_size) + torch.finfo(w.dtype).tiny:
                return f"{self._how} its gradient is off by {(off / size).item():.1%} of its norm."
        return None

    def beside(self, w: Tensor) -> Tensor:
        """A fixed small step away from ``w``, other in every coordinate."""
        ripple = torch.cos(2.4 * torch.arange(w.shape[1], device=w.device, dtype=torch.float64)).to(w.dtype)
        size = w.square().mean(1, keepdim=True).sqrt()
        return w + BESIDE * torch.where(size > 0, size, 1.0) * ripple

    def _plain(self, kind: str, w: Tensor, batch: Batch, which: str) -> list[Tensor]:
        """What ``batched`` says, chain by chain by the plain module."""
        results = [self.plain_one(w[k], k, batch, which, kind == "grad") for k in range(len(w))]
        losses, gradients = zip(*results, strict=True)
        return [torch.stack(losses)] if kind == "loss" else [torch.stack(losses), torch.stack(gradients)]

    def plain_one(
        self, w: Tensor, chain: int, batch: Batch, which: str, with_grad: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Loss and gradient (or None) of one chain by the plain module."""
        share: Share | None = 1.0
        if which == "own":
            batch, share = tuple(x[chain] for x in batch), None
        elif which == "uneven":
            batch, share = batch[:-1], batch[-1]
        loss, grad = self.objective.plain(w, int(self.points[chain]), batch, with_grad, share)
        return loss.to(w.dtype), grad


def as_for_gradient_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function(pieces, *rest)``, computed as for a gradient: LSTM, GRU and RNN can be batched only so."""
    return lambda pieces, *rest: vjp(lambda free: function(free, *rest), pieces)[0]


def slice_size(objective: "Objective", rows: Rows, chains: int, memory_bytes: float) -> int:
    """How many rows a pass over the data takes at once, so that what ``chains`` chains keep fits the memory."""
    fit = int(memory_bytes / (chains * max(1, 2 * objective.bytes_per_row)))  # the gradient takes as much again
    return max(1, min(rows.num_samples, fit, math.ceil(SAMPLES_AT_ONCE / chains)))


def first_line(error: Exception) -> str:
    """The error's first line, cut at 160 characters."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 160 else line[:157] + "..."
