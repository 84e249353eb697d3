"""What is read from draws of the local posterior: covariances, and λ from the heat of the loss.

All of these are functions of draws, an xarray Dataset with dimensions (chain, draw, …); nothing is sampled here. What
they need beside ``loss`` is recorded on the way (``observe=``): per-sample or per-token losses, losses on other data,
functions of the parameters. Instead of a recorded variable's name each of them takes an array made from one, say
``draws.losses.mean("token")``.

Draws of several runs on one posterior are given as a list (their chains are pooled); draws of several restricted
posteriors, one per component of the model, as a dict from names to draws, which gives a dimension ``component``.
Chains that diverged are left out. Weighted draws (``Importance``, variable ``log_weight``) are weighted.

Where the arrays would not fit, streaming moments are enough: for the observable ``losses`` the variables
    losses_count (chain)                   the number of draws
    losses_mean (chain, sample)            their mean
    losses_cov (chain, sample, sample2)    their covariance, divided by the count
    losses_scalar_mean (chain, scalar)     the mean of each recorded scalar, over the same draws
    losses_scalar_cov (chain, scalar, scalar2)
    losses_cross (chain, sample, scalar)   the covariance of losses and scalars
with the scalars' names ('loss' among them) as the coordinate ``scalar``. Then a block is a whole chain: use many.

Each reading returns a Dataset with ``value`` and ``std_error`` and, as attributes, ``ess`` (independent draws that
carry as much), ``rhat`` (the largest that was seen), ``blocks`` (how many the error comes from), and ``notes``, a JSON
list of sentences that say why not to trust it; they are also given as warnings.
"""

import json
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

from sltcourse.llc.blocks import ChainMoments, Mixing, Series, covariance_matrix, mean_and_error, mixing
from sltcourse.llc.recorded import (
    Recorded,
    is_minibatch,
    is_streamed,
    moments,
    pool,
    refuse_large,
    rest,
    series,
    still,
    variable,
)

FEW_FOR_A_MEAN = 100  # effective draws; below, the error bar of a mean is itself uncertain
FEW = 400  # effective draws; below, a covariance has a relative error of 7 % at the least (√(2/N), Gaussian)
AGREE = 1.05  # R-hat
FEW_BLOCKS = 10  # an error from ten blocks is itself uncertain by a quarter
HOT = 1.1  # equipartition: where 1.1, a variance is a fifth too large, or more
HEATED = 0.05  # the share of the excess loss that is the step's
NOISE = 0.05  # the share of Var L that minibatch noise may have

Draws = xr.Dataset | list[xr.Dataset] | Mapping[str, Any]
"""Draws of one posterior, of several runs on it (a list), or of several posteriors (a dict of either)."""
Scale = Literal["covariance", "response"]


def expectation(draws: Draws, observable: Recorded = "loss") -> xr.Dataset:
    """E[f] of a recorded variable, an array, or a list of scalars, with its standard error; weighted if the draws are.

    ``observable``: f. Of weighted draws it is Σ v f / Σ v, and the error is that of the ratio (delta method). nβ
    (E[loss] − init_loss) is λ̂. Raises as ``covariance``.
    """
    return _of(draws, _expectation, observable)


def covariance(
    draws: Draws, first: Recorded, second: Recorded | None = None, *, scale: Scale = "covariance"
) -> xr.Dataset:
    """Cov(first, second) in the posterior that ``draws`` sampled.

    ``first``, ``second``: names of recorded variables, arrays over (chain, draw, …), or lists of names of scalars
    (which give a dimension ``observable``). None: ``first`` again. The result has the dimensions of ``first`` and then
    those of ``second``; a dimension that both have is called ``…2`` the second time.
    ``scale``: "covariance", or "response" for nβ times that, which is −∂E[first]/∂h where h ``second`` is added to L.

    Raises KeyError where a variable was not recorded, ValueError where the dimensions do not suit, the result would
    have over 2²⁸ entries, or a draw is not finite.
    """
    return _of(draws, _covariance, first, first if second is None else second, None, _factor(scale), (1.0, "Cov"))


def susceptibility(
    draws: Draws,
    observable: Recorded = "loss",
    perturbation: Recorded = "losses",
    *,
    base: Recorded | None = "loss",
    scale: Scale = "covariance",
    definition: Literal["covariance", "slice"] = "covariance",
    full: Draws | None = None,
) -> xr.Dataset:
    """The susceptibility χ = −Cov(φ, ΔL) with ΔL = ℓ − L (Baker et al. 2025, arXiv:2504.18274, eq. 5 ff.).

    χ is 1/nβ times the derivative of E[φ] by h when the loss is L + h ΔL: the data moves from q towards ℓ's.
    Negative: φ falls as that data counts for more (the component "expresses" it); positive: it rises. Because ΔL
    contains −L, what has nothing to do with φ is not at 0 but at Cov(φ, L): compare with the bystander's line,
    ``covariance(draws, observable, "loss")``.

    ``observable``: φ, a scalar along the chain, or a list of them. In the paper φ = δ(u − u*) [L(w) − L(w*)]: draws of
    the posterior restricted to the component (``mask=``), and their "loss"; a constant makes no difference.
    ``perturbation``: ℓ, a loss on other data, or per-sample or per-token losses (chain, draw, sample, …).
    ``base``: L, the name of the loss that ℓ is compared with; None: ``perturbation`` is ΔL already. At full batch the
    χ of all samples of the training data have mean 0.
    ``scale``: "covariance" gives χ; "response" gives nβχ = ∂E[φ]/∂h.
    ``definition``: "covariance", in the posterior that was sampled; or "slice", which needs ``full``, draws of the
    whole model's posterior with the same variables, and is E_wr[φ (L − ℓ)] − E_wr[φ] E_full[L − ℓ] (appendix C of the
    paper, and devinterp 2): the response of a slice of the full posterior, another object. They differ by
    E_wr[φ] (E_wr[ΔL] − E_full[ΔL]), and there φ's constant matters: "loss" is taken less L(w*).

    Returns χ with the dimensions of ``observable`` (if it is a list) and of ``perturbation``; see the module.
    Raises as ``covariance`` does, and ValueError for minibatch draws when φ and L are both the minibatch's "loss",
    whose noise would be counted as variance.
    """
    if isinstance(definition, str) and definition == "slice":
        if full is None:
            raise ValueError('definition="slice" compares with the full posterior: give full=, its draws.')
        return _of(draws, _slice, observable, perturbation, base, _factor(scale), full)
    if not isinstance(definition, str) or definition != "covariance":
        raise ValueError(f'definition is {definition!r}; it must be "covariance" or "slice".')
    if full is not None:
        raise ValueError('full= is used by definition="slice" only.')
    return _of(draws, _covariance, observable, perturbation, base, _factor(scale), (-1.0, "χ = −Cov(φ, ΔL)"))


def influence(
    draws: Draws, losses: Recorded = "losses", observable: Recorded | None = None, *, scale: Scale = "covariance"
) -> xr.Dataset:
    """The Bayesian influence function −Cov(ℓ_i, φ) of ``draws`` (Kreer et al. 2025, arXiv:2509.26544).

    It is how E[φ] answers when training sample i counts for more: with h ℓ_i added to L, ∂E[φ]/∂h = −nβ Cov(ℓ_i, φ),
    which is what ``scale="response"`` gives. For a spring γ and a regular model that tends to the damped classical
    influence −g_iᵀ (H + γ/nβ)⁻¹ ∇φ, with an error of order 1/nβ.

    ``losses``: the per-sample (or per-token) losses ℓ of the training data. ``observable``: φ, a scalar, per-sample
    losses of queries, or a list of scalars; None: ``losses`` again, all pairs.
    Returns and raises as ``covariance``.
    """
    return _of(
        draws,
        _covariance,
        losses,
        losses if observable is None else observable,
        None,
        _factor(scale),
        (-1.0, "BIF = −Cov(ℓ, φ)"),
    )


def loss_kernel(draws: Draws, losses: Recorded = "losses", *, correlation: bool = False) -> xr.Dataset:
    """The loss kernel K(i, j) = Cov(ℓ_i, ℓ_j) of ``draws`` (Adam et al. 2025, arXiv:2509.26537), or the correlation.

    ``losses``: per-sample losses (chain, draw, sample); of per-token losses take a mean first. The result has
    dimensions (sample, sample2), and ``untouched`` (sample): True where a loss does not move at all, as under a mask.
    Such a loss has covariance 0 with all others, and correlation 0/0, which is nan.
    Raises as ``covariance``, and TypeError for a ``correlation`` that is no bool.
    """
    if not isinstance(correlation, (bool, np.bool_)):
        raise TypeError(f"correlation is a {type(correlation).__name__}; it must be True or False.")
    return _of(draws, _kernel, losses, correlation)


def heat(draws: Draws, loss: Recorded = "loss") -> xr.Dataset:
    """λ by its second door: (nβ)² Var(L_n), with its standard error.

    Without a spring and for a quasi-homogeneous K, nβ (L − L*) is Gamma distributed with shape λ, so that its variance
    is λ as well as its mean nβ (E[L] − L*); a regular model with a spring has Σ (1/2) (h_i/(h_i + γ/nβ))² against
    Σ (1/2) h_i/(h_i + γ/nβ). Where the two doors disagree, the spring is felt, or the chain is hot.

    ``loss``: the name of L_n at the draws. On minibatches ``loss`` has the minibatch's noise in it, which would be
    counted: refused with ValueError where that is more than 5 % of the variance; record
    ``observe={"full_loss": LossOn(data)}`` and give its name.
    """
    return _of(draws, _heat, loss)


# ---- one posterior -------------------------------------------------------------------------------------------------


def _of(draws: Draws, reading: Callable[..., xr.Dataset], *args: Any) -> xr.Dataset:
    """The reading of one set of draws, or of each in a dict, with its notes said aloud."""
    if isinstance(draws, Mapping) and not isinstance(draws, xr.Dataset):
        if not draws:
            raise ValueError("draws is an empty dict: there is nothing to read.")
        parts = {str(name): reading(pool(one), *args) for name, one in draws.items()}
        result = xr.concat(
            list(parts.values()),
            dim=xr.DataArray(list(parts), dims="component", name="component"),
            combine_attrs="drop",
        )
        first = next(iter(parts.values())).attrs
        result.attrs = {**first, "notes": [f"{k}: {n}" for k, part in parts.items() for n in part.attrs["notes"]]}
        result.attrs["ess"] = min(part.attrs["ess"] for part in parts.values())
        result.attrs["blocks"] = min(part.attrs["blocks"] for part in parts.values())
        result.attrs["rhat"] = float(np.max([part.attrs["rhat"] for part in parts.values()]))
    else:
        result = reading(pool(draws), *args)
    for note in result.attrs["notes"]:
        warnings.warn(note, stacklevel=3)
    result.attrs["notes"] = json.dumps(result.attrs["notes"], ensure_ascii=False)
    return result


def _expectation(draws: xr.Dataset, observable: Recorded) -> xr.Dataset:
    """``expectation`` of one posterior's draws."""
    one = variable(draws, observable)
    source = series(draws, xr.ones_like(one.isel({d: 0 for d in rest(one)}, drop=True), dtype=float), one, None)
    mixed = mixing(source)
    value, error, blocks = mean_and_error(source, mixed.length, np.zeros(source.shape[1]))
    return _result(draws, (one.isel({d: 0 for d in rest(one)}), one), (value, error, blocks), mixed, source, "E[f]")


def _covariance(
    draws: xr.Dataset,
    first: Recorded,
    second: Recorded,
    base: Recorded | None,
    factor: bool,
    estimand: tuple[float, str],
) -> xr.Dataset:
    """A sign times Cov(first, second − base), times nβ if ``factor``; ``estimand``: the sign, and what it is called."""
    sign, name = estimand
    if is_minibatch(draws) and base == "loss" and _touches_loss(first):
        raise ValueError(
            "on minibatches 'loss' carries the minibatch's noise, which would be counted as variance where it stands "
            'on both sides: record observe={"full_loss": LossOn(data)} and give its name as observable or as base.'
        )
    source, one, two, mixed = _source(draws, first, second, base)
    length = 1 if mixed is None else mixed.length
    refuse_large(source)
    value, error, blocks = covariance_matrix(source, length)
    scale = sign * (draws.attrs["nbeta"] if factor else 1.0)
    return _result(draws, (one, two), (scale * value, abs(scale) * error, blocks), mixed, source, name)


def _source(
    draws: xr.Dataset, first: Recorded, second: Recorded, base: Recorded | None
) -> tuple[Series | ChainMoments, xr.DataArray, xr.DataArray, Mixing | None]:
    """What the covariance of two variables is read from, the two, and how the chains mixed (None: streamed)."""
    if is_streamed(draws, first) or is_streamed(draws, second):
        return *moments(draws, first, second, base), None
    one, two = variable(draws, first), variable(draws, second)
    columns = series(draws, one, two, base)
    return columns, one, two, mixing(columns)


def _slice(
    draws: xr.Dataset,
    observable: Recorded,
    perturbation: Recorded,
    base: Recorded | None,
    factor: bool,
    full: Draws,
) -> xr.Dataset:
    """``susceptibility`` by the definition "slice"."""
    one, two = variable(draws, observable), variable(draws, perturbation)
    unrestricted = pool(full)
    if base is None:
        raise ValueError('definition="slice" needs base, the loss that perturbation is compared with.')
    if observable == "loss":
        one = one - draws.attrs["init_loss"]
    source = series(draws, one, two, base)
    mixed = mixing(source)
    ones = xr.ones_like(variable(unrestricted, base))
    whole = series(unrestricted, ones, variable(unrestricted, perturbation), base)
    zero = np.zeros(whole.shape[1])
    level, level_error, _ = mean_and_error(whole, mixing(whole).length, zero)
    value, error, blocks = mean_and_error(source, mixed.length, level[0])
    mean, _, _ = mean_and_error(Series(source.first, np.ones_like(source.first[:, :, :1])), mixed.length, np.zeros(1))
    error = np.hypot(error, mean * level_error)
    scale = draws.attrs["nbeta"] if factor else 1.0
    return _result(draws, (one, two), (-scale * value, scale * error, blocks), mixed, source, "χ of the slice")


def _kernel(draws: xr.Dataset, losses: Recorded, correlation: bool) -> xr.Dataset:
    """``loss_kernel`` of one posterior's draws."""
    source, one, two, mixed = _source(draws, losses, losses, None)
    length = 1 if mixed is None else mixed.length
    refuse_large(source)
    untouched = still(source)
    with np.errstate(invalid="ignore"):
        value, error, blocks = covariance_matrix(source, length, correlation)
    hit = untouched[:, None] | untouched[None, :]
    value[hit], error[hit] = (np.nan, np.nan) if correlation else (0.0, 0.0)
    name = "correlation of the losses" if correlation else "K = Cov(ℓ_i, ℓ_j)"
    result = _result(draws, (one, two), (value, error, blocks), mixed, source, name)
    dims = rest(one)
    result["untouched"] = (dims, untouched.reshape([one.sizes[d] for d in dims]))
    if untouched.any():
        fate = "their correlation is 0/0, nan" if correlation else "their covariance is 0"
        result.attrs["notes"].append(f"{untouched.sum()} of {untouched.size} losses do not move at all: {fate}.")
    return result


def _heat(draws: xr.Dataset, loss: Recorded) -> xr.Dataset:
    """``heat`` of one posterior's draws."""
    one = variable(draws, loss)
    if rest(one):
        raise ValueError(f"heat needs one number per draw; {loss!r} has the dimensions {rest(one)} beside.")
    if isinstance(loss, str) and loss == "loss" and is_minibatch(draws):
        trace = one.values.astype(float)
        noise = float(np.square(np.diff(trace, axis=1)).mean() / 2)  # white noise, and at most a little of the chain
        if noise > NOISE * trace.var():
            raise ValueError(
                f"the loss was recorded on minibatches, and up to {noise / trace.var():.0%} of its variance is their "
                'noise: record observe={"full_loss": LossOn(data)} and call heat(draws, "full_loss").'
            )
    source = series(draws, one, one, None)
    mixed = mixing(source)
    value, error, blocks = covariance_matrix(source, mixed.length)
    square = draws.attrs["nbeta"] ** 2
    return _result(draws, (one, one), (square * value, square * error, blocks), mixed, source, "(nβ)² Var L")


def _result(
    draws: xr.Dataset,
    pair: tuple[xr.DataArray, xr.DataArray],
    found: tuple[np.ndarray, np.ndarray, int],
    mixed: Mixing | None,
    source: Series | ChainMoments,
    name: str,
) -> xr.Dataset:
    """``found``, the values, their errors and the number of blocks, with the names of the dimensions of the ``pair`` of
    variables that they belong to, and notes on what to think of them."""
    (one, two), (value, error, blocks) = pair, found
    first = rest(one)
    second = {d: f"{d}2" if d in first else d for d in rest(two)}
    if name == "(nβ)² Var L":
        first, second = [], {}
    dims = [*first, *second.values()]
    shape = [one.sizes[d] for d in first] + [two.sizes[d] for d in second]
    coords = {d: one[d].values for d in first if d in one.coords}
    coords.update({new: two[d].values for d, new in second.items() if d in two.coords})
    result = xr.Dataset({"value": (dims, value.reshape(shape)), "std_error": (dims, error.reshape(shape))}, coords)
    streamed = isinstance(source, ChainMoments)
    total = int(source.count.sum()) if isinstance(source, ChainMoments) else math.prod(source.first.shape[:2])
    ess, rhat = (math.nan, math.nan) if mixed is None else (mixed.ess, mixed.rhat)
    kept = {k: draws.attrs[k] for k in ("nbeta", "localization", "num_samples") if k in draws.attrs}
    result.attrs = {"estimand": name, **kept, "draws": total, "ess": ess, "rhat": rhat, "blocks": blocks}
    result.attrs["notes"] = _notes(draws, ess, rhat, blocks, streamed=streamed, of_a_mean=name == "E[f]")
    return result


def _notes(draws: xr.Dataset, ess: float, rhat: float, blocks: int, streamed: bool, of_a_mean: bool) -> list[str]:
    """Sentences that say why a reading is not to be trusted."""
    notes = []
    if blocks < 2:
        notes.append("one block of draws gives no error bar: take more draws, or more chains.")
    elif blocks < FEW_BLOCKS:
        notes.append(
            f"the error bar comes from {blocks} blocks, so it is itself uncertain by "
            f"{1 / math.sqrt(2 * blocks - 2):.0%}: " + ("more chains." if streamed else "more draws or more chains.")
        )
    if ess < (FEW_FOR_A_MEAN if of_a_mean else FEW):
        weighted = "log_weight" in draws.variables
        notes.append(
            f"the draws are worth {ess:.0f} independent ones"
            + (": " if of_a_mean else f", so that a variance is known to about {math.sqrt(2 / ess):.0%}: ")
            + ("more draws, or a stronger spring." if weighted else "more draws.")
        )
    if rhat > AGREE:
        notes.append(f"R-hat is {rhat:.3f}: the chains disagree; a longer burn-in or more draws.")
    hot = _heated(draws)
    return notes if hot is None else [*notes, hot]


def _heated(draws: xr.Dataset) -> str | None:
    """A sentence where the finite step or the minibatch noise makes the chain hotter than the posterior."""
    if "step_bias" in draws.variables and "nbeta" in draws.attrs:
        excess = draws.attrs["nbeta"] * (float(draws["loss"].mean()) - draws.attrs["init_loss"])
        share = float(draws["step_bias"].mean()) / excess if excess > 0 else 0.0
        if share > HEATED:
            return (
                f"the step and the minibatch noise heat the chain: about {share:.0%} of its excess loss is theirs, and "
                "covariances suffer two or three times as much: lower lr or raise batch_size."
            )
    if "virial" in draws.variables and float(draws["virial"].mean()) > HOT:
        return (
            f"equipartition is {float(draws['virial'].mean()):.2f} where 1 is right: the step or the minibatch noise "
            "heats the chain, and covariances suffer more than means: lower lr or raise batch_size."
        )
    return None


def _factor(scale: str) -> bool:
    """Whether ``scale`` asks for nβ times the covariance; ValueError where it is no scale."""
    if not isinstance(scale, str) or scale not in ("covariance", "response"):
        raise ValueError(f'scale is {scale!r}; it must be "covariance" or "response" (nβ times as much).')
    return scale == "response"


def _touches_loss(name: Recorded) -> bool:
    """Whether "loss" is this variable, or one of these."""
    return (isinstance(name, str) and name == "loss") or (isinstance(name, (list, tuple)) and "loss" in name)
