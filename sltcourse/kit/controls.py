"""The controls of a live figure: sliders over a row of values, and menus of named options."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.kit import text


class Slider:
    """A row of values to slide over.

    ``label`` is the quantity's symbol, ``values`` a sequence of at least two finite numbers, ``start`` the value
    shown first (the middle one if not given; it must be one of the values up to rounding), ``format`` a function
    from a value to the text beside the slider (``style.number`` or ``style.power``, say). ``start`` is kept as an
    index. Raises ValueError for values that make no slider, and for a start that is none of them.
    """

    def __init__(
        self,
        label: str,
        values: ArrayLike,
        start: float | None = None,
        format: Callable[[Any], str] = text.number,
    ) -> None:
        self.label, self.values = label, np.asarray(values)
        if self.values.ndim != 1 or len(self.values) < 2 or not np.all(np.isfinite(self.values)):
            raise ValueError(f"slider {label!r}: values must be a row of at least two finite numbers")
        self.texts = [format(v) for v in self.values]
        self.start = len(self.values) // 2 if start is None else self.position(start)

    def position(self, value: float) -> int:
        """The index of ``value``; ValueError if the slider does not have it (to a part in 10⁶)."""
        nearest = int(np.argmin(np.abs(self.values - value)))
        if not np.isclose(self.values[nearest], value, rtol=1e-6, atol=1e-12):
            raise ValueError(f"slider {self.label!r} has no value {value}; the nearest is {self.values[nearest]}")
        return nearest


class Menu:
    """A choice among named options: a dict from names to values, or a sequence of names (their own values).

    ``start`` is the name shown first (the first one if not given), kept as an index. Raises ValueError without
    options, and for a start that is none of them.
    """

    def __init__(self, label: str, options: Mapping[str, Any] | Iterable[str], start: str | None = None) -> None:
        named = dict(options) if isinstance(options, Mapping) else {name: name for name in options}
        if not named:
            raise ValueError(f"menu {label!r}: at least one option is needed")
        self.label, self.texts, self.values = label, list(named), list(named.values())
        self.start = 0 if start is None else self.position(start)

    def position(self, option: str) -> int:
        """The index of an option, given by its name; ValueError if there is none."""
        if option not in self.texts:
            raise ValueError(f"menu {self.label!r} has no option {option!r}; choose one of {self.texts}")
        return self.texts.index(option)
