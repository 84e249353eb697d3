"""The kept results of lesson 07: the settings they were made at, and how they are read. ``make.py`` remakes them."""

import json
from functools import cache

import numpy as np

from sltcourse.kit import assets

# ---- the cockpit: 720 settings of a sampler, each with 16 chains -----------------------------------------------------


LRS = 10.0 ** np.round(np.arange(-5, -0.3, 1 / 3), 6)
LOCALIZATIONS = np.array([1.0, 10.0, 100.0, 1000.0])
NBETAS = np.array([10.0, 100.0, 1e3, 1e4])
CHAINS = np.array([1, 4, 16])
BURNIN, DRAWS, WINDOW = 500, 4000, 90  # steps; losses are drawn as means over a window
CLOUD = 64  # draws shown in the plane


@cache
def cockpit():
    """The cockpit's runs as arrays; their first axes are potential, step size, γ and nβ.

    ``llc``, ``std_error``, ``light`` (0 trust, 1 doubtful, 2 don't), ``words`` (index into ``texts``) and ``distance``
    have one entry for each of ``CHAINS``, ``cloud`` (chains, draw, 2) too; ``trace`` (window, chain) has four chains,
    ``steps`` (step, 2) the last of the first chain. ``exact`` has the axes potential, γ, nβ.
    """
    with np.load(assets.path("llc_estimation/cockpit.npz")) as file:
        return {name: file[name].astype(float) if file[name].dtype.kind == "f" else file[name] for name in file}


# ---- networks whose λ is known ---------------------------------------------------------------------------------------


N_NETWORKS = 10**6  # n of the estimates kept in assets: nβ = n/log n


@cache
def networks():
    """The kept estimates of deep linear networks, small to large: a list of what make.py found."""
    return json.loads(assets.path("llc_estimation/networks.json").read_text(encoding="utf-8"))
