"""Samplers: ``init`` gives a state of plain tensors, ``step`` moves all chains of it at once.

``step`` returns the mean loss (chains,) and the potential's gradient (chains, d) at the points it started from.
``adapt`` is True during burn-in, for samplers that adapt. The exact samplers' ``step(state, target, generator, adapt)``
draws its own random numbers. The others' ``step(state, target, batch, noise, adapt)`` is given a minibatch and standard
normal ``noise`` (chains, d), which it may overwrite; it changes ``state`` in place by tensor operations only, so that
it can be recorded.
"""

import json
from dataclasses import asdict

from sltcourse.llc.samplers.base import Sampler
from sltcourse.llc.samplers.hmc import HMC
from sltcourse.llc.samplers.mala import MALA
from sltcourse.llc.samplers.rmsprop import RMSPropSGLD
from sltcourse.llc.samplers.sgld import SGLD
from sltcourse.llc.samplers.sgnht import SGNHT
from sltcourse.llc.samplers.whitened import WhitenedSGLD

__all__ = ["HMC", "MALA", "SGLD", "SGNHT", "RMSPropSGLD", "Sampler", "WhitenedSGLD", "named", "to_json"]
SAMPLERS = {kind.__name__: kind for kind in (HMC, MALA, SGLD, SGNHT, RMSPropSGLD, WhitenedSGLD)}


def to_json(sampler: Sampler) -> str:
    """Name and settings of ``sampler``, for the attributes of draws."""
    return json.dumps({"name": type(sampler).__name__, **asdict(sampler)})


def named(text: str) -> Sampler:
    """The sampler that ``to_json`` wrote down."""
    settings = json.loads(text)
    return SAMPLERS[settings.pop("name")](**settings)
