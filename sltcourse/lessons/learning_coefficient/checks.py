"""The checks of lesson 04: what each exercise replies."""

from fractions import Fraction
from typing import Any

import sympy as sp

from sltcourse.kit.checks import Checks, number
from sltcourse.lessons.learning_coefficient.models import w1, w2
from sltcourse.theory.newton import search_coordinates

check = Checks("04_learning_coefficient")


@check.exercise("One pole, of order 2, at −1/6: two coordinates are tied, and each of them alone is as flat as w⁶.")
def design(K: Any) -> str | None:
    """A sympy polynomial in w1 and w2 with λ = 1/6 and m = 2."""
    if not getattr(K, "free_symbols", {w1}) <= {w1, w2}:
        return "Use the symbols w1 and w2 only."
    try:
        found = search_coordinates(K, [w1, w2])
    except (TypeError, ValueError) as error:
        if "negative" in str(error):
            return "This K is negative near 0, and no loss is: every power has to be even, with a positive coefficient."
        return f"{error}."
    if not found.exact:
        return f"All that can be said of this K is {found}. A product of powers is enough here."
    flat = found.value == Fraction(1, 6)
    if flat and found.multiplicity == 2:
        return None
    hint = "m = 2 needs a tie." if flat else "For a product of powers λ is one over the largest power."
    return f"Your K has λ = {found.value}, m = {found.multiplicity}. {hint}"


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


@check.exercise("The ray meets the side from (2, 4) to (8, 0) at (16/5, 16/5), in its inside: λ = 5/16, m = 1.")
def by_hand(lam: Any, m: Any) -> str | None:
    """λ and m of w₁⁸ + w₁² w₂⁴."""
    wrong = number(lam, 5 / 16, hints={
        16 / 5: "That is t, where the ray enters. λ = 1/t.",
        1 / 4: "1/4 is what w₁²w₂⁴ has alone. Its dot is (2, 4), and the ray passes below that: the second dot counts.",
        1 / 8: "1/8 is what w₁⁸ has alone. A second term can only shrink the set K ≤ ε.",
        1 / 3: "1/3 is λ of the text's example, w₁⁶ + w₁²w₂⁴. Here one dot is (8, 0).",
        3 / 8: "For which t is (t, t) on the line through (2, 4) and (8, 0)?",
        1.0: "That is d/2.",
    })  # fmt: skip
    if wrong:
        return "λ: " + wrong
    wrong = number(m, 1, hints={2: "m = 2 needs a corner. (16/5, 16/5) is inside the side."})
    return wrong and "m: " + wrong


@check.exercise("With u = w₁ + w₂² it is u² + w₂¹⁰, and independent terms add up: 1/2 + 1/10.")
def coordinates(answer: Any) -> str | None:
    """λ of w₁² + 2 w₁ w₂² + w₂⁴ + w₂¹⁰."""
    return number(answer, 0.6, hints={
        0.75: "That is the polygon in these coordinates. Its side (2, 0)–(0, 4) carries (w₁ + w₂²)², which has zeros: "
        "only a bound.",
        0.5: "That would be (w₁ + w₂²)² alone. On its zero curve w₂¹⁰ is still there.",
        5 / 8: "Nearly: that would be u² + w₂⁸, 1/2 + 1/8. Which power of w₂ is left?",
        0.1: "1/10 is the second term alone. In a sum of independent terms the λ add.",
        1.0: "That is d/2.",
    })  # fmt: skip


@check.exercise("A product of very wide layers is as good as its 5·7 entries themselves: a regular model with d = 35.")
def wide(answer: Any) -> str | None:
    """λ of a linear network 5 → 1000 → 7 with a truth of rank 0."""
    return number(answer, 17.5, hints={
        35.0: "35 is the number of entries of the product. λ is half of that.",
        6000.0: "That is d/2, with d = 5·1000 + 1000·7.",
        12000.0: "That is d. And λ does not grow with it.",
        6.0: "Not a sum of the widths. What does K depend on?",
    })  # fmt: skip
