"""Lesson 08, the toy model of superposition: the model for PyTorch, its training, what is slow, live figures, checks.

The exact mathematics, from the loss to the free energies, stands in ``sltcourse.theory.superposition_model``.

What is slow lies in ``assets/superposition``; ``python -m sltcourse.lessons.superposition NAME`` remakes it, for
the NAMEs ``coefficients``, ``training`` and ``posterior``.
"""

import itertools
import json
import sys
from dataclasses import replace

import numpy as np
import sympy as sp
import torch
from scipy.optimize import brentq

from sltcourse.kit import assets, style
from sltcourse.kit.checks import Checks, expression, number
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.llc import HMC, SGLD, estimate_llc
from sltcourse.llc.result import LEVELS
from sltcourse.theory import volume
from sltcourse.theory.replica_exchange import replica_exchange
from sltcourse.theory.superposition_model import (
    COEFFICIENTS,
    FEATURES,
    POLYGONS,
    SHAPES,
    corners,
    descend,
    free_energy,
    half_norm,
    name_of,
    polygon,
    population_loss,
    sample,
    sample_loss,
    stochastic_descent,
    unpack,
)

check = Checks("08_superposition")
COLORS = style.COLORS

# ---- the model for PyTorch ----------------------------------------------------------------


class Superposition(torch.nn.Module):
    """The same model for PyTorch: ``model(x)`` for x (batch, c). ``w`` (3c,) are its parameters."""

    def __init__(self, w):
        super().__init__()
        W, b = unpack(np.asarray(w))
        self.W = torch.nn.Parameter(torch.tensor(W, dtype=torch.float32))
        self.b = torch.nn.Parameter(torch.tensor(b, dtype=torch.float32))

    def forward(self, x):
        return torch.relu(x @ self.W.T @ self.W + self.b)


def squared_error(output, x):
    """‖x − f(x)‖², summed over features, the mean over the batch."""
    return (output - x).square().sum(-1).mean()


def exact_loss(w):
    """The population loss of one parameter w (3c,), a torch tensor, for ``estimate_llc``."""
    g, b, at, falls = _products(w)
    at = at.clamp(0, 1)
    low, high = torch.where(falls, 0, at), torch.where(falls, at, 1)
    moments = [(high**k - low**k) / (k * len(g)) for k in (1, 2, 3)]
    return _torch_loss(g, b, moments, 1 / 3)


def exact_sample_loss(x, device="cpu"):
    """The loss L_n of the data set x (n, c), a function of one w (3c,) for ``estimate_llc`` on ``device``.

    Exact, at a cost free of n: ``sample_loss`` in PyTorch. The sums over the inputs that switch an output on are
    differences of running totals, and where to look them up is found by bisection.
    """
    n, c = x.shape
    feature, size = x.argmax(1), x.max(1)
    order = np.lexsort((size, feature))
    line = size[order] + 2 * feature[order]  # the features one after another, each within [2i, 2i + 1]
    totals = np.stack([np.r_[0, np.cumsum(size[order] ** k)] for k in (0, 1, 2)]) / n
    ends = totals[:, np.searchsorted(line, 2 * np.arange(c + 1) - 0.5)]
    line, totals, ends = (torch.tensor(v, dtype=torch.float64, device=device) for v in (line, totals, ends))
    first, last = ends[:, :-1, None], ends[:, 1:, None]
    block = 2.0 * torch.arange(c, device=device)[:, None]
    power = float((x**2).sum() / n)

    def loss(w):
        g, b, at, falls = _products(w)
        middle = totals[:, torch.searchsorted(line, at.clamp(-0.5, 1.5) + block)]
        return _torch_loss(g, b, torch.where(falls, middle - first, last - middle), power)

    return loss


def _products(w):
    """g = WᵀW and b, both (c, c); the μ at which gμ + b changes sign; and whether it falls there."""
    c = len(w) // 3
    W, b = w[: 2 * c].reshape(2, c), w[2 * c :].expand(c, c)
    g = W.T @ W
    away = torch.where(g.abs() < 1e-30, 1e-30, g).detach()
    return g, b, -b.detach() / away, away < 0


def _torch_loss(g, b, moments, power):
    """The loss from g, b and the moments of the inputs that switch an output on, as in ``superposition_model``."""
    m0, m1, m2 = moments
    own = (g * m2 + b * m1).diagonal().sum()
    return (g * g * m2 + 2 * g * b * m1 + b * b * m0).sum() - 2 * own + power


TRAJECTORY = {  # what ``trajectory_settings`` gives: about ten seconds on either
    "cpu": {"checkpoints": 10, "num_chains": 16, "num_burnin_steps": 150, "num_draws": 160},
    "cuda": {"checkpoints": 60, "num_chains": 64, "num_burnin_steps": 400, "num_draws": 400},
}


def trajectory_settings(device):
    """How much of a training run to measure on ``device``: (checkpoints, the chains' options for estimate_llc)."""
    options = dict(TRAJECTORY["cuda" if torch.device(device).type == "cuda" else "cpu"])
    return options.pop("checkpoints"), options


def checkpoint_steps(count, last=20_000):
    """``count`` training steps or a few less: 0, and the others evenly on a log scale up to ``last``."""
    return np.unique(np.r_[0, np.round(np.geomspace(30, last, count - 1))]).astype(int)


# ---- what is slow, kept in assets ---------------------------------------------------------------------------------

NBETAS = 10.0 ** np.arange(2, 8.5, 0.5)
N_TRAIN = (100, 200, 300, 500, 1000, 2000, 3000)
STEPS = np.unique(np.r_[0, np.round(np.geomspace(5, 20_000, 31))]).astype(int)
FIGURE_SPRINGS = (10.0, 30.0)  # γ of the λ̂ along training
SPRINGS = (0.1, 1.0, 10.0, 30.0, 100.0)
END_SIZES = (20, 50, 100, 200, 500, 1_000, 2_000, 4_000)
STARTS = {"square, one feature awake": 1, "square, two features awake": 2, "near zero": 6}


def asset(name):
    """A precomputed result, "coefficients", "training" or "posterior": a dict of arrays and numbers."""
    if name == "coefficients":
        return json.loads(assets.path("superposition/coefficients.json").read_text(encoding="utf-8"))
    with np.load(assets.path(f"superposition/{name}.npz")) as file:
        return {key: file[key] for key in file.files}


def _store(name, results):
    file = assets.folder() / "superposition" / (f"{name}.json" if name == "coefficients" else f"{name}.npz")
    file.parent.mkdir(exist_ok=True)
    if name == "coefficients":
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        np.savez_compressed(file, **results)
    assets.record(f"superposition/{file.name}", f"python -m sltcourse.lessons.superposition {name}", "CPU, 2 cores")


def make_coefficients():
    """λ of the polygons by two routes (volumes, and HMC at falling temperature), and λ̂ at n = 5 000 and 500 000."""
    results = {"volume": {}, "temperature": {"nbeta": NBETAS.tolist()}, "sample": {}}
    for name in ("4", "4⁺", "4⁺⁺"):
        w = POLYGONS[name]
        floor = population_loss(w)[0]

        def excess(u, w=w, floor=floor):
            return np.maximum(population_loss(w + u)[0] - floor, 0)

        curve = volume.splitting(excess, [(-0.05, 0.05)] * len(w), eps=1e-9, particles=320, populations=8)
        inside = curve.eps < 1e-5  # above, the box cuts the set off
        tail = replace(curve, eps=curve.eps[inside], shares=curve.shares[:, inside])
        fit = volume.fit(tail)
        results["volume"][name] = {
            "eps": curve.eps.tolist(),
            "log_V": curve.log_V.tolist(),
            "se": curve.se.tolist(),
            "lam": float(fit.lam),
            "lam_se": float(fit.se),
            "m": int(fit.m),
            "probability": fit.probability[:3].tolist(),
        }
        print(name, "volume", fit.lam, fit.se, fit.m, fit.probability[:3], flush=True)
    at = [torch.tensor(w) for w in POLYGONS.values()]
    rows = {name: {"llc": [], "se": [], "below": []} for name in POLYGONS}
    for nbeta in NBETAS:
        runs = estimate_llc(
            exact_loss, at=at, nbeta=float(nbeta), sampler=HMC(lr=0.02 / nbeta, num_leapfrog=16), num_chains=12,
            num_draws=400, num_burnin_steps=300, num_steps_bw_draws=2,
        )  # fmt: skip
        for name, run in zip(POLYGONS, runs, strict=True):
            for key, value in (("llc", run.llc), ("se", run.std_error), ("below", run.share_below)):
                rows[name][key].append(float(value))
        print(f"{nbeta:.0e}", {k: f"{r['llc'][-1]:.2f}±{r['se'][-1]:.2f}" for k, r in rows.items()}, flush=True)
    results["temperature"].update(rows)
    results["sample"] = {"5000": _estimates(5_000, range(10)), "500000": _estimates(500_000, range(4))}
    _store("coefficients", results)


def _estimates(n, seeds):
    """λ̂ of 5, 5⁺ and 6 on data sets of n inputs: at n = 5 000 as Chen et al. did, above with the course's sampler.

    Chen et al.: γ = 0.1, ε = 5e-5, 10 chains of 10 000 steps, those dropped that spend over 5 % below L_n(w*).
    """
    names = ("5", "5⁺", "6")
    kept, everything = {name: [] for name in names}, {name: 0 for name in names}
    at = [Superposition(POLYGONS[name]).state_dict() for name in names]
    for seed in seeds:
        x = torch.tensor(sample(n, np.random.default_rng(seed)), dtype=torch.float32)
        if n <= 5_000:
            options = dict(sampler=SGLD(lr=5e-5), localization=0.1, num_chains=10, num_draws=1000, num_burnin_steps=0)
            options |= dict(num_steps_bw_draws=10, batch_size=200)
        else:
            options = dict(localization=10.0, num_chains=8, num_draws=4000, num_burnin_steps=3000, batch_size=1024)
        runs = estimate_llc(Superposition(POLYGONS["6"]), x, squared_error, at=at, seed=seed, **options)
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


def start(kind, seed):
    """Where a run of the figure starts: a square with ``kind`` of two features awake (1, 2), or near zero (6)."""
    rng = np.random.default_rng(seed)
    w = 0.01 * rng.standard_normal(3 * FEATURES)
    if kind < 6:
        square = polygon(4, 1, 0, dead=0)
        square[-2:] = [0.02, 0.02 if kind == 2 else -1]
        return w + square
    w[12:] = 0.02
    return w


def along(path, x, gamma, **options):
    """estimate_llc at every state of a path (checkpoints, 3c) by the exact sampler.

    ``x``: the data set (n, c); None: the population, at the nβ of a thousand samples.
    """
    n = 1_000 if x is None else len(x)
    nbeta = n / np.log(n)
    settings = {"num_chains": 12, "num_draws": 120, "num_burnin_steps": 150, "num_steps_bw_draws": 2} | options
    return estimate_llc(
        exact_loss if x is None else exact_sample_loss(x), at=[torch.tensor(w) for w in path], nbeta=nbeta,
        localization=gamma, sampler=HMC(lr=0.1 / nbeta, num_leapfrog=12), **settings,
    )  # fmt: skip


def make_training():
    """Gradient descent on L_n for many n, with λ̂ along the way; and where many runs end."""
    states, losses, along_it = [], [], {"llc": [], "se": [], "verdict": []}
    for kind in STARTS.values():
        x = sample(max(N_TRAIN), np.random.default_rng(kind))
        for n in N_TRAIN:
            path = descend(start(kind, kind), STEPS[-1], sample_loss(x[:n]), keep=set(STEPS.tolist()))
            states.append(path)
            losses.append(sample_loss(x[:n])(path)[0])
            for gamma in FIGURE_SPRINGS:
                runs = along(path, x[:n], gamma)
                along_it["llc"].append([r.llc for r in runs])
                along_it["se"].append([r.std_error for r in runs])
                along_it["verdict"].append([LEVELS.index(r.verdict.word) for r in runs])
                said = [f"{name_of(w)} {r.llc:.1f} {r.verdict.word}" for w, r in zip(path, runs, strict=True)]
                print(kind, n, gamma, *said[::3], sep=" | ", flush=True)
    shape = (len(STARTS), len(N_TRAIN))
    results = {key: np.reshape(v, (*shape, len(FIGURE_SPRINGS), len(STEPS))) for key, v in along_it.items()}
    results["states"] = np.reshape(states, (*shape, len(STEPS), -1)).astype(np.float32)
    results["loss"] = np.reshape(losses, (*shape, len(STEPS)))

    at, many = list(POLYGONS.values()), {"num_draws": 500, "num_burnin_steps": 500}
    rows = {gamma: along(at, None, gamma, **many) for gamma in SPRINGS}
    results["springs"] = [[(r.llc, r.std_error, LEVELS.index(r.verdict.word)) for r in rows[g]] for g in SPRINGS]
    for gamma in SPRINGS:
        print("γ", gamma, [f"{r.llc:.2f} ± {r.std_error:.2f} {r.verdict.word}" for r in rows[gamma]], flush=True)

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
    _store("training", results)


def make_posterior():
    """The posterior at many n: mean loss, shares of the polygons, draws; and the shares for real data sets."""
    n = np.r_[0, np.geomspace(0.02, 6_000, 71)]
    draws, exchanged = replica_exchange(n, 16, 4_500, population_loss, 3 * FEATURES, keep=60)
    print("exchanged", exchanged.min(), flush=True)
    draws = draws[:, 0]  # (kept, n, replicas, 18)
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
    found = []
    for size in sizes:
        x = np.stack([sample(size, np.random.default_rng(seed)) for seed in range(sets)])
        ladder = np.geomspace(8, size, 2 + int(np.log(size / 8) / np.log(1.4)))
        chains, _ = replica_exchange(ladder, 2, 2_500, sample_loss(x), 3 * FEATURES, sets, keep=40)
        ends = descend(chains[:, :, -1].swapaxes(0, 1), 500, sample_loss(x), rate=0.3)
        found.append((corners(ends)[0] == 6).mean((1, 2)))
        print(size, np.round(np.sort(found[-1]), 2), flush=True)
    results |= {"sizes": sizes, "six": np.array(found)}
    _store("posterior", {k: v.astype(np.float32) if v.ndim > 2 else v for k, v in results.items()})


def _error(values):
    """Standard error of the mean over the last axis."""
    return values.std(-1, ddof=1) / np.sqrt(values.shape[-1])


# ---- live figures -------------------------------------------------------------------------------------------------

PHASE_COLORS = {"4": "theory", "5": "singular", "5⁺": "posterior", "6": "regular"}
BY_CORNERS = {"≤ 3": "reference", "4": "theory", "5": "singular", "6": "regular"}


def _arrows(w):
    """The columns of W as one broken line, from the origin to each tip."""
    W, _ = unpack(w)
    nothing = np.zeros(W.shape[1])
    return tuple(np.stack([nothing, x, nothing + np.nan], 1).ravel() for x in W)


def _outline(w):
    """The polygon through the tips of the columns longer than ½, in order of angle."""
    W, _ = unpack(w)
    W = W[:, np.hypot(*W) > 0.5]
    W = W[:, np.argsort(np.arctan2(*W[::-1]))]
    return tuple(np.append(x, x[:1]) for x in W)


def _plane(ax, size=1.6):
    ax.set(xlim=(-size, size), ylim=(-size, size), xticks=[], yticks=[], aspect="equal", anchor="N")
    ax.spines[:].set_visible(False)
    ax.grid(False)


def loss_parts(k, length, bias):
    """The loss of a k-gon whose other features are dead, in three parts that add up to it.

    What the given-up features cost; the error of the outputs that should say μ; what leaks into those that should be 0.
    """
    g = length**2 * np.cos(2 * np.pi * np.arange(1, k) / k)
    g = np.where(np.abs(g) < 1e-12, 1e-12, g)
    leaked = np.maximum(g + bias, 0) ** 3 - max(bias, 0) ** 3
    leaked = (leaked / (3 * g)).sum() + (FEATURES - k) * max(bias, 0) ** 2
    given_up, leaked = (FEATURES - k) / (3 * FEATURES), k * leaked / FEATURES
    return given_up, population_loss(polygon(k, length, bias))[0] - given_up - leaked, leaked


def live_polygon():
    """Length and bias of a k-gon on sliders: the columns, every output when feature 1 is on, the parts of the loss."""
    lengths, biases = np.round(np.arange(0.7, 1.51, 0.025), 3), np.round(np.arange(-0.9, 0.31, 0.05), 2)
    fig, (left, right, parts) = style.figure(1, 3, width_ratios=[0.8, 1, 0.72])
    _plane(left)
    left.set_title("columns of W")
    right.plot([0, 1], [0, 1], color=COLORS["truth"], lw=1, ls="--", zorder=5, label="output 1 should say")
    right.set(xlim=(0, 1), ylim=(-0.06, 2.75), xlabel="μ, the size of feature 1", title="outputs")
    names, widest = ("given up", "wanted,\nbut wrong", "leaked"), 0.3
    parts.set(xlim=(0, widest), ylim=(-0.6, 2.6), xlabel="its share of L", title="parts of the loss")
    parts.set_yticks([2, 1, 0], names)
    parts.set_xticks([0, 0.1, 0.2, 0.3])
    parts.tick_params(axis="y", length=0)
    parts.grid(False, axis="y")
    live = LiveFigure(
        fig,
        alt="Left: the columns of W as arrows to the corners of a regular polygon. Middle: outputs against the input; "
        "a negative bias silences the neighbours and shrinks the wanted output. Right: three bars, the parts of the "
        "loss: features given up, wanted outputs that are wrong, and what leaks into the others.",
        k=Menu("corners", {"4": 4, "5": 5, "6": 6}, start="5"),
        length=Slider("length l", lengths, start=1.0),
        bias=Slider("bias b", biases, start=0.0),
    )

    def output(k, length, bias, j):
        g = length**2 * np.cos(2 * np.pi * j / k)
        at = min(max(-bias / g, 0), 1) if abs(g) > 1e-9 else 0
        mu = np.array([0, at, 1])
        return mu, np.maximum(g * mu + bias, 0)

    live.line(left, lambda k, length: _outline(polygon(k, length, 0)), name="outline", color=COLORS["muted"])
    live.line(left, lambda k, length: _arrows(polygon(k, length, 0)), name="columns", color=COLORS["estimate"])
    live.points(
        left, lambda k, length: _outline(polygon(k, length, 0)), name="tips", color=COLORS["estimate"], markersize=8
    )
    nothing = (np.array([np.nan]), np.array([np.nan]))
    looks = (
        ("output 1", "estimate", 2.6, {4: 0, 5: 0, 6: 0}),
        ("its two neighbours", "singular", 2.2, {4: 1, 5: 1, 6: 1}),
        ("the next two (5- and 6-gon)", "posterior", 1.7, {5: 2, 6: 2}),
        ("the opposite one (4- and 6-gon)", "regular", 1.2, {4: 2, 6: 3}),
    )
    for label, color, width, which in looks:
        live.line(
            right,
            lambda k, length, bias, which=which: output(k, length, bias, which[k]) if k in which else nothing,
            name=label, color=COLORS[color], label=label, lw=width,
        )  # fmt: skip
    right.legend(loc="upper left", fontsize=9, handlelength=1.4)
    for i, (name, color) in enumerate(zip(names, ("reference", "estimate", "singular"), strict=True)):

        def bar(k, length, bias, i=i):
            width = min(loss_parts(k, length, bias)[i], 2 * widest)
            return np.array([0, width, width, 0]), 2 - i + np.array([-0.3, -0.3, 0.3, 0.3])

        def value(k, length, bias, i=i):
            part = loss_parts(k, length, bias)[i]
            inside = part < 0.6 * widest
            return (part if inside else 0.02 * widest) + 0.01, 2 - i, f"{max(part, 0):.3f}"

        live.fill(parts, bar, name=name.replace("\n", " "), color=COLORS[color], alpha=0.55)
        live.text(parts, value, name=f"{name} in numbers", va="center", fontsize=10)

    def caption(k, length, bias):
        loss, best = population_loss(polygon(k, length, bias))[0], population_loss(POLYGONS[str(k)])[0]
        return (
            f"{k} corners, l = {length:.3f}, b = {style.number(bias)}: loss {loss:.4f}. "
            f"The best {k}-gon has {best:.4f}."
        )

    return live.caption(caption)


def live_training():
    """Slide the training step and the number of samples: the columns of W, the loss, and λ̂ along the run."""
    data = asset("training")
    at = {kind: i for i, kind in enumerate(STARTS)}
    size, step = ({v: i for i, v in enumerate(values)} for values in (N_TRAIN, STEPS.tolist()))
    level, spring = ({v: i for i, v in enumerate(values)} for values in (LEVELS, FIGURE_SPRINGS))
    time = np.maximum(STEPS, 2)

    fig, (plane, left, right) = style.figure(1, 3, height=3.4)
    _plane(plane)
    plane.set_title("columns of W")
    for ax, title, top in ((left, "loss Lₙ", 0.38), (right, "λ̂ at nβ = n/log n", 9.9)):
        ax.set(xscale="log", xlim=(1.8, 25_000), ylim=(0, top), title=title, xlabel="training step")
        ax.set_xticks([2, 10, 100, 1000, 10_000], ["0", "10", "10²", "10³", "10⁴"])
        ax.minorticks_off()
    live = LiveFigure(
        fig,
        alt="Left: the six columns of W during training. Middle: the loss against the training step, a staircase going "
        "down. Right: the estimated local learning coefficient, which goes up where the loss goes down; hollow where "
        "the verdict is doubtful, left out where it is don't.",
        run=Menu("start", list(STARTS), start="square, one feature awake"),
        n=Slider("n", N_TRAIN, start=500),
        gamma=Menu("spring γ", {f"{g:g}": g for g in FIGURE_SPRINGS}, start="10"),
        step=Slider("training step", STEPS, start=STEPS[len(STEPS) // 2]),
    )

    def state(run, n, step, step_of=step):
        return data["states"][at[run], size[n], step_of[int(step)]].astype(float)

    def losses(run, n):
        return data["loss"][at[run], size[n]]

    def row(key, run, n, gamma):
        return data[key][at[run], size[n], spring[gamma]]

    def readings(run, n, gamma, *words):
        said = np.isin(row("verdict", run, n, gamma), [level[word] for word in words])
        return time, np.where(said, row("llc", run, n, gamma), np.nan)

    live.line(plane, lambda run, n, step: _outline(state(run, n, step)), name="outline", color=COLORS["muted"])
    live.line(plane, lambda run, n, step: _arrows(state(run, n, step)), name="columns", color=COLORS["estimate"])
    live.points(
        plane, lambda run, n, step: tuple(unpack(state(run, n, step))[0]), name="tips", color=COLORS["estimate"]
    )
    live.text(plane, lambda run, n, step: (-1.5, 1.27, name_of(state(run, n, step))), name="name", fontsize=17)
    live.line(left, lambda run, n: (time, losses(run, n)), name="loss", color=COLORS["loss"])
    live.line(
        right, lambda run, n, gamma: readings(run, n, gamma, "trust", "doubtful"), name="llc",
        color=COLORS["estimate"], lw=1.2,
    )  # fmt: skip
    live.points(
        right, lambda run, n, gamma: readings(run, n, gamma, "trust"), name="trusted", color=COLORS["estimate"],
        markersize=4.5, markeredgewidth=0, label="trust",
    )  # fmt: skip
    live.points(
        right, lambda run, n, gamma: readings(run, n, gamma, "doubtful"), name="doubtful", color=COLORS["estimate"],
        markersize=4.5, markerfacecolor="white", markeredgecolor=COLORS["estimate"], markeredgewidth=1.2,
        label="doubtful",
    )  # fmt: skip
    right.legend(loc="upper left", fontsize=9, ncols=2, handletextpad=0.1, columnspacing=1)
    live.points(
        left, lambda run, n, step, s=step: (max(step, 2), losses(run, n)[s[int(step)]]), name="loss now",
        color=COLORS["loss"], markersize=9,
    )  # fmt: skip

    def silence(run, n, gamma):
        empty = np.isnan(readings(run, n, gamma, "trust", "doubtful")[1]).all()
        return 200, 4.5, "verdict at every step: don't" if empty else ""

    live.text(right, silence, name="silence", ha="center", color=COLORS["reference"])

    def reading_now(run, n, gamma, step, s=step):
        return max(step, 2), readings(run, n, gamma, "trust", "doubtful")[1][s[int(step)]]

    live.points(right, reading_now, name="llc now", color=COLORS["estimate"], markersize=9)

    def caption(run, n, gamma, step, s=step):
        i = s[int(step)]
        llc, error, word = (row(key, run, n, gamma)[i] for key in ("llc", "se", "verdict"))
        said = f"λ̂ = {llc:.2f} ± {error:.2f}, verdict {LEVELS[word]}"
        if LEVELS[word] == "don't":
            said = "verdict don't" + (": λ̂ is negative, the chains find something lower" if llc < 0 else "")
        loss, name = losses(run, n)[i], name_of(state(run, n, step))
        return f"n = {style.number(n)}, step {style.number(step)}: {name}, Lₙ = {loss:.3f}, {said}."

    return live.caption(caption)


def live_transition():
    """Slide n: the formula's free energies cross at 601, the sampled posterior's polygon changes earlier."""
    data = asset("posterior")
    n, shown = data["shown_n"], data["shown"].astype(float)
    position = {v: i for i, v in enumerate(n)}
    share = data["share"]
    with np.errstate(divide="ignore"):
        sampled = np.log(share[3] / share[2])  # log P(6)/P(5)
    trusted = (share[2] > 0.003) & (share[3] > 0.003)

    fig, (plane, left, right) = style.figure(1, 3, height=3.7)
    _plane(plane, 2.5)
    plane.set(title="48 draws of W, by corners")
    left.set(xscale="log", xlim=(9, 4300), ylim=(-8, 14.5), xlabel="n", title="F − F(6-gon)")
    right.set(xscale="log", xlim=(9, 4300), ylim=(0, 1.16), xlabel="n", title="share by corners")
    right.set_yticks([0, 0.25, 0.5, 0.75, 1])
    left.axhline(0, color=COLORS["regular"], lw=1.5)
    for name in ("4", "5", "5⁺"):
        color = COLORS[PHASE_COLORS[name]]
        above = free_energy(name, n) - free_energy("6", n)
        left.plot(n[above < 12], above[above < 12], color=color, label=name)
    left.plot(n[trusted], sampled[trusted], "o", color=COLORS["truth"], markersize=3, label="5 and 5⁺, sampled")
    left.legend(loc="upper left", fontsize=8.5, handlelength=1.2, borderpad=0, ncols=4, columnspacing=0.8,
                handletextpad=0.4)  # fmt: skip
    for s, (label, color) in zip(share, BY_CORNERS.items(), strict=True):
        right.plot(n, s, color=COLORS[color], label=label)
    right.legend(loc="upper left", fontsize=8.5, handlelength=1.2, borderpad=0, ncols=4, columnspacing=0.8,
                 handletextpad=0.4)  # fmt: skip
    live = LiveFigure(
        fig,
        alt="Left: the tips of the columns of W in draws from the posterior, coloured by the polygon below each draw: "
        "a cloud at small n, then five clusters beside six, six alone beyond 500. Middle: free energies of the "
        "polygons by the formula cross at n = 601, the sampled ones near 250. Right: the shares of the polygons in "
        "the posterior.",
        n=Slider("n", n, start=n[np.argmin(np.abs(n - 150))], format=lambda v: style.number(round(v))),
    )
    clouds = [_turned(draws, k) for draws, k in zip(shown, data["shown_k"], strict=True)]
    for k, (label, color) in enumerate(BY_CORNERS.items(), 3):
        live.points(
            plane, lambda n, k=k: clouds[position[n]][k], name=f"draws {label}", color=COLORS[color], markersize=4,
            alpha=0.65, markeredgewidth=0, label=label,
        )  # fmt: skip
    plane.legend(loc="lower center", fontsize=9, ncols=4, handletextpad=0, columnspacing=0.8, borderpad=0.1)
    for ax, span in ((left, (-8, 11.5)), (right, (0, 1))):
        live.line(ax, lambda n, span=span: ([n, n], span), name=f"now {span[0]}", color=COLORS["truth"], lw=1)

    def caption(n):
        i = position[n]
        formula = min(("4", "5", "5⁺", "6"), key=lambda name: free_energy(name, n))
        return (
            f"n = {style.number(round(n))}: the formula prefers the {formula}-gon. In the posterior "
            f"{100 * share[2, i]:.0f} % are 5-gons and {100 * share[3, i]:.0f} % are 6-gons."
        )

    return live.caption(caption)


def _turned(draws, corners_of):
    """The tips of all columns of several W, each W turned to fit its own regular polygon; a dict by corners."""
    W, _ = unpack(draws)
    z = W[:, 0] + 1j * W[:, 1]
    found = {}
    for k in (3, 4, 5, 6):
        mine = z[np.maximum(corners_of, 3) == k]
        fit = (np.abs(mine) * (mine / np.abs(mine)) ** k).sum(1, keepdims=True)
        mine = (mine * np.exp(-1j * np.angle(fit) / k)).ravel()
        found[k] = (mine.real, mine.imag)
    return found


# ---- pictures that stand still ------------------------------------------------------------------------------------


def draw_polygons():
    """The six polygons of the table, a figure: columns of W, and a ring for each feature with a positive bias."""
    fig, axes = style.figure(1, 6, height=1.9)
    for ax, (name, w) in zip(axes, POLYGONS.items(), strict=True):
        _plane(ax, 1.55)
        ax.plot(*_outline(w), color=COLORS["muted"])
        ax.plot(*_arrows(w), color=COLORS["estimate"])
        ax.plot(*_outline(w), "o", color=COLORS["estimate"], markersize=4)
        k, plus = SHAPES[name]
        for i in range(6 - k):
            x = (i - (5 - k) / 2) * 0.45
            ax.plot(x, -1.38, "o", mec=COLORS["singular"], mfc="white" if i < plus else COLORS["muted"], markersize=6)
        ax.set_title(f"{name}  {population_loss(w)[0]:.5f}", fontsize=10, loc="center")
        for side in ax.spines.values():
            side.set_visible(False)
    return fig


def draw_temperatures(coefficients):
    """λ̂ at every nβ of the asset, a figure: left the square's family, right the others, dashed the derived λ."""
    data = coefficients["temperature"]
    nbeta = np.array(data["nbeta"])
    fig, axes = style.figure(1, 2, sharey=True)
    families = (("4", "4⁺", "4⁺⁺"), ("5", "5⁺", "6"))
    colors = (("theory", "singular", "posterior"), ("singular", "posterior", "regular"))
    for ax, names, hues in zip(axes, families, colors, strict=True):
        for i, (name, hue) in enumerate(zip(names, hues, strict=True)):
            llc, se, below = (np.array(data[name][key]) for key in ("llc", "se", "below"))
            at, stays = nbeta * 1.17 ** (i - 1), (below < 0.05) & (llc > 0)
            ax.errorbar(at[stays], llc[stays], 2 * se[stays], fmt="o", color=COLORS[hue], label=name, markersize=4.5)
            gone = np.full((~stays).sum(), 3.5 - 0.25 * i)
            ax.plot(at[~stays], gone, "o", mec=COLORS[hue], mfc="white", markersize=4.5)
            ax.axhline(COEFFICIENTS[name], color=COLORS[hue], ls="--", lw=1)
        ax.set(xscale="log", xlabel="nβ", ylim=(2.7, 12), xlim=(60, 2e8))
        ax.legend(loc="upper right", ncols=3)
    axes[0].text(3e8 / 2, 3.25, "hollow: the chains left", ha="right", va="center", color=COLORS["reference"])
    axes[0].set_ylabel("λ̂ = nβ (E[L] − L(w*))")
    return fig


def draw_losses(steps, path):
    """The losses (log scales) of many networks against the step, a figure: coloured by where they end."""
    fig, ax = style.figure(height=3.8)
    ends = np.array([name_of(w) for w in path[-1]])
    for name, color in (("4⁺⁺", "theory"), ("5⁺", "posterior"), ("6", "regular")):
        mine = ends == name
        ax.plot(steps, population_loss(path[:, mine])[0], color=COLORS[color], lw=0.7, alpha=0.5)
        level = population_loss(POLYGONS[name])[0]
        ax.text(3_150, level, f"{name}: {mine.sum()} of {len(ends)}", color=COLORS[color], va="center")
    ax.axhline(7 / 24, color=COLORS["reference"], ls="--", lw=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=(1, 3_000), ylim=(0.044, 0.36), xlabel="training step", ylabel="loss L")
    ax.set_xticks([1, 10, 100, 1_000], ["1", "10", "10²", "10³"])
    ax.set_yticks([0.05, 0.1, 0.2, 0.3], ["0.05", "0.1", "0.2", "0.3"])
    ax.minorticks_off()
    return fig


def draw_run(steps, states, results):
    """One training run, a figure: the loss falls on the left, λ̂ rises on the right, with two standard errors.

    Filled where the verdict is trust, hollow where it is doubtful; what has the verdict don't is left out.
    """
    fig, (left, right) = style.figure(1, 2, height=3.4)
    time, names = np.maximum(steps, 10), [name_of(w) for w in states]
    loss = np.array([r.init_loss for r in results])
    left.plot(time, loss, "o-", color=COLORS["loss"], markersize=4.5)
    for word, face in (("trust", COLORS["estimate"]), ("doubtful", "white")):
        these = [i for i, r in enumerate(results) if r.verdict.word == word]
        llc, se = np.array([(results[i].llc, results[i].std_error) for i in these]).reshape(-1, 2).T
        right.errorbar(time[these], llc, 2 * se, fmt="o", color=COLORS["estimate"], mfc=face, markersize=5, label=word)
    for i, name in enumerate(names):
        if i == 0 or name != names[i - 1]:
            left.annotate(name, (time[i], loss[i]), (0, 8), textcoords="offset points", color=COLORS["loss"])
    for ax, title in ((left, "loss Lₙ"), (right, "estimate λ̂")):
        ax.set(xscale="log", xlabel="training step", title=title, xlim=(8, 25_000))
        ax.set_xticks([10, 100, 1000, 10_000], ["0", "10²", "10³", "10⁴"])
        ax.minorticks_off()
        ax.margins(y=0.18)
    right.legend(loc="lower right")
    return fig


def draw_transitions():
    """The two kinds of transition, a figure: shares of the polygons against n, in the posterior and after training."""
    posterior, training = asset("posterior"), asset("training")
    ends = training["ends"] / training["ends"].sum(1, keepdims=True)
    fig, (left, right) = style.figure(1, 2, height=3.3, sharey=True)
    for i, (label, color) in enumerate(BY_CORNERS.items()):
        left.plot(posterior["shown_n"], posterior["share"][i], color=COLORS[color], label=label)
        right.plot(training["end_sizes"], ends[:, i], "o-", color=COLORS[color], lw=1, markersize=5, label=label)
    for ax, title in ((left, "in the posterior"), (right, "where training ends, from near zero")):
        ax.set(xscale="log", xlabel="n", title=title, xlim=(9, 4_900), ylim=(-0.03, 1.03))
    left.set_ylabel("share")
    left.legend(title="corners", loc="center right")
    return fig


# ---- the exercises ------------------------------------------------------------------------------------------------

NBETA_FOR_A_TENTH = 4_250  # where expected_llc("6", nβ) − 8.5 = 0.1
_c = sp.Symbol("c", positive=True)


@check.exercise(
    "Without a column all one can do is guess, and the best guess is the mean of the feature: ½ once in c times."
)
def dead_bias(answer):
    return expression(answer, 1 / (2 * _c), hints={
        sp.Rational(1, 2): "The best guess when the feature is on. That is once in c times, b² is always paid.",
        1 / (2 * (_c - 1)): "Nearly: the squared error of the on-case has a b² as well, c of them in all.",
        1 / _c: "Nearly: the derivative of c b² is 2 c b.",
        sp.Rational(1, 12): "That is right for c = 6: write it with the symbol c.",
        1 / (4 * _c): "That is what the guess gains in c·L. The question is at which b it gains that.",
        1 / (4 * _c**2): "That is what the guess gains in L. The question is at which b it gains that.",
    })  # fmt: skip


@check.exercise("Six features, six guesses of 1/12: every run waits at 7/24 until a column grows.")
def plateau(answer):
    return number(answer, 7 / 24, rel=2e-3, hints={
        0.29: "That is what the picture shows. Give it exactly: it is a fraction.",
        1 / 3: "That is the loss at W = 0, b = 0. The biases move first, and each of them gains something.",
        1 / 3 - 1 / 144: "One feature makes that gain, 1/(4c²). All six do.",
        1 / 3 - 1 / 4: "That is far too low: the gain of one feature is 1/(4c²), not 1/(4c).",
    })  # fmt: skip


@check.exercise("A dead feature of a 5-gon is free in three numbers and saves 3/2: λ = 14/2 against 23/2.")
def count(answer):
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        return "Two values of λ? The question is by how much they differ: subtract."
    return number(answer, 4.5, rel=1e-6, hints={
        9.0: "That many more directions cost something. Each of them contributes ½.",
        1.5: "That is one dead feature, or three biases. All three features are free, each in bias and column.",
        3.0: "You counted the columns only. The bias of a dead feature is free as well.",
        7.0: "That is λ with three dead features; subtract it from λ with three ⁺.",
        11.5: "That is λ with three ⁺; subtract λ with three dead features.",
        -4.5: "The other way round: a dead feature costs nothing, a ⁺ is held at second order.",
    })  # fmt: skip


@check.exercise("λ is the same, so only nΔL = 2.75 counts: the prior alone delays the 6-gon until n = 202.")
def second_crossing(answer):
    gap = population_loss(POLYGONS["5⁺"])[0] - population_loss(POLYGONS["6"])[0]
    right = (half_norm("6") - half_norm("5⁺")) / gap
    return number(answer, right, rel=0.02, hints={
        601: "That is the crossing of 5 and 6. This time it is 5⁺.",
        445: "That is the crossing of 5 and 6 without the prior's term. This time it is 5⁺, and with it.",
        250: "That is where the sampled posterior changes, as the figure below shows. What does the formula say?",
        2 * right: "The prior charges half of the squared norm.",
        0.0: "Without the prior's term the 6-gon would indeed always win; keep the term.",
    })  # fmt: skip


@check.exercise("Tens of thousands of samples for one decimal: at n = 5 000, reading 9 for a λ of 8.5 is no failure.")
def enough_samples(answer):
    right = brentq(lambda n: n / np.log(n) - NBETA_FOR_A_TENTH, 10, 1e9)
    return number(answer, right, rel=0.25, hints={
        NBETA_FOR_A_TENTH: "That is nβ; as n it is too small (n = 5 000 has nβ = 587). Solve n/log n = nβ for n.",
        500_000: "There it is far below 0.1: less will do.",
        4_000 * np.log(4_000): "A good first step. log n has grown: put this n into 4000 log n, and once more.",
    })  # fmt: skip


if __name__ == "__main__":
    makers = {"coefficients": make_coefficients, "training": make_training, "posterior": make_posterior}
    if len(sys.argv) != 2 or sys.argv[1] not in makers:
        sys.exit(f"usage: python -m sltcourse.lessons.superposition {'|'.join(makers)}")
    makers[sys.argv[1]]()
