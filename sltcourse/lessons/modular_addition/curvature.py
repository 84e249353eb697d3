"""The Hessian of a network's loss: its rank on n pairs, and what a Gaussian posterior reads from it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sltcourse.zoo.addition import Quadratic, Task

Floats = NDArray[np.floating]


def gaussian_llc(hessian: Floats, nbeta: float, localization: float) -> float:
    """½ tr[nβH (nβH + γ)⁻¹]: what perfect chains read where the loss is quadratic, with the Hessian H (d, d)."""
    h = nbeta * np.linalg.eigvalsh(hessian)
    return float((h / (h + localization)).sum() / 2)


def loss_of_vector(model: Quadratic, task: Task, penalty: float = 0.0) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """(f, w): the training error plus penalty/2 ‖w‖² as a function of one vector, and the model's own, in float64."""
    (width, inputs), p = model.first.shape, task.p
    x, y = (part.double() for part in task.train)

    def loss(w: Tensor) -> Tensor:
        first, second = w[: width * inputs].view(width, inputs), w[width * inputs :].view(p, width)
        error = ((x @ first.T).square() @ second.T - y).square().sum(1).mean()
        return error + penalty / 2 * w.square().sum()

    return loss, torch.cat([model.first.detach().ravel(), model.second.detach().ravel()]).double()


def hessian(model: Quadratic, task: Task, penalty: float = 0.0) -> Floats:
    """The Hessian (d, d) of the training error plus penalty/2 ‖w‖², in float64; for small d."""
    loss, w = loss_of_vector(model, task, penalty)
    matrix: Floats = torch.func.hessian(loss)(w).numpy()
    return matrix


def lanczos(
    model: Quadratic,
    task: Task,
    nbeta: float,
    localizations: Sequence[float],
    penalty: float = 0.0,
    *,
    probes: int = 4,
    iterations: int = 60,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """½ tr[nβH (nβH + γ)⁻¹] for each of ``localizations`` γ, without the matrix H: (values, standard errors).

    Stochastic Lanczos quadrature (Ubaru et al. 2017, doi:10.1137/16M1104974): for a random vector z of signs,
    zᵀ g(H) z has the mean tr g(H), and ``iterations`` products with H give it, by the Gauss rule of the tridiagonal
    matrix that they make. All ``probes`` go through at once, kept orthogonal in full.
    """
    loss, w = loss_of_vector(model, task, penalty)
    times = torch.func.vmap(lambda v: torch.func.jvp(torch.func.grad(loss), (w,), (v,))[1])
    rng = torch.Generator().manual_seed(seed)
    d, steps = len(w), min(iterations, len(w))
    v = (2.0 * torch.randint(2, (probes, d), generator=rng) - 1).double() / d**0.5
    basis, diagonal, beside = [v], [], []
    for _ in range(steps):
        u = times(basis[-1])
        diagonal.append((u * basis[-1]).sum(1))
        known = torch.stack(basis, 1)  # (probes, so far, d)
        for _ in range(2):
            u = u - torch.einsum("pk,pkd->pd", torch.einsum("pkd,pd->pk", known, u), known)
        beside.append(u.norm(dim=1))
        basis.append(u / beside[-1].clamp(min=1e-300)[:, None])
    values = []
    for k in range(probes):
        a, b = (torch.stack(each)[:, k].numpy() for each in (diagonal, beside))
        few = np.flatnonzero(b[:-1] < 1e-10 * max(1e-300, np.abs(a).max()))
        end = len(a) if not len(few) else few[0] + 1  # the space was exhausted
        nodes, vectors = np.linalg.eigh(np.diag(a[:end]) + np.diag(b[: end - 1], 1) + np.diag(b[: end - 1], -1))
        h = nbeta * nodes[:, None]
        values.append(d / 2 * (vectors[0] ** 2) @ (h / (h + np.asarray(localizations, float))))
    return np.mean(values, 0), np.std(values, 0, ddof=1) / np.sqrt(probes)


def jacobian(model: Quadratic, x: Tensor) -> Floats:
    """∂f/∂w of all outputs at the inputs x (n, 2p): (n·p, d), in float64, by hand: f = W₂ (W₁ x)²."""
    first, second = model.first.detach().double(), model.second.detach().double()
    x = x.double()
    z = x @ first.T  # (n, width)
    by_first = torch.einsum("cj,nj,ni->ncji", second, 2 * z, x).flatten(2)
    by_second = torch.einsum("ce,nj->ncej", torch.eye(len(second), dtype=torch.float64), z.square()).flatten(2)
    matrix: Floats = torch.cat([by_first, by_second], 2).flatten(0, 1).numpy()
    return matrix


def rank(model: Quadratic, x: Tensor) -> int:
    """The rank of the Hessian at zero error on the pairs x (n, 2p): there H = (2/n) JᵀJ, so it is that of J."""
    j = jacobian(model, x)
    return int(np.linalg.matrix_rank(j @ j.T if len(j) < j.shape[1] else j.T @ j, tol=None, hermitian=True))
