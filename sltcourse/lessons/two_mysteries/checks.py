"""The checks of lesson 00: what each exercise replies."""

from typing import Any

from sltcourse.kit.checks import Checks, number

check = Checks("00_two_mysteries")


@check.exercise("More data, and an error 36 times larger: at a fixed width, data can push a model onto its peak.")
def more_data(at_20: Any, at_38: Any) -> str | None:
    """The noise part of the expected error at N = 40 features and σ² = 1, with n = 20 and with n = 38 data."""
    right = {20: 20 / 19, 38: 38.0}
    for n, answer in ((20, at_20), (38, at_38)):
        wrong = number(answer, right[n], rel=0.01, hints={
            40 / n: "That is N/n, the law for a few parameters. Here N > n: the noise spreads over 40 weights.",
            40 / (n - 41): "That is N/(n − N − 1), for more data than features. Here N > n: exchange the two.",
            n / (40 - n): "Nearly: a squared length with k degrees has E[1/χ²] = 1/(k − 2), not 1/(k − 1).",
            right[58 - n]: "The two answers are exchanged.",
        })  # fmt: skip
        if wrong:
            return f"n = {n}: {wrong}"
    return None


@check.exercise("One half: for coin-toss labels such a promise says nothing, and it is the same promise for true ones.")
def promise(answer: Any) -> str | None:
    """The least B for which |test error − training error| ≤ B holds for every network and all labels."""
    said = number(answer, 0.5, rel=0.02, hints={
        0.0: "0 is the training error. The promise has to cover the distance from it to the test error.",
        1.0: "Some network of the family may force even that. The coin network is right on half of the new coins.",
        50: "Give it as a share, not in per cent.",
    })  # fmt: skip
    if said and number(answer, 0.5, rel=0.12) is None:
        return (
            "Close: that looks measured on some new coins. How often is a fixed guess right about a new coin, exactly?"
        )
    return said


@check.exercise("One step along this circle adds 7, because 9 · 7 = 63 = 2 · 31 + 1.")
def neighbour(answer: Any) -> str | None:
    """The number next to 0 on the circle of frequency 9, p = 31."""
    if number(answer, 7) and isinstance(answer, int) and answer % 31 == 7 and answer != 38:
        return f"{answer} is 7 and a multiple of 31: the right place. The network's numbers lie between 0 and 30."
    return number(answer, 7, hints={
        9: "9 stands at the angle 2π · 81/31, and 81 = 2 · 31 + 19: nineteen steps from 0, not one.",
        1: "1 stands at the angle 2π · 9/31: nine steps from 0, not one.",
        24: "24 stands clockwise of 0: 9 · 24 = 216 = 7 · 31 − 1. The other direction is wanted.",
        38: "38 is 7 + 31. The network's numbers lie between 0 and 30.",
        1 / 9: "Division mod 31: which whole number times 9 leaves the remainder 1?",
    })  # fmt: skip


@check.exercise("0.005, a quarter of what 400 parameters would cost: the network is paid for as a 10 × 10 matrix.")
def price(answer: Any) -> str | None:
    """E[G_n] of a linear network with λ = 50 at n = 10 000, to leading order."""
    return number(answer, 50 / 10_000, rel=0.01, hints={
        0.02: "That is d/(2n), the price of a regular model with 400 parameters.",
        0.04: "That is d/n. Take λ in the place of d/2.",
        50: "That is λ. Divide by the number of data.",
        0.5: "That is λ divided by 100, the root of n. Divide by n = 10 000.",
        0.0025: "λ already contains the half: λ = d/2 for a regular model.",
    })  # fmt: skip
