"""The potential U(w) = nβ L_n(w) + γ/2 ‖w − w*‖² + α/2 ‖w‖² of many chains, and of many w*, at once.

Chains are the first axis. See ``evaluate`` for how loss and gradient of all chains are computed.
"""

import math
import numbers
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sltcourse.llc.control import relative_to
from sltcourse.llc.evaluate import Evaluator
from sltcourse.llc.in_memory import Minibatches
from sltcourse.llc.stream import StreamMinibatches
from sltcourse.llc.types import Batch

LARGE = 2**18  # numbers of w of all chains from which on an operation on all of them leaves the cache
PART = 2**16  # numbers of a part, for each thread
LARGEST = 1e30  # of nβ, γ and the like: float32 has no numbers above 3e38, and products are taken


class Target:
    """The tempered local posterior exp(−U) of ``chains`` chains.

    ``center`` (chains, d) is the w* of each chain; chains of equal ``pool`` (chains,) are averaged by
    ``mean_over_chains``. ``nbeta`` and ``localization`` are numbers or (chains, 1) tensors; ``prior_precision`` is α.
    ``minibatches``: what ``draw_batch`` draws from; None at full batch.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        center: Tensor,
        pool: Tensor,
        nbeta: float | Tensor,
        localization: float | Tensor,
        prior_precision: float,
        *,
        minibatches: Minibatches | StreamMinibatches | None,
    ):
        self.evaluator, self.center = evaluator, center
        self.nbeta, self.localization, self.prior_precision = nbeta, localization, prior_precision
        self.free = bool(torch.as_tensor(self.stiffness).min() == 0)  # only the loss holds some of the chains
        self._minibatches, self.batches = minibatches, 0
        self._anchor: tuple[Tensor, Tensor] | None = None
        self._pool = torch.unique(pool, return_inverse=True)[1]
        self._chains_of_pool = torch.bincount(self._pool)

    @property
    def pool(self) -> Tensor:
        """The number of each chain's pool, (chains,), from 0 on."""
        return self._pool

    @property
    def batch_size(self) -> int | None:
        """Rows in a minibatch; None at full batch."""
        return None if self._minibatches is None else self._minibatches.size

    @property
    def full_batch(self) -> bool:
        """Whether the loss is that of all the data."""
        return self._minibatches is None

    def draw_batch(self) -> Batch:
        """A fresh minibatch for each chain, drawn with replacement, (chains, batch, ...); empty at full batch."""
        if self._minibatches is None:
            return ()
        self.batches += 1
        return self._minibatches.draw()

    @property
    def relative(self) -> bool:
        """Whether ``loss_and_grad`` of a minibatch is taken relative to w*: see ``anchor``."""
        return self._anchor is not None

    def anchor(self, loss: Tensor, grad: Tensor) -> None:
        """From now on take minibatches relative to w*; ``loss`` (chains,) and ``grad`` (chains, d): L_n and ∇L_n there.

        ``loss_and_grad`` then gives ∇L_B(w) − ∇L_B(w*) + ∇L_n(w*), and the loss to it: see ``control``.
        """
        self._anchor = loss, grad

    def seek(self, batches: int) -> None:
        """Go on as after so many minibatches; where the data are in memory the generator alone says where that is."""
        self.batches = batches
        if self._minibatches is not None:
            self._minibatches.seek(batches)

    def loss_and_grad(self, w: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean loss (chains,) of ``w`` (chains, d) on what ``draw_batch`` gave, and its gradient (chains, d).

        Where minibatches are taken relative to w* the loss is nan if that of the minibatch at w* itself is not finite,
        and inf if only that at w is not.
        """
        if not batch:
            return self.full_loss_and_grad(w)
        loss, grad = self.evaluator.on_batches("grad", w, batch)
        if self._anchor is None:
            return loss, grad
        at_center = self.evaluator.on_batches("grad", self.center, batch)
        return relative_to(self._anchor, at_center, loss, grad, w - self.center)

    def plain_force(
        self, loss: Tensor, grad: Tensor | None, w: Tensor, chain: int, batch: Batch
    ) -> tuple[Tensor, Tensor | None, float, float]:
        """What a step returns of the plain module's loss and gradient (d,) of one chain: ∇U, with the penalty in it.

        Third and fourth: sizes that rounding is relative to, those of what a difference was taken of.
        """
        if grad is None:
            raise ValueError("a step returns the gradient too")
        loss, grad = self._plus_penalty(loss, grad, w)
        sizes = 0.0, 0.0
        center = self.center[chain]
        nbeta, pull = (
            torch.as_tensor(x, dtype=w.dtype, device=w.device).expand(len(self.center), 1)[chain]
            for x in (self.nbeta, self.localization)
        )
        if self._anchor is not None:
            base, slope = self.evaluator.plain_one(center, chain, batch, "own", True)
            assert slope is not None  # it was asked for
            base, slope = self._plus_penalty(base, slope, center)
            sizes = max(abs(base.item()), abs(loss.item())), nbeta.item() * max(slope.norm().item(), grad.norm().item())
            anchor, at_center = (self._anchor[0][chain], self._anchor[1][chain]), (base, slope)
            loss, grad = relative_to(anchor, at_center, loss, grad, w - center)
        force = nbeta * grad + pull * (w - center) + self.prior_precision * w
        return loss, force, *sizes

    def _plus_penalty(self, loss: Tensor, grad: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and gradient of one chain with those of (μ/2)‖w‖²."""
        penalty = self.evaluator.penalty
        return (loss + 0.5 * penalty * w.square().sum(), grad + penalty * w) if penalty else (loss, grad)

    def loss(self, w: Tensor, batch: Batch) -> Tensor:
        """Mean loss (chains,) of ``w`` on what ``draw_batch`` gave."""
        return self.evaluator.on_batches("loss", w, batch)[0] if batch else self.full_loss(w)

    def full_loss(self, w: Tensor) -> Tensor:
        """L_n(w) over all the data, shape (chains,)."""
        return self.evaluator.over_data("loss", w)[0]

    def full_loss_and_grad(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """L_n(w) over all the data and its gradient, shapes (chains,) and (chains, d)."""
        return self.evaluator.over_data("grad", w)

    def force(self, w: Tensor, grad: Tensor, center: Tensor | None = None) -> Tensor:
        """∇U, given the loss's gradient; overwrites and returns ``grad``. ``center``: see ``spring``."""
        return grad.mul_(self.nbeta).add_(self.spring(w, center))

    def spring(self, w: Tensor, center: Tensor | None = None) -> Tensor:
        """What localization and prior add to ∇U: γ(w − w*) + αw; ``center``: w* where w has only a part's columns."""
        pull = (w - (self.center if center is None else center)).mul_(self.localization)
        return pull.add_(w, alpha=self.prior_precision) if self.prior_precision else pull

    def parts(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """``tensors`` (chains or 1, d) cut along d, all at the same places; what is done number by number may be done
        part after part.

        On the CPU the parts of large ones stay in the cache from one operation to the next: twice as fast, and the same
        numbers. Small ones, those on a GPU, and those of a step that is compiled, which fuses operations, are one part.
        """
        chains, dim = self.center.shape
        size = -(-PART * torch.get_num_threads() // chains)
        compiled = self.evaluator.compiled and not (self.full_batch or self.evaluator.stepwise)
        if self.center.device.type != "cpu" or compiled or chains * dim < LARGE:
            size = dim
        return zip(*(x.split(size, 1) for x in tensors), strict=True)

    @property
    def stiffness(self) -> float | Tensor:
        """γ + α, what localization and prior add to every eigenvalue of U's Hessian."""
        return self.localization + self.prior_precision

    def potential(self, w: Tensor, loss: Tensor) -> Tensor:
        """U, shape (chains, 1), for the losses (chains,) at ``w``."""
        total = self.nbeta * loss[:, None]
        total = total + 0.5 * self.localization * (w - self.center).square_().sum(1, keepdim=True)
        if self.prior_precision:
            total = total + 0.5 * self.prior_precision * w.square().sum(1, keepdim=True)
        return total

    def mean_over_chains(self, x: Tensor) -> Tensor:
        """The mean of ``x`` (chains, k) over the chains of the same pool; non-finite entries count as 0.

        Shape (1, k) where there is one pool, else (chains, k).
        """
        x = torch.where(torch.isfinite(x), x, 0)
        if len(self._chains_of_pool) == 1:
            return x.mean(0, keepdim=True)
        total = x.new_zeros(len(self._chains_of_pool), x.shape[1]).index_add_(0, self._pool, x)
        return (total / self._chains_of_pool[:, None])[self._pool]


def default_nbeta(num_samples: int) -> float:
    """n/log n, the inverse temperature nβ of WBIC (Watanabe 2013), for n = ``num_samples`` ≥ 2; ValueError below.

    >>> from sltcourse.llc import default_nbeta
    >>> round(default_nbeta(1000), 2)
    144.76
    """
    n = real(num_samples)
    if not n >= 2:
        raise ValueError(
            f"n/log n needs n ≥ 2 samples, fewer than {LARGEST:g}, there are {num_samples}; give nbeta yourself."
        )
    return n / math.log(n)


def real(value: Any) -> float:
    """A real number as a float; nan where it is none, as True and False are, or is ``LARGEST`` or more.

    An array or tensor without axes is the number that it holds.
    """
    value = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return math.nan
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if abs(number) < LARGEST else math.nan
