"""The static pictures of lesson 06."""

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.free_energy.models import BOX, HEIGHT, POLYGONS, K, mean, polygon

COLORS = style.COLORS


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
    return fig


def draw_polygon(ax, k, color) -> None:
    """The columns of W* of the k-gon, the toy model of superposition's critical point, as arrows on ``ax``."""
    W, _ = polygon(k)
    angle = np.append(np.arange(k), 0) * 2 * np.pi / k
    ax.plot(POLYGONS[k][0] * np.cos(angle), POLYGONS[k][0] * np.sin(angle), color=COLORS["muted"])
    ax.quiver(*np.zeros((2, k)), *W[:, :k], angles="xy", scale_units="xy", scale=1, color=color, width=0.02)
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", title=f"{k}-gon")
    ax.axis("off")
