"""Lesson 00, two mysteries: its live figures, pictures, small networks and checks.

``python -m sltcourse.lessons.two_mysteries network`` trains the modular addition network again (about a minute).
"""

import re
import sys
from functools import cache
from importlib import metadata

import matplotlib.pyplot as plt
import numpy as np

from sltcourse.kit import assets, style
from sltcourse.kit.checks import Checks, number
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.kit.progress import progress

check = Checks("00_two_mysteries")
COLORS = style.COLORS

# ---- is everything there? -------------------------------------------------------------------------------------

NEEDED = dict(
    package.split(">=")
    for package in (
        "anywidget>=0.9.21 arviz-stats>=0.6 ipython>=7.34 ipywidgets>=7.7.1 matplotlib>=3.10 numpy>=2.0 scipy>=1.14 "
        "sympy>=1.13 torch>=2.6 tqdm>=4.66"
    ).split()
)  # the package's own requirements; a test compares them


def _version(package):
    for name in (package, package.removesuffix("-stats")):  # Colab's arviz 0.22 holds what arviz-stats does
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _order(version):
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def everything_here(needed=None):
    """Sentences to print: all is there, or what is missing and what to do about it.

    ``needed``: {package: lowest version}, the course's own requirements if not given.
    """
    problems = []
    for package, lowest in (NEEDED if needed is None else needed).items():
        found = _version(package)
        if found is None:
            problems.append(f"{package} is not installed: run  %pip install {package}  in a cell, restart the kernel.")
            continue
        if _order(found) < _order(lowest):
            problems.append(f"{package} is too old: run  %pip install -U {package}  in a cell, restart the kernel.")
    try:
        assets.path("two_mysteries/network.npz")
    except (KeyError, OSError, ValueError) as error:
        problems.append(f"A file of the course cannot be read: {error.args[0]}.")
    return "\n".join(problems) or "Everything the course needs is here."


# ---- a network whose hidden layer is frozen -------------------------------------------------------------------

N_DATA = 16
NOISES = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
WIDTHS = np.r_[1:25, 28, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512]
_ANGLES = np.linspace(-np.pi, np.pi, 64, endpoint=False)


def truth(x):
    """The function to be learned, on the circle: sin x + ½ cos 2x."""
    return np.sin(x) + np.cos(2 * x) / 2


def some_inputs(rng, sets=(), n=N_DATA):
    """n angles for each data set, one at random in each of n equal sectors; shape ``sets`` + (n,)."""
    return -np.pi + 2 * np.pi * (np.arange(n) + rng.random((*sets, n))) / n


def some_units(rng, width, sets=()):
    """Random hidden units: directions θ on the circle and thresholds b in [−1, 1], a pair of ``sets`` + (width,)."""
    return rng.uniform(-np.pi, np.pi, (*sets, width)), rng.uniform(-1, 1, (*sets, width))


def hidden(x, units):
    """The outputs ReLU(cos(x − θ) − b) of all hidden units at all inputs, shape (…, len(x), width)."""
    theta, b = units
    return np.maximum(np.cos(x[..., :, None] - theta[..., None, :]) - b[..., None, :], 0)


@cache
def descent(sets=80, seed=0):
    """Training and test errors of the frozen network: two arrays (widths, noises, sets).

    For each of WIDTHS and each data set: new inputs, units and noise; the least-norm least-squares output weights;
    the mean squared error on these data, and on new data at evenly spaced inputs (so the noise's variance is part of
    both). Fits are linear in the data: one pseudoinverse serves all noises.
    """
    train, test = np.empty((2, len(WIDTHS), len(NOISES), sets))
    for i, width in enumerate(progress(WIDTHS, "widths")):
        rng = np.random.default_rng(seed)
        x, z = some_inputs(rng, (sets,)), rng.normal(size=(sets, N_DATA))
        units = some_units(rng, width, (sets,))
        phi = hidden(x, units)
        weights = np.linalg.pinv(phi, rcond=1e-12) @ np.stack([truth(x), z], axis=-1)
        seen = phi @ weights - np.stack([truth(x), z], axis=-1)
        new = hidden(_ANGLES, units) @ weights - np.stack([truth(_ANGLES), 0 * _ANGLES], axis=-1)
        for j, noise in enumerate(NOISES):
            train[i, j] = ((seen @ [1, noise]) ** 2).mean(axis=-1)
            test[i, j] = ((new @ [1, noise]) ** 2).mean(axis=-1) + noise**2
    return train, test


def draw_fits(x, y, fits):
    """Data, truth and the fitted curves, one panel each. ``fits``: {title: (angles, values)}. Returns the figure."""
    fig, axes = style.figure(1, len(fits), height=3.2, sharey=True)
    for ax, (title, (angles, values)) in zip(axes, fits.items(), strict=True):
        ax.plot(angles, truth(angles), ls="--", lw=1.4, color=COLORS["truth"], label="truth")
        ax.plot(angles, values, color=COLORS["estimate"], label="fit")
        ax.plot(x, y, "o", color=COLORS["loss"], markeredgecolor="white", label="data")
        ax.set(ylim=(-3.2, 3.2), xlabel="x", title=title, xticks=[-np.pi, 0, np.pi], xticklabels=["−π", "0", "π"])
    axes[0].legend(loc="upper left", ncols=3, fontsize=8.5, handlelength=1.2, columnspacing=0.8)
    return fig


def draw_valley(noise=0.5):
    """The median test and training error against the width, up to the number of data: the classical U."""
    errors = [np.median(e[:, list(NOISES).index(noise)], axis=-1) for e in descent()]
    small = WIDTHS <= 12
    fig, ax = style.figure(height=3.2)
    for error, name, word in zip(errors, ("prior", "estimate"), ("training error", "test error"), strict=True):
        ax.plot(WIDTHS[small], error[small], "o-", color=COLORS[name], label=word)
    ax.set(xlabel="width N", ylabel="mean squared error", xlim=(0.6, 12.4), ylim=(0, 0.95), xticks=range(1, 13))
    ax.legend(loc="upper left", bbox_to_anchor=(0.45, 1))
    return fig


def live_width(seed=6):
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
    right.legend(loc="upper right", title="median", alignment="left", fontsize=9)

    def sentence(width, noise):
        side = "fewer units than data" if width < N_DATA else "more units than data"
        side = "as many units as data" if width == N_DATA else side
        before = middle[noise][WIDTHS < N_DATA]
        return (
            f"N = {width}, {side}: median test error {middle[noise][row[width]]:.2g}. Best before the peak: "
            f"{before.min():.2g} at N = {WIDTHS[before.argmin()]}; at N = 512: {middle[noise][-1]:.2g}."
        )

    return live.caption(sentence)


# ---- a network that learns by heart ---------------------------------------------------------------------------


def rings(rng, n):
    """n points on two noisy rings, shape (n, 2), and the number of the ring, 0 (inner) or 1, shape (n,)."""
    ring, angle = rng.integers(0, 2, n), rng.uniform(0, 2 * np.pi, n)
    radius = np.where(ring == 1, 1.0, 0.45) + 0.1 * rng.normal(size=n)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1), ring


def train_classifier(points, labels, width=200, steps=3000, seed=0):
    """Train a ReLU network 2 → width → width → 1 with Adam until every label is fitted; steps is the most it may take.

    Returns a function from points (n, 2) to labels 0 or 1 (n,).
    """
    import torch

    rng = np.random.default_rng(seed)
    sizes = ((2, width, 5.0), (width, width, 1.4), (width, 1, 1.0))  # inputs, outputs, scale of the first weights
    draws = [scale / np.sqrt(i) * rng.normal(size=(i, o)) for i, o, scale in sizes]
    biases = [3.5 * rng.normal(size=width), np.zeros(width), np.zeros(1)]
    weights = [torch.tensor(v, dtype=torch.float32, requires_grad=True) for v in (*draws, *biases)]

    def network(x):
        x = torch.tensor(x, dtype=torch.float32)
        x = torch.relu(x @ weights[0] + weights[3])
        return (torch.relu(x @ weights[1] + weights[4]) @ weights[2] + weights[5])[:, 0]

    wanted, optimizer = torch.tensor(labels, dtype=torch.float32), torch.optim.Adam(weights, lr=0.005)
    for _ in progress(range(steps), "training"):
        output = network(points)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(output, wanted)
        if loss < 0.1 and torch.equal(output > 0, wanted > 0):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda x: (network(x).detach().numpy() > 0).astype(int)


def draw_regions(points, cases):
    """What a classifier says all over the plane, a panel each. ``cases``: {title: (labels, classifier)}; a figure."""
    side = np.linspace(-1.4, 1.4, 160)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    fig, axes = style.figure(1, len(cases), height=3.9)
    colors = np.array([COLORS["estimate"], COLORS["singular"]])
    for ax, (title, (labels, classifier)) in zip(axes, cases.items(), strict=True):
        said = classifier(plane.reshape(-1, 2)).reshape(plane.shape[:2])
        ax.contourf(side, side, said, levels=[-0.5, 0.5, 1.5], colors=list(colors), alpha=0.28)
        ax.scatter(*points.T, c=colors[labels], s=34, edgecolor="white", zorder=3)
        ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title)
        ax.grid(False)
    return fig


# ---- a network that learned to add ----------------------------------------------------------------------------

P = 31


class Adder:
    """A network that learned a + b mod p: logits = ReLU((E_a + E_b) W) U.

    ``E``: embedding (p, 32), ``W``: (32, 256), ``U``: (256, p), ``seen``: (p, p), the pairs it was trained on.
    """

    def __init__(self, E, W, U, seen):
        self.E, self.W, self.U = (np.asarray(v, float) for v in (E, W, U))
        self.seen = np.asarray(seen, bool)

    def logits(self):
        """All logits [a, b, c], shape (p, p, p)."""
        return np.maximum((self.E[:, None] + self.E) @ self.W, 0) @ self.U


def load_adder():
    """The trained network from the course's assets, an Adder."""
    with np.load(assets.path("two_mysteries/network.npz")) as kept:
        return Adder(**kept)


def train_adder(steps=6000, seed=0, p=P, share=0.8):
    """Train the network on a share of the p² pairs: AdamW on the whole batch. Returns an Adder.

    The learning rate is constant for half of the steps and then falls to 0.
    """
    import torch

    rng = np.random.default_rng(seed)
    shapes = ((p, 32), (32, 256), (256, p))
    E, W, U = (
        torch.tensor(rng.normal(size=s) / np.sqrt(s[k]), dtype=torch.float32, requires_grad=True)
        for s, k in zip(shapes, (1, 0, 0), strict=True)
    )
    pairs = rng.permutation(p * p)[: int(share * p * p)]
    a, b = (torch.tensor(v) for v in np.divmod(pairs, p))
    optimizer = torch.optim.AdamW([E, W, U], lr=0.003, weight_decay=1.5, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2 - 2 * step / steps))
    for _ in progress(range(steps), "training the network"):
        logits = torch.relu((E[a] + E[b]) @ W) @ U
        loss = torch.nn.functional.cross_entropy(logits, (a + b) % p)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return Adder(*(v.detach().numpy() for v in (E, W, U)), np.isin(np.arange(p * p), pairs).reshape(p, p))


def circle(E, k):
    """The embedding seen in the plane of frequency k, shape (p, 2): number 0 on the right, scaled to mean radius 1.

    The plane is spanned by Σ_a E_a cos(2πka/p) and Σ_a E_a sin(2πka/p).
    """
    angle = 2 * np.pi * k * np.arange(len(E)) / len(E)
    centred = E - E.mean(axis=0)
    plane, r = np.linalg.qr(centred.T @ np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    seen = centred @ (plane * np.sign(np.diag(r)))
    return seen / np.linalg.norm(seen, axis=1).mean()


def by_distance(logits):
    """Logits [a, b, c], less their mean over c, as an array [a, b, d] with d = c − a − b mod p; shape (p, p, p)."""
    a, b, d = np.indices(logits.shape)
    return (logits - logits.mean(axis=-1, keepdims=True))[a, b, (a + b + d) % len(logits)]


def draw_spectrum(share):
    """Bars: how much of the embedding's power each frequency has, beside an even share. Returns the figure."""
    fig, ax = style.figure(height=2.7)
    colors = [COLORS["estimate" if v > 1 / len(share) else "muted"] for v in share]
    ax.bar(np.arange(1, len(share) + 1), 100 * share, color=colors)
    ax.axhline(100 / len(share), color=COLORS["reference"], ls=":", lw=1.5)
    ax.text(len(share) + 0.55, 100 / len(share) + 0.4, "even", ha="right", color=COLORS["reference"], fontsize=9.5)
    ax.set(xlabel="frequency k", ylabel="share of the power, %", xticks=range(1, len(share) + 1), xlim=(0.4, 15.6))
    ax.grid(axis="x", visible=False)
    return fig


def live_clock(adder, keys):
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
    for i in range(p):  # the face of the clock: the exact angles
        turn = {k: 2 * np.pi * k * i / p for k in seen}
        place = {"ha": "center", "va": "center", "fontsize": 8.5, "color": "#555555"}
        live.text(left, lambda k, i=i, t=turn: (1.36 * np.cos(t[k]), 1.36 * np.sin(t[k]), str(i)), **place)
    marks = {  # dots of different sizes: where two numbers are the same, both show
        "a": ("regular", 20, lambda a, k: seen[k][a]),
        "b": ("posterior", 13, lambda b, k: seen[k][b]),
        "a + b": ("singular", 8, lambda a, b, k: seen[k][(a + b) % p]),
    }
    for name, (color, size, where) in marks.items():
        live.points(left, where, name=name, label=name, color=COLORS[color], markersize=size)
    left.legend(loc="center", fontsize=10, labelspacing=1.1)
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


# ---- the exercises --------------------------------------------------------------------------------------------


@check.exercise("More data, and an error 36 times larger: at a fixed width, data can push a model onto its peak.")
def more_data(at_20, at_38):
    right = {20: 20 / 19, 38: 38.0}
    for n, answer in ((20, at_20), (38, at_38)):
        wrong = number(answer, right[n], rel=0.01, hints={
            40 / (n - 41): "That is N/(n − N − 1), for more data than features. Here N > n: exchange the two.",
            n / (40 - n): "Nearly: a squared length with k degrees has E[1/χ²] = 1/(k − 2), not 1/(k − 1).",
            right[58 - n]: "The two answers are exchanged.",
        })  # fmt: skip
        if wrong:
            return f"n = {n}: {wrong}"


@check.exercise("One half: for coin-toss labels such a promise says nothing, and it is the same promise for true ones.")
def promise(answer):
    return number(answer, 0.5, rel=0.02, hints={
        0.0: "0 is the training error. The promise has to cover the distance from it to the test error.",
        1.0: "Some network of the family may force even that. The coin network is right on half of the new coins.",
        50: "Give it as a share, not in per cent.",
    })  # fmt: skip


@check.exercise("One step along this circle adds 7, because 9 · 7 = 63 = 2 · 31 + 1.")
def neighbour(answer):
    return number(answer, 7, hints={
        9: "9 stands at the angle 2π · 81/31, and 81 = 2 · 31 + 19: nineteen steps from 0, not one.",
        1: "1 stands at the angle 2π · 9/31: nine steps from 0, not one.",
        24: "24 stands clockwise of 0: 9 · 24 = 216 = 7 · 31 − 1. The other direction is wanted.",
        38: "38 is 7 + 31. The network's numbers lie between 0 and 30.",
        1 / 9: "Division mod 31: which whole number times 9 leaves the remainder 1?",
    })  # fmt: skip


@check.exercise("0.005, a quarter of what 400 parameters would cost: the network is paid for as a 10 × 10 matrix.")
def price(answer):
    return number(answer, 50 / 10_000, rel=0.01, hints={
        0.02: "That is d/(2n), the price of a regular model with 400 parameters.",
        0.04: "That is d/n. Take λ in the place of d/2.",
        50: "That is λ. Divide by the number of data.",
        0.0025: "λ already contains the half: λ = d/2 for a regular model.",
    })  # fmt: skip


# ---- remaking the asset ---------------------------------------------------------------------------------------


def main(arguments):
    """``python -m sltcourse.lessons.two_mysteries network`` trains the network and keeps its weights."""
    if arguments != ["network"]:
        sys.exit("usage: python -m sltcourse.lessons.two_mysteries network")
    adder, name = train_adder(), "two_mysteries/network.npz"
    file = assets.folder() / name
    file.parent.mkdir(exist_ok=True)
    weights = {k: getattr(adder, k).astype(np.float32) for k in ("E", "W", "U")}
    np.savez_compressed(file, **weights, seen=adder.seen)
    assets.record(name, "python -m sltcourse.lessons.two_mysteries network", "cpu")


if __name__ == "__main__":
    main(sys.argv[1:])
