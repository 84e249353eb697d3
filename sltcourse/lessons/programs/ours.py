"""Our own versions of the three functions that the learner of lesson 12 writes.

A program is a finite automaton: ``code[s][q]`` is the state to which symbol s takes state q, ``outputs[q]`` what is
read off state q at the end, and state 0 the start.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

Code = Sequence[Sequence[int]]
"""``code[s][q]``: the next state, for each symbol s and each state q."""
Word = tuple[int, ...]
"""An input string, a tuple of symbols; or an exponent α, a tuple of d whole numbers."""


def entries(code: Code) -> list[tuple[int, int, int]]:
    """The wrong entries (s, q, r) of a program, d of them: in state q, symbol s might lead to r instead of code[s][q].

    They are sorted; of an automaton with S states and two symbols there are d = 2·S·(S − 1).
    """
    states = range(len(code[0]))
    return [(s, q, r) for s, row in enumerate(code) for q in states for r in states if r != row[q]]


def error(code: Code, outputs: Sequence[int], h: np.ndarray, x: Word, wanted: int) -> float:
    """E_x(h): the chance that the noisy program does not say ``wanted`` on x.

    ``h`` has shape (symbols, S, S): h[s, q, r] is the chance that symbol s takes state q to r; what stands at the right
    entries is not read. The execution is a product of stochastic matrices, one for each symbol of x.
    """
    M = np.array(h, float)
    for s in range(len(M)):
        for q in range(len(outputs)):
            M[s, q, code[s][q]] = 0
            M[s, q, code[s][q]] = 1 - M[s, q].sum()
    p = np.eye(len(outputs))[0]
    for s in x:
        p = p @ M[s]
    return float(p[np.array(outputs) != wanted].sum())


def failures(code: Code, outputs: Sequence[int], x: Word, wanted: int) -> set[Word]:
    """All ways to fail on x: a set of α, tuples that say how often a failing run uses each of ``entries(code)``."""
    wrong = entries(code)
    runs = {(0, (0,) * len(wrong))}
    for s in x:
        longer = set()
        for q, alpha in runs:
            longer.add((code[s][q], alpha))
            for k, (symbol, state, r) in enumerate(wrong):
                if (symbol, state) == (s, q):
                    longer.add((r, (*alpha[:k], alpha[k] + 1, *alpha[k + 1 :])))
        runs = longer
    return {alpha for q, alpha in runs if outputs[q] != wanted}


def cheapest_guard(syndromes: Sequence[Word]) -> tuple[float, np.ndarray]:
    """(λ, u): the least Σ u_e with u ≥ 0 and u·α ≥ 1 for each α of ``syndromes``, and a u, shape (d,), that has it."""
    A = np.array(syndromes)
    found = linprog(np.ones(A.shape[1]), A_ub=-A, b_ub=-np.ones(len(A)))
    return found.fun, found.x
