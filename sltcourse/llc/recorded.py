"""What was recorded along the chains, found by name and laid out as columns for ``blocks``."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sltcourse.llc.blocks import ChainMoments, Series

LARGEST = 2**28  # entries of a matrix, 2 GB

Recorded = Any
"""The name of a recorded variable, an array (chain, draw, …) made from one, or a list of names of scalars."""


def pool(draws: Any) -> xr.Dataset:
    """One Dataset of the chains that did not diverge, from one or a list of Datasets.

    Raises TypeError for what is no Dataset; ValueError for one without chains and draws, for Datasets of different
    posteriors, and where every chain diverged.
    """
    many = list(draws) if isinstance(draws, (list, tuple)) else [draws]
    if not many:
        raise ValueError("draws is an empty list: there is nothing to read.")
    for one in many:
        if not isinstance(one, xr.Dataset):
            raise TypeError(f"draws must be an xarray Dataset (or a list or dict of them), not {type(one).__name__}.")
        if not {"chain", "draw"} <= set(one.dims):
            raise ValueError(f"draws must have dimensions 'chain' and 'draw'; it has {sorted(map(str, one.dims))}.")
    for name in ("nbeta", "localization", "init_loss"):
        if len({one.attrs.get(name) for one in many}) > 1:
            found = [one.attrs.get(name) for one in many]
            raise ValueError(
                f"draws of one posterior are pooled, but their {name} differ: {found}. Give them as a dict."
            )
    pooled = many[0] if len(many) == 1 else _joined(many)
    if "first_bad" in pooled.coords:
        sound = pooled["first_bad"].values < 0
        if not sound.any():
            raise ValueError("every chain diverged: there is nothing to read.")
        if not sound.all():
            pooled = pooled.isel(chain=np.flatnonzero(sound))
    return pooled


def _joined(many: Sequence[xr.Dataset]) -> xr.Dataset:
    """One Dataset with the chains of all, and with the variables that all of them have."""
    if len({one.sizes["draw"] for one in many}) > 1:
        raise ValueError(
            f"runs with {[one.sizes['draw'] for one in many]} draws cannot be pooled: cut them to one length."
        )
    bad = [one["first_bad"].values if "first_bad" in one.coords else np.full(one.sizes["chain"], -1) for one in many]
    common = set.intersection(*({v for v in one.variables if "chain" in one[v].dims} for one in many)) - {"chain"}
    parts = [
        one.drop_vars([v for v in one.variables if ("chain" in one[v].dims and v not in common) or v == "first_bad"])
        for one in many
    ]
    options: Any = dict(
        data_vars="minimal", coords="minimal", compat="override", join="override", combine_attrs="override"
    )
    return xr.concat(parts, dim="chain", **options).assign_coords(first_bad=("chain", np.concatenate(bad)))


def variable(draws: xr.Dataset, name: Recorded) -> xr.DataArray:
    """The recorded variable, its dimensions in the order (chain, draw, …); of a list (chain, draw, observable).

    Raises KeyError where it was not recorded, ValueError where it has no chains and draws, or a list not only scalars.
    """
    if not (isinstance(name, (str, xr.DataArray)) or (isinstance(name, (list, tuple)) and name)):
        raise TypeError(f"a {type(name).__name__} names nothing recorded: give a name, a list of names, or an array.")
    if isinstance(name, (list, tuple)):
        listed = [variable(draws, one) for one in name]
        if any(rest(part) for part in listed):
            raise ValueError(f"of {list(name)} some are not one number per draw: give those by themselves.")
        parts = xr.align(*listed, join="inner")
        together = xr.concat(
            [part.rename("value").reset_coords(drop=True) for part in parts],
            dim=xr.DataArray([str(one) for one in name], dims="observable", name="observable"),
        )
        return together.transpose("chain", "draw", ...)
    if isinstance(name, xr.DataArray):
        array = name
        if "first_bad" in array.coords and array.sizes["chain"] != draws.sizes["chain"]:
            array = array.isel(chain=np.flatnonzero(array["first_bad"].values < 0))
    elif name in draws.variables:
        array = draws[name]
    else:
        known = [str(v) for v in draws.variables if {"chain", "draw"} <= set(draws[v].dims)]
        raise KeyError(f"{name!r} was not recorded in these draws, which have {known}: give observe={{{name!r}: …}}.")
    thinned = [d for d in array.dims if str(d).startswith("draw_every_")]
    if thinned:
        array = array.rename({thinned[0]: "draw"})
    if not {"chain", "draw"} <= set(array.dims):
        raise ValueError(
            f"{getattr(array, 'name', name)!r} has dimensions {array.dims}: 'chain' and 'draw' are needed."
        )
    return array.transpose("chain", "draw", ...)


def rest(array: xr.DataArray) -> list[str]:
    """The names of the dimensions behind chain and draw."""
    return [str(d) for d in array.dims if d not in ("chain", "draw")]


def series(draws: xr.Dataset, one: xr.DataArray, two: xr.DataArray, base: Recorded | None) -> Series:
    """The columns of two variables, and of what goes with them, at the draws that all of them have.

    ``base``: the scalar that is taken off ``two``, or None. Raises ValueError where that is no scalar, where fewer than
    two draws are left, or where a draw is not finite.
    """
    some = [one.rename("one").reset_coords(drop=True), two.rename("two").reset_coords(drop=True)]
    some += [] if base is None else [_scalar(draws, base)]
    watched = [draws[name] for name in ("loss", "distance") if name in draws.variables]
    weight = [draws["log_weight"]] if "log_weight" in draws.variables else []
    together = xr.align(*some, *watched, *weight, join="inner")
    if together[0].sizes["draw"] < 2:
        raise ValueError(f"{together[0].sizes['draw']} draw(s) in common: a covariance needs two or more.")
    first, second, *others = [_columns(array) for array in together]
    log_weight = others.pop()[:, :, 0] if weight else None
    minus = None if base is None else others.pop(0)[:, :, 0].astype(np.float64)
    return Series(
        first,
        second,
        minus,
        None if log_weight is None else np.exp(log_weight - log_weight.max()),
        tuple(trace[:, :, 0].astype(np.float64) for trace in others),
    )


def _scalar(draws: xr.Dataset, name: Recorded) -> xr.DataArray:
    """The recorded variable, one number per draw; else ValueError."""
    array = variable(draws, name)
    if rest(array):
        raise ValueError(f"base must be one number per draw; {name!r} has the dimensions {rest(array)} beside.")
    return array.reset_coords(drop=True)


def _columns(array: xr.DataArray) -> np.ndarray:
    """(chain, draw, columns), finite; else ValueError."""
    values = np.asarray(array.values)
    values = values.reshape(*values.shape[:2], -1)
    if not np.isfinite(values).all():
        raise ValueError(f"{array.name or 'the variable'} has draws that are not finite; leave them out (or lower lr).")
    return values


def is_minibatch(draws: xr.Dataset) -> bool:
    """Whether ``loss`` is a minibatch's, with its noise."""
    return bool(draws.attrs.get("batch_size", 0) or draws.attrs.get("minibatch", 0))


def is_streamed(draws: xr.Dataset, name: Recorded) -> bool:
    """Whether of this variable the moments only were kept."""
    return isinstance(name, str) and name not in draws.variables and f"{name}_mean" in draws.variables


def moments(
    draws: xr.Dataset, first: Recorded, second: Recorded, base: Recorded | None
) -> tuple[ChainMoments, xr.DataArray, xr.DataArray]:
    """The streamed moments of two variables, of which one at least is known by its moments only.

    Raises KeyError where what is needed was not kept, ValueError where a draw was not finite.
    """
    found = _moments(draws, first, second, base)
    if not all(np.isfinite(x).all() for x in (found[0].first, found[0].second, found[0].covariance)):
        name = first if is_streamed(draws, first) else second
        raise ValueError(f"{name} has draws that are not finite: record another function of them (or lower lr).")
    return found


def _moments(
    draws: xr.Dataset, first: Recorded, second: Recorded, base: Recorded | None
) -> tuple[ChainMoments, xr.DataArray, xr.DataArray]:
    """``moments``, finite or not."""
    if is_streamed(draws, first) and is_streamed(draws, second) and first != second:
        raise KeyError(f"{first!r} and {second!r} were streamed apart: no covariance of theirs was kept.")
    name = first if is_streamed(draws, first) else second
    missing = [v for v in (f"{name}_{kind}" for kind in ("count", "mean")) if v not in draws.variables]
    if missing:
        raise KeyError(f"the moments of {name!r} lack {missing}.")
    count, mean = draws[f"{name}_count"].values.astype(float), draws[f"{name}_mean"]
    if first == second:
        if f"{name}_cov" not in draws.variables:
            raise KeyError(f"of {name!r} no covariance matrix was kept: record it with moments=True.")
        square = draws[f"{name}_cov"].values
        flat = mean.values.reshape(len(count), -1)
        square = square.reshape(len(count), flat.shape[1], flat.shape[1])
        return ChainMoments(count, flat, flat, square), _with_draw(mean), _with_draw(mean)
    other = second if name == first else first
    scalars = [str(s) for s in draws["scalar"].values] if "scalar" in draws.coords else []
    listed = list(other) if isinstance(other, (list, tuple)) else [other]
    unknown = [s for s in [*listed, *([] if base is None else [base])] if s not in scalars]
    if unknown:
        raise KeyError(f"{unknown} was not recorded beside the moments of {name!r}, which has {scalars}.")
    at = [scalars.index(s) for s in listed]
    flat = mean.values.reshape(len(count), -1)
    cross = draws[f"{name}_cross"].values.reshape(*flat.shape, len(scalars))[:, :, at]
    level = draws[f"{name}_scalar_mean"].values
    if base is not None:
        k = scalars.index(base)
        flat = flat - level[:, [k]]
        cross = cross - draws[f"{name}_scalar_cov"].values[:, [k]][:, :, at]
    label = xr.DataArray(np.zeros(len(listed)), dims="observable", coords={"observable": listed})
    label = label if isinstance(other, (list, tuple)) else label[0].drop_vars("observable")
    if name == first:
        return ChainMoments(count, flat, level[:, at], cross), _with_draw(mean), label
    return ChainMoments(count, level[:, at], flat, cross.transpose(0, 2, 1)), label, _with_draw(mean)


def _with_draw(mean: xr.DataArray) -> xr.DataArray:
    """What has the dimensions of one draw."""
    return mean.isel(chain=0, drop=True)


def still(source: Series | ChainMoments) -> np.ndarray:
    """Which columns of the first set never change."""
    if isinstance(source, ChainMoments):
        return np.all([np.diagonal(c) == 0 for c in source.covariance], axis=0) & (np.ptp(source.first, axis=0) == 0)
    return np.array([np.ptp(source.first[:, :, i]) == 0 for i in range(source.shape[0])])


def refuse_large(source: Series | ChainMoments) -> None:
    """ValueError for a matrix of more than ``LARGEST`` entries."""
    p, q = source.shape
    if p * q > LARGEST:
        raise ValueError(
            f"the result would be {p} × {q} numbers ({p * q * 8 / 2**30:.0f} GiB): take a mean over tokens, "
            'draws.losses.mean("token"), or a part of the samples, draws.losses.isel(sample=slice(1000)).'
        )
