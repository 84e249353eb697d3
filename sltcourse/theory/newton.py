"""Newton polyhedra: the learning coefficient λ and its multiplicity m of a polynomial K ≥ 0 at a point, exactly.

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
be read off the ideal ⟨f_1, …, f_r⟩ instead: its polyhedron is half as large, and *λ of K is half its real log canonical
threshold* (RLCT). What counts then are the common zeros of the face polynomials (f_i)_γ.

Sources: A. Varchenko, Newton polyhedra and estimation of oscillating integrals, Funct. Anal. Appl. 10 (1976) 175–196;
M. Greenblatt, Oscillatory integral decay, sublevel set growth, and the Newton polyhedron, arXiv:0804.1579 (order of
the zeros against the distance); S. Lin, Ideal-theoretic strategies for asymptotic approximation of marginal likelihood
integrals, arXiv:1003.5338 (ideals, sums of squares, the prior); S. Watanabe, Algebraic Geometry and Statistical
Learning Theory, Cambridge 2009 (λ, m and V(ε)).
"""

import heapq
import itertools
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import sympy as sp

from sltcourse.kit.progress import progress
from sltcourse.theory.germ import germ as germ_of
from sltcourse.theory.germ import refuse_negative, simplified
from sltcourse.theory.polyhedron import NewtonPolyhedron
from sltcourse.theory.real_zeros import by_power, factors, has_real_zero, insert, sign, used

_CHANGES = 30  # changes of coordinates that a search looks at
_FEW_TERMS, _FEW_VARIABLES = 8, 4  # a polynomial with more of both is not factored in that search
_FEW_FACES, _MOST_FACES = 60, 120  # with more than a few, the first zero that is in the way ends the test


@dataclass(frozen=True)
class LearningCoefficient:
    """What is proved about λ and m of K at a point.

    value, multiplicity : λ and m, if ``exact``. If not, λ ≤ value, and where λ = value the true m is ≥ multiplicity.
    lower : a proved lower bound of λ, so that λ is exact, though perhaps not m, where it equals ``value``.
    exact : True if both λ and m are proved.
    why : one sentence that says what decided.
    coordinates : {w: expression in the new coordinates, which bear the old names}, if they were changed; else empty.
    obstacles : the face polynomials (tuples of (f_i)_γ for a sum of squares) with zeros that stop the proof.
    """

    value: Fraction
    multiplicity: int
    lower: Fraction
    exact: bool
    why: str
    coordinates: dict
    obstacles: tuple

    def __str__(self):
        if self.exact:
            return f"λ = {self.value}, m = {self.multiplicity} (exact)"
        if self.lower == self.value:
            return f"λ = {self.value}, m ≥ {self.multiplicity} (λ exact, m a lower bound)"
        return f"{self.lower} ≤ λ ≤ {self.value} (upper bound)"


def learning_coefficient(K, variables, point=None, prior=None):
    """λ and m of K at a point, read off the Newton polyhedron in the given coordinates: a `LearningCoefficient`.

    Parameters
    ----------
    K : sympy polynomial with K ≥ 0 near the point and K = 0 there; or a list [f_1, …, f_r], which means K = Σ f_i²
        (only their ideal matters; λ is half its RLCT). Coefficients are rational, or real algebraic numbers such as
        sqrt(2); no floats.
    variables : the parameters w, a list of d ≤ 20 sympy symbols. All of them count, also those K does not contain.
    point : {symbol: exact number}, or the numbers in the order of ``variables``; the origin if left out.
    prior : {symbol: h}, rationals h > −1, for φ(w) ∝ Π|w|^h near the point; flat and positive if left out.

    Raises TypeError for what is no symbol, polynomial or exact number; ValueError for unknown symbols, too many
    variables or monomials, K ≠ 0 at the point, and K < 0 near it. A negative value is looked for, with proof when it
    is found, along curves w_j = c_j s^a_j; none found is no proof of K ≥ 0, which is then taken on trust (write K as a
    square or as a list where that is possible).
    """
    return _analyse(simplified(germ_of(K, variables, point, prior)))


def search_coordinates(K, variables, point=None, prior=None):
    """Like `learning_coefficient`, but where the given coordinates are degenerate others are tried.

    Where c + s·w_j vanishes at the point, with s ≠ 0 and c, s free of w_j, it may be taken as a coordinate in place of
    w_j: w1 − w2 (a linear change) as well as w2 − w1². Tried are the factors of the f_i and of the face polynomials
    that are the obstacle. λ does not depend on the coordinates, so all bounds found on the way hold at once. Parameters
    with a prior that is not flat are not replaced. Returns the best answer; it has ``coordinates``.
    """
    start = simplified(germ_of(K, variables, point, prior))
    best, queue, seen, count = None, [(0, 0, 0, start, {}, None)], set(), itertools.count(1)
    try:
        for _ in progress(range(_CHANGES), "changes of coordinates"):
            if not queue or (best and best.exact):
                break
            *_, germ, before, last = heapq.heappop(queue)
            coordinates = _composed(before, last) if last else before
            answer = replace(_analyse(germ), coordinates=coordinates)
            best = _combine(best, answer) if best else answer
            for change in _changes(germ, answer.obstacles):
                moved = _change(germ, change)
                key = frozenset(f.monic() for f in moved.generators)
                size = _terms(moved)
                if key not in seen and _degree(moved) <= 2 * _degree(start) and size <= 2 * _terms(start) + 20:
                    seen.add(key)
                    heapq.heappush(queue, (answer.value, size, next(count), moved, coordinates, change))
    except KeyboardInterrupt:
        if best is None:
            raise
        best = replace(best, why=f"partial, the search was interrupted: {best.why}")
    return best


class _Zero(NamedTuple):
    """The polynomials of a face have a common zero on the torus: its order at most, and whether that is proved."""

    face: tuple
    parts: tuple
    order: int
    proved: bool


def _analyse(germ):
    """The answer in the coordinates of a germ. Orders and distances are those of Σ|f_i| until the end."""
    ring, scale = germ.ring, Fraction(1, 2) if germ.squares else Fraction(1)
    polyhedron = NewtonPolyhedron(m for f in germ.generators for m in f.monoms())
    distance, codimension, entered = polyhedron.meet([1 + h for h in germ.prior])
    if not germ.squares:
        refuse_negative(germ.generators[0])
    multiplicity = min(sum(m) for f in germ.generators for m in f.monoms())
    lower = scale / multiplicity if min(germ.prior) >= 0 else Fraction(0)  # the volume of |f| < ε for f of order k

    def wanted(face):
        if germ.squares:
            return any(sum(m in f for m in face) > 1 for f in germ.generators)
        return any(e % 2 for m in face for e in m) or any(sign(germ.generators[0][m], ring.domain) < 0 for m in face)

    def answer(bound, multiplicity, lower, exact, why, obstacles=()):
        return LearningCoefficient(bound, multiplicity, lower, exact, why, {}, tuple(zero.parts for zero in obstacles))

    try:
        faces = polyhedron.compact_faces(wanted)
    except ArithmeticError as error:
        return answer(scale / distance, codimension, lower, False, f"not decided: {error}")
    zeros, complete = [], len(faces) <= _MOST_FACES
    for face in faces[:_MOST_FACES]:
        parts = tuple(part for f in germ.generators if (part := ring.from_dict({m: f[m] for m in face if m in f})))
        order, proved = _order(parts, nonnegative=not germ.squares)
        if not germ.squares and (order or len(face) == 1):
            refuse_negative(parts[0], [[0] * ring.ngens])
        if order:
            zeros.append(_Zero(face, parts, order, proved))
        if proved and order >= distance and len(faces) > _FEW_FACES:
            complete = False
            break
    obstacles = [zero for zero in zeros if zero.order >= distance]
    order = max((zero.order for zero in zeros), default=0)
    if complete and not obstacles:
        why = "nondegenerate: no face polynomial has a real zero off the coordinate planes"
        if order:
            why = f"the zeros of the face polynomials off the coordinate planes have order {order / scale} at most, "
            why += f"below the distance {distance / scale}"
        return answer(scale / distance, codimension, scale / distance, True, why)
    if complete:
        lower = max(lower, scale * min(1 / distance, 1 / Fraction(order)))
        if germ.squares and len(germ.generators) == 1 and order == 1 and any(zero.proved for zero in zeros):
            inside = [zero.proved for zero in zeros if set(zero.face) <= set(entered)]
            multiplicity = 1 if distance < 1 else codimension + any(inside)
            why = "K is the square of a nondegenerate f that changes its sign near the point: λ = min(1/2, 1/t)"
            if distance < 1 or any(inside) or not inside:
                return answer(Fraction(1, 2), multiplicity, Fraction(1, 2), True, why)
    if not obstacles:
        return answer(scale / distance, codimension, lower, False, f"not decided: {len(faces)} faces are too many")
    shown = min(obstacles, key=lambda zero: (not zero.proved, zero.order))
    polynomial = " + ".join(f"({part.as_expr()})²" if germ.squares else f"{part.as_expr()}" for part in shown.parts)
    why = "degenerate:" if shown.proved else "not decided whether"
    why += f" the face polynomial {polynomial} has a zero off the coordinate planes of order {shown.order / scale}, "
    why += f"not below the distance {distance / scale}"
    return answer(scale / distance, codimension, lower, False, why, obstacles)


# ------------------------------------------------------------- zeros of face polynomials, and their order


def _order(parts, nonnegative):
    """(o, proved): no common zero of the polynomials ``parts`` of a face, on the torus (R∖0)^d, has an order above o
    (if o = 0 there is none); ``proved`` says whether there is one of that order.

    ``nonnegative``: the only part is ≥ 0 on the torus, so that the orders are even.
    """
    if has_real_zero(parts, parts[0].ring.gens) is False:
        return 0, True
    parts, proved = _torus_coordinates(parts), True
    for j in itertools.chain([0], itertools.count(1, 1 + nonnegative)):
        verdict = has_real_zero([g for f in parts for g in _jet(f, j)], parts[0].ring.gens)
        if verdict is False:
            return j - (nonnegative and j > 0), proved
        proved &= bool(verdict)


def _torus_coordinates(parts):
    """The polynomials of a face in as few variables y_i = w^b_i as they need, up to monomial factors.

    Integer column operations bring the differences of the exponents to echelon form: an automorphism of the torus.
    """
    monomials = [f.monoms() for f in parts]
    rows = [[x - y for x, y in zip(m, ms[0], strict=True)] for ms in monomials for m in ms]
    columns, done = [list(column) for column in zip(*rows, strict=True)], 0
    for r in range(len(rows)):
        while len(live := [k for k in range(done, len(columns)) if columns[k][r]]) > 1:
            pivot = min(live, key=lambda k: abs(columns[k][r]))
            for k in live:
                if k != pivot:
                    times = columns[k][r] // columns[pivot][r]
                    columns[k] = [x - times * y for x, y in zip(columns[k], columns[pivot], strict=True)]
        if live:
            columns[done], columns[live[0]] = columns[live[0]], columns[done]
            done += 1
    done = max(done, 1)
    torus = sp.ring([f"y{i + 1}" for i in range(done)], parts[0].ring.domain)[0]
    exponents, moved = zip(*columns[:done], strict=True), []
    for f, ms in zip(parts, monomials, strict=True):
        here = list(itertools.islice(exponents, len(ms)))
        least = list(map(min, zip(*here, strict=True)))
        shifted = [tuple(x - y for x, y in zip(e, least, strict=True)) for e in here]
        moved.append(torus.from_dict({e: f[m] for e, m in zip(shifted, ms, strict=True)}))
    return moved


def _jet(f, order):
    """Polynomials whose common zeros on the torus are the zeros of f of an order above ``order``.

    They span all (y_i ∂_i)(y_j ∂_j)… f with up to ``order`` derivatives, and are brought to row echelon form.
    """
    if order == 0:
        return [f]
    monomials = f.monoms()
    products = itertools.combinations_with_replacement([None, *range(f.ring.ngens)], order)
    rows = [[c * sp.prod(m[i] for i in product if i is not None) for m, c in f.terms()] for product in products]
    rows = [[f.ring.domain.convert(x) for x in row] for row in rows]
    echelon, pivots = sp.polys.matrices.DomainMatrix(rows, (len(rows), len(monomials)), f.ring.domain).rref()
    kept = echelon.to_list()[: len(pivots)]
    return [f.ring.from_dict({m: c for m, c in zip(monomials, row, strict=True) if c}) for row in kept]


# ---------------------------------------------------------------------------- changes of coordinates


def _changes(germ, obstacles):
    """(i, c, s) such that c + s·w_i vanishes at 0, with s > 0 there, and may be worth taking for w_i."""
    ring = germ.ring
    forms = [part for parts in obstacles for part in parts] + [_lowest_form(f) for f in germ.generators]
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


def _change(germ, change):
    """The germ after w_i → (w_i − c)/s; powers of s, which is positive near 0, are dropped."""
    i, c, s = change
    moved = germ._replace(generators=tuple(insert(f, i, f.ring.gens[i] - c, s) for f in germ.generators))
    return simplified(moved)


def _composed(coordinates, change):
    """The original w in the new coordinates."""
    i, c, s = change
    symbols = c.ring.symbols
    step = {symbols[i]: (symbols[i] - c.as_expr()) / s.as_expr()}
    return {w: sp.cancel(e.subs(step)) for w, e in (coordinates or {w: w for w in symbols}).items()}


def _lowest_form(f):
    """The homogeneous part of f of lowest degree."""
    least = min(map(sum, f.monoms()))
    return f.ring.from_dict({m: c for m, c in f.terms() if sum(m) == least})


def _degree(germ):
    return max(sum(m) for f in germ.generators for m in f.monoms())


def _terms(germ):
    return sum(map(len, germ.generators))


def _combine(best, other):
    """What two answers in different coordinates prove together; the coordinates are those of the better one."""
    first = min(best, other, key=lambda answer: (not answer.exact, answer.value, -answer.multiplicity, -answer.lower))
    return replace(first, lower=max(best.lower, other.lower))
