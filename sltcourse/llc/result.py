"""The estimate, its error bar, its diagnostics and the verdict on them: a reading of draws."""

import json
import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sltcourse.llc.draws import checked_draws, undefined
from sltcourse.llc.errors import Summary, summary
from sltcourse.llc.readings import expectation
from sltcourse.llc.samplers import named
from sltcourse.llc.verdict import Diagnostics, Verdict, judge


@dataclass(frozen=True, eq=False)
class LLCResult:
    """An estimate of the local learning coefficient λ(w*), as ``estimate_llc`` returns it.

    Arrays have shape (chains, draws) or (chains,). Diverged chains keep their place in the arrays; ``llc``,
    ``std_error``, ``rhat``, ``ess`` and the shares are over the others.
    """

    llc: float  #: λ̂ = nβ (mean loss − L_n(w*)); nan only if every chain diverged
    std_error: float  #: Monte-Carlo standard error of λ̂ (not its bias)
    verdict: Verdict  #: whether to use it, and why
    llc_per_chain: np.ndarray  #: (chains,), λ̂ of each chain by itself
    loss_trace: np.ndarray  #: (chains, draws), L_n at each draw
    burnin_trace: np.ndarray  #: (chains, recorded burn-in steps), the loss of the step's own minibatch
    init_loss: float  #: L_n(w*) on all the data
    nbeta: float  #: nβ
    localization: float  #: γ
    dim: int  #: d, the number of sampled coordinates
    num_samples: int | None  #: n
    rhat: float | None  #: rank-normalised split R-hat of the loss; None for a single chain
    ess: float  #: effective sample size of the loss
    acceptance: float | None  #: mean acceptance rate, for samplers that have one
    distance: np.ndarray  #: (chains, draws), ‖w − w*‖
    share_below: float  #: share of draws with a loss below L_n(w*)
    tilt: float  #: nβ ∇L_n(w*)·mean(w − w*): what the slope at w* alone adds to λ̂; about 0 at a minimum
    step_bias: float  #: about what the finite step and the minibatch noise add to λ̂ (exact for a quadratic loss)
    equipartition: float  #: mean of (w − w*)·∇U(w)/d: 1 in equilibrium, above 1 if the step is too large
    diverged: dict[int, int]  #: chain: the step by which it had diverged
    wall_time: float  #: seconds, for all that ran in the same call
    chain_steps_per_second: float  #: chains × steps in that time
    partial: bool  #: an interrupt ended the run early
    notes: tuple[str, ...]  #: what was done otherwise than one may think, say chain by chain
    settings: dict[str, Any] = field(repr=False)  #: what was used, the sampler and its lr among it
    draws: xr.Dataset = field(repr=False)  #: all that was recorded; see ``sltcourse.llc.draws``

    @classmethod
    def of(cls, draws: xr.Dataset) -> "LLCResult":
        """The estimate that ``draws`` of one w* give."""
        found, known = diagnostics(draws), draws.attrs
        sampler = named(known["sampler"])
        names = ("num_chains", "num_draws", "num_burnin_steps", "num_steps_bw_draws", "nbeta", "localization",
                 "prior_precision", "penalty", "seed", "device", "dtype")  # fmt: skip
        settings = {name: known[name] for name in names}
        settings.update(sampler=sampler, lr=sampler.lr, batch_size=known["batch_size"] or None,
                        control_variate=bool(known.get("control_variate", 0)))  # fmt: skip
        shared = ("llc", "std_error", "dim", "rhat", "ess", "acceptance", "share_below", "tilt", "step_bias",
                  "equipartition", "diverged", "partial", "notes")  # fmt: skip
        return cls(
            **{name: getattr(found, name) for name in shared},
            verdict=judge(found),
            llc_per_chain=np.where(draws.first_bad < 0, _excess(draws).mean(1), np.nan),
            loss_trace=draws.loss.values,
            burnin_trace=draws.burnin_loss.values,
            init_loss=known["init_loss"],
            nbeta=known["nbeta"],
            localization=known["localization"],
            num_samples=known["num_samples"] or None,
            distance=draws.distance.values,
            wall_time=known["wall_time"],
            chain_steps_per_second=known["chain_steps_per_second"],
            settings=settings,
            draws=draws,
        )

    @property
    def wbic(self) -> float:
        """n times the mean loss: WBIC (Watanabe 2013), an estimate of the free energy F_n, at nβ = n/log n.

        Raises ValueError at another nβ.
        """
        if self.num_samples is None or not math.isclose(self.nbeta, self.num_samples / math.log(self.num_samples)):
            raise ValueError("WBIC is defined at nβ = n/log n; estimate with nbeta=None.")
        return self.num_samples * self.init_loss + self.llc * math.log(self.num_samples)

    def __str__(self) -> str:
        rhat = "–" if self.rhat is None else f"{self.rhat:.3f}"
        lines = [
            f"λ̂ = {self.llc:.4g} ± {self.std_error:.2g}" + (" (interrupted)" if self.partial else ""),
            str(self.verdict),
            f"{len(self.llc_per_chain)} chains × {self.loss_trace.shape[1]} draws, d = {self.dim}, "
            f"nβ = {self.nbeta:.4g}, γ = {self.localization:.4g}, L(w*) = {self.init_loss:.6g}",
            f"R-hat {rhat}, ESS {self.ess:.0f}, below L(w*) {self.share_below:.1%}, "
            f"step bias {self.step_bias:+.2g}, equipartition {self.equipartition:.3f}",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)


def diagnostics(draws: xr.Dataset) -> Diagnostics:
    """What the chains that did not diverge say of the estimate and of themselves; see ``Diagnostics``.

    ``draws``: the Dataset of one w*. Where nothing can be said there is nan or None. Raises ValueError for weighted
    draws (``Importance``), which are no chains: their attributes ``ess`` and ``pareto_k`` say what they are worth.

    >>> import torch
    >>> from sltcourse.llc import HMC, LocalPosterior, diagnostics, sample
    >>> posterior = LocalPosterior(lambda w: w[0]**2, at=torch.zeros(1), nbeta=50.0, localization=0.1)
    >>> found = diagnostics(sample(posterior, HMC(), num_chains=4, num_draws=100))
    >>> found.rhat < 1.2, found.num_chains, found.num_draws
    (True, 4, 100)
    """
    checked_draws(draws)
    if "log_weight" in draws:
        raise ValueError("these are independent, weighted draws, no chains: see their attributes ess and pareto_k.")
    bad, known = draws.first_bad.values, draws.attrs
    sound = bad < 0
    good = _excess(draws)[sound]
    mean = std_error = ess = below = tilt = equipartition = spread = step_bias = math.nan
    rhat = acceptance = None
    if good.size:
        mean, std_error, ess, rhat = _unpacked(summary(good))
        below, tilt = float((good < 0).mean()), float(draws.tilt.values[sound].mean())
        equipartition, spread = _unpacked(summary(draws.virial.values[sound]))[:2]
        step_bias = float(draws.step_bias.values[sound].mean())
        acceptance = float(draws.acceptance.values[sound].mean()) if "acceptance" in draws.coords else None
    blocks = {}
    if good.size and "block_virial" in draws:
        by_block = draws.block_virial.values[sound]
        for k, name in enumerate(draws.block.values):
            blocks[str(name)] = _unpacked(summary(by_block[:, :, k]))[:2]
    return Diagnostics(
        llc=mean, std_error=std_error, ess=ess, rhat=rhat, share_below=below, tilt=tilt, step_bias=step_bias,
        equipartition=equipartition, equipartition_error=spread, acceptance=acceptance,
        diverged={int(chain): int(bad[chain]) for chain in np.flatnonzero(~sound)}, dim=known["dim"],
        num_chains=draws.sizes["chain"], num_draws=draws.sizes["draw"], minibatch=bool(known["batch_size"]),
        partial=bool(known["partial"]), notes=tuple(json.loads(known["notes"])), blocks=blocks,
        bad_batches=int(draws.bad_batches.sum()), undefined=undefined(draws),
        rounding=known["nbeta"] * abs(known["init_loss"]) * float(np.finfo(known.get("dtype", "float64")).eps),
        slope_error=float(known.get("slope_error", 0.0)),
    )  # fmt: skip


def llc(draws: xr.Dataset) -> tuple[float, float]:
    """λ̂ = nβ(E[L_n] − L_n(w*)) of the draws of one w*, and its Monte-Carlo standard error (Lau et al. 2023).

    Of weighted draws the expectation is the weighted one. What cannot be said is nan, and a warning says why.

    >>> import torch
    >>> from sltcourse.llc import Importance, LocalPosterior, llc, sample
    >>> posterior = LocalPosterior(lambda w: w[0]**2, at=torch.zeros(1), nbeta=10.0, localization=20.0)
    >>> value, error = llc(sample(posterior, Importance(), num_draws=4000))  # exactly 1/4
    >>> abs(value - 0.25) < 5 * error
    True
    """
    if "log_weight" in checked_draws(draws):
        level, nbeta = expectation(draws), draws.attrs["nbeta"]
        return nbeta * (level.value.item() - draws.attrs["init_loss"]), nbeta * level.std_error.item()
    found = diagnostics(draws)
    if not math.isfinite(found.std_error):
        said = " ".join(judge(found).reasons)
        warnings.warn(f"λ̂ = {found.llc:.4g} ± {found.std_error:.2g}: {said}", stacklevel=2)
    return found.llc, found.std_error


def _excess(draws: xr.Dataset) -> np.ndarray:
    """nβ(L − L(w*)), (chains, draws)."""
    return draws.attrs["nbeta"] * (draws.loss.values - draws.attrs["init_loss"])


def _unpacked(found: Summary) -> tuple[float, float, float, float | None]:
    return found.mean, found.std_error, found.ess, found.rhat
