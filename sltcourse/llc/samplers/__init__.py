"""Samplers: ``init`` gives a state of plain tensors, ``step`` or ``move`` moves all chains of it at once.

Both return the mean loss (chains,) and the potential's gradient (chains, d) at the points they started from. ``adapt``
is True during burn-in, for samplers that adapt. The exact ones, ``ExactSampler``, have ``move(state, target, generator,
adapt)``, which draws its own random numbers. The others, ``MinibatchSampler``, have ``step(state, target, batch, noise,
adapt)``, which is given a minibatch and ``noise`` (chains, d), see ``llc.noise``, that it may overwrite; it changes
``state`` in place by tensor operations only, so that it can be recorded.
"""

import json
from dataclasses import asdict
from typing import Any

from sltcourse.llc.samplers.base import MinibatchSampler, Sampler, State
from sltcourse.llc.samplers.hmc import HMC
from sltcourse.llc.samplers.mala import MALA
from sltcourse.llc.samplers.metropolis import ExactSampler
from sltcourse.llc.samplers.rmsprop import RMSPropSGLD
from sltcourse.llc.samplers.sgld import SGLD
from sltcourse.llc.samplers.sgnht import SGNHT
from sltcourse.llc.samplers.whitened import WhitenedSGLD

__all__ = [
    "HMC",
    "MALA",
    "SGLD",
    "SGNHT",
    "AnySampler",
    "ExactSampler",
    "MinibatchSampler",
    "RMSPropSGLD",
    "Sampler",
    "State",
    "WhitenedSGLD",
    "checked",
    "named",
    "to_json",
]
AnySampler = ExactSampler | MinibatchSampler[Any]
SAMPLERS: dict[str, type[ExactSampler] | type[MinibatchSampler[Any]]] = {
    kind.__name__: kind for kind in (HMC, MALA, SGLD, SGNHT, RMSPropSGLD, WhitenedSGLD)
}


def checked(sampler: Any) -> None:
    """Raise TypeError where ``sampler`` is none of the samplers."""
    if isinstance(sampler, type):
        raise TypeError(f"sampler is the class {sampler.__name__}: write {sampler.__name__}().")
    if not isinstance(sampler, Sampler):
        raise TypeError(f"sampler is a {type(sampler).__name__}; it must be a sampler, say SGLD(lr=1e-4) or HMC().")
    if not isinstance(sampler.lr, float):
        raise ValueError(f"lr of {type(sampler).__name__} is a tensor; it must be one positive number.")


def to_json(sampler: AnySampler) -> str:
    """Name and settings of ``sampler``, for the attributes of draws."""
    return json.dumps({"name": type(sampler).__name__, **asdict(sampler)})


def named(text: str) -> AnySampler:
    """The sampler that ``to_json`` wrote down; KeyError where there is none of that name."""
    settings = json.loads(text)
    return SAMPLERS[settings.pop("name")](**settings)
