"""The central figure of lesson 01: a model with two weights as two planes, its weights and its functions.

A regression model y = f(x, w) + N(0,1) is observed at x = 1 and x = 2, each with chance ½. Its function is then a
point, F(w) = (f(1, w), f(2, w)), and K between two weights is a quarter of the squared distance of their points.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import contourpy
import numpy as np
import sympy as sp
from scipy.spatial import cKDTree

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.fisher_information.models import axes_of, network, short

COLORS = style.COLORS
AT = np.array([1.0, 2.0])  # the inputs
REACH = 2.6  # the window of weights is [−REACH, REACH]²
STEP = 0.5  # the length of the step that is drawn
SEEDS = 6  # data sets
SIDE = np.round(np.arange(-1.2, 1.21, 0.1), 1)  # where the sliders go

Mean = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def mean_function(f: sp.Expr | Mean) -> Mean:
    """f(a, b, x) as a function of arrays, from a sympy expression in symbols named a, b and x, or as it is.

    Raises TypeError for something else, and ValueError for other symbols and for values that are not finite numbers
    in the window.
    """
    if isinstance(f, sp.Expr):
        names = {s.name: s for s in f.free_symbols}
        if strangers := sorted(set(names) - {"a", "b", "x"}):
            raise ValueError(f"f is to be written with a, b and x; it has {', '.join(strangers)} as well")
        symbols = [names.get(name, sp.Symbol(name)) for name in "abx"]
        inner: Any = sp.lambdify(symbols, f, "numpy")
    elif callable(f):
        inner = f
    else:
        raise TypeError("f is a sympy expression in a, b and x, or a function of (a, b, x)")

    def function(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.asarray(inner(a, b, x) + 0 * (a + b + x), float)

    grid = np.linspace(-REACH, REACH, 27)
    with np.errstate(all="ignore"):
        try:
            values = function(grid[:, None, None], grid[None, :, None], AT)
        except TypeError:
            values = np.array([np.nan])
    if not np.isfinite(values).all():
        raise ValueError(
            f"f is to be a finite real number for all a and b from −{REACH} to {REACH}, at x = 1 and x = 2"
        )
    return function


class Planes:
    """A model of two weights at the inputs 1 and 2: F(w), its Fisher matrix, and which weights make nearly the same.

    ``values(a, b)`` is F, shape (…, 2); ``information(a, b)`` the Fisher matrix (…, 2, 2), by differences.
    """

    def __init__(self, f: sp.Expr | Mean) -> None:
        self.mean = mean_function(f)
        self.grid = np.linspace(-REACH, REACH, 105)
        a, b = np.meshgrid(self.grid, self.grid)
        self.over = self.values(a, b)  # rows are b, columns a
        fine = np.linspace(-REACH, REACH, 521)
        fine_pairs = np.stack(np.meshgrid(fine, fine), axis=-1).reshape(-1, 2)
        along = np.linspace(-REACH, REACH, 5201)  # the edges more finely: often the best weights lie there
        edges = [np.stack([along, np.full_like(along, end)], axis=-1) for end in (-REACH, REACH)]
        self.weights = np.concatenate([fine_pairs, *edges, *(edge[:, ::-1] for edge in edges)])
        self.tree = cKDTree(self.values(*self.weights.T))

    def values(self, a: Any, b: Any) -> np.ndarray:
        a, b = np.asarray(a, float)[..., None], np.asarray(b, float)[..., None]
        return self.mean(a, b, AT)

    def information(self, a: Any, b: Any) -> np.ndarray:
        a, b, h = np.asarray(a, float), np.asarray(b, float), 1e-3

        def slope(at: Callable[[float], np.ndarray]) -> np.ndarray:  # by four values, right up to h⁴
            return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

        slopes = np.stack([slope(lambda s: self.values(a + s, b)), slope(lambda s: self.values(a, b + s))])
        return np.einsum("i...x,j...x->...ij", slopes, slopes) / 2

    def almost_as_good(self, a: float, b: float, n: float) -> np.ndarray:
        """The outline of {w′ in the window: nK(w, w′) ≤ 1}, (2, M); NaN between its parts."""
        root = np.sqrt(n * np.sum((self.over - self.values(a, b)) ** 2, axis=-1) / 4)
        rings = contourpy.contour_generator(self.grid, self.grid, root, fill_type="OuterOffset").filled(-1.0, 1.0)
        parts = [points[start:end] for points, offsets in zip(*rings, strict=True)
                 for start, end in pairwise(offsets)]  # fmt: skip
        gap = np.full((1, 2), np.nan)
        return np.concatenate([piece for part in parts for piece in (part, gap)][:-1]).T

    def nearest(self, y: np.ndarray, to: np.ndarray) -> np.ndarray:
        """The weights in the window whose function is nearest to the pairs y (…, 2): shape (…, 2).

        Of two weights with one function, those nearer to the weights ``to``, of a shape that broadcasts with y.
        """
        distance, found = self.tree.query(y, k=2)
        first, second = self.weights[found[..., 0]], self.weights[found[..., 1]]
        away = np.linalg.norm(first - to, axis=-1), np.linalg.norm(second - to, axis=-1)
        twins = (distance[..., 1] - distance[..., 0] < 1e-12) & (away[1] < away[0])
        return np.where(twins[..., None], second, first)


def data_means(n: int) -> np.ndarray:
    """How far the two means fall from the truth in each of SEEDS data sets, n/2 data an input: shape (SEEDS, 2)."""
    return np.random.default_rng(15).normal(size=(SEEDS, 2)) * np.sqrt(2 / n)


def _signed(x: float) -> str:
    return style.number(round(float(x), 2) + 0.0)


def live_planes(f: sp.Expr | Mean | None = None, data: bool = False, n: int = 20) -> LiveFigure:
    """Push w = (a, b): the plane of weights, and the plane of functions (f(1), f(2)) of y = f(x, w) + N(0, 1).

    ``f`` is a sympy expression in a, b and x (or a function of arrays), the network a·tanh(bx) if left out. Shaded is
    what n data hardly tell from w, nK ≤ 1: on the right a disc, on the left all weights that lead into it. The dashed
    line is what the Fisher matrix says of it. With ``data`` there are data sets of size n whose truth is w, and the
    weights in the window that fit them best. Raises what ``mean_function`` raises.
    """
    model = Planes(network if f is None else f)
    row = {float(s): k for k, s in enumerate(SIDE)}
    sizes, directions = axes_of(model.information(SIDE[:, None], SIDE[None, :]))
    places = model.values(SIDE[:, None], SIDE[None, :])
    turn = np.linspace(0, 2 * np.pi, 61)
    circle, radius = np.stack([np.cos(turn), np.sin(turn)]), 2 / np.sqrt(n)

    fig, (plane, image) = style.figure(1, 2, height=5.1)
    plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), box_aspect=1, xlabel="a", ylabel="b", title="Weights (a, b)")
    low, high = places.min(axis=(0, 1)), places.max(axis=(0, 1))
    half = max(float((high - low).max()) / 2, 0.3) + 1.5 * radius
    middle = (low + high) / 2
    image.set(xlim=middle[0] + np.array([-half, half]), ylim=middle[1] + np.array([-half, half]), box_aspect=1)
    image.set(xlabel="f(1)", ylabel="f(2)", title="Their functions (f(1), f(2))")
    lines = np.linspace(-REACH, REACH, 14)
    for level in lines:
        shade = style.plt.get_cmap("cividis")(0.75 * abs(level) / REACH)
        plane.plot([-REACH, REACH], [level, level], color=shade, lw=0.9, alpha=0.6)
        image.plot(*model.values(model.grid, level + 0 * model.grid).T, color=shade, lw=0.9, alpha=0.6)
        image.plot(*model.values(level + 0 * model.grid, model.grid).T, color=COLORS["muted"], lw=0.7, zorder=1)

    controls = {"a": Slider("a", SIDE, start=1.0), "b": Slider("b", SIDE, start=0.8)}
    if data:
        controls["seed"] = Slider("data set", np.arange(1, SEEDS + 1), start=1)
    live = LiveFigure(
        fig,
        alt=f"Left the plane of the weights a and b, right the plane of the values f(1) and f(2). Shaded around a "
        f"point is what {n} data hardly tell from it: a disc on the right, on the left all weights that lead into it.",
        **controls,
    )

    def at(a: float, b: float) -> tuple[int, int]:
        return row[float(a)], row[float(b)]

    def ellipse(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        lengths = np.minimum(np.sqrt(2 / n / np.maximum(sizes[at(a, b)], 1e-12)), 8 * REACH)
        weak, strong = directions[at(a, b)]
        outline = lengths[0] * circle[0] * weak[:, None] + lengths[1] * circle[1] * strong[:, None]
        return a + outline[0], b + outline[1]

    def step(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        path = np.linspace(0, STEP, 9)[:, None] * directions[at(a, b)][0]
        return a + path[:, 0], b + path[:, 1]

    def disc(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        x, y = places[at(a, b)]
        return x + radius * circle[0], y + radius * circle[1]

    orange, grey = COLORS["singular"], {"color": COLORS["reference"], "alpha": 0.35}
    live.fill(plane, lambda a, b: model.almost_as_good(a, b, n), name="set", label="nK ≤ 1", **grey)
    live.fill(image, disc, name="disc", label="nK ≤ 1", **grey)
    live.line(plane, ellipse, name="ellipse", color=COLORS["theory"], ls="--", lw=1.8, label="by I: n vᵀIv/2 = 1")
    live.line(plane, step, name="step", color=orange, lw=3.5, label=f"a step of {STEP}, weak axis")
    live.line(image, lambda a, b: tuple(model.values(*step(a, b)).T), name="moved", color=orange, lw=3.5)
    live.points(plane, lambda a, b: (a, b), name="w", color=COLORS["truth"], markersize=9)
    live.points(image, lambda a, b: tuple(places[at(a, b)]), name="f", color=COLORS["truth"], markersize=9)
    if data:
        _add_data(live, (plane, image), model, places, at, n)
    else:
        live.caption(
            lambda a, b: (
                f"w = ({_signed(a)}, {_signed(b)}): eigenvalues of I {short(sizes[at(a, b)][0])} and "
                f"{short(sizes[at(a, b)][1])}. The step moves (f(1), f(2)) by "
                f"{short(float(np.linalg.norm(np.diff(model.values(*(c[[0, -1]] for c in step(a, b))), axis=0))))}."
            )
        )
    for ax in (plane, image):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, fontsize=9, handlelength=1.5)
    return live


def _add_data(
    live: LiveFigure, axes: tuple[Any, Any], model: Planes, places: np.ndarray, at: Callable[..., Any], n: int
) -> None:
    """Add to the figure its data sets, the nearest function of the model, and the weights that make it."""
    plane, image = axes
    means = places[:, :, None] + data_means(n)
    truths = np.stack(np.meshgrid(SIDE, SIDE, indexing="ij"), axis=-1)[:, :, None]
    best = model.nearest(means, truths)
    fitted = model.values(best[..., 0], best[..., 1])

    def of(table: np.ndarray, a: float, b: float, seed: int) -> np.ndarray:
        found: np.ndarray = table[at(a, b)][int(seed) - 1]
        return found

    def between(a: float, b: float, seed: int) -> tuple[list[float], list[float]]:
        one, other = of(means, a, b, seed), of(fitted, a, b, seed)
        return [one[0], other[0]], [one[1], other[1]]

    blue, yellow = COLORS["estimate"], COLORS["posterior"]
    live.line(image, between, name="miss", color=blue, lw=1.5)
    live.points(image, lambda a, b, seed: tuple(of(means, a, b, seed)), name="data", color=yellow, markersize=9,
                label="the data’s means")  # fmt: skip
    live.points(image, lambda a, b, seed: tuple(of(fitted, a, b, seed)), name="nearest", color=blue, markersize=8,
                label="nearest function")  # fmt: skip
    live.points(plane, lambda a, b, seed: tuple(of(best, a, b, seed)), name="best", color=blue, markersize=8,
                label="its weights", clip_on=False)  # fmt: skip

    def sentence(a: float, b: float, seed: int) -> str:
        y, w, f = (of(table, a, b, seed) for table in (means, best, fitted))
        K = np.sum((f - places[at(a, b)]) ** 2) / 4
        return (
            f"Truth w = ({_signed(a)}, {_signed(b)}), means of {n} data ({_signed(y[0])}, {_signed(y[1])}). In this "
            f"window the weights ({_signed(w[0])}, {_signed(w[1])}) fit best, at a distance of "
            f"{short(float(np.linalg.norm(y - f)))}. From the truth to them, nK = {short(float(n * K))}."
        )

    live.caption(sentence)
