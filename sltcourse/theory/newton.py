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
counts then are the common zeros of the face polynomials (f_i)_γ; where the f_i meet transversally there, λ can still be
read off a polyhedron (`intersections`).

Sources: Varchenko 1976; Greenblatt 2008, arXiv:0804.1579 (order of the zeros against the distance); Lin 2010,
arXiv:1003.5338 (ideals, sums of squares, the prior); Watanabe 2009 (λ, m and V(ε)).
"""

from collections.abc import Sequence
from fractions import Fraction

import sympy as sp

from sltcourse.theory.analysis import LearningCoefficient, analyse
from sltcourse.theory.coordinates import combined, search
from sltcourse.theory.germ import Germ, Point, Polynomials, Prior, simplified
from sltcourse.theory.germ import germ as germ_of
from sltcourse.theory.limits import Budget
from sltcourse.theory.linear_networks import LinearNetwork, linear_network
from sltcourse.theory.reduction import reduce
from sltcourse.theory.signs import is_nonnegative

__all__ = ["LearningCoefficient", "learning_coefficient", "search_coordinates"]

SECONDS = 5.0  # the longest that `learning_coefficient` and `search_coordinates` think, if not told otherwise
_FEW_CHANGES, _CHANGES = 8, 30  # changes of coordinates that a search looks at, before and after other attempts
_LEAST = 0.01  # seconds


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

    >>> import sympy as sp
    >>> from sltcourse.theory.newton import learning_coefficient
    >>> x, y = sp.symbols("x y")
    >>> cusp = learning_coefficient((y**2 - x**3)**2, [x, y])
    >>> learning_coefficient(x**2 + y**4, [x, y]).value, learning_coefficient(x**2 * y**2, [x, y]).multiplicity
    (Fraction(3, 4), 2)
    >>> cusp.value, cusp.multiplicity, cusp.exact
    (Fraction(5, 12), 1, True)
    """
    budget = Budget(seconds)
    germ = budget.run(_read, K, variables, point, prior)
    return analyse(germ, _proved_nonnegative(germ, budget), budget).answer


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
    with a prior that is not flat are not replaced. A linear network, ‖W_L ⋯ W_1 − A‖² as a list of entries or
    multiplied out, is recognised; where no proof is found for it, the formula of `closed_forms` decides. Returns the
    best answer; it has ``coordinates``. Arguments and errors are those of `learning_coefficient`. ``K``, ``variables``,
    ``point``, ``prior`` and ``seconds`` are as there.

    >>> import sympy as sp
    >>> from sltcourse.theory.newton import learning_coefficient, search_coordinates
    >>> x, y = sp.symbols("x y")
    >>> K = (x + y)**2 + y**4
    >>> learning_coefficient(K, [x, y]).exact
    False
    >>> found = search_coordinates(K, [x, y])
    >>> found.value, found.multiplicity, found.exact
    (Fraction(3, 4), 1, True)
    """
    budget = Budget(seconds)
    given = budget.run(germ_of, K, variables, point, prior, True)
    network = budget.run(linear_network, given)
    start = simplified(network.germ if network else given)
    proved = _proved_nonnegative(start, budget)
    found = search(start, proved, Budget(seconds / 4), _FEW_CHANGES)
    if not found.exact and "interrupted" not in found.why:
        found = combined(found, reduce(start, proved, Budget(max(budget.left / 2, _LEAST))))
        if not found.exact and network and network.known:
            found = _published(network, *network.known)
        if not found.exact and budget.left > 0:
            found = combined(found, search(start, proved, budget, _CHANGES))
    return found


def _published(network: LinearNetwork, lam: Fraction, m: int) -> LearningCoefficient:
    widths = "-".join(map(str, network.widths))
    why = f"the linear network {widths} at rank {network.rank}: Aoyagi 2024 (`closed_forms.deep_linear_network`)"
    return LearningCoefficient(lam, m, lam, True, why, {}, ())


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
