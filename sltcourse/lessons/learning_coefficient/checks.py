"""The checks of lesson 04: what each exercise replies."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from sltcourse.kit.answers import untouched
from sltcourse.kit.checks import Case, Checks, number
from sltcourse.lessons.learning_coefficient import ours
from sltcourse.lessons.learning_coefficient.models import w1, w2, w3

check = Checks("04_learning_coefficient")


# ---- one chart of a blow-up -------------------------------------------------------------------------------------


def _becomes(K: sp.Expr, jacobian: sp.Expr) -> Callable[[Any], str | None]:
    """A test of (K, jacobian), two sympy expressions; the Jacobian up to sign."""

    def test(result: Any) -> str | None:
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            return "two expressions are wanted, (K, jacobian)."
        got, own = (sp.sympify(part, strict=True) for part in result)
        if own.has(sp.Abs):
            return "the Jacobian has an Abs in it: leave its sign as it comes, only its powers matter."
        if sp.expand(got - K) != 0:
            return f"K becomes {got}, and {sp.factor(K)} is wanted."
        if sp.expand(own - jacobian) != 0 and sp.expand(own + jacobian) != 0:
            return f"the Jacobian becomes {own}, and {sp.factor(jacobian)} is wanted, up to sign."
        for part in (got, own):
            if isinstance(part, sp.Add) and not isinstance(sp.factor(part), sp.Add):
                return f"{part} is right, and its factors are what we want to see: end with sp.factor."
        return None

    return test


def _one_after_the_other(K: Any, jacobian: Any, step: Any) -> Any:
    new = sorted(set().union(*(e.free_symbols for e in step.values())), key=str)
    own = sp.Matrix(list(step.values())).jacobian(new).det()
    return sp.factor(K.subs(step)), sp.factor(sp.sympify(jacobian).subs(step, simultaneous=True) * own)


def _no_determinant(K: Any, jacobian: Any, step: Any) -> Any:
    return ours.chart(K, jacobian, step)[0], sp.factor(sp.sympify(jacobian).subs(step, simultaneous=True))


def _only_this_step(K: Any, jacobian: Any, step: Any) -> Any:
    return ours.chart(K, 1, step)


def _left_as_it_was(K: Any, jacobian: Any, step: Any) -> Any:
    now, own = ours.chart(K, 1, step)
    return now, sp.factor(jacobian * own)


def _step(K: sp.Expr, jacobian: Any, step: dict[sp.Symbol, sp.Expr]) -> Any:
    return (K, jacobian, step), _becomes(*ours.chart(K, jacobian, step))


u, v, s = sp.symbols("u v s")
_powers = [int(x) for x in np.random.default_rng(4).integers(1, 5, 6)]


@check.writing(
    "Substitute, and carry the determinant along: that is all a blow-up is, once the step is chosen.",
    ours=ours.chart,
    cases=[
        Case("w₁² + w₂², with w₁ = u and w₂ = u v", *_step(w1**2 + w2**2, 1, {w1: u, w2: u * v})),
        Case("a second step, when the Jacobian is u already", *_step(u**4 * (u - v**2) ** 2, u, {u: u * v, v: v})),
        Case(
            "a step whose new symbols change places with the old",
            *_step(u**4 * v**6 * (u - v) ** 2, u * v**2, {u: u * v, v: u}),
        ),
        Case("three symbols", *_step((w1**2 - w2**2 * w3) ** 2, 1, {w1: w1 * w3, w2: w2 * w3, w3: w3})),
        Case(
            "some powers",
            *_step(
                w1 ** (2 * _powers[0]) + w2 ** (2 * _powers[1]),
                w1 ** _powers[2] * w2 ** _powers[3],
                {w1: u ** _powers[4] * v, w2: u ** _powers[5]},
            ),
        ),
    ],
    common={
        _one_after_the_other: "subs replaces one symbol after the other, and the second also hits what the first "
        "put in. Say subs(step, simultaneous=True).",
        _no_determinant: "K is right. The Jacobian lacks the determinant of this step.",
        _only_this_step: "K is right. The Jacobian of the earlier steps is lost: substitute in it too, then multiply.",
        _left_as_it_was: "K is right. The Jacobian of the earlier steps is still written in the old symbols.",
    },
)
def chart(function: Any) -> str | None:
    """One chart: K and the Jacobian after a step."""


# ---- λ and m at a point -----------------------------------------------------------------------------------------


def _fractions(K: Any, jacobian: Any, point: Any, more: int = 1) -> list[Any]:
    h = dict(sp.factor_list(jacobian)[1])
    return [sp.Rational(h.get(f, 0) + more, k) for f, k in sp.factor_list(K)[1] if point is None or f.subs(point) == 0]


def _least(ratios: list[Any]) -> tuple[float, int]:
    return float(min(ratios)), ratios.count(min(ratios))


def _everywhere(K: Any, jacobian: Any, point: Any) -> Any:
    return _least(_fractions(K, jacobian, None))


def _not_one_more(K: Any, jacobian: Any, point: Any) -> Any:
    return _least(_fractions(K, jacobian, point, more=0))


def _no_jacobian(K: Any, jacobian: Any, point: Any) -> Any:
    return _least(_fractions(K, sp.Integer(1), point))


def _largest(K: Any, jacobian: Any, point: Any) -> Any:
    ratios = _fractions(K, jacobian, point)
    return float(max(ratios)), ratios.count(max(ratios))


def _all_count(K: Any, jacobian: Any, point: Any) -> Any:
    ratios = _fractions(K, jacobian, point)
    return float(min(ratios)), len(ratios)


def _doubled(K: Any, jacobian: Any, point: Any) -> Any:
    lam, m = _least(_fractions(K, jacobian, point))
    return 2 * lam, m


def _read(K: sp.Expr, jacobian: sp.Expr, **point: int) -> Any:
    at = {sp.Symbol(name): sp.Integer(value) for name, value in point.items()}
    lam, m = ours.read_off(K, jacobian, at)
    return (K, jacobian, at), (float(lam), m)


_k, _h = np.random.default_rng(6).integers(1, 5, (2, 3)).tolist()


@check.writing(
    "Each factor that vanishes at the point is a divisor with its fraction; the least one decides.",
    ours=ours.read_off,
    cases=[
        Case("u² (1 + v²) with the Jacobian u, at the origin", *_read(u**2 * (1 + v**2), u, u=0, v=0)),
        Case("u⁸ v⁴ with the Jacobian u³ v, at the origin", *_read(u**8 * v**4, u**3 * v, u=0, v=0)),
        Case("u⁸ v² with the Jacobian u³, at u = 0, v = 1", *_read(u**8 * v**2, u**3, u=0, v=1)),
        Case(
            "u⁶ s⁶ (s − 1)² with the Jacobian u⁴ s², at u = 0, s = 1",
            *_read(u**6 * s**6 * (s - 1) ** 2, u**4 * s**2, u=0, s=1),
        ),
        Case("v² (1 + u)⁴ with the Jacobian u⁵, at the origin", *_read(v**2 * (1 + u) ** 4, u**5, u=0, v=0)),
        Case("u⁴ v⁴ s² with the Jacobian u v, at the origin", *_read(u**4 * v**4 * s**2, u * v, u=0, v=0, s=0)),
        Case(
            "some powers",
            *_read(
                u ** (2 * _k[0]) * v ** (2 * _k[1]) * s ** (2 * _k[2]),
                u ** _h[0] * v ** _h[1] * s ** _h[2],
                u=0, v=0, s=0,
            ),
        ),
    ],
    common={
        _everywhere: "Only those factors count that vanish at the point: f.subs(point) == 0.",
        _not_one_more: "∫ u^(h + 2kz) du has its pole at −(h + 1)/(2k): one more.",
        _no_jacobian: "The Jacobian does not come in: h is the power of the same factor there.",
        _largest: "That is the largest fraction. The pole nearest to 0 is minus the smallest.",
        _all_count: "m is the number of factors whose fraction is λ, not of all that vanish.",
        _doubled: "The powers in K are 2k already: the fraction is h + 1 over the power.",
    },
)  # fmt: skip
def read_off(function: Any) -> str | None:
    """(λ, m) at a point of a chart with normal crossings."""


# ---- Whitney's umbrella -----------------------------------------------------------------------------------------

_umbrella = (w1**2 - w2**2 * w3) ** 2


@check.exercise("The surface is smooth now and crosses the divisor: two fractions of 1/2 meet, so λ = 1/2 and m = 2.")
def umbrella(step: Any) -> str | None:
    """A step {w1: …, w2: …, w3: …} in whose chart the umbrella's surface crosses the divisor of a blown-up line."""
    symbols = (w1, w2, w3)
    if not isinstance(step, dict):
        return "A dict is wanted: {w1: …, w2: …, w3: …}, as in the step above."
    if set(step) != set(symbols) or any(untouched(e) for e in step.values()):
        return "The dict says what becomes of each of w1, w2 and w3; a symbol that stays stands for itself, w3: w3."
    images = {w: sp.sympify(e, strict=True) for w, e in step.items()}
    if not all(e.free_symbols <= set(symbols) and e.is_polynomial(*symbols) for e in images.values()):
        return "Use polynomials in w1, w2 and w3, with their old names for the new coordinates."
    flat = len(set().union(*(e.free_symbols for e in images.values()))) < 3
    K, jacobian = (_umbrella, sp.S.Zero) if flat else ours.chart(_umbrella, 1, images)
    if jacobian == 0:
        return "This step flattens the space: its Jacobian is 0."
    if jacobian.is_number:
        return "The Jacobian is a constant: nothing has been blown up."
    origin = dict.fromkeys(symbols, 0)
    here = [f for f, _ in sp.factor_list(K)[1] if f.subs(origin) == 0]
    slopes = sp.Matrix([[f.diff(w).subs(origin) for w in symbols] for f in here])
    if not here or slopes.rank() < len(here):
        back = sp.rem(K, _umbrella, w1) == 0
        return f"There K = {K}. " + (
            "It is back: that was the origin." if back else "At the origin the factors are not yet like coordinates."
        )
    if all(f in symbols for f in here):
        return f"There K = {K}: done near the origin, but the surface does not pass through it. Look into the other."
    return None


# ---- the ray ----------------------------------------------------------------------------------------------------


def _cheapest(*dots: tuple[int, ...]) -> Any:
    lam = ours.ray(dots)[0]

    def test(result: Any) -> str | None:
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            return "two results are wanted, (lam, plan)."
        cost, plan = float(result[0]), np.asarray(result[1], float)
        if plan.shape != (len(dots[0]),):
            return (
                f"the plan has the shape {plan.shape}; one number for each of the {len(dots[0])} parameters is wanted."
            )
        if np.allclose(plan, 0):
            return (
                "the plan is 0, and with w = ε⁰ no term is small. linprog wants A_ub x ≤ b_ub: turn both signs of "
                "α·x ≥ 1."
            )
        small = np.array(dots) @ plan
        if plan.min() < -1e-9 or small.min() < 1 - 1e-6:
            return f"the plan {plan.round(4).tolist()} has x < 0, or α·x = {small.min():.4g} < 1 for one of the dots."
        if abs(cost - lam) <= 1e-6 and abs(plan.sum() - lam) <= 1e-6:
            return None
        if abs(cost * lam - 1) <= 1e-6:
            return f"the first result is {cost:.4g}: that is t. λ is the cost of the plan, 1/t = {lam:.4g}."
        if abs(plan.sum() - lam) <= 1e-6:
            return f"the plan is right. Its cost is {lam:.4g}, and {cost:.4g} comes back."
        return f"the plan costs {plan.sum():.4g}, and there is one for {lam:.4g}."

    return (dots,), test


_random = [
    tuple(row) for row in (2 * np.random.default_rng(9).integers(0, 5, (6, 4)) + 2 * np.eye(6, 4, dtype=int)).tolist()
]


@check.writing(
    "One call for any number of monomials and parameters: a cheapest plan, and its cost λ = 1/t.",
    ours=ours.ray,
    cases=[
        Case("w₁⁶ + w₁² w₂⁴", *_cheapest((6, 0), (2, 4))),
        Case("w₁⁸ + w₁² w₂⁴", *_cheapest((8, 0), (2, 4))),
        Case("one dot, w₁² w₂⁴", *_cheapest((2, 4))),
        Case("the regular loss of three parameters", *_cheapest((2, 0, 0), (0, 2, 0), (0, 0, 2))),
        Case("six dots of four parameters", *_cheapest(*_random)),
    ],
)
def ray(function: Any) -> str | None:
    """The cheapest plan by linear programming: its cost and itself."""


# ---- numbers ----------------------------------------------------------------------------------------------------


@check.exercise("w₁² − w₂⁵ = u¹⁰(v² − 1), squared: u²⁰. The Jacobian has u⁶. So (6 + 1)/20 = 7/20, in a single step.")
def weights(first: Any, second: Any, lam: Any) -> str | None:
    """The two weights, and λ at the origin, of (w₁² − w₂⁵)²."""
    try:
        a, b = sp.Rational(first), sp.Rational(second)
    except (TypeError, ValueError):
        return "The weights are two whole numbers: w₁ = u^first · v, w₂ = u^second."
    if not (a.is_Integer and b.is_Integer and min(a, b) > 0):
        return "Weights are positive whole numbers; multiply both if need be."
    if 2 * a != 5 * b:
        return f"With these weights w₁² has the power u^{2 * a} and w₂⁵ has u^{5 * b}. They should be the same."
    order, jacobian = 4 * a, a + b - 1
    wrong = number(lam, 0.35, hints={
        float(Fraction(int(a + b), int(2 * a))): "K is the square: its power of u is twice that of w₁² − w₂⁵.",
        float(Fraction(int(jacobian), int(order))): f"That is {jacobian}/{order}. ∫ u^(h + 2kz) du has its pole at "
        "−(h + 1)/(2k): one more.",
        0.5: "1/2 belongs to the curve itself, where it is smooth. The origin has less.",
        5 / 12: "5/12 is λ of the text's cusp, w₁² − w₂³. Here the power of w₂ is 5.",
        1.0: "That is d/2.",
    })  # fmt: skip
    return wrong and "λ: " + wrong


@check.exercise("With u = w₁ + w₂² it is u² + w₂¹⁰, and independent terms add up: 1/2 + 1/10.")
def coordinates(answer: Any) -> str | None:
    """λ of w₁² + 2 w₁ w₂² + w₂⁴ + w₂¹⁰."""
    return number(answer, 0.6, hints={
        0.75: "That is the ray in these coordinates. Its side (2, 0)–(0, 4) carries (w₁ + w₂²)², which has zeros: "
        "only a bound.",
        0.5: "That would be (w₁ + w₂²)² alone. On its zero curve w₂¹⁰ is still there.",
        5 / 8: "Nearly: that would be u² + w₂⁸, 1/2 + 1/8. Which power of w₂ is left?",
        0.1: "1/10 is the second term alone. In a sum of independent terms the λ add.",
        1.0: "That is d/2.",
    })  # fmt: skip
