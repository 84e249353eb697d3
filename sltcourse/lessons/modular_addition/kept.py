"""The kept results of lesson 09: the settings they were made at, and how they are read. ``make.py`` remakes them."""

from functools import cache
from typing import Any

import numpy as np

from sltcourse.kit import assets

P = 23  # the lesson's prime
DECAY = 3e-4  # and its weight decay μ
DECAYS = (1e-4, 3e-4, 1e-3)
STEPS = (0, 25, 50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1400, 1600, 1800, 2000,
         2400, 2800, 3200, 4000)  # fmt: skip
READ_AT = (50, 200, 400, 600, 700, 800, 900, 1000, 1200, 1600, 2400, 4000)  # where λ̂ is read, p = 23 and decay 3e-4
READ_ELSEWHERE = (50, 200, 400, 800, 1200, 2000, 4000)
COLD = 100  # nβ of the readings, in n/log n
SPRING = 1000.0  # γ of the readings


@cache
def training() -> dict[str, np.ndarray]:
    """The kept training runs: names like "31 0.0003 train" to arrays over ``STEPS``, see ``make.run_of``."""
    return assets.arrays("modular_addition/training.npz")


@cache
def readings(name: str) -> dict[str, Any]:
    """A kept table of readings, one that ``make.py`` can make: "along_31", "controls", "map", …"""
    table: dict[str, Any] = assets.table(f"modular_addition/{name}.json")
    return table


def controls(gamma: float = SPRING) -> dict[str, dict[str, Any]]:
    """The kept readings of networks at zero error, by name: "memorising", "generalising", "products", …"""
    found: dict[str, dict[str, Any]] = {}
    for key, rows in readings("controls").items():
        if key.endswith(f" {gamma:g}"):
            found |= rows
    return found


def along(p: int, decay: float, gamma: float = SPRING) -> dict[str, np.ndarray]:
    """The kept readings along one training run, as arrays over its steps; nan where only the prediction was made."""
    rows = readings(f"along_{p}")[f"{decay} {gamma:g}"]
    numbers = {
        name: np.array([row.get(name, np.nan) for row in rows.values()])
        for name in ("llc", "se", "gauss", "tilt", "rhat")
    }
    words = np.array([row.get("word", "") for row in rows.values()])
    return numbers | {"step": np.array([int(step) for step in rows]), "word": words}
