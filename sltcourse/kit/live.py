"""Live figures: sliders, and a matplotlib picture that follows the hand.

matplotlib draws what stands still (axes, ticks, labels, legend) once. What moves (lines, bands, points, images,
regions, texts) is given as functions of the sliders' values; the names of a function's arguments say which
sliders it follows. Each is tabulated over all positions of its sliders before the first picture, in the
figure's pixels, and sent to the browser once; from then on the browser looks up and draws, and the kernel is
out of the loop. A part whose table would be too large is computed by the kernel when it is asked for::

    fig, ax = style.figure()
    ax.set(xlim=(-3, 3), ylim=(0, 1), xlabel="x", ylabel="density")
    live = LiveFigure(fig, alt="A bell curve; the slider moves its centre.", w=Slider("w", np.linspace(-2, 2, 81)))
    live.line(ax, lambda w: (x, np.exp(-((x - w) ** 2))), color=style.COLORS["truth"])
    live.caption(lambda w: f"The mean is {w:.2f}.")
    live

``live.at(w=0.5)`` returns the numbers of every moving part without a browser. The widget is made when the
figure is displayed; the same output holds a still picture, and the caption as its plain text.
"""

import inspect
import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np

from sltcourse.kit import style

_HERE = Path(__file__).parent
_SCALE = 8  # coordinates are sent as int16, in eighths of a picture's pixel
_NOWHERE = -32768  # a gap in a line, a point that is not there
_TABLE_BYTES = 3_000_000  # larger tables stay with the kernel
_TABLE_STATES = 20_000


class Slider:
    """A row of values to slide over.

    ``label`` is the quantity's symbol, ``values`` a sequence of at least two finite numbers, ``start`` the value
    shown first (the middle one if not given; it must be one of the values up to rounding), ``format`` a function
    from a value to the text beside the slider (``style.number`` or ``style.power``, say).
    """

    def __init__(self, label, values, start=None, format=style.number):
        self.label, self.values = label, np.asarray(values)
        if self.values.ndim != 1 or len(self.values) < 2 or not np.all(np.isfinite(self.values)):
            raise ValueError(f"slider {label!r}: values must be a row of at least two finite numbers")
        self.texts = [format(v) for v in self.values]
        self.start = len(self.values) // 2 if start is None else self.position(start)

    def position(self, value):
        """The index of ``value``; ValueError if the slider does not have it (to a part in 10⁶)."""
        nearest = int(np.argmin(np.abs(self.values - value)))
        if not np.isclose(self.values[nearest], value, rtol=1e-6, atol=1e-12):
            raise ValueError(f"slider {self.label!r} has no value {value}; the nearest is {self.values[nearest]}")
        return nearest


class Menu:
    """A choice among named options: a dict from names to values, or a sequence of names (their own values)."""

    def __init__(self, label, options, start=None):
        options = dict(options) if isinstance(options, dict) else {name: name for name in options}
        if not options:
            raise ValueError(f"menu {label!r}: at least one option is needed")
        self.label, self.texts, self.values = label, list(options), list(options.values())
        self.start = 0 if start is None else self.position(start)

    def position(self, option):
        """The index of an option, given by its name; ValueError if there is none."""
        if option not in self.texts:
            raise ValueError(f"menu {self.label!r} has no option {option!r}; choose one of {self.texts}")
        return self.texts.index(option)


class LiveFigure:
    """A figure with moving parts. ``alt`` describes it in words; ``controls`` are its Sliders and Menus by name.

    Set every axis' limits, scales and labels before the figure is shown: they stand still. Each method that adds
    a part takes a function of some of the controls (by argument name), an optional ``name`` under which ``at``
    returns it, and matplotlib's own words for its looks. Errors in those functions come up when the part is added.
    """

    def __init__(self, fig, alt, **controls):
        if not controls:
            raise ValueError("a live figure needs at least one Slider or Menu")
        for name, control in controls.items():
            if not isinstance(control, (Slider, Menu)):
                raise TypeError(f"{name} is a {type(control).__name__}; give a Slider or a Menu")
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError("a live figure needs alt, a sentence that says what it shows")
        self.fig, self.alt, self.controls = fig, alt, controls
        self._parts, self._caption, self._still = [], None, None

    # ---- what moves -------------------------------------------------------------------------------------------

    def line(self, ax, function, name=None, **looks):
        """A line: ``function`` returns (x, y), equally long arrays; NaN makes a gap. ``looks`` as for ``ax.plot``."""
        (artist,) = ax.plot([], [], **looks)
        return self._add("line", ax, function, name, artist, _xy)

    def points(self, ax, function, name=None, **looks):
        """Round markers at (x, y), arrays or single numbers. ``looks``: color, markersize, label, zorder, alpha,
        markeredgecolor, markeredgewidth."""
        (artist,) = ax.plot([], [], "o", **{"markeredgecolor": "white", **looks})
        return self._add("points", ax, function, name, artist, _xy)

    def band(self, ax, function, name=None, **looks):
        """A band: ``function`` returns (x, low, high). ``looks``: color, alpha (0.25), label."""

        def outline(value):
            x, low, high = np.broadcast_arrays(*(np.asarray(v, float) for v in value))
            keep = np.isfinite(low) & np.isfinite(high)
            return np.r_[x[keep], x[keep][::-1]], np.r_[low[keep], high[keep][::-1]]

        return self._fill(ax, function, name, {"alpha": 0.25, **looks}, outline)

    def fill(self, ax, function, name=None, **looks):
        """A filled outline: ``function`` returns (x, y) of its corners. ``looks``: color, alpha, edgecolor, label."""
        return self._fill(ax, function, name, looks, _xy)

    def _fill(self, ax, function, name, looks, outline):
        color = looks.pop("color", style.COLORS["estimate"])
        looks = {"facecolor": color, "edgecolor": "none", **looks}
        artist = mpl.patches.Polygon(np.zeros((1, 2)), closed=True, **looks)
        ax.add_patch(artist)
        return self._add("fill", ax, function, name, artist, outline)

    def image(self, ax, function, extent, vmin, vmax, cmap="cividis", name=None, alpha=1.0):
        """An image on linear axes: ``function`` returns an array (rows upwards, columns), coloured by vmin and vmax."""
        colors = mpl.colormaps.get_cmap(cmap)(np.arange(256), bytes=True).astype(float)
        colors[:, 3] *= alpha
        norm = mpl.colors.Normalize(vmin, vmax, clip=True)

        def shades(value):
            return np.round(norm(np.asarray(value, float)) * 255).astype(np.uint8)

        return self._picture("image", ax, function, extent, name, shades, palette=colors.astype(np.uint8))

    def region(self, ax, field, level, extent, color, name=None, alpha=0.85):
        """The set {field <= level} shaded, on linear axes: the browser compares every pixel, smoothing the edge.

        ``field``: an array (rows upwards, columns), or a function of controls that returns one, always of one
        shape; ``level``: a function of controls; ``extent``: (left, right, bottom, top) in the axes' data.
        """
        if not callable(field):
            constant = np.asarray(field, float)
            field = lambda: constant  # noqa: E731
        fields = _Part("field", ax, field, "field", None, _field, self._by(field))
        palette = np.r_[np.array(mpl.colors.to_rgb(color)) * 255, 255 * alpha].astype(np.uint8)
        return self._picture("region", ax, level, extent, name, float, palette=palette, fields=fields)

    def text(self, ax, function, name=None, **looks):
        """A text: ``function`` returns (x, y, string), x and y in the axes' data. ``looks`` as for ``ax.text``;
        Unicode, not TeX."""
        artist = ax.text(0, 0, "", **looks)
        return self._add("text", ax, function, name, artist, lambda value: value)

    def caption(self, function):
        """The sentence under the picture, with the figure's key numbers; also its plain text in a stored notebook."""
        self._caption = _Part("caption", None, function, "caption", None, str, self._by(function))
        self._caption.compute(self._start_of(self._caption))
        return self

    # ---- the numbers ------------------------------------------------------------------------------------------

    def at(self, **state):
        """What the figure shows at a state: a dict of the parts' values by name. Controls not named stand at start.

        Raises ValueError for a control or a value that the figure does not have.
        """
        for name in state:
            if name not in self.controls:
                raise ValueError(f"the figure has no control {name!r}; it has {list(self.controls)}")
        index = {c: k.position(state[c]) if c in state else k.start for c, k in self.controls.items()}
        parts = self._parts + ([self._caption] if self._caption else [])
        return {p.name: p.function(**self._values(p, [index[c] for c in p.by])) for p in parts}

    def _by(self, function):
        arguments = _arguments(function)
        for a in arguments:
            if a not in self.controls:
                raise ValueError(f"a part follows {a!r}, but the figure has only {list(self.controls)}")
        return [c for c in self.controls if c in arguments]

    def _values(self, part, positions):
        return {c: self.controls[c].values[i] for c, i in zip(part.by, positions, strict=True)}

    def _start_of(self, part):
        return self._values(part, [self.controls[c].start for c in part.by])

    def _add(self, *words):
        return self._append(self._part(*words))

    def _part(self, kind, ax, function, name, artist, read):
        name = name or f"{kind}{len(self._parts)}"
        if any(p.name == name for p in self._parts):
            raise ValueError(f"two parts are named {name!r}")
        return _Part(kind, ax, function, name, artist, read, self._by(function))

    def _append(self, part):
        field = part.fields.compute(self._start_of(part.fields)) if part.fields else None
        part.still(part.compute(self._start_of(part)), field)
        self._parts.append(part)
        return self

    def _picture(self, kind, ax, function, extent, name, read, **more):
        artist = ax.imshow(
            np.zeros((2, 2, 4), np.uint8),
            extent=extent,
            origin="lower",
            aspect=ax.get_aspect(),
            interpolation="bilinear",
            zorder=1,
        )
        part = self._part(kind, ax, function, name, artist, read)
        for key, value in more.items():
            setattr(part, key, value)
        return self._append(part)

    # ---- to the browser ---------------------------------------------------------------------------------------

    def _freeze(self):
        """Lay the figure out for good; store its pictures with and without what moves. Once."""
        if self._still is None:
            self.fig.draw_without_rendering()
            self.fig.set_layout_engine("none")
            self._still = style.png(self.fig)
            for part in self._parts:
                part.artist.set_visible(False)
            self._background = style.png(self.fig)[0]
            for part in self._parts:
                part.artist.set_visible(True)
            mpl.pyplot.close(self.fig)

    def _spec(self):
        """What the browser needs: the controls, the parts' looks and tables (as byte ranges), and the bytes."""
        self._freeze()
        width, height = self._still[1]
        height_px, blob, parts = height * style.SHARPNESS, bytearray(), []
        for part in sorted(self._parts, key=lambda p: p.artist.get_zorder()):
            spec = {"kind": part.kind, **part.looks(height_px), **self._table_or_ask(part, height_px, blob)}
            if part.fields:
                spec["fields"] = self._table_or_ask(part.fields, height_px, blob, always=True)
            parts.append(spec)
        controls = [
            {"name": n, "label": c.label, "texts": c.texts, "menu": isinstance(c, Menu)}
            for n, c in self.controls.items()
        ]
        spec = {
            "width": width,
            "height": height,
            "sharpness": style.SHARPNESS,
            "alt": self.alt,
            "controls": controls,
            "parts": parts,
        }
        if self._caption:
            sizes = [len(self.controls[c].values) for c in self._caption.by]
            texts = [self._caption.compute(self._values(self._caption, i)) for i in _positions(sizes)]
            spec["caption"] = {"by": self._caption.by, "sizes": sizes, "texts": texts}
        return spec, bytes(blob)

    def _table_or_ask(self, part, height, blob, always=False):
        sizes = [len(self.controls[c].values) for c in part.by]
        states = int(np.prod(sizes, dtype=int))
        start = part.encode([part.compute(self._start_of(part))], height)
        size = states * sum(rows.nbytes for key, rows in start.items() if key != "text")
        spec = {"by": part.by, "sizes": sizes}
        if not always and (states > _TABLE_STATES or size > _TABLE_BYTES):
            return {**spec, "ask": self._parts.index(part)}
        return {**spec, "tables": self._tabulate(part, sizes, height, blob)}

    def _tabulate(self, part, sizes, height, blob):
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
        return tables

    def _answer(self, widget, message, _buffers):
        """A part too large for a table: encode it at the state asked for and send it back."""
        part = self._parts[message["ask"]]
        try:
            values = self._values(part, message["positions"])
            encoded = part.encode([part.compute(values)], self._still[1][1] * style.SHARPNESS)
            arrays = {key: rows[0] for key, rows in encoded.items()}
        except Exception as error:  # a callback's error shows nowhere else
            widget.send({"ask": message["ask"], "error": f"{type(error).__name__}: {error}"})
            return
        heads = {k: a if isinstance(a, str) else {"shape": a.shape, "type": a.dtype.name} for k, a in arrays.items()}
        widget.send(
            {"ask": message["ask"], "heads": heads},
            buffers=[a.tobytes() for a in arrays.values() if not isinstance(a, str)],
        )

    def widget(self):
        """A new widget of this figure (anywidget), for display or for a layout of one's own."""
        import anywidget
        import traitlets

        class LiveView(anywidget.AnyWidget):
            _esm = (_HERE / "live.js").read_text(encoding="utf-8")
            _css = (_HERE / "live.css").read_text(encoding="utf-8")
            spec = traitlets.Dict().tag(sync=True)
            tables = traitlets.Bytes().tag(sync=True)
            background = traitlets.Bytes().tag(sync=True)
            state = traitlets.List().tag(sync=True)

        spec, tables = self._spec()
        start = [c.start for c in self.controls.values()]
        view = LiveView(spec=spec, tables=tables, background=self._background, state=start)
        view.on_msg(self._answer)
        return view

    def __repr__(self):
        caption = self._caption.compute(self._start_of(self._caption)) if self._caption else ""
        setting = ", ".join(f"{c.label} = {c.texts[c.start]}" for c in self.controls.values())
        return f"[Live figure, at {setting}] {caption or self.alt}"

    def _ipython_display_(self):
        from IPython.display import display

        view = self.widget()
        data, (width, height) = self._still
        bundle = {
            "text/plain": repr(self),
            "image/png": data,
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": view.model_id,
            },
        }
        size = {"width": width, "height": height, "alt": self.alt}
        display(bundle, metadata={"image/png": size}, raw=True)


class _Part:
    """A moving part: its function of the controls, and how its value becomes an artist and a picture's pixels."""

    def __init__(self, kind, ax, function, name, artist, read, by):
        self.kind, self.ax, self.function, self.name = kind, ax, function, name
        self.artist, self.read, self.by = artist, read, by
        self.palette = self.fields = None

    def compute(self, values):
        return self.read(self.function(**values))

    def still(self, value, field=None):
        """Set the matplotlib artist to a value (and a region's field): the still picture."""
        if self.kind in ("line", "points"):
            self.artist.set_data(*value)
        elif self.kind == "fill":
            self.artist.set_xy(np.column_stack(value) if len(value[0]) else np.zeros((1, 2)))
        elif self.kind == "image":
            self.artist.set_data(self.palette[value])
        elif self.kind == "region":
            steps = np.hypot(*np.gradient(field)) + 1e-300
            cover = np.clip((value - field) / steps + 0.5, 0, 1)[..., None]
            self.artist.set_data((self.palette * np.dstack([np.ones_like(field)] * 3 + [cover])).astype(np.uint8))
        else:
            self.artist.set_position(value[:2])
            self.artist.set_text(value[2])

    def _zoom(self):
        """The picture's pixels per pixel of matplotlib's transforms."""
        return style.DPI * style.SHARPNESS / self.ax.figure.dpi

    def encode(self, values, height):
        """Values, one for each state, in the picture's pixels: the arrays and texts the browser draws, by state."""
        if self.kind in ("image", "field"):
            if len({v.shape for v in values}) > 1:
                raise ValueError(f"part {self.name!r}: its arrays must have one shape at all positions")
            dtype = np.uint8 if self.kind == "image" else np.float32
            return {"pixels": np.stack([v[::-1] for v in values]).astype(dtype, copy=False)}
        if self.kind == "region":
            return {"level": np.array(values, np.float32)[:, None]}
        points = [np.column_stack(v[:2]) for v in values]
        with np.errstate(all="ignore"):
            pixels = self._zoom() * self.ax.transData.transform(np.concatenate(points).astype(float))
            pixels[:, 1] = height - pixels[:, 1]
            rounded = np.clip(np.round(pixels * _SCALE), -32767, 32767)
        rounded[~np.isfinite(pixels).all(axis=1)] = _NOWHERE
        lengths = np.array([len(p) for p in points])[:, None]
        there = np.arange(lengths.max()) < lengths  # shorter rows end in gaps
        table = np.full((*there.shape, 2), _NOWHERE, np.int16)
        table[there] = rounded.astype(np.int16)
        arrays = {"x": np.ascontiguousarray(table[..., 0]), "y": np.ascontiguousarray(table[..., 1])}
        return {**arrays, "text": [v[2] for v in values]} if self.kind == "text" else arrays

    def looks(self, height):
        """Colours and sizes in the browser's words, and the box to clip to, in the picture's pixels."""
        a, px = self.artist, style.DPI * style.SHARPNESS / 72
        box = mpl.transforms.Bbox(self._zoom() * self.ax.get_window_extent().get_points())
        looks = {"clip": [box.x0, height - box.y1, box.width, box.height] if a.get_clip_on() else None}
        alpha = 1.0 if a.get_alpha() is None else a.get_alpha()
        if self.kind == "line":
            _, dashes = a._unscaled_dash_pattern
            looks |= {
                "stroke": _css(a.get_color(), alpha),
                "width": a.get_linewidth() * px,
                "dashes": [d * a.get_linewidth() * px for d in dashes or ()],
            }
        elif self.kind == "points":
            looks |= {
                "face": _css(a.get_markerfacecolor(), alpha),
                "edge": _css(a.get_markeredgecolor(), alpha),
                "radius": a.get_markersize() * px / 2,
                "width": a.get_markeredgewidth() * px,
            }
        elif self.kind == "fill":
            looks |= {
                "face": _css(a.get_facecolor(), 1),
                "edge": _css(a.get_edgecolor(), 1),
                "width": a.get_linewidth() * px,
            }
        elif self.kind in ("image", "region"):
            left, right, bottom, top = a.get_extent()
            (x0, y0), (x1, y1) = self._zoom() * self.ax.transData.transform([(left, bottom), (right, top)])
            looks |= {"box": [x0, height - y1, x1 - x0, y1 - y0], "palette": self.palette.ravel().tolist()}
        else:
            weight = "bold " if a.get_fontweight() in ("bold", "semibold", 600, 700) else ""
            looks |= {
                "face": _css(a.get_color(), alpha),
                "font": f"{weight}{a.get_fontsize() * px:.1f}px",
                "align": a.get_ha(),
                "baseline": {"center": "middle", "baseline": "alphabetic"}.get(a.get_va(), a.get_va()),
                "clip": None,
            }
        return looks


def _arguments(function):
    """The arguments without a default: those with one are the author's own (``lambda n, k=k: …``)."""
    return [n for n, p in inspect.signature(function).parameters.items() if p.default is p.empty]


def _positions(sizes):
    return itertools.product(*map(range, sizes))


def _xy(value):
    x, y = (np.atleast_1d(np.asarray(v, float)) for v in value)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"x and y must be equally long rows; their shapes are {x.shape} and {y.shape}")
    return x, y


def _field(value):
    value = np.asarray(value, float)
    if value.ndim != 2 or np.isnan(value).any():
        raise ValueError(f"a region's field must be a table of numbers without NaN; this one has shape {value.shape}")
    return np.clip(value, -1e30, 1e30)


def _css(color, alpha):
    r, g, b, a = mpl.colors.to_rgba(color)
    return f"rgba({r * 255:.0f},{g * 255:.0f},{b * 255:.0f},{a * alpha:.3f})"
