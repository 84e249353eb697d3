"""The pictures that people expect of an estimate, one line each; every one takes ``ax=`` and returns the Axes.

They take what ``estimate_llc`` returns or draws (an xarray Dataset). matplotlib is imported when a picture is drawn
and not before. Colours are the course's; a verdict has a shape beside its colour: a full circle is *trust*, a hollow
one *doubtful*, a cross *don't*, and a diamond stands where there is no verdict (weighted draws have none).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sltcourse.llc.errors import summary
from sltcourse.llc.readings import expectation
from sltcourse.llc.result import LLCResult, diagnostics
from sltcourse.llc.verdict import judge

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Drawn = LLCResult | xr.Dataset
"""What a picture is drawn of: an estimate, or draws of one w*."""
Mark = tuple[str, str, bool]
"""The name of a colour, a marker, and whether it is filled."""

MARKS: dict[str | None, Mark] = {  # verdict: the name of its colour, marker, filled
    "trust": ("regular", "o", True),
    "doubtful": ("theory", "o", False),
    "don't": ("singular", "X", True),
    None: ("estimate", "D", True),
}
EXCESS = r"$n\beta\,(L_n(w) - L_n(w^*))$"


def looks_of(verdict: str | None, color: str) -> dict[str, Any]:
    """The looks of a point with this verdict in a ``color`` of one's own, in matplotlib's words."""
    _, marker, filled = MARKS[verdict]
    return {"color": color, "marker": marker, "markerfacecolor": color if filled else "white", "linestyle": ""}


def plot_trace(result: Drawn, *, ax: "Axes | None" = None) -> "Axes":
    """nβ (L_n(w) − L_n(w*)) along each chain, burn-in in grey before draw 0, with λ̂ and its error as a band.

    ``result``: an LLCResult or draws. Diverged chains are left out, and counted in the legend. ``ax``: the axes to draw
    on.
    """
    ax, colors = _axes(ax)
    run = _Run(result)
    if run.burnin.size:
        steps = np.arange(-run.burnin.shape[1], 0) * run.stride_of_burnin
        for chain in run.burnin:
            ax.plot(steps, chain, color=colors["muted"], linewidth=0.8, zorder=1)
        ax.axvline(0, color=colors["reference"], linewidth=0.8, linestyle=":")
    for k, chain in enumerate(run.excess):
        label = f"{len(run.excess)} chains" if k == 0 else None
        ax.plot(chain, color=colors["loss"], alpha=_alpha(len(run.excess)), linewidth=0.8, label=label, zorder=2)
    _level(ax, run, colors)
    if run.diverged:
        ax.plot([], [], " ", label=f"{run.diverged} diverged, left out")
    _see_the_draws(ax, run)
    ax.set(xlabel="draw (burn-in before 0)" if run.burnin.size else "draw", ylabel=EXCESS)
    return _legend(ax)


def plot_llc_over_draws(result: Drawn, *, ax: "Axes | None" = None) -> "Axes":
    """λ̂ from the first draws of each chain, and of all of them together, against their number.

    What has not settled by the end is no estimate yet; chains that settle apart have not met. ``result``: an LLCResult
    or draws. ``ax``: the axes to draw on.
    """
    ax, colors = _axes(ax)
    run = _Run(result)
    count = np.arange(1, run.excess.shape[1] + 1)
    running = np.cumsum(run.excess, axis=1) / count
    for k, chain in enumerate(running):
        label = f"each of {len(running)} chains" if k == 0 else None
        ax.plot(count, chain, color=colors["muted"], linewidth=1, label=label)
    ax.plot(count, running.mean(0), color=colors["estimate"], linewidth=2, label="all together")
    _level(ax, run, colors)
    later = running[:, len(count) // 20 :]
    _limits(ax, np.append(later, [run.llc - 2 * run.error, run.llc + 2 * run.error]))
    ax.set(xlabel="draws of each chain", ylabel=r"$\hat\lambda$ so far", xlim=(0, len(count)))
    return _legend(ax)


def plot_step_size(
    results: Mapping[float, Drawn] | Iterable[LLCResult], *, exact: float | None = None, ax: "Axes | None" = None
) -> "Axes":
    """λ̂ against the step size ε, with error bars and verdicts: where it no longer moves, the step is small enough.

    ``results``: a dict from step sizes to LLCResults or draws, or a list of LLCResults (ε is then ``settings["lr"]``).
    ``exact``: a known λ, drawn as a line. ``ax``: the axes to draw on.
    """
    ax, colors = _axes(ax)
    keys, runs = _keyed(results, lambda r: r.settings["lr"], "step size")
    ax.set_xscale("log")
    _points(ax, keys, runs, colors)
    _exact(ax, exact, colors)
    ax.set(xlabel=r"step size $\epsilon$", ylabel=r"$\hat\lambda$")
    return _legend(ax)


def plot_checkpoints(
    results: Iterable[Drawn],
    steps: Iterable[float],
    *,
    exact: float | None = None,
    ax: "Axes | None" = None,
    logx: bool = False,
) -> "Axes":
    """λ̂ along a training run, with error bars and verdicts.

    ``results``: one LLCResult (or draws) for each checkpoint; ``steps``: their training steps. ``exact``: a known λ.
    ``logx``: a logarithmic axis (step 0 is then left where log(step + 1) puts it).
    Raises ValueError where the two have different lengths. ``ax``: the axes to draw on.
    """
    ax, colors = _axes(ax)
    runs, x = [_Run(one) for one in results], np.asarray(list(steps), dtype=float)
    if len(runs) != len(x):
        raise ValueError(f"{len(runs)} results and {len(x)} steps: each result needs its step.")
    if logx:
        ax.set_xscale("function", functions=(np.log1p, np.expm1))
    order = np.argsort(x)
    llc = np.array([run.llc for run in runs])[order]
    ax.plot(x[order], llc, color=colors["muted"], linewidth=1.2, zorder=1)
    _points(ax, x, runs, colors)
    _exact(ax, exact, colors)
    if logx:
        top = x.max()
        ax.set_xticks([0, *(10.0**k for k in range(int(np.log10(max(top, 1))) + 1))])
        ax.minorticks_off()
    ax.set(xlabel="training step", ylabel=r"$\hat\lambda$")
    return _legend(ax)


def plot_llc_map(results: Mapping[tuple[float, float], Drawn] | Iterable[Drawn], *, ax: "Axes | None" = None) -> "Axes":
    """λ̂ over localization γ (across) and inverse temperature nβ (up): a cell each, with its number and verdict.

    Where neighbours agree the two do not matter, and that is where to estimate. ``results``: a dict from (γ, nβ) to
    LLCResults or draws, or a list of them, which know their own. ``ax``: the axes to draw on.
    """
    ax, colors = _axes(ax)
    keys, runs = _keyed(results, lambda r: _knows(r, "localization", "nbeta"), "(localization, nbeta)")
    gammas, nbetas = sorted({g for g, _ in keys}), sorted({b for _, b in keys})
    cells = np.full((len(nbetas), len(gammas)), np.nan)
    for (g, b), run in zip(keys, runs, strict=True):
        cells[nbetas.index(b), gammas.index(g)] = run.llc
    picture = ax.imshow(np.ma.masked_invalid(cells), origin="lower", aspect="auto", cmap="cividis")
    seen = {}
    for (g, b), run in zip(keys, runs, strict=True):
        x, y = gammas.index(g), nbetas.index(b)
        low, high = picture.get_clim()
        dark = np.isfinite(run.llc) and run.llc < (low + high) / 2
        ink = "white" if dark else "black"
        ax.text(x, y + 0.14, f"{run.llc:.3g}", ha="center", va="center", color=ink, fontsize=9)
        name, marker, filled = MARKS[run.word]
        face = colors[name] if filled else "none"
        ax.plot(x, y - 0.2, marker, markersize=6, markerfacecolor=face, markeredgecolor=ink, markeredgewidth=1)
        seen[run.word] = (name, marker, filled)
    ax.set_xticks(range(len(gammas)), [f"{g:g}" for g in gammas])
    ax.set_yticks(range(len(nbetas)), [f"{float(f'{b:.3g}'):g}" for b in nbetas])
    ax.grid(False)
    ax.set(xlabel=r"localization $\gamma$", ylabel=r"$n\beta$")
    ax.figure.colorbar(picture, ax=ax, label=r"$\hat\lambda$")
    handles = [_proxy(word, mark, colors) for word, mark in seen.items() if word]
    if handles:
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    return ax


class _Run:
    """What the pictures need, from an LLCResult or from draws.

    ``excess`` (chains, draws) and ``burnin`` (chains, recorded steps): nβ(L − L(w*)) of the chains that did not
    diverge. ``llc``, ``error``, ``word``: λ̂, its standard error and the verdict's word; nan and None where there is
    none. ``diverged``: how many chains did. ``stride_of_burnin``: draws between two recorded steps of burn-in.
    """

    excess: np.ndarray
    burnin: np.ndarray
    llc: float
    error: float
    word: str | None
    diverged: int
    stride_of_burnin: float

    def __init__(self, result: Drawn):
        if isinstance(result, xr.Dataset):
            self._of_draws(result)
        elif hasattr(result, "loss_trace") and hasattr(result, "llc"):
            self._of_result(result)
        else:
            raise TypeError(
                f"pictures are of an LLCResult or of draws (an xarray Dataset), not {type(result).__name__}."
            )

    def _of_result(self, r: LLCResult) -> None:
        bad = np.zeros(len(r.loss_trace), bool)
        bad[list(r.diverged)] = True
        self.excess = r.nbeta * (r.loss_trace[~bad] - r.init_loss)
        self.burnin = r.nbeta * (r.burnin_trace[~bad] - r.init_loss)
        self.llc, self.error, self.word, self.diverged = r.llc, r.std_error, r.verdict.word, int(bad.sum())
        self.stride_of_burnin = self._stride(r.settings.get("num_burnin_steps"), r.settings.get("num_steps_bw_draws"))

    def _of_draws(self, draws: xr.Dataset) -> None:
        good = draws["first_bad"].values < 0 if "first_bad" in draws.coords else np.ones(draws.sizes["chain"], bool)
        nbeta, start = draws.attrs["nbeta"], draws.attrs["init_loss"]
        self.excess = nbeta * (draws["loss"].transpose("chain", "draw").values[good] - start)
        self.burnin = np.empty((0, 0))
        if "burnin_loss" in draws.coords or "burnin_loss" in draws.data_vars:
            self.burnin = nbeta * (draws["burnin_loss"].values[good] - start)
        self.llc = self.error = np.nan
        self.word, self.diverged = None, int((~good).sum())
        if "log_weight" in draws:
            level = expectation(draws)
            self.llc, self.error = nbeta * (float(level.value) - start), nbeta * float(level.std_error)
        elif "virial" in draws:  # all that ``sample`` leaves
            found = diagnostics(draws)
            self.llc, self.error, self.word = found.llc, found.std_error, judge(found).word
        elif self.excess.size:
            level_alone = summary(self.excess)
            self.llc, self.error = level_alone.mean, level_alone.std_error
        self.stride_of_burnin = self._stride(draws.attrs.get("num_burnin_steps"), draws.attrs.get("num_steps_bw_draws"))

    def _stride(self, steps: int | None, between: int | None) -> float:
        """How many draws' time lies between two recorded burn-in steps."""
        recorded = self.burnin.shape[1] if self.burnin.ndim == 2 else 0
        return steps / recorded / (between or 1) if steps and recorded else 1.0


def _keyed(
    results: Mapping[Any, Drawn] | Iterable[Drawn], key: Callable[[Any], Any], what: str
) -> tuple[list[Any], list[_Run]]:
    """The keys and the runs of ``results``; those of a list know their own by ``key``. TypeError where not."""
    if isinstance(results, Mapping) and not isinstance(results, xr.Dataset):
        keys, values = list(results), list(results.values())
    else:
        values = list(results)
        try:
            keys = [key(one) for one in values]
        except (AttributeError, KeyError, TypeError):
            raise TypeError(f"give a dict from {what} to results: not all of these know theirs.") from None
    if not values:
        raise ValueError("there are no results to draw.")
    return keys, [_Run(one) for one in values]


def _knows(result: Drawn, *names: str) -> tuple[Any, ...]:
    """What a result or draws say of their own settings."""
    if isinstance(result, xr.Dataset):
        return tuple(result.attrs[name] for name in names)
    return tuple(getattr(result, name) for name in names)


def _points(ax: "Axes", x: Iterable[float], runs: Sequence[_Run], colors: Mapping[str, str]) -> None:
    """One point with its error bar for each run, the verdicts in the legend."""
    for word, (name, marker, filled) in MARKS.items():
        chosen = [(at, run) for at, run in zip(x, runs, strict=True) if run.word == word and np.isfinite(run.llc)]
        if not chosen:
            continue
        at, llc = [a for a, _ in chosen], [run.llc for _, run in chosen]
        error = np.nan_to_num([run.error for _, run in chosen])
        face = colors[name] if filled else "white"
        ax.errorbar(
            at,
            llc,
            error,
            fmt=marker,
            color=colors[name],
            markerfacecolor=face,
            markeredgecolor=colors[name],
            markeredgewidth=1.4,
            markersize=6,
            capsize=3,
            elinewidth=1.2,
            zorder=3,
            label=word or "± one standard error",
        )
    lost = sum(not np.isfinite(run.llc) for run in runs)
    if lost:
        ax.plot([], [], " ", label=f"{lost} without a number, left out")


def _proxy(word: str, mark: Mark, colors: Mapping[str, str]) -> "Line2D":
    """The legend's entry for a verdict."""
    from matplotlib.lines import Line2D

    name, marker, filled = mark
    face = colors[name] if filled else "white"
    return Line2D([], [], linestyle="", marker=marker, markerfacecolor=face, markeredgecolor="#333333", label=word)


def _level(ax: "Axes", run: _Run, colors: Mapping[str, str]) -> None:
    """λ̂ and its error as a line and a band."""
    if not np.isfinite(run.llc):
        return
    label = rf"$\hat\lambda$ = {run.llc:.3g}" + (f" ± {run.error:.2g}" if np.isfinite(run.error) else "")
    ax.axhline(run.llc, color=colors["estimate"], linewidth=1.6, label=label, zorder=4)
    if np.isfinite(run.error):
        ax.axhspan(run.llc - run.error, run.llc + run.error, color=colors["estimate"], alpha=0.18, linewidth=0)


def _exact(ax: "Axes", exact: float | None, colors: Mapping[str, str]) -> None:
    """A known λ as a line."""
    if exact is not None:
        ax.axhline(exact, color=colors["truth"], linewidth=1.2, linestyle="--", label=f"exact {exact:.4g}", zorder=1)


def _see_the_draws(ax: "Axes", run: _Run) -> None:
    """Limits that show the draws; a burn-in that starts far off does not flatten them."""
    if run.excess.size:
        _limits(ax, run.excess)


def _limits(ax: "Axes", values: np.ndarray) -> None:
    """Limits of the upright axis that show all ``values`` that are finite."""
    values = values[np.isfinite(values)]
    if values.size and np.ptp(values) > 0:
        margin = 0.06 * np.ptp(values)
        ax.set_ylim(values.min() - margin, values.max() + margin)


def _alpha(chains: int) -> float:
    """How opaque each of so many lines is drawn."""
    return max(0.15, min(0.7, 3 / chains))


def _legend(ax: "Axes") -> "Axes":
    """The legend above the axes, where it covers nothing."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    return ax


def _axes(ax: "Axes | None") -> "tuple[Axes, dict[str, str]]":
    """The axes to draw in (a new figure's if None) and the course's colours."""
    from sltcourse.kit.style import COLORS, figure

    if ax is None:
        _, ax = figure()
    return ax, COLORS
