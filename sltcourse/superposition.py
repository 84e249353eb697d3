"""Lesson 08, the toy model of superposition: the model for PyTorch, its training, what is slow, live figures, checks.

The exact mathematics, from the loss to the free energies, stands in ``sltcourse.theory.superposition_model``.

What is slow lies in ``assets/superposition``; ``python -m sltcourse.superposition NAME`` remakes it, for the NAMEs
``coefficients``, ``training`` and ``posterior``.
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
    c = len(w) // 3
    W, b = w[: 2 * c].reshape(2, c), w[2 * c :].expand(c, c)
    g = W.T @ W
    away = torch.where(g.abs() < 1e-30, 1e-30, g)
    at = (-b / away).clamp(0, 1).detach()
    low, high = torch.where(away < 0, 0, at), torch.where(away < 0, at, 1)
    m0, m1, m2 = (((high**k - low**k) / (k * c)) for k in (1, 2, 3))
    own = (g * m2 + b * m1).diagonal().sum()
    return (g * g * m2 + 2 * g * b * m1 + b * b * m0).sum() - 2 * own + 1 / 3


# ---- what is slow, kept in assets ---------------------------------------------------------------------------------

NBETAS = 10.0 ** np.arange(2, 8.5, 0.5)
N_TRAIN = (100, 200, 300, 500, 1000, 2000, 3000)
STEPS = np.unique(np.r_[0, np.round(np.geomspace(5, 20_000, 27))]).astype(int)
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
    assets.record(f"superposition/{file.name}", f"python -m sltcourse.superposition {name}", "CPU, 2 cores")


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


def make_training():
    """Gradient descent on L_n for many n, with λ̂ along the way; and how many of many runs leave the square."""
    states, losses, llcs, errors = [], [], [], []
    for kind in STARTS.values():
        x = sample(max(N_TRAIN), np.random.default_rng(kind))
        for n in N_TRAIN:
            loss = sample_loss(x[:n])
            path = descend(start(kind, kind), STEPS[-1], loss, keep=set(STEPS.tolist()))
            nbeta = n / np.log(n)
            runs = estimate_llc(
                Superposition(path[0]), torch.tensor(x[:n], dtype=torch.float32), squared_error,
                at=[Superposition(w).state_dict() for w in path], sampler=SGLD(lr=0.145 / nbeta),
                num_chains=8, num_draws=500, num_burnin_steps=0, batch_size=min(n, 250),
            )  # fmt: skip
            states.append(path)
            losses.append(loss(path)[0])
            llcs.append([r.llc for r in runs])
            errors.append([r.std_error for r in runs])
            print(kind, n, [f"{name_of(w)} {r.llc:.1f}" for w, r in zip(path, runs, strict=True)][::6], flush=True)
    shape = (len(STARTS), len(N_TRAIN), len(STEPS))
    results = {"states": np.reshape(states, (*shape, -1)).astype(np.float32)}
    results |= {k: np.reshape(v, shape) for k, v in (("loss", losses), ("llc", llcs), ("se", errors))}

    sizes = (100, 300, 1_000, 3_000, 10_000, 30_000)
    square = polygon(4, 1, 0, dead=0)
    left = []
    for n in sizes:
        rng = np.random.default_rng(n)
        x = np.stack([sample(n, rng) for _ in range(40)])
        end = descend(square + 0.01 * rng.standard_normal((40, 18)), STEPS[-1], sample_loss(x))
        left.append((corners(end)[0] > 4).sum())
        print(n, left[-1], "of 40 left the square", flush=True)
    results |= {"sizes": sizes, "left": left}

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
    results = {"n": n, "loss": loss.mean(1), "loss_se": _error(loss), "shown_n": n[row], "shown": shown}
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
    ax.set(xlim=(-size, size), ylim=(-size, size), xticks=[], yticks=[], aspect="equal")
    ax.grid(False)


def live_polygon():
    """Length and bias of a k-gon on sliders: the columns, and what every output says when feature 1 is on."""
    lengths, biases = np.round(np.arange(0.7, 1.51, 0.025), 3), np.round(np.arange(-0.9, 0.31, 0.05), 2)
    fig, (left, right) = style.figure(1, 2, width_ratios=[0.75, 1])
    _plane(left)
    left.set_title("the columns of W")
    right.plot([0, 1], [0, 1], color=COLORS["truth"], lw=1, ls="--", label="wanted of output 1; 0 of the others")
    right.set(xlim=(0, 1), ylim=(-0.05, 2.25), xlabel="μ, the size of feature 1", ylabel="output")
    live = LiveFigure(
        fig,
        alt="Left: the columns of W as arrows to the corners of a regular polygon. Right: outputs against the input; "
        "a negative bias silences the neighbours and shrinks the wanted output.",
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
    looks = (("output 1", "estimate"), ("its two neighbours", "singular"), ("the two after them", "theory"))
    for j, (label, color) in enumerate(looks):
        live.line(
            right,
            lambda k, length, bias, j=j: output(k, length, bias, j),
            name=label,
            color=COLORS[color],
            label=label,
            lw=2.5 - j / 2,
        )
    right.legend(loc="upper left")

    def caption(k, length, bias):
        loss, _ = population_loss(polygon(k, length, bias))
        given_up = (FEATURES - k) / (3 * FEATURES)
        return (
            f"{k} corners, l = {length:.3f}, b = {style.number(bias)}: loss {loss:.4f}, {given_up:.4f} of it for the "
            f"features given up. The best {k}-gon has {population_loss(POLYGONS[str(k)])[0]:.4f}."
        )

    return live.caption(caption)


def live_training():
    """Slide the training step and the number of samples: the columns of W, the loss, and λ̂ along the run."""
    data = asset("training")
    at = {kind: i for i, kind in enumerate(STARTS)}
    size, step = ({v: i for i, v in enumerate(values)} for values in (N_TRAIN, STEPS.tolist()))
    shown = np.where(data["llc"] > 0, data["llc"], np.nan)
    time = np.maximum(STEPS, 2)

    fig, (plane, left, right) = style.figure(1, 3, height=3.4)
    _plane(plane)
    for ax, title, top in ((left, "loss Lₙ", 0.38), (right, "estimate λ̂ at n/log n", 12)):
        ax.set(xscale="log", xlim=(1.8, 25_000), ylim=(0, top), title=title, xlabel="training step")
        ax.set_xticks([2, 10, 100, 1000, 10_000], ["0", "10", "10²", "10³", "10⁴"])
        ax.minorticks_off()
    live = LiveFigure(
        fig,
        alt="Left: the six columns of W during training. Middle: the loss against the training step, a staircase going "
        "down. Right: the estimated local learning coefficient, which goes up where the loss goes down.",
        run=Menu("start", list(STARTS), start="square, one feature awake"),
        n=Slider("n", N_TRAIN, start=500),
        step=Slider("training step", STEPS, start=STEPS[len(STEPS) // 2]),
    )

    def state(run, n, step, step_of=step):
        return data["states"][at[run], size[n], step_of[int(step)]].astype(float)

    def row(key, run, n):
        return data[key][at[run], size[n]]

    live.line(plane, lambda run, n, step: _outline(state(run, n, step)), name="outline", color=COLORS["muted"])
    live.line(plane, lambda run, n, step: _arrows(state(run, n, step)), name="columns", color=COLORS["estimate"])
    live.points(
        plane, lambda run, n, step: tuple(unpack(state(run, n, step))[0]), name="tips", color=COLORS["estimate"]
    )
    live.text(plane, lambda run, n, step: (-1.5, 1.3, name_of(state(run, n, step))), name="name", fontsize=17)
    live.line(left, lambda run, n: (time, row("loss", run, n)), name="loss", color=COLORS["loss"])
    live.band(
        right,
        lambda run, n: (time, shown[at[run], size[n]] - row("se", run, n), shown[at[run], size[n]] + row("se", run, n)),
        name="error", color=COLORS["estimate"],
    )  # fmt: skip
    live.line(right, lambda run, n: (time, shown[at[run], size[n]]), name="llc", color=COLORS["estimate"])
    live.points(
        left, lambda run, n, step, s=step: (max(step, 2), row("loss", run, n)[s[int(step)]]), name="loss now",
        color=COLORS["loss"], markersize=9,
    )  # fmt: skip
    live.points(
        right, lambda run, n, step, s=step: (max(step, 2), shown[at[run], size[n]][s[int(step)]]), name="llc now",
        color=COLORS["estimate"], markersize=9,
    )  # fmt: skip

    def caption(run, n, step, s=step):
        i = s[int(step)]
        llc, error = row("llc", run, n)[i], row("se", run, n)[i]
        said = f"λ̂ = {llc:.1f} ± {error:.1f}" if llc > 0 else "λ̂ is negative, so this is no minimum and it is not drawn"
        loss, name = row("loss", run, n)[i], name_of(state(run, n, step))
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

    fig, (plane, left, right) = style.figure(1, 3, height=3.5)
    _plane(plane, 2.5)
    plane.set_title("48 draws of W, turned")
    left.set(xscale="log", xlim=(9, 4300), ylim=(-8, 12), xlabel="n", title="F − F(6-gon)")
    right.set(xscale="log", xlim=(9, 4300), ylim=(0, 1.12), xlabel="n", title="share of the posterior")
    left.axhline(0, color=COLORS["regular"], lw=1.5)
    for name in ("4", "5", "5⁺"):
        color = COLORS[PHASE_COLORS[name]]
        left.plot(n, free_energy(name, n) - free_energy("6", n), color=color, label=f"{name}, formula")
    left.plot(n[trusted], sampled[trusted], ".", color=COLORS["singular"], markersize=6, label="5, sampled")
    left.legend(loc="upper left", fontsize=8.5, handlelength=1.3, borderpad=0)
    for s, name, label in zip(share, ("3", "4", "5", "6"), ("≤ 3", "4", "5", "6"), strict=True):
        color = COLORS[PHASE_COLORS.get(name, "reference")]
        right.plot(n, s, color=color)
        peak = {"3": 1, "6": len(n) - 12}.get(name, np.argmax(s))
        right.text(n[peak], s[peak] + (-0.09 if name == "3" else 0.04), label, color=color)
    live = LiveFigure(
        fig,
        alt="Left: the tips of the columns of W in draws from the posterior, a cloud at small n, five clusters around "
        "n = 150, six clusters beyond 500. Middle: free energies of the polygons by the formula cross at n = 601, the "
        "sampled ones near 250. Right: the shares of the polygons in the posterior.",
        n=Slider("n", n, start=n[np.argmin(np.abs(n - 150))], format=lambda v: style.number(round(v))),
    )
    clouds = [_turned(draws) for draws in shown]
    live.points(
        plane, lambda n: clouds[position[n]], name="draws", color=COLORS["posterior"], markersize=4, alpha=0.6,
        markeredgewidth=0,
    )  # fmt: skip
    for ax, span in ((left, (-8, 12)), (right, (0, 1))):
        live.line(ax, lambda n, span=span: ([n, n], span), name=f"now {span[0]}", color=COLORS["truth"], lw=1)

    def caption(n):
        i = position[n]
        formula = min(("4", "5", "5⁺", "6"), key=lambda name: free_energy(name, n))
        return (
            f"n = {style.number(round(n))}: the formula prefers the {formula}-gon. In the posterior "
            f"{100 * share[2, i]:.0f} % are 5-gons and {100 * share[3, i]:.0f} % are 6-gons."
        )

    return live.caption(caption)


def _turned(draws):
    """The tips of all columns of several W, each turned so that its longest column points to the right."""
    W, _ = unpack(draws)
    z = W[:, 0] + 1j * W[:, 1]
    longest = z[np.arange(len(z)), np.abs(z).argmax(1)]
    z = (z * (np.abs(longest) / longest)[:, None]).ravel()
    return z.real, z.imag


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
        for name, hue in zip(names, hues, strict=True):
            llc, se, below = (np.array(data[name][key]) for key in ("llc", "se", "below"))
            stays = (below < 0.05) & (llc > 0)
            ax.errorbar(nbeta[stays], llc[stays], 2 * se[stays], fmt="o", color=COLORS[hue], label=name, markersize=5)
            ax.axhline(COEFFICIENTS[name], color=COLORS[hue], ls="--", lw=1)
        ax.set(xscale="log", xlabel="nβ", ylim=(3, 12), xlim=(60, 2e8))
        ax.legend(loc="upper right", ncols=3)
    axes[0].set_ylabel("λ̂ = nβ (E[L] − L(w*))")
    return fig


# ---- the exercises ------------------------------------------------------------------------------------------------

NBETA_FOR_A_TENTH = 4_500  # where expected_llc("6", nβ) − 8.5 = 0.1
_c = sp.Symbol("c", positive=True)


@check.exercise(
    "Without a column all one can do is guess, and the best guess is the mean of the feature: ½ once in c times."
)
def dead_bias(answer):
    return expression(answer, 1 / (2 * _c), hints={
        sp.Rational(1, 2): "The best guess when the feature is on. That is once in c times, b² is always paid.",
        1 / _c: "Nearly: the derivative of c b² is 2 c b.",
        sp.Rational(1, 12): "That is right for c = 6: write it with the symbol c.",
        1 / (4 * _c**2): "That is what the guess gains, divided by c; the question is where the minimum lies.",
    })  # fmt: skip


@check.exercise("Six features, six guesses of 1/12: every run waits at 7/24 until a column grows.")
def plateau(answer):
    return number(answer, 7 / 24, rel=2e-3, hints={
        1 / 3: "That is the loss at W = 0, b = 0. The biases move first, and each of them gains something.",
        1 / 3 - 1 / 144: "One feature makes that gain, 1/(4c²). All six do.",
        1 / 3 - 1 / 4: "That is far too low: the gain of one feature is 1/(4c²), not 1/(4c).",
    })  # fmt: skip


@check.exercise("A dead feature of a 5-gon is free in three numbers and saves 3/2: λ = 14/2 against 23/2.")
def count(answer):
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
        2 * right: "The prior charges half of the squared norm.",
        0.0: "Without the prior's term the 6-gon would indeed always win; keep the term.",
    })  # fmt: skip


@check.exercise("Tens of thousands of samples for one decimal: at n = 5 000, reading 9 for a λ of 8.5 is no failure.")
def enough_samples(answer):
    right = brentq(lambda n: n / np.log(n) - NBETA_FOR_A_TENTH, 10, 1e9)
    return number(answer, right, rel=0.3, hints={
        NBETA_FOR_A_TENTH: "That is nβ. With β = 1/log n, solve n/log n = nβ for n.",
        500_000: "There it is far below 0.1: less will do.",
    })  # fmt: skip


if __name__ == "__main__":
    makers = {"coefficients": make_coefficients, "training": make_training, "posterior": make_posterior}
    if len(sys.argv) != 2 or sys.argv[1] not in makers:
        sys.exit(f"usage: python -m sltcourse.superposition {'|'.join(makers)}")
    makers[sys.argv[1]]()
