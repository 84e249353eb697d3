"""The static pictures of lesson 12."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.programs.kept import Kept

COLORS = style.COLORS
FUNCTIONS = {"0111": "OR", "0110": "PARITY", "1111": "always 1", "0101": "the last symbol", "0011": "the first"}
_SHADES = (COLORS["singular"], COLORS["estimate"], COLORS["regular"], COLORS["theory"])  # of m = 1, 2, 3, 4


def _histogram(ax, machines: Sequence[Kept]) -> None:
    """Bars over λ, stacked by m."""
    counts = Counter((machine.lam, machine.m) for machine in machines)
    below: Counter[Fraction] = Counter()
    for m in sorted({m for _, m in counts}):
        lams = sorted(lam for lam, other in counts if other == m)
        heights = [counts[lam, m] for lam in lams]
        ax.bar(
            [float(lam) for lam in lams], heights, 0.36, bottom=[below[lam] for lam in lams], color=_SHADES[m - 1],
            label=f"m = {m}",
        )  # fmt: skip
        below.update(dict(zip(lams, heights, strict=True)))
    for lam, many in below.items():
        ax.text(float(lam), many + 4, str(many), ha="center", fontsize=8.5, color=COLORS["reference"])


def draw_machines(kept: dict[str, list[Kept]]) -> Figure:
    """Left: λ of the automata with three states, a row for each of five functions. Right: of the Turing machines for
    OR. ``kept`` as ``kept_machines`` returns it; the figure's label is its alternative text."""
    fig, (left, right) = style.figure(1, 2, height=3.9)
    told = []
    for row, (says, name) in enumerate(FUNCTIONS.items()):
        counts = Counter(float(k.lam) for k in kept["automata"] if k.says == says)
        for lam, many in counts.items():
            left.scatter(lam, -row, s=18 + 5 * many, color=COLORS["singular"], zorder=3)
            left.text(lam, -row - 0.34, str(many), ha="center", va="top", fontsize=9, color=COLORS["reference"])
        told.append(f"{name} {', '.join(f'{lam:g} ({many})' for lam, many in sorted(counts.items()))}")
    left.set(xlim=(3.5, 12.5), ylim=(-len(FUNCTIONS) + 0.2, 0.6), xlabel="λ")
    left.set_yticks(-np.arange(len(FUNCTIONS)), list(FUNCTIONS.values()))
    left.set_title("automata with 3 states, d = 12")
    _histogram(right, kept["turing"])
    right.set(xlabel="λ", ylabel="machines", xlim=(5.5, 15.5))
    right.set_title("Turing machines for OR, d = 16")
    right.legend()
    lams = Counter(k.lam for k in kept["turing"])
    fig.set_label(
        f"Left: λ of automata with three states and how many have it: {'; '.join(told)}. Right: λ of "
        f"{len(kept['turing'])} Turing machines for OR, from {min(lams)}, which {lams[min(lams)]} of them have, "
        f"to {max(lams)}, which {lams[max(lams)]} {'has' if lams[max(lams)] == 1 else 'have'}."
    )
    return fig


def draw_blocks(limit: np.ndarray, measured: np.ndarray, names: Sequence[str]) -> Figure:
    """Two matrices of covariances between strings, in one colour scale: the limit, and measured.

    Both of shape (strings, strings); the figure's label is its alternative text.
    """
    fig, axes = style.figure(1, 2, height=4.0)
    top = float(np.max(limit))
    for ax, values, title in zip(axes, (limit, measured), ("n² Cov, the limit", "measured"), strict=True):
        shown = ax.imshow(values, vmin=0, vmax=top, cmap="cividis", aspect="auto")
        ax.set_xticks(range(len(names)), names, rotation=60)
        ax.set_yticks(range(len(names)), names)
        ax.grid(False)
        ax.set_title(title)
    fig.colorbar(shown, ax=axes, shrink=0.8)
    half = len(names) // 2
    fig.set_label(
        f"Two blocks of {half} strings each: in the limit the covariances within a block lie between "
        f"{limit[:half, :half].min():.0f} and {limit[:half, :half].max():.0f}, those between the blocks are "
        f"{np.abs(limit[:half, half:]).max():.0f}; measured, the largest between the blocks is "
        f"{np.abs(measured[:half, half:]).max():.1f}."
    )
    return fig
