"""sweep: one function over a grid, here or on a cluster; what it gives is kept point by point, and it can go on.

def measure(checkpoint, seed, localization):
    model.load_state_dict(torch.load(f"step{checkpoint}.pt"))
    return estimate_llc(model, data, loss, seed=seed, localization=localization)

grid = {"checkpoint": [100, 200, 400], "seed": range(4), "localization": [1, 10]}
table = sweep(measure, grid, folder="runs")                                    # here, one after another
with local_cluster() as cluster:                                               # on all cores or GPUs of this machine
    table = sweep(measure, grid, folder="runs", client=cluster)
table = sweep(measure, grid, folder="runs", client=Client("tcp://head:8786"))  # on a cluster
table.llc.mean("seed")

The scheduler is Dask's (``pip install "sltcourse[dask]"``). On a cluster a worker of one thread takes one point at a
time. One GPU for each: start ``CUDA_VISIBLE_DEVICES=0 dask worker tcp://head:8786 --nthreads 1`` and so on for every
device, or ``dask cuda worker`` of the package dask-cuda, which does the same.
"""

import contextlib
import os
import secrets
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from sltcourse.kit import files
from sltcourse.llc.cluster import connected, must_be_sendable, through
from sltcourse.llc.points import Point, name_of, points
from sltcourse.llc.stored import Arriving, Record, computed, read, table, unlike, write
from sltcourse.progress import progress


def sweep(
    function: Callable[..., Any],
    grid: Mapping[str, Any],
    *,
    folder: str | os.PathLike[str] | None = None,
    client: Any = None,
    version: str = "",
    resources: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Call ``function`` at every point of ``grid``; keep what it returns, point by point, as it arrives.

    ``grid``: for each argument of the function its values: numbers or strings, or a dict that gives other values
    (checkpoints, samplers) such labels. The function returns what ``estimate_llc`` does, a number, or a dict of
    numbers, strings and arrays; it should take its random numbers from a seed in the grid.
    ``folder``: where the points are kept, one file each; None: ``sweeps/<name of the function>``. A sweep that was
    stopped, however, goes on where it was: call it again. A point is known by the function's name and code, its
    arguments and ``version``; change ``version`` when data or other functions change. A file that was truncated or
    altered is computed again, and so is a point that failed.
    ``client``: a ``distributed.Client``, or a cluster; None: here, one after another. ``resources``: what each point
    takes of a worker, as the workers were told, say {"GPU": 1}.

    Returns a Dataset over the grid's dimensions: of estimates ``llc``, ``std_error``, ``rhat``, ``ess``, ``verdict``,
    ``reasons``, ...; else the names that the function gave (``value`` for a number; with an underscore behind one that
    the grid has too). ``status`` is "done", "failed" or
    "not computed", and ``failure`` says why; where nothing is known stands nan or "". A point that fails stops no
    other one; a warning says how many there were, or that some could not be kept. The attribute ``recomputed`` counts
    damaged files.

    An interrupt returns what there is, with the attribute ``partial`` = 1; what workers were at is dropped.
    Raises TypeError and ValueError for what is no grid, no such function or no client, TypeError for a function that
    cannot be sent, OSError for a folder that cannot be written to, ImportError without Dask, all before any point is
    computed; RuntimeError where every point failed; KeyboardInterrupt where nothing is there yet.
    """
    labels, todo = points(function, grid, version)
    if client is None and resources is not None:
        raise ValueError("resources are those of a cluster's workers: give a client too.")
    with contextlib.nullcontext() if client is None else connected(client, resources) as workers:
        if workers is not None:
            must_be_sendable(function, todo)
        kept = _Kept(
            _writable(Path("sweeps", name_of(function)) if folder is None else Path(folder)), function, version
        )
        interrupted = False
        with progress(None, "sweep", total=len(todo)) as bar:
            every, todo = todo, [point for point in todo if not kept.has(point)]
            bar.update(len(kept.records))
            arriving = _here(function, todo) if workers is None else through(workers, function, todo, resources)
            try:
                with contextlib.closing(arriving):
                    for point, record in arriving:
                        kept.add(point, record)
                        bar.update(1)
            except KeyboardInterrupt:
                interrupted = True
                if not kept.records:
                    raise
    kept.say()
    said = unlike((point, kept.records[point.place]) for point in every if point.place in kept.records)
    if said:
        warnings.warn(said, stacklevel=2)
    out = table(labels, kept.records)
    out.attrs.update(function=kept.name, version=version, partial=int(interrupted), recomputed=kept.damaged)
    return out


class _Kept:
    """What is known of a sweep, and its folder."""

    def __init__(self, folder: Path, function: Callable[..., Any], version: str):
        self.folder, self.name, self.version = folder, name_of(function), version
        self.records: dict[tuple[int, ...], Record] = {}
        self.unwritten: list[Point] = []
        self.full = self.damaged = 0

    def has(self, point: Point) -> bool:
        """Whether the point was done before; a file that is damaged, or tells of a failure, does not count."""
        try:
            record = read(self._path(point), point.identity)
        except FileNotFoundError:
            return False
        self.damaged += record is None
        if record is None or record.failure:
            return False
        self.records[point.place] = record
        return True

    def add(self, point: Point, record: Record) -> None:
        """Keep a record. Where the disk is full it waits in memory, and is written once there is room."""
        self.records[point.place] = record
        self.unwritten.append(point)
        error = self._write()
        if error is not None and not self.full:
            text = f"a point cannot be kept in {self.folder} ({error.strerror}): it waits in memory, the sweep goes on."
            warnings.warn(text, stacklevel=3)
        self.full += error is not None

    def say(self) -> None:
        """Warn of what failed and of what is not on the disk. RuntimeError if there are nothing but failures."""
        error = self._write()
        if error is not None:
            text = f"{len(self.unwritten)} points are not in {self.folder} ({error.strerror}): save the answer."
            warnings.warn(text, stacklevel=3)
        failed = [record.failure for record in self.records.values() if record.failure]
        if not failed:
            return
        count = f"all {len(failed)}" if len(failed) == len(self.records) else f"{len(failed)} of {len(self.records)}"
        text = f"{count} points failed, the first one with {failed[0]}. status and failure say which and why."
        if len(failed) == len(self.records):
            raise RuntimeError(text)
        warnings.warn(text, stacklevel=3)

    def _write(self) -> OSError | None:
        """Write what is not on the disk yet. The error, where that cannot be."""
        while self.unwritten:
            point = self.unwritten[0]
            about = dict(function=self.name, version=self.version, point=point.labels, identity=point.identity)
            try:
                write(self._path(point), self.records[point.place], about)
            except OSError as error:
                return error
            del self.unwritten[0]
        return None

    def _path(self, point: Point) -> Path:
        return self.folder / f"{point.identity[:32]}.json"


def _here(function: Callable[..., Any], todo: list[Point]) -> Arriving:
    """All points one after another in this process."""
    for point in todo:
        with _interrupts() as came:
            record = computed(function, point.arguments)
        if came or record.partial:  # estimate_llc returns at an interrupt, with the draws that it has
            raise KeyboardInterrupt
        yield point, record


@contextlib.contextmanager
def _interrupts() -> Iterator[list[bool]]:
    """Note the interrupts (Ctrl-C) that come; they do what they always do."""
    came: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield came
        return

    def noted(number: int, frame: Any) -> None:
        came.append(True)
        before(number, frame)

    signal.signal(signal.SIGINT, noted)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def _writable(folder: Path) -> Path:
    """The folder, made if need be. Raises OSError where nothing can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{secrets.token_hex(4)}"
        files.write(probe, "")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"nothing can be kept in the folder {folder} ({reason}): give another") from error
    return folder
