"""The checks of lesson 07: what each exercise replies."""

import math
from typing import Any

import sympy as sp

from sltcourse.kit.checks import Checks, expression, number
from sltcourse.lessons.llc_estimation.models import DIAGNOSES

check = Checks("07_llc_estimation")


_s, _lam, _h, _gamma = sp.symbols("s lambda h gamma", positive=True)


@check.exercise("Mean λ and variance λ: what a Gamma distribution of shape λ has.")
def variance(answer: Any) -> str | None:
    """The variance of nβK over the posterior, a sympy expression in λ and s."""
    return expression(answer, _lam, hints={
        _lam / _s**2: "That is the variance of K. Times s it becomes s² times as large.",
        _lam / _s: "That is the mean of K.",
        _lam * (_lam + 1): "That is the mean of (sK)². Subtract the square of the mean.",
        sp.sqrt(_lam): "That is the standard deviation.",
    })  # fmt: skip


@check.exercise("N = 10⁴/λ: a large λ is measured more easily, relative to its size, than a small one.")
def draws(answer: Any) -> str | None:
    """A pair: how many independent draws give λ = ¼, and λ = 2500, to one per cent."""
    answer = answer.tolist() if hasattr(answer, "tolist") else answer  # an array or a tensor
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return "A pair is wanted: the number of draws for λ = ¼, and the one for λ = 2500."
    if number(answer[0], 4, rel=0.02) is None and number(answer[1], 40_000, rel=0.02) is None:
        return "The right numbers, the other way round: λ = ¼ comes first."
    for value, lam in zip(answer, (0.25, 2500), strict=True):
        why = number(value, 1e4 / lam, rel=0.02, hints={
            1e4 * lam: "The other way round: √(λ/N) = 0.01 λ, so N falls with λ.",
            100 / math.sqrt(lam): "Take the square: √(λ/N) = 0.01 λ.",
            100 / lam: "Square the 100 as well: √(λ/N) = 0.01 λ.",
            1e4: "This would be an absolute error of 0.01 √λ; 1 % of λ is wanted.",
        })  # fmt: skip
        if why:
            return f"λ = {lam:g}: {why}"


@check.exercise("½ if nβh is far above γ, next to nothing if it is far below.")
def spring(answer: Any) -> str | None:
    """What perfect chains read on L = h w²/2, a sympy expression in s = nβ, h and γ."""
    return expression(answer, _s * _h / (2 * (_s * _h + _gamma)), hints={
        sp.Rational(1, 2): "That is λ, the limit of large nβ. Keep γ.",
        1 / (2 * (_s * _h + _gamma)): "That is half the variance of w. The reading is nβ·h times it.",
        1 / (_s * _h + _gamma): "That is the variance of w. The reading is nβ·h/2 times it.",
        sp.Rational(1, 2) * _h / (_s * _h + _gamma): "That is the mean loss. Multiply by nβ.",
        _s * _h / (_s * _h + _gamma): "Nearly: the loss is h w²/2. Where is its ½?",
    })  # fmt: skip


@check.exercise("1.8·10⁻⁴: the stiffest direction of a model sets the step of all.")
def step(answer: Any) -> str | None:
    """The step size that makes a reading 10 % too large, at h = 2, nβ = 1000, γ = 0."""
    return number(answer, 4 * (1 - 1 / 1.1) / 2000, rel=0.02, hints={
        4 / 2000: "At εa = 4 the chain diverges. Ten per cent comes earlier.",
        0.4 / 2000: "Nearly: 1/(1 − x) = 1.1 has x = 1 − 1/1.1, not 0.1.",
        4 * (1 - 1 / 1.1) / 1000: "The stiffness is a = nβ·h = 2000, not 1000.",
    })  # fmt: skip


@check.exercise("Chains that disagree, level but too high, below zero: three looks before any number.")
def diagnosis(answer: Any) -> str | None:
    """A dict from the letters A to D to one of the four labels."""
    if not isinstance(answer, dict) or set(answer) != set(DIAGNOSES):
        return "A dictionary with the keys A, B, C and D is wanted."
    looks = {
        "A": "A starts at zero, and its chains disagree to the end.",
        "B": "B is level, but above the black line.",
        "C": "C is below zero: there is a smaller loss nearby.",
        "D": "D scatters about the black line from early on.",
    }
    for letter, right in DIAGNOSES.items():
        said = str(answer[letter]).strip().lower()
        if said not in DIAGNOSES.values():
            labels = ", ".join(f'"{label}"' for label in sorted(DIAGNOSES.values()))
            return f"{letter}: {answer[letter]!r} is none of the four labels, {labels}."
        if said != right:
            return f"Look at {letter} again. {looks[letter]}"
