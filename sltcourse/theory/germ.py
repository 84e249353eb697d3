"""A polynomial K ≥ 0 near a point where it is 0: the input of the exact methods, checked."""

import random
from fractions import Fraction
from typing import NamedTuple

import sympy as sp

from sltcourse.theory.polyhedron import below
from sltcourse.theory.real_zeros import sign, value

MOST_VARIABLES, MOST_MONOMIALS = 20, 500
_TRIALS = 40  # weights, and points for each, at which K is looked at for a negative value


class Germ(NamedTuple):
    """K near a point that was moved to 0, up to factors that stay between two positive constants.

    generators : elements of one sympy polynomial ring. K = Σ f_i² if ``squares``, else K is the only one of them.
    squares : whether it is.
    prior : the exponents h_j of φ(w) ∝ Π|w_j|^{h_j}, Fractions > −1.
    """

    generators: tuple
    squares: bool
    prior: tuple

    @property
    def ring(self):
        return self.generators[0].ring


def germ(K, variables, point=None, prior=None):
    """The `Germ` of K at a point; K a polynomial or a list of f_i for Σ f_i², see `newton.learning_coefficient`.

    K = c·f² with c > 0 becomes the generator f. Raises TypeError and ValueError as said there.
    """
    variables = check_variables(variables)
    point = check_point(point, variables)
    listed = isinstance(K, list | tuple)
    polynomials = [f for f in polynomials_at(list(K) if listed else [K], variables, point) if f]
    if not polynomials:
        raise ValueError("K is 0 everywhere: there is no loss to learn from, and V(ε) does not shrink")
    ring, origin = polynomials[0].ring, (0,) * len(variables)
    height = sum(f.get(origin, 0) ** (1 + listed) for f in polynomials)
    if height:
        where = ", ".join(f"{w} = {x}" for w, x in zip(variables, point, strict=True))
        raise ValueError(f"K is {ring.domain.to_sympy(height)} and not 0 at {where}")
    squares = listed
    if not listed and _may_be_square(polynomials[0]):
        constant, factors = polynomials[0].factor_list()
        if all(power % 2 == 0 for _, power in factors) and sign(constant, ring.domain) > 0:
            polynomials, squares = [sp.prod(g ** (power // 2) for g, power in factors)], True
    return Germ(tuple(polynomials), squares, check_prior(prior, variables, point))


def simplified(germ):
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


def refuse_negative(f, weights=None):
    """ValueError if the terms of f of lowest weight are negative somewhere: then so is f, near 0.

    ``weights`` are lists of d numbers, (1, …, 1) and pseudo-random integers if left out.
    """
    rng, domain = random.Random(0), f.ring.domain
    if weights is None:
        weights = [[1] * f.ring.ngens, *([rng.randint(1, 9) for _ in f.ring.gens] for _ in range(_TRIALS))]
    for weight in weights:
        degrees = {m: sum(a * e for a, e in zip(weight, m, strict=True)) for m in f.monoms()}
        lowest = min(degrees.values())
        form = f.ring.from_dict({m: f[m] for m, degree in degrees.items() if degree == lowest})
        if all(sign(c, domain) > 0 and not any(e % 2 for e in m) for m, c in form.terms()):
            continue
        for _ in range(_TRIALS):
            point = [domain(rng.choice((-3, -2, -1, 1, 2, 3))) for _ in weight]
            if sign(value(form, point), domain) < 0:
                at = ", ".join(f"{x} = {c}" for x, c in zip(f.ring.symbols, point, strict=True))
                raise ValueError(
                    f"K is negative near the point: its part {form.as_expr()} is negative at {at}. K(w) = L(w) − L(w₀) "
                    "is ≥ 0 near a minimum; if W ends there (w ≥ 0), put w = u² and the prior |u|"
                )


def _may_be_square(f):
    """False if f is no constant times a square on some line: then it is none at all."""
    rng, (_, t) = random.Random(0), sp.ring("t", f.ring.domain)
    line = [t * rng.randint(-99, 99) + rng.randint(-99, 99) for _ in f.ring.gens]
    return all(power % 2 == 0 for _, power in value(f, line).sqf_list()[1])


def check_variables(variables):
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


def polynomials_at(expressions, variables, point):
    """Elements of one polynomial ring, with the point moved to the origin."""
    checked = []
    for expression in expressions:
        try:
            expression = sp.sympify(expression)
        except sp.SympifyError:
            expression = None
        if not isinstance(expression, sp.Expr):
            raise TypeError("K must be a sympy expression, or a list of them for K = Σ f_i²")
        unknown = sorted(map(str, expression.free_symbols - set(variables)))
        if unknown:
            raise ValueError(
                f"unknown symbol {', '.join(unknown)} in K: list it among the variables, or put a number there (sympy "
                "takes symbols of one name but different assumptions for different symbols)"
            )
        _refuse_floats(expression)
        if not expression.is_polynomial(*variables):
            raise ValueError(
                f"{expression} is not a polynomial in {', '.join(map(str, variables))}: drop a factor that is positive "
                "near the point, or replace K by the leading terms that generate the same ideal"
            )
        checked.append(expression)
    moved = [e.subs({w: w + x for w, x in zip(variables, point, strict=True) if x}, simultaneous=True) for e in checked]
    try:
        polynomials = sp.parallel_poly_from_expr(moved, *variables, extension=True)[0]
    except sp.PolynomialError as error:
        raise ValueError(f"K is no polynomial with exact coefficients: {error}") from None
    domain = polynomials[0].domain.get_field()
    if not (domain.is_QQ or domain.is_AlgebraicField) or not all(c.is_real for f in polynomials for c in f.coeffs()):
        raise ValueError(f"the coefficients must be rational or real algebraic numbers, not from {domain}")
    if sum(len(f.terms()) for f in polynomials) > MOST_MONOMIALS:
        raise ValueError(f"K has more than {MOST_MONOMIALS} monomials: write it as a list of f_i, or split it")
    ring = sp.ring(variables, domain)[0]
    return [ring.from_dict(f.set_domain(domain).rep.to_dict()) for f in polynomials]


def exact_number(number, what):
    number = sp.sympify(number)
    if not isinstance(number, sp.Expr) or number.free_symbols or not number.is_real:
        raise TypeError(f"{what} must be an exact real number, not {number}")
    _refuse_floats(number)
    return number


def _refuse_floats(expression):
    for number in sorted(expression.atoms(sp.Float), key=str):
        exact = sp.nsimplify(number, rational=True)
        raise TypeError(f"{number} is a rounded number: write sympy.Rational({exact.p}, {exact.q})")


def check_point(point, variables):
    if point is None:
        return [sp.Integer(0)] * len(variables)
    if isinstance(point, dict):
        if set(point) != set(variables):
            raise ValueError(f"the point must give a number for each of {', '.join(map(str, variables))}, no more")
        point = [point[w] for w in variables]
    point = list(point) if isinstance(point, list | tuple) else [point]
    if len(point) != len(variables):
        raise ValueError(f"the point has {len(point)} coordinates, but there are {len(variables)} variables")
    return [exact_number(x, "a coordinate of the point") for x in point]


def check_prior(prior, variables, point):
    """The exponents h that matter: those of the w that are 0 at the point."""
    prior = dict(prior or {})
    if not set(prior) <= set(variables):
        raise ValueError("prior must be {symbol: h} for some of the variables, with φ(w) ∝ Π|w|^h")
    for w, h in prior.items():
        if not (exact_number(h, "h").is_rational and h > -1):
            raise ValueError(f"φ ∝ |{w}|^h can be integrated for rational h > −1 only, not for h = {h}")
    return tuple(
        Fraction(str(prior.get(w, 0))) if x == 0 else Fraction(0) for w, x in zip(variables, point, strict=True)
    )
