"""The kept results of lesson 11: the settings they were made at, and how they are read. ``make.py`` remakes them."""

from functools import cache
from typing import Any

import numpy as np

from sltcourse.kit import assets

NBETA, SPRING = 30.0, 300.0  # as Baker et al. 2025 have them
SETTINGS: dict[str, Any] = {
    "texts": 64,
    "noise_texts": 16,
    "token_texts": 32,
    "data_seed": 4 * 10**6,
    "seed": 11,
    "chains": 8,
    "draws": 128,
    "whole_spring": 1000.0,
    "kernel_places": 32,
}
ADDITION: dict[str, Any] = {"p": 23, "spring": 1000.0, "chains": 8, "draws": 512}  # at NBETA
RUN: dict[str, Any] = {
    "head": 0,
    "lr": 1e-3,
    "batch": 63,  # drawn with replacement, so as noisy as fresh ones; 64 would be taken for all of the texts
    "chains": 12,
    "draws": 200,
    "burnin": 50,
    "every": 4,
    "mala": 4,
    "mala_draws": 200,
    "mala_burnin": 60,
}


@cache
def asset(name: str) -> dict[str, np.ndarray]:
    """The kept result ``name``, one that ``make.py`` can make: a dict of arrays."""
    return assets.arrays(f"susceptibilities/{name}.npz")
