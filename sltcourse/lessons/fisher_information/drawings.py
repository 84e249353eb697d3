"""The tables and the static picture of lesson 01."""

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.fisher_information.models import certificates, certified
from sltcourse.theory.models.families import Family

COLORS = style.COLORS


def draw_spectrum(
    x: np.ndarray, y: np.ndarray, f: Callable[[np.ndarray], np.ndarray], eigenvalues: np.ndarray
) -> Figure:
    """Data (N,) and a trained network on the left, the eigenvalues (d,) of its Fisher matrix on the right, log axis."""
    fig, (left, right) = style.figure(1, 2, height=3.7)
    grid = np.linspace(-2, 2, 201)
    left.plot(x, y, "o", color=COLORS["muted"], markersize=4, label=f"{len(x)} data")
    left.plot(grid, 3 * np.sin(3 * grid), color=COLORS["truth"], ls=":", label="truth")
    left.plot(grid, f(grid), color=COLORS["estimate"], label="network")
    left.set(xlabel="x", ylabel="y", xlim=(-2, 2), ylim=(-6, 8.5))
    left.legend(loc="upper left", ncols=3, fontsize=9, columnspacing=1, handlelength=1.5)
    d, threshold = len(eigenvalues), 1 / len(x)
    seen = eigenvalues > threshold
    order = np.arange(1, d + 1)
    floor = 1e-18
    shown = np.maximum(np.sort(eigenvalues)[::-1], floor)
    for keep, color, words in ((shown > threshold, COLORS["regular"], "seen"),
                               (shown <= threshold, COLORS["singular"], "not seen")):  # fmt: skip
        right.plot(order[keep], shown[keep], "o", color=color, markersize=4.5, label=words)
    right.axhline(threshold, color=COLORS["reference"], lw=1, ls="--")
    right.set(
        yscale="log", ylim=(floor / 3, 1e3), xlim=(0, d + 1), xlabel="axis", ylabel="eigenvalue of I (from 10⁻¹⁸)"
    )
    right.legend(loc="upper right", fontsize=9)
    fig.set_label(
        f"Left, data around a wave and the trained network. Right, the {d} eigenvalues of its Fisher matrix on a log "
        f"axis: {int(seen.sum())} lie above 1/{len(x)}, the others fall by many powers of ten."
    )
    return fig


def vector(v: Sequence) -> str:
    """A point or direction as text: (1, −2, 0)."""
    return "(" + ", ".join(str(c).replace("-", "−").replace("log(2)", "log 2") for c in v) + ")"


def written(symbol: sp.Symbol) -> str:
    """A parameter's name as text: p1 becomes p₁, mu becomes μ."""
    return str(symbol).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")).replace("mu", "μ")


def card(family: Family):
    """What there is to know about one family, as a table: model, singular point, rank, null directions, meaning."""
    found, regular = certificates(family)
    names = ", ".join(map(written, family.density.parameters))
    rows = [
        ["model", family.instance],
        ["parameters", f"({names}), d = {found.dimension}"],
        ["singular where", f"{family.at}; take {vector(family.singular)}"],
        ["rank there", f"{found.rank} of {found.dimension}"],
        ["null directions, proved", ", ".join(vector(v) for v in found.null)],
        [f"{vector(family.direction)} means", family.meaning],
        ["cause", family.cause],
        ["rank at a regular point", f"{regular.rank} of {regular.dimension}, at {vector(family.regular)}"]
        if regular and family.regular
        else ["regular points", "none"],
    ]
    return style.table(rows, [family.name, ""])


def families_table():
    """All families on one page: rank at the singular point and at a regular one, a null direction, its meaning."""
    rows = [
        [
            family.name,
            f"{family.at}: {vector(family.singular)}" if found.dimension == 2 else family.at,
            f"{found.rank} of {found.dimension}".replace(" ", "\u00a0"),
            vector(family.direction).replace(" ", "\u00a0"),
            family.meaning,
            "none" if regular is None else f"{regular.rank} of {regular.dimension}",
        ]
        for family, found, regular in certified()
    ]
    return style.table(rows, ["family", "singular where", "rank", "null direction", "which means", "elsewhere"])
