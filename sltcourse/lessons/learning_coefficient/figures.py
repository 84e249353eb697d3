"""The live figures of lesson 04: the Newton polygon, and linear networks. Blow-ups: ``blow_ups``."""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.learning_coefficient.models import Polygon, polygon
from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.newton import learning_coefficient

COLORS = style.COLORS


# ---- the Newton polygon ----------------------------------------------------------------------------------------------


_PRIORS = range(4)  # powers of the prior that the ray of one's own K can be tilted by


def _written(dots: Iterable[Sequence[int]], names: Sequence[str] = ("w₁", "w₂")) -> str:
    """Monomials as text, each exponent raised, joined by plus signs."""
    return " + ".join(
        " ".join(name + (style.superscript(e) if e > 1 else "") for name, e in zip(names, dot, strict=True) if e)
        for dot in dots
    )


def _padded(points: Sequence[Any], size: int) -> np.ndarray:
    """The points, the last one repeated, as (x, y) of one length."""
    return np.array([*points, *[points[-1]] * (size - len(points))], float).T


def _outline(corners: Sequence[Any], size: int, far: float) -> tuple[np.ndarray, np.ndarray]:
    """The corners of an unbounded convex region, closed at the far ends, always as many."""
    x, y = _padded(corners, size)
    return np.r_[x[0], x, far, far], np.r_[far, y, y[-1], far]


def live_polygon(K: sp.Expr | None = None) -> LiveFigure:
    """Slide the exponents of a loss: its Newton polygon with the ray that enters it, and the same in logarithms.

    Without ``K`` the sliders move the exponents of w₁^a + w₁^b w₂^c + w₂^d. With a ``K`` of your own, a sympy
    polynomial in two symbols that is nowhere negative and 0 at the origin, they give it the prior |w₁|^h₁ |w₂|^h₂,
    which tilts the ray; what is known of λ stands in the caption (`newton.learning_coefficient`). Raises
    TypeError for what is no sympy expression, ValueError for another number of symbols, and what that function raises.
    """
    return _polygon_of_powers() if K is None else _polygon_of(K)


def _polygon_of_powers() -> LiveFigure:
    ends = np.arange(0, 14, 2)
    states = {
        (a, b, c, d): polygon(*([(a, 0)] if a else []), (b, c), *([(0, d)] if d else []))
        for a, b, c, d in itertools.product(*(e.tolist() for e in (ends, ends[:4], ends[1:5], ends)))
    }
    controls = {
        "a": Slider("a", ends, start=6, format=_none),
        "b": Slider("b", ends[:4], start=2, format=str),
        "c": Slider("c", ends[1:5], start=4, format=str),
        "d": Slider("d", ends, start=0, format=_none),
    }

    def follow(read: Callable[[Polygon], Any]) -> Callable[..., Any]:
        return lambda a, b, c, d: read(states[a, b, c, d])

    def sentence(a: int, b: int, c: int, d: int) -> str:
        p = states[a, b, c, d]
        K = _written(dot for dot in ((a, 0), (b, c), (0, d)) if any(dot))
        where = "at a corner" if p.m == 2 else "in a side"
        return f"K = {K}: the ray enters at ({p.hit[0]}, {p.hit[1]}), {where}. λ = {p.lam}, m = {p.m}."

    names = ("w₁", "w₂")
    return _polygons(follow, list(states.values()), controls, names, "$w_1^a + w_1^b w_2^c + w_2^d$").caption(sentence)


def _polygon_of(K: sp.Expr) -> LiveFigure:
    if not isinstance(K, sp.Expr):
        raise TypeError("live_polygon takes a sympy expression of two symbols, such as w1**6 + w1**2*w2**4")
    symbols = sorted(K.free_symbols, key=sp.default_sort_key)
    if len(symbols) != 2:
        raise ValueError(f"the picture has two parameters, and this K has {len(symbols)}: write it with both symbols")
    known = {
        h: learning_coefficient(K, symbols, prior=dict(zip(symbols, h, strict=True)), seconds=2)
        for h in itertools.product(_PRIORS, _PRIORS)
    }
    dots = sp.Poly(sp.expand(K), *symbols).monoms()
    states = {h: polygon(*dots, prior=h) for h in known}
    names = [re.sub(r"(?<=[a-z])\d", lambda found: "₀₁₂₃₄₅₆₇₈₉"[int(found[0])], str(s)) for s in symbols]
    controls = {
        f"h{i}": Slider(f"power of |{name}| in the prior", list(_PRIORS), start=0, format=str)
        for i, name in enumerate(names, 1)
    }

    def follow(read: Callable[[Polygon], Any]) -> Callable[..., Any]:
        return lambda h1, h2: read(states[h1, h2])

    def sentence(h1: int, h2: int) -> str:
        p, found = states[h1, h2], known[h1, h2]
        prior = _written([(h1, h2)], [f"|{name}|" for name in names]) or "flat"
        enters = f"Prior {prior}: the ray enters at ({p.hit[0]}, {p.hit[1]}). The cheapest plan costs {p.lam}. "
        if found.exact and found.value == p.lam:
            return enters + f"λ = {p.lam}, m = {found.multiplicity}."
        bound = f"λ = {found.value}, m = {found.multiplicity}" if found.exact else str(found)
        return enters + f"That is only a bound, for terms cancel: {bound}."

    return _polygons(follow, list(states.values()), controls, names, "your K").caption(sentence)


def _polygons(
    follow: Callable[..., Any], states: Sequence[Polygon], controls: dict[str, Slider], names: Sequence[str], title: str
) -> LiveFigure:
    """The two panels, for the polygons ``states`` that ``follow`` picks by the controls."""
    size = max(len(p.corners) for p in states) + 1, max(len(p.plans) for p in states) + 1
    edge = max(
        13.5, 1.1 * float(max(max(p.hit) for p in states)), 1.5 + max(max(dot) for p in states for dot in p.dots)
    )
    far = max(0.72, 1.25 * float(max(max(max(plan) for plan in p.plans) for p in states)))
    every = 2 * int(np.ceil(edge / 14))
    fig, (left, right) = style.figure(1, 2, height=4.8)
    ticks = np.arange(0, edge, every)
    left.set(xlim=(-0.04 * edge, edge), ylim=(-0.04 * edge, edge), xticks=ticks, yticks=ticks, aspect="equal")
    left.set(xlabel=f"power of {names[0]}", ylabel=f"power of {names[1]}", title=f"{title}: its dots and the ray")
    right.set(xlim=(0, far), ylim=(0, far), aspect="equal", title="the same in logarithms: plans")
    right.set(xlabel=f"$x_1$ = log |{names[0]}| / log ε", ylabel=f"$x_2$ = log |{names[1]}| / log ε")
    live = LiveFigure(
        fig,
        alt="Left: the exponents of the monomials as dots, their Newton polygon shaded, and a ray from the origin that "
        "enters it; the side or the corner where it enters is gold. Right: the plans that make all monomials at most "
        "ε, shaded, and a line of equal cost that touches them at the cheapest, gold.",
        **controls,
    )
    gold, orange = COLORS["theory"], COLORS["singular"]
    shade = {"color": orange, "alpha": 0.25}
    live.fill(left, follow(lambda p: _outline(p.corners, size[0], 2000)), name="polygon", **shade)
    live.line(left, follow(lambda p: _ray(p, edge)), name="ray", color=gold, ls="--", lw=1.5)
    most = max(len(p.sides) for p in states)
    live.line(left, follow(lambda p: _padded(p.sides, most)), name="side", color=gold, lw=4)
    live.points(left, follow(lambda p: _padded(p.dots, max(len(q.dots) for q in states))), name="dots", color=orange,
                markersize=10)  # fmt: skip
    live.points(left, follow(lambda p: p.hit), name="hit", color=gold, markersize=7)
    live.fill(right, follow(lambda p: _outline(p.plans, size[1], 2 * far)), name="region", label="all monomials ≤ ε",
              **shade)  # fmt: skip
    live.line(right, follow(_cost), name="cost", color=gold, ls="--", lw=1.5, label="equal cost")
    live.line(right, follow(lambda p: _padded(p.best, 2)), name="edge", color=gold, lw=4)
    live.points(right, follow(lambda p: _padded(p.best, 2)), name="best", color=gold, markersize=9)
    right.legend(loc="upper right", facecolor="white", frameon=True, edgecolor="none", framealpha=0.9)
    return live


def _ray(p: Polygon, edge: float) -> tuple[list[float], list[float]]:
    """From the origin through the point where the ray enters, to the edge of the picture."""
    scale = 1.5 * edge / float(max(p.hit))
    return [0, scale * float(p.hit[0])], [0, scale * float(p.hit[1])]


def _cost(p: Polygon) -> tuple[list[float], list[float]]:
    """The line (1 + h)·x = λ, from axis to axis; 1 + h is the direction of the ray, λ times where it enters."""
    return [0, float(1 / p.hit[0])], [float(1 / p.hit[1]), 0]


def _none(exponent: int) -> str:
    return str(exponent) if exponent else "none"


# ---- linear networks -------------------------------------------------------------------------------------------------


_ENDS = 10  # inputs and outputs of the network of the live figure


def _network(width: int, layers: int, rank: int) -> tuple[Any, int, int]:
    """(λ, m, d) of a linear network with 10 inputs, 10 outputs and hidden layers of one width."""
    widths = [_ENDS, *[int(width)] * (int(layers) - 1), _ENDS]
    lam, m = deep_linear_network(widths, int(rank))
    return lam, m, sum(a * b for a, b in itertools.pairwise(widths))


def live_networks() -> LiveFigure:
    """Guess λ at ten layers, then slide width, layers and true rank of a linear network: λ beside d/2."""
    widths, layers, ranks = np.arange(1, 25), np.arange(2, 11), np.arange(0, 11, 2)
    shapes = itertools.product(widths.tolist(), layers.tolist(), ranks.tolist())
    table = {(H, L, r): _network(H, L, r) for H, L, r in shapes if r <= H}
    nothing: tuple[Any, int, Any] = (np.nan, 1, np.nan)

    def curve(states: Iterable[tuple[int, int, int]], column: int) -> np.ndarray:
        """λ (column 0) or d/2 (column 2) along a row of states; gaps where the width is below the rank."""
        values = [table.get(state, nothing)[column] for state in states]
        return np.array(values, float) / (2 if column else 1)

    fig, (left, right) = style.figure(1, 2, sharey=True)
    left.set(
        xlabel="width H of the hidden layers",
        xlim=(0, 25),
        ylim=(0, 105),
        ylabel="λ and d/2",
        title="against the width",
    )
    right.set(xlabel="layers L", ylabel="λ and d/2", xlim=(1.5, 10.5), xticks=layers, title="against the depth")
    live = LiveFigure(
        fig,
        alt="λ and d/2 of a linear network with 10 inputs and 10 outputs, left against its width, right against its "
        "number of layers. The lines of d/2 leave the picture at the top.",
        H=Slider("width H", widths, start=10, format=str),
        L=Slider("layers L", layers, start=2, format=str),
        r=Slider("true rank r", ranks, start=0, format=str),
    )
    for column, name, color in ((2, "d/2", "regular"), (0, "λ", "singular")):
        looks = {"color": COLORS[color], "label": name}
        live.line(
            left,
            lambda L, r, c=column: (widths, curve([(H, L, r) for H in widths.tolist()], c)),
            name + " width",
            **looks,
        )
        live.line(
            right,
            lambda H, r, c=column: (layers, curve([(H, L, r) for L in layers.tolist()], c)),
            name + " depth",
            **looks,
        )
    here = {"color": COLORS["truth"], "markersize": 9}
    live.points(left, lambda H, L, r: (H, curve([(H, L, r)], 0)[0]), "here", **here)
    live.points(right, lambda H, L, r: (L, curve([(H, L, r)], 0)[0]), "there", **here)
    left.legend(loc="upper left")
    live.with_guess(
        right, "y", "Width 10, truth 0. How high is λ at ten layers, where d/2 is 500?",
        hides=["λ width", "λ depth", "here", "there"],
    )  # fmt: skip

    def sentence(H: int, L: int, r: int) -> str:
        if r > H:
            return f"A network with a layer of width {H} cannot represent a map of rank {r}."
        lam, m, d = table[H, L, r]
        shown = " → ".join(["10", *[str(H)] * (L - 1), "10"]) if L < 5 else f"10 → {H} → … → {H} → 10"
        return f"{shown}, true rank {r}: d = {d}, d/2 = {d / 2:g}, λ = {float(lam):g}, m = {m}."

    return live.caption(sentence)
