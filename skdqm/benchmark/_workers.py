"""Work spread over processes that may die: of memory, of a fault in compiled code, or killed."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any, TypeVar

# Seconds that a process has to end by itself.
PATIENCE = 2.0

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class Died:
    """What stands in for a result when the process ended before it had one."""


def spread(
    work: Callable[[Unit], Result], units: Iterable[Unit], jobs: int
) -> Iterator[tuple[Unit, Result | Died]]:
    """Do units of work; yield each with its result as soon as it is there.

    Parameters
    ----------
    work : callable
        A function of a module, which raises nothing.
    units : iterable
        What it takes, in the order in which they start.
    jobs : int
        Processes; with 1 the work is done in this one.

    Yields
    ------
    unit : object
        One of `units`.
    result : object
        What `work` returned for it, or :class:`Died`.
    """
    queue = iter(units)
    if jobs == 1:
        yield from ((unit, work(unit)) for unit in queue)
        return
    busy: dict[Connection, _Worker] = {}
    try:
        for unit in islice(queue, jobs):
            _Worker(work).begin(unit, busy)
        while busy:
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]  # only pipes were waited for
                unit, result = worker.unit, worker.result()
                worker.go_on(queue, busy)
                yield unit, result
    finally:
        for worker in busy.values():
            worker.end()


class _Worker:
    """A process that is busy with one unit at a time."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        # Spawned, not forked: threads of torch do not survive a fork.
        context = get_context("spawn")
        self.work, self.died = work, False
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(work, theirs), daemon=True)
        with _deaf_to_interrupts():
            self.process.start()
        theirs.close()  # The process alone holds it: its death ends the pipe.

    def begin(self, unit: Any, busy: "dict[Connection, _Worker]") -> None:
        self.unit = unit
        busy[self.pipe] = self
        with suppress(OSError):  # The death of the process shows when its result is asked for.
            self.pipe.send(unit)

    def result(self) -> Any:
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            # Its pipe ends before the system counts it among the dead.
            self.died = True
            return Died()

    def go_on(self, queue: Iterator[Any], busy: "dict[Connection, _Worker]") -> None:
        """Take the next unit, in a new process if this one is dead; end where there is none."""
        del busy[self.pipe]
        for unit in islice(queue, 1):
            worker = _Worker(self.work) if self.died else self
            worker.begin(unit, busy)
            if worker is self:
                return
        self.end()

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(PATIENCE)
        self.process.kill()  # where compiled code was deaf to the first signal
        self.process.join()


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    # An orderly end: locks that libraries made would be reported as leaked otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Thread(target=_die_with_parent, daemon=True).start()
    with suppress(EOFError):
        while True:
            pipe.send(work(pipe.recv()))


def _die_with_parent() -> None:
    """Leave nothing at work when the parent is killed."""
    parent = parent_process()
    if parent:
        parent.join()
    os._exit(1)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: the parent, which it does, ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starts with the first process otherwise, and lets interrupts through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
