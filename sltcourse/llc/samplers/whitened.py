"""Langevin dynamics in units of the posterior's own width, coordinate by coordinate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from sltcourse.llc.control import pays
from sltcourse.llc.samplers import base
from sltcourse.llc.types import Batch

if TYPE_CHECKING:
    from sltcourse.llc.target import Target

PROBE_EVERY = 10  # steps of burn-in between two probes
FIRST_PROBES = 10  # before the first step
PROBE_RATE = 0.05  # of the running means that probes feed
NUDGE = 0.1  # the displacement, in posterior widths, over which a probe takes the gradient's difference
FARTHEST = 5.0  # posterior widths that the gradient moves a coordinate in one step: no chain explodes in a steep well
PATIENCE = 200  # steps of burn-in before a lost chain speaks against the step, and not against where it started
SETTLING = 100  # steps of burn-in before which it is not asked whether gradients relative to w* pay
FLAT = 1e-6  # the least V of a coordinate, as a share of their mean, where no spring or prior holds it
LOST = 10.0  # a chain is lost if (w − w*)·∇U, d on average in equilibrium, exceeds this times d + 10


@dataclass(frozen=True)
class WhitenedSGLD(base.MinibatchSampler["State"]):
    """w ← w − (ε/2) G ∇U + √(εG) s·(R + R')/2, with G = 1/(V + γ) and V the running mean of the squared ∇nβL_B.

    Coordinates. Integration by parts gives E[(∂_i U)²] = E[∂_i² U] under exp(−U): V + γ is the posterior's mean
    curvature along coordinate i (plus the gradient's minibatch variance), so ε is dimensionless. Rescaling a parameter
    rescales its steps with it.

    Step size. The largest eigenvalue of G^½ ∇²U G^½ is found by power iteration on gradient differences during
    burn-in; ε is ``stable`` divided by it (by the fourth root of the mean of its fourth power, since curvature varies
    from place to place), and at most ``lr``. A chain would explode where the product reaches 4; as a well steeper than
    a parabola has such places, no gradient moves a coordinate by more than five widths in a step. Chains that a large
    step has heated measure less curvature than cool ones, and would keep the step: where burn-in loses a chain after
    its first 200 steps, or equipartition comes out above 1, half of the step is the most from then on (``calm``), and
    up to an eighth where ``step_bias`` comes out above 2 % of the estimate.

    Bias. R and R' are the noise of this step and of the one before (Leimkuhler & Matthews 2013,
    arXiv:1203.5428): a Gaussian's variance is then exact at every stable step, where SGLD's is too large by a share of
    order ε, and other posteriors are sampled to second order in ε. The minibatch shakes the chain too: it adds
    (ε/2)²G²C to the variance of a step, C being its variance of ∇nβL_B. So the injected noise is made smaller, by
    s² = 1 − εGC/(4 − εGh), where h = V − C + γ is the curvature (to first order as do Ahn et al. 2012, arXiv:1206.6380,
    and Vollmer et al. 2016, arXiv:1501.00438). C comes from the two halves of a minibatch; it is at most V. What is
    left of the minibatch's bias is of second order where the loss has no flat directions; ``step_bias`` says how much.

    Control variate. Half-way through the first round of burn-in it is measured how much of the gradients is minibatch
    noise, and how much would be left if they were taken relative to those at w* (``control``). Where it is felt (5 %
    of their square) and at most half would be left, they are from then on: that costs one more gradient a step, and V,
    C and ε are learnt anew. ``control_variate``: None: as said; True, from the first step on; False, never. Models in
    half precision never do by themselves, since a difference of their gradients is mostly rounding.

    V (of whose old value ``decay`` is kept, or less at first), C and ε are pooled over the chains of a point, follow
    them through burn-in, and are then held, so that the draws have one fixed stationary distribution. A chain that is
    lost during burn-in starts again at w*.

    Raises ValueError where lr is not positive and finite, decay not between 0 and 1, or stable not between 0 and 4.
    """

    adapts: ClassVar[bool] = True
    calms: ClassVar[bool] = True
    probe_every: ClassVar[int] = PROBE_EVERY
    first_probes: ClassVar[int] = FIRST_PROBES
    lr: float | Tensor = 1.0
    decay: float = 0.99
    stable: float = 0.7
    control_variate: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.between("decay", 0, 1)
        self.between("stable", 0, 4)

    def init(self, target: "Target", generator: torch.Generator) -> "State":
        """Chains at w*, with one scale for all coordinates."""
        curvature = safe_radius(target, generator) ** -2
        w = target.center.clone(memory_format=torch.contiguous_format)
        before, direction = (torch.empty_like(w).normal_(generator=generator) for _ in range(2))
        adapted = torch.zeros_like(curvature[0, 0])
        return State(
            w=w,
            before=before,
            curvature=curvature.expand(-1, w.shape[1]).clone(),
            variance=torch.zeros_like(curvature).expand(-1, w.shape[1]).clone(),
            direction=direction,
            sharpness=torch.ones_like(curvature),
            most=torch.zeros_like(curvature) + self.lr,
            adapted=adapted,
            probed=adapted.clone(),
            relative=adapted + float(self.control_variate is True and not target.full_batch),
        )

    def step(self, state: "State", target: "Target", batch: Batch, noise: Tensor, adapt: bool) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss and the potential's gradient where they were."""
        loss, grad = target.loss_and_grad(state.w, batch)
        grad = grad.mul_(target.nbeta)
        if adapt:
            away = state.w - target.center
            virial = (away * (grad + target.spring(state.w))).sum(1, keepdim=True)
            found = virial < LOST * (away.shape[1] + 10)  # False for nan
            state.w.copy_(torch.where(found, state.w, target.center))
            grad, away = (torch.where(found, x, 0) for x in (grad, away))
            lost = target.mean_over_chains((~found).to(away.dtype)) > 0
            self.calm(state, lost & (state.adapted >= PATIENCE))
            rate = (1 / (10 + state.adapted / 10)).clamp(min=1 - self.decay)  # quick at first: V may be far off
            state.curvature.lerp_(target.mean_over_chains(grad.square()), rate)
            if target.free:  # along a flat coordinate V falls to 0, and the steps have no end
                state.curvature.clamp_(min=FLAT * state.curvature.mean(1, keepdim=True))
            state.adapted += 1
        step = self.step_size(state, target)
        shaken, share = self._shaken(state, target, step)
        left = 1 - shaken / (1 - share)  # s²
        farthest = FARTHEST * (state.curvature + target.stiffness).rsqrt()
        width = (0.25 * step * left.clamp_(min=0)).sqrt_()
        chains = state.w, target.center, grad, state.before, noise
        for w, center, force, before, kick, half, most, wide in target.parts(*chains, 0.5 * step, farthest, width):
            force.add_(target.spring(w, center))
            w.sub_((half * force).clamp_(-most, most)).add_(before.add_(kick).mul_(wide))
            before.copy_(kick)
        return loss, grad

    def probe(self, state: "State", target: "Target", batch: Batch) -> None:
        """Learn C and the sharpest direction from one fresh minibatch (() at full batch); w stays where it is.

        To be called ``first_probes`` times before the first step, and before every ``probe_every``-th step of burn-in.
        In place by tensor operations, as ``step``; 2 gradients (without a minibatch too).
        """
        grad, variance = _gradient_and_variance(target, state, batch)
        rate = (1 / (1 + state.probed)).clamp(min=PROBE_RATE)
        state.variance.lerp_(variance, rate)
        root = (state.curvature + target.stiffness).rsqrt()
        direction = state.direction / state.direction.norm(dim=1, keepdim=True).clamp_(min=1e-30)
        nudge = NUDGE * root * direction
        change = (target.loss_and_grad(state.w + nudge, batch)[1] - grad) * target.nbeta + nudge * target.stiffness
        change = root * change / NUDGE
        sharpness = (direction * change).sum(1, keepdim=True)
        state.sharpness.lerp_(target.mean_over_chains(sharpness**4), rate)
        state.direction.copy_(torch.where(torch.isfinite(change), change, direction))
        state.probed += 1

    def turns_relative(self, state: "State", target: "Target") -> bool:
        """Whether to take minibatches relative to w* from now on, see ``control``; then ``state`` says so."""
        if self.control_variate is not None or target.evaluator.objective.native or state.adapted < SETTLING:
            return False
        if not pays(target, state.w, 1 / (state.curvature + target.stiffness)):
            return False
        state.relative.fill_(1)
        for count in (state.adapted, state.probed):  # V, C and the sharpest direction are learnt anew
            count.zero_()
        return True

    def calm(self, state: "State", where: Tensor) -> None:
        """Where ``where`` (chains or 1, 1): from now on no step larger than half of the present one."""
        state.most.copy_(torch.where(where, 0.5 * self._scale(state), state.most))

    def step_size(self, state: "State", target: "Target") -> Tensor:
        """ε·G, elementwise."""
        return self._scale(state) / (state.curvature + target.stiffness)

    def step_bias(self, state: "State", target: "Target", away: Tensor, force: Tensor) -> Tensor:
        """About the most that the minibatch noise still adds to nβ(L − L(w*)), (chains,).

        Along a direction of whitened curvature h the noise adds 1/(1 − εh/4) times what it does to first order. What is
        taken out is that with each coordinate's own h; what may be left is the difference to that with the sharpest.
        And the noise shakes only directions along which the loss changes, while what is taken out of a coordinate cools
        flat directions too: their share of the coordinate's variance, (γ + α)(w − w*)² on average, stays in the loss.
        """
        shaken, share = self._shaken(state, target, self.step_size(state, target))
        sharpest = 0.25 * (self._scale(state) * _root4(state.sharpness)).clamp(max=3.6)
        taken = shaken / (1 - share)
        left = shaken / (1 - torch.maximum(share, sharpest)) - taken
        return 0.5 * (left + taken * target.stiffness * away.square()).sum(1)

    def _shaken(self, state: "State", target: "Target", step: Tensor) -> tuple[Tensor, Tensor]:
        """εGC/4, what the minibatch adds to a variance to first order, and εG(V − C + γ)/4; (chains or 1, d) each."""
        variance = torch.minimum(state.variance, state.curvature)
        return 0.25 * step * variance, 0.25 * step * (state.curvature - variance + target.stiffness)

    def _scale(self, state: "State") -> Tensor:
        """ε, (chains or 1, 1)."""
        return torch.minimum(self.stable / _root4(state.sharpness), state.most)


@dataclass
class State(base.State):
    """Where the chains stand, and what burn-in has learnt of the posterior's scales."""

    before: Tensor  # (chains, d), the noise of the step before
    curvature: Tensor  # (chains or 1, d), V: the running mean of (nβ ∂_i L_B)²
    variance: Tensor  # (chains or 1, d), C: that of the minibatch variance of nβ ∂_i L_B
    direction: Tensor  # (chains, d), towards the sharpest direction, in units of the posterior's width
    sharpness: Tensor  # (chains or 1, 1), the running mean of the fourth power of the curvature along it
    most: Tensor  # (chains or 1, 1), the largest ε that is allowed
    adapted: Tensor  # steps so far
    probed: Tensor  # probes so far
    relative: Tensor  # 1 where minibatches are taken relative to w*, else 0


def _root4(x: Tensor) -> Tensor:
    """The fourth root, 0 and what is below taken as 1e-24."""
    return x.clamp(min=1e-24) ** 0.25


def _gradient_and_variance(target: "Target", state: State, batch: Batch) -> tuple[Tensor, Tensor]:
    """∇L_B (chains, d) at the chains, and C (chains or 1, d), estimated from the two halves of the minibatch.

    The rows of a minibatch are independent draws: with halves of a and b rows, of a + b, the variance of the whole
    minibatch's gradient is E[(g_a − g_b)²] ab/(a + b)².
    """
    if not batch:
        return target.loss_and_grad(state.w, batch)[1], torch.zeros_like(state.curvature)
    rows = batch[0].shape[1]
    if rows == 1:  # one row has no halves; nearly all of V is its noise
        return target.loss_and_grad(state.w, batch)[1], state.curvature
    a = rows // 2
    first, second = (
        target.loss_and_grad(state.w, tuple(x[:, part] for x in batch))[1] for part in (slice(a), slice(a, None))
    )
    share = a / rows
    variance = ((first - second) * target.nbeta).square_().mul_(share * (1 - share))
    return first.lerp(second, 1 - share), target.mean_over_chains(variance)


def safe_radius(target: "Target", generator: torch.Generator) -> Tensor:
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
