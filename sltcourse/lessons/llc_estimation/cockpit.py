"""The cockpit of lesson 07: one knob of a sampler at a time, on a potential of two parameters, the learner's too."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.llc import SGLD, LLCResult
from sltcourse.llc.draws import first_bad
from sltcourse.llc.samplers import to_json
from sltcourse.llc.verdict import LEVELS
from sltcourse.theory.localized import exact_llc, langevin
from sltcourse.theory.newton import learning_coefficient

COLORS = style.COLORS
LEVEL_COLORS = tuple(COLORS[name] for name in ("regular", "highlight", "singular"))
LIGHTS = ("#7fc4ad", "#f1cf78", "#f29a86")  # green, amber and red, pale enough to write on
BURNIN, DRAWS, WINDOW, CLOUD = 500, 4000, 90, 64  # steps; losses are drawn as means over a window; draws in the plane
KNOBS = {  # name: label, values, how a value is written
    "lr": ("step size ε", 10.0 ** np.round(np.arange(-5, -0.9, 1 / 3), 6), style.power),
    "nbeta": ("nβ", 10.0 ** np.arange(1, 5.1, 0.5), style.power),
    "localization": ("localization γ", 10.0 ** np.arange(0, 4.1, 0.5), lambda g: style.number(float(f"{g:.2g}"))),
    "chains": ("chains", np.array([1, 2, 4, 8, 16]), style.number),
}
W1, W2 = sp.symbols("w1 w2", real=True)
VALLEY = W1**2 + W2**4


class Potential(NamedTuple):
    """K on arrays (…, 2) to (…), its gradient (…, 2), the point w* (2,), and λ there where it is known, else None."""

    K: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    w_star: np.ndarray
    lam: float | None


def potential(K: sp.Expr | Callable[[torch.Tensor], torch.Tensor], at: ArrayLike = (0.0, 0.0)) -> Potential:
    """A learner's K at ``at``: a sympy expression in two symbols, or a function of a torch tensor (…, 2) to (…).

    The gradient comes from sympy or from autograd. λ is that of ``theory.newton`` for a polynomial whose minimum ``at``
    is. Raises TypeError or ValueError, with what to do, for a K that is neither, or not finite at ``at``.
    """
    w_star = np.asarray(at, float)
    if w_star.shape != (2,) or not np.isfinite(w_star).all():
        raise ValueError(f"at is {at!r}; it must be a point of two numbers, say (0, 0.2).")
    if isinstance(K, sp.Expr):
        made = _of_formula(K, w_star)
    elif callable(K):
        made = _of_function(K, w_star)
    else:
        raise TypeError(
            f"K is {type(K).__name__}; give a sympy expression in two symbols, w1**2 + w2**4, or a function of a torch "
            "tensor w of shape (..., 2) that returns shape (...)."
        )
    if not np.isfinite(made.K(w_star)):
        raise ValueError(f"K is not finite at {tuple(map(float, w_star))}: choose another point with at=.")
    return made


def _of_formula(K: sp.Expr, w_star: np.ndarray) -> Potential:
    symbols = sorted(K.free_symbols, key=lambda s: s.name)
    if len(symbols) != 2:
        raise ValueError(
            f"K = {K} has {len(symbols)} symbol(s); the cockpit shows two parameters: write K with w1 and w2."
        )
    gradient = [sp.diff(K, s) for s in symbols]
    value, *slopes = (sp.lambdify(symbols, f, "numpy") for f in (K, *gradient))

    def on(function: Callable[..., Any], w: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(function(w[..., 0], w[..., 1]), float), w.shape[:-1])

    return Potential(
        lambda w: on(value, w),
        lambda w: np.stack([on(slope, w) for slope in slopes], -1),
        w_star,
        _known(K, symbols, w_star),
    )


def _known(K: sp.Expr, symbols: Sequence[sp.Symbol], w_star: np.ndarray) -> float | None:
    """λ of a polynomial at its minimum w*, if the Newton polyhedron tells it exactly; else None."""
    point = [sp.nsimplify(float(x)) for x in w_star]
    try:
        exact = sp.nsimplify(K)
        found = learning_coefficient(exact - exact.subs(list(zip(symbols, point, strict=True))), symbols, point)
    except (TypeError, ValueError, TimeoutError):
        return None
    return float(found.value) if found.lower == found.value and not found.assumes else None


def _of_function(K: Callable[[torch.Tensor], torch.Tensor], w_star: np.ndarray) -> Potential:
    def value(w: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(K(torch.tensor(np.asarray(w, float))), float)

    def gradient(w: np.ndarray) -> np.ndarray:
        at = torch.tensor(np.asarray(w, float)).requires_grad_()
        return torch.autograd.grad(K(at).sum(), at)[0].numpy()

    trial = torch.tensor(np.tile(w_star, (3, 1))).requires_grad_()
    try:
        out = K(trial)
        torch.autograd.grad(out.sum(), trial)
    except Exception as error:
        raise TypeError(
            f"K fails on a torch tensor of shape (3, 2): {type(error).__name__}: {error}. Write it with w[..., 0] and "
            "w[..., 1], arithmetic and torch functions, so that autograd can differentiate it."
        ) from error
    if out.shape != (3,):
        raise ValueError(f"K of three points has the shape {tuple(out.shape)}; one number for each, (3,), is wanted.")
    return Potential(value, gradient, w_star, None)


# ---- runs ------------------------------------------------------------------------------------------------------------


def diagnose(potential: Potential, path: np.ndarray, nbeta: float, localization: float, lr: float) -> LLCResult:
    """The ``LLCResult`` of a ``path`` (steps, chains, 2) at one setting: λ̂, diagnostics and the library's verdict.

    The path is written down as the library writes its own draws (``sltcourse.llc.draws``), and judged as they are.
    """
    w_star, every = np.array(potential.w_star), np.arange(len(path))
    init_loss = float(potential.K(w_star))
    with np.errstate(all="ignore"):
        w = np.where(np.abs(path) < 1e6, path, np.nan).swapaxes(0, 1).astype(float)
        away, loss, of_loss = w - w_star, potential.K(w), nbeta * potential.gradient(w)
        force = of_loss + localization * away
        seen = {
            "loss": loss,
            "distance": np.sqrt((away**2).sum(-1)),
            "tilt": away @ (nbeta * potential.gradient(w_star)),
            "virial": (away * force).mean(-1),
            "step_bias": lr / 8 * (of_loss * force).sum(-1),
        }
    taken, burnin, dim = loss[:, BURNIN:], loss[:, :BURNIN], len(w_star)
    draws = xr.Dataset(
        {name: (("chain", "draw"), values[:, BURNIN:]) for name, values in seen.items()},
        {
            "first_bad": ("chain", first_bad(taken - init_loss, nbeta, dim, every[BURNIN:] + 1, burnin, 1)),
            "burnin_loss": (("chain", "burnin"), burnin),
            "bad_batches": ("chain", np.zeros(len(w), int)),
        },
    )
    draws.attrs.update(
        init_loss=init_loss, nbeta=nbeta, localization=localization, prior_precision=0.0, penalty=0.0, dim=dim,
        num_samples=0, batch_size=0, sampler=to_json(SGLD(lr=lr)), num_chains=len(w), num_draws=taken.shape[1],
        num_burnin_steps=BURNIN, num_steps_bw_draws=1, seed=0, device="cpu", dtype="float64", partial=0, wall_time=0.0,
        steps=len(path), chain_steps_per_second=0.0, notes="[]",
    )  # fmt: skip
    return LLCResult.of(draws)


class Runs:
    """The runs behind one knob: at each of its values a path, its result, and what perfect chains would read.

    All are driven by the same noise, so that a change seen is a change made.
    """

    def __init__(self, potential: Potential, knob: str, fixed: dict[str, Any], seed: int = 7) -> None:
        _, values, _ = KNOBS[knob]
        self.values, chains = values, int(values.max() if knob == "chains" else fixed["chains"])
        settings = [fixed | {knob: value} for value in values]
        runs = settings[:1] if knob == "chains" else settings
        lr, pull, nbeta = (
            np.array([float(s[name]) for s in runs]).reshape(-1, 1, 1) for name in ("lr", "localization", "nbeta")
        )
        noise = np.random.default_rng(seed).normal(size=(BURNIN + DRAWS, chains, 2))
        path = langevin(potential.gradient, potential.w_star, nbeta, pull, lr, noise)
        self.paths = [path[:, 0 if knob == "chains" else k, : int(s["chains"])] for k, s in enumerate(settings)]
        self.results = [
            diagnose(potential, path, float(s["nbeta"]), float(s["localization"]), float(s["lr"]))
            for path, s in zip(self.paths, settings, strict=True)
        ]
        exact = {key: _exact(potential, *key) for key in {(s["nbeta"], s["localization"]) for s in settings}}
        self.exact = np.array([exact[s["nbeta"], s["localization"]] for s in settings])
        self.nbetas = np.array([float(s["nbeta"]) for s in settings])


def _exact(potential: Potential, nbeta: float, localization: float) -> float:
    """What perfect chains read, by quadrature; nan where it cannot be had."""
    try:
        return float(exact_llc(potential.K, nbeta, localization, potential.w_star))
    except (ArithmeticError, ValueError):
        return np.nan


# ---- the figure ------------------------------------------------------------------------------------------------------


def live_cockpit(
    knob: str = "lr",
    K: sp.Expr | Callable[[torch.Tensor], torch.Tensor] = VALLEY,
    at: ArrayLike = (0, 0),
    *,
    lr: float = 1e-3,
    nbeta: float = 100,
    localization: float = 1,
    chains: int = 4,
) -> LiveFigure:
    """Turn one knob of a sampler: its chains, its draws, its reading of λ, and a light that says trust or not.

    ``knob``: "lr", "nbeta", "localization" or "chains"; the others stay.
    ``K``: a sympy expression in two symbols, or a function of a torch tensor (…, 2); ``at``: w*. The chains run when
    the figure is made, in about a second: sixteen thousand draws at each value of the knob. The light is the verdict
    of ``sltcourse.llc``; the panel in the middle keeps what the hand has passed.
    Raises ValueError for another knob, and as ``potential``.
    """
    if knob not in KNOBS:
        raise ValueError(f"knob is {knob!r}; choose one of {', '.join(KNOBS)}.")
    fixed = dict(lr=lr, nbeta=nbeta, localization=localization, chains=chains)
    potential_, (label, values, write) = potential(K, at), KNOBS[knob]
    runs = Runs(potential_, knob, fixed)
    start = values[np.argmin(abs(np.log(values / fixed[knob])))]
    fig, axes = style.figure(2, 3, height=4.2, height_ratios=[0.1, 1], width_ratios=[1.1, 1.1, 0.9])
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    lamp, (trace, plateau, plane) = fig.add_subplot(grid[0, :]), axes[1]
    low, high = _frame((lamp, trace, plateau, plane), runs, potential_, label)
    slider = Slider(label, values, start=start, format=write)
    alt = (
        "A sampler's instrument panel with one slider. At the top a light, green, amber or red. Left "
        "the loss of each chain against the step; in the middle the estimate with its error at the values passed so "
        "far; right the draws in the plane of the two parameters."
    )
    live = LiveFigure(fig, alt=alt, knob=slider)
    _add_lamp(live, lamp, runs)
    _add_traces(live, trace, runs, potential_, low, high)
    _add_readings(live, plateau, runs, potential_, low, high)
    _add_plane(live, plane, runs, potential_)

    def reading(knob: float) -> str:
        k = slider.position(knob)
        result, exact = runs.results[k], runs.exact[k]
        shown = (
            f"estimate {result.llc:.2f} ± {result.std_error:.2f}" if np.isfinite(result.llc) else "no chain survived"
        )
        perfect = f"; perfect chains read {exact:.2f}" if np.isfinite(exact) else ""
        truth = f"; λ = {potential_.lam:.4g}" if potential_.lam is not None else ""
        why = str(result.verdict).partition(": ")[2]
        said = f"{label} = {write(knob)}: {shown}{perfect}{truth}.".replace("-", "−")
        return f"{said} {result.verdict.word.capitalize()}: {why.replace('(-', '(−')}" if why else said

    live.caption(reading)
    return live


def _frame(panels: tuple[Axes, Axes, Axes, Axes], runs: Runs, potential: Potential, label: str) -> tuple[float, float]:
    """Axes, ticks and titles of the four panels; returns the ends of the axis of readings."""
    lamp, trace, plateau, plane = panels
    scale = np.nanmax(np.abs([*runs.exact, potential.lam or np.nan, 0.4]))
    low, high = -0.5 * scale, 2.6 * scale
    lamp.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    lamp.spines[:].set_visible(True)
    trace.set(xlim=(0, BURNIN + DRAWS), ylim=(low, high), xlabel="step", title="nβ (L(w) − L(w*)) of the chains")
    trace.axvspan(0, BURNIN, color=COLORS["muted"], alpha=0.4, linewidth=0)
    trace.text(BURNIN * 1.15, low + 0.02 * (high - low), "burn-in", fontsize=9, color=COLORS["reference"])
    ends = runs.values[0] / 1.6, runs.values[-1] * 1.6
    plateau.set(xscale="log", xlim=ends, ylim=(low, high), xlabel=label, title="estimate ± 2 errors")
    if label == "chains":
        plateau.set_xticks(runs.values, [str(v) for v in runs.values])
        plateau.set_xticks([], minor=True)
    for ax in (trace, plateau):
        ax.axhline(0, color=COLORS["muted"], lw=0.8)
    half = _reach(runs, potential.w_star)
    x, y = potential.w_star
    plane.set(
        xlim=(x - half, x + half), ylim=(y - half, y + half), xlabel="w₁", ylabel="w₂", title="draws; shaded K ≤ 1/nβ"
    )
    plane.locator_params(nbins=3)
    plane.set_aspect("equal")
    plane.grid(False)
    return low, high


def _reach(runs: Runs, w_star: np.ndarray) -> float:
    """How far from w* the draws go, at most: the half width of the plane."""
    far = [np.quantile(np.abs(path[BURNIN:] - w_star), 0.995) for path in runs.paths if np.isfinite(path).all()]
    return float(np.clip(1.1 * max(far, default=1.0), 0.05, 3.0))


def _add_lamp(live: LiveFigure, lamp: Axes, runs: Runs) -> None:
    position = live.controls["knob"].position
    lights = [LEVELS.index(r.verdict.word) for r in runs.results]
    live.image(
        lamp, lambda knob: np.array([[lights[position(knob)]]], float), extent=(0, 1, 0, 1), vmin=0, vmax=2,
        cmap=ListedColormap(np.repeat(LIGHTS, (86, 84, 86))), name="light",
    )  # fmt: skip
    lamp.set_aspect("auto")
    words = [result.verdict.word for result in runs.results]
    live.text(lamp, lambda knob: (0.01, 0.25, words[position(knob)].capitalize()), "verdict")


def _add_traces(live: LiveFigure, ax: Axes, runs: Runs, potential: Potential, low: float, high: float) -> None:
    position, steps = live.controls["knob"].position, BURNIN + DRAWS
    centers = np.r_[WINDOW * (np.arange(steps // WINDOW) + 0.5), np.nan]
    smooth = []
    for path, nbeta in zip(runs.paths, runs.nbetas, strict=True):
        with np.errstate(all="ignore"):
            w = np.where(np.abs(path[:, :4]) < 100, path[:, :4], np.nan).astype(float)
            excess = nbeta * (potential.K(w) - potential.K(potential.w_star))
        lines = np.full((4, len(centers)), np.nan)
        lines[: w.shape[1], :-1] = excess.reshape(-1, WINDOW, w.shape[1]).mean(1).T
        smooth.append(np.clip(lines, 10 * low, 10 * high))

    def missing(knob: Any) -> tuple[float, float, str]:
        lines = smooth[position(knob)][:, -11:-1]
        lines = lines[~np.isnan(lines).all(1)]
        word = "diverged" if not lines.size else ""
        if lines.size and not ((lines > low) & (lines < high)).any():
            word = "off the scale"
        return steps / 2, (low + high) / 2, word

    live.line(ax, lambda knob: (np.tile(centers, 4), smooth[position(knob)].ravel()), "losses",
              color=COLORS["posterior"], linewidth=1, alpha=0.8)  # fmt: skip
    live.text(ax, missing, "missing", ha="center", color=COLORS["reference"])
    live.line(ax, lambda knob: ((0, steps), [runs.exact[position(knob)]] * 2), "perfect", color=COLORS["theory"],
              linestyle="--", label="perfect chains")  # fmt: skip
    if potential.lam is not None:
        ax.axhline(potential.lam, color=COLORS["truth"], lw=1.5, label="λ")
    ax.legend(loc="lower right", fontsize=9, handlelength=1.6, labelspacing=0.2, borderaxespad=0.1)


def _add_readings(live: LiveFigure, ax: Axes, runs: Runs, potential: Potential, low: float, high: float) -> None:
    position, values = live.controls["knob"].position, runs.values
    llc, error = np.array([[r.llc, r.std_error] for r in runs.results]).T
    lights = np.array([LEVELS.index(r.verdict.word) for r in runs.results])
    inside = np.clip(np.nan_to_num(llc, nan=high), low + 0.04 * (high - low), high - 0.04 * (high - low))

    def passed(knob: Any) -> np.ndarray:
        """Which values lie between where the hand began and where it is."""
        ends = sorted((live.controls["knob"].start, position(knob)))
        return (np.arange(len(values)) >= ends[0]) & (np.arange(len(values)) <= ends[1])

    def bars(knob: Any) -> tuple[np.ndarray, np.ndarray]:
        ends = np.column_stack([llc - 2 * error, llc + 2 * error, llc * np.nan])
        return np.repeat(values, 3), np.where(passed(knob)[:, None], ends, np.nan).ravel()

    if potential.lam is not None:
        ax.axhline(potential.lam, color=COLORS["truth"], lw=1.5)
    live.line(ax, lambda knob: (values, np.where(passed(knob), runs.exact, np.nan)), "exact", color=COLORS["theory"],
              linestyle="--")  # fmt: skip
    live.line(ax, bars, "bars", color=COLORS["reference"], linewidth=1.2)
    live.points(
        ax, lambda knob: (knob, inside[position(knob)]), "now", color="white", markersize=13,
        markeredgecolor=COLORS["truth"], markeredgewidth=1.5,
    )  # fmt: skip
    for level, color in enumerate(LEVEL_COLORS):
        live.points(
            ax, lambda knob, level=level: (values, np.where(passed(knob) & (lights == level), inside, np.nan)),
            LEVELS[level], color=color, markersize=7, markeredgewidth=0,
        )  # fmt: skip


def _add_plane(live: LiveFigure, ax: Axes, runs: Runs, potential: Potential) -> None:
    position = live.controls["knob"].position
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    field = potential.K(np.stack(np.meshgrid(np.linspace(x0, x1, 101), np.linspace(y0, y1, 101)), -1))
    level = float(potential.K(potential.w_star))
    live.region(
        ax, np.clip(np.nan_to_num(field, nan=1e30), -1e30, 1e30), lambda knob: level + 1 / runs.nbetas[position(knob)],
        extent=(x0, x1, y0, y1), color=COLORS["muted"],
    )  # fmt: skip
    every = [path[BURNIN:].reshape(-1, 2).astype(float) for path in runs.paths]
    every = [draws[:: len(draws) // CLOUD][:CLOUD] for draws in every]
    live.points(ax, lambda knob: tuple(every[position(knob)].T), "cloud", color=COLORS["posterior"], markersize=3.5,
                markeredgewidth=0)  # fmt: skip
    live.points(ax, lambda: tuple(potential.w_star), "w_star", color=COLORS["highlight"], markersize=8)
