"""Lessons in the background: one at a time, in a thread of their own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from warnings import warn

from skdqm.exceptions import UsageError
from skdqm.monitoring._wrapper import last_of
from skdqm.streaming._learner import Learner, Lessons
from skdqm.streaming._limit import Flags, Floats

Teach = Callable[[Floats, Flags], None]


class School:
    """Begins lessons, from rows that it is given or has collected.

    Parameters
    ----------
    detector : detector or Pipeline
        The fitted detector.
    learn_every : int or None
        Rows of a lesson that are collected; None: none are.

    Attributes
    ----------
    error : str or None
        Why the last lesson of collected rows that failed did so.
    """

    def __init__(self, detector: Any, learn_every: int | None) -> None:
        self._is_closed = False
        self._lessons = None if learn_every is None else Lessons(learn_every)
        self.enrol(detector)
        self.error: str | None = None
        self._running: Future[None] | None = None
        self._latest: Future[None] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def enrol(self, detector: Any) -> None:
        """Teach copies of this detector from now on."""
        name = type(last_of(detector)).__name__
        learner = Learner(detector) if hasattr(last_of(detector), "partial_fit") else None
        if self._lessons is not None:
            _check(name, learner, self._lessons.size)
        self._name, self._learner = name, learner

    @property
    def collects(self) -> bool:
        """Whether judged events are learned."""
        return self._lessons is not None

    def taught(self, detector: Any, rows: Floats, flags: Flags) -> Any:
        """Return a copy of a detector that has learned rows."""
        return _able(self._name, self._learner).taught(detector, rows, flags)

    def begin(self, rows: Floats, flags: Flags, teach: Teach) -> Future[None]:
        """Begin a lesson as soon as those before it have ended."""
        _check(self._name, self._learner, len(rows))
        if self._is_closed:
            raise UsageError("the stream is closed and begins no more lessons; make a new one")
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="skdqm-learn")
        self._latest = self._thread.submit(teach, rows, flags)
        return self._latest

    def collect(self, rows: Floats, flags: Flags, teach: Teach) -> None:
        """Take judged rows, and begin a lesson when there are enough and none is running.

        A lesson that fails changes nothing: the stream goes on, and a warning says why.
        """
        if self._lessons is None:
            return
        self._lessons.add(rows, flags)
        if self._lessons.is_full() and (self._running is None or self._running.done()):
            self._running = self.begin(*self._lessons.taken(), teach)
            self._running.add_done_callback(self._take_error)

    def end(self) -> None:
        """Begin no more lessons; not while rows are collected."""
        self._lessons, self._is_closed = None, True

    def wait(self) -> None:
        """Wait for the lessons that have begun: there is one thread, and it takes them in turn."""
        if self._latest is not None:
            wait([self._latest])

    def close(self) -> None:
        """Wait for lessons, and end their thread; after :meth:`end`."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def _take_error(self, lesson: Future[None]) -> None:
        error = lesson.exception()
        if error is not None:
            self.error = " ".join(str(error).split())
            warn(
                f"learning in the background failed, and the detector stays as it was: {error}",
                stacklevel=2,
            )


def _able(name: str, learner: Learner | None) -> Learner:
    """Return what teaches a detector, or say that it cannot learn."""
    if learner is None:
        raise UsageError(
            f"{name} has no partial_fit and cannot learn from a stream; fit it anew, or put it "
            "into a ContinualDetector, which does that"
        )
    return learner


def _check(name: str, learner: Learner | None, n_rows: int) -> None:
    fewest = _able(name, learner).fewest_rows()
    if n_rows < fewest:
        raise UsageError(
            f"found {n_rows} rows to learn from, expected {fewest} or more: every fifth is held "
            "out to keep the promised alarm rate; give more, or calibrate the detector for a "
            "larger one"
        )
