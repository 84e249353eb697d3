"""Real solutions of small polynomial systems: decided exactly, or not at all.

`real_zeros` splits {f = 0 for all f, h ≠ 0 for all h} in R^d into pieces as a person would. It takes the factors of
an equation one after another; solves what is linear in a variable, and substitutes; knows that a sum of even
monomials vanishes only where each of them does, and a·x² + b·x + c with 4ac − b² ≥ 0 everywhere only where
2ax + b = 0; and counts the real roots of an equation in one variable (Sturm). A Gröbner basis comes last, and for
small systems only: nothing here depends on the speed of the machine. No pieces at all is a proof that there is no
real solution.
"""

import itertools
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sympy as sp
from sympy.polys.domains.domain import Domain
from sympy.polys.rings import PolyElement

_BUDGET = 400  # systems looked at before giving up
_SMALL = {"variables": 3, "degree": 16, "terms": 80}  # what a Gröbner basis is computed for
_TRIALS = 200  # points tried for a change of sign

_Step = tuple[int, PolyElement, PolyElement]
"""(i, numerator, denominator): x_i = numerator/denominator was put into everything else."""


class Undecided(ArithmeticError):
    """Neither a real solution nor a proof that there is none was found."""


class Piece(NamedTuple):
    """Part of a solution set: each variable in ``values`` equals an expression in the variables that are left free,
    and ``rest`` are further equations in these, proved to have common real solutions."""

    values: dict[sp.Symbol, sp.Expr]
    rest: tuple[PolyElement, ...]


def real_zeros(equations: Sequence[PolyElement], nonzero: Sequence[PolyElement] = ()) -> list[Piece]:
    """The real points where all ``equations`` vanish and no polynomial of ``nonzero`` does, as a list of `Piece`.

    Both are sequences of elements of one sympy polynomial ring (`sympy.ring`) over QQ or a real number field. Pieces
    may overlap. Raises Undecided if some part of the set is neither found nor proved empty.
    """
    pieces = list(_pieces(equations, nonzero))
    decided = [piece for piece in pieces if piece is not None]
    if len(decided) < len(pieces):
        raise Undecided("no rule decides whether " + ", ".join(f"{f} = 0" for f in equations) + " has real solutions")
    return decided


def has_real_zero(equations: Sequence[PolyElement], nonzero: Sequence[PolyElement] = ()) -> bool | None:
    """True or False, both proved, or None where neither is."""
    found: bool | None = False
    for piece in _pieces(equations, nonzero):
        if piece is not None:
            return True
        found = None
    return found


def sign(coefficient: Any, domain: Domain) -> int:
    """1, 0 or −1: the sign of an element of a real number field."""
    return int(sp.sign(domain.to_sympy(coefficient)))


def value(f: PolyElement, point: Sequence[Any]) -> Any:
    """f at a point of its number field, given as d elements of ``f.ring.domain``."""
    return sum(
        (c * sp.prod(x**e for x, e in zip(point, m, strict=True) if e) for m, c in f.terms()), f.ring.domain.zero
    )


def by_power(f: PolyElement, i: int) -> list[PolyElement]:
    """The coefficients of f as a polynomial in its i-th variable, lowest power first."""
    parts = [f.ring.zero for _ in range(f.degree(f.ring.gens[i]) + 1)]
    for monomial, coefficient in f.terms():
        parts[monomial[i]][(*monomial[:i], 0, *monomial[i + 1 :])] = coefficient
    return parts


def insert(f: PolyElement, i: int, numerator: PolyElement, denominator: PolyElement) -> PolyElement:
    """f with its i-th variable replaced by numerator/denominator, times the power of the denominator that clears it."""
    result, power = f.ring.zero, f.ring.one
    for part in reversed(by_power(f, i)):
        result, power = result * numerator + part * power, power * denominator
    return result


def _pieces(equations: Sequence[PolyElement], nonzero: Sequence[PolyElement]) -> Iterator[Piece | None]:
    """Pieces of the solution set; None stands for a part that was not decided."""
    equations = [f for f in equations if f]
    if not all(nonzero):
        return iter(())
    return _solve(equations, frozenset().union(*map(factors, nonzero)), (), [_BUDGET], False)


@lru_cache(maxsize=10_000)
def factors(f: PolyElement) -> frozenset[PolyElement]:
    """The distinct irreducible factors of f, monic, as a frozenset.

    Only the hard part is given to sympy, in as few variables as it has: its algorithms are slow in variables that do
    not occur.
    """
    ring, monomials = f.ring, f.monoms()
    lowest = tuple(min(column) for column in zip(*monomials, strict=True))
    powers = [x for x, e in zip(ring.gens, lowest, strict=True) if e]
    core = ring.from_dict({tuple(x - y for x, y in zip(m, lowest, strict=True)): c for m, c in f.terms()})
    if core.is_ground:
        return frozenset(powers)
    if any(slope.is_ground for _, (_, slope) in _affine(core)) or _is_simplex(core):
        return frozenset([*powers, core.monic()])
    occurring = used(core)
    small = sp.ring([ring.symbols[i] for i in occurring], ring.domain)[0]
    _, factors = small.from_dict({tuple(m[i] for i in occurring): c for m, c in core.terms()}).factor_list()
    return frozenset([*powers, *(g.set_ring(ring).monic() for g, _ in factors)])


def _is_simplex(f: PolyElement) -> bool:
    """True if the terms of f, without a monomial as a factor, are the corners of a simplex that is no multiple of a
    smaller one: then f is irreducible (Gao 2001)."""
    first, *others = f.monoms()
    rows = [[a - b for a, b in zip(m, first, strict=True)] for m in others]
    if len(rows) > f.ring.ngens or math.gcd(*itertools.chain.from_iterable(rows)) != 1:
        return False
    return sp.polys.matrices.DomainMatrix(rows, (len(rows), f.ring.ngens), sp.ZZ).rank() == len(rows)


def _solve(
    equations: Iterable[PolyElement],
    nonzero: frozenset[PolyElement],
    solved: tuple[_Step, ...],
    budget: list[int],
    has_basis: bool,
) -> Iterator[Piece | None]:
    """The pieces where ``equations`` hold, no factor in ``nonzero`` vanishes, and the steps ``solved`` were taken.

    ``budget`` holds one number, the systems that may still be looked at; it is shared with the calls of itself.
    ``has_basis``: the equations come from a Gröbner basis, and another one would not help.
    """
    budget[0] -= 1
    if budget[0] < 0:
        yield None
        return
    system = _factored(equations, nonzero)
    if system is None:
        return
    if not system:
        yield _piece(solved, ())
        return

    def without(f: PolyElement, *consequences: PolyElement) -> list[PolyElement]:
        return [sp.prod(parts) for parts in system if parts != [f]] + list(consequences)

    single = [parts[0] for parts in system if len(parts) == 1]
    for f in single:
        for i, (constant, slope) in _affine(f):
            if slope.is_ground:
                yield from _substitute(without(f), nonzero, solved, budget, (i, -constant, slope))
                return
    for f in single:
        consequences = _consequences(f)
        if consequences:
            yield from _solve(without(f, *consequences), nonzero, solved, budget, has_basis)
            return
    for f in single:
        if _has_no_root(f):
            return
    for parts in system:
        if len(parts) > 1:
            others = [sp.prod(other) for other in system if other != parts]
            for g in parts:
                yield from _solve([*others, g], nonzero, solved, budget, has_basis)
            return
    if len(single) > 1 and not has_basis:
        basis = _basis(single, nonzero)
        if basis:
            yield from _solve(basis, nonzero, solved, budget, True)
            return
    for f in single:
        for i, (constant, slope) in _affine(f):
            yield from _solve(without(f, constant, slope), nonzero, solved, budget, False)
            apart = nonzero | factors(slope)
            yield from _substitute(without(f), apart, solved, budget, (i, -constant, slope))
            return
    yield _piece(solved, tuple(single)) if _independent(single, nonzero) else None


def _factored(equations: Iterable[PolyElement], nonzero: frozenset[PolyElement]) -> list[list[PolyElement]] | None:
    """For each equation its irreducible factors but those in ``nonzero``, the simplest equation first.

    None if one has no factor left, so that it cannot hold.
    """
    system: list[list[PolyElement]] = []
    for f in set(equations):
        parts = sorted(factors(f) - nonzero, key=str)
        if not parts:
            return None
        if parts not in system:
            system.append(parts)
    return sorted(system, key=lambda parts: (len(parts), sum(map(len, parts)), str(parts)))


def _affine(f: PolyElement) -> list[tuple[int, list[PolyElement]]]:
    """(i, [c, s]) for each variable x_i in which f = c + s·x_i is of degree 1, simplest slope first."""
    found = [(i, by_power(f, i)) for i, x in enumerate(f.ring.gens) if f.degree(x) == 1]
    return sorted(found, key=lambda item: (not item[1][1].is_ground, len(item[1][1])))


def _substitute(
    equations: Iterable[PolyElement],
    nonzero: Iterable[PolyElement],
    solved: tuple[_Step, ...],
    budget: list[int],
    step: _Step,
) -> Iterator[Piece | None]:
    """Go on with x_i = numerator/denominator put into everything else."""
    apart = [insert(h, *step) for h in nonzero]
    if all(apart):
        left = [g for g in (insert(f, *step) for f in equations) if g]
        yield from _solve(left, frozenset().union(*map(factors, apart)), (*solved, step), budget, False)


def _piece(solved: tuple[_Step, ...], rest: tuple[PolyElement, ...]) -> Piece:
    """The `Piece` that is left after the steps: each variable that was solved for, in terms of the free ones."""
    values: dict[sp.Symbol, sp.Expr] = {}
    for i, numerator, denominator in reversed(solved):
        value = numerator.as_expr() / denominator.as_expr()
        values[numerator.ring.symbols[i]] = sp.cancel(value.subs(values))
    return Piece(values, rest)


def _consequences(f: PolyElement) -> list[PolyElement]:
    """Equations that hold wherever the irreducible f vanishes, found from its sign; none if f is not semidefinite."""
    if _even(f):
        return [f.ring.from_dict({monomial: f.ring.domain.one}) for monomial in f.monoms()]
    for i, x in enumerate(f.ring.gens):
        parts = by_power(f, i)
        if len(parts) == 3 and parts[2].is_ground:
            discriminant = 4 * parts[2] * parts[0] - parts[1] ** 2
            if _nonnegative(discriminant):
                return [discriminant, 2 * parts[2] * x + parts[1]]
    return []


def _even(f: PolyElement) -> int:
    """1 or −1 if all monomials are even and all coefficients have that sign; else 0."""
    signs = {sign(c, f.ring.domain) for c in f.coeffs()}
    return signs.pop() if len(signs) == 1 and all(e % 2 == 0 for m in f.monoms() for e in m) else 0


def _nonnegative(f: PolyElement) -> bool:
    """True only if f ≥ 0 on all of R^d is proved."""
    return not f or _semidefinite(f) > 0


def _semidefinite(f: PolyElement) -> int:
    """1 if f ≥ 0 is proved, −1 if f ≤ 0 is, else 0. A square is not recognised: its discriminants are 0."""
    if _even(f):
        return _even(f)
    for i in range(f.ring.ngens):
        parts = by_power(f, i)
        if len(parts) == 3 and parts[2].is_ground and _nonnegative(4 * parts[2] * parts[0] - parts[1] ** 2):
            return sign(parts[2].LC, f.ring.domain)
    return 0


def used(f: PolyElement) -> list[int]:
    """The indices of the variables that occur in f."""
    return [i for i, x in enumerate(f.ring.gens) if f.degree(x) > 0]


def terms_of(f: PolyElement) -> list[PolyElement]:
    """The terms of f, each a polynomial."""
    return [f.ring.from_dict({m: c}) for m, c in f.terms()]


def grouped(polynomials: Iterable[PolyElement]) -> list[list[PolyElement]]:
    """The polynomials in groups that share no variable."""
    groups: list[tuple[set[int], list[PolyElement]]] = []
    for f in polynomials:
        variables, members = set(used(f)), [f]
        for group in [g for g in groups if g[0] & variables]:
            groups.remove(group)
            variables, members = variables | group[0], [*group[1], *members]
        groups.append((variables, members))
    return [members for _, members in groups]


def _has_no_root(f: PolyElement) -> bool:
    """True if f has one variable and, by Sturm's theorem, no real root."""
    return len(used(f)) == 1 and f.ring.domain.is_QQ and sp.Poly(f.as_expr()).count_roots() == 0


def _independent(system: Sequence[PolyElement], nonzero: Iterable[PolyElement]) -> bool:
    """True if the equations share no variables and each has real solutions, also where ``nonzero`` does not vanish.

    An irreducible f that changes sign has a real zero set that is dense in the complex one, so that no other
    irreducible polynomial in the same variables vanishes on all of it.
    """
    groups = [set(used(f)) for f in system]
    if any(a & b for k, a in enumerate(groups) for b in groups[:k]):
        return False
    if any(sum(bool(group & set(used(h))) for group in groups) > 1 for h in nonzero):
        return False
    return all(_changes_sign(f) for f in system)


def _changes_sign(f: PolyElement) -> bool:
    """True if f takes both signs: by counting its real roots, or at points with small coordinates."""
    rng = random.Random(0)
    if len(used(f)) == 1 and f.ring.domain.is_QQ:
        return sp.Poly(f.as_expr()).count_roots() > 0
    domain, seen = f.ring.domain, set()
    for _ in range(_TRIALS):
        seen.add(sign(value(f, [domain(rng.randint(-6, 6)) / rng.randint(1, 3) for _ in f.ring.gens]), domain))
        if {-1, 1} <= seen:
            return True
    return False


def _basis(system: list[PolyElement], nonzero: Iterable[PolyElement]) -> list[PolyElement] | None:
    """A Gröbner basis of the system where ``nonzero`` does not vanish, or None if that is too much work."""
    ring = system[0].ring
    occurring = sorted({i for f in system for i in used(f)})
    guards = [h for h in nonzero if set(used(h)) <= set(occurring)]
    size = {
        "variables": len(occurring),
        "degree": max(sum(m) for f in system for m in f.monoms()),
        "terms": sum(len(f) for f in system),
    }
    if any(size[what] > most for what, most in _SMALL.items()):
        return None
    inverse = sp.Dummy("inverse")
    symbols = [inverse, *(ring.symbols[i] for i in occurring)]
    guard = inverse * sp.prod(h.as_expr() for h in guards) - 1
    basis = sp.groebner([guard, *(f.as_expr() for f in system)], *symbols, order="grevlex", domain=ring.domain)
    if basis.is_zero_dimensional:
        basis = basis.fglm("lex")
    return [*system, *(ring.from_expr(g) for g in basis.exprs if not g.has(inverse))]
