"""λ and m of a product of powers of linear forms: a hyperplane arrangement.

For K = Π l_i^(2k_i), with linear forms l_i that are not proportional, and a prior Π|w_j|^(h_j), call *flat* each
intersection F of some of the hyperplanes {l_i = 0}, or {w_j = 0} where h_j ≠ 0. With N(F) = Σ k_i and h(F) = Σ h_j
over the hyperplanes that contain F,

    λ = min over the flats of (codim F + h(F)) / (2 N(F)),   m = the longest chain F_1 ⊋ F_2 ⊋ … that attains it.

Blow up all flats, those of least dimension first. That gives normal crossings, with one divisor D_F for each flat: K
has the order 2 N(F) on it, and the Jacobian times the prior the order codim F − 1 + h(F). Divisors meet where their
flats are a chain, and then over the least flat of the chain, so above 0.

Source: Mustaţă 2006 (λ); De Concini & Procesi 1995 (the blow-ups).
"""

from fractions import Fraction
from typing import Any

from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyElement

from sltcourse.theory.germ import Germ

_MOST_FLATS = 2000


def arrangement(germ: Germ) -> tuple[Fraction, int] | None:
    """λ and m of a germ with one generator, a product of powers of linear forms; None for any other germ.

    Raises ArithmeticError for too many flats.
    """
    if not germ.squares or len(germ.generators) > 1:
        return None
    f, ring, d = germ.generators[0], germ.ring, germ.ring.ngens
    factors = [(g, power) for g, power in f.factor_list()[1] if (0,) * d not in g]
    if not factors or any(sum(m) > 1 for g, _ in factors for m in g.monoms()):
        return None
    planes: dict[PolyElement, tuple[int, Fraction]] = {g.monic(): (power, Fraction(0)) for g, power in factors}
    for x, h in zip(ring.gens, germ.prior, strict=True):
        if h:
            planes[x] = (planes.get(x, (0, h))[0], h)
    rows = [[g.coeff(x) for x in ring.gens] for g in planes]
    orders = list(planes.values())
    ratios: dict[frozenset[int], Fraction] = {}
    for flat, codimension in _flats(rows, ring.domain, d).items():
        if power := sum(orders[i][0] for i in flat):
            prior = sum((orders[i][1] for i in flat), Fraction(0))
            ratios[flat] = (codimension + prior) / (2 * power)
    lam = min(ratios.values())
    chain: dict[frozenset[int], int] = {}
    for flat in sorted((flat for flat, ratio in ratios.items() if ratio == lam), key=len):
        chain[flat] = 1 + max((length for below, length in chain.items() if below < flat), default=0)
    return lam, max(chain.values())


def _flats(rows: list[list[Any]], domain: Any, d: int) -> dict[frozenset[int], int]:
    """{numbers of the hyperplanes that contain it: codimension} for all flats, the whole space left out."""
    found: dict[frozenset[int], int] = {}
    layer, codimension = {frozenset[int]()}, 0
    while layer:
        codimension += 1
        joined: set[frozenset[int]] = set()
        for flat in layer:
            for i in set(range(len(rows))) - flat:
                if not any(i in other and flat < other for other in joined):
                    basis = [rows[k] for k in (*flat, i)]
                    rank = DomainMatrix(basis, (len(basis), d), domain).rank()
                    inside = (
                        k for k in range(len(rows))
                        if k in flat or DomainMatrix([*basis, rows[k]], (len(basis) + 1, d), domain).rank() == rank
                    )  # fmt: skip
                    joined.add(frozenset(inside))
        if len(found) + len(joined) > _MOST_FLATS:
            raise ArithmeticError(f"more than {_MOST_FLATS} flats")
        found |= dict.fromkeys(joined, codimension)
        layer = joined
    return found
