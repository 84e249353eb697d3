"""Remakes the lesson's assets: ``python -m sltcourse.lessons.susceptibilities.make NAME``.

NAME is ``heads`` (independent draws of each head of the copier alone, 4 minutes of one CPU core), ``second`` (of
another copier's, 4), ``whole`` (of all weights, 1), ``samplers`` (SGLD and MALA on one head, 9) or ``addition`` (lesson
09's networks, 1). A second number, 2 to 10, makes a version that many times shorter, into the folder ``smaller``. Every
draw comes from a seed of ``kept.SETTINGS``; the CPU seconds are kept.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sltcourse.kit import assets
from sltcourse.lessons.susceptibilities import addition, heads
from sltcourse.lessons.susceptibilities.kept import ADDITION, NBETA, RUN, SETTINGS, SPRING
from sltcourse.llc import MALA, SGLD, LocalPosterior, sample
from sltcourse.llc.importance import effective
from sltcourse.llc.observables import LossOn
from sltcourse.zoo import LANGUAGE, AttentionOnly, copier, next_symbol_loss, second_copier

FOLDER = "susceptibilities"
AT_ONCE = 128  # draws whose token losses are held at a time


def recorded(model: AttentionOnly, head: int | None, spring: float, chains: int) -> tuple[np.ndarray, np.ndarray]:
    """(losses (chain, draw, 1 + data sets), token losses (chain, draw, texts, T)) of draws of one head, or of all.

    The first column of losses is L less L(w*).
    """
    read, said = heads.sentences()
    kind, weights = heads.kinds(read, said), heads.moved(model, head, chains * SETTINGS["draws"], spring)
    noise = heads.noise()
    start = {name: w.detach()[None] for name, w in model.named_parameters()}
    at_start = heads.losses(model, start, read, said).mean()
    rows, tokens = [], []
    for first in range(0, chains * SETTINGS["draws"], AT_ONCE):
        part = {name: w[first : first + AT_ONCE] for name, w in weights.items()}
        found = heads.losses(model, part, read, said)
        sets = [found[:, kind == k].mean(1) for k in range(5)]
        rows.append(np.stack([found.mean((1, 2)) - at_start, *sets, heads.losses(model, part, *noise).mean((1, 2))], 1))
        tokens.append(found.astype(np.float32))
    shape = (chains, SETTINGS["draws"])
    return np.concatenate(rows).reshape(*shape, -1), np.concatenate(tokens).reshape(*shape, *read.shape)


def make_heads(smaller: int, model: AttentionOnly | None = None) -> dict[str, np.ndarray]:
    """``losses`` (8 heads, chain, draw, 1 + data sets), ``tokens`` (8 heads, chain, texts, T): Cov(L, ℓ_t) by chain."""
    chains, out, model = max(2, SETTINGS["chains"] // smaller), [], model or copier()
    for head, name in enumerate(heads.NAMES):
        losses, tokens = recorded(model, head, SPRING, chains)
        tokens = tokens[:, :, : SETTINGS["token_texts"]]
        flat = tokens.reshape(*tokens.shape[:2], -1).astype(float)
        cov = heads.chain_covariances(losses[..., 0], flat).reshape(chains, *tokens.shape[2:])
        out.append((losses, cov))
        print(name, f"worth {effective(-NBETA * losses[..., 0]):.0f} of {losses[..., 0].size}", flush=True)
    return {"losses": np.stack([a for a, _ in out]), "tokens": np.stack([b for _, b in out])}


def make_second(smaller: int) -> dict[str, np.ndarray]:
    """The same of the second copier, ``tokens`` (half, 8 heads, texts · T) as means over each half of the chains."""
    found = make_heads(smaller, second_copier())
    tokens = found["tokens"].reshape(len(heads.NAMES), 2, -1, SETTINGS["token_texts"] * LANGUAGE.length)
    return {"losses": found["losses"], "tokens": tokens.mean(2).swapaxes(0, 1)}


def make_whole(smaller: int) -> dict[str, np.ndarray]:
    """``losses`` (chain, draw, 1 + data sets) of all weights, and of some places, ``places`` (k, 2) of the kinds
    ``kind`` (k,), the token losses less those of w*, ``tokens`` (chain, draw, k) in half precision."""
    chains = max(2, SETTINGS["chains"] // smaller)
    model = copier()
    losses, tokens = recorded(model, None, SETTINGS["whole_spring"], chains)
    read, said = heads.sentences()
    kind, rng = heads.kinds(read, said), np.random.RandomState(SETTINGS["seed"])
    some = [np.argwhere(kind == k) for k in range(5)]
    places = np.concatenate([s[rng.permutation(len(s))[: SETTINGS["kernel_places"]]] for s in some])
    start = {name: w.detach()[None] for name, w in model.named_parameters()}
    rise = tokens - heads.losses(model, start, read, said)[0]
    chosen = rise[:, :, places[:, 0], places[:, 1]]
    print(f"worth {effective(-NBETA * losses[..., 0]):.0f} of {losses[..., 0].size}", flush=True)
    return {"losses": losses, "places": places, "kind": kind[tuple(places.T)], "tokens": chosen.astype(np.float16)}


def make_samplers(smaller: int) -> dict[str, np.ndarray]:
    """``sgld`` and ``mala`` (chain, draw): L less L(w*), of one head alone, at ``kept.RUN``."""
    model = copier()
    posterior = LocalPosterior(model, heads.sentences(), next_symbol_loss, nbeta=NBETA, localization=SPRING,
                               mask=model.head_mask(*heads.HEADS[RUN["head"]]))  # fmt: skip
    sgld = sample(
        posterior, SGLD(lr=RUN["lr"]), num_chains=max(2, RUN["chains"] // smaller), num_draws=RUN["draws"],
        num_burnin_steps=RUN["burnin"], batch_size=RUN["batch"], seed=SETTINGS["seed"],
        observe={"full": LossOn(every=RUN["every"])},
    )  # fmt: skip
    out = {"sgld": sgld["full"].values - sgld.attrs["init_loss"]}
    print("sgld", out["sgld"].mean(), out["sgld"].var(), flush=True)
    mala = sample(
        posterior, MALA(lr=RUN["lr"]), num_chains=RUN["mala"], num_draws=RUN["mala_draws"] // smaller,
        num_burnin_steps=RUN["mala_burnin"], seed=SETTINGS["seed"],
    )  # fmt: skip
    out["mala"] = mala["loss"].values - mala.attrs["init_loss"]
    print("mala", out["mala"].mean(), out["mala"].var(), flush=True)
    return out


def make_addition(smaller: int) -> dict[str, np.ndarray]:
    """By shift (p, p), the mean correlations of the losses of lesson 09's ``addition.NETWORKS``: ``measured`` (network,
    chain, p, p), and ``exact`` (network, p, p) for a strong spring."""
    (task, models), measured, exact = addition.networks(), [], []
    for number, (name, model) in enumerate(zip(addition.NETWORKS, models, strict=True)):
        draws = max(2, ADDITION["chains"] // smaller) * ADDITION["draws"]
        losses = addition.drawn_losses(model, task, draws, SETTINGS["seed"] + number)
        print(name, f"worth {effective(-NBETA * losses.mean(1)):.0f} of {draws}", flush=True)
        chains = losses.reshape(-1, ADDITION["draws"], task.n)
        measured.append([addition.by_shift(addition.kernel(chain), task.train[0]) for chain in chains])
        exact.append(addition.by_shift(addition.strong_spring(model, task.train[0]), task.train[0]))
    return {"measured": np.array(measured), "exact": np.array(exact)}


MAKERS: dict[str, Callable[[int], dict[str, np.ndarray]]] = {
    "heads": make_heads,
    "second": make_second,
    "whole": make_whole,
    "samplers": make_samplers,
    "addition": make_addition,
}


def main(arguments: list[str]) -> None:
    """``python -m sltcourse.lessons.susceptibilities.make NAME [SMALLER]`` remakes an asset, one of MAKERS."""
    known = len(arguments) in (1, 2) and arguments[0] in MAKERS
    if not known or not all(a.isdigit() and 1 <= int(a) <= 10 for a in arguments[1:]):
        sys.exit(f"usage: python -m sltcourse.lessons.susceptibilities.make {'|'.join(MAKERS)} [SMALLER]")
    name, smaller = arguments[0], int(arguments[1]) if len(arguments) > 1 else 1
    torch.set_num_threads(1)
    folder = assets.folder() / FOLDER if smaller == 1 else Path("smaller")
    folder.mkdir(exist_ok=True)
    began = time.process_time()
    results: dict[str, Any] = MAKERS[name](smaller)
    results["seconds"] = np.array(time.process_time() - began)
    kept = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in results.items()}
    np.savez_compressed(folder / f"{name}.npz", **kept)
    if smaller == 1:
        assets.record(f"{FOLDER}/{name}.npz", f"python -m sltcourse.lessons.susceptibilities.make {name}",
                      "CPU, 1 thread")  # fmt: skip
    print({k: v.shape for k, v in kept.items()}, float(kept["seconds"]))


if __name__ == "__main__":
    main(sys.argv[1:])
