"""sample: run a sampler on a local posterior and keep its draws; resume: go on where they ended."""

import json
import math
import time
import weakref
from typing import Any

import numpy as np
import torch
import xarray as xr

from sltcourse.llc.chains import Group
from sltcourse.llc.devices import refuse_autocast
from sltcourse.llc.draws import append, checked_draws, dataset, pack, random_state, restore, together
from sltcourse.llc.importance import Importance
from sltcourse.llc.observables import Chains, observables
from sltcourse.llc.plain import out_of_memory
from sltcourse.llc.posterior import LocalPosterior, whole
from sltcourse.llc.recorder import Recorder
from sltcourse.llc.samplers import AnySampler, WhitenedSGLD, checked, named, to_json
from sltcourse.llc.slope import slope_error
from sltcourse.llc.threads import threads_for
from sltcourse.progress import progress

BURNIN = 1000  # steps of burn-in, and of each further round of it
MOST_BURNIN = 8000  # steps of burn-in after which the draws begin, in equilibrium or not
MOST_DRAWS = 10**10  # of all chains together: about half a terabyte
SAME_LOSS = 1e-3  # L(w*) of one posterior on two machines, relative or in λ̂
_made_by: dict[int, tuple[LocalPosterior, Any, Group | None]] = {}  # for resume, by the id of draws that live


def sample(
    posterior: LocalPosterior,
    sampler: AnySampler | Importance | None = None,
    *,
    num_chains: int = 8,
    num_draws: int = 1000,
    num_burnin_steps: int | None = None,
    num_steps_bw_draws: int = 1,
    batch_size: int | None = None,
    observe: Any = None,
    compile: bool = False,
    seed: int = 0,
) -> xr.Dataset | list[xr.Dataset]:
    """Draws of a local posterior by ``num_chains`` chains that start at w*, as a Dataset over (chain, draw).

    ``sampler``, ``num_draws``, ``num_burnin_steps``, ``num_steps_bw_draws``, ``batch_size``, ``compile``, ``seed``: as
    in ``estimate_llc``. ``observe``: names to what is recorded at each draw besides the loss: other data (the loss on
    them), a function of the parameters, or one of ``observables``. What the Dataset holds: see ``draws``. Where the
    posterior has a list of w*, a list of Datasets, one for each.

    An interrupt returns the draws made so far, with the attribute ``partial`` = 1; of a list, the points that are done.
    Raises ValueError and TypeError as ``estimate_llc`` does, KeyboardInterrupt if nothing was drawn yet.

    >>> import torch
    >>> from sltcourse.llc import HMC, LocalPosterior, OfParameters, sample
    >>> posterior = LocalPosterior(lambda w: w[0]**2, at=torch.zeros(1), nbeta=50.0, localization=0.1)
    >>> draws = sample(posterior, HMC(), num_chains=4, num_draws=50, observe={"w": OfParameters(lambda p: p["w"])})
    >>> draws.loss.shape, draws.w.shape
    ((4, 50), (4, 50, 1))
    """
    sampler = WhitenedSGLD() if sampler is None else sampler
    counts = dict(num_chains=num_chains, num_draws=num_draws, num_steps_bw_draws=num_steps_bw_draws)
    counts = {name: whole(name, value, 1) for name, value in counts.items()}
    observables(observe)  # says at once what cannot be recorded
    if isinstance(sampler, Importance):
        if batch_size not in (None, posterior.num_samples):
            raise ValueError("independent draws are weighted by the loss on all the data: leave batch_size out.")
        del counts["num_steps_bw_draws"]
        return sampler.draw(posterior, **counts, observe=observe, seed=whole("seed", seed, 0))
    checked(sampler)
    if not isinstance(compile, (bool, np.bool_)):
        raise TypeError(f"compile is {compile!r}; it must be True or False.")
    if counts["num_chains"] * counts["num_draws"] > MOST_DRAWS:
        raise ValueError(
            f"{counts['num_chains']} chains of {counts['num_draws']} draws are more than memory holds: take fewer, "
            "num_steps_bw_draws apart."
        )
    in_rounds = num_burnin_steps is None
    num_burnin_steps = whole("num_burnin_steps", BURNIN if in_rounds else num_burnin_steps, 0)
    if num_burnin_steps == 0 and sampler.adapts:
        raise ValueError(f"{type(sampler).__name__} adapts during burn-in: give num_burnin_steps, say 500.")
    if sampler.exact:
        posterior = posterior.doubled()
    batch_size = posterior.batch_size(batch_size, sampler.exact)
    at_once = posterior.chains_at_once(batch_size, counts["num_chains"] * len(posterior.centers))
    settings = dict(
        init_loss=math.nan, nbeta=posterior.nbeta, localization=posterior.localization,
        prior_precision=posterior.prior_precision, penalty=posterior.penalty, dim=posterior.dim,
        num_samples=posterior.num_samples or 0, batch_size=batch_size or 0, **counts, num_burnin_steps=num_burnin_steps,
        seed=whole("seed", seed, 0), device=str(posterior.device), dtype=str(posterior.dtype).removeprefix("torch."),
        sampler=to_json(sampler), compile=int(compile),
        chains_at_once=at_once,
    )  # fmt: skip
    return _Run(posterior, sampler, settings, observe, MOST_BURNIN if in_rounds else num_burnin_steps).go(
        num_draws, None
    )


def resume(
    draws: xr.Dataset | list[xr.Dataset] | tuple[xr.Dataset, ...],
    posterior: LocalPosterior | None = None,
    *,
    num_draws: int = 1000,
    observe: Any = None,
) -> xr.Dataset | list[xr.Dataset]:
    """``num_draws`` more draws of the same chains, appended to ``draws``: bit for bit what one longer run gives.

    ``draws``: what ``sample`` or ``resume`` returned, or that read back from a file (of a list of w*: the whole list).
    ``posterior`` (and ``observe``, if there was one): may be left out while the draws that ``sample`` returned are
    alive; draws from a file need them again, the same as before.

    Raises ValueError where the posterior is missing or another one, or where the run was interrupted; TypeError for
    what is no posterior.
    """
    num_draws = whole("num_draws", num_draws, 1)
    parts = [checked_draws(one) for one in (draws if isinstance(draws, (list, tuple)) and draws else [draws])]
    if not (posterior is None or isinstance(posterior, LocalPosterior)):
        raise TypeError(f"posterior is a {type(posterior).__name__}; it must be a LocalPosterior.")
    if "log_weight" in parts[0]:
        raise ValueError("independent draws do not go on: sample with another seed, and read a list of both.")
    made_by = _made_by.get(id(parts[0]))
    group = None
    if posterior is None:
        if made_by is None:
            raise ValueError("these draws come from a file or a selection: give the posterior they were drawn from.")
        posterior, observe, group = made_by
    settings = {name: x.item() if isinstance(x, np.generic) else x for name, x in parts[0].attrs.items()}
    sampler = named(settings["sampler"])
    if sampler.exact:
        posterior = posterior.doubled()
    if settings["partial"]:
        raise ValueError("these draws were interrupted, between two states that were kept: sample again.")
    for name, here in (("dim", posterior.dim), ("nbeta", posterior.nbeta), ("localization", posterior.localization)):
        if not math.isclose(settings[name], here, rel_tol=1e-12):
            raise ValueError(f"the draws have {name} = {settings[name]:g}, the posterior {here:g}: it is another one.")
    if len(parts) != len(posterior.centers):
        raise ValueError(f"the posterior has {len(posterior.centers)} points, {len(parts)} draws were given: give all.")
    for one, here in zip(parts, posterior.init_loss.tolist(), strict=True):
        kept = float(one.attrs["init_loss"])
        if abs(kept - here) > max(SAME_LOSS * max(abs(kept), abs(here)), SAME_LOSS / posterior.nbeta):
            raise ValueError(
                f"L(w*) is {kept:.6g} in the draws and {here:.6g} in the posterior: it has another model, w*, loss or "
                "data."
            )
    run = _Run(posterior, sampler, settings, observe)
    if group is not None and group.steps == settings["steps"]:
        run.group = group
    more = run.go(num_draws, parts)
    more = more if isinstance(more, list) else [more]
    joined = [append(before, after) for before, after in zip(parts, more, strict=False)]
    for one in joined:
        _remember(one, posterior, observe, run.group)
    return joined if posterior.several else joined[0]


class _Run:
    """Chains of one posterior and one setting, as many at a time as fit."""

    def __init__(
        self,
        posterior: LocalPosterior,
        sampler: AnySampler,
        settings: dict[str, Any],
        observe: Any,
        most_burnin_steps: int = 0,
    ):
        self.posterior, self.sampler, self.settings, self.observe = posterior, sampler, settings, observe
        self.most_burnin_steps = most_burnin_steps
        refuse_autocast(posterior.device)  # resumed chains have their Evaluator already
        self.notes: list[str] = []
        self.group: Group | None = None  # kept where all chains fit: it can go on
        self.begun = 0  # the steps that the group had taken before this run

    def go(self, num_draws: int, before: list[xr.Dataset] | None) -> xr.Dataset | list[xr.Dataset]:
        """Sample from the start, or on from the end of the Datasets ``before``."""
        while True:
            try:
                return self._go(num_draws, before)
            except (RuntimeError, MemoryError) as error:
                at_once = self.settings["chains_at_once"]
                if not out_of_memory(error) or at_once == 1 or before is not None:
                    raise
            fewer = self.settings["chains_at_once"] = math.ceil(at_once / 2)
            self.group = None
            if self.posterior.device.type == "cuda":
                torch.cuda.empty_cache()
            self.notes = [f"{at_once} chains did not fit the memory together: they ran {fewer} at a time."]

    def _go(self, num_draws: int, before: list[xr.Dataset] | None) -> xr.Dataset | list[xr.Dataset]:
        """``go``, with so many chains at a time as ``settings`` say."""
        posterior, settings, began = self.posterior, self.settings, time.perf_counter()
        chains, every = settings["num_chains"], settings["num_steps_bw_draws"]
        points = torch.arange(len(posterior.centers), device=posterior.device).repeat_interleave(chains)
        groups = points.split(settings["chains_at_once"])
        fresh = 0 if before is not None else settings["num_burnin_steps"]
        total = (fresh + num_draws * every) * len(groups)
        work = settings["chains_at_once"] * posterior.bytes_per_chain(settings["batch_size"] or None)
        parts: list[xr.Dataset] = []
        randoms, interrupted, steps, chain_steps = [], False, 0, 0
        with torch.inference_mode(False), threads_for(work), progress(None, "sampling", total=total) as bar:
            for number, chunk in enumerate(groups):
                try:
                    part, interrupted = self._part(number, chunk, num_draws, before, bar)
                except KeyboardInterrupt:
                    part, interrupted = None, True
                group = self.group
                if part is not None and group is not None and (not interrupted or not parts):
                    parts.append(part)
                    randoms.append(random_state(group))
                    steps, chain_steps = max(steps, group.steps), chain_steps + (group.steps - self.begun) * len(chunk)
                if interrupted:
                    break
                if len(groups) > 1:
                    self.group = None
        if sum(part.sizes["chain"] for part in parts) < chains and (not parts or len(groups) > 1):
            raise KeyboardInterrupt
        whole_run = together(parts)
        wall = time.perf_counter() - began
        notes, out = list(dict.fromkeys([*posterior.notes, *self.notes])), []
        for point in range(whole_run.sizes["chain"] // chains):
            one = whole_run.isel(chain=slice(point * chains, (point + 1) * chains))
            one = one.assign_coords(chain=np.arange(chains), **pack(randoms))
            one.attrs.update(
                settings, init_loss=float(posterior.init_loss[point]), partial=int(interrupted), wall_time=wall,
                control_variate=int(one.state_relative.max()) if "state_relative" in one.coords else 0,
                steps=steps, num_burnin_steps=int(one.burnin_steps.max()), notes=json.dumps(notes, ensure_ascii=False),
                chain_steps_per_second=chain_steps / wall,
            )  # fmt: skip
            try:
                one.attrs["slope_error"] = slope_error(posterior.objective, one.state_w.values, point)
            except KeyboardInterrupt:  # the draws are there: they are kept, and whoever called stops here
                interrupted, one.attrs["partial"] = True, 1
            _remember(one, posterior, self.observe, self.group)
            out.append(one)
        return out if posterior.several else out[0]

    def _part(
        self, number: int, points: torch.Tensor, num_draws: int, before: list[xr.Dataset] | None, bar: Any
    ) -> tuple[xr.Dataset, bool]:
        """The draws of one group of chains: (Dataset, interrupted)."""
        settings, every = self.settings, self.settings["num_steps_bw_draws"]
        if self.group is None:
            self.group = self._group(number, points)
            if before is not None:
                whole_run = xr.concat([d.drop_vars("draw") for d in before], "chain") if len(before) > 1 else before[0]
                first = number * settings["chains_at_once"]
                restore(self.group, whole_run.isel(chain=slice(first, first + len(points))), number)
        if self.group.target.evaluator.pool is not None:
            torch.set_num_threads(1)  # the threads share the chains, and do not wait for each other within one
        self.begun = self.group.steps
        group, made = self.group, 0 if before is None else before[0].sizes["draw"]
        recorder = None
        if self.observe:
            chains = Chains(self.posterior.objective, points, penalty=self.posterior.penalty,
                            memory_bytes=int(self.posterior.memory_bytes))  # fmt: skip
            recorder = Recorder(self.observe, chains, num_draws, first=made)
        burnin = np.zeros((len(points), 0))
        if before is None:
            burnin = group.burn_in(settings["num_burnin_steps"], self.most_burnin_steps, every, bar)
            if group.burnin_steps > settings["num_burnin_steps"]:
                how = "until the chains were in" if group.settled else "and the chains are not yet in"
                self.notes.append(f"burn-in went on to {group.burnin_steps} steps, {how} equilibrium.")
        start = group.steps + (1 if before is None else every)
        taken, interrupted = group.draw(num_draws, every, first_now=before is None, bar=bar, recorder=recorder)
        if not taken["excess"].shape[1]:
            raise KeyboardInterrupt
        events = start + np.arange(num_draws) * every
        settings["way"] = group.target.evaluator.way  # the next group, and what goes on later, take the same
        self.notes += [*group.target.evaluator.notes, *(recorder.chains.notes if recorder else ())]
        part = dataset(taken, group, burnin, settings, events, first_draw=made, seen=recorder)
        return part, interrupted

    def _group(self, number: int, points: torch.Tensor) -> Group:
        """The chains of group ``number``, at the start; ``points`` (chains,): the number of each one's w*."""
        posterior, settings = self.posterior, self.settings
        seed = settings["seed"]
        if number:  # the other groups have other random numbers
            seed = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator(posterior.device).manual_seed(seed)
        target = posterior.target(points, batch_size=settings["batch_size"] or None, generator=generator, seed=seed,
                                  compiled=bool(settings["compile"]))  # fmt: skip
        several = len(posterior.centers) > 1
        at = points if several else torch.zeros_like(points)
        return Group(target, self.sampler, generator, posterior.init_loss[at], posterior.init_grad[at],
                     settings.get("way", ""))  # fmt: skip


def _remember(draws: xr.Dataset, posterior: LocalPosterior, observe: Any, group: Group | None) -> None:
    """Keep what ``resume`` needs for as long as ``draws`` live."""
    key = id(draws)
    _made_by[key] = posterior, observe, group
    weakref.finalize(draws, _made_by.pop, key, None)
