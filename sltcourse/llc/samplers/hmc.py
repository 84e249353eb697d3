"""Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): exact, full batch."""

import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sltcourse.llc.samplers import metropolis

if TYPE_CHECKING:
    from sltcourse.llc.target import Target

TARGET_ACCEPTANCE = 0.8


@dataclass(frozen=True)
class HMC(metropolis.ExactSampler):
    """``num_leapfrog`` leapfrog steps of length √``lr`` from a fresh momentum, accepted or refused as a whole.

    ``lr`` is where the step size starts; burn-in tunes it, chain by chain, to an acceptance rate of 0.8. Each
    trajectory uses a random 50–100 % of the step, so that no direction is in resonance with its length. Duane et al.
    1987; Neal 2011.

    Raises ValueError where lr is not positive and finite, or num_leapfrog no whole number from 1 on.
    """

    num_leapfrog: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.num_leapfrog, numbers.Integral) and self.num_leapfrog >= 1):
            raise ValueError(f"num_leapfrog is {self.num_leapfrog!r}; it must be a whole number, 1 or more.")
        object.__setattr__(self, "num_leapfrog", int(self.num_leapfrog))

    def move(
        self, state: metropolis.State, target: "Target", generator: torch.Generator, adapt: bool
    ) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss and the potential's gradient where they were."""
        here = state.loss.clone(), state.force.clone()
        h = (0.5 * state.log_lr).exp() * torch.empty_like(state.log_lr).uniform_(0.5, 1, generator=generator)
        p = torch.empty_like(state.w).normal_(generator=generator)
        kinetic = 0.5 * p.square().sum(1, keepdim=True)
        w, force = state.w, state.force
        p = p - 0.5 * h * force
        for leap in range(self.num_leapfrog):
            w = w + h * p
            loss, grad = target.full_loss_and_grad(w)
            force = target.force(w, grad)
            p = p - (h if leap < self.num_leapfrog - 1 else 0.5 * h) * force
        energy = target.potential(w, loss)
        change = state.energy + kinetic - energy - 0.5 * p.square().sum(1, keepdim=True)
        accepted = change.clamp(max=0).exp().nan_to_num(0.0)
        metropolis.accept(state, accepted, metropolis.Proposal(w, loss, force, energy), generator)
        if adapt:
            metropolis.tune(state, TARGET_ACCEPTANCE)
        return here
