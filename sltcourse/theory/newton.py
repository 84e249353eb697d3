"""Newton polyhedra: the learning coefficient λ and its multiplicity m of a polynomial K ≥ 0 at a point, exactly.

λ is the *real log canonical threshold* (RLCT, rlct) of K: of a cusp, a cross, a mixture, a small network; `resolve` in
`blow_up` finds it by blow-ups, `closed_forms` by the formulas known for whole families of models.

The Newton polyhedron of K = Σ c_α w^α is the convex hull of all α + R^d_{≥0} with c_α ≠ 0. The diagonal (t, …, t)
enters it at the *distance* t, in a face of codimension m. Near the point K ≤ C·Σ|w^α|, and the volume of the set
where that sum is below ε is known. So always

    V(ε) ≥ c·ε^λ (−log ε)^(m−1)   with λ = 1/t:   the polyhedron gives an *upper bound* of λ.

It gives λ and m exactly where K ≥ c·Σ|w^α| as well, that is where the polynomials K_γ of the compact faces γ (the
terms of K with α in γ) have no real zero off the coordinate planes: K is *nondegenerate*. For K ≥ 0 a zero of K_γ is a
zero of its gradient, so this is Varchenko's condition. Zeros do no harm while their order is smaller than t: on the
toric blow-up a zero of order o gives no pole to the right of −1/o. So with o the largest order of such a zero

    min(1/t, 1/o) ≤ λ ≤ 1/t,   and λ = 1/t with multiplicity m if o < t.

A prior φ(w) ∝ Π|w_j|^{h_j} turns the diagonal into the ray through 1 + h. For a sum of squares K = Σ f_i² all this can
be read off the ideal ⟨f_1, …, f_r⟩ instead: its polyhedron is half as large, and *λ of K is half the RLCT* of it. What
counts then are the common zeros of the face polynomials (f_i)_γ.

Sources: A. Varchenko, Newton polyhedra and estimation of oscillating integrals, Funct. Anal. Appl. 10 (1976) 175–196;
M. Greenblatt, Oscillatory integral decay, sublevel set growth, and the Newton polyhedron, arXiv:0804.1579 (order of
the zeros against the distance); S. Lin, Ideal-theoretic strategies for asymptotic approximation of marginal likelihood
integrals, arXiv:1003.5338 (ideals, sums of squares, the prior); S. Watanabe, Algebraic Geometry and Statistical
Learning Theory, Cambridge 2009 (λ, m and V(ε)).
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import sympy as sp
from sympy.polys.rings import PolyElement

from sltcourse.kit.progress import progress
from sltcourse.theory.faces import order_of_zeros
from sltcourse.theory.germ import Germ, Point, Polynomials, Prior, simplified
from sltcourse.theory.germ import germ as germ_of
from sltcourse.theory.limits import Budget
from sltcourse.theory.polyhedron import NewtonPolyhedron
from sltcourse.theory.real_zeros import by_power, factors, insert, sign, used
from sltcourse.theory.signs import NegativeLoss, is_nonnegative, is_positive_below, lowest_form, refuse_negative_vertex

SECONDS = 5.0  # the longest that `learning_coefficient` and `search_coordinates` think, if not told otherwise
_CHANGES = 30  # changes of coordinates that a search looks at
_FEW_TERMS, _FEW_VARIABLES = 8, 4  # a polynomial with more of both is not factored in that search
_FEW_FACES, _MOST_FACES = 60, 120  # with more than a few, the first zero that is in the way ends the test
_FEW_PRODUCTS = 500  # a sum of squares with more terms is not looked at as a whole
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


def learning_coefficient(
    K: Polynomials,
    variables: Sequence[sp.Symbol],
    point: Point = None,
    prior: Prior = None,
    *,
    seconds: float = SECONDS,
) -> LearningCoefficient:
    """The learning coefficient λ (real log canonical threshold, RLCT) and multiplicity m of K at a point.

    Both are read off the Newton polyhedron in the given coordinates: a `LearningCoefficient`. `search_coordinates`
    tries more.

    Parameters
    ----------
    K : sympy polynomial with K ≥ 0 near the point and K = 0 there; or a list [f_1, …, f_r], which means K = Σ f_i²
        (only their ideal matters; λ is half its RLCT). Coefficients are rational, or real algebraic numbers such as
        sqrt(2); no floats.
    variables : the parameters w, a list of d ≤ 20 sympy symbols. All of them count, also those K does not contain.
    point : {symbol: exact number}, or the numbers in the order of ``variables``; the origin if left out.
    prior : {symbol: h}, rationals h > −1, for φ(w) ∝ Π|w|^h near the point; flat and positive if left out.
    seconds : of processor time, after which it says what is known by then.

    Raises TypeError for what is no symbol, polynomial or exact number (text is not evaluated); ValueError for unknown
    symbols, too many variables or monomials, K ≠ 0 at the point, and K < 0 near it; TimeoutError if the time does not
    suffice to read K. Of a K that is not written as a sum of squares, K ≥ 0 is proved, or refuted by a curve on which K
    is negative (`signs`); where neither succeeds, the answer is not called exact, and ``assumes`` says so.
    """
    budget = Budget(seconds)
    germ = budget.run(_read, K, variables, point, prior)
    return _analyse(germ, _proved_nonnegative(germ, budget), budget).answer


def search_coordinates(
    K: Polynomials,
    variables: Sequence[sp.Symbol],
    point: Point = None,
    prior: Prior = None,
    *,
    seconds: float = SECONDS,
) -> LearningCoefficient:
    """Like `learning_coefficient`, λ (RLCT) and m, but where the given coordinates are degenerate others are tried.

    Where c + s·w_j vanishes at the point, with s ≠ 0 and c, s free of w_j, it may be taken as a coordinate in place of
    w_j: w1 − w2 (a linear change) as well as w2 − w1². Tried are the factors of the f_i and of the face polynomials
    that are the obstacle. λ does not depend on the coordinates, so all bounds found on the way hold at once. Parameters
    with a prior that is not flat are not replaced. Returns the best answer; it has ``coordinates``. Arguments and
    errors are those of `learning_coefficient`.
    """
    budget = Budget(seconds)
    start = budget.run(_read, K, variables, point, prior)
    proved = _proved_nonnegative(start, budget)
    best, queue, seen, count = None, [(0, 0, 0, start, {}, None)], set(), itertools.count(1)
    try:
        for _ in progress(range(_CHANGES), "changes of coordinates"):
            if not queue or (best and best.exact):
                break
            *_, germ, before, last = heapq.heappop(queue)
            coordinates = _composed(before, last) if last else before
            found = _analyse(germ, proved, budget)
            answer = replace(found.answer, coordinates=coordinates)
            best = _combine(best, answer) if best else answer
            for change, moved in budget.run(_moved, germ, found.obstacles):
                key = frozenset(f.monic() for f in moved.generators)
                size = _terms(moved)
                if key not in seen and _degree(moved) <= 2 * _degree(start) and size <= 2 * _terms(start) + 20:
                    seen.add(key)
                    heapq.heappush(queue, (answer.value, size, next(count), moved, coordinates, change))
    except TimeoutError as stopped:
        if best is None:
            raise
        best = best if best.exact else replace(best, why=f"the search was {stopped}: {best.why}")
    except KeyboardInterrupt:
        if best is None:
            raise
        best = replace(best, why=f"partial, the search was interrupted: {best.why}")
    return best


def _read(K: Polynomials, variables: Sequence[sp.Symbol], point: Point, prior: Prior) -> Germ:
    return simplified(germ_of(K, variables, point, prior, sums=True))


def _proved_nonnegative(germ: Germ, budget: Budget) -> bool:
    """Is K ≥ 0 near 0 proved? Raises ValueError where it is refuted."""
    if germ.squares:
        return True
    try:
        return bool(budget.run(is_nonnegative, germ.generators[0], share=0.5))
    except TimeoutError:
        return False


class _Zero(NamedTuple):
    """The polynomials of a face have a common zero on the torus: its order at most, and whether that is proved."""

    face: tuple[tuple[int, ...], ...]
    parts: tuple[PolyElement, ...]
    order: int
    proved: bool


class _Analysis(NamedTuple):
    """The answer in the coordinates of a germ, and the polynomials of the faces that are in the way."""

    answer: LearningCoefficient
    obstacles: tuple[tuple[PolyElement, ...], ...] = ()


def _analyse(germ: Germ, proved: bool, budget: Budget) -> _Analysis:
    """The answer in the coordinates of a germ; ``proved``: K ≥ 0 is. Orders and distances are those of Σ|f_i|."""
    scale = Fraction(1, 2) if germ.squares else Fraction(1)
    polyhedron = NewtonPolyhedron(m for f in germ.generators for m in f.monoms())
    distance, codimension, entered = polyhedron.meet([1 + h for h in germ.prior])
    bounds = _Bounds(scale / distance, codimension, _smallest(germ), "" if proved else NONNEGATIVE)
    bounds = bounds.by_rank(_rank(germ), germ)
    try:
        faces, zeros = budget.run(_zeros, germ, polyhedron, distance)
    except (TimeoutError, ArithmeticError) as error:
        return _Analysis(bounds.answer(f"not decided: {error}"))
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
        return _Analysis(bounds.exactly(scale / distance, codimension, why))
    if complete:
        bounds = bounds.above(scale * min(1 / distance, 1 / Fraction(order)))
        if germ.squares and len(germ.generators) == 1 and order == 1 and any(zero.proved for zero in zeros):
            inside = [zero.proved for zero in zeros if set(zero.face) <= set(entered)]
            multiplicity = 1 if distance < 1 else codimension + any(inside)
            why = "K is the square of a nondegenerate f that changes its sign near the point: λ = min(1/2, 1/t)"
            if distance < 1 or any(inside) or not inside:
                return _Analysis(bounds.exactly(Fraction(1, 2), multiplicity, why))
    if not obstacles:
        return _Analysis(bounds.answer(f"not decided: {faces} faces are too many"))
    shown = min(obstacles, key=lambda zero: (not zero.proved, zero.order))
    polynomial = " + ".join(f"({part.as_expr()})²" if germ.squares else f"{part.as_expr()}" for part in shown.parts)
    why = "degenerate:" if shown.proved else "not decided whether"
    why += f" the face polynomial {polynomial} has a zero off the coordinate planes of order {shown.order / scale}, "
    why += f"not below the distance {distance / scale}"
    parts = tuple(zero.parts for zero in obstacles)
    return _Analysis(bounds.answer(why, tuple(tuple(f.as_expr() for f in some) for some in parts)), parts)


def _zeros(germ: Germ, polyhedron: NewtonPolyhedron, distance: Fraction) -> tuple[int, list[_Zero]]:
    """How many faces need a look, and a `_Zero` for each that was looked at: fewer, if one is in the way for sure."""
    ring = germ.ring

    def wanted(face: tuple) -> bool:
        if germ.squares:
            return any(sum(m in f for m in face) > 1 for f in germ.generators)
        return any(e % 2 for m in face for e in m) or any(sign(germ.generators[0][m], ring.domain) < 0 for m in face)

    total = sum((f**2 for f in germ.generators), ring.zero) if germ.squares else germ.generators[0]
    if len(total) <= _FEW_PRODUCTS and is_positive_below(total):
        return 0, []
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

    def answer(self, why: str, obstacles: tuple = ()) -> LearningCoefficient:
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


# ---------------------------------------------------------------------------- changes of coordinates


def _moved(germ: Germ, obstacles: tuple) -> list[tuple[tuple, Germ]]:
    return [(change, _change(germ, change)) for change in _changes(germ, obstacles)]


def _changes(germ: Germ, obstacles: tuple) -> Iterator[tuple]:
    """(i, c, s) such that c + s·w_i vanishes at 0, with s > 0 there, and may be worth taking for w_i."""
    ring = germ.ring
    forms = [part for parts in obstacles for part in parts] + [lowest_form(f) for f in germ.generators]
    if not germ.squares:  # where a form ≥ 0 vanishes, so does its gradient
        forms += [form.diff(x) for form in forms for x in ring.gens]
    candidates = [f for f in (*germ.generators, *forms) if len(f) <= _FEW_TERMS or len(used(f)) <= _FEW_VARIABLES]
    origin = (0,) * ring.ngens
    for factor in dict.fromkeys(g for f in candidates if f for g in sorted(factors(f), key=str)):
        for i, x in enumerate(ring.gens):
            if germ.prior[i] == 0 and factor.degree(x) == 1:
                c, s = by_power(factor, i)
                if c and origin in s and origin not in c:
                    yield (i, c, s) if sign(s[origin], ring.domain) > 0 else (i, -c, -s)


def _change(germ: Germ, change: tuple) -> Germ:
    """The germ after w_i → (w_i − c)/s; powers of s, which is positive near 0, are dropped."""
    i, c, s = change
    moved = germ._replace(generators=tuple(insert(f, i, f.ring.gens[i] - c, s) for f in germ.generators))
    return simplified(moved)


def _composed(coordinates: dict, change: tuple) -> dict:
    """The original w in the new coordinates."""
    i, c, s = change
    symbols = c.ring.symbols
    step = {symbols[i]: (symbols[i] - c.as_expr()) / s.as_expr()}
    return {w: sp.cancel(e.subs(step)) for w, e in (coordinates or {w: w for w in symbols}).items()}


def _degree(germ: Germ) -> int:
    return max(sum(m) for f in germ.generators for m in f.monoms())


def _terms(germ: Germ) -> int:
    return sum(map(len, germ.generators))


def _combine(best: LearningCoefficient, other: LearningCoefficient) -> LearningCoefficient:
    """What two answers in different coordinates prove together; the coordinates are those of the better one."""
    first = min(best, other, key=lambda answer: (not answer.exact, answer.value, -answer.multiplicity, -answer.lower))
    return replace(first, lower=max(best.lower, other.lower))
