"""The checks of lesson 02: what each exercise replies."""

from typing import Any

import numpy as np

from sltcourse.kit.checks import Checks, choice, number

check = Checks("02_broken_statistics")


@check.exercise("ŵ = x̄^(1/5) has the size n^(−1/10). To halve the error takes 2¹⁰ = 1024 times the data.")
def rate(answer: Any) -> str | None:
    """The α in n^(−α), the variance of the MLE of N(w⁵, 1) at the truth w₀ = 0."""
    return number(answer, 0.2, hints={
        1.0: "That is the regular rate. How large is x̄ at w = 0, and how large its fifth root?",
        0.1: "That is the rate of the standard deviation. The variance is its square.",
        0.4: "E[ŵ²] = E|x̄|^(2/5), and x̄ itself has the size n^(−1/2).",
        1 / 3: "That is the cubic model. Here the mean is w⁵.",
        -0.2: "The sign stands already in n^(−α).",
        5: "The fifth root, not the fifth power: ŵ = x̄^(1/5).",
    })  # fmt: skip


@check.exercise("1 + (α + sin α)/π with α = arctan 3 − arctan 1: the wider the wedge, the nearer to two parameters.")
def wedge_mean(answer: Any) -> str | None:
    """The mean of Λ at f = 0 for inputs ±1 and ±3."""
    angle = np.arctan(3) - np.arctan(1)
    return number(answer, 1 + (angle + np.sin(angle)) / np.pi, rel=0.03, hints={
        2.0: "That is d, the regular value. The functions do not fill the plane.",
        1.0: "That would be one line, hence one parameter. The wedge has an inside.",
        1 + angle / np.pi: "That is 1 + α/π. The data sets beyond the edges add sin α to α.",
        1.203: "That is the wedge between slopes 1 and 2. With inputs ±1 and ±3, which slopes are its edges?",
    })  # fmt: skip


@check.exercise("The Hessian at (0, 0) is that of the prior: Laplace's approximation learns nothing from any n.")
def laplace_variance(answer: Any) -> str | None:
    """The variance of a under Laplace’s approximation to the product’s posterior at m = 0."""
    return number(answer, 1.0, rel=1e-3, hints={
        1e-6: "That is 1/n, the regular answer. Compute the Hessian of n(ab)²/2 + (a² + b²)/2 at (0, 0).",
        0.0: "The variance is an entry of the inverse Hessian. n(ab)²/2 adds nothing to it, but the prior does.",
        0.5: "That is the long axis for m > 0. At m = 0 the mode is (0, 0).",
    })  # fmt: skip


@check.exercise("Same best fit or worse, one parameter more: BIC cannot choose B. The free energy does, as n → ∞.")
def two_models(bic: Any, evidence: Any) -> str | None:
    """ "A" or "B": which BIC chooses, and which has the smaller free energy as n grows."""
    wrong = choice(bic, "A", {
        "B": "BIC compares nLₙ(ŵ) + (d/2) log n. Can B fit better than A? Which has the larger d?",
    })  # fmt: skip
    if wrong:
        return "BIC: " + wrong
    wrong = choice(evidence, "B", {
        "A": "Compare λ log n: A is regular with d = 2. What is λ of a product of three, with the truth at 0?",
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
