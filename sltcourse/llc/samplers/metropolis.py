"""What the exact samplers share: a proposal is taken or refused, and burn-in tunes the step to a rate of acceptance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from torch import Tensor

from sltcourse.llc.samplers import base

if TYPE_CHECKING:
    from sltcourse.llc.target import Target


@dataclass
class State(base.State):
    """Where the chains of an exact sampler stand, and what is known there."""

    loss: Tensor  # (chains,)
    force: Tensor  # (chains, d), the potential's gradient
    energy: Tensor  # (chains, 1), the potential
    log_lr: Tensor  # (chains, 1)
    accepted: Tensor  # (chains, 1), acceptance probability of the last proposal
    tuned: int  # steps of burn-in so far


class Proposal(NamedTuple):
    """Where the chains may go, and what is known there."""

    w: Tensor  # (chains, d)
    loss: Tensor  # (chains,)
    force: Tensor  # (chains, d), the potential's gradient
    energy: Tensor  # (chains, 1), the potential


@dataclass(frozen=True)
class ExactSampler(base.Sampler[State]):
    """A sampler whose draws have the posterior itself as their law, at full batch."""

    exact: ClassVar[bool] = True

    def init(self, target: "Target", generator: torch.Generator) -> State:
        """Chains at w*."""
        return start(target, self.lr)

    def move(self, state: State, target: "Target", generator: torch.Generator, adapt: bool) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss (chains,) and the potential's gradient (chains, d) where they were.

        ``state`` is changed; ``target`` is sampled; ``generator`` draws; ``adapt``: whether to tune the step.
        """
        raise NotImplementedError


def start(target: "Target", lr: float | Tensor) -> State:
    """Chains at their w*, with step size ``lr``."""
    w = target.center.clone()
    loss, grad = target.full_loss_and_grad(w)
    force = target.force(w, grad)
    log_lr = torch.zeros_like(w[:, :1]) + torch.as_tensor(lr, dtype=w.dtype, device=w.device).log()
    return State(w, loss, force, target.potential(w, loss), log_lr, torch.zeros_like(log_lr), 0)


def accept(state: State, accepted: Tensor, proposal: Proposal, generator: torch.Generator) -> None:
    """Take the proposal with probability ``accepted`` (chains, 1)."""
    w, loss, force, energy = proposal
    state.accepted = accepted
    take = torch.empty_like(state.log_lr).uniform_(generator=generator) < accepted
    state.w = torch.where(take, w, state.w)
    state.force = torch.where(take, force, state.force)
    state.energy = torch.where(take, energy, state.energy)
    state.loss = torch.where(take[:, 0], loss, state.loss)


def tune(state: State, wanted: float) -> None:
    """Move the step size towards an acceptance rate ``wanted``, less and less (Robbins & Monro 1951)."""
    state.tuned += 1
    state.log_lr = state.log_lr + (state.accepted - wanted) * 2 / state.tuned**0.6
