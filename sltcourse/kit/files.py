"""Small files that survive whatever happens while they are written: a crash, a full disk, a second process."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


def write(path: str | os.PathLike[str], text: str) -> None:
    """Replace the content of the file ``path`` by ``text`` (UTF-8), wholly or not at all.

    The text goes to a temporary file in the same folder, is brought to the disk, and takes the name ``path`` in one
    step; a link keeps pointing to its file, and a file keeps its permissions. When anything fails, the old content
    stays. Raises OSError where the folder cannot be written to or the disk is full.
    """
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(new, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, new)
        os.replace(new, target)
    except BaseException:  # an interrupt leaves nothing behind either
        with contextlib.suppress(OSError):
            new.unlink()
        raise


@contextlib.contextmanager
def locked(lock: str | os.PathLike[str], seconds: float) -> Iterator[None]:
    """Hold the lock file ``lock`` in a ``with`` block: only one process at a time gets into it.

    The system takes the lock from a process that ends, however it ends. Raises TimeoutError when another process
    holds the lock for ``seconds``, OSError where the folder cannot be written to, and NotImplementedError on a file
    system without locks.
    """
    from filelock import FileLock  # it takes a tenth of a second to load

    with FileLock(lock, timeout=seconds):
        yield
