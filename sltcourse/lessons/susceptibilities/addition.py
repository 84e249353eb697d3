"""The loss kernel of lesson 09's networks: which pairs (a, b) rise and fall together, by how far they are shifted."""

import numpy as np
import torch
from numpy.typing import NDArray

from sltcourse.lessons.susceptibilities.kept import ADDITION, NBETA, asset
from sltcourse.zoo.addition import Quadratic, Task, balanced, exact_adder, two_solutions

Array = NDArray[np.float64]
NETWORKS = ("memorising", "generalising", "exact adder")


def networks() -> tuple[Task, list[Quadratic]]:
    """The task of lesson 09 and its three ``NETWORKS``, all without error on the training pairs (10 s of one core)."""
    task, *two = two_solutions(ADDITION["p"])
    return task, [*two, balanced(exact_adder(ADDITION["p"])).float()]


def numbers(x: torch.Tensor) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers (a, b) of rows of one-hots ``x`` (n, 2p): two arrays (n,)."""
    p = x.shape[1] // 2
    return x[:, :p].argmax(1).numpy(), x[:, p:].argmax(1).numpy()


def drawn_losses(model: Quadratic, task: Task, draws: int, seed: int) -> Array:
    """The squared error of each training pair, (draws, n), at draws w* + N(0, 1/γ) of all weights."""
    (x, y), rng, out = task.train, np.random.RandomState(seed), []
    for first in range(0, draws, 32):
        count = min(32, draws - first)
        w1, w2 = (
            w.detach() + torch.from_numpy(rng.standard_normal((count, *w.shape)) / ADDITION["spring"] ** 0.5).float()
            for w in (model.first, model.second)
        )
        with torch.no_grad():
            output = (x @ w1.transpose(1, 2)).square() @ w2.transpose(1, 2)
        out.append((output - y).square().sum(2).double().numpy())
    return np.concatenate(out)


def kernel(losses: Array) -> Array:
    """The correlations (n, n) of ``losses`` (draws, n), the draws weighted by exp(−nβL)."""
    heat = NBETA * losses.mean(1)
    weight = np.exp(heat.min() - heat)
    weight /= weight.sum()
    centred = losses - weight @ losses
    return correlations((centred * weight[:, None]).T @ centred)


def correlations(covariance: Array) -> Array:
    """A covariance matrix (n, n) as correlations."""
    size = np.sqrt(np.diag(covariance))
    return covariance / np.outer(size, size)


def strong_spring(model: Quadratic, x: torch.Tensor) -> Array:
    """The exact correlations (n, n) of the losses of pairs ``x`` (n, 2p) as γ → ∞, where the model makes no error.

    Near w* the loss of pair i is then ‖J_i u‖², u = w − w* ~ N(0, 1/γ), so that Cov(ℓ_i, ℓ_j) is 2 ‖J_i J_jᵀ‖²/γ²
    (Isserlis). For f = W₂ z² with z = W₁ x, J_i J_jᵀ is (Σ z_i² z_j²) 1 + e W₂ diag(4 z_i z_j) W₂ᵀ, where e is how many
    of their numbers the two pairs share, x_i·x_j.
    """
    w1, w2 = (w.detach().double().numpy() for w in (model.first, model.second))
    inputs = x.double().numpy()
    z, shared = inputs @ w1.T, inputs @ inputs.T
    gram = w2.T @ w2
    same = z**2 @ (z**2).T
    trace = 4 * (z * np.diag(gram)) @ z.T
    square = np.zeros_like(same)
    for i, row in enumerate(z):
        near = np.flatnonzero(shared[i])
        both = 4 * row * z[near]
        square[i, near] = np.einsum("jh,hk,jk->j", both, gram**2, both)
    return correlations(len(w2) * same**2 + 2 * shared * same * trace + shared**2 * square)


def by_shift(matrix: Array, x: torch.Tensor) -> Array:
    """(p, p): the mean of ``matrix`` (n, n) over all two pairs (a, b), (a + i, b + j) of ``x`` (n, 2p), mod p."""
    p, (a, b) = x.shape[1] // 2, numbers(x)
    shift = (a - a[:, None]) % p * p + (b - b[:, None]) % p
    total, count = (np.bincount(shift.ravel(), values, p * p) for values in (matrix.ravel(), None))
    return (total / np.maximum(count, 1)).reshape(p, p)


def groups(p: int) -> dict[str, NDArray[np.bool_]]:
    """Shifts (p, p), by what two different pairs have in common: a number, a + b, a − b, or nothing."""
    i, j = np.indices((p, p))
    both = (i > 0) & (j > 0)
    total, difference = both & ((i + j) % p == 0), both & (i == j)
    return {"a number": (i == 0) ^ (j == 0), "a + b": total, "a − b": difference,
            "nothing": both & ~total & ~difference}  # fmt: skip


def shared() -> tuple[Array, Array, Array]:
    """(mean correlation, its standard error over chains, the same for a strong spring, exact), (3 NETWORKS, 4 groups).

    The last of ``groups`` is as it is, the others are how far they lie above it.
    """
    found, limit = asset("addition")["measured"].astype(float), asset("addition")["exact"].astype(float)

    def read(profile: Array) -> Array:
        means = [profile[..., at].mean(-1) for at in groups(ADDITION["p"]).values()]
        return np.stack([*(mean - means[-1] for mean in means[:-1]), means[-1]], -1)

    by_chain = read(found)  # (networks, chains, groups)
    return by_chain.mean(1), by_chain.std(1, ddof=1) / by_chain.shape[1] ** 0.5, read(limit)
