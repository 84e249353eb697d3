"""RMSProp-preconditioned SGLD (Li et al. 2016, arXiv:1512.07666), without its small Γ term."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from sltcourse.llc.samplers import base
from sltcourse.llc.samplers.sgld import first_order_bias
from sltcourse.llc.types import Batch

if TYPE_CHECKING:
    from sltcourse.llc.target import Target


@dataclass
class State(base.State):
    """Where the chains stand, with the running mean of their squared gradients."""

    second_moment: Tensor  # (chains, d), of the loss's gradient
    weight: Tensor  # 1 − decay^t, the bias correction


@dataclass(frozen=True)
class RMSPropSGLD(base.MinibatchSampler[State]):
    """SGLD with step ε·G, where G = 1/(√V + ``eps``) and V is a running mean of the squared minibatch gradients,
    with the share ``decay`` of the old one in each step; ``adapts`` in burn-in.

    V follows the chain through burn-in and is then held, so that the draws have one fixed stationary distribution.
    Li et al. 2016, arXiv:1512.07666, without their Γ term, which is 0 where V is held.

    Raises ValueError where lr or eps is not positive and finite, or decay not between 0 and 1.
    """

    adapts: ClassVar[bool] = True
    decay: float = 0.99
    eps: float = 1e-2

    def __post_init__(self) -> None:
        super().__post_init__()
        self.between("decay", 0, 1)
        self.between("eps", 0, math.inf)

    def init(self, target: "Target", generator: torch.Generator) -> State:
        """Chains at w*."""
        w = target.center.clone()
        return State(w, torch.zeros_like(w), torch.zeros((), device=w.device))

    def step(self, state: State, target: "Target", batch: Batch, noise: Tensor, adapt: bool) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss and the potential's gradient where they were."""
        loss, grad = target.loss_and_grad(state.w, batch)
        if adapt:
            state.second_moment.mul_(self.decay).addcmul_(grad, grad, value=1 - self.decay)
            state.weight.mul_(self.decay).add_(1 - self.decay)
        step = self.step_size(state, target)
        force = target.force(state.w, grad)
        state.w.sub_(0.5 * step * force).add_(noise.mul_(step.sqrt_()))
        return loss, force

    def step_size(self, state: State, target: "Target") -> Tensor:
        """ε·G, (chains, d)."""
        return self.lr / ((state.second_moment / state.weight).sqrt_() + self.eps)

    def step_bias(self, state: State, target: "Target", away: Tensor, force: Tensor) -> Tensor:
        """What the step adds to nβ(L − L(w*)), (chains,); see ``first_order_bias``."""
        return first_order_bias(self.step_size(state, target), target, away, force)
