"""Chain-steps per second of sltcourse.llc beside devinterp 1.3.2: same model, n, batch, chains; and peak memory.

    make speed                                      both, side by side; writes assets/llc/speed.json
    python tests/benchmarks/llc_speed.py devinterp  one library, in the environment this Python belongs to

A rate is the difference of two runs, a long one and a short one, each the best of three: what comes before the first
step (of devinterp a pass over the data, of ours tracing and compiling) is left out for both.
devinterp runs in an environment of its own, build/devinterp, made on first use with the torch version in use here.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
DEVINTERP = ROOT / "build" / "devinterp"
THIN = 10  # num_steps_bw_draws


class ToyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.W, self.b = nn.Parameter(torch.randn(2, 6)), nn.Parameter(torch.zeros(6))

    def forward(self, x):
        return torch.relu(x @ self.W.T @ self.W + self.b)


def toy():
    n = 5000
    x = torch.zeros(n, 6)
    x[torch.arange(n), torch.randint(6, (n,))] = torch.rand(n)
    return ToyModel(), x, x


def linear_network():
    """Three layers of 58 × 58: 10 092 parameters."""
    model = nn.Sequential(*[nn.Linear(58, 58, bias=False) for _ in range(3)])
    x = torch.rand(5000, 58)
    return model, x, model(x).detach()


def perceptron():
    """100-256-256-10 with ReLU: 94 218 parameters."""
    model = nn.Sequential(nn.Linear(100, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    x = torch.randn(5000, 100)
    return model, x, model(x).detach()


def digits():
    """64-32-10 with ReLU on the 1797 digits of 8 × 8 pixels: 2 410 parameters."""
    data = np.load(ROOT / "assets" / "llc_estimation" / "digits.npz")
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    x, y = torch.tensor(data["images"], dtype=torch.float32) / 16, torch.tensor(data["labels"], dtype=torch.long)
    return model, x.flatten(1), y


WORDS, WIDTH, HEADS, LENGTH = 100, 64, 4, 32


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, h):
        rows = len(h)
        heads = (x.view(rows, LENGTH, HEADS, -1).transpose(1, 2) for x in self.qkv(self.before(h)).split(WIDTH, 2))
        seen = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
        h = h + self.out(seen.transpose(1, 2).reshape(rows, LENGTH, WIDTH))
        return h + self.mlp(self.after(h))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(WORDS, WIDTH), nn.Parameter(0.02 * torch.randn(LENGTH, WIDTH))
        self.blocks, self.last = nn.Sequential(Block(), Block()), nn.LayerNorm(WIDTH)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, x):
        return self.last(self.blocks(self.tokens(x) + self.places)) @ self.tokens.weight.T


def transformer():
    """Two layers on 400 sequences of 32 tokens, output and input tied: 108 544 parameters."""
    x = torch.randint(WORDS, (400, LENGTH))
    return Transformer().eval(), x, 3 * x % WORDS


def squared(outputs, targets):
    return (outputs - targets).square().sum(-1).mean()


def cross_entropy(outputs, targets):
    return nn.functional.cross_entropy(outputs.flatten(0, -2), targets.flatten())


# name: problem, loss, chains, batch, step size, draws of the short and the long run for each library
CASES = {
    "toy model of superposition (18)": (toy, squared, 64, 100, 5e-5, {"sltcourse": (20, 2020), "devinterp": (2, 5)}),
    "deep linear network (10 092)": (
        linear_network,
        squared,
        64,
        100,
        1e-6,
        {"sltcourse": (2, 62), "devinterp": (2, 5)},
    ),
    "perceptron (94 218)": (perceptron, squared, 16, 100, 1e-6, {"sltcourse": (2, 42), "devinterp": (2, 8)}),
    "digits network (2 410)": (digits, cross_entropy, 16, 100, 1e-5, {"sltcourse": (2, 152), "devinterp": (2, 12)}),
    "transformer (108 544)": (transformer, cross_entropy, 4, 32, 1e-6, {"sltcourse": (1, 4), "devinterp": (1, 4)}),
}
UNCOMPILED = ("transformer (108 544)",)  # compiling it takes over a minute


def run_sltcourse(problem, loss, chains, batch, lr, draws, compile):
    from sltcourse.llc import SGLD, estimate_llc

    model, x, y = problem
    estimate_llc(model, (x, y), loss, sampler=SGLD(lr), num_chains=chains, num_draws=draws, num_burnin_steps=20,
                 num_steps_bw_draws=THIN, batch_size=batch, compile=compile)  # fmt: skip


def run_devinterp(problem, loss, chains, batch, lr, draws):
    import warnings

    from devinterp.optim.sgld import SGLD
    from devinterp.slt.sampler import estimate_learning_coeff_with_summary
    from devinterp.utils import default_nbeta
    from torch.utils.data import DataLoader, TensorDataset

    warnings.simplefilter("ignore")
    model, x, y = problem
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    estimate_learning_coeff_with_summary(
        model, loader, evaluate=lambda model, data: loss(model(data[0]), data[1]), sampling_method=SGLD,
        optimizer_kwargs=dict(lr=lr, localization=1.0, nbeta=default_nbeta(loader)), num_chains=chains,
        num_draws=draws, num_burnin_steps=20, num_steps_bw_draws=THIN, init_loss=1.0, verbose=False)  # fmt: skip


RUNS = {
    "sltcourse": {
        "traced": lambda *args: run_sltcourse(*args, compile=False),
        "compiled": lambda *args: run_sltcourse(*args, compile=True),
    },
    "devinterp": {"devinterp": run_devinterp},
}


def measure(library: str) -> dict:
    """Chain-steps per second of each case, for each way to run it and each number of threads."""
    rates = {}
    for name, (make, loss, chains, batch, lr, draws) in CASES.items():
        torch.manual_seed(0)
        problem, rates[name] = make(), {}
        for way, run in RUNS[library].items():
            if way == "compiled" and name in UNCOMPILED:
                continue
            for threads in (1, os.cpu_count() or 1):
                torch.set_num_threads(threads)
                short, long = (
                    min(_seconds(partial(run, problem, loss, chains, batch, lr, k)) for _ in range(3))
                    for k in draws[library]
                )
                steps = chains * THIN * (draws[library][1] - draws[library][0])
                rates[name][f"{way}, {threads} threads"] = round(steps / (long - short))
    return {"torch": torch.__version__, "rates": rates}


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


def matmul_limit() -> float:
    """GFLOP/s of a large single-precision product: the machine's limit, all threads."""
    a = torch.randn(2048, 2048)
    best = min(_seconds(lambda: a @ a) for _ in range(30))
    return 2 * 2048**3 / best / 1e9


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def devinterp_python() -> Path:
    python = DEVINTERP / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", DEVINTERP], check=True)
        version = torch.__version__.split("+")[0]
        subprocess.run([python, "-m", "pip", "install", "-q", "devinterp==1.3.2", f"torch=={version}"], check=True)
    return python


def side_by_side() -> dict:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    results = {}
    for library, python in (("sltcourse", sys.executable), ("devinterp", devinterp_python())):
        done = subprocess.run([python, __file__, library], check=True, capture_output=True, text=True,
                              env={**os.environ, "TQDM_DISABLE": "1"})  # fmt: skip
        results[library] = json.loads(done.stdout.splitlines()[-1])
    limit, rows = matmul_limit(), []
    for name, (make, loss, chains, batch, _, _) in CASES.items():
        ours, theirs = (results[library]["rates"][name] for library in ("sltcourse", "devinterp"))
        traced = max(rate for way, rate in ours.items() if way.startswith("traced"))
        compiled = max((rate for way, rate in ours.items() if way.startswith("compiled")), default=None)
        slow, fast = max(theirs.values()), max(traced, compiled or 0)
        share = fast * multiplications(make(), loss, batch) / limit
        rows.append({"model": name, "chains": chains, "batch": batch, "devinterp": slow, "traced": traced,
                     "compiled": compiled, "ratio": round(fast / slow, 1),
                     "share_of_matmul_limit": round(share, 2)})  # fmt: skip
    return {
        "what": "chain-steps per second, SGLD, 10 steps between draws; best over 1 and all threads",
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "load_before": load,
                    "matmul_gflops": round(limit, 1)},
        "torch": {library: result["torch"] for library, result in results.items()},
        "rows": rows,
        "by_threads": {library: result["rates"] for library, result in results.items()},
        "memory": memory(),
    }  # fmt: skip


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", nargs="?", choices=["sltcourse", "devinterp"])
    library = parser.parse_args().library
    if library:
        print(json.dumps(measure(library)))
    else:
        from sltcourse.kit import assets

        table = side_by_side()
        name = "llc/speed.json"
        target = assets.folder() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        assets.record(name, "make speed", "cpu")
        for row in table["rows"]:
            print(*(row[key] for key in ("model", "devinterp", "traced", "compiled", "ratio")), sep="\t")
        print(table["memory"])
