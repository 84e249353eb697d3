"""The live figures of lesson 00."""

from functools import wraps

import matplotlib.pyplot as plt
import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.two_mysteries.models import (
    N_DATA,
    NOISES,
    WIDTHS,
    by_distance,
    circle,
    descent,
    hidden,
    some_inputs,
    some_units,
    truth,
)

COLORS = style.COLORS


# ---- a network whose hidden layer is frozen --------------------------------------------------------------------------


def live_width(seed=6) -> LiveFigure:
    """Slide the width through the number of data: the fitted curve, and the test error over 80 data sets."""
    rng = np.random.default_rng(seed)
    x, z = some_inputs(rng), rng.normal(size=N_DATA)
    theta, b = some_units(rng, WIDTHS[-1])
    angles = np.linspace(-np.pi, np.pi, 241)
    fits = {}
    for width in WIDTHS:  # wider networks keep the units of the narrower ones
        units = theta[:width], b[:width]
        both = np.linalg.pinv(hidden(x, units), rcond=1e-12) @ np.stack([truth(x), z], axis=-1)
        fits[width] = hidden(angles, units) @ both
    train, test = descent()
    seen = dict(zip(NOISES, np.median(train, axis=-1).T, strict=True))
    low, middle, high = (dict(zip(NOISES, np.percentile(test, q, axis=-1).T, strict=True)) for q in (25, 50, 75))
    row = {width: i for i, width in enumerate(WIDTHS)}

    fig, (left, right) = style.figure(1, 2, height=4.0)
    left.plot(angles, truth(angles), ls="--", lw=1.4, color=COLORS["truth"], label="truth")
    left.set(xlim=(-np.pi, np.pi), ylim=(-4, 4), xlabel="x", xticks=[-np.pi, 0, np.pi], xticklabels=["−π", "0", "π"])
    left.set_title("one data set")
    right.set(xscale="log", yscale="log", xlim=(0.9, 600), ylim=(1.5e-3, 60), xlabel="width N")
    right.set_title("mean squared error, 80 data sets")
    right.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    right.minorticks_off()
    right.axvline(N_DATA, color=COLORS["reference"], ls=":", lw=1.5)
    right.text(N_DATA * 1.12, 2e-3, "N = n", color=COLORS["reference"], fontsize=9.5)
    live = LiveFigure(
        fig,
        alt="Left: sixteen data, the truth, and the network's fit. Right: the median test error against the width. It "
        "falls, rises to a peak where the width is the number of data, and falls again.",
        width=Slider("width N", WIDTHS, start=5),
        noise=Slider("noise σ", NOISES, start=0.5),
    )
    blue = COLORS["estimate"]
    live.line(left, lambda width, noise: (angles, fits[width] @ [1, noise]), name="fit", color=blue, label="fit")
    live.points(left, lambda noise: (x, truth(x) + noise * z), name="data", color=COLORS["loss"], label="data")
    above = {"loc": "lower right", "bbox_to_anchor": (1.02, 0.985), "borderaxespad": 0}  # where no fit shoots through
    left.legend(ncols=3, fontsize=9, columnspacing=1.0, handlelength=1.4, **above)
    live.band(right, lambda noise: (WIDTHS, low[noise], high[noise]), name="half", color=blue, alpha=0.18)
    live.line(right, lambda noise: (WIDTHS, seen[noise]), name="train", color=COLORS["prior"], label="training")
    live.line(right, lambda noise: (WIDTHS, middle[noise]), name="test", color=blue, label="test, with middle half")
    live.points(right, lambda width, noise: (width, middle[noise][row[width]]), name="now", color=blue, markersize=10)
    floor = {"color": COLORS["reference"], "ls": ":", "lw": 1.5, "label": "noise of new data, σ²"}
    live.line(right, lambda noise: ([0.9, 600], [noise**2, noise**2]), name="floor", **floor)
    right.legend(loc="upper right", title="median", alignment="left", fontsize=9)

    def sentence(width, noise):
        side = "fewer units than data" if width < N_DATA else "more units than data"
        side = "as many units as data" if width == N_DATA else side
        before = middle[noise][WIDTHS < N_DATA]
        return (
            f"N = {width}, {side}: median test error {middle[noise][row[width]]:.2g}. Best before the peak: "
            f"{before.min():.2g} at N = {WIDTHS[before.argmin()]}; at N = 512: {middle[noise][-1]:.2g}. "
            f"Each contains the noise of new data, σ² = {noise**2:.2g}."
        )

    return live.caption(sentence)


# ---- a network that learned to add -----------------------------------------------------------------------------------


def _hand(where):
    """The hand of the clock that ends at a dot, as a function of the same controls."""

    @wraps(where)
    def hand(**controls):
        x, y = where(**controls)
        return [0, x], [0, y]

    return hand


def live_clock(adder, keys) -> LiveFigure:
    """Choose a, b and a frequency: the numbers on their circle, and the network's logits with the sum of cosines."""
    p = len(adder.E)
    logits = adder.logits()
    logits -= logits.mean(axis=-1, keepdims=True)
    mean = by_distance(logits).mean(axis=(0, 1))
    d = np.arange(p)
    cosines = sum(2 / p * (mean @ np.cos(2 * np.pi * k * d / p)) * np.cos(2 * np.pi * k * d / p) for k in keys)
    seen = {k: circle(adder.E, k) for k in keys}
    reach = 1.1 * np.abs(logits).max()

    fig, (left, right) = style.figure(1, 2, height=4.2, width_ratios=(1, 1.15))
    left.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    left.add_patch(plt.Circle((0, 0), 1, fill=False, color=COLORS["muted"], lw=1))
    left.set_title("the embedding, in the plane of frequency k")
    left.grid(False)
    right.set(xlim=(-0.7, p - 0.3), ylim=(-reach, reach), xlabel="c", ylabel="logit, less the mean")
    right.set_title("what the network answers")
    live = LiveFigure(
        fig,
        alt="Left: the 31 numbers lie near a circle, in steps of a fixed angle; a, b and their sum are marked. Right: "
        "the network's logits peak at the sum; a sum of cosines runs along with them.",
        a=Slider("a", d, start=5),
        b=Slider("b", d, start=29),
        k=Menu("frequency k", {str(k): int(k) for k in keys}),
    )
    live.points(left, lambda k: seen[k].T, name="circle", color=COLORS["loss"], markersize=5)
    hands = {
        "a": ("regular", lambda a, k: seen[k][a]),
        "b": ("posterior", lambda b, k: seen[k][b]),
        "a + b": ("singular", lambda a, b, k: seen[k][(a + b) % p]),
    }
    for name, (color, where) in hands.items():  # the angles that are added are those of the hands
        live.line(left, _hand(where), name=f"hand {name}", color=COLORS[color], lw=1.6)
    for i in range(p):  # the face of the clock: the exact angles
        turn = {k: 2 * np.pi * k * i / p for k in seen}
        place = {"ha": "center", "va": "center", "fontsize": 8.5, "color": "#555555"}
        live.text(left, lambda k, i=i, t=turn: (1.26 * np.cos(t[k]), 1.26 * np.sin(t[k]), str(i)), **place)
    for (name, (color, where)), size in zip(hands.items(), (20, 13, 8), strict=True):  # two on one number: both show
        live.points(left, where, name=name, label=name, color=COLORS[color], markersize=size)
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3, fontsize=10, handletextpad=0.6)
    orange = COLORS["singular"]
    live.line(
        right,
        lambda a, b: (d, cosines[(d - a - b) % p]),
        name="cosines",
        color=COLORS["theory"],
        lw=1.5,
        label="sum of cosines",
    )
    live.points(right, lambda a, b: (d, logits[a, b]), name="logits", color=COLORS["loss"], label="network")
    live.points(
        right,
        lambda a, b: (logits[a, b].argmax(), logits[a, b].max()),
        name="answer",
        color=orange,
        markersize=11,
        label="its answer",
    )
    right.legend(loc="lower center", ncols=3, fontsize=9, columnspacing=1.0, handletextpad=0.4)

    def sentence(a, b, k):
        around = "" if a + b < p else f" = {p} + {a + b - p}"
        return (
            f"a = {a}, b = {b}: the network says {logits[a, b].argmax()}; a + b = {a + b}{around}. On this circle, "
            f"neighbours differ by {pow(int(k), -1, p)}."
        )

    return live.caption(sentence)
