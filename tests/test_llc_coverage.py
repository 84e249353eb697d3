"""The claimed error against the spread between seeds, and the word trust against the truth, where the truth is known."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from sltcourse.llc import HMC, WhitenedSGLD, estimate_llc
from tests.llc_models import expected_excess, kgon, linear_network_loss, toy_data


@dataclass
class Case:
    loss: object  # of a vector w, and of the data's rows if there are any
    at: torch.Tensor
    exact: float | None  # nβ(E[L] − L(w*)); None: HMC says
    settings: dict = field(default_factory=dict)
    data: tuple | None = None


def regression(batch_size, n=2000):
    """Least squares in four coordinates: a Gaussian posterior, whose λ̂ is ½ Σ h/(h + γ) over the curvatures h."""
    rng = torch.Generator().manual_seed(0)
    x = torch.cat([torch.randn(n, 3, generator=rng), torch.ones(n, 1)], 1)
    y = x[:, :3].sum(1) + torch.randn(n, generator=rng)
    curvature = torch.linalg.eigvalsh(2 * (x.T @ x).double() / math.log(n))
    exact = 0.5 * (curvature / (curvature + 1)).sum().item()
    return Case(lambda w, x, y: (x @ w - y).square().mean(), torch.linalg.lstsq(x, y[:, None]).solution[:, 0], exact,
                dict(batch_size=batch_size), (x, y))  # fmt: skip


def flat_directions(localization):
    """½ Σ wᵢ² over 100 of 1000 coordinates."""
    exact = 50 * 1000 / (1000 + localization)
    return Case(lambda w: 0.5 * w[:100].square().sum(), torch.zeros(1000), exact,
                dict(nbeta=1000.0, localization=localization))  # fmt: skip


def turned_quadratic(dim=10):
    """Curvatures from 10³ to 10⁵ along directions that are no coordinates."""
    rng = np.random.default_rng(0)
    turn, curvature = np.linalg.qr(rng.standard_normal((dim, dim)))[0], np.geomspace(0.1, 10, dim)
    matrix = torch.tensor(turn * curvature @ turn.T, dtype=torch.float32)
    exact = 0.5 * (1e4 * curvature / (1e4 * curvature + 1)).sum()
    return Case(lambda w: 0.5 * w @ (matrix @ w), torch.zeros(dim), exact, dict(nbeta=1e4))


def of_two_variables(loss, nbeta, localization, **settings):
    """By quadrature of the same posterior."""
    return Case(loss, torch.zeros(2), expected_excess(loss, nbeta, localization),
                dict(nbeta=nbeta, localization=localization, **settings))  # fmt: skip


def hexagon():
    """The toy model of superposition at its 6-gon, on 500 data points in minibatches of 100."""
    weight, bias = kgon(6)

    def loss(w, x):
        weight = w[:12].view(2, 6)
        return (torch.relu(x @ weight.T @ weight + w[12:]) - x).square().sum(-1).mean()

    return Case(loss, torch.cat([weight.flatten(), bias]), None, dict(localization=10.0, batch_size=100), (toy_data(500),))


def linear_network():
    """Three inputs, two hidden units, three outputs, all zero: rank 0."""
    return Case(linear_network_loss([3, 2, 3], torch.zeros(3, 3)), torch.zeros(12), None, dict(nbeta=1e3))


CASES = {
    "regression, batch 8": lambda: regression(8),
    "regression, batch 32": lambda: regression(32),
    "regression, batch 128": lambda: regression(128),
    "regression, all rows": lambda: regression(2000),
    "900 flat directions": lambda: flat_directions(1.0),
    "900 flat directions, strong spring": lambda: flat_directions(1e4),
    "turned quadratic": turned_quadratic,
    "w1⁴ + w2⁴": lambda: of_two_variables(lambda w: w[0] ** 4 + w[1] ** 4, 1e3, 1.0),
    "w1²w2²": lambda: of_two_variables(lambda w: (w[0] * w[1]) ** 2, 1e3, 10.0),
    "(w1w2 − 0)² + w1⁶": lambda: of_two_variables(lambda w: (w[0] * w[1]) ** 2 + w[0] ** 6, 1e3, 10.0),
    "hexagon": hexagon,
    "linear network": linear_network,
}


def reference(case):
    """(value, error) of λ̂: exact, or by HMC."""
    if case.exact is not None:
        return case.exact, 0.0
    settings = {key: value for key, value in case.settings.items() if key != "batch_size"}
    result = estimate_llc(case.loss, case.data, at=case.at, sampler=HMC(1e-3), num_chains=128, num_draws=1500,
                          num_burnin_steps=800, seed=1, **settings)  # fmt: skip
    return result.llc, result.std_error


def many_seeds(case, seeds, num_chains=8, **settings):
    """One result per seed: every seed is a w* of its own, so that each adapts by itself, and all run in one batch."""
    return estimate_llc(case.loss, case.data, at=[case.at] * seeds, num_chains=num_chains, **{**case.settings, **settings})


def report(case, results):
    exact, uncertain = reference(case)
    llc, error = np.array([r.llc for r in results]), np.array([r.std_error for r in results])
    off = (llc - exact) / np.hypot(error, uncertain)
    trusted = np.array([r.verdict.word == "trust" for r in results])
    return dict(exact=exact, uncertain=uncertain, llc=llc, error=error, off=off, trusted=trusted)
