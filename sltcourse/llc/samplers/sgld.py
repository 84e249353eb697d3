"""Stochastic gradient Langevin dynamics (Welling & Teh 2011; localized: Lau et al. 2023, arXiv:2308.12108)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sltcourse.llc.samplers.base import MinibatchSampler, State
from sltcourse.llc.types import Batch

if TYPE_CHECKING:
    from sltcourse.llc.target import Target


@dataclass(frozen=True)
class SGLD(MinibatchSampler[State]):
    """w ← w − (ε/2)(nβ∇L_B(w) + γ(w − w*)) + √ε·N(0, 1), with ε the step size ``lr``, in units of w².

    Welling & Teh 2011; localized: Lau et al. 2023, arXiv:2308.12108. Raises ValueError where lr is not positive and
    finite, as all samplers do.
    """

    def init(self, target: "Target", generator: torch.Generator) -> State:
        """Chains at w*."""
        return State(target.center.clone())

    def step(self, state: State, target: "Target", batch: Batch, noise: Tensor, adapt: bool) -> tuple[Tensor, Tensor]:
        """Move all chains; return the loss and the potential's gradient where they were."""
        loss, grad = target.loss_and_grad(state.w, batch)
        for w, center, force, kick in target.parts(state.w, target.center, grad, noise):
            target.force(w, force, center)
            w.sub_(force * (0.5 * self.lr)).add_(kick.mul_(self.lr**0.5))
        return loss, grad

    def step_size(self, state: State, target: "Target") -> float | Tensor:
        """ε: a number, or (chains, 1)."""
        return self.lr

    def step_bias(self, state: State, target: "Target", away: Tensor, force: Tensor) -> Tensor:
        """What the step adds to nβ(L − L(w*)), (chains,); see ``first_order_bias``."""
        return first_order_bias(self.lr, target, away, force)


def first_order_bias(step: float | Tensor, target: "Target", away: Tensor, force: Tensor) -> Tensor:
    """(ε/8) nβ∇L·G∇U for a step ε·G, (chains,), given w − w* and ∇U at w, each (chains, d).

    Its mean is what steps of Langevin dynamics add to nβ(L − L(w*)) where the loss is quadratic, to first order in ε;
    with minibatch gradients the minibatch's part is in it. Directions in which the loss does not change have no part.
    """
    return ((force - target.spring(away + target.center)) * force * step).sum(1) / 8
