"""The guesses of lesson 02, each committed before its answer: ``guess.shape`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    shape=choice(
        "02-shape",
        "The truth is w₀ = 0 in N(w³, 1). What shape has the histogram of ŵ?",
        ["a bell around 0, too wide", "a sharp peak at 0 with long tails", "two humps with a hole at 0"],
        answer="two humps with a hole at 0",
        because="ŵ = x̄^{1/3}. The cube root is infinitely steep at 0, and pulls small averages apart.",
    ),
    rate=number(
        "02-rate",
        "How many times as many data halve the standard deviation of ŵ at w₀ = 0?",
        1,
        1000,
        answer=64,
        log=True,
        unit="times",
        because="x̄ has the size n^{−1/2}, so ŵ has the size n^{−1/6}, and 64 = 2⁶.",
    ),
    variance=number(
        "02-variance",
        "The truth is w₀ = 0.1, n = 1000. The promised least variance is 1/(nI) = 1.11. What is that of ŵ?",
        0.01,
        100,
        answer=0.0802,
        log=True,
        because="It is fourteen times less than the bound, and no theorem is hurt. Exercise 3 shows why.",
    ),
    ratio=number(
        "02-ratio",
        "With the truth f = 0, what is the mean of Λ in this network with two parameters?",
        0,
        3,
        answer=1.203,
        because="It is 1 + (α + sin α)/π, where α is the angle of the wedge: between a line's 1 and a plane's 2.",
    ),
    price=number(
        "02-price",
        "BIC charges ½ for each unit of log n. What does the free energy of N(w³, 1) charge, with the truth at w = 0?",
        0,
        1,
        answer=0.1667,
        because="It is 1/6: the w with n w⁶/2 ≤ 1 have a width like n^{−1/6}.",
    ),
    chance=number(
        "02-chance",
        "The truth is N(0.1, 1), n = 1000. In how many of 100 data sets does BIC choose N(ab, 1) against N(0, 1)?",
        0,
        100,
        answer=29,
        because="BIC charges for two parameters.",
    ),
    depth=choice(
        "02-depth",
        "The mean is a product of d weights, the truth is mean 0, n = 1000. With more weights the error of Bayes …",
        ["rises like d/2", "stays", "falls"],
        answer="falls",
        because="Each further factor makes the prior believe more in means near 0, and there the truth is.",
    ),
    bump=number(
        "02-bump",
        "Bayes errs three times less than ŵ at w₀ = 0. At its worst w₀, how many times as much as ŵ does it err?",
        0,
        4,
        answer=1.53,
        unit="times",
        because="Near w₀ = 0.44 the prior bets on means near 0, and loses.",
    ),
)
