"""What the chains sample: exp(−nβ L_n(w) − γ/2 ‖w − w*‖²), for many chains, and many w*, at once.

Chains are the first axis. The model runs under ``torch.func`` (functional_call, grad, vmap), so it needs no change;
the batched gradient is traced once into a flat list of tensor operations, which is what every step then runs.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from sltcourse.llc.trace import trace

THIN = 16  # a table with this many columns or fewer is gathered column by column
SAMPLES_AT_ONCE = 2**18  # data points × chains in one pass over the full data


class Target:
    """The tempered local posterior of ``chains`` chains.

    ``objective(pieces, fixed, batch)`` is the mean loss of one chain on one batch, where ``pieces`` are the free
    coordinates of w, cut as ``split`` does, and ``fixed`` is everything that is not sampled: shared by all chains, or
    with a first axis of chains where ``fixed_per_chain``. ``center`` (chains, d) is the w* of each chain; chains of
    equal ``point`` (chains,) are pooled by ``mean_over_chains``. ``data`` is a tuple of tensors with n rows each, or
    empty. ``nbeta`` and ``localization`` are numbers or (chains, 1) tensors. ``compiled``: see ``trace``.
    """

    def __init__(
        self,
        objective: Callable,
        split: Callable,
        center: Tensor,
        point: Tensor,
        fixed,
        fixed_per_chain: bool,
        data,
        nbeta,
        localization,
        batch_size: int | None,
        compiled: bool = False,
    ):
        self.center, self.data, self.nbeta, self.localization = center, data, nbeta, localization
        self._split, self._fixed, self._objective = split, fixed, objective
        self._point = torch.unique(point, return_inverse=True)[1]
        self._chains_of_point = torch.bincount(self._point)
        self._fixed_axis = 0 if fixed_per_chain else None
        self.num_samples = len(data[0]) if data else None
        self.full_batch = batch_size is None or batch_size == self.num_samples
        self.compiled = compiled
        self._index = None
        if not self.full_batch:
            self._index = torch.zeros(len(center), batch_size, dtype=torch.long, device=center.device)
        self._traced = {}
        self._columns = [x.T.contiguous() if x.ndim == 2 and x.shape[1] <= THIN else None for x in data]

    def draw_batch(self, generator: torch.Generator) -> tuple[Tensor, ...]:
        """A fresh minibatch for each chain, drawn with replacement, (chains, batch, ...); empty at full batch.

        Thin tables come column by column, see ``trace``.
        """
        if self.full_batch:
            return ()
        chains, size = self._index.shape
        flat = self._index.random_(0, self.num_samples, generator=generator).view(-1)
        return tuple(
            x.index_select(0, flat).view(chains, size, *x.shape[1:])
            if columns is None
            else columns.index_select(1, flat).view(-1, chains, size).permute(1, 2, 0)
            for x, columns in zip(self.data, self._columns, strict=True)
        )

    def loss_and_grad(self, w: Tensor, batch) -> tuple[Tensor, Tensor]:
        """Mean loss (chains,) of ``w`` (chains, d) on what ``draw_batch`` gave, and its gradient (chains, d).

        On minibatches this runs as it stands, for a sampler's step that is traced as a whole.
        """
        return self._batched("grad", 0)(w, *batch) if batch else self.full_loss_and_grad(w)

    def loss(self, w: Tensor, batch) -> Tensor:
        """Mean loss (chains,) of ``w`` on what ``draw_batch`` gave."""
        return self._run("loss", w, batch, 0)[0] if batch else self.full_loss(w)

    def full_loss(self, w: Tensor) -> Tensor:
        """L_n(w) over all the data, shape (chains,)."""
        return self._over_data("loss", w)[0]

    def full_loss_and_grad(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """L_n(w) over all the data and its gradient, shapes (chains,) and (chains, d)."""
        return self._over_data("grad", w)

    def force(self, w: Tensor, grad: Tensor) -> Tensor:
        """The gradient nβ∇L + γ(w − w*) of the potential, given the loss's; overwrites and returns ``grad``."""
        return grad.mul_(self.nbeta).add_((w - self.center).mul_(self.localization))

    def potential(self, w: Tensor, loss: Tensor) -> Tensor:
        """nβ L + γ/2 ‖w − w*‖², shape (chains, 1), for the losses (chains,) at ``w``."""
        pull = (w - self.center).square_().sum(1, keepdim=True)
        return self.nbeta * loss[:, None] + 0.5 * self.localization * pull

    def mean_over_chains(self, x: Tensor) -> Tensor:
        """The mean of ``x`` (chains, k) over the chains of the same w*; non-finite entries count as 0.

        Shape (1, k) where there is one w*, else (chains, k).
        """
        x = torch.where(torch.isfinite(x), x, 0)
        if len(self._chains_of_point) == 1:
            return x.mean(0, keepdim=True)
        total = x.new_zeros(len(self._chains_of_point), x.shape[1]).index_add_(0, self._point, x)
        return (total / self._chains_of_point[:, None])[self._point]

    def _over_data(self, kind, w):
        """The mean over all rows of the data, slice by slice."""
        if not self.data:
            return self._run(kind, w, (), None)
        rows = max(1, min(self.num_samples, SAMPLES_AT_ONCE // len(w)))
        total = None
        for start in range(0, self.num_samples, rows):
            batch = tuple(x[start : start + rows] for x in self.data)
            share = len(batch[0]) / self.num_samples
            parts = [part.mul_(share) for part in self._run(kind, w, batch, None)]
            total = parts if total is None else [t.add_(p) for t, p in zip(total, parts, strict=True)]
        return total

    def _run(self, kind, w, batch, batch_axis):
        """[loss] or [loss, gradient] of all chains; ``batch_axis`` is 0 where each chain has its own batch."""
        key = kind, batch_axis, w.stride(), len(batch[0]) if batch else 0
        if key not in self._traced:
            self._traced[key] = trace(self._batched(kind, batch_axis), w, *batch, compiled=self.compiled)
        return self._traced[key](w, *batch)

    def _batched(self, kind, batch_axis):
        one = self._objective if kind == "loss" else grad_and_value(self._objective)
        many = vmap(one, in_dims=(0, self._fixed_axis, batch_axis))

        def function(w, *batch):
            out = many(self._split(w), self._fixed, batch)
            if kind == "loss":
                return [out.clone()]
            pieces, loss = out
            return [loss.clone(), torch.cat(pieces, dim=1)]  # fresh tensors: the samplers overwrite them

        return function


def default_nbeta(num_samples: int) -> float:
    """n/log n, the inverse temperature nβ of WBIC (Watanabe 2013), for n ≥ 2 samples."""
    if num_samples < 2:
        raise ValueError(f"n/log n needs n ≥ 2 samples, there are {num_samples}; give nbeta yourself.")
    return num_samples / math.log(num_samples)
