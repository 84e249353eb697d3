"""Choosing step size, localization and chain length from short runs, and saying why."""

import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sltcourse.llc.chains import Group
from sltcourse.llc.draws import dataset
from sltcourse.llc.posterior import LocalPosterior, whole
from sltcourse.llc.result import LLCResult
from sltcourse.llc.samplers import SGLD, AnySampler, WhitenedSGLD, checked, to_json
from sltcourse.llc.samplers.mala import propose
from sltcourse.llc.samplers.metropolis import Proposal
from sltcourse.llc.samplers.whitened import safe_radius
from sltcourse.llc.target import Target, real
from sltcourse.llc.threads import threads_for
from sltcourse.progress import progress

LOCALIZATIONS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
STEPS = 600  # burn-in, and again as many draws, of each short run
PRECISION = 0.05  # the relative Monte-Carlo error that num_draws aims at
EFFECTIVE = 1200  # the effective draws that num_draws aims at: 16 chains of half as many still have R-hat 1.07


class NothingTrustworthy(RuntimeError):
    """No setting gave an estimate to trust; ``trials`` are the short runs that show it."""

    def __init__(self, message: str, trials: Sequence[LLCResult]):
        super().__init__(message)
        self.trials = trials


@dataclass(frozen=True)
class Calibration:
    """Settings for ``estimate_llc(..., **calibration.settings)``, the reasons, and the short runs behind them."""

    settings: dict[str, Any]
    reasons: tuple[str, ...]
    step_sizes: list[tuple[float, float, LLCResult]]  #: (lr, acceptance of that step under MALA, short run)
    localizations: list[tuple[float, LLCResult]]  #: (γ, short run at the chosen lr)

    def __str__(self) -> str:
        return "\n".join(self.reasons)


def calibrate(
    posterior: LocalPosterior,
    sampler: SGLD | WhitenedSGLD | None = None,
    *,
    num_chains: int = 8,
    batch_size: int | None = None,
    seed: int = 0,
) -> Calibration:
    """Find lr, localization and num_draws for SGLD or WhitenedSGLD (the default); burn-in stays that of equipartition.

    Two batches of short runs: step sizes over two decades (WhitenedSGLD finds its own; there lr is the most it may
    take, over two thirds of a decade), then localizations over two and a half. The step is the largest at which the
    loss agrees with the next smaller step and equipartition holds within 5 %; the localization is the smallest from
    which on three times as much does not change λ̂; the number of draws is what a Monte-Carlo error of 5 % takes.
    The posterior has one w*; its own localization is not used. Other arguments as in ``sample``.

    Raises TypeError for another posterior or sampler, NothingTrustworthy where no step size or no localization passes.
    ``num_chains``, ``batch_size``, ``seed``: those of each run.
    """
    _one_point("calibrate", posterior)
    sampler = WhitenedSGLD() if sampler is None else sampler
    if not isinstance(sampler, (SGLD, WhitenedSGLD)):
        raise TypeError(f"calibrate knows SGLD and WhitenedSGLD, not {type(sampler).__name__}.")
    num_chains = whole("num_chains", num_chains, 2)
    batch_size = posterior.batch_size(batch_size, False)
    trials = Trials(posterior, sampler, num_chains, batch_size, seed)

    lrs, by_step, acceptances, chosen = _step_sizes(trials)
    lr = lrs[chosen]
    by_localization, held = _localizations(trials, lr)
    result = by_localization[held]
    draws = _draws(result)
    reasons = (
        f"lr = {lr:.3g}: equipartition {by_step[chosen].equipartition:.3f}, λ̂ = {by_step[chosen].llc:.3g} where the "
        f"next smaller step has {by_step[chosen - 1].llc:.3g}; MALA would accept {acceptances[chosen]:.0%}.",
        f"localization = {LOCALIZATIONS[held]:g}: λ̂ = {result.llc:.3g}, and {by_localization[held + 1].llc:.3g} at "
        f"{LOCALIZATIONS[held + 1]:g}.",
        f"{draws} draws of {num_chains} chains: for a Monte-Carlo error of {PRECISION:.0%} and {EFFECTIVE} effective "
        f"draws (R-hat of the short run {result.rhat:.3f}).",
    )
    settings = dict(
        sampler=replace(sampler, lr=lr),
        localization=LOCALIZATIONS[held],
        num_chains=num_chains,
        num_draws=draws,
        batch_size=batch_size,
        nbeta=posterior.nbeta,
        prior_precision=posterior.prior_precision,
        penalty=posterior.penalty,
    )
    return Calibration(
        settings,
        reasons,
        list(zip(lrs, acceptances, by_step, strict=True)),
        list(zip(LOCALIZATIONS, by_localization, strict=True)),
    )


def llc_map(
    posterior: LocalPosterior,
    sampler: AnySampler | None = None,
    *,
    nbetas: Iterable[float],
    localizations: Iterable[float],
    num_chains: int = 8,
    num_draws: int = STEPS,
    batch_size: int | None = None,
    seed: int = 0,
) -> dict[tuple[float, float], LLCResult]:
    """λ̂ at every pair of ``nbetas`` (nβ) and ``localizations`` (γ), all in one batch of chains.

    Where λ̂ stands on a plateau, neither the spring nor the temperature made the number; it belongs in every report.
    ``num_draws`` of each chain, after as many steps of burn-in. The posterior has one w*; its own nβ and γ are not
    used. Other arguments as in ``sample``.

    Returns {(γ, nβ): result}; ``pictures.plot_llc_map`` draws it. Raises TypeError for another posterior or what is no
    sampler, ValueError for an nβ or γ that will not do. ``num_chains``, ``batch_size``, ``seed``: as in ``sample``.
    """
    _one_point("llc_map", posterior)
    gammas, nbetas = _numbers("localizations", localizations, zero=True), _numbers("nbetas", nbetas)
    sampler, num_chains = WhitenedSGLD() if sampler is None else sampler, whole("num_chains", num_chains, 2)
    checked(sampler)
    trials = Trials(posterior, sampler, num_chains, posterior.batch_size(batch_size, sampler.exact), seed)
    pairs = [(gamma, nbeta) for nbeta in nbetas for gamma in gammas]
    settings = [dict(nbeta=nbeta, localization=gamma, lr=sampler.lr) for gamma, nbeta in pairs]
    with threads_for(trials.work * len(pairs)):
        runs = trials.run(settings, whole("num_draws", num_draws, 4))
    return {pair: result for pair, (result, _) in zip(pairs, runs, strict=True)}


def _numbers(name: str, values: Iterable[float], zero: bool = False) -> list[float]:
    """``values`` as floats, positive or, where ``zero``, 0; raises ValueError where they are none."""
    try:
        given = list(values)
    except TypeError:
        raise ValueError(f"{name} is {values!r}; a list of numbers is wanted.") from None
    if not given:
        raise ValueError(f"{name} must hold at least one number.")
    for value in given:
        if not (real(value) > 0 or (zero and real(value) == 0)):
            raise ValueError(f"{name} holds {value!r}; positive, finite numbers are wanted.")
    return [float(value) for value in given]


def _one_point(name: str, posterior: LocalPosterior) -> None:
    """Raises TypeError unless this is a posterior with one w*."""
    if not isinstance(posterior, LocalPosterior):
        raise TypeError(f"{name} takes a LocalPosterior(model, data, loss, ...), not {type(posterior).__name__}.")
    if posterior.several:
        raise TypeError(f"{name} takes one w*, not a list of them.")


class Trials:
    """Short runs of one w* at several settings, all in one batch of chains."""

    def __init__(
        self,
        posterior: LocalPosterior,
        sampler: AnySampler,
        num_chains: int,
        batch_size: int | None,
        seed: int,
    ):
        self.posterior, self.sampler, self.num_chains, self.batch_size = posterior, sampler, num_chains, batch_size
        self.seed = whole("seed", seed, 0)
        self.generator = torch.Generator(posterior.device).manual_seed(self.seed)
        self.work = num_chains * posterior.bytes_per_chain(batch_size)

    def width(self) -> float:
        """The isotropic displacement that costs d/2 of nβL."""
        return safe_radius(self._target([{}]), self.generator).max().item()

    def run(self, settings: Sequence[dict[str, Any]], steps: int = STEPS) -> list[tuple[LLCResult, float]]:
        """At each of ``settings`` (lr, localization, nbeta): the short run, and MALA's acceptance of its steps."""
        posterior, chains = self.posterior, self.num_chains
        target, began = self._target(settings), time.perf_counter()
        sampler = replace(self.sampler, lr=self._column(settings, "lr", self.sampler.lr))
        zero = torch.zeros(chains * len(settings), dtype=torch.long, device=posterior.device)
        group = Group(target, sampler, self.generator, posterior.init_loss[zero], posterior.init_grad[zero])
        with torch.inference_mode(False), progress(None, "calibrating", total=2 * steps) as bar:
            burnin = group.burn_in(steps, steps, 1, bar)
            taken, interrupted = group.draw(steps, 1, first_now=True, bar=bar)
        if interrupted:
            raise KeyboardInterrupt
        wall, w = time.perf_counter() - began, group.state.w
        loss, grad = target.full_loss_and_grad(w)
        step = sampler.step_size(group.state, target)
        here = Proposal(w, loss, target.force(w, grad), target.potential(w, loss))
        _, accepted = propose(target, here, step, self.generator)
        common = dict(
            init_loss=posterior.init_loss[0].item(), prior_precision=posterior.prior_precision,
            penalty=posterior.penalty, dim=posterior.dim, num_samples=posterior.num_samples or 0,
            batch_size=self.batch_size or 0, num_chains=chains, num_draws=steps, num_burnin_steps=steps,
            num_steps_bw_draws=1, seed=self.seed, device=str(posterior.device), partial=0, wall_time=wall,
            steps=2 * steps, dtype=str(posterior.dtype).removeprefix("torch."),
            chain_steps_per_second=2 * steps * len(zero) / wall,
            notes=json.dumps([*posterior.notes, *target.evaluator.notes], ensure_ascii=False),
        )  # fmt: skip
        results = []
        for k, setting in enumerate(settings):
            rows = slice(k * chains, (k + 1) * chains)
            own = dict(nbeta=posterior.nbeta, localization=posterior.localization)
            own.update((name, setting[name]) for name in own if name in setting)
            mine = {name: x[rows] for name, x in taken.items()}
            draws = dataset(mine, group, burnin[rows], {**common, **own}, steps + 1 + np.arange(steps), rows)
            draws.attrs.update(
                common, **own, sampler=to_json(replace(self.sampler, lr=setting.get("lr", self.sampler.lr)))
            )
            results.append((LLCResult.of(draws), accepted[rows].mean().item()))
        return results

    def _column(self, settings: Sequence[dict[str, Any]], name: str, default: Any) -> torch.Tensor:
        """The setting ``name`` of every chain, (chains, 1)."""
        values = [setting.get(name, default) for setting in settings]
        column = torch.tensor(values, dtype=self.posterior.dtype, device=self.posterior.device)
        return column.repeat_interleave(self.num_chains)[:, None]

    def _target(self, settings: Sequence[dict[str, Any]]) -> Target:
        """The target of all chains, those of each setting in a pool of their own."""
        posterior = self.posterior
        trial = torch.arange(len(settings), device=posterior.device).repeat_interleave(self.num_chains)
        return posterior.target(
            torch.zeros_like(trial), batch_size=self.batch_size, generator=self.generator, seed=self.seed,
            nbeta=self._column(settings, "nbeta", posterior.nbeta),
            localization=self._column(settings, "localization", posterior.localization), pool=trial,
        )  # fmt: skip


def _agree(a: LLCResult, b: LLCResult) -> bool:
    """Equal within 10 % or twice their Monte-Carlo error."""
    return abs(a.llc - b.llc) <= max(0.1 * abs(a.llc), 2 * math.hypot(a.std_error, b.std_error))


def _sound(r: LLCResult) -> bool:
    return not r.diverged and r.rhat is not None and r.rhat < 1.2


def _step_sizes(trials: Trials) -> tuple[list[float], tuple[LLCResult, ...], tuple[float, ...], int]:
    """The step sizes tried, their short runs, MALA's acceptance of each, and the number of the one to take."""
    with threads_for(trials.work):
        if isinstance(trials.sampler, WhitenedSGLD):  # lr is the most it may take: the step itself it finds
            lrs = [10 ** (-k / 3) for k in range(2, -1, -1)]
        else:
            lrs = [trials.width() ** 2 * 10 ** (-k / 3) for k in range(6, -1, -1)]
        runs, acceptances = zip(*trials.run([dict(lr=lr, localization=10.0) for lr in lrs]), strict=True)
    chosen = _largest_sound_step(runs)
    if chosen is None:
        shown = _lines([f"lr {lr:.2g}" for lr in lrs], runs)
        raise NothingTrustworthy(
            f"no step size gives equipartition and agrees with the next smaller one: {shown}.", runs
        )
    return lrs, runs, acceptances, chosen


def _localizations(trials: Trials, lr: float) -> tuple[tuple[LLCResult, ...], int]:
    """The short runs at each of ``LOCALIZATIONS``, all at ``lr``, and the number of the localization to take."""
    with threads_for(trials.work):
        runs, _ = zip(*trials.run([dict(lr=lr, localization=gamma) for gamma in LOCALIZATIONS]), strict=True)
    held = _smallest_plateau(runs)
    if held is None:
        shown = _lines([f"γ {gamma:g}" for gamma in LOCALIZATIONS], runs)
        raise NothingTrustworthy(f"no localization leaves λ̂ alone, or λ̂ is negative: {shown}.", runs)
    return runs, held


def _largest_sound_step(results: Sequence[LLCResult]) -> int | None:
    """The number of the largest step that passes, or None."""
    for k in range(len(results) - 1, 0, -1):
        r = results[k]
        if _sound(r) and abs(r.equipartition - 1) < 0.05 and _agree(r, results[k - 1]):
            return k
    return None


def _smallest_plateau(results: Sequence[LLCResult]) -> int | None:
    """The number of the smallest localization that passes, or None."""
    for k in range(len(results) - 1):
        r, more = results[k], results[k + 1]
        if _sound(r) and r.llc > 2 * r.std_error and abs(r.equipartition - 1) < 0.1 and _agree(r, more):
            return k
    return None


def _draws(result: LLCResult) -> int:
    """Draws for the error that is asked for, EFFECTIVE draws, and an R-hat of 1.02, from what a short run had.

    Error² and R-hat − 1 both fall like one over the number of draws.
    """
    error = (result.std_error / (PRECISION * result.llc)) ** 2
    rhat = 1.0 if result.rhat is None else result.rhat
    most = max(error, EFFECTIVE / result.ess, (rhat - 1) / 0.02)
    return max(200, math.ceil(STEPS * most / 100) * 100)


def _lines(names: Sequence[str], results: Sequence[LLCResult]) -> str:
    """What the short runs found, each after its name."""
    return "; ".join(
        f"{name}: λ̂ {r.llc:.3g} ± {r.std_error:.2g}, equipartition {r.equipartition:.2f}"
        for name, r in zip(names, results, strict=True)
    )
