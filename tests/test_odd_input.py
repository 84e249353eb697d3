"""Whatever the public functions of theory and llc are given, they return a result or say in our words what is wrong.

Hypothesis puts odd values (NaN, text, empty, huge, complex, arrays of any shape, strided, other libraries' numbers) in
the place of one argument of a good call. Allowed are a result without an unexpected NaN, and an error that our own
code raises. Not allowed: a warning, an error from the depths of a library, a crash, a call that does not end.
"""

import traceback
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import torch
import xarray as xr

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sltcourse
from sltcourse.llc import (
    HMC,
    SGLD,
    LocalPosterior,
    covariance,
    default_nbeta,
    diagnostics,
    estimate_llc,
    expectation,
    heat,
    influence,
    llc,
    loss_kernel,
    resume,
    sample,
    susceptibility,
)
from sltcourse.theory import (
    asymptotics,
    blow_up,
    closed_forms,
    corner,
    linear_response,
    localized,
    mean_errors,
    mean_models,
    newton,
    normal_crossings,
    quadrature,
    replica_exchange,
    splitting,
    zeta,
)

OURS = str(Path(sltcourse.__file__).parent)
FEW, MANY = 8, 400
quick = settings(max_examples=FEW, derandomize=True, database=None, deadline=20_000,
                 suppress_health_check=list(HealthCheck))  # fmt: skip
thorough = settings(quick, max_examples=MANY)

x, y = sp.symbols("x y")
NOT_A_NUMBER = [
    "3",
    "",
    "x",
    b"3",
    1j,
    [],
    {},
    (),
    object(),
    [[1], [1, 2]],
    sp.Symbol("a"),
    sp.nan,
    sp.zoo,
    print,
    {1.0},
]
NUMBERS = [
    0,
    -1,
    2,
    3,
    True,
    0.5,
    -0.0,
    1e-300,
    1e300,
    10**400,
    -(10**400),
    np.nan,
    np.inf,
    -np.inf,
    Fraction(1, 3),
    Decimal("0.5"),
    np.float32(2),
    np.int64(3),
    np.bool_(True),
    np.float16(6e4),
    sp.Integer(3),
    sp.Rational(1, 3),
    sp.oo,
    sp.sqrt(2),
    torch.tensor(2.0),
]
ARRAYS = [
    np.array(2.0),
    np.array([]),
    np.zeros((0, 2)),
    np.ones(1),
    np.array([0.1, 0.2]),
    np.array([1.0, np.nan]),
    np.array([np.inf, 1.0]),
    np.ones((2, 2, 2)),
    np.arange(6.0)[::2],
    np.arange(12.0).reshape(3, 4).T[::2, ::2],
    np.array(["a", "b"]),
    np.array([1, None]),
    np.array([1j, 2]),
    np.array([1, 2], np.int8),
    np.array([True, False]),
    np.array([1e300, -1e300]),
    [0.5, 1.5],
    [0, 0],
    [(0, 1), (0, 1)],
    [(1, 0)],
    [(0, np.inf)],
    [1, "2"],
    torch.ones(2),
    torch.arange(6.0)[::2],
    torch.ones(2, dtype=torch.float64, requires_grad=True),
    torch.tensor([1 + 1j, 2]),
    torch.empty(0),
]
odd = st.sampled_from([None, *NOT_A_NUMBER, *NUMBERS, *ARRAYS]) | st.floats() | st.integers() | st.text(max_size=3)


def said_by_us(error):
    """Whether the error was raised by a line of ours that says ``raise``."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(OURS) and last.line.startswith("raise ")


def has_nan(value):
    if isinstance(value, (tuple, list)):
        return any(map(has_nan, value))
    if isinstance(value, (float, np.ndarray, np.generic)):
        array = np.asarray(value)
        return array.dtype.kind in "fc" and bool(np.isnan(array).any())
    return isinstance(value, sp.Basic) and value.has(sp.nan)


def holds(function, good, name, value, errors=(ValueError, TypeError, KeyError, ArithmeticError, TimeoutError)):
    """The property, for the good call with ``value`` in the place of the argument ``name``."""
    try:
        returned = function(**{**good, name: value})
    except errors as error:
        assert said_by_us(error), f"{name}={value!r}: a raw {type(error).__name__}: {error}"
        assert str(error), f"{name}={value!r}: an error without a word"
    else:
        assert not has_nan(returned), f"{name}={value!r} gives {returned!r}"


def square(w):
    return (w**2).sum(1)


def rising(w):
    return (w**2).sum(-1) / 2, w


mean = mean_models.power_mean(3)
THEORY = {
    "reduced_rank_regression": (closed_forms.reduced_rank_regression, dict(inputs=3, hidden=2, outputs=3, rank=1)),
    "deep_linear_network": (closed_forms.deep_linear_network, dict(widths=[3, 2, 3], rank=1)),
    "tanh_network": (closed_forms.tanh_network, dict(hidden=3)),
    "normal_crossing": (normal_crossings.normal_crossing, dict(k=[1, 2], h=[0, 1])),
    "log_volume": (normal_crossings.normal_crossing_log_volume, dict(eps=[0.1, 0.01], k=[1, 2], h=[0, 1])),
    "formula": (normal_crossings.normal_crossing_formula, dict(k=[1, 2], h=[0, 1])),
    "monomials_on_the_corner": (corner.monomials_on_the_corner, dict(exponents=[(2, 0), (0, 4)])),
    "learning_coefficient": (
        newton.learning_coefficient,
        dict(K=x**2 + y**4, variables=[x, y], point=[0, 0], prior={x: 1}, seconds=0.5),
    ),
    "resolve": (blow_up.resolve, dict(K=x**2 + y**4, variables=[x, y], point=[0, 0], prior={x: 1}, seconds=0.5)),
    "monomial_zeta": (zeta.monomial_zeta, dict(K=x**2 * y**4, variables=[x, y], prior={x: 1}, box=[1, 2])),
    "monte_carlo": (splitting.monte_carlo, dict(K=square, box=[(-1, 1), (-1, 1)], eps=[0.5, 0.2], n=1000, seed=0)),
    "splitting": (splitting.splitting, dict(K=square, box=[(-1, 1)], eps=1e-2, seed=0)),
    "exact_llc": (localized.exact_llc, dict(K=square, nbeta=100.0, localization=1.0, w_star=(0.0,))),
    "Posterior": (
        quadrature.Posterior,
        dict(loss=square, bounds=[(-1, 1)], n=10.0, beta=1.0, prior=None, tolerance=1e-6, breakpoints=[[0.0]]),
    ),
    "gaussian_posterior": (
        linear_response.gaussian_posterior,
        dict(X=np.eye(3)[:, :2], y=np.ones(3), nbeta=9.0, localization=1.0, w_star=np.ones(2), weights=np.ones(3)),
    ),
    "mean_losses": (
        linear_response.mean_losses,
        dict(X=np.eye(3)[:, :2], y=np.ones(3), mean=np.ones(2), cov=np.eye(2)),
    ),
    "loss_covariance": (
        linear_response.loss_covariance,
        dict(X=np.eye(3)[:, :2], y=np.ones(3), mean=np.ones(2), cov=np.eye(2)),
    ),
    "power_mean": (mean_models.power_mean, dict(k=3, w0=0.5)),
    "deep_product": (mean_models.deep_product, dict(depth=3)),
    "own_mean": (mean_models.own_mean, dict(theta=lambda w: w**3, truth=0.5)),
    "expected_error": (mean_models.expected_error, dict(model=mean, n=10)),
    "generalization_error": (mean_errors.generalization_error, dict(model=mean, n=10, t=0.5)),
    "replica_exchange": (
        replica_exchange.replica_exchange,
        dict(n=[0, 1, 10], chains=(2, 6, 1), loss=rising, dim=2, seed=0),
    ),
    "lambert_crossings": (asymptotics.lambert_crossings, dict(d_lambda=1.0, d_loss=0.01)),
    "power_integral": (asymptotics.power_integral, dict(k=2, c=3.0, length=1.0)),
    "log_n_coefficient": (asymptotics.log_n_coefficient, dict(n=np.geomspace(10, 1e4, 9), F=np.arange(9.0), m=1)),
}


# ---- the estimator


def bowl(w):
    return (w**2).sum() / 2


def mse(outputs, targets):
    return (outputs - targets).square().mean()


def a_model():
    torch.manual_seed(0)
    return torch.nn.Linear(2, 1)


INPUTS = torch.arange(12.0).reshape(6, 2) / 10
DATA = INPUTS, INPUTS.sum(1, keepdim=True)
FEW_STEPS = dict(num_chains=2, num_draws=6, num_burnin_steps=4)


def sampled(**options):
    return sample(LocalPosterior(bowl, at=torch.zeros(2), nbeta=9.0), **{"sampler": SGLD(0.01), **FEW_STEPS, **options})


def estimated(**options):
    return estimate_llc(bowl, at=torch.zeros(2), nbeta=9.0, **{"sampler": SGLD(0.01), **FEW_STEPS, **options})


def some_draws():
    """Independent draws (8 chains of 400) of the losses of three samples: enough for an error bar without a remark."""
    losses = 1 + np.random.default_rng(0).gamma(2, 0.1, (8, 400, 3))
    both, known = ("chain", "draw"), dict(nbeta=9.0, localization=1.0, init_loss=1.0, batch_size=0, dim=2, partial=0)
    extra = dict.fromkeys(("distance", "tilt", "virial", "step_bias"), (both, 0 * losses.mean(-1)))
    chains = dict(first_bad=("chain", np.full(8, -1)), bad_batches=("chain", np.zeros(8, int)))
    return xr.Dataset({"loss": (both, losses.mean(-1)), "losses": ((*both, "sample"), losses), **extra}, chains,
                      {**known, "notes": "[]"})  # fmt: skip


DRAWS = some_draws()
POSTERIOR = dict(
    localization=1.0,
    prior_precision=0.0,
    penalty=0.0,
    mask=None,
    weights=None,
    dtype=None,
    device="cpu",
    memory_gib=4.0,
)
LLC = {
    "LocalPosterior of a function": (
        LocalPosterior,
        dict(model=bowl, data=None, loss=None, at=torch.zeros(2), nbeta=9.0, **POSTERIOR),
    ),
    "LocalPosterior of a module": (
        LocalPosterior,
        dict(model=a_model(), data=DATA, loss=mse, at=None, nbeta=None, **POSTERIOR),
    ),
    "sample": (
        sampled,
        dict(
            sampler=SGLD(0.01),
            num_chains=2,
            num_draws=6,
            num_burnin_steps=4,
            num_steps_bw_draws=1,
            batch_size=None,
            observe=None,
            seed=0,
        ),
    ),
    "estimate_llc": (estimated, dict(sampler=SGLD(0.01), num_chains=2, num_draws=6, target_error=None, seed=0)),
    "default_nbeta": (default_nbeta, dict(num_samples=100)),
    "SGLD": (lambda lr: sampled(sampler=SGLD(lr)), dict(lr=0.01)),
    "HMC": (lambda lr, num_leapfrog: sampled(sampler=HMC(lr, num_leapfrog)), dict(lr=0.01, num_leapfrog=2)),
    "llc": (llc, dict(draws=DRAWS)),
    "diagnostics": (diagnostics, dict(draws=DRAWS)),
    "resume": (resume, dict(draws=sampled(), posterior=None, num_draws=5)),
    "expectation": (expectation, dict(draws=DRAWS, observable="loss")),
    "heat": (heat, dict(draws=DRAWS, loss="loss")),
    "influence": (influence, dict(draws=DRAWS, losses="losses", observable=None, scale="covariance")),
    "covariance": (covariance, dict(draws=DRAWS, first="loss", second="losses", scale="covariance")),
    "loss_kernel": (loss_kernel, dict(draws=DRAWS, losses="losses", correlation=False)),
    "susceptibility": (
        susceptibility,
        dict(
            draws=DRAWS,
            observable="loss",
            perturbation="losses",
            base="loss",
            scale="covariance",
            definition="covariance",
            full=None,
        ),
    ),
}
COUNTS = ("num_chains", "num_draws", "num_burnin_steps", "num_steps_bw_draws", "num_leapfrog", "n", "sets", "dim")


ALL = {**THEORY, **LLC}


def small(name, value):
    """Not a count that would only take long."""
    return name not in COUNTS or not isinstance(value, (int, float, np.number)) or not 1e3 < abs(value) < 1e12


def puts_odd_values(name, how):
    function, good = ALL[name]

    @how
    @given(st.tuples(st.sampled_from(sorted(good)), odd).filter(lambda place: small(*place)))
    def check(place):
        holds(function, good, *place)

    check()


@pytest.mark.parametrize("name", ALL)
def test_a_good_call_is_good(name):
    function, good = ALL[name]
    assert not has_nan(function(**good))


@pytest.mark.parametrize("name", ALL)
def test_odd_values(name):
    puts_odd_values(name, quick)


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_many_odd_values(name):
    puts_odd_values(name, thorough)
