"""Data of every kind become the same rows; what does not fit the memory is read by rows, the same ones at each run."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from sltcourse.llc import SGLD, Importance, LocalPosterior, PerSample, estimate_llc, sample
from sltcourse.llc.data import as_rows, merged
from sltcourse.llc.model import make_objective

N = 50
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)
LABELS = torch.arange(N) % 4
FLOAT = dict(device="cpu", dtype=torch.float32)


class Pairs(Dataset):
    """A map-style dataset that is no TensorDataset; picklable."""

    def __init__(self, *columns):
        self.columns = columns

    def __len__(self):
        return len(self.columns[0])

    def __getitem__(self, i):
        return tuple(column[i] for column in self.columns)


class Named(Pairs):
    def __getitem__(self, i):
        return {"x": self.columns[0][i], "y": self.columns[1][i].item()}


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.randn(3), torch.randn(1)


class Augmented(Pairs):
    def __getitem__(self, i):
        return self.columns[0][i] + torch.randn(3), self.columns[1][i]


class Broken(Pairs):
    def __getitem__(self, i):
        if i == 7:
            raise OSError("no such picture")
        return super().__getitem__(i)


class OfLists(Pairs):
    """As the rows of a table of tokens come: dicts of lists of ints."""

    def __getitem__(self, i):
        return {"ids": [int(i), 2, 3], "y": int(i) % 4}


def everything(rows):
    return rows.structure.build(
        [torch.cat(parts) for parts in zip(*(leaves for leaves, _ in rows.passes(7)), strict=True)]
    )


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        [X, Y],
        (X.double(), Y.double()),
        (X.numpy(), Y.numpy()),
        (X.numpy()[::-1][::-1], Y.numpy().astype(np.float64)),
        (X.numpy().astype(">f4"), Y.numpy().astype(">f8")),
        (pd.DataFrame(X.numpy(), columns=list("abc")), pd.DataFrame(Y.numpy())),
        (np.ma.masked_array(X.numpy(), mask=False), Y.numpy()),
        (X.tolist(), Y.tolist()),
        TensorDataset(X, Y),
        Subset(TensorDataset(torch.cat([X, X]), torch.cat([Y, Y])), range(N)),
        Subset(Subset(Pairs(torch.cat([Y.expand(-1, 3), X]), torch.cat([Y, Y])), range(10, 100)), range(40, 90)),
        Pairs(X, Y),
        Pairs(X.numpy(), Y.numpy()),
        ConcatDataset([Pairs(X[:20], Y[:20]), Pairs(X[20:], Y[20:])]),
        [(x, y) for x, y in zip(X, Y, strict=True)],
        DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True),
        DataLoader(Pairs(X, Y), batch_size=8, shuffle=True, drop_last=True),
        DataLoader(TensorDataset(X, Y), 8, collate_fn=lambda items: tuple(map(torch.stack, zip(*items, strict=True)))),
        DataLoader(TensorDataset(torch.cat([X, X]), torch.cat([Y, Y])), 8, sampler=SubsetRandomSampler(range(N))),
    ],
)
def test_the_same_rows_of_every_kind_of_data(data):
    for memory in (None, 0):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            rows = as_rows(data, memory_bytes=memory, **FLOAT)
        assert rows.num_samples == N
        x, y = everything(rows)
        assert torch.equal(x, X) and torch.equal(y, Y) and x.dtype == torch.float32
        index = torch.tensor([4, 0, 49, 4])
        assert torch.equal(rows.take(index)[0], X[index])
        assert torch.equal(rows.slice(5, 9)[1], Y[5:9]) and len(rows.slice(48, 60)[0]) == 2


@pytest.mark.parametrize(
    ("data", "structure"),
    [
        (X, 0),
        ({"x": X, "y": Y}, {"x": 0, "y": 1}),
        (Named(X, LABELS), {"x": 0, "y": 1}),
        ((X, LABELS, Y), (0, 1, 2)),
        ((X, X), (0, 0)),
        (({"a": X, "b": Y}, LABELS), ({"a": 0, "b": 1}, 2)),
        (Pairs(X), (0,)),
        (OfLists(X), {"ids": 0, "y": 1}),
        ([x for x in zip(X, LABELS.tolist(), strict=True)], (0, 1)),
    ],
)
def test_the_form_of_the_data(data, structure):
    rows = as_rows(data, **FLOAT)
    assert rows.structure.tree == structure and rows.num_samples == N
    labels = [leaf for leaf in rows.slice(0, 4) if not leaf.is_floating_point()]
    assert all(leaf.dtype == torch.int64 for leaf in labels)


def test_one_tensor_twice_is_stored_once():
    rows = as_rows((X, X), **FLOAT)
    assert len(rows.slice(0, 1)) == 1
    assert merged(rows.structure).tree == 0 and merged(as_rows(Pairs(X), **FLOAT).structure).tree == 0
    assert as_rows((X, Y), **FLOAT).slice(0, N)[0].data_ptr() == X.data_ptr()  # and what fits as it is is not copied


def test_what_is_not_data_is_refused():
    random = DataLoader(TensorDataset(X, Y), sampler=WeightedRandomSampler(torch.ones(N), N))
    for data, error, words in (
        (Endless(), TypeError, "IterableDataset: it has no n"),
        (DataLoader(Endless()), TypeError, "IterableDataset"),
        (DataLoader(TensorDataset(X, Y), batch_size=None), TypeError, "batch_size=None"),
        (random, ValueError, "weights="),
        (3, TypeError, "cannot be a int"),
        ("data.csv", TypeError, "cannot be a str"),
        (X.tolist(), TypeError, "rows or columns"),
        (torch.tensor(3.0), ValueError, "0-d"),
        ((X, torch.tensor(3.0)), ValueError, "0-d"),
        ((X[:0], Y[:0]), ValueError, "empty"),
        ((), ValueError, "empty"),
        ([], ValueError, "empty"),
        ({}, ValueError, "empty"),
        (Pairs(X[:0]), ValueError, "empty"),
        (Subset(TensorDataset(X), []), ValueError, "empty"),
        ((X, Y[:7]), ValueError, r"\[50, 7\] rows; they must agree"),
        ((X, ["a"] * N), TypeError, "no array of numbers"),
        ((X, None), TypeError, "None"),
        ((np.ma.masked_greater(X.numpy(), 1), Y), TypeError, "masked array"),
        (tuple(zip(X, Y, strict=True)), ValueError, r"\[3, 1, 3, 1, 3, 1, ...\] rows"),
        ({"x": X, "text": ["a"] * N}, TypeError, "no array of numbers"),
        ([(x, "text") for x in X], TypeError, "text"),
        ((X, [[1, 2]] * 49 + [[1]]), ValueError, "different lengths"),
        ([(torch.zeros(k % 3 + 1), k) for k in range(9)], ValueError, "different shapes"),
        ([(X[0], 1), (X[0],)], ValueError, "another form than row 0"),
        (np.array([{}, {}], dtype=object), TypeError, "no array of numbers"),
        (Augmented(X, Y), ValueError, "random augmentation"),
        (Broken(X, Y), ValueError, "rows 0 to 49: OSError: no such picture"),
        (DataLoader(Pairs(X, Y), collate_fn=lambda items: torch.cat([x for x, _ in items])), ValueError, "one row per"),
    ):
        with pytest.raises(error, match=words) as refusal:
            as_rows(data, **FLOAT)
        assert "\n" not in str(refusal.value)


def padded(items):
    """A collate_fn that pads to the longest row of the batch."""
    ids = nn.utils.rnn.pad_sequence([x for x, _ in items], batch_first=True, padding_value=-1)
    return ids, torch.tensor([y for _, y in items])


def test_a_collate_function_that_pads():
    items = [(torch.arange(1 + k % 5), k) for k in range(N)]
    loader = DataLoader(items, batch_size=4, collate_fn=padded)
    rows = as_rows(loader, **FLOAT)
    ids, y = everything(rows)
    assert ids.shape == (N, 5) and torch.equal(y, torch.arange(N)) and (ids[0, 1:] == -1).all()
    read = as_rows(loader, memory_bytes=0, **FLOAT)
    ids, y = read.minibatches(3, 4, None, seed=1).draw()
    assert ids.shape[:2] == (3, 4) and (y % 5 + 1).max() <= ids.shape[2]


@pytest.mark.parametrize("size", [3, 20])
def test_minibatches_in_memory_keep_their_random_numbers(size):
    """Index by index what index.random_(0, n) gives; thin tables come column by column."""
    wide = torch.randn(N, 4, 5)
    rows = as_rows((X, wide, LABELS), **FLOAT)
    batches = rows.minibatches(6, size, torch.Generator().manual_seed(7))
    mine = torch.Generator().manual_seed(7)
    for _ in range(2):
        index = torch.zeros(6, size, dtype=torch.long).random_(0, N, generator=mine)
        x, w, y = batches.draw()
        assert torch.equal(x, X[index]) and torch.equal(w, wide[index]) and torch.equal(y, LABELS[index])
        assert x.stride() == (size, 1, 6 * size)


def test_minibatches_read_by_rows_depend_on_the_step_alone(tmp_path):
    np.save(tmp_path / "x.npy", X.numpy())
    np.save(tmp_path / "y.npy", LABELS.numpy().astype(np.uint16))
    disk = tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    for data in (disk, Pairs(X, LABELS), DataLoader(Pairs(X, LABELS), num_workers=1)):
        rows = as_rows(data, memory_bytes=100, **FLOAT)
        assert not rows.in_memory
        batches = rows.minibatches(4, 5, None, seed=3)
        first = [batches.draw() for _ in range(4)]
        again = rows.minibatches(4, 5, None, seed=3)
        again.seek(2)
        third = again.draw()
        assert all(torch.equal(a, b) for a, b in zip(first[2], third, strict=True))
        assert not torch.equal(first[0][0], first[1][0])
        assert not torch.equal(rows.minibatches(4, 5, None, seed=4).draw()[0], first[0][0])
        x, y = first[0]
        assert x.shape == (4, 5, 3) and y.dtype == torch.int64
        for row, label in zip(x.reshape(-1, 3), y.flatten(), strict=True):
            (where,) = (X == row).all(1).nonzero().flatten().tolist()
            assert LABELS[where] == label
    whole = as_rows(disk, **FLOAT)
    assert whole.in_memory and torch.equal(everything(whole)[0], X)


def test_every_row_is_drawn_as_often_as_it_should():
    """Frequencies of 40 000 draws against their chances, in memory and read by rows; chi-square over its freedom."""
    ids = torch.arange(N)
    weights = torch.rand(N, generator=torch.Generator().manual_seed(1)).double()
    weights[[0, 13, 49]] = 0
    for memory in (None, 0):
        for chance in (torch.ones(N).double(), weights):
            rows = as_rows(ids, memory_bytes=memory, weights=chance, **FLOAT)
            batches = rows.minibatches(100, 100, torch.Generator().manual_seed(5), seed=5)
            drawn = torch.cat([batches.draw()[0].flatten() for _ in range(4)])
            found = torch.bincount(drawn, minlength=N).double()
            wanted = 40_000 * chance / chance.sum()
            assert (found[wanted == 0] == 0).all()
            some = wanted > 0
            freedom = int(some.sum()) - 1
            square = ((found - wanted)[some] ** 2 / wanted[some]).sum()
            assert abs(square - freedom) < 4.5 * (2 * freedom) ** 0.5


def test_data_too_large_for_the_memory_is_sampled_on(tmp_path):
    """The loss over all the data, read by rows, is that in memory; so are weights of tokens."""
    np.save(tmp_path / "x.npy", X.numpy())
    model = nn.Linear(3, 3)
    on_disk = make_objective(model, np.load(tmp_path / "x.npy", mmap_mode="r"), nn.MSELoss(), memory_bytes=64)
    inside = make_objective(model, X, nn.MSELoss())
    w = inside.centers[0]
    for leaves, share in on_disk.rows.passes(20):
        assert len(leaves[0]) in (20, 10) and share == len(leaves[0]) / N
    total = sum(on_disk.plain(w, 0, leaves, False, share)[0] for leaves, share in on_disk.rows.passes(20))
    assert total.item() == pytest.approx(inside.plain(w, 0, (X,), False, 1.0)[0].item(), rel=1e-6)
    assert not on_disk.rows.in_memory and inside.rows.in_memory


class Labelled(torch.Tensor):
    """A tensor that remembers something, as those of image libraries do."""


def test_a_subclass_of_tensor_is_taken_as_the_tensor_it_is():
    x, y = torch.randn(20, 3), torch.randn(20, 1)
    rows = [as_rows((one, y), **FLOAT).slice(0, 4) for one in (x, x.as_subclass(Labelled), nn.Parameter(x))]
    for first, _ in rows:
        assert type(first) is torch.Tensor
        torch.testing.assert_close(first, x[:4])


def _tokens():
    """Twenty windows of seven tokens, the targets one token later: neither is contiguous. And a model of them."""
    torch.manual_seed(0)
    long = torch.randint(5, (20, 7))
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    return model, (long[:, :-1], long[:, 1:])


def _viewing(out, targets):
    return nn.functional.cross_entropy(out.view(-1, 5), targets.view(-1))


def test_tensors_that_are_not_contiguous():
    """They are sampled as the same numbers row after row, by chains and by independent draws, observed too."""
    model, windows = _tokens()
    settings = dict(sampler=SGLD(1e-5), num_chains=2, num_draws=3, num_burnin_steps=0)
    found = [estimate_llc(model, data, _viewing, **settings) for data in (windows, tuple(x.clone() for x in windows))]
    assert np.array_equal(found[0].loss_trace, found[1].loss_trace)
    draws = sample(
        LocalPosterior(model, windows, _viewing, nbeta=1.0, localization=3e3), Importance(), num_chains=2, num_draws=20,
        observe={"again": windows, "each": PerSample()},
    )  # fmt: skip
    assert draws.again.values == pytest.approx(draws.loss.values, rel=1e-5)
    assert draws.each.values.mean(2) == pytest.approx(draws.loss.values, rel=1e-5)


def test_views_of_minibatches():
    """Images channels last, and thin tables, which are gathered row by row where the loss takes a view of them."""
    images = torch.randn(20, 3, 2, 2).to(memory_format=torch.channels_last), torch.randn(2, 20).T
    body, settings = nn.Linear(12, 2), dict(num_chains=2, num_draws=3, num_burnin_steps=0, batch_size=4)
    result = estimate_llc(Viewing(body), images, lambda out, y: (out.view(-1) - y.view(-1)).square().mean(),
                          sampler=SGLD(1e-5), **settings)  # fmt: skip
    assert not result.notes
    assert result.init_loss == pytest.approx((body(images[0].flatten(1)) - images[1]).square().mean().item(), rel=1e-5)


class Viewing(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.view(len(x), -1))


def test_overlapping_windows_that_do_not_fit_are_read_by_rows():
    """Windows of a text share its memory: written out they are as many times as large as they are long."""
    text = torch.arange(2000.0)
    windows = text.unfold(0, 100, 1)
    rows = as_rows((windows, windows[:, :1]), **FLOAT, memory_bytes=100_000)
    assert not rows.in_memory
    assert torch.equal(rows.take(torch.tensor([3, 0]))[0], windows[[3, 0]]) and rows.slice(5, 9)[0].is_contiguous()


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.ones(6, 3).to_sparse(), "sparse tensor: give .to_dense"),
        (torch.empty(6, 3, device="meta"), "meta tensor"),
    ],
)
def test_tensors_of_no_plain_memory_are_refused(x, words):
    with pytest.raises(TypeError, match=words):
        as_rows((x, torch.ones(6, 1)), **FLOAT)
