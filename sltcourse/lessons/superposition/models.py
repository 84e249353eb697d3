"""The toy model of superposition for PyTorch, with its exact losses, and where its runs start."""

import numpy as np
import torch

from sltcourse.theory.superposition_model import FEATURES, constants, free_energy, polygon, population_loss, unpack

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


def exact_loss(w):
    """The population loss of one parameter w (3c,), a torch tensor, for ``estimate_llc``."""
    g, b, at, falls = _products(w)
    at = at.clamp(0, 1)
    low, high = torch.where(falls, 0, at), torch.where(falls, at, 1)
    moments = [(high**k - low**k) / (k * len(g)) for k in (1, 2, 3)]
    return _torch_loss(g, b, moments, 1 / 3)


def exact_sample_loss(x, device="cpu"):
    """The loss L_n of the data set x (n, c), a function of one w (3c,) for ``estimate_llc`` on ``device``.

    Exact, at a cost free of n: ``sample_loss`` in PyTorch. The sums over the inputs that switch an output on are
    differences of running totals, and where to look them up is found by bisection.
    """
    n, c = x.shape
    feature, size = x.argmax(1), x.max(1)
    order = np.lexsort((size, feature))
    line = size[order] + 2 * feature[order]  # the features one after another, each within [2i, 2i + 1]
    totals = np.stack([np.r_[0, np.cumsum(size[order] ** k)] for k in (0, 1, 2)]) / n
    ends = totals[:, np.searchsorted(line, 2 * np.arange(c + 1) - 0.5)]
    line, totals, ends = (torch.tensor(v, dtype=torch.float64, device=device) for v in (line, totals, ends))
    first, last = ends[:, :-1, None], ends[:, 1:, None]
    block = 2.0 * torch.arange(c, device=device)[:, None]
    power = float((x**2).sum() / n)

    def loss(w):
        g, b, at, falls = _products(w)
        middle = totals[:, torch.searchsorted(line, at.clamp(-0.5, 1.5) + block)]
        return _torch_loss(g, b, torch.where(falls, middle - first, last - middle), power)

    return loss


def _products(w):
    """g = WᵀW and b, both (c, c); the μ at which gμ + b changes sign; and whether it falls there."""
    c = len(w) // 3
    W, b = w[: 2 * c].reshape(2, c), w[2 * c :].expand(c, c)
    g = W.T @ W
    away = torch.where(g.abs() < 1e-30, 1e-30, g).detach()
    return g, b, -b.detach() / away, away < 0


def _torch_loss(g, b, moments, power):
    """The loss from g, b and the moments of the inputs that switch an output on, as in ``superposition_model``."""
    m0, m1, m2 = moments
    own = (g * m2 + b * m1).diagonal().sum()
    return (g * g * m2 + 2 * g * b * m1 + b * b * m0).sum() - 2 * own + power


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
