"""The kept results of lesson 08: the settings they were made at, and how they are read. ``make.py`` remakes them."""

from typing import Any

import numpy as np

from sltcourse.kit import assets

NBETAS = 10.0 ** np.arange(2, 8.5, 0.5)
N_TRAIN = (100, 200, 300, 500, 1000, 2000, 3000)
STEPS = np.unique(np.r_[0, np.round(np.geomspace(5, 20_000, 31))]).astype(int)
FIGURE_SPRINGS = (10.0, 30.0)  # γ of the λ̂ along training
SPRINGS = (0.1, 1.0, 10.0, 30.0, 100.0)
END_SIZES = (20, 50, 100, 200, 500, 1_000, 2_000, 4_000)
SCALE_NBETAS = 10.0 ** np.arange(2, 7.5, 0.5)
SCALE_SPRINGS = (1.0, 30.0)
SCALE_STARTS = ("4⁺", "5")
LENGTHS, BIASES = np.linspace(0, 1.4, 71), np.linspace(-0.55, 0.25, 65)  # of the landscape of make.landscape
STARTS = {"square, one feature awake": 1, "square, two features awake": 2, "near zero": 6}


JSON = ("volumes", "temperatures", "springs", "sample_5000", "sample_500000")  # kept as text; the others as arrays


def asset(name: str) -> Any:
    """The kept result ``name``, one that ``make.py`` can make: a dict (springs: a list) of arrays and numbers."""
    if name in JSON:
        return assets.table(f"superposition/{name}.json")
    return assets.arrays(f"superposition/{name}.npz")
