"""What the exact samplers share: a proposal is taken or refused, and burn-in tunes the step to a rate of acceptance."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class State:
    w: Tensor  # (chains, d)
    loss: Tensor  # (chains,)
    force: Tensor  # (chains, d), the potential's gradient
    energy: Tensor  # (chains, 1), the potential
    log_lr: Tensor  # (chains, 1)
    accepted: Tensor  # (chains, 1), acceptance probability of the last proposal
    tuned: int  # steps of burn-in so far


def start(target, lr) -> State:
    """Chains at their w*, with step size ``lr``."""
    w = target.center.clone()
    loss, grad = target.full_loss_and_grad(w)
    force = target.force(w, grad)
    log_lr = torch.zeros_like(w[:, :1]) + torch.as_tensor(lr, dtype=w.dtype, device=w.device).log()
    return State(w, loss, force, target.potential(w, loss), log_lr, torch.zeros_like(log_lr), 0)


def accept(state: State, accepted, w, loss, force, energy, generator) -> None:
    """Take the proposal (w, loss, force, energy) with probability ``accepted`` (chains, 1)."""
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
