"""A live figure or a guess as files of a web page: a script with all its numbers, and what stands there until it runs.

A page opened from disk may load no data, but it may load scripts: so a figure's bytes come as text within one,
``sltcourse.figure("<lesson>/<name>", "<base64>")``. They are deflated: a head in JSON, then the arrays, which the head
names. Tables of numbers deflate to a half if what goes in are differences, byte by byte (``filtered``). ``book.js``
takes all that back and calls ``live.js`` or ``guess.js``, the same as in a notebook.
"""

import base64
import functools
import html
import io
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sltcourse.kit.guess import Guess
from sltcourse.kit.live import LiveFigure

HERE, KIT = Path(__file__).parent, Path(__file__).parents[1]
# How a table (state, number) may be prepared: differences of neighbours in a state ("p"), of a state and the one
# before it ("s"), after one another; the browser takes them back in the opposite order.
_STEPS = ("", "p", "s", "sp", "pp", "spp")


def packed(key: str, figure: LiveFigure | Guess) -> str:
    """The script of a figure, to be saved as ``_live/<key>.js``; ``key`` is "<lesson>/<name>".

    Raises ValueError for a live figure that has to ask a kernel, and whatever ``LiveFigure.encode`` raises.
    """
    if isinstance(figure, Guess):
        head: dict[str, Any] = {"view": "guess", "values": {"spec": figure.spec}, "filters": [], "buffers": []}
        return _script(key, head, [])
    spec, blob = _encoded(figure)
    if asking := [part["kind"] for part in spec["parts"] if "ask" in part]:
        raise ValueError(f"{key}: the table of a {asking[0]} is too large to be sent; give its sliders fewer positions")
    tables, filters = bytearray(blob), []
    for part in spec["parts"]:
        for table in [*part["tables"].values(), *part.get("fields", {}).get("tables", {}).values()]:
            if "texts" in table:
                continue
            kind, count = np.dtype(table["type"]), int(np.prod(table["shape"], dtype=int))
            rows = np.frombuffer(blob, f"u{kind.itemsize}", table["rows"] * count, table["at"])
            steps, data = filtered(rows.reshape(table["rows"], count))
            tables[table["at"] : table["at"] + len(data)] = data
            if steps:
                filters.append([table["at"], kind.itemsize, table["rows"], count, steps])
    buffers = {"tables": bytes(tables), "background": webp(figure.pictures()[1])}
    if "narrow" in spec:
        buffers["narrow"] = webp(figure.narrow_frame()[0])
    values = {"spec": spec, "state": [control.start for control in figure.controls.values()]}
    sizes = [[name, len(data)] for name, data in buffers.items()]
    return _script(key, {"view": "live", "values": values, "filters": filters, "buffers": sizes}, buffers.values())


@functools.lru_cache(maxsize=1)
def _encoded(figure: LiveFigure) -> tuple[dict[str, Any], bytes]:
    """What a figure sends; its script and its placeholder ask one after the other, and some take seconds."""
    return figure.encode()


def webp(png: bytes) -> bytes:
    """The same picture as lossless WebP: of a frame, half as many bytes."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(small, "WEBP", lossless=True, quality=70, method=4)
    return small.getvalue()


def filtered(rows: NDArray[Any]) -> tuple[str, bytes]:
    """The steps of ``_STEPS`` after which a table of unsigned integers deflates best, and its bytes after them.

    After steps the bytes stand in planes, all first bytes, all second ones, …; differences are modulo the type's range.
    """
    best, least = "", rows.tobytes()
    chosen = len(zlib.compress(least, 1))
    for steps in _STEPS[1:]:
        table = rows
        for step in steps:
            table = np.diff(table, axis="sp".index(step), prepend=table.dtype.type(0))
        planes = np.ascontiguousarray(table).view(np.uint8).reshape(-1, table.itemsize).T.tobytes()
        if (size := len(zlib.compress(planes, 1))) < chosen:
            best, least, chosen = steps, planes, size
    return best, least


def _script(key: str, head: dict[str, Any], buffers: Iterable[bytes]) -> str:
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    data = zlib.compress(b"".join([len(text).to_bytes(4, "little"), text, *buffers]), 9)
    return f"sltcourse.figure({json.dumps(key)}, {json.dumps(base64.b64encode(data).decode())});\n"


def placeholder(key: str, figure: LiveFigure | Guess, still: str) -> str:
    """What stands in the page until a figure's script has run: its still picture (address ``still``) and its caption.

    A guess stands there as its question; its answer only where no script runs. ``book.js`` keeps free the room that the
    live figure will take.
    """
    if isinstance(figure, Guess):
        options = "".join(f"<li>{html.escape(option)}</li>" for option in figure.options)
        asked = f"<p><strong>{html.escape(figure.question)}</strong></p>{f'<ul>{options}</ul>' if options else ''}"
        inside = f'<div class="slt-guess">{asked}</div><noscript>{figure._repr_html_()}</noscript>'
        return f'<div class="slt-figure" data-figure="{html.escape(key)}">{inside}</div>'
    width, height = figure.pictures()[2]
    _, _, told = repr(figure).partition("] ")
    spec = _encoded(figure)[0]
    shape: dict[str, Any] = {name: spec[name] for name in ("width", "height", "columns") if name in spec}
    if "narrow" in spec:
        shape["narrow"] = {name: spec["narrow"][name] for name in ("width", "height")}
    longest = max(len(c.label) + 3 + max(map(len, c.texts)) for c in figure.controls.values())
    shape |= {
        "controls": len(figure.controls),
        "reading": longest,
        "guess": len(spec.get("guess", {}).get("question", "")),
    }
    written = html.escape(json.dumps(shape, separators=(",", ":")))
    return (
        f'<div class="slt-figure" data-figure="{html.escape(key)}" data-shape="{written}">'
        f'<img class="slt-still" src="{html.escape(still)}" width="{width}" height="{height}" loading="lazy" '
        f'decoding="async" alt="{html.escape(figure.alt)}"><p class="slt-caption">{html.escape(told)}</p></div>'
    )


def bundle() -> str:
    """A classic script for all pages: ``live.js`` and ``guess.js`` as they are, as ``sltcourse.live`` and ``.guess``.

    ``book.js`` comes after it and loads the figures.
    """
    parts = ["window.sltcourse = {};\n"]
    for name in ("live", "guess"):
        code, mark, exported = (KIT / f"{name}.js").read_text(encoding="utf-8").partition("export default ")
        if not mark or exported.count("\n") > 1:
            raise ValueError(f"{name}.js must end in its one line `export default …`")
        parts.append(f"sltcourse.{name} = (() => {{\n{code}return {exported}}})();\n")
    return "".join(parts)
