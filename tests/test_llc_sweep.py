"""A sweep loses nothing: neither to an interrupt, a kill, a full disk, a damaged file, nor a worker that dies."""

import errno
import functools
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
import xarray as xr

from sltcourse.kit import files
from sltcourse.llc import HMC, SGLD, estimate_llc, local_cluster, sweep
from tests.llc_sweeps import GRID, measure, slowly

cluster_room = importlib.import_module("sltcourse.llc.cluster")
unix = pytest.mark.skipif(sys.platform == "win32", reason="a process can be killed and interrupted as on Unix")


def flat(a, b=0):
    return {"sum": a + 10 * b, "word": f"{a}-{b}"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def calls(monkeypatch):
    """A function of a and b that notes its calls, in ``calls.of``."""

    def noting(a, b):
        noting.of.append((a, b))
        return a + b

    noting.of = []
    return noting


# ---- the answer


def test_the_answer_is_what_the_calls_give(tmp_path):
    table = sweep(measure, GRID, folder=tmp_path)
    assert table.llc.dims == ("depth", "seed") and list(table.seed.values) == [0, 1, 2]
    for depth in GRID["depth"]:
        for seed in GRID["seed"]:
            alone, here = measure(depth, seed), table.sel(depth=depth, seed=seed)
            assert (here.llc, here.error, here.word) == (alone["llc"], alone["error"], alone["word"])
            assert np.array_equal(here.trace[: depth + 1], alone["trace"])
    assert np.isnan(table.trace.sel(depth=1)[:, 2]).all(), "the shorter arrays end in nan"
    assert (table.status == "done").all() and (table.failure == "").all()
    assert len(names(tmp_path)) == 6 and table.attrs["partial"] == 0
    table.to_netcdf(tmp_path / "table.nc", engine="scipy")
    assert xr.load_dataset(tmp_path / "table.nc").llc.equals(table.llc)


def test_an_estimate_has_its_error_its_diagnostics_and_its_verdict(tmp_path):
    def estimates(sampler):
        return estimate_llc(
            lambda w: (w**2).sum(), at=torch.zeros(2), nbeta=100.0, sampler=sampler, num_chains=4, num_draws=100,
            num_burnin_steps=20,
        )  # fmt: skip

    samplers = {"SGLD": SGLD(1e-2), "HMC": HMC(), "one that diverges": SGLD(1.0)}
    table = sweep(estimates, {"sampler": samplers}, folder=tmp_path)
    for name, sampler in samplers.items():
        result, here = estimates(sampler), table.sel(sampler=name)
        for field in ("llc", "std_error", "ess", "step_bias", "equipartition", "init_loss"):
            np.testing.assert_equal(float(here[field]), getattr(result, field))
        assert here.verdict == result.verdict.word and here.reasons == " ".join(result.verdict.reasons)
        assert here.diverged == len(result.diverged)
    assert table.diverged.values.tolist() == [0, 0, 4] and np.isnan(table.llc[2]) and np.isnan(table.acceptance[0])
    again = sweep(estimates, {"sampler": samplers}, folder=tmp_path)
    assert again.identical(table)


@pytest.mark.parametrize(
    ("returned", "wanted"),
    [
        (lambda a: a / 3, 1 / 3),
        (lambda a: np.float32(0.1), float(np.float32(0.1))),
        (lambda a: torch.tensor(2.5, requires_grad=True), 2.5),
        (lambda a: True, True),
        (lambda a: "text", "text"),
        (lambda a: None, np.nan),
        (lambda a: np.inf, np.inf),
        (lambda a: 2**80, float(2**80)),
        (lambda a: torch.ones(2, 3, dtype=torch.bfloat16)[:, ::2], np.ones((2, 2))),
        (lambda a: [], np.empty(0)),
        (lambda a: xr.DataArray([1, 2], dims="layer"), np.array([1, 2])),
        (lambda a: "λ̂ \ud800", "λ̂ \ud800"),
    ],
)
def test_whatever_is_kept_comes_back_the_same(tmp_path, returned, wanted):
    first, again = (sweep(returned, {"a": [1]}, folder=tmp_path) for _ in range(2))
    np.testing.assert_array_equal(first.value.values[0], wanted)
    assert again.identical(first) and len(names(tmp_path)) == 1


def test_a_name_that_is_taken_gets_an_underscore(tmp_path):
    def named(seed):
        layers = dict(b=xr.DataArray([1.0, 2.0], dims="layer"), c=xr.DataArray([[1, 2, 3]], dims=("seed", "layer")))
        return {"seed": -seed, "status": "mine", "a": [seed], "a_0": 3, "seed_": 7, **layers}

    first, again = (sweep(named, {"seed": [1, 2]}, folder=tmp_path) for _ in range(2))
    assert first.identical(again) and first.seed.values.tolist() == [1, 2]
    assert first["seed__"].values.tolist() == [-1, -2] and first["seed_"].values.tolist() == [7, 7]
    assert first["status_"].values.tolist() == ["mine"] * 2 and first.status.values.tolist() == ["done"] * 2
    assert first.a.dims == ("seed", "a_a_0") and first["a_0"].values.tolist() == [3, 3]
    assert first.b.dims == ("seed", "layer") and first.c.dims == ("seed", "c_seed", "c_layer")


def test_a_point_that_fails_stops_no_other(tmp_path):
    def picky(a, b):
        if b == 1:
            raise ValueError(f"not {b}")
        if b == 2:
            sys.exit(3)
        return [{}, object(), {1: 2}, 1j, [estimate] * 2][b - 3] if b > 2 else a

    estimate = estimate_llc(lambda w: (w**2).sum(), at=torch.zeros(1), nbeta=9.0, num_draws=9, num_burnin_steps=9)
    with pytest.warns(UserWarning) as warned:
        table = sweep(picky, {"a": [1, 2], "b": range(8)}, folder=tmp_path)
    failed, unlike = (str(one.message) for one in warned)
    assert failed.startswith("12 of 16 points failed, the first one with ValueError: not 1")
    assert "at a = 1, b = 3: nothing; at a = 2, b = 3: nothing." in unlike
    assert table.value.sel(b=0).values.tolist() == [1, 2] and np.isnan(table.value.sel(b=1)).all()
    assert table.status.sel(a=1).values.tolist() == ["done", "failed", "failed", "done"] + ["failed"] * 4
    said = [str(text) for text in table.failure.sel(a=1).values]
    assert said[1].startswith("ValueError: not 1 (in picky, line ") and said[2].startswith("SystemExit: 3")
    assert "only numbers, strings and arrays" in said[4] and "keys must be strings" in said[5]
    assert "only numbers" in said[6] and "put the w* into the grid" in said[7]


def test_points_of_unlike_kinds_are_named(tmp_path):
    """A number where the others give estimates, a renamed entry, a text, an array over other dimensions."""
    estimate = estimate_llc(lambda w: (w**2).sum(), at=torch.zeros(1), nbeta=9.0, num_draws=9, num_burnin_steps=9)

    def estimates(a, b):
        return estimate.llc if (a, b) == (1, 2) else estimate

    with pytest.warns(UserWarning) as said:
        table = sweep(estimates, {"a": [1, 2], "b": [1, 2]}, folder=tmp_path)
    assert [str(one.message) for one in said] == [
        "1 of 4 points gave other names or kinds of values than the rest, which gave acceptance, diverged, "
        "equipartition, ess, init_loss, llc, reasons, rhat, share_below, std_error, step_bias, verdict; "
        "at a = 1, b = 2: value. Where a point has nothing that fits, stands nan or ''."
    ]
    assert np.isnan(table.llc).values.tolist() == [[False, True], [False, False]]
    with pytest.warns(UserWarning, match="at a = 1, b = 2: value"):  # from the files too
        assert sweep(estimates, {"a": [1, 2], "b": [1, 2]}, folder=tmp_path).identical(table)

    rows, columns = (xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=dims) for dims in (("r", "c"), ("c", "r")))
    for given, where in [
        ([{"x": 1}, {"x": 2}, {"y": 3}], "at a = 2: y."),
        ([1, 2, {}], "at a = 2: nothing."),
        ([1, "two", 3], r"at a = 1: value \(a text\)\."),
        ([1, [2], 3], r"at a = 1: value \(an array over what_the_function_returned_0\)\."),
        ([rows, columns, rows], r"at a = 1: value \(an array over c, r\)\."),
        ([columns, rows, rows], r"at a = 0: value \(an array over c, r\)\."),
        ([rows, 2, rows], r"at a = 1: value \(a number\)\."),
        ([1, *["other"] * 7, *[2] * 9], "at a = 5: value .a text.; and 2 more. "),
    ]:
        values = dict(enumerate(given))
        with pytest.warns(UserWarning, match=where):
            table = sweep(lambda a, values=values: values[a], {"a": list(values)}, folder=tmp_path, version=where)
        odd = int(where.split("a = ")[1][0])
        if "text" not in where:  # a number stands beside texts as a text
            others = [place for place in values if place != odd]
            kept = table["x" if "x" in table else "value"]
            assert np.isnan(kept[odd]).all()
            whole = [one["x"] if isinstance(one, dict) and one else one for one in given if one is not given[odd]]
            assert all(np.array_equal(kept[place], one) for place, one in zip(others, whole, strict=True))
    sweep(lambda a: [None, 1, np.int64(2), True, 2.5][a], {"a": range(5)}, folder=tmp_path)  # None fits everywhere
    sweep(lambda a: [None, "text"][a], {"a": range(2)}, folder=tmp_path)


def test_what_failed_is_tried_again_and_the_rest_is_not(tmp_path):
    def flaky(a):
        with open(tmp_path / "log", "a") as file:
            file.write(str(a))
        if a == 2 and not (tmp_path / "mended").exists():
            raise OSError("not yet")
        return a

    with pytest.warns(UserWarning, match="1 of 3 points failed"):
        sweep(flaky, {"a": [1, 2, 3]}, folder=tmp_path / "kept")
    (tmp_path / "mended").touch()
    assert sweep(flaky, {"a": [1, 2, 3]}, folder=tmp_path / "kept").value.values.tolist() == [1, 2, 3]
    assert (tmp_path / "log").read_text() == "1232"


def test_all_points_failing_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"all 2 points failed, the first one with ZeroDivisionError"):
        sweep(lambda a: 1 / 0, {"a": [1, 2]}, folder=tmp_path)


# ---- which results are whose


def test_a_sweep_goes_on_and_a_larger_grid_computes_only_what_is_new(tmp_path, calls):
    first = sweep(calls, {"a": [1, 2], "b": [5]}, folder=tmp_path)
    assert calls.of == [(1, 5), (2, 5)]
    assert sweep(calls, {"a": [1, 2], "b": [5]}, folder=tmp_path).identical(first) and len(calls.of) == 2
    table = sweep(calls, {"b": [5, 6], "a": [2, 3]}, folder=tmp_path)  # the order of dimensions is no matter
    assert calls.of[2:] == [(3, 5), (2, 6), (3, 6)] and table.value.dims == ("b", "a")
    assert table.value.values.tolist() == [[7, 8], [8, 9]]


def test_another_function_code_version_or_argument_computes_anew(tmp_path):
    def one(a):
        return a

    def other(a):
        return a

    def value(function, grid=None, **options):
        return float(sweep(function, grid or {"a": [1]}, folder=tmp_path, **options).value[0])

    assert [value(one), value(other), value(lambda a: a + 1), value(lambda a: a + 2)] == [1, 1, 2, 3]
    assert value(one, version="of other data") == 1 and len(names(tmp_path)) == 5
    assert value(functools.partial(flat_value, b=1)) == 11 and value(functools.partial(flat_value, b=2)) == 21
    assert value(one, {"a": [True]}) == 1 and value(one, {"a": [1.0]}) == 1 and len(names(tmp_path)) == 9
    state = {"w": torch.arange(3.0)}
    for factor in (1, 2, 1):  # the same label, and another content
        content = {"a": {"the end": {name: factor * w for name, w in state.items()}}}
        assert value(lambda a: float(a["w"].sum()), content) == 3 * factor
    assert len(names(tmp_path)) == 11


def flat_value(a, b):
    return flat(a, b)["sum"]


def test_a_comment_changes_nothing(tmp_path):
    points = importlib.import_module("sltcourse.llc.points")
    code = "def f(a):\n    {}return a + 1{}\n"
    seen = []
    for k, (before, behind) in enumerate([("", ""), ("# why\n    ", ""), ("", "  # why"), ("a = -a\n    ", "")]):
        file = tmp_path / f"code{k}.py"
        file.write_text(code.format(before, behind))
        space = {}
        exec(compile(file.read_text(), file, "exec"), space)
        seen.append(points.points(space["f"], {"a": [1]}, "")[1][0].identity)
    assert seen[0] == seen[1] == seen[2] != seen[3]


def test_the_identity_is_the_same_in_every_process(tmp_path):
    """Hashes of strings differ from process to process, and so do sets: nothing of that may enter."""
    code = (
        "from sltcourse.llc.points import points\n"
        'space = {}\nexec(\'def f(a):\\n    return a in {"x", "y", "z"} and (lambda: a)\', space)\n'
        "import torch; from sltcourse.llc import SGLD\n"
        "grid = {'a': {'s': SGLD(0.1), 't': torch.ones(2), 'm': torch.nn.Linear(1, 1).requires_grad_(False).eval()}}\n"
        "torch.manual_seed(0); grid['a']['m'] = torch.nn.Linear(1, 1)\n"
        "print([p.identity for p in points(space['f'], grid, '')[1]])"
    )
    said = {
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path),
                       "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


# ---- damaged files


def test_a_truncated_or_altered_file_is_computed_again(tmp_path, calls):
    whole = sweep(calls, {"a": [1], "b": [2]}, folder=tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    damaged = [good[:k] for k in range(0, len(good) - 1, 37)]
    damaged += [good[:k] + bytes([good[k] ^ 1]) + good[k + 1 :] for k in range(0, len(good) - 1, 23)]
    damaged += [
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        good.replace(b'"values": {\n  "value": 3', b'"values": {\n  "value": 4'),
    ]
    assert damaged[-1] != good
    for content in damaged:
        file.write_bytes(content)
        table = sweep(calls, {"a": [1], "b": [2]}, folder=tmp_path)
        assert table.value.equals(whole.value) and file.read_bytes() == good
        # white space may be lost without harm
        assert table.attrs["recomputed"] == 1 or json.loads(content) == json.loads(good)
    assert len(calls.of) > 0.8 * len(damaged)


def test_a_file_under_another_points_name_is_not_taken(tmp_path, calls):
    sweep(calls, {"a": [1], "b": [2]}, folder=tmp_path / "one")
    sweep(calls, {"a": [3], "b": [4]}, folder=tmp_path / "two")
    (one,), (two,) = (list((tmp_path / name).iterdir()) for name in ("one", "two"))
    shutil.copy(two, one)
    table = sweep(calls, {"a": [1], "b": [2]}, folder=tmp_path / "one")
    assert table.value.item() == 3 and table.attrs["recomputed"] == 1


def test_nothing_is_unpickled(tmp_path, calls, monkeypatch):
    import pickle

    sweep(calls, {"a": [1], "b": [2]}, folder=tmp_path)
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    sweep(calls, {"a": [1], "b": [2]}, folder=tmp_path)
    assert len(calls.of) == 1 and all(file.suffix == ".json" for file in tmp_path.iterdir())


# ---- errors before any work


@pytest.mark.parametrize(
    ("grid", "error", "words"),
    [
        ([1, 2], TypeError, "must be a dict"),
        ({}, ValueError, "grid is empty"),
        ({"a": []}, ValueError, r"grid\['a'\] is empty"),
        ({"a": "abc"}, TypeError, "give a list of values"),
        ({"a": {1, 2}}, TypeError, "is a set; give a list"),
        ({"a": 3}, TypeError, "is a int; give a list"),
        ({"a": np.array(3)}, TypeError, "give a list"),
        ({"a": iter([1])}, TypeError, "give a list"),
        ({"a": [1, 1]}, ValueError, "holds 1 twice"),
        ({"a": [1, True]}, ValueError, "mixes kinds"),
        ({"a": [1, "x"]}, ValueError, "mixes kinds"),
        ({"a": [float("nan")]}, ValueError, "nan, which names no point"),
        ({"a": [None, 2]}, TypeError, "holds a NoneType"),
        ({"a": [SGLD(0.1)]}, TypeError, "a dict of labels and values"),
        ({"a": torch.ones(2, 2)}, TypeError, "holds a list"),
        ({"a": {"x": object()}}, TypeError, "a holds a object, whose content cannot be told"),
        ({"status": [1]}, ValueError, "grid has the key 'status'"),
        ({3: [1]}, ValueError, "grid has the key 3"),
        ({"c": [1]}, TypeError, r"cannot be called with the grid's c"),
        ({"b": [1]}, TypeError, "missing a required argument: 'a'"),
        ({"a": range(2000), "b": range(2000)}, ValueError, "4000000 points, and 1000000 are the most"),
    ],
)
def test_bad_grids(tmp_path, grid, error, words):
    called = []

    def never(a, b=0):
        called.append(a)

    with pytest.raises(error, match=words):
        sweep(never, grid, folder=tmp_path)
    assert not called and not names(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (dict(function=3), TypeError, "function is a int"),
        (dict(version=2), TypeError, "version is 2; it must be a string"),
        (dict(client="tcp://head:8786"), TypeError, "client is a str"),
        (dict(resources={"GPU": 1}), ValueError, "give a client too"),
    ],
)
def test_bad_options(tmp_path, options, error, words):
    if "client" in options:
        pytest.importorskip("distributed")
    options = {"function": flat, "folder": tmp_path, **options}
    with pytest.raises(error, match=words):
        sweep(grid={"a": [1]}, **options)
    assert not names(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_said_before_any_work(tmp_path, calls, monkeypatch):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(OSError, match="nothing can be kept in the folder"):
            sweep(calls, {"a": [1], "b": [2]}, folder=folder)
    if sys.platform != "win32":  # Linux lets nobody write here, root neither
        folder = "/proc/self/fdinfo" if os.path.exists("/proc") else "/dev/null/x"
        with pytest.raises(OSError, match="nothing can be kept in the folder"):
            sweep(calls, {"a": [1], "b": [2]}, folder=folder)
    assert calls.of == []
    monkeypatch.chdir(tmp_path)
    sweep(flat, {"a": [1]})
    assert names(tmp_path / "sweeps" / "flat")


def test_without_dask_a_client_is_refused_and_none_is_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert sweep(flat, {"a": [1]}, folder=tmp_path)["sum"].item() == 1
    for call in (lambda: sweep(flat, {"a": [1]}, folder=tmp_path, client=object()), local_cluster):
        with pytest.raises(ImportError, match=r'pip install "sltcourse\[dask\]"'):
            call()


def test_dask_is_loaded_only_when_used():
    code = "import sys, sltcourse.llc; print([name for name in ('dask', 'distributed') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---- faults


def test_a_killed_process_loses_nothing(tmp_path):
    undisturbed = sweep(slowly, GRID, folder=tmp_path / "undisturbed")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-m", "tests.llc_sweeps", tmp_path / "kept"], env=environment)
    while not (tmp_path / "kept").exists() or len(list((tmp_path / "kept").glob("*.json"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()  # SIGKILL
    process.wait()
    kept = {path: path.read_bytes() for path in (tmp_path / "kept").glob("*.json")}
    assert 2 <= len(kept) < 6
    times = {path: path.stat().st_mtime_ns for path in kept}
    table = sweep(slowly, GRID, folder=tmp_path / "kept")
    assert table.identical(undisturbed)
    assert {path: path.stat().st_mtime_ns for path in kept} == times, "what was there is not computed again"


def test_a_full_disk_keeps_what_was_there_and_what_comes_when_there_is_room(tmp_path):
    resource = pytest.importorskip("resource")
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    seen = []

    def filling(a):
        if a == 2:
            seen.append({path.name: path.read_bytes() for path in tmp_path.iterdir()})
        if a in (2, 4):
            resource.setrlimit(resource.RLIMIT_FSIZE, (0 if a == 2 else most, most))
        return a

    try:
        with pytest.warns(UserWarning, match=r"a point cannot be kept in .*File too large.*waits in memory") as said:
            table = sweep(filling, {"a": range(6)}, folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(said) == 1 and table.value.values.tolist() == list(range(6))
    assert len(names(tmp_path)) == 6 and len(seen[0]) == 2
    assert all((tmp_path / name).read_bytes() == content for name, content in seen[0].items())
    assert sweep(filling, {"a": range(6)}, folder=tmp_path).identical(table) and len(seen) == 1


def test_a_disk_that_stays_full_gives_the_answer_and_says_so(tmp_path, monkeypatch):
    sweep(flat, {"a": [1, 2]}, folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(a, b=0):
        def fails(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, "fsync", fails)
        return flat(a, b)

    with pytest.warns(UserWarning) as said:
        table = sweep(full, {"a": [1, 2, 3]}, folder=tmp_path)
    assert len(said) == 2 and "the sweep goes on" in str(said[0].message)
    assert re_said(said[1], "3 points are not in", "No space left on device", "save the answer")
    assert table["sum"].values.tolist() == [1, 2, 3]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def re_said(warning, *words):
    return all(word in str(warning.message) for word in words)


@pytest.mark.parametrize("swallowed", [False, True])
def test_an_interrupt_keeps_what_is_done(tmp_path, swallowed):
    def interrupted(a):
        if a == 2 and not (tmp_path / "once").exists():
            (tmp_path / "once").touch()
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:  # as estimate_llc does, which returns what it has
                if not swallowed:
                    raise
        return a

    table = sweep(interrupted, {"a": range(4)}, folder=tmp_path / "kept")
    assert table.attrs["partial"] == 1 and table.status.values.tolist() == ["done"] * 2 + ["not computed"] * 2
    assert table.value.values[:2].tolist() == [0, 1] and np.isnan(table.value[2:]).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    table = sweep(interrupted, {"a": range(4)}, folder=tmp_path / "kept")
    assert table.attrs["partial"] == 0 and table.value.values.tolist() == [0, 1, 2, 3]


def test_an_interrupted_estimate_is_not_kept(tmp_path, monkeypatch):
    step, stopped = SGLD.step, []

    def interrupting(self, *arguments):
        stopped.append(1)
        if len(stopped) == 60:
            raise KeyboardInterrupt
        return step(self, *arguments)

    def estimates(seed):
        return estimate_llc(lambda w: (w**2).sum(), at=torch.zeros(2), nbeta=100.0, sampler=SGLD(1e-2), num_chains=2,
                            num_draws=20, num_burnin_steps=5, seed=seed)  # fmt: skip

    monkeypatch.setattr(SGLD, "step", interrupting)
    table = sweep(estimates, {"seed": range(4)}, folder=tmp_path)
    assert table.status.values.tolist() == ["done"] * 2 + ["not computed"] * 2
    assert np.isfinite(sweep(estimates, {"seed": range(4)}, folder=tmp_path).llc).all()


def test_nothing_done_is_an_interrupt(tmp_path):
    def interrupted(a):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(interrupted, {"a": [1]}, folder=tmp_path)
    assert not names(tmp_path)


NOTEBOOK = """
import time
from sltcourse.llc import sweep

def slow(a):
    print("point", a, flush=True)
    time.sleep(0.01 if a < 2 else 60)
    return a

table = sweep(slow, {"a": range(4)}, folder=FOLDER)
print(table.attrs["partial"], table.status.values.tolist())
"""


def test_an_interrupt_in_a_notebook_keeps_what_is_done(tmp_path):
    from jupyter_client.manager import start_new_kernel

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    manager, client = start_new_kernel(env=environment, cwd=tmp_path)
    try:
        client.execute(NOTEBOOK.replace("FOLDER", repr(str(tmp_path / "kept"))))
        said = ""
        while "\n0 [" not in said and "\n1 [" not in said:
            message = client.get_iopub_msg(timeout=120)
            said += message["content"].get("text", "")
            assert message["msg_type"] != "error", message["content"]
            if "point 2" in message["content"].get("text", ""):
                manager.interrupt_kernel()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert said.endswith("1 ['done', 'done', 'not computed', 'not computed']\n")
    assert len(names(tmp_path / "kept")) == 2


def test_one_nan_chain_among_many_is_said_and_left_out(monkeypatch):
    step, taken = SGLD.step, []

    def breaking(self, state, *rest):
        out = step(self, state, *rest)
        taken.append(1)
        if len(taken) == 40:
            state.w[3] = torch.nan
        return out

    def estimate():
        return estimate_llc(lambda w: (w**2).sum(), at=torch.zeros(2), nbeta=100.0, sampler=SGLD(1e-2), num_chains=8,
                            num_draws=60, num_burnin_steps=20)  # fmt: skip

    whole = estimate()
    monkeypatch.setattr(SGLD, "step", breaking)
    result = estimate()
    others = [k for k in range(8) if k != 3]
    assert list(result.diverged) == [3] and "diverged" in str(result.verdict)
    assert np.isnan(result.llc_per_chain[3]) and result.llc == pytest.approx(result.llc_per_chain[others].mean())
    np.testing.assert_allclose(result.llc_per_chain[others], whole.llc_per_chain[others], rtol=1e-9)


@pytest.mark.parametrize("error", [MemoryError("no memory"), torch.OutOfMemoryError("no memory")])
def test_memory_exhausted_halves_the_chains_and_says_so(error):
    """Four chains are too many for this memory."""
    model = torch.nn.Linear(2, 1)
    inputs = torch.arange(12.0).reshape(6, 2) / 10

    def loss(output, target):
        return (output - target).square().mean()

    chains = importlib.import_module("sltcourse.llc.chains")
    made = []

    class Small(chains.Group):
        def __init__(self, target, sampler, generator, loss_at_center, *more):
            made.append(len(loss_at_center))
            if len(loss_at_center) > 3:
                raise error
            super().__init__(target, sampler, generator, loss_at_center, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("sltcourse.llc.sample"), "Group", Small)
        result = estimate_llc(model, (inputs, inputs.sum(1, keepdim=True)), loss, num_chains=8, num_draws=20,
                              sampler=SGLD(1e-3), num_burnin_steps=5)  # fmt: skip
    assert made[:2] == [8, 4] and max(made[2:]) <= 2 and result.loss_trace.shape == (8, 20)
    assert any("did not fit the memory together: they ran 2 at a time" in note for note in result.notes)


# ---- workers


@pytest.fixture(scope="module")
def workers():
    pytest.importorskip("distributed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster_room, "cuda_devices", lambda: ["4", "7"])
        cluster = local_cluster()
    with cluster:
        yield cluster


def test_workers_give_what_this_process_gives(tmp_path, workers):
    table = sweep(measure, GRID, folder=tmp_path / "by workers", client=workers)
    assert table.identical(sweep(measure, GRID, folder=tmp_path / "here"))
    by_workers, here = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("by workers", "here")
    )
    assert by_workers == here
    with workers.get_client() as client:
        assert sweep(measure, GRID, folder=tmp_path / "by workers", client=client).identical(table)
        with pytest.raises(ValueError, match=r"no worker has 1 of 'TPU': start them with --resources TPU=1"):
            sweep(measure, GRID, folder=tmp_path / "other", client=client, resources={"TPU": 1})
    with pytest.raises(ValueError, match="client is closed"):
        sweep(measure, GRID, folder=tmp_path / "other", client=client)
    assert not (tmp_path / "other").exists()


@unix
def test_a_killed_worker_loses_nothing(tmp_path, workers):
    marks = str(tmp_path)

    def deadly(depth, seed):
        import os
        import signal

        try:  # the first worker that comes here dies of it
            os.close(os.open(f"{marks}/died at {seed}", os.O_CREAT | os.O_EXCL))
            if seed == 1 and depth == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            pass
        return measure(depth, seed)

    table = sweep(deadly, GRID, folder=tmp_path / "kept", client=workers)
    wanted = sweep(measure, GRID, folder=tmp_path / "undisturbed")
    assert (table.status == "done").all() and len(names(tmp_path / "kept")) == 6
    assert table.drop_attrs().identical(wanted.drop_attrs())


def test_what_cannot_be_sent_is_said_before_any_work(tmp_path, workers):
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"the function \S+ cannot be sent to a worker: .*lock"):
        sweep(lambda a: lock.acquire(), {"a": [1]}, folder=tmp_path, client=workers)
    assert not names(tmp_path)


@unix
def test_an_interrupt_drops_what_workers_are_at(tmp_path, workers):
    def slow(a):
        import time

        time.sleep(0.05 if a < 2 else 1.5)
        return a

    def kept():
        return len(list(tmp_path.glob("*.json")))

    def interrupt():
        while kept() < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    table = sweep(slow, {"a": range(9)}, folder=tmp_path, client=workers)
    thread.join()
    done = table.status == "done"  # which points these are is the scheduler's choice
    assert table.attrs["partial"] == 1 and done.sum() == kept() and 2 <= done.sum() < 9
    assert (table.value[done] == table.a[done]).all() and np.isnan(table.value[~done]).all()


def test_each_worker_sees_one_device(tmp_path, workers):
    """The cluster of these tests was started as on a machine of two devices, of which we see the fourth and seventh."""

    def device(a):
        import os
        import time

        time.sleep(0.2)
        return int(os.environ["CUDA_VISIBLE_DEVICES"])

    table = sweep(device, {"a": range(6)}, folder=tmp_path, client=workers, resources={"GPU": 1})
    assert set(table.value.values.tolist()) == {4, 7}
    with pytest.raises(ValueError, match=r"no worker has 2 of 'GPU'"):
        sweep(device, {"a": range(6)}, folder=tmp_path, client=workers, resources={"GPU": 2})


def test_devices_and_numbers_of_workers(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 7")
    assert cluster_room.cuda_devices() == ["4", "7"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert cluster_room.cuda_devices() == ["0", "1"]
    pytest.importorskip("distributed")
    with pytest.raises(ValueError, match="there are 2 CUDA devices, and 3 workers would share them"):
        local_cluster(3)
    for bad in (0, 1.5, True, "two"):
        with pytest.raises(ValueError, match="must be a whole number"):
            local_cluster(bad)
