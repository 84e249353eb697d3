"""Remakes the lesson's asset: ``python -m sltcourse.lessons.llc_estimation.make networks``.

These are estimates of deep linear networks, from 10² parameters on. It can be stopped at any time: the file then holds
the networks done so far.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from sltcourse.kit import assets
from sltcourse.lessons.llc_estimation.kept import N_NETWORKS
from sltcourse.lessons.llc_estimation.models import deepest_point, linear_loss
from sltcourse.llc import HMC, best_device, default_nbeta, estimate_llc
from sltcourse.progress import progress
from sltcourse.theory.closed_forms import deep_linear_network

NETWORK_RUNS: dict[str, dict[str, Any]] = {  # name: what of estimate_llc is not the same for all
    "hmc": dict(sampler=HMC(lr=1e-5, num_leapfrog=100), num_draws=300, num_burnin_steps=100, localization=10.0),
    "sgld": dict(num_draws=1000, num_burnin_steps=3000, num_steps_bw_draws=5, localization=10.0),
}
HMC_UP_TO = 2000  # parameters: beyond it HMC takes too long on a CPU


def some_linear_networks(count: int = 32, seed: int = 0) -> Iterator[tuple[list[int], int]]:
    """(widths, rank) of random deep linear networks with about 10² to 10⁶ parameters and 2 to 5 layers."""
    rng = np.random.default_rng(seed)
    for size in np.geomspace(120, 1e6, count):
        shape = np.exp(rng.uniform(-0.5, 0.5, rng.integers(3, 7)))
        widths = [max(2, round(h)) for h in shape * math.sqrt(size / (shape[1:] * shape[:-1]).sum())]
        yield widths, 0 if rng.random() < 1 / 3 else int(rng.integers(1, min(widths) + 1))


def estimate_linear_network(widths: Sequence[int], rank: int, device: str = "cpu", seed: int = 0) -> dict[str, Any]:
    """λ̂ of one network at a deepest point, by each of NETWORK_RUNS, beside λ: a dict of plain numbers."""
    loss, w_star = linear_loss(deepest_point(widths, rank, np.random.default_rng(seed)), device=device)
    d, lam = len(w_star), deep_linear_network(widths, rank)
    row = {"widths": widths, "rank": rank, "d": d, "lam": float(lam[0]), "m": lam[1]}
    nbeta = default_nbeta(N_NETWORKS)
    for name, settings in NETWORK_RUNS.items():
        if name != "hmc" or d < HMC_UP_TO:
            result: Any = estimate_llc(
                loss, at=w_star, num_chains=8, nbeta=nbeta, dtype=torch.float32, seed=seed, device=device, **settings
            )
            row[name] = {"llc": result.llc, "std_error": result.std_error, "verdict": result.verdict.word}
    return row


def main(arguments: Sequence[str]) -> None:
    """``python -m sltcourse.lessons.llc_estimation.make networks`` remakes the lesson's asset."""
    if arguments != ["networks"]:
        sys.exit("usage: python -m sltcourse.lessons.llc_estimation.make networks")
    name, device = "llc_estimation/networks.json", best_device().type
    (assets.folder() / "llc_estimation").mkdir(exist_ok=True)
    rows = []
    for widths, rank in progress(list(some_linear_networks()), "networks"):
        rows.append(estimate_linear_network(widths, rank, device=device))
        text = "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n"  # those done, whenever the run is stopped
        (assets.folder() / name).write_text(text, encoding="utf-8")
    assets.record(name, "python -m sltcourse.lessons.llc_estimation.make networks", device)


if __name__ == "__main__":
    main(sys.argv[1:])
