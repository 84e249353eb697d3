"""Is a polynomial K ≥ 0 near a point where it is 0? Proved, refuted by a curve on which it is negative, or undecided.

K(w) = L(w) − L(w₀) is ≥ 0 near a minimum, and all that is proved about λ rests on that. `is_nonnegative` decides it by

- what the powers of K's factors say: only the factors of odd power can change the sign;
- the lowest form of K and the polynomials K_γ of its Newton polyhedron's faces: if one is negative somewhere, K is
  negative along a curve w_j = c_j s^a_j. The quadratic part is decided exactly (LDLᵀ); elsewhere a negative point is
  looked for numerically, and kept where its exact value is negative;
- the same polyhedron: if all K_γ are > 0 off the coordinate planes, then K ≥ c·Σ w^α ≥ 0 over the vertices α;
- completing the square, K = a x² + b x + c = a(x + b/2a)² + (4ac − b²)/4a, in each variable of degree two.

Sources: Varchenko 1976 and Greenblatt 2008, as in `newton`; W. Kahan's remark that LDLᵀ needs no square roots.
"""

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import minimize
from sympy.polys.rings import PolyElement

from sltcourse.theory.faces import has_torus_zero
from sltcourse.theory.limits import within
from sltcourse.theory.polyhedron import Exponent, NewtonPolyhedron
from sltcourse.theory.real_zeros import by_power, grouped, insert, sign, terms_of, used, value
from sltcourse.theory.sums_of_squares import is_positive

_SECONDS = 2.0  # for one call of sympy's gcd
_MOST_FACES, _MOST_FORMS, _MOST_TERMS, _DEPTH = 120, 12, 300, 6
_POINTS, _STARTS = 400, 12  # where a form is looked at, and from where a minimum is sought

_Coordinates = list[Any]
"""A point: numbers of the field of the coefficients, one for each variable."""


class NegativeLoss(ValueError):
    """K is negative in every neighbourhood of the point."""


def is_nonnegative(f: PolyElement, depth: int = _DEPTH) -> bool | None:
    """True if f ≥ 0 near 0 is proved, None if it is not decided; f is 0 at 0.

    Raises NegativeLoss, a ValueError, if f takes negative values in every neighbourhood of 0, with the curve on which
    it does.
    """
    if not f or is_positive_below(f := _in_used(f)):
        return True
    _refuse_lowest(f)
    f = _odd_part(f)
    if f.is_ground:
        if sign(f.LC, f.ring.domain) > 0:
            return True
        raise NegativeLoss("K is negative near the point: −K is a square times a positive function there")
    if len(parts := grouped(terms_of(f))) > 1:  # they share no variable: f ≥ 0 if and only if all of them are
        return all([is_nonnegative(sum(terms, f.ring.zero), depth) for terms in parts]) or None
    rank = _refuse_lowest(f)
    if rank == f.ring.ngens or is_positive_below(f) or _is_definite(lowest_form(f)) or is_positive(f):
        return True
    verdict = _by_faces(f)
    if verdict or depth == 0:
        return verdict
    return _by_squares(f, depth) or _by_shear(f, depth)


def lowest_form(f: PolyElement) -> PolyElement:
    """The homogeneous part of f of lowest degree."""
    least = min(map(sum, f.monoms()))
    return f.ring.from_dict({m: c for m, c in f.terms() if sum(m) == least})


def is_positive_below(f: PolyElement) -> bool:
    """True if all K_γ of f's Newton polyhedron are proved to be positive off the coordinate planes: so is f, near 0.

    The terms of f that may lie on compact faces are mᵀ G m with a positive definite G, and K_γ belongs to a block of G.
    """
    return is_positive(f.ring.from_dict({m: f[m] for m in NewtonPolyhedron(f.monoms()).exponents}))


def _is_definite(form: PolyElement) -> bool:
    """True if the form is proved > 0 but at 0."""
    degree, d = sum(form.monoms()[0]), form.ring.ngens
    return all(tuple(degree * int(k == i) for k in range(d)) in form for i in range(d)) and is_positive(form)


def _refuse_lowest(f: PolyElement) -> int:
    """The rank of f's quadratic part; refuses f if its form of lowest degree is negative somewhere."""
    lowest = lowest_form(f)
    if sum(lowest.monoms()[0]) % 2:
        _refuse(lowest, nonzero_point(lowest, negative=True))
    rank = _refuse_negative_square(f)
    if not rank and (point := negative_point(lowest)):
        _refuse(lowest, point)
    return rank


def _odd_part(f: PolyElement) -> PolyElement:
    """The product of the factors of odd power that vanish at 0, with the sign of all that is left out."""
    f = _in_used(f)
    if f.is_ground:
        return f
    ring, origin = f.ring, (0,) * f.ring.ngens
    lowest = [min(column) for column in zip(*f.monoms(), strict=True)]
    even = [e - e % 2 for e in lowest]
    f = ring.from_dict({tuple(a - b for a, b in zip(m, even, strict=True)): c for m, c in f.terms()})
    try:
        constant, parts = within(_SECONDS, f.sqf_list)
    except TimeoutError:
        return f
    result = ring.one * sign(constant, ring.domain)
    for g, power in parts:
        if power % 2:
            result *= g if origin not in g else sign(g[origin], ring.domain)
    return _in_used(result)


def _in_used(f: PolyElement) -> PolyElement:
    """f in a ring of the variables that occur in it (one of them at least)."""
    kept = used(f) or [0]
    if len(kept) == f.ring.ngens:
        return f
    ring = sp.ring([f.ring.symbols[i] for i in kept], f.ring.domain)[0]
    return ring.from_dict({tuple(m[i] for i in kept): c for m, c in f.terms()})


def _positive_terms(f: PolyElement) -> bool:
    return all(sign(c, f.ring.domain) > 0 and not any(e % 2 for e in m) for m, c in f.terms())


# --------------------------------------------------------------------------------- curves on which f is negative


def _refuse(form: PolyElement, point: Sequence[Any]) -> None:
    at = ", ".join(f"{x} = {c}" for x, c in zip(form.ring.symbols, point, strict=True))
    shown = str(form.as_expr())
    raise NegativeLoss(
        f"K is negative near the point: its part {shown if len(shown) < 300 else shown[:300] + ' …'} is negative at "
        f"{at}. K(w) = L(w) − L(w₀) is ≥ 0 near a minimum; if W ends there (w ≥ 0), put w = u² and the prior |u|"
    )


def _refuse_negative_square(f: PolyElement) -> int:
    """The rank of f's quadratic part, by LDLᵀ; refuses f if that part is negative somewhere."""
    ring, d = f.ring, f.ring.ngens
    form = ring.from_dict({m: c for m, c in f.terms() if sum(m) == 2})
    if not form or min(map(sum, f.monoms())) < 2:
        return 0
    rest, directions, rank = form, list(ring.gens), 0
    for i, x in enumerate(ring.gens):
        square = rest.get(tuple(2 * int(k == i) for k in range(d)), ring.domain.zero)
        linear = by_power(rest, i)[1] if rest and rest.degree(x) > 0 else ring.zero
        if square == 0 and not linear:
            continue
        if square == 0:  # x·(linear) + …: two points with opposite values of x
            _refuse(form, _negative_of_saddle(form, directions, i, linear))
        if sign(square, ring.domain) < 0:
            axis = [ring.domain(int(k == i)) for k in range(d)]
            _refuse(form, [value(g, axis) for g in directions])
        shift = linear * (-ring.domain.one / (ring.domain(2) * square))
        rest = insert(rest, i, x + shift, ring.one)
        rest = ring.from_dict({m: c for m, c in rest.terms() if not m[i]})
        directions = [insert(g, i, x + shift, ring.one) for g in directions]
        rank += 1
    return rank


def _negative_of_saddle(form: PolyElement, directions: list[PolyElement], i: int, linear: PolyElement) -> _Coordinates:
    """A point where the form is negative, in the given coordinates: x_i·(linear) + (no x_i) with linear ≠ 0."""
    ring = form.ring
    other = next(k for k in range(ring.ngens) if linear.degree(ring.gens[k]) > 0)
    for size in range(40):
        for s in (-1, 1):
            at = [ring.domain.zero] * ring.ngens
            at[other], at[i] = ring.domain.one, ring.domain(s * 4**size)
            point = [value(g, at) if g else ring.domain.zero for g in directions]
            if sign(value(form, point), ring.domain) < 0:
                return point
    raise AssertionError("an indefinite form has a negative value")


def nonzero_point(form: PolyElement, negative: bool = False) -> _Coordinates:
    """A point with whole coordinates and form ≠ 0; if ``negative``, for a form of odd degree, one with form < 0."""
    rng, domain, size = random.Random(0), form.ring.domain, 3
    while True:
        point = [domain(rng.randint(-size, size)) for _ in form.ring.gens]
        at = sign(value(form, point), domain)
        if at:
            return [-x for x in point] if negative and at > 0 else point
        size += 1


def negative_point(form: PolyElement) -> _Coordinates | None:
    """A rational point with form < 0, exactly, or None if none was found by minimisation from many starts."""
    if _positive_terms(form):
        return None
    ring, domain = form.ring, form.ring.domain
    exponents = np.array(form.monoms(), float)
    coefficients = np.array([float(domain.to_sympy(c)) for c in form.coeffs()])
    scale = np.abs(coefficients).max()
    if not np.isfinite(scale) or scale == 0:
        return None
    coefficients = coefficients / scale

    def at(w: np.ndarray) -> np.ndarray:
        return np.prod(w[..., None, :] ** exponents, -1) @ coefficients

    def on_sphere(w: np.ndarray) -> tuple[float, np.ndarray]:
        radius = max(np.linalg.norm(w), 1e-9)
        unit = w / radius
        powers = unit ** np.maximum(exponents, 0)
        slopes = exponents * unit ** np.maximum(exponents - 1, 0)
        gradient = np.array(
            [coefficients @ (slopes[:, i] * np.prod(np.delete(powers, i, 1), 1)) for i in range(len(w))]
        )
        return float(np.prod(powers, 1) @ coefficients), (gradient - unit * (unit @ gradient)) / radius

    rng = np.random.default_rng(0)
    whole = rng.choice([-3, -2, -1, 1, 2, 3], (_POINTS, ring.ngens))
    points = np.concatenate([whole, rng.normal(size=whole.shape)])
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    heights = at(units)
    order = np.argsort(heights)
    for k in order[:3]:
        if heights[k] < 0 and (found := _exact(form, points[k])):
            return found
    for k in order[:_STARTS]:
        best = minimize(on_sphere, units[k], jac=True, method="BFGS", options={"maxiter": 200, "gtol": 1e-13})
        if best.fun < 1e-10 and (found := _exact(form, best.x / np.abs(best.x).max())):
            return found
    return None


def _exact(form: PolyElement, point: np.ndarray) -> _Coordinates | None:
    """The point in simple fractions, if the form is negative there."""
    domain = form.ring.domain
    for size in (1, 10, 100, 10_000, 10**6, 10**9, 10**15):
        fractions = [Fraction(float(x)).limit_denominator(size) for x in point]
        exact = [domain.from_sympy(sp.Rational(x.numerator, x.denominator)) for x in fractions]
        if sign(value(form, exact), domain) < 0:
            return exact
    return None


# --------------------------------------------------------------------------------------- proofs, by reduction


def _by_faces(f: PolyElement) -> bool | None:
    """True if all K_γ are positive on the torus, None if not; refuses f if some K_γ is negative somewhere."""
    ring = f.ring
    polyhedron = NewtonPolyhedron(f.monoms())

    def wanted(face: Iterable[Exponent]) -> bool:
        return any(e % 2 for m in face for e in m) or any(sign(f[m], ring.domain) < 0 for m in face)

    try:
        faces = polyhedron.compact_faces(wanted)
    except ArithmeticError:
        faces = None
    for face in faces or ():
        if len(face) == 1:
            refuse_negative_vertex(ring.from_dict({face[0]: f[face[0]]}))
    parts = [ring.from_dict({m: f[m] for m in face}) for face in (faces or ())[:_MOST_FACES]]
    open_ = [part for part in parts if has_torus_zero([part]) is not False]
    if faces is not None and len(faces) <= _MOST_FACES and not open_:
        return True
    supports = [set(part.monoms()) for part in open_]
    largest = [p for p, s in zip(open_, supports, strict=True) if not any(s < other for other in supports)]
    for form in largest[-_MOST_FORMS:]:
        if point := negative_point(form):
            _refuse(form, point)
    return None


def refuse_negative_vertex(part: PolyElement) -> None:
    """Raises NegativeLoss for a monomial, the part of K at a vertex, that takes negative values."""
    ((m, c),) = part.terms()
    domain = part.ring.domain
    point = [domain.one] * len(m)
    if sign(c, domain) > 0:
        odd = [i for i, e in enumerate(m) if e % 2]
        if not odd:
            return
        point[odd[0]] = -domain.one
    _refuse(part, point)


def _by_squares(f: PolyElement, depth: int) -> bool | None:
    """Completing the square in one variable of degree two."""
    ring, origin = f.ring, (0,) * f.ring.ngens
    candidates = []
    for i, x in enumerate(ring.gens):
        if f.degree(x) == 2:
            c, b, a = by_power(f, i)
            candidates.append((origin not in a, len(a) * len(c) + len(b) ** 2, i, (a, b, c)))
    for blunt, size, i, (a, b, c) in sorted(candidates, key=lambda item: item[:3]):
        if size > _MOST_TERMS**2 or len(discriminant := 4 * a * c - b**2) > _MOST_TERMS:
            continue
        try:
            if is_nonnegative(discriminant, depth - 1) and (not blunt or is_nonnegative(a, depth - 1)):
                return True
        except NegativeLoss as error:
            if not blunt:  # a > 0 near 0: the minimum over x lies near 0, at x = −b/2a
                raise NegativeLoss(f"{error} (after completing the square in {ring.symbols[i]})") from None
    return None


def _by_shear(f: PolyElement, depth: int) -> bool | None:
    """Where ∂²f/∂x² > 0, x is shifted towards the minimum in x, up to high order; then the faces are asked again."""
    ring = f.ring
    for i, x in enumerate(ring.gens):
        parts = by_power(f, i)
        origin = (0,) * ring.ngens
        if len(parts) <= 3 or origin not in parts[2] or not parts[1]:
            continue
        shifted = f
        for _ in range(3):
            slope = by_power(shifted, i)[1]
            if not slope:
                break
            shift = lowest_form(slope) * (-ring.domain.one / (ring.domain(2) * parts[2][origin]))
            shifted = insert(shifted, i, x + shift, ring.one)
            if len(shifted) > _MOST_TERMS:
                return None
            valley = by_power(shifted, i)[0]
            if valley:
                is_nonnegative(valley, 0)  # f restricted to a surface: refuses f if it is negative there
            if _by_faces(_in_used(shifted)):
                return True
    return None
