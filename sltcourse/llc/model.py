"""The mean loss L_n(w) of a model on batches: one function of w under torch.func, and the plain module beside it."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sltcourse.llc.calling import WHOLE_BATCH
from sltcourse.llc.data import Rows, as_rows, merged
from sltcourse.llc.modules import named_tensors, private_copy, refuse, state_of, unwrap
from sltcourse.llc.parameters import Parameters
from sltcourse.llc.plain import PlainFunction, PlainModule
from sltcourse.llc.settle import ModelFails, sentence, settle

HALF = (torch.bfloat16, torch.float16)


class Objective:
    """A loss L_n(w) around one or more points w*; made by ``make_objective``.

    ``centers`` (points, d): the sampled coordinates of each w*. ``dim``: d. ``rows``: the data, or None.
    ``fixed``: what is not sampled, (block vectors, buffers), each with a first axis of points. ``dtype``, ``device``:
    those of w. ``native``: the model computes in its own (half) precision while w is kept in ``dtype``. ``notes``:
    sentences on how the model is run. ``functional``: whether ``__call__`` can work at all (a scripted module cannot).
    ``num_samples``: n, or None.
    """

    dim: int
    centers: Tensor
    fixed: tuple
    rows: Rows | None
    num_samples: int | None
    notes: list[str]
    functional: bool

    def __init__(self, layout, values, rows, dtype, device, *, module=None, function=None, native=False):
        self.layout, self.rows, self.dtype, self.device, self.native = layout, rows, dtype, device, native
        self.num_samples = rows.num_samples if rows is not None else None
        self.notes, self.counts, self._mean_count, self._function = [], None, None, function
        self._module, self.calling = module, None
        self.functional = not isinstance(module, torch.jit.ScriptModule)
        self.why_not_functional = "" if self.functional else "torch.func cannot run a scripted module."

        def moved(x):
            return x.to(device, dtype if x.is_floating_point() else x.dtype)

        with torch.inference_mode(False), torch.no_grad():
            own = {} if module is None else module.named_parameters(remove_duplicate=False)
            self._own_dtypes = {name: p.dtype for name, p in own} if native else {}
            self.centers = torch.stack([moved(layout.join(vectors)) for vectors, _ in values])
            vectors = [torch.stack([moved(v) for v in column]) for column in zip(*(v for v, _ in values), strict=True)]
            buffers = {}
            for name in values[0][1]:
                stacked = torch.stack([b[name] for _, b in values])
                buffers[name] = stacked.to(device) if native else moved(stacked)
            self.fixed, self.dim = (vectors, buffers), self.centers.shape[1]
            if module is None:
                self._plain = PlainFunction(layout, self.fixed, dtype, device)
            else:
                module.to(device) if native else _cast(module, dtype, device)
                self._plain = PlainModule(module, layout, self.fixed, dtype, device)

    def split(self, w: Tensor) -> tuple[Tensor, ...]:
        """``w`` (..., d) cut into the pieces that ``__call__`` takes."""
        return self.layout.split(w)

    @property
    def num_points(self) -> int:
        """How many w* there are."""
        return len(self.centers)

    @property
    def model(self):
        """A module of ours, or the function: with ``state(point)`` what ``make_objective`` needs to make this again."""
        return self._function if self._module is None else self._module

    def state(self, point: int):
        """The w* of ``point``, all its coordinates: a state dict, or a vector for a function."""
        vectors, buffers = self.fixed_at(point)
        tensors = self.layout.tensors(self.split(self.centers[point]), vectors)
        return tensors["w"] if self._module is None else {**tensors, **buffers}

    def fixed_at(self, point: int):
        """What is not sampled at one point, as ``__call__`` takes it."""
        vectors, buffers = self.fixed
        return [v[point] for v in vectors], {name: b[point] for name, b in buffers.items()}

    # ---- the functional form: no state is touched, so that torch.func can batch and trace it ----

    def __call__(self, pieces, fixed, batch) -> Tensor:
        """The mean loss of one w on one minibatch: a scalar, unbiased for L_n(w) over the rows' draws."""
        return self._minibatch(self.raw(pieces, fixed, batch), batch)

    def raw(self, pieces, fixed, batch) -> Tensor:
        """What the user's loss gives for one w on one batch (no weights of tokens)."""
        if self._function is not None:
            return self._as_number(self._of_function(self.layout.tensors(pieces, fixed[0])["w"], batch))
        return self._as_number(self.calling(self._runner(pieces, fixed), self.rows.structure.build(batch)))

    def named(self, pieces, fixed) -> dict[str, Tensor]:
        """The parameters of one w by name, in their own shapes (a function's only one is called "w")."""
        return self.layout.tensors(pieces, fixed[0])

    def of_output(self, pieces, fixed, batch, function):
        """``function(output, batch)`` of the module's output for one w; the batch is in the user's own form."""
        form = self.rows.structure.build(batch)
        return function(self.calling.output(self._runner(pieces, fixed), form), form)

    def _runner(self, pieces, fixed):
        vectors, buffers = fixed
        tensors = self.layout.tensors(pieces, vectors)
        tensors = {name: x.to(self._own_dtypes.get(name, x.dtype)) for name, x in tensors.items()}
        buffers = {name: b.clone() if name in self._plain.changed else b for name, b in buffers.items()}

        def run(*args, **kwargs):
            return self._in_float(functional_call(self._module, {**buffers, **tensors}, args, kwargs))

        return run

    def row_loss(self, loss):
        """``function`` for ``of_output``: ``loss(output, targets)`` on what this objective's own loss is given."""
        if self.calling is None:
            raise TypeError("a function f(w, *batch) has no outputs that another loss could be given.")
        mine = replace(self.calling, loss=loss)
        return (mine if mine.targets is not None else replace(mine, targets=WHOLE_BATCH)).loss_of

    def part(self, pieces, fixed, batch, share) -> Tensor:
        """What ``batch`` adds to L_n(w), for a (batch, share) of ``rows.passes``: a scalar."""
        if isinstance(share, Tensor):
            return (self.per_row(pieces, fixed, batch) * share).sum()
        return self.raw(pieces, fixed, batch) * share

    def per_row(self, pieces, fixed, batch) -> Tensor:
        """The loss of each row of ``batch``, shape (rows,)."""
        one = vmap(lambda *row: self.raw(pieces, fixed, tuple(x[None] for x in row)))
        return one(*batch)

    # ---- the plain form: parameters written into the copy, as anyone runs a module ----

    def plain(self, w: Tensor, point: int = 0, batch=(), grad: bool = True, share=None):
        """(loss, gradient (d,) or None) of one w (d,) on one batch by an ordinary forward and backward pass.

        ``share``: None for a minibatch, else what ``rows.passes`` gave with the batch, as in ``part``.
        Raises ValueError, with the user's own error as its cause, where the model or the loss fails.
        """
        if isinstance(share, Tensor):
            return self._plain_by_row(w, point, batch, grad, share)
        with torch.inference_mode(False), torch.set_grad_enabled(grad):
            raw = self.plain_loss(w, point, batch)
            loss = self._minibatch(raw, batch) if share is None else raw * share
            return loss.detach(), self._backward(loss, batch) if grad else None

    def plain_per_row(self, w: Tensor, point: int, batch) -> Tensor:
        """``per_row`` by one plain forward pass for each row."""
        with torch.inference_mode(False), torch.no_grad():
            ones = [tuple(x[k : k + 1] for x in batch) for k in range(len(batch[0]))]
            return torch.stack([self.plain_loss(w, point, one).detach() for one in ones])

    def output(self, w: Tensor, point: int, batch):
        """What the module gives for ``batch`` at w, by a plain forward pass."""
        with torch.inference_mode(False), torch.no_grad():
            form = self.rows.structure.build(batch)
            return self._plain.forward(w, point, lambda m: self.calling.output(self._plainly(m), form))

    def plain_of_output(self, w: Tensor, point: int, batch, function):
        """``of_output`` by a plain forward pass."""
        return function(self.output(w, point, batch), self.rows.structure.build(batch))

    def _plain_by_row(self, w, point, batch, grad, share):
        total, slope = torch.zeros((), dtype=self.dtype, device=self.device), None
        for k, weight in enumerate(share):
            loss, one = self.plain(w, point, tuple(x[k : k + 1] for x in batch), grad, 1.0)
            total += loss * weight
            if grad:
                slope = one * weight if slope is None else slope.add_(one * weight)
        return total, slope

    def plain_loss(self, w: Tensor, point: int, batch):
        """What the user's loss gives for one w on one batch, with its graph, by a plain forward pass."""
        try:
            if self._function is not None:
                return self._as_number(self._plain.forward(w, point, lambda full: self._of_function(full, batch)))
            form = self.rows.structure.build(batch)
            return self._as_number(self._plain.forward(w, point, lambda m: self.calling(self._plainly(m), form)))
        except Exception as error:
            raise sentence(error, batch, "the model or its loss") from error

    def _backward(self, loss, batch):
        try:
            return self._plain.gradient(loss)
        except Exception as error:
            raise sentence(error, batch, "the backward pass") from error

    def _of_function(self, w, batch):
        if self.rows is None:
            return self._function(w)
        form = self.rows.structure.build(batch)
        if isinstance(form, dict):
            return self._function(w, **form)
        return self._function(w, *form) if isinstance(form, tuple) else self._function(w, form)

    def _plainly(self, module):
        return (lambda *args, **kwargs: self._in_float(module(*args, **kwargs))) if self.native else module

    def _in_float(self, out):
        """A half-precision output in w's precision, so that the loss is not rounded to two or three digits."""
        if not self.native:
            return out
        if isinstance(out, Tensor):
            return self._as_number(out)
        if type(out) in (tuple, list):
            return type(out)(self._in_float(x) for x in out)
        return {k: self._in_float(x) for k, x in out.items()} if type(out) is dict else out

    def _as_number(self, loss):
        return loss.to(self.dtype) if isinstance(loss, Tensor) and loss.dtype in HALF else loss

    def _minibatch(self, raw, batch):
        if self.counts is None:
            return raw
        counted = self.counts(batch).to(raw.dtype)
        return raw * (counted.mean() / self._mean_count)

    def weigh_tokens(self, counts) -> None:
        """Weigh rows by the targets they count, see ``check.Counts``."""
        step, parts = max(1, 2**26 // max(1, self.rows.bytes_per_row)), []
        for start in range(0, self.num_samples, step):
            parts.append(counts(self.rows.slice(start, start + step)).cpu())
        each = torch.cat(parts)
        self._mean_count = self.rows.set_counts(each)
        self.counts, none = counts, int((each == 0).sum())
        self.notes.append(
            f"the loss is a mean over {counts.said}: each row is weighted by how many it has"
            + (f"; {none} rows have none and are left out." if none else ".")
        )

    # ---- memory ----

    def bytes_kept(self, batch) -> int:
        """Bytes that autograd keeps for one gradient on ``batch``, the data and the parameters not counted."""
        kept = {}

        def keep(tensor):
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


@torch.inference_mode(False)
def make_objective(
    model,
    data=None,
    loss=None,
    *,
    points=(None,),
    mask=None,
    dtype=None,
    device=None,
    memory_bytes: int | None = None,
    weights=None,
) -> Objective:
    """The Objective of ``model`` (an nn.Module, or a function f(w, *batch)) on ``data`` under ``loss``.

    ``points``: the w* (state dicts, or vectors for a function; None: what the module holds). ``mask``: see
    ``Parameters``. ``dtype``: None: that of the model if it is float32 or float64, else float32; a half precision
    runs the model in it and keeps w in float32; float64 falls back to float32, with a note, where the model cannot.
    ``device``: None: where w* is. ``weights`` (n,), ``memory_bytes``: see ``as_rows``. The module is copied at once
    and never touched.

    Raises TypeError or ValueError, before any long work, where the model, the data or the loss will not do.
    """
    if isinstance(model, nn.Module):
        return _of_module(model, data, loss, points, mask, dtype, device, memory_bytes, weights)
    if not callable(model):
        raise TypeError(f"model must be an nn.Module or a function f(w, *batch), not {type(model).__name__}.")
    if loss is not None:
        raise TypeError("a function f(w, *batch) is the loss itself: leave loss=None.")
    layout, values = _at_vectors(points, mask)
    device, dtype = _where(values[0][0][0], dtype, device)
    rows = None
    if data is not None:
        rows = as_rows(data, device=device, dtype=dtype, memory_bytes=memory_bytes, weights=weights)
    objective = Objective(layout, values, rows, dtype, device, function=model)
    settle(objective, None, None)
    return objective


def _of_module(model, data, loss, points, mask, dtype, device, memory_bytes, weights):
    if data is None:
        raise ValueError("a module needs data: (inputs, targets), tensors with one row per sample.")
    user = unwrap(model)
    refuse(user)
    parameters, buffers, optional = named_tensors(user)
    layout = Parameters(parameters, mask)
    values, notes = [], []
    for point in points:
        state, note = state_of(point, parameters, buffers, optional)
        notes += [note] if note and note not in notes else []
        values.append((layout.values(state), {name: state[name].detach() for name in buffers}))
    device, real = _where(next(iter(parameters.values())), dtype, device)
    half = any(p.dtype in HALF for p in parameters.values())
    ways = [(torch.float32, True)] if dtype in HALF else [(real, False)]
    if dtype not in HALF and (half if dtype is None else dtype == torch.float64):
        ways.append((torch.float32, half))  # where the model cannot be computed in the precision wanted
    for real, native in ways:
        own = private_copy(user)
        if dtype in HALF:
            own.to(dtype)
        cast = dtype if dtype in HALF else real
        keep = native and dtype not in HALF
        rows = as_rows(data, device=device, dtype=cast, memory_bytes=memory_bytes, weights=weights, keep_dtype=keep)
        rows.structure = merged(rows.structure)
        objective = Objective(layout, values, rows, real, device, module=own, native=native)
        objective.notes += notes
        if native:
            objective.notes.append("the model computes in its own precision; w is kept in float32.")
        elif half or real != ways[0][0]:
            objective.notes.append(f"the model is computed in {str(real).removeprefix('torch.')}.")
        try:
            settle(objective, user, loss)
            return objective
        except ModelFails as error:
            if (real, native) == ways[-1]:
                raise
            notes.append(f"it cannot be computed in {str(real).removeprefix('torch.')}: {str(error)[:160]}")


def _where(first, dtype, device):
    """The device and dtype of w."""
    device = torch.device(device if device is not None else first.device)
    if dtype in HALF:
        return device, torch.float32
    if dtype is not None and dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype is {dtype}; it must be torch.float32, torch.float64 or a half precision.")
    dtype = dtype or (first.dtype if first.dtype in (torch.float32, torch.float64) else torch.float32)
    if device.type == "mps" and dtype == torch.float64:
        raise ValueError("mps has no float64, which MALA and HMC want: use device='cpu', or dtype=torch.float32.")
    return device, dtype


def _cast(module, dtype, device):
    """Move ``module`` and make its floating-point numbers ``dtype``, also of tensors that are no buffers."""
    module.to(device)
    for part in () if isinstance(module, torch.jit.ScriptModule) else module.modules():
        for name, x in vars(part).items():
            if isinstance(x, Tensor):
                setattr(part, name, x.to(device, dtype if x.is_floating_point() else x.dtype))
    for p in (*module.parameters(), *module.buffers()):
        if p.is_floating_point():
            p.data = p.data.to(dtype)


def _at_vectors(points, mask):
    if any(point is None for point in points):
        raise ValueError("a function has no parameters of its own: give at=w*, a vector.")
    points = [torch.as_tensor(point).detach() for point in points]
    if any(p.ndim != 1 or p.shape != points[0].shape or not p.is_floating_point() for p in points):
        raise ValueError(f"at must be a floating-point vector (d,); shapes {[tuple(p.shape) for p in points]}.")
    with torch.inference_mode(False):
        w = nn.Parameter(points[0].clone())
    if mask is not None and not isinstance(mask, (bool, Tensor)) and not hasattr(mask, "dtype"):
        raise TypeError(
            f"mask is a {type(mask).__name__}; for a function it is one boolean tensor of w's shape {tuple(w.shape)}."
        )
    layout = Parameters({"w": w}, None if mask is None else {"w": mask})
    return layout, [(layout.values({"w": point}), {}) for point in points]
