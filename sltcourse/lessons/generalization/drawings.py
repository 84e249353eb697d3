"""The static pictures of lesson 05."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from sltcourse.kit import style
from sltcourse.lessons.generalization.kept import Network

COLORS = style.COLORS
KINDS = {"regular": "regular", "cubic": "singular", "product": "loss", "own": "posterior"}  # model: its colour


def draw_predictions(x: np.ndarray, data: np.ndarray, densities: dict[str, np.ndarray]) -> Figure:
    """Predictive densities (k,) over x (k,), by the model's name, with the truth N(0, 1) and data (n,); a figure."""
    fig, ax = style.figure(height=3.4)
    ax.plot(x, norm.pdf(x), color=COLORS["truth"], ls="--", label="the truth, q")
    for name, density in densities.items():
        dots = {"ls": ":", "lw": 2.6} if name == "product" else {}  # it nearly covers the cubic
        ax.plot(x, density, color=COLORS[KINDS[name]], label=f"p*, {name}", **dots)
    ax.plot(data, np.full(len(data), 0.008), "|", color=COLORS["estimate"], markersize=14, label="the data")
    ax.set(xlim=(x[0], x[-1]), ylim=(0, 0.45), xlabel="x", ylabel="density")
    ax.legend(loc="upper right")
    fig.set_label(
        f"Predictive densities after {len(data)} samples with the mean {data.mean():.2f}, beside the truth N(0, 1): "
        + ", ".join(f"{name} highest at x = {x[density.argmax()]:.2f}" for name, density in densities.items())
        + "."
    )
    return fig


def draw_network(kept: Network) -> Figure:
    """n E[G] of the network against n, with bars of two standard errors, λ̂ of trained networks, and d/2; a figure."""
    fig, ax = style.figure(height=3.9)
    level, error = kept.llc.mean(), kept.llc.std(ddof=1) / np.sqrt(len(kept.llc))
    ax.axhline(kept.d / 2, color=COLORS["regular"], ls="--", lw=1.5, label="d/2")
    ax.axhspan(level - 2 * error, level + 2 * error, color=COLORS["singular"], alpha=0.25, lw=0)
    ax.axhline(level, color=COLORS["singular"], lw=1.5, label="λ̂ of trained networks (± 2 standard errors)")
    ax.axhline(4, color=COLORS["theory"], ls=":", lw=1.5, label="λ ≤ 4, by the codimension")
    for values, errors, shift, kind, label in (
        (kept.G, kept.G_error, 0.96, "reference", r"mean of $n\,G_n$"),
        (kept.half, kept.half_error, 1.04, "estimate", "mean of half the sum"),
    ):
        ax.errorbar(shift * kept.n, values, yerr=2 * errors, fmt="o", color=COLORS[kind], capsize=3, label=label)
    ax.set(xscale="log", ylim=(0, kept.d / 2 + 0.7), xlabel="n, rows in a data set", ylabel=r"$n\,\mathrm{E}[G_n]$")
    ax.set_xticks(kept.n, [style.number(n) for n in kept.n])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(0.0, 0.74))
    fig.set_label(
        f"n E[G] of a network with {kept.d} weights rises from {kept.half[0]:.1f} at n = {kept.n[0]} to "
        f"{kept.half[-1]:.1f} at n = {kept.n[-1]}. λ̂ is {level:.1f}, d/2 is {kept.d / 2:g}."
    )
    return fig
