"""Loss and gradient of many chains at once, and the proof at the start of each run that they are the model's own.

The fast way: the model under ``torch.func`` (functional_call, grad, vmap), all chains as one batch, recorded once into
a flat list of tensor operations. The slow way: the plain module, chain by chain, forward and backward, as in a training
loop. No rewriting of somebody's model can be proved right in general. So whatever the fast way uses is compared with
the plain module, for one chain, on real data, a little beside w*; where they differ by more than rounding, or where
the fast way does not work, the slow way runs, and ``notes`` says why.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from sltcourse.llc.plain import out_of_memory
from sltcourse.llc.trace import CannotCompile, trace

SAMPLES_AT_ONCE = 2**18  # rows × chains in one pass over the data, at most
LOSS_TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}  # relative; rounding is ten to a hundred times smaller
GRAD_TOLERANCE = {torch.float32: 2e-3, torch.float64: 1e-8}  # relative to the gradient's norm
HALF_TOLERANCE = 3e-2, 1e-1  # of both, for a model that computes in half precision
BESIDE = 1e-2  # how far from w* they are compared, relative to the size of w*


class Evaluator:
    """Loss and gradient of ``len(points)`` chains; chain k belongs to point ``points[k]`` of ``objective``.

    ``rows``: the data. ``penalty``: μ of the term (μ/2)‖w‖² that the loss gets. ``memory_bytes`` bounds what a pass
    over the data keeps. ``compiled``: see ``trace``. ``notes``: sentences on what could not be done the fast way.
    """

    def __init__(self, objective, rows, points: Tensor, *, penalty=0.0, memory_bytes=2**32, compiled=False):
        self.objective, self.rows, self.points = objective, rows, points
        self.penalty, self.memory_bytes, self.compiled = penalty, memory_bytes, compiled
        self.notes: list[str] = []
        self.looped = False
        if not objective.functional:
            self.give_up("torch.func cannot batch a scripted module.")
        several = len(objective.centers) > 1
        vectors, buffers = objective.fixed
        self._fixed = objective.fixed_at(0)
        if several:
            self._fixed = [v[points] for v in vectors], {k: b[points] for k, b in buffers.items()}
        self._fixed_axis = 0 if several else None
        self._recorded = {}

    def on_batches(self, kind: str, w: Tensor, batch) -> tuple[Tensor, ...]:
        """(loss,) or, of ``kind`` "grad", (loss, gradient) of w (chains, d), each chain on its own minibatch.

        A gradient is not recorded here: it is part of a sampler's step, which is recorded as a whole.
        """
        if self.looped:
            out = self._plain(kind, w, batch, "own")
        else:
            out = self.batched(kind, "own")(w, *batch) if kind == "grad" else self._run(kind, w, batch, "own")
        if not self.penalty:
            return out
        loss = out[0] + 0.5 * self.penalty * w.square().sum(1)
        return (loss,) if kind == "loss" else (loss, out[1] + self.penalty * w)

    def over_data(self, kind: str, w: Tensor) -> tuple[Tensor, ...]:
        """(loss,) or (loss, gradient) of w (chains, d) on all the data, slice by slice."""
        if self.rows is None:
            return tuple(self._run(kind, w, (), "shared"))
        try:
            return self._over_slices(kind, w)
        except (RuntimeError, MemoryError) as error:
            rows = slice_size(self.objective, self.rows, len(w), self.memory_bytes)
            if not out_of_memory(error) or rows == 1:
                raise
        # half as many rows at a time
        self.memory_bytes = min(self.memory_bytes, rows * len(w) * self.objective.bytes_per_row) / 2
        if w.device.type == "cuda":
            torch.cuda.empty_cache()
        return self.over_data(kind, w)

    def _over_slices(self, kind, w):
        total = None
        for batch, share in self.rows.passes(slice_size(self.objective, self.rows, len(w), self.memory_bytes)):
            if isinstance(share, Tensor):  # rows of different weights
                parts = self._run(kind, w, (*batch, share), "uneven")
            else:
                parts = [part.mul_(share) for part in self._run(kind, w, batch, "shared")]
            total = parts if total is None else [t.add_(p) for t, p in zip(total, parts, strict=True)]
        if self.penalty:
            total[0].add_(w.square().sum(1), alpha=0.5 * self.penalty)
            if kind == "grad":
                total[1].add_(w, alpha=self.penalty)
        return tuple(total)

    def batched(self, kind: str, which: str) -> Callable:
        """The function (w, *batch) of all chains, not recorded.

        ``which`` batch: "own", a minibatch for each chain, (chains, rows, ...); "shared", rows of the data for all
        chains; "uneven", the same with a last tensor (rows,), what each row's loss is multiplied by.
        """

        def uneven(pieces, fixed, batch):
            *batch, share = batch
            return self.objective.part(pieces, fixed, tuple(batch), share)

        one = {"own": self.objective, "shared": self.objective.raw, "uneven": uneven}[which]
        many = vmap(
            one if kind == "loss" else grad_and_value(one), in_dims=(0, self._fixed_axis, 0 if which == "own" else None)
        )

        def function(w, *batch):
            out = many(self.objective.split(w), self._fixed, batch)
            if kind == "loss":
                return [out.to(w.dtype).clone()]
            pieces, loss = out
            return [loss.to(w.dtype).clone(), torch.cat(pieces, dim=1)]  # fresh tensors: the samplers overwrite them

        return function

    def give_up(self, reason: str) -> None:
        """From now on, chain by chain."""
        self.looped = True
        self.notes.append(f"the chains ran one by one, which is slower: {reason}")

    def _run(self, kind, w, batch, which) -> list[Tensor]:
        key, w = (kind, which, len(w), len(batch[0]) if batch else 0), w.contiguous()
        if not self.looped and key not in self._recorded:
            self._recorded[key] = self._record(kind, w, batch, which)
        return self._plain(kind, w, batch, which) if self.looped else list(self._recorded[key](w, *batch))

    def _record(self, kind, w, batch, which):
        """The recorded function, compared with the plain module; None, and ``looped``, where that fails."""
        try:
            try:
                function = trace(self.batched(kind, which), w, *batch, compiled=self.compiled)
            except CannotCompile:
                raise
            except Exception:
                if kind == "grad":
                    raise
                # some layers (LSTM, GRU, RNN) can be batched with a gradient only
                both = self.batched("grad", which)
                function = trace(both, w, *batch, compiled=self.compiled, forward_only=True)
        except CannotCompile:
            raise
        except Exception as error:
            if out_of_memory(error):
                raise
            self.give_up(f"torch.func cannot batch this model ({first_line(error)}).")
            return None
        reason = self.difference(function, w, batch, which)
        if reason:
            self.give_up(reason)
            return None
        return function

    def difference(self, function, w, batch, which, finish=None, beside=True) -> str | None:
        """What ``function(w, *batch)`` gets wrong for the last chain a little beside its w*, or None.

        ``function`` returns [loss] or [loss, gradient]. ``finish(loss, gradient, w, chain)``: what the function makes
        of the plain module's; None: it returns just these. Not ``beside``: at ``w`` itself.
        """
        chain = len(w) - 1
        w = self.beside(w) if beside else w
        got = [x[chain] for x in function(w.clone(), *batch)]  # a step moves what it is given
        loss, grad = self._plain_one(w[chain], chain, batch, which, len(got) > 1)
        if not torch.isfinite(loss):
            return None  # nothing to compare: the run itself will say that the loss is not finite
        if finish is not None:
            loss, grad = finish(loss, grad, w[chain], chain)
        of_loss, of_grad = LOSS_TOLERANCE[w.dtype], GRAD_TOLERANCE[w.dtype]
        if self.objective.native:
            of_loss, of_grad = HALF_TOLERANCE
        if not (got[0] - loss).abs() <= of_loss * loss.abs() + torch.finfo(w.dtype).tiny:
            return f"batched over chains its loss is {got[0].item():.6g}, where the model's own is {loss.item():.6g}."
        if len(got) > 1:
            off, size = (got[1] - grad).norm(), grad.norm()
            if not off <= of_grad * size + torch.finfo(w.dtype).tiny:
                return f"batched over chains its gradient is off by {(off / size).item():.1%} of its norm."
        return None

    def beside(self, w: Tensor) -> Tensor:
        """A fixed small step away from ``w``, other in every coordinate."""
        ripple = torch.cos(2.4 * torch.arange(w.shape[1], device=w.device, dtype=torch.float64)).to(w.dtype)
        size = w.square().mean(1, keepdim=True).sqrt()
        return w + BESIDE * torch.where(size > 0, size, 1.0) * ripple

    def _plain(self, kind, w, batch, which) -> list[Tensor]:
        results = [self._plain_one(w[k], k, batch, which, kind == "grad") for k in range(len(w))]
        return [torch.stack(column) for column in zip(*results, strict=True) if column[0] is not None]

    def _plain_one(self, w, chain, batch, which, with_grad):
        """Loss and gradient (or None) of one chain by the plain module."""
        batch, share = {
            "own": lambda: (tuple(x[chain] for x in batch), None),
            "shared": lambda: (batch, 1.0),
            "uneven": lambda: (batch[:-1], batch[-1]),
        }[which]()
        loss, grad = self.objective.plain(w, int(self.points[chain]), batch, with_grad, share)
        return loss.to(w.dtype), grad


def slice_size(objective, rows, chains: int, memory_bytes: float) -> int:
    """How many rows a pass over the data takes at once, so that what ``chains`` chains keep fits the memory."""
    fit = int(memory_bytes / (chains * max(1, 2 * objective.bytes_per_row)))  # the gradient takes as much again
    return max(1, min(rows.num_samples, fit, math.ceil(SAMPLES_AT_ONCE / chains)))


def first_line(error: Exception) -> str:
    """The error's first line, cut at 160 characters."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 160 else line[:157] + "..."
