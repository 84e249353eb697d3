"""The checks of lesson 02: what each exercise replies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from scipy.stats import ks_2samp

from sltcourse.kit.checks import Case, Checks, choice, number, reasoned_choice
from sltcourse.lessons.broken_statistics import ours

check = Checks("02_broken_statistics")

_random = np.random.default_rng(2)


# ---- the expansion of K ----------------------------------------------------------------------------------------------

_w, _t = sp.symbols("w t", real=True)
_COIN = [(1 + _w) / 2, (1 - _w) / 2]
_CUBIC = [(1 + _w**3) / 2, (1 - _w**3) / 2]
_DIE = [_w**2, 2 * _w * (1 - _w), (1 - _w) ** 2]
_parts = [int(k) for k in _random.integers(1, 6, 3)]
_TILTED = [sp.Rational(k, sum(_parts)) * (1 + s * _w) for k, s in zip(_parts, (_parts[1], -_parts[0], 0), strict=True)]


def _like(slope: Any, curvature: Any) -> Callable[..., Any]:
    """A function like ``expansion`` from what it sums: both take (probability, score, derivative of the score)."""

    def both(p: Any, w: Any, w0: Any) -> Any:
        parts = [(q, sp.diff(sp.log(q), w), sp.diff(sp.log(q), w, 2)) for q in p]
        return tuple(sp.simplify(sum(f(*part) for part in parts).subs(w, w0)) for f in (slope, curvature))

    return both


def _nothing(q: Any, s: Any, ds: Any) -> Any:
    return -q * s


@check.writing(
    "The slope is −E[s] = −Σ ∂p = −∂ Σp = −∂ 1 = 0, for every law. The curvature is −E[∂s]; since ∂s = ∂²p/p − s² and "
    "Σ ∂²p = 0 as well, it is E[s²]: the Fisher information.",
    ours=ours.expansion,
    cases=[
        Case("the coin (1 + w)/2 at w0 = 0", (_COIN, _w, 0), (sp.Integer(0), sp.Integer(1))),
        Case("the coin (1 + w³)/2 at w0 = 0, whose parabola is flat", (_CUBIC, _w, 0), (sp.Integer(0), sp.Integer(0))),
        Case("two tosses of a coin w, at w0 = t", (_DIE, _w, _t), (sp.Integer(0), 2 / (_t * (1 - _t)))),
        Case("three outcomes with random weights", (_TILTED, _w, 0)),
    ],
    common={
        _like(_nothing, lambda q, s, ds: q * s**2 / 2): "K is slope h + curvature h²/2: the ½ is there already.",
        _like(_nothing, lambda q, s, ds: q * ds): "The sign: K has a minimum at w0, and E[∂s] is negative.",
        _like(_nothing, lambda q, s, ds: s**2): "A mean weighs each outcome by its probability p.",
        _like(lambda q, s, ds: -s, lambda q, s, ds: -ds): "A mean weighs each outcome by its probability p.",
        _like(lambda q, s, ds: q * s**2, lambda q, s, ds: _nothing(q, s, ds)):
        "These are the right two in the other order: slope first.",
    },
)  # fmt: skip
def expansion(function: Any) -> str | None:
    """(slope, curvature) of K at w0: ``ours.expansion``."""


# ---- the sampling distribution of the best fit -----------------------------------------------------------------------

_GRID = np.linspace(-2, 2, 801)
_MANY = 2000


def _straight(w: Any) -> Any:
    return 1.0 * w


def _cubic(w: Any) -> Any:
    return w**3


def _square(w: Any) -> Any:
    return w**2


def _bent(w: Any) -> Any:
    return w + 0.4 * np.sin(3 * w)


def _hits(mean: Callable[[Any], Any], w0: float, n: float) -> Callable[[Any], str | None]:
    """A test of estimates by their law: the means of what was found are normal around mean(w0), as far as they can."""
    right = np.round(mean(ours.estimates(mean, _GRID, w0, n, 20_000, np.random.default_rng(9))), 9)

    def test(result: Any) -> str | None:
        found = np.asarray(result, float)
        if found.shape != (_MANY,):
            return f"the result has the shape {found.shape}; an array of {_MANY} estimates is wanted."
        if not np.isin(found, _GRID).all():
            place = "grid[...] of the nearest mean"
            return f"{found[~np.isin(found, _GRID)][0]:.6g} is not in the grid: return {place}, not an average."
        got = np.round(mean(found), 9)
        if ks_2samp(got, right).statistic < 0.06:
            return None
        spread, wanted = got.std(), right.std()
        if spread > 5 * wanted and n > 1:
            return "the data scatter too much: is each average drawn with the standard deviation 1/√n, not 1?"
        if spread < 0.5 * wanted:
            return "the data scatter too little: the average of n has the standard deviation 1/√n, not 1/n."
        return (
            f"the means of your fits have the average {got.mean():.3g} and the spread {spread:.3g}; "
            f"{np.mean(right):.3g} and {wanted:.3g} are wanted."
        )

    return test


def _case(name: str, mean: Callable[[Any], Any], w0: float, n: float) -> Case:
    return Case(name, lambda: (mean, _GRID, w0, n, _MANY, np.random.default_rng(4)), _hits(mean, w0, n))


@check.writing(
    "One normal number stands for a data set of any size, because the likelihood depends on the data through their "
    "average alone.",
    ours=ours.estimates,
    cases=[
        _case("N(w, 1) at w0 = 0.5, n = 100", _straight, 0.5, 100),
        _case("N(w³, 1) at w0 = 0, n = 100", _cubic, 0.0, 100),
        _case("N(w², 1) at w0 = 0: a negative average fits best at w = 0", _square, 0.0, 50),
        _case("a bent mean at a random w0", _bent, float(_random.uniform(0.3, 0.6)), 40),
        _case("n = 1", _straight, 0.0, 1),
    ],
)
def estimates(function: Any) -> str | None:
    """ŵ of many data sets: ``ours.estimates``."""


# ---- Cauchy–Schwarz --------------------------------------------------------------------------------------------------


def _half(average: Any) -> Any:
    return average / 2


def _constant(average: Any) -> Any:
    return 0 * average + 3


def _wave(average: Any) -> Any:
    return np.sin(3 * average) + average**2


def _sides(both: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong function of estimates t, weights p, z, rise and n."""

    def function(T: Any, level: float, rise: float, n: float) -> Any:
        t = T(level + ours.Z / np.sqrt(n))
        return both(t, ours.PZ, ours.Z, rise, n)

    return function


def _variance(t: Any, p: Any) -> float:
    return float(p @ (t - p @ t) ** 2)


@check.writing(
    "The score has mean 0, so dE[T]/dw = ∫ T ∂p = E[T s] = Cov(T, s), and Cov² ≤ Var(T) Var(s) with Var(s) = nI. No "
    "division: it holds at I = 0 too.",
    ours=ours.cramer_rao,
    cases=[
        Case("T = x̄ in N(w, 1): equality", (lambda x: x, 0.4, 1.0, 50), (1.0, 1.0), rel=1e-3),
        Case("an estimator that is always 3", (_constant, 0.4, 1.0, 50), (0.0, 0.0), abs=1e-6),
        Case("the cube root at w0 = 0 of N(w³, 1)", (np.cbrt, 0.0, 0.0, 1000), (0.0, 0.0), abs=1e-6),
        Case("half the average, n = 200", (_half, 0.4, 2.0, 200), (1.0, 1.0), rel=1e-3),
        Case("the cube root at w0 = 0.2", (np.cbrt, 0.008, 0.12, 300), rel=0.02),
        Case("sin 3x̄ + x̄²", (_wave, 0.7, -1.5, 20), rel=1e-3),
    ],
    common={
        _sides(lambda t, p, z, rise, n: ((p @ (t * rise * np.sqrt(n) * z)) ** 2, _variance(t, p))):
        "The right side is n I Var(T), and I = rise².",
        _sides(lambda t, p, z, rise, n: ((p @ (t * rise * np.sqrt(n) * z)) ** 2, n * _variance(t, p))):
        "The right side is n I Var(T), and I = rise².",
        _sides(lambda t, p, z, rise, n: (p @ (t * rise * np.sqrt(n) * z), n * rise**2 * _variance(t, p))):
        "The left side is the slope squared.",
        _sides(lambda t, p, z, rise, n: ((p @ (t * rise * np.sqrt(n) * z)) ** 2, n * rise**2 * (p @ t**2))):
        "The variance is E[T²] − E[T]².",
        _sides(lambda t, p, z, rise, n: ((p @ (t * rise * z)) ** 2, n * rise**2 * _variance(t, p))):
        "The score of n observations is rise · n(x̄ − level) = rise · √n · z.",
        _sides(lambda t, p, z, rise, n: ((p @ (t * rise * n * z)) ** 2, n * rise**2 * _variance(t, p))):
        "The score of n observations is rise · n(x̄ − level), and x̄ − level is z/√n.",
        _sides(lambda t, p, z, rise, n: ((p @ (t * np.sqrt(n) * z)) ** 2, n * _variance(t, p))):
        "The derivative is by w, not by the mean: the chain rule brings a factor rise.",
    },
)  # fmt: skip
def cramer_rao(function: Any) -> str | None:
    """Both sides of the inequality before the division: ``ours.cramer_rao``."""


# ---- Laplace's integral ----------------------------------------------------------------------------------------------

_root = _random.normal(size=(3, 3))
_TILT = np.array([[2.0, 1.0], [1.0, 2.0]])


def _laplace_like(f: Callable[..., Any]) -> Callable[..., Any]:
    def function(loss: float, hessian: Any, prior: float, n: float) -> float:
        return float(f(n * loss, -np.log(prior), len(hessian), np.linalg.slogdet(hessian)[1], n))

    return function


@check.writing(
    "Turn the axes to the eigenvectors of H. Then the integral is a product of d integrals ∫ exp(−n h u²/2) du = "
    "√(2π/(n h)): each direction costs ½ log n.",
    ours=ours.laplace,
    cases=[
        Case("K = w²/2, n = 2π, prior 1", (0.0, np.eye(1), 1.0, 2 * np.pi), 0.0),
        Case("K = w²/2, prior ½, n = 1000", (0.0, np.eye(1), 0.5, 1000.0), float(np.log(2) + np.log(500 / np.pi) / 2)),
        Case("a tilted bowl with a loss of 0.3 at its bottom", (0.3, _TILT, 0.25, 100.0)),
        Case("three random directions", (0.1, _root @ _root.T, 2.0, 50.0)),
        Case("a flat direction, H = 0: the integral is infinite", (0.0, np.zeros((1, 1)), 0.5, 100.0), -np.inf),
    ],
    common={
        _laplace_like(lambda nl, lp, d, det, n: nl + lp + d / 2 * np.log(n) + det / 2):
        "A factor √(2π) for each direction is missing.",
        _laplace_like(lambda nl, lp, d, det, n: nl + lp + np.log(n / (2 * np.pi)) / 2 + det / 2):
        "That counts one direction. Each of the d eigenvectors contributes √(2π/(n h)).",
        _laplace_like(lambda nl, lp, d, det, n: nl - lp + d / 2 * np.log(n / (2 * np.pi)) + det / 2):
        "The prior multiplies Z, so minus its logarithm is added.",
        _laplace_like(lambda nl, lp, d, det, n: nl + lp + d / 2 * np.log(n / (2 * np.pi)) - det / 2):
        "A stiffer bowl has a smaller integral, hence a larger free energy: the sign of log det H.",
        _laplace_like(lambda nl, lp, d, det, n: nl + lp + d / 2 * np.log(n / (2 * np.pi)) + det):
        "The integral contains the root of det H.",
        _laplace_like(lambda nl, lp, d, det, n: nl / n + lp + d / 2 * np.log(n / (2 * np.pi)) + det / 2):
        "The loss at the peak counts n times.",
        _laplace_like(lambda nl, lp, d, det, n: -(nl + lp + d / 2 * np.log(n / (2 * np.pi)) + det / 2)):
        "That is log Z. The free energy is minus it.",
    },
)  # fmt: skip
def laplace(function: Any) -> str | None:
    """Minus the logarithm of Laplace's integral: ``ours.laplace``."""


# ---- choices and numbers ---------------------------------------------------------------------------------------------


@check.exercise("B's means are some of A's, with a prior that prefers those near the truth. BIC sees neither.")
def two_models(bic: Any, evidence: Any, because: Any) -> str | None:
    """ "A" or "B": which BIC chooses, which has the smaller free energy as n grows, and why."""
    wrong = choice(bic, "A", {
        "B": "BIC compares nLₙ(ŵ) + (d/2) log n. Can B fit better than A? Which has the larger d?",
    })  # fmt: skip
    if wrong:
        return "BIC: " + wrong
    wrong = reasoned_choice(evidence, because, "B", "R", {
        "A": "Compare λ log n: A is regular with d = 2. What is λ of a product of three, with the truth at 0?",
    }, {
        "P": "B's best fit is never better than A's, because B's means are some of A's.",
        "Q": "B has three parameters, and A has two.",
        "S": "They do not: A's second mean gains ½ on average, at every n. But that stays bounded, and log n grows.",
    })  # fmt: skip
    return wrong and "Fₙ: " + wrong


@check.exercise("Every path has to pass ab = 0: from 1 down to 0 and up again. Same law, and yet a path of length 2.")
def path_length(answer: Any) -> str | None:
    """The least Fisher length of a path from (1, 1) to (−1, −1) in the product model."""
    return number(answer, 2.0, rel=1e-3, hints={
        0.0: "Both points have ab = 1. But can you get from one to the other while ab stays 1?",
        2 * np.sqrt(2): "That is the Euclidean length. The Fisher length is ∫ |d(ab)|.",
        1.0: "That is the way from ab = 1 to ab = 0. You are half way.",
        4.0: "Along the straight line ab = t², t from −1 to 1, falls by 1 and rises by 1.",
    })  # fmt: skip
