import os
import signal
import sys
import time
from multiprocessing import resource_tracker

import pytest

from skdqm.benchmark._workers import Died, spread


def square(number):
    return number**2


def square_or_die(number):
    if number == 2:
        os._exit(9)
    return number**2, os.getpid()


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_unit_is_done_once_by_any_number_of_processes(jobs):
    assert sorted(spread(square, range(4), jobs)) == [(n, n**2) for n in range(4)]


def test_nothing_to_do_ends_at_once():
    assert list(spread(square, [], 2)) == []


def test_a_process_that_dies_costs_its_own_unit_only():
    results = dict(spread(square_or_die, range(5), 2))
    assert isinstance(results.pop(2), Died)
    assert {unit: result for unit, (result, _) in results.items()} == {0: 0, 1: 1, 3: 9, 4: 16}
    assert os.getpid() not in {process for _, process in results.values()}


def process_id(seconds):
    time.sleep(seconds)
    return os.getpid()


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_processes_end_with_the_loop_even_when_busy():
    results = spread(process_id, [0, 0, 60, 60], 2)
    processes = {next(results)[1] for _ in range(2)}
    results.close()
    assert not any(map(is_running, processes))


def ignores_interrupts(number):
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(sys.platform == "win32", reason="no masks of signals")
def test_an_interrupt_reaches_this_process_alone(monkeypatch):
    # The first process of a run starts the tracker of resources with it, as if in a fresh program.
    tracker = resource_tracker.ResourceTracker()
    for name in ("ensure_running", "getfd"):
        monkeypatch.setattr(resource_tracker, name, getattr(tracker, name))
    assert dict(spread(ignores_interrupts, [1, 2], 2)) == {1: True, 2: True}
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
