"""The kept results of lesson 10: the settings they were made at, and how they are read. ``make.py`` remakes them.

The tokens are those of the Python standard library's sources (copyright the Python Software Foundation, PSF license).
"""

from functools import cache
from typing import Any

import numpy as np

from sltcourse.kit import assets

PYTHON_STEPS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1250, 1500, 1750, 2000)
LLC_SETTINGS: dict[str, Any] = {
    "texts": 1024,
    "nbeta": 1000.0,
    "spring": 1000.0,
    "steps": (100, 200, 350, 500, 600, 700, 1000, 2000),
    "draws": 340,
    "burnin": 100,
    "batch": 16,
    "lr": 5e-5,
}
SPRINGS = {10_000.0: 1e-5, 3000.0: 2.5e-5}  # γ beside that of LLC_SETTINGS, and the step of SGLD at each
COLUMNS = (
    "llc",
    "error",
    "tilt",
    "curved",
    "curved_error",
    "rhat",
    "ess",
    "equipartition",
    "step_bias",
    "word",
    "loss",
)
HEAD_STEPS = (500, 700, 2000)
HEADS: dict[str, Any] = {"texts": 64, "spring": 300.0, "nbeta": 100.0, "draws": 300}


@cache
def asset(name: str) -> dict[str, np.ndarray]:
    """The kept result ``name``, one that ``make.py`` can make: a dict of arrays."""
    return assets.arrays(f"developmental_stages/{name}.npz")
