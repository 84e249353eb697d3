"""What all samplers have."""

import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from sltcourse.llc.types import Batch

if TYPE_CHECKING:
    from sltcourse.llc.target import Target


@dataclass
class State:
    """Where the chains stand; samplers that remember more have states with more fields."""

    w: Tensor  # (chains, d)


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Sampler(Generic[S]):
    """A way to move chains, whose state is an S. ``lr``, the step size: a positive number, or a tensor (chains, 1).

    ``exact``: its draws have the posterior itself as their law; it needs the full batch, draws its own random numbers,
    and its state has ``accepted`` (chains, 1). ``adapts``: it learns something in burn-in, and needs one.
    ``calms``: its ``calm`` makes the steps smaller. ``probe_every``: during burn-in it is shown, before every so many
    steps, a minibatch to learn from, the chains staying where they are (``probe``); before the first step
    ``first_probes`` of them. 0: never.

    Raises ValueError where lr is not positive and finite.
    """

    exact: ClassVar[bool] = False
    adapts: ClassVar[bool] = False
    calms: ClassVar[bool] = False
    probe_every: ClassVar[int] = 0
    first_probes: ClassVar[int] = 0
    lr: float | Tensor = 1e-4

    def __post_init__(self) -> None:
        name, lr = type(self).__name__, self.lr
        if isinstance(lr, Tensor) and lr.numel() == 1 and lr.ndim != 2:
            object.__setattr__(self, "lr", lr.item())
        elif not isinstance(lr, (numbers.Real, Tensor)) or isinstance(lr, bool):
            raise ValueError(f"lr of {name} is {lr!r}; it must be a positive number.")
        elif not isinstance(lr, Tensor):
            try:
                object.__setattr__(self, "lr", float(lr))
            except OverflowError:
                raise ValueError(f"lr of {name} is larger than any float; it must be positive and finite.") from None
        elif lr.is_complex():
            raise ValueError(f"lr of {name} is a tensor of complex numbers; it must be positive.")
        if not (bool((self.lr > 0).all()) if isinstance(self.lr, Tensor) else 0 < self.lr < math.inf):
            raise ValueError(f"lr of {name} is {lr}; it must be positive and finite.")

    def between(self, name: str, low: float, high: float) -> None:
        """Raise ValueError unless the setting ``name`` is a number above ``low`` and below ``high``."""
        value = getattr(self, name)
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not (value < high and not value <= low):
            raise ValueError(
                f"{name} of {type(self).__name__} is {value!r}; it must be a number above {low:g} and below {high:g}."
            )

    def init(self, target: "Target", generator: torch.Generator) -> S:
        """The state of chains of ``target`` that start at w*, a dataclass of tensors, the first ``w`` (chains, d).

        ``generator`` draws what is random in it.
        """
        raise NotImplementedError

    def step_size(self, state: S, target: "Target") -> float | Tensor:
        """ε·G, what an unadjusted step multiplies the force by, to be spread over (chains, d); 0 for exact samplers.

        ``state`` and ``target``: where the chains are, and what they sample.
        """
        return torch.zeros((), dtype=state.w.dtype, device=state.w.device)

    def step_bias(self, state: S, target: "Target", away: Tensor, force: Tensor) -> Tensor:
        """About what the finite step adds to nβ(L − L(w*)), (chains,).

        ``state`` and ``target``: where the chains are, and what they sample; ``away``, w − w*, and ``force``, ∇U, have
        the shape (chains, d).
        """
        return torch.zeros_like(away[:, 0])

    def probe(self, state: S, target: "Target", batch: Batch) -> None:
        """Learn from a ``batch`` of ``target``, () at full batch; changes ``state`` in place, but for ``w``."""

    def turns_relative(self, state: S, target: "Target") -> bool:
        """Whether to take minibatches of ``target`` relative to w* from now on; then ``state`` says so."""
        return False

    def calm(self, state: S, where: Tensor) -> None:
        """Take smaller steps from now on where ``where`` (chains, 1) or (1, 1); changes ``state`` in place."""


@dataclass(frozen=True)
class MinibatchSampler(Sampler[S]):
    """A sampler of unadjusted steps, on minibatches or at full batch."""

    def step(self, state: S, target: "Target", batch: Batch, noise: Tensor, adapt: bool) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss (chains,) and the potential's gradient (chains, d) where they were.

        ``target`` is sampled, on the minibatch ``batch``. ``noise`` (chains, d), random numbers of mean 0
        and variance 1, see ``llc.noise``, may be overwritten. ``state`` is changed in place, by tensor operations only.
        ``adapt``: whether to learn from what is seen, during burn-in.
        """
        raise NotImplementedError
