"""The claimed error against the spread between seeds, and the word trust against the truth where that is known."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from sltcourse.llc import HMC, estimate_llc
from sltcourse.theory.closed_forms import reduced_rank_regression
from tests.llc_models import expected_excess, kgon, linear_network_excess, linear_network_loss, toy_data


@dataclass
class Case:
    loss: object  # of a vector w, and of the data's rows if there are any
    at: torch.Tensor
    exact: float | None  # nβ(E[L] − L(w*)); None: HMC says
    draws: int = 1000  # of each chain, in the long run
    trusted: bool = True  # whether more than half of the seeds must be trusted, in the long run
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
                settings=dict(batch_size=batch_size), data=(x, y))  # fmt: skip


def flat_directions(localization):
    """½ Σ wᵢ² over 100 of 1000 coordinates."""
    exact = 50 * 1000 / (1000 + localization)
    return Case(lambda w: 0.5 * w[:100].square().sum(), torch.zeros(1000), exact,
                settings=dict(nbeta=1000.0, localization=localization))  # fmt: skip


def turned_quadratic(dim=10):
    """Curvatures from 300 to 3·10⁴ along directions that are no coordinates."""
    rng = np.random.default_rng(0)
    turn, curvature = np.linalg.qr(rng.standard_normal((dim, dim)))[0], np.geomspace(0.03, 3, dim)
    matrix = torch.tensor(turn * curvature @ turn.T, dtype=torch.float32)
    exact = 0.5 * (1e4 * curvature / (1e4 * curvature + 1)).sum()
    return Case(lambda w: 0.5 * w @ (matrix @ w), torch.zeros(dim), exact, settings=dict(nbeta=1e4), draws=4000)


def of_two_variables(loss, nbeta, localization, **options):
    """By quadrature of the same posterior."""
    return Case(loss, torch.zeros(2), expected_excess(loss, nbeta, localization),
                settings=dict(nbeta=nbeta, localization=localization), **options)  # fmt: skip


def hexagon():
    """The toy model of superposition at its 6-gon, on 500 data points in minibatches of 100."""
    weight, bias = kgon(6)

    def loss(w, x):
        weight = w[:12].view(2, 6)
        return (torch.relu(x @ weight.T @ weight + w[12:]) - x).square().sum(-1).mean()

    return Case(
        loss,
        torch.cat([weight.flatten(), bias]),
        None,
        settings=dict(localization=10.0, batch_size=100),
        data=(toy_data(500),),
    )


def two_wells():
    """(w1² − 1)² + w2², with the spring in the well at 1."""

    def loss(w):
        return (w[0] ** 2 - 1) ** 2 + w[1] ** 2

    exact = expected_excess(loss, 1e3, 10.0, center=(1.0, 0.0))
    return Case(loss, torch.tensor([1.0, 0.0]), exact, settings=dict(nbeta=1e3, localization=10.0))


def tanh_unit(batch_size, n=1000, **options):
    """w1 tanh(w2 x) at its zero, on noise: every x comes with y and with −y, so that no other w fits better.

    Minibatches shake one arm of w1 w2 = 0 more than the other, which no noise at w* tells.
    """
    rng = torch.Generator().manual_seed(3)
    x, y = torch.randn(2, n, generator=rng)
    grid = np.linspace(0, 8, 2001)
    table = [np.square(np.tanh(b * x.double().numpy())).mean() for b in grid]

    def squared(w):  # of the unit's output, by the data
        return w[0] ** 2 * torch.from_numpy(np.interp(w[1].abs().numpy(), grid, table))

    exact = expected_excess(lambda w: 0.5 * squared(w), 2 * n / math.log(2 * n), 1.0)
    return Case(lambda w, x, y: 0.5 * (w[0] * torch.tanh(w[1] * x) - y).square().mean(), torch.zeros(2), exact,
                settings=dict(batch_size=batch_size), data=(x.repeat(2), torch.cat([y, -y])), **options)  # fmt: skip


def logistic(batch_size, n=400):
    """Six inputs of unlike scales, two of them nearly the same."""
    rng = torch.Generator().manual_seed(7)
    x = torch.randn(n, 6, generator=rng)
    x[:, 1] *= 5
    x[:, 2] = x[:, 0] + 0.3 * x[:, 2]
    truth = torch.tensor([1.0, 0.2, -1.0, 0.5, 0.0, 2.0])
    y = (torch.rand(n, generator=rng) < torch.sigmoid(x @ truth)).float()
    w = torch.zeros(6, dtype=torch.float64)
    for _ in range(20):  # Newton's method
        p = torch.sigmoid(x.double() @ w)
        w -= torch.linalg.solve((x.double() * (p * (1 - p))[:, None]).T @ x.double(), x.double().T @ (p - y))
    return Case(lambda w, x, y: torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y), w.float(), None,
                settings=dict(batch_size=batch_size), data=(x, y))  # fmt: skip


def linear_network():
    """Three inputs, two hidden units, three outputs, all zero: rank 0."""
    nbeta, localization = 1e3, 10.0
    return Case(linear_network_loss([3, 2, 3], torch.zeros(3, 3)), torch.zeros(12),
                linear_network_excess(3, 3, nbeta, localization), draws=2000,
                settings=dict(nbeta=nbeta, localization=localization))  # fmt: skip


CASES = {
    "regression, batch 8": lambda: regression(8),
    "regression, batch 32": lambda: regression(32),
    "regression, batch 128": lambda: regression(128),
    "regression, all rows": lambda: regression(2000),
    "900 flat directions": lambda: flat_directions(1.0),
    "900 flat directions, strong spring": lambda: flat_directions(1e4),
    "turned quadratic": turned_quadratic,
    "w1⁴ + w2⁴": lambda: of_two_variables(lambda w: w[0] ** 4 + w[1] ** 4, 1e3, 1.0),
    # at γ = 1 the arms of the cross are 60 times as long as it is wide: most runs are doubtful, and they say so
    "w1²w2², weak spring": lambda: of_two_variables(lambda w: (w[0] * w[1]) ** 2, 1e3, 1.0, draws=4000, trusted=False),
    "w1²w2² + w1⁶, weak spring": lambda: of_two_variables(
        lambda w: (w[0] * w[1]) ** 2 + w[0] ** 6, 1e3, 1.0, draws=4000, trusted=False
    ),
    "w1²w2²": lambda: of_two_variables(lambda w: (w[0] * w[1]) ** 2, 1e3, 10.0),
    "w1²w2² + w1⁶": lambda: of_two_variables(lambda w: (w[0] * w[1]) ** 2 + w[0] ** 6, 1e3, 10.0),
    "hexagon": hexagon,
    "linear network": linear_network,
    "two wells": two_wells,
    "tanh unit, all rows": lambda: tanh_unit(2000, draws=4000),
    # the noise wants small steps, and the draws of small steps are not yet enough: most runs say so
    "tanh unit, batch 256": lambda: tanh_unit(256, trusted=False),
    "logistic, all rows": lambda: logistic(400),
    "logistic, batch 32": lambda: logistic(32),
}
QUICK = ("regression, batch 8", "regression, batch 32", "turned quadratic", "w1⁴ + w2⁴", "w1²w2²", "w1²w2² + w1⁶",
         "w1²w2², weak spring", "w1²w2² + w1⁶, weak spring")  # fmt: skip


def reference(case):
    """(value, error) of λ̂: exact, or by HMC."""
    if case.exact is not None:
        return case.exact, 0.0
    settings = {key: value for key, value in case.settings.items() if key != "batch_size"}
    result = estimate_llc(case.loss, case.data, at=case.at, sampler=HMC(1e-3), num_chains=64, num_draws=1500,
                          num_burnin_steps=800, seed=1, **settings)  # fmt: skip
    return result.llc, result.std_error


def many_seeds(case, seeds, num_chains=8, **settings):
    """A result per seed: each is a w* of its own, so that it adapts by itself, and all run in one batch of chains."""
    settings = {**case.settings, **settings}
    return estimate_llc(case.loss, case.data, at=[case.at] * seeds, num_chains=num_chains, **settings)


def measured(case, results):
    """Of many seeds: how far λ̂ lies from the truth in claimed errors, the spread in them, and which are trusted."""
    exact, uncertain = reference(case)
    llc, error = np.array([r.llc for r in results]), np.array([r.std_error for r in results])
    return dict(
        off=(llc - exact) / np.hypot(error, uncertain),
        around=(llc - llc.mean()) / np.sqrt(np.mean(error**2)),
        trusted=np.array([r.verdict.word == "trust" for r in results]),
        ratio=np.sqrt(np.mean(error**2)) / llc.std(ddof=1),
        exact=exact, uncertain=uncertain, llc=llc, error=error,
    )  # fmt: skip


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 3), (2, 2), (2, 4)])
def test_the_exact_value_of_a_linear_network_tends_to_its_learning_coefficient(inputs, outputs):
    lam, m = reduced_rank_regression(inputs, 2, outputs, 0)
    assert m == 1 and linear_network_excess(inputs, outputs, 1e9, 1.0, points=1000) == pytest.approx(lam, rel=3e-3)


def test_coverage_in_brief():
    """40 seeds of eight posteriors: spread and claimed error, and the word trust, at the library's defaults."""
    found = [measured(case, many_seeds(case, 40, num_draws=600, num_burnin_steps=600)) for case in
             (CASES[name]() for name in QUICK)]  # fmt: skip
    around, off, trusted = (np.concatenate([f[name] for f in found]) for name in ("around", "off", "trusted"))
    assert 0.8 < np.sqrt(np.mean(around**2)) < 1.2
    assert trusted.mean() > 0.4 and np.mean(np.abs(off[trusted]) < 3) >= 0.95


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", CASES)
def test_coverage(name):
    """The claimed error within 20 % of the spread of seeds; of those to trust, 95 % within 3 errors of the truth."""
    case = CASES[name]()
    draws = 2000 if case.exact is None else case.draws
    found = measured(case, many_seeds(case, 80 if len(case.at) < 100 else 160, num_draws=draws))
    assert 0.8 < found["ratio"] < 1.2
    assert found["uncertain"] < 0.7 * found["error"].mean()
    assert found["trusted"].mean() > 0.5 or not case.trusted
    trusted = found["off"][found["trusted"]]
    assert not trusted.size or np.mean(np.abs(trusted) < 3) >= 0.95
