"""Running chains: burn-in, draws, and what is recorded on the way."""

from dataclasses import dataclass, fields

import numpy as np
import torch

from sltcourse.llc.noise import Noise
from sltcourse.llc.trace import trace

RECORDED = ("excess", "distance", "tilt", "virial", "step_bias", "accepted")  # of every draw; see Traces
DIVERGED = 50.0  # a draw has diverged if nβ(L − L(w*)) exceeds this times d + 1; the posterior's mean is below d/2


@dataclass
class Traces:
    """What chains leave behind; arrays of shape (chains, draws) unless said otherwise."""

    loss: np.ndarray  # L_n at the draw: exact at full batch, else L_B(w) − L_B(w*) + L_n(w*) on the draw's minibatch
    distance: np.ndarray  # ‖w − w*‖
    tilt: np.ndarray  # nβ ∇L_n(w*)·(w − w*)
    virial: np.ndarray  # (w − w*)·∇U(w)/d: 1 on average under exp(−U), whatever U is
    step_bias: np.ndarray  # about what the finite step adds to λ̂: see each sampler's step_bias
    burnin_loss: np.ndarray  # (chains, recorded burn-in steps), as loss
    first_bad: np.ndarray  # (chains,): the step by which the chain had diverged, −1 if it never did
    acceptance: np.ndarray | None  # (chains,): the mean over the draws
    final: object  # the sampler's state where the chains stopped
    steps: int  # steps each chain took

    @classmethod
    def concatenate(cls, parts):
        def joined(name):
            values = [getattr(part, name) for part in parts]
            return np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]

        return cls(**{name: joined(name) for name in cls.__dataclass_fields__})

    def rows(self, which):
        """The chains ``which``, a slice."""
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Traces(
            **{name: value[which] if isinstance(value, np.ndarray) else value for name, value in kept.items()}
        )


def run(
    sampler,
    target,
    loss_at_center,
    grad_at_center,
    *,
    num_draws,
    num_burnin_steps,
    num_steps_bw_draws,
    generator,
    bar=None,
):
    """Run the chains of ``target`` and return their Traces; an interrupt keeps the draws made so far.

    ``loss_at_center`` (chains,) and ``grad_at_center`` (chains, d) are L_n(w*) and ∇L_n(w*). ``bar.update(k)`` is told
    of every k steps. Returns (traces, interrupted); raises KeyboardInterrupt if no draw was made yet.
    """
    chains, dim = target.center.shape
    exact, step_bias = getattr(sampler, "exact", False), getattr(sampler, "step_bias", None)
    state = sampler.init(target, generator)
    burnin_events = num_burnin_steps // num_steps_bw_draws
    events = burnin_events + num_draws
    total = num_burnin_steps + (num_draws - 1) * num_steps_bw_draws + 1
    record = torch.zeros(len(RECORDED), events, chains, device=target.center.device, dtype=target.center.dtype)
    excess, *_, accepted = record
    before = torch.empty_like(state.w)
    done, interrupted = 0, False
    probe = _prober(sampler, state, target) if hasattr(sampler, "probe") else None
    move, observe = _mover(sampler, state, target, generator), _observer(target, target.nbeta * grad_at_center)
    try:
        for step in range(total):
            burnin = step < num_burnin_steps
            if burnin and probe and step % sampler.probe_every == 0:
                for _ in range(1 if step else sampler.first_probes):
                    probe(target.draw_batch(generator))
            since = step + 1 if burnin else step - num_burnin_steps
            event = since % num_steps_bw_draws == 0
            if event and done < events:
                before.copy_(state.w)
                (loss, force), batch = move(burnin)
                base = target.loss(target.center, batch) if batch else loss_at_center
                bias = step_bias(state, target, before - target.center, force) if step_bias else torch.zeros_like(loss)
                record[:-1, done] = observe(before, loss, base, force, bias)
                if exact:
                    accepted[done] = state.accepted[:, 0]
                done += 1
            else:
                move(burnin)
            if (step + 1) % 64 == 0:
                if bar is not None:
                    bar.update(64)
                if done and not torch.isfinite(excess[done - 1]).any():
                    break  # every chain has diverged
    except KeyboardInterrupt:
        if done <= burnin_events:
            raise
        interrupted = True
    taken = dict(zip(RECORDED, record[:, :done].transpose(1, 2).cpu().double().numpy(), strict=True))
    excess = taken["excess"]
    nbeta = torch.as_tensor(target.nbeta).expand(chains, 1).double().cpu().numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        bad = ~np.isfinite(excess) | (nbeta * excess > DIVERGED * (dim + 1))
        bad[:, :burnin_events] = ~np.isfinite(excess[:, :burnin_events])  # a burn-in may overshoot and return
    event_step = np.concatenate(
        [
            np.arange(1, burnin_events + 1) * num_steps_bw_draws,
            num_burnin_steps + np.arange(num_draws) * num_steps_bw_draws + 1,
        ]
    )
    first_bad = np.where(bad.any(1), event_step[bad.argmax(1)], -1)
    draws = slice(burnin_events, None)
    base = loss_at_center.double().cpu().numpy()[:, None]
    return Traces(
        loss=base + excess[:, draws],
        distance=taken["distance"][:, draws],
        tilt=taken["tilt"][:, draws],
        virial=taken["virial"][:, draws],
        step_bias=taken["step_bias"][:, draws],
        burnin_loss=base + excess[:, :burnin_events],
        first_bad=first_bad,
        acceptance=taken["accepted"][:, draws].mean(1) if exact else None,
        final=state,
        steps=step + 1,
    ), interrupted


def _mover(sampler, state, target, generator):
    """A function ``move(adapt)`` that steps all chains and returns what ``sampler.step`` does, and the minibatch."""
    if getattr(sampler, "exact", False):
        return lambda adapt: (sampler.step(state, target, generator, adapt), ())
    noise, step = Noise(state.w, generator, target.compiled), _traced(sampler, state, target)

    def move(adapt):
        batch = target.draw_batch(generator)
        return step(batch, noise.draw(), adapt), batch

    return _captured(move, generator) if target.center.device.type == "cuda" else move


def _prober(sampler, state, target):
    names = [field.name for field in fields(state)]
    traced = []

    def function(*args):
        here = type(state)(*args[: len(names)])
        sampler.probe(here, target, args[len(names) :])
        return [here.w.sum()]

    def probe(batch):
        if not batch:
            return sampler.probe(state, target, batch)
        args = [*(getattr(state, name) for name in names), *batch]
        if not traced:
            traced.append(trace(function, *args, compiled=target.compiled))
        traced[0](*args)

    return probe


def _traced(sampler, state, target):
    """``sampler.step`` of ``state``, recorded for each of burn-in and draws; at full batch ``target`` does that."""
    if target.full_batch:
        return lambda batch, noise, adapt: sampler.step(state, target, batch, noise, adapt)
    names = [field.name for field in fields(state)]
    steps = {}

    def step(batch, noise, adapt):
        adapt = adapt and getattr(sampler, "adapts", False)
        args = [noise, *(getattr(state, name) for name in names), *batch]
        if adapt not in steps:

            def function(noise, *args):
                here = type(state)(*args[: len(names)])
                return sampler.step(here, target, args[len(names) :], noise, adapt)

            steps[adapt] = trace(function, *args, compiled=target.compiled)
        return steps[adapt](*args)

    return step


def _observer(target, slope):
    """``observe(w, loss, base, force, bias)``: all of RECORDED but the last at the points w, (5, chains), in one pass.

    ``base`` is the loss at w* on the same minibatch, ``force`` and ``bias`` are the sampler's gradient and step bias.
    """
    traced = []

    def function(w, loss, base, force, bias):
        away = w - target.center
        distance, tilt = away.square().sum(1).sqrt(), (slope * away).sum(1)
        return torch.stack([loss - base, distance, tilt, (away * force).sum(1) / w.shape[1], bias])

    def observe(*args):
        if not traced:
            traced.append(trace(function, *args, compiled=target.compiled))
        return traced[0](*args)

    return observe


def _captured(move, generator):
    """``move`` on CUDA: what it does with and without ``adapt`` becomes a captured graph each, from the fourth call on.

    The first three calls are the warm-up that capture asks for, on a stream of their own.
    """
    side, calls, graphs = torch.cuda.Stream(), {True: 0, False: 0}, {}

    def replay(adapt):
        calls[adapt] += 1
        if calls[adapt] <= 3:
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                out = move(adapt)
            torch.cuda.current_stream().wait_stream(side)
            return out
        if adapt not in graphs:
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(generator)
            with torch.cuda.graph(graph):
                out = move(adapt)
            graphs[adapt] = graph, out
        graph, out = graphs[adapt]
        graph.replay()
        return out

    return replay
