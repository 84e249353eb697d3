"""SGLD in units of the posterior's own width, coordinate by coordinate."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sltcourse.llc.samplers.base import Sampler


@dataclass(frozen=True)
class WhitenedSGLD(Sampler):
    """SGLD with step ε·G, where G = 1/(V + γ) and V is the running mean of the squared gradients of nβL_B.

    Integration by parts gives E[(∂_i U)²] = E[∂_i² U] under exp(−U): V + γ is the posterior's mean curvature along
    coordinate i (plus the gradient's minibatch variance), so ε = ``lr`` is dimensionless and one value serves every
    model, n and β. Rescaling a parameter rescales its steps with it. The minibatch noise adds at most a share of about
    ε/4 to the injected noise in every coordinate. V is pooled over the chains of a point, follows them through burn-in,
    and is then held, so that the draws have one fixed stationary distribution.
    """

    adapts: ClassVar[bool] = True
    lr: float | Tensor = 0.05
    decay: float = 0.99

    def init(self, target, generator):
        curvature = safe_radius(target, generator) ** -2
        w = target.center.clone()
        return State(w, curvature.expand(-1, w.shape[1]).clone(), torch.zeros_like(curvature[0, 0]))

    def step(self, state, target, batch, noise, adapt):
        """Move all chains; return the loss and the potential's gradient where they were."""
        loss, grad = target.loss_and_grad(state.w, batch)
        grad = grad.mul_(target.nbeta)
        if adapt:
            rate = (1 / (10 + state.adapted / 10)).clamp(min=1 - self.decay)  # quick at first: V may be far off
            state.curvature.lerp_(target.mean_over_chains(grad.square()), rate)
            state.adapted += 1
        step = self.step_size(state, target)
        force = grad.add_(target.spring(state.w))
        state.w.sub_(0.5 * step * force).add_(noise.mul_(step.sqrt_()))
        return loss, force

    def step_size(self, state, target):
        """ε·G, elementwise."""
        return self.lr / (state.curvature + target.stiffness)


@dataclass
class State:
    w: Tensor  # (chains, d)
    curvature: Tensor  # (chains or 1, d), the running mean of (nβ ∂_i L_B)²
    adapted: Tensor  # steps so far


def safe_radius(target, generator) -> Tensor:
    """A scale r, (chains or 1, 1), at which a random displacement r·N(0, 1) costs at most d/2 of nβL."""
    batch = target.draw_batch()
    direction = torch.empty_like(target.center, memory_format=torch.contiguous_format).normal_(generator=generator)
    base = target.loss(target.center, batch)
    radius = torch.ones_like(target.center[:, :1])
    for _ in range(60):
        cost = target.nbeta * (target.loss(target.center + radius * direction, batch) - base)[:, None]
        small = cost <= 0.5 * target.center.shape[1]  # False for nan
        if small.all():
            break
        radius = torch.where(small, radius, 0.5 * radius)
    return target.mean_over_chains(radius.log()).exp()
