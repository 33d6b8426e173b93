"""Verdicts for a task of an event loop, which may read them slower than they come."""

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from threading import Condition, Lock

from skdqm.exceptions import UsageError, WorkerError
from skdqm.streaming._verdict import Verdict, Verdicts


class Mailbox:
    """Batches of verdicts on their way from the thread of a worker to a reader.

    Parameters
    ----------
    capacity : int
        Verdicts that may wait.
    waits : bool
        Whether the worker waits when it is full. Otherwise the oldest verdicts are dropped.

    Attributes
    ----------
    n_dropped : int
        Verdicts that were dropped.
    """

    def __init__(self, capacity: int, *, waits: bool) -> None:
        self.n_dropped = 0
        self._capacity, self._waits = capacity, waits
        self._batches: deque[Verdicts] = deque()
        self._n_waiting = 0
        self._has_ended = self._is_abandoned = False
        self._error: WorkerError | None = None
        self._changed = Condition()
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody reads any more."""
        return self._is_abandoned

    def put(self, verdicts: Verdicts) -> None:
        """Take verdicts, in the thread of the worker."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waits or self._has_room(len(verdicts)))
            self._batches.append(verdicts)
            self._n_waiting += len(verdicts)
            if not self._waits and not self._has_ended:
                self._drop_the_oldest()
        self._wake()

    async def get(self) -> Verdicts:
        """Return the next batch.

        Raises
        ------
        StopAsyncIteration
            When the worker has stopped, and all is read.
        WorkerError
            When it has failed, and all is read.
        """
        while True:
            self._arrived.clear()
            with self._changed:
                if self._batches:
                    return self._popped()
                if self._has_ended:
                    raise self._error or StopAsyncIteration
            await self._arrived.wait()

    def never_wait(self) -> None:
        """Take whatever comes from now on: the worker is to stop, and does not wait for readers."""
        with self._changed:
            self._capacity = 2**62
            self._changed.notify_all()

    def abandon(self) -> None:
        """Let the worker know that nobody reads any more."""
        self._is_abandoned = True
        self.never_wait()

    def end(self, error: WorkerError | None) -> None:
        """Let the reader know that no more will come, and whether something went wrong."""
        with self._changed:
            self._has_ended, self._error = True, error
        self._wake()

    def _has_room(self, n_verdicts: int) -> bool:
        return not self._batches or self._n_waiting + n_verdicts <= self._capacity

    def _drop_the_oldest(self) -> None:
        while self._n_waiting > self._capacity and len(self._batches) > 1:
            self.n_dropped += len(self._popped())

    def _popped(self) -> Verdicts:
        verdicts = self._batches.popleft()
        self._n_waiting -= len(verdicts)
        self._changed.notify_all()
        return verdicts

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is gone, and the reader with it
            self._loop.call_soon_threadsafe(self._arrived.set)


class Reader(AsyncIterator[Verdict]):
    """An asynchronous iterator over the verdicts in a mailbox.

    Parameters
    ----------
    mailbox : Mailbox
        It is abandoned when this is not referred to any more, as after a ``break``.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._batch: Iterator[Verdict] = iter(())
        weakref.finalize(self, mailbox.abandon).atexit = False

    async def __anext__(self) -> Verdict:
        verdict = next(self._batch, None)
        while verdict is None:
            await asyncio.sleep(0)  # other tasks have their turn between two batches
            self._batch = iter(await self._mailbox.get())
            verdict = next(self._batch, None)
        return verdict


class Readers:
    """All readers of a worker.

    Parameters
    ----------
    capacity : int
        Verdicts that may wait for each.
    waits : bool
        Whether the worker waits for one that is slow.
    """

    def __init__(self, capacity: int, *, waits: bool) -> None:
        self._capacity, self._waits = capacity, waits
        self._lock = Lock()
        self._mailboxes: list[Mailbox] = []
        self._ended: tuple[WorkerError | None] | None = None
        self._n_missed = 0

    @property
    def n_unread(self) -> int:
        """Verdicts that slow readers have missed."""
        with self._lock:
            return self._n_missed + sum(box.n_dropped for box in self._mailboxes)

    def open(self) -> Reader:
        """Return a reader of what comes from now on."""
        try:
            mailbox = Mailbox(self._capacity, waits=self._waits)
        except RuntimeError as error:
            raise UsageError(
                f"{error}: verdicts() is for asynchronous functions; elsewhere, give a callback"
            ) from error
        with self._lock:
            if self._ended is None:
                self._mailboxes.append(mailbox)
            else:
                mailbox.end(*self._ended)
        return Reader(mailbox)

    def put(self, verdicts: Verdicts) -> None:
        """Give verdicts to all readers, and forget those that are gone."""
        for mailbox in self._present():
            mailbox.put(verdicts)

    def never_wait(self) -> None:
        """Do not wait for readers any more."""
        with self._lock:
            self._waits = False
        for mailbox in self._present():
            mailbox.never_wait()

    def end(self, error: WorkerError | None) -> None:
        """Let readers know that this was all."""
        with self._lock:
            self._ended = (error,)
        for mailbox in self._present():
            mailbox.end(error)

    def _present(self) -> list[Mailbox]:
        with self._lock:
            gone = [mailbox for mailbox in self._mailboxes if mailbox.is_abandoned]
            self._n_missed += sum(mailbox.n_dropped for mailbox in gone)
            self._mailboxes = [box for box in self._mailboxes if not box.is_abandoned]
            return list(self._mailboxes)
