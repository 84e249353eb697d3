"""A guess that a learner commits to before the answer is seen.

``choice`` shows buttons, ``number`` a slider on an axis; both are made in the browser by ``guess.js`` and need no
kernel. The answer and its reason come up with the guess. Where no widgets are (GitHub, a notebook that nobody has run),
the same output holds the question, and the answer folded. A guess within a live figure is ``LiveFigure.with_guess``::

    guess.choice("volume", "Which set loses its volume first?", ["the line", "the cross"], answer="the line",
                 because="V(ε) is ε^{1/2} for the line, and ε^{1/2} log 1/ε for the cross.")
"""

import html
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sltcourse.kit import style, text

_HERE = Path(__file__).parent
STEPS = 200  # of a slider


class Guess:
    """A question with what ``guess.js`` needs to show it; display it as the last line of a cell.

    ``question``, ``options`` (empty for a number), ``answer`` as a text and ``because``, a sentence, are what is shown.
    """

    def __init__(self, key: str, question: str, answer: str, because: str, spec: dict[str, Any]) -> None:
        for name, value in (("key", key), ("question", question)):
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"a guess needs a {name}, a text")
        self.question, self.answer, self.because = question, answer, because
        self.options: list[str] = spec.get("options", [])
        self.spec = {"key": key, "question": question, "because": because, **spec}

    def widget(self) -> Any:
        """A new widget of this guess (anywidget)."""
        import anywidget
        import traitlets

        class GuessView(anywidget.AnyWidget):
            _esm = (_HERE / "guess.js").read_text(encoding="utf-8")
            _css = (_HERE / "live.css").read_text(encoding="utf-8")
            spec = traitlets.Dict().tag(sync=True)

        return GuessView(spec=self.spec)

    def __repr__(self) -> str:
        return "\n".join([f"[Guess] {self.question}", *(f"- {option}" for option in self.options)])

    def _repr_html_(self) -> str:
        options = "".join(f"<li>{html.escape(option)}</li>" for option in self.options)
        answer = html.escape(" ".join(part for part in (f"{self.answer}.", self.because) if part))
        return (
            f"<p><strong>{html.escape(self.question)}</strong></p>{f'<ul>{options}</ul>' if options else ''}"
            f"<details><summary>Answer</summary><p>{answer}</p></details>"
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget().model_id}
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        display({**bundle, "application/vnd.jupyter.widget-view+json": view}, raw=True)


def choice(key: str, question: str, options: Sequence[str], answer: str, because: str = "") -> Guess:
    """Buttons, one for each option; a press is the guess.

    ``key`` names the guess within the course: under it the browser keeps it while the page is open. ``answer`` is one
    of the options, ``because`` the sentence that is shown with it. Raises ValueError for fewer than two options, for
    two that are the same, and for an answer that is none of them.
    """
    options = list(options)
    if len(options) < 2 or len(set(options)) < len(options):
        raise ValueError(f"a choice needs at least two options, all different: {options}")
    if answer not in options:
        raise ValueError(f"the answer {answer!r} is none of the options {options}")
    return Guess(key, question, answer.rstrip("."), because, {"options": options, "answer": options.index(answer)})


def number(
    key: str,
    question: str,
    low: float,
    high: float,
    answer: float,
    *,
    log: bool = False,
    unit: str = "",
    because: str = "",
) -> Guess:
    """A slider from ``low`` to ``high``, on a log scale if ``log``; then guess and answer stand on one axis.

    ``unit`` is written behind the numbers. ``key`` and ``because`` are as for ``choice``. Raises ValueError for limits
    that make no axis, and for an answer that is not between them.
    """
    positions = scale(low, high, log)
    if not low <= answer <= high:
        raise ValueError(f"the answer {answer} is not between {low} and {high}")

    def written(value: float, digits: int = 3) -> str:
        return f"{_number(value, digits)}{' ' if unit else ''}{unit}"

    def share(value: float) -> float:
        return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)

    decades = [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)] if log else []
    marks = decades[:: -(-len(decades) // 8)] if len(decades) > 1 else positions[:: STEPS // 4]
    spec = {
        "answer": share(answer),
        "answered": written(answer, 4),
        "texts": [written(value) for value in positions],
        "ticks": [(share(value), _number(value, 3)) for value in marks],
    }
    return Guess(key, question, written(answer, 4), because, spec)


class OnAxis:
    """A guess within a live figure, see ``LiveFigure.with_guess``: a line across ``ax`` that moves along one axis."""

    def __init__(
        self, ax: Any, axis: str, question: str, hides: Sequence[str], low: float | None, high: float | None
    ) -> None:
        if axis not in ("x", "y"):
            raise ValueError(f'a line moves along the axis "x" or "y", not {axis!r}')
        limits = sorted(ax.get_xlim() if axis == "x" else ax.get_ylim())
        low, high = limits[0] if low is None else low, limits[1] if high is None else high
        if not limits[0] <= low < high <= limits[1]:
            raise ValueError(f"the guess goes from {low} to {high}, and the axis from {limits[0]} to {limits[1]}")
        self.ax, self.axis, self.question, self.hides = ax, axis, question, list(hides)
        log = (ax.get_xscale() if axis == "x" else ax.get_yscale()) == "log"
        self.values = scale(float(low), float(high), log)

    def encode(self, height: float) -> dict[str, Any]:
        """Where the line stands at each of its values, in the pixels of a picture of that height."""
        zoom = style.DPI * style.SHARPNESS / self.ax.figure.dpi
        middle = self.ax.transData.inverted().transform(self.ax.transAxes.transform((0.5, 0.5)))
        points = [(v, middle[1]) if self.axis == "x" else (middle[0], v) for v in self.values]
        pixels = zoom * self.ax.transData.transform(points)[:, "xy".index(self.axis)]
        box, label = self.ax.get_window_extent(), self.ax.get_xlabel() if self.axis == "x" else self.ax.get_ylabel()
        return {
            "axis": self.axis,
            "question": self.question,
            "label": self.axis if not label or set("$\\") & set(label) else label,
            "texts": [_number(value, 3) for value in self.values],
            "pixels": (pixels if self.axis == "x" else height - pixels).round(1).tolist(),
            "clip": [zoom * box.x0, height - zoom * box.y1, zoom * box.width, zoom * box.height],
            "size": round(10 * zoom * self.ax.figure.dpi / 72, 1),
        }


def _number(value: float, digits: int) -> str:
    rounded = float(f"{value:.{digits}g}")
    return text.power(rounded, digits) if 0 < rounded < 1e-3 or rounded >= 1e6 else text.number(rounded, digits)


def scale(low: float, high: float, log: bool = False) -> list[float]:
    """The values that a slider stops at. Raises ValueError for limits that make no axis."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"the lower limit must be below the upper one, both finite, not {low} and {high}")
    if log and low <= 0:
        raise ValueError(f"a log scale needs limits above 0, not {low}")
    shares = [k / STEPS for k in range(STEPS + 1)]
    return [low * (high / low) ** s if log else low + (high - low) * s for s in shares]
