"""What can be recorded along the chains besides the loss: kinds of observables, and how each is measured.

``observe={"test_loss": LossOn(test), "losses": PerSample(), "norm": OfParameters(f)}``; plain data mean ``LossOn`` and
a plain function means ``OfParameters``. Every kind takes ``every=k`` (recorded at each k-th draw) and ``moments=True``
(only means and covariances are kept, see ``readings``; "cross": no covariance matrix within the observable).

All chains are measured at once under ``torch.func``, recorded, and compared with the plain module; where that fails,
chain by chain, and ``Chains.notes`` says so.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from sltcourse.llc.check import displaced
from sltcourse.llc.data import Rows, as_rows, same_form
from sltcourse.llc.devices import refuse_autocast
from sltcourse.llc.evaluate import as_for_gradient_of, first_line
from sltcourse.llc.objective import Objective
from sltcourse.llc.plain import out_of_memory
from sltcourse.llc.settle import refuse_writes, sentence
from sltcourse.llc.trace import trace
from sltcourse.llc.types import Batch, Fixed, Form, Loss, Pieces

ROWS_AT_ONCE = 2**18  # rows × chains that are measured together, at most
SAME = {torch.float64: 1e-7, torch.float32: 1e-3}  # difference from the plain module that is rounding, of the largest
SAME_HALF = 5e-2
RESERVED = {
    "acceptance", "bad_batches", "block", "block_virial", "burnin", "burnin_loss", "burnin_steps", "chain",
    "coordinate", "distance", "draw", "first_bad", "log_weight", "loss", "scalar", "step_bias", "tilt", "virial",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Observable:
    """What is recorded of each draw; see the module.

    ``every``: record one draw in so many. ``moments``: keep mean and variance in place of the values; "cross": and the
    covariance with the others.
    """

    _: KW_ONLY
    every: int = 1
    moments: bool | str = False

    def __post_init__(self) -> None:
        try:
            every = operator.index(self.every)
        except TypeError:
            every = 0
        if every < 1 or isinstance(self.every, bool):
            raise ValueError(f"every is {self.every!r}; it must be a whole number, 1 or more.")
        if self.moments not in (False, True, "cross"):
            raise ValueError(f'moments is {self.moments!r}; it must be False, True or "cross".')

    def bind(self, name: str, chains: "Chains") -> "Bound":
        """How this, recorded under ``name``, is measured for ``chains``; here NotImplementedError."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class LossOn(Observable):
    """The mean loss on ``data``, in the form of the posterior's own; None: on all of the posterior's own data.

    The last is L_n itself (with the penalty, if there is one), exact, where ``loss`` is a minibatch's. A loss over
    tokens is weighted by their number, as the posterior's is. One number per draw.
    """

    data: object = None

    def bind(self, name: str, chains: "Chains") -> "Bound":
        """One number for each chain; errors as ``Chains.rows_of``."""
        objective, rows = chains.objective, chains.rows_of(name, self.data)

        def plain(w: Tensor, point: int, batch: Batch) -> Tensor:
            return objective.plain(w, point, batch, False, 1.0)[0]

        def uneven(pieces: Pieces, fixed: Fixed, batch: Batch) -> Tensor:
            return objective.part(pieces, fixed, batch[:-1], batch[-1])

        def plain_uneven(w: Tensor, point: int, batch: Batch) -> Tensor:
            return objective.plain(w, point, batch[:-1], False, batch[-1])[0]

        alike = rows is None or not rows.uneven
        quantity = Quantity(name, objective.raw, plain) if alike else Quantity(name, uneven, plain_uneven)

        def measure(w: Tensor) -> Tensor:
            total = torch.zeros(len(w), dtype=w.dtype, device=w.device)
            for batch, share in [((), 1.0)] if rows is None else rows.passes(chains.rows_at_once(rows)):
                if isinstance(share, Tensor):
                    total += chains.many(quantity, w, (*batch, share))
                else:
                    total += chains.many(quantity, w, batch) * share
            return total + 0.5 * chains.penalty * w.square().sum(1) if self.data is None else total

        return Bound(name, self, measure, ())


@dataclass(frozen=True, eq=False)
class PerSample(Observable):
    """The loss of each row of ``data`` (None: the posterior's own), recorded as (chain, draw, ``dim``).

    ``loss``: None: the posterior's own loss on each row by itself (of a loss over tokens: the mean of the row's);
    or ``loss(output, targets)`` that gives one number per row, such as a loss with ``reduction="none"``: then the
    model runs on whole blocks, which is faster. ``block``: rows at a time (None: what fits the memory).
    """

    data: object = None
    loss: Loss | None = None
    block: int | None = None
    dim: str = "sample"

    def bind(self, name: str, chains: "Chains") -> "Bound":
        """One number for each chain and row; errors as ``Chains.rows_of``."""
        objective = chains.objective
        if self.loss is None:
            quantity = Quantity(name, objective.per_row, objective.plain_per_row)
        else:
            quantity = _of_output(name, objective, objective.row_loss(self.loss))
        return _by_rows(name, self, chains, quantity, (self.dim,), 1)


@dataclass(frozen=True, eq=False)
class PerToken(Observable):
    """The loss of each token of each row, recorded as (chain, draw, *``dims``).

    ``loss(output, targets)`` gives (rows, tokens), such as ``lambda logits, y: cross_entropy(logits.transpose(1, 2), y,
    reduction="none")``; where the model computes its own loss, ``targets`` is the whole batch. ``data``, ``block``: as
    in ``PerSample``.
    """

    loss: Loss
    data: object = None
    block: int | None = None
    dims: tuple[str, str] = ("sample", "token")

    def bind(self, name: str, chains: "Chains") -> "Bound":
        """One number for each chain, row and token; errors as ``Chains.rows_of``."""
        quantity = _of_output(name, chains.objective, chains.objective.row_loss(self.loss))
        return _by_rows(name, self, chains, quantity, tuple(self.dims), 2)


@dataclass(frozen=True, eq=False)
class OfOutputs(Observable):
    """``function`` of the module's outputs on ``data``: a tensor with one row per row of data, (rows, ...).

    ``mean``: its mean over the rows is recorded, and not each. ``dims``: names of the dimensions (without that of the
    rows if ``mean``); None: name_dim_0, ... ``block``: as in ``PerSample``.
    """

    function: Callable[[Any], Tensor]
    data: object = None
    block: int | None = None
    mean: bool = False
    dims: tuple[str, ...] | None = None

    def bind(self, name: str, chains: "Chains") -> "Bound":
        """A tensor for each chain, and each row unless their mean is taken; errors as ``Chains.rows_of``."""
        quantity = _of_output(name, chains.objective, lambda output, _: self.function(output))
        return _by_rows(name, self, chains, quantity, self.dims, None, mean=self.mean)


@dataclass(frozen=True, eq=False)
class OfParameters(Observable):
    """``function`` of the parameters: it is given a dict from names to tensors (of a function of w: {"w": w}).

    Its result, a tensor of any shape, is recorded as (chain, draw, *``dims``); None: name_dim_0, ...
    """

    function: Callable[[dict[str, Tensor]], Any]
    dims: tuple[str, ...] | None = None

    def bind(self, name: str, chains: "Chains") -> "Bound":
        """A tensor for each chain."""
        objective = chains.objective

        def plain(w: Tensor, point: int, batch: Batch) -> Any:
            return self.function(objective.named(objective.split(w), objective.fixed_at(point)))

        quantity = Quantity(name, lambda pieces, fixed, batch: self.function(objective.named(pieces, fixed)), plain)
        return Bound(name, self, lambda w: chains.many(quantity, w, ()), self.dims)


def observables(observe: Any) -> dict[str, Observable]:
    """``observe`` with plain data and plain functions made into observables.

    Raises TypeError for what is no dict of observables, ValueError for names that are taken or no identifiers.
    """
    if observe is None:
        return {}
    if not isinstance(observe, dict):
        raise TypeError(f"observe is a {type(observe).__name__}; it must be a dict from names to what is recorded.")
    found: dict[str, Observable] = {}
    for name, what in observe.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"observe has the name {name!r}; a name must be a Python identifier, say 'test_loss'.")
        if name in RESERVED or name.startswith(("state_", "random_", "draw_every_")):
            raise ValueError(f"observe has the name {name!r}, which draws use themselves: choose another.")
        if isinstance(what, type) and issubclass(what, Observable):
            raise TypeError(f"observe[{name!r}] is the class {what.__name__}: write {what.__name__}(...).")
        if isinstance(what, nn.Module):
            raise TypeError(f"observe[{name!r}] is a module: give data, or a function of the parameters or outputs.")
        if isinstance(what, Observable):
            found[name] = what
        else:
            found[name] = OfParameters(what) if callable(what) else LossOn(what)
    return found


@dataclass(eq=False)
class Quantity:
    """A function of w in two forms: ``function(pieces, fixed, batch)`` for ``torch.func``, ``plain(w, point, batch)``.

    ``name``: the observable's. ``recorded``: the function of all chains, for each number of rows and strides of w.
    ``looped``: it is measured chain by chain.
    """

    name: str
    function: Callable[[Pieces, Fixed, Batch], Any]
    plain: Callable[[Tensor, int, Batch], Any]
    looped: bool = False
    recorded: dict[Any, Callable[..., Tensor]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Bound:
    """An observable of certain chains: ``measure(w)`` gives (chains, ...), with the further dimensions ``dims``."""

    name: str
    kind: Observable
    measure: Callable[[Tensor], Tensor]
    dims: tuple[str, ...] | None
    by_rows: Rows | None = None  # the data whose rows the first dimension is


class Chains:
    """Chains of an ``Objective``, and how a function of one w is run over all of them.

    ``points`` (chains,): the number of each chain's w*. ``penalty``: μ of the (μ/2)‖w‖² in the loss. ``memory_bytes``
    bounds what a block of rows keeps. ``notes``: sentences on what could not be done the fast way.
    """

    def __init__(self, objective: Objective, points: Tensor, *, penalty: float = 0.0, memory_bytes: float = 2**32):
        refuse_autocast(objective.device)
        self.objective, self.points, self.penalty = objective, points, penalty
        self.memory_bytes = memory_bytes
        self.notes: list[str] = []
        self._fixed, self._axis = objective.fixed_of(points)

    def __len__(self) -> int:
        return len(self.points)

    def rows_at_once(self, rows: Rows) -> int:
        """How many rows of data are measured at a time."""
        fit = int(self.memory_bytes / (len(self) * max(1, self.objective.bytes_per_row)))
        return max(1, min(rows.num_samples, fit, math.ceil(ROWS_AT_ONCE / len(self))))

    def rows_of(self, name: str, data: Any) -> Rows | None:
        """``data`` as rows in the form of the posterior's own (None: those, if it has any), weighted as they are.

        Raises TypeError and ValueError as ``as_rows``, ValueError for data of another form, or where there are none.
        """
        return self.objective.rows if data is None else self.needed_rows(name, data)

    def needed_rows(self, name: str, data: Any) -> Rows:
        """``rows_of``, with a ValueError where there are none."""
        own, objective = self.objective.rows, self.objective
        if own is None:
            raise ValueError(f"observe[{name!r}] is of data, and the posterior's function has none.")
        if data is None:
            return own
        like = next((x for x in own.slice(0, 1) if x.is_floating_point()), None)
        dtype = objective.dtype if like is None else like.dtype
        rows = as_rows(data, device=objective.device, dtype=dtype, memory_bytes=int(self.memory_bytes))
        rows.structure = same_form(name, rows.structure, own.structure)
        if objective.counts is not None:
            rows.set_counts(objective.counts.of_rows(rows))
        return rows

    @torch.no_grad()
    def many(self, quantity: Quantity, w: Tensor, batch: Batch) -> Tensor:
        """``quantity`` for each chain of w (chains, d) on one batch: (chains, ...)."""
        if not self.objective.functional:
            quantity.looped = True
        key = len(batch[0]) if batch else 0, w.stride()
        if not quantity.looped and key not in quantity.recorded:
            self._record(quantity, key, w, batch)
        if not quantity.looped:
            try:
                return quantity.recorded[key](w, *batch)
            except Exception as error:
                if out_of_memory(error):
                    raise
                self._give_up(quantity, f"batched over chains it fails later on ({first_line(error)})")
        return torch.stack([self._plain(quantity, w, k, batch) for k in range(len(w))])

    def _plain(self, quantity: Quantity, w: Tensor, chain: int, batch: Batch) -> Tensor:
        """``quantity`` for one chain of w (chains, d), by the plain module."""
        point = int(self.points[chain]) if self._axis == 0 else 0
        try:
            return _as_number(quantity.plain(w[chain], point, batch), w.dtype)
        except Exception as error:
            raise sentence(error, batch, f"observe[{quantity.name!r}]") from error

    def _record(self, quantity: Quantity, key: Any, w: Tensor, batch: Batch) -> None:
        """Record ``quantity`` for all chains and compare it with the plain module; give up where they differ."""

        def record(one: Callable[..., Any]) -> Callable[..., Any]:
            many: Callable[..., Any] = vmap(one, in_dims=(0, self._axis, None))
            split, fixed = self.objective.split, self._fixed
            return trace(lambda w, *x: _as_number(many(split(w), fixed, x), w.dtype).clone(), w, *batch)

        try:
            try:
                quantity.recorded[key] = record(quantity.function)
            except Exception:
                quantity.recorded[key] = record(as_for_gradient_of(quantity.function))
        except Exception as error:  # whatever torch.func cannot do with somebody's model
            self._give_up(quantity, f"torch.func cannot batch it ({first_line(error)})")
            return
        beside = torch.stack([displaced(self.objective, 0.01)] * len(w)) if len(self.objective.centers) == 1 else w
        mine, plain = quantity.recorded[key](beside, *batch)[-1], self._plain(quantity, beside, len(w) - 1, batch)
        if not self._same(mine, plain):
            self._give_up(quantity, "batched over chains it differs from the plain module's")

    def _same(self, mine: Tensor, plain: Tensor) -> bool:
        """Whether two tensors differ by rounding at most."""
        if mine.shape != plain.shape:
            return False
        largest = float(plain.abs().nan_to_num().max()) if plain.numel() else 0.0
        off = (SAME_HALF if self.objective.native else SAME[self.objective.dtype]) * largest
        return torch.allclose(mine, plain, rtol=0, atol=off, equal_nan=True)

    def _give_up(self, quantity: Quantity, reason: str) -> None:
        """From now on, measure ``quantity`` chain by chain."""
        quantity.looped = True
        self.notes.append(f"an observable was measured chain by chain, which is slower: {reason}.")


def _of_output(name: str, objective: Objective, function: Callable[[Any, Form], Any]) -> Quantity:
    """``function(output, batch)`` of the module's outputs."""
    return Quantity(
        name,
        lambda pieces, fixed, batch: objective.of_output(pieces, fixed, batch, function),
        lambda w, point, batch: objective.plain_of_output(w, point, batch, function),
    )


def _by_rows(
    name: str,
    kind: PerSample | PerToken | OfOutputs,
    chains: Chains,
    quantity: Quantity,
    dims: tuple[str, ...] | None,
    ndim: int | None,
    *,
    mean: bool = False,
) -> Bound:
    """Measured block of rows by block of rows, put together along the rows or averaged over them.

    ``ndim``: how many dimensions one chain's result must have, None: any.
    """
    rows = chains.needed_rows(name, kind.data)
    if kind.block is not None and (not isinstance(kind.block, int) or kind.block < 1):
        raise ValueError(f"block is {kind.block!r}; it must be a whole number of rows, 1 or more.")
    refuse_writes(f"observe[{name!r}]", rows.slice(0, 4), partial(quantity.plain, chains.objective.centers[0], 0))

    def measure(w: Tensor) -> Tensor:
        step, parts = kind.block or chains.rows_at_once(rows), []
        for start in range(0, rows.num_samples, step):
            batch = rows.slice(start, start + step)
            part = chains.many(quantity, w, batch)
            if part.ndim < 2 or part.shape[1] != len(batch[0]) or (ndim is not None and part.ndim != 1 + ndim):
                wanted = {1: "one number per row", 2: "a number per row and token", None: "one entry per row"}[ndim]
                raise ValueError(
                    f"observe[{name!r}] gives shape {tuple(part.shape[1:])} for {len(batch[0])} rows; {wanted} is "
                    'wanted (a loss with reduction="none", say).'
                )
            parts.append(part.sum(1) if mean else part)
        return reduce(torch.add, parts) / rows.num_samples if mean else torch.cat(parts, 1)

    return Bound(name, kind, measure, dims, None if mean else rows)


def _as_number(x: Any, dtype: torch.dtype) -> Tensor:
    """``x`` as a tensor of ``dtype``, or of float64 if it is that; TypeError where it is no real number."""
    x = torch.as_tensor(x)
    if x.is_complex():
        raise TypeError("it gives complex numbers: take .real, .imag or .abs().")
    return x if x.dtype == torch.float64 else x.to(dtype)
