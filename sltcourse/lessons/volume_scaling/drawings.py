"""The static pictures of lesson 03."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.theory.models import Model
from sltcourse.theory.numeric_input import ArrayFunction
from sltcourse.theory.volume import Fit

COLORS = style.COLORS


def draw_runs(
    runs: Sequence[tuple[np.ndarray, np.ndarray, *tuple[Any, ...]]],
    counted: Sequence[tuple[float, float, float]],
    exact: ArrayFunction,
) -> tuple[Figure, str]:
    """Left V(ε) by several runs of ``split`` and by counting beside the exact curve; right measured over exact V.

    ``runs``: a list of (levels, log_V, …), ``counted``: rows (ε, share, its error), ``exact``: ε -> V. Returns the
    figure and its alternative text.
    """
    fig, (left, right) = style.figure(1, 2)
    for k, (levels, log_V, *_) in enumerate(runs):
        looks = {"color": COLORS["estimate"], "lw": 1.2, "alpha": 0.7}
        left.plot(levels, np.exp(log_V), **looks, label="split, each run" if k == 0 else None)
        right.plot(levels, np.exp(log_V - np.log(exact(levels))), **looks)
    eps = np.geomspace(runs[0][0][0], runs[0][0][-1], 200)
    left.plot(eps, exact(eps), ":", color=COLORS["truth"], lw=1.8, label="exact")
    for k, (level, share, error) in enumerate(counted):
        if share > 0:
            bars = {"fmt": "o", "color": COLORS["theory"], "capsize": 3, "zorder": 4}
            left.errorbar(level, share, error, **bars, label="counting 10⁶ draws" if k == 0 else None)
    ticks = 10.0 ** np.arange(-30, 1, 10)
    left.set(xscale="log", yscale="log", xlabel="ε", ylabel="V(ε)", xticks=ticks)
    left.legend(loc="lower right")
    right.axhline(1, color=COLORS["truth"], ls=":", lw=1.8)
    right.set(xscale="log", yscale="log", ylim=(0.4, 2.5), xlabel="ε", ylabel="measured V / exact V", xticks=ticks)
    right.set_yticks([0.5, 1, 2], ["0.5", "1", "2"])
    right.minorticks_off()
    off = max(abs(log_V[-1] - np.log(exact(levels[-1]))) for levels, log_V, *_ in runs)
    return fig, (
        f"Left: {len(runs)} runs of split follow the exact volume down to ε = {style.power(runs[0][0][-1])}; counting "
        f"ends at {style.power(min(level for level, share, _ in counted if share > 0))}. Right: measured over exact V, "
        f"at the end at most a factor {np.exp(off):.1f} away from 1."
    )


def draw_fits(fits: Mapping[str, Fit], losses: Mapping[str, Model]) -> tuple[Figure, str]:
    """Fitted over exact λ with two-sigma bars, a row for each loss, the numbers beside it.

    ``fits``: {name: Fit}, ``losses``: {name: Loss} with at least these names. Returns the figure and its alternative
    text.
    """
    fig, ax = style.figure(height=0.32 * len(fits) + 0.9)
    rows, columns = np.arange(len(fits))[::-1], (1.034, 1.066, 1.081, 1.104)
    for row, (name, found) in zip(rows, fits.items(), strict=True):
        exact = losses[name].lam
        color = COLORS["regular" if exact == Fraction(losses[name].d, 2) else "singular"]
        ratio, bar = found.lam / float(exact), 2 * found.se / float(exact)
        ax.errorbar(ratio, row, xerr=bar, fmt="o", color=color, capsize=3)
        chance = f"{100 * found.probability[found.m - 1]:.0f} %"
        words = (f"{found.lam:.4f} ± {found.se:.4f}", f"{exact}", f"{found.m}  ({chance})", f"{losses[name].m}")
        for x, word in zip(columns, words, strict=True):
            ax.text(x, row, word, va="center", fontsize=9.5)
    ax.axvspan(0.97, 1.03, color=COLORS["muted"], alpha=0.4, lw=0)
    ax.axvline(1, color=COLORS["truth"], lw=1)
    ax.set(xlim=(0.968, 1.112), ylim=(-0.7, len(fits) + 0.2), xticks=[0.97, 1, 1.03])
    ax.set_xlabel("fitted λ / exact λ   (bars: 2 σ; band: ± 3 %; green: regular)", loc="left")
    ax.set_yticks(rows, list(fits))
    ax.grid(axis="y")
    for x, word in zip(columns, ("fitted λ ± σ", "exact", "fitted m", "exact"), strict=True):
        ax.text(x, len(fits) - 0.4, word, weight="bold", fontsize=9.5)
    far = max(abs(found.lam - float(losses[name].lam)) / found.se for name, found in fits.items())
    right = sum(found.m == losses[name].m for name, found in fits.items())
    return fig, (
        f"Fitted over exact λ of {len(fits)} losses, each with a bar of two standard errors: the farthest is "
        f"{far:.1f} standard errors away. The fitted m is the exact one for {right}."
    )
