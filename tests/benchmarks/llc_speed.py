"""The estimator beside devinterp 1.3.2: chain-steps per second, and CPU seconds to an error of 5 % where λ is known.

    make speed                                                  all of it, 40 minutes; assets/llc/speed.json
    python -m tests.benchmarks.llc_speed transformer cnn        some rows only; the others stay what they were

Steps: the same model, data, n, batch, chains and step size of SGLD, ten steps between draws. A rate is the difference
of two runs, a long one and a short one, each the best of several: what comes before the first step (of devinterp a pass
over the data, of ours tracing and compiling) is left out for both. Each library runs on one thread and on all, and its
better rate counts. The two take turns within one process, so that whatever else the machine does hits both.

Seconds: see ``accuracy``.

devinterp lies in build/devinterp, fetched on first use; its requirements are among this course's own.
"""

import argparse
import contextlib
import io
import json
import math
import os
import platform
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.accuracy import KNOWN, seconds_to_error  # noqa: E402  (run as a file, ROOT is not on the path)
from tests.benchmarks.problems import (  # noqa: E402
    convolutional,
    cross_entropy,
    digits,
    linear_network,
    perceptron,
    squared,
    toy,
    transformer,
)

DEVINTERP = ROOT / "build" / "devinterp"
THIN = 10  # num_steps_bw_draws
REPEATS = 3

# name: problem, loss, chains, batch, step size, draws of the short and the long run for each library
CASES = {
    "toy model of superposition (18)": (toy, squared, 64, 100, 5e-5, {"sltcourse": (20, 2020), "devinterp": (1, 4)}),
    "deep linear network (10 092)": (
        linear_network,
        squared,
        64,
        100,
        1e-6,
        {"sltcourse": (2, 42), "devinterp": (1, 4)},
    ),
    "perceptron (94 218)": (perceptron, squared, 16, 100, 1e-6, {"sltcourse": (2, 22), "devinterp": (1, 7)}),
    "digits network (2 410)": (digits, cross_entropy, 16, 100, 1e-5, {"sltcourse": (2, 152), "devinterp": (1, 9)}),
    "small CNN (1 898)": (convolutional, cross_entropy, 16, 100, 1e-5, {"sltcourse": (2, 42), "devinterp": (1, 9)}),
    "transformer (108 544)": (transformer, cross_entropy, 4, 32, 1e-6, {"sltcourse": (1, 7), "devinterp": (1, 5)}),
}
WHAT = (
    "chain-steps per second, SGLD, 10 steps between draws, the better of 1 and all threads; and CPU seconds to an "
    "error of 5 %"
)
COMPILED = [name for name in CASES if not name.startswith(("digits", "small CNN"))]  # it takes a minute for each


def run_sltcourse(problem, loss, chains, batch, lr, draws, compile=False):
    """The kind of run that ``CASES`` describes; the Dataset."""
    from sltcourse.llc import SGLD, LocalPosterior, sample

    model, x, y = problem
    return sample(LocalPosterior(model, (x, y), loss), SGLD(lr), num_chains=chains, num_draws=draws,
                  num_burnin_steps=20, num_steps_bw_draws=THIN, batch_size=batch, compile=compile)  # fmt: skip


def run_devinterp(problem, loss, chains, batch, lr, draws):
    """The same, by devinterp."""
    from devinterp.optim.sgld import SGLD
    from devinterp.slt.sampler import estimate_learning_coeff_with_summary
    from devinterp.utils import default_nbeta
    from torch.utils.data import DataLoader, TensorDataset

    model, x, y = problem
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        estimate_learning_coeff_with_summary(
            model, loader, evaluate=lambda model, data: loss(model(data[0]), data[1]), sampling_method=SGLD,
            optimizer_kwargs=dict(lr=lr, localization=1.0, nbeta=default_nbeta(loader)), num_chains=chains,
            num_draws=draws, num_burnin_steps=20, num_steps_bw_draws=THIN, init_loss=1.0, verbose=False)  # fmt: skip


RUNS = {
    "devinterp": run_devinterp,
    "traced": run_sltcourse,
    "compiled": lambda *args: run_sltcourse(*args, compile=True),
}


def rates(name: str, limit: float) -> dict:
    """The row of one case: chain-steps per second of each way to run it, its better number of threads."""
    make, loss, chains, batch, lr, draws = CASES[name]
    torch.manual_seed(0)
    problem, before, by_threads = make(), torch.get_num_threads(), {}
    for threads in sorted({1, os.cpu_count() or 1}):
        torch.set_num_threads(threads)
        ways = [way for way in RUNS if way != "compiled" or name in COMPILED]
        took = {way: [[], []] for way in ways}
        for _ in range(REPEATS):
            for way in ways:
                for which, count in enumerate(draws["devinterp" if way == "devinterp" else "sltcourse"]):
                    run = partial(RUNS[way], problem, loss, chains, batch, lr, count)
                    took[way][which].append(_seconds(run))
        for way, (short, long) in took.items():
            few, many = draws["devinterp" if way == "devinterp" else "sltcourse"]
            by_threads[f"{way}, {threads} threads"] = round(chains * THIN * (many - few) / (min(long) - min(short)))
    torch.set_num_threads(before)
    best = {way: max((rate for key, rate in by_threads.items() if key.startswith(way)), default=None) for way in RUNS}
    fast = max(best["traced"], best["compiled"] or 0)
    share = fast * multiplications(problem, loss, batch) / limit
    return {
        "model": name,
        "chains": chains,
        "batch": batch,
        **best,
        "ratio": round(fast / best["devinterp"], 1),
        "share_of_matmul_limit": round(share, 2),
        "by_threads": by_threads,
    }


def multiplications(problem, loss, batch) -> float:
    """GFLOP in the matrix products of one chain's step, forwards and backwards, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    model, x, y = problem
    with FlopCounterMode(display=False) as counter:
        loss(model(x[:batch]), y[:batch]).backward()
    return counter.get_total_flops() / 1e9


def memory() -> dict:
    """Peak memory of a process that estimates λ of a model of 10⁶ parameters with 8 chains, in GiB."""
    code = (
        "import resource, sys, torch; sys.path.insert(0, sys.argv[1]); from sltcourse.llc import estimate_llc\n"
        "model = torch.nn.Linear(1000, 1000, bias=False); x = torch.randn(1024, 1000)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "estimate_llc(model, (x, x), torch.nn.functional.mse_loss, batch_size=128, num_burnin_steps=2, num_draws=4)\n"
        "print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, ROOT], check=True, capture_output=True, text=True,
                          env={**os.environ, "TQDM_DISABLE": "1"})  # fmt: skip
    before, peak = (round(int(kib) / 2**20, 2) for kib in done.stdout.split())
    return {"parameters": 10**6, "chains": 8, "n": 1024, "batch": 128, "before_GiB": before, "peak_GiB": peak}


def matmul_limit(device: str = "cpu") -> float:
    """GFLOP/s of a large single-precision product: the machine's limit, all threads."""
    a = torch.randn(2048, 2048, device=device)

    def product():
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()

    return 2 * 2048**3 / min(_seconds(product) for _ in range(30)) / 1e9


def conditions() -> dict:
    """When, with how many other jobs on the machine, and by which torch a row was measured."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {"date": time.strftime("%Y-%m-%d"), "load": load, "torch": torch.__version__}


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def find_devinterp() -> None:
    """Put devinterp on the path, from an environment that has it or from build/devinterp."""
    try:
        import devinterp  # noqa: F401
    except ImportError:
        if not (DEVINTERP / "devinterp").exists():
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", DEVINTERP,
                            "devinterp==1.3.2"], check=True)  # fmt: skip
        sys.path.append(str(DEVINTERP))


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor()


def store(table: dict, command: str) -> None:
    """Write assets/llc/speed.json and say in the manifest how it came about."""
    from sltcourse.kit import assets

    name = "llc/speed.json"
    target = assets.folder() / name
    target.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assets.record(name, command, "cpu")


def markdown(table: dict) -> str:
    """The two tables, as the documentation shows them."""

    def number(x):
        return "—" if x is None else f"{x:,}".replace(",", " ")

    lines = ["| model (parameters) | chains | devinterp 1.3.2 | sltcourse | with `compile=True` | ratio | share of the "
             "matmul limit |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in table["rows"]:
        ratio = f"{row['ratio']:.0f}" if row["ratio"] >= 10 else f"{row['ratio']:.1f}"
        share = f"{row['share_of_matmul_limit']:.0%}".replace("%", " %")
        ways = [number(row[way]) for way in ("devinterp", "traced", "compiled")]
        cells = [row["model"], row["chains"], *ways, ratio, share]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    if not table.get("seconds"):
        return "\n".join(lines)
    lines += ["", "| CPU seconds to 5 % | value | devinterp 1.3.2 (step size) | sltcourse (step size) | ratio | "
              "sltcourse, told nothing |", "|---|---|---|---|---|---|"]  # fmt: skip
    for row in table["seconds"]:
        theirs, ours, defaults = (row[who] for who in ("devinterp", "sltcourse", "sltcourse_at_defaults"))
        told = [f"{_time(one)} ({one['lr']:.1g})" if one else "—" for one in (theirs, ours)]
        cells = [row["problem"], f"{row['value']:.2f}", *told, row["ratio"] or "—", _time(defaults)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _time(one: dict) -> str:
    return f"not in {one['spent']:.0f}" if one["seconds"] is None else f"{one['seconds']:.2g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="beginnings of the names of rows, or memory; none: all")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    wanted, os.environ["TQDM_DISABLE"] = parser.parse_args(), "1"

    def is_wanted(name):
        return not wanted.rows or any(name.startswith(start) for start in wanted.rows)

    from sltcourse.kit import assets

    find_devinterp()
    old = json.loads(assets.path("llc/speed.json").read_text(encoding="utf-8"))
    table = {"what": WHAT, **{key: old[key] for key in ("machine", "rows", "seconds", "memory") if key in old}}
    limit = matmul_limit() if any(map(is_wanted, CASES)) else math.nan  # of the machine that the rates are from
    if limit > 0:
        table["machine"] = {"processor": _processor(), "cores": os.cpu_count(), "matmul_gflops": round(limit, 1)}
    command = "make speed" if not wanted.rows else f"python -m tests.benchmarks.llc_speed {' '.join(wanted.rows)}"

    def keep() -> None:  # after each row, so that an interrupt costs one row
        if not wanted.dry:
            store(table, command)

    for part, key, names, measure in (
        ("rows", "model", CASES, partial(rates, limit=limit)),
        ("seconds", "problem", KNOWN, seconds_to_error),
    ):
        kept = {row[key]: row for row in table.get(part, [])}
        for name in filter(is_wanted, names):
            kept[name] = {**measure(name), **conditions()}
            print(json.dumps(kept[name], ensure_ascii=False), flush=True)
            table[part] = [kept[name] for name in names if name in kept]
            keep()
    if is_wanted("memory"):
        table["memory"] = memory()
        keep()
    print(markdown(table))


if __name__ == "__main__":
    main()
