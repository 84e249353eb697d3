"""Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): exact, full batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sltcourse.llc.samplers.mala import State

TARGET_ACCEPTANCE = 0.8


@dataclass(frozen=True)
class HMC:
    """``num_leapfrog`` leapfrog steps of length √``lr`` from a fresh momentum, accepted or refused as a whole.

    ``lr`` is where the step size starts; burn-in tunes it, chain by chain, to an acceptance rate of 0.8. Each
    trajectory uses a random 50–100 % of the step, so that no direction is in resonance with its length.
    """

    exact = True
    lr: float | Tensor = 1e-4
    num_leapfrog: int = 10

    def init(self, target, generator):
        w = target.center.clone()
        loss, grad = target.full_loss_and_grad(w)
        force = target.force(w, grad)
        log_lr = torch.zeros_like(w[:, :1]) + torch.as_tensor(self.lr, dtype=w.dtype, device=w.device).log()
        return State(w, loss, force, target.potential(w, loss), log_lr, torch.zeros_like(log_lr), 0)

    def step(self, state, target, generator, adapt):
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
        state.accepted = change.clamp(max=0).exp().nan_to_num(0.0)
        take = torch.empty_like(h).uniform_(generator=generator) < state.accepted
        state.w = torch.where(take, w, state.w)
        state.force = torch.where(take, force, state.force)
        state.energy = torch.where(take, energy, state.energy)
        state.loss = torch.where(take[:, 0], loss, state.loss)
        if adapt:
            state.tuned += 1
            state.log_lr = state.log_lr + (state.accepted - TARGET_ACCEPTANCE) * 2 / state.tuned**0.6
        return here
