"""A pytest plug-in: nbval compares text word by word, and numbers within the error that stands beside them.

"0.4974 ± 0.0014" agrees with what was stored if the two values differ by at most three combined errors and neither
error is more than three times the other. A cell with the tag ``rtol=0.02`` or ``atol=0.01`` states a tolerance for all
other numbers that it prints. Any other number is compared exactly. The module needs nothing but nbval: ``make
test-colab`` copies it beside the one-file lessons.
"""

import math
import re

DIGITS = "0123456789-"
NUMBER = r"[-−]?\d+(?:[\u202f]\d{3})*(?:\.\d+)?(?:e[-+]?\d+|·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
WORD = re.compile(rf"({NUMBER} ± {NUMBER}|(?<![\w.]){NUMBER}(?![\w]))")
ERRORS, FACTOR = 3, 3


def value(number):
    """A printed number: with a real minus, narrow spaces between thousands, or a power of ten."""
    plain = number.replace("−", "-").replace("\u202f", "")
    factor, _, power = plain.partition("·10")
    return float(factor) * 10.0 ** int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", DIGITS)) or 0)


def agree(stored, new, rtol=0.0, atol=0.0):
    """Whether two texts are the same, but for white space and for numbers that may differ by this much."""
    one, other = (WORD.split(" ".join(text.split())) for text in (stored, new))
    return len(one) == len(other) and all(_same(*pair, rtol, atol) for pair in zip(one, other, strict=True))


def _same(stored, new, rtol, atol):
    if stored.strip() == new.strip():
        return True
    if not (WORD.fullmatch(stored) and WORD.fullmatch(new) and ("±" in stored) == ("±" in new)):
        return False
    if "±" not in stored:
        return math.isclose(value(stored), value(new), rel_tol=rtol, abs_tol=atol)
    (a, da), (b, db) = ([value(number) for number in text.split(" ± ")] for text in (stored, new))
    return abs(a - b) <= ERRORS * math.hypot(da, db) and max(da, db) <= FACTOR * min(da, db)


def tolerances(cell):
    """{"rtol": …, "atol": …} as a cell's tags state them."""
    found = (re.fullmatch(r"(rtol|atol)=(\S+)", tag) for tag in cell.metadata.get("tags", []))
    return {match[1]: float(match[2]) for match in found if match}


class Printed(str):
    """A text of an output, equal to another with which it agrees."""

    def __eq__(self, other):
        return agree(self, other, **self.tolerance)  # of the cell, set by sanitize

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def pytest_configure(config):
    if not getattr(config.option, "nbval", False):
        return
    from nbval.plugin import IPyNbCell

    plain = getattr(IPyNbCell.sanitize, "plain", IPyNbCell.sanitize)

    def sanitize(self, output):
        text = plain(self, output)
        if isinstance(text, str):
            text = Printed(text)
            text.tolerance = tolerances(self.cell)
        return text

    sanitize.plain = plain
    IPyNbCell.sanitize = sanitize
