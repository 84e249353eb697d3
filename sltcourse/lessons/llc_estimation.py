"""Lesson 07, the LLC estimator: the cockpit's runs, live figures, networks of known λ, drawings, checks.

The lesson's own subject, a sampler in ten lines and ``sltcourse.llc.estimate_llc``, stands in the notebook.
``python -m sltcourse.lessons.llc_estimation cockpit`` remakes the runs behind the cockpit (two minutes on a CPU core),
and ``python -m sltcourse.lessons.llc_estimation networks`` the estimates for 10² to 10⁶ parameters (half an hour).
"""

import json
import math
import sys
import textwrap
from functools import cache, reduce
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from matplotlib.colors import ListedColormap
from scipy.stats import gamma as gamma_distribution

from sltcourse.kit import assets, style
from sltcourse.kit.checks import Checks, expression, number
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.kit.progress import progress
from sltcourse.llc import HMC, WhitenedSGLD, default_nbeta, estimate_llc
from sltcourse.llc.chains import DIVERGED, Traces
from sltcourse.llc.result import LEVELS, summarise
from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.localized import POTENTIALS, Volume, exact_llc, langevin

check = Checks("07_llc_estimation")
COLORS = style.COLORS

# ---- the thermometer: from V(ε) to the mean loss --------------------------------------------------------------

VOLUMES = {
    "w⁴": Volume(0.25),
    "w₁² + w₂⁴": Volume(0.75),
    "w₁² + w₂² + w₃²": Volume(1.5),
    "w₁² w₂²": Volume(0.5, 2),
}


def live_thermometer():
    """The posterior of the losses: volume times Boltzmann factor is a hill that moves with nβ; its mean reads λ."""
    betas = 10.0 ** np.arange(0, 10.1, 0.5)
    t = np.linspace(-14, -1e-9, 281) * np.log(10)
    fig, (left, right) = style.figure(1, 2)
    left.set(xlim=(-14, 0), ylim=(0, 1.65), xlabel="loss ε", title="Which losses are met at temperature 1/nβ")
    left.set_xticks(np.arange(-12, 1, 4), ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    left.set_yticks([])
    ends = 0.8, 1.3e10
    right.set(xscale="log", xlim=ends, ylim=(0, 1.9), xlabel="nβ", title="nβ times the mean loss")
    live = LiveFigure(
        fig,
        alt="Left: how much volume there is near each loss, rising with slope λ, times exp(−nβε), a cliff at "
        "ε = 1/nβ. The product, drawn with one area, is a hill that moves left as nβ grows and keeps its shape. "
        "Right: nβ times the mean loss settles on λ.",
        loss=Menu("K", VOLUMES, start="w₁² + w₂⁴"),
        nbeta=Slider("nβ", betas, start=1e4, format=lambda b: style.power(b) if b > 1 else "1"),
    )
    fine = np.geomspace(betas[0], betas[-1], 201)
    heats = {loss: np.array([loss.heat(b) for b in fine]) for loss in VOLUMES.values()}
    heat = cache(lambda loss, nbeta: loss.heat(nbeta))

    x = t / np.log(10)
    live.band(
        left,
        lambda loss, nbeta: (x, 0 * x, loss.hill(t, nbeta) / 0.8),
        color=COLORS["posterior"],
        alpha=0.45,
        label="product (area fixed)",
    )
    live.line(
        left,
        lambda loss: (x, np.exp(loss.log_density(t) - loss.log_density(t).max())),
        color=COLORS["prior"],
        label="volume near ε",
    )
    live.line(
        left,
        lambda nbeta: (x, np.exp(-nbeta * np.exp(t))),
        color=COLORS["loss"],
        linestyle="--",
        label="exp(−nβε)",
    )
    mean = dict(color=COLORS["truth"], markersize=9, zorder=5)
    live.points(
        left, lambda loss, nbeta: (np.log10(heat(loss, nbeta) / nbeta), 0.02), label="posterior mean of ε", **mean
    )
    left.legend(loc="upper left", ncols=2, fontsize=9, columnspacing=1, handlelength=1.6)
    live.line(right, lambda loss: (ends, [loss.lam] * 2), color=COLORS["truth"], label="λ")
    live.line(right, lambda loss: (fine, heats[loss]), color=COLORS["posterior"], label="nβ E[K]")
    live.points(right, lambda loss, nbeta: (nbeta, heat(loss, nbeta)), name="reading", **mean)
    right.legend(loc="upper right", ncols=2)

    def reading(loss, nbeta):
        value = heat(loss, nbeta)
        return f"Mean loss {style.power(value / nbeta)}; times nβ: {value:.3f}. λ = {loss.lam:g}, m = {loss.m}."

    live.caption(reading)
    return live


# ---- the cockpit: 720 settings of a sampler, each with 16 chains -----------------------------------------------


LRS = 10.0 ** np.round(np.arange(-5, -0.3, 1 / 3), 6)
LOCALIZATIONS = np.array([1.0, 10.0, 100.0, 1000.0])
NBETAS = np.array([10.0, 100.0, 1e3, 1e4])
CHAINS = np.array([1, 4, 16])
BURNIN, DRAWS, WINDOW = 500, 4000, 90  # steps; losses are drawn as means over a window
CLOUD = 64  # draws shown in the plane


def diagnose(potential, path, nbeta, localization, lr):
    """The ``LLCResult`` of a ``path`` (steps, chains, 2) at one setting: λ̂, diagnostics and the library's verdict."""
    w_star = np.array(potential.w_star)
    init_loss = float(potential.K(w_star))
    with np.errstate(all="ignore"):
        w = np.where(np.abs(path) < 1e6, path, np.nan).swapaxes(0, 1).astype(float)
        away, loss = w - w_star, potential.K(w)
        force = nbeta * potential.gradient(w) + localization * away
        facts = {
            "distance": np.sqrt((away**2).sum(-1)),
            "tilt": away @ (nbeta * potential.gradient(w_star)),
            "virial": (away * force).mean(-1),
            "step_bias": lr / 8 * (force**2).sum(-1),
        }
        bad = ~(nbeta * (loss - init_loss) <= DIVERGED * (len(w_star) + 1))
    traces = Traces(
        loss=loss[:, BURNIN:],
        burnin_loss=loss[:, :BURNIN],
        first_bad=np.where(bad.any(1), bad.argmax(1) + 1, -1),
        acceptance=None,
        final=None,
        steps=len(path),
        **{name: value[:, BURNIN:] for name, value in facts.items()},
    )
    return summarise(traces, init_loss, nbeta, localization, 2, None, 0.0, 0.0, False, {"lr": lr}, False)


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


@cache
def cockpit():
    """The cockpit's runs as arrays; their first axes are potential, step size, γ and nβ.

    ``llc``, ``std_error``, ``light`` (0 trust, 1 doubtful, 2 don't), ``words`` (index into ``texts``) and ``distance``
    have one entry for each of ``CHAINS``, ``cloud`` (chains, draw, 2) too; ``trace`` (window, chain) has four chains,
    ``steps`` (step, 2) the last of the first chain. ``exact`` has the axes potential, γ, nβ.
    """
    with np.load(assets.path("llc_estimation/cockpit.npz")) as file:
        return {name: file[name].astype(float) if file[name].dtype.kind == "f" else file[name] for name in file}


LEVEL_COLORS = tuple(COLORS[name] for name in ("regular", "highlight", "singular"))
LIGHTS = ("#7fc4ad", "#f1cf78", "#f29a86")  # green, amber and red, pale enough to write on


def live_cockpit():
    """The sampler's instrument panel: three potentials, four knobs, and the light of the library's verdict."""
    data, kinds = dict(cockpit()), list(POTENTIALS.values())
    steps, ends, low, high = BURNIN + DRAWS, (5.5e-6, 0.85), -2, 4

    of_lr, of_pull, of_nbeta, of_chains = (_positions(v) for v in (LRS, LOCALIZATIONS, NBETAS, CHAINS))
    data["drawn"] = np.clip(np.nan_to_num(data["llc"], nan=high), low + 0.25, high - 0.25)  # diverged: at the top

    def at(name, loss, lr, pull, nbeta):
        """An array of the runs at a setting; with ``lr`` None at all step sizes."""
        step = slice(None) if lr is None else of_lr[lr]
        return data[name][kinds.index(loss), step, of_pull[pull], of_nbeta[nbeta]]

    def exact(loss, pull, nbeta):
        return data["exact"][kinds.index(loss), of_pull[pull], of_nbeta[nbeta]]

    fig, axes = style.figure(2, 3, height=4.9, height_ratios=[0.16, 1], width_ratios=[1.15, 1, 1])
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    lamp, (trace, plateau, plane) = fig.add_subplot(grid[0, :]), axes[1]
    lamp.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    lamp.spines[:].set_visible(True)
    trace.set(xlim=(0, steps), ylim=(low, high), xlabel="step", title="nβ (L(w) − L(w*)) of the chains")
    trace.axvspan(0, BURNIN, color=COLORS["muted"], alpha=0.4, linewidth=0)
    trace.text(BURNIN * 1.15, low + 0.15, "grey: burn-in", fontsize=9, color=COLORS["reference"])
    plateau.set(xscale="log", xlim=ends, ylim=(low, high), xlabel="step size ε", title="estimates at every step size")
    plane.set(xlim=(-1, 1), ylim=(-1, 1.6), xlabel="w₁", ylabel="w₂", title="where the chains are")
    plane.set_yticks([-1, -0.5, 0, 0.5, 1])
    plane.grid(False)
    live = LiveFigure(
        fig,
        alt="A sampler's instrument panel. At the top a light, green, amber or red, with the reason. Left: the "
        "loss of each chain against the step. Middle: the estimate and error bar at every step size; the exact λ is "
        "a black line, what perfect chains would read a broken one. Right: the draws in the plane of the parameters.",
        loss=Menu("K", POTENTIALS),
        lr=Slider("step size ε", LRS, start=LRS[6], format=style.power),
        pull=Slider("localization γ", LOCALIZATIONS, start=1),
        nbeta=Slider("nβ", NBETAS, start=100),
        chains=Slider("chains", CHAINS, start=4),
    )
    live.image(
        lamp,
        lambda loss, lr, pull, nbeta, chains: at("light", loss, lr, pull, nbeta)[None, None, of_chains[chains]],
        extent=(0, 1, 0, 1),
        vmin=0,
        vmax=2,
        cmap=ListedColormap(np.repeat(LIGHTS, (86, 84, 86))),
        name="light",
    )
    lamp.set_aspect("auto")

    @cache
    def wrapped(light, words):
        text = f"{LEVELS[light].upper()}: {data['texts'][words]}".replace("(-", "(−")
        return [*textwrap.wrap(text, 108, max_lines=2, placeholder=" …"), ""]

    def verdict(loss, lr, pull, nbeta, chains):
        return wrapped(*(int(at(name, loss, lr, pull, nbeta)[of_chains[chains]]) for name in ("light", "words")))

    live.text(
        lamp, lambda loss, lr, pull, nbeta, chains: (0.01, 0.62, verdict(loss, lr, pull, nbeta, chains)[0]), "verdict"
    )
    live.text(
        lamp, lambda loss, lr, pull, nbeta, chains: (0.01, 0.16, verdict(loss, lr, pull, nbeta, chains)[1]), "more"
    )

    centers = np.r_[WINDOW * (np.arange(steps // WINDOW) + 0.5), np.nan]
    gaps = np.full((1, 4), np.nan)

    def losses(loss, lr, pull, nbeta, chains):
        """The smoothed losses of up to three more chains, one after another, with gaps."""
        lines = np.vstack([at("trace", loss, lr, pull, nbeta), gaps])[:, 1:]
        return np.tile(centers, 3), np.where(chains > 1, lines, np.nan).T.ravel()

    live.line(trace, losses, color=COLORS["posterior"], linewidth=0.9, alpha=0.75, name="losses")
    live.line(
        trace,
        lambda loss, lr, pull, nbeta: (centers[:-1], at("trace", loss, lr, pull, nbeta)[:, 0]),
        color=COLORS["estimate"],
        linewidth=1.3,
        name="first loss",
    )
    for ax, span in ((trace, (0, steps)), (plateau, ends)):
        live.line(ax, lambda loss, span=span: (span, [loss.lam or np.nan] * 2), color=COLORS["truth"], label="λ")
        live.line(
            ax,
            lambda loss, pull, nbeta, span=span: (span, [exact(loss, pull, nbeta)] * 2),
            color=COLORS["theory"],
            linestyle="--",
            label="perfect chains",
        )

    def bars(loss, pull, nbeta, chains):
        value, error = (at(name, loss, None, pull, nbeta)[:, of_chains[chains]] for name in ("llc", "std_error"))
        return np.repeat(LRS, 3), np.column_stack([value - 2 * error, value + 2 * error, value * np.nan]).ravel()

    live.line(plateau, bars, color=COLORS["reference"], linewidth=1.2, name="bars")
    live.points(
        plateau,
        lambda loss, lr, pull, nbeta, chains: (lr, at("drawn", loss, lr, pull, nbeta)[of_chains[chains]]),
        color="white",
        markersize=14,
        markeredgecolor=COLORS["truth"],
        markeredgewidth=1.5,
        name="now",
    )
    for k, color in enumerate(LEVEL_COLORS):

        def lit(loss, pull, nbeta, chains, k=k):
            light, llc = (at(name, loss, None, pull, nbeta)[:, of_chains[chains]] for name in ("light", "drawn"))
            return LRS, np.where(light == k, llc, np.nan)

        live.points(plateau, lit, color=color, markersize=7, markeredgewidth=0, label=LEVELS[k], name=LEVELS[k])
    plateau.legend(loc="upper left", fontsize=8.5, handlelength=1.4)

    def missing(loss, lr, pull, nbeta, chains):
        """Why there is no trace to see: a word in the middle of the empty panel."""
        lines = at("trace", loss, lr, pull, nbeta)[-10:, : min(chains, 4)]
        seen = ((lines > low) & (lines < high)).any()
        word = "" if seen else "diverged" if np.isnan(lines).all() else f"off the scale: {np.nanmean(lines):.3g}"
        return steps / 2, 2, word.replace("-", "−")

    live.text(trace, missing, "missing", ha="center", color=COLORS["reference"])

    axis = np.linspace(-1, 1, 101)  # above it is the legend
    live.region(
        plane,
        lambda loss: loss.K(np.stack(np.meshgrid(axis, axis), -1)),
        lambda nbeta: 1 / nbeta,
        extent=(-1, 1, -1, 1),
        color=COLORS["muted"],
    )

    def inside(w):
        return w[:, 0], np.where(w[:, 1] < 1, w[:, 1], np.nan)

    live.points(
        plane,
        lambda loss, lr, pull, nbeta, chains: inside(at("cloud", loss, lr, pull, nbeta)[of_chains[chains]]),
        color=COLORS["posterior"],
        markersize=3.5,
        markeredgewidth=0,
        name="cloud",
    )
    live.line(
        plane,
        lambda loss, lr, pull, nbeta: inside(at("steps", loss, lr, pull, nbeta)),
        color=COLORS["estimate"],
        linewidth=0.9,
        alpha=0.8,
        name="steps",
    )
    live.points(plane, lambda loss: loss.w_star, color=COLORS["highlight"], markersize=9, name="w_star")
    key = (
        ("s", "", COLORS["muted"], "K ≤ 1/nβ"),
        ("o", "", COLORS["highlight"], "w*"),
        ("o", "", COLORS["posterior"], f"{CLOUD} draws"),
        ("", "-", COLORS["estimate"], "50 steps"),
    )
    handles = [plt.Line2D([], [], marker=m, ls=s, lw=1, markersize=5, color=c, label=text) for m, s, c, text in key]
    plane.legend(handles=handles, loc="upper left", ncols=2, fontsize=8, handlelength=1, columnspacing=0.8)

    def reading(loss, lr, pull, nbeta, chains):
        names = "llc", "std_error", "distance"
        value, error, distance = (at(name, loss, lr, pull, nbeta)[of_chains[chains]] for name in names)
        shown = f"λ̂ = {value:.2f} ± {error:.2f}" if np.isfinite(value) else "No chain survived"
        truth = f"λ = {loss.lam:g}" if loss.lam else "no minimum, so no λ"
        there = f" Distance from w*: about {distance:.2g}." if np.isfinite(distance) else ""
        return f"{shown}; perfect chains would read {exact(loss, pull, nbeta):.2f}; {truth}.{there}".replace("-", "−")

    live.caption(reading)
    return live


def _positions(values):
    return {value: k for k, value in enumerate(values)}


# ---- networks whose λ is known --------------------------------------------------------------------------------


def hessian(model, inputs, targets, loss):
    """The Hessian (d, d) of ``loss(model(inputs), targets)`` at the model's parameters, for small d."""
    names, values = zip(*((k, p.detach()) for k, p in model.named_parameters()), strict=True)

    def of_vector(w):
        parts = [part.view(v.shape) for part, v in zip(w.split([v.numel() for v in values]), values, strict=True)]
        return loss(torch.func.functional_call(model, dict(zip(names, parts, strict=True)), (inputs,)), targets)

    return torch.func.hessian(of_vector)(torch.cat([v.ravel() for v in values]))


N_NETWORKS = 10**6  # n of the estimates kept in assets: nβ = n/log n


def deepest_point(widths, rank, rng):
    """The layers of a linear network at a most singular parameter with a product of rank ``rank``.

    ``widths`` (H_1, …, H_{L+1}); the l-th layer is Q_{l+1} diag(1, …, 1, 0, …, 0) Q_lᵀ with ``rank`` ones and random
    orthogonal Q, shape (H_{l+1}, H_l). There K is, in suitable coordinates, a sum of r(H_1 + H_{L+1}) − r² squares and
    the loss of a network of widths H_i − r at the origin, so that the local λ is the global one (Aoyagi 2024).
    """
    frames = [np.linalg.qr(rng.normal(size=(width, width)))[0][:, :rank] for width in widths]
    return [out @ into.T for into, out in pairwise(frames)]


def linear_loss(layers, dtype=torch.float64, device="cpu"):
    """(f, w*): the loss f(w) = ½ ‖W_L ⋯ W_1 − A‖², A the product of ``layers``, and their entries as a vector.

    f is E over x ~ N(0, 1) of the regression loss ½ |W_L ⋯ W_1 x − A x|², the mean over x taken exactly. A and w*
    have ``dtype`` and live on ``device``.
    """
    target = torch.tensor(multiply(layers), dtype=dtype, device=device)
    shapes = [layer.shape for layer in layers]
    sizes = [layer.size for layer in layers]

    def loss(w):
        product = multiply([part.view(shape) for part, shape in zip(w.split(sizes), shapes, strict=True)])
        return 0.5 * (product - target.to(w.dtype)).square().sum()

    return loss, torch.tensor(np.concatenate([layer.ravel() for layer in layers]), dtype=dtype, device=device)


def multiply(layers):
    """W_L ⋯ W_1 of the list (W_1, …, W_L)."""
    return reduce(lambda product, layer: layer @ product, layers)


def some_linear_networks(count=32, seed=0):
    """(widths, rank) of random deep linear networks with about 10² to 10⁶ parameters and 2 to 5 layers."""
    rng = np.random.default_rng(seed)
    for size in np.geomspace(120, 1e6, count):
        shape = np.exp(rng.uniform(-0.5, 0.5, rng.integers(3, 7)))
        widths = [max(2, round(h)) for h in shape * math.sqrt(size / (shape[1:] * shape[:-1]).sum())]
        yield widths, 0 if rng.random() < 1 / 3 else int(rng.integers(1, min(widths) + 1))


def network_for(device):
    """(size, widths, rank) of the network that section 7 measures live: about 10⁶ parameters on "cuda", else 1200."""
    return ("larger", [700, 700, 700], 350) if device == "cuda" else ("smaller", [30, 20, 30], 10)


def estimate_linear_network(widths, rank, seed=0):
    """λ̂ of one network by SGLD, and by exact HMC where d < 3·10⁴, beside λ: a dict of plain numbers."""
    loss, w_star = linear_loss(deepest_point(widths, rank, np.random.default_rng(seed)))
    d, lam = len(w_star), deep_linear_network(widths, rank)
    steps = 1500 if d < 3e5 else 750
    row = {"widths": widths, "rank": rank, "d": d, "lam": float(lam[0]), "m": lam[1]}
    runs = {"sgld": (WhitenedSGLD(lr=0.02), steps)} | ({"hmc": (HMC(lr=1e-5), 300)} if d < 3e4 else {})
    for name, (sampler, draws) in runs.items():
        result = estimate_llc(
            loss,
            at=w_star,
            sampler=sampler,
            num_chains=8 if d < 3e4 else 4,
            num_draws=draws,
            num_burnin_steps=draws,
            nbeta=default_nbeta(N_NETWORKS),
            dtype=torch.float32,
            seed=seed,
        )
        row[name] = {"llc": result.llc, "std_error": result.std_error, "verdict": result.verdict.word}
    return row


# ---- pictures that stand still --------------------------------------------------------------------------------


def draw_hill(heat, lam):
    """The histogram of log₁₀ of ``heat``, draws of nβK of any shape, beside a Gamma density of shape ``lam``."""
    fig, ax = style.figure(height=3.2)
    x = np.linspace(-8, 1.2, 300)
    ax.hist(np.log10(heat[heat > 0]), bins=80, range=(-8, 1.2), density=True, color=COLORS["posterior"], alpha=0.45)
    density = gamma_distribution(lam).pdf(10**x) * 10**x * np.log(10)
    ax.plot(x, density, color=COLORS["theory"], label=f"Gamma distribution of shape {lam:g}")
    ax.set(xlabel="nβ K(w)", yticks=[], xlim=(-8, 1.2))
    ax.set_xticks(np.arange(-8, 2, 2), [style.power(10.0**k) if k else "1" for k in range(-8, 2, 2)])
    ax.legend(loc="upper left")
    return fig


def draw_chains(heat, mean, exact):
    """Left ``heat`` (steps, chains), smoothed, and the ``mean`` of many chains; right each chain's own mean."""
    fig, (left, right) = style.figure(1, 2, height=3.2, width_ratios=[2.2, 1])
    _traces(left, heat)
    _traces(left, mean[:, None], color=COLORS["estimate"], lw=2.2, alpha=1, label="mean of many chains")
    right.plot(np.arange(heat.shape[1]) + 1, heat.mean(0), "o", color=COLORS["posterior"])
    for ax in (left, right):
        ax.axhline(exact, color=COLORS["theory"], ls="--", label="perfect chains")
    left.set(xlabel="step", ylim=(0, 1.2), xlim=(0, len(heat)), title="nβ K, means of 100 steps")
    left.legend(
        loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=2, fontsize=9.5, columnspacing=0.8, handlelength=1.2,
        borderpad=0,
    )  # fmt: skip
    right.set(xlabel="chain", ylim=(0, None), xticks=range(1, heat.shape[1] + 1), title="each chain's mean")
    return fig


def _traces(ax, heat, window=100, **looks):
    smooth = heat[: len(heat) // window * window].reshape(-1, window, heat.shape[1]).mean(1)
    looks = {"color": COLORS["posterior"], "lw": 1, "alpha": 0.75, **looks}
    ax.plot((np.arange(len(smooth)) + 0.5) * window, smooth, **looks)


MYSTERIES = {"A": (4e-7, 0), "B": (1e-3, 0), "C": (2e-4, 2), "D": (2e-4, 0)}  # step size, which potential
DIAGNOSES = {"A": "too short", "B": "step too large", "C": "no minimum", "D": "fine"}


def mystery_runs(seed=3):
    """{letter: nβ(K(w) − K(w*)) of four chains, shape (4000, 4)} on K = w₁² + w₂⁴ at nβ = 1000, γ = 1."""
    noise, kinds = np.random.default_rng(seed).normal(size=(4000, 4, 2)), list(POTENTIALS.values())
    runs = {}
    for letter, (lr, which) in MYSTERIES.items():
        kind = kinds[which]
        nbeta, pull, step = (np.full((1, 1, 1), x) for x in (1000.0, 1.0, lr))
        path = langevin(kind.gradient, kind.w_star, nbeta, pull, step, noise)[:, 0].astype(float)
        runs[letter] = 1000 * (kind.K(path) - kind.K(np.array(kind.w_star)))
    return runs


def show_mystery_runs():
    """Show the four runs of the diagnosis exercise, each with λ = ¾."""
    fig, axes = style.figure(1, 4, height=3.2, sharey=True)
    for ax, (letter, heat) in zip(axes, mystery_runs().items(), strict=True):
        _traces(ax, heat)
        ax.axhline(0.75, color=COLORS["truth"])
        ax.set(title=letter, xlabel="step", ylim=(-2, 3), xticks=[0, 2000, 4000])
    axes[0].set_ylabel("nβ (L(w) − L(w*))")
    style.show(
        fig,
        alt="Four panels with the loss of four chains each. A starts at zero, and its chains never agree. B is jagged "
        "around 1.3 from the start. C falls below zero at once and mostly stays there. D scatters evenly around 0.75.",
    )


def draw_results(results, lams, half_rank):
    """The estimates with two standard errors beside λ, d/2 and half the Hessian's rank, and the verdicts in words.

    ``results``: {units: LLCResult}; ``lams``: {units: λ}.
    """
    fig, ax = style.figure(height=0.95 * len(results) + 1.1)
    for row, (units, result) in enumerate(results.items()):
        marks = [ax.errorbar(result.llc, row - 0.1, xerr=2 * result.std_error, **_ESTIMATE)]
        marks += ax.plot([lams[units]] * 2, [row - 0.25, row + 0.35], color=COLORS["truth"], lw=1.5, zorder=1)
        marks += ax.plot(result.dim / 2, row + 0.2, "s", ms=9, mfc="none", mew=2, color=COLORS["regular"])
        marks += ax.plot(half_rank, row + 0.2, "D", ms=5, color=COLORS["theory"])
        words = (
            f"{result.llc:.2f}, standard error {result.std_error:.2f}; "
            f"{textwrap.shorten(str(result.verdict), 90, placeholder=' …')}"
        )
        ax.text(0.02, row - 0.4, words, fontsize=9, transform=ax.get_yaxis_transform())
    names = [f"{units} unit{'s' * (units > 1)}" for units in results]
    ax.set(yticks=range(len(results)), yticklabels=names, ylim=(len(results) - 0.5, -0.65), xlim=(0, None), xlabel="λ")
    labels = ["estimate ± 2 standard errors", "λ", "d/2", "rank/2"]
    ax.legend(marks, labels, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    return fig


_ESTIMATE = dict(fmt="o", color=COLORS["estimate"], capsize=4)


def draw_ladder(results, lam):
    """The estimates with two standard errors against the localization, beside ``lam``. ``results``: {γ: LLCResult}."""
    fig, ax = style.figure(height=3.2)
    for pull, result in results.items():
        ax.errorbar(pull, result.llc, 2 * result.std_error, **_ESTIMATE)
        words = f"{result.llc:.2f}, {result.verdict.word}"
        ax.annotate(words, (pull, result.llc), (10, -14), textcoords="offset points", fontsize=10)
    ax.axhline(lam, color=COLORS["truth"], label=f"λ = {lam:g}")
    ax.set(xscale="log", xlim=(3e4, 2), ylim=(0, 2.1), xlabel="localization γ", ylabel="estimate")
    ax.set_xticks(list(results), list(map(style.number, results)))
    ax.set_xticks([], minor=True)
    ax.legend(loc="lower right")
    return fig


def draw_training(readings, lam):
    """The estimates along a training run, beside ``lam``. ``readings``: {label: {step: LLCResult}}."""
    fig, axes = style.figure(1, len(readings), height=3.6, sharey=True)
    for ax, (label, results) in zip(axes, readings.items(), strict=True):
        ax.axhline(lam, color=COLORS["truth"], label=f"λ = {lam:g}")
        for step, result in results.items():
            color = LEVEL_COLORS[LEVELS.index(result.verdict.word)]
            ax.plot(step, result.llc, "o", color=color, markersize=8)
            said = style.number(float(f"{result.llc:.2g}"), 2)
            place = dict(y=6, va="bottom") if result.llc > 0 else dict(y=2.5 * result.llc, va="top")
            ax.text(step, s=f"{said}\n{result.verdict.word}", ha="center", fontsize=10, **place)
        ax.set(xscale="log", xlim=(50, 9000), ylim=(-1e7, 500), xlabel="training steps", title=label)
        ax.set_xticks(list(results), list(map(style.number, results)), minor=False)
        ax.set_xticks([], minor=True)
        ax.set_yscale("symlog", linthresh=1, linscale=0.5)
        ax.set_yticks([-1e5, -1e3, -10, 0, 10], ["−10⁵", "−10³", "−10", "0", "10"])
        ax.legend(loc="lower right")
    axes[0].set_ylabel("estimate")
    return fig


def draw_rescaled(scales, estimates, lam):
    """λ̂ with two standard errors against the rescaling α. ``estimates``: {name: list of LLCResult}; nan: "diverged"."""
    fig, ax = style.figure(height=3.2)
    for (name, results), color in zip(estimates.items(), ("estimate", "singular"), strict=False):
        alive = np.array([np.isfinite(r.llc) for r in results])
        value, error = np.array([[r.llc, 2 * r.std_error] for r in results]).T
        ax.errorbar(scales[alive], value[alive], error[alive], fmt="o", color=COLORS[color], capsize=4, label=name)
        ax.plot(scales[~alive], np.full((~alive).sum(), 1.9), "x", ms=9, mew=2, color=COLORS[color])
        for x in scales[~alive]:
            ax.text(x, 1.75, "diverged", ha="center", va="top", fontsize=9, color=COLORS[color])
    ax.axhline(lam, color=COLORS["truth"], label="λ")
    ax.set(xscale="log", ylim=(0, 2.5), xlabel="α", ylabel="estimate")
    ax.legend(loc="upper left", ncols=3)
    return fig


@cache
def networks():
    """The kept estimates of deep linear networks: a list of what ``estimate_linear_network`` returns."""
    return json.loads(assets.path("llc_estimation/networks.json").read_text(encoding="utf-8"))


def draw_networks(rows):
    """Left λ̂ against exact λ; right the relative error against the number of parameters; a figure."""
    fig, (left, right) = style.figure(1, 2)
    ends = 5, 2e5
    left.plot(ends, ends, color=COLORS["truth"], lw=1, label="estimate = λ")
    for name, color, marker, label in (("sgld", "estimate", "o", "SGLD"), ("hmc", "singular", "x", "HMC")):
        lam, d, llc, error = np.array(
            [[r["lam"], r["d"], r[name]["llc"], r[name]["std_error"]] for r in rows if name in r]
        ).T
        left.plot(lam, llc, marker, color=COLORS[color], label=label, markersize=5)
        looks = dict(color=COLORS[color], markersize=5, elinewidth=1.2)
        right.errorbar(d, llc / lam - 1, 2 * error / lam, fmt=marker, label=f"{label} ± 2 standard errors", **looks)
    left.plot([r["lam"] for r in rows], [r["d"] / 2 for r in rows], "s", ms=4, color=COLORS["regular"], label="d/2")
    right.axhline(0, color=COLORS["truth"], lw=1)
    left.set(xscale="log", yscale="log", xlim=ends, xlabel="exact λ", title="estimate against exact λ")
    right.set(xscale="log", ylim=(-0.4, 0.4), xlabel="parameters d", title="relative error (estimate − λ)/λ")
    left.legend(loc="upper left")
    right.legend(loc="upper right")
    return fig


# ---- the exercises --------------------------------------------------------------------------------------------

_s, _lam, _h, _gamma = sp.symbols("s lambda h gamma", positive=True)


@check.exercise("Mean λ and variance λ: what a Gamma distribution of shape λ has.")
def variance(answer):
    return expression(answer, _lam, hints={
        _lam / _s**2: "That is the variance of K. Times s it becomes s² times as large.",
        _lam / _s: "That is the mean of K.",
        _lam * (_lam + 1): "That is the mean of (sK)². Subtract the square of the mean.",
        sp.sqrt(_lam): "That is the standard deviation.",
    })  # fmt: skip


@check.exercise("N = 10⁴/λ: a large λ is measured more easily, relative to its size, than a small one.")
def draws(answer):
    answer = answer.tolist() if hasattr(answer, "tolist") else answer  # an array or a tensor
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return "A pair is wanted: the number of draws for λ = ¼, and the one for λ = 2500."
    if number(answer[0], 4, rel=0.02) is None and number(answer[1], 40_000, rel=0.02) is None:
        return "The right numbers, the other way round: λ = ¼ comes first."
    for value, lam in zip(answer, (0.25, 2500), strict=True):
        why = number(value, 1e4 / lam, rel=0.02, hints={
            1e4 * lam: "The other way round: √(λ/N) = 0.01 λ, so N falls with λ.",
            100 / math.sqrt(lam): "Take the square: √(λ/N) = 0.01 λ.",
            100 / lam: "Square the 100 as well: √(λ/N) = 0.01 λ.",
            1e4: "This would be an absolute error of 0.01 √λ; 1 % of λ is wanted.",
        })  # fmt: skip
        if why:
            return f"λ = {lam:g}: {why}"


@check.exercise("½ if nβh is far above γ, next to nothing if it is far below.")
def spring(answer):
    return expression(answer, _s * _h / (2 * (_s * _h + _gamma)), hints={
        sp.Rational(1, 2): "That is λ, the limit of large nβ. Keep γ.",
        1 / (2 * (_s * _h + _gamma)): "That is half the variance of w. The reading is nβ·h times it.",
        1 / (_s * _h + _gamma): "That is the variance of w. The reading is nβ·h/2 times it.",
        sp.Rational(1, 2) * _h / (_s * _h + _gamma): "That is the mean loss. Multiply by nβ.",
        _s * _h / (_s * _h + _gamma): "Nearly: the loss is h w²/2. Where is its ½?",
    })  # fmt: skip


@check.exercise("1.8·10⁻⁴: the stiffest direction of a model sets the step of all.")
def step(answer):
    return number(answer, 4 * (1 - 1 / 1.1) / 2000, rel=0.02, hints={
        4 / 2000: "At εa = 4 the chain diverges. Ten per cent comes earlier.",
        0.4 / 2000: "Nearly: 1/(1 − x) = 1.1 has x = 1 − 1/1.1, not 0.1.",
        4 * (1 - 1 / 1.1) / 1000: "The stiffness is a = nβ·h = 2000, not 1000.",
    })  # fmt: skip


@check.exercise("Chains that disagree, level but too high, below zero: three looks before any number.")
def diagnosis(answer):
    if not isinstance(answer, dict) or set(answer) != set(DIAGNOSES):
        return "A dictionary with the keys A, B, C and D is wanted."
    looks = {
        "A": "A starts at zero, and its chains disagree to the end.",
        "B": "B is level, but above the black line.",
        "C": "C is below zero: there is a smaller loss nearby.",
        "D": "D scatters about the black line from early on.",
    }
    for letter, right in DIAGNOSES.items():
        said = str(answer[letter]).strip().lower()
        if said not in DIAGNOSES.values():
            labels = ", ".join(f'"{label}"' for label in sorted(DIAGNOSES.values()))
            return f"{letter}: {answer[letter]!r} is none of the four labels, {labels}."
        if said != right:
            return f"Look at {letter} again. {looks[letter]}"


# ---- remaking the assets --------------------------------------------------------------------------------------


def main(arguments):
    """``python -m sltcourse.lessons.llc_estimation cockpit|networks`` remakes an asset of the lesson."""
    made = {"cockpit": ("cockpit.npz", _save_cockpit), "networks": ("networks.json", _save_networks)}
    if len(arguments) != 1 or arguments[0] not in made:
        sys.exit("usage: python -m sltcourse.lessons.llc_estimation cockpit|networks")
    name, save = made[arguments[0]]
    (assets.folder() / "llc_estimation").mkdir(exist_ok=True)
    save(assets.folder() / "llc_estimation" / name)
    assets.record(f"llc_estimation/{name}", f"python -m sltcourse.lessons.llc_estimation {arguments[0]}", "cpu")


def _save_cockpit(file):
    np.savez_compressed(file, **make_cockpit())


def _save_networks(file):
    """Estimate one network after another; the file holds those that are done, whenever the run ends."""
    rows = []
    for network in progress(list(some_linear_networks()), "networks"):
        rows.append(estimate_linear_network(*network))
        file.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
