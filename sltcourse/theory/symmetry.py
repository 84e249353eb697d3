"""Permutations of the variables that leave an ideal's generators as they are: charts of a blow-up that are alike."""

from collections.abc import Sequence
from typing import Any

from sltcourse.theory.germ import Germ


def representatives(germ: Germ, centre: Sequence[int]) -> list[int]:
    """Variables of the centre, one at least of those that a symmetry of germ and centre takes into one another."""
    chosen: list[int] = []
    orders = {i: _order(germ, centre, i) for i in centre}
    for i in centre:
        if not any(_is_symmetry(germ, centre, dict(zip(orders[k], orders[i], strict=True))) for k in chosen):
            chosen.append(i)
    return chosen


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
