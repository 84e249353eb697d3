"""Fisher information, exactly: is a model regular or singular at a parameter?

A model is a `Density`: a sympy expression p(x|w), or p(y|x,w) with inputs x ~ q(x). At a point w

- `fisher_matrix` gives the exact matrix I_ij(w) = E[∂_i log p · ∂_j log p];
- `prove_null` shows by simplification that a direction v leaves p where it is: ∇_v p(x|w) = 0 for all x;
- `certify` finds *all* such directions and proves that there are no others. It needs no integral: the rank of
  w ↦ p(·|w) at w is the number of linearly independent functions ∂_1 p, …, ∂_d p.

The two notions agree where the scores are square integrable: vᵀ I v = E[(∇_v log p)²] is 0 exactly when
∇_v p = 0. Where they are not, I(w) does not exist and `fisher_matrix` raises `InfiniteInformation`.

Source: Watanabe 2009 (regular: identifiable and I(w) positive definite).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import mpmath
import sympy as sp

from sltcourse.theory.density import Density, checked_direction, checked_point, normal, regression, reparametrise
from sltcourse.theory.integrals import SECONDS, Supports, centred, expand, integral, simplify, tidy
from sltcourse.theory.limits import within
from sltcourse.theory.outcomes import (
    DIGITS,
    ZERO,
    Assignment,
    assignments,
    evaluator,
    sample_points,
    shown,
    split,
)  # fmt: skip
from sltcourse.theory.real_zeros import Undecided

__all__ = [
    "Certificate",
    "Density",
    "InfiniteInformation",
    "Proof",
    "Undecided",
    "certify",
    "fisher_matrix",
    "normal",
    "prove_null",
    "regression",
    "reparametrise",
]

PointOfW = Mapping[sp.Symbol, Any] | Sequence[Any] | None


class InfiniteInformation(ArithmeticError):
    """A score is not square integrable at the point: the Fisher matrix does not exist there."""


def fisher_matrix(density: Density, point: PointOfW = None) -> sp.ImmutableMatrix:
    """The exact d×d Fisher matrix I_ij(w) = E[∂_i log p · ∂_j log p], for all w or at a point.

    `density` is the model, `point` {parameter: exact number} or the numbers in order; None leaves w free, and the
    result is meant for those w where the mean exists. A mixture mostly has a closed form at its singular points only.

    Raises InfiniteInformation where a score is not square integrable, Undecided where sympy finds no closed form
    (then `certify` still decides the rank), ValueError for a point that is no point of W.

    >>> import sympy as sp
    >>> from sltcourse.theory.fisher import Density, fisher_matrix, normal
    >>> x, w = sp.symbols("x w", real=True)
    >>> cubic = Density(normal(x, w**3), {x: sp.S.Reals}, [w])
    >>> fisher_matrix(cubic)
    Matrix([[9*w**4]])
    >>> fisher_matrix(cubic, [0])
    Matrix([[0]])
    """
    at = {} if point is None else checked_point(density, point)
    where = shown(at) or "a general point"
    finite, rest = split(density.observed)
    matrix = sp.zeros(density.dimension, density.dimension)

    def add_outcomes() -> None:
        for values in assignments(finite):
            joint = density.joint.subs(values)
            p, gradient = joint.subs(at), [sp.diff(joint, w).subs(at) for w in density.parameters]
            if rest:
                p, *gradient = centred(p, *gradient, variables=rest)
            if rest and p.is_Add:  # parts of a mixture may coincide here
                p, *gradient = map(expand, [p, *gradient])
            _add_outcome(matrix, density, p, gradient, _Outcome(values, rest, where))

    try:
        within(SECONDS, add_outcomes)
    except (TimeoutError, NotImplementedError):
        raise Undecided(
            f"sympy finds no closed form for the Fisher information at {where}. The rank needs no integral: "
            "use certify(density, point)."
        ) from None
    return sp.ImmutableMatrix(matrix.applyfunc(tidy))


class _Outcome(NamedTuple):
    """Values of the finite variables, the supports of the others, and where in W we are, in words."""

    values: Assignment
    rest: Supports
    where: str


def _add_outcome(matrix: sp.Matrix, density: Density, p: sp.Expr, gradient: list[sp.Expr], outcome: _Outcome) -> None:
    """Add ∫ ∂_i p ∂_j p / p over the variables `rest` to each entry of the matrix, the diagonal first."""
    moving = [i for i, g in enumerate(gradient) if g != 0 and (p != 0 or sp.simplify(g) != 0)]
    for i, j in sorted(itertools.combinations_with_replacement(moving, 2), key=lambda ij: ij[0] != ij[1]):
        name = list(density.parameters)[i]
        if p == 0:
            raise InfiniteInformation(
                f"At {outcome.where} the outcome {shown(outcome.values)} has probability 0, but its probability moves "
                f"with {name}: the Fisher information is infinite. The point lies on the edge of the model."
            )
        part = integral(gradient[i] * gradient[j] / p, outcome.rest)
        if part is None:
            raise NotImplementedError
        if part.has(sp.oo, sp.zoo, sp.nan):
            raise InfiniteInformation(
                f"At {outcome.where} the score ∂ log p/∂{name} is not square integrable: its Fisher information is "
                "infinite, so there is no Fisher matrix and no rank. Whether a direction leaves p unchanged needs no "
                "integral: use certify(density, point)."
            )
        matrix[i, j] += part
        if i != j:
            matrix[j, i] += part


# ------------------------------------------------------------------------- directions that leave p unchanged


@dataclass(frozen=True)
class Proof:
    """What became of ∇_v p(x|w): `derivative`, then `simplified`; `holds` says whether that is 0 for all x."""

    derivative: sp.Expr
    simplified: sp.Expr
    holds: bool


def prove_null(density: Density, point: PointOfW, v: Mapping[sp.Symbol, Any] | Sequence[Any]) -> Proof:
    """Does the direction v leave p unchanged to first order, ∇_v p(x|w) = Σ_i v_i ∂_i p(x|w) = 0 for every x?

    density : the model.
    point : {parameter: exact value} or values in order. Values may be symbols or expressions (a free parameter may
        also be left out of the mapping): the proof then holds at all these points at once.
    v : d components in the order of the parameters, or {parameter: component}; expressions are welcome.

    Returns a `Proof`. `holds` is True only after an exact simplification to 0 (for finitely many outcomes, outcome
    by outcome), and False only with an outcome at which ∇_v p differs from 0. Raises Undecided in any other case,
    ValueError for what is no point or direction, and where p has no derivative.

    >>> import sympy as sp
    >>> from sltcourse.theory.fisher import prove_null, regression
    >>> a, b, x = sp.symbols("a b x", real=True)
    >>> model = regression(a * b * x, {x: sp.FiniteSet(-1, 1)}, [a, b])
    >>> prove_null(model, [a, b], [a, -b]).holds, prove_null(model, [1, 1], [1, 1]).holds
    (True, False)
    """
    at = checked_point(density, point, symbolic=True)
    v = checked_direction(density, v)
    derivative = sum((c * sp.diff(density.pdf, w) for c, w in zip(v, density.parameters, strict=True)), sp.Integer(0))
    derivative = derivative.subs(at, simultaneous=True)
    if derivative.has(sp.zoo, sp.nan):
        raise ValueError(f"At {shown(at)} the density has no derivative.")
    if _moves(density, derivative):
        return Proof(derivative, simplify(derivative), False)
    finite, rest = split(density.observed)

    def outcome_by_outcome() -> bool:
        return bool(finite) and all(_vanishes(derivative.subs(values)) for values in assignments(finite))

    if (not rest and outcome_by_outcome()) or _vanishes(derivative) or (rest and outcome_by_outcome()):
        return Proof(derivative, sp.Integer(0), True)
    raise Undecided(f"∇_v p is 0 at every outcome tried, but sympy does not simplify it to 0: {derivative}")


def _vanishes(expression: sp.Expr) -> bool:
    routes = (expand, lambda e: sp.powsimp(expand(e)), tidy, simplify, lambda e: simplify(e.rewrite(sp.exp)))
    return any(route(expression) == 0 for route in routes)


def _moves(density: Density, derivative: sp.Expr) -> bool:
    """True if the expression is clearly not 0 at some outcome (and some value of what was left free)."""
    free = {w: support for w, support in density.parameters.items() if derivative.has(w)}
    others = derivative.free_symbols - set(free) - set(density.observed)
    free.update(dict.fromkeys(sorted(others, key=str), sp.S.Reals))
    evaluate = evaluator([derivative], [*density.observed, *free])
    for values in sample_points(density.observed, 24, 29):
        for setting in sample_points(free, 5):
            (value,) = evaluate({**values, **setting})
            if mpmath.isfinite(value) and abs(value) > ZERO:
                return True
    return False


@dataclass(frozen=True)
class Certificate:
    """Regular or singular at a point, with what proves it.

    dimension : d.
    rank : number of linearly independent functions among ∂_1 p, …, ∂_d p; the rank of I(w) wherever that is finite.
    null : the directions v with ∇_v p = 0 for all x: d − rank linearly independent vectors, each proved by
        `prove_null`.
    outcomes : `rank` outcomes x_k, and
    minor : a determinant of the scores ∂_i log p(x_k|w), not 0: no further direction can be null.
    """

    point: Assignment
    dimension: int
    rank: int
    null: tuple[tuple[sp.Expr, ...], ...]
    outcomes: tuple[Assignment, ...]
    minor: sp.Float

    @property
    def singular(self) -> bool:
        """True if some direction leaves p unchanged to first order."""
        return self.rank < self.dimension


def certify(density: Density, point: PointOfW) -> Certificate:
    """Decide, with proof, whether the model is singular at a point: all null directions, and the rank.

    The candidates come from arithmetic with 60 digits: scores at many outcomes, and the vectors v orthogonal to
    all of them. Each candidate is then proved by `prove_null`, so rank ≤ d − (number of null directions); a minor
    that is not 0 gives the other inequality. No integral is needed.

    `density` is the model, `point` {parameter: exact number} or the numbers in order. Raises Undecided if a proof fails
    or a candidate's components are recognised neither as rational nor as algebraic numbers (for example sinh 1;
    `prove_null` takes them), ValueError for a point that is no point of W.

    >>> import sympy as sp
    >>> from sltcourse.theory.fisher import certify, regression
    >>> a, b, x = sp.symbols("a b x", real=True)
    >>> model = regression(a * b * x, {x: sp.FiniteSet(-1, 1)}, [a, b])
    >>> found = certify(model, [2, 1])
    >>> found.singular, found.rank, len(found.null)
    (True, 1, 1)
    """
    at = checked_point(density, point)
    outcomes, scores = _score_table(density, at)
    echelon, pivots = scores.rref(iszerofunc=_negligible, simplify=False)
    null = [_null_vector(echelon, pivots, column) for column in range(density.dimension) if column not in pivots]
    for v in null:
        if not prove_null(density, at, v).holds:
            raise Undecided(f"The direction {tuple(v)} looked null at the outcomes tried, but moves p elsewhere.")
    _, rows = scores[:, list(pivots)].T.rref(iszerofunc=_negligible, simplify=False)
    minor = scores[list(rows), list(pivots)].det(method="lu") if pivots else sp.Float(1, DIGITS)
    witnesses = tuple(outcomes[k] for k in rows)
    return Certificate(at, density.dimension, len(pivots), tuple(null), witnesses, sp.Float(minor, 15))


def _negligible(value: sp.Expr) -> bool:
    return abs(value) < ZERO


def _score_table(density: Density, at: Assignment) -> tuple[list[Assignment], sp.Matrix]:
    """Outcomes x_k and the matrix of scores ∂_i log p(x_k|w) at them (where p = 0, of ∂_i p itself)."""
    expressions = [density.pdf] + [sp.diff(density.pdf, w) for w in density.parameters]
    evaluate = evaluator(expressions, [*density.observed, *at])
    outcomes = sample_points(density.observed, 6 * density.dimension + 12, 29)
    rows = []
    for values in outcomes:
        p, *gradient = evaluate({**values, **at})
        with mpmath.workdps(DIGITS):
            scores = [g / p if p else g for g in gradient]
        if not all(map(mpmath.isfinite, scores)):
            where, outcome = shown(at), shown(values)
            raise ValueError(f"At {where} the density has no derivative at the outcome {outcome}.")
        rows.append([sp.Float(score, DIGITS) for score in scores])
    return outcomes, sp.Matrix(rows)


def _null_vector(echelon: sp.Matrix, pivots: Sequence[int], column: int) -> tuple[sp.Expr, ...]:
    """The exact null vector that belongs to one free column of the echelon form: whole numbers, the first positive."""
    v = [sp.Integer(0)] * echelon.cols
    v[column] = sp.Integer(1)
    for row, pivot in enumerate(pivots):
        v[pivot] = _recognise(-echelon[row, column])
    scale = sp.ilcm(1, *(c.q for c in v if c.is_Rational)) * sp.sign(next(c for c in v if c != 0))
    return tuple(scale * c for c in v)


def _recognise(value: sp.Expr) -> sp.Expr:
    """The rational or algebraic number that a 60-digit one comes from; Undecided if it seems to be neither."""
    if _negligible(value):
        return sp.Integer(0)
    exact = sp.nsimplify(value, rational=True, tolerance=ZERO)
    if exact.q > 10**12:
        exact = sp.nsimplify(value, tolerance=ZERO)
    if exact.is_Rational and exact.q > 10**12:
        number = sp.N(value, 10)
        raise Undecided(f"A null direction has a component {number}…, which is not recognised: try prove_null with it.")
    return exact
