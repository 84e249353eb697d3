"""A time limit stops what takes too long, and never lets anything out but TimeoutError."""

import random
import sys
import threading
import time

import numpy as np
import pytest

from sltcourse.theory.limits import Budget, within


def busy(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(50))
    return "done"


def test_limits_nest_and_leave_nothing_behind():
    with pytest.raises(TimeoutError, match=r"stopped after 0\.2 s"):
        within(0.2, within, 30, busy, 20)
    assert within(30, stopped_inside) == "done"
    assert within(0.05, int) == 0
    time.sleep(0.1)


def stopped_inside():
    with pytest.raises(TimeoutError):
        within(0.2, busy, 20)
    return busy(0.01)


def test_what_the_function_raises_and_returns_goes_through():
    assert within(1, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        within(1, divmod, 7, 0)
    with pytest.raises(KeyboardInterrupt):
        within(1, interrupted)


def interrupted():
    raise KeyboardInterrupt


def outcomes(count, seconds, seed, found):
    for k in range(count):
        try:
            found.append(within(seconds, busy, seconds * (0.7 + 0.05 * ((k + seed) % 7))))
        except TimeoutError:
            found.append("stopped")


def test_work_that_ends_just_at_the_limit_ends_or_is_stopped_and_nothing_else():
    """Blocks that end between 0.7 and 1 times the limit, in four threads at once: no private exception gets out."""
    found, failed = [], []

    def run(seed):
        try:
            outcomes(150, 0.004, seed, found)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    outcomes(150, 0.004, 9, found)
    for thread in threads:
        thread.join()
    assert not failed and set(found) <= {"done", "stopped"} and len(found) == 750


def test_a_limit_that_is_over_at_once_stops_nothing_else():
    """The exception may arrive in the first steps of ``within`` itself: no lock is left behind, no thread waits."""
    found = []

    def run(seed):
        rng = random.Random(seed)
        for _ in range(1000):
            try:
                found.append(within(10 ** rng.uniform(-7, -4), busy, 2e-5))
            except TimeoutError:
                found.append("stopped")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert len(found) == 3000 and set(found) == {"done", "stopped"}
    assert within(5, busy, 0.001) == "done"


def test_other_threads_change_no_result():
    """Half a second of work within 0.9 s, while two other threads keep the interpreter busy."""
    done = threading.Event()
    others = [threading.Thread(target=lambda: [busy(0.01) for _ in iter(done.is_set, True)]) for _ in range(2)]
    for thread in others:
        thread.start()
    try:
        assert within(0.9, busy, 0.5) == "done"
    finally:
        done.set()
        for thread in others:
            thread.join()


def test_a_budget_is_shared_by_its_steps():
    budget = Budget(0.3)
    assert budget.run(busy, 0.1) == "done" and 0 < budget.left < 0.21
    with pytest.raises(TimeoutError, match=r"stopped after 0\.3 s"):
        budget.run(busy, 10)
    with pytest.raises(TimeoutError, match=r"stopped after 0\.3 s"):
        budget.run(busy, 0)
    with pytest.raises(TimeoutError):
        Budget(10).run(busy, 5, share=0.01)


@pytest.mark.parametrize("seconds", [0, -1, "5", None, True, float("nan")])
def test_a_budget_is_a_positive_number(seconds):
    with pytest.raises(ValueError, match="seconds"):
        Budget(seconds)


def test_what_the_function_left_of_numpys_settings_does_not_stay():
    """As an end that arrives in the middle of numpy's own errstate would leave them."""

    def leaves_them_changed():
        np.seterr(invalid="raise")
        while True:
            pass

    before = np.geterr()
    with pytest.raises(TimeoutError):
        within(0.05, leaves_them_changed)
    assert np.geterr() == before and before["invalid"] != "raise"
