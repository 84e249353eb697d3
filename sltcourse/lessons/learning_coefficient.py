"""Lesson 04, the learning coefficient: its live figures, pictures, losses and checks.

What the lesson is about, λ and m by poles, blow-ups and Newton polyhedra, stands in the notebook and in
``sltcourse.theory``: ``zeta``, ``blow_up``, ``newton`` and ``closed_forms``.
"""

import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import sympy as sp
from scipy.optimize import curve_fit

from sltcourse.kit import style
from sltcourse.kit.checks import Checks, number
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.newton import search_coordinates

__all__ = [
    "FOUR_WAYS",
    "check",
    "draw_blow_ups",
    "draw_four_ways",
    "live_networks",
    "live_polygon",
    "log_n_coefficient",
]

check = Checks("04_learning_coefficient")
COLORS = style.COLORS
w1, w2, w3 = sp.symbols("w1 w2 w3")

FOUR_WAYS = {
    "disc": w1**2 + w2**2,
    "flat valley": w1**2 + w2**4,
    "cross": w1**2 * w2**2,
    "uneven cross": w1**2 * w2**4,
    "flat cross": w1**4 * w2**4,
    "three planes": w1**2 * w2**2 * w3**2,
    "line plus cross": w1**2 + w2**2 * w3**2,
    "rounded cross": w1**2 * w2**2 + w1**6 + w2**6,
    "Newton edge": w1**2 * w2**4 + w1**6,
    "bent valley": (w2 - w1**2) ** 2 + w1**6,
    "cusp": (w1**2 + w2**3) ** 2,
    "tanh unit": w1**2 * w2**2,
}
"""Losses of ``theory.losses.CATALOGUE`` by name, as polynomials; for the tanh unit one that K compares with at 0."""


def log_n_coefficient(n, F, m):
    """The coefficient λ of log n in free energies F(n), fitted with the multiplicity m given.

    F is modelled as λ log n − (m − 1) log(a + log n) + c − log(1 + b n^−δ): the leading terms, a constant for the scale
    of the logarithm, and the next pole. ``n`` and ``F`` have shape (k,), k ≥ 8, without noise.
    """
    s = np.log(n)

    def model(s, lam, c, a, b, delta):
        return lam * s - (m - 1) * np.log(s + a) + c - np.log1p(b * np.exp(-delta * (s - s[0])))

    bounds = ([0, -50, -2, -0.9, 0.05], [5, 50, 50, 5, 2])
    fits = [curve_fit(model, s, F, [0.5, 1, 1, 0, d], bounds=bounds, max_nfev=4000)[0] for d in (0.1, 0.3, 0.6)]
    return min(fits, key=lambda fitted: np.sum((model(s, *fitted) - F) ** 2))[0]


# ---- the Newton polygon ---------------------------------------------------------------------------------------

_EDGE, _FAR = 13.5, 0.72  # of the grid of exponents, and of the plane of the x_i


class _Polygon(NamedTuple):
    """K = Σ w^α for some exponents α in the plane: its polygon's corners, the plan that minimises x₁ + x₂, λ and m.

    ``corners`` of the polygon and ``plans``, the corners of {x ≥ 0, α·x ≥ 1 for all α}, run from left to right;
    ``best`` are the one or two of these where x₁ + x₂ is smallest.
    """

    dots: list
    corners: list
    plans: list
    best: list
    lam: Fraction
    m: int


def _polygon(*dots):
    dots = sorted(set(dots))
    corners = [min(dots)]
    while low := [a for a in dots if a[1] < corners[-1][1]]:
        x, y = corners[-1]
        corners.append(min(low, key=lambda a: (Fraction(a[1] - y, a[0] - x) if a[0] > x else -99, -a[0])))
    walls = [*((*a, 1) for a in dots), (1, 0, 0), (0, 1, 0)]
    plans = set()
    for (a, b, e), (c, d, f) in itertools.combinations(walls, 2):
        if det := a * d - b * c:
            x, y = Fraction(e * d - b * f, det), Fraction(a * f - e * c, det)
            if all(p * x + q * y >= r for p, q, r in walls):
                plans.add((x, y))
    lam = min(map(sum, plans))
    best = sorted(plan for plan in plans if sum(plan) == lam)
    return _Polygon(dots, corners, sorted(plans), best, lam, len(best))


def _monomial(exponents):
    return " ".join(f"w{'₁₂'[i]}{style.superscript(e)}" for i, e in enumerate(exponents) if e)


def _outline(corners, far):
    """The corners of an unbounded convex region, closed at the far ends, always as many."""
    corners = [*corners, *[corners[-1]] * (6 - len(corners))]
    x, y = np.array(corners, float).T
    return np.r_[x[0], x, far, far], np.r_[far, y, y[-1], far]


def live_polygon():
    """Slide the exponents of w₁^a + w₁^b w₂^c + w₂^d: the Newton polygon and its ray, and the same in logarithms."""
    ends = np.arange(0, 14, 2)
    states = {
        (a, b, c, d): _polygon(*([(int(a), 0)] if a else []), (int(b), int(c)), *([(0, int(d))] if d else []))
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


# ---- linear networks ------------------------------------------------------------------------------------------

_ENDS = 10  # inputs and outputs of the network of the live figure


def _network(width, layers, rank):
    """(λ, m, d) of a linear network with 10 inputs, 10 outputs and hidden layers of one width."""
    widths = [_ENDS, *[int(width)] * (int(layers) - 1), _ENDS]
    lam, m = deep_linear_network(widths, int(rank))
    return lam, m, sum(a * b for a, b in itertools.pairwise(widths))


def live_networks():
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


# ---- pictures that stand still --------------------------------------------------------------------------------


def draw_blow_ups():
    """The cusp w₁² = w₂³ and its three blow-ups: the curve, and the divisors with their ratios. Returns the figure."""
    fig, axes = style.figure(1, 4, height=2.9)
    s = np.linspace(-1.2, 1.2, 201)
    looks = {"color": COLORS["singular"]}
    titles = ["$w_1^2 = w_2^3$", "1: a parabola, tangent", "2: three lines, one point", "3: normal crossings"]
    labels = [("w₁", "w₂"), ("v", "u"), ("v", "u"), ("s", "u")]
    for ax, title, (x, y) in zip(axes, titles, labels, strict=True):
        ax.set(xlim=(-1.1, 1.3), ylim=(-1.1, 1.3), xticks=[], yticks=[], xlabel=x, title=title, aspect="equal")
        ax.title.set_fontsize(10.5)
        ax.set_ylabel(y, rotation=0, labelpad=9, va="center")
    axes[0].plot(s**3, s**2, **looks)
    axes[1].plot(s, s**2, **looks)
    axes[2].plot(s, s, **looks)
    axes[3].axvline(1, **looks)
    first, second, third = COLORS["estimate"], COLORS["posterior"], COLORS["regular"]  # the divisors, as they come
    for ax, ratio, color in ((axes[1], "2/4", first), (axes[2], "2/4", first), (axes[3], "5/12", third)):
        ax.axhline(0, color=color, lw=3)
        ax.text(-1.05, 0.07, ratio, color=color, fontsize=11, weight="bold")
    for ax in axes[2:]:
        ax.axvline(0, color=second, lw=3)
        ax.text(0.06, -1.0, "3/6", color=second, fontsize=11, weight="bold")
    for ax, x, y in ((axes[1], 0.7, 0.22), (axes[2], 0.45, 0.85), (axes[3], 0.5, 0.85)):
        ax.text(x, y, "1/2", color=COLORS["singular"], fontsize=11, weight="bold")
    return fig


def draw_four_ways(rows):
    """Estimated over exact λ, a row for each loss: V(ε) with two-sigma bars and F_n. Returns the figure.

    ``rows``: {name: (exact λ, Fit of V(ε), log n coefficient)}.
    """
    fig, ax = style.figure(height=0.33 * len(rows) + 1.1)
    places = np.arange(len(rows))[::-1]
    for place, (exact, found, slope) in zip(places, rows.values(), strict=True):
        first, lam = place == places[0], float(exact)
        bar = {"fmt": "o", "capsize": 3, "color": COLORS["estimate"], "label": "V(ε), with 2 σ" if first else None}
        ax.errorbar(found.lam / lam, place + 0.13, xerr=2 * found.se / lam, **bar)
        ax.plot(slope / lam, place - 0.13, "D", color=COLORS["posterior"], label="$F_n$" if first else None)
    ax.plot([1, 1], [-0.6, len(rows) - 0.4], color=COLORS["truth"], lw=1, label="pole and polyhedron")
    ax.set_yticks(places, [f"{name},  λ = {exact}" for name, (exact, *_) in rows.items()])
    ax.set(xlabel="estimate / exact λ", ylim=(-0.7, len(rows) + 0.9))
    ax.legend(loc="upper center", ncols=3, columnspacing=1.2)
    return fig


# ---- the exercises --------------------------------------------------------------------------------------------


@check.exercise("One pole, of order 2, at −1/6: two coordinates are tied, and each of them alone is as flat as w⁶.")
def design(K):
    if not getattr(K, "free_symbols", {w1}) <= {w1, w2}:
        return "Use the symbols w1 and w2 only."
    try:
        found = search_coordinates(K, [w1, w2])
    except (TypeError, ValueError) as error:
        return f"{error}."
    if not found.exact:
        return f"All that can be said of this K is {found}. A product of powers is enough here."
    flat = found.value == Fraction(1, 6)
    if flat and found.multiplicity == 2:
        return None
    hint = "m = 2 needs a tie." if flat else "For a product of powers λ is one over the largest power."
    return f"Your K has λ = {found.value}, m = {found.multiplicity}. {hint}"


@check.exercise("w₁² − w₂⁵ = u¹⁰(v² − 1), squared: u²⁰. The Jacobian has u⁶. So (6 + 1)/20 = 7/20, in a single step.")
def weights(first, second, lam):
    try:
        a, b = sp.Rational(first), sp.Rational(second)
    except (TypeError, ValueError):
        return "The weights are two whole numbers: w₁ = u^first · v, w₂ = u^second."
    if not (a.is_Integer and b.is_Integer and min(a, b) > 0):
        return "Weights are positive whole numbers; multiply both if need be."
    if 2 * a != 5 * b:
        return f"With these weights w₁² has the power u^{2 * a} and w₂⁵ has u^{5 * b}. They should be the same."
    order, jacobian = 4 * a, a + b - 1
    wrong = number(lam, 0.35, hints={
        float(Fraction(int(a + b), int(2 * a))): "K is the square: its power of u is twice that of w₁² − w₂⁵.",
        float(Fraction(int(jacobian), int(order))): f"That is {jacobian}/{order}. ∫ u^(h + 2kz) du has its pole at "
        "−(h + 1)/(2k): one more.",
        0.5: "1/2 belongs to the curve itself, where it is smooth. The origin has less.",
        1.0: "That is d/2.",
    })  # fmt: skip
    return wrong and "λ: " + wrong


@check.exercise("The ray meets the side from (2, 4) to (8, 0) at (16/5, 16/5), in its inside: λ = 5/16, m = 1.")
def by_hand(lam, m):
    wrong = number(lam, 5 / 16, hints={
        16 / 5: "That is t, where the ray enters. λ = 1/t.",
        1 / 4: "1/4 is what w₁²w₂⁴ has alone. Its dot is (2, 4), and the ray passes below that: the second dot counts.",
        1 / 8: "1/8 is what w₁⁸ has alone. A second term can only shrink the set K ≤ ε.",
        3 / 8: "For which t is (t, t) on the line through (2, 4) and (8, 0)?",
        1.0: "That is d/2.",
    })  # fmt: skip
    if wrong:
        return "λ: " + wrong
    wrong = number(m, 1, hints={2: "m = 2 needs a corner. (16/5, 16/5) is inside the side."})
    return wrong and "m: " + wrong


@check.exercise("With u = w₁ + w₂² it is u² + w₂¹⁰, and independent terms add up: 1/2 + 1/10.")
def coordinates(answer):
    return number(answer, 0.6, hints={
        0.75: "That is the polygon in these coordinates. Its side (2, 0)–(0, 4) carries (w₁ + w₂²)², which has zeros: "
        "only a bound.",
        0.5: "That would be (w₁ + w₂²)² alone. On its zero curve w₂¹⁰ is still there.",
        0.1: "1/10 is the second term alone. In a sum of independent terms the λ add.",
        1.0: "That is d/2.",
    })  # fmt: skip


@check.exercise("A product of very wide layers is as good as its 5·7 entries themselves: a regular model with d = 35.")
def wide(answer):
    return number(answer, 17.5, hints={
        35.0: "35 is the number of entries of the product. λ is half of that.",
        6000.0: "That is d/2, with d = 5·1000 + 1000·7.",
        12000.0: "That is d. And λ does not grow with it.",
        6.0: "Not a sum of the widths. What does K depend on?",
    })  # fmt: skip
