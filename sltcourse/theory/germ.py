"""A polynomial K near a point where it is 0: the input of the exact methods, checked, and never evaluated as text."""

import math
import numbers
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import sympy as sp
from sympy.polys.rings import PolyElement, PolyRing

from sltcourse.theory.polyhedron import below
from sltcourse.theory.real_zeros import sign, value

MOST_VARIABLES, MOST_MONOMIALS = 20, 500
_MOST_DEGREE, _MOST_EXPANDED = 10_000, 20_000  # what is multiplied out at all
_MOST_SQUARES = 60  # a sum of more squares is left as one polynomial

Polynomials: TypeAlias = sp.Expr | Sequence[sp.Expr]  # K, or the f_i of K = Σ f_i²
Point: TypeAlias = Mapping[sp.Symbol, Any] | Sequence[Any] | None
Prior: TypeAlias = Mapping[sp.Symbol, Any] | None


class Germ(NamedTuple):
    """K near a point that was moved to 0, up to factors that stay between two positive constants.

    generators : elements of one sympy polynomial ring. K = Σ f_i² if ``squares``, else K is the only one of them.
    squares : whether it is.
    prior : the exponents h_j of φ(w) ∝ Π|w_j|^{h_j}, Fractions > −1.
    """

    generators: tuple[PolyElement, ...]
    squares: bool
    prior: tuple[Fraction, ...]

    @property
    def ring(self) -> PolyRing:
        """The polynomial ring of the generators."""
        return self.generators[0].ring


def germ(
    K: Polynomials, variables: Sequence[sp.Symbol], point: Point = None, prior: Prior = None, sums: bool = False
) -> Germ:
    """The `Germ` of K at a point; K a polynomial or a list of f_i for Σ f_i², see `newton.learning_coefficient`.

    K = c·f² with c > 0 becomes the generator f; with ``sums``, an expression that is written as a sum of squares with
    positive coefficients becomes their list. Raises TypeError and ValueError as said there.
    """
    variables = check_variables(variables)
    point = check_point(point, variables)
    listed = isinstance(K, list | tuple)
    if listed and not K:
        raise ValueError("K is an empty list: give the f_i of K = Σ f_i², at least one")
    whole = polynomials_at(list(K) if listed else [K], variables, point)
    polynomials = [f for f in whole if f]
    if not polynomials:
        raise ValueError("K is 0 everywhere: there is no loss to learn from, and V(ε) does not shrink")
    ring, origin = polynomials[0].ring, (0,) * len(variables)
    height = sum(f.get(origin, 0) ** (1 + listed) for f in polynomials)
    if height:
        where = ", ".join(f"{w} = {x}" for w, x in zip(variables, point, strict=True))
        raise ValueError(f"K is {ring.domain.to_sympy(height)} and not 0 at {where}")
    squares = listed
    written = None if listed else as_squares(as_expression(K, "K"))
    if written and len(written) == 1:  # a square that is written as one need not be factored
        polynomials, squares = polynomials_at(written, variables, point), True
    elif not listed and (root := square_root(polynomials[0])):
        polynomials, squares = [root], True
    if sums and not squares and written:
        polynomials, squares = [f for f in polynomials_at(written, variables, point) if f], True
    return Germ(tuple(polynomials), squares, check_prior(prior, variables, point))


def as_squares(expression: sp.Expr) -> list[sp.Expr] | None:
    """The f_i if the expression is written as Σ c_i f_i² with c_i > 0, else None. It is not multiplied out."""
    if expression.is_number:
        return [sp.S.One] if expression.is_positive else None
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        half, odd = divmod(int(expression.exp), 2)
        if not odd:
            return [expression.base**half]
        inside = as_squares(expression.base)
        return inside and [f * expression.base**half for f in inside]
    if expression.is_Mul or expression.is_Add:
        listed = [as_squares(part) for part in expression.args]
        parts = [part for part in listed if part is not None]
        if len(parts) < len(listed):
            return None
        if expression.is_Add:
            found = [f for part in parts for f in part]
        else:
            if math.prod(map(len, parts)) > _MOST_SQUARES:
                return None
            found = [sp.S.One]
            for part in parts:
                found = [f * g for f in found for g in part]
        return found if len(found) <= _MOST_SQUARES else None
    return None


def simplified(germ: Germ) -> Germ:
    """Simpler generators of the same ideal: x^α·(c + …) becomes x^α, and multiples of x^α are dropped elsewhere.

    Only Σ f_i² is determined by the ideal, up to constants: a germ of another kind stays as it is.
    """
    if not germ.squares:
        return germ
    contents = [tuple(map(min, zip(*f.monoms(), strict=True))) for f in germ.generators]
    monomials = {m for m, f in zip(contents, germ.generators, strict=True) if m in f}
    kept = sorted(m for m in monomials if not any(o != m and below(o, m) for o in monomials))
    ring = germ.ring
    rest = [{m: c for m, c in f.terms() if not any(below(o, m) for o in kept)} for f in germ.generators]
    alone = [{m: ring.domain.one} for m in kept]
    return germ._replace(generators=tuple(ring.from_dict(f) for f in alone + rest if f))


def square_root(f: PolyElement) -> PolyElement | None:
    """g, where f = c·g² with c > 0; None where it is not."""
    if not _may_be_square(f):
        return None
    constant, factors = f.factor_list()
    if any(power % 2 for _, power in factors) or sign(constant, f.ring.domain) < 0:
        return None
    return math.prod((g ** (power // 2) for g, power in factors), start=f.ring.one)


def _may_be_square(f: PolyElement) -> bool:
    """False if f is no constant times a square on some line: then it is none at all."""
    rng, (_, t) = random.Random(0), sp.ring("t", f.ring.domain)
    line = [t * rng.randint(-99, 99) + rng.randint(-99, 99) for _ in f.ring.gens]
    return all(power % 2 == 0 for _, power in value(f, line).sqf_list()[1])


def check_variables(variables: Sequence[sp.Symbol] | sp.Symbol) -> list[sp.Symbol]:
    """The variables as a list. TypeError for what is no symbol; ValueError for too many, or the same one twice."""
    variables = list(variables) if isinstance(variables, list | tuple) else [variables]
    if not variables or not all(isinstance(w, sp.Symbol) for w in variables):
        raise TypeError("variables must be a list of sympy symbols, for example sympy.symbols('w1 w2')")
    if len(set(variables)) < len(variables):
        raise ValueError("a variable is listed twice")
    if len(variables) > MOST_VARIABLES:
        raise ValueError(
            f"{len(variables)} variables are too many: {MOST_VARIABLES} at most. Split K into parts that share no "
            "variable: λ adds up, and so does m − 1"
        )
    return variables


def as_expression(value: Any, what: str) -> sp.Expr:
    """A sympy expression or a number, as a sympy expression. Text is never evaluated: TypeError for all else."""
    if isinstance(value, sp.Expr):
        return value
    if isinstance(value, numbers.Number) and not isinstance(value, bool):
        return sp.sympify(value)
    advice = ": text is not evaluated, write it with sympy.symbols" if isinstance(value, str) else ""
    raise TypeError(f"{what} must be a sympy expression{advice}")


def polynomials_at(
    expressions: Sequence[sp.Expr], variables: Sequence[sp.Symbol], point: Sequence[sp.Expr]
) -> list[PolyElement]:
    """Elements of one polynomial ring, with the point moved to the origin."""
    checked = [_checked(expression, variables) for expression in expressions]
    rational = all(n.is_Rational for e in checked for n in e.atoms(sp.Number, sp.NumberSymbol))
    powers = all(p.exp.is_Integer for e in checked for p in e.atoms(sp.Pow))
    if rational and powers and all(x.is_Rational for x in point):
        ring = sp.ring(variables, sp.QQ)[0]
        images = {w: g + sp.QQ.from_sympy(x) for w, g, x in zip(variables, ring.gens, point, strict=True)}
        try:
            polynomials = [_multiplied_out(e, ring, images) for e in checked]
            _refuse_many(sum(map(len, polynomials)))
            return polynomials
        except (TypeError, sp.CoercionFailed):  # a number that is no fraction, such as I
            pass
    moved = [e.subs({w: w + x for w, x in zip(variables, point, strict=True) if x}, simultaneous=True) for e in checked]
    try:
        parsed = sp.parallel_poly_from_expr(moved, *variables, extension=True)[0]
    except sp.PolynomialError as error:
        raise ValueError(f"K is no polynomial with exact coefficients: {error}") from None
    domain = parsed[0].domain.get_field()
    if not (domain.is_QQ or domain.is_AlgebraicField) or not all(c.is_real for f in parsed for c in f.coeffs()):
        raise ValueError(f"the coefficients must be rational or real algebraic numbers, not from {domain}")
    _refuse_many(sum(len(f.terms()) for f in parsed))
    ring = sp.ring(variables, domain)[0]
    return [ring.from_dict(f.set_domain(domain).rep.to_dict()) for f in parsed]


def _checked(expression: Any, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """The expression, known to be a polynomial in the variables that may be multiplied out."""
    if not isinstance(expression, sp.Expr | numbers.Number):
        raise TypeError(
            "K must be a sympy expression, or a list of them for K = Σ f_i²"
            + (": text is not evaluated, write it with sympy.symbols" if isinstance(expression, str) else "")
        )
    expression = as_expression(expression, "K")
    unknown = sorted(map(str, expression.free_symbols - set(variables)))
    if unknown:
        raise ValueError(
            f"unknown symbol {', '.join(unknown)} in K: list it among the variables, or put a number there (sympy "
            "takes symbols of one name but different assumptions for different symbols)"
        )
    _refuse_floats(expression)
    _refuse_towers(expression)
    if not expression.is_polynomial(*variables):
        raise ValueError(
            f"{expression} is not a polynomial in {', '.join(map(str, variables))}: drop a factor that is positive "
            "near the point, or replace K by the leading terms that generate the same ideal"
        )
    degree, terms = _size(expression, len(variables))
    if degree > _MOST_DEGREE:
        raise ValueError(f"K has a degree of up to {degree}, which is too large: {_MOST_DEGREE} at most")
    if terms > _MOST_EXPANDED:
        _refuse_many(terms)
    return expression


def _refuse_towers(expression: sp.Expr) -> None:
    """ValueError for powers that nobody can write out, before anything is computed with them."""
    for power in expression.atoms(sp.Pow):
        exponent = power.exp
        if exponent.atoms(sp.Pow) or (exponent.is_Integer and abs(exponent) > _MOST_DEGREE):
            raise ValueError(f"an exponent of K is too large, or is itself a power: {_MOST_DEGREE} at most")


def _size(expression: sp.Expr, d: int) -> tuple[int, int]:
    """Upper bounds of the degree and the number of monomials of a polynomial expression in d variables."""
    if expression.is_Symbol:
        return 1, 1
    if expression.is_Add or expression.is_Mul:
        degrees, terms = zip(*(_size(part, d) for part in expression.args), strict=True)
        if expression.is_Add:
            return max(degrees), sum(terms)
        degree, count = sum(degrees), math.prod(terms)
    elif expression.is_Pow and expression.exp.is_Integer and expression.exp > 0 and not expression.is_number:
        n, (degree, count) = int(expression.exp), _size(expression.base, d)
        degree, count = n * degree, count if count == 1 else math.comb(count + n - 1, n)
    else:
        return 0, 1
    return degree, min(count, math.comb(degree + d, d))


def _multiplied_out(e: sp.Expr, ring: PolyRing, images: Mapping[sp.Symbol, PolyElement]) -> PolyElement:
    if e.is_Symbol:
        return images[e]
    if e.is_Add:
        return sum((_multiplied_out(part, ring, images) for part in e.args), ring.zero)
    if e.is_Mul:
        return math.prod((_multiplied_out(part, ring, images) for part in e.args), start=ring.one)
    if e.is_Pow and e.exp.is_Integer and e.exp > 0:
        return _multiplied_out(e.base, ring, images) ** int(e.exp)
    return ring.one * ring.domain.from_sympy(e)


def _refuse_many(terms: int) -> None:
    if terms > MOST_MONOMIALS:
        raise ValueError(f"K has more than {MOST_MONOMIALS} monomials: write it as a list of f_i, or split it")


def exact_number(number: Any, what: str) -> sp.Expr:
    """An exact real number as a sympy expression; TypeError for all else, texts and rounded numbers included."""
    if not isinstance(number, sp.Expr | numbers.Number):
        raise TypeError(f"{what} must be an exact real number, not {number!r:.40}")
    number = sp.sympify(number)
    if number.free_symbols or not number.is_real:
        raise TypeError(f"{what} must be an exact real number, not {number}")
    _refuse_floats(number)
    return number


def _refuse_floats(expression: sp.Expr) -> None:
    for number in sorted(expression.atoms(sp.Float), key=str):
        exact = sp.nsimplify(number, rational=True)
        raise TypeError(f"{number} is a rounded number: write sympy.Rational({exact.p}, {exact.q})")


def check_point(point: Point, variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The point as one exact number for each variable; the origin for None."""
    if point is None:
        return [sp.Integer(0)] * len(variables)
    if isinstance(point, Mapping):
        if set(point) != set(variables):
            raise ValueError(f"the point must give a number for each of {', '.join(map(str, variables))}, no more")
        point = [point[w] for w in variables]
    point = list(point) if isinstance(point, list | tuple) else [point]
    if len(point) != len(variables):
        raise ValueError(f"the point has {len(point)} coordinates, but there are {len(variables)} variables")
    return [exact_number(x, "a coordinate of the point") for x in point]


def check_prior(prior: Prior, variables: Sequence[sp.Symbol], point: Sequence[sp.Expr]) -> tuple[Fraction, ...]:
    """The exponents h that matter: those of the w that are 0 at the point."""
    if not isinstance(prior, Mapping | None):
        raise TypeError("prior must be {symbol: h} for some of the variables, with φ(w) ∝ Π|w|^h")
    prior = dict(prior or {})
    if not set(prior) <= set(variables):
        raise ValueError("prior must be {symbol: h} for some of the variables, with φ(w) ∝ Π|w|^h")
    exponents = {w: exact_number(h, "h") for w, h in prior.items()}
    for w, h in exponents.items():
        if not (h.is_rational and h > -1):
            raise ValueError(f"φ ∝ |{w}|^h can be integrated for rational h > −1 only, not for h = {h}")
    return tuple(
        Fraction(str(exponents.get(w, 0))) if x == 0 else Fraction(0) for w, x in zip(variables, point, strict=True)
    )
