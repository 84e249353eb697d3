"""Langevin dynamics in units of the posterior's own width, coordinate by coordinate."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sltcourse.llc.samplers.base import Sampler


@dataclass(frozen=True)
class WhitenedSGLD(Sampler):
    """w ← w − (ε/2) G ∇U + √(εG) s·(R + R')/2, with G = 1/(V + γ) and V the running mean of the squared ∇nβL_B.

    Step size. Integration by parts gives E[(∂_i U)²] = E[∂_i² U] under exp(−U): V + γ is the posterior's mean
    curvature along coordinate i (plus the gradient's minibatch variance), so ε = ``lr`` is dimensionless and one value
    serves every model, n and β. Rescaling a parameter rescales its steps with it.

    No bias of first order. R and R' are the normal numbers of this step and of the one before (Leimkuhler & Matthews
    2013, arXiv 1203.5428): the variance of a Gaussian is then exact at every stable step, where SGLD's is too large by
    a share of order ε, and other posteriors are sampled to second order. The minibatch shakes the chain too: it adds
    (ε/2)²G²C to the variance of a step, C its variance of ∇nβL_B. So the injected noise is made smaller by that:
    s² = 1 − εGC/4 (as in Ahn et al. 2012, arXiv 1206.6380, and Vollmer et al. 2016, arXiv 1501.00438). C comes from
    the two halves of each minibatch: E[(g − g')²]/4. It is positive and C ≤ V, so that s² ≥ 1 − ε/4.

    V and C are pooled over the chains of a point, follow them through burn-in, and are then held, so that the draws
    have one fixed stationary distribution.
    """

    adapts: ClassVar[bool] = True
    lr: float | Tensor = 0.05
    decay: float = 0.99

    def init(self, target, generator):
        """Chains at w*, with one scale for all coordinates."""
        curvature = safe_radius(target, generator) ** -2
        w = target.center.clone()
        curvature = curvature.expand(-1, w.shape[1]).clone()
        before = torch.empty_like(w).normal_(generator=generator)
        return State(w, before, curvature, torch.zeros_like(curvature), torch.zeros_like(curvature[0, 0]))

    def step(self, state, target, batch, noise, adapt):
        """Move all chains; return the loss and the potential's gradient where they were."""
        halved = adapt and bool(batch) and batch[0].shape[1] > 1
        if halved:
            loss, grad, variance = _halves(target, state.w, batch)
            variance.mul_(target.nbeta**2)
        else:
            loss, grad = target.loss_and_grad(state.w, batch)
        grad = grad.mul_(target.nbeta)
        if adapt:
            rate = (1 / (10 + state.adapted / 10)).clamp(min=1 - self.decay)  # quick at first: V may be far off
            state.curvature.lerp_(target.mean_over_chains(grad.square()), rate)
            if halved:
                state.variance.lerp_(target.mean_over_chains(variance), rate)
            elif batch:
                state.variance.copy_(state.curvature)  # a minibatch of one row: nearly all of V is its noise
            state.adapted += 1
        step = self.step_size(state, target)
        force = grad.add_(target.spring(state.w))
        share = 1 - 0.25 * step * torch.minimum(state.variance, state.curvature)
        state.w.sub_(0.5 * step * force)
        state.w.add_(state.before.add_(noise).mul_((0.25 * step * share.clamp_(min=0)).sqrt_()))
        state.before.copy_(noise)
        return loss, force

    def step_size(self, state, target):
        """ε·G, elementwise."""
        return self.lr / (state.curvature + target.stiffness)


@dataclass
class State:
    w: Tensor  # (chains, d)
    before: Tensor  # (chains, d), the normal numbers of the step before
    curvature: Tensor  # (chains or 1, d), the running mean of (nβ ∂_i L_B)²
    variance: Tensor  # (chains or 1, d), that of the minibatch variance of nβ ∂_i L_B
    adapted: Tensor  # steps so far


def _halves(target, w, batch):
    """Loss and gradient on the whole minibatch, and the gradient's variance, estimated from the two halves of it.

    The rows of a minibatch are independent draws: with halves of a and b rows, of a + b, the variance of the whole
    minibatch's gradient is E[(g_a − g_b)²] ab/(a + b)².
    """
    rows = batch[0].shape[1]
    a = rows // 2
    first, second = tuple(x[:, :a] for x in batch), tuple(x[:, a:] for x in batch)
    (loss_a, grad_a), (loss_b, grad_b) = target.loss_and_grad(w, first), target.loss_and_grad(w, second)
    share = a / rows
    variance = (grad_a - grad_b).square_().mul_(share * (1 - share))
    return loss_a.lerp(loss_b, 1 - share), grad_a.lerp_(grad_b, 1 - share), variance


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
