"""Minibatch gradients relative to w*, a control variate: what they are, and whether they are worth their price.

g_B(w) − g_B(w*) + ∇L_n(w*) has the mean of g_B(w) and, near w*, where both are noisy in the same way, much less of its
noise (Baker, Fearnhead, Fox & Nemeth 2019, arXiv:1706.05439). The loss loses the first-order part of its noise in the
same way. The price is one more gradient a step, at w*. A minibatch's noise heats a chain, hides the loss in the trace,
and makes the steps of ``WhitenedSGLD`` small. Where w* fits every row, no noise is left at w*, and nothing is gained.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sltcourse.llc.target import Target

PAIRS = 4  # pairs of minibatches, for each chain, that the noise is measured on
FELT = 0.05  # the minibatch's share of the whitened gradient's square from which on it is worth a gradient
LEFT = 0.5  # the share of the noise that may be left


def relative_to(
    anchor: tuple[Tensor, Tensor], at_center: tuple[Tensor, Tensor], loss: Tensor, grad: Tensor, away: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss (chains,) and gradient (chains, d) of minibatches, or of one, less the noise that they have at w* already.

    ``anchor``: L_n(w*) and ∇L_n(w*); ``at_center``: the same of the minibatches; ``away`` (chains, d): w − w*.
    The loss is nan where that at w* is not finite, inf where only that at w is not.
    """
    base, slope = at_center
    noise = slope - anchor[1]
    value = anchor[0] + (loss - base) - (noise * away).sum(-1)
    value = torch.where(torch.isfinite(loss), value, torch.inf)
    return torch.where(torch.isfinite(base), value, torch.nan), grad - noise


def pays(target: "Target", w: Tensor, scale: Tensor) -> bool:
    """Whether gradients relative to w* pay where the chains ``w`` (chains, d) stand, for one of the pools at least.

    ``scale`` (chains or 1, d): the sampler's squared step in each coordinate, which weighs them. 4·PAIRS gradients.
    """
    plain, relative, power = (torch.zeros_like(w) for _ in range(3))
    for _ in range(PAIRS):
        here, less = [], []
        for _ in range(2):
            batch = target.draw_batch()
            here.append(target.evaluator.on_batches("grad", w, batch)[1] * target.nbeta)
            less.append(here[-1] - target.evaluator.on_batches("grad", target.center, batch)[1] * target.nbeta)
        plain += (here[0] - here[1]).square() / 2
        relative += (less[0] - less[1]).square() / 2
        power += (here[0].square() + here[1].square()) / 2
    found = (target.mean_over_chains((scale * x).sum(1, keepdim=True)) for x in (plain, relative, power))
    plain, relative, power = found
    return bool(((plain > FELT * power) & (relative < LEFT * plain)).any())
