"""The checks of lesson 06: what each exercise replies."""

from typing import Any

import numpy as np
import sympy as sp

from sltcourse.kit.checks import Checks, expression, number
from sltcourse.lessons.free_energy.models import MODELS
from sltcourse.theory.asymptotics import lambert_crossings

check = Checks("06_free_energy")


@check.exercise("A difference of 1.7 in F is a factor e^1.7 = 5.5 in probability.")
def odds(answer: Any) -> str | None:
    """The posterior probability of the well with F = 6.4, where the other has 8.1."""
    right = 1 / (1 + np.exp(6.4 - 8.1))
    if number(answer, right, rel=1e-3) is None:
        return None
    if number(answer, right, rel=0.02) is None:
        return "Near. Give three digits."
    return number(answer, right, rel=0.01, hints={
        1.7: "1.7 is the difference of the two F's. A well's weight is exp(−F).",
        1 - right: "This is the share of the simple well: a well's share is proportional to exp(−F), not exp(F).",
        np.exp(1.7): "These are the odds, accurate against simple; the share is odds / (1 + odds).",
        np.exp(-6.4): "This is Z of the accurate well: divide it by the sum of the two Z's.",
        84.55: "As a probability, please: a number between 0 and 1.",
    })  # fmt: skip


@check.exercise("λ = 1/2 + 1/4 = 3/4: the coefficients of independent directions add.")
def slope(answer: Any) -> str | None:
    """λ of w₁² + w₂⁴ on [−1, 1]², from exact free energies."""
    return number(answer, 0.75, rel=0.01, hints={
        0.5: "That is only w1's share, 1/2: w2 adds its own.",
        0.75 / np.log(10): "Take both logarithms to base e: one of yours is to base 10.",
        4 / 3: "That is one over the slope: F goes up, log n along.",
        1.0: "That is d/2, the value of a regular model; w2 is degenerate here. Take the slope of the exact F.",
        0.75 * np.log(10): "That is F(10⁶) − F(10⁵); the slope is per unit of log n, so divide by log 10.",
        0.767: "F/log n is not the slope: the constant in F is still in it. Take a difference of two F's.",
        -0.75: "Mind the sign: F grows with n.",
    })  # fmt: skip


_n = sp.Symbol("n", positive=True)


@check.exercise("The best half-width shrinks like n^(−1/6), so its price log 1/r grows like (1/6) log n: λ log n.")
def best_radius(answer: Any) -> str | None:
    """The half-width r of the best uniform q, a sympy expression in n."""
    half = sp.Rational(1, 6)
    return expression(answer, (7 / (6 * _n)) ** half, hints={
        (6 * _n / 7) ** half: "This grows with n: the other way up.",
        _n**-half: "The power is right; the constant is not: solve d/dr = 0 exactly.",
        7 / (6 * _n): "This is r⁶: take the sixth root.",
    })  # fmt: skip


@check.exercise("n/log n = 18/0.2 = 90, so n = 571: below it the well with the larger loss and the smaller λ wins.")
def critical_sample_size(answer: Any) -> str | None:
    """The n above which 0.3 n + 20 log n is below 0.5 n + 2 log n."""
    spurious, critical = lambert_crossings(18.0, 0.2)
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        return "These are two solutions, and one n is wanted: the one where the law means something."
    return number(answer, critical, rel=0.01, hints={
        spurious: "This is the spurious solution: log n means nothing at n ≈ 1. Look for the other one.",
        90 * np.log(90): "That is the first step. log n has grown: put this n into 90 log n, and go on until it stays.",
        90: "That is n/log n, which equals Δλ/ΔL = 18/0.2. Solve for n.",
        110: "In n/log n = Δλ/ΔL the differences are 20 − 2 and 0.5 − 0.3, not sums.",
        round(spurious): "This is the spurious solution: log n means nothing at n ≈ 1. Look for the other one.",
    })  # fmt: skip


@check.exercise("Only n w0⁶ matters: half the distance hides the truth from 64 times as many samples.")
def shadow(answer: Any) -> str | None:
    """The n at which λ(n) reaches 1/3 for the truth w₀ = 0.05."""
    return number(answer, 64 * SHADOW_END, rel=0.05, hints={
        SHADOW_END / 64: "The shadow lasts longer for a truth nearer to the singularity: multiply.",
        8 * SHADOW_END: "The mean w0³ is 8 times smaller, but n K contains its square.",
        32 * SHADOW_END: "Nearly: K is a square, so w0 enters with the power 6, not 5.",
        16 * SHADOW_END: "n grows with a higher power of 1/w0: the mean has w0³, and K is its square.",
        4 * SHADOW_END: "n grows with a higher power of 1/w0: the mean has w0³, and K is its square.",
        2 * SHADOW_END: "n grows with a higher power of 1/w0: what do w³ and the square in K make of a factor 2?",
        SHADOW_END: "This is the value for w0 = 0.1.",
        0.05**-6: "The scaling w0⁻⁶ is right; the factor in front is in `end`.",
    })  # fmt: skip


SHADOW_END = 5.325e5  # where λ(n) = 1/3 for w0 = 0.1


@check.exercise("Only nβ matters: at n = 4000 and β = 0.106 the posterior is the one of n = 424 at β = 1.")
def critical_temperature(answer: Any) -> str | None:
    """The β at which the tempered posterior splits evenly between the curve’s wells at n = 4000."""
    right = MODELS["curve"].critical_n("exact") / 4000
    return number(answer, right, rel=0.01, hints={
        1 / right: "This is the temperature 1/β: give β.",
        1 / np.log(4000): "That is WBIC's β = 1/log n, which happens to be near. Ask where nβ equals the critical n.",
        2 * right: "That is for n = 2000; here n = 4000.",
        0.11: "Near. Give it within 1 %.",
        4000 * right: "That is the critical nβ; the exercise asks for β.",
    })  # fmt: skip
