"""Numbers and tables as text, for labels, captions and reports; no library for pictures is needed."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any, SupportsFloat

_SUPERSCRIPT = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def superscript(text: object) -> str:
    """The characters of a number as superscripts: ``superscript(-12)`` is ``"⁻¹²"``."""
    return str(text).translate(_SUPERSCRIPT)


def power(x: SupportsFloat, digits: int = 2) -> str:
    """A positive number as a power of ten: ``power(1e-3)`` is ``"10⁻³"``, ``power(2.5e-7)`` is ``"2.5·10⁻⁷"``.

    ``digits`` is the number of significant digits of the factor. Raises ValueError for x <= 0, infinity and NaN.
    """
    value = float(x)
    if not value > 0 or math.isinf(value):
        raise ValueError(f"power() writes positive finite numbers, not {x!r}")
    factor, exponent = f"{value:.{digits - 1}e}".split("e")
    tail = "10" + superscript(int(exponent))
    return tail if float(factor) == 1 else f"{float(factor):g}·{tail}"


def number(x: SupportsFloat, digits: int = 4) -> str:
    """A number for a label: ``number(1000)`` is ``"1 000"`` (narrow spaces), ``number(-0.25)`` is ``"−0.25"``.

    ``digits`` is the number of significant digits; whole numbers keep all of theirs.
    """
    value = float(x)
    text = f"{x:,.0f}" if value.is_integer() or abs(value) >= 10**digits else f"{x:.{digits}g}"
    return text.replace(",", "\u202f").replace("-", "−")


def estimate(value: SupportsFloat, error: SupportsFloat) -> str:
    """A measured number with its error, to two digits of the error: ``estimate(0.49741, 0.00138)`` is
    ``"0.4974 ± 0.0014"``. The notebook tests compare such numbers within three of their errors.

    ``error`` is a standard error, in the value's unit. Raises ValueError for an error that is not positive, and for
    what is not finite: without an error there is no estimate.
    """
    v, e = float(value), float(error)
    if not (math.isfinite(v) and math.isfinite(e) and e > 0):
        raise ValueError(f"an estimate is a finite number with a positive error, not {value} ± {error}")
    tiny = max(abs(v), e) < 1e-3
    tens = math.floor(math.log10(max(abs(v), e))) if tiny else 0
    v, e = v / 10.0**tens, e / 10.0**tens
    digits = 1 - int(f"{e:.1e}".split("e")[1])
    written = " ± ".join(f"{round(x, digits):,.{max(digits, 0)}f}" for x in (v, e))
    written = written.replace(",", "\u202f").replace("-", "−")
    return f"({written})·10{superscript(tens)}" if tiny else written


class table:
    """A small table: ``table(rows, header)`` with rows of strings or numbers; shown as HTML or aligned text.

    Numbers are written with ``number``. ``note`` is a sentence under the table. Raises ValueError when a row has
    another length than the header.
    """

    def __init__(self, rows: Iterable[Iterable[object]], header: Iterable[object], note: str = "") -> None:
        self.header = [str(h) for h in header]
        cells: Any = rows  # `number` refuses what is none
        self.rows = [[c if isinstance(c, str) else number(c) for c in row] for row in cells]
        self.note = note
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"the row {row} has {len(row)} cells, the header has {len(self.header)}")

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        shown = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*shown, self.note] if self.note else shown)

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            marked = (f'<{tag} style="text-align:left">{html.escape(c)}</{tag}>' for c in cells)
            return f"<tr>{''.join(marked)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<table><thead>{line(self.header, 'th')}</thead><tbody>{body}</tbody></table>{note}"
