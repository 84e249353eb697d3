"""The live figures of lesson 11."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.susceptibilities.models import W_STAR, X, Y, perturbed, posterior, tangents

COLORS = style.COLORS
_H = np.linspace(0, 0.3, 61)
_STOPS = np.round(np.linspace(0, 0.3, 31), 2)


def live_response() -> LiveFigure:
    """Choose a point and give it more weight h: the lines of the posterior, the six losses and the mean loss follow."""
    points = {f"point {k + 1}": k for k in range(6)}
    curves = {k: np.array([perturbed(k, h) for h in _H]) - perturbed(k, 0.0) for k in range(6)}
    slopes = {k: tangents(k) for k in range(6)}
    row = {h: int(np.argmin(np.abs(_H - h))) for h in _STOPS}
    x = np.linspace(-2.6, 3.6, 2)
    design = np.c_[np.ones(2), x]

    fig, (left, middle, right) = style.figure(1, 3, height=3.7, width_ratios=[1.1, 1.1, 1])
    left.set(xlim=(-2.6, 3.6), ylim=(-2.7, 4.6), xlabel="x", ylabel="y")
    left.set_title("data and mean line")
    left.plot(X[:, 1], Y, "o", color=COLORS["truth"])
    for k, (at, y) in enumerate(zip(X[:, 1], Y, strict=True)):
        left.annotate(str(k + 1), (at, y), (5, -4), textcoords="offset points", va="top", fontsize=9)
    left.plot(x, design @ W_STAR, color=COLORS["reference"], lw=1, label="h = 0")
    middle.set(xlim=(0.4, 6.6), ylim=(-0.7, 0.7), xticks=range(1, 7), xlabel="point")
    middle.set_title("change of its mean loss")
    middle.axhline(0, color=COLORS["reference"], lw=1)
    right.set(xlim=(0, 0.3), ylim=(-0.008, 0.075), xlabel="h")
    right.set_title("change of E[L]")
    right.axhline(0, color=COLORS["reference"], lw=1)

    live = LiveFigure(
        fig,
        alt="Left: six points and the posterior's mean line. Middle: by how much the mean loss of each point has "
        "changed, and what the tangent says. Right: the change of the mean of L over h, and its tangent.",
        point=Menu("counts more", points, start="point 5"),
        h=Slider("h", _STOPS, start=0.0, format=lambda h: f"{h:.2f}"),
    )

    live.line(left, lambda point, h: (x, design @ posterior(point, h)[0]), color=COLORS["posterior"], label="at h")
    live.points(
        left, lambda point: (X[point, 1], Y[point]), color=COLORS["highlight"], markersize=12, alpha=0.55, zorder=1.5
    )
    live.points(
        middle,
        lambda point, h: (np.arange(1, 7), h * slopes[point]),
        color="white",
        markeredgecolor=COLORS["theory"],
        markeredgewidth=2,
        markersize=10,
        label="tangent",
    )
    live.points(
        middle,
        lambda point, h: (np.arange(1, 7), curves[point][row[h]]),
        color=COLORS["posterior"],
        markersize=6,
        label="true",
    )
    live.line(right, lambda point: (_H, _H * slopes[point].mean()), color=COLORS["theory"], ls="--", label="tangent")
    live.line(right, lambda point: (_H, curves[point].mean(1)), color=COLORS["posterior"], label="true")
    live.points(right, lambda point, h: (h, curves[point][row[h]].mean()), color=COLORS["posterior"], markersize=8)
    left.legend(loc="upper left")
    middle.legend(loc="lower left")
    right.legend(loc="upper left")

    def sentence(point, h):
        true, tangent = curves[point][row[h]], h * slopes[point]
        if h == 0:
            return (
                f"Nothing has moved. The loss of point {point + 1} will change at the rate {slopes[point][point]:.2f}."
            )
        return (
            f"Loss of point {point + 1}: {true[point]:+.3f}, tangent {tangent[point]:+.3f}. "
            f"E[L]: {true.mean():+.4f}, tangent {tangent.mean():+.4f}."
        )

    return live.caption(sentence)
