"""What the learner writes in lesson 00, as we would write it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Floats = NDArray[np.floating]


def least_norm(Phi: Floats, y: Floats) -> Floats:
    """The shortest of all w (N,) that minimise ‖Φw − y‖; ``Phi`` has shape (n, N), ``y`` (n,).

    With Φ = U diag(s) Vᵀ it is V diag(1/s) Uᵀ y over the singular values that are not 0 (here: above 10⁻¹² of the
    largest), as numpy's ``pinv`` has it (Moore 1920, Penrose 1955).
    """
    U, s, Vt = np.linalg.svd(Phi, full_matrices=False)
    keep = s > 1e-12 * s.max()
    return Vt[keep].T @ (U[:, keep].T @ y / s[keep])


def noise_error(N: int, n: int) -> float:
    """What noise of variance 1 adds to the expected squared error of least-norm least squares on new data.

    N independent standard normal features, n data. It is infinite for |N − n| ≤ 1 (Belkin, Hsu, Xu 2019).
    """
    many, few = max(N, n), min(N, n)
    return few / (many - few - 1) if many > few + 1 else np.inf


def step(
    loss: Callable[[list[Tensor]], Tensor],
    w: Sequence[Tensor],
    v: Sequence[Tensor],
    rate: float = 0.02,
    keep: float = 0.9,
) -> tuple[list[Tensor], list[Tensor]]:
    """One step of gradient descent with momentum (Polyak 1964): v ← keep·v − rate·∇loss(w), w ← w + v.

    ``w`` and ``v`` are lists of tensors of the same shapes, ``loss`` maps a list like w to a number. Returns the new
    lists and leaves the old ones as they are.
    """
    at = [tensor.detach().requires_grad_() for tensor in w]
    gradient = torch.autograd.grad(loss(at), at)
    velocity = [keep * old - rate * g for old, g in zip(v, gradient, strict=True)]
    return [a.detach() + b for a, b in zip(at, velocity, strict=True)], velocity


def bayes(prior: Floats, tables: NDArray[np.integer], seen: Sequence[int], labels: ArrayLike) -> tuple[float, Floats]:
    """Bayes' rule for functions with labels without noise: (evidence, prediction).

    ``prior`` (F,) holds the probabilities of F functions, ``tables`` (F, 8) their answers 0 or 1. ``labels`` are the
    data at the inputs ``seen``. The evidence is the prior probability of the functions that fit, the prediction (8,)
    the posterior probability of the answer 1 at each input.
    """
    fits = (tables[:, seen] == labels).all(axis=1)
    evidence = prior[fits].sum()
    return float(evidence), prior[fits] @ tables[fits] / evidence


def lead(frequencies: Sequence[int], p: int = 31) -> float:
    """Σ_k cos(2πkd/p) at d = 0, less its largest value at another d; ``frequencies`` are the k."""
    sums = np.cos(2 * np.pi * np.outer(frequencies, np.arange(p)) / p).sum(axis=0)
    return float(sums[0] - sums[1:].max())
