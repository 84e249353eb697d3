"""The static pictures of lesson 00."""

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.two_mysteries.models import NOISES, WIDTHS, descent, truth

COLORS = style.COLORS


def draw_fits(x, y, fits) -> Figure:
    """Data, truth and the fitted curves, one panel each. ``fits``: {title: (angles, values)}. Returns the figure."""
    fig, axes = style.figure(1, len(fits), height=3.2, sharey=True)
    for ax, (title, (angles, values)) in zip(axes, fits.items(), strict=True):
        ax.plot(angles, truth(angles), ls="--", lw=1.4, color=COLORS["truth"], label="truth")
        ax.plot(angles, values, color=COLORS["estimate"], label="fit")
        ax.plot(x, y, "o", color=COLORS["loss"], markeredgecolor="white", label="data")
        ax.set(ylim=(-3.2, 3.2), xlabel="x", title=title, xticks=[-np.pi, 0, np.pi], xticklabels=["−π", "0", "π"])
    axes[0].legend(loc="upper left", ncols=3, fontsize=8.5, handlelength=1.2, columnspacing=0.8)
    return fig


def draw_valley(noise=0.5) -> Figure:
    """The median test and training error against the width, up to the number of data: the classical U."""
    errors = [np.median(e[:, list(NOISES).index(noise)], axis=-1) for e in descent()]
    small = WIDTHS <= 12
    fig, ax = style.figure(height=3.2)
    for error, name, word in zip(errors, ("prior", "estimate"), ("training error", "test error"), strict=True):
        ax.plot(WIDTHS[small], error[small], "o-", color=COLORS[name], label=word)
    ax.axhline(noise**2, color=COLORS["reference"], ls=":", lw=1.5, label="noise of new data, σ²")
    ax.set(xlabel="width N", ylabel="mean squared error", xlim=(0.6, 12.4), ylim=(0, 0.95), xticks=range(1, 13))
    ax.legend(loc="upper left", bbox_to_anchor=(0.45, 1))
    return fig


def draw_regions(points, cases) -> Figure:
    """What a classifier says all over the plane, a panel each. ``cases``: {title: (labels, classifier)}; a figure."""
    side = np.linspace(-1.4, 1.4, 160)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    fig, axes = style.figure(1, len(cases), height=3.9)
    colors = np.array([COLORS["estimate"], COLORS["singular"]])
    for ax, (title, (labels, classifier)) in zip(axes, cases.items(), strict=True):
        said = classifier(plane.reshape(-1, 2)).reshape(plane.shape[:2])
        ax.contourf(side, side, said, levels=[-0.5, 0.5, 1.5], colors=list(colors), alpha=0.28)
        ax.scatter(*points.T, c=colors[labels], s=34, edgecolor="white", zorder=3)
        ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title)
        ax.grid(False)
    return fig


def draw_spectrum(share) -> Figure:
    """Bars: how much of the embedding's power each frequency has, beside an even share. Returns the figure."""
    fig, ax = style.figure(height=2.7)
    colors = [COLORS["estimate" if v > 1 / len(share) else "muted"] for v in share]
    ax.bar(np.arange(1, len(share) + 1), 100 * share, color=colors)
    ax.axhline(100 / len(share), color=COLORS["reference"], ls=":", lw=1.5)
    ax.text(len(share) + 0.55, 100 / len(share) + 0.4, "even", ha="right", color=COLORS["reference"], fontsize=9.5)
    ax.set(xlabel="frequency k", ylabel="share of the power, %", xticks=range(1, len(share) + 1), xlim=(0.4, 15.6))
    ax.grid(axis="x", visible=False)
    return fig
