"""The live figures of lesson 01."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.fisher_information.models import (
    INPUTS,
    Journey,
    almost_as_good,
    axes_of,
    bell,
    certified,
    divergence,
    network,
    network_information,
)

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


# ---- two parameters --------------------------------------------------------------------------------------------------


def _short(value):
    """A number ≥ 0 for a caption: 0, 0.25 or 3.1·10⁻⁵."""
    return "0" if value < 1e-12 else f"{value:.2g}" if value >= 1e-3 else style.power(value)


def live_network(n=20, step=0.5) -> LiveFigure:
    """Drag the weights (a, b) of a·tanh(bx): the weights that n data hardly tell apart, the Fisher ellipse, and a step.

    Shaded is the set nK ≤ 1 itself; the dashed line is what the quadratic form says of it, n vᵀI v/2 = 1. ``step`` is
    the length of the step in W.
    """
    reach, half = 20.0, 2.6  # how long an endless strip is drawn, half the side of the plane
    fig, (plane, ellipse, functions) = style.figure(1, 3, height=3.3)
    weights = np.round(np.arange(-1.2, 1.21, 0.05), 2)
    turn = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    x = np.linspace(-3, 3, 41)
    values, directions = axes_of(network_information(weights[:, None], weights[None, :]))

    index = {weight: k for k, weight in enumerate(weights.tolist())}

    def axes_at(a, b):
        """The eigenvalues (2,) and unit eigenvectors (2, 2) of the Fisher matrix at the weights (a, b)."""
        row = index[float(a)], index[float(b)]
        return values[row], directions[row]

    live = LiveFigure(
        fig,
        alt=f"Left, the parameter plane with the singular cross a = 0 or b = 0, the set of weights with nK at most 1 "
        f"for n = {n}, and the ellipse by which the Fisher matrix approximates it. Middle, the Fisher ellipse. Right, "
        "the network's function after a step along each axis of the ellipse.",
        a=Slider("a", weights, start=1.0),
        b=Slider("b", weights, start=0.8),
    )

    def strip(a, b):
        sizes, (weak, strong) = axes_at(a, b)
        lengths = np.minimum(np.sqrt(2 / n / np.maximum(sizes, 1e-12)), reach)
        outline = lengths[0] * circle[0] * weak[:, None] + lengths[1] * circle[1] * strong[:, None]
        return a + outline[0], b + outline[1]

    def stretched(a, b):
        sizes, (weak, strong) = axes_at(a, b)
        outline = np.sqrt(sizes[0]) * circle[0] * weak[:, None] + np.sqrt(sizes[1]) * circle[1] * strong[:, None]
        return outline[0], outline[1]

    def step_along(which):
        return lambda a, b: ([a, a + step * axes_at(a, b)[1][which, 0]], [b, b + step * axes_at(a, b)[1][which, 1]])

    def half_axis(which):
        def ends(a, b):
            sizes, rows = axes_at(a, b)
            end = np.sqrt(sizes[which]) * rows[which]
            return [-end[0], end[0]], [-end[1], end[1]]

        return ends

    def moved(which):
        def curve(a, b):
            v = step * axes_at(a, b)[1][which]
            return x, network(a + v[0], b + v[1], x)

        return curve

    weak, strong = COLORS["singular"], COLORS["estimate"]
    box = {"xlim": (-half, half), "ylim": (-half, half), "box_aspect": 1}
    plane.set(**box, xlabel="a", ylabel="b", title=f"W: can {n} data tell?")
    grey, dashes = COLORS["muted"], {"color": COLORS["theory"], "ls": "--", "lw": 1.6}
    live.fill(plane, lambda a, b: almost_as_good(a, b, n, 2.8), color=grey, alpha=0.8, name="set", label="no: nK ≤ 1")
    live.line(plane, lambda: ([0, 0, np.nan, -half, half], [-half, half, np.nan, 0, 0]), color="#555555", lw=1, ls=":")
    live.line(plane, strip, name="strip", label="by I: n vᵀIv/2 = 1", **dashes)
    live.line(plane, step_along(0), color=weak, lw=3)
    live.line(plane, step_along(1), color=strong, lw=3)
    live.points(plane, lambda a, b: (a, b), color=COLORS["truth"], markersize=8, name="w")
    ellipse.set(**box, xlabel="direction a", ylabel="direction b", title="Fisher ellipse √I u, |u| = 1")
    ellipse.plot(0, 0, "o", color=COLORS["loss"], markersize=4)
    live.fill(ellipse, stretched, color=COLORS["muted"], alpha=0.8, edgecolor=COLORS["loss"], name="ellipse")
    live.line(ellipse, half_axis(0), color=weak, lw=3)
    live.line(ellipse, half_axis(1), color=strong, lw=3)
    functions.set(xlim=(-3, 3), ylim=(-2, 3.8), box_aspect=1, xlabel="x", title=f"f, and after a step of {step}")
    live.line(functions, lambda a, b: (x, network(a, b, x)), color=COLORS["truth"], lw=5, alpha=0.35, label="at w")
    live.line(functions, moved(1), color=strong, label="strong axis", name="strong")
    live.line(functions, moved(0), color=weak, ls="--", label="weak axis", name="weak")
    functions.legend(loc="upper left", fontsize=8.5, handlelength=1.6)
    plane.legend(
        loc="lower left",
        fontsize=8,
        handlelength=1.4,
        borderaxespad=0.2,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
    )
    side = np.linspace(-half, half, 53)
    window = np.stack(np.meshgrid(side, side)).reshape(2, -1)

    def worst(a, b):
        """The largest nK in the plane as drawn, among the steps for which the quadratic form says at most 1."""
        v = window - [[a], [b]]
        small = np.einsum("ik,ij,jk->k", v, network_information(a, b), v) <= 2 / n
        edge = np.array(strip(a, b))
        places = np.hstack([window[:, small], edge[:, np.abs(edge).max(axis=0) <= half]])
        return n * divergence(a, b, *places).max()

    def caption(a, b):
        (small, large), (v, _) = axes_at(a, b)
        rank = int(a != 0 or b != 0) + int(a != 0 and b != 0)
        at_inputs = np.max(np.abs(network(a + step * v[0], b + step * v[1], INPUTS) - network(a, b, INPUTS)))
        return (
            f"w = ({style.number(a)}, {style.number(b)}): rank {rank}, eigenvalues {_short(small)} and "
            f"{_short(large)}. Where the quadratic form says at most 1, nK goes up to {_short(worst(a, b))} in this "
            f"plane. A step of {step} along the weak axis moves f at the inputs by at most {_short(at_inputs)}."
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
        f"Step: {_percent(step)} of the longest. In the most visible direction K = {_short(fast)}; in the null "
        f"direction K = {_short(null)}{still}"
    )
