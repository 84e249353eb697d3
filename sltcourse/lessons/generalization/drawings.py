"""The static pictures of lesson 05."""

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style

COLORS = style.COLORS


def draw_small_models(found, models, n, expected) -> Figure:
    """n G, n WAIC, n AIC (truth's loss subtracted) of simulated data sets, one row a model, beside λ and d/2; a figure.

    ``found``: {name: array of shape (data sets, ≥ 3)} with columns n G, n WAIC, n AIC. Bars are 2 standard errors.
    ``expected``: {name: n E[G_n] from another route}, a black mark above each row.
    """
    fig, ax = style.figure(height=3.9)
    shown = (("n Gₙ", "estimate", 0.2), ("n (WAIC − Sₙ)", "posterior", 0.0), ("n (AIC − Sₙ)", "reference", -0.2))
    for row, (name, values) in enumerate(reversed(found.items())):
        model = models[name]
        law = model.lam - (model.m - 1) / np.log(n)
        last = row == len(found) - 1
        marks = ((model.lam, "singular", "λ"), (law, "theory", "λ − (m − 1)/log n"), (model.d / 2, "regular", "d/2"))
        for x, kind, label in marks:
            dash = "--" if kind == "theory" else "-"
            ax.plot([x, x], [row - 0.36, row + 0.36], dash, color=COLORS[kind], label=label if last else None)
        apart = "n E[Gₙ], without these data" if last else None
        ax.plot(expected[name], row + 0.4, "v", color=COLORS["truth"], markersize=8, ls="none", label=apart)
        for column, (label, kind, up) in enumerate(shown):
            mean, se = values[:, column].mean(), values[:, column].std() / np.sqrt(len(values))
            ax.errorbar(
                mean, row + up, xerr=2 * se, fmt="o", color=COLORS[kind], capsize=3, label=label if last else None
            )
            ax.text(2.25, row + up, f"{mean:.2f} ± {se:.2f}", va="center", color=COLORS[kind], fontsize=9.5)
    ax.set_yticks(range(len(found)), [*reversed(found)])
    ax.set(
        xlim=(0, 2.6),
        ylim=(-0.6, len(found) - 0.35),
        xticks=np.arange(0, 2.1, 0.5),
        xlabel=f"n times an error, n = {n}   (bars: 2 σ; numbers: ± σ)",
    )
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=4, columnspacing=1.6, handlelength=1.2)
    return fig
