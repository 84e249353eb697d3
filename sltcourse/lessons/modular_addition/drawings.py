"""The static pictures of lesson 09."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sltcourse.kit import style
from sltcourse.lessons.modular_addition.kept import DECAY, STEPS, P, along, controls, readings, training
from sltcourse.llc.pictures import looks_of
from sltcourse.llc.verdict import LEVELS

COLORS = style.COLORS


def show_training(steps: Sequence[int], right: Sequence[tuple[float, float]], errors: NDArray[Any]) -> None:
    """Left the shares of right answers at ``steps``, (training, others) each; right the training error at each step."""
    fig, (left, ax) = style.figure(1, 2, height=3.2)
    train, other = np.array(right).T
    left.plot(np.maximum(steps, 15), train, color=COLORS["loss"], label="training pairs")
    left.plot(np.maximum(steps, 15), other, color=COLORS["singular"], label="other pairs")
    left.set(xscale="log", xlabel="training step", title="share of right answers", ylim=(-0.03, 1.05))
    left.legend(loc="center")
    ax.plot(np.arange(1, len(errors) + 1), errors, color=COLORS["loss"], lw=1.2)
    ax.set(xscale="log", yscale="log", xlabel="training step", title="squared error on the training pairs")
    style.show(fig, alt="Left: the shares of right answers on training and other pairs. Right: the training error.")


def show_spectra(before: NDArray[Any], after: NDArray[Any]) -> None:
    """Two tables of powers (neurons, frequencies), before and after training, the neurons sorted by frequency."""
    fig, axes = style.figure(1, 2, height=3.6, sharey=True)
    order = np.lexsort((-after.sum(1), after[:, 1:].argmax(1)))
    for ax, power, title in zip(axes, (before, after), ("before training", "after training"), strict=True):
        ax.imshow(np.sqrt(power[order] / power.max()), aspect="auto", origin="lower", cmap="cividis", vmin=0, vmax=1)
        ax.set(xlabel="frequency k", title=f"√power of each neuron, {title}")
        ax.grid(False)
    axes[0].set_ylabel("neuron")
    style.show(fig, alt="The power of each neuron at each frequency, before and after training, on one scale.")


def show_hidden(at: Sequence[int] = (50, 200, 400, 600, 800, 1000, 1200, 4000)) -> None:
    """The kept run of the lesson: explained share and accuracy over the training step."""
    data, key = training(), f"{P} {DECAY}"
    fig, ax = style.figure(height=3.2)
    time = np.maximum(STEPS, 15)
    ax.plot(time, data[f"{key} test_right"], color=COLORS["singular"], label="share of other pairs that are right")
    ax.plot(time, data[f"{key} explained"], color=COLORS["regular"], ls="--", label="share of variance explained")
    for step in at:
        i = STEPS.index(step)
        value = data[f"{key} explained"][i]
        ax.plot(step, value, "o", color=COLORS["regular"])
        place = dict(xytext=(-2, 8), ha="right") if step < 1000 else dict(xytext=(7, -10), ha="left")
        ax.annotate(f"{value:.2f}", (step, value), textcoords="offset points", fontsize=9, **place)
    ax.set(xscale="log", xlabel="training step", ylim=(-0.03, 1.15))
    ax.legend(loc="upper left")
    style.show(fig, alt="Over the training step: the accuracy on unseen pairs, and the share of the logits' variance "
               "that a + b − c explains.")  # fmt: skip


# ---- λ̂ --------------------------------------------------------------------------------------------------------------


def _marked(ax: Any, x: Any, rows: Sequence[Mapping[str, Any]], color: str) -> None:
    """Readings as points with two standard errors, each in the mark of its verdict."""
    for at, row in zip(x, rows, strict=True):
        ax.errorbar(at, row["llc"], 2 * row["se"], ms=6, capsize=2, zorder=3, **looks_of(row["word"], color))


def _verdict_legend(ax: Any, **where: Any) -> None:
    for word in LEVELS:
        ax.plot([], [], label=word, **looks_of(word, COLORS["reference"]))
    ax.legend(**where)


def _agreement(rows: Sequence[Mapping[str, Any]]) -> str:
    """How far apart the R-hat of several readings lie, for a title."""
    rhats = [row["rhat"] for row in rows]
    return f"R-hat {min(rhats):.2f} to {max(rhats):.2f}"


def _in_words(x: Any, rows: Sequence[Mapping[str, Any]]) -> str:
    """Each reading with its error, R-hat and verdict, for an alternative text."""
    return ", ".join(
        f"{at:g}: {style.estimate(row['llc'], row['se'])} (R-hat {row['rhat']:.2f}, {row['word']})"
        for at, row in zip(x, rows, strict=True)
    )


def show_along() -> None:
    """λ̂ along the lesson's kept run, for three springs, with the Gaussian prediction; below what test error does."""
    fig, ax = style.figure(height=4.2)
    said, every = [], list[dict[str, Any]]()
    for gamma, color in ((300.0, "posterior"), (1000.0, "estimate"), (3000.0, "regular")):
        curve = along(P, DECAY, gamma)
        ax.plot(curve["step"], curve["gauss"], "--", lw=1.3, color=COLORS[color], label=f"γ = {gamma:g}")
        names = ("llc", "se", "rhat", "word")
        rows = [dict(zip(names, row, strict=True)) for row in zip(*(curve[name] for name in names), strict=True)]
        _marked(ax, curve["step"], rows, COLORS[color])
        every += rows
        said.append(f"γ = {gamma:g}: {_in_words(curve['step'], rows)}")
        slope = -curve["tilt"] > 10 * curve["se"]
        ax.plot(curve["step"][slope], (curve["llc"] - curve["tilt"])[slope], "D", ms=5, color=COLORS[color])
    ax.plot([], [], "D", ms=5, color=COLORS["reference"], label="λ̂ − tilt, where w* is no minimum")
    data = training()
    grown = np.interp([0.1, 0.99], data[f"{P} {DECAY} test_right"][:16], STEPS[:16])
    ax.axvspan(*grown, color=COLORS["muted"], alpha=0.4, label="10 % to 99 % of other pairs right")
    ax.set(xscale="log", yscale="log", xlabel="training step",
           title=f"λ̂ ± 2 standard errors, {_agreement(every)}; dashed: Gaussian")  # fmt: skip
    ax.set_yticks([100, 200, 500, 1000], ["100", "200", "500", "1000"])
    ax.minorticks_off()
    ax.set_xticks([50, 200, 1000, 4000], ["50", "200", "1000", "4000"])
    _verdict_legend(ax, loc="upper left", bbox_to_anchor=(1, 1))
    style.show(fig, alt="The estimated learning coefficient along the training run for three springs, each with its "
               f"Gaussian prediction, by training step. {'. '.join(said)}.")  # fmt: skip


def show_map() -> None:
    """λ̂ of the two solutions at equal error over γ and nβ, from the kept map; ringed where the verdict is don't."""
    table = readings("map")
    fig, axes = style.figure(1, 2, height=3.5, sharey=True)
    for ax, name in zip(axes, ("memorising", "generalising"), strict=True):
        rows = list(table[name].values())
        gammas, nbetas = (sorted({row[key] for row in rows}) for key in ("gamma", "nbeta"))
        cells = np.zeros((len(nbetas), len(gammas)))
        for row in rows:
            cells[nbetas.index(row["nbeta"]), gammas.index(row["gamma"])] = row["llc"]
        ax.imshow(np.log(np.maximum(cells, 1)), origin="lower", aspect="auto", cmap="cividis", vmin=np.log(20),
                  vmax=np.log(4000))  # fmt: skip
        for row in rows:
            x, y = gammas.index(row["gamma"]), nbetas.index(row["nbeta"])
            ink = "white" if row["llc"] < 300 else "black"
            ax.text(x, y + 0.22, style.estimate(row["llc"], row["se"]), ha="center", va="center", color=ink)
            gauss = f"{row['gauss']:.{1 if row['gauss'] < 10 else 0}f}"
            words = f"R-hat {row['rhat']:.2f}, {row['word']}\nGauss {gauss}"
            ax.text(x, y - 0.16, words, ha="center", va="center", color=ink, fontsize=8.5)
        ax.set_xticks(range(len(gammas)), [style.number(g) for g in gammas])
        ax.set_yticks(range(len(nbetas)), [style.number(round(b)) for b in nbetas])
        ax.set(xlabel="localization γ", title=name)
        ax.grid(False)
    axes[0].set_ylabel("nβ")
    style.show(fig, alt="Two maps over localization and nβ, of the memorising and the generalising network: in each "
               "cell the estimate, its R-hat and verdict, and the Gaussian prediction.")  # fmt: skip


NAMES = {
    "memorising": "memorises sums",
    "generalising": "grokked",
    "products": "exact adder, by products",
    "squares": "exact adder, by squares",
    "random labels": "memorises random labels",
    "no decay": "sums, no weight decay",
}


def show_controls(names: Sequence[str] = tuple(NAMES)) -> None:
    """λ̂ of the named networks at zero error, γ = 1000, with the Gaussian prediction and the networks' sizes."""
    table = controls()
    rows = [table[name] for name in names]
    fig, ax = style.figure(height=0.5 * len(rows) + 1.0)
    for y, row in enumerate(rows):
        ax.errorbar(row["llc"], y, xerr=2 * row["se"], capsize=3, **looks_of(row["word"], COLORS["estimate"]))
        ax.plot(row["gauss"], y, "|", ms=16, mew=2, color=COLORS["theory"])
        read = style.estimate(row["llc"], row["se"])
        words = f"{read}, R-hat {row['rhat']:.2f}, {row['word']};  ‖w‖² = {row['size']:.0f}"
        ax.text(max(row["llc"], row["gauss"]) + 25, y, words, va="center", fontsize=9.5)
    most = max(row["llc"] for row in rows)
    ax.set(yticks=range(len(rows)), yticklabels=[NAMES[n] for n in names], ylim=(len(rows) - 0.5, -0.5))
    ax.set(xlim=(0, 2.2 * most), xlabel="λ̂ at nβ = 100 n/log n and γ = 1000; the bar is the Gaussian prediction")
    style.show(fig, alt="For each network the estimate, its R-hat and verdict, the Gaussian prediction and the squared "
               "norm.")  # fmt: skip


# ---- ranks -----------------------------------------------------------------------------------------------------------


def show_ranks(primes: Sequence[int] = (5, 7, 11)) -> None:
    """The ranks of the two exact adders and of a generic network of their width against n, in units of p²."""
    table = readings("primes")
    fig, axes = style.figure(1, len(primes), height=3.1)
    for ax, p in zip(axes, primes, strict=True):
        row = table[f"ranks {p}"]
        for name, label, color, dash in (
            ("other", "a generic network", "loss", "-"),
            ("squares", "adder by squares", "posterior", ":"),
            ("rule", "adder by products", "regular", "-"),
        ):
            ax.plot(row["n"], row[name], dash, color=COLORS[color], label=label)
        ax.set(title=f"p = {p}", xlabel="training pairs n")
        ax.axvline(6.5 * p - 13.5, color=COLORS["reference"], lw=1, ls="--")
    axes[0].set_ylabel("Hessian rank")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    style.show(fig, alt="The Hessian rank against the number of training pairs, for two exact adders and a generic "
               "network, for three primes.")  # fmt: skip


def show_primes(primes: Sequence[int] = (11, 13, 17, P)) -> None:
    """λ̂ at γ = 1000 against p, for networks that memorise, that grokked, and that add exactly."""
    table, here = readings("primes"), controls()
    fig, ax = style.figure(height=3.6)
    said, every = [], list[dict[str, Any]]()
    for name, color in (("memorising", "loss"), ("generalising", "singular"), ("products", "regular")):
        rows = [
            here[name] if p == P else table[f"{p} products"] if name == "products" else table[f"{p}"][name]
            for p in primes
        ]
        ax.plot(primes, [row["llc"] for row in rows], color=COLORS[color], lw=1.3, label=NAMES[name])
        _marked(ax, primes, rows, COLORS[color])
        every += rows
        said.append(f"{NAMES[name]}: {_in_words(primes, rows)}")
    ax.set(xscale="log", yscale="log", xlabel="p",
           title=f"λ̂ ± 2 standard errors at nβ = 100 n/log n, γ = 1000; {_agreement(every)}")  # fmt: skip
    ax.set_xticks(list(primes), [str(p) for p in primes])
    ax.set_yticks([50, 100, 200, 500], ["50", "100", "200", "500"])
    ax.minorticks_off()
    _verdict_legend(ax, loc="upper left", bbox_to_anchor=(1, 1))
    style.show(fig, alt=f"The estimate against p. {'. '.join(said)}.")


def show_shares() -> None:
    """What 4000 steps find, against the number of training pairs: left accuracy and explained share, right ‖w‖²."""
    found = list(readings("shares").values())
    fig, (left, right) = style.figure(1, 2, height=3.3)
    n = [row["n"] for row in found]
    left.plot(n, [row["test_right"] for row in found], "o-", color=COLORS["singular"], label="other pairs right")
    left.plot(n, [row["explained"] for row in found], "o--", color=COLORS["regular"], label="explained")
    left.set(title=f"shares, n of {P**2} pairs", ylim=(-0.03, 1.05))
    right.plot(n, [row["size"] for row in found], "o-", color=COLORS["loss"], label="‖w‖² of the network found")
    right.axhline(found[-2]["size"], color=COLORS["singular"], ls=":", label="‖w‖² of the grokked one, n = 264")
    right.set(title="squared norm", ylim=(0, 300))
    for ax in (left, right):
        line = dict(color=COLORS["reference"], ls="--", lw=1.2)
        ax.axvline(6.5 * P - 13.5, label="the adder's rank stops" if ax is left else None, **line)
        ax.set(xlabel="training pairs n")
    for ax in (left, right):
        ax.legend(loc="lower right", bbox_to_anchor=(1, 0.05), fontsize=9)
    style.show(fig, alt="Left: the accuracy on unseen pairs and the explained share against the number of training "
               "pairs. Right: the squared norm of the network found.")  # fmt: skip


def show_softmax() -> None:
    """The run with cross-entropy: accuracy and explained share, training loss, λ̂, over the step."""
    rows = readings("softmax")["run"]
    steps = [row["step"] for row in rows]
    fig, (left, middle, right) = style.figure(1, 3, height=3.2)
    left.plot(steps, [row["test_right"] for row in rows], "o-", color=COLORS["singular"], label="other pairs right")
    left.plot(steps, [row["explained"] for row in rows], "o--", color=COLORS["regular"], label="explained")
    left.set(title="shares", ylim=(-0.03, 1.3))
    left.legend(loc="upper left", fontsize=9)
    middle.plot(steps, [row["loss"] for row in rows], "o-", color=COLORS["loss"])
    middle.set(title="training loss", yscale="log")
    _marked(right, steps, rows, COLORS["estimate"])
    right.set(title="λ̂ at the default nβ, γ = 100", yscale="log")
    _verdict_legend(right, loc="upper right", fontsize=9, title=_agreement(rows), title_fontsize=9)
    for ax in (left, middle, right):
        ax.set(xlabel="training step")
        ax.locator_params(axis="x", nbins=4)
    style.show(fig, alt="Three pictures over the training step with cross-entropy: accuracy and explained share, the "
               f"training loss, and the estimate. {_in_words(steps, rows)}.")  # fmt: skip
