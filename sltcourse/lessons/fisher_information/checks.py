"""The checks of lesson 01: what each exercise replies."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from sltcourse.kit.checks import Case, Checks
from sltcourse.lessons.fisher_information import ours
from sltcourse.theory.fisher import Density, Undecided, normal, prove_null

check = Checks("01_fisher_information")


# ---- the functions that a learner writes -----------------------------------------------------------------------------

X, W, A, B = sp.symbols("x w a b", real=True)
_RANDOM = np.random.default_rng(5)


def _matrix(entry: Callable[[sp.Expr, sp.Symbol, sp.Symbol], sp.Expr]) -> Callable[..., sp.Matrix]:
    """A function like ``ours.fisher`` whose integrand is another one."""

    def wrong(p: sp.Expr, x: sp.Symbol, parameters: Sequence[sp.Symbol]) -> sp.Matrix:
        def integral(g: sp.Expr) -> sp.Expr:
            return sp.simplify(sp.integrate(g, (x, -sp.oo, sp.oo)))

        return sp.Matrix([[integral(entry(p, s, t)) for t in parameters] for s in parameters])

    return wrong


_without_dividing = _matrix(lambda p, s, t: sp.diff(p, s) * sp.diff(p, t))
_one_score = _matrix(lambda p, s, t: sp.simplify(sp.diff(sp.log(p), s)) * p)
_sign = _matrix(lambda p, s, t: sp.simplify(sp.diff(sp.log(p), s, t)) * p)


@check.writing(
    "Four lines, and any smooth density on the line. The variance of the third case is ½, so its information is twice "
    "that of N(w³, 1): 18w⁴ against 9w⁴. Both vanish at w = 0.",
    ours=ours.fisher,
    cases=[
        Case("N(w, 1)", (normal(X, W), X, [W]), sp.Matrix([[1]]), seconds=60),
        Case("N(w³, 1)", (normal(X, W**3), X, [W]), sp.Matrix([[9 * W**4]]), seconds=60),
        Case("exp(−(x − w³)²)/√π", (sp.exp(-((X - W**3) ** 2)) / sp.sqrt(sp.pi), X, [W]), sp.Matrix([[18 * W**4]]),
             seconds=60),
        Case("N(ab, 1), two parameters", (normal(X, A * B), X, [A, B]),
             sp.Matrix([[B**2, A * B], [A * B, A**2]]), seconds=60),
    ],
    common={
        _sign: "The mean of ∂ᵢ∂ⱼ log p is minus the Fisher matrix.",
        _without_dividing: "That is ∫ ∂ᵢp ∂ⱼp dx. The scores are derivatives of log p, and the mean has one factor p: "
        "together ∫ ∂ᵢp ∂ⱼp / p dx.",
        _one_score: "The mean of one score is always 0. Multiply two scores before you take the mean.",
    },
)  # fmt: skip
def fisher(function: Any) -> str | None:
    """The Fisher matrix of a density on the line: ``ours.fisher``."""


def _blocks(a_part: Any, b_part: Any, c_part: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function like ``ours.jacobian`` from its three blocks, each a function of (h, 1 − h², a, x as a column)."""

    def wrong(w: np.ndarray, x: np.ndarray) -> np.ndarray:
        a, b, c = w.reshape(3, -1)
        h = np.tanh(np.outer(x, b) + c)
        return np.hstack([part(h, 1 - h**2, a, x[:, None]) for part in (a_part, b_part, c_part)])

    return wrong


def _h(h: Any, g: Any, a: Any, x: Any) -> Any:
    return h


def _agx(h: Any, g: Any, a: Any, x: Any) -> Any:
    return a * g * x


def _ag(h: Any, g: Any, a: Any, x: Any) -> Any:
    return a * g


_ONE, _OFF = np.array([2.0, 0.5, 0.0]), np.array([0.0, 3.0, 1.0, 0.0, 0.5, 0.0])


@check.writing(
    "Read the columns: where a = 0, those of b and c are 0. An outer weight of 0 frees the inner weights.",
    ours=ours.jacobian,
    cases=[
        Case("one unit a = 2, b = ½, c = 0 at x = 0", (_ONE, np.array([0.0])), np.array([[0.0, 0.0, 2.0]])),
        Case("one unit a = 2, b = ½, c = 0 at x = 1 and 2", (_ONE, np.array([1.0, 2.0]))),
        Case("two units, the first with a = 0", (_OFF, np.array([-1.0, 0.5, 2.0]))),
        Case("seven units, eleven inputs", (_RANDOM.normal(size=21), _RANDOM.normal(size=11))),
    ],
    common={
        _blocks(_h, lambda h, g, a, x: g * x, lambda h, g, a, x: g): "The inner weights act through the outer one: "
        "∂f/∂b and ∂f/∂c have the factor a.",
        _blocks(_h, _ag, _ag): "∂f/∂b has the factor x, by the chain rule.",
        _blocks(lambda h, g, a, x: a * h, _agx, _ag): "f is linear in a: its derivative is tanh(bx + c), without a.",
        _blocks(_h, _ag, _agx): "The columns stand in another order: first a, then b, then c.",
        _blocks(_h, lambda h, g, a, x: a * h * x, lambda h, g, a, x: a * h): "The derivative of tanh z is 1 − tanh² z.",
        (lambda w, x: ours.jacobian(w, x).T): "A row for each input and a column for each weight are wanted: transpose "
        "it.",
    },
)  # fmt: skip
def jacobian(function: Any) -> str | None:
    """The derivatives of a two-layer network: ``ours.jacobian``."""


def _turned(y1: float, y2: float) -> tuple[float, float]:
    a, b = ours.weights_of(y1, y2)
    return b, a


def _no_edges(y1: float, y2: float) -> tuple[float, float]:
    t = np.sqrt(np.abs(2 * y1 / y2 - 1))
    return float(y1 / t), float(np.arctanh(t))


def _no_root(y1: float, y2: float) -> tuple[float, float]:
    if not 1 < y2 / y1 < 2:
        return np.nan, np.nan
    t = 2 * y1 / y2 - 1
    return y1 / t, float(np.arctanh(t))


def _only_above(y1: float, y2: float) -> tuple[float, float]:
    return ours.weights_of(y1, y2) if y1 > 0 else (np.nan, np.nan)


@check.writing(
    "One pair (y₁, y₂) inside, two points of W: (a, b) and (−a, −b). On the edges and outside, none.",
    ours=ours.weights_of,
    cases=[
        Case("(3/5, 15/17), made by (1, log 2)", (0.6, 15 / 17), (1.0, float(np.log(2)))),
        Case("(−6/5, −30/17), made by (−2, log 2)", (-1.2, -30 / 17), (-2.0, float(np.log(2)))),
        Case("(1, 2), on an edge", (1.0, 2.0), (np.nan, np.nan)),
        Case("(1, 1), on the other edge", (1.0, 1.0), (np.nan, np.nan)),
        Case("(1, 3), outside", (1.0, 3.0), (np.nan, np.nan)),
        Case("(1, −1.5), outside", (1.0, -1.5), (np.nan, np.nan)),
        Case("(0.1, 0.17)", (0.1, 0.17)),
    ],
    common={
        _turned: "The order is (a, b).",
        _no_root: "2y₁/y₂ − 1 is tanh² b: take the root first.",
        _only_above: "The bow tie has a lower half too: there y₁, y₂ and a are negative, and b stays positive.",
        _no_edges: "Only slopes y₂/y₁ strictly between 1 and 2 have weights. For all others return (nan, nan).",
    },
)
def weights_of(function: Any) -> str | None:
    """The weights that make a pair of values: ``ours.weights_of``."""


# ---- directions and models -------------------------------------------------------------------------------------------


def _components(answer: Any, count: int) -> tuple[list[sp.Expr], None] | tuple[None, str]:
    """The components of a direction as sympy numbers and None; or None and the sentence that says what is wrong."""
    wanted = f"A direction is wanted here: {count} numbers, as a list or a tuple."
    if isinstance(answer, str | dict):
        return None, wanted
    if isinstance(answer, list | tuple) and len(answer) == 1 and getattr(answer[0], "shape", None) == (count, 1):
        return None, "This is a list with one direction in it (nullspace returns a list): take its element [0]."
    try:
        v = [None if isinstance(c, str) else sp.nsimplify(c) for c in answer]
    except (TypeError, AttributeError, ValueError, sp.SympifyError):
        return None, wanted
    if not all(isinstance(c, sp.Expr) for c in v):
        return None, wanted
    if len(v) != count:
        return None, f"The direction has {count} components here, one for each parameter; this has {len(v)}."
    if not all(c.is_number and c.is_real for c in v):
        return None, "The components are to be real numbers."
    if all(c == 0 for c in v):
        return None, "The zero vector moves nothing in any model. Another one is wanted."
    return v, None


@check.exercise("The heavier coin has to move less: the average (1−a)p + aq stays.")
def coins(answer: Any) -> str | None:
    """A null direction (v_a, v_p, v_q) with v_p ≠ 0 of two coins at a = 1/3, p = q = 1/2."""
    v, complaint = _components(answer, 3)
    if v is None:
        return complaint
    if v[1] == v[2] == 0:
        return "Moving the share a alone is a null direction, right. Now find one that moves the coins: v_p ≠ 0."
    if v[1] + v[2] == 0:
        return "That would be right for a = 1/2. Here the first coin is chosen twice as often as the second."
    if 2 * v[1] + v[2] == 0:
        return None
    return "This changes the chance of heads, (1−a)p + aq, to first order. What must v_p and v_q do to leave it alone?"


_S = sp.symbols("s0:4", real=True)
LESSONS_OWN = {
    "N(w³, 1)": normal(_S[0], _S[1] ** 3),
    "N(ab, 1)": normal(_S[0], _S[1] * _S[2]),
    "a·tanh(bx)": normal(_S[0], _S[2] * sp.tanh(_S[3] * _S[1])),
}


def _lessons_own(model: Density) -> str | None:
    """The name of the lesson's model that this density is, by whatever names its symbols go; None if it is another."""
    symbols = [*model.variables, *model.inputs, *model.parameters]
    if len(symbols) > len(_S):
        return None
    formula = model.pdf.xreplace(dict(zip(symbols, _S, strict=False)))
    points = _RANDOM.uniform(0.2, 1.5, (3, len(_S)))  # exact proof is not wanted here, and costs ten seconds

    def values(p: sp.Expr) -> list[complex]:
        return [complex(p.subs(dict(zip(_S, point, strict=True)))) for point in points]

    mine = values(formula)
    return next((name for name, own in LESSONS_OWN.items() if np.allclose(mine, values(own), rtol=1e-10)), None)


@check.exercise("A singular model of your own, with a proof.")
def own_model(model: Any, point: Any, direction: Any) -> str | None:
    """A singular `Density`, a point and a null direction there."""
    if not isinstance(model, Density):
        return "The first answer is to be a Density, such as Density(pdf, {x: sp.S.Reals}, [a, b])."
    try:
        proof = prove_null(model, point, direction)
    except (ValueError, Undecided) as error:
        return str(error)
    if not proof.holds:
        return f"Along this direction p moves: ∇_v p = {proof.simplified}, which is not 0 for all x."
    name = _lessons_own(model)
    return name and f"Null it is. But {name} is the lesson's own model: build one that the lesson does not have."
