"""estimate_llc: the local learning coefficient of a model at w*, from localized, tempered sampling."""

import math
import numbers
from typing import Any

import torch
import xarray as xr
from torch import nn

from sltcourse.llc.importance import Importance
from sltcourse.llc.posterior import LocalPosterior
from sltcourse.llc.result import LLCResult
from sltcourse.llc.sample import resume, sample
from sltcourse.llc.samplers import AnySampler, WhitenedSGLD, checked
from sltcourse.llc.types import Loss

MOST = 16  # target_error may take this many times num_draws

ELSEWHERE = {  # words of other libraries
    "lr": "the step size belongs to the sampler: sampler=SGLD(lr=...), or leave it out: the default needs none",
    "loader": "give the data as data=, a tensor, a tuple (inputs, targets), a Dataset or a DataLoader",
    "evaluate": "give loss(model(inputs), targets) as loss=",
    "sampling_method": "give a sampler, say sampler=SGLD(lr=...)",
    "optimizer_kwargs": "give sampler=SGLD(lr=...), nbeta=, localization=",
    "criterion": "give loss(model(inputs), targets) as loss=",
    "loss_fn": "give loss(model(inputs), targets) as loss=",
    "n_beta": "it is nbeta here",
    "noise_level": "the noise is that of Langevin dynamics; temperature is 1/nbeta",
    "temperature": "give nbeta = n times the inverse temperature",
    "gamma": "it is localization here",
    "elasticity": "it is localization here",
    "init_loss": "L(w*) is computed over all the data",
    "cores": "the chains share torch's threads; set torch.set_num_threads",
    "num_workers": "give a DataLoader with num_workers",
    "callbacks": "give observe= to sltcourse.llc.sample",
    "observables": "give observe= to sltcourse.llc.sample",
    "weight_decay": "a w* trained with weight decay μ: penalty=μ; a Gaussian prior: prior_precision=",
}


def estimate_llc(
    model: nn.Module | Loss,
    data: Any = None,
    loss: Loss | None = None,
    *,
    at: Any = None,
    sampler: AnySampler | None = None,
    num_chains: int = 8,
    num_draws: int = 1000,
    num_burnin_steps: int | None = None,
    num_steps_bw_draws: int = 1,
    batch_size: int | None = None,
    nbeta: float | None = None,
    localization: float = 1.0,
    prior_precision: float = 0.0,
    penalty: float = 0.0,
    mask: Any = None,
    weights: Any = None,
    target_error: float | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    memory_gib: float | None = None,
    compile: bool = False,
    seed: int = 0,
    **others: Any,
) -> LLCResult | list[LLCResult]:
    """Estimate the local learning coefficient λ(w*) = nβ (E[L_n(w)] − L_n(w*)) (Lau et al. 2023, arXiv:2308.12108).

    The expectation is over exp(−nβ L_n(w) − γ/2 ‖w − w*‖²), with γ = ``localization``. It is the real log canonical
    threshold (RLCT) of the loss at w* in the limit of large nβ and small γ/nβ.

    ``model``: an ``nn.Module``, whose present parameters are w*, or a function ``f(w, *batch)`` of a parameter vector
    w of shape (d,) that returns the mean loss over the batch. The module itself is never touched.
    ``data``: ``(inputs, targets)`` with n rows each, tensors or numpy arrays; one tensor that is both (an autoencoder);
    ``(x1, ..., xk, targets)``; a dict, whose entries go to the model by keyword and, those it does not take, to the
    loss; a map-style Dataset or a DataLoader (its rows are drawn here). For a function any tuple of tensors, or None
    if it needs none (then give ``nbeta``). n counts rows (sequences, for a language model, not tokens).
    ``loss(model(inputs), targets)``: the mean over the batch, or over its counted tokens. None for a function, or for a
    model whose output has ``.loss``.
    ``at``: w* (``w_star`` in the theory), if it is not in the module: a state dict, or a vector for a function. A list
    of them, say the checkpoints of a training run, is sampled in one batch and gives a list of results.
    ``sampler``: WhitenedSGLD (the default: it finds its step size in burn-in), SGLD, RMSPropSGLD, SGNHT, or the exact,
    full-batch MALA and HMC, which run in float64 unless ``dtype`` says otherwise. On minibatches WhitenedSGLD takes
    gradients relative to w* where burn-in finds that much of their noise goes (``result.settings["control_variate"]``):
    a third more time a step, and a fraction of the noise in λ̂; WhitenedSGLD(control_variate=False) never does.
    ``num_burnin_steps``: steps before the first draw. None: 1000, and on in rounds of as many until equipartition holds
    (see ``result.equipartition``), or to 8000, and one more where minibatches want smaller steps of WhitenedSGLD;
    ``result.settings["num_burnin_steps"]`` says how many there were.
    ``num_chains`` start at w*; a draw is taken every ``num_steps_bw_draws`` steps; ``seed`` fixes all that is random.
    ``batch_size``: data points in a minibatch, each chain its own; None: all up to n = 512, else 512.
    ``nbeta``: None: n/log n. ``prior_precision``: α, adds (α/2)‖w‖² to the potential. ``penalty``: μ, for a w* that was
    trained with weight decay: L_n is then the loss plus (μ/2)‖w‖², of which w* is a minimum.
    ``mask``: names of parameters or modules to booleans or boolean tensors, the coordinates to sample (for a
    function one boolean tensor); the others stay at w*, which gives a refined LLC (Wang et al. 2024, arXiv:2410.02984).
    ``weights`` (n,): L_n = Σ v_i l_i / Σ v_i.
    ``target_error``: say 0.05: draw on until the standard error is that share of λ̂, or until 16·``num_draws`` draws.
    ``device``: where to compute; None: where w* is. ``memory_gib``: chains that do not fit run one group after another,
    and passes over the data are cut to fit; None: 4, on cuda 80 % of what is free.
    ``compile``: fuse the sampler's whole step into a few kernels. It takes 15 to 80 seconds first, and a C++ compiler
    on the CPU; then small models run two to three times as fast. The last digits differ from those without.

    A progress bar shows after two seconds; the environment variable TQDM_DISABLE=1 keeps it away.

    Raises ValueError or TypeError where the question makes no sense (w* with a non-finite loss, a loss that is no
    mean, dropout in training mode, a batch larger than n, ...). Everything else is said in ``result.verdict``.
    An interrupt returns the draws made so far, marked ``partial`` (of a list: the points that are done).

    >>> import torch
    >>> from sltcourse.llc import HMC, estimate_llc
    >>> def loss(w):  # K = a² + b⁴: λ = 1/2 + 1/4
    ...     return w[0]**2 + w[1]**4
    >>> result = estimate_llc(loss, at=torch.zeros(2), nbeta=1e4, sampler=HMC(), num_draws=50, num_burnin_steps=50)
    >>> abs(result.llc - 0.75) < 0.3, result.loss_trace.shape
    (True, (8, 50))
    """
    for word in others:
        raise TypeError(f"estimate_llc has no {word}=: {ELSEWHERE.get(word, 'see its docstring for what it takes')}.")
    if target_error is not None and not (isinstance(target_error, numbers.Real) and 0 < target_error < 1):
        raise ValueError(f"target_error is {target_error!r}; it must be a share of the estimate, say 0.05.")
    sampler = WhitenedSGLD() if sampler is None else sampler
    if isinstance(sampler, Importance):
        raise ValueError(
            "estimate_llc judges chains, and independent draws are none: "
            "llc(sample(LocalPosterior(...), Importance()))."
        )
    checked(sampler)
    posterior = LocalPosterior(
        model, data, loss, at=at, nbeta=nbeta, localization=localization, prior_precision=prior_precision,
        penalty=penalty, mask=mask, weights=weights, dtype=dtype or (torch.float64 if sampler.exact else None),
        device=device, memory_gib=memory_gib,
    )  # fmt: skip
    draws = sample(
        posterior, sampler, num_chains=num_chains, num_draws=num_draws, num_burnin_steps=num_burnin_steps,
        num_steps_bw_draws=num_steps_bw_draws, batch_size=batch_size, compile=compile, seed=seed,
    )  # fmt: skip
    results = _results(draws)
    while target_error is not None and any(_wants_more(one, target_error, num_draws) for one in results):
        made = results[0].loss_trace.shape[1]
        try:
            draws = resume(draws, num_draws=min(made, MOST * num_draws - made))
        except KeyboardInterrupt:  # before the first of them: the draws that are there are kept
            for one in draws if isinstance(draws, list) else [draws]:
                one.attrs["partial"] = 1
        results = _results(draws)
    return results if posterior.several else results[0]


def _results(draws: xr.Dataset | list[xr.Dataset]) -> list[LLCResult]:
    """The estimate of each w*."""
    return [LLCResult.of(one) for one in (draws if isinstance(draws, list) else [draws])]


def _wants_more(result: LLCResult, target_error: float, num_draws: int) -> bool:
    """Whether more draws can bring the error down to what is asked."""
    if result.partial or result.loss_trace.shape[1] >= MOST * num_draws or not math.isfinite(result.llc):
        return False
    return not result.std_error <= target_error * abs(result.llc)
