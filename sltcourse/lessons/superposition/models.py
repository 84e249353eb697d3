"""The toy model of superposition for PyTorch, with its exact losses, and where its runs start."""

from collections.abc import Callable

import numpy as np
import torch

from sltcourse.theory.superposition_model import (
    FEATURES,
    constants,
    free_energy,
    loss_of_moments,
    polygon,
    population_loss,
    running_totals,
    sample_moments,
    uniform_moments,
    unpack,
)

# ---- the model for PyTorch -------------------------------------------------------------------------------------------


class Superposition(torch.nn.Module):
    """The same model for PyTorch: ``model(x)`` for x (batch, c). ``w`` (3c,) are its parameters."""

    def __init__(self, w):
        super().__init__()
        W, b = unpack(np.asarray(w))
        self.W = torch.nn.Parameter(torch.tensor(W, dtype=torch.float32))
        self.b = torch.nn.Parameter(torch.tensor(b, dtype=torch.float32))

    def forward(self, x):
        return torch.relu(x @ self.W.T @ self.W + self.b)


def squared_error(output, x):
    """‖x − f(x)‖², summed over features, the mean over the batch."""
    return (output - x).square().sum(-1).mean()


def exact_loss(w: torch.Tensor) -> torch.Tensor:
    """The population loss of one parameter w (3c,), a torch tensor, for ``estimate_llc``."""
    g, b = _products(w)
    return loss_of_moments(g, b, uniform_moments(g.detach(), b.detach()), 1 / 3)[0]


def exact_sample_loss(x: np.ndarray, device: torch.device | str = "cpu") -> Callable[[torch.Tensor], torch.Tensor]:
    """The loss L_n of the data set x (n, c), a function of one w (3c,) for ``estimate_llc`` on ``device``.

    Exact, at a cost free of n: ``sample_loss`` of ``theory.superposition_model`` for torch tensors.
    """
    *looked_up, power = running_totals(x[None])
    line, ends, totals = (torch.tensor(v, dtype=torch.float64, device=device) for v in looked_up)
    blocks, power = torch.arange(x.shape[1], device=device)[:, None], float(power[0])

    def loss(w: torch.Tensor) -> torch.Tensor:
        g, b = _products(w)
        moments = sample_moments(g.detach(), b.detach(), blocks, torch.searchsorted, line, ends, totals)
        return loss_of_moments(g, b, moments, power)[0]

    return loss


def _products(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """g = WᵀW (c, c) and b (1, c) of one parameter w (3c,)."""
    W, b = unpack(w)
    return W.T @ W, b[None]


TRAJECTORY = {  # what ``trajectory_settings`` gives: about ten seconds on either
    "cpu": {"checkpoints": 10, "num_chains": 16, "num_burnin_steps": 150, "num_draws": 160},
    "cuda": {"checkpoints": 60, "num_chains": 64, "num_burnin_steps": 400, "num_draws": 400},
}


def trajectory_settings(device):
    """How much of a training run to measure on ``device``: (checkpoints, the chains' options for estimate_llc)."""
    options = dict(TRAJECTORY["cuda" if torch.device(device).type == "cuda" else "cpu"])
    return options.pop("checkpoints"), options


def checkpoint_steps(count, last=20_000):
    """``count`` training steps or a few less: 0, and the others evenly on a log scale up to ``last``."""
    return np.unique(np.r_[0, np.round(np.geomspace(30, last, count - 1))]).astype(int)


def start(kind, seed):
    """Where a run of the figure starts: a square with ``kind`` of two features awake (1, 2), or near zero (6)."""
    rng = np.random.default_rng(seed)
    w = 0.01 * rng.standard_normal(3 * FEATURES)
    if kind < 6:
        square = polygon(4, 1, 0, dead=0)
        square[-2:] = [0.02, 0.02 if kind == 2 else -1]
        return w + square
    w[12:] = 0.02
    return w


def loss_parts(k, length, bias):
    """The loss of a k-gon whose other features are dead, in three parts that add up to it.

    What the given-up features cost; the error of the outputs that should say μ; what leaks into those that should be 0.
    """
    g = length**2 * np.cos(2 * np.pi * np.arange(1, k) / k)
    g = np.where(np.abs(g) < 1e-12, 1e-12, g)
    leaked = np.maximum(g + bias, 0) ** 3 - max(bias, 0) ** 3
    leaked = (leaked / (3 * g)).sum() + (FEATURES - k) * max(bias, 0) ** 2
    given_up, leaked = (FEATURES - k) / (3 * FEATURES), k * leaked / FEATURES
    return given_up, population_loss(polygon(k, length, bias))[0] - given_up - leaked, leaked


def pentagons_above_hexagon(n, counted):
    """F of 5 and 5⁺ together less F of the 6-gon at n, a number or an array: −log(e^−F(5) + e^−F(5⁺)) − F(6).

    By nL + λ log n + ½‖w*‖², and with all constants of Laplace's method if they are ``counted``.
    """
    F = {name: free_energy(name, n) + counted * sum(constants(name).values()) for name in ("5", "5⁺", "6")}
    return -np.logaddexp(-F["5"], -F["5⁺"]) - F["6"]
