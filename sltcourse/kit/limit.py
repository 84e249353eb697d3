"""Computations with a time limit, for answers that nobody has seen before: formulas, and functions of a learner."""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

CPU_SECONDS = 5  # of computing: a busy machine changes no verdict
SECONDS = 30.0  # in all
_HERE = os.path.dirname(__file__)
_AGAIN = 0.05  # seconds until a computation that has caught its own end is told again

_in_copy = False


class TooLong(Exception):
    """The computation came to no end within its time."""


class _Late(BaseException):
    """Stops a learner's function from outside; "except Exception" does not catch it."""


@contextlib.contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """A block that is stopped after ``seconds``, with TooLong; it runs in this process and thread.

    In the main thread a signal stops it, even while it waits, and even if it catches all exceptions. In another
    thread, and on Windows, it is stopped at the next step of Python, unless it catches them all. A single call into a
    library that computes by itself (one product of huge matrices) is stopped when it returns.
    """
    signals = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    try:
        with _numpy_as_it_was(), (_by_signal if signals else _by_thread)(seconds):
            yield
    except _Late:
        raise TooLong from None


def _numpy_as_it_was() -> Any:
    """A block after which numpy treats errors as before, should the end fall into numpy's own ``errstate``."""
    numpy = sys.modules.get("numpy")
    return contextlib.nullcontext() if numpy is None else numpy.errstate()


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    running, begun, trace = True, time.monotonic(), sys.gettrace()

    def raises(_: FrameType, event: str, __: object) -> Any:
        if event == "line":
            raise _Late
        return raises

    def late(_: int, frame: FrameType | None) -> None:
        if not running:
            return
        if time.monotonic() - begun > seconds + _AGAIN / 2:  # caught: raise it once more, in the line after that
            sys.settrace(lambda *_: None)
            while frame is not None and os.path.dirname(frame.f_code.co_filename) != _HERE:
                frame.f_trace = raises
                frame = frame.f_back
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        running = False
        sys.settrace(trace)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        if left:  # somebody else's clock goes on
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 0.001), every)


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    done, thread = threading.Event(), ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_Late))
            wait = _AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)


def limited(function: Callable[..., str | None], *arguments: Any) -> str | None:
    """``function(*arguments)``, a text or None, computed in a copy of this process that can be ended.

    A signal or a thread could not end a power such as 10**10**10, which Python computes in one step. The copy
    (``os.fork``) sees all that this process has, and nothing that it changes comes back. Raises TooLong after
    ``CPU_SECONDS`` of computing or ``SECONDS`` in all, and RuntimeError with the error's text where the function
    raises one. Where processes cannot be copied (Windows), and within a copy, the function is called without a limit.
    """
    reader, writer = os.pipe()
    try:
        child = None if _in_copy else _forked(reader, writer, function, arguments)
    finally:
        os.close(writer)
    try:
        if child is None:
            return function(*arguments)
        said = _read(reader, time.monotonic() + SECONDS)
    finally:
        os.close(reader)
        if child is not None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if not said:
        raise TooLong
    result = json.loads(said)
    if "error" in result:
        raise RuntimeError(result["error"])
    text: str | None = result["said"]
    return text


def _forked(reader: int, writer: int, function: Callable[..., str | None], arguments: tuple[Any, ...]) -> int | None:
    """The process id of a copy that computes; None where there can be no copy."""
    if not hasattr(os, "fork"):
        return None
    # No interrupt may wake the copy up as a second notebook: it lives with interrupts blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other threads are not copied, and none of them is needed
            child = os.fork()
        if child == 0:
            os.close(reader)
            _compute(writer, function, arguments)
    except OSError:  # no room for another process
        return None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def _compute(writer: int, function: Callable[..., str | None], arguments: tuple[Any, ...]) -> NoReturn:
    """In the copy: compute within the limit, send the result, and end without a trace."""
    global _in_copy
    try:
        import gc
        import resource

        _in_copy = True
        gc.freeze()  # what belongs to the notebook is not for the copy to clean up
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        try:
            result = {"said": function(*arguments)}
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        with open(writer, "wb") as pipe:
            pipe.write(json.dumps(result).encode())
    finally:
        os._exit(0)


def _read(reader: int, until: float) -> bytes:
    """All that a copy has to say; nothing if it takes longer than ``until``."""
    said = bytearray()
    while select.select([reader], [], [], max(until - time.monotonic(), 0))[0]:
        piece = os.read(reader, 65_536)
        if not piece:
            return bytes(said)
        said += piece
    return b""


def is_symbolic(answer: object) -> bool:
    """Whether a value is of sympy, or has something of sympy in it: what may take for ever to compute with."""
    sympy = sys.modules.get("sympy")
    if sympy is None:
        return False
    if isinstance(answer, (sympy.Basic, sympy.MatrixBase, sympy.NDimArray)):
        return True
    return any(map(is_symbolic, parts(answer)))


def parts(answer: object) -> list[Any]:
    """What is in a list, tuple, set, dict (its keys and values) or an array of objects; else nothing."""
    if isinstance(answer, dict):
        return [*answer.keys(), *answer.values()]
    if isinstance(answer, (list, tuple, set, frozenset)):
        return list(answer)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(answer, numpy.ndarray) and answer.dtype.kind == "O":
        return list(answer.flat)
    return []
