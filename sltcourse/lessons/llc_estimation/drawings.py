"""The static pictures of lesson 07."""

import textwrap

import numpy as np
from scipy.stats import gamma as gamma_distribution

from sltcourse.kit import style
from sltcourse.lessons.llc_estimation.figures import LEVEL_COLORS
from sltcourse.lessons.llc_estimation.models import mystery_runs
from sltcourse.llc.pictures import MARKS
from sltcourse.llc.verdict import LEVELS

COLORS = style.COLORS


def draw_hill(heat, lam):
    """The histogram of log₁₀ of ``heat``, draws of nβK of any shape, beside a Gamma density of shape ``lam``."""
    fig, ax = style.figure(height=3.2)
    x = np.linspace(-8, 1.2, 300)
    ax.hist(np.log10(heat[heat > 0]), bins=80, range=(-8, 1.2), density=True, color=COLORS["posterior"], alpha=0.45)
    density = gamma_distribution(lam).pdf(10**x) * 10**x * np.log(10)
    ax.plot(x, density, color=COLORS["theory"], label=f"Gamma distribution of shape {lam:g}")
    ax.set(xlabel="nβ K(w)", yticks=[], xlim=(-8, 1.2))
    ax.set_xticks(np.arange(-8, 2, 2), [style.power(10.0**k) if k else "1" for k in range(-8, 2, 2)])
    ax.legend(loc="upper left")
    return fig


def draw_chains(heat, mean, exact):
    """Left ``heat`` (steps, chains), smoothed, and the ``mean`` of many chains; right each chain's own mean."""
    fig, (left, right) = style.figure(1, 2, height=3.2, width_ratios=[2.2, 1])
    _traces(left, heat)
    _traces(left, mean[:, None], color=COLORS["estimate"], lw=2.2, alpha=1, label="mean of many chains")
    right.plot(np.arange(heat.shape[1]) + 1, heat.mean(0), "o", color=COLORS["posterior"])
    for ax in (left, right):
        ax.axhline(exact, color=COLORS["theory"], ls="--", label="perfect chains")
    left.set(xlabel="step", ylim=(0, 1.2), xlim=(0, len(heat)), title="nβ K, means of 100 steps")
    left.legend(
        loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=2, fontsize=9.5, columnspacing=0.8, handlelength=1.2,
        borderpad=0,
    )  # fmt: skip
    right.set(xlabel="chain", ylim=(0, None), xticks=range(1, heat.shape[1] + 1), title="each chain's mean")
    return fig


def _traces(ax, heat, window=100, **looks):
    smooth = heat[: len(heat) // window * window].reshape(-1, window, heat.shape[1]).mean(1)
    looks = {"color": COLORS["posterior"], "lw": 1, "alpha": 0.75, **looks}
    ax.plot((np.arange(len(smooth)) + 0.5) * window, smooth, **looks)


def show_mystery_runs():
    """Show the four runs of the diagnosis exercise, each with λ = ¾."""
    fig, axes = style.figure(1, 4, height=3.2, sharey=True)
    for ax, (letter, heat) in zip(axes, mystery_runs().items(), strict=True):
        _traces(ax, heat)
        ax.axhline(0.75, color=COLORS["truth"])
        ax.set(title=letter, xlabel="step", ylim=(-2, 3), xticks=[0, 2000, 4000])
    axes[0].set_ylabel("nβ (L(w) − L(w*))")
    style.show(
        fig,
        alt="Four panels with the loss of four chains each. A starts at zero, and its chains never agree. B is jagged "
        "around 1.3 from the start. C falls below zero at once and mostly stays there. D scatters evenly around 0.75.",
    )


def draw_results(results, lams, half_rank):
    """The estimates with two standard errors beside λ, d/2 and half the Hessian's rank, and the verdicts in words.

    ``results``: {units: LLCResult}; ``lams``: {units: λ}.
    """
    fig, ax = style.figure(height=0.95 * len(results) + 1.1)
    for row, (units, result) in enumerate(results.items()):
        marks = [ax.errorbar(result.llc, row - 0.1, xerr=2 * result.std_error, **_ESTIMATE)]
        marks += ax.plot([lams[units]] * 2, [row - 0.25, row + 0.35], color=COLORS["truth"], lw=1.5, zorder=1)
        marks += ax.plot(result.dim / 2, row + 0.2, "s", ms=9, mfc="none", mew=2, color=COLORS["regular"])
        marks += ax.plot(half_rank, row + 0.2, "D", ms=5, color=COLORS["theory"])
        words = (
            f"{result.llc:.2f}, standard error {result.std_error:.2f}; "
            f"{textwrap.shorten(str(result.verdict), 90, placeholder=' …')}"
        )
        ax.text(0.02, row - 0.4, words, fontsize=9, transform=ax.get_yaxis_transform())
    names = [f"{units} unit{'s' * (units > 1)}" for units in results]
    ax.set(yticks=range(len(results)), yticklabels=names, ylim=(len(results) - 0.5, -0.65), xlim=(0, None), xlabel="λ")
    labels = ["estimate ± 2 standard errors", "λ", "d/2", "rank/2"]
    ax.legend(marks, labels, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    return fig


_ESTIMATE = dict(fmt="o", color=COLORS["estimate"], capsize=4)


def draw_ladder(results, lam):
    """The estimates with two standard errors against the localization, beside ``lam``. ``results``: {γ: LLCResult}."""
    fig, ax = style.figure(height=3.2)
    for pull, result in results.items():
        ax.errorbar(pull, result.llc, 2 * result.std_error, **_ESTIMATE)
        words = f"{result.llc:.2f}, {result.verdict.word}"
        ax.annotate(words, (pull, result.llc), (10, -14), textcoords="offset points", fontsize=10)
    ax.axhline(lam, color=COLORS["truth"], label=f"λ = {lam:g}")
    ax.set(xscale="log", xlim=(3e4, 2), ylim=(0, 2.1), xlabel="localization γ", ylabel="estimate")
    ax.set_xticks(list(results), list(map(style.number, results)))
    ax.set_xticks([], minor=True)
    ax.legend(loc="lower right")
    return fig


def draw_training(readings, lam):
    """The estimates along a training run, beside ``lam``. ``readings``: {label: {step: LLCResult}}."""
    fig, axes = style.figure(1, len(readings), height=3.6, sharey=True)
    for ax, (label, results) in zip(axes, readings.items(), strict=True):
        ax.axhline(lam, color=COLORS["truth"], label=f"λ = {lam:g}")
        for step, result in results.items():
            color = LEVEL_COLORS[LEVELS.index(result.verdict.word)]
            ax.plot(step, result.llc, "o", color=color, markersize=8)
            said = style.number(float(f"{result.llc:.2g}"), 2)
            place = dict(y=6, va="bottom") if result.llc > 0 else dict(y=2.5 * result.llc, va="top")
            ax.text(step, s=f"{said}\n{result.verdict.word}", ha="center", fontsize=10, **place)
        ax.set(xscale="log", xlim=(50, 9000), ylim=(-1e7, 500), xlabel="training steps", title=label)
        ax.set_xticks(list(results), list(map(style.number, results)), minor=False)
        ax.set_xticks([], minor=True)
        ax.set_yscale("symlog", linthresh=1, linscale=0.5)
        ax.set_yticks([-1e5, -1e3, -10, 0, 10], ["−10⁵", "−10³", "−10", "0", "10"])
        ax.legend(loc="lower right")
    axes[0].set_ylabel("estimate")
    return fig


def draw_rescaled(scales, estimates, lam):
    """λ̂ with two standard errors against the rescaling α. ``estimates``: {name: list of LLCResult}; nan: "diverged"."""
    fig, ax = style.figure(height=3.2)
    for (name, results), color in zip(estimates.items(), ("estimate", "singular"), strict=False):
        alive = np.array([np.isfinite(r.llc) for r in results])
        value, error = np.array([[r.llc, 2 * r.std_error] for r in results]).T
        ax.errorbar(scales[alive], value[alive], error[alive], fmt="o", color=COLORS[color], capsize=4, label=name)
        ax.plot(scales[~alive], np.full((~alive).sum(), 1.9), "x", ms=9, mew=2, color=COLORS[color])
        for x in scales[~alive]:
            ax.text(x, 1.75, "diverged", ha="center", va="top", fontsize=9, color=COLORS[color])
    ax.axhline(lam, color=COLORS["truth"], label="λ")
    ax.set(xscale="log", ylim=(0, 2.5), xlabel="α", ylabel="estimate")
    ax.legend(loc="upper left", ncols=3)
    return fig


def draw_networks(rows):
    """Left λ̂ against exact λ; right the relative error in per cent against the number of parameters; a figure.

    ``rows``: what ``networks()`` gives. A colour for each way of sampling; the verdict's mark is that of ``MARKS``.
    """
    fig, (left, right) = style.figure(1, 2, height=3.9)
    lams, sizes = np.array([[r["lam"], r["d"]] for r in rows]).T
    ends = lams.min() / 1.5, sizes.max() / 2 * 1.5
    left.plot(ends, ends, color=COLORS["truth"], lw=1, label="estimate = λ")
    left.plot(lams, sizes / 2, "s", ms=4, color=COLORS["regular"], label="d/2")
    right.axhline(0, color=COLORS["truth"], lw=1)
    for name, color, label, shift in (("hmc", "singular", "HMC", 0.97), ("sgld", "estimate", "SGLD", 1.03)):
        color = COLORS[color]
        right.plot([], [], color=color, lw=2.5, label=label)
        for row in (row for row in rows if name in row):
            read, d, lam = row[name], shift * row["d"], row["lam"]
            _, marker, filled = MARKS[read["verdict"]]
            mark = dict(color=color, marker=marker, ms=6, mfc=color if filled else "white", ls="")
            left.plot(lam, read["llc"], **mark | {"ms": 5})
            right.errorbar(d, 100 * (read["llc"] / lam - 1), 200 * read["std_error"] / lam, elinewidth=1.2, **mark)
    for word in LEVELS:
        _, marker, filled = MARKS[word]
        grey = COLORS["reference"]
        left.plot([], [], marker, color=grey, mfc=grey if filled else "white", ms=6, label=word)
    left.set(xscale="log", yscale="log", xlim=ends, xlabel="exact λ", title="estimate against exact λ")
    right.set(xscale="log", xlabel="parameters d", title="error in % of λ, ± 2 standard errors")
    left.legend(loc="upper left", fontsize=9)
    right.legend(loc="lower right", fontsize=9)
    return fig
