"""Independent, weighted draws of a local posterior whose spring is strong: no step size, no burn-in, no gradient."""

import json
import math
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike

from sltcourse.llc.observables import Chains, LossOn
from sltcourse.llc.posterior import LocalPosterior, whole
from sltcourse.llc.recorder import Recorder
from sltcourse.progress import progress

LEAST = 20.0  # effective draws, below which nothing is returned
HEAVY = 0.7  # Pareto k̂ of the weights, above which they are not to be trusted (Vehtari et al. 2024, JMLR 25)


@dataclass(frozen=True)
class Importance:
    """Draws from what surrounds the loss, w ~ N(w*, 1/γ) and the like, each weighted by exp(−nβ L_n(w)).

    Spring, prior and penalty together are the Gaussian N(γ w*/c, 1/c) on the sampled coordinates, c = γ + α + nβμ;
    the draws are independent, and a mean under the posterior is Σ v f / Σ v with the weights v (self-normalised,
    Hesterberg 1995). It works where the posterior is not much narrower than that Gaussian: for a strong spring, as in
    susceptibilities (γ = 300 and nβ = 30 leave a third or more of the draws). There it is the referee of SGLD, which
    R-hat cannot be: it needs forward passes only, nothing of it is tuned, and its ESS says what it is worth.

    Give it to ``sample`` as the sampler, or call ``draw``.

    >>> import torch
    >>> from sltcourse.llc import Importance, LocalPosterior, llc, sample
    >>> posterior = LocalPosterior(lambda w: w[0]**2, at=torch.zeros(1), nbeta=10.0, localization=20.0)
    >>> draws = sample(posterior, Importance(), num_draws=4000)
    >>> value, error = llc(draws)  # exactly 1/4: the spring is as stiff as nβK
    >>> abs(value - 0.25) < 5 * error < 0.1
    True
    """

    exact = True
    adapts = False

    def draw(
        self,
        posterior: LocalPosterior,
        *,
        num_chains: int = 8,
        num_draws: int = 500,
        observe: Any = None,
        seed: int = 0,
    ) -> xr.Dataset | list[xr.Dataset]:
        """``num_chains`` × ``num_draws`` independent draws of a ``LocalPosterior``, as a Dataset over (chain, draw).

        It has ``loss``, ``distance`` and the observables as ``sample``'s draws do, and ``log_weight``, −nβ (L − L(w*))
        of the loss without the penalty; all readings use it. Of a posterior with a list of w*, a list of Datasets.
        Attributes beside the usual: ``ess``, (Σv)²/Σv², and ``pareto_k``, the weights' tail, which is to be below 0.7.

        An interrupt returns the draws made so far (``partial`` = 1).
        Raises ValueError where there is no spring, prior or penalty, where a loss is not finite, and where the weights
        leave fewer than 20 effective draws. ``observe`` and ``seed`` as in ``sample``.
        """
        num_chains, num_draws = whole("num_chains", num_chains, 1), whole("num_draws", num_draws, 1)
        seed = whole("seed", seed, 0)
        stiffness = posterior.localization + posterior.prior_precision + posterior.nbeta * posterior.penalty
        if not stiffness > 0:
            raise ValueError("independent draws come from the spring: give localization (or prior_precision) above 0.")
        began = time.perf_counter()
        out: list[xr.Dataset] = []
        generator = torch.Generator(posterior.device).manual_seed(seed)
        points = len(posterior.centers)
        with progress(None, "drawing", total=points * num_draws) as bar:
            for point in range(points):
                try:
                    made = _draws(
                        posterior,
                        point,
                        num_chains,
                        num_draws,
                        observe,
                        generator=generator,
                        stiffness=stiffness,
                        bar=bar,
                    )
                except KeyboardInterrupt:
                    if not out:
                        raise
                    break
                out.append(made)
                if made.attrs["partial"]:
                    break
        for one in out:
            one.attrs.update(_settings(self, posterior, num_chains, seed, time.perf_counter() - began))
        return out if posterior.several else out[0]


def _draws(
    posterior: LocalPosterior,
    point: int,
    num_chains: int,
    num_draws: int,
    observe: Any,
    *,
    generator: torch.Generator,
    stiffness: float,
    bar: Any,
) -> xr.Dataset:
    """The draws around one w*."""
    center = posterior.centers[point]
    chains = Chains(posterior.objective, torch.full((num_chains,), point), memory_bytes=posterior.memory_bytes)
    own = LossOn().bind("loss", chains)
    recorder = Recorder(observe, chains, num_draws)
    middle, width = center * (posterior.localization / stiffness), stiffness**-0.5
    slope = posterior.nbeta * posterior.init_grad[point]
    raw_at_center = posterior.init_loss[point].item() - 0.5 * posterior.penalty * center.square().sum().item()
    rows, partial = [], 0
    try:
        for _ in range(num_draws):
            noise = torch.randn(num_chains, len(center), generator=generator, dtype=center.dtype, device=center.device)
            w = middle + width * noise
            raw = own.measure(w)
            loss = raw + 0.5 * posterior.penalty * w.square().sum(1)
            away = w - center
            distance = away.norm(dim=1)
            recorder.look(w)
            recorder.keep({"loss": loss, "distance": distance})
            rows.append(torch.stack([loss, distance, away @ slope, raw]))
            bar.update(1)
    except KeyboardInterrupt:
        if len(rows) < 2:
            raise
        partial = 1
    loss, distance, tilt, raw = torch.stack(rows, 2).cpu().double().numpy()
    weight, ess, tail, doubts = _weighed(posterior, raw, raw_at_center)
    notes = [*posterior.notes, *chains.notes, *doubts]
    both = ("chain", "draw")
    data = {"loss": loss, "distance": distance, "tilt": tilt, "log_weight": weight}
    more, coords = recorder.variables(draws=loss.shape[1])
    coords = {
        "chain": np.arange(num_chains),
        "draw": np.arange(loss.shape[1]),
        "first_bad": ("chain", np.full(num_chains, -1, np.int32)),
        **coords,
    }
    attrs = dict(init_loss=posterior.init_loss[point].item(), num_draws=loss.shape[1], partial=partial, ess=ess,
                 pareto_k=tail, notes=json.dumps(notes, ensure_ascii=False))  # fmt: skip
    return xr.Dataset({**{name: (both, value) for name, value in data.items()}, **more}, coords, attrs)


def _weighed(
    posterior: LocalPosterior, raw: np.ndarray, raw_at_center: float
) -> tuple[np.ndarray, float, float, list[str]]:
    """The log weights of draws with the losses ``raw``, their effective number, their tail, and what is to be said.

    Raises ValueError where a loss is not finite, and where fewer than ``LEAST`` effective draws are left.
    """
    if not np.isfinite(raw).all():
        raise ValueError(
            f"the loss is not finite at {(~np.isfinite(raw)).mean():.0%} of the draws around w*: a stronger spring "
            "(localization) keeps them nearer."
        )
    weight = -posterior.nbeta * (raw - raw_at_center)
    ess, tail = effective(weight), tail_of(weight)
    if ess < LEAST:
        raise ValueError(
            f"the weights leave {ess:.1f} of {weight.size} draws: the posterior is much narrower than its spring. "
            f"Raise localization (now {posterior.localization:g}), lower nbeta (now {posterior.nbeta:.4g}), take more "
            "draws, or sample with MALA."
        )
    if tail <= HEAVY:
        return weight, ess, tail, []
    doubt = (
        f"the weights have a heavy tail (Pareto k {tail:.2f}, above {HEAVY}): the error bars are too small; raise "
        "localization or lower nbeta."
    )
    return weight, ess, tail, [doubt]


def _settings(
    sampler: Importance, posterior: LocalPosterior, num_chains: int, seed: int, wall: float
) -> dict[str, Any]:
    """The attributes of the draws that say how they were made; ``wall``: seconds."""
    return dict(
        nbeta=posterior.nbeta, localization=posterior.localization, prior_precision=posterior.prior_precision,
        penalty=posterior.penalty, dim=posterior.dim, num_samples=posterior.num_samples or 0, batch_size=0,
        num_chains=num_chains, num_burnin_steps=0, num_steps_bw_draws=1, seed=seed, wall_time=wall,
        device=str(posterior.device), dtype=str(posterior.dtype).removeprefix("torch."),
        sampler=json.dumps({"name": type(sampler).__name__, **asdict(sampler)}),
    )  # fmt: skip


def effective(log_weight: ArrayLike) -> float:
    """Kish's effective sample size (Σv)²/Σv² of independent draws with weights v = exp(``log_weight``), any shape."""
    weight = np.exp(np.ravel(log_weight) - np.max(log_weight))
    return float(weight.sum() ** 2 / np.square(weight).sum())


def tail_of(log_weight: ArrayLike) -> float:
    """Pareto k̂ of the weights' upper tail; −inf where all are alike."""
    logs = np.ravel(log_weight).astype(float)
    if np.ptp(logs) < 1e-9:
        return -math.inf
    try:
        from arviz_stats.base import array_stats  # type: ignore[attr-defined]  # it is public, but not annotated

        def fit(x: np.ndarray) -> Any:
            return array_stats.psislw(-x)[1]  # it takes the logarithm of 1/v
    except ImportError:  # Colab has ArviZ 0.22
        import arviz

        def fit(x: np.ndarray) -> Any:
            return arviz.psislw(x)[1]

    try:
        with np.errstate(all="ignore"):
            return float(fit(logs))
    except ValueError:  # a tail of equal weights
        return -math.inf
