"""The estimate, its error bar, its diagnostics, and the verdict on them."""

import math
from dataclasses import dataclass, field

import numpy as np

from sltcourse.llc.chains import Traces

try:
    from arviz_stats.base import array_stats as stats
except ImportError:  # Colab has ArviZ 0.22, where the same functions are at the top
    import arviz as stats

LEVELS = ("trust", "doubtful", "don't")


@dataclass(frozen=True)
class Verdict:
    """Whether to use the estimate: ``word`` is 'trust', 'doubtful' or "don't"; ``reasons`` say why, worst first."""

    word: str
    reasons: tuple[str, ...]

    def __str__(self):
        return f"{self.word}: {' '.join(self.reasons)}"


@dataclass(frozen=True, eq=False)
class LLCResult:
    """An estimate of the local learning coefficient λ(w*), as ``estimate_llc`` returns it.

    Arrays have shape (chains, draws) or (chains,). Diverged chains keep their place in the arrays; ``llc``,
    ``std_error``, ``rhat``, ``ess`` and the shares are over the others.
    """

    llc: float  # λ̂ = nβ (mean loss − L_n(w*)); nan only if every chain diverged
    std_error: float  # Monte-Carlo standard error of λ̂ (not its bias)
    verdict: Verdict
    llc_per_chain: np.ndarray
    loss_trace: np.ndarray  # (chains, draws), L_n at each draw
    burnin_trace: np.ndarray  # (chains, recorded burn-in steps), the same before the draws
    init_loss: float  # L_n(w*) on all the data
    nbeta: float
    localization: float
    dim: int  # d, the number of sampled coordinates
    num_samples: int | None  # n
    rhat: float | None  # rank-normalised split R-hat of the loss; None for a single chain
    ess: float  # bulk effective sample size of the loss
    acceptance: float | None  # mean acceptance rate, for samplers that have one
    distance: np.ndarray  # (chains, draws), ‖w − w*‖
    share_below: float  # share of draws with a loss below L_n(w*)
    tilt: float  # nβ ∇L_n(w*)·mean(w − w*): what the slope at w* alone adds to λ̂; about 0 at a minimum
    step_bias: float  # about what the finite step and the minibatch noise add to λ̂ (exact for a quadratic loss)
    equipartition: float  # mean of (w − w*)·∇U(w)/d: 1 in equilibrium, above 1 if the step is too large
    diverged: dict[int, int]  # chain: the step by which it had diverged
    wall_time: float  # seconds, for all that ran in the same call
    chain_steps_per_second: float
    partial: bool  # an interrupt ended the run early
    settings: dict = field(repr=False)

    @property
    def wbic(self) -> float:
        """n times the mean loss: Watanabe's WBIC (2013), an estimate of the free energy F_n, at nβ = n/log n."""
        if self.num_samples is None or not math.isclose(self.nbeta, self.num_samples / math.log(self.num_samples)):
            raise ValueError("WBIC is defined at nβ = n/log n; estimate with nbeta=None.")
        return self.num_samples * self.init_loss + self.llc * math.log(self.num_samples)

    def __str__(self):
        rhat = "–" if self.rhat is None else f"{self.rhat:.3f}"
        lines = [
            f"λ̂ = {self.llc:.4g} ± {self.std_error:.2g}" + (" (interrupted)" if self.partial else ""),
            str(self.verdict),
            f"{len(self.llc_per_chain)} chains × {self.loss_trace.shape[1]} draws, d = {self.dim}, "
            f"nβ = {self.nbeta:.4g}, γ = {self.localization:.4g}, L(w*) = {self.init_loss:.6g}",
            f"R-hat {rhat}, ESS {self.ess:.0f}, below L(w*) {self.share_below:.1%}, "
            f"step bias {self.step_bias:+.2g}, equipartition {self.equipartition:.3f}",
        ]
        return "\n".join(lines)


def summarise(
    traces: Traces,
    init_loss,
    nbeta,
    localization,
    dim,
    num_samples,
    wall_time,
    speed,
    partial,
    settings,
    smallest_draw_noise,
) -> LLCResult:
    """Reduce the traces of one w* to an LLCResult."""
    sound = traces.first_bad < 0
    excess = nbeta * (traces.loss - init_loss)
    per_chain = np.where(sound, excess.mean(1) if excess.shape[1] else np.nan, np.nan)
    good = excess[sound]
    diverged = {int(chain): int(traces.first_bad[chain]) for chain in np.flatnonzero(~sound)}
    llc = std_error = ess = below = tilt = equipartition = step_bias = math.nan
    rhat = acceptance = None
    if good.size:
        llc = float(good.mean())
        below, tilt = float((good < 0).mean()), float(traces.tilt[sound].mean())
        equipartition, step_bias = float(traces.virial[sound].mean()), float(traces.step_bias[sound].mean())
        acceptance = None if traces.acceptance is None else float(traces.acceptance[sound].mean())
        if good.shape[1] >= 4 and np.ptp(good) > 0:
            ess = float(stats.ess(good, method="bulk"))
            std_error = float(stats.mcse(good, method="mean"))
            rhat = float(stats.rhat(good, method="rank")) if len(good) > 1 else None
    facts = dict(
        llc=llc,
        std_error=std_error,
        ess=ess,
        rhat=rhat,
        share_below=below,
        tilt=tilt,
        equipartition=equipartition,
        step_bias=step_bias,
        acceptance=acceptance,
        diverged=diverged,
        dim=dim,
    )
    return LLCResult(
        **facts,
        verdict=judge(
            **facts,
            draws=excess.shape[1],
            lr=settings["lr"],
            partial=partial,
            noisy_draws=smallest_draw_noise,
        ),
        llc_per_chain=per_chain,
        loss_trace=traces.loss,
        burnin_trace=traces.burnin_loss,
        init_loss=init_loss,
        nbeta=nbeta,
        localization=localization,
        num_samples=num_samples,
        distance=traces.distance,
        wall_time=wall_time,
        chain_steps_per_second=speed,
        partial=partial,
        settings=settings,
    )


def judge(
    *,
    llc,
    std_error,
    ess,
    rhat,
    share_below,
    tilt,
    step_bias,
    equipartition,
    acceptance,
    diverged,
    dim,
    draws,
    lr,
    partial,
    noisy_draws,
) -> Verdict:
    """Turn the diagnostics into a verdict; each reason says what was seen and what to do about it."""
    found: list[tuple[int, str]] = []

    def say(level, text):
        found.append((level, text))

    if diverged:
        chain, step = min(diverged.items(), key=lambda item: item[1])
        say(
            2,
            f"{len(diverged)} chain(s) diverged, first chain {chain} by step {step}: lower lr (now {lr:.2g}).",
        )
    if not math.isfinite(llc):
        return Verdict(LEVELS[2], tuple(text for _, text in found) or ("no draw is finite.",))
    if rhat is None:  # before the error bar: that of a single chain says little
        say(1, "one chain cannot be compared with another: run four or more.")
    downhill = -tilt > max(0.25 * abs(llc), 0.1)
    if not math.isfinite(std_error):
        say(2, f"{draws} draws give no error bar: take at least 4 (or the loss does not move at all).")
    else:
        if llc < -2 * std_error and downhill:
            say(
                2,
                f"the estimate is negative ({llc:.3g}): the loss falls away from w*, which is no local minimum; train "
                "further.",
            )
        elif llc < -2 * std_error:
            say(
                2,
                f"the estimate is negative ({llc:.3g}), though the gradient at w* is small: the chains left it for "
                "lower loss. Raise nbeta or localization; if that does not help, w* is a saddle: train further.",
            )
        elif share_below > 0.05 and not noisy_draws:
            say(
                1,
                f"{share_below:.0%} of the draws lie below L(w*): w* is not quite a minimum; train further.",
            )
        if ess < 400:
            say(2 if ess < 100 else 1, f"ESS is {ess:.0f}, below 400: take more draws.")
        if std_error > 0.1 * abs(llc):
            say(
                1,
                f"the Monte-Carlo error is {std_error / max(abs(llc), 1e-12):.0%} of the estimate: take more draws or "
                "chains.",
            )
        if llc > 0.55 * dim + 3 * std_error:
            say(
                2,
                f"the estimate exceeds d/2 = {dim / 2:g}, which λ at a local minimum never does: lower lr, raise "
                "nbeta, or train further.",
            )
    if rhat is not None and not rhat < 1.05:
        say(
            2 if not rhat < 1.2 else 1,
            f"R-hat is {rhat:.3f}: the chains disagree; a longer burn-in or more draws.",
        )
    if downhill and llc >= -2 * std_error:
        say(
            2 if -tilt > max(llc, 0.5) else 1,
            f"the gradient at w* pulls the chains downhill (it takes {-tilt:.2g} off "
            "the estimate): w* is no local minimum of L_n; train further.",
        )
    if step_bias > 0.1 * abs(llc):
        say(
            2 if step_bias > 0.3 * abs(llc) else 1,
            f"the step (or the minibatch noise) adds about {step_bias:.2g} to the estimate: lower lr or raise "
            "batch_size.",
        )
    elif equipartition > 1.2:
        say(1, f"equipartition is {equipartition:.2f} where 1 is right: the chains still spread; a longer burn-in.")
    elif equipartition < 0.8:
        say(
            1,
            f"equipartition is {equipartition:.2f} where 1 is right: some directions have not spread yet; a longer "
            "burn-in, a larger lr or a larger localization.",
        )
    if acceptance is not None and acceptance < 0.2:
        say(2 if acceptance < 0.05 else 1, f"only {acceptance:.0%} of proposals were accepted: lower lr.")
    if partial:
        say(1, "the run was interrupted.")
    if not found:
        return Verdict(LEVELS[0], (f"the chains agree (R-hat {rhat:.3f}), {ess:.0f} effective draws.",))
    found.sort(key=lambda item: -item[0])
    return Verdict(LEVELS[found[0][0]], tuple(text for _, text in found))
