"""The stochastic gradient Nosé–Hoover thermostat (Ding et al. 2014)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sltcourse.llc.samplers import base
from sltcourse.llc.types import Batch

if TYPE_CHECKING:
    from sltcourse.llc.target import Target


@dataclass
class State(base.State):
    """Where the chains stand, with their momenta and frictions."""

    momentum: Tensor  # (chains, d)
    friction: Tensor  # (chains, 1)


@dataclass(frozen=True)
class SGNHT(base.MinibatchSampler[State]):
    """Langevin dynamics with a momentum p and a friction ξ that adapts to absorb the unknown minibatch noise.

    p ← (1 − ξ)p − h∇U + √(2a)·N(0, 1),  w ← w + hp,  ξ ← ξ + h²(p·p/d − 1), with h = √``lr`` and a = ``friction``, the
    share of its momentum that a chain loses in a step. Ding et al. 2014 (NeurIPS 27).

    Raises ValueError where lr is not positive and finite, or friction not between 0 and 1.
    """

    friction: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        self.between("friction", 0, 1)

    def init(self, target: "Target", generator: torch.Generator) -> State:
        """Chains at w*."""
        momentum = torch.empty_like(target.center, memory_format=torch.contiguous_format).normal_(generator=generator)
        return State(target.center.clone(), momentum, torch.full_like(target.center[:, :1], self.friction))

    def step(self, state: State, target: "Target", batch: Batch, noise: Tensor, adapt: bool) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss and the potential's gradient where they were."""
        loss, grad = target.loss_and_grad(state.w, batch)
        force = target.force(state.w, grad)
        h = self.lr**0.5
        p = state.momentum
        p.mul_(1 - state.friction).sub_(h * force).add_(noise, alpha=(2 * self.friction) ** 0.5)
        state.w.add_(h * p)
        state.friction.add_(self.lr * (p.square().mean(1, keepdim=True) - 1))
        return loss, force
