"""The static pictures of lesson 10."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sltcourse.kit import style
from sltcourse.lessons.developmental_stages.kept import (
    COLUMNS,
    HEAD_STEPS,
    HEADS,
    LLC_SETTINGS,
    PYTHON_STEPS,
    SPRINGS,
    asset,
)
from sltcourse.lessons.developmental_stages.models import ALL, KINDS, between_rules, weighted_llc
from sltcourse.llc.verdict import LEVELS
from sltcourse.zoo import COPIER_STEPS, LANGUAGE

COLORS = style.COLORS
LINE_COLORS = {"uniform": "prior", "unigram": "reference", "bigram": "regular", "Bayes": "truth"}
KIND_COLORS = dict(zip(KINDS, ("loss", "theory", "singular"), strict=True))
FIRST = 10  # where step 0 stands on a log axis
HEAD_NAMES = [f"{layer}.{head}" for layer in (0, 1) for head in range(4)]


def log_steps(ax: Axes, last: int) -> None:
    """A log axis of training steps, on which step 0 stands at ``FIRST``."""
    ax.set(xscale="log", xlim=(FIRST * 0.85, last * 1.2), xlabel="training step")
    ticks = [t for t in (20, 100, 500, 2000) if t <= last]
    ax.set_xticks([FIRST, *ticks], ["0", *(style.number(t) for t in ticks)])
    ax.minorticks_off()


def at_steps(steps: Any) -> np.ndarray:
    """Where steps stand on such an axis."""
    return np.maximum(np.asarray(steps, float), FIRST)


def draw_lines(ax: Axes, lines: dict[str, float], last: int) -> None:
    """Dashed lines across, each with its name at the right end."""
    for name, value in lines.items():
        ax.axhline(value, color=COLORS[LINE_COLORS.get(name, "theory")], lw=1.2, ls="--", zorder=1)
        above = "top" if name in ("unigram", "Bayes") else "bottom"
        x, side = (FIRST, "left") if name == "trigram" else (last * 1.15, "right")  # where the curve is not
        ax.text(x, value, name, ha=side, va=above, fontsize=9,
                color=COLORS[LINE_COLORS.get(name, "theory")])  # fmt: skip


def show_stages() -> None:
    """The kept run: the loss with the four exact lines, and the loss by what is asked."""
    kept = asset("copier")
    fig, (left, right) = style.figure(1, 2, height=3.7)
    steps = at_steps(COPIER_STEPS)
    left.plot(steps, kept["loss"], "o-", color=COLORS["loss"], markersize=3.5)
    for ax, title in ((left, "mean loss, nats"), (right, "loss by what is asked")):
        log_steps(ax, COPIER_STEPS[-1])
        ax.set(title=title)
    draw_lines(left, LANGUAGE.lines, COPIER_STEPS[-1])
    for k, (name, color) in enumerate(KIND_COLORS.items()):
        right.plot(steps, kept["by_kind"][:, k], "o-", color=COLORS[color], markersize=3.5, label=name)
        right.axhline(LANGUAGE.floors[k], color=COLORS[color], lw=1.2, ls="--")
    left.set_ylim(2.1, 4.1)
    right.set_ylim(-0.1, 4.3)
    right.legend(loc="lower left", bbox_to_anchor=(0, 0.05))
    fig.set_label(
        "Left: the loss falls from 3.9 to the bigram line within 300 steps, stays just below it to step 500, and drops "
        "to the Bayes line between 500 and 800. Right: the drop is that of the loss after names seen before, from "
        f"2.4 to {kept['by_kind'][-1, 2]:.1f}; the two other losses stay near their floors."
    )
    style.show(fig)


def show_scores(previous: np.ndarray, induction: np.ndarray, steps: Any) -> None:
    """Scores of all heads over training: ``previous`` and ``induction`` (steps, layers, heads)."""
    fig, axes = style.figure(1, 2, height=3.3, sharey=True)
    for ax, scores, layer, title in zip(axes, (previous, induction), (0, 1), ("one place back, layer 0",
                                        "behind the earlier name, layer 1"), strict=True):  # fmt: skip
        for head in range(4):
            ax.plot(steps, scores[:, layer, head], "o-", markersize=3.5, label=f"head {layer}.{head}")
        ax.set(title=title, xlabel="training step", ylim=(0, 1))
        ax.legend(fontsize=9)
    axes[0].set_ylabel("share of attention")
    fig.set_label(
        f"Scores of the heads from step {steps[0]} to {steps[-1]}. One place back, layer 0: from "
        f"{previous[0, 0].max():.2f} to {previous[-1, 0].max():.2f} in the best head. Behind the earlier "
        f"name, layer 1: from {induction[0, 1].max():.2f} to {induction[-1, 1].max():.2f}."
    )
    style.show(fig)


def along(spring: float = LLC_SETTINGS["spring"]) -> dict[str, np.ndarray]:
    """λ̂ along training at γ = ``spring``: ``COLUMNS`` by name, over ``LLC_SETTINGS["steps"]``."""
    at_first = spring == LLC_SETTINGS["spring"]
    rows = asset("along")["rows"] if at_first else asset("springs")["rows"][list(SPRINGS).index(spring)]
    return dict(zip(COLUMNS, rows.T, strict=True))


def draw_along(ax: Axes, read: dict[str, np.ndarray]) -> None:
    """λ̂ and λ̂ − tilt, with two errors; hollow where the verdict is doubtful, a cross where it is don't."""
    steps = at_steps(LLC_SETTINGS["steps"])
    for values, error, color, label in ((read["llc"], read["error"], "estimate", "λ̂"),
                                        (read["curved"], read["curved_error"], "posterior", "λ̂ − tilt")):  # fmt: skip
        ax.errorbar(steps, values, 2 * error, color=COLORS[color], lw=1.4, elinewidth=1.2, label=label)
        for word, face in ((0, COLORS[color]), (1, "white"), (2, "white")):
            at = read["word"] == word
            ax.plot(steps[at], values[at], "x" if word == 2 else "o", color=COLORS[color], markerfacecolor=face)


def agreement(read: dict[str, np.ndarray]) -> str:
    """How far apart the R-hat of several readings lie, for a title."""
    return f"R-hat {read['rhat'].min():.2f} to {read['rhat'].max():.2f}"


def in_words(read: dict[str, np.ndarray]) -> str:
    """Each λ̂ and λ̂ − tilt of ``along`` with its step, R-hat and verdict, for an alternative text."""
    rows = zip(LLC_SETTINGS["steps"], *(read[n] for n in ("llc", "curved", "rhat", "word")), strict=True)
    return ", ".join(f"{style.number(s)}: {v:.1f} and {c:.1f} (R-hat {r:.2f}, {LEVELS[int(w)]})" for s, v, c, r, w in
                     rows)  # fmt: skip


def show_along() -> None:
    """λ̂ of the copier along training, and λ̂ minus its tilt, with two errors; hollow where the verdict is doubtful."""
    read, kept = along(), asset("copier")
    fig, (left, right) = style.figure(1, 2, height=3.6)
    for ax in (left, right):
        log_steps(ax, COPIER_STEPS[-1])
    left.plot(at_steps(COPIER_STEPS), kept["loss"], "o-", color=COLORS["loss"], markersize=3.5)
    left.set(title="mean loss, nats", ylim=(2.1, 4.1))
    draw_lines(left, LANGUAGE.lines, COPIER_STEPS[-1])
    draw_along(right, read)
    right.set_title(f"nβ = {LLC_SETTINGS['nbeta']:g}, γ = {LLC_SETTINGS['spring']:g}; {agreement(read)}")
    right.legend()
    fig.set_label(f"Left: the loss. Right: λ̂ and λ̂ − tilt by training step, with the verdict. {in_words(read)}.")
    style.show(fig)


def show_springs() -> None:
    """λ̂ and λ̂ − tilt along training at several γ, side by side."""
    springs = sorted([LLC_SETTINGS["spring"], *SPRINGS])
    fig, axes = style.figure(1, len(springs), height=3.5)
    said = []
    for ax, spring in zip(axes, springs, strict=True):
        read = along(spring)
        log_steps(ax, COPIER_STEPS[-1])
        draw_along(ax, read)
        ax.set_title(f"γ = {style.number(spring)}; {agreement(read)}")
        said.append(f"γ = {style.number(spring)}: {in_words(read)}")
    axes[0].legend()
    fig.set_label("λ̂ and λ̂ − tilt by training step. " + ". ".join(said) + ".")
    style.show(fig)


def along_table() -> style.table:
    """λ̂ along training, with its error, R-hat and verdict: a row for each step."""
    read = along()
    rows = [
        [
            style.number(step),
            style.estimate(read["llc"][i], read["error"][i]),
            f"{read['tilt'][i]:.1f}".replace("-", "−"),
            style.estimate(read["curved"][i], read["curved_error"][i]),
            f"{read['rhat'][i]:.2f}",
            LEVELS[int(read["word"][i])],
        ]
        for i, step in enumerate(LLC_SETTINGS["steps"])
    ]
    return style.table(rows, ["step", "λ̂", "tilt", "λ̂ − tilt", "R-hat", "verdict"])


def head_table(step: int, of: int = 0) -> list[tuple[float, float]]:
    """(λ̂ − tilt, its error) of the eight heads at a step, for all places (0) or one of ``KINDS`` (1, 2, 3)."""
    return [weighted_llc(drawn, HEADS["nbeta"], of)[1] for drawn in asset("heads")["losses"][HEAD_STEPS.index(step)]]


def show_heads() -> None:
    """λ̂ − tilt of every head alone at three steps, on all places and after names seen before, with two errors.

    A cross where the tilt takes off more than it leaves.
    """
    fig, axes = style.figure(1, 2, height=3.5)
    said = []
    for ax, of, title in zip(axes, (0, 3), ("on all places", "after names seen before"), strict=True):
        worth = []
        for i, (step, color) in enumerate(zip(HEAD_STEPS, ("prior", "theory", "estimate"), strict=True)):
            read = [weighted_llc(drawn, HEADS["nbeta"], of) for drawn in asset("heads")["losses"][i]]
            worth += [effective for *_, effective in read]
            for k, ((value, _), (curved, error), _) in enumerate(read):
                ax.errorbar(k + 0.2 * (i - 1), curved, 2 * error, fmt="x" if value < curved / 2 else "o", markersize=5,
                            color=COLORS[color])  # fmt: skip
            ax.plot([], [], "o", markersize=5, color=COLORS[color], label=f"step {style.number(step)}")
            said.append(f"{title}, step {step}: " + ", ".join(
                f"{name} {curved:.2f}{' (a cross)' if value < curved / 2 else ''}"
                for name, ((value, _), (curved, _), _) in zip(HEAD_NAMES, read, strict=True)))  # fmt: skip
        draws = f"{HEADS['draws']} draws worth {min(worth):.0f} to {max(worth):.0f}"
        said[-1] += f"; {draws}"
        ax.set(title=f"λ̂ − tilt, {title}", xlabel=f"head; {draws}", xticks=range(8), xticklabels=HEAD_NAMES)
        ax.axvline(3.5, color=COLORS["muted"], lw=1)
        ax.set_ylim(bottom=0)
    axes[0].legend(fontsize=9, loc="upper center", ncols=3, handletextpad=0.1, columnspacing=0.8)
    axes[0].set_ylim(top=3.4)
    fig.set_label(". ".join(said) + ".")
    style.show(fig)


def show_diversity(mine: tuple[int, float, float] | None = None) -> None:
    """Distance of trained networks to ridge and to dMMSE against M; ``mine``: (M, to ridge, to dMMSE)."""
    kept = asset("regression")
    many = [int(m) for m in kept["diversity"]]
    rows = np.array([kept[f"rows_{m}"][-1] for m in many])
    x = np.array([256 if m == ALL else m for m in many], float)
    fig, ax = style.figure(1, 1, height=3.6)
    for k, (name, color) in enumerate((("to ridge", "regular"), ("to dMMSE", "singular"))):
        show = x > 0 if k == 0 else x < 256
        ax.errorbar(x[show], rows[show, 1 + k], 2 * rows[show, 3 + k], fmt="o-", color=COLORS[color], label=name)
        if mine:
            ax.plot(mine[0], mine[1 + k], "*", color=COLORS[color], markersize=14, markeredgecolor="white")
    between = between_rules()
    ax.plot(x[:-1], between, "--", color=COLORS["reference"], lw=1.4, label="between the two rules")
    ax.set(xscale="log", xlabel="task diversity M", ylabel="mean squared distance", ylim=(0, None))
    ax.set_xticks(x, ["∞" if m == ALL else str(m) for m in many])
    ax.minorticks_off()
    ax.legend()
    fig.set_label("Distances on new tasks by M. " + ", ".join(
        f"M = {'infinity' if m == ALL else m}: ridge {r[1]:.2f}" + ("" if m == ALL else f", dMMSE {r[2]:.2f}")
        for m, r in zip(many, rows, strict=True)) + ". Between the two rules: "
        + ", ".join(f"{m}: {b:.2f}" for m, b in zip(many, between, strict=False)) + ".")  # fmt: skip
    style.show(fig)


def show_long_run() -> None:
    """One long run at M = 16: the two distances along training."""
    rows = asset("regression")["rows_long"]
    fig, ax = style.figure(1, 1, height=3.2)
    for k, (name, color) in enumerate((("to ridge", "regular"), ("to dMMSE", "singular"))):
        ax.plot(rows[1:, 0], rows[1:, 1 + k], color=COLORS[color], label=name)
        ax.fill_between(rows[1:, 0], rows[1:, 1 + k] - 2 * rows[1:, 3 + k], rows[1:, 1 + k] + 2 * rows[1:, 3 + k],
                        color=COLORS[color], alpha=0.2, lw=0)  # fmt: skip
    ax.set(xlabel="training step", ylabel="mean squared distance", ylim=(0, None), title="M = 16")
    ax.legend()
    nearest = rows[rows[:, 1].argmin()]
    fig.set_label(
        f"Distances along training at M = 16, of {rows[-1, 0]:.0f} steps. To ridge: least {nearest[1]:.3f} at step "
        f"{nearest[0]:.0f}, {rows[-1, 1]:.3f} at the end. To dMMSE: {rows[-1, 2]:.3f} at the end."
    )
    style.show(fig)


def show_python() -> None:
    """The network that reads Python: loss with its lines, distance from n-grams, scores of the heads."""
    kept, steps = asset("python"), at_steps(PYTHON_STEPS)
    apart = np.array(PYTHON_STEPS) != FIRST  # step 0 stands there
    last = PYTHON_STEPS[-1]
    fig, axes = style.figure(1, 3, height=3.5)
    for ax, title in zip(axes, ("loss, nats", "distance from n-grams, nats", "best head's score"), strict=True):
        log_steps(ax, last)
        ax.set_xticks([FIRST, 100, 1000], ["0", "100", "1 000"])
        ax.set_title(title)
    axes[0].plot(steps[apart], kept["loss"][apart], "o-", color=COLORS["loss"], markersize=3)
    names = ("uniform", "unigram", "bigram", "trigram")
    draw_lines(axes[0], dict(zip(names, kept["lines"].tolist(), strict=True)), last)
    for name, color in (("unigram", "reference"), ("bigram", "regular")):
        axes[1].plot(steps[apart], kept[f"to_{name}"][apart], "o-", markersize=3, color=COLORS[color], label=name)
    axes[1].set_ylim(0, 4.6)
    scores = {"one place back": kept["previous"].max((1, 2)), "behind the earlier token": kept["induction"].max((1, 2))}
    for (name, values), color in zip(scores.items(), ("estimate", "singular"), strict=True):
        axes[2].plot(steps[apart], values[apart], "o-", markersize=3, color=COLORS[color], label=name)
    axes[2].set_ylim(0, 1)
    for ax in axes[1:]:
        ax.legend(fontsize=9, loc="upper left", ncols=1 if ax is axes[2] else 2)
    near = {name: PYTHON_STEPS[int(kept[f"to_{name}"].argmin())] for name in ("unigram", "bigram")}
    fig.set_label(
        f"The loss of the Python reader falls from {kept['loss'][0]:.1f} to {kept['loss'][-1]:.2f}. It is nearest to "
        f"the unigrams at step {near['unigram']}, to the bigrams at step {near['bigram']}. At the end the best head "
        f"looks one place back with {scores['one place back'][-1]:.2f} of its attention, and behind the earlier token "
        f"with {scores['behind the earlier token'][-1]:.2f}."
    )
    style.show(fig)
