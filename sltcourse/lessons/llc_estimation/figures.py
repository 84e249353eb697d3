"""The live figures of lesson 07."""

import textwrap
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.llc_estimation.kept import (
    BURNIN,
    CHAINS,
    CLOUD,
    DRAWS,
    LOCALIZATIONS,
    LRS,
    NBETAS,
    WINDOW,
    cockpit,
)
from sltcourse.lessons.llc_estimation.models import VOLUMES
from sltcourse.llc.verdict import LEVELS
from sltcourse.theory.localized import POTENTIALS

COLORS = style.COLORS


# ---- the thermometer: from V(ε) to the mean loss ---------------------------------------------------------------------


def live_thermometer():
    """The posterior of the losses: volume times Boltzmann factor is a hill that moves with nβ; its mean reads λ."""
    betas = 10.0 ** np.arange(0, 10.1, 0.5)
    t = np.linspace(-14, -1e-9, 281) * np.log(10)
    fig, (left, right) = style.figure(1, 2)
    left.set(xlim=(-14, 0), ylim=(0, 1.65), xlabel="loss ε", title="Which losses are met at temperature 1/nβ")
    left.set_xticks(np.arange(-12, 1, 4), ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    left.set_yticks([])
    ends = 0.8, 1.3e10
    right.set(xscale="log", xlim=ends, ylim=(0, 1.9), xlabel="nβ", title="nβ times the mean loss")
    live = LiveFigure(
        fig,
        alt="Left: how much volume there is near each loss, rising with slope λ, times exp(−nβε), a cliff at "
        "ε = 1/nβ. The product, drawn with one area, is a hill that moves left as nβ grows and keeps its shape. "
        "Right: nβ times the mean loss settles on λ.",
        loss=Menu("K", VOLUMES, start="w₁² + w₂⁴"),
        nbeta=Slider("nβ", betas, start=1e4, format=lambda b: style.power(b) if b > 1 else "1"),
    )
    fine = np.geomspace(betas[0], betas[-1], 201)
    heats = {loss: np.array([loss.heat(b) for b in fine]) for loss in VOLUMES.values()}
    heat = cache(lambda loss, nbeta: loss.heat(nbeta))

    x = t / np.log(10)
    live.band(
        left,
        lambda loss, nbeta: (x, 0 * x, loss.hill(t, nbeta) / 0.8),
        color=COLORS["posterior"],
        alpha=0.45,
        label="product (area fixed)",
    )
    live.line(
        left,
        lambda loss: (x, np.exp(loss.log_density(t) - loss.log_density(t).max())),
        color=COLORS["prior"],
        label="volume near ε",
    )
    live.line(
        left,
        lambda nbeta: (x, np.exp(-nbeta * np.exp(t))),
        color=COLORS["loss"],
        linestyle="--",
        label="exp(−nβε)",
    )
    mean = dict(color=COLORS["truth"], markersize=9, zorder=5)
    live.points(
        left, lambda loss, nbeta: (np.log10(heat(loss, nbeta) / nbeta), 0.02), label="posterior mean of ε", **mean
    )
    left.legend(loc="upper left", ncols=2, fontsize=9, columnspacing=1, handlelength=1.6)
    live.line(right, lambda loss: (ends, [loss.lam] * 2), color=COLORS["truth"], label="λ")
    live.line(right, lambda loss: (fine, heats[loss]), color=COLORS["posterior"], label="nβ E[K]")
    live.points(right, lambda loss, nbeta: (nbeta, heat(loss, nbeta)), name="reading", **mean)
    right.legend(loc="upper right", ncols=2)

    def reading(loss, nbeta):
        value = heat(loss, nbeta)
        return f"Mean loss {style.power(value / nbeta)}; times nβ: {value:.3f}. λ = {loss.lam:g}, m = {loss.m}."

    live.caption(reading)
    return live


# ---- the cockpit: 720 settings of a sampler, each with 16 chains -----------------------------------------------------


LEVEL_COLORS = tuple(COLORS[name] for name in ("regular", "highlight", "singular"))
LIGHTS = ("#7fc4ad", "#f1cf78", "#f29a86")  # green, amber and red, pale enough to write on


def live_cockpit():
    """The sampler's instrument panel: three potentials, four knobs, and the light of the library's verdict."""
    data, kinds = dict(cockpit()), list(POTENTIALS.values())
    steps, ends, low, high = BURNIN + DRAWS, (5.5e-6, 0.85), -2, 4

    of_lr, of_pull, of_nbeta, of_chains = (_positions(v) for v in (LRS, LOCALIZATIONS, NBETAS, CHAINS))
    data["drawn"] = np.clip(np.nan_to_num(data["llc"], nan=high), low + 0.25, high - 0.25)  # diverged: at the top

    def at(name, loss, lr, pull, nbeta):
        """An array of the runs at a setting; with ``lr`` None at all step sizes."""
        step = slice(None) if lr is None else of_lr[lr]
        return data[name][kinds.index(loss), step, of_pull[pull], of_nbeta[nbeta]]

    def exact(loss, pull, nbeta):
        return data["exact"][kinds.index(loss), of_pull[pull], of_nbeta[nbeta]]

    fig, axes = style.figure(2, 3, height=4.9, height_ratios=[0.16, 1], width_ratios=[1.15, 1, 1])
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    lamp, (trace, plateau, plane) = fig.add_subplot(grid[0, :]), axes[1]
    lamp.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    lamp.spines[:].set_visible(True)
    trace.set(xlim=(0, steps), ylim=(low, high), xlabel="step", title="nβ (L(w) − L(w*)) of the chains")
    trace.axvspan(0, BURNIN, color=COLORS["muted"], alpha=0.4, linewidth=0)
    trace.text(BURNIN * 1.15, low + 0.15, "grey: burn-in", fontsize=9, color=COLORS["reference"])
    plateau.set(xscale="log", xlim=ends, ylim=(low, high), xlabel="step size ε", title="estimates at every step size")
    plane.set(xlim=(-1, 1), ylim=(-1, 1.6), xlabel="w₁", ylabel="w₂", title="where the chains are")
    plane.set_yticks([-1, -0.5, 0, 0.5, 1])
    plane.grid(False)
    live = LiveFigure(
        fig,
        alt="A sampler's instrument panel. At the top a light, green, amber or red, with the reason. Left: the "
        "loss of each chain against the step. Middle: the estimate and error bar at every step size; the exact λ is "
        "a black line, what perfect chains would read a broken one. Right: the draws in the plane of the parameters.",
        loss=Menu("K", POTENTIALS),
        lr=Slider("step size ε", LRS, start=LRS[6], format=style.power),
        pull=Slider("localization γ", LOCALIZATIONS, start=1),
        nbeta=Slider("nβ", NBETAS, start=100),
        chains=Slider("chains", CHAINS, start=4),
    )
    live.image(
        lamp,
        lambda loss, lr, pull, nbeta, chains: at("light", loss, lr, pull, nbeta)[None, None, of_chains[chains]],
        extent=(0, 1, 0, 1),
        vmin=0,
        vmax=2,
        cmap=ListedColormap(np.repeat(LIGHTS, (86, 84, 86))),
        name="light",
    )
    lamp.set_aspect("auto")

    @cache
    def wrapped(light, words):
        text = f"{LEVELS[light].upper()}: {data['texts'][words]}".replace("(-", "(−")
        return [*textwrap.wrap(text, 108, max_lines=2, placeholder=" …"), ""]

    def verdict(loss, lr, pull, nbeta, chains):
        return wrapped(*(int(at(name, loss, lr, pull, nbeta)[of_chains[chains]]) for name in ("light", "words")))

    live.text(
        lamp, lambda loss, lr, pull, nbeta, chains: (0.01, 0.62, verdict(loss, lr, pull, nbeta, chains)[0]), "verdict"
    )
    live.text(
        lamp, lambda loss, lr, pull, nbeta, chains: (0.01, 0.16, verdict(loss, lr, pull, nbeta, chains)[1]), "more"
    )

    centers = np.r_[WINDOW * (np.arange(steps // WINDOW) + 0.5), np.nan]
    gaps = np.full((1, 4), np.nan)

    def losses(loss, lr, pull, nbeta, chains):
        """The smoothed losses of up to three more chains, one after another, with gaps."""
        lines = np.vstack([at("trace", loss, lr, pull, nbeta), gaps])[:, 1:]
        return np.tile(centers, 3), np.where(chains > 1, lines, np.nan).T.ravel()

    live.line(trace, losses, color=COLORS["posterior"], linewidth=0.9, alpha=0.75, name="losses")
    live.line(
        trace,
        lambda loss, lr, pull, nbeta: (centers[:-1], at("trace", loss, lr, pull, nbeta)[:, 0]),
        color=COLORS["estimate"],
        linewidth=1.3,
        name="first loss",
    )
    for ax, span in ((trace, (0, steps)), (plateau, ends)):
        live.line(ax, lambda loss, span=span: (span, [loss.lam or np.nan] * 2), color=COLORS["truth"], label="λ")
        live.line(
            ax,
            lambda loss, pull, nbeta, span=span: (span, [exact(loss, pull, nbeta)] * 2),
            color=COLORS["theory"],
            linestyle="--",
            label="perfect chains",
        )

    def bars(loss, pull, nbeta, chains):
        value, error = (at(name, loss, None, pull, nbeta)[:, of_chains[chains]] for name in ("llc", "std_error"))
        return np.repeat(LRS, 3), np.column_stack([value - 2 * error, value + 2 * error, value * np.nan]).ravel()

    live.line(plateau, bars, color=COLORS["reference"], linewidth=1.2, name="bars")
    live.points(
        plateau,
        lambda loss, lr, pull, nbeta, chains: (lr, at("drawn", loss, lr, pull, nbeta)[of_chains[chains]]),
        color="white",
        markersize=14,
        markeredgecolor=COLORS["truth"],
        markeredgewidth=1.5,
        name="now",
    )
    for k, color in enumerate(LEVEL_COLORS):

        def lit(loss, pull, nbeta, chains, k=k):
            light, llc = (at(name, loss, None, pull, nbeta)[:, of_chains[chains]] for name in ("light", "drawn"))
            return LRS, np.where(light == k, llc, np.nan)

        live.points(plateau, lit, color=color, markersize=7, markeredgewidth=0, label=LEVELS[k], name=LEVELS[k])
    plateau.legend(loc="upper left", fontsize=8.5, handlelength=1.4)

    def missing(loss, lr, pull, nbeta, chains):
        """Why there is no trace to see: a word in the middle of the empty panel."""
        lines = at("trace", loss, lr, pull, nbeta)[-10:, : min(chains, 4)]
        seen = ((lines > low) & (lines < high)).any()
        word = "" if seen else "diverged" if np.isnan(lines).all() else f"off the scale: {np.nanmean(lines):.3g}"
        return steps / 2, 2, word.replace("-", "−")

    live.text(trace, missing, "missing", ha="center", color=COLORS["reference"])

    axis = np.linspace(-1, 1, 101)  # above it is the legend
    live.region(
        plane,
        lambda loss: loss.K(np.stack(np.meshgrid(axis, axis), -1)),
        lambda nbeta: 1 / nbeta,
        extent=(-1, 1, -1, 1),
        color=COLORS["muted"],
    )

    def inside(w):
        return w[:, 0], np.where(w[:, 1] < 1, w[:, 1], np.nan)

    live.points(
        plane,
        lambda loss, lr, pull, nbeta, chains: inside(at("cloud", loss, lr, pull, nbeta)[of_chains[chains]]),
        color=COLORS["posterior"],
        markersize=3.5,
        markeredgewidth=0,
        name="cloud",
    )
    live.line(
        plane,
        lambda loss, lr, pull, nbeta: inside(at("steps", loss, lr, pull, nbeta)),
        color=COLORS["estimate"],
        linewidth=0.9,
        alpha=0.8,
        name="steps",
    )
    live.points(plane, lambda loss: loss.w_star, color=COLORS["highlight"], markersize=9, name="w_star")
    key = (
        ("s", "", COLORS["muted"], "K ≤ 1/nβ"),
        ("o", "", COLORS["highlight"], "w*"),
        ("o", "", COLORS["posterior"], f"{CLOUD} draws"),
        ("", "-", COLORS["estimate"], "50 steps"),
    )
    handles = [plt.Line2D([], [], marker=m, ls=s, lw=1, markersize=5, color=c, label=text) for m, s, c, text in key]
    plane.legend(handles=handles, loc="upper left", ncols=2, fontsize=8, handlelength=1, columnspacing=0.8)

    def reading(loss, lr, pull, nbeta, chains):
        names = "llc", "std_error", "distance"
        value, error, distance = (at(name, loss, lr, pull, nbeta)[of_chains[chains]] for name in names)
        shown = f"λ̂ = {value:.2f} ± {error:.2f}" if np.isfinite(value) else "No chain survived"
        truth = f"λ = {loss.lam:g}" if loss.lam else "no minimum, so no λ"
        there = f" Distance from w*: about {distance:.2g}." if np.isfinite(distance) else ""
        return f"{shown}; perfect chains would read {exact(loss, pull, nbeta):.2f}; {truth}.{there}".replace("-", "−")

    live.caption(reading)
    return live


def _positions(values):
    return {value: k for k, value in enumerate(values)}
