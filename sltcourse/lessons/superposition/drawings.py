"""The static pictures of lesson 08, and how a polygon is drawn."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.superposition.kept import asset
from sltcourse.llc import LLCResult
from sltcourse.theory.superposition_model import (
    COEFFICIENTS,
    FEATURES,
    POLYGONS,
    SHAPES,
    name_of,
    population_loss,
    unpack,
)

COLORS = style.COLORS


PHASE_COLORS = {
    "4": "theory",
    "4⁺": "highlight",
    "4⁺⁺": "loss",
    "5": "singular",
    "5⁺": "posterior",
    "6": "regular",
}  # the same in all pictures of the lesson
BY_CORNERS = {"≤ 3": "reference", "4": "theory", "5": "singular", "6": "regular"}


def arrows(w: np.ndarray) -> tuple[np.ndarray, ...]:
    """The columns of W as one broken line, from the origin to each tip."""
    W, _ = unpack(w)
    nothing = np.zeros(W.shape[1])
    return tuple(np.stack([nothing, x, nothing + np.nan], 1).ravel() for x in W)


def outline(w: np.ndarray) -> tuple[np.ndarray, ...]:
    """The polygon through the tips of the columns longer than ½, in order of angle."""
    W, _ = unpack(w)
    W = W[:, np.hypot(*W) > 0.5]
    W = W[:, np.argsort(np.arctan2(*W[::-1]))]
    return tuple(np.append(x, x[:1]) for x in W)


def blank_plane(ax: Axes, size: float = 1.6) -> None:
    ax.set(xlim=(-size, size), ylim=(-size, size), xticks=[], yticks=[], aspect="equal", anchor="N")
    ax.spines[:].set_visible(False)
    ax.grid(False)


def draw_polygons() -> Figure:
    """The six polygons of the table, a figure: columns of W, and a ring for each feature with a positive bias."""
    fig, axes = style.figure(1, 6, height=1.9)
    for ax, (name, w) in zip(axes, POLYGONS.items(), strict=True):
        blank_plane(ax, 1.55)
        ax.plot(*outline(w), color=COLORS["muted"])
        ax.plot(*arrows(w), color=COLORS["estimate"])
        ax.plot(*outline(w), "o", color=COLORS["estimate"], markersize=4)
        k, plus = SHAPES[name]
        for i in range(6 - k):
            x = (i - (5 - k) / 2) * 0.45
            ax.plot(x, -1.38, "o", mec=COLORS["singular"], mfc="white" if i < plus else COLORS["muted"], markersize=6)
        ax.set_title(f"{name}  {population_loss(w)[0]:.5f}", fontsize=10, loc="center")
        for side in ax.spines.values():
            side.set_visible(False)
    fig.set_label(
        "The six polygons with their losses: "
        + ", ".join(f"{name} {population_loss(w)[0]:.4f}" for name, w in POLYGONS.items())
        + ". Open circles are features that only guess, filled ones dead features."
    )
    return fig


def draw_temperatures() -> Figure:
    """λ̂ at every nβ of the asset, a figure: left the square's family, right the others, dashed the derived λ."""
    data = asset("temperatures")
    nbeta = np.array(data["nbeta"])
    fig, axes = style.figure(1, 2, sharey=True)
    for ax, names in zip(axes, (("4", "4⁺", "4⁺⁺"), ("5", "5⁺", "6")), strict=True):
        for i, name in enumerate(names):
            color = COLORS[PHASE_COLORS[name]]
            llc, se, below = (np.array(data[name][key]) for key in ("llc", "se", "below"))
            at, stays = nbeta * 1.17 ** (i - 1), (below < 0.05) & (llc > 0)
            ax.errorbar(at[stays], llc[stays], 2 * se[stays], fmt="o", color=color, label=name, markersize=4.5)
            gone = np.full((~stays).sum(), 3.5 - 0.25 * i)
            ax.plot(at[~stays], gone, "o", mec=color, mfc="white", markersize=4.5)
            ax.axhline(COEFFICIENTS[name], color=color, ls="--", lw=1)
        ax.set(xscale="log", xlabel="nβ", ylim=(2.7, 12), xlim=(60, 2e8))
        ax.legend(loc="upper right", ncols=3)
    axes[0].text(3e8 / 2, 3.25, "hollow: the chains left", ha="right", va="center", color=COLORS["reference"])
    axes[0].set_ylabel("λ̂ = nβ (E[L] − L(w*))")
    fig.set_label(
        "Estimates of the six polygons against nβ. All settle on their λ as nβ grows; at small nβ the chains of 4⁺ and "
        "4⁺⁺ leave, and the 6-gon reads above 9."
    )
    return fig


def draw_losses(steps: np.ndarray, path: np.ndarray) -> Figure:
    """The losses (log scales) of many networks against the step, a figure: coloured by where they end.

    ``steps`` (S,), ``path`` (S, networks, 3c). At c = 6 an end has its name, else its number of columns.
    """
    fig, ax = style.figure(height=3.8)
    ends = np.array([name_of(w) for w in path[-1]])
    if path.shape[-1] != 3 * FEATURES:
        ends = np.array([name.rstrip("⁺") for name in ends])
    loss = population_loss(path)[0]
    low, high = 0.9 * max(loss.min(), 1e-3), 1.08 * loss.max()
    above, line = np.inf, (high / low) ** 0.06  # the height of a line of text
    for name in sorted(set(ends), key=lambda name: -np.median(loss[-1, ends == name])):
        mine = ends == name
        color = COLORS[PHASE_COLORS.get(name, "posterior")]
        ax.plot(steps, loss[:, mine], color=color, lw=0.7, alpha=0.5)
        above = level = min(np.median(loss[-1, mine]), above / line)  # names stand apart
        ax.text(1.05 * steps[-1], level, f"{name}: {mine.sum()} of {len(ends)}", color=color, va="center")
    c = path.shape[-1] // 3
    ax.axhline(1 / 3 - 1 / (4 * c), color=COLORS["reference"], ls="--", lw=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=(1, steps[-1]), ylim=(low, high))
    ax.set(xlabel="training step", ylabel="loss L")
    ticks = [t for t in (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3) if low <= t <= loss.max()]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    counts = ", ".join(f"{name} in {(ends == name).sum()}" for name in sorted(set(ends)))
    fig.set_label(
        f"Losses of {len(ends)} networks, both axes logarithmic: a plateau, a steep fall, for some a second halt and "
        f"a second fall. They end at {counts}."
    )
    return fig


def draw_run(steps: np.ndarray, states: np.ndarray, results: Sequence[LLCResult]) -> Figure:
    """One training run, a figure: the loss falls on the left, λ̂ rises on the right, with two standard errors.

    Filled where the verdict is trust, hollow where it is doubtful; what has the verdict don't is left out.
    """
    fig, (left, right) = style.figure(1, 2, height=3.4)
    time, names = np.maximum(steps, 10), [name_of(w) for w in states]
    loss = np.array([r.init_loss for r in results])
    left.plot(time, loss, "o-", color=COLORS["loss"], markersize=4.5)
    for word, face in (("trust", COLORS["estimate"]), ("doubtful", "white")):
        these = [i for i, r in enumerate(results) if r.verdict.word == word]
        llc, se = np.array([(results[i].llc, results[i].std_error) for i in these]).reshape(-1, 2).T
        right.errorbar(time[these], llc, 2 * se, fmt="o", color=COLORS["estimate"], mfc=face, markersize=5, label=word)
    for i, name in enumerate(names):
        if i == 0 or name != names[i - 1]:
            left.annotate(name, (time[i], loss[i]), (0, 8), textcoords="offset points", color=COLORS["loss"])
    for ax, title in ((left, "loss Lₙ"), (right, "estimate λ̂")):
        ax.set(xscale="log", xlabel="training step", title=title, xlim=(8, 25_000))
        ax.set_xticks([10, 100, 1000, 10_000], ["0", "10²", "10³", "10⁴"])
        ax.minorticks_off()
        ax.margins(y=0.18)
    right.legend(loc="lower right")
    settled = [r for r in results[1:] if r.verdict.word != "don't"]
    fig.set_label(
        f"One run. Left: the loss halts as a {names[len(names) // 2]} and ends as a {names[-1]}. Right: the estimate"
        + (
            f", {settled[0].llc:.1f} at first and {settled[-1].llc:.1f} at the end."
            if settled
            else ": none is trusted."
        )
    )
    return fig


def draw_transitions() -> Figure:
    """The two kinds of transition, a figure: shares of the polygons against n, in the posterior and after training."""
    posterior, training = asset("posterior"), asset("training")
    ends = training["ends"] / training["ends"].sum(1, keepdims=True)
    fig, (left, right) = style.figure(1, 2, height=3.3, sharey=True)
    for i, (label, color) in enumerate(BY_CORNERS.items()):
        left.plot(posterior["shown_n"], posterior["share"][i], color=COLORS[color], label=label)
        right.plot(training["end_sizes"], ends[:, i], "o-", color=COLORS[color], lw=1, markersize=5, label=label)
    for ax, title in ((left, "in the posterior"), (right, "where training ends, from near zero")):
        ax.set(xscale="log", xlabel="n", title=title, xlim=(9, 4_900), ylim=(-0.03, 1.03))
    left.set_ylabel("share")
    left.legend(title="corners", loc="center right")
    fig.set_label(
        "Left: shares of the polygons in the posterior against n; squares lead until 50, pentagons until 250, then "
        "hexagons take all. Right: where training ends; squares lead up to n = 100, pentagons from 200 on, and "
        f"hexagons are never more than {training['ends'][:, 3].max()} of 100."
    )
    return fig
