"""The live figures of lesson 08 that show columns; those of scales and transitions are in ``transitions``."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.superposition.drawings import arrows, blank_plane, outline
from sltcourse.lessons.superposition.models import loss_parts, opening
from sltcourse.lessons.superposition.transitions import live_scale, live_training, live_transition
from sltcourse.theory.superposition_model import (
    FEATURES,
    best_polygon,
    corners,
    pack,
    polygon,
    population_loss,
    unpack,
)

__all__ = ["live_opening", "live_polygon", "live_run", "live_scale", "live_training", "live_transition"]

COLORS = style.COLORS
MOST_FEATURES, MOST_CORNERS = 24, 9  # beyond nine corners a regular polygon is no minimum
MOST_OWN = 12  # columns of a learner's own W
PARTS, PART_COLORS = ("given up", "wanted,\nbut wrong", "leaked"), ("reference", "estimate", "singular")


# ---- columns in training ----------------------------------------------------------------------------------------


def live_opening() -> LiveFigure:
    """Six networks of six features while they train, from near zero, and their losses."""
    return live_run(*opening())


def live_run(steps: Any, path: Any) -> LiveFigure:
    """Slide the training step: the columns of W of one network, and the losses of all.

    ``steps`` (S,) are step numbers, ``path`` (S, networks, 3c) the states after them, as ``train`` returns them. The
    figure shows at most twelve networks and about seventy moments. Raises ValueError for other shapes.
    """
    steps, path = np.asarray(steps), np.asarray(path, float)
    if path.ndim != 3 or len(steps) != len(path) or path.shape[2] % 3:
        raise ValueError(
            f"path has the shape {path.shape} and there are {len(steps)} steps: give the states after these steps, "
            "(steps, networks, 3c), as train returns them"
        )
    if len(steps) < 2 or not np.isfinite(path).all():
        raise ValueError(
            "the run has a single moment, or a state that is not finite: keep more steps, or lower the rate"
        )
    kept = np.unique(np.linspace(0, len(steps) - 1, 70).round().astype(int))
    steps, path = steps[kept], path[kept, :12]
    loss, row = population_loss(path)[0], {v: i for i, v in enumerate(steps)}
    size = max(1.3, 1.15 * float(np.hypot(*np.moveaxis(unpack(path)[0], -2, 0)).max()))
    time = np.maximum(steps, 1)

    fig, (plane, right) = style.figure(1, 2, height=3.6, width_ratios=[0.8, 1])
    blank_plane(plane, size)
    plane.set_title("columns of W")
    right.set(xscale="log", xlim=(time[0], time[-1]), ylim=(0, 1.1 * loss.max()), xlabel="training step")
    right.set_title("loss L")
    right.plot(time, loss, color=COLORS["muted"], lw=1)
    live = LiveFigure(
        fig,
        alt="Left: the columns of W as arrows, at a step of training. Right: the losses of all networks against the "
        "step, that of the shown network darker.",
        network=Menu("network", {str(i + 1): i for i in range(path.shape[1])}, start="1"),
        step=Slider("training step", steps, start=steps[0], format=lambda v: style.number(round(v))),
    )
    _columns(live, plane, lambda network, step: path[row[step], network], ("network", "step"))
    long = corners(path)[0]
    live.text(plane, lambda network, step: (-0.95 * size, 0.85 * size, f"{long[row[step], network]}"),
              name="long columns", fontsize=17)  # fmt: skip
    live.line(right, lambda network: (time, loss[:, network]), name="loss", color=COLORS["loss"])
    live.points(
        right, lambda network, step: (max(step, 1), loss[row[step], network]), name="now", color=COLORS["loss"],
        markersize=9,
    )  # fmt: skip

    def caption(network: int, step: int) -> str:
        many, value = long[row[step], network], loss[row[step], network]
        said = f"{many} column{'' if many == 1 else 's'} longer than ½"
        return f"Network {network + 1}, step {style.number(int(step))}: {said}, loss {value:.4f}."

    return live.caption(caption)


def _columns(live: LiveFigure, ax: Axes, state: Any, by: tuple[str, ...]) -> None:
    """The columns of W as arrows with tips, and the polygon through the long ones; ``state`` follows ``by``."""

    def following(function: Any) -> Any:
        if by == ("network", "step"):
            return lambda network, step: function(state(network, step))
        if by == ("k", "length"):
            return lambda k, length: function(state(k, length))
        return lambda scale: function(state(scale))

    blue = COLORS["estimate"]
    live.line(ax, following(outline), name="outline", color=COLORS["muted"])
    live.line(ax, following(arrows), name="columns", color=blue)
    live.points(ax, following(lambda w: tuple(unpack(w)[0])), name="tips", color=blue, markersize=7)


# ---- polygons -----------------------------------------------------------------------------------------------------


def live_polygon(c: int = FEATURES, W: Any = None, b: Any = None) -> LiveFigure:
    """Slide the length and the bias of a k-gon among c features: the columns, the outputs, the parts of the loss.

    ``c`` is a whole number from 3 to 24; the menu has 3 to min(c, 9) corners, for beyond nine a regular polygon is no
    minimum. Or give columns of your own, ``W`` (2, c) and ``b`` (c,), zeros if left out, of at most 12 features: then
    the sliders choose the feature that is on, stretch W and shift b. Raises ValueError for what cannot be shown.
    """
    if W is not None or b is not None:
        return _own_columns(W, b)
    if isinstance(c, bool) or not isinstance(c, (int, np.integer)) or not 3 <= c <= MOST_FEATURES:
        raise ValueError(f"c is {c!r}: give the number of features, a whole number from 3 to {MOST_FEATURES}")
    choices = list(range(3, min(c, MOST_CORNERS) + 1))
    lengths, biases = np.round(np.arange(0.7, 1.751, 0.05), 2), np.round(np.arange(-1.6, 0.31, 0.1), 1)
    kinds = {"dead": 0, "guess: ⁺": 1}
    at = {v: i for i, v in enumerate(lengths)}, {v: i for i, v in enumerate(biases)}

    def states(k: int, kind: int) -> np.ndarray:
        return np.array([[polygon(k, x, y, plus=kind * (c - k), c=c) for y in biases] for x in lengths])

    every = {(k, kind): states(k, kind) for k in choices for kind in (0, 1)}
    parts = {key: loss_parts(w) for key, w in every.items()}
    total = {key: population_loss(w)[0] for key, w in every.items()}
    best = {
        (k, kind): population_loss(polygon(k, *best_polygon(k), plus=kind * (c - k), c=c))[0]
        for k in choices
        for kind in (0, 1)
    }
    widest = max(0.3, 1.05 * max((c - 3) / (3 * c), 0.0))
    fig, plane, outputs, bars = _frame(1.8, widest)
    live = LiveFigure(
        fig,
        alt="Left: the columns of W as arrows to the corners of a regular polygon. Middle: the outputs against the "
        "input, when feature 1 is on. Right: three bars, the parts of the loss: features given up, wanted outputs that "
        "are wrong, and what leaks into the others.",
        k=Menu("corners", {str(k): k for k in choices}, start=str(min(5, choices[-1]))),
        kind=Menu("other features", kinds, start="dead"),
        length=Slider("length l", lengths, start=1.0),
        bias=Slider("bias b", biases, start=0.0),
    )
    _columns(live, plane, lambda k, length: polygon(k, length, 0, c=c), ("k", "length"))

    def heard(k: int, length: float, bias: float, kind: int) -> tuple[np.ndarray, np.ndarray, int]:
        angles = np.arange(1, k // 2 + 1)
        g = np.r_[length**2 * np.cos(2 * np.pi * angles / k), 0.0]
        shift = np.r_[np.full(len(angles), bias), 1 / (2 * c) if kind and k < c else -1.0]
        all_g = length**2 * np.cos(2 * np.pi * np.arange(1, k) / k)
        silent = int((np.maximum(all_g, 0) + bias <= 1e-9).sum())
        return *_ramps(g, shift), silent + (0 if kind else c - k)

    live.line(outputs, lambda k, kind, length, bias: heard(k, length, bias, kind)[:2], name="others",
              color=COLORS["singular"], lw=1.6, label="the other outputs")  # fmt: skip
    live.line(outputs, lambda length, bias: _ramps(np.array([length**2]), np.array([bias])), name="output 1",
              color=COLORS["estimate"], lw=2.6, label="output 1")  # fmt: skip

    def silent(k: int, kind: int, length: float, bias: float) -> tuple[float, float, str]:
        return 0.04, 1.03, f"silent: {heard(k, length, bias, kind)[2]} of {c - 1}"

    live.text(outputs, silent, name="silent", fontsize=10, color=COLORS["singular"])  # fmt: skip
    outputs.legend(loc="upper left", fontsize=9, handlelength=1.4)

    def part(k: int, kind: int, length: float, bias: float) -> np.ndarray:
        return np.asarray(parts[k, kind][at[0][length], at[1][bias]])

    for i in range(3):
        live.fill(bars, lambda k, kind, length, bias, i=i: _bar(float(part(k, kind, length, bias)[i]), i, widest),
                  name=PARTS[i].replace("\n", " "), color=COLORS[PART_COLORS[i]], alpha=0.55)  # fmt: skip
        live.text(bars, lambda k, kind, length, bias, i=i: _value(float(part(k, kind, length, bias)[i]), i, widest),
                  name=f"{PARTS[i]} in numbers", va="center", fontsize=10)  # fmt: skip

    def caption(k: int, kind: int, length: float, bias: float) -> str:
        value = total[k, kind][at[0][length], at[1][bias]]
        name = f"{k}{'⁺' * (c - k) if c - k < 4 else '⁺ …'}" if kind and k < c else f"{k}"
        return (
            f"{name} among {c} features, l = {length:.2f}, b = {style.number(bias)}: loss {value:.4f}. "
            f"The best has {best[k, kind]:.4f}."
        )

    return live.caption(caption)


def _own_columns(W: Any, b: Any) -> LiveFigure:
    """The outputs and the parts of the loss of a learner's own columns."""
    if W is None:
        raise ValueError("b alone draws no polygon: give W of shape (2, c) too")
    try:
        W = np.asarray(W, float)
        b = np.zeros(W.shape[-1]) if b is None else np.asarray(b, float)
    except (TypeError, ValueError, IndexError):
        raise ValueError("W and b are arrays of numbers: W of shape (2, c), b of shape (c,)") from None
    if W.ndim != 2 or W.shape[0] != 2:
        raise ValueError(f"W has the shape {W.shape}: the picture is a plane, so give two hidden numbers, (2, c)")
    c = W.shape[1]
    if b.shape != (c,):
        raise ValueError(f"b has the shape {b.shape}, and W has {c} columns: give {c} biases")
    if not 2 <= c <= MOST_OWN or not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError(f"give 2 to {MOST_OWN} columns of finite numbers; this W has {c}")
    scales, shifts = np.round(np.arange(0.5, 1.51, 0.05), 2), np.round(np.arange(-0.5, 0.51, 0.05), 2) + 0.0  # no −0
    at = {v: i for i, v in enumerate(scales)}, {v: i for i, v in enumerate(shifts)}
    every = np.array([[pack(x * W, b + y) for y in shifts] for x in scales])
    parts, total = loss_parts(every), population_loss(every)[0]
    widest = max(0.3, 1.1 * float(parts[at[0][1.0], at[1][0.0]].max()))
    fig, plane, outputs, bars = _frame(max(1.1, 1.55 * float(np.hypot(*W).max())), widest)
    live = LiveFigure(
        fig,
        alt="Left: the columns of your W. Middle: the outputs against the input, when one feature is on. Right: three "
        "bars, the parts of the loss.",
        on=Menu("feature on", {str(i + 1): i for i in range(c)}, start="1"),
        scale=Slider("stretch", scales, start=1.0),
        shift=Slider("shift of b", shifts, start=0.0),
    )
    _columns(live, plane, lambda scale: pack(scale * W, b), ("scale",))
    g = W.T @ W
    blue = COLORS["estimate"]
    live.points(plane, lambda on, scale: tuple(scale * W[:, on]), name="on", color=blue, markersize=13, alpha=0.5)

    def ramps(on: int, scale: float, shift: float, own: bool) -> tuple[np.ndarray, np.ndarray]:
        which = np.arange(c) == on if own else np.arange(c) != on
        return _ramps(scale**2 * g[on][which], b[which] + shift)

    live.line(outputs, lambda on, scale, shift: ramps(on, scale, shift, False), name="others",
              color=COLORS["singular"], lw=1.6, label="the other outputs")  # fmt: skip
    live.line(outputs, lambda on, scale, shift: ramps(on, scale, shift, True), name="own", color=blue, lw=2.6,
              label="its own output")  # fmt: skip
    outputs.legend(loc="upper left", fontsize=9, handlelength=1.4)
    for i in range(3):
        live.fill(bars, lambda scale, shift, i=i: _bar(parts[at[0][scale], at[1][shift]][i], i, widest),
                  name=PARTS[i].replace("\n", " "), color=COLORS[PART_COLORS[i]], alpha=0.55)  # fmt: skip
        live.text(bars, lambda scale, shift, i=i: _value(parts[at[0][scale], at[1][shift]][i], i, widest),
                  name=f"{PARTS[i]} in numbers", va="center", fontsize=10)  # fmt: skip

    def caption(scale: float, shift: float) -> str:
        value = total[at[0][scale], at[1][shift]]
        return f"{c} features, W times {scale:.2f}, b {'+' if shift >= 0 else '−'} {abs(shift):.2f}: loss {value:.4f}."

    return live.caption(caption)


def _frame(size: float, widest: float) -> tuple[Any, Axes, Axes, Axes]:
    """The three panels: columns, outputs, parts of the loss."""
    fig, (plane, outputs, bars) = style.figure(1, 3, width_ratios=[0.8, 1, 0.72])
    blank_plane(plane, size)
    plane.set_title("columns of W")
    outputs.plot([0, 1], [0, 1], color=COLORS["truth"], lw=1, ls="--", zorder=5, label="it should say")
    outputs.set(xlim=(0, 1), ylim=(-0.06, 1.7), xlabel="μ, the size of the feature", title="outputs")
    bars.set(xlim=(0, widest), ylim=(-0.6, 2.6), xlabel="part of L", title="parts of the loss")
    bars.set_yticks([2, 1, 0], PARTS)
    bars.tick_params(axis="y", length=0)
    bars.grid(False, axis="y")
    return fig, plane, outputs, bars


def _ramps(g: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ReLU(gμ + b) over μ in [0, 1] for several g and b, one after the other with gaps: three points each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = np.where(np.abs(g) > 1e-9, np.clip(-bias / np.where(g == 0, 1, g), 0, 1), 0)
    mu = np.stack([0 * turn, turn, 0 * turn + 1, np.nan * turn], 1)
    return mu.ravel(), np.maximum(g[:, None] * mu + bias[:, None], 0).ravel()


def _bar(value: float, row: int, widest: float) -> tuple[np.ndarray, np.ndarray]:
    width = float(np.clip(value, 0, 2 * widest))
    return np.array([0, width, width, 0]), 2 - row + np.array([-0.3, -0.3, 0.3, 0.3])


def _value(value: float, row: int, widest: float) -> tuple[float, int, str]:
    inside = value < 0.6 * widest
    return (value if inside else 0.02 * widest) + 0.03 * widest, 2 - row, f"{max(value, 0):.3f}"
