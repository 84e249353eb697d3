"""The live figure of lesson 09: the training step over spectra, ring, errors and λ̂."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.modular_addition.kept import DECAY, DECAYS, STEPS, P, along, training
from sltcourse.zoo.addition import SHARES

COLORS = style.COLORS
TIME = np.maximum(STEPS, 15.0)  # step 0 has a place on the logarithmic axis
CELLS = 60  # columns of the picture of spectra, whatever p


def live_training() -> LiveFigure:
    """Slide the training step: spectra of the neurons, a ring of numbers, errors, and λ̂ with its band."""
    data, at = training(), {step: i for i, step in enumerate(STEPS)}
    fig, ((left, circle), (errors, right)) = style.figure(2, 2, height=6.6)
    left.set(xlim=(0, 0.5), ylim=(0, CELLS), xlabel="frequency k/p", ylabel="neuron", title="power of each neuron")
    left.grid(False)
    circle.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), title="weights of two neurons")
    circle.set(xticks=[], yticks=[], aspect="equal")
    for ax, title in ((errors, "squared error"), (right, "λ̂ ± 2 standard errors, γ = 1000")):
        ax.set(xscale="log", xlim=(13, 4600), xlabel="training step", title=title)
        ax.set_xticks([15, 100, 1000, 4000], ["0", "100", "1000", "4000"])
        ax.minorticks_off()
    errors.set(yscale="log", ylim=(1e-4, 30))
    right.set(ylim=(0, 800))
    live = LiveFigure(
        fig,
        alt="Four pictures of one training run that follow the training step: the power of each neuron at each "
        "frequency, the weights of two neurons for all numbers, the errors, and the estimated local learning "
        "coefficient with its band.",
        p=Menu("p", {_named(p): p for p in SHARES}, start=_named(P)),
        decay=Menu("weight decay μ", {style.power(d): d for d in DECAYS}, start=style.power(DECAY)),
        step=Slider("training step", STEPS, start=200),
    )

    def of(p: int, decay: float, name: str) -> NDArray[Any]:
        return data[f"{p} {decay} {name}"]

    def picture(p: int, decay: float, step: float) -> NDArray[Any]:
        spectra = of(p, decay, "spectra")[at[int(step)]]
        return np.sqrt(spectra[:, np.arange(CELLS) * spectra.shape[1] // CELLS] / 255.0)

    live.image(left, picture, extent=(0, 0.5, 0, CELLS), vmin=0, vmax=1, name="spectra")

    def numbers(p: int, decay: float, step: float) -> tuple[NDArray[Any], NDArray[Any]]:
        points = of(p, decay, "ring").astype(float)
        x, y = points[at[int(step)]] / np.abs(points).max(axis=(0, 2))[:, None]
        return np.r_[x, x[0]], np.r_[y, y[0]]

    live.line(circle, numbers, name="ring", color=COLORS["muted"], lw=1)
    live.points(circle, numbers, name="numbers", color=COLORS["estimate"])
    looks = (
        ("train", "training pairs", "loss", "-"),
        ("test", "other pairs", "singular", "-"),
        ("restricted", "others, the rule alone", "regular", "--"),
        ("excluded", "training, without the rule", "posterior", ":"),
    )
    for name, label, color, dash in looks:
        live.line(
            errors, lambda p, decay, name=name: (TIME, of(p, decay, name)), name=name, color=COLORS[color], ls=dash,
            label=label,
        )  # fmt: skip
    errors.legend(loc="upper right", fontsize=9, ncols=2, columnspacing=1, handlelength=1.8)
    live.line(errors, lambda step: ([max(step, 15)] * 2, (1e-4, 4)), name="now", color=COLORS["truth"], lw=1)

    curves = {(p, decay): along(p, decay) for p in SHARES for decay in DECAYS}
    live.band(
        right, lambda p, decay: _band(curves[p, decay]), name="band", color=COLORS["estimate"], alpha=0.3,
    )  # fmt: skip
    live.line(
        right, lambda p, decay: (curves[p, decay]["step"], curves[p, decay]["gauss"]), name="gauss",
        color=COLORS["theory"], ls="--", label="Gaussian prediction",
    )  # fmt: skip
    for word, face in (("trust", COLORS["estimate"]), ("doubtful", "white")):
        live.points(
            right, lambda p, decay, word=word: _said(curves[p, decay], word), name=word, color=COLORS["estimate"],
            markerfacecolor=face, markeredgecolor=COLORS["estimate"], markersize=6, label=f"λ̂, verdict {word}",
        )  # fmt: skip
    right.legend(loc="upper right", fontsize=9)
    live.line(right, lambda step: ([max(step, 15)] * 2, (0, 800)), name="here", color=COLORS["truth"], lw=1)

    def words(p: int, decay: float, step: float) -> str:
        i, curve = at[int(step)], curves[p, decay]
        known = np.flatnonzero(curve["step"] == step)
        read = "λ̂ was not read here"
        if known.size and np.isfinite(curve["llc"][known[0]]):
            k = known[0]
            read = f"λ̂ = {style.estimate(curve['llc'][k], curve['se'][k])}, R-hat {curve['rhat'][k]:.2f}, "
            read += f"verdict {curve['word'][k]}"
        right_now = of(p, decay, "test_right")[i]
        share = of(p, decay, "explained")[i]
        return (
            f"Step {int(step)}: {100 * right_now:.0f} % of the other pairs are right; a + b − c explains "
            f"{100 * share:.0f} % of the logits' variance; {read}."
        )

    return live.caption(words)


def _named(p: int) -> str:
    return f"{p} ({100 * SHARES[p]:.0f} % of the pairs)"


def _band(curve: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    fair = np.isfinite(curve["llc"]) & (curve["word"] != "don't")
    wide = 2 * np.where(fair, curve["se"], np.nan)
    return curve["step"], curve["llc"] - wide, curve["llc"] + wide


def _said(curve: dict[str, NDArray[Any]], word: str) -> tuple[NDArray[Any], NDArray[Any]]:
    return curve["step"], np.where(curve["word"] == word, curve["llc"], np.nan)
