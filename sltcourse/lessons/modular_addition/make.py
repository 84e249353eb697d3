"""Remakes the lesson's assets: ``python -m sltcourse.lessons.modular_addition.make NAME``.

NAME is one of ``MAKERS``. Each can be stopped at any time, and goes on where it was; to begin anew, delete its file in
assets/modular_addition. ``training`` takes two minutes on a CPU core, ``along_17`` one, ``along_23`` three; the
others up to ten.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sltcourse.kit import assets
from sltcourse.lessons.modular_addition import softmax
from sltcourse.lessons.modular_addition.curvature import lanczos, rank
from sltcourse.lessons.modular_addition.kept import COLD, DECAY, DECAYS, READ_AT, READ_ELSEWHERE, SPRING, STEPS, P
from sltcourse.lessons.modular_addition.models import ablated, explained, logits_on_all, spectrum
from sltcourse.llc import LLCResult, LocalPosterior, NothingTrustworthy, calibrate, default_nbeta, estimate_llc, llc_map
from sltcourse.progress import progress
from sltcourse.zoo.addition import (
    SHARES,
    Quadratic,
    Task,
    balanced,
    exact_adder,
    make_task,
    polished,
    random_network,
    squared_error,
    states,
    trained,
    two_solutions,
)

NEURONS = 60  # the strongest, whose spectra are kept
CHAINS = dict(num_chains=4, num_draws=2000, num_burnin_steps=400)
Job = tuple[str, Callable[[], Any]]


# ---- training --------------------------------------------------------------------------------------------------------


def run_of(p: int, decay: float) -> dict[str, np.ndarray]:
    """One training run, arrays over STEPS: errors, accuracies, explained share, spectra of neurons, a ring of numbers.

    ``spectra`` (steps, NEURONS, (p − 1)/2), in 256ths of the strongest neuron's power, the neurons by their last
    frequency; ``ring`` (steps, 2, p): the weights of two neurons of one frequency k, for the numbers 0, 1/k, 2/k, …
    """
    task = make_task(p, SHARES[p])
    path, rows = states(p, decay, task, STEPS), []
    for model in path.values():
        with torch.no_grad():
            errors = [squared_error(model(x), y).item() for x, y in (task.train, task.test)]
            size = sum(w.square().sum().item() for w in model.parameters())
        logits = logits_on_all(model, p)
        rows.append([*errors, *ablated(logits, task), *task.accuracy(model), explained(logits), size])
    names = ("train", "test", "restricted", "excluded", "train_right", "test_right", "explained", "size")
    power = np.stack([spectrum(m.first.detach().numpy()[:, :p])[:, 1:] for m in path.values()])
    strongest = np.argsort(-power[-1].sum(1))[:NEURONS]
    order = strongest[np.lexsort((-power[-1, strongest].sum(1), power[-1, strongest].argmax(1)))]
    spectra = power[:, order] / power[:, order].sum(2).max(1)[:, None, None]
    first = np.stack([m.first.detach().numpy()[:, :p] for m in path.values()])
    return dict(zip(names, np.array(rows).T, strict=True)) | {
        "spectra": np.round(255 * np.clip(spectra, 0, 1)).astype(np.uint8),
        "ring": ring(first, power[-1]).astype(np.float16),
    }


def ring(first: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Two neurons of one frequency, as far out of phase as there are: (steps, 2, p), the numbers in its order."""
    p, best = first.shape[2], (-1.0, 0, 0, 1)
    live = np.flatnonzero(power.sum(1) > 0.2 * power.sum(1).max())
    for k in range(1, (p + 1) // 2):
        mine = [j for j in live if power[j].argmax() == k - 1]
        wave = np.fft.rfft(first[-1])[:, k]
        for i in mine:
            for j in mine:
                area = abs((wave[i] * wave[j].conj()).imag) * power[[i, j], k - 1].sum() / power[[i, j]].sum()
                best = max(best, (area, k, i, j))
    _, k, i, j = best
    numbers = np.arange(p) * pow(int(k), -1, p) % p
    return first[:, [i, j]][:, :, numbers]


def make_training() -> None:
    """All runs, into training.npz."""
    file = _file("training.npz")
    done = dict(np.load(file)) if file.is_file() else {}
    for p in SHARES:
        for decay in progress(DECAYS, f"training, p = {p}"):
            if f"{p} {decay} train" not in done:
                done |= {f"{p} {decay} {name}": value for name, value in run_of(p, decay).items()}
                np.savez_compressed(file, **done)
    _record("training", file)


# ---- what the estimator reads ----------------------------------------------------------------------------------------


def _row(result: LLCResult) -> dict[str, Any]:
    """What is kept of an estimate."""
    return {
        "llc": round(result.llc, 3), "se": round(result.std_error, 3), "rhat": round(result.rhat or math.nan, 4),
        "ess": round(result.ess), "word": result.verdict.word, "tilt": round(result.tilt, 3),
        "below": round(result.share_below, 4), "distance": round(float(result.distance[:, -1].mean()), 2),
        "nbeta": round(result.nbeta, 2), "gamma": result.localization, "d": result.dim,
    }  # fmt: skip


def read(
    models: Sequence[Quadratic], task: Task, gamma: float = SPRING, penalty: float = 0.0, sampled: bool = True
) -> list[dict[str, Any]]:
    """λ̂ of networks of one shape, all in one batch of chains (if ``sampled``), and their Gaussian predictions.

    At nβ = COLD n/log n; a row for each network.
    """
    models = [Quadratic(model.first.detach().float(), model.second.detach().float()) for model in models]
    nbeta = COLD * default_nbeta(task.n)
    rows: list[dict[str, Any]] = [{} for _ in models]
    if sampled:
        at = [{name: w.detach() for name, w in model.named_parameters()} for model in models]
        found = estimate_llc(models[0], task.train, squared_error, at=at, nbeta=nbeta, localization=gamma,
                             penalty=penalty, **CHAINS)  # fmt: skip
        rows = [_row(one) for one in found]
    for row, model in zip(rows, models, strict=True):
        values, errors = lanczos(model, task, nbeta, (gamma,), penalty)
        row |= {"gauss": round(float(values[0]), 2), "gauss_se": round(float(errors[0]), 2)}
    return rows


def along(p: int) -> Iterator[Job]:
    """λ̂ along each training run with this p; in the lesson's own run more often, and with two more springs.

    For p = 31, where sampling takes long, the Gaussian prediction alone. A job is a whole
    run at one spring: a row for each step.
    """
    task, paths = make_task(p, SHARES[p]), dict[float, dict[int, Quadratic]]()

    def job(decay: float, gamma: float, at: Sequence[int], sampled: bool) -> dict[int, Any]:
        if decay not in paths:
            paths[decay] = states(p, decay, task, STEPS)
        rows = read([paths[decay][step] for step in at], task, gamma, decay, sampled)
        return dict(zip(at, rows, strict=True))

    for decay in (DECAY, *(other for other in DECAYS if other != DECAY)):
        main = (p, decay) == (P, DECAY)
        for gamma in (SPRING, 300.0, 3000.0) if main else (SPRING,):
            at = READ_AT if main and gamma == SPRING else READ_ELSEWHERE
            yield f"{decay} {gamma:g}", partial(job, decay, gamma, at, p < 31)


def described(model: Quadratic, task: Task) -> dict[str, Any]:
    """Error, accuracy and size of a network."""
    with torch.no_grad():
        error = squared_error(model(task.train[0].to(model.first.dtype)), task.train[1]).item()
    float_model = Quadratic(model.first.detach().float(), model.second.detach().float())
    size = sum(w.detach().square().sum().item() for w in model.parameters())
    right = task.accuracy(float_model)
    return {"n": task.n, "error": error, "train_right": right[0], "test_right": right[1], "size": round(size, 2)}


def controls() -> Iterator[Job]:
    """At the lesson's p: the two solutions at equal error, the exact adders, and what must not look like grokking."""
    p, kept = P, {}

    def of(name: str) -> tuple[Task, Quadratic]:
        task = make_task(p, SHARES[p])
        if name in ("memorising", "generalising"):
            if not kept:
                kept.update(zip(("task", "memorising", "generalising"), two_solutions(p), strict=True))
            return kept["task"], kept[name]
        if name in ("products", "squares"):
            return task, balanced(exact_adder(p, name))
        if name == "random labels":
            task = make_task(p, SHARES[p], random_labels=True)
        model = random_network(p, width=24 if name == "narrow" else None)
        for _ in trained(model, task, decay=0.0 if name == "no decay" else 3e-4):
            pass
        return task, model if name == "narrow" else polished(model, task)

    def job(names: Sequence[str], gamma: float) -> dict[str, Any]:
        both = [of(name) for name in names]
        task, models = both[0][0], [model for _, model in both]
        rows = dict(zip(names, read(models, task, gamma), strict=True))
        for name, model in zip(names, models, strict=True):
            rows[name] |= described(model, task)
        return rows

    two, adders = ("memorising", "generalising"), ("products", "squares")
    for names, gamma in (
        (two, 1000.0),
        (adders, 1000.0),
        (("random labels",), 1000.0),
        (("no decay",), 1000.0),
        (two, 100.0),
    ):
        yield f"{names[0]} {gamma:g}", partial(job, names, gamma)

    def narrow() -> dict[str, Any]:
        task = make_task(p, SHARES[p])
        model, found = random_network(p, width=24), []
        for step in trained(model, task, 3e-4):
            if step in STEPS:
                found.append([step, *task.accuracy(model)])
        return {"accuracies": found} | described(model, task)

    yield "narrow", narrow


def penalties() -> Iterator[Job]:
    """The end of the lesson's run with and without the penalty in what is sampled, for three springs."""
    task, path = make_task(P, SHARES[P]), {}
    for gamma in (1000.0, 30.0):
        for penalty in (3e-4, 0.0):

            def job(gamma: float = gamma, penalty: float = penalty) -> dict[str, Any]:
                path.update({} if path else states(P, DECAY, task, at=(4000,)))
                return read([path[4000]], task, gamma, penalty)[0]

            yield f"{gamma:g} {penalty}", job


def map_jobs() -> Iterator[Job]:
    """γ × nβ for the two solutions, and what ``calibrate`` says of the generalising one."""
    found: list[Any] = []
    for name in ("memorising", "generalising"):

        def job(name: str = name) -> dict[str, Any]:
            found.extend([] if found else two_solutions(P, DECAY))
            task, model = found[0], found[1 if name == "memorising" else 2]
            nbetas = [default_nbeta(task.n) * factor for factor in (10, 100, 1000)]
            cells = llc_map(LocalPosterior(model, task.train, squared_error), nbetas=nbetas,
                            localizations=[100, 1000, 10_000], num_chains=4, num_draws=500)  # fmt: skip
            table = {f"{g:g} {nbeta:.0f}": _row(one) for (g, nbeta), one in cells.items()}
            for nbeta in nbetas:
                values = lanczos(model, task, nbeta, (100, 1000, 10_000))[0]
                for g, value in zip((100, 1000, 10_000), values, strict=True):
                    table[f"{g:g} {nbeta:.0f}"]["gauss"] = round(float(value), 1)
            return table

        yield name, job

    def said() -> dict[str, str]:
        found.extend([] if found else two_solutions(P, DECAY))
        try:
            nbeta = COLD * default_nbeta(found[0].n)
            words = calibrate(LocalPosterior(found[2], found[0].train, squared_error, nbeta=nbeta), num_chains=4)
            return {"chosen": str(words)}
        except NothingTrustworthy as refusal:
            return {"refused": str(refusal)}

    yield "calibrate", said


def primes() -> Iterator[Job]:
    """Memorising, generalising and exact networks for several p, and the exact ranks of the adders over n."""
    share_of = {11: 0.7, 13: 0.6, **SHARES}

    def job(p: int) -> dict[str, Any]:
        task = make_task(p, share_of[p])
        path = states(p, DECAY, task, at=(200, 4000))
        two = [polished(path[200], task), polished(path[4000], task)]
        rows = [row | described(model, task) for row, model in zip(read(two, task), two, strict=True)]
        return dict(zip(("memorising", "generalising"), rows, strict=True))

    def exact(p: int) -> dict[str, Any]:
        task, adder = make_task(p, share_of[p]), balanced(exact_adder(p))
        return read([adder], task)[0] | described(adder, task)

    for p in (5, 7, 11):

        def ranks(p: int = p) -> dict[str, list[int]]:
            x = make_task(p, 1.0).x
            n = np.unique(np.round(np.linspace(1, p * p, min(p * p, 30)))).astype(int)
            generic = random_network(p, width=3 * p - 2, scale=1.0)
            return {"n": n.tolist()} | {
                name: [rank(model, x[:k]) for k in n]
                for name, model in (
                    ("rule", exact_adder(p)),
                    ("squares", exact_adder(p, "squares")),
                    ("other", generic),
                )
            }

        yield f"ranks {p}", ranks

    for p in (11, 13, 17):  # for P see ``controls``
        yield f"{p}", partial(job, p)
        yield f"{p} products", partial(exact, p)


def shares() -> Iterator[Job]:
    """From which training share on the network finds the rule: what 4000 steps find at the lesson's p."""

    def job(share: float) -> dict[str, Any]:
        task, model = make_task(P, share), random_network(P)
        for _ in trained(model, task, DECAY):
            pass
        return described(model, task) | {"explained": explained(logits_on_all(model, P))}

    for share in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6):
        yield f"{share}", partial(job, share)


# ---- files -----------------------------------------------------------------------------------------------------------


def _file(name: str) -> Path:
    folder = assets.folder() / "modular_addition"
    folder.mkdir(exist_ok=True)
    return folder / name


def _record(name: str, file: Path) -> None:
    command = f"python -m sltcourse.lessons.modular_addition.make {name}"
    assets.record(f"modular_addition/{file.name}", command, "cpu")


def keep(name: str, jobs: Iterator[Job]) -> None:
    """Run the jobs that ``name``.json does not hold yet, writing the file after each, and enter it in the manifest."""
    file = _file(f"{name}.json")
    done = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for key, job in progress(list(jobs), name):
        if key not in done:
            done[key] = job()
            lines = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in done.items()]
            file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    _record(name, file)


MAKERS: dict[str, Callable[[], None]] = {
    "training": make_training,
    **{f"along_{p}": lambda p=p: keep(f"along_{p}", along(p)) for p in SHARES},  # type: ignore[misc]
    "controls": lambda: keep("controls", controls()),
    "penalties": lambda: keep("penalties", penalties()),
    "map": lambda: keep("map", map_jobs()),
    "primes": lambda: keep("primes", primes()),
    "shares": lambda: keep("shares", shares()),
    "softmax": lambda: keep("softmax", softmax.jobs()),
}


def main(arguments: list[str]) -> None:
    """``python -m sltcourse.lessons.modular_addition.make NAME …`` remakes assets, each one of MAKERS."""
    if not arguments or any(name not in MAKERS for name in arguments):
        sys.exit(f"usage: python -m sltcourse.lessons.modular_addition.make {'|'.join(MAKERS)} …")
    for name in arguments:
        MAKERS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
