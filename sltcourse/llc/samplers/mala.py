"""The Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996): exact, full batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

TARGET_ACCEPTANCE = 0.574  # optimal in high dimension (Roberts & Rosenthal 1998)


@dataclass(frozen=True)
class MALA:
    """An SGLD step on the full data, accepted or refused so that exp(−U) is exactly stationary.

    ``lr`` is where the step size starts; burn-in tunes it, chain by chain, to an acceptance rate of 0.574
    (``adapt=False``: it stays).
    """

    exact = True
    lr: float | Tensor = 1e-4
    adapt: bool = True

    def init(self, target, generator):
        w = target.center.clone()
        loss, grad = target.full_loss_and_grad(w)
        force = target.force(w, grad)
        log_lr = torch.zeros_like(w[:, :1]) + torch.as_tensor(self.lr, dtype=w.dtype, device=w.device).log()
        return State(w, loss, force, target.potential(w, loss), log_lr, torch.zeros_like(log_lr), 0)

    def step(self, state, target, generator, adapt):
        """Move all chains; return the loss and the potential's gradient where they were."""
        here = state.loss.clone(), state.force.clone()
        lr = state.log_lr.exp()
        noise = torch.empty_like(state.w).normal_(generator=generator)
        w = state.w - 0.5 * lr * state.force + lr.sqrt() * noise
        loss, grad = target.full_loss_and_grad(w)
        force = target.force(w, grad)
        energy = target.potential(w, loss)
        back = state.w - w + 0.5 * lr * force
        forth_minus_back = 0.5 * (noise.square().sum(1, keepdim=True) - back.square().sum(1, keepdim=True) / lr)
        state.accepted = (state.energy - energy + forth_minus_back).clamp(max=0).exp().nan_to_num(0.0)
        take = torch.empty_like(lr).uniform_(generator=generator) < state.accepted
        state.w = torch.where(take, w, state.w)
        state.force = torch.where(take, force, state.force)
        state.energy = torch.where(take, energy, state.energy)
        state.loss = torch.where(take[:, 0], loss, state.loss)
        if adapt and self.adapt:
            state.tuned += 1
            state.log_lr = state.log_lr + (state.accepted - TARGET_ACCEPTANCE) * 2 / state.tuned**0.6
        return here


@dataclass
class State:
    w: Tensor  # (chains, d)
    loss: Tensor  # (chains,)
    force: Tensor  # (chains, d), the potential's gradient
    energy: Tensor  # (chains, 1), the potential
    log_lr: Tensor  # (chains, 1)
    accepted: Tensor  # (chains, 1), acceptance probability of the last proposal
    tuned: int
