"""Remakes the lesson's assets: ``python -m sltcourse.lessons.superposition.make NAME``.

NAME is ``volumes``, ``training`` or ``posterior``, which the estimator has no part in, or one of what ``estimate_llc``
reads: ``temperatures``, ``springs``, ``scale``, ``sample_5000``, ``sample_500000``, and ``along``, of the states in
``training`` (half an hour on a CPU core).
"""

import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

from sltcourse.kit import assets
from sltcourse.lessons.superposition.kept import (
    BIASES,
    END_SIZES,
    FIGURE_SPRINGS,
    JSON,
    LENGTHS,
    N_TRAIN,
    NBETAS,
    SCALE_NBETAS,
    SCALE_SPRINGS,
    SCALE_STARTS,
    SPRINGS,
    STARTS,
    STEPS,
    asset,
)
from sltcourse.lessons.superposition.models import Superposition, exact_loss, exact_sample_loss, squared_error, start
from sltcourse.llc import HMC, SGLD, LLCResult, LocalPosterior, OfParameters, estimate_llc
from sltcourse.llc import sample as sample_chains
from sltcourse.llc.verdict import LEVELS
from sltcourse.theory import volume
from sltcourse.theory.replica_exchange import Chains, replica_exchange
from sltcourse.theory.superposition_model import (
    FEATURES,
    POLYGONS,
    corners,
    descend,
    name_of,
    polygon,
    population_loss,
    sample,
    sample_loss,
    stochastic_descent,
)


def _store(name: str, results: Any) -> None:
    file = assets.folder() / "superposition" / (f"{name}.json" if name in JSON else f"{name}.npz")
    file.parent.mkdir(exist_ok=True)
    if name in JSON:
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        np.savez_compressed(file, **results)
    assets.record(
        f"superposition/{file.name}", f"python -m sltcourse.lessons.superposition.make {name}", "CPU, 2 cores"
    )


def make_volumes() -> dict[str, dict[str, Any]]:
    """λ of the squares from their volumes V(ε)."""
    results = {}
    for name in ("4", "4⁺", "4⁺⁺"):
        w = POLYGONS[name]
        floor = population_loss(w)[0]

        def excess(u: np.ndarray, w: np.ndarray = w, floor: np.ndarray = floor) -> np.ndarray:
            return np.maximum(population_loss(w + u)[0] - floor, 0)

        curve = volume.splitting(excess, [(-0.05, 0.05)] * len(w), eps=1e-9, particles=320, populations=8)
        inside = curve.eps < 1e-5  # above, the box cuts the set off
        tail = replace(curve, eps=curve.eps[inside], shares=curve.shares[:, inside])
        fit = volume.fit(tail)
        results[name] = {
            "eps": curve.eps.tolist(),
            "log_V": curve.log_V.tolist(),
            "se": curve.se.tolist(),
            "lam": float(fit.lam),
            "lam_se": float(fit.se),
            "m": int(fit.m),
            "probability": fit.probability[:3].tolist(),
        }
        print(name, "volume", fit.lam, fit.se, fit.m, fit.probability[:3], flush=True)
    return results


# ---- what the estimator reads ----------------------------------------------------------------------------------------


def temperatures() -> dict[str, Any]:
    """λ̂ of the six polygons by HMC at every nβ: {name: {"llc", "se", "below": a list over nβ}}."""
    at = [torch.tensor(w) for w in POLYGONS.values()]
    rows: dict[str, dict[str, list[float]]] = {name: {"llc": [], "se": [], "below": []} for name in POLYGONS}
    for seed, nbeta in enumerate(NBETAS):  # in cold wells equal seeds would give equal readings
        runs: Any = estimate_llc(
            exact_loss, at=at, nbeta=float(nbeta), sampler=HMC(lr=0.02 / nbeta, num_leapfrog=16), num_chains=12,
            num_draws=400, num_burnin_steps=300, num_steps_bw_draws=2, seed=seed,
        )  # fmt: skip
        for name, run in zip(POLYGONS, runs, strict=True):
            for key, value in (("llc", run.llc), ("se", run.std_error), ("below", run.share_below)):
                rows[name][key].append(float(value))
        print(f"{nbeta:.0e}", {k: f"{r['llc'][-1]:.2f}±{r['se'][-1]:.2f}" for k, r in rows.items()}, flush=True)
    return {"nbeta": NBETAS.tolist()} | rows


def sampled(n: int, seeds: Iterable[int]) -> dict[str, dict[str, float]]:
    """λ̂ of 5, 5⁺ and 6 on data sets of n inputs: at n = 5 000 as Chen et al. did, above with the course's sampler.

    Chen et al.: γ = 0.1, ε = 5e-5, 10 chains of 10 000 steps, those dropped that spend over 5 % below L_n(w*).
    """
    names = ("5", "5⁺", "6")
    kept: dict[str, list[float]] = {name: [] for name in names}
    everything = dict.fromkeys(names, 0)
    at = [Superposition(POLYGONS[name]).state_dict() for name in names]
    for seed in seeds:
        x = torch.tensor(sample(n, np.random.default_rng(seed)), dtype=torch.float32)
        if n <= 5_000:
            options: dict[str, Any] = dict(
                sampler=SGLD(lr=5e-5), localization=0.1, num_chains=10, num_draws=1000, num_burnin_steps=0
            )
            options |= dict(num_steps_bw_draws=10, batch_size=200)
        else:
            options = dict(localization=10.0, num_chains=8, num_draws=4000, num_burnin_steps=3000, batch_size=1024)
        runs: Any = estimate_llc(Superposition(POLYGONS["6"]), x, squared_error, at=at, seed=seed, **options)
        for name, run in zip(names, runs, strict=True):
            excess = run.nbeta * (run.loss_trace - run.init_loss)
            good = (excess < 0).mean(1) < 0.05 if n <= 5_000 else np.isfinite(run.llc_per_chain)
            kept[name].append(float(excess[good].mean()))
            everything[name] += int(good.sum())
        print(n, seed, {name: f"{kept[name][-1]:.2f}" for name in names}, flush=True)
    return {
        name: {
            "llc": float(np.mean(kept[name])),
            "se": float(np.std(kept[name], ddof=1) / np.sqrt(len(kept[name]))),
            "chains": everything[name],
            "of": len(kept[name]) * options["num_chains"],
        }
        for name in names
    }


def along(path: Iterable[np.ndarray], x: np.ndarray | None, gamma: float, **options: Any) -> list[LLCResult]:
    """estimate_llc at every state of a path (checkpoints, 3c) by the exact sampler.

    ``x``: the data set (n, c); None: the population, at the nβ of a thousand samples.
    """
    n = 1_000 if x is None else len(x)
    nbeta = n / np.log(n)
    settings = {"num_chains": 12, "num_draws": 120, "num_burnin_steps": 150, "num_steps_bw_draws": 2} | options
    runs: Any = estimate_llc(
        exact_loss if x is None else exact_sample_loss(x), at=[torch.tensor(w) for w in path], nbeta=nbeta,
        localization=gamma, sampler=HMC(lr=0.1 / nbeta, num_leapfrog=12), **settings,
    )  # fmt: skip
    return list(runs)


def make_along() -> dict[str, np.ndarray]:
    """Readings along the kept training runs: "llc", "se" and "verdict", (starts, n, springs, checkpoints) each."""
    runs = [[along_run(run, size) for size in range(len(N_TRAIN))] for run in range(len(STARTS))]
    return {key: np.array([[one[key] for one in row] for row in runs]) for key in ("llc", "se", "verdict")}


def along_run(run: int, size: int) -> dict[str, list[list[float]]]:
    """The readings along the kept training run from start number ``run`` on ``N_TRAIN[size]`` inputs, at each spring.

    A dict of "llc", "se" and "verdict" (a number of LEVELS), each a list (springs) of lists (checkpoints).
    """
    kind, path = list(STARTS.values())[run], asset("training")["states"][run, size].astype(float)
    x = training_inputs(kind)[: N_TRAIN[size]]
    found: dict[str, list[list[float]]] = {"llc": [], "se": [], "verdict": []}
    for gamma in FIGURE_SPRINGS:
        runs = along(path, x, gamma)
        found["llc"].append([r.llc for r in runs])
        found["se"].append([r.std_error for r in runs])
        found["verdict"].append([LEVELS.index(r.verdict.word) for r in runs])
        said = [f"{name_of(w)} {r.llc:.1f} {r.verdict.word}" for w, r in zip(path, runs, strict=True)]
        print(kind, N_TRAIN[size], gamma, *said[::3], sep=" | ", flush=True)
    return found


def springs() -> list[list[tuple[float, float, int]]]:
    """(λ̂, its standard error, the number of its verdict) of every polygon, for each of SPRINGS."""
    at, rows = list(POLYGONS.values()), []
    for gamma in SPRINGS:
        runs = along(at, None, gamma, num_draws=500, num_burnin_steps=500)
        rows.append([(r.llc, r.std_error, LEVELS.index(r.verdict.word)) for r in runs])
        print("γ", gamma, [f"{r.llc:.2f} ± {r.std_error:.2f} {r.verdict.word}" for r in runs], flush=True)
    return rows


def landscape() -> np.ndarray:
    """The loss in two numbers of one feature, over L(4⁺): an array (biases, lengths), kept.LENGTHS and kept.BIASES.

    The feature's column has a length and its output a bias; all else is wherever the loss is least, with the sixth
    feature dead (its column is free, and helps). Two searches, from a square and from a 5-gon; the lower end counts.
    """
    square, pentagon = (POLYGONS[name].reshape(3, 6) for name in ("4⁺", "5"))
    around = np.exp(1j * (np.pi / 4 + np.arange(4) * np.pi / 2)), np.exp(1j * 2 * np.pi * np.arange(1, 5) / 5)
    free = np.r_[0:4, 5:10, 11:16]  # all but that feature, and the sixth's bias
    found = np.empty((len(BIASES), len(LENGTHS)))
    for (i, bias), (j, length) in itertools.product(enumerate(BIASES), enumerate(LENGTHS)):
        ends = []
        for w, places in zip((square, pentagon), around, strict=True):
            start, size = w.copy(), np.hypot(*w[:2, 0])
            start[:2, :4] = size * places.real, size * places.imag
            start[:, 4:] = (length, -0.02), (0, 0), (bias, -5)
            at = start.ravel()

            def value(p: np.ndarray, at: np.ndarray = at) -> tuple[float, np.ndarray]:
                at[free] = p
                loss, slope = population_loss(at)
                return float(loss), slope[free]

            ends.append(minimize(value, at[free], jac=True, method="L-BFGS-B", options={"gtol": 1e-9}).fun)
        found[i, j] = min(ends)
    return found - population_loss(POLYGONS["4⁺"])[0]


def scale() -> dict[str, np.ndarray]:
    """The landscape around 4⁺ and 5, and chains from both at every nβ and γ of the live figure of the scale.

    "rise" is the ``landscape``; "llc", "se", "verdict" are (starts, γ, nβ); "draws" (starts, γ, nβ, kept, 2) the length
    and the bias of the feature whose column parts 4⁺ from 5; "stayed" the share of draws that roll down to the start.
    """
    starts = [POLYGONS[name] for name in SCALE_STARTS]
    shape = (len(starts), len(SCALE_SPRINGS), len(SCALE_NBETAS))
    found = {key: np.empty(shape) for key in ("llc", "se", "verdict", "stayed")}
    found |= {"draws": np.empty((*shape, 240, 2), np.float32), "rise": landscape().astype(np.float32)}
    for (j, gamma), (k, nbeta) in itertools.product(enumerate(SCALE_SPRINGS), enumerate(SCALE_NBETAS)):
        posterior = LocalPosterior(
            exact_loss, at=[torch.tensor(w) for w in starts], nbeta=float(nbeta), localization=gamma,
            dtype=torch.float64,
        )  # fmt: skip
        chains: Any = sample_chains(
            posterior, HMC(lr=0.04 / nbeta, num_leapfrog=16), num_chains=16, num_draws=240, num_burnin_steps=240,
            num_steps_bw_draws=2, observe={"place": OfParameters(lambda named: named["w"], dims=("coordinate",))},
        )  # fmt: skip
        for i, one in enumerate(chains):
            read, place = LLCResult.of(one), one["place"].values.reshape(-1, 3 * FEATURES)
            kept = place[:: len(place) // 240][:240]
            names = [name_of(w) for w in descend(kept, 3_000)]
            word = LEVELS.index(read.verdict.word)
            found["llc"][i, j, k], found["se"][i, j, k], found["verdict"][i, j, k] = read.llc, read.std_error, word
            found["stayed"][i, j, k] = np.mean([name == SCALE_STARTS[i] for name in names])
            found["draws"][i, j, k] = np.stack([np.hypot(kept[:, 4], kept[:, 10]), kept[:, 16]], 1)
            print(SCALE_STARTS[i], f"γ {gamma:g} nβ {nbeta:.0e}: {read.llc:.2f} ± {read.std_error:.2f}",
                  read.verdict.word, f"stayed {found['stayed'][i, j, k]:.2f}", flush=True)  # fmt: skip
    return found


# ---- training and posterior ------------------------------------------------------------------------------------------


def training_inputs(kind: int) -> np.ndarray:
    """The data of the runs that start at ``kind``: the n inputs of a run are the first n of these."""
    return sample(max(N_TRAIN), np.random.default_rng(kind))


def make_training() -> dict[str, Any]:
    """Gradient descent on L_n for many n; and where many runs end."""
    states, losses = [], []
    for kind in STARTS.values():
        x = training_inputs(kind)
        for n in N_TRAIN:
            path = descend(start(kind, kind), STEPS[-1], sample_loss(x[:n]), keep=set(STEPS.tolist()))
            states.append(path)
            losses.append(sample_loss(x[:n])(path)[0])
    shape = (len(STARTS), len(N_TRAIN))
    results: dict[str, Any] = {"states": np.reshape(states, (*shape, len(STEPS), -1)).astype(np.float32)}
    results["loss"] = np.reshape(losses, (*shape, len(STEPS)))

    square, sizes = polygon(4, 1, 0, dead=0), (100, 300, 1_000, 3_000, 10_000, 30_000)
    left = []
    for n in sizes:
        rng = np.random.default_rng(n)
        x = np.stack([sample(n, rng) for _ in range(40)])
        end = descend(square + 0.01 * rng.standard_normal((40, 18)), STEPS[-1], sample_loss(x))
        left.append((corners(end)[0] > 4).sum())
        print(n, left[-1], "of 40 left the square", flush=True)
    results |= {"sizes": sizes, "left": left}

    ends = []
    for n in END_SIZES:
        rng = np.random.default_rng(n)
        x = np.stack([sample(n, rng) for _ in range(100)])
        w = 0.01 * rng.standard_normal((100, 18))
        w[:, 12:] = 0
        k = corners(descend(w, 5_000, sample_loss(x)))[0]
        ends.append([(k <= 3).sum(), *((k == c).sum() for c in (4, 5, 6))])
        print(n, "from near zero: corners ≤ 3, 4, 5, 6 in", ends[-1], flush=True)
    results |= {"end_sizes": END_SIZES, "ends": ends}

    rng = np.random.default_rng(0)
    for n, epochs in ((1_000, 4_500), (30_000, 150)):
        x = np.stack([sample(n, rng) for _ in range(40)])
        path = stochastic_descent(square + 0.01 * rng.standard_normal((40, 18)), x, epochs, keep=epochs // 25)
        routes = []
        for run in range(40):
            names = [name_of(w) for w in path[:, run]]
            routes.append(" → ".join(name for name, _ in itertools.groupby(names)))
        results[f"routes_{n}"] = np.array(routes)
        print(n, {route: routes.count(route) for route in set(routes)}, flush=True)
    return results


def make_posterior() -> dict[str, np.ndarray]:
    """The posterior at many n: mean loss, shares of the polygons, draws; and the shares for real data sets."""
    n = np.r_[0, np.geomspace(0.02, 6_000, 71)]
    found = replica_exchange(n, Chains(16, 4_500, keep=60), population_loss, 3 * FEATURES)
    print("exchanged", found.accepted.min(), flush=True)
    draws = found.draws[:, 0]  # (kept, n, replicas, 18)
    loss = population_loss(draws)[0].mean(0)
    row = np.flatnonzero((n > 8) & (n < 4_500))
    k = np.stack([corners(descend(draws[:, r], 500, rate=0.3))[0] for r in row], 1)
    share = np.stack([(k == c).mean(0) for c in (3, 4, 5, 6)])  # (4, n, replicas)
    share[0] = (k <= 3).mean(0)
    pick = np.linspace(0, len(draws) - 1, 3).astype(int)
    shown = np.moveaxis(draws[pick][:, row], 1, 0).reshape(len(row), -1, 18)
    shown_k = np.moveaxis(k[pick], 1, 0).reshape(len(row), -1)
    results = {"n": n, "loss": loss.mean(1), "loss_se": _error(loss), "shown_n": n[row], "shown": shown}
    results["shown_k"] = shown_k  # the corners of the polygon below each
    results |= {"share": share.mean(2), "share_se": np.stack([_error(s) for s in share])}
    print(np.round(np.c_[n[row], share.mean(2).T], 2), flush=True)

    sizes, sets = np.array([150, 220, 300, 400, 600, 900, 1_400]), 20
    six = []
    for size in sizes:
        x = np.stack([sample(size, np.random.default_rng(seed)) for seed in range(sets)])
        ladder = np.geomspace(8, size, 2 + int(np.log(size / 8) / np.log(1.4)))
        draws = replica_exchange(ladder, Chains(2, 2_500, keep=40), sample_loss(x), 3 * FEATURES, sets=sets).draws
        ends = descend(draws[:, :, -1].swapaxes(0, 1), 500, sample_loss(x), rate=0.3)
        six.append((corners(ends)[0] == 6).mean((1, 2)))
        print(size, np.round(np.sort(six[-1]), 2), flush=True)
    results |= {"sizes": sizes, "six": np.array(six)}
    return {k: v.astype(np.float32) if v.ndim > 2 else v for k, v in results.items()}


def _error(values: np.ndarray) -> np.ndarray:
    """Standard error of the mean over the last axis."""
    return values.std(-1, ddof=1) / np.sqrt(values.shape[-1])


MAKERS = {
    "volumes": make_volumes,
    "training": make_training,
    "posterior": make_posterior,
    "temperatures": temperatures,
    "springs": springs,
    "scale": scale,
    "sample_5000": lambda: sampled(5_000, range(10)),
    "sample_500000": lambda: sampled(500_000, range(4)),
    "along": make_along,
}


def main(arguments: Sequence[str]) -> None:
    """``python -m sltcourse.lessons.superposition.make NAME`` remakes an asset, one of MAKERS."""
    if len(arguments) != 1 or arguments[0] not in MAKERS:
        sys.exit(f"usage: python -m sltcourse.lessons.superposition.make {'|'.join(MAKERS)}")
    _store(arguments[0], MAKERS[arguments[0]]())


if __name__ == "__main__":
    main(sys.argv[1:])
