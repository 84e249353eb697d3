"""The live figures of lesson 03."""

from collections.abc import Sequence

import numpy as np
import sympy as sp
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.volume_scaling.models import (
    DISC,
    LOSSES,
    PARABOLA,
    PLANE,
    SQUARE,
    distance,
    grid,
    root_of,
    tube_share,
    written,
    zeros,
)
from sltcourse.theory.numeric_input import ArrayFunction, array_function
from sltcourse.theory.volume import (
    fit,
    monte_carlo,
    normal_crossing,
    normal_crossing_log_volume,
    splitting,
)

COLORS = style.COLORS
_EXTENT = (-1, 1, -1, 1)
_SET = COLORS["singular"]
_POINTS = 201


def _share(V: float) -> str:
    return f"{V:.2g}" if V > 1e-3 else style.power(V)


def _plane(ax: Axes, title: str) -> None:
    ax.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂", aspect="equal")
    ax.set_title(title)
    ax.grid(False)


class _Own:
    """The learner's loss: √K of points, V at ``eps`` with its error, and what ``fit`` says of λ and m."""

    def __init__(self, K: ArrayFunction | sp.Expr, eps: np.ndarray) -> None:
        if isinstance(K, sp.Basic) and len(K.free_symbols) < 2:
            raise ValueError("the picture has two parameters: write K with both symbols, say w1**2 + w2**6")
        function = array_function(K, 2)
        counted = monte_carlo(function, SQUARE, eps, n=200_000)
        curve = splitting(function, SQUARE, eps=1e-30, particles=512)
        levels = -np.log(curve.eps)
        V = np.exp(np.interp(-np.log(eps), levels, curve.log_V))
        se = np.interp(-np.log(eps), levels, curve.se)
        many = counted.V > 0.05
        self.name, self.root, self.last = written(K), root_of(K), curve.eps[-1]
        self.V = np.where(many, counted.V, V)
        self.low, self.high = self.V * np.exp(-2 * np.where(many, 0, se)), self.V * np.exp(2 * np.where(many, 0, se))
        try:
            self.found = repr(fit(curve))
        except ValueError as error:
            self.found = f"λ is not fitted: {error}"


def live_powers() -> LiveFigure:
    """Guess, then slide the power: V(ε) of |w|^power on [−1, 1] beside that of w², down to ε = 10⁻¹²."""
    eps = np.array([1e-12, 1.0])
    fig, ax = style.figure(height=3.6)
    ax.set(xscale="log", yscale="log", xlim=(1e-12, 1), ylim=(1e-8, 1), xlabel="ε", ylabel="V(ε)")
    ax.set_xticks(10.0 ** np.arange(-12, 1, 2))
    ax.plot(eps, np.sqrt(eps), color=COLORS["regular"], clip_on=False)
    ax.text(1e-8, 4e-5, "w²", color=COLORS["regular"], va="top")
    live = LiveFigure(
        fig,
        alt="V(ε) of w² on log–log axes, from 1 at ε = 1 down to 10⁻⁶ at ε = 10⁻¹², and that of a higher power of w.",
        power=Slider("power", [4, 6, 8, 10, 12], start=4),
    )
    live.line(ax, lambda power: (eps, eps ** (1 / power)), name="curve", color=_SET)
    live.text(
        ax, lambda power: (1e-8, 1.6 * 1e-8 ** (1 / power), "w" + style.superscript(power)), name="name", color=_SET
    )
    live.points(ax, lambda power: (1e-12, 1e-12 ** (1 / power)), name="end", color=_SET, markersize=10, clip_on=False)
    live.with_guess(ax, "y", "How high does the curve of w⁴ stand at ε = 10⁻¹²?", hides=["curve", "name", "end"])

    def sentence(power: int) -> str:
        share = 1e-12 ** (1 / power)
        return (
            f"w{style.superscript(power)}: V(10⁻¹²) = {_share(share)}, {style.number(share * 1e6, 3)} times that of w²."
        )

    return live.caption(sentence)


def live_shrinking_set(K: ArrayFunction | sp.Expr | None = None) -> LiveFigure:
    """Slide ε: the set K ≤ ε shrinks, and the curves V(ε) grow downwards.

    ``K`` is a loss of your own on [−1, 1]²: a sympy expression of two symbols, or a function that maps points (N, 2)
    to (N,). Its V is measured by ``splitting`` (some seconds). Raises what ``splitting`` raises for a loss that is
    negative, that never comes down to 0, or that has another number of variables.
    """
    eps = 10.0 ** (-np.arange(81) / 10)[::-1]
    row = {e: i for i, e in enumerate(eps)}
    own = None if K is None else _Own(K, eps)
    volume = {name: loss.volume(eps) for name, loss in PLANE.items()}
    slope = {name: np.gradient(np.log(v), np.log(eps)) for name, v in volume.items()}
    roots = {name: loss.root for name, loss in PLANE.items()}
    if own:
        volume, roots = {own.name: own.V, **volume}, {own.name: own.root, **roots}
    fields = {name: root(grid(_POINTS)).reshape(_POINTS, _POINTS) for name, root in roots.items()}
    zero = {name: zeros(root).T for name, root in roots.items()}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    _plane(left, "the set K(w) ≤ ε  (black: K = 0)")
    right.set(xscale="log", yscale="log", xlim=(3e-12, 1.7), ylim=(3e-9, 1.7))
    right.set(xticks=10.0 ** np.arange(-8, 1, 2), xlabel="ε", ylabel="V(ε)")
    right.set_title("its share of the square")
    live = LiveFigure(
        fig,
        alt="Left: the part of the square where the loss is at most ε. Right: its share V(ε) on log–log axes, drawn "
        "from ε = 1 down to the chosen ε, for each loss of the menu.",
        loss=Menu("K", list(volume), start=own.name if own else DISC),
        eps=Slider("ε", eps, start=eps[50], format=style.power),
    )
    live.region(left, lambda loss: fields[loss], lambda eps: np.sqrt(eps), _EXTENT, _SET, name="set")
    live.points(left, lambda loss: zero[loss], name="zero", color=COLORS["truth"], markersize=1.8, markeredgewidth=0)

    def down_to(values: np.ndarray, now: float) -> np.ndarray:
        return np.where(eps >= now * (1 - 1e-9), values, np.nan)

    for name in PLANE:
        live.line(
            right, lambda eps, x=eps, v=volume[name]: (x, down_to(v, eps)), name=f"curve {name}",
            color=COLORS["muted"], lw=1.2,
        )  # fmt: skip
        live.text(
            right,
            lambda eps, t=name, y=volume[name][0]: (4e-9, y if eps < 1.1e-8 else np.nan, t),
            name=f"label {name}", ha="right", va="center", fontsize=9,
        )  # fmt: skip
    if own:
        live.band(right, lambda eps, x=eps: (x, down_to(own.low, eps), down_to(own.high, eps)), color=_SET, name="band")
    live.line(right, lambda loss, eps, x=eps: (x, down_to(volume[loss], eps)), name="curve", color=_SET)
    live.points(right, lambda loss, eps: (eps, volume[loss][row[eps]]), name="now", color=_SET, markersize=10)

    def sentence(loss: str, eps: float) -> str:
        start = f"K = {loss} ≤ ε = {style.power(eps)} on a share V = {_share(volume[loss][row[eps]])} of the square."
        if own and loss == own.name:
            return f"{start} Fitted down to ε = {style.power(own.last)}: {own.found}."
        limit = f"; λ = {PLANE[loss].lam}, m = {PLANE[loss].m}" if eps < 1.1e-8 else ""
        return f"{start} The slope of log V here is {slope[loss][row[eps]]:.3f}{limit}."

    return live.caption(sentence)


def live_exponents() -> LiveFigure:
    """Slide k₁, k₂ and ε: the set |w₁|^2k₁ |w₂|^2k₂ ≤ ε, its exact volume, λ and m."""
    w = grid(161)
    eps = 10.0 ** (-np.arange(61) / 5)[::-1]
    row = {e: i for i, e in enumerate(eps)}
    ks = np.arange(1, 5)
    volume = {(i, j): np.exp(normal_crossing_log_volume(eps, (i, j))) for i in ks.tolist() for j in ks.tolist()}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    _plane(left, "the set K(w) ≤ ε")
    right.set(xscale="log", yscale="log", xlim=(6e-13, 1.7), ylim=(1e-6, 1.7), xlabel="ε", ylabel="V(ε)")
    live = LiveFigure(
        fig,
        alt="Left: the cross-shaped set where w1^2k1 w2^2k2 is at most ε. Right: its exact volume and a power of ε.",
        k1=Slider("k₁", ks, start=1),
        k2=Slider("k₂", ks, start=2),
        eps=Slider("ε", eps, start=1e-4, format=style.power),
    )

    def power_law(k1: int, k2: int) -> tuple[np.ndarray, np.ndarray]:
        return eps, eps ** (1 / (2 * max(k1, k2)))

    live.region(
        left,
        lambda k1, k2: np.abs(w[:, 0] ** k1 * w[:, 1] ** k2).reshape(161, 161),
        lambda eps: np.sqrt(eps),
        _EXTENT,
        _SET,
        name="set",
    )
    live.line(right, power_law, name="power", color=COLORS["theory"], ls="--", label="the power $ε^λ$")
    live.line(right, lambda k1, k2: (eps, volume[k1, k2]), name="curve", color=_SET, label="V(ε), exact")
    live.points(right, lambda k1, k2, eps: (eps, volume[k1, k2][row[eps]]), name="now", color=_SET, markersize=10)
    right.legend(loc="lower right")

    def sentence(k1: int, k2: int, eps: float) -> str:
        lam, m = normal_crossing((int(k1), int(k2)))
        loss = f"w₁{style.superscript(2 * k1)} w₂{style.superscript(2 * k2)}"
        return (
            f"K = {loss}: λ = min(1/{2 * k1}, 1/{2 * k2}) = {lam}, m = {m}. "
            f"V({style.power(eps)}) = {_share(volume[k1, k2][row[eps]])}."
        )

    return live.caption(sentence)


def live_particles(
    run: tuple[ArrayLike, ArrayLike, ArrayLike],
    box: Sequence[tuple[float, float]] = SQUARE,
    exact: ArrayFunction | None = None,
) -> LiveFigure:
    """Slide through the levels of a run of ``split``: its particles, how large their coordinates are, and V so far.

    ``run`` is (levels, log_V, clouds) as ``split`` returns it; the first two coordinates are drawn. ``exact`` is a
    function ε -> V, drawn dotted, or left out. Raises ValueError for a run without levels or of one coordinate.
    """
    levels, log_V, clouds = (np.asarray(part, float) for part in run)
    if not len(levels) or clouds.ndim != 3 or clouds.shape[2] < 2:
        raise ValueError("live_particles needs a run of split with at least one level and two coordinates")
    decades, clouds = np.log10(levels), clouds[:, :500]
    row = {d: j for j, d in enumerate(decades)}
    size = np.maximum(np.abs(clouds), 1e-17)

    fig, (left, middle, right) = style.figure(1, 3, height=3.5)
    (a, b), (c, d) = box[:2]
    left.set(xlim=(a, b), ylim=(c, d), xticks=[a, 0, b], yticks=[c, 0, d], xlabel="w₁", ylabel="w₂")
    left.set_title("the particles")
    decade = 10.0 ** np.arange(-15, 1, 5)
    middle.set(xscale="log", yscale="log", xlim=(1e-17, 3), ylim=(1e-17, 3), xticks=decade, yticks=decade)
    middle.set(xlabel="|w₁|", ylabel="|w₂|")
    middle.set_title("how large they are")
    low = 10.0 ** (np.floor(log_V[-1] / np.log(10)) - 1)
    right.set(xscale="log", yscale="log", xlim=(levels[-1] / 30, 3), ylim=(low, 3), xlabel="ε", ylabel="V(ε)")
    right.set_title("their share of the prior")
    for ax in (left, middle, right):
        ax.set_box_aspect(1)
    if exact is not None:
        right.plot(levels, exact(levels), ":", color=COLORS["truth"], lw=1.5, label="exact")
        right.legend(loc="lower right")
    live = LiveFigure(
        fig,
        alt="Left: the particles in the plane at a level ε. Middle: how large their coordinates are, on log–log axes. "
        "Right: the measured V down to this level.",
        level=Slider("ε", decades, start=decades[len(decades) // 2], format=lambda d: style.power(10**d)),
    )
    dots = {"color": COLORS["estimate"], "markersize": 3, "markeredgewidth": 0, "alpha": 0.6}
    live.points(left, lambda level: clouds[row[level], :, :2].T, name="cloud", **dots)
    live.points(middle, lambda level: size[row[level], :, :2].T, name="sizes", **dots)
    live.line(
        right, lambda level: (levels[: row[level] + 1], np.exp(log_V[: row[level] + 1])), name="V",
        color=COLORS["estimate"],
    )  # fmt: skip
    live.points(
        right, lambda level: (levels[row[level]], np.exp(log_V[row[level]])), name="now", color=COLORS["estimate"],
        markersize=10,
    )  # fmt: skip

    def sentence(level: float) -> str:
        j = row[level]
        told = f"Level {j + 1} of {len(levels)}: ε = {style.power(levels[j])}, V = {style.power(np.exp(log_V[j]))}"
        return told + (f"; exact {style.power(exact(levels[j]))}." if exact is not None else ".")

    return live.caption(sentence)


def live_tube() -> LiveFigure:
    """Slide r: the tube of all points within r of {K = 0}, inside the set K ≤ C r², and both their shares."""
    r = 10.0 ** (-np.arange(41) / 16 - 0.4375)[::-1]
    row = {x: i for i, x in enumerate(r)}
    tube = {name: tube_share(name, r) for name in LOSSES}
    volume = {name: loss.volume(np.minimum(loss.steep * r**2, 1)) for name, loss in LOSSES.items()}
    w = grid(_POINTS)
    square = (_POINTS, _POINTS)
    fields = {name: (loss.root(w) / np.sqrt(loss.steep)).reshape(square) for name, loss in LOSSES.items()}
    distances = {name: distance(name, w).reshape(square) for name in LOSSES}
    zero = {name: zeros(loss.root).T for name, loss in LOSSES.items()}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    _plane(left, "the tube inside the set K ≤ C r²")
    right.set(xscale="log", yscale="log", xlim=(7e-4, 0.6), ylim=(3e-7, 3), xlabel="r", ylabel="share of the square")
    right.set_title("their shares")
    live = LiveFigure(
        fig,
        alt="Left: all points within distance r of the zeros of K, and around them the set where K is at most C r². "
        "Right: both shares of the square over r on log–log axes.",
        loss=Menu("K", list(LOSSES), start=PARABOLA),
        r=Slider("r", r, start=r[32], format=lambda x: f"{x:.2g}"),
    )
    slate = COLORS["loss"]
    live.region(left, lambda loss: fields[loss], lambda r: r, _EXTENT, _SET, name="set", alpha=0.6)
    live.region(left, lambda loss: distances[loss], lambda r: r, _EXTENT, slate, name="tube", alpha=0.75)
    live.points(left, lambda loss: zero[loss], name="zero", color="white", markersize=1.8, markeredgewidth=0)
    live.line(right, lambda loss: (r, volume[loss]), name="V", color=_SET, label="{K ≤ C r²}")
    live.line(right, lambda loss: (r, tube[loss]), name="tube's share", color=slate, label="the tube")
    live.points(right, lambda loss, r: (r, volume[loss][row[r]]), name="V now", color=_SET, markersize=9)
    live.points(right, lambda loss, r: (r, tube[loss][row[r]]), name="tube now", color=slate, markersize=9)
    right.legend(loc="lower right")

    def steep(values: np.ndarray, r: float) -> float:
        i = min(max(row[r], 1), len(values) - 2)
        return float(np.log(values[i + 1] / values[i - 1]) / np.log(_radii[i + 1] / _radii[i - 1]))

    _radii = r

    def sentence(loss: str, r: float) -> str:
        return (
            f"K = {loss}, C = {LOSSES[loss].steep:g}, r = {r:.2g}: the tube has a share {_share(tube[loss][row[r]])} "
            f"and the slope {steep(tube[loss], r):.2f}, the set {_share(volume[loss][row[r]])} and the slope "
            f"{steep(volume[loss], r):.2f}."
        )

    return live.caption(sentence)
