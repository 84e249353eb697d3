"""The checks of lesson 08: what each exercise replies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from sltcourse.kit.checks import Case, Checks, expression, number
from sltcourse.lessons.superposition import ours
from sltcourse.theory.superposition_model import POLYGONS, half_norm, population_loss, sample, sample_loss, unpack

check = Checks("08_superposition")

# ---- the loss ---------------------------------------------------------------------------------------------------


def _loss_like(
    g_of: Callable[[np.ndarray], np.ndarray] = lambda W: W.T @ W,
    third: float = 3,
    crossed: float = 2,
    sums: Callable[[np.ndarray], float] = np.sum,
    mean: bool = True,
    Q_of: Callable[..., np.ndarray] = lambda P, R, b, g: (P - b * R) / g,
) -> Callable[[np.ndarray, np.ndarray], float]:
    """A loss with one thing changed: the tempting wrong functions."""

    def loss(W: np.ndarray, b: np.ndarray) -> float:
        g = g_of(W)
        g = np.where(np.abs(g) < 1e-6, 1e-6, g)
        low, high = np.maximum(b, 0), np.maximum(g + b, 0)
        P, R = (high**3 - low**3) / (3 * g), (high**2 - low**2) / (2 * g)
        total = len(b) / third - crossed * np.trace(Q_of(P, R, b, g)) + sums(P)
        return float(total / len(b) if mean else total)

    return loss


_random = np.random.default_rng(8)
_W, _b = _random.standard_normal((2, 6)), 0.5 * _random.standard_normal(6)
_W8, _b8 = _random.standard_normal((2, 8)), 0.5 * _random.standard_normal(8)
_PENTAGON = unpack(POLYGONS["5"])


@check.writing(
    "Two integrals and a sum, with no input drawn: a loss without noise.",
    ours=ours.loss,
    cases=[
        Case("all columns and biases 0: L = 1/3", (np.zeros((2, 6)), np.zeros(6)), 1 / 3, abs=1e-4),
        Case("columns 0, biases 1/12: L = 7/24", (np.zeros((2, 6)), np.full(6, 1 / 12)), 7 / 24, abs=1e-4),
        Case("four columns on a square, b = 0: no error", (np.array([[1.0, 0, -1, 0], [0, 1, 0, -1]]), np.zeros(4)),
             0.0, abs=1e-4),
        Case("the 5-gon, with a dead feature", _PENTAGON, float(population_loss(POLYGONS["5"])[0]), abs=1e-4),
        Case("six random columns", (_W, _b), abs=1e-4),
        Case("eight features", (_W8, _b8), abs=1e-4),
    ],
    common={
        _loss_like(mean=False): "Divide by c: each feature is on once in c times.",
        _loss_like(third=6.0): "The term ⅓ belongs to every feature: all of them make c/3.",
        _loss_like(crossed=1): "The square ‖x − f‖² has the mixed term −2 μ ReLU(…): Q counts twice.",
        _loss_like(sums=np.trace): "P is to be summed over all j: the outputs that should be silent cost too.",
        _loss_like(Q_of=lambda P, R, b, g: P / g): "Q = (P − bR)/g: the term with the bias is missing.",
    },
)  # fmt: skip
def loss(function: Any) -> str | None:
    """The exact loss of W (2, c) and b (c,): ``ours.loss``."""


_c = sp.Symbol("c", positive=True)


@check.exercise(
    "Without a column all one can do is guess, and the best guess is the mean of the feature: ½ once in c times."
)
def dead_bias(answer: Any) -> str | None:
    """The best bias b of a feature without a column, a sympy expression in c."""
    return expression(answer, 1 / (2 * _c), hints={
        sp.Rational(1, 2): "The best guess when the feature is on. That is once in c times, b² is always paid.",
        1 / (2 * (_c - 1)): "Nearly: the squared error of the on-case has a b² as well, c of them in all.",
        1 / _c: "Nearly: the derivative of c b² is 2 c b.",
        sp.Rational(1, 12): "That is right for c = 6: write it with the symbol c.",
        1 / (4 * _c): "That is what the guess gains in c·L. The question is at which b it gains that.",
        1 / (4 * _c**2): "That is what the guess gains in L. The question is at which b it gains that.",
    })  # fmt: skip


# ---- training ---------------------------------------------------------------------------------------------------


def _bowl(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (w**2).sum(-1), 2 * w


def _train_like(sign: float = -1.0, copies: bool = True, late: int = 0, last: bool = False) -> Callable[..., Any]:
    def train(w: np.ndarray, loss: Any, steps: int, rate: float, keep: Any) -> np.ndarray:
        w, kept = w.copy(), []
        for step in range(steps + 1):
            if late == 0 and (step in keep or last):
                kept.append(w.copy() if copies else w)
            w += sign * rate * loss(w)[1]
            if late and step in keep:
                kept.append(w.copy())
        return kept[-1] if last else np.array(kept)

    return train


def _unchanged(function: Any) -> str | None:
    before = np.ones((2, 3))
    function(before, _bowl, 2, 0.1, [0, 2])
    if not np.array_equal(before, np.ones((2, 3))):
        return "Your function is right, but it moves the w that it was given: begin with a copy, w = w.copy()."
    return None


@check.writing(
    "A state, a slope, a step, for all networks at once.",
    ours=ours.train,
    cases=[
        Case("a bowl: every step shrinks w by 0.8", (np.ones((1, 2)), _bowl, 3, 0.1, [0, 1, 3]),
             np.array([[[1.0, 1]], [[0.8, 0.8]], [[0.512, 0.512]]])),
        Case("no step at all: the start", (np.full((2, 3), 2.0), _bowl, 0, 0.1, [0]), np.full((1, 2, 3), 2.0)),
        Case("three random networks on L", (_random.standard_normal((3, 18)), population_loss, 20, 0.2, [5, 20])),
        Case("on a data set, from a square", (POLYGONS["4"][None] + 0.01, sample_loss(sample(50, _random)), 30, 0.1,
                                              [0, 10, 30])),
    ],
    common={
        _train_like(sign=1.0): "Your networks climb: the gradient points uphill, so subtract it.",
        _train_like(copies=False): "All kept states are the same: append a copy, for w goes on moving.",
        _train_like(late=1): "You keep a state one step too late: step 0 is the start, before any step.",
        _train_like(last=True): "Only the last state comes back. Wanted are those after the steps named in keep.",
        _train_like(sign=-0.5): "Your steps are half as long as they should be.",
    },
)  # fmt: skip
def train(function: Any) -> str | None:
    """Gradient descent on many networks: ``ours.train``."""
    return _unchanged(function)


# ---- λ and the posterior ----------------------------------------------------------------------------------------


@check.exercise("A dead feature of a 5-gon is free in three numbers and saves 3/2: λ = 14/2 against 23/2.")
def count(answer: Any) -> str | None:
    """By how much λ is larger for three ⁺ than for three dead features, at c = 8."""
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        return "Two values of λ? The question is by how much they differ: subtract."
    return number(answer, 4.5, rel=1e-6, hints={
        9.0: "That many more directions cost something. Each of them contributes ½.",
        1.5: "That is one dead feature, or three biases. All three features are free, each in bias and column.",
        3.0: "You counted the columns only. The bias of a dead feature is free as well.",
        7.0: "That is λ with three dead features; subtract it from λ with three ⁺.",
        11.5: "That is λ with three ⁺; subtract λ with three dead features.",
        -4.5: "The other way round: a dead feature costs nothing, a ⁺ is held at second order.",
    })  # fmt: skip


def _terms(name: str) -> ours.Terms:
    lam = {"4": 7.5, "5": 7.0, "5⁺": 8.5, "6": 8.5}[name]
    return float(population_loss(POLYGONS[name])[0]), lam, half_norm(name)


def _crossing_like(lam: float = 1, norm: float = 1) -> Callable[..., float]:
    def crossing(a: ours.Terms, b: ours.Terms) -> float:
        first, second = ((t[0], lam * t[1], norm * t[2]) for t in (a, b))
        return ours.crossing(first, second)

    return crossing


def _first_crossing(a: ours.Terms, b: ours.Terms) -> float:
    """The other zero, at small n, where there are two."""

    def ahead(n: float) -> float:
        return n * (a[0] - b[0]) + (a[1] - b[1]) * float(np.log(n)) + a[2] - b[2]

    turn = (b[1] - a[1]) / (a[0] - b[0])
    return float(brentq(ahead, 1e-12, turn)) if turn > 0 else ours.crossing(a, b)


_other = tuple(map(float, (0.2, 3.0, 1.0))), tuple(map(float, (0.15, 4.5, 2.0)))


@check.writing(
    "Only differences count: in L, in λ and in the norm.",
    ours=ours.crossing,
    cases=[
        Case("equal λ: n ΔL = 2.75 from 5⁺ to 6", (_terms("5⁺"), _terms("6")), rel=1e-3),
        Case("equal norms, ΔL = 0.1, Δλ = 1", ((0.3, 1.0, 0.0), (0.2, 2.0, 0.0)), 35.7715, rel=1e-3),
        Case("from 5 to 6", (_terms("5"), _terms("6")), rel=1e-3),
        Case("another pair", _other, rel=1e-3),
    ],
    common={
        _crossing_like(lam=0): "λ does not come in: F has the term λ log n.",
        _crossing_like(norm=0): "The prior's term is missing: add ½‖w*‖².",
        _crossing_like(norm=0.5): "½‖w*‖² is handed over as it is: do not halve it again.",
        _first_crossing: "That is the other zero. F(a) − F(b) falls at first: search from n = Δλ/ΔL on, its turn.",
    },
)  # fmt: skip
def crossing(function: Any) -> str | None:
    """The n from which on one polygon has the lower free energy: ``ours.crossing``."""
