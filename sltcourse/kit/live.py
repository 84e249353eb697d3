"""Live figures: sliders, and a matplotlib picture that follows the hand.

matplotlib draws the frame (axes, ticks, labels, legend) once, for no slider changes it. The parts that follow the
sliders (lines, bands, points, images, regions, texts) are given as functions of the sliders' values; the names of a
function's arguments say which sliders it follows. Each is tabulated over all positions of its sliders before the
first picture, in the figure's pixels, and sent to the browser once; from then on the browser looks up and draws, and
the kernel is not asked again. A part whose table would be too large is computed by the kernel at each position that
is asked for::

    fig, ax = style.figure()
    ax.set(xlim=(-3, 3), ylim=(0, 1), xlabel="x", ylabel="density")
    live = LiveFigure(fig, alt="A bell curve; the slider moves its centre.", w=Slider("w", np.linspace(-2, 2, 81)))
    live.line(ax, lambda w: (x, np.exp(-((x - w) ** 2))), color=style.COLORS["truth"])
    live.caption(lambda w: f"The mean is {w:.2f}.")
    live

``live.with_guess(ax, "y", "How high?", hides=["curve"])`` hides the curve until the learner has guessed.
``live.at(w=0.5)`` returns the numbers of every part without a browser. The widget is made when the figure is
displayed; the same output holds a still picture, and the caption as its plain text. The kinds of parts are classes
of ``parts``; the pictures are drawn by ``live.js``.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sltcourse.kit import narrow, parts, style
from sltcourse.kit.controls import Menu, Slider
from sltcourse.kit.guess import OnAxis

__all__ = ["TABLE_BYTES", "TABLE_STATES", "LiveFigure", "Menu", "Slider", "bars"]

_HERE = Path(__file__).parent
TABLE_BYTES = 3_000_000  # a larger table is not sent: the kernel answers for the part
TABLE_STATES = 20_000  # nor is one over more positions of the sliders than this


class LiveFigure:
    """A figure with moving parts. ``alt`` describes it in words; ``controls`` are its Sliders and Menus by name.

    Set every axis' limits, scales and labels before the figure is shown: no slider changes them. Each method that
    adds a part takes a function of some of the controls (by argument name), an optional ``name`` under which ``at``
    returns it, and matplotlib's own words for its looks, and returns the figure. Errors in those functions come up
    when the part is added. Raises ValueError without controls or without alt, TypeError for a control that is none.
    """

    def __init__(self, fig: Figure, alt: str, **controls: Slider | Menu) -> None:
        if not controls:
            raise ValueError("a live figure needs at least one Slider or Menu")
        for name, control in controls.items():
            if not isinstance(control, (Slider, Menu)):
                raise TypeError(f"{name} is a {type(control).__name__}; give a Slider or a Menu")
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError("a live figure needs alt, a sentence that says what it shows")
        self.fig, self.alt, self.controls = fig, alt, controls
        self._parts: list[parts.Part] = []
        self._caption: parts.Caption | None = None
        self._guess: OnAxis | None = None
        self._pictures: tuple[bytes, bytes, tuple[int, int]] | None = None
        self._narrow: tuple[bytes, dict[str, Any]] | None = None

    # ---- the parts that follow the controls -------------------------------------------------------------------

    def line(self, ax: Axes, function: Callable[..., Any], name: str | None = None, **looks: Any) -> Self:
        """A line: ``function`` returns (x, y), equally long arrays; NaN makes a gap. ``looks`` as for ``ax.plot``."""
        return self._add(parts.Line(ax, function, name, **looks))

    def points(self, ax: Axes, function: Callable[..., Any], name: str | None = None, **looks: Any) -> Self:
        """Round markers at (x, y), arrays or single numbers. ``looks``: color, markersize, label, zorder, alpha,
        markeredgecolor, markeredgewidth."""
        return self._add(parts.Points(ax, function, name, **looks))

    def band(self, ax: Axes, function: Callable[..., Any], name: str | None = None, **looks: Any) -> Self:
        """A band: ``function`` returns (x, low, high). ``looks``: color, alpha (0.25), label."""
        return self._add(parts.Band(ax, function, name, **looks))

    def fill(self, ax: Axes, function: Callable[..., Any], name: str | None = None, **looks: Any) -> Self:
        """A filled outline: ``function`` returns (x, y) of its corners. ``looks``: color, alpha, edgecolor, label."""
        return self._add(parts.Fill(ax, function, name, **looks))

    def image(
        self,
        ax: Axes,
        function: Callable[..., Any],
        extent: tuple[float, float, float, float],
        vmin: float,
        vmax: float,
        *,
        cmap: str | mpl.colors.Colormap = "cividis",
        name: str | None = None,
        alpha: float = 1.0,
    ) -> Self:
        """An image on linear axes: ``function`` returns an array (rows upwards, columns), coloured by vmin and vmax.

        ``extent``: (left, right, bottom, top) in the axes' data.
        """
        norm = mpl.colors.Normalize(vmin, vmax, clip=True)
        return self._add(parts.Image(ax, function, name, extent, norm=norm, cmap=cmap, alpha=alpha))

    def region(
        self,
        ax: Axes,
        field: Any,
        level: Callable[..., Any],
        extent: tuple[float, float, float, float],
        color: Any,
        *,
        name: str | None = None,
        alpha: float = 0.85,
    ) -> Self:
        """The set {field <= level} shaded, on linear axes: the browser compares every pixel, smoothing the edge.

        ``field``: an array (rows upwards, columns), or a function of controls that returns one, always of one
        shape; ``level``: a function of controls; ``extent``: (left, right, bottom, top) in the axes' data.
        """
        return self._add(parts.Region(ax, field, level, name, extent, color=color, alpha=alpha))

    def text(self, ax: Axes, function: Callable[..., Any], name: str | None = None, **looks: Any) -> Self:
        """A text: ``function`` returns (x, y, string), x and y in the axes' data. ``looks`` as for ``ax.text``;
        Unicode, not TeX."""
        return self._add(parts.Text(ax, function, name, **looks))

    def caption(self, function: Callable[..., str]) -> Self:
        """The sentence under the picture, with the figure's key numbers; also its plain text in a stored notebook."""
        caption = parts.Caption(function)
        caption.by = self._followed(caption)
        caption.compute(self._start_of(caption))
        self._caption = caption
        return self

    def with_guess(
        self,
        ax: Axes,
        axis: str,
        question: str,
        hides: Sequence[str],
        low: float | None = None,
        high: float | None = None,
    ) -> Self:
        """A line across ``ax`` at a place on its ``axis`` ("x" or "y"), dragged and then committed by the learner.

        Until then the parts named in ``hides`` and the caption are not shown, in the stored picture neither; what
        stands in ``alt`` and in the frame must not give the answer away. An answer that no slider moves is a part whose
        function takes no argument. The line goes from ``low`` to ``high``, the axis' own limits if not given, on the
        axis' own scale. Raises ValueError for another axis, for limits outside it, and for parts that are not there
        (add them first).
        """
        known = [part.name for part in self._parts]
        if missing := [name for name in hides if name not in known]:
            raise ValueError(f"the figure has no part {missing[0]!r} to hide; it has {known}")
        self._guess = OnAxis(ax, axis, question, hides, low, high)
        return self

    # ---- the numbers ------------------------------------------------------------------------------------------

    def at(self, **state: Any) -> dict[str, Any]:
        """What the figure shows at a state: a dict of the parts' values by name. Controls not named stand at start.

        Raises ValueError for a control or a value that the figure does not have.
        """
        for name in state:
            if name not in self.controls:
                raise ValueError(f"the figure has no control {name!r}; it has {list(self.controls)}")
        index = {c: k.position(state[c]) if c in state else k.start for c, k in self.controls.items()}
        shown = [*self._parts, *([self._caption] if self._caption else [])]
        return {p.name: p.function(**self._values(p, [index[c] for c in p.by])) for p in shown}

    def _followed(self, part: parts.Part) -> list[str]:
        arguments = part.arguments()
        for a in arguments:
            if a not in self.controls:
                raise ValueError(f"a part follows {a!r}, but the figure has only {list(self.controls)}")
        return [c for c in self.controls if c in arguments]

    def _values(self, part: parts.Part, positions: Sequence[int]) -> dict[str, Any]:
        return {c: self.controls[c].values[i] for c, i in zip(part.by, positions, strict=True)}

    def _start_of(self, part: parts.Part) -> dict[str, Any]:
        return self._values(part, [self.controls[c].start for c in part.by])

    def _add(self, part: parts.Part) -> Self:
        part.name = part.name or f"{part.kind}{len(self._parts)}"
        if any(p.name == part.name for p in self._parts):
            raise ValueError(f"two parts are named {part.name!r}")
        part.by, field = self._followed(part), None
        if part.fields:
            part.fields.by = self._followed(part.fields)
            field = part.fields.compute(self._start_of(part.fields))
        part.still(part.compute(self._start_of(part)), field)
        self._parts.append(part)
        return self

    # ---- to the browser ---------------------------------------------------------------------------------------

    def pictures(self) -> tuple[bytes, bytes, tuple[int, int]]:
        """Two PNGs, of the figure at its first setting and of its frame alone, and their (width, height).

        The size is in the reader's pixels; the PNGs have ``style.SHARPNESS`` times as many. The first call lays
        the figure out for good and closes it.
        """
        if self._pictures is None:
            self.fig.draw_without_rendering()
            self._drawn = narrow.drawn(self.fig)
            self.fig.set_layout_engine("none")
            for part in self._parts:
                part.artist.set_visible(not self._guess or part.name not in self._guess.hides)
            still, size = style.png(self.fig)
            for part in self._parts:
                part.artist.set_visible(False)
            frame = style.png(self.fig)[0]
            for part in self._parts:
                part.artist.set_visible(True)
            mpl.pyplot.close(self.fig)
            self._pictures = still, frame, size
        return self._pictures

    def narrow_frame(self) -> tuple[bytes, dict[str, Any]]:
        """The figure's frame for a narrow screen, as PNG, and where its panels went, see ``narrow.frame``."""
        if self._narrow is None:
            self.pictures()
            for part in self._parts:
                part.artist.set_visible(False)
            self._narrow = narrow.frame(self.fig, narrow.columns(self._drawn))
            for part in self._parts:
                part.artist.set_visible(True)
        return self._narrow

    def encode(self) -> tuple[dict[str, Any], bytes]:
        """What the browser needs: a description, and the bytes of the tables that it speaks of.

        The description holds the controls, the parts in the order of drawing and the caption's texts. A part has
        its ``kind``, its looks, the controls that it follows (``by``) with their ``sizes``, and ``tables``: for each
        array where it begins among the bytes (``at``), its ``type``, its ``shape`` at one state, and ``rows``, the
        number of states (one if it is the same at all). A part too large for a table has ``ask`` in its place, the
        number to ask for in ``answer``. Where there is little room, the figure is laid out by its ``columns``, or by
        its ``narrow`` frame (``narrow_frame``), in which each part has its ``panel``, the number of its axes. Raises
        whatever the authors' functions raise at any position.
        """
        width, height = self.pictures()[2]
        height_px, blob, encoded = height * style.SHARPNESS, bytearray(), []
        drawn = sorted(self._parts, key=lambda p: p.artist.get_zorder())
        for part in drawn:
            spec = {"kind": part.kind, **part.looks(height_px), **self._table_or_ask(part, height_px, blob)}
            spec["panel"] = self.fig.axes.index(part.ax)
            if part.fields:
                spec["fields"] = self._table(part.fields, height_px, blob)
            encoded.append(spec)
        controls = [
            {"name": n, "label": c.label, "texts": c.texts, "menu": isinstance(c, Menu)}
            for n, c in self.controls.items()
        ]
        whole = {
            "width": width,
            "height": height,
            "sharpness": style.SHARPNESS,
            "alt": self.alt,
            "controls": controls,
            "parts": encoded,
        }
        columns = narrow.columns(self._drawn, narrow.texts(self.fig, drawn, encoded, blob))
        if narrow.stands(self._drawn, columns, drawn):
            whole["columns"] = columns
        else:
            whole["narrow"] = self.narrow_frame()[1]
        if self._guess:
            hidden = [k for k, part in enumerate(drawn) if part.name in self._guess.hides]
            whole["guess"] = {
                **self._guess.encode(height_px),
                "panel": self.fig.axes.index(self._guess.ax),
                "key": f"{self.alt} {self._guess.question}",
                "hides": hidden,
            }
        if self._caption:
            sizes = self._sizes(self._caption)
            texts = [self._caption.compute(self._values(self._caption, i)) for i in _positions(sizes)]
            whole["caption"] = {"by": self._caption.by, "sizes": sizes, "texts": texts}
        return whole, bytes(blob)

    def answer(self, question: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """A part too large for a table, at the positions asked for: a message and its buffers for the browser.

        ``question`` holds ``ask``, the part's number, and ``positions``, an index for each control that it follows.
        An error in the part's function becomes the message: nobody would see it anywhere else.
        """
        part = self._parts[question["ask"]]
        try:
            values = self._values(part, question["positions"])
            encoded = part.encode([part.compute(values)], self.pictures()[2][1] * style.SHARPNESS)
            arrays = {key: rows[0] for key, rows in encoded.items()}
        except Exception as error:
            return {"ask": question["ask"], "error": f"{type(error).__name__}: {error}"}, []
        heads = {k: a if isinstance(a, str) else {"shape": a.shape, "type": a.dtype.name} for k, a in arrays.items()}
        buffers = [a.tobytes() for a in arrays.values() if not isinstance(a, str)]
        return {"ask": question["ask"], "heads": heads}, buffers

    def _sizes(self, part: parts.Part) -> list[int]:
        return [len(self.controls[c].values) for c in part.by]

    def _table_or_ask(self, part: parts.Part, height: int, blob: bytearray) -> dict[str, Any]:
        sizes = self._sizes(part)
        states = int(np.prod(sizes, dtype=int))
        start = part.encode([part.compute(self._start_of(part))], height)
        size = states * sum(rows.nbytes for key, rows in start.items() if key != "text")
        if states > TABLE_STATES or size > TABLE_BYTES:
            return {"by": part.by, "sizes": sizes, "ask": self._parts.index(part)}
        return self._table(part, height, blob)

    def _table(self, part: parts.Part, height: int, blob: bytearray) -> dict[str, Any]:
        """Encode a part at all its positions: its arrays go behind ``blob``, what is returned says where."""
        sizes = self._sizes(part)
        values = [part.compute(self._values(part, i)) for i in _positions(sizes)]
        tables = {}
        for key, table in part.encode(values, height).items():
            if key == "text":
                tables[key] = {"texts": table}
                continue
            if (table == table[:1]).all():
                table = table[:1]
            blob.extend(b"\0" * (-len(blob) % 4))
            tables[key] = {"at": len(blob), "rows": len(table), "shape": table.shape[1:], "type": table.dtype.name}
            blob.extend(table.tobytes())
        return {"by": part.by, "sizes": sizes, "tables": tables}

    def widget(self) -> Any:
        """A new widget of this figure (anywidget), for display or for a layout of one's own."""
        import anywidget
        import traitlets

        class LiveView(anywidget.AnyWidget):
            _esm = (_HERE / "live.js").read_text(encoding="utf-8")
            _css = (_HERE / "live.css").read_text(encoding="utf-8")
            spec = traitlets.Dict().tag(sync=True)
            tables = traitlets.Bytes().tag(sync=True)
            background = traitlets.Bytes().tag(sync=True)
            narrow = traitlets.Bytes().tag(sync=True)
            state: Any = traitlets.List().tag(sync=True)

        def answered(widget: LiveView, question: dict[str, Any], _buffers: Any) -> None:
            message, buffers = self.answer(question)
            widget.send(message, buffers=buffers)

        spec, tables = self.encode()
        start = [c.start for c in self.controls.values()]
        slim = self.narrow_frame()[0] if "narrow" in spec else b""
        view = LiveView(spec=spec, tables=tables, background=self.pictures()[1], narrow=slim, state=start)
        view.on_msg(answered)
        return view

    def __repr__(self) -> str:
        caption = self._caption.compute(self._start_of(self._caption)) if self._caption else ""
        setting = ", ".join(f"{c.label} = {c.texts[c.start]}" for c in self.controls.values())
        if self._guess:
            return f"[Live figure with a guess, at {setting}] {self._guess.question}"
        return f"[Live figure, at {setting}] {caption or self.alt}"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        view = self.widget()
        still, _, (width, height) = self.pictures()
        bundle = {
            "text/plain": repr(self),
            "image/png": still,
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": view.model_id,
            },
        }
        size = {"width": width, "height": height, "alt": self.alt}
        display(bundle, metadata={"image/png": size}, raw=True)


def bars(places: ArrayLike, heights: ArrayLike, base: float = 0.0, width: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """The outline of a row of bars on a common base, as one polygon: what ``LiveFigure.fill`` draws."""
    left, right = -width / 2, width / 2
    x = np.asarray(places, float)[:, None] + np.array([left, left, right, right])
    y = base + np.asarray(heights, float)[:, None] * np.array([0, 1, 1, 0])
    return x.ravel(), y.ravel()


def _positions(sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, sizes))
