"""How a live figure is laid out where there is little room, on a phone or in a narrow window.

A picture of several panels side by side is cut into columns, which ``live.js`` puts below one another: a cut goes where
no panel, label, legend or text stands. Where that cannot be, or its letters would be too small, the picture gets a
second frame, drawn narrow by matplotlib; what moves is sent once, for within its axes the one layout is the other one
stretched.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from sltcourse.kit import parts, style

WIDTH = 4.4  # inches of a narrow frame: half a figure, so that a phone shows its letters at four fifths of their size
Extent = tuple[float, float, float, float]  # left, right, top, bottom
_LONGEST = 5  # texts of a part that are measured
_GAP = 4  # the least width of a cut, in the reader's pixels
_PHONE = 343  # the reader's pixels that a phone of 375 has for a figure
_LEAST = 9
_BETWEEN = 0.12  # inches that a stacked panel has more than it needs
_MARGIN = 8  # at most, around what a column holds


@dataclass(frozen=True)
class Drawn:
    """What is where in a figure that has been drawn, in the reader's pixels: the extents of what it holds, each text's
    size in points and the middle between its sides, whether a panel has the labels of its ticks at another one."""

    width: float
    height: float
    extents: list[Extent]
    letters: list[tuple[float, float]]
    bare: bool


def drawn(fig: Figure) -> Drawn:
    """What is where in a figure that has just been drawn at its own resolution; at another one its legends move."""
    scale, (width, height) = style.DPI / fig.dpi, style.DPI * fig.get_size_inches()
    boxes = [a.get_tightbbox() for a in fig.get_children() if a is not fig.patch and a.get_visible()]
    sides = [[scale * v for v in (b.x0, b.x1, b.y0, b.y1)] for b in boxes if b is not None and b.width > 0]
    written = [text for text in _texts(fig) if text.get_text().strip()]
    return Drawn(
        width,
        height,
        [(x0, x1, height - y1, height - y0) for x0, x1, y0, y1 in sides],
        [(float(text.get_fontsize()), scale * _middle(text.get_window_extent())) for text in written],
        bool(_bare(fig)),
    )


def columns(there: Drawn, moving: Iterable[Extent] = ()) -> list[tuple[int, int, int, int]]:
    """The columns of a figure, (left, right, top, bottom) in the reader's pixels, side by side.

    They hold all that is drawn, and leave out what is blank around it. ``moving`` are the extents of what no artist
    holds, the texts that move.
    """
    found: list[Extent] = []
    for box in sorted([*there.extents, *moving]):
        if not found or box[0] - found[-1][1] >= _GAP:
            found.append(box)
        else:
            left, right, top, bottom = found[-1]
            found[-1] = left, max(right, box[1]), min(top, box[2]), max(bottom, box[3])
    halves = [(a[1] + b[0]) / 2 for a, b in itertools.pairwise(found)]
    return [
        (
            round(max(least, left - _MARGIN)),
            round(min(most, right + _MARGIN)),
            round(max(0, top - _MARGIN)),
            round(min(there.height, bottom + _MARGIN)),
        )
        for least, (left, right, top, bottom), most in zip([0, *halves], found, [*halves, there.width], strict=True)
    ]


def stands(there: Drawn, found: Sequence[Extent], moving: Iterable[parts.Part]) -> bool:
    """Whether a figure can be shown as these columns: there are several, none needs the ticks' labels of another one,
    and on a phone all letters are at least ``_LEAST`` pixels high, those of the parts that are ``moving`` too."""
    if len(found) < 2 or there.bare:
        return False
    texts = [part for part in moving if part.kind == "text"]
    letters = [(p.artist.get_fontsize(), style.DPI / p.ax.figure.dpi * _middle(p.ax.bbox)) for p in texts]
    for size, middle in [*there.letters, *letters]:
        for left, right, *_ in found:
            if left <= middle < right and size * style.DPI / 72 * min(1, _PHONE / (right - left)) < _LEAST:
                return False
    return True


def texts(
    fig: Figure, moving: Iterable[parts.Part], encoded: Iterable[dict[str, Any]], blob: bytes | bytearray
) -> Iterator[Extent]:
    """The extents of the texts that follow the sliders, of the longest ones of each part, in the reader's pixels.

    ``encoded`` and ``blob`` are the parts as ``LiveFigure.encode`` describes them.
    """
    for part, spec in zip(moving, encoded, strict=True):
        if part.kind != "text" or "tables" not in spec:
            continue
        tables = [spec["tables"][key] for key in "xy"]
        written = spec["tables"]["text"]["texts"]
        across, down = (
            np.broadcast_to(np.frombuffer(blob, np.int16, table["rows"], table["at"]), len(written)) for table in tables
        )
        there = across != parts.NOWHERE
        places = {(written[k], int(across[k])) for k in np.flatnonzero(there)}
        for text, x in sorted(places, key=lambda place: (len(place[0]), place))[-_LONGEST:]:
            left, right, high = extent(fig, x / parts.SCALE / style.SHARPNESS, text, part.artist)
            top, bottom = (float(v) / parts.SCALE / style.SHARPNESS for v in (down[there].min(), down[there].max()))
            yield left, right, top - high, bottom + high


def extent(fig: Figure, x: float, text: str, artist: Any) -> tuple[float, float, float]:
    """From where to where a text goes that is written at ``x`` (the reader's pixels) in the looks of ``artist``, and
    how high it is."""
    written = fig.text(0, 0, text, fontsize=artist.get_fontsize(), fontweight=artist.get_fontweight())
    box, scale = written.get_window_extent(), style.DPI / fig.dpi
    written.remove()
    left = x - scale * box.width * {"left": 0, "center": 0.5, "right": 1}[artist.get_ha()]
    return left, left + scale * box.width, scale * box.height


def frame(fig: Figure, found: Sequence[Extent]) -> tuple[bytes, dict[str, Any]]:
    """A figure's narrow frame as PNG, and what ``live.js`` needs to draw in it; the figure stays as it is laid out.

    Its panels stand below one another, those of a column (``found``) together; what is written over the frame's edge
    goes on two lines. The description holds ``width`` and ``height`` in the reader's pixels, and ``panels``: for each
    of the figure's axes (a, b, c, d), by which x of the picture's pixels goes to a + b x of the frame's, and y to
    c + d y.
    """
    size, wide = fig.get_size_inches(), _boxes(fig)
    places = [(ax.get_subplotspec(), ax.get_position(original=True), ax.get_position()) for ax in fig.axes]
    bare = _bare(fig)
    _stack(fig, found)
    for ax in bare:
        ax.tick_params(labelleft=True)
    _laid_out(fig)
    halved = _halved(fig)
    if halved:
        _laid_out(fig)
    png, (width, height) = style.png(fig)
    panels = []
    for (x, y, w, h), (left, top, across, down) in zip(wide, _boxes(fig), strict=True):
        panels.append([left - x * across / w, across / w, top - y * down / h, down / h])
    for text, whole in halved:
        text.set_text(whole)
    for ax in bare:
        ax.tick_params(labelleft=False)
    fig.set_size_inches(size[0], size[1], forward=False)
    for ax, (place, original, active) in zip(fig.axes, places, strict=True):
        if place is not None:
            ax.set_subplotspec(place)
        ax.set_position(original, which="original")
        ax.set_position(active, which="active")
    return png, {"width": width, "height": height, "panels": [[round(float(v), 5) for v in panel] for panel in panels]}


def _stack(fig: Figure, found: Sequence[Extent]) -> None:
    """Make a figure narrow, its panels below one another, column by column, each as high as it was."""
    if len(fig.axes) == 1:
        fig.set_size_inches(WIDTH, fig.get_size_inches()[1], forward=False)
        return
    scale = style.DPI / fig.dpi

    def place(ax: Axes) -> tuple[int, float, float]:
        k = sum(left <= scale * _middle(ax.bbox) for left, *_ in found)
        return k, -ax.bbox.y1, ax.bbox.x0

    ordered = sorted(fig.axes, key=place)
    boxes = [ax.get_tightbbox() for ax in ordered]
    height = sum(box.height for box in boxes if box is not None) / fig.dpi + _BETWEEN * len(ordered)
    fig.set_size_inches(WIDTH, height, forward=False)
    grid = GridSpec(len(ordered), 1, figure=fig, height_ratios=[ax.bbox.height for ax in ordered])
    for k, ax in enumerate(ordered):
        ax.set_subplotspec(grid[k])


def _laid_out(fig: Figure) -> None:
    fig.set_layout_engine("constrained")
    fig.draw_without_rendering()
    fig.set_layout_engine("none")


def _halved(fig: Figure) -> list[tuple[Text, str]]:
    """Break in two each text that goes over the figure's edge, at the blank nearest to its middle; returns those, and
    what they said."""
    found = []
    for text in _texts(fig):
        if "\n" in (whole := text.get_text()):
            continue
        box = text.get_window_extent()
        blanks = [k for k, letter in enumerate(whole) if letter == " " and whole[:k].count("$") % 2 == 0]
        if blanks and (box.x0 < 0 or box.x1 > fig.bbox.width):
            k = min(blanks, key=lambda k: abs(k - len(whole) / 2))
            found.append((text, whole))
            text.set_text(whole[:k] + "\n" + whole[k + 1 :])
    return found


def _texts(fig: Figure) -> list[Text]:
    return [text for text in fig.findobj(Text) if isinstance(text, Text) and text.get_visible()]


def _bare(fig: Figure) -> list[Axes]:
    """The axes whose ticks have their labels at another panel's."""
    shared = [ax for ax in fig.axes if len(ax.get_shared_y_axes().get_siblings(ax)) > 1]
    return [ax for ax in shared if ax.axison and ax.yaxis.get_tick_params().get("labelleft") is False]


def _middle(box: BboxBase) -> float:
    return float(box.x0 + box.x1) / 2


def _boxes(fig: Figure) -> list[tuple[float, float, float, float]]:
    """(left, top, width, height) of each of the figure's axes, in the picture's pixels."""
    zoom, height = style.DPI * style.SHARPNESS / fig.dpi, fig.get_size_inches()[1] * style.DPI * style.SHARPNESS
    boxes = [ax.get_window_extent() for ax in fig.axes]
    return [(zoom * b.x0, height - zoom * b.y1, zoom * b.width, zoom * b.height) for b in boxes]
