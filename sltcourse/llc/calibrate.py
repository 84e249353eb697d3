"""Choosing step size, localization and chain length from short runs, and saying why."""

import math
import time
from dataclasses import dataclass, replace

import torch

from sltcourse.kit.progress import progress
from sltcourse.llc.chains import run
from sltcourse.llc.estimate import batch_size_of, nbeta_of
from sltcourse.llc.problem import Problem
from sltcourse.llc.result import LLCResult, summarise
from sltcourse.llc.samplers import SGLD, WhitenedSGLD
from sltcourse.llc.samplers.mala import propose
from sltcourse.llc.samplers.whitened import safe_radius
from sltcourse.llc.threads import threads_for

LOCALIZATIONS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
STEPS = 600  # burn-in, and again as many draws, of each short run
PRECISION = 0.05  # the relative Monte-Carlo error that num_draws aims at
EFFECTIVE = 1200  # the effective draws that num_draws aims at: 16 chains of half as many still have R-hat 1.07


class NothingTrustworthy(RuntimeError):
    """No setting gave an estimate to trust; ``trials`` are the short runs that show it."""

    def __init__(self, message, trials):
        super().__init__(message)
        self.trials = trials


@dataclass(frozen=True)
class Calibration:
    """Settings for ``estimate_llc(..., **calibration.settings)``, the reasons, and the short runs behind them."""

    settings: dict
    reasons: tuple[str, ...]
    step_sizes: list[tuple[float, float, LLCResult]]  # (lr, acceptance of that step under MALA, short run)
    localizations: list[tuple[float, LLCResult]]  # (γ, short run at the chosen lr)

    def __str__(self):
        return "\n".join(self.reasons)


def calibrate(model, data=None, loss=None, *, at=None, sampler=None, num_chains: int = 8, batch_size=None, nbeta=None,
              mask=None, device=None, seed: int = 0) -> Calibration:  # fmt: skip
    """Find lr, localization, num_burnin_steps and num_draws for SGLD or WhitenedSGLD (the default).

    Two batches of short runs: step sizes over two decades, then localizations over two and a half. The step is the
    largest at which the loss agrees with the next smaller step and equipartition holds within 5 %; the localization is
    the smallest from which on three times as much does not change λ̂; the number of draws is what a Monte-Carlo error
    of 5 % takes. Arguments as in ``estimate_llc``, with one w*.

    Raises NothingTrustworthy where no step size or no localization passes.
    """
    sampler = WhitenedSGLD() if sampler is None else sampler
    if not isinstance(sampler, (SGLD, WhitenedSGLD)):
        raise TypeError(f"calibrate knows SGLD and WhitenedSGLD, not {type(sampler).__name__}.")
    problem = Problem(model, [at], data, loss, mask, None, device)
    batch_size, nbeta = batch_size_of(batch_size, problem.num_samples, False), nbeta_of(nbeta, problem.num_samples)
    trials = _Trials(problem, sampler, num_chains, batch_size, nbeta, seed)

    with threads_for(trials.work):
        scale = 1.0 if isinstance(sampler, WhitenedSGLD) else trials.width() ** 2
        lrs = [scale * 10 ** (-k / 3) for k in range(6, -1, -1)]
        by_step, acceptances = trials.run([(lr, 10.0) for lr in lrs])
    chosen = _largest_sound_step(by_step)
    if chosen is None:
        shown = "; ".join(_line(f"lr {lr:.2g}", r) for lr, r in zip(lrs, by_step, strict=True))
        raise NothingTrustworthy(
            f"no step size gives equipartition and agrees with the next smaller one: {shown}.", by_step
        )
    lr = lrs[chosen]
    with threads_for(trials.work):
        by_pull, _ = trials.run([(lr, pull) for pull in LOCALIZATIONS])
    held = _smallest_plateau(by_pull)
    if held is None:
        shown = "; ".join(_line(f"γ {g:g}", r) for g, r in zip(LOCALIZATIONS, by_pull, strict=True))
        raise NothingTrustworthy(f"no localization leaves λ̂ alone, or λ̂ is negative: {shown}.", by_pull)
    result = by_pull[held]
    draws = _draws(result, num_chains)
    reasons = (
        f"lr = {lr:.3g}: equipartition {by_step[chosen].equipartition:.3f}, λ̂ = {by_step[chosen].llc:.3g} where the "
        f"next smaller step has {by_step[chosen - 1].llc:.3g}; MALA would accept {acceptances[chosen]:.0%}.",
        f"localization = {LOCALIZATIONS[held]:g}: λ̂ = {result.llc:.3g}, and {by_pull[held + 1].llc:.3g} at "
        f"{LOCALIZATIONS[held + 1]:g}.",
        f"{draws} draws of {num_chains} chains: for a Monte-Carlo error of {PRECISION:.0%} and {EFFECTIVE} effective "
        f"draws (R-hat of the short run {result.rhat:.3f}).",
    )
    settings = dict(
        sampler=replace(sampler, lr=lr),
        localization=LOCALIZATIONS[held],
        num_chains=num_chains,
        num_burnin_steps=max(STEPS, draws // 2),
        num_draws=draws,
        batch_size=batch_size,
        nbeta=nbeta,
    )
    return Calibration(
        settings,
        reasons,
        list(zip(lrs, acceptances, by_step, strict=True)),
        list(zip(LOCALIZATIONS, by_pull, strict=True)),
    )


class _Trials:
    """Short runs at several settings, all in one batch of chains."""

    def __init__(self, problem, sampler, num_chains, batch_size, nbeta, seed):
        self.problem, self.sampler, self.num_chains = problem, sampler, num_chains
        self.batch_size, self.nbeta = batch_size, nbeta
        self.generator = torch.Generator(problem.device).manual_seed(seed)
        self.work = num_chains * problem.bytes_per_chain(batch_size)

    def width(self) -> float:
        """The isotropic displacement that costs d/2 of nβL."""
        target = self._target(torch.zeros(self.num_chains, dtype=torch.long), 1.0)
        return safe_radius(target, self.generator).max().item()

    def run(self, settings) -> tuple[list[LLCResult], list[float]]:
        """The short run at each (lr, localization), and how often MALA would accept its steps."""
        trial = torch.arange(len(settings)).repeat_interleave(self.num_chains)
        lrs, pulls = (torch.tensor(x, dtype=self.problem.dtype)[trial, None].to(self.problem.device)
                      for x in zip(*settings, strict=True))  # fmt: skip
        target = self._target(trial.to(self.problem.device), pulls)
        sampler = replace(self.sampler, lr=lrs)
        base = self.problem.init_loss.expand(len(trial)), self.problem.init_grad.expand(len(trial), -1)
        began = time.perf_counter()
        with progress(None, "calibrating", total=2 * STEPS) as bar:
            traces, interrupted = run(sampler, target, *base, num_draws=STEPS, num_burnin_steps=STEPS,
                                      num_steps_bw_draws=1, generator=self.generator, bar=bar)  # fmt: skip
        if interrupted:
            raise KeyboardInterrupt
        wall = time.perf_counter() - began
        w = traces.final.w
        loss, grad = target.full_loss_and_grad(w)
        step = sampler.step_size(traces.final, target)
        accepted = propose(target, w, target.force(w, grad), target.potential(w, loss), step, self.generator)[-1]
        results, acceptances = [], []
        for k, (lr, pull) in enumerate(settings):
            rows = slice(k * self.num_chains, (k + 1) * self.num_chains)
            results.append(summarise(
                traces.rows(rows), self.problem.init_loss[0].item(), self.nbeta, pull, self.problem.dim,
                self.problem.num_samples, wall, traces.steps * len(trial) / wall, False, dict(lr=lr),
                self.batch_size is not None))  # fmt: skip
            acceptances.append(accepted[rows].mean().item())
        return results, acceptances

    def _target(self, trial, localization):
        rows = torch.zeros(len(trial), dtype=torch.long, device=self.problem.device)
        return self.problem.target(rows, self.nbeta, localization, self.batch_size, pool=trial)


def _agree(a: LLCResult, b: LLCResult) -> bool:
    """Equal within 10 % or twice their Monte-Carlo error."""
    return abs(a.llc - b.llc) <= max(0.1 * abs(a.llc), 2 * math.hypot(a.std_error, b.std_error))


def _sound(r: LLCResult) -> bool:
    return not r.diverged and r.rhat is not None and r.rhat < 1.2


def _largest_sound_step(results) -> int | None:
    for k in range(len(results) - 1, 0, -1):
        r = results[k]
        if _sound(r) and abs(r.equipartition - 1) < 0.05 and _agree(r, results[k - 1]):
            return k
    return None


def _smallest_plateau(results) -> int | None:
    for k in range(len(results) - 1):
        r, more = results[k], results[k + 1]
        if _sound(r) and r.llc > 2 * r.std_error and abs(r.equipartition - 1) < 0.1 and _agree(r, more):
            return k
    return None


def _draws(result: LLCResult, num_chains: int) -> int:
    error = STEPS * (result.std_error / (PRECISION * result.llc)) ** 2
    return max(200, math.ceil(max(error, STEPS * EFFECTIVE / result.ess) / 100) * 100)


def _line(name: str, r: LLCResult) -> str:
    return f"{name}: λ̂ {r.llc:.3g} ± {r.std_error:.2g}, equipartition {r.equipartition:.2f}"
