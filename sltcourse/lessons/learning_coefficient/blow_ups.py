"""The live blow-ups of lesson 04: a point that opens into a circle of directions, and the charts that show it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider

_C = style.COLORS
CURVE, FIRST, SECOND, THIRD = _C["singular"], _C["estimate"], _C["posterior"], _C["regular"]
_NAMES = {FIRST: "blue", SECOND: "purple", THIRD: "green", CURVE: "curve"}  # in the order of drawing
Path = tuple[np.ndarray, np.ndarray]

_t = np.geomspace(1e-4, 4, 120)
_GAP = np.array([np.nan])


def _both(x: Callable[[np.ndarray], np.ndarray], y: Callable[[np.ndarray], np.ndarray], joined: bool = False) -> Path:
    """The curve (x(t), y(t)) for t < 0 and for t > 0, apart unless it goes through a point of the new divisor."""
    gap = _GAP[:0] if joined else _GAP
    t = np.r_[-_t[::-1], gap, _t]
    return x(t), y(t)


def _nowhere() -> Path:
    return _GAP, _GAP


_ACROSS, _UP = _both(lambda t: t, lambda t: 0 * t), _both(lambda t: 0 * t, lambda t: t)
_DIAGONAL = _both(lambda t: t, lambda t: t)
_CUSP, _PARABOLA = _both(lambda t: t**3, lambda t: t**2, joined=True), _both(lambda t: t, lambda t: t**2)


class View(NamedTuple):
    """One chart of one blow-up of the cusp (w₁² − w₂³)².

    ``before``: the curves around the point, by colour, in the axes ``old``; ``new`` the colour of what replaces the
    point. ``after``: the curves in the chart, in the axes ``axes``; ``ratios``: their fractions, by colour, with the
    place of the text; ``direction``: the position of the line of an angle in the chart, and whether it is upright.
    """

    old: tuple[str, str]
    before: dict[str, Path]
    new: str
    axes: tuple[str, str]
    after: dict[str, Path]
    ratios: dict[str, tuple[float, float, str]]
    direction: Callable[[float], float]
    upright: bool
    says: str


def _cot(angle: float) -> float:
    return float(np.cos(angle) / np.sin(angle)) if np.sin(angle) > 1e-9 else np.nan


def _tan(angle: float) -> float:
    return float(np.tan(angle)) if abs(np.cos(angle)) > 1e-9 else np.nan


VIEWS = {
    "1: w₁ = u v, w₂ = u": View(
        ("w₁", "w₂"), {CURVE: _CUSP}, FIRST, ("v", "u"), {CURVE: _PARABOLA, FIRST: _ACROSS},
        {FIRST: (-1.2, 0.08, "2/4"), CURVE: (-0.68, 0.9, "1/2")}, _cot, True,
        "K = u⁴ (u − v²)², Jacobian u. The curve touches the divisor u = 0",
    ),
    "1, other chart: w₁ = u, w₂ = u v": View(
        ("w₁", "w₂"), {CURVE: _CUSP}, FIRST, ("v", "u"), {CURVE: _both(lambda t: t, lambda t: t**-3.0), FIRST: _ACROSS},
        {FIRST: (-1.2, 0.08, "2/4"), CURVE: (0.58, 0.9, "1/2")}, _tan, True,
        "K = u⁴ (1 − u v³)², Jacobian u. The curve does not meet u = 0: normal crossings",
    ),
    "2: u → u v": View(
        ("v", "u"), {CURVE: _PARABOLA, FIRST: _ACROSS}, SECOND, ("v", "u"),
        {CURVE: _DIAGONAL, FIRST: _ACROSS, SECOND: _UP},
        {FIRST: (-1.2, 0.08, "2/4"), SECOND: (0.06, -1.15, "3/6"), CURVE: (0.6, 0.95, "1/2")}, _tan, False,
        "K = u⁴ v⁶ (u − v)², Jacobian u v². Three lines meet in one point",
    ),
    "2, other chart: v → u v": View(
        ("v", "u"), {CURVE: _PARABOLA, FIRST: _ACROSS}, SECOND, ("v", "u"),
        {CURVE: _both(lambda t: t, lambda t: t**-2.0), SECOND: _ACROSS},
        {SECOND: (-1.2, 0.08, "3/6"), CURVE: (1.05, 1.1, "1/2")}, _cot, True,
        "K = u⁶ (1 − u v²)², Jacobian u². The curve does not meet u = 0: normal crossings",
    ),
    "3: v → u s": View(
        ("v", "u"), {CURVE: _DIAGONAL, FIRST: _ACROSS, SECOND: _UP}, THIRD, ("s", "u"),
        {CURVE: _both(lambda t: 1 + 0 * t, lambda t: t), SECOND: _UP, THIRD: _ACROSS},
        {THIRD: (-1.2, 0.08, "5/12"), SECOND: (0.06, -1.15, "3/6"), CURVE: (1.05, 1.1, "1/2")}, _cot, True,
        "K = u¹² s⁶ (s − 1)², Jacobian u⁴ s². Everywhere at most two curves meet, and they cross: normal crossings",
    ),
    "3, other chart: u → v s": View(
        ("v", "u"), {CURVE: _DIAGONAL, FIRST: _ACROSS, SECOND: _UP}, THIRD, ("s", "v"),
        {CURVE: _both(lambda t: 1 + 0 * t, lambda t: t), FIRST: _UP, THIRD: _ACROSS},
        {THIRD: (-1.2, 0.08, "5/12"), FIRST: (0.06, -1.15, "2/4"), CURVE: (1.05, 1.1, "1/2")}, _tan, True,
        "K = v¹² s⁴ (s − 1)², Jacobian v⁴ s. Here the blue divisor is seen, and normal crossings",
    ),
}  # fmt: skip


def opened(path: Path, radius: float) -> Path:
    """A curve (x, y), arrays, after the origin was opened to a circle: each point is moved outwards by ``radius``."""
    x, y = path
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = 1 + radius / np.hypot(x, y)
    return x * factor, y * factor


def live_blow_up() -> LiveFigure:
    """Open a point into its circle of directions, and see in a chart what it has become: the cusp's three blow-ups.

    Left the plane before a blow-up, its centre opened; right a chart of it, each divisor in its colour with its
    fraction (h + 1)/2k. A dashed line of one direction is drawn in both.
    """
    radii, angles = np.arange(21) / 33, np.arange(0, 181, 5)
    turn = np.linspace(0, 2 * np.pi, 181)
    fig, (left, right) = style.figure(1, 2, height=4.6)
    for ax in (left, right):
        ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), xticks=[-1, 0, 1], yticks=[-1, 0, 1], aspect="equal")
        ax.grid(False)
    left.set_title("before: the point, opened")
    right.set_title("a chart of what it has become")
    live = LiveFigure(
        fig,
        alt="Left: the cusp, or what the earlier blow-ups made of it, with its singular point opened into a circle. "
        "Right: a chart of the blow-up, with the curve and the divisors, each in its colour with its fraction.",
        step=Menu("blow-up", list(VIEWS)),
        open=Slider("open", radii, start=0, format=lambda r: f"{r:.2f}"),
        angle=Slider("direction", angles, start=60, format=lambda a: f"{a:g}°"),
    )

    def line(angle: float) -> Path:
        a = np.deg2rad(angle)
        return _both(lambda t: t * np.cos(a), lambda t: t * np.sin(a))

    def crossing(step: str, angle: float) -> Path:
        at, ends = VIEWS[step].direction(np.deg2rad(angle)), np.array([-2.0, 2.0])
        here = np.full(2, at if abs(at) < 1.4 else np.nan)
        return (here, ends) if VIEWS[step].upright else (ends, here)

    dashed = {"color": _C["reference"], "ls": "--", "lw": 1.2}
    live.line(left, lambda open, angle: opened(line(angle), open), name="line", **dashed)
    live.line(right, crossing, name="line in the chart", **dashed)

    def circle(color: str) -> Callable[[str, float], Path]:
        def around(step: str, open: float) -> Path:
            there = open if VIEWS[step].new == color and open else np.nan
            return there * np.cos(turn), there * np.sin(turn)

        return around

    def inside(color: str) -> Callable[[str, float], tuple[float, float, str]]:
        def ratio(step: str, open: float) -> tuple[float, float, str]:
            if VIEWS[step].new != color or open < 0.3:
                return np.nan, np.nan, ""
            return 0, -0.04, VIEWS[step].ratios[color][2]

        return ratio

    def before(color: str) -> Callable[[str, float], Path]:
        return lambda step, open: opened(VIEWS[step].before.get(color, _nowhere()), open)

    def after(color: str) -> Callable[[str], Path]:
        return lambda step: VIEWS[step].after.get(color, _nowhere())

    def ratio_after(color: str) -> Callable[[str], tuple[float, float, str]]:
        return lambda step: VIEWS[step].ratios.get(color, (np.nan, np.nan, ""))

    for color, name in _NAMES.items():
        wide = {"color": color, "lw": 2.2 if color == CURVE else 3}
        bold = {"color": color, "fontsize": 12, "weight": "bold"}
        live.line(left, before(color), name=f"{name} before", **wide)
        live.line(left, circle(color), name=f"{name} circle", **wide)
        live.text(left, inside(color), name=f"{name} inside", ha="center", **bold)
        live.line(right, after(color), name=f"{name} after", **wide)
        live.text(right, ratio_after(color), name=f"{name} ratio", **bold)
    looks = {"fontsize": 11, "color": _C["truth"]}
    for ax, axes in ((left, "old"), (right, "axes")):
        live.text(ax, lambda step, a=axes: (1.22, -0.14, getattr(VIEWS[step], a)[0]), name=f"{axes} across", **looks)
        live.text(ax, lambda step, a=axes: (-0.17, 1.2, getattr(VIEWS[step], a)[1]), name=f"{axes} up", **looks)

    return live.caption(lambda step: f"{VIEWS[step].says}.")
