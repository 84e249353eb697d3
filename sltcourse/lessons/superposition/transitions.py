"""The live figures of lesson 08 that show scales and transitions: chains, training, the posterior."""

from typing import Any

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.superposition.drawings import BY_CORNERS, PHASE_COLORS, arrows, blank_plane, outline
from sltcourse.lessons.superposition.kept import (
    BIASES,
    FIGURE_SPRINGS,
    LENGTHS,
    N_TRAIN,
    SCALE_NBETAS,
    SCALE_SPRINGS,
    SCALE_STARTS,
    STARTS,
    STEPS,
    asset,
)
from sltcourse.lessons.superposition.models import pentagons_above_hexagon
from sltcourse.llc.verdict import LEVELS
from sltcourse.theory.superposition_model import COEFFICIENTS, free_energy, name_of, unpack

COLORS = style.COLORS


def live_scale() -> LiveFigure:
    """Slide nβ: the set L ≤ L(4⁺) + 1/nβ around 4⁺ and 5, the places of chains, and what they read."""
    data = asset("scale")
    rise, nbetas = data["rise"].astype(float), SCALE_NBETAS
    at = {v: i for i, v in enumerate(nbetas)}
    spring, start = ({v: i for i, v in enumerate(values)} for values in (SCALE_SPRINGS, SCALE_STARTS))
    colors = {name: COLORS[PHASE_COLORS[name]] for name in SCALE_STARTS}
    extent = (LENGTHS[0], LENGTHS[-1], BIASES[0], BIASES[-1])

    fig, (left, right) = style.figure(1, 2, height=3.9)
    left.set(xlim=extent[:2], ylim=extent[2:], xlabel="length of its column", ylabel="bias of its output")
    left.set_title("one feature, and all places with L ≤ L(4⁺) + 1/nβ")
    left.grid(False)
    right.set(xscale="log", xlim=(nbetas[0] / 1.6, nbetas[-1] * 12), ylim=(0, 11), xlabel="nβ", title="estimate")
    for name in SCALE_STARTS:
        right.axhline(COEFFICIENTS[name], color=colors[name], lw=1, ls="--")
        right.text(nbetas[-1] * 11, COEFFICIENTS[name] + 0.15, f"λ of {name}", ha="right", color=colors[name])
    live = LiveFigure(
        fig,
        alt="Left: a map over the length of one column and the bias of its output, with the places of two polygons, "
        "the set of small losses shaded, and dots where chains were. Right: the estimates of chains that started at "
        "either polygon, against nβ.",
        start=Menu("chains start at", list(SCALE_STARTS), start=SCALE_STARTS[0]),
        gamma=Menu("spring γ", {f"{g:g}": g for g in SCALE_SPRINGS}, start="1"),
        nbeta=Slider("nβ", nbetas, start=nbetas[-1], format=style.power),
    )

    def read(key: str, start_: str, gamma: float) -> np.ndarray:
        return np.asarray(data[key][start[start_], spring[gamma]])

    live.region(left, rise, lambda nbeta: 1 / nbeta, extent, COLORS["muted"], name="set", alpha=0.9)
    places = {"4⁺": (0, 1 / 12), "5": (1.17046, -0.2823)}
    for name in SCALE_STARTS:
        dots = {"color": colors[name], "markersize": 3.4, "markeredgewidth": 0, "alpha": 0.6}

        def cloud(start: str, gamma: float, nbeta: float, name: str = name) -> Any:
            if start != name:
                return np.array([np.nan]), np.array([np.nan])
            return read("draws", name, gamma)[at[nbeta]].astype(float).T

        live.points(left, cloud, name=f"chains from {name}", **dots)

        def fair(gamma: float, name: str = name) -> Any:
            word, llc = read("verdict", name, gamma), read("llc", name, gamma)
            return nbetas, np.where(word < 2, llc, np.nan)

        def left_it(gamma: float, name: str = name) -> Any:
            gone = read("verdict", name, gamma) == 2
            return nbetas, np.where(gone, 0.4 + 0.5 * start[name], np.nan)

        live.line(right, fair, name=f"line {name}", color=colors[name], lw=1.2)
        live.points(right, fair, name=f"estimate {name}", color=colors[name], markersize=5.5, markeredgewidth=0,
                    label=f"started at {name}")  # fmt: skip
        live.points(right, left_it, name=f"gone {name}", color=colors[name], markersize=5, markerfacecolor="white",
                    markeredgecolor=colors[name], markeredgewidth=1.2)  # fmt: skip
        here, side = places[name], 0.03 if name == "4⁺" else 0.08
        live.points(left, lambda here=here: here, name=f"place of {name}", color=COLORS["truth"], markersize=5,
                    clip_on=False)  # fmt: skip
        live.text(left, lambda here=here, name=name, side=side: (here[0] + side, here[1] + 0.03, name),
                  name=f"name of {name}")  # fmt: skip
    live.line(right, lambda nbeta: ([nbeta, nbeta], [0, 11]), name="now", color=COLORS["truth"], lw=1)
    right.legend(loc="center right", bbox_to_anchor=(1, 0.42), fontsize=9, handletextpad=0.2)
    right.text(nbetas[-1] * 11, 1.5, "hollow: verdict don't", ha="right", fontsize=9, color=COLORS["reference"])

    def caption(start: str, gamma: float, nbeta: float) -> str:
        llc, se, word, stayed = (read(key, start, gamma)[at[nbeta]] for key in ("llc", "se", "verdict", "stayed"))
        return (
            f"nβ = {style.power(nbeta)}, γ = {gamma:g}, chains from {start}: {style.estimate(llc, se)}, verdict "
            f"{LEVELS[int(word)]}. {100 * stayed:.0f} % of the draws roll down to {start}."
        )

    hidden = [f"{part} {name}" for name in SCALE_STARTS for part in ("chains from", "line", "estimate", "gone")]
    return live.caption(caption).with_guess(
        right, "x", "Left of which nβ do chains that start at 4⁺, on a weak spring, leave it?", hides=hidden
    )


def live_training() -> LiveFigure:
    """Slide the training step and the number of samples: the columns of W, the loss, and λ̂ along the run."""
    data = asset("training") | asset("along")
    at = {kind: i for i, kind in enumerate(STARTS)}
    size, step = ({v: i for i, v in enumerate(values)} for values in (N_TRAIN, STEPS.tolist()))
    level, spring = ({v: i for i, v in enumerate(values)} for values in (LEVELS, FIGURE_SPRINGS))
    time = np.maximum(STEPS, 2)

    fig, (plane, left, right) = style.figure(1, 3, height=3.4)
    blank_plane(plane)
    plane.set_title("columns of W")
    for ax, title, top in ((left, "loss Lₙ", 0.38), (right, "λ̂ at nβ = n/log n", 9.9)):
        ax.set(xscale="log", xlim=(1.8, 25_000), ylim=(0, top), title=title, xlabel="training step")
        ax.set_xticks([2, 10, 100, 1000, 10_000], ["0", "10", "10²", "10³", "10⁴"])
        ax.minorticks_off()
    live = LiveFigure(
        fig,
        alt="Left: the six columns of W during training. Middle: the loss against the training step, a staircase going "
        "down. Right: the estimated local learning coefficient, which goes up where the loss goes down; hollow where "
        "the verdict is doubtful, left out where it is don't.",
        run=Menu("start", list(STARTS), start="square, one feature awake"),
        n=Slider("n", N_TRAIN, start=500),
        gamma=Menu("spring γ", {f"{g:g}": g for g in FIGURE_SPRINGS}, start="10"),
        step=Slider("training step", STEPS, start=STEPS[len(STEPS) // 2]),
    )

    def state(run: str, n: int, step: int, step_of: dict[int, int] = step) -> np.ndarray:
        return data["states"][at[run], size[n], step_of[int(step)]].astype(float)

    def losses(run: str, n: int) -> np.ndarray:
        return data["loss"][at[run], size[n]]

    def row(key: str, run: str, n: int, gamma: float) -> np.ndarray:
        return data[key][at[run], size[n], spring[gamma]]

    def shown(run: str, n: int, gamma: float, *words: str) -> tuple[np.ndarray, np.ndarray]:
        said = np.isin(row("verdict", run, n, gamma), [level[word] for word in words])
        return time, np.where(said, row("llc", run, n, gamma), np.nan)

    live.line(plane, lambda run, n, step: outline(state(run, n, step)), name="outline", color=COLORS["muted"])
    live.line(plane, lambda run, n, step: arrows(state(run, n, step)), name="columns", color=COLORS["estimate"])
    live.points(
        plane, lambda run, n, step: tuple(unpack(state(run, n, step))[0]), name="tips", color=COLORS["estimate"]
    )
    live.text(plane, lambda run, n, step: (-1.5, 1.27, name_of(state(run, n, step))), name="name", fontsize=17)
    live.line(left, lambda run, n: (time, losses(run, n)), name="loss", color=COLORS["loss"])
    live.line(
        right, lambda run, n, gamma: shown(run, n, gamma, "trust", "doubtful"), name="llc",
        color=COLORS["estimate"], lw=1.2,
    )  # fmt: skip
    live.points(
        right, lambda run, n, gamma: shown(run, n, gamma, "trust"), name="trusted", color=COLORS["estimate"],
        markersize=4.5, markeredgewidth=0, label="trust",
    )  # fmt: skip
    live.points(
        right, lambda run, n, gamma: shown(run, n, gamma, "doubtful"), name="doubtful", color=COLORS["estimate"],
        markersize=4.5, markerfacecolor="white", markeredgecolor=COLORS["estimate"], markeredgewidth=1.2,
        label="doubtful",
    )  # fmt: skip
    right.legend(loc="upper left", fontsize=9, ncols=2, handletextpad=0.1, columnspacing=1)
    live.points(
        left, lambda run, n, step, s=step: (max(step, 2), losses(run, n)[s[int(step)]]), name="loss now",
        color=COLORS["loss"], markersize=9,
    )  # fmt: skip

    def silence(run: str, n: int, gamma: float) -> tuple[float, float, str]:
        empty = np.isnan(shown(run, n, gamma, "trust", "doubtful")[1]).all()
        return 200, 4.5, "verdict at every step: don't" if empty else ""

    live.text(right, silence, name="silence", ha="center", color=COLORS["reference"])

    def reading_now(run: str, n: int, gamma: float, step: int, s: dict[int, int] = step) -> tuple[float, float]:
        return max(step, 2), shown(run, n, gamma, "trust", "doubtful")[1][s[int(step)]]

    live.points(right, reading_now, name="llc now", color=COLORS["estimate"], markersize=9)

    def caption(run: str, n: int, gamma: float, step: int, s: dict[int, int] = step) -> str:
        i = s[int(step)]
        llc, error, word = (row(key, run, n, gamma)[i] for key in ("llc", "se", "verdict"))
        said = f"λ̂ = {llc:.2f} ± {error:.2f}, verdict {LEVELS[word]}"
        if LEVELS[word] == "don't":
            said = "verdict don't" + (": λ̂ is negative, the chains find something lower" if llc < 0 else "")
        loss, name = losses(run, n)[i], name_of(state(run, n, step))
        return f"n = {style.number(n)}, step {style.number(step)}: {name}, Lₙ = {loss:.3f}, {said}."

    return live.caption(caption)


def live_transition() -> LiveFigure:
    """Guess, then slide n: draws of the posterior, free energies by formula and sampled, the shares of the polygons."""
    data = asset("posterior")
    n, shown = data["shown_n"], data["shown"].astype(float)
    position = {v: i for i, v in enumerate(n)}
    share = data["share"]
    with np.errstate(divide="ignore"):
        sampled = np.log(share[3] / share[2])  # log P(6)/P(5)
    trusted = (share[2] > 0.003) & (share[3] > 0.003)

    fig, (plane, left, right) = style.figure(1, 3, height=3.7)
    blank_plane(plane, 2.5)
    plane.set(title="48 draws of W, by corners")
    left.set(xscale="log", xlim=(9, 4300), ylim=(-8, 21), xlabel="n", title="F − F(6-gon)")
    right.set(xscale="log", xlim=(9, 4300), ylim=(0, 1.16), xlabel="n", title="share by corners")
    right.set_yticks([0, 0.25, 0.5, 0.75, 1])
    left.set_yticks([-5, 0, 5, 10])
    left.axhline(0, color=COLORS["regular"], lw=1.5)
    lines = (
        ("4, formula", free_energy("4", n) - free_energy("6", n), PHASE_COLORS["4"], "-"),
        ("5 with 5⁺, formula", pentagons_above_hexagon(n, counted=False), PHASE_COLORS["5"], "-"),
        ("the same, all constants", pentagons_above_hexagon(n, counted=True), PHASE_COLORS["5"], "--"),
    )
    live = LiveFigure(
        fig,
        alt="Left: the tips of the columns of W in draws from the posterior, coloured by the polygon below each draw. "
        "Middle: free energies of the polygons above that of the 6-gon against n, by the formula and sampled. Right: "
        "the shares of the polygons in the posterior against n.",
        n=Slider("n", n, start=n[np.argmin(np.abs(n - 150))], format=lambda v: style.number(round(v))),
    )
    for label, above, color, dash in lines:
        live.line(left, lambda above=above: (n[above < 10], above[above < 10]), name=label, color=COLORS[color],
                  ls=dash, label=label)  # fmt: skip
    live.points(left, lambda: (n[trusted], sampled[trusted]), name="sampled", color=COLORS["truth"], markersize=3,
                markeredgewidth=0, label="the same, sampled")  # fmt: skip
    left.legend(loc="upper left", bbox_to_anchor=(0, 0.92), fontsize=8.5, handlelength=1.6, borderpad=0,
                handletextpad=0.4, labelspacing=0.25)  # fmt: skip
    for s, (label, color) in zip(share, BY_CORNERS.items(), strict=True):
        live.line(right, lambda s=s: (n, s), name=f"share {label}", color=COLORS[color], label=label)
    right.legend(loc="upper left", fontsize=8.5, handlelength=1.2, borderpad=0, ncols=4, columnspacing=0.8,
                 handletextpad=0.4)  # fmt: skip
    clouds = [_turned(draws, k) for draws, k in zip(shown, data["shown_k"], strict=True)]
    for k, (label, color) in enumerate(BY_CORNERS.items(), 3):
        live.points(
            plane, lambda n, k=k: clouds[position[n]][k], name=f"draws {label}", color=COLORS[color], markersize=4,
            alpha=0.65, markeredgewidth=0, label=label,
        )  # fmt: skip
    plane.legend(loc="lower center", fontsize=9, ncols=4, handletextpad=0, columnspacing=0.8, borderpad=0.1)
    for ax, span in ((left, (-8, 10.5)), (right, (0, 1))):
        live.line(ax, lambda n, span=span: ([n, n], span), name=f"now {span[0]}", color=COLORS["truth"], lw=1)

    def caption(n: float) -> str:
        i = position[n]
        formula = min(("4", "5", "5⁺", "6"), key=lambda name: free_energy(name, n))
        return (
            f"n = {style.number(round(n))}: the formula prefers the {formula}-gon. In the posterior "
            f"{100 * share[2, i]:.0f} % are 5-gons and {100 * share[3, i]:.0f} % are 6-gons."
        )

    hidden = [f"share {k}" for k in BY_CORNERS] + [f"draws {k}" for k in BY_CORNERS]
    return live.caption(caption).with_guess(
        left, "x", "At which n does the sampled posterior go over from 5-gons to the 6-gon?",
        hides=["sampled", "the same, all constants", *hidden],
    )  # fmt: skip


def _turned(draws: np.ndarray, corners_of: np.ndarray) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """The tips of all columns of several W, each W turned to fit its own regular polygon; a dict by corners."""
    W, _ = unpack(draws)
    z = W[:, 0] + 1j * W[:, 1]
    found = {}
    for k in (3, 4, 5, 6):
        mine = z[np.maximum(corners_of, 3) == k]
        fit = (np.abs(mine) * (mine / np.abs(mine)) ** k).sum(1, keepdims=True)
        mine = (mine * np.exp(-1j * np.angle(fit) / k)).ravel()
        found[k] = (mine.real, mine.imag)
    return found
