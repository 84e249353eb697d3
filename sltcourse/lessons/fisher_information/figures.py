"""The live figures of lesson 01."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.fisher_information.models import Journey, bell, certified, short

COLORS = style.COLORS


# ---- one parameter ---------------------------------------------------------------------------------------------------


def live_cubic(step=0.3) -> LiveFigure:
    """Slide w: the density of N(w,1) and of N(w³,1) before and after a step, and their Fisher information."""
    fig, axes = style.figure(1, 3, height=3.5)
    x = np.linspace(-4, 5, 241)
    means = {"N(w, 1)": lambda w: w, "N(w³, 1)": lambda w: w**3}
    live = LiveFigure(
        fig,
        alt="A step of w moves the density of N(w,1) by the same amount everywhere. It moves that of N(w³,1) less "
        "and less as w nears 0, where the Fisher information 9w⁴ touches 0.",
        w=Slider("w", np.round(np.arange(-1, 1.01, 0.02), 2), start=0.8),
    )
    for ax, (name, mean), color in zip(axes, means.items(), (COLORS["regular"], COLORS["singular"]), strict=False):
        ax.set(xlim=(-4, 5), ylim=(0, 0.56), xlabel="x", title=f"p(x|w) of {name}")
        live.band(
            ax,
            lambda w, mean=mean: (x, bell(x, mean(w)), bell(x, mean(w + step))),
            color=color,
            alpha=0.35,
            name=f"moved {name}",
        )
        live.line(ax, lambda w, mean=mean: (x, bell(x, mean(w))), color=COLORS["truth"], label="at w", lw=1.6)
        live.line(ax, lambda w, mean=mean: (x, bell(x, mean(w + step))), color=color, label=f"at w + {step}", ls="--")
        ax.legend(loc="upper left", fontsize=9, handlelength=1.6)
    grid = np.linspace(-1, 1, 201)
    right = axes[2]
    right.set(xlim=(-1.08, 1.08), ylim=(-0.4, 9.6), xlabel="w", title="Fisher information I(w)")
    right.plot(grid, 1 + 0 * grid, color=COLORS["regular"], label="1")
    right.plot(grid, 9 * grid**4, color=COLORS["singular"], label="9w⁴")
    right.legend(loc="upper center", fontsize=9)
    live.points(right, lambda w: (w, 1), color=COLORS["regular"], markersize=9)
    live.points(right, lambda w: (w, 9 * w**4), color=COLORS["singular"], markersize=9, name="information")

    def caption(w):
        moved = (w + step) ** 3 - w**3
        return (
            f"w = {style.number(w)}: the step of {step} moves the mean of N(w, 1) by {step}, and that of N(w³, 1) by "
            f"{style.number(round(moved, 3))}. I(w) = 1 and {style.number(round(9 * w**4, 4))}."
        )

    live.caption(caption)
    return live


# ---- the families ----------------------------------------------------------------------------------------------------


def live_families() -> LiveFigure:
    """Choose a family, take a step: along the null direction p stays (K ~ τ⁴ or 0), along another it moves (τ²)."""
    fig, (left, right) = style.figure(1, 2, height=3.9)
    shares = [float(s) for s in np.round(10.0 ** np.linspace(-1.5, 0, 100), 4)]
    journeys = {family.name: Journey(family, shares) for family, _, _ in certified()}
    live = LiveFigure(
        fig,
        alt="For each of the eleven families: what the model predicts at its singular point, and after a step along "
        "the null direction and along the most visible one. Along the null direction the divergence is 0 or grows like "
        "the fourth power of the step, along the other like its square.",
        family=Menu("family", journeys, start="binomial mixture"),
        step=Slider("step", shares, start=shares[-30], format=_percent),
    )
    null, fast = COLORS["singular"], COLORS["estimate"]
    left.set(xlim=(-0.2, 1.04), ylim=(-0.05, 1.32), xticks=[], yticks=[], xlabel=" ", title="What the model says")
    for height, end in ((0, "low"), (1, "high")):  # the scale is the family's own: its lowest and highest value
        left.plot([-0.2, -0.17], [height, height], color=COLORS["reference"], lw=1)
        words = {"ha": "left", "va": "center", "fontsize": 9, "color": "#555555", "name": end}
        live.text(left, _end(height, end), **words)
    live.text(left, lambda family: (0.5, -0.14, family.label), ha="center", va="center", name="label")
    still = COLORS["truth"]
    proxies = left.plot([], [], "o-", color=still, lw=5, markersize=10, alpha=0.3, label="no step")  # curve or dots
    live.line(left, lambda family: _joined(family, family.still), color=still, lw=5, alpha=0.3, label="no step")
    live.points(left, lambda family: _dots(family, family.still), color=still, markersize=10, alpha=0.3, name="still")
    right.set(xscale="log", yscale="log", xlim=(0.028, 1.15), ylim=(1e-9, 30))
    right.set(xlabel="length of the step (1 = longest)", title="How far p has moved: K")
    for which, color, dash, words in (
        ("fast", fast, "-", "most visible direction"),
        ("null", null, "--", "null direction"),
    ):
        live.line(left, _drawn(_joined, which), color=color, ls=dash, label=words, name=which)
        live.points(left, _drawn(_dots, which), color=color, markersize=5, name=f"dots {which}")
        proxies.append(left.plot([], [], "o", ls=dash, color=color, markersize=5, label=words)[0])
        live.line(right, _divergences(which), color=color, ls=dash, label=words, name=f"trail {which}")
        live.points(right, _position(which), color=color, markersize=9, name=f"K {which}")
    live.text(right, _growth, color=null, ha="right", fontsize=10, name="verdict")
    left.legend(handles=proxies, loc="upper left", ncols=2, fontsize=9, columnspacing=1)
    right.legend(loc="upper left", fontsize=9)
    live.caption(_sentence)
    return live


def _end(height, end):
    return lambda family: (-0.155, height, f"{getattr(family, end):.2g}".replace("-", "−"))


def _gaps(values):
    return np.where(np.asarray(values) > 0, values, np.nan)


def _percent(share):
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _joined(family, y):
    """A curve of what is drawn; outcomes without an order are not joined."""
    return family.positions, y * np.nan if family.discrete else y


def _dots(family, y):
    return family.positions, y if family.discrete else y * np.nan


def _drawn(how, which):
    return lambda family, step: how(family, family.curve(which, step))


def _divergences(which):
    return lambda family: (family.shares, _gaps(family.divergences[which]))


def _position(which):
    return lambda family, step: (step, _gaps(family.divergence(which, step)))


def _growth(family):
    still = not family.divergences["null"].any()
    return (
        1.0,
        3e-9,
        "null direction: K = 0, p stands still" if still else "null direction, straight step: K grows with slope 4",
    )


def _sentence(family, step):
    null, fast = (family.divergence(k, step) for k in ("null", "fast"))
    still = ": p does not move at all." if null == 0 else "."
    return (
        f"Step: {_percent(step)} of the longest. In the most visible direction K = {short(fast)}; in the null "
        f"direction K = {short(null)}{still}"
    )
