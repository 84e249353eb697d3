"""The Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996): exact, full batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sltcourse.llc.samplers import metropolis

if TYPE_CHECKING:
    from sltcourse.llc.target import Target

TARGET_ACCEPTANCE = 0.574  # optimal in high dimension (Roberts & Rosenthal 1998)


@dataclass(frozen=True)
class MALA(metropolis.ExactSampler):
    """An SGLD step on the full data, accepted or refused so that exp(−U) is exactly stationary.

    ``lr`` is where the largest step size starts; burn-in tunes it, chain by chain, to an acceptance rate of 0.574.
    Each step takes a random share u² of it, u uniform on [0, 1]: a chain far out in a well that is steeper than a
    parabola, w⁴ say, would refuse every large step and stay there for thousands of draws. Roberts & Tweedie 1996;
    the rate: Roberts & Rosenthal 1998. Raises ValueError where lr is not positive and finite.
    """

    def move(
        self, state: metropolis.State, target: "Target", generator: torch.Generator, adapt: bool
    ) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss and the potential's gradient where they were."""
        here = state.loss.clone(), state.force.clone()
        share = torch.empty_like(state.log_lr).uniform_(generator=generator).square_()
        origin = metropolis.Proposal(state.w, state.loss, state.force, state.energy)
        proposal, accepted = propose(target, origin, state.log_lr.exp() * share, generator)
        metropolis.accept(state, accepted, proposal, generator)
        if adapt:
            metropolis.tune(state, TARGET_ACCEPTANCE)
        return here


def propose(
    target: "Target", here: metropolis.Proposal, step: float | Tensor, generator: torch.Generator
) -> tuple[metropolis.Proposal, Tensor]:
    """A Langevin move of size ``step`` from ``here`` on the full data, and its acceptance probability (chains, 1)."""
    w, _, force, energy = here
    noise = torch.empty_like(w).normal_(generator=generator)
    new = w - 0.5 * step * force + step**0.5 * noise
    loss, grad = target.full_loss_and_grad(new)
    new_force = target.force(new, grad)
    new_energy = target.potential(new, loss)
    back = (w - new + 0.5 * step * new_force).square() / step
    forth_minus_back = 0.5 * (noise.square() - back).sum(1, keepdim=True)
    accepted = (energy - new_energy + forth_minus_back).clamp(max=0).exp().nan_to_num(0.0)
    return metropolis.Proposal(new, loss, new_force, new_energy), accepted
