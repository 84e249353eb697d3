"""The live figures of lesson 06 in which a posterior jumps: over n, and over what its two wells are like."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import expit

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.free_energy.models import CURVE
from sltcourse.lessons.free_energy.wells import Shape, Well, joined, shapes, two_wells

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


def percent(share: float) -> str:
    """A share of 1 in words of a caption: 12 %, < 1 %, > 99 %."""
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
    bottom.set(ylim=(1.6 * strip[0], high), xlabel="w", ylabel="loss  K(w)")
    bottom.locator_params(axis="y", nbins=3)
    bottom.set_xticks([-1, -0.5, 0, 0.5, 1])
    bottom.axhline(0, color=COLORS["muted"], lw=1)
    bottom.plot(w, loss, color=COLORS["loss"])
    bottom.text(wells.box[0] + 0.02, 1.55 * strip[0], "80 draws", fontsize=9, va="bottom")
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
            top, lambda n, at=at, name=name: (at, 11, percent(share[name][row[n]])), name=f"{name} share", color=ink,
            fontsize=15, ha="center",
        )  # fmt: skip
        live.points(bottom, lambda n, name=name: draws(name, n), name=f"{name} draws", color=ink, alpha=0.6,
                    markersize=4, markeredgewidth=0)  # fmt: skip
        live.points(right, lambda n, name=name: (n, F[name][row[n]]), name=f"F {name}", color=ink, markersize=9)
    live.line(right, lambda: (steps, total), name="both together", color=COLORS["posterior"], lw=1.5, ls="--",
              label="both together")  # fmt: skip
    right.legend(loc="lower right")
    if own is None:
        live.with_guess(
            right, "x", "From which n on does the accurate well hold the larger share?", hides=_BARE, low=1, high=1e4
        )
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: F is {F['simple'][row[n]]:.2f} in the simple well and "
            f"{F['accurate'][row[n]]:.2f} in the accurate one, so the accurate well holds "
            f"{percent(share['accurate'][row[n]])} of the posterior."
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
                    F = wells.free_energies(n, checked=False)
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

    fine = np.geomspace(n[0], n[-1], 121)

    def share(gap: float, s: float, a: float) -> tuple[np.ndarray, np.ndarray]:
        _, simple_F, accurate_F, _ = found[gap, s, a]
        if np.isnan(simple_F).any():
            return fine, np.full(len(fine), np.nan)
        lead = CubicSpline(np.log(n), simple_F - accurate_F)(np.log(fine))
        return fine, expit(lead)

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
