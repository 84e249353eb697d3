"""Small noisy Turing machines: two symbols, two states, moves left, stay, right; and a relaxation that is none.

``code`` has a row (write, next state, move) for each (symbol, state) in the order 00, 01, 10, 11, with the moves 0, 1,
2 for left, stay, right. What is written, the next state and the move have noise of their own: 4 wrong entries a row,
d = 16, in the order wrong symbol, wrong state, the two wrong moves. The tape is 0 but for the input, the head begins on
its first square, and the output is the state after ``STEPS`` steps.
"""

import itertools
from collections.abc import Iterator

from sltcourse.lessons.programs.models import minimal
from sltcourse.lessons.programs.ours import Word

Row = tuple[int, int, int]
Machine = tuple[Row, Row, Row, Row]

STEPS = 3
D = 16
MACHINE_A: Machine = ((0, 0, 2), (1, 1, 2), (0, 1, 1), (1, 1, 2))  # computes OR with λ = 6, m = 2
INPUTS = tuple(itertools.product((0, 1), repeat=2))
_ROWS = tuple(itertools.product((0, 1), (0, 1), (0, 1, 2)))


def final_state(code: Machine, x: Word) -> int:
    """The state of a machine without noise after STEPS steps on the input x, two symbols."""
    tape, head, q = dict(enumerate(x)), 0, 0
    for _ in range(STEPS):
        tape[head], q, move = code[2 * tape.get(head, 0) + q]
        head += move - 1
    return q


def machines_for_or() -> list[Machine]:
    """All of the 20 736 machines whose final state is the OR of the two symbols."""
    every = itertools.product(_ROWS, repeat=4)
    return [code for code in every if all(final_state(code, x) == (x[0] | x[1]) for x in INPUTS)]


def _used(row: int, right: Row, taken: Row) -> Word:
    """The exponent of one step in a row: which of its four wrong entries it uses."""
    alpha = [0] * D
    for part in (0, 1):
        alpha[4 * row + part] = int(taken[part] != right[part])
    if taken[2] != right[2]:
        alpha[4 * row + 2 + [move for move in (0, 1, 2) if move != right[2]].index(taken[2])] = 1
    return tuple(alpha)


def _plus(alpha: Word, beta: Word) -> Word:
    return tuple(a + b for a, b in zip(alpha, beta, strict=True))


def turing_syndromes(code: Machine) -> list[Word]:
    """The minimal error syndromes of a machine that computes OR: exponents of length D."""
    steps = [[(taken, _used(i, right, taken)) for taken in _ROWS] for i, right in enumerate(code)]
    found: set[Word] = set()
    for x in INPUTS:
        tape = (*(0,) * STEPS, *x, *(0,) * (STEPS - 1))
        runs = {(0, STEPS, tape): [(0,) * D]}  # state, head, tape
        for t in range(STEPS):
            longer: dict[tuple[int, int, Word], set[Word]] = {}
            for (q, head, squares), alphas in runs.items():
                for (write, state, move), used in steps[2 * squares[head] + q]:
                    key = (state, head + move - 1, (*squares[:head], write, *squares[head + 1 :]))
                    at = key if t < STEPS - 1 else (state, 0, ())
                    longer.setdefault(at, set()).update(_plus(a, used) for a in alphas)
            runs = {at: minimal(alphas) for at, alphas in longer.items()}
        found.update(a for (q, *_), alphas in runs.items() if q != (x[0] | x[1]) for a in alphas)
    return minimal(found)


# ---- the naive relaxation ---------------------------------------------------------------------------------------

Sum = list[Word]
"""A sum of monomials up to constants: its minimal exponents."""


def _product(*factors: Sum) -> Sum:
    result: Sum = [(0,) * D]
    for factor in factors:
        result = minimal(_plus(a, b) for a in result for b in factor)
    return result


def _total(parts: Iterator[Sum]) -> Sum:
    return minimal(a for part in parts for a in part)


def naive_syndromes(code: Machine) -> list[Word]:
    """The minimal monomials of the naive relaxation of a machine that computes OR.

    The relaxation of Clift and Murfet (2018, arXiv:1805.11813) keeps a distribution for the state and one for each
    square of the tape, as seen from the head, and treats all of them as independent at each step. All its terms are
    products and sums of non-negative numbers, so the minimal monomials of each can be followed from step to step.
    """
    chances = [
        [{v: [_used(i, right, (*right[:part], v, *right[part + 1 :]))] for v in ((0, 1), (0, 1), (0, 1, 2))[part]}
         for part in range(3)]
        for i, right in enumerate(code)
    ]  # fmt: skip
    found: set[Word] = set()
    sure, never = [(0,) * D], list[Word]()
    for x in INPUTS:
        squares = {u: [sure if (x[u] if u in (0, 1) else 0) == s else never for s in (0, 1)]
                   for u in range(-STEPS, STEPS + 2)}  # fmt: skip
        state = [sure, never]
        for _ in range(STEPS):
            rows = [_product(squares[0][s], state[q]) for s in (0, 1) for q in (0, 1)]
            write, state, move = (
                [_total(_product(row, chances[i][part][v]) for i, row in enumerate(rows)) for v in range(many)]
                for part, many in enumerate((2, 2, 3))
            )
            after = {**squares, 0: write}
            squares = {
                u: [_total(_product(move[v], after[u + v - 1][s]) for v in range(3)) for s in (0, 1)]
                if u - 1 in after and u + 1 in after else after[u]
                for u in after
            }  # fmt: skip
        found.update(state[1 - (x[0] | x[1])])
    return minimal(found)
