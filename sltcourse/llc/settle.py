"""The first calls of a model on its data: how a batch reaches it, how its loss weighs rows, what a row costs."""

import contextlib
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sltcourse.llc.calling import NEEDS_LOSS, calling, unknown_keys
from sltcourse.llc.check import check
from sltcourse.llc.data import Rows
from sltcourse.llc.devices import refuse_autocast
from sltcourse.llc.plain import out_of_memory
from sltcourse.llc.types import Batch, Loss

if TYPE_CHECKING:
    from sltcourse.llc.objective import Objective

_alone = threading.RLock()  # the filters of warnings and the global random numbers are the whole process's
ALL_AT_ONCE = 2**28  # bytes of data up to which a model that fails on a few rows is tried on all


class ModelFails(ValueError):
    """The user's model or loss raised an error, which is the cause of this one."""


def sentence(error: Exception, batch: Batch, what: str, said: str = "") -> Exception:
    """``error`` of the user's code in a sentence; what says that memory ran out comes back as it is."""
    if out_of_memory(error) or isinstance(error, ModelFails):
        return error
    rows = f" on a batch of {len(batch[0])} rows" if len(batch) else ""
    held = ", ".join(f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}" for x in batch)
    message = " ".join(str(error).split())
    message = message if len(message) < 300 else message[:300] + " ..."
    said = ("" if message.endswith(".") or not said else ".") + said + (f" (The batch: {held}.)" if held else "")
    return ModelFails(f"{what} fails{rows}: {type(error).__name__}: {message}{said}")


def settle(objective: "Objective", user_model: nn.Module | None, loss: Loss | None) -> None:
    """Find out how the model is called, what a row weighs and costs, and refuse what is no mean loss of w.

    ``user_model``: the user's own module, None for a function. Raises ModelFails (a ValueError) where the model or the
    loss raises an error, TypeError and ValueError as ``make_objective``.
    """
    refuse_autocast(objective.device)  # before its rounding makes the loss no mean over rows
    rows = objective.rows
    batch = copied(rows.slice(0, min(4, rows.num_samples))) if rows is not None else ()
    with _alone, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a loss says of a batch of one row
        try:
            if user_model is not None:
                _settle_calling(objective, batch, loss)
            with torch.set_grad_enabled(objective.differentiates):
                _differentiating(objective, lambda: objective.plain_loss(objective.centers[0], 0, batch))
                if rows is not None:
                    _settle_strides(objective, rows, batch)
        except ModelFails as error:
            if rows is None or not _works_on_all(objective, rows):
                raise
            raise ModelFails(
                f"{str(error).rstrip('.')}. On all {rows.num_samples} rows it works: a tensor with one row per sample "
                "is held by the model or the loss. Put it into the data, so that minibatches take its rows too."
            ) from error.__cause__
        if rows is not None:
            few = rows.slice(0, len(batch[0]))
            refuse_writes("the model or its loss", few, lambda b: objective.plain_loss(objective.centers[0], 0, b))
        _measure(objective, batch)
        check(objective, user_model)


def copied(batch: Batch) -> Batch:
    """A copy that may be written into: slices of rows are the user's own memory."""
    with torch.inference_mode(False):
        return tuple(x.clone() for x in batch)


def refuse_writes(what: str, batch: Batch, run: Callable[[Batch], Any]) -> None:
    """Raise ValueError where ``run`` writes into its batch. It gets a copy; what else is wrong with it is no matter."""
    mine = copied(batch)
    before = [x._version for x in mine]
    with contextlib.suppress(Exception):
        run(mine)
    for x, y, version in zip(mine, batch, before, strict=True):
        if x._version != version or not bool(((x == y) | ((x != x) & (y != y))).all()):
            raise ValueError(
                f"{what} writes into the data (an operation in place, as t.sub_(...) is), so that the next call would "
                "see other data: let it work on a copy, t.clone()."
            )


def _settle_calling(objective: "Objective", batch: Batch, loss: Loss | None) -> None:
    """Find out how ``objective``'s module is called, and which part of its output the loss takes."""
    form = objective.form(batch)
    call = objective.calling = calling(objective.model, loss, form)
    try:
        out = _differentiating(objective, lambda: objective.output(objective.centers[0], 0, batch))
    except Exception as error:
        if isinstance(form, dict) and call.inputs == "all":
            raise TypeError(unknown_keys(objective.model, form)) from error
        if call.targets is None and not isinstance(form, dict):
            raise TypeError(NEEDS_LOSS) from error
        raise sentence(error, batch, "the model", call.said(form)) from error
    try:
        with torch.set_grad_enabled(objective.differentiates):
            call = objective.calling = call.settled(out, form)
    except Exception as error:
        if isinstance(error, TypeError) and NEEDS_LOSS in str(error):
            raise
        raise sentence(error, batch, "the loss", call.given(form)) from error
    if call.part != "whole":
        what = ".logits" if call.part == "logits" else "first entry"
        objective.notes.append(f"the loss is given the {what} of the model's output ({type(out).__name__}).")


def _differentiating(objective: "Objective", run: Callable[[], Any]) -> Any:
    """``run()``, with gradients on where it fails without (forces are the gradient of an energy)."""
    try:
        return run()
    except Exception as error:
        if out_of_memory(error) or objective.differentiates:
            raise
        objective.differentiates = True
        try:
            with torch.enable_grad():
                return run()
        except Exception:
            objective.differentiates = False
            raise error from error.__cause__


def _settle_strides(objective: "Objective", rows: Rows, batch: Batch) -> None:
    """Gather minibatches row by row where the model or the loss takes no others (a ``view``)."""
    try:
        objective.plain_loss(objective.centers[0], 0, rows.strided(batch))
    except ModelFails:
        rows.by_columns = False


def _works_on_all(objective: "Objective", rows: Rows) -> bool:
    """Whether the loss can be computed on all the data, if these are few enough to try."""
    if rows.num_samples * rows.bytes_per_row > ALL_AT_ONCE:
        return False
    try:
        objective.plain(objective.centers[0], 0, copied(rows.slice(0, rows.num_samples)), False, 1.0)
    except ValueError:
        return False
    return True


def _measure(objective: "Objective", batch: Batch) -> None:
    """Bytes that one gradient keeps: so many for each row, and so many whatever the batch."""
    many, more = objective.bytes_kept(batch), 0
    for size in (1, 2):
        if batch and size < len(batch[0]) and not more:
            try:
                few = objective.bytes_kept(tuple(x[:size] for x in batch))
                more = len(batch[0]) - size
            except ModelFails:
                continue
    objective.bytes_per_row = max(1, -(-(many - few) // more) if more else many)
    objective.bytes_at_rest = max(0, many - objective.bytes_per_row * (len(batch[0]) if batch else 1))
