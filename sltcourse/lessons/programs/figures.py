"""The live figures of lesson 12: the board of a program's failures, and the posterior of a lamp."""

import inspect
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider, bars
from sltcourse.lessons.programs.evidence import lamp
from sltcourse.lessons.programs.models import (
    OR,
    coefficient,
    entry_name,
    labelled,
    path,
    strings,
    word,
    written,
)
from sltcourse.lessons.programs.ours import Code, Word, entries
from sltcourse.theory.corner import Corner

COLORS = style.COLORS
_HALVES = {Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔", Fraction(1, 4): "¼", Fraction(3, 4): "¾"}
_FAIL, _GUARD, _PACK = COLORS["singular"], COLORS["estimate"], COLORS["regular"]
_MOST_ROWS = 16


def _share(x: Fraction) -> str:
    return _HALVES.get(x, str(x))


class _View(NamedTuple):
    """What the board shows of one program on one set of strings."""

    code: Code
    outputs: tuple[int, ...]
    data: tuple[tuple[Word, int], ...]

    @property
    def corner(self) -> Corner:
        return _corner(self)

    @property
    def names(self) -> list[str]:
        return [entry_name(e, len(self.outputs)) for e in entries(self.code)]

    def rows(self) -> list[tuple[Word, Fraction]]:
        """The minimal syndromes with their shares in the packing, from the first entry to the last."""
        return sorted(zip(self.corner.monomials, self.corner.packing, strict=True), reverse=True)[:_MOST_ROWS]

    def run(self, row: int) -> str:
        """A line: the string, the states on the way, what it says. Empty where there is no such string."""
        if row >= len(self.data):
            return ""
        x, said = self.data[row]
        return f"{word(x)}:   {' → '.join(map(str, path(self.code, x)))},   says {said}"

    def table(self) -> str:
        """Where each symbol leads from each state, in one line."""
        rows = ("  ".join(f"{q} → {r}" for q, r in enumerate(row)) for row in self.code)
        return ";   ".join(f"{symbol}:  {row}" for symbol, row in enumerate(rows))

    def caption(self) -> str:
        guard = ", ".join(f"{n} {_share(u)}" for n, u in zip(self.names, self.corner.guard, strict=True) if u)
        return f"λ = {self.corner.lam}, m = {self.corner.m}. A cheapest guard: {guard}."


@cache
def _corner(view: _View) -> Corner:
    return coefficient(*view)


def _following(view: Callable[..., _View], names: Sequence[str], show: Callable[[_View], Any]) -> Callable[..., Any]:
    """A part's function of the controls ``names``, from what it shows of a view."""

    def function(**state: Any) -> Any:
        return show(view(**state))

    kind = inspect.Parameter.KEYWORD_ONLY
    function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    return function


def _board(
    view: Callable[..., _View], controls: dict[str, Slider | Menu], rows: int, lines: int, alt: str
) -> LiveFigure:
    """The board of a program: its runs on the left; on the right its syndromes, a row each, with guard and packing.

    ``rows`` is the largest number of syndromes, ``lines`` of strings.
    """
    start = view(**{name: control.values[control.start] for name, control in controls.items()})
    d, many = len(start.names), min(rows, _MOST_ROWS)
    two = d > 6  # rows of names
    first, unit = (-1.7 if two else -1.2), d / 4  # the first row; the width of a packing of 1
    low = min(first - many, 0.7 - lines)
    fig, (left, right) = style.figure(1, 2, height=0.27 * (2 - low) + 0.3, width_ratios=[1, 1.9 if two else 1.5])
    left.set(xlim=(0, 1), ylim=(low, 2))
    right.set(xlim=(-0.8 - (0.42 if two else 0.3) * d, d + 1.4 * unit), ylim=(low, 2))
    for ax, title in ((left, "the code, and its runs without noise"), (right, "minimal syndromes")):
        ax.set_axis_off()
        ax.set_title(title)
    right.text(-0.8, 0.6, "guard u", ha="right", va="center", color=_GUARD)
    right.text(d - 0.2, 0.6, "packing y", ha="left", va="center", color=_PACK)
    live = LiveFigure(fig, alt=alt, **controls)

    def add(kind: str, ax: Axes, show: Callable[[_View], Any], name: str, **looks: Any) -> None:
        getattr(live, kind)(ax, _following(view, list(controls), show), name=name, **looks)

    def columns(shown: _View) -> tuple[np.ndarray, np.ndarray]:
        down = np.array([-0.6, first - len(shown.rows()) + 0.6, np.nan])
        return np.repeat(np.arange(d, dtype=float), 3), np.tile(down, d)

    def used(shown: _View, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
        row, column = np.nonzero([[least <= a <= most for a in alpha] for alpha, _ in shown.rows()])
        return column.astype(float), first - row

    def packing(shown: _View) -> tuple[np.ndarray, np.ndarray]:
        y = np.array([float(share) for _, share in shown.rows()])
        along, across = bars(first - np.arange(len(y)), y, width=0.6)
        return d - 0.2 + unit * across, along

    def at_row(shown: _View, j: int, x: float, text: Callable[[Word, Fraction], str]) -> tuple[float, float, str]:
        there = shown.rows()
        return (x, first - j, text(*there[j])) if j < len(there) else (np.nan, np.nan, "")

    add("line", right, columns, "columns", color=COLORS["muted"], lw=0.8, zorder=1)
    add("fill", right, lambda v: bars(range(d), [float(u) for u in v.corner.guard], width=0.6), "guard",
        color=_GUARD, alpha=0.85)  # fmt: skip
    add("fill", right, packing, "packing", color=_PACK, alpha=0.85)
    add("points", right, lambda v: used(v, 1, 1), "once", color=_FAIL, markersize=7)
    add("points", right, lambda v: used(v, 2, 99), "more", color=_FAIL, markersize=13)
    for k in range(d):
        height = -0.85 if two and k % 2 else -0.35
        add("text", right, lambda v, k=k, y=height: (k, y, v.names[k]), f"name {k}", ha="center", va="center",
            fontsize=7.5 if two else 9.5)  # fmt: skip
        add("text", right, lambda v, k=k: (k, float(v.corner.guard[k]) + 0.1, _share(v.corner.guard[k])),
            f"u {k}", ha="center", va="bottom", fontsize=9, color=_GUARD)  # fmt: skip
    for j in range(many):
        add("text", right, lambda v, j=j: at_row(v, j, -0.7, lambda alpha, y: written(alpha, v.code)), f"row {j}",
            ha="right", va="center", fontsize=8.5 if two else 10)  # fmt: skip
        add("text", right, lambda v, j=j: at_row(v, j, d + 1.1 * unit, lambda alpha, y: _share(y)), f"y {j}",
            ha="left", va="center", fontsize=9, color=_PACK)  # fmt: skip
    add("text", left, lambda v: (0.0, 1.85, v.table()), "table", va="center", fontsize=9, color=COLORS["loss"])
    for j in range(lines):
        add("text", left, lambda v, j=j: (0.0, 1.2 - j, v.run(j)), f"run {j}", va="center", fontsize=10)
    live.caption(_following(view, list(controls), lambda v: v.caption()))
    return live


SETS = {
    "00": ((0, 0),),
    "00, 11": ((0, 0), (1, 1)),
    "00, 11, 01": ((0, 0), (1, 1), (0, 1)),
    "all of length 2": tuple(strings(2)),
    "all of length 3": tuple(strings(3)),
}


def live_code() -> LiveFigure:
    """Flip the four entries of a two-state program: runs, syndromes, guard and packing, λ and m follow.

    The labels are the program's own, so each of the sixteen programs is right on its data.
    """

    @cache
    def view(c00: int, c01: int, c10: int, c11: int, shown: tuple[Any, ...]) -> _View:
        code: Code = ((int(c00), int(c01)), (int(c10), int(c11)))
        return _View(code, (0, 1), tuple(labelled(code, (0, 1), shown)))

    controls: dict[str, Slider | Menu] = {
        f"c{s}{q}": Slider(f"symbol {s} in state {q} leads to", [0, 1], start=OR[s][q]) for s in (0, 1) for q in (0, 1)
    }
    controls["shown"] = Menu("strings", SETS, start="00, 11")
    return _board(
        view, controls, rows=6, lines=8,
        alt="Left: the states that a program goes through on each string. Right: a row for each minimal syndrome with "
        "a dot for each wrong entry that it uses, a large one if twice; bars on top show the guard of each entry, bars "
        "on the right how much of each syndrome is packed.",
    )  # fmt: skip


def live_program(code: Code, outputs: Sequence[int]) -> LiveFigure:
    """The board of a program of your own, with each of its entries changed in turn.

    ``code[s][q]`` is the state to which symbol s (0 or 1) takes state q, of 2 or 3 states; ``outputs[q]`` is 0 or 1,
    not the same for all states. Raises ValueError for what is no such program.
    """
    code = _checked(code, outputs)
    changes: dict[str, Code] = {"as written": code}
    for s, q, r in entries(code):
        flipped = [list(row) for row in code]
        flipped[s][q] = r
        changes[f"{s} in state {q} leads to {r}"] = tuple(tuple(row) for row in flipped)
    lengths = (1, 2, 3)

    @cache
    def view(change: Code, length: int) -> _View:
        return _View(change, tuple(outputs), tuple(labelled(change, outputs, strings(int(length)))))

    most = max(len(view(change, length).corner.monomials) for change in changes.values() for length in lengths)
    controls: dict[str, Slider | Menu] = {
        "change": Menu("code", changes),
        "length": Slider("strings of length", lengths, start=2),
    }
    return _board(
        view, controls, rows=most, lines=2 ** lengths[-1],
        alt="Left: the states that your program goes through on each string. Right: its minimal syndromes, a row each, "
        "with the guard of each wrong entry on top and the packing on the right.",
    )  # fmt: skip


def _checked(code: Code, outputs: Sequence[int]) -> Code:
    states = len(outputs)
    if states not in (2, 3):
        raise ValueError(f"a program has 2 or 3 states here, and outputs has {states} entries, one for each state")
    if len(code) != 2 or any(len(row) != states for row in code):
        raise ValueError(f"code has two rows, for the symbols 0 and 1, with {states} entries each, one for each state")
    if any(q not in range(states) for row in code for q in row):
        raise ValueError(f"the entries of code are states, 0 to {states - 1}")
    if set(outputs) != {0, 1}:
        raise ValueError("outputs are 0 and 1, both: a program that cannot say anything else cannot fail")
    return tuple(tuple(int(q) for q in row) for row in code)


# ---- the lamp ---------------------------------------------------------------------------------------------------

SHARES = (0.0, 0.001, 0.01, 0.1)
_PIXELS = 40


def live_belief() -> LiveFigure:
    """Slide n and the share of telling examples: the posterior of (a, b), and the probabilities of the two programs."""
    sizes = np.geomspace(1, 1e5, 31)
    edges = np.sin(np.pi / 2 * np.arange(1, _PIXELS // 2) / _PIXELS) ** 2
    nodes = {(n, share): lamp(n * (1 - share), n * share, order=2, cuts=edges) for n in sizes for share in SHARES}
    where = {(n, s): (float(p.weight @ p.rule), float(p.weight @ p.shortcut)) for (n, s), p in nodes.items()}
    one = nodes[sizes[0], 0.0]
    bins = [np.minimum((2 / np.pi * np.arcsin(np.sqrt(v)) * _PIXELS).astype(int), _PIXELS - 1) for v in (one.b, one.a)]
    pixel = bins[0] * _PIXELS + bins[1]
    pictures = {}
    for key, p in nodes.items():
        mass = np.bincount(pixel, p.weight, _PIXELS**2).reshape(_PIXELS, _PIXELS)
        pictures[key] = np.sqrt(mass / mass.max())

    ticks = np.array([0, 0.01, 0.1, 0.5, 0.9, 0.99, 1])
    places = 2 / np.pi * np.arcsin(np.sqrt(ticks))
    fig, (left, right) = style.figure(1, 2, height=4.3)
    left.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="a: 0 leads from state 0 to 1")
    left.set_ylabel("b: 0 leaves state 1 as it is")
    for set_ticks in (left.set_xticks, left.set_yticks):
        set_ticks(places, ["0", ".01", ".1", ".5", ".9", ".99", "1"])
    left.grid(False)
    left.set_title("posterior of a and b")
    right.set(xscale="log", xlim=(1, 1e5), ylim=(-0.03, 1.03), xlabel="n", ylabel="posterior probability")
    right.set_title("the two programs")
    live = LiveFigure(
        fig,
        alt="Left: the posterior of the two parameters on the square, with the rule at the lower right corner and the "
        "shortcut along the left side. Right: the posterior probability of both programs over n.",
        n=Slider("n", sizes, start=sizes[6], format=lambda n: style.number(float(f"{n:.2g}"))),
        share=Slider("telling share", SHARES, start=0.0, format=lambda s: f"{s:g}"),
    )
    live.image(left, lambda n, share: pictures[n, share], (0, 1, 0, 1), 0, 1, name="posterior")
    live.text(left, lambda: (0.94, 0.09, "rule"), name="at the rule", color="white", ha="right", va="center")
    live.text(left, lambda: (0.07, 0.93, "shortcut"), name="at the shortcut", color="white", va="center")
    for k, (name, color) in enumerate((("rule", COLORS["posterior"]), ("shortcut", COLORS["reference"]))):
        live.line(
            right, lambda share, k=k: (sizes, [where[n, share][k] for n in sizes]), name=name, color=color, label=name
        )
        live.points(right, lambda n, share, k=k: (n, where[n, share][k]), name=f"{name} now", color=color, markersize=9)
    right.legend(loc="center right")

    def sentence(n: float, share: float) -> str:
        rule, shortcut = where[n, share]
        told = style.number(float(f"{n * share:.2g}"))
        return (
            f"After n = {style.number(float(f'{n:.2g}'))} examples, {told} of them telling: the rule has the "
            f"probability {rule:.3f}, the shortcut {shortcut:.3f}."
        )

    return live.caption(sentence)
