"""What the Newton polyhedron of a germ proves about λ and m, in the coordinates in which the germ is given.

Source: Varchenko 1976, Greenblatt 2008 and Lin 2010, as in `newton`.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import sympy as sp
from sympy.polys.rings import PolyElement

from sltcourse.theory.faces import order_of_zeros
from sltcourse.theory.germ import Germ
from sltcourse.theory.intersections import MOST_GENERATORS, intersection, least_value
from sltcourse.theory.limits import Budget
from sltcourse.theory.polyhedron import Exponent, Meeting, NewtonPolyhedron
from sltcourse.theory.real_zeros import sign
from sltcourse.theory.signs import NegativeLoss, is_positive_below, refuse_negative_vertex

_FEW_FACES, _MOST_FACES = 60, 120  # with more than a few, the first zero that is in the way ends the test
_FEW_PRODUCTS = 500  # a sum of squares with more terms is not looked at as a whole
_SHARE = 0.1  # of the time left, for the question whether the generators meet transversally
NONNEGATIVE = "K ≥ 0 near the point"


@dataclass(frozen=True)
class LearningCoefficient:
    """What is proved about λ and m of K at a point.

    value, multiplicity : λ and m, if ``exact``. If not, λ ≤ value, and where λ = value the true m is ≥ multiplicity.
    lower : a proved lower bound of λ, so that λ is exact, though perhaps not m, where it equals ``value``.
    exact : True if both λ and m are proved, and nothing was assumed.
    why : one sentence that says what decided.
    coordinates : {w: expression in the new coordinates, which bear the old names}, if they were changed; else empty.
    obstacles : the face polynomials (tuples of (f_i)_γ for a sum of squares), as sympy expressions, with zeros that
        stop the proof.
    assumes : what all of this rests on without a proof, such as "K ≥ 0 near the point"; empty if it rests on nothing.

    >>> import sympy as sp
    >>> from sltcourse.theory.newton import learning_coefficient
    >>> x, y = sp.symbols("x y")
    >>> print(learning_coefficient((x * y)**2 + x**6, [x, y]).why)
    nondegenerate: no face polynomial has a real zero off the coordinate planes
    """

    value: Fraction
    multiplicity: int
    lower: Fraction
    exact: bool
    why: str
    coordinates: dict[sp.Symbol, sp.Expr]
    obstacles: tuple[tuple[sp.Expr, ...], ...]
    assumes: str = ""

    def __str__(self) -> str:
        condition = f" if {self.assumes}, which is not decided" if self.assumes else ""
        if self.exact:
            return f"λ = {self.value}, m = {self.multiplicity} (exact)"
        if self.lower == self.value:
            note = condition or " (λ exact, m a lower bound)"
            return f"λ = {self.value}, m ≥ {self.multiplicity}{note}"
        return f"{self.lower} ≤ λ ≤ {self.value} (upper bound){condition}"


class _Zero(NamedTuple):
    """The polynomials of a face have a common zero on the torus: its order at most, and whether that is proved."""

    face: tuple[Exponent, ...]
    parts: tuple[PolyElement, ...]
    order: int
    proved: bool


class Analysis(NamedTuple):
    """The answer in the coordinates of a germ, and ``obstacles``: the polynomials of the faces that are in the way."""

    answer: LearningCoefficient
    obstacles: tuple[tuple[PolyElement, ...], ...] = ()


def analyse(germ: Germ, proved: bool, budget: Budget) -> Analysis:
    """The answer in the coordinates of a ``germ``; ``proved``: K ≥ 0 is. Orders and distances are those of Σ|f_i|.

    ``budget``: the time that is left; where it does not suffice, the answer is bounds, and says so.
    """
    scale = Fraction(1, 2) if germ.squares else Fraction(1)
    distance, codimension, entered = _entry(germ)
    bounds = _Bounds(scale / distance, codimension, _smallest(germ), "" if proved else NONNEGATIVE)
    bounds = bounds.by_rank(_rank(germ), germ)
    try:
        faces, zeros = budget.run(_zeros, germ, distance)
    except (TimeoutError, ArithmeticError) as error:
        return Analysis(bounds.answer(f"not decided: {error}"))
    complete = len(zeros) == faces
    obstacles = [zero for zero in zeros if zero.order >= distance]
    order = max((zero.order for zero in zeros), default=0)
    if complete and not any(zero.order or not zero.proved for zero in zeros):
        bounds = bounds._replace(assumes="")  # K ≥ c Σ w^α over the vertices: that is a proof of K ≥ 0 as well
    zeros = [zero for zero in zeros if zero.order]
    if complete and not obstacles:
        why = "nondegenerate: no face polynomial has a real zero off the coordinate planes"
        if order:
            why = f"the zeros of the face polynomials off the coordinate planes have order {order / scale} at most, "
            why += f"below the distance {distance / scale}"
        return Analysis(bounds.exactly(scale / distance, codimension, why))
    if complete:
        bounds = bounds.above(scale * min(1 / distance, 1 / Fraction(order)))
        if germ.squares and len(germ.generators) == 1 and order == 1 and any(zero.proved for zero in zeros):
            inside = [zero.proved for zero in zeros if set(zero.face) <= set(entered)]
            multiplicity = 1 if distance < 1 else codimension + any(inside)
            why = "K is the square of a nondegenerate f that changes its sign near the point: λ = min(1/2, 1/t)"
            if distance < 1 or any(inside) or not inside:
                return Analysis(bounds.exactly(Fraction(1, 2), multiplicity, why))
    if 1 < len(germ.generators) <= MOST_GENERATORS:
        bounds, decided = _transversal(germ, bounds, budget)
        if decided:
            return Analysis(decided)
    if not obstacles:
        return Analysis(bounds.answer(f"not decided: {faces} faces are too many"))
    shown = min(obstacles, key=lambda zero: (not zero.proved, zero.order))
    polynomial = " + ".join(f"({part.as_expr()})²" if germ.squares else f"{part.as_expr()}" for part in shown.parts)
    why = "degenerate:" if shown.proved else "not decided whether"
    why += f" the face polynomial {polynomial} has a zero off the coordinate planes of order {shown.order / scale}, "
    why += f"not below the distance {distance / scale}"
    parts = tuple(zero.parts for zero in obstacles)
    return Analysis(bounds.answer(why, tuple(tuple(f.as_expr() for f in some) for some in parts)), parts)


def _transversal(germ: Germ, bounds: "_Bounds", budget: Budget) -> tuple["_Bounds", LearningCoefficient | None]:
    """Better bounds, and the answer if they decide, where the generators meet transversally: see `intersections`."""
    half = Fraction(1, 2)
    try:
        if half * budget.run(least_value, germ, share=_SHARE) <= bounds.lower:
            return bounds, None
        found = budget.run(intersection, germ, share=_SHARE)
    except (TimeoutError, ArithmeticError):
        return bounds, None
    if found is None:
        return bounds, None
    bounds = bounds.above(half * found.value)
    if found.attained and bounds.value > bounds.lower:
        bounds = bounds._replace(value=bounds.lower, multiplicity=1)
    if bounds.value > half * found.value or (bounds.multiplicity < found.multiplicity and not found.sharp):
        return bounds, None
    why = "the generators meet transversally off the coordinate planes, and the lifted polyhedron decides"
    return bounds, bounds.exactly(bounds.value, found.multiplicity, why)


def quick_bounds(germ: Germ, proved: bool) -> LearningCoefficient:
    """Bounds by the distance, by the lowest degree and by the rank of the Hessian, without any proof of equality.

    ``germ`` and ``proved`` as in `analyse`.
    """
    distance, codimension, _ = _entry(germ)
    scale = Fraction(1, 2) if germ.squares else Fraction(1)
    bounds = _Bounds(scale / distance, codimension, _smallest(germ), "" if proved else NONNEGATIVE)
    return bounds.by_rank(_rank(germ), germ).answer("not decided: bounds by the polyhedron and the Hessian's rank only")


@lru_cache(maxsize=64)  # a search meets the same germ again
def _entry(germ: Germ) -> Meeting:
    """Where the ray of the prior enters the polyhedron of all generators."""
    return NewtonPolyhedron(m for f in germ.generators for m in f.monoms()).meet([1 + h for h in germ.prior])


@lru_cache(maxsize=64)
def _zeros(germ: Germ, distance: Fraction) -> tuple[int, list[_Zero]]:
    """How many faces need a look, and a `_Zero` for each that was looked at: fewer, if one is in the way for sure."""
    ring = germ.ring

    def wanted(face: tuple[Exponent, ...]) -> bool:
        if germ.squares:
            return any(sum(m in f for m in face) > 1 for f in germ.generators)
        return any(e % 2 for m in face for e in m) or any(sign(germ.generators[0][m], ring.domain) < 0 for m in face)

    total = sum((f**2 for f in germ.generators), ring.zero) if germ.squares else germ.generators[0]
    if len(total) <= _FEW_PRODUCTS and is_positive_below(total):
        return 0, []
    polyhedron = NewtonPolyhedron(m for f in germ.generators for m in f.monoms())
    faces, zeros = polyhedron.compact_faces(wanted), []
    for face in faces[:_MOST_FACES]:
        parts = tuple(part for f in germ.generators if (part := ring.from_dict({m: f[m] for m in face if m in f})))
        if not germ.squares and len(face) == 1:
            refuse_negative_vertex(parts[0])
        order, proved = order_of_zeros(parts, nonnegative=not germ.squares)
        zeros.append(_Zero(face, parts, order, proved))
        if not germ.squares and order == 1:
            raise NegativeLoss(f"K is negative near the point: its part {parts[0].as_expr()} has simple zeros")
        if proved and order >= distance and len(faces) > _FEW_FACES:
            break
    return len(faces), zeros


class _Bounds(NamedTuple):
    """lower ≤ λ ≤ value, with m ≥ multiplicity where λ = value, under an assumption if ``assumes`` is not empty."""

    value: Fraction
    multiplicity: int
    lower: Fraction
    assumes: str

    def above(self, lower: Fraction) -> "_Bounds":
        return self._replace(lower=max(self.lower, lower))

    def by_rank(self, rank: int, germ: Germ) -> "_Bounds":
        """With Hessian rank r, K = u_1² + … + u_r² + g in suitable coordinates, and g ≥ 0 has order 4 or more."""
        found = self.above(Fraction(rank, 2)) if min(germ.prior) >= 0 else self
        value = Fraction(rank, 2) + Fraction(germ.ring.ngens - rank, 4)
        if value < found.value and not any(germ.prior):
            found = found._replace(value=value, multiplicity=1)
        return found

    def answer(self, why: str, obstacles: tuple[tuple[sp.Expr, ...], ...] = ()) -> LearningCoefficient:
        return LearningCoefficient(self.value, self.multiplicity, self.lower, False, why, {}, obstacles, self.assumes)

    def exactly(self, value: Fraction, multiplicity: int, why: str) -> LearningCoefficient:
        exact = not self.assumes
        return LearningCoefficient(value, multiplicity, value, exact, why, {}, (), self.assumes)


def _smallest(germ: Germ) -> Fraction:
    """A lower bound of λ: the volume of |f| < ε for f of order k is at most a multiple of ε^(1/k)."""
    if min(germ.prior) < 0:
        return Fraction(0)
    return Fraction(1, (1 + germ.squares) * min(sum(m) for f in germ.generators for m in f.monoms()))


def _rank(germ: Germ) -> int:
    """The rank of K's Hessian at the point."""
    ring, d = germ.ring, germ.ring.ngens
    if germ.squares:
        rows = [
            [f.get(tuple(int(k == i) for k in range(d)), ring.domain.zero) for i in range(d)] for f in germ.generators
        ]
    else:
        f = germ.generators[0]
        rows = [
            [
                f.get(tuple(int(k == i) + int(k == j) for k in range(d)), ring.domain.zero) * (1 + (i == j))
                for i in range(d)
            ]
            for j in range(d)
        ]
    return sp.polys.matrices.DomainMatrix(rows, (len(rows), d), ring.domain).rank()
