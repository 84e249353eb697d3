"""The mean loss L_n(w) of a model on batches: one function of w under torch.func, and the plain module beside it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sltcourse.llc.calling import WHOLE_BATCH, Calling
from sltcourse.llc.check import Counts
from sltcourse.llc.data import Rows
from sltcourse.llc.modules import places_of
from sltcourse.llc.parameters import Parameters
from sltcourse.llc.plain import PlainFunction, PlainModule
from sltcourse.llc.settle import sentence
from sltcourse.llc.types import Batch, Fixed, Form, Loss, Pieces, Run, Share

HALF = (torch.bfloat16, torch.float16)


class Objective:
    """A loss L_n(w) around one or more points w*; made by ``model.make_objective``.

    ``centers`` (points, d): the sampled coordinates of each w*. ``dim``: d. ``rows``: the data, or None.
    ``fixed``: what is not sampled, (block vectors, buffers), each with a first axis of points. ``dtype``, ``device``:
    those of w. ``calling``: how a batch reaches the module, None for a function. ``counts``: how many targets a row
    counts, for a mean over those. ``bytes_per_row``, ``bytes_at_rest``: what autograd keeps for each row and whatever
    the batch. ``native``: the model computes in its own (half) precision while w is kept in ``dtype``. ``notes``:
    sentences on how the model is run. ``functional``: whether ``__call__`` can work at all (a scripted module cannot);
    ``why_not_functional`` says why not.
    ``num_samples``: n, or None.
    """

    dim: int
    centers: Tensor
    fixed: Fixed
    rows: Rows | None
    num_samples: int | None
    notes: list[str]
    functional: bool
    calling: Calling | None
    counts: Counts | None
    bytes_per_row: int
    bytes_at_rest: int

    def __init__(
        self,
        layout: Parameters,
        values: Sequence[Fixed],
        rows: Rows | None,
        dtype: torch.dtype,
        device: torch.device,
        *,
        module: nn.Module | None = None,
        function: Loss | None = None,
        native: bool = False,
    ):
        self.layout, self.rows, self.dtype, self.device, self.native = layout, rows, dtype, device, native
        self.num_samples = rows.num_samples if rows is not None else None
        self.notes, self.counts, self._mean_count, self._function = [], None, 1.0, function
        self._module, self.calling = module, None
        self.differentiates = False  # whether the model takes gradients itself, and needs them switched on
        self.functional = not isinstance(module, torch.jit.ScriptModule)
        self.why_not_functional = "" if self.functional else "torch.func cannot batch a scripted module."

        def moved(x: Tensor) -> Tensor:
            return x.to(device, dtype if x.is_floating_point() else x.dtype)

        with torch.inference_mode(False), torch.no_grad():
            own = {} if module is None else module.named_parameters(remove_duplicate=False)
            self._own_dtypes = {name: p.dtype for name, p in own} if native else {}
            self._places = {} if module is None else places_of(module)
            self.centers = torch.stack([moved(layout.join(vectors)) for vectors, _ in values])
            vectors = [torch.stack([moved(v) for v in column]) for column in zip(*(v for v, _ in values), strict=True)]
            buffers = {}
            for name in values[0][1]:
                stacked = torch.stack([b[name] for _, b in values])
                buffers[name] = stacked.to(device) if native else moved(stacked)
            self.fixed, self.dim = (vectors, buffers), self.centers.shape[1]
            self._plain: PlainModule | PlainFunction
            if module is None:
                self._plain = PlainFunction(layout, self.fixed)
            else:
                module.to(device) if native else _cast(module, dtype, device)
                self._plain = PlainModule(module, layout, self.fixed, dtype, device)

    def split(self, w: Tensor) -> Pieces:
        """``w`` (..., d) cut into the pieces that ``__call__`` takes."""
        return self.layout.split(w)

    @property
    def num_points(self) -> int:
        """How many w* there are."""
        return len(self.centers)

    @property
    def model(self) -> Any:
        """A module of ours, or the function: with ``state(point)`` what ``make_objective`` needs to make this again."""
        return self._function if self._module is None else self._module

    def state(self, point: int) -> Any:
        """The w* of ``point``, all its coordinates: a state dict, or a vector for a function."""
        vectors, buffers = self.fixed_at(point)
        tensors = self.layout.tensors(self.split(self.centers[point]), vectors)
        return tensors["w"] if self._module is None else {**tensors, **buffers}

    def fixed_at(self, point: int | Tensor) -> Fixed:
        """What is not sampled at one point, as ``__call__`` takes it; for points (k,), each with a first axis k."""
        vectors, buffers = self.fixed
        return [v[point] for v in vectors], {name: b[point] for name, b in buffers.items()}

    def fixed_of(self, points: Tensor) -> tuple[Fixed, int | None]:
        """What is not sampled, for chains at ``points`` (chains,), and its axis of chains: None, the same for all."""
        return (self.fixed_at(points), 0) if self.num_points > 1 else (self.fixed_at(0), None)

    def form(self, batch: Batch) -> Form:
        """``batch`` as the user's model and loss know it. Raises TypeError for a function without data."""
        if self.rows is None:
            raise TypeError("this function has no data, and so no batches.")
        return self.rows.structure.build(batch)

    @property
    def _call(self) -> Calling:
        """How the module is called."""
        if self.calling is None:
            raise TypeError("a function f(w, *batch) has no outputs that another loss could be given.")
        return self.calling

    # ---- the functional form: no state is touched, so that torch.func can batch and trace it ----

    def __call__(self, pieces: Pieces, fixed: Fixed, batch: Batch) -> Tensor:
        """The mean loss of one w on one minibatch: a scalar, unbiased for L_n(w) over the rows' draws."""
        return self._minibatch(self.raw(pieces, fixed, batch), batch)

    def raw(self, pieces: Pieces, fixed: Fixed, batch: Batch) -> Tensor:
        """What the user's loss gives for one w on one batch (no weights of tokens)."""
        if self._function is not None:
            return self._as_number(self._of_function(self.layout.tensors(pieces, fixed[0])["w"], batch))
        return self._as_number(self._call(self._runner(pieces, fixed), self.form(batch)))

    def named(self, pieces: Pieces, fixed: Fixed) -> dict[str, Tensor]:
        """The parameters of one w by name, in their own shapes (a function's only one is called "w")."""
        return self.layout.tensors(pieces, fixed[0])

    def of_output(self, pieces: Pieces, fixed: Fixed, batch: Batch, function: Callable[[Any, Form], Any]) -> Any:
        """``function(output, batch)`` of the module's output for one w; the batch is in the user's own form."""
        form = self.form(batch)
        return function(self._call.output(self._runner(pieces, fixed), form), form)

    def _runner(self, pieces: Pieces, fixed: Fixed) -> Run:
        """The module at one w, as a function of its inputs."""
        module = self._module
        if module is None:
            raise TypeError("a function f(w, *batch) has no module to run.")
        vectors, buffers = fixed
        tensors = self.layout.tensors(pieces, vectors)
        tensors = {name: x.to(self._own_dtypes.get(name, x.dtype)) for name, x in tensors.items()}
        buffers = {name: b.clone() if name in self._plain.changed else b for name, b in buffers.items()}

        def run(*args: Any, **kwargs: Any) -> Any:
            state = {place: x for name, x in {**buffers, **tensors}.items() for place in self._places[name]}
            return self._in_float(functional_call(module, state, args, kwargs, tie_weights=False))

        return run

    def row_loss(self, loss: Loss) -> Callable[[Any, Form], Tensor]:
        """``function`` for ``of_output``: ``loss(output, targets)`` on what this objective's own loss is given."""
        mine = replace(self._call, loss=loss)
        return (mine if mine.targets is not None else replace(mine, targets=WHOLE_BATCH)).loss_of

    def part(self, pieces: Pieces, fixed: Fixed, batch: Batch, share: Share) -> Tensor:
        """What ``batch`` adds to L_n(w), for a (batch, share) of ``rows.passes``: a scalar."""
        if isinstance(share, Tensor):
            return (self.per_row(pieces, fixed, batch) * share).sum()
        return self.raw(pieces, fixed, batch) * share

    def per_row(self, pieces: Pieces, fixed: Fixed, batch: Batch) -> Tensor:
        """The loss of each row of ``batch``, shape (rows,)."""
        one: Callable[..., Tensor] = vmap(lambda *row: self.raw(pieces, fixed, tuple(x[None] for x in row)))
        return one(*batch)

    # ---- the plain form: parameters written into the copy, as anyone runs a module ----

    def plain(
        self, w: Tensor, point: int = 0, batch: Batch = (), grad: bool = True, share: Share | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """(loss, gradient (d,) or None) of one w (d,) on one batch by an ordinary forward and backward pass.

        ``share``: None for a minibatch, else what ``rows.passes`` gave with the batch, as in ``part``.
        Raises ValueError, with the user's own error as its cause, where the model or the loss fails.
        """
        if isinstance(share, Tensor):
            return self._plain_by_row(w, point, batch, grad, share)
        with torch.inference_mode(False), torch.set_grad_enabled(grad or self.differentiates):
            raw = self.plain_loss(w, point, batch)
            loss = self._minibatch(raw, batch) if share is None else raw * share
            return loss.detach(), self._backward(loss, batch) if grad else None

    def plain_per_row(self, w: Tensor, point: int, batch: Batch) -> Tensor:
        """``per_row`` by one plain forward pass for each row."""
        with torch.inference_mode(False), torch.set_grad_enabled(self.differentiates):
            ones = [tuple(x[k : k + 1] for x in batch) for k in range(len(batch[0]))]
            return torch.stack([self.plain_loss(w, point, one).detach() for one in ones])

    def rewritten(self, w: Tensor) -> bool:
        """Whether the latest plain forward pass, at w (d,), wrote into the parameters."""
        return self._plain.rewritten(w)

    def output(self, w: Tensor, point: int, batch: Batch) -> Any:
        """What the module gives for ``batch`` at w, by a plain forward pass."""
        with torch.inference_mode(False), torch.set_grad_enabled(self.differentiates):
            form = self.form(batch)
            return self._plain.forward(w, point, lambda m: self._call.output(self._plainly(m), form))

    def plain_of_output(self, w: Tensor, point: int, batch: Batch, function: Callable[[Any, Form], Any]) -> Any:
        """``of_output`` by a plain forward pass."""
        return function(self.output(w, point, batch), self.form(batch))

    def _plain_by_row(
        self, w: Tensor, point: int, batch: Batch, grad: bool, share: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """``plain`` row by row, where each has a weight of its own."""
        total = torch.zeros((), dtype=self.dtype, device=self.device)
        slope: Tensor | None = None
        for k, weight in enumerate(share):
            loss, one = self.plain(w, point, tuple(x[k : k + 1] for x in batch), grad, 1.0)
            total += loss * weight
            if one is not None:
                slope = one * weight if slope is None else slope.add_(one * weight)
        return total, slope

    def plain_loss(self, w: Tensor, point: int, batch: Batch) -> Tensor:
        """What the user's loss gives for one w on one batch, with its graph, by a plain forward pass."""
        try:
            if self._function is not None:
                return self._as_number(self._plain.forward(w, point, lambda full: self._of_function(full, batch)))
            form = self.form(batch)
            return self._as_number(self._plain.forward(w, point, lambda m: self._call(self._plainly(m), form)))
        except Exception as error:
            raise sentence(error, batch, "the model or its loss") from error

    def _backward(self, loss: Tensor, batch: Batch) -> Tensor:
        """The gradient (d,) of ``loss``; what fails there is said in a sentence."""
        try:
            return self._plain.gradient(loss)
        except Exception as error:
            raise sentence(error, batch, "the backward pass") from error

    def _of_function(self, w: Tensor, batch: Batch) -> Any:
        """What the user's function gives, called as its data are formed."""
        function = self.model
        if self.rows is None:
            return function(w)
        form = self.form(batch)
        if isinstance(form, dict):
            return function(w, **form)
        return function(w, *form) if isinstance(form, tuple) else function(w, form)

    def _plainly(self, module: nn.Module) -> Run:
        return (lambda *args, **kwargs: self._in_float(module(*args, **kwargs))) if self.native else module

    def _in_float(self, out: Any) -> Any:
        """A half-precision output in w's precision, so that the loss is not rounded to two or three digits."""
        if not self.native:
            return out
        if isinstance(out, Tensor):
            return self._as_number(out)
        if type(out) in (tuple, list):
            return type(out)(self._in_float(x) for x in out)
        return {k: self._in_float(x) for k, x in out.items()} if type(out) is dict else out

    def _as_number(self, loss: Any) -> Any:
        """A half-precision loss in w's precision."""
        return loss.to(self.dtype) if isinstance(loss, Tensor) and loss.dtype in HALF else loss

    def _minibatch(self, raw: Tensor, batch: Batch) -> Tensor:
        """The loss ``raw`` of a minibatch, made unbiased where rows count different numbers of targets."""
        if self.counts is None:
            return raw
        counted = self.counts(batch).to(raw.dtype)
        return raw * (counted.mean() / self._mean_count)

    def weigh_tokens(self, counts: Counts) -> None:
        """Weigh rows by the targets they count. Raises TypeError where there are no rows."""
        if self.rows is None:
            raise TypeError("this function has no data, and so no rows to weigh.")
        each = counts.of_rows(self.rows)
        self._mean_count = self.rows.set_counts(each)
        self.counts, none = counts, int((each == 0).sum())
        self.notes.append(
            f"the loss is a mean over {counts.said}: each row is weighted by how many it has"
            + (f"; {none} rows have none and are left out." if none else ".")
        )

    # ---- memory ----

    def bytes_kept(self, batch: Batch) -> int:
        """Bytes that autograd keeps for one gradient on ``batch``, the data and the parameters not counted."""
        kept = {}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.inference_mode(False), torch.enable_grad():
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                loss = self.plain_loss(self.centers[0], 0, batch)  # held, so that no storage is used again
        known = {self._plain.storage, *(x.untyped_storage().data_ptr() for x in batch)}
        del loss
        return sum(size for address, size in kept.items() if address not in known)

    def bytes_per_chain(self, rows: int) -> int:
        """Roughly what one chain needs on a batch of ``rows`` rows: its vectors, the batch, what autograd keeps."""
        vectors = 8 * self.dim * self.centers.element_size()
        batch = 0 if self.rows is None else rows * self.rows.bytes_per_row
        return vectors + 2 * (self.bytes_at_rest + rows * self.bytes_per_row) + batch


def _cast(module: nn.Module, dtype: torch.dtype, device: torch.device) -> None:
    """Move ``module`` and make its floating-point numbers ``dtype``, also of tensors that are no buffers."""
    module.to(device)
    for part in () if isinstance(module, torch.jit.ScriptModule) else module.modules():
        for name, x in vars(part).items():
            if isinstance(x, Tensor):
                setattr(part, name, x.to(device, dtype if x.is_floating_point() else x.dtype))
    for p in (*module.parameters(), *module.buffers()):
        if p.is_floating_point():
            p.data = p.data.to(dtype)
