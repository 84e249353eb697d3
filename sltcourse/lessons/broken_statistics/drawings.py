"""The static pictures of lesson 02."""

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.broken_statistics.models import MODELS
from sltcourse.theory.mean_errors import chance_of_choice, mean_complexity, scaled_error
from sltcourse.theory.mean_models import deep_product, power_mean

COLORS = style.COLORS


def draw_bic(mean=0.1) -> Figure:
    """Left E[F_n − nL_n(ŵ)] of three models beside BIC's (d/2) log n; right how often two of them are chosen. A figure.

    ``mean`` is the true mean of the right panel's data.
    """
    fig, (left, right) = style.figure(1, 2)
    n = np.geomspace(30, 1e6, 30)
    colors = dict(zip(MODELS, (COLORS["regular"], COLORS["singular"], COLORS["loss"]), strict=True))
    for name, model in MODELS.items():
        left.plot(n, [mean_complexity(model, x) for x in n], color=colors[name], label=name)
        dashed = mean_complexity(model, 30) + model.d / 2 * np.log(n / 30)
        left.plot(n, dashed, "--", color=colors[name], lw=1.2)
    left.plot([], [], "--", color=COLORS["reference"], lw=1.2, label="BIC: slope d/2")
    left.set(xscale="log", xlabel="n", ylabel="mean of Fₙ − nLₙ(ŵ)", ylim=(0, 9))
    left.legend(loc="upper left")
    n = np.unique(np.geomspace(30, 1e4, 40).round())
    for name in ("N(w, 1)", "N(ab, 1)"):
        bic, exact = np.array([chance_of_choice(MODELS[name], x, mean) for x in n]).T
        right.plot(n, bic, "--", color=colors[name], label=f"{name} by BIC")
        right.plot(n, exact, color=colors[name], label=f"{name} by the exact Fₙ")
    right.set(xscale="log", xlabel="n", ylim=(0, 1.02), title="Chance to be chosen against N(0, 1)")
    right.legend(loc="upper left", fontsize=9)
    return fig


def draw_errors(n=1000) -> Figure:
    """n E[G_n] of N(w₁…w_d, 1) with the truth at mean 0, for d = 1, …, 8, beside d/2 and λ = 1/2. A figure."""
    fig, ax = style.figure(height=3.4)
    d = np.arange(1, 9)
    errors = [scaled_error(deep_product(k), n) for k in d]
    ax.plot(d, d / 2, "o--", color=COLORS["regular"], label="d regular means: d/2")
    ax.plot(d, errors, "o-", color=COLORS["singular"], label=f"product of d weights, n = {style.number(n)}")
    ax.axhline(0.5, color=COLORS["theory"], ls=":", label="λ = 1/2, the limit n → ∞ for every product")
    ax.set(xlabel="number of parameters d", ylabel="n E[Gₙ]", yscale="log", ylim=(3e-3, 60), xticks=d)
    ax.legend(loc="upper left")
    return fig


def draw_price(n=1000) -> Figure:
    """n E[G_n] of N(w³, 1) against its true w, beside the 1/2 of the MLE and of every regular truth. A figure."""
    fig, ax = style.figure(height=3.4)
    w0 = np.linspace(0, 0.9, 46)
    ax.plot(w0, [scaled_error(power_mean(3, w), n) for w in w0], color=COLORS["singular"], label="Bayes")
    ax.axhline(0.5, color=COLORS["regular"], ls="--", label="maximum likelihood")
    ax.set(xlabel="true w", ylabel=f"n × error, n = {style.number(n)}", ylim=(0, 1))
    ax.legend(loc="upper right")
    return fig
