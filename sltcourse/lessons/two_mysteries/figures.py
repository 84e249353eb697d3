"""The live figures of lesson 00."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.two_mysteries.models import (
    N_DATA,
    NOISES,
    SETS,
    STEPS,
    WIDTHS,
    Adder,
    Curve,
    Floats,
    circle,
    descent,
    hidden,
    median,
    relu,
    some_inputs,
    some_units,
    truth,
    waves_of,
)

COLORS = style.COLORS


# ---- a network whose hidden layer is frozen --------------------------------------------------------------------------


def _checked(
    target: Curve, n: int, noises: Sequence[float], widths: Sequence[int], bend: Curve
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The noises and widths, sorted. Raises ValueError with a sentence for what the figure cannot show."""
    if not (isinstance(n, (int, np.integer)) and 4 <= n <= 64):
        raise ValueError(f"n, the number of data, must be a whole number from 4 to 64, not {n}")
    try:
        sigmas, sizes = sorted({float(s) for s in noises}), sorted({int(N) for N in widths})
    except (TypeError, ValueError):
        raise ValueError("noises is a list of numbers, widths a list of whole numbers") from None
    if len(sigmas) < 2 or not np.isfinite(sigmas).all() or sigmas[0] <= 0:
        raise ValueError(f"the noises must be at least two positive numbers, not {noises}")
    if len(sizes) < 2 or sizes[0] < 1 or sizes[-1] > 1024:
        raise ValueError(f"the widths must be at least two whole numbers from 1 to 1024, not {widths}")
    for name, function in (("target", target), ("bend", bend)):
        tried = np.asarray(function(np.linspace(-np.pi, np.pi, 7)), float)
        if tried.shape != (7,) or not np.isfinite(tried).all():
            raise ValueError(f"{name} must map an array of numbers to as many finite numbers: use np.sin, np.abs, …")
    return tuple(sigmas), tuple(sizes)


def live_width(
    target: Curve = truth,
    n: int = N_DATA,
    noises: Sequence[float] = NOISES,
    widths: Sequence[int] = WIDTHS,
    bend: Curve = relu,
    seed: int = 6,
) -> LiveFigure:
    """Guess where the fit is worst, then slide the width: one fit, and the median errors of 80 data sets.

    ``target`` maps angles in [−π, π] to the true values, ``n`` is the number of data, ``noises`` their standard
    deviations, ``widths`` the numbers of hidden units and ``bend`` their activation: all may be the learner's own.
    Raises ValueError for what has no picture.
    """
    sigmas, sizes = _checked(target, n, noises, widths, bend)
    rng = np.random.default_rng(seed)
    x, z = some_inputs(rng, n=n), rng.normal(size=n)
    theta, b = some_units(rng, sizes[-1])
    angles = np.linspace(-np.pi, np.pi, 241)
    fits = {}
    for width in sizes:  # wider networks keep the units of the narrower ones
        units = theta[:width], b[:width]
        both = np.linalg.pinv(hidden(x, units, bend), rcond=1e-12) @ np.stack([target(x), z], axis=-1)
        fits[width] = hidden(angles, units, bend) @ both
    train, test = descent(target, int(n), sigmas, sizes, bend)
    seen = dict(zip(sigmas, np.median(train, axis=-1).T, strict=True))
    low, middle, high = (dict(zip(sigmas, np.percentile(test, q, axis=-1).T, strict=True)) for q in (25, 50, 75))
    row = {width: i for i, width in enumerate(sizes)}
    ends = np.array([sizes[0] * 0.9, sizes[-1] * 1.17])
    bottom, top = 0.4 * min(sigmas[0] ** 2, test.min()), 2 * np.percentile(test, 75, axis=-1).max()
    height = 1.3 * np.abs(target(angles)).max() + 2 * sigmas[-1]

    fig, (left, right) = style.figure(1, 2, height=4.0)
    left.plot(angles, target(angles), ls="--", lw=1.4, color=COLORS["truth"], label="truth")
    left.set(xlim=(-np.pi, np.pi), ylim=(-height, height), xlabel="x")
    left.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    left.set_title("one data set")
    right.set(
        xscale="log", yscale="log", xlim=ends, ylim=(bottom, top), xlabel="width N", ylabel="median squared error"
    )
    right.set_title(f"{SETS} data sets")
    ticks = [4**k for k in range(6) if ends[0] <= 4**k <= ends[1]]
    right.set_xticks(ticks, [str(tick) for tick in ticks])
    right.minorticks_off()
    live = LiveFigure(
        fig,
        alt=f"Left: {n} data, the truth, and the network's fit. Right: the median training and test errors of "
        f"{SETS} data sets against the width, and the noise of new data.",
        width=Slider("width N", sizes, start=5 if 5 in sizes else sizes[0]),
        noise=Slider("noise σ", sigmas, start=0.5 if 0.5 in sigmas else sigmas[len(sigmas) // 2]),
    )
    blue = COLORS["estimate"]
    live.line(left, lambda width, noise: (angles, fits[width] @ [1, noise]), name="fit", color=blue, label="fit")
    live.points(left, lambda noise: (x, target(x) + noise * z), name="data", color=COLORS["loss"], label="data")
    above = {"loc": "lower right", "bbox_to_anchor": (1.02, 0.985), "borderaxespad": 0}  # where no fit shoots through
    left.legend(ncols=3, fontsize=9, columnspacing=1.0, handlelength=1.4, **above)
    live.band(right, lambda noise: (sizes, low[noise], high[noise]), name="half", color=blue, alpha=0.18)
    fitted = {noise: np.where(np.array(sizes) < n, seen[noise], np.nan) for noise in sigmas}
    live.line(right, lambda noise: (sizes, fitted[noise]), name="train", color=COLORS["prior"], label="training")
    live.line(right, lambda noise: (sizes, middle[noise]), name="test", color=blue, label="test, with middle half")
    live.points(right, lambda width, noise: (width, middle[noise][row[width]]), name="now", color=blue, markersize=10)
    floor = {"color": COLORS["reference"], "ls": ":", "lw": 1.5, "label": "noise of new data, σ²"}
    live.line(right, lambda noise: (ends, [noise**2, noise**2]), name="floor", **floor)
    live.line(right, lambda: ([n, n], [bottom, top]), name="n", color=COLORS["reference"], ls="--", lw=1)
    live.text(
        right, lambda: (n * 1.1, bottom * 1.3, "N = n; training error 0"), name="word", fontsize=9, color="#555555"
    )
    right.legend(loc="upper right", fontsize=9)

    def sentence(width: int, noise: float) -> str:
        at = sigmas.index(noise)
        errors = [style.estimate(*median(test[i, at])) for i in range(len(sizes))]
        best = min((i for i in range(len(sizes)) if sizes[i] < n), key=lambda i: middle[noise][i], default=0)
        return (
            f"N = {width}, n = {n}: median test error {errors[row[width]]}. Best N below n: {sizes[best]}, with "
            f"{errors[best]}; N = {sizes[-1]}: {errors[-1]}. The noise of new data is {style.number(noise**2)} of each."
        )

    hides = ["half", "train", "test", "now", "n", "word"]
    live.caption(sentence)
    return live.with_guess(right, "x", f"n = {n} data. At which width N is the test error largest?", hides=hides)


# ---- a network that learns by heart ----------------------------------------------------------------------------------

_NEW = 2000
_MAP = mpl.colors.LinearSegmentedColormap.from_list("sides", ["#8fc3e2", "#ffffff", "#f0b088"])


def live_learning(
    network: Callable[..., Any],
    points: Floats,
    runs: Mapping[str, tuple[Any, Any, Sequence[Any]]],
    new_points: Floats,
) -> LiveFigure:
    """Slide the training step: what the network says all over the plane, and how often it is right.

    ``network(w, x)`` maps weights and inputs (n, 2), a tensor, to logits (n,). ``points`` (n, 2) are the training
    points, ``runs`` maps a name to (labels (n,), labels of the new points (m,), weights at STEPS), ``new_points`` has
    the shape (m, 2); the first 2000 of them are asked. Raises ValueError for labels or weights that do not fit these.
    """
    import torch

    if not runs:
        raise ValueError("give at least one run, {name: (labels, labels of the new points, weights at STEPS)}")
    side, at = np.linspace(-1.4, 1.4, 64), {step: i for i, step in enumerate(STEPS)}
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    asked = new_points[:_NEW]
    maps, right, truths = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    for name, (labels, new_labels, path) in runs.items():
        y, fresh = (np.asarray(v).astype(int) for v in (labels, new_labels))
        if y.shape != (len(points),) or fresh.shape != (len(new_points),) or not set(y.tolist()) <= {0, 1}:
            raise ValueError(f"the labels of {name!r} must be 0 or 1, one for each point")
        if len(path) != len(STEPS):
            raise ValueError(f"the run {name!r} must hold the weights at the {len(STEPS)} steps of STEPS")
        with torch.no_grad():
            everywhere = torch.tensor(np.concatenate([points, asked, plane]))
            logits = np.array([network(w, everywhere).numpy() for w in path])
        ours, theirs, maps[name] = np.split(logits, [len(points), len(points) + len(asked)], axis=1)
        right[name] = ((ours > 0) == y).mean(axis=1), ((theirs > 0) == fresh[:_NEW]).mean(axis=1)
        truths[name] = y
    time = np.maximum(STEPS, 0.7)  # step 0 has a place on the logarithmic axis

    fig, (left, ax) = style.figure(1, 2, height=4.2, width_ratios=(1, 1.2))
    left.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    left.set_title("colour: what the network says")
    left.grid(False)
    ax.set(xscale="log", xlim=(0.6, 1800), ylim=(0.3, 1.04), xlabel="training step", title="share right")
    ax.set_xticks([0.7, 10, 100, 1000], ["0", "10", "100", "1000"])
    ax.minorticks_off()
    live = LiveFigure(
        fig,
        alt="Left: the plane, coloured by what the network says at each point, with its training points. Right: the "
        "share of training points and of new points with the right label, against the training step.",
        labels=Menu("labels", list(runs)),
        step=Slider("training step", STEPS, start=0),
    )
    live.image(
        left, lambda labels, step: _probability(maps[labels][at[step]]).reshape(64, 64), (-1.4, 1.4, -1.4, 1.4),
        0, 1, cmap=_MAP, name="map",
    )  # fmt: skip
    for label, color in enumerate(("estimate", "singular")):
        live.points(
            left, lambda labels, label=label: points[truths[labels] == label].T, name=f"label {label}",
            color=COLORS[color], markersize=7,
        )  # fmt: skip
    for k, (word, color) in enumerate((("training points", "prior"), ("new points", "estimate"))):
        live.line(
            ax, lambda labels, k=k: (time, right[labels][k]), name=word, label=word, color=COLORS[color],
        )  # fmt: skip
    live.line(ax, lambda step: ([max(step, 0.7)] * 2, [0.3, 1.04]), name="now", color=COLORS["truth"], lw=1)
    ax.legend(loc="lower right")

    def sentence(labels: str, step: int) -> str:
        seen, new = (share[at[step]] for share in right[labels])
        error = max(np.sqrt(new * (1 - new) / len(asked)), 0.5 / len(asked))
        return (
            f"{labels}, step {step}: right on {round(seen * len(points))} of {len(points)} training points, and on "
            f"{style.estimate(new, error)} of new points."
        )

    return live.caption(sentence)


def _probability(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))


# ---- a network that learned to add -----------------------------------------------------------------------------------


def _hand(where: Callable[..., Any]) -> Callable[..., Any]:
    """The hand of the clock that ends at a dot, as a function of the same controls."""

    @wraps(where)
    def hand(**controls: Any) -> tuple[list[float], list[float]]:
        x, y = where(**controls)
        return [0, x], [0, y]

    return hand


def _arc(radius: float, start: float, turn: float) -> tuple[Floats, Floats]:
    """Points on an arc around the centre, from the angle ``start`` on by ``turn`` (radians)."""
    angle = start + turn * np.linspace(0, 1, 25)
    return radius * np.cos(angle), radius * np.sin(angle)


def live_clock(adder: Adder, keys: Sequence[int]) -> LiveFigure:
    """Choose a, b and a frequency: the numbers on their circle, and the network's logits with a sum of cosines.

    ``keys`` are the frequencies of that sum and of the menu, whole numbers from 1 to 15, the learner's own if they
    like. Raises ValueError for others.
    """
    p = len(adder.E)
    logits = adder.logits()
    wave, share = waves_of(logits, keys)
    keys = sorted({int(k) for k in keys})
    logits -= logits.mean(axis=-1, keepdims=True)
    d = np.arange(p)
    seen = {k: circle(adder.E, k) for k in keys}
    reach = 1.1 * np.abs(logits).max()

    fig, (left, right) = style.figure(1, 2, height=4.2, width_ratios=(1, 1.15))
    side = max(1.4, *(1.08 * np.abs(where).max() for where in seen.values()))
    left.set(xlim=(-side, side), ylim=(-side, side), aspect="equal", xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    left.add_patch(plt.Circle((0, 0), 1, fill=False, color=COLORS["muted"], lw=1))
    left.set_title("the embedding, in the plane of frequency k")
    left.grid(False)
    right.set(xlim=(-0.7, p - 0.3), ylim=(-reach, reach), xlabel="c", ylabel="logit, less the mean")
    right.set_title("what the network answers")
    live = LiveFigure(
        fig,
        alt="Left: the 31 numbers near a circle, with hands to a, to b and to their sum, and the angles of a and b, "
        "one after the other. Right: the network's logits for all answers c, and a sum of cosines.",
        a=Slider("a", d, start=5),
        b=Slider("b", d, start=29),
        k=Menu("frequency k", {str(k): k for k in keys}),
    )
    live.points(left, lambda k: seen[k].T, name="circle", color=COLORS["loss"], markersize=5)

    def turn(number: int, k: int) -> float:
        return 2 * np.pi * (k * number % p) / p

    live.line(left, lambda a, k: _arc(0.3, 0, turn(a, k)), name="angle a", color=COLORS["regular"], lw=3)
    live.line(
        left, lambda a, b, k: _arc(0.4, turn(a, k), turn(b, k)), name="angle b", color=COLORS["posterior"], lw=3
    )  # fmt: skip
    hands = {
        "a": ("regular", lambda a, k: seen[k][a]),
        "b": ("posterior", lambda b, k: seen[k][b]),
        "a + b": ("singular", lambda a, b, k: seen[k][(a + b) % p]),
    }
    for name, (color, where) in hands.items():  # the angles that are added are those of the hands
        live.line(left, _hand(where), name=f"hand {name}", color=COLORS[color], lw=1.6)
    for i in range(p):  # the face of the clock: the exact angles
        place = {"ha": "center", "va": "center", "fontsize": 8.5, "color": "#555555"}
        live.text(left, lambda k, i=i: (1.2 * np.cos(turn(i, k)), 1.2 * np.sin(turn(i, k)), str(i)), **place)
    for (name, (color, where)), size in zip(hands.items(), (16, 11, 7), strict=True):  # two on one number: both show
        live.points(left, where, name=name, label=name, color=COLORS[color], markersize=size)
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3, fontsize=10, handletextpad=0.6)
    live.line(
        right, lambda a, b: (d, wave[(d - a - b) % p]), name="cosines", color=COLORS["theory"], lw=1.5,
        label="sum of cosines",
    )  # fmt: skip
    live.points(right, lambda a, b: (d, logits[a, b]), name="logits", color=COLORS["loss"], label="network")
    live.points(
        right, lambda a, b: (logits[a, b].argmax(), logits[a, b].max()), name="answer", color=COLORS["singular"],
        markersize=11, label="its answer",
    )  # fmt: skip
    right.legend(loc="lower center", ncols=3, fontsize=9, columnspacing=1.0, handletextpad=0.4)

    def sentence(a: int, b: int, k: int) -> str:
        around = "" if a + b < p else f" = {p} + {a + b - p}"
        return (
            f"a = {a}, b = {b}: the network says {logits[a, b].argmax()}; a + b = {a + b}{around}. On this circle, "
            f"neighbours differ by {pow(k, -1, p)}. Cosines of the frequencies {', '.join(map(str, keys))} hold "
            f"{share:.3f} of the logits' variance."
        )

    return live.caption(sentence)
