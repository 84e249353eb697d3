"""The checks of lesson 12: what each exercise replies."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sltcourse.kit.checks import Case, Checks, number
from sltcourse.lessons.programs import ours
from sltcourse.lessons.programs.models import LAST, OR, TOGGLE
from sltcourse.lessons.programs.ours import Code, Word

check = Checks("12_programs")

_rng = np.random.default_rng(12)
_THREE: Code = tuple(tuple(int(q) for q in row) for row in _rng.integers(0, 3, (2, 3)))
_NOISE = _rng.uniform(0, 0.3, (2, 3, 3))
_SMALL = _rng.uniform(0, 0.3, (2, 2, 2))
_TWO = (0, 1)


# ---- execution --------------------------------------------------------------------------------------------------


def _right_answer(code: Code, outputs: Sequence[int], h: np.ndarray, x: Word, wanted: int) -> float:
    return 1 - ours.error(code, outputs, h, x, wanted)


def _backwards(code: Code, outputs: Sequence[int], h: np.ndarray, x: Word, wanted: int) -> float:
    return ours.error(code, outputs, h, x[::-1], wanted)


def _one_row_from_all(code: Code, outputs: Sequence[int], h: np.ndarray, x: Word, wanted: int) -> float:
    """What is left for the right entry is taken of the row as it was handed over, right entry included."""
    M = np.array(h, float)
    for s in range(len(M)):
        for q in range(len(outputs)):
            M[s, q, code[s][q]] = 1 - M[s, q].sum()
    p = np.eye(len(outputs))[0]
    for s in x:
        p = p @ M[s]
    return float(p[np.array(outputs) != wanted].sum())


@check.writing(
    "A product of stochastic matrices: all runs at once, with their chances.",
    ours=ours.error,
    cases=[
        Case("OR without noise on 01", (OR, _TWO, np.zeros((2, 2, 2)), (0, 1), 1), 0.0),
        Case("TOGGLE without noise on 000, where 0 is wanted", (TOGGLE, _TWO, np.zeros((2, 2, 2)), (0, 0, 0), 0), 1.0),
        Case("the empty string", (OR, _TWO, _SMALL, (), 0), 0.0),
        Case("LAST with noise on 0110", (LAST, _TWO, _SMALL, (0, 1, 1, 0), 0)),
        Case("three states, with noise, on 01101", (_THREE, (0, 1, 1), _NOISE, (0, 1, 1, 0, 1), 1)),
    ],
    common={
        _right_answer: "That is the chance of the right answer; add up the states that say something else.",
        _backwards: "The string is read from its end: the first symbol's matrix comes first, p @ M[s].",
        _one_row_from_all: "A row's right entry is 1 minus the wrong ones: set it to 0 before you add up the row.",
    },
)
def error(function: Any) -> str | None:
    """The chance that a noisy program is wrong."""


# ---- failures ---------------------------------------------------------------------------------------------------


def _succeeding(code: Code, outputs: Sequence[int], x: Word, wanted: int) -> set[Word]:
    return ours.failures(code, outputs, x, 1 - wanted)


def _used_or_not(code: Code, outputs: Sequence[int], x: Word, wanted: int) -> set[Word]:
    return {tuple(min(a, 1) for a in alpha) for alpha in ours.failures(code, outputs, x, wanted)}


def _only_single(code: Code, outputs: Sequence[int], x: Word, wanted: int) -> set[Word]:
    return {alpha for alpha in ours.failures(code, outputs, x, wanted) if sum(alpha) == 1}


_TEMPTING = {
    _succeeding: "these are the runs that end well; keep those whose state says something else than wanted.",
    _used_or_not: "an entry that is used twice counts 2: α says how often, not whether.",
    _only_single: "these are the runs with one mistake. Follow those with two and more as well.",
}


def _failing(name: str, code: Code, outputs: Sequence[int], x: Word, wanted: int) -> Case:
    """A case of ``failures``: sets are compared, and a tempting wrong one is told why."""
    arguments = (code, outputs, x, wanted)
    right = ours.failures(*arguments)
    tempting = {frozenset(function(*arguments)): reply for function, reply in _TEMPTING.items()}

    def test(result: Any) -> str | None:
        if not isinstance(result, (set, frozenset, list, tuple)):
            return "a set of tuples is wanted."
        got = frozenset(tuple(int(a) for a in alpha) for alpha in result)
        if got == right:
            return None
        if got in tempting:
            return tempting[got]
        if extra := got - right:
            return f"{min(extra)} is among your ways to fail, and no failing run uses its entries so often."
        return f"{min(right - got)} is missing: there is a failing run that uses its entries just so often."

    return Case(name, arguments, test)


@check.writing(
    "All runs, right and wrong, with the entries that each has used.",
    ours=ours.failures,
    cases=[
        _failing("OR on 00", OR, _TWO, (0, 0), 0),
        _failing("OR on 11", OR, _TWO, (1, 1), 1),
        _failing("the empty string, on which nothing can go wrong", OR, _TWO, (), 0),
        _failing("TOGGLE on 0010", TOGGLE, _TWO, (0, 0, 1, 0), 0),
        _failing("three states on 101", _THREE, (0, 1, 1), (1, 0, 1), 1),
    ],
)
def failures(function: Any) -> str | None:
    """All ways to fail on a string."""


# ---- the guard --------------------------------------------------------------------------------------------------


def _guards(syndromes: list[Word], lam: float) -> Any:
    """A test of (λ, u): the least sum, by a u that guards."""

    def test(result: Any) -> str | None:
        if not isinstance(result, tuple) or len(result) != 2:
            return "two results are wanted: λ and u."
        value, u = float(result[0]), np.asarray(result[1], float)
        A = np.array(syndromes)
        if u.shape != (A.shape[1],):
            return f"u has the shape {u.shape}, and one number for each of the {A.shape[1]} entries is wanted."
        if u.min() < -1e-9:
            return f"u has the entry {u.min():.3g}; a guard is not negative."
        worst = int(np.argmin(A @ u))
        if (A @ u)[worst] < 1 - 1e-6:
            return f"the syndrome {syndromes[worst]} is not guarded: its u·α is {(A @ u)[worst]:.3g}, below 1."
        if u.sum() > lam + 1e-6:
            return f"this guard costs {u.sum():.4g}; there is one that costs {lam:.4g}."
        if abs(value - u.sum()) > 1e-6:
            return f"the first result is {value:.4g}, and your u costs {u.sum():.4g}."
        return None

    return test


def _case(name: str, syndromes: list[Word]) -> Case:
    return Case(name, (syndromes,), _guards(syndromes, ours.cheapest_guard(syndromes)[0]))


_many = [tuple(int(a) for a in row) for row in np.random.default_rng(5).integers(0, 3, (6, 5))]


@check.writing(
    "The cheapest guard against all ways to fail at once. Its cost is λ.",
    ours=ours.cheapest_guard,
    cases=[
        _case("one entry that may not fail, of two", [(1, 0)]),
        _case("OR on 00 and 11", [(1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 2, 0)]),
        _case("three votes", [(1, 1, 0), (1, 0, 1), (0, 1, 1)]),
        _case("six syndromes of five entries", _many),
    ],
)
def cheapest_guard(function: Any) -> str | None:
    """λ as a linear program."""


# ---- numbers ----------------------------------------------------------------------------------------------------


@check.exercise("A telling example costs the shortcut log n: as much as one unit of λ costs the rule.")
def telling(answer: Any) -> str | None:
    """The number of telling examples at which two free energies cross."""
    return number(answer, 1, rel=1e-6, hints={
        0: "Without telling examples the rule's log n is not paid for by anything.",
        2: "That is the λ of the rule. What counts is the difference of the λ.",
        0.5: "Each telling example has the probability of one wrong entry, about 1/n: log n, not half of it.",
    })  # fmt: skip


@check.exercise("A half for each copy: any two of them guard any pair. One entry alone costs 1.")
def votes(answer: Any) -> str | None:
    """λ of a majority of three entries of their own."""
    return number(answer, 1.5, rel=1e-6, hints={
        3: "That guards each copy fully. A pair may cost 1 in all: how little is enough for each?",
        1: "With one copy guarded, the other two can fail together.",
        2: "With two copies guarded no pair is left, true. But fractions are cheaper.",
        0.5: "That is one entry that is read three times: its syndrome is its square.",
    })  # fmt: skip
