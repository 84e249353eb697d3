"""How a batch reaches the model and the loss: by position, by keyword, and which part of the output is used."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sltcourse.llc.types import Form, Loss, Run

WHOLE_BATCH = "the whole batch"
NEEDS_LOSS = (
    "loss must be a function loss(model(inputs), targets), the mean over the batch; it can be left out only where the "
    "model's output has .loss."
)


@dataclass(frozen=True)
class Calling:
    """A batch (in the user's form) is given to the model as ``inputs`` says, and its output to ``loss``.

    ``inputs``: keys that go by keyword; a number of positions; or "all", the batch as one argument. ``targets``: what
    the loss is given beside the output: a position or key, several keys, WHOLE_BATCH, or None where the model's output
    is or has the loss. ``part``: the part of the output that the loss is given, "whole", "logits" or "first".
    """

    inputs: tuple[Any, ...] | int | Literal["all"]
    targets: Any
    loss: Loss | None
    part: str = "whole"

    def __call__(self, run: Run, form: Form) -> Tensor:
        """The loss of one batch; ``run(*args, **kwargs)`` is the model."""
        return self.loss_of(self.output(run, form), form)

    def output(self, run: Run, form: Form) -> Any:
        """The model's output."""
        if isinstance(self.inputs, tuple):
            return run(**{key: form[key] for key in self.inputs})
        return run(form) if self.inputs == "all" else run(*form[: self.inputs])

    def loss_of(self, out: Any, form: Form) -> Tensor:
        """The loss, given the model's output."""
        if self.targets is None or self.loss is None:
            return _own_loss(out)
        if isinstance(self.targets, tuple):
            target = {key: form[key] for key in self.targets}
        else:
            target = form if self.targets == WHOLE_BATCH else form[self.targets]
        return self.loss(_part(out, self.part), target)

    def said(self, form: Form) -> str:
        """What went to the model, in a sentence, where that may be the mistake."""
        if isinstance(self.inputs, tuple):
            return f" It was given {', '.join(map(str, self.inputs))} by keyword."
        if self.inputs == "all" or self.inputs < 2:
            return ""
        rest = "" if self.inputs == len(form) else ", the last is what the loss is given"
        return f" It was given the first {self.inputs} of {len(form)} arrays of the data{rest}."

    def given(self, form: Form) -> str:
        """What the loss got beside the output, in a sentence, where that may be the mistake."""
        if isinstance(self.targets, tuple):
            return f" It was given a dict of {', '.join(map(str, self.targets))}, which the model does not take."
        return " It was given the whole batch." if self.targets == WHOLE_BATCH and isinstance(form, dict) else ""

    def settled(self, out: Any, form: Form) -> "Calling":
        """This, with the part of the output that the loss can take; raises what the loss raises on the whole."""
        if self.targets is None:
            self.loss_of(out, form)
            return self
        try:
            self.loss_of(out, form)
            return self
        except Exception:
            for part in ("logits", "first"):
                try:
                    other = replace(self, part=part)
                    if isinstance(other.loss_of(out, form), Tensor):
                        return other
                except Exception:
                    continue
            raise


def calling(model: nn.Module, loss: Loss | None, form: Form) -> Calling:
    """What goes where, for batches of the form of ``form``. Raises TypeError for a loss that is no function."""
    if loss is not None and not callable(loss):
        raise TypeError(f"loss is a {type(loss).__name__}. {NEEDS_LOSS}")
    if isinstance(loss, type):
        raise TypeError(f"loss is the class {loss.__name__}: write {loss.__name__}().")
    if isinstance(form, Mapping):
        return _by_keyword(model, loss, form)
    if isinstance(form, tuple):
        return Calling(len(form) if loss is None else len(form) - 1, None if loss is None else -1, loss)
    return Calling("all", None if loss is None else WHOLE_BATCH, loss)


def _by_keyword(model: nn.Module, loss: Loss | None, form: Mapping[Any, Any]) -> Calling:
    """As ``calling``, where a batch is a dict."""
    names, anything = _names(model)
    taken = tuple(key for key in form if key in names or (anything and loss is None))
    if not taken and anything:
        taken = tuple(form)
    if not taken:
        return Calling("all", None if loss is None else WHOLE_BATCH, loss)  # forward(batch), if it takes that
    rest = tuple(key for key in form if key not in taken)
    if loss is None:
        return Calling(taken, None, None)
    return Calling(taken, WHOLE_BATCH if not rest else rest[0] if len(rest) == 1 else rest, loss)


def unknown_keys(model: nn.Module, form: Mapping[Any, Any]) -> str:
    """What to do where forward knows no key of the dict and cannot take it whole."""
    return (
        f"forward of {type(model).__name__} takes ({', '.join(_names(model)[0])}) and none of them is a key of the "
        f"data ({', '.join(map(str, form))}): name the keys as forward does, or give a tuple (inputs, targets)."
    )


def _names(model: nn.Module) -> tuple[list[str], bool]:
    """The names of forward's arguments, and whether it takes any keyword."""
    if isinstance(model, torch.jit.ScriptModule):
        schema = model.forward.schema  # type: ignore[attr-defined]  # a ScriptMethod, not any callable
        return [argument.name for argument in schema.arguments[1:]], False
    kinds = inspect.signature(model.forward).parameters.values()
    named = [p.name for p in kinds if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return named, any(p.kind == p.VAR_KEYWORD for p in kinds)


def _part(out: Any, part: str) -> Any:
    """The ``part`` of a model's output: "whole", "logits" or "first"."""
    if part == "whole":
        return out
    if part == "logits":
        return out["logits"] if isinstance(out, Mapping) else out.logits
    return out[0]


def _own_loss(out: Any) -> Tensor:
    """The loss that the model itself gives: its output, its output's .loss, or the one number in a tuple."""
    found = out.get("loss") if isinstance(out, Mapping) else getattr(out, "loss", None)
    if found is None and isinstance(out, Tensor) and out.ndim == 0:
        found = out
    if found is None and isinstance(out, (tuple, list)):
        numbers = [x for x in out if isinstance(x, Tensor) and x.ndim == 0 and x.is_floating_point()]
        found = numbers[0] if len(numbers) == 1 else None
    if found is None:
        raise TypeError(f"the model gives a {type(out).__name__} without a loss. {NEEDS_LOSS}")
    return found
