"""A queue before a stream, and files behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from math import inf
from numbers import Integral, Real
from os import PathLike
from threading import Thread, current_thread
from time import monotonic
from typing import Any, Self

from skdqm.exceptions import UsageError, WorkerError
from skdqm.streaming._detector import StreamingDetector
from skdqm.streaming._errors import again
from skdqm.streaming._keeper import keeper_of
from skdqm.streaming._micro_batch import judged
from skdqm.streaming._queue import BLOCK, DROP_OLDEST, REJECT, Chunk, EventQueue
from skdqm.streaming._reader import Readers
from skdqm.streaming._results import Results
from skdqm.streaming._submitted import chunk_of, single
from skdqm.streaming._verdict import Verdict
from skdqm.streaming._worker_report import Tally, WorkerReport

STOPPED = "the worker was stopped and takes no more events; start a new one"


class StreamWorker:
    """Judge events in the background: a bounded queue before, sinks and a checkpoint behind.

    Events are judged by one thread, in the order of submission and in micro-batches: as many as
    wait, up to `batch_size`, and none waits longer than `latency_budget` for others. An event that
    is malformed is recorded with its reason, and leaves the others of its micro-batch alone.

    With a `checkpoint` the worker survives ``kill -9``: a new one with the same arguments goes on
    from the last checkpoint. Its sinks are cut back to that moment, the stream takes up its state
    (threshold, drift monitors, counts; a model that has learned), and the source reads on from
    ``position``. Then no record is lost or doubled. Callbacks and readers may see verdicts of
    the last moments before the kill again.

    When something fails (a full disk, an exception in the callback), the worker stops, and
    :meth:`submit` and :meth:`stop` raise why. What was kept at the last checkpoint stays.

    Parameters
    ----------
    stream : StreamingDetector
        What judges. It is not closed with the worker.
    capacity : int, default=10_000
        Events that may wait.
    when_full : {"block", "drop_oldest", "reject"}, default="block"
        What happens when the queue is full: whoever submits waits, the oldest events are dropped,
        or the new ones are rejected; both are counted.
    latency_budget : float, default=0.005
        Seconds that an event may wait for others to be judged with.
    batch_size : int, default=512
        Events that are judged at once, at most.
    callback : callable, default=None
        Is called with the :class:`Results` of each micro-batch, in the thread of the worker.
    sink : Sink or list of Sink, default=None
        Where flagged and malformed events are written, such as a :class:`JSONLinesSink`.
    checkpoint : str or path-like, default=None
        The file; one that exists is gone on from. Learned models lie beside it.
    checkpoint_every : float, default=1.0
        Seconds between two checkpoints, and two commits of the sinks.

    Attributes
    ----------
    position : object
        Where the source is to read on: behind the last event that was judged and written. None at
        the beginning of a stream.

    Raises
    ------
    UsageError
        When an argument is none of these, or another worker uses the checkpoint.
    DataError
        When the checkpoint is damaged, or of another model or other sinks.

    See Also
    --------
    StreamingDetector : Judges in the thread of the caller.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.streaming import JSONLinesSink, StreamingDetector, StreamWorker
    >>> X, _ = make_detector_data(2000, random_state=0)
    >>> detector = HistogramDetector().fit(X)
    >>> folder = Path(mkdtemp())
    >>> worker = StreamWorker(
    ...     StreamingDetector(detector),
    ...     sink=JSONLinesSink(folder / "alarms.jsonl"),
    ...     checkpoint=folder / "checkpoint",
    ... )
    >>> with worker:
    ...     worker.submit_many(X[:1000])
    1000
    >>> worker.position, worker.report.n_judged
    (1000, 1000)

    Later, after a crash or a stop:

    >>> again = StreamWorker(
    ...     StreamingDetector(detector),
    ...     sink=JSONLinesSink(folder / "alarms.jsonl"),
    ...     checkpoint=folder / "checkpoint",
    ... )
    >>> with again:
    ...     again.submit_many(X[again.position :])
    1000
    """

    def __init__(
        self,
        stream: StreamingDetector,
        *,
        capacity: int = 10_000,
        when_full: str = BLOCK,
        latency_budget: float = 0.005,
        batch_size: int = 512,
        callback: Callable[[Results], object] | None = None,
        sink: Any = None,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: float = 1.0,
    ) -> None:
        _check(capacity, when_full, latency_budget, batch_size, checkpoint_every)
        self._stream, self._callback = stream, callback
        self._batch_size, self._every = min(batch_size, capacity), checkpoint_every
        self._latency_budget = latency_budget
        self._keeper = keeper_of(sink, stream, checkpoint)
        self.position = self._keeper.position
        self._n_taken = self._keeper.n_taken
        self._queue = EventQueue(capacity, when_full, self._n_taken)
        self._tally, self._readers = Tally(), Readers(capacity, waits=when_full == BLOCK)
        self._due: float | None = None
        self._thread: Thread | None = None
        self._failure: WorkerError | None = None

    @property
    def report(self) -> WorkerReport:
        """What has become of the events, as it is now."""
        # In this order: what is judged now was submitted before.
        done, queue = self._tally.counts(), self._queue.counts()
        n_judged, n_malformed = done["n_judged"], done["n_malformed"]
        waiting = queue["n_submitted"] - queue["n_dropped"] - queue["n_rejected"]
        return WorkerReport(
            **done,
            **queue,
            n_waiting=waiting - n_judged - n_malformed,
            n_unread=self._readers.n_unread,
            n_checkpoints=self._keeper.n_kept,
            malformed=self._tally.malformed(),
        )

    def start(self) -> Self:
        """Go on from the checkpoint, if there is one, and begin to judge.

        Returns
        -------
        self : StreamWorker
            This worker.

        Raises
        ------
        DataError
            When a sink does not hold what it did at the checkpoint.
        UsageError
            When it was started before, or a sink cannot be opened.
        """
        if self._thread is not None or self._queue.is_closed:
            raise UsageError("a worker is started once; make a new one")
        try:
            self._keeper.open()
        except BaseException:
            self._keeper.close()
            raise
        # A program that forgets it ends nevertheless.
        self._thread = Thread(target=self._run, name="skdqm-worker", daemon=True)
        self._thread.start()
        return self

    def submit(
        self, event: Any, position: Any = None, about: Mapping[str, Any] | None = None
    ) -> bool:
        """Let an event be judged; from any thread.

        Parameters
        ----------
        event : array-like of shape (n_features,), mapping of str to float, or Malformed
            Arrays are copied; other events must not be changed any more.
        position : object, default=None
            Where the source is to read on after it: JSON values. None: the number of events that
            have come into the queue, with this one.
        about : mapping, default=None
            JSON values that go into its record.

        Returns
        -------
        is_taken : bool
            False if it was rejected.

        Raises
        ------
        WorkerError
            When the worker has failed or was stopped.
        UsageError
            When it was not started.
        """
        return self._running().put(single(event, position, about)) == 1

    def submit_many(
        self,
        events: Any,
        positions: Sequence[Any] | None = None,
        about: Sequence[Mapping[str, Any] | None] | None = None,
    ) -> int:
        """Let events be judged; faster than one by one.

        Parameters
        ----------
        events : array-like of shape (n_events, n_features), or sequence of events
            As for :meth:`submit`. The columns of a frame are found by their names.
        positions : sequence, default=None
            Where the source is to read on after each event.
        about : sequence, default=None
            What goes into the record of each event.

        Returns
        -------
        n_taken : int
            All, or so many of the first if the others were rejected.

        Raises
        ------
        WorkerError
            When the worker has failed or was stopped.
        UsageError
            When it was not started, or the arguments do not fit together.
        """
        return self._running().put(chunk_of(events, positions, about, self._stream.features))

    async def asubmit(
        self, event: Any, position: Any = None, about: Mapping[str, Any] | None = None
    ) -> bool:
        """Let an event be judged, from an event loop that goes on while the queue is full.

        Parameters
        ----------
        event : array-like of shape (n_features,), mapping of str to float, or Malformed
            As for :meth:`submit`.
        position : object, default=None
            Where the source is to read on after it.
        about : mapping, default=None
            What goes into its record.

        Returns
        -------
        is_taken : bool
            False if it was rejected. When it is cancelled before, the event was not taken.

        Raises
        ------
        WorkerError
            When the worker has failed or was stopped.
        UsageError
            When it was not started.
        """
        return await self._running().aput(single(event, position, about)) == 1

    def verdicts(self) -> AsyncIterator[Verdict]:
        """Return the verdicts from now on, for a task of the running event loop.

        With ``when_full="block"`` the worker waits for a reader that has `capacity` verdicts before
        it, so none is missed; when the worker is to stop it does not wait. Otherwise a slow reader
        misses the oldest, which the report counts. A reader that is left is forgotten.

        Returns
        -------
        verdicts : asynchronous iterator of Verdict
            It ends when the worker has stopped, with a WorkerError if that has failed.
        """
        return self._readers.open()

    def stop(self, drain: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002
        """Judge what waits, write the last checkpoint, and end; doing so again is no error.

        Not for signal handlers, which may interrupt a :meth:`submit` that this would wait for: let
        them raise, and call this outside, as a ``with`` statement does.

        Parameters
        ----------
        drain : bool, default=True
            Whether what waits is judged. Otherwise it is dropped, and is behind ``position``.
        timeout : float or None, default=None
            Seconds to wait.

        Raises
        ------
        WorkerError
            When the worker has failed, or needs longer.
        """
        self._queue.close(WorkerError(STOPPED))
        if not drain:
            self._queue.drop_all()
        self._readers.never_wait()
        if self._thread is None:
            self._keeper.close()
        elif self._thread is not current_thread():
            self._thread.join(timeout)
            self._check_end(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What was raised inside is the reason, or names it.
        with nullcontext() if kind is None else suppress(WorkerError):
            self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await asyncio.to_thread(self.__exit__, kind)

    def _running(self) -> EventQueue:
        if self._thread is None and not self._queue.is_closed:
            raise UsageError("the worker is not started: use it in a with statement, or call start")
        return self._queue

    def _check_end(self, timeout: float | None) -> None:
        if self._thread is not None and self._thread.is_alive():
            raise WorkerError(
                f"the worker has not ended after {timeout} s: {self.report.n_waiting} events wait; "
                "call stop again"
            )
        if self._failure is not None:
            raise again(self._failure)

    def _run(self) -> None:
        """Judge until the end: what the thread does."""
        try:
            self._judge_all()
            self._keeper.close()
        except BaseException as error:
            self._fail(error)
        self._readers.end(self._failure)

    def _judge_all(self) -> None:
        while not self._queue.is_done:
            left = None if self._due is None else max(0.0, self._due - monotonic())
            first, chunks = self._queue.take(self._batch_size, self._latency_budget, left)
            if chunks:
                self._judge(first, chunks)
            if self._due is not None and monotonic() >= self._due:
                self._keep()
        # What is being learned belongs into the last checkpoint.
        self._stream.wait()
        self._keep()

    def _judge(self, first: int, chunks: list[Chunk]) -> None:
        results = judged(self._stream, first, chunks)
        self._keeper.sinks.write(results)
        if self._callback is not None:
            self._callback(results)
        self._readers.put(results.verdicts)
        self._tally.add(results)
        self.position, self._n_taken = results.position, first + len(results)
        if self._due is None:
            self._due = monotonic() + self._every

    def _keep(self) -> None:
        self._keeper.keep(self.position, self._n_taken)
        self._due = None

    def _fail(self, error: BaseException) -> None:
        failure = WorkerError(
            f"the worker has stopped ({type(error).__name__}: {error}); what it had kept at the "
            "last checkpoint stays: remove the cause, and start a new worker"
        )
        failure.__cause__ = error
        self._failure = failure
        self._queue.close(failure)
        with suppress(Exception):  # the first error is the one to tell
            self._keeper.close()


def _check(capacity: int, when_full: str, budget: float, batch_size: int, every: float) -> None:
    if when_full not in {BLOCK, DROP_OLDEST, REJECT}:
        raise UsageError(f"when_full={when_full!r}: expected 'block', 'drop_oldest' or 'reject'")
    for name, count in (("capacity", capacity), ("batch_size", batch_size)):
        if not isinstance(count, Integral) or count < 1:
            raise UsageError(f"{name}={count!r}: expected a number of events, 1 or more")
    for name, seconds in (("latency_budget", budget), ("checkpoint_every", every)):
        if not (isinstance(seconds, Real) and 0 <= seconds < inf):
            raise UsageError(f"{name}={seconds!r}: expected seconds, 0 or more")
