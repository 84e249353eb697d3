"""Resolution of singularities by hand: blow up, chart by chart, until K and the Jacobian have normal crossings.

This is how λ (the real log canonical threshold, RLCT, rlct) and m (the multiplicity) of a cusp are found on paper.
Near every point of every chart K then is a product of powers of coordinates times a positive unit, and so are the
Jacobian |w'(u)| and the prior:

    K = unit · Π u_j^{2k_j},   |w'(u)| φ = unit · Π |u_j|^{h_j},   ζ(z) has its poles at −(h_j + 1)/(2k_j).

λ is the smallest of these numbers over all divisors {u_j = 0} above the point, and m the largest number of divisors
with that value through one point. *The powers written here are those of K*, 2k_j and not k_j.

`start` makes the chart in which K is given; `Chart.blow_up` and `Chart.change` make others from it, as a person would;
`Chart.obstacle` says where and why there are no normal crossings yet. `resolve` does it all: it blows up the smooth
set of largest multiplicity through the first such place. Where that does not end, within a number of steps, charts and
seconds, it asks `newton`, and refuses with what is known.

Source: Hironaka 1964; Watanabe 2009.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from sympy.polys.rings import PolyElement

from sltcourse.progress import progress
from sltcourse.theory.charts import Chart, Factor, collected
from sltcourse.theory.germ import Point, Polynomials, Prior, germ
from sltcourse.theory.limits import Budget
from sltcourse.theory.newton import LearningCoefficient, search_coordinates
from sltcourse.theory.real_zeros import Undecided, has_real_zero, sign, value
from sltcourse.theory.signs import NegativeLoss, lowest_form, nonzero_point

MOST_VARIABLES, MOST_CHARTS, MOST_STEPS = 8, 200, 12
_SHARE = 0.5  # of the time left, for one chart: `newton` needs some, if the blow-ups do not end
SECONDS = 20.0  # the longest that `resolve` thinks, if not told otherwise
_LONG = 24  # K of a higher degree needs many blow-ups: `newton` is asked first


class NotResolved(ArithmeticError):
    """Normal crossings were not reached; ``charts`` holds those that were made, ``known`` the bounds of `newton`."""

    def __init__(self, reason: str, charts: tuple[Chart, ...], known: LearningCoefficient | None = None):
        super().__init__(reason)
        self.charts, self.known = charts, known


def start(K: Polynomials, variables: Sequence[sp.Symbol], point: Point = None, prior: Prior = None) -> Chart:
    """The chart in which K is given, the point moved to 0. ``K``, ``variables``, ``point``, ``prior`` and the errors
    are as in `newton.learning_coefficient`; ValueError also for more than 8 variables, and for a K that is ≤ 0 near the
    point.

    >>> import sympy as sp
    >>> from sltcourse.theory.blow_up import start
    >>> x, y = sp.symbols("x y")
    >>> chart = start(x**2 + y**2, [x, y])
    >>> [sp.factor(c.K) for c in chart.blow_up([x, y])]
    [u1**2*(u2**2 + 1), u2**2*(u1**2 + 1)]
    """
    f = germ(K, variables, point, prior)
    if f.ring.ngens > MOST_VARIABLES:
        raise ValueError(f"{f.ring.ngens} variables are too many to blow up: {MOST_VARIABLES} at most")
    products: list[Factor] = [(x, 0, h) for x, h in zip(f.ring.gens, f.prior, strict=True)]
    if not f.squares:
        _refuse_negative(f.generators[0])
        products.append((f.generators[0], 1, 0))
    divisors, rest = collected(products, f.generators if f.squares else ())
    return Chart("", "as given", f.ring.symbols, f.ring.gens, divisors, rest, f.ring.gens)


def _refuse_negative(K: PolyElement) -> None:
    """NegativeLoss if K is negative at one point near 0. Where normal crossings show that K does not change its sign,
    the sign at one point is that at all."""
    form = lowest_form(K)
    point = nonzero_point(form)
    if sign(value(form, point), form.ring.domain) < 0:
        at = ", ".join(f"{x} = {c}" for x, c in zip(form.ring.symbols, point, strict=True))
        raise NegativeLoss(f"K is negative near the point: its part {form.as_expr()} is negative at {at}")


@dataclass(frozen=True)
class Resolution:
    """λ (the real log canonical threshold of K) and m, and the charts they come from. Print it.

    learning_coefficient, multiplicity : λ, a Fraction, and m.
    charts : all of them, each before those made from it; ``final`` : those with normal crossings.
    complete : False if the work was interrupted, or its time was over; the learning coefficient is only an upper bound
        then.
    why : what decided, where the blow-ups did not end: the sentence of `newton`; else empty.
    """

    learning_coefficient: Fraction
    multiplicity: int
    charts: tuple[Chart, ...]
    final: tuple[Chart, ...]
    complete: bool
    why: str = ""

    def __str__(self) -> str:
        result = f"λ = {self.learning_coefficient}, m = {self.multiplicity}"
        if not self.complete:
            result = f"λ ≤ {self.learning_coefficient} (partial: interrupted)"
        return "\n\n".join([*map(str, self.charts), result + (f" ({self.why})" if self.why else "")])


def resolve(
    K: Polynomials,
    variables: Sequence[sp.Symbol],
    point: Point = None,
    prior: Prior = None,
    *,
    seconds: float = SECONDS,
) -> Resolution:
    """Blow up until K has normal crossings in all charts, and read off λ (RLCT) and m: a `Resolution`.

    ``K``, ``variables``, ``point``, ``prior`` and errors as in `start`; ``seconds`` of processor time is the longest
    that it thinks. Where the blow-ups do not end within that, or within a few hundred charts, the answer is that of
    `newton.search_coordinates` if that is exact (``why`` says so).

    Raises NotResolved with the reason and with the bounds that `newton` knows: too many steps or charts, a place that
    is not rational, a question about real solutions that could not be decided (Undecided inside), or no time left;
    ValueError also where K turns out to be negative somewhere near the point.

    >>> import sympy as sp
    >>> from sltcourse.theory.blow_up import resolve
    >>> x, y = sp.symbols("x y")
    >>> found = resolve((y**2 - x**3)**2, [x, y])
    >>> found.learning_coefficient, found.multiplicity, len(found.charts)
    (Fraction(5, 12), 1, 7)
    """
    budget, known = Budget(seconds), None
    f = budget.run(germ, K, variables, point, prior)
    if max(sum(m) for g in f.generators for m in g.monoms()) * (1 + f.squares) > _LONG:
        known = search_coordinates(K, variables, point, prior, seconds=0.3 * seconds)
        if known.exact:
            return Resolution(known.value, known.multiplicity, (), (), True, _by_newton(known, "are many"))
    try:
        todo, charts, final = [budget.run(start, K, variables, point, prior)], [], []
    except TimeoutError as error:
        known = known or search_coordinates(K, variables, point, prior, seconds=0.2 * seconds)
        raise NotResolved(f"not resolved, no first chart: {error}. Known is {known}", (), known) from None
    try:
        for _ in progress(range(MOST_CHARTS), "charts"):
            chart = todo.pop()
            charts.append(chart)
            steps = budget.run(_next_charts, chart, share=_SHARE)
            if steps:
                todo += reversed(steps)
            else:
                final.append(chart)
            if not todo:
                return _read_off(charts, final, complete=True)
        raise Undecided(f"{len(todo)} charts are left after {MOST_CHARTS}")
    except (Undecided, TimeoutError) as error:
        reason = str(error)
    except KeyboardInterrupt:
        if not any(chart.poles for chart in final):
            raise
        return _read_off(charts, final, complete=False)
    known = known or search_coordinates(K, variables, point, prior, seconds=max(budget.left, 0.2 * seconds))
    if known.exact:
        why = _by_newton(known, f"did not end in chart {chart.name or '0'}")
        return Resolution(known.value, known.multiplicity, tuple(charts), tuple(final), True, why)
    advice = "Try other coordinates or generators, or another order of the variables"
    sentence = f"not resolved, stuck in chart {chart.name or '0'}: {reason}. Known is {known}. {advice}"
    raise NotResolved(sentence, tuple(charts), known)


def _by_newton(known: LearningCoefficient, what: str) -> str:
    return f"the blow-ups {what}; by the Newton polyhedron: {known.why}"


def _next_charts(chart: Chart) -> list[Chart]:
    """The charts of the blow-up that `resolve` makes; none if there are normal crossings, with K ≥ 0. Raises Undecided,
    and NegativeLoss where K changes its sign."""
    if chart.obstacle is None:
        for g in chart.divisors:
            met = g.k % 2 and has_real_zero([*chart.locus, *g.equations])
            if met:
                raise NegativeLoss(f"K is negative near the point: it changes its sign in chart {chart.name or '0'}")
            if met is None:
                raise Undecided(f"does K change its sign where {g}?")
        _ = chart.poles  # raises Undecided here, rather than when they are read
        return []
    if chart.name.count(".") + 1 >= MOST_STEPS:
        raise Undecided(f"{chart.obstacle}, after {MOST_STEPS} blow-ups, one after another")
    centre = chart.centre()
    shear = {x: x + e for x, e in centre.items() if e != 0}
    return (chart.change(shear) if shear else chart).blow_up(list(centre))


def _read_off(charts: list[Chart], final: list[Chart], complete: bool) -> Resolution:
    smallest = min(g.ratio for chart in final for g in chart.poles if g.ratio is not None)
    multiplicity = max(chart.multiplicity(smallest) for chart in final)
    return Resolution(smallest, multiplicity, tuple(charts), tuple(final), complete)
