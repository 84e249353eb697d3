"""The network of section 7: its truth, its posterior by Hamiltonian Monte Carlo, and the errors of its predictions.

y = f(w, u) + noise, noise ~ N(0, 1), u ~ N(0, I₂), f a layer of four tanh units with biases: d = 17 weights, prior
N(0, 1) each. The truth is one tanh unit, so three units of the four have nothing to do. Only ``make`` needs this.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

INPUTS, UNITS = 2, 4
D = UNITS * (INPUTS + 2) + 1
TEST_POINTS = 400


def truth(u: Tensor) -> Tensor:
    """The true mean at inputs (…, 2), shape (…,): one tanh unit."""
    return 1.5 * torch.tanh(u[..., 0] - 0.5 * u[..., 1])


def draw(sets: int, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Data sets of n rows from the truth: inputs (sets, n, 2) and outputs (sets, n)."""
    u = torch.randn(sets, n, INPUTS, generator=generator)
    return u, truth(u) + torch.randn(sets, n, generator=generator)


def module() -> nn.Sequential:
    """The same network as a torch module, for training and for ``estimate_llc``."""
    return nn.Sequential(nn.Linear(INPUTS, UNITS), nn.Tanh(), nn.Linear(UNITS, 1))


def _parts(w: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights (…, 17) as input weights (…, 4, 2), their biases (…, 4), output weights (…, 4) and bias (…, 1)."""
    first, bias, out, last = w.split([UNITS * INPUTS, UNITS, UNITS, 1], dim=-1)
    return first.unflatten(-1, (UNITS, INPUTS)), bias, out, last


def predicted(w: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """The means f(w, u), (sets, chains, n), and the units' outputs, (sets, chains, 4, n).

    w: (sets, chains, 17), u: (sets, n, 2).
    """
    first, bias, out, last = _parts(w)
    sets, chains = w.shape[:2]
    inner = torch.bmm(first.reshape(sets, chains * UNITS, INPUTS), u.transpose(1, 2))
    h = torch.tanh(inner.view(sets, chains, UNITS, -1) + bias[..., None])
    return (out[..., None] * h).sum(2) + last, h


def potential(w: Tensor, u: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Σ (y − f)²/2 + |w|²/2, minus the log of likelihood × prior up to a constant, and its gradient.

    w: (sets, chains, 17); returns (sets, chains) and (sets, chains, 17).
    """
    f, h = predicted(w, u)
    r = f - y[:, None]
    _, _, out, _ = _parts(w)
    back = r[:, :, None] * out[..., None] * (1 - h * h)
    sets, chains = w.shape[:2]
    first = torch.bmm(back.reshape(sets, chains * UNITS, -1), u).reshape(sets, chains, -1)
    slopes = [first, back.sum(-1), (h * r[:, :, None]).sum(-1), r.sum(-1, keepdim=True)]
    return (r * r).sum(-1) / 2 + (w * w).sum(-1) / 2, torch.cat(slopes, dim=-1) + w


def posterior_draws(
    u: Tensor, y: Tensor, *, chains: int, burnin: int, draws: int, leapfrog: int, generator: torch.Generator
) -> Tensor:
    """Draws of every data set's posterior, (sets, chains, draws, 17), by HMC (Neal 2011).

    The step size of each chain is tuned in the burn-in to an acceptance of 0.8, and each trajectory uses a random half
    to all of it.
    """
    sets, n = y.shape
    w = torch.randn(sets, chains, D, generator=generator) / 2
    log_step = torch.full((sets, chains), math.log(0.5 / math.sqrt(1 + n)))
    value, slope = potential(w, u, y)
    kept = []
    for t in range(burnin + draws):
        step = (log_step.exp() * (0.5 + 0.5 * torch.rand(sets, chains, generator=generator)))[..., None]
        p = torch.randn(w.shape, generator=generator)
        energy = value + (p * p).sum(-1) / 2
        moved, force, new = w, slope, value
        p = p - step / 2 * force
        for k in range(leapfrog):
            moved = moved + step * p
            new, force = potential(moved, u, y)
            p = p - (step if k < leapfrog - 1 else step / 2) * force
        rate = torch.exp((energy - new - (p * p).sum(-1) / 2).clamp(max=0)).nan_to_num(0)
        taken = torch.rand(sets, chains, generator=generator) < rate
        w, slope = (torch.where(taken[..., None], a, b) for a, b in ((moved, w), (force, slope)))
        value = torch.where(taken, new, value)
        if t < burnin:
            log_step = log_step + (rate - 0.8) * 2 / math.sqrt(1 + t)
        else:
            kept.append(w)
    return torch.stack(kept, dim=2)


def errors(w: Tensor, u: Tensor, y: Tensor, test: Tensor) -> np.ndarray:
    """(n G, n (WAIC − S), R-hat of K over the chains) of each data set, shape (sets, 3).

    w: (sets, chains, draws, 17). The predictive is the mean of the draws' normals. G is its divergence from the truth
    over the inputs ``test``, (points, 2), and over y by Gauss–Hermite.
    """
    z, weight = np.polynomial.hermite_e.hermegauss(12)
    sets, chains, draws, _ = w.shape
    found = []
    for s in range(sets):
        flat = w[s].reshape(1, chains * draws, D)
        f, at_test = (predicted(flat, points[None])[0][0].double() for points in (u[s], test))
        ratio = ((y[s] - truth(u[s])).double().square() - (y[s].double() - f).square()) / 2
        T = -torch.log(torch.exp(ratio).mean(0)).sum()
        V = ratio.var(0, unbiased=False).sum()
        delta = at_test - truth(test).double()
        G = -sum(
            float(p * torch.log(torch.exp(x * delta - delta.square() / 2).mean(0)).mean())
            for x, p in zip(z, weight / weight.sum(), strict=True)
        )
        K = delta.square().mean(1).view(chains, draws)
        within, between = K.var(1).mean(), draws * K.mean(1).var()
        found.append((len(y[s]) * G, float(T + V), float(((draws - 1) / draws + between / draws / within).sqrt())))
    return np.array(found)


def trained(n: int, seed: int, steps: int = 2500) -> tuple[nn.Sequential, tuple[Tensor, Tensor]]:
    """The network trained by Adam on n rows, and these rows: (inputs (n, 2), outputs (n, 1))."""
    torch.manual_seed(seed)
    u, y = (a[0] for a in draw(1, n, torch.Generator().manual_seed(seed)))
    net, data = module(), (u, y[:, None])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        half_square(net(u), data[1]).backward()
        optimizer.step()
        schedule.step()
    return net, data


def half_square(output: Tensor, target: Tensor) -> Tensor:
    """The mean of (target − output)²/2: −log p up to a constant, for noise of variance 1."""
    return (target - output).square().mean() / 2
