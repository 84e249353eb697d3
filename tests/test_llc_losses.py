"""What loss can be sampled: means over rows and over tokens are weighed right, all else ends in a sentence."""

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import grad_and_value, vmap

from sltcourse.llc.check import displaced, explain
from sltcourse.llc.model import make_objective
from sltcourse.llc.observables import Chains, PerSample
from sltcourse.llc.recorder import Recorder
from tests.llc_zoo import Attention, CastsItself, hugging_face_labels, made, mlp

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
N = 200


def regression():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(N, 3, generator=rng)
    return x, x.sum(1, keepdim=True) + torch.randn(N, 1, generator=rng)


X, Y = regression()
torch.manual_seed(1)
MODEL = mlp()
RNG = np.random.default_rng(0)


def full(objective, w, point=0):
    """L_n(w) and its gradient, plainly, in slices of 64 rows."""
    parts = [objective.plain(w, point, leaves, True, share) for leaves, share in objective.rows.passes(64)]
    return sum(p[0] for p in parts), sum(p[1] for p in parts)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda o, t: F.mse_loss(o, t).sqrt(), "no mean over rows"),
        (lambda o, t: ((o - t) ** 2).mean() / t.var(), "no mean over rows"),
        (lambda o, t: ((o - t) ** 2).max(), "no mean over rows"),
        (lambda o, t: ((o - t) ** 2).median(), "no mean over rows"),
        (lambda o, t: ((o - t) ** 2).sum() + 1, "no mean over rows"),
        (lambda o, t: F.mse_loss(o, t) + o.mean() ** 2, "no mean over rows"),
        (
            lambda o, t: F.cross_entropy(torch.cat([o, -o], 1), (t[:, 0] > 0).long(), weight=torch.tensor([1.0, 3.0])),
            "no mean over rows.*reduction='sum'",
        ),
        (lambda o, t: F.mse_loss(F.batch_norm(o, None, None, training=True), t), "no mean over rows"),
        (lambda o, t: ((o - t) ** 2).sum(), "must be the mean"),
        (lambda o, t: (o - t) ** 2, r"shape \(1?\d, 1\): add .mean"),
        (lambda o, t: F.mse_loss(o, t).item(), "shape float: add .mean"),
        (lambda o, t: F.mse_loss(o.detach(), t), "does not depend on w"),
        (lambda o, t: F.mse_loss(o, t) * torch.rand(()), "randomness"),
        (lambda o, t: F.mse_loss(o, t) * float(RNG.random()), "randomness"),
        (lambda o, t: F.mse_loss(o, t) * float("nan"), r"loss at w\* is nan"),
        (lambda o, t: F.mse_loss(o * 1e20, t), r"loss at w\* is inf"),
        (lambda o, t: F.mse_loss(o, t) + 0.1 * MODEL[0].weight.square().sum(), "reads 0.weight .* penalty="),
        (lambda o, t: F.mse_loss(o, t) + MODEL(X[:10]).square().mean(), "reads .* of the model that you gave"),
        (lambda o, t: F.mse_loss(o, t) + float(MODEL[0].bias.detach().numpy()[0]), "reads 0.bias"),
        (lambda o, t: F.mse_loss(o, t) + sum(MODEL[2].bias.tolist()), "reads 2.bias"),
        (lambda o, t: (torch.ones(N, 1) * (o - t) ** 2).mean(), "Put it into the data"),
        (lambda o, t: F.mse_loss(o @ torch.ones(2, 2), t), "the loss fails on a batch of 4 rows: RuntimeError: mat1"),
        (lambda o: o.mean(), "the loss fails on a batch of 4 rows: TypeError"),
    ],
)
def test_a_loss_that_cannot_be_sampled_is_refused(loss, words):
    with pytest.raises(ValueError, match=words) as refusal:
        make_objective(MODEL, (X, Y), loss)
    assert "\n" not in str(refusal.value)


class Writes(nn.Module):
    """A layer whose forward writes into its inputs, in one way or another."""

    def __init__(self, write):
        super().__init__()
        self.inner, self.write = nn.Linear(3, 1), write

    def forward(self, x):
        self.write(x)
        return self.inner(x)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (MODEL, lambda o, t: t.sub_(o).square().mean()),
        (MODEL, lambda o, t: F.mse_loss(o, t.clamp_(-100, 100))),  # nothing changes: on these rows
        (MODEL, lambda o, t: (t.__setitem__(0, 1.0), F.mse_loss(o, t))[1]),
        (Writes(lambda x: x.add_(0.5)), F.mse_loss),
        (Writes(lambda x: x.data.mul_(2)), F.mse_loss),
        (Writes(lambda x: x.detach().numpy().fill(1)), F.mse_loss),
    ],
)
def test_who_writes_into_the_data_is_refused_and_the_data_stay(model, loss):
    x, y = X.clone(), Y.clone()
    with pytest.raises(ValueError, match=r"the model or its loss writes into the data .*t\.clone\(\)"):
        make_objective(model, (x, y), loss)
    assert torch.equal(x, X) and torch.equal(y, Y)
    x[0, 0], objective = torch.nan, make_objective(MODEL, (X, Y), F.mse_loss)
    observed = PerSample((x, y), loss=lambda o, t: (t.mul_(0.5) - o).square().sum(1))
    with pytest.raises(ValueError, match=r"observe\['mine'\] writes into the data"):
        Recorder({"mine": observed}, Chains(objective, torch.zeros(2, dtype=torch.long)), 3)
    assert torch.equal(y, Y)


class Clamped(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 1)

    def forward(self, x):
        self.inner.weight.data.clamp_(min=0)
        return self.inner(x)


@pytest.mark.parametrize("model", [nn.Sequential(nn.Embedding(5, 4, max_norm=0.5), nn.Linear(4, 1)), Clamped()])
def test_a_model_that_writes_into_its_parameters_is_refused(model):
    """Its loss is that of other parameters, and the gradient is not the loss's."""
    x = torch.arange(20) % 5 if isinstance(model, nn.Sequential) else torch.randn(20, 3)
    with pytest.raises(ValueError, match="forward writes into the parameters"):
        make_objective(model, (x, torch.randn(20, 1)), F.mse_loss)


def test_a_function_that_takes_derivatives_of_its_inputs():
    """As physics-informed losses do: u' = u, u(x) = w x."""

    def loss(w, x):
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad((w * x).sum(), x, create_graph=True)
        return (slope - w * x).square().mean()

    objective = make_objective(loss, (torch.ones(10, 1) * 3,), points=[torch.tensor([2.0])])
    value, grad = objective.plain(objective.centers[0], 0, objective.rows.slice(0, 10))
    assert (value.item(), grad.item()) == pytest.approx((16.0, 16.0))


def test_the_users_own_error_is_the_cause():
    def loss(out, targets):
        raise KeyError("a name of theirs")

    with pytest.raises(ValueError, match="KeyError: 'a name of theirs'") as refusal:
        make_objective(MODEL, (X, Y), loss)
    assert isinstance(refusal.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(nn.Linear(3, 1), nn.Dropout()), "training mode"),
        (nn.Sequential(nn.Linear(3, 1), nn.BatchNorm1d(1)), "training mode"),
        (nn.Sequential(nn.Linear(3, 1), nn.BatchNorm1d(1, track_running_stats=False)).eval(), "no mean over rows"),
        (nn.LazyLinear(1), "run the model once"),
        (nn.Linear(3, 1, device="meta"), "meta device"),
        (nn.Linear(3, 1, dtype=torch.complex64), "complex"),
        (nn.Linear(3, 1).requires_grad_(False), "no parameter is free"),
        (nn.Linear(4, 1), "the model fails on a batch of 4 rows: RuntimeError: mat1 and mat2"),
    ],
)
def test_a_model_that_cannot_be_sampled_is_refused(model, words):
    with pytest.raises(ValueError, match=words):
        make_objective(model, (X, Y), F.mse_loss)


def test_what_reads_fixed_parameters_or_another_model_is_taken():
    """A frozen embedding or a teacher in the loss is a constant, and meant to be."""
    teacher, model = mlp(), mlp()
    make_objective(model, (X, Y), lambda o, t: F.mse_loss(o, teacher(t.expand(-1, 3))))
    make_objective(model, (X, Y), lambda o, t: F.mse_loss(o, t) * model[2].bias.square().mean(), mask={"0": True})


def test_no_random_number_of_the_users_is_used():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    make_objective(MODEL, (X, Y), F.mse_loss)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


# ---- tokens ----

VOCABULARY, TIME = 7, 12


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(VOCABULARY + 1, 6), nn.Linear(6, VOCABULARY)

    def forward(self, ids):
        return self.out(self.embed(ids))


def padded(pad=-100, empty=5):
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(VOCABULARY, (N, TIME), generator=rng)
    kept = torch.arange(TIME) < torch.randint(1, TIME + 1, (N, 1), generator=rng)
    kept[:empty] = False
    return ids, torch.where(kept, (ids * 2) % VOCABULARY, pad), kept


def masked_mean(out, batch):
    each = F.cross_entropy(out.flatten(0, 1), batch["y"].flatten(), reduction="none")
    return (each * batch["mask"].flatten()).sum() / batch["mask"].sum()


IDS, LABELS, KEPT = padded()


@pytest.mark.parametrize(
    ("data", "loss"),
    [
        ((IDS, LABELS), lambda o, y: F.cross_entropy(o.flatten(0, 1), y.flatten(), ignore_index=-100)),
        ((IDS, padded(9)[1]), lambda o, y: F.cross_entropy(o.flatten(0, 1), y.flatten(), ignore_index=9)),
        ({"ids": IDS, "y": LABELS.clamp(0), "mask": KEPT}, masked_mean),
        ({"ids": IDS, "y": LABELS.clamp(0), "mask": KEPT.float()}, masked_mean),
    ],
    ids=["-100", "padding 9", "mask", "float mask"],
)
def test_means_over_tokens_are_weighted_right(data, loss):
    """L_n is the mean over all counted tokens; minibatches, of any size, estimate it without bias."""
    torch.manual_seed(0)
    model = Tokens().eval()
    objective = make_objective(model, data, loss)
    assert any("5 rows have none" in note for note in objective.notes)
    w = displaced(objective, 0.3)
    total, slope = full(objective, w)
    whole = objective.rows.slice(0, N)
    own = grad_and_value(objective.raw)(objective.split(w), objective.fixed_at(0), whole)
    assert torch.allclose(total, own[1]) and torch.allclose(slope, torch.cat(own[0]), atol=1e-6)
    for size in (1, 16):
        batches = objective.rows.minibatches(4000, size, torch.Generator().manual_seed(size)).draw()
        losses = vmap(lambda *batch: objective(objective.split(w), objective.fixed_at(0), batch))(*batches)
        assert torch.isfinite(losses).all()
        assert abs(losses.mean() - total) < 4 * losses.std() / 4000**0.5
        plain, _ = objective.plain(w, 0, tuple(x[7] for x in batches), False)
        assert torch.allclose(plain, losses[7])


def test_a_causal_model_that_shifts_its_labels():
    model, data, loss = hugging_face_labels("gpt2", "eager", True)
    objective = make_objective(model, data, loss)
    assert any("first position left out" in note for note in objective.notes)
    total, _ = full(objective, objective.centers[0])
    assert total.item() == pytest.approx(model(**data).loss.item(), rel=1e-5)


def test_rows_without_a_target_are_named_where_nothing_weighs_them():
    x, y = X.clone(), Y.clone()
    x[[3, 70]] = float("nan")
    objective = make_objective(MODEL, (x[10:60], y[10:60]), F.mse_loss)
    with pytest.raises(ValueError, match=r"loss at w\* is nan"):
        make_objective(MODEL, (x[:8], y[:8]), F.mse_loss)
    objective = make_objective(MODEL, (x[4:], y[4:]), F.mse_loss)  # one bad row, not among those looked at
    assert not torch.isfinite(full(objective, objective.centers[0])[0])
    assert "It is not on the rows 66:" in explain(objective, 0)


# ---- precision, weights, points, places ----


@pytest.mark.parametrize("kind", ["bf16", "casts", "asked"])
def test_half_precision(kind):
    torch.manual_seed(0)
    model = {"bf16": mlp(torch.bfloat16), "casts": CastsItself().bfloat16(), "asked": mlp()}[kind]
    dtype = torch.bfloat16 if next(model.parameters()).dtype == torch.float32 else None
    objective = make_objective(model, (X, Y), F.mse_loss, dtype=dtype)
    assert objective.dtype == objective.centers.dtype == torch.float32 and objective.notes
    total, slope = full(objective, objective.centers[0])
    out = model.bfloat16()(X if isinstance(model, CastsItself) else X.bfloat16())
    own = F.mse_loss(out.float(), Y)
    own.backward()
    grad = torch.cat([p.grad.flatten().float() for p in model.parameters()])
    for p in model.parameters():
        p.grad = None
    assert total.item() == pytest.approx(own.item(), rel=0.02)
    assert (slope - grad).norm() < 0.05 * grad.norm()
    batched = vmap(objective, in_dims=(0, None, None))
    pieces = objective.split(objective.centers.expand(2, -1))
    twice = batched(pieces, objective.fixed_at(0), objective.rows.slice(0, N))
    assert twice.dtype == torch.float32 and torch.allclose(twice, total, rtol=0.02)
    assert objective.native == (kind != "bf16")


class MakesFloats(nn.Module):
    """Starts from float32 zeros, whatever it is cast to."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 1)

    def forward(self, x):
        return self.cell(x, torch.zeros(len(x), 1))


@pytest.mark.parametrize("model", [MakesFloats(), CastsItself().bfloat16()])
def test_what_cannot_be_computed_in_float64_is_said(model):
    objective = make_objective(model, (X, Y), F.mse_loss, dtype=torch.float64)
    assert objective.dtype == torch.float32 and any("cannot be computed in float64" in s for s in objective.notes)
    own = F.mse_loss(model(X).float(), Y).item()
    assert full(objective, objective.centers[0])[0].item() == pytest.approx(own, rel=0.02)


def test_weighted_rows():
    """L_n = Σ v l / Σ v: by full passes exactly, by minibatches without bias; a row of weight 0 is never drawn."""
    weights = torch.rand(N, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    weights[:20] = 0
    objective = make_objective(MODEL, (X, Y), F.mse_loss, weights=weights)
    w = displaced(objective, 0.3)
    each = objective.per_row(objective.split(w), objective.fixed_at(0), (X, Y))
    assert torch.allclose(each, objective.plain_per_row(w, 0, (X, Y)), rtol=1e-5, atol=1e-6)
    wanted = (each * weights).sum() / weights.sum()
    total, slope = full(objective, w)
    assert total.item() == pytest.approx(wanted.item(), rel=1e-5)
    parts = [
        grad_and_value(lambda p, leaves=leaves, share=share: objective.part(p, objective.fixed_at(0), leaves, share))(
            objective.split(w)
        )
        for leaves, share in objective.rows.passes(64)
    ]
    assert torch.allclose(sum(torch.cat(p[0]) for p in parts), slope, atol=1e-5)
    batches = objective.rows.minibatches(3000, 8, torch.Generator().manual_seed(0)).draw()
    assert not torch.isin(batches[0][..., 0].flatten(), X[:20, 0]).any()
    losses = vmap(lambda *batch: objective(objective.split(w), objective.fixed_at(0), batch))(*batches)
    assert abs(losses.mean() - wanted) < 4 * losses.std() / 3000**0.5


def test_weighted_tokens():
    weights = torch.rand(N, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(0)
    model = Tokens().eval()
    objective = make_objective(model, (IDS, LABELS), lambda o, y: F.cross_entropy(o.flatten(0, 1), y.flatten()),
                               weights=weights)  # fmt: skip
    each = F.cross_entropy(model(IDS).flatten(0, 1), LABELS.flatten(), reduction="none").view(N, TIME)
    many = weights[:, None] * KEPT
    wanted = (each * many).sum() / many.sum()
    assert full(objective, objective.centers[0])[0].item() == pytest.approx(wanted.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (torch.ones(3), "shape"),
        (-torch.ones(N), "not negative"),
        (torch.full((N,), torch.nan), "finite"),
        (torch.zeros(N), "all weights are 0"),
    ],
)
def test_weights_that_make_no_sense(weights, words):
    with pytest.raises(ValueError, match=words):
        make_objective(MODEL, (X, Y), F.mse_loss, weights=weights)


def test_several_points_have_their_own_buffers():
    model = nn.Sequential(nn.Linear(3, 1), nn.BatchNorm1d(1)).eval()
    states = []
    for shift in (0.0, 1.0, 2.0):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        state["1.running_mean"] += shift
        state["0.weight"] *= 1 + shift
        states.append(state)
    objective = make_objective(model, (X, Y), F.mse_loss, points=states, mask={"0.bias": True})
    assert objective.dim == 1 and objective.num_points == 3
    for point in (2, 0, 1, 0):
        model.load_state_dict(states[point])
        own = F.mse_loss(model(X), Y).item()
        total, _ = full(objective, objective.centers[point], point)
        assert total.item() == pytest.approx(own, rel=1e-5)
        batched = objective(objective.split(objective.centers[point]), objective.fixed_at(point), (X, Y))
        assert batched.item() == pytest.approx(own, rel=1e-5)
        again = make_objective(objective.model, (X, Y), F.mse_loss, points=[objective.state(point)])
        assert full(again, again.centers[0])[0].item() == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off(around):
    with around():
        x, y = X.clone(), Y.clone()
        objective = make_objective(MODEL, (x, y), F.mse_loss)
        total, slope = full(objective, objective.centers[0])
    own = F.mse_loss(MODEL(X), Y)
    grads = torch.autograd.grad(own, list(MODEL.parameters()))
    assert total.item() == pytest.approx(own.item(), rel=1e-6)
    assert torch.allclose(slope, torch.cat([g.flatten() for g in grads]), atol=1e-6)


def test_three_threads_on_one_model():
    model, (x, y), loss = made("attention, split")
    before = {name: p.clone() for name, p in model.named_parameters()}
    wanted, found = loss(model(x), y).item(), []

    def work():
        objective = make_objective(model, (x, y), loss)
        batched = vmap(objective, in_dims=(0, None, None))
        for _ in range(5):
            pieces = objective.split(objective.centers.expand(2, -1))
            found.append(batched(pieces, objective.fixed_at(0), (x, y))[0].item())
            found.append(objective.plain(objective.centers[0], 0, (x, y))[0].item())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 30 and found == pytest.approx([wanted] * 30, rel=1e-5)
    assert all(torch.equal(p, before[name]) and type(p) is nn.Parameter for name, p in model.named_parameters())


def test_what_a_row_weighs():
    """Each token of a language model keeps its logits and their softmax: 2·V numbers at least."""
    vocabulary, time = 500, 16
    model = nn.Sequential(nn.Embedding(vocabulary, 4), nn.Linear(4, vocabulary)).eval()
    ids = torch.randint(vocabulary, (50, time))
    objective = make_objective(model, (ids, ids), lambda o, y: F.cross_entropy(o.flatten(0, 1), y.flatten()))
    assert time * vocabulary * 4 <= objective.bytes_per_row <= 4 * time * vocabulary * 4
    assert objective.bytes_per_chain(40) - objective.bytes_per_chain(20) >= 20 * 2 * objective.bytes_per_row


# ---- how model and loss are called ----


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 1)

    def forward(self, x, scale=1.0):
        return self.inner(x) * scale


SCALE = torch.rand(N, 1) + 0.5


@pytest.mark.parametrize(
    ("data", "loss", "wanted"),
    [
        ((X, SCALE, Y), F.mse_loss, lambda m: F.mse_loss(m(X, SCALE), Y)),
        ({"scale": SCALE, "x": X, "y": Y}, F.mse_loss, lambda m: F.mse_loss(m(X, SCALE), Y)),
        ({"x": X, "y": Y}, F.mse_loss, lambda m: F.mse_loss(m(X), Y)),
        ({"x": X, "y": Y, "z": SCALE}, lambda o, t: (t["z"] * (o - t["y"]) ** 2).mean(),
         lambda m: (SCALE * (m(X) - Y) ** 2).mean()),
        ({"x": X, "scale": SCALE}, lambda o, b: F.mse_loss(o, b["scale"]), lambda m: F.mse_loss(m(X, SCALE), SCALE)),
    ],
)  # fmt: skip
def test_a_batch_reaches_model_and_loss(data, loss, wanted):
    model = Named()
    objective = make_objective(model, data, loss)
    assert full(objective, objective.centers[0])[0].item() == pytest.approx(wanted(model).item(), rel=1e-5)


def test_a_dict_whose_keys_the_model_does_not_know():
    with pytest.raises(TypeError, match=r"takes \(input\) and none of them is a key of the data \(x, y\)"):
        make_objective(MODEL, {"x": X, "y": Y}, F.mse_loss)

    class TakesBatch(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 1)

        def forward(self, batch):
            return self.inner(batch["x"])

    model = TakesBatch()
    objective = make_objective(model, {"x": X, "y": Y}, lambda out, batch: F.mse_loss(out, batch["y"]))
    own = F.mse_loss(model.inner(X), Y).item()
    assert full(objective, objective.centers[0])[0].item() == pytest.approx(own, rel=1e-5)


def test_what_the_model_was_given_is_said():
    with pytest.raises(ValueError, match="given the first 2 of 3 arrays of the data, the last is what the loss"):
        make_objective(MODEL, (X, SCALE, Y), F.mse_loss)
    with pytest.raises(ValueError, match="given x, scale by keyword"):
        make_objective(Named(), {"x": X, "scale": torch.ones(N, 2, 2), "y": Y}, F.mse_loss)


def test_outputs_that_the_loss_cannot_take_whole():
    lstm = nn.LSTM(3, 2, batch_first=True)
    x, y = torch.randn(N, 5, 3), torch.randn(N, 5, 2)
    objective = make_objective(lstm, (x, y), F.mse_loss)
    assert any("first entry of the model's output (tuple)" in note for note in objective.notes)
    assert full(objective, objective.centers[0])[0].item() == pytest.approx(F.mse_loss(lstm(x)[0], y).item(), rel=1e-5)
    model, data, loss = made("gpt2, logits")
    assert any(".logits" in note for note in make_objective(model, data, loss).notes)


class Oddities(nn.Module):
    """A scalar, an empty and an integer parameter, and a tensor that is no buffer."""

    def __init__(self):
        super().__init__()
        self.inner, self.scale = nn.Linear(3, 1), nn.Parameter(torch.tensor(1.5))
        self.empty, self.turn = nn.Parameter(torch.zeros(0, 4)), torch.eye(3)[[1, 2, 0]]
        self.order = nn.Parameter(torch.tensor([2**40 + 1, 2, 0]), requires_grad=False)

    def forward(self, x):
        return self.inner((x @ self.turn)[:, self.order % 3]) * self.scale + self.empty.sum()


@pytest.mark.parametrize("dtype", [None, torch.float64])
def test_parameters_of_all_sorts(dtype):
    model = Oddities()
    objective = make_objective(model, (X, Y), F.mse_loss, dtype=dtype)
    assert objective.dim == 5 and objective.dtype == (dtype or torch.float32)
    own = F.mse_loss(model(X), Y)
    grads = torch.autograd.grad(own, [model.inner.weight, model.inner.bias, model.scale])
    total, slope = full(objective, objective.centers[0])
    assert total.item() == pytest.approx(own.item(), rel=1e-5)
    order = [name for block in objective.layout.blocks if block.num_free for name in [block.windows[0].name]]
    grads = dict(zip(["inner.weight", "inner.bias", "scale"], grads, strict=True))
    assert torch.allclose(
        slope.float(), torch.cat([grads[name].flatten() for name in order if name in grads]), atol=1e-5
    )
    batched = grad_and_value(objective)(objective.split(objective.centers[0]), objective.fixed_at(0),
                                        objective.rows.slice(0, N))  # fmt: skip
    assert batched[1].item() == pytest.approx(own.item(), rel=1e-5)


def test_without_a_loss():
    with pytest.raises(TypeError, match=r"loss must be a function .* output has .loss"):
        make_objective(MODEL, (X, Y))
    with pytest.raises(TypeError, match="loss is a str"):
        make_objective(MODEL, (X, Y), "mse")
    with pytest.raises(TypeError, match="leave loss=None"):
        make_objective(lambda w, x: (w * x).mean(), X, F.mse_loss, points=[torch.zeros(3)])


def test_functions_of_a_vector():
    w = torch.tensor([0.5, -0.2, 1.0])
    free = torch.tensor([True, False, True])

    def loss(w, x, y):
        return (x @ w[:, None] - y).square().mean()

    objective = make_objective(loss, (X, Y), points=[w, 2 * w], mask=free)
    assert objective.dim == 2
    total, slope = full(objective, torch.tensor([1.0, 2.0]), 1)
    moved = torch.tensor([1.0, -0.4, 2.0], requires_grad=True)
    own = loss(moved, X, Y)
    own.backward()
    assert total.item() == pytest.approx(own.item(), rel=1e-6) and torch.allclose(slope, moved.grad[free])
    alone = make_objective(lambda w: (w**2).sum(), points=[w])
    assert alone.rows is None and alone.plain(w)[0].item() == pytest.approx((w**2).sum().item())
    keyed = make_objective(lambda w, x, y: loss(w, x, y), {"y": Y, "x": X}, points=[w])
    assert full(keyed, w)[0].item() == pytest.approx(loss(w, X, Y).item(), rel=1e-6)


# ---- checkpoints and masks ----


def test_checkpoints_as_people_keep_them():
    from sltcourse.llc.modules import points_of

    model = mlp()
    state = {name: value + 0.1 for name, value in model.state_dict().items()}
    wanted = make_objective(model, (X, Y), F.mse_loss, points=[state]).centers
    other = mlp()
    other.load_state_dict(state)
    for point in (
        {f"_orig_mod.{name}": value for name, value in state.items()},
        {f"module.{name}": value for name, value in state.items()},
        {f"module._orig_mod.{name}": value for name, value in state.items()},
        {"model": state, "step": 7},
        {"state_dict": {f"module.{name}": value for name, value in state.items()}, "optimizer": {"lr": 1}},
        {name: value.numpy() for name, value in state.items()},
        other,
        nn.DataParallel(other),
    ):
        assert torch.equal(make_objective(model, (X, Y), F.mse_loss, points=[point]).centers, wanted)
    points, names = points_of({10: state, 20: state})
    assert names == [10, 20] and points[1] is state
    assert points_of(state) == ([state], None) and points_of([state])[1] == [0]
    for point, error, words in (
        ({"a": state, "b": state}, ValueError, "several states"),
        ({"0.weight": 1}, ValueError, "lacks .* it has"),
        ({**state, "0.weight": torch.zeros(2, 2)}, ValueError, "shape"),
        ("model.pt", TypeError, "torch.load"),
    ):
        with pytest.raises(error, match=words):
            make_objective(model, (X, Y), F.mse_loss, points=[point])


def test_masks_by_parameter_and_by_module():
    def dim(mask, model=None):
        return make_objective(model or MODEL, (X, Y), F.mse_loss, mask=mask).dim

    assert dim({"0": True}) == 32 and dim({"0": True, "0.bias": False}) == 24 and dim({"2.bias": True}) == 1
    assert dim({"0.weight": np.arange(24).reshape(8, 3) < 5}) == 5
    assert dim({"inner": True}, Named()) == 4
    for mask, error, words in (
        (["0.weight"], TypeError, r"mask is a list; .* mask=\{'0.weight': True\}"),
        ("0.weight", TypeError, "mask is a str"),
        ({"0.weight": 0.5}, ValueError, "booleans"),
        ({"0.weight": torch.full((8, 3), torch.nan)}, ValueError, "booleans"),
        ({"0.weight": torch.ones(8, dtype=torch.bool)}, ValueError, r"\(8,\), the parameter \(8, 3\)"),
        ({"0": torch.ones(8, dtype=torch.bool)}, ValueError, "True or False"),
        ({"9": True}, ValueError, "does not have"),
    ):
        with pytest.raises(error, match=words):
            dim(mask)
    with pytest.raises(TypeError, match="boolean tensor"):
        make_objective(lambda w: (w**2).sum(), points=[torch.zeros(3)], mask=[True, False, True])
    assert Attention("split").embed.weight.shape == (11, 8)
