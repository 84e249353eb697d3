from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sltcourse.llc import SGLD, SGNHT, RMSPropSGLD, WhitenedSGLD, best_device, chains
from sltcourse.llc.problem import Problem


@pytest.mark.parametrize(
    "cuda, mps, usual, float64",
    [
        (True, False, "cuda", "cuda"),
        (True, True, "cuda", "cuda"),
        (False, True, "mps", "cpu"),
        (False, False, "cpu", "cpu"),
    ],
)
def test_the_best_device_there_is(monkeypatch, cuda, mps, usual, float64):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device().type == usual
    assert best_device(float64=True).type == float64


class Tape(TorchDispatchMode):
    """The operations under it, to be run again on the same tensors, as a CUDA graph does."""

    def __init__(self):
        super().__init__()
        self.operations, self.generators = [], []

    def register_generator_state(self, generator):
        self.generators.append(generator)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        assert "generator" not in kwargs or self.generators, "the graph was not told of the generator"
        out = function(*args, **kwargs)
        self.operations.append((function, args, kwargs, out))
        return out

    def replay(self):
        for function, args, kwargs, out in self.operations:
            for old, new in zip(tensors(out), tensors(function(*args, **kwargs)), strict=True):
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def tensors(out):
    return [x for x in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(x, torch.Tensor)]


@pytest.mark.parametrize("sampler", [SGLD(1e-4), RMSPropSGLD(1e-4), SGNHT(1e-4), WhitenedSGLD()])
def test_the_captured_step_is_the_step(monkeypatch, sampler):
    """The code for CUDA, with a CUDA graph played on the CPU: capturing runs nothing, replaying everything."""
    data, w = torch.linspace(-1, 1, 50), torch.tensor([0.3, -0.2])

    def loss(w, x):
        return (w[0] * w[1] - x).square().mean()

    def setting():
        problem = Problem(loss, [w], (data,), None, None, None, None)
        target = problem.target(torch.zeros(4, dtype=torch.long), 40.0, 1.0, 10)
        generator = torch.Generator().manual_seed(0)
        state = sampler.init(target, generator)
        return state, target, generator, chains._mover(sampler, state, target, generator)

    state, _, generator, move = setting()

    @contextmanager
    def capture(tape):
        kept = {name: value.clone() for name, value in vars(state).items()}, generator.get_state()
        with tape:
            yield
        for name, value in kept[0].items():
            getattr(state, name).copy_(value)
        generator.set_state(kept[1])

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, fake in (
        ("Stream", lambda: stream), ("current_stream", lambda: stream), ("stream", lambda stream: nullcontext()),
        ("CUDAGraph", Tape), ("graph", capture),
    ):  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, fake)
    captured = chains._captured(move, generator)
    plain_state, _, _, plain = setting()
    for adapt in [True] * 8 + [False] * 8:
        (loss_1, force_1), batch_1 = captured(adapt)
        (loss_2, force_2), batch_2 = plain(adapt)
        for one, two in ((loss_1, loss_2), (force_1, force_2), (batch_1[0], batch_2[0])):
            assert torch.equal(one, two)
        for name, value in vars(plain_state).items():
            assert torch.equal(getattr(state, name), value), name
