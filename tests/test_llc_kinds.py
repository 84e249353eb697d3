"""estimate_llc on models and data of every kind: L(w*) is the model's own, and the module is left alone.

Where torch.func can batch the chains, the draws are those of the chains run one by one, and where it cannot, a note
says so.
"""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from sltcourse.llc import SGLD, estimate_llc
from sltcourse.llc.model import Objective
from tests.llc_zoo import UNBATCHED, CastsItself, hugging_face_labels, made, mlp, own_loss, vectors
from tests.test_llc_data import Pairs, padded

KINDS = [
    *(f"attention, {idiom}" for idiom in ("split", "packed", "by hand", "math", "mask")),
    "multi-head attention", "encoder", "lstm", "bag", "embedding, sparse", "old function", "compiled",
    "data parallel", "branch", "writes", "ablates", "one hot", "weight norm", "counting", "convolutional", "scripted",
    "gpt2, sdpa", "llama, eager", "gpt_neox, sdpa", "gives its loss",
    "forces", "packed", "experts", "straight through", "checkpointing", "bag, weighted", "a named tuple",
    "used twice", "flattened", "rotary", "hooks set the weight",
]  # fmt: skip
SHORT = dict(sampler=SGLD(1e-5), num_chains=2, num_draws=3, num_burnin_steps=2, batch_size=8)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_model(name, monkeypatch):
    model, data, loss = made(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    result = estimate_llc(model, data, loss, **SHORT)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))
    assert result.init_loss == pytest.approx(own_loss(inner, data, loss).item(), rel=1e-5)
    assert np.isfinite(result.llc) and result.loss_trace.shape == (2, 3)
    one_by_one = any("one by one" in note for note in result.notes)
    assert one_by_one == (name in UNBATCHED)
    if not one_by_one:
        original = Objective.__init__

        def plainly(self, *args, **kwargs):
            original(self, *args, **kwargs)
            self.functional, self.why_not_functional = False, "asked for."

        monkeypatch.setattr(Objective, "__init__", plainly)
        model.load_state_dict(before)  # one of them changes a buffer whenever it is called
        plain = estimate_llc(model, data, loss, **SHORT)
        assert any("one by one" in note for note in plain.notes)
        assert plain.loss_trace == pytest.approx(result.loss_trace, rel=1e-4)
        assert plain.distance == pytest.approx(result.distance, rel=1e-3)


@pytest.mark.parametrize("kind", ["bf16", "casts"])
def test_half_precision_models(kind):
    torch.manual_seed(0)
    model = mlp(torch.bfloat16) if kind == "bf16" else CastsItself().bfloat16()
    x, y = vectors()
    result = estimate_llc(model, (x, y), F.mse_loss, **SHORT)
    own = F.mse_loss(model(x if kind == "casts" else x.bfloat16()).float(), y).item()
    assert result.init_loss == pytest.approx(own, rel=0.02) and np.isfinite(result.llc)
    assert any("float32" in note for note in result.notes)


def test_every_kind_of_data_gives_the_same_draws(tmp_path):
    torch.manual_seed(0)
    model, (x, y) = mlp(), vectors()
    wanted = estimate_llc(model, (x, y), F.mse_loss, **SHORT)

    class Renamed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x):
            return self.inner(x)

    for kind in (
        (x.numpy(), y.numpy()),
        Pairs(x, y),
        list(zip(x, y, strict=True)),
        DataLoader(Pairs(x, y), batch_size=5, shuffle=True),
    ):
        assert np.array_equal(estimate_llc(model, kind, F.mse_loss, **SHORT).loss_trace, wanted.loss_trace)
    named = estimate_llc(Renamed(), {"x": x, "y": y}, F.mse_loss, **SHORT)
    assert np.array_equal(named.loss_trace, wanted.loss_trace)
    weighted = estimate_llc(model, (x, y), F.mse_loss, weights=torch.ones(len(x)), **SHORT)
    assert np.array_equal(weighted.loss_trace, wanted.loss_trace)


def test_data_that_do_not_fit_the_memory(tmp_path):
    """Read by rows: the same L(w*), and the same draws at each run."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40_000, 50)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    model = nn.Linear(50, 1)
    disk = np.load(tmp_path / "x.npy", mmap_mode="r")
    settings = {**SHORT, "memory_gib": 2**-9}
    first, again = (
        estimate_llc(model, (disk, x[:, :1]), F.mse_loss, seed=3, **settings) for _ in range(2)
    )  # fmt: skip
    inside = estimate_llc(model, (x, x[:, :1]), F.mse_loss, **SHORT)
    assert first.init_loss == pytest.approx(inside.init_loss, rel=1e-5)
    assert np.array_equal(first.loss_trace, again.loss_trace) and np.isfinite(first.llc)


def test_padding_and_causal_labels_of_a_library():
    model, data, loss = hugging_face_labels("gpt2", "sdpa", True)
    result = estimate_llc(model, data, loss, **{**SHORT, "batch_size": 1})
    assert result.init_loss == pytest.approx(model(**data).loss.item(), rel=1e-5)
    assert any("first position left out" in note for note in result.notes) and not result.diverged
    rows = [(torch.arange(1 + k % 5), k % 3) for k in range(30)]
    bag = nn.Sequential(nn.Embedding(6, 4), nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(ValueError, match="lazy"):
        estimate_llc(bag, DataLoader(rows, collate_fn=padded), F.cross_entropy, **SHORT)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off(around):
    torch.manual_seed(0)
    model, (x, y) = mlp(), vectors()
    wanted = estimate_llc(model, (x, y), F.mse_loss, **SHORT)
    with around():
        found = estimate_llc(model, (x.clone(), y.clone()), F.mse_loss, **SHORT)
    assert np.array_equal(found.loss_trace, wanted.loss_trace)


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 5)

    def forward(self, x):
        return self.inner(x).log_softmax(-1)


def alignment_loss(out, batch):
    return F.ctc_loss(out.transpose(0, 1), batch["y"], batch["length"], batch["letters"])


def test_what_fails_on_a_later_minibatch_runs_one_by_one():
    """CTC's intermediate results are as long as the longest word of the batch; so is a selection."""
    torch.manual_seed(0)
    n, time = 40, 8
    letters = torch.where(torch.arange(n) < 37, 1, 3)  # the first minibatches may have short words only
    data = {"x": torch.randn(n, time, 3), "y": torch.randint(1, 5, (n, 3)), "length": torch.full((n,), time),
            "letters": letters}  # fmt: skip
    model = Recognizer()
    own = alignment_loss(model(data["x"]), data).item()
    settings = {**SHORT, "batch_size": 3, "num_draws": 40}
    result = estimate_llc(model, data, alignment_loss, **settings)
    assert result.init_loss == pytest.approx(own, rel=1e-5)
    assert np.isfinite(result.loss_trace).all() and any("one by one" in note for note in result.notes)


def test_a_teacher_that_asks_for_gradients():
    """Another module, in the loss or in forward, is a constant: no graph of its is kept or returned."""
    torch.manual_seed(0)
    model, teacher, (x, y) = mlp(), nn.Linear(3, 1), vectors()
    loss = lambda o, t: F.mse_loss(o, t + teacher(t.expand(-1, 3)))  # noqa: E731
    result = estimate_llc(model, (x, y), loss, **SHORT)
    teacher.requires_grad_(False)
    wanted = estimate_llc(model, (x, y), loss, **SHORT)
    assert np.array_equal(result.loss_trace, wanted.loss_trace)
    assert all(p.grad is None for p in teacher.parameters())
