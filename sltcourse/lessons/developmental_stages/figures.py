"""The live figures of lesson 10."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider


def live_power():
    """Slide k: the curve w^(2k) flattens at its minimum."""
    w = np.linspace(-1, 1, 201)
    fig, ax = style.figure(1, 1)
    ax.set(xlim=(-1, 1), ylim=(0, 1), xlabel="w", ylabel="K(w)")
    live = LiveFigure(fig, alt="The curve w to the power 2k.", k=Slider("k", [1, 2, 3, 4], start=1))
    live.line(ax, lambda k: (w, w ** (2 * k)), color=style.COLORS["loss"], label="K(w)")
    live.caption(lambda k: f"K = w^{2 * k}, and λ = 1/{2 * k}.")
    return live
