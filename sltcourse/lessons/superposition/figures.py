"""The live figures of lesson 08."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.superposition.drawings import BY_CORNERS, PHASE_COLORS, arrows, blank_plane, outline
from sltcourse.lessons.superposition.kept import FIGURE_SPRINGS, N_TRAIN, STARTS, STEPS, asset
from sltcourse.lessons.superposition.models import loss_parts, pentagons_above_hexagon
from sltcourse.llc.verdict import LEVELS
from sltcourse.theory.superposition_model import POLYGONS, free_energy, name_of, polygon, population_loss, unpack

COLORS = style.COLORS


def live_polygon():
    """Length and bias of a k-gon on sliders: the columns, every output when feature 1 is on, the parts of the loss."""
    lengths, biases = np.round(np.arange(0.7, 1.51, 0.025), 3), np.round(np.arange(-0.9, 0.31, 0.05), 2)
    fig, (left, right, parts) = style.figure(1, 3, width_ratios=[0.8, 1, 0.72])
    blank_plane(left)
    left.set_title("columns of W")
    right.plot([0, 1], [0, 1], color=COLORS["truth"], lw=1, ls="--", zorder=5, label="output 1 should say")
    right.set(xlim=(0, 1), ylim=(-0.06, 2.75), xlabel="μ, the size of feature 1", title="outputs")
    names, widest = ("given up", "wanted,\nbut wrong", "leaked"), 0.3
    parts.set(xlim=(0, widest), ylim=(-0.6, 2.6), xlabel="part of L", title="parts of the loss")
    parts.set_yticks([2, 1, 0], names)
    parts.set_xticks([0, 0.1, 0.2, 0.3])
    parts.tick_params(axis="y", length=0)
    parts.grid(False, axis="y")
    live = LiveFigure(
        fig,
        alt="Left: the columns of W as arrows to the corners of a regular polygon. Middle: outputs against the input; "
        "a negative bias silences the neighbours and shrinks the wanted output. Right: three bars, the parts of the "
        "loss: features given up, wanted outputs that are wrong, and what leaks into the others.",
        k=Menu("corners", {"4": 4, "5": 5, "6": 6}, start="5"),
        length=Slider("length l", lengths, start=1.0),
        bias=Slider("bias b", biases, start=0.0),
    )

    def output(k, length, bias, j):
        g = length**2 * np.cos(2 * np.pi * j / k)
        at = min(max(-bias / g, 0), 1) if abs(g) > 1e-9 else 0
        mu = np.array([0, at, 1])
        return mu, np.maximum(g * mu + bias, 0)

    live.line(left, lambda k, length: outline(polygon(k, length, 0)), name="outline", color=COLORS["muted"])
    live.line(left, lambda k, length: arrows(polygon(k, length, 0)), name="columns", color=COLORS["estimate"])
    live.points(
        left, lambda k, length: outline(polygon(k, length, 0)), name="tips", color=COLORS["estimate"], markersize=8
    )
    nothing = (np.array([np.nan]), np.array([np.nan]))
    looks = (
        ("output 1", "estimate", 2.6, {4: 0, 5: 0, 6: 0}),
        ("its two neighbours", "singular", 2.2, {4: 1, 5: 1, 6: 1}),
        ("the next two (5- and 6-gon)", "posterior", 1.7, {5: 2, 6: 2}),
        ("the opposite one (4- and 6-gon)", "regular", 1.2, {4: 2, 6: 3}),
    )
    for label, color, width, which in looks:
        live.line(
            right,
            lambda k, length, bias, which=which: output(k, length, bias, which[k]) if k in which else nothing,
            name=label, color=COLORS[color], label=label, lw=width,
        )  # fmt: skip
    right.legend(loc="upper left", fontsize=9, handlelength=1.4)
    for i, (name, color) in enumerate(zip(names, ("reference", "estimate", "singular"), strict=True)):

        def bar(k, length, bias, i=i):
            width = min(loss_parts(k, length, bias)[i], 2 * widest)
            return np.array([0, width, width, 0]), 2 - i + np.array([-0.3, -0.3, 0.3, 0.3])

        def value(k, length, bias, i=i):
            part = loss_parts(k, length, bias)[i]
            inside = part < 0.6 * widest
            return (part if inside else 0.02 * widest) + 0.01, 2 - i, f"{max(part, 0):.3f}"

        live.fill(parts, bar, name=name.replace("\n", " "), color=COLORS[color], alpha=0.55)
        live.text(parts, value, name=f"{name} in numbers", va="center", fontsize=10)

    def caption(k, length, bias):
        loss, best = population_loss(polygon(k, length, bias))[0], population_loss(POLYGONS[str(k)])[0]
        return (
            f"{k} corners, l = {length:.3f}, b = {style.number(bias)}: loss {loss:.4f}. "
            f"The best {k}-gon has {best:.4f}."
        )

    return live.caption(caption)


def live_training():
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

    def state(run, n, step, step_of=step):
        return data["states"][at[run], size[n], step_of[int(step)]].astype(float)

    def losses(run, n):
        return data["loss"][at[run], size[n]]

    def row(key, run, n, gamma):
        return data[key][at[run], size[n], spring[gamma]]

    def shown(run, n, gamma, *words):
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

    def silence(run, n, gamma):
        empty = np.isnan(shown(run, n, gamma, "trust", "doubtful")[1]).all()
        return 200, 4.5, "verdict at every step: don't" if empty else ""

    live.text(right, silence, name="silence", ha="center", color=COLORS["reference"])

    def reading_now(run, n, gamma, step, s=step):
        return max(step, 2), shown(run, n, gamma, "trust", "doubtful")[1][s[int(step)]]

    live.points(right, reading_now, name="llc now", color=COLORS["estimate"], markersize=9)

    def caption(run, n, gamma, step, s=step):
        i = s[int(step)]
        llc, error, word = (row(key, run, n, gamma)[i] for key in ("llc", "se", "verdict"))
        said = f"λ̂ = {llc:.2f} ± {error:.2f}, verdict {LEVELS[word]}"
        if LEVELS[word] == "don't":
            said = "verdict don't" + (": λ̂ is negative, the chains find something lower" if llc < 0 else "")
        loss, name = losses(run, n)[i], name_of(state(run, n, step))
        return f"n = {style.number(n)}, step {style.number(step)}: {name}, Lₙ = {loss:.3f}, {said}."

    return live.caption(caption)


def live_transition():
    """Slide n: the formula's free energies cross at 601, the sampled posterior's polygon changes earlier."""
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
    left.set(xscale="log", xlim=(9, 4300), ylim=(-8, 19), xlabel="n", title="F − F(6-gon)")
    right.set(xscale="log", xlim=(9, 4300), ylim=(0, 1.16), xlabel="n", title="share by corners")
    right.set_yticks([0, 0.25, 0.5, 0.75, 1])
    left.set_yticks([-5, 0, 5, 10])
    left.axhline(0, color=COLORS["regular"], lw=1.5)
    for label, above, color, dash in (
        ("4, formula", free_energy("4", n) - free_energy("6", n), PHASE_COLORS["4"], "-"),
        ("5 with 5⁺, formula", pentagons_above_hexagon(n, counted=False), PHASE_COLORS["5"], "-"),
        ("the same, all constants", pentagons_above_hexagon(n, counted=True), PHASE_COLORS["5"], "--"),
    ):
        left.plot(n[above < 10], above[above < 10], dash, color=COLORS[color], label=label)
    left.plot(n[trusted], sampled[trusted], "o", color=COLORS["truth"], markersize=3, label="the same, sampled")
    left.legend(loc="upper left", fontsize=8.5, handlelength=1.6, borderpad=0, handletextpad=0.4, labelspacing=0.25)
    for s, (label, color) in zip(share, BY_CORNERS.items(), strict=True):
        right.plot(n, s, color=COLORS[color], label=label)
    right.legend(loc="upper left", fontsize=8.5, handlelength=1.2, borderpad=0, ncols=4, columnspacing=0.8,
                 handletextpad=0.4)  # fmt: skip
    live = LiveFigure(
        fig,
        alt="Left: the tips of the columns of W in draws from the posterior, coloured by the polygon below each draw: "
        "a cloud at small n, then five clusters beside six, six alone beyond 500. Middle: free energies of the "
        "polygons by the formula cross at n = 601, the sampled ones near 250. Right: the shares of the polygons in "
        "the posterior.",
        n=Slider("n", n, start=n[np.argmin(np.abs(n - 150))], format=lambda v: style.number(round(v))),
    )
    clouds = [_turned(draws, k) for draws, k in zip(shown, data["shown_k"], strict=True)]
    for k, (label, color) in enumerate(BY_CORNERS.items(), 3):
        live.points(
            plane, lambda n, k=k: clouds[position[n]][k], name=f"draws {label}", color=COLORS[color], markersize=4,
            alpha=0.65, markeredgewidth=0, label=label,
        )  # fmt: skip
    plane.legend(loc="lower center", fontsize=9, ncols=4, handletextpad=0, columnspacing=0.8, borderpad=0.1)
    for ax, span in ((left, (-8, 10.5)), (right, (0, 1))):
        live.line(ax, lambda n, span=span: ([n, n], span), name=f"now {span[0]}", color=COLORS["truth"], lw=1)

    def caption(n):
        i = position[n]
        formula = min(("4", "5", "5⁺", "6"), key=lambda name: free_energy(name, n))
        return (
            f"n = {style.number(round(n))}: the formula prefers the {formula}-gon. In the posterior "
            f"{100 * share[2, i]:.0f} % are 5-gons and {100 * share[3, i]:.0f} % are 6-gons."
        )

    return live.caption(caption)


def _turned(draws, corners_of):
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
