"""The static pictures of lesson 07."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import gamma as gamma_distribution

from sltcourse.kit import style
from sltcourse.llc import LLCResult
from sltcourse.llc.pictures import looks_of, plot_llc_map, plot_trace
from sltcourse.llc.verdict import LEVELS

COLORS = style.COLORS


def show_hill(heat: np.ndarray, lam: float) -> None:
    """The histogram of log₁₀ of ``heat``, draws of nβK of any shape, beside a Gamma density of shape ``lam``."""
    fig, ax = style.figure(height=3.2)
    x = np.linspace(-8, 1.2, 300)
    ax.hist(np.log10(heat[heat > 0]), bins=80, range=(-8, 1.2), density=True, color=COLORS["posterior"], alpha=0.45)
    density = gamma_distribution(lam).pdf(10**x) * 10**x * np.log(10)
    ax.plot(x, density, color=COLORS["theory"], label=f"Gamma distribution of shape {lam:g}")
    ax.set(xlabel="nβ K(w)", yticks=[], xlim=(-8, 1.2))
    ax.set_xticks(np.arange(-8, 2, 2), [style.power(10.0**k) if k else "1" for k in range(-8, 2, 2)])
    ax.legend(loc="upper left")
    style.show(fig, alt="The histogram of log nβK over all chains and steps, with the curve of a Gamma distribution.")


def show_chains(heat: np.ndarray, exact: float) -> None:
    """Of ``heat`` (chains, steps): left the mean of all and eight single chains, smoothed; right the means of these."""
    fig, (left, right) = style.figure(1, 2, height=3.2, width_ratios=[2.2, 1])
    _traces(left, heat[:8])
    _traces(left, heat.mean(0)[None], color=COLORS["estimate"], lw=2.2, alpha=1, label=f"mean of {len(heat)} chains")
    right.plot(np.arange(8) + 1, heat[:8].mean(1), "o", color=COLORS["posterior"])
    for ax in (left, right):
        ax.axhline(exact, color=COLORS["theory"], ls="--", label="perfect chains")
    left.set(xlabel="step", ylim=(0, 1.2), xlim=(0, heat.shape[1]), title="nβ K, means of 100 steps")
    left.legend(
        loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=2, fontsize=9.5, columnspacing=0.8, handlelength=1.2,
        borderpad=0,
    )  # fmt: skip
    right.set(xlabel="chain", ylim=(0, None), xticks=range(1, 9), title="each of the eight, its mean")
    style.show(fig, alt="Left: nβK of eight chains, and the mean of all. Right: the means of these eight.")


def _traces(ax: Axes, heat: np.ndarray, window: int = 100, **looks: Any) -> None:
    smooth = heat[:, : heat.shape[1] // window * window].reshape(len(heat), -1, window).mean(2)
    looks = {"color": COLORS["posterior"], "lw": 1, "alpha": 0.75, **looks}
    ax.plot((np.arange(smooth.shape[1]) + 0.5) * window, smooth.T, **looks)


def show_exact_map(exact: dict[tuple[float, float], float], lam: float) -> None:
    """A cell for each (γ, nβ) of ``exact``: {(γ, nβ): what perfect chains read}, with its share of ``lam`` as shade."""
    gammas, nbetas = sorted({g for g, _ in exact}), sorted({b for _, b in exact})
    cells = np.array([[exact[g, b] for g in gammas] for b in nbetas])
    fig, ax = style.figure(height=3.4)
    picture = ax.imshow(cells / lam, origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1)
    for (y, x), value in np.ndenumerate(cells):
        ax.text(x, y, f"{value:.3f}", ha="center", va="center", color="white" if value < lam / 2 else "black")
    ax.set_xticks(range(len(gammas)), [style.number(g) for g in gammas])
    ax.set_yticks(range(len(nbetas)), [style.power(b) for b in nbetas])
    ax.grid(False)
    ax.set(xlabel="localization γ", ylabel="nβ", title=f"what perfect chains read, λ = {lam:g}")
    fig.colorbar(picture, ax=ax, label="share of λ")
    style.show(fig, alt="A map over localization γ and nβ; in each cell what perfect chains read.")


def show_map(results: dict[tuple[float, float], LLCResult]) -> None:
    """The map of an estimate over γ and nβ, as ``sltcourse.llc.pictures.plot_llc_map`` draws it."""
    fig, ax = style.figure(height=3.6)
    plot_llc_map(results, ax=ax)
    style.show(
        fig,
        alt="A map over localization γ and nβ; in each cell the estimate and the mark of its verdict.",
    )


def show_run(result: LLCResult) -> None:
    """The heat of each chain, as ``sltcourse.llc.pictures.plot_trace`` draws it, under the verdict in its own words."""
    fig, ax = style.figure(height=3.4)
    plot_trace(result, ax=ax)
    words = textwrap.fill(str(result.verdict), 118, max_lines=3, placeholder=" …")
    fig.suptitle(words, x=0.01, ha="left", fontsize=10)
    style.show(fig, alt="The verdict in words, and the heat of each chain against the draw.")


def show_baselines(readings: dict[tuple[str, float], np.ndarray], lam: float) -> None:
    """The readings of many data sets: a row for each (baseline, β) of ``readings``, every data set a dot.

    ``readings``: {(baseline, β): array}.
    """
    fig, ax = style.figure(height=0.55 * len(readings) + 0.9)
    place = np.random.default_rng(0)
    for row, values in enumerate(readings.values()):
        y = row + place.uniform(-0.25, 0.25, len(values))
        ax.plot(values, y, ".", ms=3, alpha=0.35, color=COLORS["posterior"], mew=0)
        ax.plot(values.mean(), row, "o", ms=8, color=COLORS["estimate"], mec="white")
    names = [f"{name}, β = {'1' if beta == 1 else '1/log n'}" for name, beta in readings]
    ax.axvline(lam, color=COLORS["truth"], lw=1.2)
    ax.text(lam, -0.62, f"λ = {lam:g}", ha="center", va="bottom", fontsize=10)
    low = min(np.quantile(v, 0.02) for v in readings.values())
    ax.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.6), xlim=(low - 0.2, 1.2))
    ax.set(xlabel="nβ (E[Lₙ] − baseline): a dot for each data set, its mean in blue")
    style.show(
        fig,
        alt="For each baseline and each β the readings of all data sets, and their mean.",
    )


def show_results(results: dict[int, LLCResult], lams: dict[int, float], half_rank: float) -> None:
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
    style.show(
        fig,
        alt="For each network the estimate, λ, half the Hessian's rank and d/2.",
    )


_ESTIMATE = dict(fmt="o", color=COLORS["estimate"], capsize=4)


def show_rescaled(scales: np.ndarray, estimates: dict[str, list[LLCResult]], lam: float) -> None:
    """λ̂ with two standard errors against the rescaling α. ``estimates``: {name: list of LLCResult}; nan: "diverged"."""
    fig, ax = style.figure(height=3.2)
    looks = (("estimate", 0.93), ("singular", 1.07))  # a colour, and a small step aside: no point hides another
    for (name, results), (color, aside) in zip(estimates.items(), looks, strict=False):
        at = aside * scales
        alive = np.array([np.isfinite(r.llc) for r in results])
        value, error = np.array([[r.llc, 2 * r.std_error] for r in results]).T
        ax.errorbar(at[alive], value[alive], error[alive], fmt="o", color=COLORS[color], capsize=4, label=name)
        ax.plot(at[~alive], np.full((~alive).sum(), 1.9), "x", ms=9, mew=2, color=COLORS[color])
        for x in at[~alive]:
            ax.text(x, 1.75, "diverged", ha="center", va="top", fontsize=9, color=COLORS[color])
    ax.axhline(lam, color=COLORS["truth"], label="λ")
    ax.set(xscale="log", ylim=(0, 2.5), xlabel="α", ylabel="estimate")
    ax.legend(loc="upper left", ncols=3)
    style.show(fig, alt="The estimate against the rescaling α, for two samplers, with λ as a line.")


def show_networks(rows: list[dict[str, Any]]) -> None:
    """Left λ̂ against exact λ; right the relative error in per cent against the number of parameters.

    ``rows``: what ``networks()`` gives. A colour for each way of sampling, the verdict's mark of ``llc.pictures``.
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
            mark = looks_of(read["verdict"], color)
            left.plot(lam, read["llc"], ms=5, **mark)
            right.errorbar(
                d, 100 * (read["llc"] / lam - 1), 200 * read["std_error"] / lam, elinewidth=1.2, ms=6, **mark
            )
    for word in LEVELS:
        left.plot([], [], ms=6, label=word, **looks_of(word, COLORS["reference"]))
    left.set(xscale="log", yscale="log", xlim=ends, xlabel="exact λ", title="estimate against exact λ")
    right.set(xscale="log", xlabel="parameters d", title="error in % of λ, ± 2 standard errors")
    left.legend(loc="upper left", fontsize=9)
    right.legend(loc="lower right", fontsize=9)
    style.show(
        fig,
        alt="Left: estimates against exact λ, with d/2. Right: the errors in per cent against d.",
    )
