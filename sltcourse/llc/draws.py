"""Draws as an xarray Dataset over (chain, draw), with everything in it that is needed to read them and to go on.

Data variables, float64, dims (chain, draw) and, for observables, more:

    loss       L_n at the draw: exact at full batch, else L_B(w) − L_B(w*) + L_n(w*) on the draw's own minibatch;
               where the attribute ``control_variate`` is 1, less its first-order noise too, see ``control``
    distance   ‖w − w*‖
    tilt       nβ ∇L_n(w*)·(w − w*)
    virial     (w − w*)·∇U(w)/d: 1 on average under exp(−U), whatever U is
    step_bias  about what the finite step adds to nβ(L − L(w*)), see the sampler's ``step_bias``
    block_virial  (block) the same as virial for each parameter by itself

Coordinates: ``first_bad`` (chain), the step by which a chain had diverged, −1 if it never did; ``bad_batches`` (chain),
draws whose minibatch has no finite loss at w* itself; ``acceptance`` (chain, draw) of the exact samplers;
``burnin_loss`` (chain, burnin); ``burnin_steps`` (chain), how many steps burn-in took; ``state_...``, where the chains
and their random numbers stand. Attributes: the settings, ``way``, how the chains were computed, see ``evaluate``, and
``slope_error``, whether the gradient is that of the loss, see ``slope``.
``draws.to_netcdf(path)`` and ``xarray.load_dataset(path)`` keep all of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
import xarray as xr

from sltcourse.llc import recorder
from sltcourse.llc.chains import DIVERGED, Group
from sltcourse.llc.recorder import Recorder, Variables

VARIABLES = ("loss", "distance", "tilt", "virial", "step_bias")
STATE = "state_"
RANDOM = "random_"


def dataset(
    taken: Mapping[str, np.ndarray],
    group: Group,
    burnin_loss: np.ndarray,
    settings: Mapping[str, Any],
    event_steps: np.ndarray,
    rows: slice = slice(None),
    *,
    first_draw: int = 0,
    seen: Recorder | None = None,
) -> xr.Dataset:
    """The Dataset of the chains ``rows`` of ``group``, from what ``Group.draw`` gave of them.

    ``taken``: name to array (chains, draws). ``burnin_loss`` (chains, burnin). ``event_steps``: the step at which each
    draw was made. ``first_draw``: the number of the first one. ``seen``: the Recorder of observables, or None.
    """
    excess, both = taken["excess"], ("chain", "draw")
    values = {"loss": group.loss_at_center[rows] + excess, **{name: taken[name] for name in VARIABLES[1:]}}
    data: Variables = {name: (both, np.asarray(value, float)) for name, value in values.items()}
    if group.blocks:
        data["block_virial"] = (*both, "block"), np.asarray(taken["block_virial"], float)
    coords: Variables = {"chain": np.arange(len(excess)), "draw": first_draw + np.arange(excess.shape[1])}
    every = settings["num_steps_bw_draws"]
    bad = first_bad(excess, settings["nbeta"], settings["dim"], event_steps, burnin_loss, every)
    coords["first_bad"] = "chain", bad
    coords["burnin_steps"] = "chain", np.full(len(bad), group.burnin_steps)
    coords["bad_batches"] = "chain", group.bad_batches.cpu().numpy()[rows].copy()
    if group.blocks:
        coords["block"] = list(group.blocks)
    coords["burnin_loss"] = ("chain", "burnin"), np.asarray(burnin_loss, float)
    if group.sampler.exact:
        coords["acceptance"] = both, np.asarray(taken["accepted"], float)
    for field in fields(group.state):
        value = torch.as_tensor(getattr(group.state, field.name)).detach().cpu()
        if value.ndim == 0:
            value = value[None]
        each = value.expand(len(group.state.w), *value.shape[1:])[rows].numpy().copy()  # the chains may go on
        dims = ("coordinate",) if each.shape[1:] == (settings["dim"],) else (f"{STATE}{field.name}_axis",)
        coords[STATE + field.name] = ("chain", *dims[: each.ndim - 1]), each
    if seen is not None:
        more, thinned = seen.variables(excess.shape[1], rows)
        data.update(more)
        coords.update(thinned)
    return xr.Dataset(data, coords)


def checked_draws(draws: Any) -> xr.Dataset:
    """``draws``. Raises TypeError where they are not the draws of one w*."""
    if not isinstance(draws, xr.Dataset) or "loss" not in draws:
        raise TypeError(
            f"draws is a {type(draws).__name__}; it must be a Dataset that sample returned, of a list one at a time."
        )
    return draws


def append(before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    """The draws ``after`` put behind ``before``, of the same chains; where they stand is where the later ones do."""
    both = [one.reset_coords("acceptance") if "acceptance" in one.coords else one for one in (before, after)]
    both = [
        one.drop_vars([name for name in one.coords if name not in ("chain", "draw", "block", "scalar")]) for one in both
    ]
    joined = xr.concat(both, "draw")
    if "acceptance" in joined:
        joined = joined.set_coords("acceptance")
    bad = xr.where(before.first_bad >= 0, before.first_bad, after.first_bad)
    kept = {str(name): value for name, value in after.coords.items() if str(name).startswith((STATE, RANDOM))}
    joined = joined.assign_coords(
        first_bad=bad,
        bad_batches=after.bad_batches,
        burnin_loss=before.burnin_loss,
        burnin_steps=before.burnin_steps,
        **kept,
        **recorder.joined(before, after),
    )
    runs = before.attrs, after.attrs
    wall = sum(run["wall_time"] for run in runs)
    steps = sum(run["chain_steps_per_second"] * run["wall_time"] for run in runs)
    notes = dict.fromkeys([*json.loads(before.attrs["notes"]), *json.loads(after.attrs["notes"])])
    joined.attrs = {**after.attrs, "notes": json.dumps(list(notes), ensure_ascii=False),
                    "num_draws": joined.sizes["draw"],
                    "num_burnin_steps": before.attrs["num_burnin_steps"], "wall_time": wall,
                    "chain_steps_per_second": steps / wall}  # fmt: skip
    return joined


def together(parts: list[xr.Dataset]) -> xr.Dataset:
    """The draws of all groups of chains; where one had the longer burn-in, the others' losses end in nan."""
    if len(parts) == 1:
        return parts[0]
    most = max(part.sizes["burnin"] for part in parts)
    even = []
    for part in parts:
        loss = part.burnin_loss.values
        loss = np.pad(loss, ((0, 0), (0, most - loss.shape[1])), constant_values=np.nan)
        even.append(part.drop_vars("burnin_loss").assign_coords(burnin_loss=(("chain", "burnin"), loss)))
    return xr.concat(even, "chain")


def random_state(group: Group) -> dict[str, np.ndarray]:
    """Where the random numbers of a group stand, as whole numbers that every file format holds."""
    state = {"generator": group.generator.get_state().numpy().astype(np.int16)}
    state["place"] = np.array([group.steps, group.target.batches])
    return state


def pack(states: Sequence[Mapping[str, np.ndarray]]) -> Variables:
    """The random states of all groups as coordinates (group, byte)."""
    return {
        RANDOM + name: (("group", f"{name}_byte"), np.stack([state[name] for state in states])) for name in states[0]
    }


def restore(group: Group, draws: xr.Dataset, number: int) -> None:
    """Put the chains of ``group``, and its random numbers, where ``draws`` left them; it is group ``number``."""
    for field in fields(group.state):
        now = getattr(group.state, field.name)
        kept = draws[STATE + field.name].values
        if not torch.is_tensor(now):
            setattr(group.state, field.name, type(now)(kept[0]))
            continue
        then = torch.as_tensor(kept.copy()).to(now)
        now.copy_(then[0] if now.ndim == 0 else then[: len(now)])
    group.generator.set_state(torch.from_numpy(draws[RANDOM + "generator"].values[number].astype(np.uint8)))
    group.steps, batches = (int(x) for x in draws[RANDOM + "place"].values[number])
    group.target.seek(batches)
    group.follow()
    group.bad_batches.copy_(torch.from_numpy(draws.bad_batches.values.astype(np.int32)))


def first_bad(
    excess: np.ndarray,
    nbeta: float | np.ndarray,
    dim: int,
    event_steps: np.ndarray,
    burnin_loss: np.ndarray,
    every: int,
) -> np.ndarray:
    """The step by which each chain had diverged, (chains,), −1 where it never did.

    ``excess`` (chains, draws): L − L(w*) at the draws, which were made at ``event_steps``. ``burnin_loss`` (chains,
    k): the loss at every ``every``-th step before.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        bad = ~np.isfinite(excess) | (np.asarray(nbeta) * excess > DIVERGED * (dim + 1))
    before = ~np.isfinite(burnin_loss)  # a burn-in may overshoot and return
    steps = np.concatenate([(1 + np.arange(before.shape[1])) * every, event_steps[: excess.shape[1]]])
    bad = np.concatenate([before, bad], 1)
    return np.where(bad.any(1), steps[bad.argmax(1)] if bad.shape[1] else -1, -1).astype(np.int32)


def undefined(draws: xr.Dataset) -> int:
    """How many of the diverged chains of ``draws`` had an ordinary loss, and then one that is not finite, at once.

    A chain that explodes has large losses first. Where draws are several steps apart, what lay between is not known:
    only a chain counts that came back later, which the adapting sampler's lost chains do in burn-in.
    """
    known, count = draws.attrs, 0
    every, steps = known.get("num_steps_bw_draws", 1), draws.coords.get("burnin_steps")
    for chain in np.flatnonzero(draws.first_bad.values >= 0):
        before = draws.burnin_loss.values[chain]
        if steps is not None:
            before = before[: int(steps[chain]) // every]  # nan behind it
        excess = np.concatenate([before, draws.loss.values[chain]]) - known["init_loss"]
        finite = np.isfinite(excess)
        first = int(finite.argmin())
        if not finite[first] and first > 0 and (every == 1 or finite[first:].any()):
            count += bool(known["nbeta"] * excess[:first].max() <= DIVERGED * (known["dim"] + 1))
    return count
