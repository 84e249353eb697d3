"""Permutations of the variables that leave an ideal's generators as they are, or take them into those of another."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy as sp

from sltcourse.theory.germ import Germ
from sltcourse.theory.polyhedron import Exponent


def representatives(germ: Germ, centre: Sequence[int]) -> list[int]:
    """Variables of the centre, one at least of those that a symmetry of germ and centre takes into one another."""
    chosen: list[int] = []
    orders = {i: _order(germ, centre, i) for i in centre}
    for i in centre:
        if not any(_is_symmetry(germ, centre, dict(zip(orders[k], orders[i], strict=True))) for k in chosen):
            chosen.append(i)
    return chosen


def same_up_to_names(one: Sequence[frozenset[Exponent]], other: Sequence[frozenset[Exponent]]) -> dict[int, int] | None:
    """A renaming {variable of one: variable of the other} that takes sets of monomials into those others; or None.

    It is found where few variables play the same part; None does not prove that there is no renaming.
    """
    d = len(next(iter(one[0])))
    if len(one) != len(other) or sorted(map(len, one)) != sorted(map(len, other)):
        return None
    ring = sp.ring([f"x{i}" for i in range(d)], sp.QQ)[0]
    germs = [
        Germ(tuple(ring.from_dict(dict.fromkeys(f, sp.QQ.one)) for f in forms), True, (Fraction(0),) * d)
        for forms in (one, other)
    ]
    wanted, order = set(other), _order(germs[0], (), 0)
    for first in range(d):
        image = dict(zip(order, _order(germs[1], (), first), strict=True))
        back = {k: i for i, k in image.items()}
        if {frozenset(tuple(m[back[k]] for k in range(d)) for m in f) for f in one} == wanted:
            return image
    return None


def _order(germ: Germ, centre: Sequence[int], first: int) -> list[int]:
    """The variables in an order that depends on their place in the generators only, after ``first`` is marked.

    Colours are refined until they tell all variables apart; where they do not, one of the first class is marked too.
    """
    d = germ.ring.ngens
    colours = _ranks([(germ.prior[i], i in centre, i == first) for i in range(d)])
    while True:
        colours = _refined(germ, colours)
        classes = [[i for i in range(d) if colours[i] == c] for c in sorted(set(colours))]
        tied = next((members for members in classes if len(members) > 1), None)
        if tied is None:
            return [members[0] for members in classes]
        colours = _ranks([(c, i == tied[0]) for i, c in enumerate(colours)])


def _refined(germ: Germ, colours: list[int]) -> list[int]:
    """Colours told apart by how often, and beside which colours, the variables occur in the generators."""
    while True:
        seen: list[list[Any]] = [[] for _ in colours]
        for f in germ.generators:
            terms = [(str(c), tuple(sorted((colours[i], e) for i, e in enumerate(m) if e)), m) for m, c in f.terms()]
            whole = tuple(sorted(term[:2] for term in terms))
            for i in range(len(colours)):
                inside = tuple(sorted((text, others, m[i]) for text, others, m in terms if m[i]))
                if inside:
                    seen[i].append((whole, inside))
        finer = _ranks([(colour, tuple(sorted(what))) for colour, what in zip(colours, seen, strict=True)])
        if len(set(finer)) == len(set(colours)):
            return finer
        colours = finer


def _ranks(keys: list[Any]) -> list[int]:
    """For each key, how many smaller ones there are, equal keys counted once."""
    places = {key: k for k, key in enumerate(sorted(set(keys)))}
    return [places[key] for key in keys]


def _is_symmetry(germ: Germ, centre: Sequence[int], image: dict[int, int]) -> bool:
    """Does the permutation leave the prior, the centre and the set of generators as they are? Checked term by term."""
    if any(germ.prior[i] != germ.prior[k] for i, k in image.items()) or {image[i] for i in centre} != set(centre):
        return False

    def moved(m: tuple[int, ...]) -> tuple[int, ...]:
        result = [0] * len(m)
        for i, e in enumerate(m):
            result[image[i]] = e
        return tuple(result)

    plain = {frozenset(f.terms()) for f in germ.generators}
    return {frozenset((moved(m), c) for m, c in f.terms()) for f in germ.generators} == plain
