"""The kept results of lesson 10: the settings they were made at, and how they are read. ``make.py`` remakes them."""

from functools import cache
from typing import Any

import numpy as np

from sltcourse.kit import assets
from sltcourse.llc.verdict import LEVELS

WORDS = list(LEVELS)
PYTHON_STEPS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1250, 1500, 1750, 2000, 2500, 3000)
LLC_SETTINGS: dict[str, Any] = {
    "texts": 1024,
    "nbeta": 1000.0,
    "springs": (1000.0,),
    "steps": (0, 40, 100, 200, 400, 800, 950, 1050, 1150, 1300, 2000, 3000),
    "draws": 500,
    "burnin": 500,
    "batch": 32,
}
HEAD_STEPS = (200, 800, 1000, 1100, 1300, 3000)


@cache
def asset(name: str) -> dict[str, np.ndarray]:
    """The kept result ``name``, one that ``make.py`` can make: a dict of arrays."""
    with np.load(assets.path(f"developmental_stages/{name}.npz")) as file:
        return {key: file[key] for key in file.files}
