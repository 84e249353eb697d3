"""A limit on the time that a computation may take, even in the middle of one long call of sympy."""

import contextlib
import contextvars
import ctypes
import queue
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import NoReturn, TypeVar

T = TypeVar("T")

_CLOCK_FACTOR = 10  # after so many times the limit by the clock on the wall it is over in any case
LONGEST = 1e9  # seconds, thirty years: as good as no limit, and a time that a clock can be set to
_TICK = 0.001  # seconds: the shortest wait between two looks at the clocks
_PATIENCE = 100  # a planted exception arrives within a few steps of the interpreter


class _TimeUp(BaseException):
    """The time of one call of `within` is over. No Exception, so that no ``except Exception`` on the way takes it."""


class _Limit:
    """One call of `within`: its thread, when it ends by that thread's clock and by the one on the wall."""

    def __init__(self, seconds: float):
        self.thread = threading.get_ident()
        self.exception: type[_TimeUp] = type("_TimeUp", (_TimeUp,), {})  # nested limits do not catch each other's
        self.used = _clock(self.thread)
        self.end = self.used() + seconds
        self.last = time.monotonic() + _CLOCK_FACTOR * seconds
        self.done = False

    def remaining(self) -> float:
        try:
            return min(self.end - self.used(), self.last - time.monotonic())
        except OSError:  # the thread has ended
            return 0.0


_lock = threading.Lock()
_active: dict[_Limit, None] = {}
_planted: dict[int, _Limit] = {}  # {thread: the limit whose exception is on its way there}
_wake: queue.SimpleQueue[None] = queue.SimpleQueue()  # an exception that arrives in put() leaves no lock behind
_watchdog: threading.Thread | None = None


def within(seconds: float, function: Callable[..., T], *arguments: object) -> T:
    """``function(*arguments)``, or TimeoutError after ``seconds`` of computing in this thread.

    What counts is the processor time of the calling thread, so that neither a busy machine nor other threads change a
    result (where the system has no such clock, the time on the wall). After ten times as long by the clock on the wall
    it is over in any case. Calls may be nested, in any thread. Only TimeoutError leaves this function, never an
    exception of another kind that it made itself; one long operation inside C code (the product of two huge numbers)
    is waited for.

    The function runs in a copy of the context, since the end may fall into the middle of a ``with`` statement of some
    library, whose changes (numpy's ``errstate``, say) would otherwise stay.

    A watching thread plants an exception in the calling one. All places where it can arrive lie inside this one
    function, which is why it takes a function, and is not used as ``with …``.
    """
    _start_watchdog()
    limit = _Limit(seconds)
    try:
        try:
            _active[limit] = None
            _wake.put(None)
            return contextvars.copy_context().run(function, *arguments)
        finally:
            with _lock:
                limit.done = True
            _active.pop(limit, None)
            if _planted.get(limit.thread) is limit and not isinstance(sys.exception(), limit.exception):
                for _ in range(_PATIENCE):  # it may be on its way: let it arrive here
                    time.sleep(0)
                _planted.pop(limit.thread, None)  # it has arrived long ago, and something on the way took it
    except limit.exception:
        _active.pop(limit, None)
        _planted.pop(limit.thread, None)
        raise TimeoutError(f"stopped after {seconds:g} s") from None


def _start_watchdog() -> None:
    """One thread watches all limits; it is made at the first call, and again in a forked process."""
    global _watchdog
    with _lock:
        if _watchdog is None or not _watchdog.is_alive():
            _watchdog = threading.Thread(target=_watch, name="sltcourse time limits", daemon=True)
            _watchdog.start()


def _watch() -> None:
    while True:
        limits = list(_active)
        with contextlib.suppress(queue.Empty):
            _wake.get(timeout=max(_TICK, min([3600.0, *(limit.remaining() for limit in limits)])))
        for limit in limits:
            if limit.remaining() <= 0:
                _plant(limit)


def _plant(limit: _Limit) -> None:
    with _lock:  # a thread that has another limit's exception on its way gets this one's later
        if not limit.done and limit in _active and limit.thread not in _planted:
            _planted[limit.thread] = limit
            del _active[limit]
            thread, kind = ctypes.c_ulong(limit.thread), ctypes.py_object(limit.exception)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, kind)


def _clock(thread: int) -> Callable[[], float]:
    """The processor time of a thread, in seconds; where the system does not tell, the time on the wall."""
    try:
        number = time.pthread_getcpuclockid(thread)
        time.clock_gettime(number)
    except (AttributeError, OSError):
        return time.monotonic
    return lambda: time.clock_gettime(number)


def _stop() -> NoReturn:
    raise TimeoutError


class Budget:
    """A number of seconds that several steps share; each is run by `within` for what is left."""

    def __init__(self, seconds: float):
        if isinstance(seconds, bool) or not isinstance(seconds, int | float | Fraction) or not seconds > 0:
            raise ValueError(f"seconds is {seconds!r}; it must be a positive number, the longest time to think")
        self.seconds = float(min(seconds, LONGEST))
        self._used = _clock(threading.get_ident())
        self._end = self._used() + self.seconds

    @property
    def left(self) -> float:
        """What is left, in seconds of processor time of the thread that made this; 0 or less if nothing is."""
        return self._end - self._used()

    def run(self, function: Callable[..., T], *arguments: object, share: float = 1.0) -> T:
        """``function(*arguments)`` within that ``share`` of what is left, or TimeoutError."""
        left = self.left * share
        try:
            return within(left, function, *arguments) if left > 0 else _stop()
        except TimeoutError:
            raise TimeoutError(f"stopped after {self.seconds * share:g} s") from None
