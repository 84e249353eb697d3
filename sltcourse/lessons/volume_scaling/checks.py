"""The checks of lesson 03: what each exercise replies."""

from fractions import Fraction
from typing import Any

import sympy as sp

from sltcourse.kit.checks import Checks, choice, expression, number

check = Checks("03_volume_scaling")


_eps = sp.Symbol("epsilon", positive=True)


@check.exercise("A segment of length 2ε^(1/6) in a prior interval of length 2: λ = 1/6, a third of the regular 1/2.")
def sextic(answer: Any) -> str | None:
    """V(ε) of K = w⁶ on [−1, 1], a sympy expression in ε."""
    sixth = sp.Rational(1, 6)
    if isinstance(answer, sp.Expr):
        answer = sp.nsimplify(answer, rational=True)  # eps ** (1/6) is as right as eps ** Rational(1, 6)
    return expression(answer, _eps**sixth, hints={
        2 * _eps**sixth: "That is the length of the interval. V is its share of [−1, 1], which has length 2.",
        _eps**6: "The other way round: w⁶ ≤ ε means |w| ≤ ε to the power 1/6.",
        sixth: "That is λ, the exponent. The exercise asks for V(ε).",
        sp.sqrt(_eps): "That is the volume of the regular K = w².",
    })  # fmt: skip


@check.exercise("The smallest of 1/2, 1/4, 1/4 is 1/4, and two coordinates attain it.")
def crossing(lam: Any, m: Any) -> str | None:
    """λ and m of w₁² w₂⁴ w₃⁴ on [−1, 1]³."""
    wrong = number(lam, 0.25, hints={
        1.0: "That is 1/2 + 1/4 + 1/4, what K = w₁² + w₂⁴ + w₃⁴ would have. In a product the smallest exponent wins.",
        0.5: "1/2 belongs to w₁ alone. Which coordinates hold more volume?",
        1.5: "That is d/2, the value of a regular loss.",
        4: "λ = min 1/(2kᵢ): one over the largest exponent.",
    })  # fmt: skip
    if wrong:
        return "λ: " + wrong
    wrong = number(m, 2, hints={
        1: "How many coordinates attain the minimum?",
        3: "w₁ does not attain the minimum: its 1/2 is larger.",
    })  # fmt: skip
    return wrong and "m: " + wrong


@check.exercise("Each decade in ε costs counting ten times as many draws; splitting needs two or three levels more.")
def draws(answer: Any) -> str | None:
    """How many draws plain Monte Carlo needs for V(10⁻³⁰) = 10⁻³⁰ to 10 %."""
    return number(answer, 1e32, rel=0.5, hints={
        1e30: "V(10⁻³⁰) = 10⁻³⁰ gives one hit in 10³⁰ draws. A relative error of 10 % takes 100 hits.",
        1e17: "That would do for λ = 1/2. Here V(ε) = ε.",
        1e15: "That is one hit, and for λ = 1/2. Here V(ε) = ε, and 10 % takes 100 hits.",
        1e31: "Ten hits have a relative error of about 30 %; 10 % takes 100 hits.",
    })  # fmt: skip


@check.exercise("Independent groups of coordinates in a sum: their λ add, because V is a convolution of powers.")
def sum_of_losses(answer: Any) -> str | None:
    """λ of w₁² + w₂⁴ + w₃⁶."""
    return number(answer, float(Fraction(1, 2) + Fraction(1, 4) + Fraction(1, 6)), rel=0.04, hints={
        1.5: "That is d/2. The second and third coordinate are degenerate.",
        1 / 6: "The smallest wins in a product. In a sum all terms have to be small at once.",
    })  # fmt: skip


@check.exercise(
    "At the origin λ = 1/4, on the line 1/2. A whole line loses against a point, because the point is more singular."
)
def where(answer: Any) -> str | None:
    """ "line", "origin" or "both": where the volume lies at ε = 10⁻²⁰."""
    return choice(answer, "origin", {
        "line": "The line is longer, but its volume falls like √ε. What is K near the origin?",
        "both": "At ε = 10⁻² perhaps. Compare ε^(1/4) with ε^(1/2) as ε → 0.",
    })  # fmt: skip
