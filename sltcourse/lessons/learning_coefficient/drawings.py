"""The static pictures of lesson 04."""

from fractions import Fraction

import numpy as np
import sympy as sp
from IPython.display import Math
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.theory.volume import Fit

COLORS = style.COLORS


def show_chart(*charts: tuple[sp.Expr, sp.Expr]) -> Math:
    """Losses and Jacobians in the coordinates of charts, pairs (K, jacobian), typeset on a line each."""
    lines = [rf"K = {sp.latex(K)}, &\qquad \text{{Jacobian}} = {sp.latex(jacobian)}" for K, jacobian in charts]
    return Math(r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}")


def umbrella() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (w₁, w₂, w₃) of Whitney's umbrella w₁² = w₂² w₃, arrays of shape (41, 41): w₁ = a b, w₂ = a, w₃ = b²."""
    a, b = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    return a * b, a, b**2


def draw_umbrella() -> Figure:
    """Whitney's umbrella w₁² = w₂² w₃ with its handle, the line w₁ = w₂ = 0. Returns the figure, with its alt text."""
    fig, ax = style.figure(height=3.6, subplot_kw={"projection": "3d"})
    x, y, z = umbrella()
    ax.plot_surface(x, y, z, color=COLORS["singular"], alpha=0.55, linewidth=0, rcount=41, ccount=41)
    for row in (0, -1):
        ax.plot(x[row], y[row], z[row], color=COLORS["singular"], lw=1)
    ax.plot([0, 0], [0, 0], [-1, 1], color=COLORS["estimate"], lw=3, zorder=9)
    ax.plot([0], [0], [0], "o", color=COLORS["truth"], markersize=6, zorder=10)
    ax.set(xlabel="w₁", ylabel="w₂", zlabel="w₃", xticks=[-1, 0, 1], yticks=[-1, 0, 1], zticks=[-1, 0, 1])
    ax.view_init(22, -60)
    ax.set_box_aspect((1.2, 1.2, 1), zoom=1.15)
    fig.set_label(
        "Whitney's umbrella: over each height w₃ > 0 two lines cross on the w₃ axis, drawn blue. They close up at the "
        "origin, a black dot, and below it only the axis is left."
    )
    return fig


def draw_four_ways(rows: dict[str, tuple[Fraction, Fit, float]]) -> Figure:
    """Estimated over exact λ, a row for each loss: V(ε) with two-sigma bars and F_n. Returns the figure, with alt text.

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
    far = max(abs(found.lam - float(exact)) / found.se for exact, found, _ in rows.values())
    off = max(abs(slope / float(exact) - 1) for exact, _, slope in rows.values())
    fig.set_label(
        f"For {len(rows)} losses the λ estimated from V(ε), with error bars, and from the free energy, over the exact "
        f"λ: from V(ε) at most {far:.1f} standard errors away, from the free energy at most {100 * off:.1f} %."
    )
    return fig
