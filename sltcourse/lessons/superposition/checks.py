"""The checks of lesson 08: what each exercise replies."""

from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from sltcourse.kit.checks import Checks, expression, number
from sltcourse.theory.superposition_model import POLYGONS, half_norm, population_loss

check = Checks("08_superposition")


NBETA_FOR_A_TENTH = 4_250  # where expected_llc("6", nβ) − 8.5 = 0.1
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


@check.exercise("Six features, six guesses of 1/12: every run waits at 7/24 until a column grows.")
def plateau(answer: Any) -> str | None:
    """The loss of the first plateau: no column, the best biases."""
    return number(answer, 7 / 24, rel=2e-3, hints={
        0.29: "That is what the picture shows. Give it exactly: it is a fraction.",
        1 / 3: "That is the loss at W = 0, b = 0. The biases move first, and each of them gains something.",
        1 / 3 - 1 / 144: "One feature makes that gain, 1/(4c²). All six do.",
        1 / 3 - 1 / 4: "That is far too low: the gain of one feature is 1/(4c²), not 1/(4c).",
    })  # fmt: skip


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


@check.exercise("λ is the same, so only nΔL = 2.75 counts: the prior alone delays the 6-gon until n = 202.")
def second_crossing(answer: Any) -> str | None:
    """The n at which the 6-gon overtakes 5⁺ by the formula with the prior’s term."""
    gap = population_loss(POLYGONS["5⁺"])[0] - population_loss(POLYGONS["6"])[0]
    right = (half_norm("6") - half_norm("5⁺")) / gap
    return number(answer, right, rel=0.02, hints={
        601: "That is the crossing of 5 and 6. This time it is 5⁺.",
        445: "That is the crossing of 5 and 6 without the prior's term. This time it is 5⁺, and with it.",
        250: "That is where the sampled posterior changes, as the figure below shows. What does the formula say?",
        2 * right: "The prior charges half of the squared norm.",
        0.0: "Without the prior's term the 6-gon would indeed always win; keep the term.",
    })  # fmt: skip


@check.exercise("Tens of thousands of samples for one decimal: at n = 5 000, reading 9 for a λ of 8.5 is no failure.")
def enough_samples(answer: Any) -> str | None:
    """The n at which λ̂ of the 6-gon exceeds λ by 0.1, within 25 %."""
    right = brentq(lambda n: n / np.log(n) - NBETA_FOR_A_TENTH, 10, 1e9)
    if number(answer, NBETA_FOR_A_TENTH, rel=0.3) is None:
        return "That is nβ; as n it is too small (n = 5 000 has nβ = 587). Solve n/log n = nβ for n."
    return number(answer, right, rel=0.25, hints={
        500_000: "There it is far below 0.1: less will do.",
        4_000 * np.log(4_000): "A good first step. log n has grown: put this n into 4000 log n, and once more.",
    })  # fmt: skip
