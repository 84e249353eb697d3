"""The static pictures of lesson 04."""

import numpy as np
import sympy as sp
from IPython.display import Math
from matplotlib.figure import Figure

from sltcourse.kit import style

COLORS = style.COLORS


def show_chart(K: sp.Expr, jacobian: sp.Expr) -> Math:
    """A loss and the Jacobian in the coordinates of a chart, typeset on one line."""
    return Math(rf"K = {sp.latex(K)}, \qquad \text{{Jacobian}} = {sp.latex(jacobian)}")


def draw_blow_ups() -> Figure:
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
    for ax, across, up in ((axes[1], 0.7, 0.22), (axes[2], 0.45, 0.85), (axes[3], 0.5, 0.85)):
        ax.text(across, up, "1/2", color=COLORS["singular"], fontsize=11, weight="bold")
    return fig


def draw_four_ways(rows) -> Figure:
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
