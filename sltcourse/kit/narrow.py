"""How a live figure is laid out where there is little room, on a phone or in a narrow window.

A picture of several panels side by side is cut into columns, which ``live.js`` puts below one another: a cut goes where
no panel, label, legend or text stands. A picture of one column gets a second frame, drawn narrow by matplotlib; what
moves is sent once, for within its axes the one layout is the other one stretched.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sltcourse.kit import parts, style

WIDTH = 4.4  # inches of a narrow frame: half a figure, so that a phone shows its letters at four fifths of their size
_LONGEST = 5  # texts of a part that are measured
_GAP = 4  # the least width of a cut, in the reader's pixels
_MARGIN = 8  # at most, around what a column holds


def columns(fig: Figure, moving: Iterable[tuple[float, float]] = ()) -> list[tuple[int, int]]:
    """The columns (from, to) of a figure that is laid out, in the reader's pixels: what stands side by side in it.

    They hold all that is drawn, and leave out what is blank between them. ``moving`` are extents (from, to) of what no
    artist holds, the texts that move.
    """
    scale, width = style.DPI / fig.dpi, fig.get_size_inches()[0] * style.DPI
    boxes = [a.get_tightbbox() for a in fig.get_children() if a is not fig.patch and a.get_visible()]
    spans = [(scale * box.x0, scale * box.x1) for box in boxes if box is not None and box.width > 0]
    spans = sorted([*spans, *moving])
    found = [spans[0]]
    for left, right in spans[1:]:
        if left - found[-1][1] >= _GAP:
            found.append((left, right))
        else:
            found[-1] = found[-1][0], max(found[-1][1], right)
    halves = [(a[1] + b[0]) / 2 for a, b in itertools.pairwise(found)]
    edges = zip([0, *halves], found, [*halves, width], strict=True)
    return [(round(max(least, a - _MARGIN)), round(min(most, b + _MARGIN))) for least, (a, b), most in edges]


def extent(fig: Figure, x: float, text: str, artist: Any) -> tuple[float, float]:
    """From where to where a text goes that is written at ``x`` (the reader's pixels) in the looks of ``artist``."""
    written = fig.text(0, 0, text, fontsize=artist.get_fontsize(), fontweight=artist.get_fontweight())
    width = written.get_window_extent().width * style.DPI / fig.dpi
    written.remove()
    left = x - width * {"left": 0, "center": 0.5, "right": 1}[artist.get_ha()]
    return left, left + width


def texts(
    fig: Figure, moving: Iterable[parts.Part], encoded: Iterable[dict[str, Any]], blob: bytes | bytearray
) -> Iterator[tuple[float, float]]:
    """From where to where the texts go that follow the sliders, the longest ones of each part, in the reader's pixels.

    ``encoded`` and ``blob`` are the parts as ``LiveFigure.encode`` describes them.
    """
    for part, spec in zip(moving, encoded, strict=True):
        if part.kind != "text" or "tables" not in spec:
            continue
        table, written = spec["tables"]["x"], spec["tables"]["text"]["texts"]
        places = np.broadcast_to(np.frombuffer(blob, np.int16, table["rows"], table["at"]), len(written)).tolist()
        there = {(text, x) for text, x in zip(written, places, strict=True) if x != parts.NOWHERE}
        for text, x in sorted(there, key=lambda pair: len(pair[0]))[-_LONGEST:]:
            yield extent(fig, x / parts.SCALE / style.SHARPNESS, text, part.artist)


def frame(fig: Figure) -> tuple[bytes, dict[str, Any]]:
    """A figure's narrow frame as PNG, and what ``live.js`` needs to draw in it; the figure stays as it is laid out.

    The description holds ``width`` and ``height`` in the reader's pixels, and ``panels``: for each of the figure's
    axes (a, b, c, d), by which x of the picture's pixels goes to a + b x of the frame's, and y to c + d y.
    """
    size, places = fig.get_size_inches(), [(ax.get_position(original=True), ax.get_position()) for ax in fig.axes]
    wide = _boxes(fig)
    fig.set_size_inches(WIDTH, size[1], forward=False)
    fig.set_layout_engine("constrained")
    fig.draw_without_rendering()
    fig.set_layout_engine("none")
    png, (width, height) = style.png(fig)
    panels = []
    for (x, y, w, h), (left, top, across, down) in zip(wide, _boxes(fig), strict=True):
        panels.append([left - x * across / w, across / w, top - y * down / h, down / h])
    fig.set_size_inches(size[0], size[1], forward=False)
    for ax, (original, active) in zip(fig.axes, places, strict=True):
        ax.set_position(original, which="original")
        ax.set_position(active, which="active")
    return png, {"width": width, "height": height, "panels": [[round(float(v), 5) for v in panel] for panel in panels]}


def _boxes(fig: Figure) -> list[tuple[float, float, float, float]]:
    """(left, top, width, height) of each of the figure's axes, in the picture's pixels."""
    zoom, height = style.DPI * style.SHARPNESS / fig.dpi, fig.get_size_inches()[1] * style.DPI * style.SHARPNESS
    boxes = [ax.get_window_extent() for ax in fig.axes]
    return [(zoom * b.x0, height - zoom * b.y1, zoom * b.width, zoom * b.height) for b in boxes]
