"""The estimate, its error bar, its diagnostics, and the verdict on them."""

import math
from dataclasses import dataclass, field

import numpy as np

from sltcourse.llc.chains import Traces
from sltcourse.llc.errors import summary
from sltcourse.llc.verdict import LEVELS, Diagnostics, Verdict, judge

__all__ = ["LEVELS", "LLCResult", "Verdict", "judge", "summarise"]


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
    rhat: float | None  # rank-normalised split R-hat of the loss, of block means; None for a single chain
    ess: float  # effective sample size of the loss: so many independent draws would have the same error
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
    llc = std_error = ess = below = tilt = equipartition = equipartition_error = step_bias = math.nan
    rhat = acceptance = None
    if good.size:
        llc = float(good.mean())
        below, tilt = float((good < 0).mean()), float(traces.tilt[sound].mean())
        step_bias = float(traces.step_bias[sound].mean())
        virial = summary(traces.virial[sound])
        equipartition, equipartition_error = virial.mean, virial.std_error
        acceptance = None if traces.acceptance is None else float(traces.acceptance[sound].mean())
        trace = summary(good)
        ess, std_error, rhat = trace.ess, trace.std_error, trace.rhat
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
    diagnostics = Diagnostics(
        **facts,
        equipartition_error=equipartition_error,
        num_chains=len(excess),
        num_draws=excess.shape[1],
        minibatch=smallest_draw_noise,
        partial=partial,
    )
    return LLCResult(
        **facts,
        verdict=judge(diagnostics),
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
