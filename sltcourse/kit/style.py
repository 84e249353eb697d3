"""One look for every lesson: the matplotlib style, the colours, and the texts of labels and tables.

Importing this module applies the style. The colours are those of Okabe and Ito (2008), safe for colour-blind
readers, darkened where a thin line would fall below a contrast of 3:1 on white. A quantity keeps its colour
through all lessons, so lessons ask for ``COLORS["posterior"]`` and never for a hue.
"""

import html
import io
import math

import matplotlib as mpl
import matplotlib.pyplot as plt
from PIL import Image  # comes with matplotlib

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

mpl.rcParams.update(
    {
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
        "axes.prop_cycle": mpl.cycler(
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
)

_SUPERSCRIPT = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def superscript(text):
    """The characters of a number as superscripts: ``superscript(-12)`` is ``"⁻¹²"``."""
    return str(text).translate(_SUPERSCRIPT)


def power(x, digits=2):
    """A positive number as a power of ten: ``power(1e-3)`` is ``"10⁻³"``, ``power(2.5e-7)`` is ``"2.5·10⁻⁷"``.

    ``digits`` is the number of significant digits of the factor. Raises ValueError for x <= 0.
    """
    if not x > 0 or math.isinf(x):
        raise ValueError(f"power() writes positive finite numbers, not {x!r}")
    factor, exponent = f"{x:.{digits - 1}e}".split("e")
    tail = "10" + superscript(int(exponent))
    return tail if float(factor) == 1 else f"{float(factor):g}·{tail}"


def number(x, digits=4):
    """A number for a label: ``number(1000)`` is ``"1 000"`` (narrow spaces), ``number(-0.25)`` is ``"−0.25"``."""
    text = f"{x:,.0f}" if float(x).is_integer() or abs(x) >= 10**digits else f"{x:.{digits}g}"
    return text.replace(",", "\u202f").replace("-", "−")


def figure(rows=1, columns=1, height=3.8, **options):
    """A figure of the house's width (8.8 in) and its axes, as ``plt.subplots`` returns them.

    ``height`` is in inches; ``options`` go to ``plt.subplots`` (``width_ratios``, ``sharey``, …).
    """
    return plt.subplots(rows, columns, figsize=(_WIDTH, height), layout="constrained", **options)


def png(fig):
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


def show(fig, alt):
    """Show a finished figure with its alternative text, and close it. Ends a cell that draws.

    ``alt`` says in a sentence what a reader who cannot see the figure should know, numbers included: it is
    also the output's plain text, which the notebook tests compare.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show() needs alt, a sentence that says what the figure shows")
    from IPython.display import display

    data, (width, height) = png(fig)
    plt.close(fig)
    size = {"width": width, "height": height, "alt": alt}
    display({"image/png": data, "text/plain": alt}, metadata={"image/png": size}, raw=True)


class table:
    """A small table: ``table(rows, header)`` with rows of strings or numbers; shown as HTML or aligned text.

    Numbers are written with ``number``. Raises ValueError when a row has another length than the header.
    """

    def __init__(self, rows, header):
        self.header = [str(h) for h in header]
        self.rows = [[c if isinstance(c, str) else number(c) for c in row] for row in rows]
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"the row {row} has {len(row)} cells, the header has {len(self.header)}")

    def __repr__(self):
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)

    def _repr_html_(self):
        def line(cells, tag):
            cells = (f'<{tag} style="text-align:left">{html.escape(c)}</{tag}>' for c in cells)
            return f"<tr>{''.join(cells)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return f"<table><thead>{line(self.header, 'th')}</thead><tbody>{body}</tbody></table>"
