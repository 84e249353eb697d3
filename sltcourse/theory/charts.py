"""Charts of blow-ups: K(u) and the Jacobian in coordinates u, where normal crossings fail, and what to blow up next.

Source: Hironaka 1964; Watanabe 2009 (normal crossings, λ and m).
"""

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import sympy as sp
from sympy.polys.rings import PolyElement, PolyRing

from sltcourse.theory.germ import as_expression
from sltcourse.theory.polyhedron import Exponent
from sltcourse.theory.real_zeros import Undecided, factors, has_real_zero, real_zeros, value

Factor = tuple[PolyElement, int, Fraction | int]
"""(f, k, h): K has the factor f^k, the Jacobian times the prior f^h; f need not be irreducible."""


class Divisor(NamedTuple):
    """The zero set of an irreducible polynomial g: K has the factor g^k, the Jacobian times the prior the factor g^h.

    Of a sum of squares r_1² + … + r_c² in K, where the r_j are coordinates, ``equations`` are all the r_j, k = 2 and
    h = c − 1: that is the divisor which the blow-up of {r = 0} would bring, and there is no need to do it.
    """

    equations: tuple[PolyElement, ...]
    k: int
    h: Fraction

    @property
    def ratio(self) -> Fraction | None:
        """(h + 1)/k: ζ has a pole at minus that. None if K does not vanish here."""
        return Fraction(self.h + 1) / self.k if self.k else None

    def __str__(self) -> str:
        return " = ".join(str(g.as_expr()) for g in self.equations) + " = 0"


class Obstacle(NamedTuple):
    """A place without normal crossings: the ``equations`` of what meets there, and one piece of the ``place``.

    The zero set of the polynomials ``generators`` is blown up where their order is largest.
    """

    equations: tuple[PolyElement, ...]
    generators: tuple[PolyElement, ...]
    place: dict[sp.Symbol, sp.Expr]

    def __str__(self) -> str:
        what = "; ".join(textwrap.shorten(str(g.as_expr()), 60) for g in self.equations)
        where = ", ".join(f"{x} = {e}" for x, e in self.place.items())
        return f"{what} {'are' if len(self.equations) > 1 else 'is'} not like coordinates at {where}"


@dataclass(frozen=True)
class Chart:
    """Coordinates u and the map w(u). Print it.

    name, step : "1.2" is the second chart of the blow-up of the first; what was done to get here.
    variables, original : the symbols u and w. images : w_i(u), ring elements, for a point at 0.
    divisors : tuple of `Divisor`. rest : K = Π divisor^k · Σ r_j², r_j in ``rest``; () stands for a positive unit.
    locus : equations of the points to look at: those above w = 0 that no earlier chart of the same blow-up has.
    """

    name: str
    step: str
    original: tuple[sp.Symbol, ...]
    images: tuple[PolyElement, ...]
    divisors: tuple[Divisor, ...]
    rest: tuple[PolyElement, ...]
    locus: tuple[PolyElement, ...]

    @property
    def ring(self) -> PolyRing:
        """The ring of polynomials in the coordinates u."""
        return self.images[0].ring

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        """The coordinates u."""
        return self.ring.symbols

    @property
    def K(self) -> sp.Expr:
        """K(u), factored, as a sympy expression (without the constant)."""
        rest = sp.Add(*(r.as_expr() ** 2 for r in self.rest)) if self.rest else sp.Integer(1)
        return sp.Mul(*(g.equations[0].as_expr() ** g.k for g in self.divisors), rest)

    @property
    def jacobian(self) -> sp.Expr:
        """The Jacobian times the prior, without the constant, as a sympy expression up to sign."""
        return sp.Mul(*(g.equations[0].as_expr() ** sp.Rational(str(g.h)) for g in self.divisors))

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.ring.domain.is_QQ:
            raise TypeError(f"a chart over {self.ring.domain} cannot be pickled: keep λ, m, or its text, str(chart)")

        def plain(polynomials: Iterable[PolyElement]) -> tuple[dict[Exponent, Any], ...]:
            return tuple(dict(f) for f in polynomials)

        divisors = tuple((plain(g.equations), g.k, g.h) for g in self.divisors)
        parts = (plain(self.images), divisors, plain(self.rest), plain(self.locus))
        return _chart, (self.name, self.step, self.original, self.ring.symbols, self.ring.domain, parts)

    def __str__(self) -> str:
        lines = [f"chart {self.name or '0'}: {self.step}"]
        lines.append("  " + ", ".join(f"{w} = {e.as_expr()}" for w, e in zip(self.original, self.images, strict=True)))
        lines.append(f"  Jacobian · prior = {self.jacobian}")
        lines.append(f"  K = {self.K}")
        lines.append("  points to look at: " + ", ".join(f"{e.as_expr()} = 0" for e in self.locus))
        try:
            if self.obstacle:
                lines.append(f"  no normal crossings: {self.obstacle}")
            else:
                ratios = (f"({g.h} + 1)/{g.k} = {g.ratio} on {g}" for g in self.poles)
                lines.append("  normal crossings: " + (", ".join(ratios) or "K > 0 there"))
        except Undecided as error:
            lines.append(f"  not decided: {error}")
        return "\n".join(lines)

    @property
    def components(self) -> tuple[Divisor, ...]:
        """The divisors, and the one that stands for ``rest``."""
        return (*self.divisors, *([Divisor(self.rest, 2, Fraction(len(self.rest) - 1))] if self.rest else []))

    @cached_property
    def poles(self) -> tuple[Divisor, ...]:
        """The divisors of K, in a chart with normal crossings, that have points to look at. Raises Undecided.

        Odd powers have none: K would change its sign there.
        """
        return tuple(g for g in self.components if g.k and g.k % 2 == 0 and self._meet([g]))

    @cached_property
    def obstacle(self) -> Obstacle | None:
        """The first `Obstacle` found, or None if K and the Jacobian have normal crossings. Raises Undecided."""
        for some in self._suspects():
            equations = tuple(f for g in some for f in g.equations)
            pieces = real_zeros([*self.locus, *equations, *_minors(equations)])
            if pieces:
                place = min(pieces, key=lambda piece: (len(piece.rest), len(piece.values), str(piece.values)))
                if place.rest:
                    raise Undecided(f"{', '.join(map(str, equations))} meet at points that are not rational")
                product = sp.prod(g.equations[0] for g in some if len(g.equations) == 1)
                generators = tuple(product * f for g in some if len(g.equations) > 1 for f in g.equations) or (product,)
                return Obstacle(equations, generators, self._in_order(place.values))
        return None

    def multiplicity(self, ratio: Fraction) -> int:
        """The largest number of divisors with that ratio through one of the points to look at."""
        lowest = [g for g in self.poles if g.ratio == ratio]
        sets = (s for size in range(len(lowest), 0, -1) for s in itertools.combinations(lowest, size))
        return next((len(s) for s in sets if self._meet(s)), 0)

    def blow_up(self, centre: Sequence[sp.Symbol] | Mapping[sp.Symbol, int]) -> "list[Chart]":
        """The charts of the blow-up of {x = 0 for all x in ``centre``}: one for each x, a list of `Chart`.

        In the chart of x_i one puts x_i = u_i and x_j = u_i·u_j for the other x_j of the centre. With weights, as in
        {w1: 3, w2: 2}, it is x_i = u_i^{a_i} and x_j = u_i^{a_j}·u_j, and if a_i is even there is another chart with
        x_i = −u_i^{a_i}. Raises ValueError for a centre that is not two or more of the variables.
        """
        weights = dict(centre) if isinstance(centre, Mapping) else dict.fromkeys(centre, 1)
        if len(weights) < 2 or not set(weights) <= set(self.variables):
            raise ValueError(f"the centre must be two or more of {', '.join(map(str, self.variables))}")
        if not all(isinstance(a, int) and a > 0 for a in weights.values()):
            raise ValueError("weights must be positive integers")
        ring = sp.ring(sp.symbols(f"u1:{len(self.variables) + 1}"), self.ring.domain)[0]
        u = dict(zip(self.variables, ring.gens, strict=True))
        charts: list[Chart] = []
        text = ", ".join(f"{x} = 0" + (f" (weight {a})" if a > 1 else "") for x, a in weights.items())
        for n, (x, a) in enumerate(weights.items()):
            for sign in (1, -1) if a % 2 == 0 else (1,):
                images = {**u, **{y: u[y] * u[x] ** b for y, b in weights.items()}, x: sign * u[x] ** a}
                moved = self._pulled([images[y] for y in self.variables], {u[x]: sum(weights.values()) - 1})
                earlier = tuple(u[y] for y in list(weights)[:n])
                name = f"{self.name}.{len(charts) + 1}".lstrip(".")
                step = f"blow up {text} of chart {self.name or '0'}"
                charts.append(replace(moved, name=name, step=step, locus=_simplest(moved.locus + earlier)))
        return charts

    def change(self, images: Mapping[sp.Symbol, sp.Expr]) -> "Chart":
        """The same chart after x → images[x], {symbol: polynomial in the variables}, with constant Jacobian ≠ 0.

        Raises ValueError for a symbol that is no variable of the chart, and for a Jacobian that is not a constant.
        """
        unknown = set(images) - set(self.variables)
        if unknown:
            raise ValueError(f"{unknown.pop()} is no variable of this chart: {', '.join(map(str, self.variables))}")
        full = [as_expression(images.get(x, x), f"the image of {x}") for x in self.variables]
        jacobian = sp.expand(sp.Matrix(full).jacobian(self.variables).det())
        if not jacobian.is_number or jacobian == 0:
            raise ValueError(f"the Jacobian of a change of coordinates must be a constant, not {jacobian}")
        text = ", ".join(f"{x} → {e}" for x, e in images.items())
        moved = self._pulled([self.ring.from_expr(e) for e in full], {})
        return replace(moved, step=f"{self.step}; {text}")

    # --------------------------------------------------------------------------------------- the work

    def _pulled(self, images: Sequence[PolyElement], jacobian: Mapping[PolyElement, int]) -> "Chart":
        """This chart in new coordinates: x_i = images[i], with a Jacobian Π equation^power."""
        ring = images[0].ring

        def pull(f: PolyElement) -> PolyElement:
            return ring.zero + value(f, images)

        products: list[Factor] = [(pull(g.equations[0]), g.k, g.h) for g in self.divisors]
        products += [(equation, 0, power) for equation, power in jacobian.items()]
        divisors, rest = collected(products, [pull(r) for r in self.rest])
        locus = _simplest(map(pull, self.locus))
        return replace(self, images=tuple(map(pull, self.images)), divisors=divisors, rest=rest, locus=locus)

    def _suspects(self) -> Iterator[tuple[Divisor, ...]]:
        """Sets of divisors that need not be like coordinates where they meet."""
        for size in range(1, len(self.variables) + 2):
            for some in itertools.combinations(self.components, size):
                semidefinite = any(g.k % 2 for g in some)  # K ≥ 0 is singular where an odd power vanishes
                equations = [f for g in some for f in g.equations]
                twice = any(f == g for f, g in itertools.combinations(equations, 2))
                plain = not twice and all(f in self.ring.gens for f in equations)
                if not plain and not (semidefinite and size > 1):
                    yield some

    def _meet(self, divisors: Iterable[Divisor]) -> bool:
        met = has_real_zero([*self.locus, *(f for g in divisors for f in g.equations)])
        if met is None:
            raise Undecided(f"do {', '.join(map(str, divisors))} have a point to look at in common?")
        return met

    def centre(self) -> dict[sp.Symbol, sp.Expr]:
        """The largest smooth set {x_i = q_i} through the obstacle, along which the multiplicity is the same.

        Raises Undecided if there is none with polynomials q_i, and ValueError in a chart with normal crossings.
        """
        if self.obstacle is None:
            raise ValueError("this chart has normal crossings: there is nothing to blow up")
        _, generators, place = self.obstacle
        derivatives = generators
        while all(sp.cancel(f.as_expr().subs(place)) == 0 for f in derivatives):
            generators += derivatives
            derivatives = tuple(dict.fromkeys(g for f in derivatives for x in self.ring.gens if (g := f.diff(x))))
        found = [place]
        for piece in real_zeros(generators):
            inside = all(sp.cancel((x - e).subs(place)) == 0 for x, e in piece.values.items())
            if inside and not piece.rest:
                found.append(piece.values)
        found = [v for v in found if all(e.is_polynomial(*self.variables) for e in v.values())]
        if not found:
            raise Undecided(f"{self.obstacle}, which is no smooth set with rational coefficients")
        return self._in_order(min(found, key=lambda values: (len(values), str(values))))

    def _in_order(self, values: Mapping[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
        return {x: values[x] for x in self.variables if x in values}


def _minors(equations: Sequence[PolyElement]) -> list[PolyElement]:
    """The minors of the gradients that all vanish where these are linearly dependent (none if they always are)."""
    ring = equations[0].ring
    size = len(equations)
    gradients = sp.Matrix([[g.diff(x).as_expr() for x in ring.gens] for g in equations])
    columns = itertools.combinations(range(ring.ngens), size)
    return [f for c in columns if (f := ring.from_expr(sp.expand(gradients[:, list(c)].det())))]


def _simplest(equations: Iterable[PolyElement]) -> tuple[PolyElement, ...]:
    """The same real points with fewer and simpler equations: powers and multiples of one another are dropped."""
    reduced = {sp.prod(factors(f)) for f in equations if f}
    return tuple(sorted((f for f in reduced if not any(g != f and not f.rem(g) for g in reduced)), key=str))


def collected(
    products: Sequence[Factor], rest: Sequence[PolyElement]
) -> tuple[tuple[Divisor, ...], tuple[PolyElement, ...]]:
    """(divisors, rest): the products (f, k, h) split into irreducible factors, and what the squares in ``rest`` have in
    common taken out."""
    if rest:
        common = rest[0]
        for r in rest[1:]:
            common = common.gcd(r)
        products = [*products, (common, 2, 0)]
        rest = [r.quo(common) for r in rest]
    powers: dict[PolyElement, tuple[int, Fraction]] = {}
    for f, k, h in products:
        for g, e in f.factor_list()[1]:
            old = powers.get(g.monic(), (0, Fraction(0)))
            powers[g.monic()] = (old[0] + e * k, old[1] + e * h)
    divisors = sorted((Divisor((g,), *p) for g, p in powers.items() if any(p)), key=str)
    return tuple(divisors), () if any(r.is_ground and r for r in rest) else tuple(r for r in rest if r)


def _chart(
    name: str,
    step: str,
    original: tuple[sp.Symbol, ...],
    symbols: tuple[sp.Symbol, ...],
    domain: sp.Domain,
    parts: tuple[Any, ...],
) -> Chart:
    """A chart from plain parts: elements of sympy's rings cannot be pickled."""
    images, divisors, rest, locus = parts
    ring = sp.ring(symbols, domain)[0]

    def elements(polynomials: Iterable[dict[Exponent, Any]]) -> tuple[PolyElement, ...]:
        return tuple(ring.from_dict(f) for f in polynomials)

    found = tuple(Divisor(elements(equations), k, h) for equations, k, h in divisors)
    return Chart(name, step, original, elements(images), found, elements(rest), elements(locus))
