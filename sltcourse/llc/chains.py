"""Chains that run as one batch: their steps, burn-in, draws, and what is recorded of each draw."""

import math
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sltcourse.llc.errors import summary
from sltcourse.llc.noise import Noise
from sltcourse.llc.record import Record
from sltcourse.llc.samplers import AnySampler, ExactSampler, MinibatchSampler
from sltcourse.llc.target import Target
from sltcourse.llc.trace import trace
from sltcourse.llc.types import Batch
from sltcourse.llc.verdict import limit, overspread, settled

if TYPE_CHECKING:
    from sltcourse.llc.recorder import Recorder

RECORDED = ("excess", "distance", "tilt", "virial", "step_bias", "accepted")  # of every draw; see ``draws``
MOST_BLOCKS = 64  # parameters whose equipartition is recorded one by one
DIVERGED = 50.0  # a draw has diverged if nβ(L − L(w*)) exceeds this times d + 1; the posterior's mean is below d/2
LOOK = 5  # steps of burn-in between two looks at the virial
EASED = 3  # halvings of the step at most for what minibatches add
ENOUGH = 20  # looks of each chain, from which on equipartition is judged
CHECK = 64  # steps between two looks at whether all chains have diverged, and two moves of the progress bar

Move = Callable[[bool], tuple[tuple[Tensor, Tensor], Batch]]
"""Step all chains, adapting or not: what ``step`` of a sampler returns, and the minibatch."""


class Group:
    """Some chains of a posterior, their sampler's state, and their random numbers.

    ``loss_at_center`` (chains,) and ``grad_at_center`` (chains, d) are L_n(w*) and ∇L_n(w*).
    ``way``: how an earlier part of the same run computed its chains ("" at first), see ``Evaluator.choose``.
    """

    @torch.no_grad()  # another module in the loss, a teacher, may ask for gradients
    def __init__(
        self,
        target: Target,
        sampler: AnySampler,
        generator: torch.Generator,
        loss_at_center: Tensor,
        grad_at_center: Tensor,
        way: str = "",
    ):
        target.evaluator.choose(target.batch_size, way)
        self.target, self.sampler, self.generator = target, sampler, generator
        self.slope = target.nbeta * grad_at_center
        self.anchor = loss_at_center, grad_at_center
        self.state: Any = sampler.init(target, generator)  # the sampler's own State
        self.noise = None if sampler.exact else Noise(self.state.w, generator)
        self.blocks = target.evaluator.objective.layout.free_sizes()
        if not 1 < len(self.blocks) <= MOST_BLOCKS:
            self.blocks = {}
        self.base = None if not target.full_batch else target.full_loss(target.center)
        self.observe = self._observer()
        self.follow()
        self.loss_at_center = loss_at_center.cpu().double().numpy()[:, None]
        self.steps = self.burnin_steps = self._judged = 0
        self.settled = True
        self.bad_batches = torch.zeros(len(self.state.w), dtype=torch.int32, device=self.state.w.device)

    def follow(self) -> None:
        """Take minibatches relative to w* where the state says so, and record the steps anew."""
        if bool(getattr(self.state, "relative", False)):
            self.target.anchor(*self.anchor)
            self.base = self.anchor[0]
        self.move = self._mover()
        self.probe = self._prober() if self.sampler.probe_every else None

    @torch.no_grad()
    def burn_in(self, steps: int, most: int, every: int, bar: Any = None) -> np.ndarray:
        """Burn in for ``steps`` steps, and on in rounds of as many until equipartition holds, or to ``most`` steps.

        Each w* that is sampled is judged by itself, by the verdict's own limits; its chains are in equilibrium as far
        as they can tell. Where they spread too far the sampler is told to take smaller steps, half-way through the
        first round too; and after that round where minibatches add more than the verdict's share of the estimate. No
        round is added for chains that have gone below L_n(w*): they have no equilibrium near it.

        Returns the loss of the step's own minibatch at every ``every``-th step, (chains, steps/every), nan from where
        no chain was finite any more. ``burnin_steps`` and ``settled`` say how many steps it took and whether they were
        enough, as far as so few tell.
        """
        losses = [self._round(steps // 2, every, bar)]
        self._judge(losses[-1])
        target = self.target
        if not target.full_batch and not target.relative and self.sampler.turns_relative(self.state, target):
            self.follow()
            self._probe_first()
        losses.append(self._round(steps - steps // 2, every, bar))
        self.settled, goes_on = self._judge(losses[-1])
        while goes_on and self.steps + steps <= most:
            if bar is not None and bar.total:
                bar.total += steps
            losses.append(self._round(steps, every, bar))
            self.settled, goes_on = self._judge(losses[-1])
        self.burnin_steps = self.steps
        return np.concatenate(losses, 1)

    def _round(self, steps: int, every: int, bar: Any) -> np.ndarray:
        """Take ``steps`` steps of burn-in; ``_looks`` holds what ``observe`` saw in the second half of them."""
        losses, looks, begun, before = [], Record(), self.steps, torch.empty_like(self.state.w)
        for step in range(begun + 1, begun + steps + 1):
            if step == 1:
                self._probe_first()
            elif self.probe is not None and (step - 1) % self.sampler.probe_every == 0:
                self.probe()
            look = step % LOOK == 0 and step > begun + steps // 2 and steps >= 2 * LOOK * ENOUGH
            if look:
                before.copy_(self.state.w)
            (loss, force), _ = self.move(True)
            self.steps += 1
            if step % every == 0:
                losses.append(loss.clone())
            if look:
                looks.add(self.observe(before, loss, loss, force))
            self._report(step, bar)
            if step % CHECK == 0 and not torch.isfinite(loss).any():
                break
        taken = np.full((len(before), (begun + steps) // every - begun // every), np.nan)
        if losses:
            taken[:, : len(losses)] = torch.stack(losses, 1).cpu().double().numpy()
        self._looks = looks.array(len(before), len(RECORDED) - 1 + len(self.blocks))
        return taken

    def _probe_first(self) -> None:
        """Show the sampler the minibatches that it wants to begin with."""
        if self.probe is not None:
            for _ in range(self.sampler.first_probes):
                self.probe()

    def _judge(self, losses: np.ndarray) -> tuple[bool, bool]:
        """Whether all points' chains are in equilibrium, and whether further steps can help those that are not."""
        pool = self.target.pool.cpu().numpy()
        points, all_settled, goes_on = np.unique(pool), True, False
        halvings, self._judged = np.zeros(len(pool), int), self._judged + 1
        nbeta = np.broadcast_to(torch.as_tensor(self.target.nbeta).cpu().numpy(), (len(pool), 1))
        for point in points:
            mine = pool == point
            virials = self._looks[[RECORDED.index("virial"), *range(len(RECORDED) - 1, len(self._looks))]][:, mine]
            virials = virials[:, np.isfinite(virials).all((0, 2))]
            if virials.shape[1] == 0 or virials.shape[2] < ENOUGH:
                continue
            found = [summary(virial) for virial in virials]
            whole, *blocks = [(s.mean, s.std_error) for s in found]
            tail = losses[mine][:, losses.shape[1] // 2 :]
            tail = tail[np.isfinite(tail).all(1)]
            loss, most = summary(tail) if tail.size else None, limit("errors below 0")
            excess = math.nan if loss is None else loss.mean - self.loss_at_center[mine].mean()
            wanted = self._halvings(mine, excess * nbeta[mine].mean())
            halvings[mine] = max(wanted, int(overspread(*whole)))
            if not wanted and settled(whole, blocks, len(points)):
                continue
            all_settled = False
            goes_on |= loss is None or not excess + most * loss.std_error < 0
        for number in range(halvings.max()):
            where = torch.from_numpy(halvings[:, None] > number).to(self.state.w.device)
            self.sampler.calm(self.state, where if len(points) > 1 else where[:1])
        return all_settled, goes_on

    def _halvings(self, mine: np.ndarray, estimate: float) -> int:
        """How many times to halve the step for what minibatches add to the ``estimate`` of the chains ``mine``.

        Their noise differs from place to place, and what is taken out of it is its mean: where a singular minimum has
        unlike surroundings, too much is left. It is proportional to the step, and ``step_bias`` tells it within a
        factor of 2.5. It is asked once, after the first round, when it is known whether gradients relative to w* pay.
        """
        if self.target.full_batch or not self.sampler.calms or self._judged != 2:
            return 0
        bias = self._looks[RECORDED.index("step_bias")][mine]
        bias = bias[np.isfinite(bias)]
        most = limit("step, share") * estimate
        return math.ceil(math.log2(min(bias.mean() / most, 2**EASED))) if bias.size and bias.mean() > most > 0 else 0

    @torch.no_grad()
    def draw(
        self, count: int, every: int, first_now: bool, bar: Any = None, recorder: "Recorder | None" = None
    ) -> tuple[dict[str, np.ndarray], bool]:
        """``count`` draws, ``every`` steps apart, the first at once if ``first_now``, else after ``every`` − 1 steps.

        ``recorder``: a ``Recorder`` of observables, which is shown every draw. Returns a dict of the arrays (chains,
        draws) in RECORDED and "block_virial" (chains, draws, blocks), and whether an interrupt came. Where no chain is
        finite any more the steps end, and what is left is nan.
        """
        record = Record()
        before, interrupted = torch.empty_like(self.state.w), False
        try:
            for number in range(count):
                for _ in range(every - 1 if number or not first_now else 0):
                    self.move(False)
                    self.steps += 1
                    self._report(self.steps, bar)
                before.copy_(self.state.w)
                if recorder is not None:
                    recorder.look(before)
                (loss, force), batch = self.move(False)
                self.steps += 1
                base = self.base if self.base is not None else self.target.loss(self.target.center, batch)
                row = self.observe(before, loss, base, force)
                self.bad_batches += torch.isnan(loss) if self.target.relative else ~torch.isfinite(base)
                accepted = self.state.accepted[:, 0] if self.sampler.exact else torch.zeros_like(loss)
                record.add(torch.cat([row[:5], accepted[None], row[5:]]))
                if recorder is not None:
                    recorder.keep({"loss": row[0], "distance": row[1]})
                self._report(self.steps, bar)
                if number % CHECK == CHECK - 1 and not torch.isfinite(row[0]).any():
                    break
        except KeyboardInterrupt:
            interrupted = True
        rows = record.array(len(before), len(RECORDED) + len(self.blocks))
        if not interrupted and rows.shape[2] < count:
            rows = np.concatenate([rows, np.full((*rows.shape[:2], count - rows.shape[2]), np.nan)], 2)
        taken = dict(zip(RECORDED, rows, strict=False))
        taken["block_virial"] = np.moveaxis(rows[len(RECORDED) :], 0, 2)
        return taken, interrupted

    def _report(self, step: int, bar: Any) -> None:
        """Move the progress bar, every so many steps."""
        if bar is not None and step % CHECK == 0:
            bar.update(CHECK)

    def _mover(self) -> Move:
        """``move(adapt)``: step all chains; returns what ``sampler.step`` does, and the minibatch."""
        sampler, target, state = self.sampler, self.target, self.state
        if isinstance(sampler, ExactSampler):
            return lambda adapt: (sampler.move(state, target, self.generator, adapt), ())
        step, noise = self._recorded_step(sampler), self.noise
        assert noise is not None  # only the exact samplers draw their own random numbers

        def move(adapt: bool) -> tuple[tuple[Tensor, Tensor], Batch]:
            batch = target.draw_batch()
            return step(batch, noise.draw(), adapt and sampler.adapts), batch

        rows = target.evaluator.rows
        capture = target.center.device.type == "cuda" and not target.evaluator.looped
        return captured(move, self) if capture and (rows is None or rows.in_memory) else move

    def _recorded_step(self, sampler: MinibatchSampler[Any]) -> Callable[[Batch, Tensor, bool], tuple[Tensor, Tensor]]:
        """``sampler.step``, recorded for each of burn-in and draws and compared with the plain module.

        At full batch, and for chains apart, the evaluator does both, for loss and gradient.
        """
        target, state, evaluator = self.target, self.state, self.target.evaluator
        names = [field.name for field in fields(state)]
        steps: dict[bool, Callable[..., tuple[Tensor, Tensor]]] = {}

        def record(batch: Batch, noise: Tensor, adapt: bool) -> Callable[..., tuple[Tensor, Tensor]] | None:
            def function(w: Tensor, noise: Tensor, *args: Tensor) -> tuple[Tensor, Tensor]:
                rest, minibatch = args[: len(names) - 1], args[len(names) - 1 :]
                return sampler.step(type(state)(w, *rest), target, minibatch, noise, adapt)

            rest = [getattr(state, name) for name in names[1:]]
            recorded = evaluator.recorded(function, state.w, noise, *rest, *batch)
            if recorded is None:
                return None

            def on_copies(w: Tensor, *minibatch: Tensor) -> list[Tensor]:
                return recorded(w, noise.clone(), *(x.clone() for x in rest), *minibatch)

            reason = evaluator.difference(on_copies, state.w, batch, "own", finish=target.plain_force)
            if reason:
                evaluator.give_up(reason)
                return None
            return recorded

        def step(batch: Batch, noise: Tensor, adapt: bool) -> tuple[Tensor, Tensor]:
            if not target.full_batch and not evaluator.stepwise and adapt not in steps:
                recorded = record(batch, noise, adapt)
                if recorded is not None:
                    steps[adapt] = recorded
            plain = partial(sampler.step, state, target, batch, noise, adapt)
            if target.full_batch or evaluator.stepwise:
                return plain()
            rest = [getattr(state, name) for name in names[1:]]
            return evaluator.attempt(lambda: steps[adapt](state.w, noise, *rest, *batch), plain)

        return step

    def _prober(self) -> Callable[[], None]:
        """``probe()``: show the sampler a fresh minibatch; recorded like a step."""
        sampler, target, state, evaluator = self.sampler, self.target, self.state, self.target.evaluator
        names = [field.name for field in fields(state)]
        recorded: list[Callable[..., Any]] = []

        def function(*args: Tensor) -> list[Tensor]:
            sampler.probe(type(state)(*args[: len(names)]), target, args[len(names) :])
            return []

        def probe() -> None:
            batch = target.draw_batch()
            args = [*(getattr(state, name) for name in names), *batch]
            if batch and not evaluator.stepwise and not recorded:
                found = evaluator.recorded(function, *args)
                recorded.extend([] if found is None else [found])
            plain = partial(sampler.probe, state, target, batch)
            if evaluator.stepwise or not batch:
                plain()
            else:
                evaluator.attempt(lambda: recorded[0](*args), plain)

        return probe

    def _observer(self) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
        """``observe(w, loss, base, force)``: RECORDED but its last, and the blocks, at w, (5 + blocks, chains).

        ``base`` is the loss at w* on the same minibatch, ``force`` the sampler's gradient.
        """
        target, slope, sampler, state, blocks = self.target, self.slope, self.sampler, self.state, self.blocks
        names = [] if sampler.exact else [field.name for field in fields(state)]
        recorded: list[Callable[..., Tensor]] = []

        def function(w: Tensor, loss: Tensor, base: Tensor, force: Tensor, *args: Tensor) -> Tensor:
            away = w - target.center
            distance, tilt = away.square().sum(1).sqrt(), (slope * away).sum(1)
            virial = away * force
            bias = sampler.step_bias(type(state)(*args) if args else state, target, away, force)
            rows = [loss - base, distance, tilt, virial.mean(1), bias]
            if blocks:
                rows += [part.mean(1) for part in virial.split(list(blocks.values()), 1)]
            return torch.stack(rows)

        def observe(w: Tensor, loss: Tensor, base: Tensor, force: Tensor) -> Tensor:
            args = [w, loss, base, force, *(getattr(state, name) for name in names)]
            if not recorded:
                recorded.append(trace(function, *args, compiled=target.evaluator.compiled))
            return recorded[0](*args)

        return observe


def captured(move: Move, group: Group) -> Move:
    """``move`` on CUDA: what it does with and without ``adapt`` becomes a captured graph each, from the fourth call on.

    The first three calls are the warm-up that capture asks for, on a stream of their own. The first replay is compared
    with the plain module; where they differ, the chains go on without the graph.
    """
    side, calls = torch.cuda.Stream(), {True: 0, False: 0}
    graphs: dict[bool, tuple[Any, Any]] = {}
    evaluator, state = group.target.evaluator, group.state

    def first_replay(adapt: bool) -> Any:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(group.generator)
        with torch.cuda.graph(graph):
            out = move(adapt)
        start = {field.name: getattr(state, field.name).clone() for field in fields(state)}
        graph.replay()
        (loss, force), batch = out
        reason = None
        if batch:
            reason = evaluator.difference(
                lambda *_: [loss, force], start["w"], batch, "own", finish=group.target.plain_force, beside=False
            )
        if not reason:
            graphs[adapt] = graph, out
            return out
        evaluator.give_up(reason.replace("batched over chains", "captured in a CUDA graph"))
        for name, value in start.items():
            getattr(state, name).copy_(value)
        return move(adapt)

    def replay(adapt: bool) -> Any:
        calls[adapt] += 1
        if calls[adapt] <= 3:
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                out = move(adapt)
            torch.cuda.current_stream().wait_stream(side)
            return out
        if evaluator.looped:
            return move(adapt)
        if adapt not in graphs:
            return first_replay(adapt)
        graph, out = graphs[adapt]
        graph.replay()
        return out

    return replay
