"""The live figures of lesson 07: the thermometer here, the cockpit in ``cockpit``."""

from functools import cache
from typing import Any

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.llc_estimation.cockpit import live_cockpit
from sltcourse.lessons.llc_estimation.models import VOLUMES
from sltcourse.theory.localized import Volume

__all__ = ["live_cockpit", "live_thermometer"]

COLORS = style.COLORS


# ---- the thermometer: from V(ε) to the mean loss ---------------------------------------------------------------------


def live_thermometer() -> LiveFigure:
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
    heats = {loss: np.array([loss.reading(b) for b in fine]) for loss in VOLUMES.values()}
    heat = cache(lambda loss, nbeta: loss.reading(nbeta))

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
    mean: dict[str, Any] = dict(color=COLORS["truth"], markersize=9, zorder=5)
    live.points(
        left, lambda loss, nbeta: (np.log10(heat(loss, nbeta) / nbeta), 0.02), label="posterior mean of ε", **mean
    )
    left.legend(loc="upper left", ncols=2, fontsize=9, columnspacing=1, handlelength=1.6)
    live.line(right, lambda loss: (ends, [loss.lam] * 2), color=COLORS["truth"], label="λ")
    live.line(right, lambda loss: (fine, heats[loss]), color=COLORS["posterior"], label="nβ E[K]")
    live.points(right, lambda loss, nbeta: (nbeta, heat(loss, nbeta)), name="reading", **mean)
    right.legend(loc="upper right", ncols=2)

    def reading(loss: Volume, nbeta: float) -> str:
        value = heat(loss, nbeta)
        return f"Mean loss {style.power(value / nbeta)}; times nβ: {value:.3f}. λ = {loss.lam:g}, m = {loss.m}."

    live.caption(reading)
    return live
