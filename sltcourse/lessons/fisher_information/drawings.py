"""The tables and the static picture of lesson 01."""

from collections.abc import Sequence

import numpy as np
import sympy as sp
from matplotlib.figure import Figure

from sltcourse.kit import style
from sltcourse.lessons.fisher_information.models import certificates, certified, network
from sltcourse.theory.models.families import Family

COLORS = style.COLORS


def draw_wedge() -> Figure:
    """The parameters (a, b), and where a·tanh(bx) sends them: the plane of all pairs (f(1), f(2)). A static figure."""
    fig, (plane, image) = style.figure(1, 2, height=3.9)
    a = np.linspace(-1.6, 1.6, 60)
    speeds = np.array([0.15, 0.3, 0.5, 0.75, 1.05, 1.5])
    shades = [style.plt.get_cmap("cividis")(t) for t in np.linspace(0.05, 0.75, len(speeds))]
    for b, shade in zip(speeds, shades, strict=True):
        for sign in (-1, 1):
            plane.plot(a, sign * b + 0 * a, color=shade, lw=1.6)
        image.plot(network(a, b, 1), network(a, b, 2), color=shade, lw=1.6)
    for b, shade, (x, y), side in (
        (speeds[0], shades[0], (-0.2, -0.47), "left"),
        (speeds[-1], shades[-1], (-0.62, -0.56), "right"),
    ):
        plane.plot([1.6, 1.66], [b, b], color=shade, lw=1.6)
        plane.text(1.7, b, f"b = {b:g}", color="#444444", fontsize=9, va="center")
        image.text(x, y, f"b = ±{b:g}", color="#444444", fontsize=8.5, ha=side, va="center")
    plane.plot([-1.6, 1.6], [0, 0], color=COLORS["singular"], lw=3.5)
    plane.plot([0, 0], [-1.6, 1.6], color=COLORS["singular"], lw=3.5)
    edge = np.array([-2, 2])
    image.fill_between(edge, edge, 2 * edge, color=COLORS["muted"], alpha=0.4, lw=0)
    for slope, (x, y) in {1: (0.52, 0.42), 2: (0.28, 0.8)}.items():
        image.plot(edge, slope * edge, color=COLORS["reference"], lw=1, ls=":")
        image.text(x, y, f"slope {slope}", color=COLORS["reference"], ha={1: "left", 2: "right"}[slope])
    image.plot(0, 0, "o", color=COLORS["singular"], markersize=10)
    plane.set(
        xlim=(-1.7, 2.5),
        ylim=(-1.8, 1.8),
        aspect="equal",
        xlabel="a",
        ylabel="b",
        title="Parameters: on the cross, f = 0",
    )
    image.set(
        xlim=(-1.1, 1.1),
        ylim=(-1.1, 1.1),
        aspect="equal",
        xlabel="f(1)",
        ylabel="f(2)",
        title="Functions: the cross is a point",
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
