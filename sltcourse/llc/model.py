"""What a user calls a model, a module or a function, made into an ``Objective``: checked, copied, in its precision."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sltcourse.llc.data import as_rows, merged
from sltcourse.llc.devices import usable
from sltcourse.llc.modules import named_tensors, private_copy, refuse, state_of, unwrap
from sltcourse.llc.objective import HALF, Objective
from sltcourse.llc.parameters import Parameters
from sltcourse.llc.settle import ModelFails, settle
from sltcourse.llc.types import Fixed, Loss

__all__ = ["Objective", "make_objective"]


@torch.inference_mode(False)
def make_objective(
    model: nn.Module | Loss,
    data: Any = None,
    loss: Loss | None = None,
    *,
    points: Sequence[Any] = (None,),
    mask: Any = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    memory_bytes: int | None = None,
    weights: Any = None,
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
        return _of_module(
            model,
            data,
            loss,
            points,
            mask=mask,
            dtype=dtype,
            device=device,
            memory_bytes=memory_bytes,
            weights=weights,
        )
    if isinstance(model, type):
        raise TypeError(f"model is the class {model.__name__}: give a trained module, an instance of it.")
    if not callable(model):
        raise TypeError(f"model must be an nn.Module or a function f(w, *batch), not {type(model).__name__}.")
    if loss is not None:
        raise TypeError("a function f(w, *batch) is the loss itself: leave loss=None.")
    layout, values = _at_vectors(points, mask)
    place, real = _where(values[0][0][0], dtype, device)
    rows = None
    if data is not None:
        rows = as_rows(data, device=place, dtype=real, memory_bytes=memory_bytes, weights=weights)
    objective = Objective(layout, values, rows, real, place, function=model)
    settle(objective, None, None)
    return objective


def _of_module(
    model: nn.Module,
    data: Any,
    loss: Loss | None,
    points: Sequence[Any],
    *,
    mask: Any,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
    memory_bytes: int | None,
    weights: Any,
) -> Objective:
    """As ``make_objective``, of a module: in the precision wanted, or in float32 where it cannot be computed there."""
    if data is None:
        raise ValueError("a module needs data: (inputs, targets), tensors with one row per sample.")
    user = unwrap(model)
    refuse(user)
    parameters, buffers, optional = named_tensors(user)
    layout = Parameters(parameters, mask)
    values: list[Fixed] = []
    notes: list[str] = []
    for point in points:
        state, note = state_of(point, parameters, buffers, optional)
        notes += [note] if note and note not in notes else []
        values.append((layout.values(state), {name: state[name].detach() for name in buffers}))
    place, real = _where(next(iter(parameters.values())), dtype, device)
    half = any(p.dtype in HALF for p in parameters.values())
    ways = [(torch.float32, True)] if dtype in HALF else [(real, False)]
    if dtype not in HALF and (half if dtype is None else dtype == torch.float64):
        ways.append((torch.float32, half))  # where the model cannot be computed in the precision wanted
    for real, native in ways:
        own = private_copy(user)
        if dtype in HALF:
            own.to(dtype)
        cast = dtype if dtype is not None and dtype in HALF else real
        keep = native and dtype not in HALF
        rows = as_rows(data, device=place, dtype=cast, memory_bytes=memory_bytes, weights=weights, keep_dtype=keep)
        rows.structure = merged(rows.structure)
        objective = Objective(layout, values, rows, real, place, module=own, native=native)
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
    raise AssertionError("the last way returns or raises")


def _where(
    first: Tensor, dtype: torch.dtype | None, device: torch.device | str | None
) -> tuple[torch.device, torch.dtype]:
    """The device and dtype of w; ``first`` is one of its tensors. Raises ValueError for a dtype that will not do."""
    place = usable(device if device is not None else first.device)
    if dtype in HALF:
        return place, torch.float32
    if dtype is not None and dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype is {dtype}; it must be torch.float32, torch.float64 or a half precision.")
    dtype = dtype or (first.dtype if first.dtype in (torch.float32, torch.float64) else torch.float32)
    if place.type == "mps" and dtype == torch.float64:
        raise ValueError("mps has no float64, which MALA and HMC want: use device='cpu', or dtype=torch.float32.")
    return place, dtype


def _at_vectors(points: Sequence[Any], mask: Any) -> tuple[Parameters, list[Fixed]]:
    """The layout of a function's parameter vector, and what is not sampled of it at each of ``points``."""
    if any(point is None for point in points):
        raise ValueError("a function has no parameters of its own: give at=w*, a vector.")
    try:
        vectors = [torch.as_tensor(point).detach() for point in points]
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(points[0]).__name__
        raise TypeError(f"at is a {kind}; for a function it is w*, a floating-point vector (d,).") from error
    if any(p.ndim != 1 or p.shape != vectors[0].shape or not p.is_floating_point() for p in vectors):
        raise ValueError(f"at must be a floating-point vector (d,); shapes {[tuple(p.shape) for p in vectors]}.")
    with torch.inference_mode(False):
        w = nn.Parameter(vectors[0].clone())
    if mask is not None and not isinstance(mask, (bool, Tensor)) and not hasattr(mask, "dtype"):
        raise TypeError(
            f"mask is a {type(mask).__name__}; for a function it is one boolean tensor of w's shape {tuple(w.shape)}."
        )
    layout = Parameters({"w": w}, None if mask is None else {"w": mask})
    return layout, [(layout.values({"w": vector}), {}) for vector in vectors]
