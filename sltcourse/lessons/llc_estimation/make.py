"""Remakes the lesson's assets.

``python -m sltcourse.lessons.llc_estimation.make cockpit`` remakes the runs behind the cockpit (two minutes on a CPU
core), and ``python -m sltcourse.lessons.llc_estimation.make networks`` the estimates of deep linear networks, from 10²
parameters on. It can be stopped at any time: the file then holds the networks done so far.
"""

import json
import math
import sys

import numpy as np
import torch
import xarray as xr

from sltcourse.kit import assets
from sltcourse.lessons.llc_estimation.kept import (
    BURNIN,
    CHAINS,
    CLOUD,
    DRAWS,
    LOCALIZATIONS,
    LRS,
    N_NETWORKS,
    NBETAS,
    WINDOW,
)
from sltcourse.lessons.llc_estimation.models import deepest_point, linear_loss
from sltcourse.llc import HMC, SGLD, LLCResult, best_device, default_nbeta, estimate_llc
from sltcourse.llc.draws import first_bad
from sltcourse.llc.samplers import to_json
from sltcourse.llc.verdict import LEVELS
from sltcourse.progress import progress
from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.localized import POTENTIALS, exact_llc, langevin


def diagnose(potential, path, nbeta, localization, lr):
    """The ``LLCResult`` of a ``path`` (steps, chains, 2) at one setting: λ̂, diagnostics and the library's verdict.

    The path is written down as the library writes its own draws (``sltcourse.llc.draws``), and judged as they are.
    """
    w_star, every = np.array(potential.w_star), np.arange(len(path))
    init_loss = float(potential.K(w_star))
    with np.errstate(all="ignore"):
        w = np.where(np.abs(path) < 1e6, path, np.nan).swapaxes(0, 1).astype(float)
        away, loss, of_loss = w - w_star, potential.K(w), nbeta * potential.gradient(w)
        force = of_loss + localization * away
        seen = {
            "loss": loss,
            "distance": np.sqrt((away**2).sum(-1)),
            "tilt": away @ (nbeta * potential.gradient(w_star)),
            "virial": (away * force).mean(-1),
            "step_bias": lr / 8 * (of_loss * force).sum(-1),
        }
    taken, burnin, dim = loss[:, BURNIN:], loss[:, :BURNIN], len(w_star)
    draws = xr.Dataset(
        {name: (("chain", "draw"), values[:, BURNIN:]) for name, values in seen.items()},
        {
            "first_bad": ("chain", first_bad(taken - init_loss, nbeta, dim, every[BURNIN:] + 1, burnin, 1)),
            "burnin_loss": (("chain", "burnin"), burnin),
            "bad_batches": ("chain", np.zeros(len(w), int)),
        },
    )
    draws.attrs.update(
        init_loss=init_loss, nbeta=nbeta, localization=localization, prior_precision=0.0, penalty=0.0, dim=dim,
        num_samples=0, batch_size=0, sampler=to_json(SGLD(lr=lr)), num_chains=len(w), num_draws=taken.shape[1],
        num_burnin_steps=BURNIN, num_steps_bw_draws=1, seed=0, device="cpu", dtype="float64", partial=0, wall_time=0.0,
        steps=len(path), chain_steps_per_second=0.0, notes="[]",
    )  # fmt: skip
    return LLCResult.of(draws)


def make_cockpit(lrs=LRS, seed=7):
    """Run the chains of the cockpit at the step sizes ``lrs``; returns the arrays that ``cockpit`` describes."""
    noise = np.random.default_rng(seed).normal(size=(BURNIN + DRAWS, CHAINS[-1], 2))
    lr, pull, nbeta = (x.reshape(-1, 1, 1) for x in np.meshgrid(lrs, LOCALIZATIONS, NBETAS, indexing="ij"))
    rows, exact, texts = [], [], {}
    for potential in POTENTIALS.values():
        exact.append([exact_llc(potential.K, NBETAS, g, potential.w_star) for g in LOCALIZATIONS])
        path = langevin(potential.gradient, potential.w_star, nbeta, pull, lr, noise)
        for s in progress(range(len(lr)), "diagnostics"):
            setting = nbeta[s].item(), pull[s].item(), lr[s].item()
            results = [diagnose(potential, path[:, s, :k], *setting) for k in CHAINS]
            row = {"llc": [r.llc for r in results], "std_error": [r.std_error for r in results]}
            row["light"] = [LEVELS.index(r.verdict.word) for r in results]
            row["words"] = [texts.setdefault(r.verdict.reasons[0], len(texts)) for r in results]
            rows.append(row | _pictures(potential, path[:, s], setting[0]))
    grid = len(POTENTIALS), len(lrs), len(LOCALIZATIONS), len(NBETAS)
    arrays = {k: np.reshape([r[k] for r in rows], grid + np.shape(rows[0][k])) for k in rows[0]}
    arrays |= {k: a.astype(np.float16) for k, a in arrays.items() if k in ("trace", "cloud", "steps")}
    return arrays | {"exact": np.array(exact), "texts": np.array(list(texts))}


def _pictures(potential, path, nbeta):
    """What is drawn of a setting's path (steps, chains, 2): smoothed losses, scattered draws, consecutive steps."""
    w_star = np.array(potential.w_star)
    with np.errstate(all="ignore"):
        shown = np.where(np.abs(path) < 100, path, np.nan).astype(float)
        excess = nbeta * (potential.K(shown) - potential.K(w_star))
        smooth = excess.reshape(-1, WINDOW, path.shape[1]).mean(1)
        away = ((shown[BURNIN:] - w_star) ** 2).sum(-1)
    distance = [math.sqrt(away[:, :k].mean()) for k in CHAINS]
    cloud = [shown[BURNIN :: DRAWS * k // CLOUD, :k].reshape(-1, 2)[-CLOUD:] for k in CHAINS]
    return {"trace": np.clip(smooth[:, :4], -100, 100), "cloud": cloud, "steps": shown[-50:, 0], "distance": distance}


NETWORK_RUNS = {  # name: what of estimate_llc is not the same for all
    "hmc": dict(sampler=HMC(lr=1e-5, num_leapfrog=100), num_draws=300, num_burnin_steps=100, localization=10.0),
    "sgld": dict(num_draws=1000, num_burnin_steps=3000, num_steps_bw_draws=5, localization=10.0),
}
HMC_UP_TO = 2000  # parameters: beyond it HMC takes too long on a CPU


def some_linear_networks(count=32, seed=0):
    """(widths, rank) of random deep linear networks with about 10² to 10⁶ parameters and 2 to 5 layers."""
    rng = np.random.default_rng(seed)
    for size in np.geomspace(120, 1e6, count):
        shape = np.exp(rng.uniform(-0.5, 0.5, rng.integers(3, 7)))
        widths = [max(2, round(h)) for h in shape * math.sqrt(size / (shape[1:] * shape[:-1]).sum())]
        yield widths, 0 if rng.random() < 1 / 3 else int(rng.integers(1, min(widths) + 1))


def estimate_linear_network(widths, rank, device="cpu", seed=0):
    """λ̂ of one network at a deepest point, by each of NETWORK_RUNS, beside λ: a dict of plain numbers."""
    loss, w_star = linear_loss(deepest_point(widths, rank, np.random.default_rng(seed)), device=device)
    d, lam = len(w_star), deep_linear_network(widths, rank)
    row = {"widths": widths, "rank": rank, "d": d, "lam": float(lam[0]), "m": lam[1]}
    nbeta = default_nbeta(N_NETWORKS)
    for name, settings in NETWORK_RUNS.items():
        if name != "hmc" or d < HMC_UP_TO:
            result = estimate_llc(
                loss, at=w_star, num_chains=8, nbeta=nbeta, dtype=torch.float32, seed=seed, device=device, **settings
            )
            row[name] = {"llc": result.llc, "std_error": result.std_error, "verdict": result.verdict.word}
    return row


def main(arguments):
    """``python -m sltcourse.lessons.llc_estimation.make cockpit|networks`` remakes an asset of the lesson."""
    made = {"cockpit": ("cockpit.npz", _save_cockpit), "networks": ("networks.json", _save_networks)}
    if len(arguments) != 1 or arguments[0] not in made:
        sys.exit("usage: python -m sltcourse.lessons.llc_estimation.make cockpit|networks")
    name, save = made[arguments[0]]
    (assets.folder() / "llc_estimation").mkdir(exist_ok=True)
    save(assets.folder() / "llc_estimation" / name)
    device = best_device().type if name == "networks.json" else "cpu"
    assets.record(f"llc_estimation/{name}", f"python -m sltcourse.lessons.llc_estimation.make {arguments[0]}", device)


def _save_cockpit(file):
    np.savez_compressed(file, **make_cockpit())


def _save_networks(file):
    """Estimate one network after another, small ones first; the file holds those done, whenever the run is stopped."""
    rows = []
    for network in progress(list(some_linear_networks()), "networks"):
        rows.append(estimate_linear_network(*network, device=best_device().type))
        file.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
