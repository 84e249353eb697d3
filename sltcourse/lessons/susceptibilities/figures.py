"""The live figures of lesson 11."""

import numpy as np
from matplotlib.axes import Axes

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.susceptibilities.models import W_STAR, X, Y, perturbed, posterior, tangents

COLORS = style.COLORS
_H = np.linspace(0, 0.3, 61)
_STOPS = np.round(np.linspace(0, 0.3, 31), 2)


def draw_points(ax: Axes) -> None:
    """The six points with their numbers, and the line that fits them."""
    x = np.array([-2.6, 3.6])
    ax.set(xlim=x, ylim=(-2.7, 4.6), xlabel="x", ylabel="y")
    ax.plot(x, np.c_[np.ones(2), x] @ W_STAR, color=COLORS["reference"], lw=1, label="h = 0")
    ax.plot(X[:, 1], Y, "o", color=COLORS["truth"])
    for k, (at, y, off) in enumerate(zip(X[:, 1], Y, Y - X @ W_STAR, strict=True)):
        place = {"xytext": (-4, 5), "ha": "right"} if off > 0 else {"xytext": (5, -4), "va": "top"}
        ax.annotate(str(k + 1), (at, y), textcoords="offset points", fontsize=9, **place)


def live_response(tangent: bool = False) -> LiveFigure:
    """Choose a point and give it more weight h: the posterior's mean line and the six losses follow.

    ``tangent``: what the tangent at h = 0 says of each loss, and, in a third panel, of the mean loss, beside the truth.
    """
    points = {f"point {k + 1}": k for k in range(6)}
    curves = {k: np.array([perturbed(k, h) for h in _H]) - perturbed(k, 0.0) for k in range(6)}
    slopes = {k: tangents(k) for k in range(6)}
    row = {h: int(np.argmin(np.abs(_H - h))) for h in _STOPS}
    x = np.array([-2.6, 3.6])

    fig, (left, middle, *rest) = style.figure(1, 3 if tangent else 2, height=3.7)
    draw_points(left)
    left.set_title("data and mean line")
    middle.set(xlim=(0.4, 6.6), ylim=(-0.7, 0.7), xticks=range(1, 7), xlabel="point")
    middle.set_title("change of its mean loss")
    middle.axhline(0, color=COLORS["reference"], lw=1)
    alt = (
        "Left: six points and the posterior's mean line. Beside it: by how much the mean loss of each point has changed"
    )
    live = LiveFigure(
        fig,
        alt=f"{alt}, and what the tangent says; right the same for the mean of L, over h." if tangent else f"{alt}.",
        point=Menu("counts more", points, start="point 5"),
        h=Slider("h", _STOPS, start=0.0, format=lambda h: f"{h:.2f}"),
    )
    live.line(
        left, lambda point, h: (x, np.c_[np.ones(2), x] @ posterior(point, h)[0]), color=COLORS["posterior"],
        label="at h",
    )  # fmt: skip
    live.points(
        left, lambda point: (X[point, 1], Y[point]), color=COLORS["highlight"], markersize=12, alpha=0.55, zorder=1.5
    )
    if tangent:
        live.points(
            middle, lambda point, h: (np.arange(1, 7), h * slopes[point]), color="white", markersize=10,
            markeredgecolor=COLORS["theory"], markeredgewidth=2, label="tangent",
        )  # fmt: skip
    live.points(
        middle, lambda point, h: (np.arange(1, 7), curves[point][row[h]]), color=COLORS["posterior"], label="true"
    )
    for right in rest:
        right.set(xlim=(0, 0.3), ylim=(-0.008, 0.075), xlabel="h")
        right.set_title("change of E[L]")
        right.axhline(0, color=COLORS["reference"], lw=1)
        live.line(
            right, lambda point: (_H, _H * slopes[point].mean()), color=COLORS["theory"], ls="--", label="tangent"
        )
        live.line(right, lambda point: (_H, curves[point].mean(1)), color=COLORS["posterior"], label="true")
        live.points(right, lambda point, h: (h, curves[point][row[h]].mean()), color=COLORS["posterior"], markersize=8)
        right.legend(loc="upper left")
        middle.legend(loc="lower left")
    left.legend(loc="upper left")

    def sentence(point, h):
        if h == 0:
            return "Nothing has moved."
        true, linear = curves[point][row[h]], h * slopes[point]
        if not tangent:
            return f"Loss of point {point + 1}: {true[point]:+.3f}."
        return (
            f"Loss of point {point + 1}: {true[point]:+.3f}, tangent {linear[point]:+.3f}. "
            f"E[L]: {true.mean():+.4f}, tangent {linear.mean():+.4f}."
        )

    return live.caption(sentence)
