"""The static pictures of lesson 03."""

from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style

COLORS = style.COLORS


def draw_splitting(curve, counted, exact_log_V) -> Figure:
    """Left V(ε) by splitting and by counting beside the exact curve, on log–log axes; right log V minus the exact one.

    ``curve``: a VolumeCurve, ``counted``: a MonteCarlo, ``exact_log_V``: ε -> log V. Returns the figure.
    """
    fig, (left, right) = style.figure(1, 2)
    exact = exact_log_V(curve.eps)
    left.plot(curve.eps, np.exp(curve.log_V), color=COLORS["estimate"], lw=4, alpha=0.6, label="splitting")
    left.plot(curve.eps, np.exp(exact), ":", color=COLORS["truth"], lw=1.5, label="exact")
    below, above = np.maximum(counted.V - counted.low, 0), counted.high - counted.V
    hit = counted.hits > 0
    bars = {"fmt": "o", "color": COLORS["theory"], "capsize": 3}
    left.errorbar(counted.eps[hit], counted.V[hit], (below[hit], above[hit]), **bars, label="counting 10⁶ draws")
    left.set(xscale="log", yscale="log", xlabel="ε", ylabel="V(ε)", xticks=10.0 ** np.arange(-30, 1, 10))
    left.legend(loc="lower right")
    gap = curve.log_V - exact
    right.fill_between(curve.eps, gap - 2 * curve.se, gap + 2 * curve.se, color=COLORS["estimate"], alpha=0.3, lw=0)
    right.plot(curve.eps, gap, color=COLORS["estimate"])
    right.axhline(0, color=COLORS["truth"], ls=":", lw=1.5)
    right.set(
        xscale="log", xlabel="ε", ylabel="log V measured − exact  (band: 2 σ)", xticks=10.0 ** np.arange(-30, 1, 10)
    )
    return fig


def draw_fits(fits, losses) -> Figure:
    """Fitted over exact λ with two-sigma bars, a row for each loss, the numbers beside it; a figure.

    ``fits``: {name: Fit}, ``losses``: {name: Loss} with at least these names.
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
    return fig
