"""What lesson 07 reads from files: the digits, and the kept estimates of linear networks. ``make.py`` remakes those."""

from functools import cache
from typing import Any

import numpy as np

from sltcourse.kit import assets

N_NETWORKS = 10**6  # n of the estimates kept in assets: nβ = n/log n


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1797 handwritten digits: images (1797, 8, 8), whole numbers from 0 to 16, and labels (1797,).

    The test set of Alpaydin and Kaynak (1998, doi:10.24432/C50P49; UCI Machine Learning Repository, CC BY 4.0), as
    scikit-learn carries it.
    """
    kept = assets.arrays("llc_estimation/digits.npz")
    return kept["images"].astype(float), kept["labels"].astype(int)


@cache
def networks() -> list[dict[str, Any]]:
    """The kept estimates of deep linear networks, small to large: a list of what make.py found."""
    return assets.table("llc_estimation/networks.json")
