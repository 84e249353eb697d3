"""The checks of lesson 05: what each exercise replies."""

from typing import Any

import numpy as np

from sltcourse.kit.checks import Checks, number

check = Checks("05_generalization")


@check.exercise("λ = 1/10, and m = 1, so n·G is there early: exactly, n λ log(1 + 1/n).")
def fifth_power(answer: Any) -> str | None:
    """n E[G_n] of N(w⁵, 1) with the truth 0 at n = 1000."""
    return number(answer, 0.1, rel=0.02, hints={
        0.5: "That is d/2, what a regular model with one parameter pays.",
        0.2: "K = w¹⁰/2, not w⁵: the loss is the square of the mean.",
        0.0001: "That is G; the exercise asks for n·G.",
        1 / 6: "That is the cubic. Here K = w¹⁰/2.",
    })  # fmt: skip


@check.exercise("10¹⁷ samples. A law that starts with λ/n can be true and still never be seen to its last digits.")
def far(answer: Any) -> str | None:
    """The n from which n E[G_n] of the product is within 5 % of ½, to the nearest power of ten."""
    log_n = 40 - np.euler_gamma
    wrong = number(answer, np.exp(log_n))
    if wrong is None or not wrong.endswith(("too large.", "too small.")):
        return wrong
    value = float(np.ravel(answer)[0])
    if value > 0 and abs(np.log10(value) - log_n / np.log(10)) < 0.5:
        return None
    if abs(value - 40) < 1:
        return "That is log n, to the base e. Give n."
    if abs(value - log_n / np.log(10)) < 0.5:
        return "That is the power of ten. Give n."
    if value > 1 and abs(np.log(value) - 20) < 0.7:
        return "That is near exp(20), which brings it within 0.05 of 1/2. Within 5 % of 1/2 means above 0.475."
    return wrong


@check.exercise("The gap between E[G] and E[T] is 2ν, and so the Gibbs error, λ + ν, follows from two Bayes errors.")
def relations(lam: Any, nu: Any, gibbs: Any) -> str | None:
    """λ, ν and n times the Gibbs error, from n E[G] = 0.2 and n E[T] = −0.6."""
    wrong = number(lam, 0.2, rel=1e-3, hints={-0.6: "The training error is λ − 2ν; which error is λ alone?"})
    if wrong:
        return "λ: " + wrong
    wrong = number(nu, 0.4, rel=1e-3, hints={
        0.8: "The gap G − T is 2ν.",
        0.2: "ν = λ holds for regular models. Use the training error, λ − 2ν.",
    })  # fmt: skip
    if wrong:
        return "ν: " + wrong
    wrong = number(gibbs, 0.6, rel=1e-3, hints={
        -0.2: "That is λ − ν, the Gibbs *training* error.",
        1.0: "That is λ + 2ν. How much does averaging p over the posterior gain?",
    })  # fmt: skip
    return wrong and "Gibbs: " + wrong


@check.exercise("Two lines, one posterior, no held-out data: that is all WAIC needs.")
def waic(answer: Any) -> str | None:
    """A function (A, p) -> T_n + V_n/n: A (n, J) are the log ratios, p (J,) the weights of the posterior’s nodes."""
    if not callable(answer):
        return "A function is wanted here: def waic(A, p), which returns one number."
    rng = np.random.default_rng(1)
    A, p = rng.normal(size=(5, 4)) / 2, np.array([0.1, 0.2, 0.3, 0.4])
    T, G, V = -np.mean(np.log(np.exp(A) @ p)), -np.mean(A @ p), np.sum(A**2 @ p - (A @ p) ** 2)
    return number(answer(A, p), T + V / 5, rel=1e-9, hints={
        T: "That is T alone. Add the functional variance, divided by n.",
        T + V: "Nearly: V is a sum over samples. WAIC takes V/n.",
        T - V / 5: "The variance is added: T is smaller than G on average.",
        G + V / 5: "Your first term is the Gibbs training loss. Average p over the posterior before the logarithm.",
        T + np.mean(A.var(axis=1)): "The variance has to be taken with the weights p.",
        T + np.mean(A.var(axis=0)): "Vary w, not x: the variance is over the nodes, one for each sample.",
        -T + V / 5: "Mind the sign: T is minus the mean log of the predictive ratio.",
        5 * T + V: "That is n·WAIC, a sum over the samples. Here WAIC is a mean: divide by n.",
        -5 * T - V: "That is −n·WAIC, the scale on which ArviZ reports it (elpd). Change the sign and divide by n.",
        10 * T + 2 * V: "That is 2n·WAIC, the scale of a deviance. Divide by 2n.",
        -10 * T - 2 * V: "That is −2n·WAIC. Divide by −2n.",
    })  # fmt: skip


@check.exercise("The difference removes nL_n(w₀), which nobody knows: λ = ΔE / Δ(1/β).")
def two_temperatures(answer: Any) -> str | None:
    """λ from n E[L_n] = 1250.3 at β = 0.2 and 1254.1 at β = 0.1."""
    return number(answer, 0.76, rel=0.01, hints={
        3.8: "That is the difference of the energies. Divide it by the difference of 1/β.",
        38.0: "Divide by the difference of 1/β, the temperature, not of β.",
        -38.0: "Divide by the difference of 1/β, the temperature, not of β.",
        -0.76: "Mind the sign: hotter, that is smaller β, means a larger energy.",
        1254.1 / 10: "n L_n(w₀) is still in it. Take a difference of the two.",
        0.38: "The temperatures are 1/β = 5 and 10.",
    })  # fmt: skip
