"""The toy model of superposition for PyTorch, with its exact losses, and where its runs start."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike

from sltcourse.theory.superposition_model import (
    FEATURES,
    constants,
    descend,
    free_energy,
    loss_of_moments,
    polygon,
    running_totals,
    sample_moments,
    uniform_moments,
    unpack,
)

# ---- the model for PyTorch -------------------------------------------------------------------------------------------


class Superposition(torch.nn.Module):
    """The same model for PyTorch: ``model(x)`` for x (batch, c). ``w`` (3c,) are its parameters."""

    def __init__(self, w: ArrayLike) -> None:
        super().__init__()
        W, b = unpack(np.asarray(w))
        self.W = torch.nn.Parameter(torch.tensor(W, dtype=torch.float32))
        self.b = torch.nn.Parameter(torch.tensor(b, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x @ self.W.T @ self.W + self.b)


def squared_error(output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
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
    *arrays, power = running_totals(x[None])
    looked_up = [torch.tensor(v, dtype=torch.float64, device=device) for v in arrays]
    blocks, mean = torch.arange(x.shape[1], device=device)[:, None], float(power[0])

    def loss(w: torch.Tensor) -> torch.Tensor:
        g, b = _products(w)
        moments = sample_moments(g.detach(), b.detach(), blocks, torch.searchsorted, looked_up)
        return loss_of_moments(g, b, moments, mean)[0]

    return loss


def _products(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """g = WᵀW (c, c) and b (1, c) of one parameter w (3c,)."""
    W, b = unpack(w)
    return W.T @ W, b[None]


OPENING = (0, 4, 16, 1, 9, 2)  # of the hundred networks, chosen so that every kind of end is among them

TRAJECTORY = {  # what ``trajectory_settings`` gives: about ten seconds on either
    "cpu": {"checkpoints": 10, "num_chains": 16, "num_burnin_steps": 150, "num_draws": 160},
    "cuda": {"checkpoints": 60, "num_chains": 64, "num_burnin_steps": 400, "num_draws": 400},
}


def trajectory_settings(device: torch.device | str) -> tuple[int, dict[str, int]]:
    """How much of a training run to measure on ``device``: (checkpoints, the chains' options for estimate_llc)."""
    options = dict(TRAJECTORY["cuda" if torch.device(device).type == "cuda" else "cpu"])
    return options.pop("checkpoints"), options


def checkpoint_steps(count: int, last: int = 20_000) -> np.ndarray:
    """``count`` training steps or a few less: 0, and the others evenly on a log scale up to ``last``."""
    return np.unique(np.r_[0, np.round(np.geomspace(30, last, count - 1))]).astype(int)


def start(kind: int, seed: int) -> np.ndarray:
    """Where a run of the figure starts: a square with ``kind`` of two features awake (1, 2), or near zero (6)."""
    rng = np.random.default_rng(seed)
    w = 0.01 * rng.standard_normal(3 * FEATURES)
    if kind < 6:
        square = polygon(4, 1, 0, dead=0)
        square[-2:] = [0.02, 0.02 if kind == 2 else -1]
        return w + square
    w[12:] = 0.02
    return w


def near_zero(networks: int, rng: np.random.Generator, c: int = FEATURES) -> np.ndarray:
    """Where training starts: columns of size 0.01 and biases 0, an array (networks, 3c)."""
    w = 0.01 * rng.standard_normal((networks, 3 * c))
    w[:, 2 * c :] = 0
    return w


def opening() -> tuple[np.ndarray, np.ndarray]:
    """Six of the lesson's hundred networks, all kinds of ends among them: steps (60,), and their states (60, 6, 18)."""
    steps = np.unique(np.geomspace(1, 3_000, 70).round().astype(int))
    w = near_zero(100, np.random.default_rng(0))[list(OPENING)]
    return steps, descend(w, steps[-1], keep=set(steps.tolist()))


def loss_parts(w: ArrayLike) -> np.ndarray:
    """The loss of w (…, 3c) in three parts that add up to it, an array (…, 3).

    What the features without a column cost (shorter than ½) in their own outputs; the error of the other outputs that
    should say μ; what leaks into those that should be 0.
    """
    W, b = unpack(np.asarray(w, float))
    g, bias, c = np.swapaxes(W, -1, -2) @ W, b[..., None, :], b.shape[-1]
    m0, m1, m2 = uniform_moments(g, bias)
    power = g * g * m2 + 2 * g * bias * m1 + bias * bias * m0
    here, wanted = (v.diagonal(0, -2, -1) for v in (power, g * m2 + bias * m1))
    own, short = 1 / (3 * c) - 2 * wanted + here, np.hypot(W[..., 0, :], W[..., 1, :]) < 0.5
    leaked = power.sum((-1, -2)) - here.sum(-1)
    return np.stack([(own * short).sum(-1), (own * ~short).sum(-1), leaked], -1)


def pentagons_above_hexagon(n: float | np.ndarray, counted: bool) -> np.ndarray:
    """F of 5 and 5⁺ together less F of the 6-gon at n, a number or an array: −log(e^−F(5) + e^−F(5⁺)) − F(6).

    By nL + λ log n + ½‖w*‖², and with all constants of Laplace's method if they are ``counted``.
    """
    F = {name: free_energy(name, n) + counted * sum(constants(name).values()) for name in ("5", "5⁺", "6")}
    return -np.logaddexp(-F["5"], -F["5⁺"]) - F["6"]
