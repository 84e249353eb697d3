"""What the tests of sweeps measure, in a file that other processes can import."""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from sltcourse.llc import SGLD, estimate_llc, sweep

GRID = {"depth": [1, 2], "seed": range(3)}


def measure(depth, seed, pause=0.0, log=None):
    """A quick estimate; ``log``: a file that has a line for every call."""
    if log is not None:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{depth} {seed}\n")
    time.sleep(pause)
    result = estimate_llc(
        lambda w: (w ** (2 * depth)).sum(), at=torch.zeros(2), nbeta=100.0, sampler=SGLD(1e-2), num_chains=4,
        num_draws=60, num_burnin_steps=20, seed=seed,
    )  # fmt: skip
    return {"llc": result.llc, "error": result.std_error, "word": result.verdict.word, "trace": np.arange(depth + 1)}


def slowly(depth, seed):
    """``measure``, in a tenth of a second at least."""
    return measure(depth, seed, pause=0.1)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(exist_ok=True)
    print("ready", flush=True)
    sweep(slowly, GRID, folder=sys.argv[1])
