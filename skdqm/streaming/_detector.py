"""A fitted detector at the end of a stream."""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.drift import DriftMonitor
from skdqm.exceptions import DataError, TrainingError, UsageError
from skdqm.streaming._drift_watch import DriftWatch
from skdqm.streaming._events import Features
from skdqm.streaming._limit import NO_P_VALUE
from skdqm.streaming._model import Model
from skdqm.streaming._school import School
from skdqm.streaming._statistics import Recorder, StreamStatistics
from skdqm.streaming._verdict import Verdict, Verdicts

Floats = NDArray[np.float64]


class FlaggedEvent(NamedTuple):
    """An event that was flagged.

    Attributes
    ----------
    verdict : Verdict
        What was said of it.
    features : ndarray of shape (n_features,)
        The event.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.streaming import FlaggedEvent, Verdict
    >>> FlaggedEvent(Verdict(0, 7.5, 0.001, -1, 3.2, 4e-5), np.ones(2)).verdict.number
    0
    """

    verdict: Verdict
    features: Floats


class StreamingDetector:
    """Judge the events of a stream, one by one or in batches, and keep count.

    The detector is fitted. Scalers of scikit-learn and a detector of this package are run without
    the checks between the steps of a Pipeline, which cost more than their arithmetic; scores are
    equal to ``score_samples`` to the bit, in a batch or alone. Other steps and detectors are run as
    they are. All methods may be called from several threads.

    Parameters
    ----------
    detector : detector or Pipeline
        A fitted detector of this package, or another outlier detector of scikit-learn's kind that
        has ``score_samples`` and ``offset_``.
    buffer_size : int, default=1000
        Latest flagged events that are kept.
    learn_every : int or None, default=None
        Learn from so many judged events at a time, in the background (:meth:`learn`); None: only
        what :meth:`learn` is given.
    drift : DriftMonitor or None, default=None
        Marks where the scores have changed; fitted to the anomaly scores of usual rows in the order
        of time, ``DriftMonitor().fit(-detector.score_samples(X_good))``. It is copied.

    Raises
    ------
    NotFittedError
        When the detector is not fitted.
    UsageError
        When it is no outlier detector of scikit-learn's kind, or cannot learn what `learn_every`
        asks.

    See Also
    --------
    AdaptiveThreshold : A threshold that keeps its alarm rate when scores drift.
    StreamWorker : A queue before it, and files behind it.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.streaming import StreamingDetector
    >>> X, y = make_detector_data(2000, random_state=0)
    >>> X = X.to_numpy()
    >>> model = make_pipeline(StandardScaler(), AutoencoderDetector(max_epochs=20, random_state=0))
    >>> stream = StreamingDetector(model.fit(X[y == 0]))
    >>> stream.process_event(X[y == 1][3]).is_anomaly
    True
    >>> stream.get_statistics().n_anomalies
    1
    """

    def __init__(
        self,
        detector: Any,
        *,
        buffer_size: int = 1000,
        learn_every: int | None = None,
        drift: DriftMonitor | None = None,
    ) -> None:
        self._model = Model.of(detector)
        self._recorder = Recorder()
        self._flagged: deque[FlaggedEvent] = deque(maxlen=buffer_size)
        self._watch = None if drift is None else DriftWatch(drift)
        self._school = School(detector, learn_every)
        self._lock = Lock()

    @property
    def detector(self) -> Any:
        """The detector that judges now."""
        return self._model.detector

    def process_event(self, x: ArrayLike | Mapping[str, Any]) -> Verdict:
        """Judge one event.

        Parameters
        ----------
        x : array-like of shape (n_features,), or mapping of str to float
            Its features in the order of the model's, or by name.

        Returns
        -------
        verdict : Verdict
            Score, p-value, verdict, threshold and latency.

        Raises
        ------
        DataError
            When it is not so many finite numbers; it is counted as malformed then.
        """
        started = perf_counter()
        model = self._model
        try:
            row = model.features.row(x)
            score, has_enough = model.judge_one(row)
        except DataError:
            with self._lock:
                self._recorder.n_malformed += 1
            raise
        with self._lock:
            if self._model is not model:  # it was replaced in between
                score, has_enough = self._model.judge_one(row)
            return self._taken(row, score, has_enough, started)

    def process_batch(self, X: Any) -> Verdicts:
        """Judge some events, in the order of the stream; faster than one by one.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events. The columns of a frame are found by their names, if the model has names.

        Returns
        -------
        verdicts : Verdicts
            Those of all events, the same as one by one.

        Raises
        ------
        DataError
            When they are not so many finite numbers; nothing is judged or counted then.
        """
        started = perf_counter()
        model = self._model
        rows = model.features.rows(X)
        scores, has_enough = model.judge_all(rows)
        with self._lock:
            if self._model is not model:
                scores, has_enough = self._model.judge_all(rows)
            return self._all_taken(rows, scores, has_enough, started)

    def get_statistics(self) -> StreamStatistics:
        """Return counts, rates, latencies and thresholds of the stream so far.

        Returns
        -------
        statistics : StreamStatistics
            A picture of this moment.
        """
        with self._lock:
            drifts = [] if self._watch is None else self._watch.positions
            return self._recorder.statistics(self._model.limit.value, drifts, self._school.error)

    def get_recent_anomalies(self, n: int = 10) -> list[FlaggedEvent]:
        """Return the latest flagged events.

        Parameters
        ----------
        n : int, default=10
            How many at most.

        Returns
        -------
        events : list of FlaggedEvent
            The oldest first.
        """
        with self._lock:
            events = list(self._flagged)
        return events[len(events) - n :] if 0 < n < len(events) else events[: max(n, 0)]

    def get_recent_scores(self) -> Floats:
        """Return the anomaly scores of the latest events.

        Returns
        -------
        scores : ndarray of shape (n_recent,)
            Of 10,000 events at most, the oldest first.
        """
        with self._lock:
            return self._recorder.scores.latest()

    @property
    def features(self) -> Features:
        """What is expected of events: names or None, and their number."""
        return self._model.features

    def learn(self, X: ArrayLike) -> Future[None]:
        """Learn from rows in the background, while events are judged.

        A copy of the detector learns them by its ``partial_fit``, one lesson after the other, and
        then takes its place between two events. A calibrated detector keeps its promise: of the
        rows, every fifth is held out and calibrates instead. A
        :class:`~skdqm.continual.ContinualDetector` chooses by itself what it learns; others learn
        all of `X`, and of the events of `learn_every` those that were not flagged.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows, mostly normal, in the order of time.

        Returns
        -------
        lesson : concurrent.futures.Future
            Done when the copy judges; raises what went wrong, and the detector stays as it was.

        Raises
        ------
        DataError
            When they are not so many finite numbers.
        UsageError
            When the detector has no ``partial_fit``, or there are too few rows to keep its promise.
        """
        rows = self.features.rows(X)
        return self._school.begin(rows, np.zeros(len(rows), dtype=bool), self._teach)

    def swap(self, detector: Any) -> None:
        """Let another detector judge from the next event on; counts go on.

        Parameters
        ----------
        detector : detector or Pipeline
            A fitted one, for the same features, with its own threshold.

        Raises
        ------
        UsageError
            When it takes other features, or is no outlier detector of scikit-learn's kind.
        """
        model = Model.of(detector)
        if model.features != self.features:
            raise UsageError(
                f"the new detector takes {model.features}, the one before {self.features}; begin "
                "another stream with it"
            )
        with self._lock:
            self._school.enrol(detector)
            self._take_over(model)

    def wait(self) -> None:
        """Wait for the lessons that have begun to end."""
        self._school.wait()

    def close(self) -> None:
        """Wait for lessons to end, and begin no more; also at the end of a ``with`` block."""
        with self._lock:
            self._school.end()
        self._school.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def get_state(self) -> dict[str, Any]:
        """Return what has changed since the detector was fitted, without the detector itself.

        Returns
        -------
        state : dict
            Numbers, strings, arrays, and lists and dicts of them: counts, threshold, flagged
            events. Rows that wait to be learned are not among them.
        """
        with self._lock:
            return {
                "recorder": self._recorder.state(),
                "limit": self._model.limit.state(),
                "drift": None if self._watch is None else self._watch.state(),
                "flagged": {
                    "verdicts": np.array([each.verdict for each in self._flagged]).reshape(-1, 6),
                    "features": np.array([each.features for each in self._flagged]),
                },
            }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`get_state` returned, around the same detector.

        Parameters
        ----------
        state : dict
            The state.

        Raises
        ------
        DataError
            When it is none of such a stream; begin anew then.
        """
        try:
            with self._lock:
                self._restore(state)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"this is no state of a stream around such a detector ({error!r}); make a new "
                "stream, and give it what get_state has returned"
            ) from error

    def _restore(self, state: dict[str, Any]) -> None:
        self._model.limit.restore(state["limit"])
        self._recorder.restore(state["recorder"])
        if self._watch is not None and state["drift"] is not None:
            self._watch.restore(state["drift"])
        flagged = state["flagged"]
        self._flagged.clear()
        for verdict, features in zip(flagged["verdicts"], flagged["features"], strict=True):
            self._flagged.append(FlaggedEvent(Verdict.of(verdict.tolist()), features))

    def _taken(self, row: Floats, score: float, has_enough: bool, started: float) -> Verdict:  # noqa: FBT001
        """Judge and keep one event that was scored."""
        limit = self._model.limit
        threshold, verdict, p_value = limit.value, 0, NO_P_VALUE
        if has_enough:
            is_flagged, p_value = limit.judge(score)
            verdict = -1 if is_flagged else 1
            if self._watch is not None:
                self._watch.add(score)
        number = self._recorder.n_events
        latency = self._recorder.event(score, verdict, threshold, started)
        found = Verdict(number, score, p_value, verdict, threshold, latency)
        if verdict < 0:
            self._flagged.append(FlaggedEvent(found, row[0].copy()))
        if self._school.collects:
            self._school.collect(row.copy(), np.array([verdict != 1]), self._teach)
        return found

    def _all_taken(
        self, rows: Floats, scores: Floats, has_enough: NDArray[np.bool_], started: float
    ) -> Verdicts:
        """Judge and keep events that were scored."""
        flagged, p_values, thresholds = self._model.limit.judge_all(scores, has_enough)
        verdict = np.where(has_enough, np.where(flagged, -1, 1), 0)
        first = self._recorder.n_events
        latency = self._recorder.batch(scores, verdict, thresholds, started)
        found = Verdicts(first, scores, p_values, verdict, thresholds, latency)
        for place in np.flatnonzero(verdict < 0)[-(self._flagged.maxlen or 0) :].tolist():
            self._flagged.append(FlaggedEvent(found[place], rows[place].copy()))
        if self._watch is not None:
            self._watch.add_all(scores[has_enough])
        if self._school.collects:
            self._school.collect(rows.copy(), verdict != 1, self._teach)
        return found

    def _teach(self, rows: Floats, flags: NDArray[np.bool_]) -> None:
        """Let a copy learn, and put it in the place of the detector."""
        before = self._model
        model = Model.of(self._school.taught(before.detector, rows, flags))
        old, new = before.score(rows)[0], model.score(rows)[0]
        with self._lock:
            if self._model is not before:
                raise TrainingError(
                    "another detector has taken the place of the one that learned; give the rows "
                    "to the new one"
                )
            model.limit.take_over(before.limit, old, new)
            if self._watch is not None:
                self._watch.rebase(new)
            self._take_over(model)

    def _take_over(self, model: Model) -> None:
        self._model = model
        self._recorder.n_models += 1
