"""Chain-steps per second of sltcourse.llc beside devinterp 1.3.2: same model, n, batch, chains, draws.

    python tests/benchmarks/llc_speed.py            both, side by side; writes assets/llc/speed.json
    python tests/benchmarks/llc_speed.py devinterp  one library, in the environment this Python belongs to

devinterp runs in an environment of its own, build/devinterp, made on first use with the torch version in use here.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

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


def loss(outputs, targets):
    return (outputs - targets).square().sum(-1).mean()


# name: problem, chains, batch, draws for each library (a rate needs fewer steps of the slower one), step size
CASES = {
    "toy model of superposition (18)": (toy, 64, 100, {"sltcourse": 300, "devinterp": 3}, 5e-5),
    "deep linear network (10 092)": (linear_network, 64, 100, {"sltcourse": 10, "devinterp": 3}, 1e-6),
    "perceptron (94 218)": (perceptron, 16, 100, {"sltcourse": 10, "devinterp": 10}, 1e-6),
}


def rate_sltcourse(problem, chains, batch, draws, lr) -> float:
    from sltcourse.llc import SGLD, estimate_llc

    model, x, y = problem()
    return estimate_llc(model, (x, y), loss, sampler=SGLD(lr), num_chains=chains, num_draws=draws, num_burnin_steps=20,
                        num_steps_bw_draws=THIN, batch_size=batch).chain_steps_per_second  # fmt: skip


def rate_devinterp(problem, chains, batch, draws, lr) -> float:
    import warnings

    from devinterp.optim.sgld import SGLD
    from devinterp.slt.sampler import estimate_learning_coeff_with_summary
    from devinterp.utils import default_nbeta
    from torch.utils.data import DataLoader, TensorDataset

    warnings.simplefilter("ignore")
    model, x, y = problem()
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    began = time.perf_counter()
    estimate_learning_coeff_with_summary(
        model, loader, evaluate=lambda model, data: loss(model(data[0]), data[1]), sampling_method=SGLD,
        optimizer_kwargs=dict(lr=lr, localization=1.0, nbeta=default_nbeta(loader)), num_chains=chains,
        num_draws=draws, num_burnin_steps=20, num_steps_bw_draws=THIN, init_loss=1.0, verbose=False)  # fmt: skip
    return chains * (draws * THIN + 20) / (time.perf_counter() - began)


def measure(library: str) -> dict:
    """The best of three runs for each case and number of threads: other work on the machine only slows a run."""
    rates = {}
    for name, (problem, chains, batch, draws, lr) in CASES.items():
        best = {}
        for threads in (1, os.cpu_count() or 1):
            torch.set_num_threads(threads)
            for _ in range(3 if library == "sltcourse" else 1):
                torch.manual_seed(0)
                run = rate_sltcourse if library == "sltcourse" else rate_devinterp
                best[threads] = max(best.get(threads, 0.0), run(problem, chains, batch, draws[library], lr))
        rates[name] = best
    return {"torch": torch.__version__, "rates": rates}


def matmul_limit() -> float:
    """GFLOP/s of a large single-precision product: the machine's limit, all threads."""
    a = torch.randn(2048, 2048)
    best = min(_seconds(lambda: a @ a) for _ in range(5))
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
    rows = []
    for name, (_, chains, batch, _, _) in CASES.items():
        ours = max(results["sltcourse"]["rates"][name].values())
        theirs = max(results["devinterp"]["rates"][name].values())
        rows.append({"model": name, "chains": chains, "batch": batch, "sltcourse": round(ours),
                     "devinterp": round(theirs), "ratio": round(ours / theirs, 1)})  # fmt: skip
    return {
        "what": "chain-steps per second, SGLD, n = 5000, 10 steps between draws; best over 1 and all threads",
        "command": "python tests/benchmarks/llc_speed.py",
        "date": date.today().isoformat(),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "load_before": load,
                    "matmul_gflops": round(matmul_limit(), 1)},
        "torch": {library: result["torch"] for library, result in results.items()},
        "rows": rows,
        "by_threads": {library: result["rates"] for library, result in results.items()},
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
        table = side_by_side()
        target = ROOT / "assets" / "llc" / "speed.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
        for row in table["rows"]:
            print(f"{row['model']:34} {row['sltcourse']:>9,} {row['devinterp']:>7,}  {row['ratio']}×")
