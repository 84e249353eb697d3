"""The live figure of lesson 10: a training run, step by step."""

import numpy as np
import torch

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider, bars
from sltcourse.lessons.developmental_stages.drawings import KIND_COLORS, along, at_steps, draw_lines, log_steps
from sltcourse.lessons.developmental_stages.kept import LLC_SETTINGS, asset
from sltcourse.llc.verdict import LEVELS
from sltcourse.zoo import COPIER_STEPS, LANGUAGE, copier

COLORS = style.COLORS
TEXT = "AkcAkFbdBgFbaAkBg"  # the text shown if the learner gives none


def live_stages(text: str = TEXT) -> LiveFigure:
    """Slide the training step: losses with their exact lines, λ̂, and who looks where in ``text``.

    ``text``: 3 to 32 letters of the language, a–p and A–P. The attention is that of the place chosen by the second
    slider, for the head of layer 0 that looks one place back most and the head of layer 1 that looks behind earlier
    names most, at the end of training. Raises ValueError for another text.
    """
    symbols = LANGUAGE.read(text)
    if not 3 <= len(symbols) <= 32:
        raise ValueError(f"the text has {len(symbols)} letters: choose 3 to 32")
    kept, read = asset("copier"), along()
    back = int(kept["previous"][-1, 0].argmax())
    induces = int(kept["induction"][-1, 1].argmax())
    attention, said = _tables(symbols)
    position = {step: i for i, step in enumerate(COPIER_STEPS)}
    size = len(symbols)

    fig, axes = style.figure(2, 2, height=5.6, height_ratios=[1.25, 1])
    (left, right), grid = axes[0], axes[1, 0].get_gridspec()
    for ax in axes[1]:
        ax.remove()
    below = fig.add_subplot(grid[1, :])
    for ax in (left, right):
        log_steps(ax, COPIER_STEPS[-1])
    left.set(title="loss, nats", ylim=(-0.1, 4.2))
    draw_lines(left, {name: v for name, v in LANGUAGE.lines.items() if name in ("bigram", "Bayes")}, COPIER_STEPS[-1])
    left.plot(at_steps(COPIER_STEPS), kept["loss"], color=COLORS["truth"], lw=1.6, label="all places")
    for k, (name, color) in enumerate(KIND_COLORS.items()):
        if k:
            left.plot(at_steps(COPIER_STEPS), kept["by_kind"][:, k], color=COLORS[color], lw=1.6, label=name)
    left.legend(loc="lower left", fontsize=9)
    for values, error, color, label in (
        (read["llc"], read["error"], "estimate", "λ̂"), (read["curved"], read["curved_error"], "posterior", "λ̂ − tilt")
    ):  # fmt: skip
        at = at_steps(LLC_SETTINGS["steps"])
        right.plot(at, values, color=COLORS[color], lw=1.4, label=label)
        right.fill_between(at, values - 2 * error, values + 2 * error, color=COLORS[color], alpha=0.25,
                           lw=0)  # fmt: skip
    right.set_title(f"λ̂ at nβ = {LLC_SETTINGS['nbeta']:g}, γ = {LLC_SETTINGS['spring']:g}, ± 2 errors")
    right.legend(loc="best", fontsize=9)
    below.set(xlim=(-0.6, size + 1.4), ylim=(-0.05, 3.1), title="share of attention, from the marked place")
    below.set_yticks([0, 0.5, 1, 1.4, 1.9, 2.4], ["0", "½", "1"] * 2)
    for base, name in ((1.4, f"head 0.{back}"), (0, f"head 1.{induces}")):
        below.text(size + 1.35, base + 0.5, name, ha="right", va="center", fontsize=10)
    below.set_xticks([])
    for i, letter in enumerate(text):
        below.text(i, 2.78, letter, ha="center", va="center", fontsize=13)

    live = LiveFigure(
        fig,
        alt="Top left: the loss over training with exact lines. Top right: λ̂ over training, with a band of two errors. "
        "Below: a text, and for a marked place of it the attention of two heads, one from each layer.",
        step=Slider("training step", COPIER_STEPS, start=500),
        place=Slider("place", range(1, size), start=size - 2),
    )
    for head, base, color in ((back, 1.4, "regular"), (induces + 4, 0.0, "singular")):

        def looks(step: int, place: int, head: int = head, base: float = base) -> tuple[np.ndarray, np.ndarray]:
            return bars(range(size), attention[position[int(step)], head, int(place)], base)

        live.fill(below, looks, name=f"head {head // 4}", color=COLORS[color], alpha=0.7)
    live.points(below, lambda place: (place, 2.5), name="place", color=COLORS["singular"], markersize=7)
    live.points(
        left, lambda step: (at_steps(step), kept["loss"][position[int(step)]]), name="loss now",
        color=COLORS["truth"], markersize=9,
    )  # fmt: skip
    for k in (1, 2):
        live.points(
            left, lambda step, k=k: (at_steps(step), kept["by_kind"][position[int(step)], k]), name=f"kind {k} now",
            color=COLORS[list(KIND_COLORS.values())[k]], markersize=8,
        )  # fmt: skip
    live.line(right, lambda step: ([at_steps(step)] * 2, right.get_ylim()), name="now", color=COLORS["truth"], lw=1)

    def caption(step: int, place: int) -> str:
        i, chances = position[int(step)], said[position[int(step)], int(place)]
        best = int(chances.argmax())
        lam = LLC_SETTINGS["steps"]
        near = lam[int(np.abs(np.log(at_steps(lam) / at_steps(step))).argmin())]
        j = lam.index(near)
        return (
            f"Step {style.number(step)}: loss {kept['loss'][i]:.2f}. After {text[: int(place) + 1][-6:]} it expects "
            f"{LANGUAGE.letters[best]} with chance {chances[best]:.2f}. At step {style.number(near)} λ̂ is "
            f"{style.estimate(read['llc'][j], read['error'][j])} (R-hat {read['rhat'][j]:.2f}, "
            f"{LEVELS[int(read['word'][j])]})."
        )

    return live.caption(caption)


def _tables(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(attention (steps, 8 heads, T, T), chances (steps, T, V)) of the kept networks on one text."""
    attention, chances = [], []
    row = torch.from_numpy(symbols)[None]
    for step in COPIER_STEPS:
        model = copier(step)
        attention.append(model.attention(row)[:, 0].flatten(0, 1).numpy())
        with torch.no_grad():
            chances.append(model(row)[0].softmax(-1).numpy())
    return np.array(attention), np.array(chances)
