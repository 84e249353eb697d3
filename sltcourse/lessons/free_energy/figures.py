"""The other live figures of lesson 06: two charts, the phase diagram, the shadow of a singularity."""

import math

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.free_energy.jumps import percent
from sltcourse.lessons.free_energy.models import MODELS
from sltcourse.theory.asymptotics import lambert_crossings
from sltcourse.theory.quadrature import Posterior

COLORS = style.COLORS


def _from_white(quantity: str) -> str:
    """The name of a colour map from white to the colour of a quantity."""
    name = f"white to {quantity}"
    if name not in mpl.colormaps:
        mpl.colormaps.register(LinearSegmentedColormap.from_list(name, ["white", COLORS[quantity]]))
    return name


def live_charts() -> LiveFigure:
    """Two models of a mean in the plane, prior ½ each: slide n; the posterior leaves the cross for the point."""
    n = np.unique(np.round(10 ** np.linspace(0, 4, 81)))
    row, ns = {x: i for i, x in enumerate(n)}, n
    cross, point = MODELS["two charts"].exact(n)
    share = 1 / (1 + np.exp(point - cross))
    side = np.linspace(-1, 1, 81)
    a, b = np.meshgrid(side, side)

    fig, axes = style.figure(1, 3, height=3.5)
    for ax, title in zip(axes, ("simple\nmean (√(2D), ab)", "accurate\nmean (a, b)"), strict=False):
        ax.set(xlabel="a", ylabel="b", xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title, aspect="equal")
        ax.grid(False)
    axes[2].set(xscale="log", xlim=(0.7, 1.5e4), ylim=(0, 1.04), xlabel="n", title="share of the accurate chart")
    axes[2].set_box_aspect(1)

    live = LiveFigure(
        fig,
        alt="Two squares of parameters. In the left one the posterior is a cross, in the right one a round spot. As n "
        "grows past 2614, the cross fades and the spot lights up.",
        n=Slider("n", n, start=316),
    )
    extent = (-1, 1, -1, 1)
    live.image(
        axes[0],
        lambda n: np.sqrt((1 - share[row[n]]) * np.exp(-n * (a * b) ** 2 / 2)),
        extent, 0, 1, cmap=_from_white("singular"), name="cross",
    )  # fmt: skip
    live.image(
        axes[1],
        lambda n: np.sqrt(share[row[n]] * np.exp(-n * (a * a + b * b) / 2)),
        extent, 0, 1, cmap=_from_white("regular"), name="point",
    )  # fmt: skip
    for ax, color, chance in ((axes[0], COLORS["singular"], 1 - share), (axes[1], COLORS["regular"], share)):
        live.text(ax, lambda n, c=chance: (1, 1.22, percent(c[row[n]])), color=color, fontsize=14, ha="right")
    live.line(axes[2], lambda n: (ns, np.where(ns <= n, share, np.nan)), name="so far", color=COLORS["posterior"])
    live.points(axes[2], lambda n: (n, share[row[n]]), name="share", color=COLORS["posterior"], markersize=9)
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: F is {cross[row[n]]:.2f} on the cross and {point[row[n]]:.2f} at the point; "
            f"the accurate chart holds {percent(share[row[n]])} of the posterior."
        )
    )


def live_phases() -> LiveFigure:
    """Slide Δλ and ΔL: where n ΔL meets Δλ log n, and the point on the phase diagram."""
    d_lambda, d_loss = np.arange(1, 11), 10.0 ** (np.arange(-32, 3) / 8)
    n = np.geomspace(1.001, 1e7, 300)

    fig, (left, right) = style.figure(1, 2, height=4.0)
    left.set(xscale="log", yscale="log", xlim=(1, 1e7), ylim=(1e-2, 1e3), xlabel="n", ylabel="free energy difference")
    right.set(xscale="log", xlim=(8e-5, 3), ylim=(0, 10.6), xlabel="ΔL, misfit saved", ylabel="Δλ, complexity paid")
    grid = np.geomspace(8e-5, 3, 200)
    right.fill_between(grid, math.e * grid, color=COLORS["muted"], alpha=0.6, lw=0)
    right.text(2.7, 0.35, "no transition", ha="right", fontsize=10)
    for power in range(1, 6):
        level = 10.0**power
        right.plot(grid, grid * level / np.log(level), color=COLORS["theory"], lw=1.2)
        right.text(8.2 * np.log(level) / level * 0.93, 8.2, style.power(level), color=COLORS["theory"], ha="right")
    right.set_title("lines of equal critical n")

    def small(x: float) -> str:
        return style.number(x, 2) if x >= 1e-3 else style.power(x)

    live = LiveFigure(
        fig,
        alt="Left: the line n ΔL and the curve Δλ log n on log–log axes; they meet twice, touch once or never. Right: "
        "the plane of ΔL and Δλ with lines of equal critical n and the region without a transition.",
        d_lambda=Slider("Δλ", d_lambda, start=4),
        d_loss=Slider("ΔL", d_loss, start=10 ** (-14 / 8), format=small),
    )

    def crossings(d_lambda: float, d_loss: float) -> tuple[float, float]:
        try:
            return lambert_crossings(d_lambda, d_loss)
        except ValueError:
            return np.nan, np.nan

    simple, accurate = COLORS["singular"], COLORS["regular"]
    live.line(left, lambda d_loss: (n, n * d_loss), name="accuracy", color=simple, label="simple pays n ΔL")
    paid = "accurate pays Δλ log n"
    live.line(left, lambda d_lambda: (n, d_lambda * np.log(n)), name="complexity", color=accurate, label=paid)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, columnspacing=1.2, handlelength=1.4)
    live.points(
        left,
        lambda d_lambda, d_loss: (crossings(d_lambda, d_loss)[0], d_loss * crossings(d_lambda, d_loss)[0]),
        name="spurious", color=COLORS["muted"], markersize=8,
    )  # fmt: skip
    live.points(
        left,
        lambda d_lambda, d_loss: (crossings(d_lambda, d_loss)[1], d_loss * crossings(d_lambda, d_loss)[1]),
        name="critical", color=COLORS["posterior"], markersize=10,
    )  # fmt: skip
    live.points(
        right, lambda d_lambda, d_loss: (d_loss, d_lambda), name="here", color=COLORS["posterior"], markersize=10
    )

    def sentence(d_lambda: float, d_loss: float) -> str:
        ratio, (spurious, critical) = d_lambda / d_loss, crossings(d_lambda, d_loss)
        if np.isnan(critical):
            return (
                f"Δλ/ΔL = {ratio:.3g} is below e = 2.718: the lines do not meet. To this order the accurate well wins "
                "at every n."
            )
        return (
            f"Δλ/ΔL = {style.number(ratio, 3)}: to leading order the critical n is {style.number(round(critical))}. "
            f"The lines meet at n = {spurious:.2f} too, which is spurious."
        )

    return live.caption(sentence)


def live_shadow() -> LiveFigure:
    """The cubic mean model: slide the truth and n; λ(n) = dF/d log n sees the singularity until n ~ 1/w0⁶."""
    truths, ns = np.arange(0, 21) / 40, 10.0 ** (np.arange(0, 121) / 12)
    row = {x: i for i, x in enumerate(ns)}  # the slider has every third n
    near = np.r_[0, np.geomspace(1e-4, 0.2, 24)]  # dense where the posterior ends as a spike
    w, density, slope = {}, {}, {}
    for w0 in truths:

        def loss(w: np.ndarray, w0: float = w0) -> np.ndarray:
            return (w[:, 0] ** 3 - w0**3) ** 2 / 2

        post = Posterior(loss, [(-1, 1)], ns, breakpoints=sorted({0.0, w0}))
        slope[w0] = ns * post.expectation(loss).value
        w[w0] = np.sort(np.r_[np.linspace(-0.9, 0.9, 121), w0 - near, w0 + near])
        p = np.exp(post.log_density(w[w0][:, None]))
        density[w0] = p / p.max(axis=1, keepdims=True)

    fig, (left, right) = style.figure(1, 2)
    left.set(xlim=(-0.9, 0.9), ylim=(0, 1.08), yticks=[0, 0.5, 1], xlabel="w", ylabel="posterior density / its maximum")
    left.set_xticks([-0.8, -0.4, 0, 0.4, 0.8])
    right.set(xscale="log", xlim=(0.5, 2e10), ylim=(-0.05, 1.08), xlabel="n", ylabel="λ(n) = dF/d log n")
    for value, name, x, y in ((1 / 6, "1/6", 1e3, 0.09), (1 / 2, "1/2", 1.4, 0.52)):
        right.axhline(value, color=COLORS["theory"], ls="--", lw=1.2)
        right.text(x, y, name, color=COLORS["theory"])

    live = LiveFigure(
        fig,
        alt="Left: the posterior, broad and flat around 0 for moderate n even though the truth is not 0, later a spike "
        "at the truth. Right: dF/d log n stays at 1/6, then passes a bump and settles at 1/2.",
        w0=Slider("truth w₀", truths, start=0.1),
        n=Slider("n", ns[::3], start=1e3, format=lambda n: style.power(n)),
    )
    purple = COLORS["posterior"]
    live.band(left, lambda w0, n: (w[w0], 0 * w[w0], density[w0][row[n]]), name="area", color=purple, alpha=0.5)
    live.line(left, lambda w0, n: (w[w0], density[w0][row[n]]), name="posterior", color=purple, lw=1.5)
    live.points(left, lambda w0: (w0, 0.0), name="truth", color=COLORS["truth"], markersize=11)
    live.text(left, lambda w0: (w0 + 0.04, 0.03, "truth"), name="label", color=COLORS["truth"])
    live.line(right, lambda w0: (ns, slope[w0]), name="slope", color=COLORS["estimate"])
    live.points(right, lambda w0, n: (n, slope[w0][row[n]]), name="now", color=COLORS["estimate"], markersize=9)
    return live.caption(
        lambda w0, n: (
            f"Truth w₀ = {w0:g}, n = {style.power(n)}: dF/d log n = {slope[w0][row[n]]:.3f}; "
            "λ is 1/6 at w₀ = 0 and 1/2 at any other truth."
        )
    )
