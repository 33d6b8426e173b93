"""The queue before a worker: bounded, in the order of submission, given out in bulk."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, RLock
from time import monotonic
from typing import Any

from skdqm.exceptions import WorkerError
from skdqm.streaming._errors import again

BLOCK, DROP_OLDEST, REJECT = "block", "drop_oldest", "reject"


@dataclass(slots=True)
class Chunk:
    """Some events that were submitted together.

    Attributes
    ----------
    events : ndarray of shape (n_events, n_features) or list
        The events.
    positions, about : list or None
        As long as the events.
    arrived : float
        When they came into the queue, by :func:`time.monotonic`.
    """

    events: Any
    positions: list[Any] | None = None
    about: list[Any] | None = None
    arrived: float = 0.0

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, part: slice) -> "Chunk":
        """Return a part of them."""
        positions = None if self.positions is None else self.positions[part]
        about = None if self.about is None else self.about[part]
        return Chunk(self.events[part], positions, about, self.arrived)


class EventQueue:
    """A bounded queue between the threads that submit and the one that judges.

    An event has an ordinal: how many came into the queue before it. Those that wait are always
    consecutive, because what is dropped is the oldest and what is rejected never came in.

    Parameters
    ----------
    capacity : int
        Events that may wait.
    when_full : {"block", "drop_oldest", "reject"}
        What happens to an event that finds it full.
    first : int, default=0
        Ordinal of the first event.
    """

    def __init__(self, capacity: int, when_full: str, first: int = 0) -> None:
        self.capacity, self.when_full = capacity, when_full
        self._n_dropped = self._n_rejected = 0
        self._started = self._first = self._next = first
        self._chunks: deque[Chunk] = deque()
        self._wanted: float = math.inf
        self._closed: WorkerError | None = None
        # One lock, which a signal handler may find in the hands of its own thread.
        lock = RLock()
        self._arrival, self._room = Condition(lock), Condition(lock)
        self._callers: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return self._next - self._first

    def counts(self) -> dict[str, int]:
        """Return the counts of this moment, by the names that the report has for them."""
        with self._arrival:
            return {
                "n_submitted": self._next - self._started + self._n_rejected,
                "n_dropped": self._n_dropped,
                "n_rejected": self._n_rejected,
            }

    def put(self, chunk: Chunk) -> int:
        """Take events by the policy of the queue, and return how many came in."""
        with self._arrival:
            taken = self._offer(chunk)
            while taken < len(chunk) and self.when_full == BLOCK:
                self._room.wait()
                taken += self._offer(chunk[taken:])
            self._n_rejected += len(chunk) - taken
            return taken

    async def aput(self, chunk: Chunk) -> int:
        """Do the same in an event loop, which goes on while this waits for room."""
        if self.when_full != BLOCK:
            return self.put(chunk)
        taken = 0
        while True:
            with self._arrival:
                taken += self._offer(chunk[taken:])
                if taken == len(chunk):
                    return taken
                room = self._future_of_room()
            await room

    def take(self, most: int, budget: float, timeout: float | None) -> tuple[int, list[Chunk]]:
        """Return the oldest events, and the ordinal of the first one.

        Parameters
        ----------
        most : int
            Events at most; for so many it waits.
        budget : float
            Seconds that an event may wait for others.
        timeout : float or None
            Seconds that this waits for the first event.

        Returns
        -------
        first : int
            Ordinal.
        chunks : list of Chunk
            Empty after the timeout, and when the queue is closed and empty.
        """
        with self._arrival:
            if self._wait_for(1, timeout) and len(self) < most:
                self._wait_for(most, self._chunks[0].arrived + budget - monotonic())
            return self._first, self._popped(most)

    def close(self, error: WorkerError) -> None:
        """Let nothing more in: whoever submits, or waits to, meets the error."""
        with self._arrival:
            self._closed = self._closed or error
            self._arrival.notify_all()
            self._tell_of_room()

    @property
    def is_done(self) -> bool:
        """Whether nothing waits, and nothing more comes in."""
        return self.is_closed and not len(self)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes in."""
        return self._closed is not None

    def drop_all(self) -> None:
        """Drop what waits."""
        with self._arrival:
            self._drop(len(self))

    def _offer(self, chunk: Chunk) -> int:
        """Take as many events as come in now."""
        if self._closed is not None:
            raise again(self._closed)
        taken = len(chunk)
        if self.when_full != DROP_OLDEST:
            taken = min(taken, self.capacity - len(self))
        if taken:
            chunk = chunk if taken == len(chunk) else chunk[:taken]
            chunk.arrived = monotonic()
            self._chunks.append(chunk)
            self._next += taken
        if len(self) > self.capacity:
            self._drop(len(self) - self.capacity)
        if len(self) >= self._wanted:
            self._arrival.notify()
        return taken

    def _drop(self, n_events: int) -> None:
        self._popped(n_events)
        self._n_dropped += n_events

    def _wait_for(self, n_events: int, timeout: float | None) -> bool:
        self._wanted = n_events
        self._arrival.wait_for(lambda: len(self) >= n_events or self.is_closed, timeout)
        self._wanted = math.inf
        return len(self) > 0

    def _popped(self, most: int) -> list[Chunk]:
        found = []
        left = min(most, len(self))
        self._first += left
        while left:
            chunk = self._chunks.popleft()
            if len(chunk) > left:
                self._chunks.appendleft(chunk[left:])
                chunk = chunk[:left]
            found.append(chunk)
            left -= len(chunk)
        self._tell_of_room()
        return found

    def _tell_of_room(self) -> None:
        self._room.notify_all()
        callers, self._callers = self._callers, []
        for call in callers:
            call()

    def _future_of_room(self) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        room: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is gone, and nobody waits
                loop.call_soon_threadsafe(_settle, room)

        self._callers.append(tell)
        return room


def _settle(room: "asyncio.Future[None]") -> None:
    if not room.done():  # it may have been cancelled
        room.set_result(None)
