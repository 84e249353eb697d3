"""The static pictures of lesson 02; what they show is computed in the notebook."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style

COLORS = style.COLORS
_TURN = ["regular", "singular", "loss", "posterior", "estimate"]


def draw_prices(n: np.ndarray, price: Mapping[str, np.ndarray], bic: Mapping[str, float]) -> Figure:
    """The mean of F_n − nL_n(ŵ) of some models against n, each beside BIC's slope. A figure.

    ``price`` maps a model's name to an array like ``n``, ``bic`` to its d/2; BIC's line starts on the exact curve.
    """
    fig, ax = style.figure(height=3.6)
    for (name, exact), key in zip(price.items(), _TURN, strict=False):
        ax.plot(n, exact, color=COLORS[key], label=name)
        ax.plot(n, exact[0] + bic[name] * np.log(n / n[0]), "--", color=COLORS[key], lw=1.2)
    ax.plot([], [], "--", color=COLORS["reference"], lw=1.2, label="BIC: (d/2) log n")
    ax.set(xscale="log", xlabel="n", ylabel="mean of Fₙ − nLₙ(ŵ)", xlim=(n[0], n[-1]))
    ax.legend(loc="upper left")
    fig.set_label("The mean of F_n − nL_n(ŵ) against n on a log axis, for each model beside the line of BIC.")
    return fig


def draw_errors(d: Sequence[int], errors: Sequence[float], n: float) -> Figure:
    """n E[G_n] of the product of d weights at ``n`` data, beside d/2 and λ = 1/2. A figure."""
    fig, ax = style.figure(height=3.2)
    ax.plot(d, np.array(d) / 2, "o--", color=COLORS["regular"], label="d regular means: d/2")
    ax.plot(d, errors, "o-", color=COLORS["singular"], label=f"product of d weights, n = {style.number(n)}")
    ax.axhline(0.5, color=COLORS["theory"], ls=":", label="λ = 1/2, the limit n → ∞ for every product")
    ax.set(xlabel="number of parameters d", ylabel="n E[Gₙ]", yscale="log", ylim=(3e-3, 60), xticks=d)
    ax.legend(loc="upper left", fontsize=9)
    fig.set_label("n E[G_n] against the number of parameters d, on a log axis: the product of d weights beside d/2.")
    return fig


def draw_bump(w0: np.ndarray, errors: Mapping[str, np.ndarray], n: float) -> Figure:
    """n times the error of Bayes against the true w, for some models, beside the ½ of the best fit. A figure."""
    fig, ax = style.figure(height=3.2)
    for (name, values), key in zip(errors.items(), ["singular", "posterior", "loss", "estimate"], strict=False):
        ax.plot(w0, values, color=COLORS[key], label=f"Bayes, {name}")
    ax.axhline(0.5, color=COLORS["regular"], ls="--", label="maximum likelihood, N(w³, 1)")
    ax.set(xlabel="true w", ylabel=f"n × error, n = {style.number(n)}", xlim=(w0[0], w0[-1]))
    ax.set_ylim(0, max(1.2, 1.1 * max(float(values.max()) for values in errors.values())))
    ax.legend(loc="upper left")
    fig.set_label("n times the error against w₀: that of the best fit, a level line, and that of Bayes.")
    return fig
