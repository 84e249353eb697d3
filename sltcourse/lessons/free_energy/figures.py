"""The live figures of lesson 06."""

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.free_energy.models import CURVE, MODELS
from sltcourse.lessons.free_energy.wells import Shape, Well, joined, shapes, two_wells
from sltcourse.theory.asymptotics import lambert_crossings
from sltcourse.theory.quadrature import Posterior

COLORS = style.COLORS


def _sheet(rows: int, height: float, width_ratios: list[float]) -> tuple[Figure, Any, Axes]:
    """A figure with a left column of ``rows`` axes that share x, and one tall axes at the right."""
    fig, axes = style.figure(rows, 2, height=height, width_ratios=width_ratios, sharex="col")
    right = fig.add_subplot(axes[0, 1].get_gridspec()[:, 1])
    for ax in axes[:, 1]:
        ax.remove()
    return fig, axes[:, 0], right


def _quantiles(density: np.ndarray, w: np.ndarray, count: int) -> np.ndarray:
    """Where the cumulative probability of a tabulated density passes (i + ½)/count: evenly weighted draws."""
    steps = np.diff(w) * (density[1:] + density[:-1]) / 2
    return np.interp((np.arange(count) + 0.5) / count, np.r_[0, np.cumsum(steps)] / steps.sum(), w)


def _strewn(draws: np.ndarray, strip: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """(w, height) of draws in a strip below the loss, at heights that only tell them apart."""
    share = np.random.default_rng(0).permutation(len(draws)) / (len(draws) - 1)
    return draws, strip[0] + (strip[1] - strip[0]) * share


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if 0.005 <= share <= 0.995 else ("< 1 %" if share < 0.5 else "> 99 %")


_BARE = ["simple density", "accurate density", "simple area", "accurate area", "simple share", "accurate share",
         "simple draws", "accurate draws", "F simple", "F accurate", "simple well", "accurate well",
         "both together"]  # fmt: skip


def live_jump(simple: Well | None = None, accurate: Well | None = None) -> LiveFigure:
    """Slide n: the posterior jumps from the simple to the accurate well where their free energies cross.

    Without arguments the curve model, with a guess. Else two wells of your own, the worse one first: (λ, depth, width)
    or a sympy expression, see ``two_wells``, whose errors are raised.
    """
    if (simple is None) != (accurate is None):
        raise TypeError("two wells make a jump: give both, the worse one first")
    own = None if simple is None or accurate is None else two_wells(simple, accurate)
    wells = own or CURVE
    n = np.unique(np.round(10 ** np.linspace(0, 4 if own is None else 5, 81)))
    row = {x: i for i, x in enumerate(n)}
    F = dict(zip(("simple", "accurate"), wells.free_energies(n), strict=True))
    total = -np.logaddexp(-F["simple"], -F["accurate"])
    share = {name: np.exp(total - F[name]) for name in F}
    near = np.geomspace(1e-3, 0.199, 60)  # dense where a narrow well's posterior is
    places = np.array(wells.places)
    w = np.r_[
        np.linspace(*wells.box, 221), wells.ridge, places, *(places + near[:, None]).T, *(places - near[:, None]).T
    ]
    w = np.unique(w[(w >= wells.box[0]) & (w <= wells.box[1])])
    loss, length = wells.K(w[:, None]), np.diff(wells.box)[0]
    density = np.exp(total[:, None] - n[:, None] * loss) / length
    left_is_simple = places[0] < wells.ridge
    left, right_side = w <= wells.ridge, w >= wells.ridge
    side = {"simple": left if left_is_simple else right_side, "accurate": right_side if left_is_simple else left}
    color = {"simple": COLORS["singular"], "accurate": COLORS["regular"]}
    gap = wells.depths[0] - wells.depths[1]
    high = 14 * gap + wells.depths[1]
    strip = -0.32 * high, -0.06 * high  # below the loss: where the draws lie
    balls = [_strewn(_quantiles(p, w, 80), strip) for p in density]

    fig, (top, bottom), right = _sheet(2, 4.6, [1.25, 1])
    top.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))
    top.set(xlim=wells.box, ylim=(0, 25), yticks=[0, 1, 5, 10, 20], ylabel="posterior density\n(square-root scale)")
    bottom.set(ylim=(1.15 * strip[0], high), xlabel="w", ylabel="loss  K(w)")
    bottom.set_yticks([0, round(high / 2, 3), round(high, 3)])
    bottom.axhline(0, color=COLORS["muted"], lw=1)
    bottom.plot(w, loss, color=COLORS["loss"])
    bottom.text(wells.box[0] + 0.02, strip[0], "80 draws", fontsize=9, va="bottom")
    most = 2 * total.max()
    right.set(xscale="log", xlim=(0.8, 1.3 * n[-1]), ylim=(min(0, 1.3 * total.min()), most), xlabel="n")
    right.set(ylabel="free energy  F")

    live = LiveFigure(
        fig,
        alt="A loss with a worse, broad well and a better, narrow one; above it the posterior's density at the chosen "
        "n, below it 80 draws; to the right the free energy of each well against n.",
        n=Slider("n", n, start=n[np.argmin(np.abs(n - 32))]),
    )

    def hill(name: str, n: float) -> tuple[np.ndarray, np.ndarray]:
        return w[side[name]], density[row[n]][side[name]]

    def draws(name: str, n: float) -> tuple[np.ndarray, np.ndarray]:
        x, y = balls[row[n]]
        here = (w[side[name]][0] <= x) & (x <= w[side[name]][-1])
        return np.where(here, x, np.nan), np.where(here, y, np.nan)

    live.line(right, lambda n: ([n, n], [-most, most]), name="now", color=COLORS["muted"], lw=1.5)
    steps = n
    for name, place in zip(F, places, strict=True):
        ink = color[name]
        at = place if name == "simple" else place - 0.3 * abs(place - wells.ridge) - 0.1
        live.line(right, lambda name=name: (steps, F[name]), name=f"{name} well", color=ink, label=f"{name} well")
        live.band(
            top, lambda n, name=name: (hill(name, n)[0], 0 * hill(name, n)[0], hill(name, n)[1]), name=f"{name} area",
            color=ink, alpha=0.5,
        )  # fmt: skip
        live.line(top, lambda n, name=name: hill(name, n), name=f"{name} density", color=ink, lw=1.5)
        live.text(
            top, lambda n, at=at, name=name: (at, 11, _percent(share[name][row[n]])), name=f"{name} share", color=ink,
            fontsize=15, ha="center",
        )  # fmt: skip
        live.points(bottom, lambda n, name=name: draws(name, n), name=f"{name} draws", color=ink, alpha=0.6,
                    markersize=4, markeredgewidth=0)  # fmt: skip
        live.points(right, lambda n, name=name: (n, F[name][row[n]]), name=f"F {name}", color=ink, markersize=9)
    live.line(right, lambda: (steps, total), name="both together", color=COLORS["posterior"], lw=1.5, ls="--",
              label="both together")  # fmt: skip
    right.legend(loc="upper left")
    if own is None:
        live.with_guess(
            right, "x", "From which n on does the accurate well hold the larger share?", hides=_BARE, low=1, high=1e4
        )
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: F is {F['simple'][row[n]]:.2f} in the simple well and "
            f"{F['accurate'][row[n]]:.2f} in the accurate one, so the accurate well holds "
            f"{_percent(share['accurate'][row[n]])} of the posterior."
        )
    )


_CHANGES = 2.0 ** np.arange(-3, 3.5, 0.5)  # of the depth's lead
_WIDENINGS = 2.0 ** np.arange(-1.5, 2, 0.5)  # of a width


def live_wells(simple: Well, accurate: Well) -> LiveFigure:
    """Slide ΔL and both widths of two wells: their loss, their exact free energies, the accurate well's share.

    The wells as in ``two_wells``, the worse one first; where they stand is where the sliders start. Raises what
    ``two_wells`` raises, and ArithmeticError for a loss that is not resolved.
    """
    first, second = shapes(simple, accurate)
    start = joined(first, second)
    n = np.geomspace(1, 1e5, 41)
    w = np.unique(np.r_[np.linspace(*start.box, 161), start.places])
    gaps = (first.depth - second.depth) * _CHANGES
    start.free_energies(n)  # a loss that is not resolved is refused before the long work
    blank = np.full(len(n), np.nan)
    found = {}
    for gap in gaps:
        for s in _WIDENINGS:
            for a in _WIDENINGS:
                try:
                    wells = joined(first.changed(second.depth + gap, s), second.changed(second.depth, a))
                    F = wells.free_energies(n)
                    turns = _last_crossing(n, F[0] - F[1])
                    found[gap, s, a] = wells.K(w[:, None]), *F, turns
                except (ValueError, ArithmeticError):
                    found[gap, s, a] = np.full(len(w), np.nan), blank, blank, None

    fig, (left, middle, right) = style.figure(1, 3, height=3.5)
    high = 10 * (first.depth - second.depth) + second.depth
    left.set(xlim=start.box, ylim=(0, high), xlabel="w", title="loss  K(w)")
    reach = 1.6 * np.minimum(*start.free_energies(n)).max()
    middle.set(xscale="log", xlim=(1, 1e5), ylim=(0, reach), xlabel="n", title="free energy  F")
    right.set(xscale="log", xlim=(1, 1e5), ylim=(0, 1.02), xlabel="n", title="share of the accurate well")
    for ax in (middle, right):
        ax.set_xticks(10.0 ** np.arange(6))

    def size(shape: Shape) -> Callable[[float], str]:
        if shape.width is None:
            return lambda x: f"× {x:.3g}"
        width = shape.width
        return lambda x: f"{x * width:.3g}"

    live = LiveFigure(
        fig,
        alt="Left: a loss with two wells. Middle: the free energy of each well against n. Right: the accurate well's "
        "share of the posterior against n.",
        gap=Slider("ΔL", gaps, start=gaps[6], format=lambda x: f"{x:.3g}"),
        s=Slider("width, simple", _WIDENINGS, start=1.0, format=size(first)),
        a=Slider("width, accurate", _WIDENINGS, start=1.0, format=size(second)),
    )
    live.line(left, lambda gap, s, a: (w, found[gap, s, a][0]), name="loss", color=COLORS["loss"])
    for k, name, quantity in ((1, "simple", "singular"), (2, "accurate", "regular")):
        live.line(
            middle, lambda gap, s, a, k=k: (n, found[gap, s, a][k]), name=name, color=COLORS[quantity], label=name
        )
    middle.legend(loc="upper left")

    def share(gap: float, s: float, a: float) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore"):
            return n, 1 / (1 + np.exp(found[gap, s, a][2] - found[gap, s, a][1]))

    def turn(gap: float, s: float, a: float) -> tuple[float, float]:
        at = found[gap, s, a][3]
        return (np.nan if at is None else at), 0.5

    live.line(right, share, name="share", color=COLORS["posterior"])
    live.points(right, turn, name="turn", color=COLORS["posterior"], markersize=9)
    live.with_guess(
        right, "x", "From which n on does the accurate well lead?", hides=["simple", "accurate", "share", "turn"]
    )

    def sentence(gap: float, s: float, a: float) -> str:
        at = found[gap, s, a][3]
        if np.isnan(found[gap, s, a][1]).all():
            return f"ΔL = {gap:.3g}: at these widths no ridge lies between the wells."
        if at is None:
            ahead = found[gap, s, a][1] > found[gap, s, a][2]
            return f"ΔL = {gap:.3g}: the {'accurate' if ahead.all() else 'simple'} well leads up to n = 10⁵."
        return f"ΔL = {gap:.3g}: the accurate well takes over at n = {style.number(round(at))}."

    return live.caption(sentence)


def _last_crossing(n: np.ndarray, lead: np.ndarray) -> float | None:
    """Where ``lead``, a smooth function of log n, last turns positive; None where it does not."""
    (ups,) = np.nonzero((lead[:-1] <= 0) & (lead[1:] > 0))
    if not len(ups):
        return None
    curve = CubicSpline(np.log(n), lead)
    return float(np.exp(brentq(curve, *np.log(n[ups[-1] : ups[-1] + 2]))))


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
        live.text(ax, lambda n, c=chance: (1, 1.22, _percent(c[row[n]])), color=color, fontsize=14, ha="right")
    live.line(axes[2], lambda n: (ns, np.where(ns <= n, share, np.nan)), name="so far", color=COLORS["posterior"])
    live.points(axes[2], lambda n: (n, share[row[n]]), name="share", color=COLORS["posterior"], markersize=9)
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: F is {cross[row[n]]:.2f} on the cross and {point[row[n]]:.2f} at the point; "
            f"the accurate chart holds {_percent(share[row[n]])} of the posterior."
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
    right.fill_between(grid, np.e * grid, color=COLORS["muted"], alpha=0.6, lw=0)
    right.text(2.7, 0.35, "no transition", ha="right", fontsize=10)
    for power in range(1, 6):
        level = 10.0**power
        right.plot(grid, grid * level / np.log(level), color=COLORS["theory"], lw=1.2)
        right.text(8.2 * np.log(level) / level * 0.93, 8.2, style.power(level), color=COLORS["theory"], ha="right")
    right.set_title("lines of equal critical n")

    def small(x):
        return style.number(x, 2) if x >= 1e-3 else style.power(x)

    live = LiveFigure(
        fig,
        alt="Left: the line n ΔL and the curve Δλ log n on log–log axes; they meet twice, touch once or never. Right: "
        "the plane of ΔL and Δλ with lines of equal critical n and the region without a transition.",
        d_lambda=Slider("Δλ", d_lambda, start=4),
        d_loss=Slider("ΔL", d_loss, start=10 ** (-14 / 8), format=small),
    )

    def crossings(d_lambda, d_loss):
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

    def sentence(d_lambda, d_loss):
        r, (spurious, critical) = d_loss / d_lambda, crossings(d_lambda, d_loss)
        if np.isnan(critical):
            return (
                f"ΔL/Δλ = {r:.3f} exceeds 1/e = 0.368: the lines do not meet. To this order the accurate well wins at "
                "every n."
            )
        return (
            f"ΔL/Δλ = {small(r)}: to leading order the critical n is {style.number(round(critical))}. The lines meet "
            f"at n = {spurious:.2f} too, which is spurious."
        )

    return live.caption(sentence)


def live_shadow() -> LiveFigure:
    """The cubic mean model: slide the truth and n; λ(n) = dF/d log n sees the singularity until n ~ 1/w0⁶."""
    truths, ns = np.arange(0, 21) / 40, 10.0 ** (np.arange(0, 121) / 12)
    row = {x: i for i, x in enumerate(ns)}  # the slider has every third n
    near = np.r_[0, np.geomspace(1e-4, 0.2, 24)]  # dense where the posterior ends as a spike
    w, density, slope = {}, {}, {}
    for w0 in truths:

        def loss(w, w0=w0):
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
