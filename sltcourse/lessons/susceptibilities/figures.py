"""The live figures of lesson 11."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.susceptibilities import heads
from sltcourse.lessons.susceptibilities.kept import NBETA
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
        live.points(
            right, lambda point, h: (h, curves[point][row[h]].mean()), color=COLORS["posterior"], markersize=8,
            clip_on=False,
        )  # fmt: skip
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


TEXT = "AkcAkFbdBgFbaAkBgckAkFb"  # the text shown if the learner gives none
_TICKS = (-100, -10, -1, 0, 1, 10, 100)


def squeezed(values: Any) -> np.ndarray:
    """Values of either sign on a scale that is linear near 0 and logarithmic far out: arcsinh."""
    return np.arcsinh(np.asarray(values, float))


def live_heads(text: str = TEXT) -> LiveFigure:
    """Choose a head and a letter of ``text``: which letters answer to the head, which data sets, which heads.

    All is χ less the bystander's line, in units of the line: −Cov(L, ℓ)/Var L, with two standard errors.
    ``text``: 3 to 33 letters, a–p and A–P; ValueError for another.
    """
    value, error = heads.answers(text)
    lines, sets, set_errors = heads.against_the_line()
    own, own_error = -value / lines[:, None], error / lines[:, None]
    size, count = len(text), len(heads.NAMES)
    fig, axes = style.figure(2, 2, height=5.0, height_ratios=[0.32, 1])
    for ax in axes[0]:
        ax.remove()
    top, (left, right) = fig.add_subplot(axes[0, 0].get_gridspec()[0, :]), axes[1]
    top.set(xlim=(-0.6, size - 0.4), ylim=(-0.85, 0.8))
    top.set_title("χ of the chosen head to each letter: blue below the bystander's line, red above")
    top.set_xticks([])
    top.set_yticks([])
    top.grid(False)
    top.spines[:].set_visible(False)
    for i, letter in enumerate(text):
        top.text(i, 0.38, letter, ha="center", va="center", fontsize=14)
    left.set(xlim=(-0.6, len(heads.DATA_SETS) - 0.4), title="the chosen head: which data?")
    left.set_xticks(range(len(heads.DATA_SETS)), [_two_lines(name) for name in heads.DATA_SETS], fontsize=9)
    right.set(xlim=(-0.6, count - 0.4), title="the marked letter: which heads?")
    right.set_xticks(range(count), heads.NAMES)
    for ax in (left, right):
        ax.set(ylim=squeezed((-150, 150)), ylabel="χ less the line, in lines")
        ax.set_yticks(squeezed(_TICKS), [str(t).replace("-", "−") for t in _TICKS])
        ax.axhline(0, color=COLORS["reference"], lw=1.2, ls="--")
    live = LiveFigure(
        fig,
        alt="Top: a text, each letter coloured by how its loss answers to the chosen head. Below: the answers of six "
        "data sets to this head, and of the marked letter to all eight heads, with two errors, on a squeezed scale "
        "around the bystander's line.",
        head=Menu("head", {name: i for i, name in enumerate(heads.NAMES)}, start="0.0"),
        letter=Slider("letter", range(1, size), start=size // 2),
    )  # fmt: skip

    def colours(head: int) -> np.ndarray:
        shown = np.where(np.abs(own[head]) > 2 * own_error[head], own[head], 0)
        return np.repeat((squeezed(shown) / squeezed(np.abs(own[head]).max()))[None, :], 12, 1)

    live.image(top, colours, (0.5, size - 0.5, -0.4, 0.05), -1, 1, cmap="RdBu_r", name="text", alpha=0.6)
    live.points(top, lambda letter: (letter, -0.68), color=COLORS["truth"], markersize=6)
    live.line(left, lambda head: _error_bars(sets[int(head)], set_errors[int(head)]), color=COLORS["posterior"], lw=1.6)
    live.points(left, lambda head: (np.arange(len(sets[0])), squeezed(sets[int(head)])), name="sets",
                color=COLORS["posterior"], markersize=7)  # fmt: skip
    live.line(right, lambda letter: _error_bars(own[:, int(letter) - 1], own_error[:, int(letter) - 1]),
              color=COLORS["estimate"], lw=1.6)  # fmt: skip
    live.points(right, lambda letter: (np.arange(count), squeezed(own[:, int(letter) - 1])), name="heads",
                color=COLORS["estimate"], markersize=7)  # fmt: skip
    live.points(right, lambda head, letter: (head, squeezed(own[int(head), int(letter) - 1])), name="chosen",
                color=COLORS["highlight"], markersize=11, alpha=0.6, zorder=1.5)  # fmt: skip

    def caption(head: int, letter: int) -> str:
        k, t = int(head), int(letter)
        away = style.estimate(own[k, t - 1], own_error[k, t - 1])
        return (
            f"Head {heads.NAMES[k]}: the {text[t]} after {text[max(0, t - 6) : t]} lies {away} lines from the "
            f"bystander's, which is Var L = {style.number(lines[k] / NBETA, 2)}."
        )

    return live.caption(caption)


def _two_lines(name: str) -> str:
    """A data set's name for a narrow axis."""
    return "\n".join(name.replace("name again", "again").rsplit(" ", 1))


def _error_bars(values: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line with gaps over 0, 1, 2, …: from two ``errors`` below each of the ``values`` to two above, squeezed."""
    x = np.repeat(np.arange(len(values), dtype=float), 3)
    y = np.stack([values - 2 * errors, values + 2 * errors, np.full(len(values), np.nan)], 1).ravel()
    return x, squeezed(y)
