"""Everything that is to be tried on a CUDA device, in at most seven minutes: `make gpu`. Installs nothing.

Runs the tests marked gpu, measures chain-steps per second of the toy model of superposition at 4096 chains, of a
transformer and of 10⁷ parameters with 8 chains, each beside what the device's own products would allow, samples lesson
07's linear network (which the lesson itself does on the CPU) and compares with its known λ, runs every lesson that asks
for the best device from top to bottom, and writes assets/llc/gpu.json with device, date and command.
With --rehearse it does the same, smaller, on the CPU, with eight times as much time, and writes nothing into assets.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUDGET = 420  # seconds for everything
PATIENCE = 8  # so many times as long for a rehearsal: a CPU may be busy, and only a typo is looked for
ASKS = "best_device("  # what a lesson that computes on a GPU calls


def tests(seconds) -> dict:
    """The tests marked gpu, in a process of their own."""
    if importlib.util.find_spec("pytest") is None:
        return {"left out": "pytest is not installed here"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", "tests/test_llc_gpu.py"]
    plugin = importlib.util.find_spec("pytest_timeout")  # the limit is that of this step, not of each test
    options = ["--timeout=0"] if plugin else ["-c", os.devnull, "--rootdir", str(ROOT)]
    try:
        done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {seconds:.0f} s"}
    print(done.stdout[-4000:], done.stderr[-1000:])
    last = done.stdout.strip().splitlines()[-1:] or ["no output"]
    return {"passed" if done.returncode == 0 else "failed": last[0]}


def speed(device, name, chains, draws) -> dict:
    """Chain-steps per second of a problem of the benchmark, SGLD, ten steps between draws, set-up left out.

    ``limit``: GFLOP/s of a large product on the device. ``share_of_matmul_limit``: what the problem's own products are
    of that. ``share_of_memory_limit``: of the bytes that the device copies in a second, what a step must move at least:
    w, its gradient and its noise read or written once each.
    """
    import torch

    from sltcourse.llc import SGLD, LocalPosterior, sample
    from tests.benchmarks import problems
    from tests.benchmarks.llc_speed import matmul_limit, multiplications

    make, loss, batch, lr = {
        "toy": (problems.toy, problems.squared, 100, 5e-5),
        "transformer": (problems.transformer, problems.cross_entropy, 32, 1e-6),
        "wide": (problems.wide, problems.squared, 100, 1e-9),
    }[name]
    torch.manual_seed(0)
    model, *data = make()
    model, data, seconds = model.to(device), tuple(x.to(device) for x in data), []
    posterior = LocalPosterior(model, data, loss)
    for count in (2, 2 + draws):
        took = []
        for _ in range(3 if device.type == "cuda" else 1):  # the best of three, as in make speed
            began = time.perf_counter()
            found = sample(posterior, SGLD(lr), num_chains=chains, num_draws=count, num_burnin_steps=20,
                           num_steps_bw_draws=10, batch_size=batch)  # fmt: skip
            if device.type == "cuda":
                torch.cuda.synchronize()
            took.append(time.perf_counter() - began)
        seconds.append(min(took))
    rate = chains * 10 * draws / max(seconds[1] - seconds[0], 1e-3)  # a busy CPU may take longer for less
    limit, moved = matmul_limit(device.type), copied(device)
    return {"parameters": posterior.dim, "chains": chains, "chain_steps_per_second": round(rate),
            "matmul_gflops": round(limit), "copied_gb_per_second": round(moved),
            "share_of_matmul_limit": round(rate * multiplications((model, *data), loss, batch) / limit, 4),
            "share_of_memory_limit": round(rate * 4 * 4 * posterior.dim / 1e9 / moved, 4),
            "notes": json.loads(found.attrs["notes"])}  # fmt: skip


def copied(device) -> float:
    """GB read and written in a second by a large copy on the device."""
    import torch

    a = torch.empty(2**26 if device.type == "cuda" else 2**22, device=device)
    b, took = torch.empty_like(a), []
    for _ in range(10):
        began = time.perf_counter()
        b.copy_(a)
        if device.type == "cuda":
            torch.cuda.synchronize()
        took.append(time.perf_counter() - began)
    return 2 * 4 * a.numel() / min(took) / 1e9


def linear_network(device, chains, draws) -> dict:
    """λ̂ of lesson 07's linear network 10-7-10 of rank 3 by HMC on the device; λ must be 5 errors and 5 % off at most.

    At a finite nβ, and with a spring, λ̂ is not quite λ.
    """
    import numpy as np

    from sltcourse.lessons.llc_estimation import deepest_point, linear_loss
    from sltcourse.llc import HMC, estimate_llc
    from sltcourse.theory.closed_forms import deep_linear_network

    known, _ = deep_linear_network([10, 7, 10], 3)
    f, w_star = linear_loss(deepest_point([10, 7, 10], 3, np.random.default_rng(0)), device=device)
    found = estimate_llc(f, at=w_star, sampler=HMC(), nbeta=72_000, localization=10, num_chains=chains,
                         num_draws=draws, num_burnin_steps=150)  # fmt: skip
    said = {"λ": float(known), "estimate": round(found.llc, 3), "std_error": round(found.std_error, 3),
            "verdict": found.verdict.word, "chain_steps_per_second": round(found.chain_steps_per_second),
            "where": found.settings["device"]}  # fmt: skip
    near = abs(found.llc - known) < 5 * found.std_error + 0.05 * known
    return said if near else {"failed": f"{said}"}


def lessons() -> list[str]:
    """The notebooks that ask for a device, by name."""
    books = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    return [book.stem for book in books if ASKS in book.read_text(encoding="utf-8")]


def lesson(name, seconds) -> dict:
    """All code cells of a lesson, one after another in one process, as a notebook would run them."""
    code = f"""
import json, os, sys
sys.path.insert(0, {str(ROOT)!r})
os.environ["MPLBACKEND"] = "Agg"
import builtins
book = json.load(open({str(ROOT / "notebooks" / (name + ".ipynb"))!r}, encoding="utf-8"))
names = {{"__name__": "__main__", "display": print}}
for number, cell in enumerate(book["cells"]):
    if cell["cell_type"] == "code":
        text = "".join(cell["source"])
        text = "\\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("%", "!")))
        try:
            exec(compile(text, f"cell {{number}}", "exec"), names)
        except Exception:
            print(f"cell {{number}} fails", file=sys.stderr)
            raise
"""
    began = time.perf_counter()
    try:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "notebooks", capture_output=True, text=True,
                              timeout=seconds, env={**os.environ, "TQDM_DISABLE": "1"})  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {seconds:.0f} s"}
    took = round(time.perf_counter() - began, 1)
    if done.returncode:
        missing = [line for line in done.stderr.splitlines() if "ModuleNotFoundError" in line]
        if missing:
            return {"left out": missing[-1]}
        print(done.stderr[-3000:])
        return {"failed": done.stderr.strip().splitlines()[-1], "seconds": took}
    said = [line for line in done.stdout.splitlines() if "cuda" in line or "cpu" in line]
    return {"seconds": took, "said": said}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, smaller; writes nothing into assets")
    parser.add_argument("--only", help="beginning of the names of the steps to take; writes nothing into assets")
    wanted = parser.parse_args()
    rehearse, only = wanted.rehearse, wanted.only or ""
    import torch

    if not rehearse and not torch.cuda.is_available():
        sys.exit("make gpu wants a CUDA device, and torch sees none; make gpu-rehearsal tries it all on the CPU.")
    device, slack = torch.device("cpu" if rehearse else "cuda"), PATIENCE if rehearse else 1
    began, found = time.perf_counter(), {}

    def left(most):
        return min(most * slack, max(1.0, BUDGET * slack - (time.perf_counter() - began)))

    sizes = {"toy": (4096, 500), "transformer": (64, 20), "wide": (8, 20)}
    if rehearse:
        sizes = {"toy": (64, 50), "transformer": (2, 1), "wide": (2, 1)}
    steps = {
        **{f"speed, {name}": (lambda name=name, size=size: speed(device, name, *size)) for name, size in sizes.items()},
        "tests": lambda: tests(left(200)),
        "lesson 07's linear network": lambda: linear_network(device, *((8, 100) if rehearse else (256, 300))),
        **{name: (lambda name=name: lesson(name, left(150))) for name in lessons()},
    }
    for name, step in steps.items():
        if not name.startswith(only):
            continue
        start = time.perf_counter()
        try:
            found[name] = step()
        except Exception as error:
            found[name] = {"failed": f"{type(error).__name__}: {error}"}
        print(
            f"{name}: {json.dumps(found[name], ensure_ascii=False)} ({time.perf_counter() - start:.0f} s)", flush=True
        )
    result = {
        "device": "rehearsal on the CPU" if rehearse else torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "command": "make gpu-rehearsal" if rehearse else "make gpu",
        "seconds": round(time.perf_counter() - began),
        **found,
    }
    if not rehearse and not only:
        from sltcourse.kit import assets

        target = assets.folder() / "llc" / "gpu.json"
        target.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        assets.record("llc/gpu.json", "make gpu", result["device"])
    print(json.dumps(result, indent=1, ensure_ascii=False))
    sys.exit(any("failed" in step for step in found.values()))


if __name__ == "__main__":
    main()
