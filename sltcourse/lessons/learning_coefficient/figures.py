"""The live figures of lesson 04."""

import itertools

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.learning_coefficient.models import polygon
from sltcourse.theory.closed_forms import deep_linear_network

COLORS = style.COLORS


# ---- the Newton polygon ----------------------------------------------------------------------------------------------


_EDGE, _FAR = 13.5, 0.72  # of the grid of exponents, and of the plane of the x_i


def _monomial(exponents):
    return " ".join(f"w{'₁₂'[i]}{style.superscript(e)}" for i, e in enumerate(exponents) if e)


def _outline(corners, far):
    """The corners of an unbounded convex region, closed at the far ends, always as many."""
    corners = [*corners, *[corners[-1]] * (6 - len(corners))]
    x, y = np.array(corners, float).T
    return np.r_[x[0], x, far, far], np.r_[far, y, y[-1], far]


def live_polygon() -> LiveFigure:
    """Slide the exponents of w₁^a + w₁^b w₂^c + w₂^d: the Newton polygon and its ray, and the same in logarithms."""
    ends = np.arange(0, 14, 2)
    states = {
        (a, b, c, d): polygon(*([(int(a), 0)] if a else []), (int(b), int(c)), *([(0, int(d))] if d else []))
        for a, b, c, d in itertools.product(ends, ends[:4], ends[1:5], ends)
    }

    fig, (left, right) = style.figure(1, 2, height=4.8)
    left.set(xlim=(-0.5, _EDGE), ylim=(-0.5, _EDGE), xticks=ends, yticks=ends, aspect="equal")
    left.set(xlabel="power of w₁", ylabel="power of w₂", title="$w_1^a + w_1^b w_2^c + w_2^d$:  its dots and the ray")
    left.plot([0, _EDGE], [0, _EDGE], "--", color=COLORS["theory"], lw=1.5)
    left.text(11.6, 12.5, "ray", color=COLORS["theory"], ha="right")
    right.set(xlim=(0, _FAR), ylim=(0, _FAR), xticks=np.arange(0, 0.8, 0.1), yticks=np.arange(0, 0.8, 0.1))
    right.set(xlabel=r"$x_1 = \log|w_1|\,/\,\log ε$", ylabel=r"$x_2 = \log|w_2|\,/\,\log ε$")
    right.set(aspect="equal", title="the same in logarithms")
    live = LiveFigure(
        fig,
        alt="Left: the exponents of three monomials as dots, their Newton polygon shaded, and the diagonal ray "
        "entering it at (1/λ, 1/λ). Right: where all monomials are at most ε, and the line x1 + x2 = λ touching that.",
        a=Slider("a", ends, start=6, format=_none),
        b=Slider("b", ends[:4], start=2, format=str),
        c=Slider("c", ends[1:5], start=4, format=str),
        d=Slider("d", ends, start=0, format=_none),
    )

    def follow(read):
        return lambda a, b, c, d: read(states[a, b, c, d])

    def pad(points, size):
        return np.array([*points, *[points[-1]] * (size - len(points))], float).T

    shade = {"color": COLORS["singular"], "alpha": 0.25}
    live.fill(left, follow(lambda p: _outline(p.corners, 20)), name="polygon", **shade)
    live.points(left, follow(lambda p: pad(p.dots, 3)), name="dots", color=COLORS["singular"], markersize=9)
    live.points(left, follow(lambda p: (1 / p.lam, 1 / p.lam)), name="hit", color=COLORS["theory"], markersize=11)
    live.fill(right, follow(lambda p: _outline(p.plans, 2)), name="region", label="all monomials ≤ ε", **shade)
    live.line(right, follow(lambda p: ([0, p.lam], [p.lam, 0])), name="cost", color=COLORS["theory"], ls="--",
              label="$x_1 + x_2 = λ$")  # fmt: skip
    live.line(right, follow(lambda p: pad(p.best, 2)), name="edge", color=COLORS["theory"], lw=5)
    live.points(right, follow(lambda p: pad(p.best, 2)), name="best", color=COLORS["theory"], markersize=11)
    right.legend(loc="upper right", facecolor="white", frameon=True, edgecolor="none", framealpha=0.9)

    def sentence(a, b, c, d):
        p = states[a, b, c, d]
        K = " + ".join(_monomial(dot) for dot in ((a, 0), (b, c), (0, d)) if any(dot))
        where = "at a corner" if p.m == 2 else "in a side"
        return f"K = {K}: the ray enters at ({1 / p.lam}, {1 / p.lam}), {where}. λ = {p.lam}, m = {p.m}."

    return live.caption(sentence)


def _none(exponent):
    return str(exponent) if exponent else "none"


# ---- linear networks -------------------------------------------------------------------------------------------------


_ENDS = 10  # inputs and outputs of the network of the live figure


def _network(width, layers, rank):
    """(λ, m, d) of a linear network with 10 inputs, 10 outputs and hidden layers of one width."""
    widths = [_ENDS, *[int(width)] * (int(layers) - 1), _ENDS]
    lam, m = deep_linear_network(widths, int(rank))
    return lam, m, sum(a * b for a, b in itertools.pairwise(widths))


def live_networks() -> LiveFigure:
    """Slide width, layers and true rank of a linear network: λ beside d/2."""
    widths, layers, ranks = np.arange(1, 25), np.arange(2, 11), np.arange(0, 11, 2)
    table = {
        (H, L, r): _network(H, L, r) for H, L, r in itertools.product(widths, layers, ranks) if r <= H
    }  # fmt: skip
    nothing = (np.nan, 1, np.nan)

    def curve(states, column):
        """λ (column 0) or d/2 (column 2) along a row of states; gaps where the width is below the rank."""
        values = [table.get(state, nothing)[column] for state in states]
        return np.array(values, float) / (2 if column else 1)

    def both(H, L, r):
        return [curve([(H, L, r)], column)[0] for column in (0, 2)]

    fig, (left, right) = style.figure(1, 2, sharey=True)
    left.set(xlabel="width H of the hidden layers", xlim=(0, 25), yscale="log", ylim=(0.35, 6000))
    right.set(xlabel="layers L", xlim=(1.5, 10.5), xticks=layers)
    live = LiveFigure(
        fig,
        alt="λ and d/2 of a linear network with 10 inputs and 10 outputs, left against its width, right against its "
        "number of layers, on a log scale. d/2 keeps growing; λ levels off at 50 or below.",
        H=Slider("width H", widths, start=10, format=str),
        L=Slider("layers L", layers, start=2, format=str),
        r=Slider("true rank r", ranks, start=0, format=str),
    )
    for column, name, color in ((2, "d/2", "regular"), (0, "λ", "singular")):
        looks = {"color": COLORS[color], "label": name}
        live.line(
            left, lambda L, r, c=column: (widths, curve([(H, L, r) for H in widths], c)), name + " width", **looks
        )
        live.line(
            right, lambda H, r, c=column: (layers, curve([(H, L, r) for L in layers], c)), name + " depth", **looks
        )
    here = {"color": COLORS["truth"], "markersize": 9}
    live.points(left, lambda H, L, r: ([H, H], both(H, L, r)), "here", **here)
    live.points(right, lambda H, L, r: ([L, L], both(H, L, r)), "there", **here)
    left.legend(loc="upper left")

    def sentence(H, L, r):
        if r > H:
            return f"A network with a layer of width {H} cannot represent a map of rank {r}."
        lam, m, d = table[H, L, r]
        shown = " → ".join(["10", *[str(H)] * (L - 1), "10"]) if L < 5 else f"10 → {H} → … → {H} → 10"
        return f"{shown}, true rank {r}: d = {d}, d/2 = {d / 2:g}, λ = {float(lam):g}, m = {m}."

    return live.caption(sentence)
