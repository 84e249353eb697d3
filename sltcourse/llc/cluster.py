"""Workers for a sweep, by Dask: the clusters of this machine, and a sweep's points sent to any cluster."""

import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from sltcourse.llc.points import Point, name_of
from sltcourse.llc.posterior import whole
from sltcourse.llc.stored import LONGEST, Arriving, Record, computed

if TYPE_CHECKING:
    from distributed import Client, LocalCluster


def local_cluster(workers: int | None = None) -> "LocalCluster":
    """A Dask cluster on this machine, for ``sweep(..., client=cluster)``: workers of one thread each.

    Where there are CUDA devices, each worker sees one of them alone; else there is a worker for each core.
    ``workers``: how many, if not as many as that. Close it, or use it in a ``with`` block. In a script it stands under
    ``if __name__ == "__main__":``, as all that starts processes.

    Raises ImportError without Dask, ValueError for a number that will not do.
    """
    distributed = _distributed()
    import dask

    devices = cuda_devices()
    workers = None if workers is None else whole("workers", workers, 1)
    if devices and workers is not None and workers > len(devices):
        raise ValueError(f"there are {len(devices)} CUDA devices, and {workers} workers would share them.")

    class OneDevice(distributed.Nanny):  # type: ignore[name-defined,misc]  # loaded where it is used
        """A worker that sees one CUDA device."""

        def __init__(self, *args: Any, name: Any = 0, env: Any = None, **options: Any):
            env = {**(env or {}), "CUDA_VISIBLE_DEVICES": devices[int(name) % len(devices)]}
            super().__init__(*args, name=name, env=env, resources={"GPU": 1}, **options)

    own = {"worker_class": OneDevice, "n_workers": workers or len(devices)} if devices else {"n_workers": workers}
    # No point waits at a worker, which may die. No profiler looks at it a hundred times a second, as is Dask's default.
    settings = {"distributed.scheduler.worker-saturation": 1.0, "distributed.worker.profile.enabled": False}
    with dask.config.set(settings):
        cluster: LocalCluster = distributed.LocalCluster(
            threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR, **own
        )
    return cluster


def cuda_devices() -> list[str]:
    """The CUDA devices that this process sees, as CUDA_VISIBLE_DEVICES names them."""
    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return named[:count] if named else [str(k) for k in range(count)]


@contextlib.contextmanager
def connected(client: Any, resources: Mapping[str, float] | None) -> Iterator["Client"]:
    """A Dask client of a client or a cluster. Raises TypeError and ValueError where none can work."""
    distributed = _distributed()
    with contextlib.ExitStack() as stack:
        if isinstance(client, distributed.deploy.Cluster):
            client = stack.enter_context(distributed.Client(client, set_as_default=False))
        if not isinstance(client, distributed.Client):
            raise TypeError(
                f"client is a {type(client).__name__}; give a distributed.Client, say Client('tcp://head:8786'), "
                "or local_cluster(), or nothing."
            )
        if client.asynchronous:
            raise ValueError("client is asynchronous: give one made without asynchronous=True.")
        if client.status != "running":
            raise ValueError(f"client is {client.status}: connect it anew.")
        have = [worker["resources"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
        for name, amount in (resources or {}).items():
            if have and not any(own.get(name, 0) >= amount for own in have):
                raise ValueError(
                    f"no worker has {amount:g} of {name!r}: start them with --resources {name}={amount:g}."
                )
        yield client


def must_be_sendable(function: Callable[..., Any], todo: list[Point]) -> None:
    """Raises TypeError where the function, or a value of the grid, cannot be sent to a worker."""
    import cloudpickle

    values = {(name, label): point.arguments[name] for point in todo for name, label in point.labels.items()}
    for what, value in [(f"the function {name_of(function)}", function), *values.items()]:
        try:
            cloudpickle.dumps(value)
        except Exception as error:
            said = what if isinstance(what, str) else f"grid[{what[0]!r}][{what[1]!r}]"
            raise TypeError(f"{said} cannot be sent to a worker: {error}. Open files, locks and the like belong "
                            "into the function.") from error  # fmt: skip


def through(
    client: "Client", function: Callable[..., Any], todo: list[Point], resources: Mapping[str, float] | None
) -> Arriving:
    """All points by a Dask client, in the order in which they are done."""
    distributed = _distributed()
    mark = secrets.token_hex(4)  # an error that a scheduler remembers of an earlier sweep is not taken for this one's
    of = {f"{name_of(function)}-{point.identity[:16]}-{mark}": point for point in todo}
    futures = client.map(
        partial(_on_worker, function, os.getpid()),
        todo,
        key=list(of),
        pure=False,
        resources=dict(resources) if resources else None,
    )
    try:
        for future in distributed.as_completed(futures, loop=client.loop):
            record = _outcome(future)
            future.release()
            yield of[future.key], record
    finally:
        if client.status == "running":
            client.cancel([future for future in futures if not future.done()])


def _on_worker(function: Callable[..., Any], sender: int, point: Point) -> Record:
    """A point, in a worker; the progress bars of several processes would only disturb each other."""
    if os.getpid() != sender:
        os.environ["TQDM_DISABLE"] = "1"
    return computed(function, point.arguments)


def _outcome(future: Any) -> Record:
    """What came of a point that was sent away."""
    if future.status == "finished":
        record: Record = future.result()
        return Record(failure="the worker was interrupted") if record.partial else record
    if future.status == "cancelled":
        return Record(failure="cancelled: the client lost the cluster, or somebody cancelled the point")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Record(failure="every worker that took it died, most likely for want of memory (KilledWorker)")
    return Record(failure=f"{type(error).__name__}: {error}"[:LONGEST])


def _distributed() -> Any:
    """The package of Dask's scheduler. Raises ImportError, with what to do."""
    try:
        import distributed
    except ImportError as error:
        raise ImportError('this needs Dask: pip install "sltcourse[dask]", or leave client out.') from error
    return distributed
