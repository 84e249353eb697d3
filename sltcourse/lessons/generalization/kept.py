"""How the lesson's asset is read: the network's measured errors."""

from dataclasses import dataclass

import numpy as np

from sltcourse.kit import assets


@dataclass(frozen=True)
class Network:
    """n E[G] of a network of ``d`` weights, measured over data sets of ``n`` rows, and λ̂ of trained networks.

    ``n`` (sizes,); ``sets`` (sizes,) data sets each; ``G``, ``G_error`` the mean of n Gₙ and its standard error;
    ``half``, ``half_error`` those of (n Gₙ + n (WAIC − Sₙ))/2, which has the same mean and less noise. ``llc`` and
    ``llc_error`` (networks,): λ̂ of networks trained on ``llc_rows`` rows, and the estimator's standard errors.
    ``rhat``: the largest of all chains.
    """

    d: int
    n: np.ndarray
    sets: np.ndarray
    G: np.ndarray
    G_error: np.ndarray
    half: np.ndarray
    half_error: np.ndarray
    llc: np.ndarray
    llc_error: np.ndarray
    llc_rows: int
    rhat: float


def network() -> Network:
    """What ``make network`` measured. Errors as ``kit.assets.table``."""
    kept = assets.table("generalization/network.json")
    sizes = kept["sizes"]

    def mean_and_error(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return (np.array([row.mean() for row in rows]),
                np.array([row.std(ddof=1) / np.sqrt(len(row)) for row in rows]))  # fmt: skip

    G, W = ([np.array(size[key]) for size in sizes] for key in ("G", "W"))
    return Network(
        kept["d"],
        np.array([size["n"] for size in sizes]),
        np.array([len(rows) for rows in G]),
        *mean_and_error(G),
        *mean_and_error([(a + b) / 2 for a, b in zip(G, W, strict=True)]),
        np.array([run["llc"] for run in kept["llc"]]),
        np.array([run["std_error"] for run in kept["llc"]]),
        kept["llc_rows"],
        max(size["rhat"] for size in sizes),
    )
