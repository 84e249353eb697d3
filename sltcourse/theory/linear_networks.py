"""Linear networks recognised in a germ: the entries of W_L ⋯ W_1 − A as a list, or ‖W_L ⋯ W_1 − A‖² multiplied out.

The terms of highest degree of an entry are paths through the network, one weight of each layer. So they show which
variable is which weight; the terms one degree lower then give the weights' values at the point, and the rest is
checked: nothing is recognised that is not equal, coefficient by coefficient.

λ and m are those of Aoyagi's formula where each W_k has the rank r of A at the point. For there a change of basis in
every layer takes all W_k into diag(1, …, 1, 0, …, 0), and a neighbourhood of that point meets the orbits of all other
points with W_L ⋯ W_1 = A (their excess parts are scaled to 0 by a change of basis in the hidden layers). So the λ there
is the smallest, and that is the λ of the formula.

Source: Aoyagi 2024; see `closed_forms.deep_linear_network`.
"""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyElement

from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.germ import Germ
from sltcourse.theory.polyhedron import Exponent
from sltcourse.theory.real_zeros import sign, used
from sltcourse.theory.symmetry import same_up_to_names

_Form = frozenset[Exponent]
"""The paths that add up to one entry of W_L ⋯ W_1, each with the coefficient 1."""


class LinearNetwork(NamedTuple):
    """A germ that is a linear network near a point.

    widths : of the layers, input first (or last: λ and m are the same).
    ranks : of W_1, …, W_L at the point; rank : of their product A.
    germ : the entries of W_L ⋯ W_1 − A, a list of generators, the point moved to 0.
    """

    widths: tuple[int, ...]
    ranks: tuple[int, ...]
    rank: int
    germ: Germ

    @property
    def known(self) -> tuple[Fraction, int] | None:
        """λ and m where every W_k has the rank of A, else None."""
        return deep_linear_network(self.widths, self.rank) if set(self.ranks) == {self.rank} else None


def linear_network(germ: Germ) -> LinearNetwork | None:
    """The `LinearNetwork` that a germ with a flat prior is, as given; None if it is none of two layers or more."""
    forms = None if any(germ.prior) else _forms(germ)
    ring, variables = germ.ring, sorted({i for f in germ.generators for i in used(f)})
    if forms is None or (depth := sum(next(iter(forms[0])))) < 2:
        return None
    for widths in _widths(len(variables), depth, len(forms), sum(map(len, forms))):
        layers, entries = _entries(widths)
        names = same_up_to_names(entries, [frozenset(tuple(m[i] for i in variables) for m in f) for f in forms])
        if names is None:
            continue
        place = {weight: variables[k] for weight, k in names.items()}
        values = _values(germ, forms)
        matrices = [[[ring.gens[place[w]] for w in row] for row in layer] for layer in layers]
        at = [[[values[place[w]] for w in row] for row in layer] for layer in layers]
        moved = [
            [[x + c for x, c in zip(*rows, strict=True)] for rows in zip(*pair, strict=True)]
            for pair in zip(matrices, at, strict=True)
        ]
        product, target = reduce(_times, moved), reduce(_times, at)
        generators = tuple(
            f - ring.one * a for pair in zip(product, target, strict=True) for f, a in zip(*pair, strict=True)
        )
        if _equal(germ, generators):
            ranks = [DomainMatrix(W, (len(W), len(W[0])), ring.domain).rank() for W in [*at, target]]
            return LinearNetwork(widths, tuple(ranks[:-1]), ranks[-1], Germ(generators, True, germ.prior))
    return None


def _forms(germ: Germ) -> list[_Form] | None:
    """The paths of each entry, from the terms of highest degree; None where these are of another kind."""
    if germ.squares:
        found = [_highest(f) for f in germ.generators]
        if any(len(set(f.values())) > 1 for f in found):
            return None
    else:  # Σ (sum of paths)²: the squares show the paths, and the products show which belong together
        highest = _highest(germ.generators[0])
        squares = {m: c for m, c in highest.items() if not any(e % 2 for e in m)}
        paths = {tuple(e // 2 for e in m) for m in squares}
        if len(set(squares.values())) > 1:
            return None
        found = []
        while paths:
            first = min(paths)
            together = {p for p in paths if tuple(map(sum, zip(first, p, strict=True))) in highest}
            paths -= together | {first}
            found.append(dict.fromkeys(together | {first}, 1))
    forms = [frozenset(f) for f in found]
    multilinear = all(max(m) == 1 for f in forms for m in f)
    return forms if multilinear and len({sum(m) for f in forms for m in f}) == 1 else None


def _highest(f: PolyElement) -> dict[Exponent, object]:
    degree = max(map(sum, f.monoms()))
    return {m: c for m, c in f.terms() if sum(m) == degree}


def _widths(weights: int, depth: int, entries: int, paths: int) -> Iterator[tuple[int, ...]]:
    """The widths of ``depth`` layers with so many weights, entries of the product and paths through all of them."""
    for outer in (k for k in range(1, entries + 1) if entries % k == 0):
        hidden = paths // entries if paths % entries == 0 else 0
        for inner in _factors(hidden, depth - 1):
            widths = (outer, *inner, entries // outer)
            if sum(a * b for a, b in itertools.pairwise(widths)) == weights:
                yield widths


def _factors(number: int, count: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a product of so many positive ones, in order."""
    if count == 1:
        yield (number,)
        return
    for first in (k for k in range(1, number + 1) if number % k == 0):
        for rest in _factors(number // first, count - 1):
            yield (first, *rest)


def _entries(widths: tuple[int, ...]) -> tuple[list[list[list[int]]], list[_Form]]:
    """The layers as matrices of the numbers of their weights, and the paths of each entry of the product."""
    shapes = [(rows, columns) for columns, rows in itertools.pairwise(widths)]
    starts = [0, *itertools.accumulate(map(math.prod, shapes))]
    layers = [
        [[start + i * columns + j for j in range(columns)] for i in range(rows)]
        for start, (rows, columns) in zip(starts, shapes, strict=False)
    ]
    paths: dict[tuple[int, int], set[Exponent]] = {}
    for nodes in itertools.product(*map(range, widths)):
        passed = {layers[k][after][before] for k, (before, after) in enumerate(itertools.pairwise(nodes))}
        path = tuple(int(w in passed) for w in range(starts[-1]))
        paths.setdefault((nodes[-1], nodes[0]), set()).add(path)
    return layers, [frozenset(some) for some in paths.values()]


def _values(germ: Germ, forms: list[_Form]) -> list[object]:
    """The value of every weight at the point, from the terms one degree below the highest."""
    values = [germ.ring.domain.zero] * germ.ring.ngens
    for n, form in enumerate(forms):
        f = germ.generators[n] if germ.squares else germ.generators[0]
        for path in form:
            top = path if germ.squares else tuple(2 * e for e in path)
            for i in (i for i, e in enumerate(path) if e):
                below = tuple(e - (i == k) for k, e in enumerate(top))
                values[i] = f.get(below, germ.ring.domain.zero) / (f[top] * (1 if germ.squares else 2))
    return values


def _times(below: list[list[PolyElement]], layer: list[list[PolyElement]]) -> list[list[PolyElement]]:
    """The matrix product ``layer`` · ``below``."""
    columns = list(zip(*below, strict=True))
    return [[sum(a * b for a, b in zip(row, c, strict=True)) for c in columns] for row in layer]


def _equal(germ: Germ, entries: tuple[PolyElement, ...]) -> bool:
    """Is the germ this list of entries, up to their order and constant factors; or a multiple c > 0 of Σ f_i²?"""
    if germ.squares:
        given, wanted = ({frozenset(f.monic().terms()) for f in fs} for fs in (germ.generators, entries))
        return given == wanted
    f = germ.generators[0]
    total = sum((g**2 for g in entries), germ.ring.zero)
    return sign(f.LC, germ.ring.domain) > 0 and f.monic() == total.monic()
