"""estimate_llc: the local learning coefficient of a model at w*, from localized, tempered sampling."""

import math
import time

import torch

from sltcourse.kit.progress import progress
from sltcourse.llc.chains import Traces, run
from sltcourse.llc.problem import Problem
from sltcourse.llc.result import LLCResult, summarise
from sltcourse.llc.samplers import WhitenedSGLD
from sltcourse.llc.target import default_nbeta
from sltcourse.llc.threads import threads_for

DEFAULT_BATCH = 512
DEFAULT_MEMORY_GIB = 4.0  # on cpu and mps; on cuda 80 % of what is free


def estimate_llc(
    model,
    data=None,
    loss=None,
    *,
    at=None,
    sampler=None,
    num_chains: int = 8,
    num_draws: int = 1000,
    num_burnin_steps: int = 1000,
    num_steps_bw_draws: int = 1,
    batch_size: int | None = None,
    nbeta: float | None = None,
    localization: float = 1.0,
    mask=None,
    dtype=None,
    device=None,
    memory_gib: float | None = None,
    compile: bool = False,
    seed: int = 0,
) -> LLCResult | list[LLCResult]:
    """Estimate the local learning coefficient λ(w*) = nβ (E[L_n(w)] − L_n(w*)) (Lau et al. 2024, arXiv 2308.12108).

    The expectation is over exp(−nβ L_n(w) − γ/2 ‖w − w*‖²), with γ = ``localization``.

    ``model``: an ``nn.Module``, whose present parameters are w*, or a function ``f(w, *batch)`` of a parameter vector
    w of shape (d,) that returns the mean loss over the batch.
    ``data``: ``(inputs, targets)``, tensors with n rows each, or one tensor that is both (an autoencoder); for a
    function any tuple of tensors, or None if it needs none (then give ``nbeta``).
    ``loss(model(inputs), targets)``: the mean over the batch. None for a function.
    ``at``: w*, if it is not in the module: a state dict, or a vector for a function. A list of them, say the
    checkpoints of a training run, is sampled in one batch and gives a list of results.
    ``sampler``: WhitenedSGLD (the default: its step size needs no tuning), SGLD, RMSPropSGLD, SGNHT, or the exact,
    full-batch MALA and HMC, which run in float64 unless ``dtype`` says otherwise.
    ``batch_size``: data points in a minibatch, each chain its own; None: all up to n = 512, else 512.
    ``nbeta``: None: n/log n. ``mask``: names to booleans or boolean tensors, the coordinates to sample (for a
    function one boolean tensor); the others stay at w*, which gives a refined LLC (arXiv 2410.02984).
    ``device``: where to compute; None: where w* is. ``memory_gib``: chains that do not fit run one group after another.
    ``compile``: fuse the sampler's whole step into a few kernels. It takes seconds first, and a C++ compiler on the
    CPU; then small models run two to three times as fast. The last digits differ from those without.

    Raises ValueError or TypeError where the question makes no sense (w* with a non-finite loss, a loss that is no
    mean, dropout in training mode, a batch larger than n, ...). Everything else is said in ``result.verdict``.
    An interrupt returns the draws made so far, marked ``partial`` (of a list: the points that are done).
    """
    sampler = WhitenedSGLD() if sampler is None else sampler
    _check_counts(num_chains=num_chains, num_draws=num_draws, num_steps_bw_draws=num_steps_bw_draws)
    if num_burnin_steps < 0:
        raise ValueError(f"num_burnin_steps is {num_burnin_steps}; it cannot be negative.")
    if num_burnin_steps == 0 and getattr(sampler, "adapts", False):
        raise ValueError(f"{type(sampler).__name__} adapts during burn-in: give num_burnin_steps, say 500.")
    if not localization >= 0:
        raise ValueError(f"localization is {localization}; it must be 0 or more.")
    exact = getattr(sampler, "exact", False)
    points = list(at) if isinstance(at, (list, tuple)) else [at]
    if not points:
        raise ValueError("at is an empty list: there is no w*.")
    problem = Problem(model, points, data, loss, mask, dtype or (torch.float64 if exact else None), device)
    batch_size = batch_size_of(batch_size, problem.num_samples, exact)
    nbeta = nbeta_of(nbeta, problem.num_samples)

    settings = dict(
        sampler=sampler,
        lr=sampler.lr,
        num_chains=num_chains,
        num_draws=num_draws,
        num_burnin_steps=num_burnin_steps,
        num_steps_bw_draws=num_steps_bw_draws,
        batch_size=batch_size,
        nbeta=nbeta,
        localization=localization,
        seed=seed,
        device=str(problem.device),
        dtype=problem.dtype,
    )
    began = time.perf_counter()
    traces, steps, interrupted = sample(
        problem,
        sampler,
        num_chains,
        num_draws,
        num_burnin_steps,
        num_steps_bw_draws,
        batch_size,
        nbeta,
        localization,
        memory_gib,
        compile,
        seed,
    )
    wall = time.perf_counter() - began
    results = []
    for point, trace in enumerate(traces):
        results.append(
            summarise(
                trace,
                problem.init_loss[point].item(),
                nbeta,
                localization,
                problem.dim,
                problem.num_samples,
                wall,
                steps / wall,
                interrupted,
                settings,
                batch_size is not None,
            )
        )
    return results if isinstance(at, (list, tuple)) else results[0]


def sample(
    problem,
    sampler,
    num_chains,
    num_draws,
    num_burnin_steps,
    num_steps_bw_draws,
    batch_size,
    nbeta,
    localization,
    memory_gib,
    compiled,
    seed,
) -> tuple[list[Traces], int, bool]:
    """Run all chains of all points, as many at a time as fit.

    Returns the Traces of each finished point, the chain-steps taken, and whether an interrupt came.
    """
    points = len(problem.centers)
    rows = torch.arange(points, device=problem.device).repeat_interleave(num_chains)
    at_once = _chains_at_once(problem, batch_size, memory_gib, len(rows))
    generator = torch.Generator(problem.device).manual_seed(seed)
    parts, interrupted, steps = [], False, 0
    groups = rows.split(at_once)
    work = at_once * problem.bytes_per_chain(batch_size)
    total = (num_burnin_steps + (num_draws - 1) * num_steps_bw_draws + 1) * len(groups)
    with threads_for(work), progress(None, "sampling", total=total) as bar:
        for group in groups:
            target = problem.target(group, nbeta, localization, batch_size, compiled=compiled)
            try:
                part, interrupted = run(
                    sampler,
                    target,
                    problem.init_loss[group],
                    problem.init_grad[group],
                    num_draws=num_draws,
                    num_burnin_steps=num_burnin_steps,
                    num_steps_bw_draws=num_steps_bw_draws,
                    generator=generator,
                    bar=bar,
                )
            except KeyboardInterrupt:
                if sum(len(p.first_bad) for p in parts) < num_chains:
                    raise
                interrupted = True
            else:
                steps += part.steps * len(group)
                if not interrupted or not parts:
                    parts.append(part)
            if interrupted:
                break
    whole = Traces.concatenate(parts)
    count = max(1, len(whole.first_bad) // num_chains)
    return [whole.rows(slice(k * num_chains, (k + 1) * num_chains)) for k in range(count)], steps, interrupted


def _chains_at_once(problem, batch_size, memory_gib, rows) -> int:
    if memory_gib is None:
        free = torch.cuda.mem_get_info(problem.device)[0] * 0.8 if problem.device.type == "cuda" else None
        budget = free or DEFAULT_MEMORY_GIB * 2**30
    else:
        budget = memory_gib * 2**30
    each = problem.bytes_per_chain(batch_size)
    if each > budget:
        raise ValueError(
            f"one chain needs about {each / 2**30:.2g} GiB and {budget / 2**30:.2g} GiB may be used: "
            "lower batch_size or raise memory_gib."
        )
    groups = math.ceil(rows / int(budget // each))
    return math.ceil(rows / groups)


def _check_counts(**counts):
    for name, value in counts.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number, 1 or more.")


def batch_size_of(batch_size, n, exact) -> int | None:
    """The minibatch size, or None for full batch."""
    if n is None:
        if batch_size is not None:
            raise ValueError("batch_size was given, but there is no data.")
        return None
    if batch_size is None:
        return None if exact or n <= DEFAULT_BATCH else DEFAULT_BATCH
    if batch_size < 1 or batch_size > n:
        raise ValueError(f"batch_size is {batch_size}, the data has n = {n} rows: choose 1 to {n}.")
    if exact and batch_size < n:
        raise ValueError("MALA and HMC are exact only at full batch: leave batch_size out.")
    return None if batch_size == n else batch_size


def nbeta_of(nbeta, n) -> float:
    if nbeta is None:
        if n is None:
            raise ValueError("without data there is no n: give nbeta (n/log n for n samples).")
        return default_nbeta(n)
    if not (nbeta > 0 and math.isfinite(nbeta)):
        raise ValueError(f"nbeta is {nbeta}; it must be positive and finite.")
    return float(nbeta)
