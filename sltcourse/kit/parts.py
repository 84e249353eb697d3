"""What can move in a live figure: a class for each kind of part.

A kind says how a value becomes matplotlib's artist (``still``), the arrays and texts that the browser draws
(``encode``) and the looks it draws them with (``looks``). A new kind is one class here, a method of ``LiveFigure``
that makes one, and a function of the kind's name in the table ``draw`` of ``live.js``.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sltcourse.kit import style

SCALE = 8  # coordinates are sent as int16, in eighths of a picture's pixel
_BITS = 12
NOWHERE = -32768  # a gap in a line, a point that is not there
Encoded = dict[str, Any]  # a name to an array (a row for each state) or, under "text", a list of texts


class Part:
    """A part that follows some of a figure's controls, by its ``function`` of their values.

    ``kind`` is the name of the function in ``live.js`` that draws it; ``by``, set by the figure, are the names of
    the controls that it follows, in the figure's order; ``fields`` is a second part that the browser needs beside
    it, or None.
    """

    kind = ""
    fields: "Field | None" = None
    artist: Any = None

    def __init__(self, ax: Any, function: Callable[..., Any], name: str | None) -> None:
        self.ax, self.function, self.name, self.by = ax, function, name or "", list[str]()

    def arguments(self) -> list[str]:
        """The function's arguments without a default: those with one are the author's (``lambda n, k=k: …``)."""
        return [n for n, p in inspect.signature(self.function).parameters.items() if p.default is p.empty]

    def read(self, value: Any) -> Any:
        """What the author's function returned, as arrays of the right shapes. Raises ValueError for wrong ones."""
        return value

    def compute(self, values: dict[str, Any]) -> Any:
        """The part's value at some values of the controls that it follows."""
        return self.read(self.function(**values))

    def still(self, value: Any, field: Any = None) -> None:
        """Set the matplotlib artist to a value, for the still picture; ``field`` is the value of ``fields``."""
        raise NotImplementedError

    def encode(self, values: Sequence[Any], height: float) -> Encoded:
        """Values, one for each state, as the browser draws them, in the pixels of a picture of that height."""
        raise NotImplementedError

    def looks(self, height: float) -> dict[str, Any]:
        """Colours, sizes and the box to clip to, in the browser's words and the picture's pixels."""
        box = mpl.transforms.Bbox(self.zoom() * self.ax.get_window_extent().get_points())
        clip = [box.x0, height - box.y1, box.width, box.height] if self.artist.get_clip_on() else None
        return {"clip": clip}

    def zoom(self) -> float:
        """The picture's pixels per pixel of matplotlib's transforms."""
        return float(style.DPI * style.SHARPNESS / self.ax.figure.dpi)

    def alpha(self) -> float:
        return 1.0 if self.artist.get_alpha() is None else float(self.artist.get_alpha())


class _Path(Part):
    """A row of points (x, y), each coordinate an array."""

    def read(self, value: Any) -> Any:
        x, y = (np.atleast_1d(np.asarray(v, float)) for v in value)
        if x.shape != y.shape or x.ndim != 1:
            raise ValueError(f"x and y must be equally long rows; their shapes are {x.shape} and {y.shape}")
        return x, y

    def still(self, value: Any, field: Any = None) -> None:
        self.artist.set_data(*value)

    def encode(self, values: Sequence[Any], height: float) -> Encoded:
        points = [np.column_stack(v[:2]) for v in values]
        with np.errstate(all="ignore"):
            pixels = self.zoom() * self.ax.transData.transform(np.concatenate(points).astype(float))
            pixels[:, 1] = height - pixels[:, 1]
            rounded = np.clip(np.round(pixels * SCALE), -32767, 32767)
        rounded[~np.isfinite(pixels).all(axis=1)] = NOWHERE
        lengths = np.array([len(p) for p in points])[:, None]
        there = np.arange(lengths.max()) < lengths  # shorter rows end in gaps
        table = np.full((*there.shape, 2), NOWHERE, np.int16)
        table[there] = rounded.astype(np.int16)
        return {"x": np.ascontiguousarray(table[..., 0]), "y": np.ascontiguousarray(table[..., 1])}


class Line(_Path):
    """A line; NaN makes a gap in it."""

    kind = "line"

    def __init__(self, ax: Axes, function: Callable[..., Any], name: str | None, **looks: Any) -> None:
        super().__init__(ax, function, name)
        (self.artist,) = ax.plot([], [], **looks)

    def looks(self, height: float) -> dict[str, Any]:
        a, px = self.artist, _pixels_per_point()
        _, dashes = a._unscaled_dash_pattern
        return {
            **super().looks(height),
            "stroke": _css(a.get_color(), self.alpha()),
            "width": a.get_linewidth() * px,
            "dashes": [d * a.get_linewidth() * px for d in dashes or ()],
        }


class Points(_Path):
    """Round markers."""

    kind = "points"

    def __init__(self, ax: Axes, function: Callable[..., Any], name: str | None, **looks: Any) -> None:
        super().__init__(ax, function, name)
        (self.artist,) = ax.plot([], [], "o", **{"markeredgecolor": "white", **looks})

    def looks(self, height: float) -> dict[str, Any]:
        a, px = self.artist, _pixels_per_point()
        return {
            **super().looks(height),
            "face": _css(a.get_markerfacecolor(), self.alpha()),
            "edge": _css(a.get_markeredgecolor(), self.alpha()),
            "radius": a.get_markersize() * px / 2,
            "width": a.get_markeredgewidth() * px,
        }


class Fill(_Path):
    """A filled outline, given by its corners."""

    kind = "fill"

    def __init__(self, ax: Axes, function: Callable[..., Any], name: str | None, **looks: Any) -> None:
        super().__init__(ax, function, name)
        color = looks.pop("color", style.COLORS["estimate"])
        looks = {"facecolor": color, "edgecolor": "none", **looks}
        self.artist = mpl.patches.Polygon(np.zeros((1, 2)), closed=True, **looks)
        ax.add_patch(self.artist)

    def still(self, value: Any, field: Any = None) -> None:
        self.artist.set_xy(np.column_stack(value) if len(value[0]) else np.zeros((1, 2)))

    def looks(self, height: float) -> dict[str, Any]:
        a = self.artist
        return {
            **super().looks(height),
            "face": _css(a.get_facecolor(), 1),
            "edge": _css(a.get_edgecolor(), 1),
            "width": a.get_linewidth() * _pixels_per_point(),
        }


class Band(Fill):
    """The band between two curves (x, low, high): to the browser, an outline that is filled."""

    def __init__(self, ax: Axes, function: Callable[..., Any], name: str | None, **looks: Any) -> None:
        super().__init__(ax, function, name, **{"alpha": 0.25, **looks})

    def read(self, value: Any) -> Any:
        x, low, high = np.broadcast_arrays(*(np.asarray(v, float) for v in value))
        keep = np.isfinite(low) & np.isfinite(high)
        return np.r_[x[keep], x[keep][::-1]], np.r_[low[keep], high[keep][::-1]]


class Text(_Path):
    """A text (x, y, string) at a point of the axes."""

    kind = "text"

    def __init__(self, ax: Axes, function: Callable[..., Any], name: str | None, **looks: Any) -> None:
        super().__init__(ax, function, name)
        self.artist = ax.text(0, 0, "", **looks)

    def read(self, value: Any) -> Any:
        return value

    def still(self, value: Any, field: Any = None) -> None:
        self.artist.set_position(value[:2])
        self.artist.set_text(value[2])

    def encode(self, values: Sequence[Any], height: float) -> Encoded:
        return {**super().encode(values, height), "text": [v[2] for v in values]}

    def looks(self, height: float) -> dict[str, Any]:
        a = self.artist
        weight = "bold " if a.get_fontweight() in ("bold", "semibold", 600, 700) else ""
        return {
            "clip": None,
            "face": _css(a.get_color(), self.alpha()),
            "font": f"{weight}{a.get_fontsize() * _pixels_per_point():.1f}px",
            "align": a.get_ha(),
            "baseline": {"center": "middle", "baseline": "alphabetic"}.get(a.get_va(), a.get_va()),
        }


class _Picture(Part):
    """A table of pixels stretched over ``extent`` (left, right, bottom, top), coloured by ``palette`` (RGBA rows)."""

    palette: NDArray[np.uint8]

    def __init__(
        self, ax: Axes, function: Callable[..., Any], name: str | None, extent: tuple[float, float, float, float]
    ) -> None:
        super().__init__(ax, function, name)
        self.artist = ax.imshow(
            np.zeros((2, 2, 4), np.uint8),
            extent=extent,
            origin="lower",
            aspect=ax.get_aspect(),
            interpolation="bilinear",
            zorder=1,
        )

    def looks(self, height: float) -> dict[str, Any]:
        left, right, bottom, top = self.artist.get_extent()
        (x0, y0), (x1, y1) = self.zoom() * self.ax.transData.transform([(left, bottom), (right, top)])
        return {
            **super().looks(height),
            "box": [x0, height - y1, x1 - x0, y1 - y0],
            "palette": self.palette.ravel().tolist(),
        }


class Image(_Picture):
    """A table of numbers, coloured from ``vmin`` to ``vmax`` by a colour map of matplotlib."""

    kind = "image"

    def __init__(
        self,
        ax: Axes,
        function: Callable[..., Any],
        name: str | None,
        extent: tuple[float, float, float, float],
        *,
        norm: mpl.colors.Normalize,
        cmap: str | mpl.colors.Colormap,
        alpha: float,
    ) -> None:
        super().__init__(ax, function, name, extent)
        colors = mpl.colormaps.get_cmap(cmap)(np.arange(256), bytes=True).astype(float)
        colors[:, 3] *= alpha
        self.palette, self.norm = colors.astype(np.uint8), norm

    def read(self, value: Any) -> Any:
        return np.round(self.norm(np.asarray(value, float)) * 255).astype(np.uint8)

    def still(self, value: Any, field: Any = None) -> None:
        self.artist.set_data(self.palette[value])

    def encode(self, values: Sequence[Any], height: float) -> Encoded:
        return {"pixels": _stacked(self.name, values, np.uint8)}


class Field(Part):
    """A table of numbers that a region is cut out of; the browser keeps it and draws nothing of it.

    Of each number ``_BITS`` binary digits are sent: the edge of a field that grows from 0 over 200 rows moves by a 20th
    of a row at most, and the table deflates better: the last digits of a number look like noise.
    """

    kind = "field"

    def __init__(self, ax: Axes, field: Any) -> None:
        constant = None if callable(field) else np.asarray(field, float)
        super().__init__(ax, field if callable(field) else lambda: constant, "field")

    def read(self, value: Any) -> Any:
        value = np.asarray(value, float)
        if value.ndim != 2 or np.isnan(value).any():
            raise ValueError(
                f"a region's field must be a table of numbers without NaN; this one has shape {value.shape}"
            )
        return np.clip(value, -1e30, 1e30)

    def encode(self, values: Sequence[Any], height: float) -> Encoded:
        mantissa, exponent = np.frexp(_stacked(self.name, values, np.float64))
        return {"pixels": np.ldexp(np.round(np.ldexp(mantissa, _BITS)), exponent - _BITS).astype(np.float32)}


class Region(_Picture):
    """The set {field <= level}, shaded in one colour, with a smooth edge."""

    kind = "region"

    def __init__(
        self,
        ax: Axes,
        field: Any,
        level: Callable[..., Any],
        name: str | None,
        extent: tuple[float, float, float, float],
        *,
        color: Any,
        alpha: float,
    ) -> None:
        super().__init__(ax, level, name, extent)
        self.fields = Field(ax, field)
        self.palette = np.r_[np.array(mpl.colors.to_rgb(color)) * 255, 255 * alpha].astype(np.uint8)

    def read(self, value: Any) -> Any:
        return float(value)

    def still(self, value: Any, field: Any = None) -> None:
        steps = np.hypot(*np.gradient(field)) + 1e-300
        cover = np.clip((value - field) / steps + 0.5, 0, 1)[..., None]
        self.artist.set_data((self.palette * np.dstack([np.ones_like(field)] * 3 + [cover])).astype(np.uint8))

    def encode(self, values: Sequence[Any], height: float) -> Encoded:
        return {"level": np.array(values, np.float32)[:, None]}


class Caption(Part):
    """The sentence under the picture; it has no artist."""

    kind = "caption"

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(None, function, "caption")

    def read(self, value: Any) -> str:
        return str(value)


def _stacked(name: str, tables: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    """Tables of one shape as an array (state, row, column), rows downwards. Raises ValueError if shapes differ."""
    if len({table.shape for table in tables}) > 1:
        raise ValueError(f"part {name!r}: its arrays must have one shape at all positions")
    return np.stack([table[::-1] for table in tables]).astype(dtype, copy=False)


def _pixels_per_point() -> float:
    return style.DPI * style.SHARPNESS / 72


def _css(color: Any, alpha: float) -> str:
    r, g, b, a = mpl.colors.to_rgba(color)
    return f"rgba({r * 255:.0f},{g * 255:.0f},{b * 255:.0f},{a * alpha:.3f})"
