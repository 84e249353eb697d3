"""The programs of lesson 12: their runs, their minimal error syndromes, the loss K of their noisy versions."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from sltcourse.lessons.programs.ours import Code, Word, entries
from sltcourse.theory.corner import Corner, monomials_on_the_corner

Data = Sequence[tuple[Word, int]]
"""Strings with their labels; each string is equally likely."""

OR: Code = ((0, 1), (1, 1))  # symbol 0 keeps the state, symbol 1 leads to state 1
TOGGLE: Code = ((1, 0), (1, 1))  # symbol 0 swaps the states, symbol 1 leads to state 1
LAST: Code = ((0, 0), (1, 1))  # the state is the last symbol
SAME: Data = (((0, 0), 0), ((1, 1), 1))  # on these two strings OR, TOGGLE and LAST agree
LANES: Code = ((1, 1, 2, 3, 4), (3, 2, 1, 4, 3))  # the first symbol picks the lane 1, 2 or 3, 4; then parity
LANE_OUTPUTS = (4, 0, 1, 2, 3)  # it names the lane and the parity

_SUB, _SUP = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"), str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def strings(length: int) -> list[Word]:
    """All strings of 0 and 1 of this length, in order."""
    return list(itertools.product((0, 1), repeat=length))


def path(code: Code, x: Word) -> list[int]:
    """The states that a program without noise goes through on x, len(x) + 1 of them."""
    states = [0]
    for s in x:
        states.append(code[s][states[-1]])
    return states


def answer(code: Code, outputs: Sequence[int], x: Word) -> int:
    """What a program without noise says on x."""
    return outputs[path(code, x)[-1]]


def labelled(code: Code, outputs: Sequence[int], inputs: Iterable[Word]) -> list[tuple[Word, int]]:
    """Strings with the labels that a program gives them."""
    return [(tuple(x), answer(code, outputs, x)) for x in inputs]


def minimal(alphas: Iterable[Word]) -> list[Word]:
    """The exponents α that no other one divides, short ones first."""
    kept: list[Word] = []
    for alpha in sorted(set(alphas), key=lambda a: (sum(a), a[::-1])):
        if not any(all(b <= a for a, b in zip(alpha, beta, strict=True)) for beta in kept):
            kept.append(alpha)
    return kept


def syndromes(code: Code, outputs: Sequence[int], data: Data) -> list[Word]:
    """The minimal error syndromes of a program on data: the α of failing runs that no other one divides.

    Like ``ours.failures``, but at each step only the minimal α of each state are kept: what follows is the same for
    all runs in one state. Raises ValueError for a program that is wrong on the data without any error.
    """
    wrong, found = entries(code), set[Word]()
    leaving: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for k, (s, q, r) in enumerate(wrong):
        leaving.setdefault((s, q), []).append((k, r))
    for x, wanted in data:
        if answer(code, outputs, x) != wanted:
            raise ValueError(f"the program says {1 - wanted} on {word(x)}: at its corner K is not 0, and there is no λ")
        runs: dict[int, list[Word]] = {0: [(0,) * len(wrong)]}
        for s in x:
            longer: dict[int, set[Word]] = {}
            for q, alphas in runs.items():
                longer.setdefault(code[s][q], set()).update(alphas)
                for k, r in leaving.get((s, q), []):
                    longer.setdefault(r, set()).update((*a[:k], a[k] + 1, *a[k + 1 :]) for a in alphas)
            runs = {q: minimal(alphas) for q, alphas in longer.items()}
        found.update(alpha for q, alphas in runs.items() if outputs[q] != wanted for alpha in alphas)
    return minimal(found)


@cache
def _solved(alphas: tuple[Word, ...]) -> Corner:
    return monomials_on_the_corner(alphas)


def coefficient(code: Code, outputs: Sequence[int], data: Data) -> Corner:
    """λ, m, guard and packing of a program on data with labels that are sure, see ``theory.corner``."""
    return _solved(tuple(syndromes(code, outputs, data)))


def word(x: Word) -> str:
    """A string as it is written: ``word((0, 1))`` is "01"."""
    return "".join(map(str, x))


def entry_name(entry: tuple[int, int, int], states: int) -> str:
    """The name of a wrong entry: h₀₁ for symbol 0 in state 1; with more than two states h₀₁→₂."""
    s, q, r = entry
    name = f"h{s}{q}" if states == 2 else f"h{s}{q}→{r}"
    return name.translate(_SUB)


def written(alpha: Word, code: Code) -> str:
    """A monomial h^α as it is written, "h₁₀² h₁₁"."""
    names = [entry_name(e, len(code[0])) for e in entries(code)]
    return " ".join(n + (str(a).translate(_SUP) if a > 1 else "") for n, a in zip(names, alpha, strict=True) if a)


def errors(code: Code, outputs: Sequence[int], inputs: Data) -> Callable[[np.ndarray], np.ndarray]:
    """E_x for many noisy versions at once: a function from h (N, d), in the order of ``entries``, to (N, strings)."""
    wrong, states = np.array(entries(code)), len(outputs)
    bad = np.array(outputs) != np.array([[y] for _, y in inputs])

    def function(h: np.ndarray) -> np.ndarray:
        M = np.zeros((len(h), len(code), states, states))
        M[:, wrong[:, 0], wrong[:, 1], wrong[:, 2]] = h
        for s, q in itertools.product(range(len(code)), range(states)):
            M[:, s, q, code[s][q]] = 1 - M[:, s, q].sum(1)
        found = np.empty((len(h), len(inputs)))
        for k, (x, _) in enumerate(inputs):
            p = np.zeros((len(h), states))
            p[:, 0] = 1
            for s in x:
                p = np.einsum("nq,nqr->nr", p, M[:, s])
            found[:, k] = p[:, bad[k]].sum(1)
        return found

    return function


def loss(code: Code, outputs: Sequence[int], data: Data, flip: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """K of noisy versions of a program: a function from h (N, d) to (N,), the mean over the strings.

    Labels are sure, K = −mean log(1 − E_x); with ``flip`` η, each label is turned with chance η, and the model knows
    it: K is the mean divergence of Bernoulli(η) from Bernoulli(η + (1 − 2η) E_x).
    """
    E = errors(code, outputs, data)

    def K(h: np.ndarray) -> np.ndarray:
        e = np.clip(E(h), 0, 1 - 1e-12)
        if not flip:
            return -np.log1p(-e).mean(1)
        extra = (1 - 2 * flip) * e
        parts = -flip * np.log1p(extra / flip) - (1 - flip) * np.log1p(-extra / (1 - flip))
        return np.maximum(parts, 0).mean(1)

    return K
