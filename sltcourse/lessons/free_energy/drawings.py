"""The static pictures of lesson 06."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.free_energy.models import BOX, HEIGHT, K, mean

COLORS = style.COLORS
_KIND = {"w²": "regular", "w⁶": "singular", "w₁² w₂²": "loss"}  # the colour of a loss of section 2


def draw_curve() -> Figure:
    """The curve model, a figure: left the means it can have, a dot at equal steps of w; right its loss K(w)."""
    w, steps = np.linspace(*BOX, 800), np.linspace(*BOX, 111)
    fig, (left, right) = style.figure(1, 2)
    left.plot(*mean(w), color=COLORS["muted"])
    left.plot(*mean(steps), ".", color=COLORS["loss"], markersize=6)
    left.plot(0, 0, "*", color=COLORS["truth"], markersize=15)
    thin = {"arrowstyle": "-", "color": COLORS["reference"]}
    left.annotate("truth, w = 1", (0, 0), (-0.115, 0.3), arrowprops=thin)
    left.annotate("the curve stops:\nw = 0", (HEIGHT, 0), (-0.002, -0.3), arrowprops=thin)
    left.set(xlim=(-0.16, 0.16), ylim=(-0.55, 0.75), xlabel="first coordinate of the mean", ylabel="second coordinate")
    right.plot(w, K(w[:, None]), color=COLORS["loss"])
    right.set(xlim=BOX, ylim=(0, 0.1), xlabel="w", ylabel="loss  K(w)")
    right.text(0.0, 0.055, "simple:\nbroad", color=COLORS["singular"], ha="center")
    right.text(0.0, 0.018, "ΔL = 0.0072", color=COLORS["singular"], ha="center", fontsize=9)
    right.text(0.93, 0.013, "accurate:\nnarrow", color=COLORS["regular"], ha="right")
    fig.set_label(
        "The curve of means passes the truth fast at w = 1 and stops at (0.12, 0) for w = 0; so the loss has a narrow "
        "well at w = 1 and a broad one around w = 0."
    )
    return fig


def draw_remainders(sizes: np.ndarray, F: Mapping[str, np.ndarray], law: Mapping[str, np.ndarray]) -> Figure:
    """F and its law (left) and their difference (right) against n; each maps a loss's name to an array like sizes."""
    fig, (left, right) = style.figure(1, 2)
    for name, values in F.items():
        color = COLORS[_KIND[name]]
        left.plot(sizes, values, color=color, label=f"K = {name}")
        left.plot(sizes, law[name], "--", color=color, lw=1.2)
        right.plot(sizes, values - law[name], color=color)
    left.set(xscale="log", xlabel="n", ylabel="F  (broken: the law)", xlim=(sizes[0], sizes[-1]))
    right.set(xscale="log", xlabel="n", ylabel="F − law", xlim=(sizes[0], sizes[-1]), ylim=(0, 1))
    left.legend()
    fig.set_label("Left: the free energies of three losses against n, each beside its law. Right: the differences.")
    return fig


def draw_bills(sizes: np.ndarray, bills: Mapping[str, np.ndarray]) -> Figure:
    """Misfit and complexity against n; ``bills`` maps a loss's name to an array (len(sizes), 2)."""
    fig, ax = style.figure(height=3.2)
    for name, (misfit, complexity) in ((name, np.transpose(both)) for name, both in bills.items()):
        color = COLORS[_KIND[name]]
        ax.plot(sizes, misfit, "--", color=color, label=f"{name}: misfit")
        ax.plot(sizes, complexity, color=color, label=f"{name}: complexity")
    ax.set(xscale="log", xlabel="n", ylabel="the two parts of F", xlim=(sizes[0], sizes[-1]), ylim=(0, None))
    ax.legend()
    fig.set_label("Misfit and complexity of w² and of w⁶ against n, four curves.")
    return fig


def draw_data_sets(sizes: np.ndarray, shares: np.ndarray, population: np.ndarray) -> Figure:
    """The accurate well's share against n: of data sets, (sets, len(sizes)), thin, and of the population, thick."""
    fig, ax = style.figure(height=3.4)
    ax.plot(sizes, shares.T, color=COLORS["estimate"], lw=0.8, alpha=0.5)
    ax.plot(sizes, population, color=COLORS["posterior"], lw=3, label="population")
    ax.plot([], [], color=COLORS["estimate"], lw=0.8, label=f"{len(shares)} data sets")
    ax.set(xscale="log", xlabel="n", ylabel="share of the accurate well", ylim=(0, 1.02), xlim=(sizes[0], sizes[-1]))
    ax.legend(loc="lower right")
    fig.set_label("Thin curves, each the share of the accurate well for one growing data set, and a thick one.")
    return fig


def draw_heat(beta: np.ndarray, held: np.ndarray, everywhere: np.ndarray, inside: np.ndarray, warm: float) -> Figure:
    """Against β: the accurate well's share, and the thermometer's reading everywhere and within the well."""
    fig, (left, right) = style.figure(1, 2, height=3.4)
    left.plot(beta, held, color=COLORS["regular"])
    right.plot(beta, everywhere, color=COLORS["posterior"], label="average everywhere")
    right.plot(beta, inside, color=COLORS["regular"], label="average inside the well")
    for ax in (left, right):
        ax.axvline(warm, color=COLORS["reference"], lw=1.2)
        ax.set(xscale="log", xlabel="β  (grey: 1/log n)", xlim=(beta[0], beta[-1]))
        ax.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["0.02", "0.05", "0.1", "0.2", "0.5", "1"])
    left.set(ylabel="share of the accurate well", ylim=(0, 1.04))
    right.set(ylabel="nβ (E[K] − K(1))", ylim=(0, 2.5))
    right.legend(loc="upper right")
    fig.set_label("Left: the accurate well's share against β. Right: two readings of λ against β.")
    return fig
