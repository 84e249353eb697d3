"""The checks of lesson 06: what each exercise replies."""

import math
from typing import Any

import numpy as np

from sltcourse.kit.checks import Case, Checks, number
from sltcourse.lessons.free_energy import ours
from sltcourse.lessons.free_energy.wells import told, two_wells

check = Checks("06_free_energy")

_random = np.random.default_rng(11)


def _grid(K: Any, low: float, high: float, cells: int) -> tuple[np.ndarray, np.ndarray, float]:
    """(loss, prior, cell) at the midpoints of a grid, under the uniform prior on [low, high]."""
    cell = (high - low) / cells
    w = low + cell * (np.arange(cells) + 0.5)
    return K(w), np.full(cells, 1 / (high - low)), cell


_PARABOLA = _grid(lambda w: w**2, -1, 1, 20_000)
_DEEP = _grid(lambda w: 3 + w**2, -1, 1, 20_000)
_FLAT = _grid(lambda w: 0.25 + 0 * w, -1, 3, 8)
_HALF = (np.array([0.5, 0.1, 0.2, 0.7]), np.array([0.0, 2.0, 2.0, 0.0]), 0.25)  # a prior that is 0 on half the grid
_BUMPY = (_random.uniform(0, 1, 50), _random.dirichlet(np.ones(50)) / 0.1, 0.1)


# ---- the free energy on a grid ---------------------------------------------------------------------------------------


def _shifted(terms: np.ndarray) -> float:
    return float(-terms.max() - np.log(np.exp(terms - terms.max()).sum()))


def _without_log_space(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    return -np.log(np.sum(np.exp(-n * loss) * prior * cell))


def _without_prior(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    return _shifted(-n * loss + np.log(cell))


def _without_cell(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    with np.errstate(divide="ignore"):
        return _shifted(-n * loss + np.log(prior))


def _log_z(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    return -ours.free_energy(loss, prior, cell, n)


def _top_lost(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    with np.errstate(divide="ignore"):
        terms = -n * loss + np.log(prior * cell)
    return -np.log(np.exp(terms - terms.max()).sum())


def _top_turned(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    with np.errstate(divide="ignore"):
        terms = -n * loss + np.log(prior * cell)
    return terms.max() - np.log(np.exp(terms - terms.max()).sum())


@check.writing(
    "Taking out the largest term costs nothing, and exp then sees numbers near 1. On a subset of cells the same "
    "function gives a region's free energy.",
    ours=ours.free_energy,
    cases=[
        Case("a flat loss of ¼, n = 8", (*_FLAT, 8), 2.0),
        Case("w² on [−1, 1] at n = 1000, √(π/1000)/2", (*_PARABOLA, 1000), float(-np.log(np.sqrt(np.pi / 1000) / 2))),
        Case("a loss of at least 3, n = 1000: exp(−3000) is 0 for a computer", (*_DEEP, 1000),
             3000 + float(-np.log(np.sqrt(np.pi / 1000) / 2))),
        Case("a prior that is 0 in half of the cells", (*_HALF, 10)),
        Case("n = 0: the prior alone", (*_BUMPY, 0), 0.0),
        Case("fifty random cells", (*_BUMPY, 30)),
    ],
    common={
        _without_log_space: "The sum underflows where n K is above 745. Take the largest exponent out of the sum, "
        "before exp, and put it back behind the logarithm.",
        _without_prior: "The prior is missing: each cell holds the prior mass prior · cell.",
        _without_cell: "The size of a cell is missing: each cell holds the prior mass prior · cell.",
        _log_z: "That is log Z. The free energy is minus it.",
        _top_lost: "The largest exponent was taken out and not put back.",
        _top_turned: "The largest exponent comes back with the wrong sign: F = −top − log Σ.",
    },
)  # fmt: skip
def free_energy(function: Any) -> str | None:
    """F on a grid, in log space: ``ours.free_energy``."""


# ---- misfit and complexity -------------------------------------------------------------------------------------------


def _bill_like(misfit: Any, complexity: Any) -> Any:
    def both(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> tuple[float, float]:
        F = ours.free_energy(loss, prior, cell, n)
        p = np.exp(F - n * loss) * prior * cell  # the posterior mass of each cell
        return misfit(p, loss, n), complexity(F, p, loss, n, cell)

    return both


def _right_misfit(p: np.ndarray, loss: np.ndarray, n: float) -> float:
    return float(np.sum(p * n * loss))


def _entropy(F: float, p: np.ndarray, loss: np.ndarray, n: float, cell: float) -> float:
    mass = p[p > 0]
    return float(np.sum(mass * np.log(mass / cell)))


@check.writing(
    "Misfit plus complexity is F, for the posterior and for nothing else: any other density pays more.",
    ours=ours.bill,
    cases=[
        Case("a flat loss of ¼, n = 8: nothing is learnt", (*_FLAT, 8), (2.0, 0.0)),
        Case("w² at n = 1000: misfit ½", (*_PARABOLA, 1000)),
        Case("a loss of at least 3, n = 1000", (*_DEEP, 1000)),
        Case("a prior that is 0 in half of the cells", (*_HALF, 10)),
        Case("fifty random cells", (*_BUMPY, 30)),
    ],
    common={
        _bill_like(lambda p, loss, n: float(np.sum(p * loss)), lambda F, p, loss, n, cell: F - n * np.sum(p * loss)):
        "The misfit is the mean of n K, and n is missing.",
        _bill_like(_right_misfit, _entropy):
        "Your complexity leaves the prior out: it is the mean of log p/φ, not of log p.",
        _bill_like(_right_misfit, lambda F, p, loss, n, cell: F):
        "Your second number is all of F. Take the misfit off.",
        _bill_like(_right_misfit, lambda F, p, loss, n, cell: _right_misfit(p, loss, n) - F):
        "The complexity has the wrong sign: a Kullback–Leibler divergence is never negative.",
        _bill_like(lambda p, loss, n: n * float(loss.mean()), lambda F, p, loss, n, cell: F - n * float(loss.mean())):
        "Your misfit is the mean over the grid. Weigh each cell by its posterior mass.",
        lambda *grid: ours.bill(*grid)[::-1]: "These are the right two numbers in the other order: misfit first.",
    },
)  # fmt: skip
def bill(function: Any) -> str | None:
    """(misfit, complexity) of the posterior on a grid: ``ours.bill``."""


# ---- the critical sample size ----------------------------------------------------------------------------------------


def _ratio(L1: float, lam1: float, L2: float, lam2: float) -> float:
    return (lam2 - lam1) / (L1 - L2) if L1 != L2 else np.nan


def _size_like(turn: Any) -> Any:
    def size(*phases: float) -> float:
        ratio = _ratio(*phases)
        return turn(ratio) if ratio > math.e else np.nan

    return size


def _spurious(ratio: float) -> float:
    n = 1.0
    for _ in range(500):
        n = np.exp(n / ratio)
    return n


_some = [tuple(float(x) for x in row) for row in
         np.column_stack([_random.uniform(0.3, 0.4, 3), _random.uniform(0.5, 2, 3), _random.uniform(0.1, 0.2, 3),
                          _random.uniform(5, 30, 3)])]  # fmt: skip


@check.writing(
    "The price of complexity grows like log n, the price of misfit like n: above the larger solution misfit decides.",
    ours=ours.critical_size,
    cases=[
        Case("0.5 n + 2 log n against 0.3 n + 20 log n", (0.5, 2, 0.3, 20), 571.31, rel=1e-3),
        Case("the same two phases, the other one first", (0.3, 20, 0.5, 2), 571.31, rel=1e-3),
        Case("a phase that is more accurate and simpler: no change-over", (0.5, 20, 0.3, 2), np.nan),
        Case("Δλ/ΔL = 2: the two curves never meet", (1.0, 1, 0.0, 3), np.nan),
        Case("two phases of equal loss", (0.1, 1, 0.1, 3), np.nan),
        Case("two phases of equal λ", (0.3, 2, 0.1, 2), np.nan),
        *[Case("(L1, λ1, L2, λ2) = " + ", ".join(f"{x:.3g}" for x in phases), phases, rel=1e-3) for phases in _some],
    ],
    common={
        _size_like(lambda ratio: ratio): "That is Δλ/ΔL, which n/log n equals. Solve for n.",
        _size_like(lambda ratio: ratio * np.log(ratio)): "That is the first step. log n has grown: put this n into "
        "(Δλ/ΔL) log n, and go on until it stays.",
        _size_like(_spurious): "That is the smaller solution, near n = 1, where log n means nothing. Start from a "
        "large n, and iterate n = (Δλ/ΔL) log n.",
    },
)  # fmt: skip
def critical_size(function: Any) -> str | None:
    """The critical n of two phases by the leading terms: ``ours.critical_size``."""


# ---- two wells of one's own ------------------------------------------------------------------------------------------


@check.exercise("Integrated, not approximated: within 5 % of n = 1000 each of your wells holds half of the posterior.")
def design(simple: Any, accurate: Any) -> str | None:
    """Two wells that change places at n = 1000 within 5 %, by exact integration."""
    try:
        wells = two_wells(simple, accurate)
        n = wells.critical_n(1, 1e6)
    except (TypeError, ValueError, ArithmeticError) as error:
        return told(error)
    if wells.lam and not wells.lam[1] > wells.lam[0]:
        return (
            f"These change places at n = {n:.0f}, and the λ have no say in it. Give the first well the smaller λ, so "
            "that complexity is part of the price."
        )
    if abs(n / 1000 - 1) <= 0.05:
        return None
    return (
        f"By integration these change places at n = {n:.0f}. To have it {'earlier' if n > 1000 else 'later'}, make ΔL "
        f"{'larger' if n > 1000 else 'smaller'}, or the simple well {'narrower' if n > 1000 else 'wider'}."
    )


# ---- the shadow ------------------------------------------------------------------------------------------------------


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
