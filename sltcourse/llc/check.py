"""Is it a loss that can be sampled? One finite number, a function of w and of the rows alone, a mean over rows."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from sltcourse.llc.data import Rows
from sltcourse.llc.spy import Listener, Spy, free_storages
from sltcourse.llc.types import Batch

if TYPE_CHECKING:
    from sltcourse.llc.objective import Objective

ROWS = 12  # rows whose single losses are compared with those of batches of them
LOOKED_AT = 4096, 256  # rows looked through for masks and padding: in memory, or read by rows
LOOKED_AT_BYTES = 2**26  # and no more than this
ROUNDING = {torch.float64: (1e-11, 1e-7), torch.float32: (1e-5, 1e-3)}  # relative differences: surely, and at most,
HALF_ROUNDING = 1e-2, 5e-2  # rounding


@dataclass(frozen=True)
class Counts:
    """How many targets a row counts: entries of leaf ``leaf`` that are not ``ignored`` (None: their sum, a mask).

    ``shifted``: the first position of the second axis is not counted (a causal model predicts the next token).
    """

    leaf: int
    ignored: float | None
    shifted: bool

    def of_rows(self, rows: Rows) -> Tensor:
        """One number for each of the n rows, shape (n,), on the CPU; the rows are read in parts."""
        step = max(1, LOOKED_AT_BYTES // max(1, rows.bytes_per_row))
        return torch.cat([self(rows.slice(k, k + step)).cpu() for k in range(0, rows.num_samples, step)])

    def __call__(self, leaves: Batch) -> Tensor:
        """One number per row, shape (rows,)."""
        x = leaves[self.leaf]
        x = x[:, 1:] if self.shifted else x
        x = x.double() if self.ignored is None else (x != self.ignored).double()
        return x.reshape(len(x), -1).sum(1)

    @property
    def said(self) -> str:
        """In words."""
        what = "its weights (a mask in the data)" if self.ignored is None else f"targets other than {self.ignored:g}"
        return what + (", the first position left out" if self.shifted else "")


def check(objective: "Objective", user_model: nn.Module | None) -> None:
    """Raise ValueError where the loss of ``objective`` is none that can be sampled; weigh the rows of token losses."""
    with _own_random_numbers():
        if objective.rows is None:
            _is_a_number(objective, (), user_model)
            _same_again(objective, ())
            _has_a_slope(objective, ())
            return
        batch, candidates = _rows_to_look_at(objective.rows)
        _is_a_number(objective, batch, user_model)
        _same_again(objective, batch)
        _has_a_slope(objective, batch)
        _is_a_mean(objective, batch, candidates)


@torch.inference_mode(False)
def explain(objective: "Objective", point: int) -> str:
    """Where L_n(w*) at ``point`` must be finite and is not: the rows that are at fault, in a sentence."""
    w, bad, rows = objective.centers[point], [], objective.rows
    if rows is None:
        return "There are no rows."
    step = max(1, min(1024, 2**28 // objective.bytes_per_row))
    for start in range(0, rows.num_samples, step):
        leaves = rows.slice(start, start + step)
        if torch.isfinite(objective.plain(w, point, leaves, False, 1.0)[0]):
            continue
        for k in range(len(leaves[0])):
            value = objective.plain(w, point, tuple(x[k : k + 1] for x in leaves), False, 1.0)[0]
            counted = objective.counts is None or objective.counts(tuple(x[k : k + 1] for x in leaves)) > 0
            if counted and not torch.isfinite(value):
                bad.append(start + k)
        if len(bad) > 5:
            break
    if not bad:
        return "No row alone is at fault."
    some = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
    return (
        f"It is not on the rows {some}: the data there, or the loss on them, is at fault, not a chain that diverged. "
        "Leave these rows out or mend the loss."
    )


def displaced(objective: "Objective", scale: float) -> Tensor:
    """A point (d,) away from the first w*, the same at each call: each coordinate by ± scale·(0.1 + |w*|)."""
    w = objective.centers[0]
    rng = torch.Generator().manual_seed(0)
    sign = torch.randint(0, 2, w.shape, generator=rng).to(w) * 2 - 1
    return w + scale * (0.1 + w.abs()) * sign


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Leave the states of the global random numbers as they were."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _value(objective: "Objective", w: Tensor, batch: Batch) -> float:
    """The loss of one w (d,) on one batch, by the plain module."""
    return objective.plain(w, 0, batch, False, 1.0)[0].item()


# ---- one number that depends on w and on nothing of the user's own module ----


def _is_a_number(objective: "Objective", batch: Batch, user_model: nn.Module | None) -> None:
    """Refuse a loss that is not one number, that does not depend on w, or that reads the user's own parameters."""
    spy = Spy(free_storages(objective, user_model)) if user_model is not None else None
    with torch.inference_mode(False), torch.enable_grad():
        if spy is None:
            loss = objective.plain_loss(objective.centers[0], 0, batch)
        else:
            with spy, Listener(spy):
                loss = objective.plain_loss(objective.centers[0], 0, batch)
    if not isinstance(loss, Tensor) or loss.ndim > 0:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"the loss of a batch must be one number, its mean; it has shape {shape}: add .mean().")
    if spy is not None and spy.seen:
        raise ValueError(
            f"the loss (or the model) reads {sorted(spy.seen)[0]} of the model that you gave, which the chains do not "
            "move: its part of the loss would be a constant. Weight decay: give penalty= and take it out of the loss. "
            "Anything else: write the whole loss as a function f(w, *batch), with torch.func.functional_call."
        )
    if not loss.is_floating_point():
        raise ValueError(f"the loss is a {loss.dtype} number; it must be a floating-point mean.")
    if not loss.requires_grad:
        raise ValueError(
            "the loss does not depend on w: no gradient reaches what is sampled (a .detach(), .item(), .numpy() or "
            "no_grad in the model or the loss?)."
        )


def _same_again(objective: "Objective", batch: Batch) -> None:
    """Refuse a loss that is random."""
    for w in (objective.centers[0], displaced(objective, 0.01), displaced(objective, 0.1)):
        first, second = _value(objective, w, batch), _value(objective, w, batch)
        if np.isfinite([first, second]).all() and objective.rewritten(w):
            raise ValueError(
                "forward writes into the parameters (an Embedding with max_norm, a .data.clamp_()?), so that the "
                "gradient is not that of a function of w: leave it out, or make it a parametrization "
                "(torch.nn.utils.parametrize)."
            )
        size = max(abs(first), abs(second))
        if np.isfinite([first, second]).all() and abs(first - second) > 1e-5 * size:
            raise ValueError(
                "the loss changes from call to call at the same w: take the randomness out of it (dropout: call "
                "model.eval(); sampled noise: draw it once and put it into the data), or the state that forward keeps."
            )


def _has_a_slope(objective: "Objective", batch: Batch) -> None:
    """Refuse a loss in steps, whose gradient is 0 wherever it has one."""
    levels = []
    for scale in (0.1, -0.3, 1.0, -3.0):
        value, grad = objective.plain(displaced(objective, scale), 0, batch, True, 1.0)
        if grad is None or bool((grad != 0).any()):
            return
        levels.append(value.item())
    if max(levels) > min(levels):
        raise ValueError(
            "the gradient of the loss is 0 around w*, but the loss is not flat there (a sign, a rounding, an argmax?): "
            "no sampler here can follow it. Give a loss with a gradient."
        )


# ---- a mean over rows ----


def _rows_to_look_at(rows: Rows) -> tuple[Batch, list[Counts]]:
    """A few rows, spread over the data and as unlike as masks and padding make them, and the Counts that may fit."""
    n = rows.num_samples
    room = LOOKED_AT_BYTES // max(1, rows.bytes_per_row)
    looked = min(n, LOOKED_AT[0] if rows.in_memory else LOOKED_AT[1], max(ROWS, room))
    spread = torch.arange(looked) * n // looked
    leaves = rows.take(spread)
    candidates, chosen = [], (torch.arange(min(looked, ROWS)) * looked // min(looked, ROWS)).tolist()
    for counts in _candidates(leaves):
        each = counts(leaves)
        if not bool((each == each[0]).all()):
            candidates.append(counts)
            chosen += [int(each.argmin()), int(each.argmax()), int(each.argsort()[looked // 2])]
    chosen = list(dict.fromkeys(chosen))[: 2 * ROWS]
    return tuple(x[torch.tensor(chosen, device=x.device)] for x in leaves), candidates


def _candidates(leaves: Batch) -> Iterator[Counts]:
    """What may say how many targets a row counts: masks, and targets with an ignored value."""
    for k in reversed(range(len(leaves))):
        x = leaves[k]
        shifts = (False, True) if x.ndim > 1 and x.shape[1] > 1 else (False,)
        if x.is_floating_point() or x.dtype == torch.bool or bool(((x == 0) | (x == 1)).all()):
            if x.ndim <= 2 and bool((x >= 0).all()):
                yield from (Counts(k, None, shifted) for shifted in shifts)
        if not x.is_floating_point() and x.dtype != torch.bool:
            last = x.reshape(len(x), -1)[:, -1]
            common, often = last.unique(return_counts=True)
            usual = common[often.argsort(descending=True)[:2]].tolist()
            for ignored in dict.fromkeys((-100, *usual, -1, 0)):
                yield from (Counts(k, ignored, shifted) for shifted in shifts)


def _is_a_mean(objective: "Objective", batch: Batch, candidates: Sequence[Counts]) -> None:
    """Refuse what is no mean over rows or over counted targets; weigh rows by their counted targets.

    The loss of batches is compared with those of their single rows, at two points away from w*: at the farther one it
    may differ by what rounding can do at most, at the nearer one (deep networks amplify rounding far from w*) by less.
    """
    many = len(batch[0])
    if many < 2:
        return
    sure, most = HALF_ROUNDING if objective.native else ROUNDING[objective.dtype]
    order = torch.randperm(many, generator=torch.Generator().manual_seed(1)).tolist()
    groups = [group for group in (order[:2], order[: many // 3 + 1], order[many // 3 :], order) if len(group) > 1]
    seen: list[tuple[list[float], list[float | None]]] = []
    for scale in (0.1, 0.01, 0.0):
        if seen and not scale:
            break
        w = displaced(objective, scale)
        at: list[float] = []
        for group in groups:
            value = _loss_or_none(objective, w, batch, group)
            if value is None:
                raise _on_some_sizes(objective, batch, group, w)
            at.append(value)
        if at[-1] == 0 or (scale and not np.isfinite(at[-1])):
            continue
        one = [_loss_or_none(objective, w, batch, [k]) for k in range(many)]
        fits, is_sum = _fits(objective, batch, w, candidates, groups, at=at, one=one, sure=sure)
        if is_sum <= most:
            raise ValueError("the loss is a sum over the batch; it must be the mean.")
        off, best = min(fits, key=lambda fit: fit[0], default=(math.inf, None))
        if off <= (sure if seen else most):
            if best is not None:
                objective.weigh_tokens(best)
            return
        seen.append((at, one))
    if seen:
        raise _no_mean(*seen[0])


def _fits(
    objective: "Objective",
    batch: Batch,
    w: Tensor,
    candidates: Sequence[Counts],
    groups: Sequence[list[int]],
    *,
    at: Sequence[float],
    one: Sequence[float | None],
    sure: float,
) -> tuple[list[tuple[float, Counts | None]], float]:
    """How far the losses ``at`` of ``groups`` are off a mean over rows, None, and off each of ``candidates``.

    Second: how far they are off a sum. A mean over rows is preferred where it is as good as the others.
    """
    many, order = len(one), groups[-1]
    alone = [x for x in one if x is not None]
    if len(alone) < many:  # a model or a loss that cannot take one row alone: split the batch in two
        parts = []
        for group in groups[:2]:
            rest = [k for k in order if k not in group]
            if (other := _loss_or_none(objective, w, batch, rest)) is not None:
                mine = _value(objective, w, _some(batch, group))
                parts.append((len(group) * mine + len(rest) * other) / many)
        off = _off(parts, [at[-1]] * len(parts), abs(at[-1])) if parts else math.inf
        return [(off, None)], math.inf
    fits: list[tuple[float, Counts | None]] = []
    is_sum = math.inf
    if np.isfinite(alone).all():
        means = [float(np.mean([alone[k] for k in group])) for group in groups]
        size = float(np.mean(np.abs(alone)))
        off = _off(at, means, size)
        is_sum = _off(at, [mean * len(group) for mean, group in zip(means, groups, strict=True)], size * many)
        if off <= sure:
            return [(off, None)], is_sum
        fits.append((off / 2, None))
    fits += [(_weighted(alone, counts(batch).cpu().numpy(), groups, at), counts) for counts in candidates]
    return fits, is_sum


def _no_mean(at: Sequence[float], one: Sequence[float | None]) -> ValueError:
    """The error for a loss that is no mean over rows."""
    alone = [x for x in one if x is not None and np.isfinite(x)]
    many, bad = len(one), len(one) - len(alone)
    if bad and not np.isfinite(at[-1]) and None not in one:
        return ValueError(
            f"the loss at w* is {at[-1]} on a batch, because it is not finite on {bad} of {many} rows looked at one by "
            "one: it is the data there, or the loss on them (a row without a target?), not a chain."
        )
    beside = f", the mean of the losses of these rows one by one is {np.mean(alone):.4g}" if alone else ""
    return ValueError(
        f"the loss is no mean over rows: on {many} rows it is {at[-1]:.4g}{beside}. Minibatches would estimate "
        "something else than L_n. Give the mean over rows of a loss of each row: the squared error in place of its "
        "root or of 1 − R², no maximum or median, no statistics of the batch, targets of the output's own shape ((n,) "
        "against (n, 1) pairs every row with every other), class weights with reduction='sum' divided by the number of "
        "rows; rows come first (batch_first=True); a mean over tokens needs its mask or its "
        "ignored value in the data."
    )


def _some(batch: Batch, group: Sequence[int]) -> Batch:
    """The rows ``group`` of a batch."""
    return tuple(x[torch.tensor(group, dtype=torch.long, device=x.device)] for x in batch)


def _loss_or_none(objective: "Objective", w: Tensor, batch: Batch, group: Sequence[int]) -> float | None:
    """The loss on the rows ``group`` of a batch, None where the model or the loss fails on them."""
    try:
        return _value(objective, w, _some(batch, group))
    except ValueError:
        return None


def _on_some_sizes(objective: "Objective", batch: Batch, group: Sequence[int], w: Tensor) -> ValueError:
    """The error for a loss that works on some batches and fails on others."""
    try:
        _value(objective, w, _some(batch, group))
    except ValueError as error:
        return error
    return ValueError("the loss fails on some batches and not on others.")


def _off(found: Sequence[float], wanted: Sequence[float], size: float) -> float:
    """The largest relative difference."""
    return max(abs(a - b) / max(size, abs(b), 1e-300) for a, b in zip(found, wanted, strict=True))


def _weighted(one: Sequence[float], each: np.ndarray, groups: Sequence[list[int]], at: Sequence[float]) -> float:
    """How far batches are off the means of their rows weighted by ``each``; what counts nothing may be nan."""
    counted = each > 0
    values = np.array(one)
    if len(set(each.tolist())) < 2 or not np.isfinite(values[counted]).all():
        return np.inf
    values = np.where(counted, values, 0.0)
    totals = [(group, value, each[group].sum()) for group, value in zip(groups, at, strict=True)]
    wanted = [(each[group] * values[group]).sum() / total for group, _, total in totals if total > 0]
    found = [value for _, value, total in totals if total > 0]
    return _off(found, wanted, np.abs(values[counted]).mean()) if len(found) > 1 else np.inf
