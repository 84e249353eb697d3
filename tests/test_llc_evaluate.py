"""What is done to a model to make it fast is compared with the model itself, stage by stage, and dropped if wrong."""

import shutil
import sys
import threading
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import vmap
from torch.utils._python_dispatch import TorchDispatchMode

from sltcourse.llc import (
    HMC,
    SGLD,
    SGNHT,
    LocalPosterior,
    RMSPropSGLD,
    WhitenedSGLD,
    apart,
    estimate_llc,
    evaluate,
    sample,
)
from sltcourse.llc import trace as tracing
from sltcourse.llc.chains import Group
from sltcourse.llc.evaluate import Evaluator
from sltcourse.llc.model import make_objective
from sltcourse.llc.samplers.metropolis import State as Metropolis
from sltcourse.llc.trace import trace
from tests.llc_models import ToyModel, kgon, toy_data


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def network(seed=0, n=300):
    torch.manual_seed(seed)
    x = torch.randn(n, 5)
    y = torch.sin(x.sum(1, keepdim=True))
    return nn.Sequential(nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)), (x, y)


MODEL, DATA = network()
SHORT = dict(num_chains=3, num_draws=12, num_burnin_steps=12)


def chain_by_chain(monkeypatch, **settings):
    """The traces of the slow way: plain forward and backward passes of the module."""
    with monkeypatch.context() as patch:
        start = Evaluator.__init__

        def looped(self, *args, **kwargs):
            start(self, *args, **kwargs)
            self.looped = True

        patch.setattr(Evaluator, "__init__", looped)
        return estimate_llc(MODEL, DATA, F.mse_loss, **SHORT, **settings)


def break_batching(monkeypatch):
    whole = Evaluator.batched

    def wrong(self, kind, which):
        function = whole(self, kind, which)
        return lambda *args: [function(*args)[0] * 1.01, *function(*args)[1:]]

    monkeypatch.setattr(Evaluator, "batched", wrong)


def break_gradient(monkeypatch):
    whole = Evaluator.batched

    def wrong(self, kind, which):
        function = whole(self, kind, which)
        return lambda *args: [function(*args)[0], *(g * 1.01 for g in function(*args)[1:])]

    monkeypatch.setattr(Evaluator, "batched", wrong)


def break_recording(monkeypatch):
    make_fx = tracing.make_fx

    def wrong(function):
        def record(*args):
            recorded = make_fx(function)(*args)
            for node in recorded.graph.find_nodes(op="call_function", target=torch.ops.aten.tanh.default):
                node.target = torch.ops.aten.sin.default
            recorded.recompile()
            return recorded

        return record

    monkeypatch.setattr(tracing, "make_fx", wrong)


def break_turning(monkeypatch):
    turn = tracing.turn_thin_products

    def wrong(recorded):
        turn(recorded)
        for node in recorded.graph.find_nodes(op="call_function", target=torch.ops.aten.bmm.default):
            with recorded.graph.inserting_after(node):
                scaled = recorded.graph.call_function(torch.ops.aten.mul.Tensor, (node, 1.003))
            node.replace_all_uses_with(scaled, delete_user_cb=lambda user, scaled=scaled: user is not scaled)
        recorded.recompile()

    monkeypatch.setattr(tracing, "turn_thin_products", wrong)


def break_compiler(monkeypatch):
    from torch import _inductor

    compile = _inductor.compile

    def wrong(recorded, args):
        function = compile(recorded, args)

        def scaled(*args):
            out = function(*args)
            return out if isinstance(out, torch.Tensor) else [x * 1.003 for x in out]

        return scaled

    monkeypatch.setattr(_inductor, "compile", wrong)


@pytest.mark.parametrize("batch_size", [50, None], ids=["minibatch", "full"])
@pytest.mark.parametrize("broken", [break_batching, break_gradient, break_recording, break_turning, break_compiler])
def test_a_corrupted_stage_is_seen_and_the_plain_way_runs(monkeypatch, broken, batch_size):
    if broken is break_compiler and (sys.platform == "win32" or shutil.which("c++") is None):
        pytest.skip("needs a C++ compiler")
    settings = dict(sampler=SGLD(1e-5), batch_size=batch_size, compile=broken is break_compiler)
    sound = estimate_llc(MODEL, DATA, F.mse_loss, **SHORT, **settings)
    assert sound.notes == ()
    slow = chain_by_chain(monkeypatch, **settings)
    np.testing.assert_allclose(slow.loss_trace, sound.loss_trace, rtol=1e-3)
    broken(monkeypatch)
    result = estimate_llc(MODEL, DATA, F.mse_loss, **SHORT, **settings)
    assert len(result.notes) == 1 and "chains ran one by one" in result.notes[0] and "chains ran" in str(result)
    np.testing.assert_allclose(result.loss_trace, slow.loss_trace, rtol=1e-5)


@pytest.mark.parametrize(
    "sampler", [WhitenedSGLD(), RMSPropSGLD(1e-4), SGNHT(1e-4), HMC(1e-3)], ids=lambda s: type(s).__name__
)
def test_chain_by_chain_is_the_same_for_every_sampler(monkeypatch, sampler):
    settings = dict(sampler=sampler, batch_size=None if sampler.exact else 50)
    fast = estimate_llc(MODEL, DATA, F.mse_loss, **SHORT, **settings)
    np.testing.assert_allclose(chain_by_chain(monkeypatch, **settings).loss_trace, fast.loss_trace, rtol=1e-3)


def test_fused_attention_reads_its_own_memory():
    """One head on what split and transpose leave; turning a product round gave it other strides, and foreign memory."""
    torch.manual_seed(0)
    x, w = torch.randn(40, 5, 2), torch.randn(1, 2, 2)

    def f(w):
        return F.scaled_dot_product_attention(*[(x @ w)[:, None]] * 3).square().mean()

    recorded = trace(lambda w: [vmap(f)(w).clone()], w)
    for _ in range(3):
        torch.testing.assert_close(recorded(w)[0][0], f(w[0]))


def test_thin_products_are_copied_only_where_strides_may_matter(monkeypatch):
    """The toy model's step, and its penalty, ask for no copy; softmax, whose kernel is chosen by strides, does."""
    turn, copies = tracing.turn_thin_products, []

    def counted(recorded):
        def clones():
            return len(recorded.graph.find_nodes(op="call_function", target=torch.ops.aten.clone.default))

        before = clones()
        turn(recorded)
        copies.append(clones() - before)

    monkeypatch.setattr(tracing, "turn_thin_products", counted)
    posterior = LocalPosterior(ToyModel(*kgon(6)), (toy_data(500),) * 2, F.mse_loss, penalty=0.1)
    sample(posterior, SGLD(1e-5), batch_size=100, **SHORT)
    assert copies and not any(copies)
    x, w = torch.randn(40, 3), torch.randn(2, 3, 2)
    recorded = trace(vmap(lambda w: torch.softmax(x @ w, 1).square().sum()), w)
    assert copies[-1] == 1
    torch.testing.assert_close(recorded(w), torch.softmax(x @ w, 2).square().sum((1, 2)))


def test_a_write_through_a_view_is_kept():
    class Ablated(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.o = nn.Linear(3, 8, bias=False), nn.Linear(8, 1)

        def forward(self, x):
            h = self.a(x)
            h.view(len(x), -1)[:, :8].zero_()
            return self.o(h).sum(1)

    torch.manual_seed(0)
    x = torch.randn(500, 5, 3)
    data, model = (x, x.sum((1, 2))[:, None]), Ablated()
    posterior = LocalPosterior(model, data, F.mse_loss)
    target = posterior.target(torch.zeros(2, dtype=torch.long))
    loss = target.full_loss(posterior.centers.expand(2, -1))
    assert not target.evaluator.looped
    torch.testing.assert_close(loss[0], F.mse_loss(model(x), data[1]))


def test_three_threads_on_one_model():
    """The estimates are those of one thread, and the model is untouched."""
    alone = estimate_llc(MODEL, DATA, F.mse_loss, batch_size=50, **SHORT)
    before, results = [p.clone() for p in MODEL.parameters()], [None] * 3

    def work(k):
        results[k] = estimate_llc(MODEL, DATA, F.mse_loss, batch_size=50, **SHORT)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for result in results:
        np.testing.assert_allclose(result.loss_trace, alone.loss_trace, rtol=1e-6)
    assert all(type(p) is nn.Parameter and torch.equal(p, q) for p, q in zip(MODEL.parameters(), before, strict=True))


def test_an_interrupt_while_tracing_comes_at_its_end(monkeypatch):
    """In the middle it would leave torch's fake-tensor mode switched on."""
    import signal

    make_fx, finished = tracing.make_fx, []

    def interrupted(function):
        def record(*args):
            signal.raise_signal(signal.SIGINT)
            out = make_fx(function)(*args)
            finished.append(True)
            return out

        return record

    monkeypatch.setattr(tracing, "make_fx", interrupted)
    with pytest.raises(KeyboardInterrupt):
        estimate_llc(MODEL, DATA, F.mse_loss, batch_size=50, **SHORT)
    assert finished == [True] and not tracing._tracing.locked()
    monkeypatch.setattr(tracing, "make_fx", make_fx)
    assert estimate_llc(MODEL, DATA, F.mse_loss, batch_size=50, **SHORT).notes == ()


class Tape(TorchDispatchMode):
    """The operations under it, to be run again on the same tensors, as a CUDA graph does."""

    def __init__(self):
        super().__init__()
        self.operations, self.generators, self.wrong = [], [], False

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
                    old.copy_(new * 1.01 if self.wrong and old.is_floating_point() and old.ndim == 2 else new)


def tensors(out):
    return [x for x in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(x, torch.Tensor)]


@pytest.fixture
def cuda_on_the_cpu(monkeypatch):
    """The code for CUDA, with a CUDA graph played on the CPU: capturing runs nothing, replaying everything."""
    tapes = []

    def setting(sampler, group_of, wrong=False):
        group = group_of(sampler)

        def new_tape():
            tapes.append(Tape())
            tapes[-1].wrong = wrong
            return tapes[-1]

        @contextmanager
        def capture(tape):
            kept = {name: value.clone() for name, value in vars(group.state).items()}, group.generator.get_state()
            with tape:
                yield
            for name, value in kept[0].items():
                getattr(group.state, name).copy_(value)
            group.generator.set_state(kept[1])

        stream = SimpleNamespace(wait_stream=lambda other: None)
        for name, fake in (
            ("Stream", lambda: stream), ("current_stream", lambda: stream), ("stream", lambda stream: nullcontext()),
            ("CUDAGraph", new_tape), ("graph", capture),
        ):  # fmt: skip
            monkeypatch.setattr(torch.cuda, name, fake)
        from sltcourse.llc.chains import captured

        return group, captured(group.move, group)

    return setting


def group_of(sampler):
    data, w = torch.linspace(-1, 1, 50), torch.tensor([0.3, -0.2])
    posterior = LocalPosterior(lambda w, x: (w[0] * w[1] - x).square().mean(), (data,), at=w, nbeta=40.0)
    points, generator = torch.zeros(4, dtype=torch.long), torch.Generator().manual_seed(0)
    target = posterior.target(points, batch_size=10, generator=generator)
    return Group(target, sampler, generator, posterior.init_loss[points], posterior.init_grad[points])


@pytest.mark.parametrize(
    "sampler", [SGLD(1e-4), RMSPropSGLD(1e-4), SGNHT(1e-4), WhitenedSGLD()], ids=lambda s: type(s).__name__
)
def test_the_captured_step_is_the_step(cuda_on_the_cpu, sampler):
    group, captured = cuda_on_the_cpu(sampler, group_of)
    plain = group_of(sampler)
    for adapt in [True] * 8 + [False] * 8:
        (loss_1, force_1), batch_1 = captured(adapt)
        (loss_2, force_2), batch_2 = plain.move(adapt)
        for one, two in ((loss_1, loss_2), (force_1, force_2), (batch_1[0], batch_2[0])):
            assert torch.equal(one, two)
        for name, value in vars(plain.state).items():
            assert torch.equal(getattr(group.state, name), value), name
    assert group.target.evaluator.notes == []


def test_a_wrong_captured_step_is_seen(cuda_on_the_cpu):
    group, captured = cuda_on_the_cpu(SGLD(1e-4), group_of, wrong=True)
    for _ in range(3):
        captured(False)
    before = group.state.w.clone()
    captured(False)
    assert group.target.evaluator.looped and "captured in a CUDA graph" in group.target.evaluator.notes[0]
    assert (group.state.w - before).abs().max() < 0.2  # one plain step from where it stood
    captured(False)


def test_a_pass_over_the_data_is_cut_by_what_a_row_keeps():
    """Sequences of 64 tokens over 2000 words: all at once would be 128 kB of logits for each of 2000 rows."""
    x = torch.randint(2000, (2000, 64), generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Embedding(2000, 4), nn.Linear(4, 2000))
    posterior = LocalPosterior(
        model, (x, x), lambda o, y: F.cross_entropy(o.flatten(0, 1), y.flatten()), memory_gib=0.1
    )
    rows = evaluate.slice_size(posterior.objective, posterior.rows, 4, posterior.memory_bytes)
    assert 1 <= rows * 4 * 64 * 2000 * 4 <= 0.1 * 2**30
    assert torch.isfinite(posterior.init_loss).all()


def test_the_exact_samplers_state_is_plain():
    draws = sample(LocalPosterior(MODEL, DATA, F.mse_loss), HMC(1e-3), num_chains=2, num_draws=4, num_burnin_steps=4)
    assert {f"state_{name}" for name in Metropolis.__dataclass_fields__} <= set(draws.coords)
    assert draws.attrs["dtype"] == "float64"


@pytest.mark.parametrize("large", [2**30, 1])
def test_a_selection_has_the_size_of_each_batch(monkeypatch, large):
    """The number of selected entries, a Python number, is not that of the batch that was recorded."""
    monkeypatch.setattr(evaluate, "SAMPLES_AT_ONCE", 40)
    monkeypatch.setattr(apart, "LARGE", large)
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11)), torch.randint(11, (60, 6))
    kept = torch.arange(6) < torch.arange(60)[:, None] // 10 + 1

    def loss(out, targets):
        chosen = targets != -100
        return F.cross_entropy(out[chosen], targets[chosen], reduction="sum") / len(targets[chosen])

    objective = make_objective(model, (x, torch.where(kept, x, -100)), loss)
    evaluator = Evaluator(objective, objective.rows, torch.zeros(2, dtype=torch.long))
    evaluator.choose(None)
    assert evaluator.apart == (large == 1)
    w = objective.centers.expand(2, -1).contiguous() + 0.1
    (found,) = evaluator.over_data("loss", w)
    own = sum(objective.plain(w[0], 0, part, False, share)[0] for part, share in objective.rows.passes(20))
    assert torch.allclose(found, own)
    assert any("size depends on what the data hold" in note for note in evaluator.notes)


def test_a_selection_by_a_constant_stays_batched():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 8)
            self.register_buffer("kept", torch.arange(8) % 2 == 0)

        def forward(self, x):
            return self.inner(x)[:, self.kept]

    objective = make_objective(Half(), (torch.randn(30, 3), torch.randn(30, 4)), F.mse_loss)
    evaluator = Evaluator(objective, objective.rows, torch.zeros(2, dtype=torch.long))
    evaluator.over_data("grad", objective.centers.expand(2, -1).contiguous())
    assert evaluator.notes == []
