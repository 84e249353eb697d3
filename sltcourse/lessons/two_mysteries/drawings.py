"""The static pictures of lesson 00, each with its alternative text as the figure's label."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sltcourse.kit import style
from sltcourse.lessons.two_mysteries.models import Floats, truth

COLORS = style.COLORS
_TURN = ["estimate", "regular", "singular", "posterior", "theory"]


def draw_fits(x: Floats, y: Floats, fits: Mapping[str, tuple[Floats, Floats]]) -> Figure:
    """Data (n,), truth and the fitted curves, one panel each. ``fits``: {title: (angles, values)}."""
    fig, axes = style.figure(1, len(fits), height=3.2, sharey=True)
    for ax, (title, (angles, values)) in zip(axes, fits.items(), strict=True):
        ax.plot(angles, truth(angles), ls="--", lw=1.4, color=COLORS["truth"], label="truth")
        ax.plot(angles, values, color=COLORS["estimate"], label="fit")
        ax.plot(x, y, "o", color=COLORS["loss"], markeredgecolor="white", label="data")
        ax.set(ylim=(-3.2, 3.2), xlabel="x", title=title, xticks=[-np.pi, 0, np.pi], xticklabels=["−π", "0", "π"])
    axes[0].legend(loc="upper left", ncols=3, fontsize=8.5, handlelength=1.2, columnspacing=0.8)
    fig.set_label(f"The same data and truth in {len(fits)} panels, each with a fit: {', '.join(fits)}.")
    return fig


def draw_valley(widths: ArrayLike, errors: ArrayLike, noise: float) -> Figure:
    """Mean squared errors against the width. ``errors``: (widths, 4), training, its error, test, its error."""
    train, train_error, test, test_error = np.transpose(errors)
    fig, ax = style.figure(height=3.0)
    bars = {"marker": "o", "markersize": 5, "capsize": 2, "elinewidth": 1.2, "lw": 1.5}
    ax.errorbar(widths, train, train_error, color=COLORS["prior"], label="training error", **bars)
    ax.errorbar(widths, test, test_error, color=COLORS["estimate"], label="test error", **bars)
    ax.axhline(noise**2, color=COLORS["reference"], ls=":", lw=1.5, label="noise of new data, σ²")
    ax.set(xlabel="width N", ylabel="median squared error", ylim=(0, 1), xticks=list(np.asarray(widths)))
    ax.legend(loc="upper center")
    fig.set_label("Training error and test error against the width, with error bars, and the noise of new data.")
    return fig


def draw_plenty(prior: Floats, named: Mapping[str, ArrayLike], draws: int) -> Figure:
    """The shares of the 256 functions of three bits by rank; ``named``: {name: its number} are marked.

    ``prior`` (256,) holds the shares among ``draws`` random networks; bars are two standard errors.
    """
    order = np.argsort(-prior, kind="stable")
    rank = np.empty(256, int)
    rank[order] = np.arange(1, 257)
    error = 2 * np.sqrt(prior * (1 - prior) / draws)
    fig, ax = style.figure(height=3.6)
    ranks = np.arange(1, 257)
    low, high = np.maximum(prior - error, 0.1 / draws)[order], (prior + error)[order]
    ax.fill_between(ranks, low, high, color=COLORS["muted"], alpha=0.7, lw=0)
    ax.plot(ranks, prior[order], ".", color=COLORS["loss"], markersize=4)
    ax.axhline(1 / 256, color=COLORS["reference"], ls=":", lw=1.5)
    ax.text(258, 1 / 256 * 1.15, "even share", ha="right", color=COLORS["reference"], fontsize=9.5)
    for k, (name, number) in enumerate(named.items()):
        f = int(np.asarray(number))
        color = COLORS[_TURN[k % len(_TURN)]]
        at = max(prior[f], 0.3 / draws)
        ax.plot(rank[f], at, "o", color=color, markersize=9, markeredgecolor="white")
        left = rank[f] > 150
        ax.annotate(
            name, (rank[f], at), (-9, -28 if k % 2 else 20) if left else (9, 9), textcoords="offset points",
            color=color, ha="right" if left else "left",
        )  # fmt: skip
    ax.set(yscale="log", xlim=(-3, 260), ylim=(1 / draws, 0.3), xlabel="the 256 functions, by rank", ylabel="share")
    fig.set_label("The share of random networks that give each of the 256 functions, by rank, on a logarithmic axis.")
    return fig


def draw_foresight(curves: Mapping[str, Sequence[float]]) -> Figure:
    """The probability of the right answer at unseen inputs against how many are seen; ``curves``: {rule: (k,)}."""
    fig, ax = style.figure(height=3.2)
    for name, color in zip(curves, _TURN, strict=False):
        ax.plot(range(len(curves[name])), curves[name], "o-", color=COLORS[color])
        ax.text(len(curves[name]) - 0.85, curves[name][-1], name, color=COLORS[color], va="center")
    ax.axhline(0.5, color=COLORS["reference"], ls=":", lw=1.5)
    ax.set(xlabel="inputs seen, of eight", ylabel="probability of the right answer", xlim=(-0.2, 8.6), ylim=(0, 1))
    ax.set_xticks(range(8))
    fig.set_label("The probability that Bayes gives to the right answer at an unseen input, against the inputs seen.")
    return fig


def draw_spectrum(share: Floats) -> Figure:
    """Bars: how much of the embedding's power each frequency 1, 2, … has, (15,), beside an even share."""
    fig, ax = style.figure(height=2.7)
    colors = [COLORS["estimate" if v > 1 / len(share) else "muted"] for v in share]
    ax.bar(np.arange(1, len(share) + 1), 100 * share, color=colors)
    ax.axhline(100 / len(share), color=COLORS["reference"], ls=":", lw=1.5)
    ax.text(len(share) + 0.55, 100 / len(share) + 0.4, "even", ha="right", color=COLORS["reference"], fontsize=9.5)
    ax.set(xlabel="frequency k", ylabel="share of the power, %", xticks=range(1, len(share) + 1), xlim=(0.4, 15.6))
    ax.grid(axis="x", visible=False)
    fig.set_label(f"The share of the embedding's power at each of the {len(share)} frequencies, as bars.")
    return fig
