"""One look for every lesson: the matplotlib style, the colours, and pictures with their alternative texts.

Importing this module changes nothing in matplotlib: ``use``, or the first ``figure``, puts the look on. The colours
are those of Okabe and Ito (2008), safe for colour-blind readers, darkened where a thin line would fall below a
contrast of 3:1 on white. A quantity keeps its colour through all lessons, so lessons ask for ``COLORS["posterior"]``
and never for a hue. The texts of labels and tables (``number``, ``power``, ``superscript``, ``table``) are those of
``sltcourse.kit.text``.
"""

import io
from typing import Any

import matplotlib as mpl  # cycler and PIL come with it
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.figure import Figure
from PIL import Image

from sltcourse.kit.text import estimate, number, power, superscript, table

__all__ = [
    "COLORS",
    "DPI",
    "SHARPNESS",
    "estimate",
    "figure",
    "number",
    "png",
    "power",
    "show",
    "superscript",
    "table",
    "use",
]

COLORS = {
    "truth": "#1a1a1a",
    "estimate": "#0072b2",
    "theory": "#b87a00",
    "regular": "#008a64",
    "singular": "#d55e00",
    "posterior": "#a8327f",
    "prior": "#8a8a8a",
    "loss": "#4b5d78",
    "reference": "#767676",
    "highlight": "#e0a100",
    "muted": "#c9ced6",
}

DPI = 100  # a reader's pixels per inch; pictures are drawn at twice that and shown at half size
SHARPNESS = 2
_WIDTH = 8.8

_LOOK: Any = {
    "figure.dpi": DPI,
    "figure.figsize": (_WIDTH, 3.8),
    "figure.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e9ebee",
    "grid.linewidth": 0.8,
    "axes.prop_cycle": cycler(
        color=[COLORS[k] for k in ("estimate", "singular", "regular", "theory", "posterior", "loss")]
    ),
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "image.cmap": "cividis",
    "mathtext.fontset": "dejavusans",
}
_used = False


def use() -> None:
    """Put on the course's look: from now on matplotlib draws in it, until ``mpl.rcdefaults()``.

    The first ``figure`` of a session does it by itself, and only the first, so that a size or a font set afterwards
    in ``mpl.rcParams`` (for a projector, say) stays.
    """
    global _used
    _used = True
    mpl.rcParams.update(_LOOK)


def figure(rows: int = 1, columns: int = 1, height: float = 3.8, **options: Any) -> tuple[Figure, Any]:
    """A figure of the course's width (8.8 in) and its axes, as ``plt.subplots`` returns them.

    The axes are one ``Axes``, or a numpy array of them for several rows or columns. ``height`` is in inches;
    ``options`` go to ``plt.subplots`` (``width_ratios``, ``sharey``, …). The first figure puts the course's look
    on, see ``use``.
    """
    if not _used:
        use()
    return plt.subplots(rows, columns, figsize=(_WIDTH, height), layout="constrained", **options)


def png(fig: Figure) -> tuple[bytes, tuple[int, int]]:
    """The figure as PNG bytes at twice the reader's resolution, and its (width, height) in the reader's pixels.

    The PNG has 256 colours, chosen for the figure: no eye sees it, and notebooks shrink to a third.
    """
    buffer, small = io.BytesIO(), io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI * SHARPNESS, pil_kwargs={"compress_level": 0})
    width, height = (round(inches * DPI) for inches in fig.get_size_inches())
    whole = Image.new("RGB", (SHARPNESS * width, SHARPNESS * height), "white")
    whole.paste(Image.open(buffer).convert("RGB"))  # matplotlib 3.10 cuts 919.99… rows off to 919
    colors = whole.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    colors.save(small, format="png", optimize=True)
    return small.getvalue(), (width, height)


def show(fig: Figure, alt: str | None = None) -> None:
    """Show a finished figure with its alternative text, and close it. Ends a cell that draws.

    ``alt`` says in a sentence what a reader who cannot see the figure should know, numbers included: it is
    also the output's plain text, which the notebook tests compare. A function that draws gives it with
    ``fig.set_label(alt)``, so that it does not stand in the lesson's code, above the picture whose answer it tells.
    Raises ValueError without it.
    """
    alt = str(fig.get_label()) if alt is None else alt
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show() needs alt, a sentence that says what the figure shows")
    from IPython.display import display

    data, (width, height) = png(fig)
    plt.close(fig)
    size = {"width": width, "height": height, "alt": alt}
    display({"image/png": data, "text/plain": alt}, metadata={"image/png": size}, raw=True)
