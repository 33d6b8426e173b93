"""A model of events: rows of features, judged as a stream."""

from threading import Lock
from typing import Any

import numpy as np

from skdqm._pipeline import parts_of, through, unscaled
from skdqm.base import turned
from skdqm.drift import DriftMonitor
from skdqm.exceptions import DataError
from skdqm.report._strongest import Explanation, explanation
from skdqm.service._decode import Expected, Rows
from skdqm.service._errors import RequestError
from skdqm.service._evidence import FeatureShare, packed_features
from skdqm.service._judgement import Finding, Floats
from skdqm.service._models import MOST_EXPLAINED, ServedModel, Verdicts, frame_of
from skdqm.streaming import StreamingDetector
from skdqm.streaming import Verdicts as StreamVerdicts

# Features that the page lists, and those that a reason names.
N_LISTED, N_NAMED = 12, 3
# Scores of good rows that a monitor of drift needs at least.
FEWEST_SCORES = 500


class EventModel(ServedModel):
    """A model of events.

    Parameters
    ----------
    name : str
        Of the model.
    estimator : detector or Pipeline
        It is fitted, and not changed any more.
    metadata : dict
        What the model file says of its origin.
    """

    kind = "events"

    def __init__(self, name: str, estimator: Any, metadata: dict[str, Any]) -> None:
        super().__init__(name, estimator, metadata)
        self.stream = StreamingDetector(estimator, drift=_drift_of(self.detector))
        features = self.stream.features
        names = None if features.names is None else tuple(features.names)
        self.expected = Expected(names, features.number, None)
        self._last_drift, self._lock = -1, Lock()

    def judge(self, rows: Rows) -> Verdicts:
        """Judge events, in the order of time."""
        try:
            found = self._judged(rows.numbers)
        except ValueError as error:  # a DataError, or what a step of scikit-learn says
            raise RequestError(422, str(error), ("body",)) from error
        return Verdicts(
            found.anomaly_score,
            found.p_value,
            found.threshold,
            found.verdict,
            self._findings(rows, found.anomaly_score, found.is_anomaly),
            None,
        )

    def _judged(self, numbers: Floats) -> StreamVerdicts:
        if len(numbers) > 1:
            return self.stream.process_batch(numbers)
        # One by one takes a third of the time of a batch of one.
        one = self.stream.process_event(numbers[0])
        columns = (one.anomaly_score, one.p_value, one.threshold)
        scores, p_values, thresholds = (np.array([each]) for each in columns)
        return StreamVerdicts(
            one.number, scores, p_values, np.array([one.verdict]), thresholds, one.latency
        )

    def taught(self, rows: Rows) -> Any:
        """Return a copy of the estimator that has learned events, and keeps its promise."""
        with StreamingDetector(self.estimator) as apart:
            try:
                apart.learn(rows.numbers).result()
            except ValueError as error:
                # What scikit-learn says of numbers that overflow behind a scaler.
                raise DataError(f"the rows cannot be learned: {error}") from error
            return apart.detector

    def n_flagged(self, rows: Rows) -> int:
        """Return how many of some events are flagged, without counting them as judged."""
        try:
            with StreamingDetector(self.estimator) as apart:
                return int(np.count_nonzero(apart.process_batch(rows.numbers).is_anomaly))
        except ValueError as error:
            raise DataError(f"the rows cannot be judged: {error}") from error

    @property
    def threshold(self) -> float:
        """The anomaly score beyond which an event is flagged now."""
        return self.stream.get_statistics().threshold

    def recent_scores(self) -> Floats:
        """Return the anomaly scores of the latest events."""
        return self.stream.get_recent_scores()

    def new_drifts(self) -> int:
        """Return how many drifts of the scores were found since the last call."""
        positions = self.stream.get_statistics().drift_positions
        with self._lock:
            new = [place for place in positions if place > self._last_drift]
            self._last_drift = max([self._last_drift, *new])
        return len(new)

    def _findings(self, rows: Rows, scores: Floats, is_flagged: Any) -> list[Finding]:
        flagged = np.flatnonzero(is_flagged)
        if not len(flagged):
            return []
        worst = flagged[np.argsort(-scores[flagged], kind="stable")[:MOST_EXPLAINED]]
        named = frame_of(Rows(rows.numbers[worst]), self.expected.names)
        explained = self._explanation(named)
        if explained is None:
            return [Finding(int(place), "", "abnormal as a whole", b"") for place in worst]
        strongest = [_strongest(explained, row) for row in range(len(worst))]
        return [
            Finding(int(place), *_in_words(shares), packed_features(shares))
            for place, shares in zip(worst, strongest, strict=True)
        ]

    def _explanation(self, named: Any) -> Explanation | None:
        steps, detector = parts_of(self.estimator)
        X = through(steps, named)
        if not np.isfinite(np.asarray(X)).all():  # numbers that overflow behind a scaler
            return None
        return explanation(detector, X, through(unscaled(steps), named), steps, named)


def _strongest(explained: Explanation, row: int) -> list[FeatureShare]:
    shares, values = explained.shares[row], explained.values[row]
    order = np.argsort(-shares, kind="stable")[:N_LISTED]
    return [
        FeatureShare(explained.name(int(place)), float(values[place]), float(shares[place]))
        for place in order
        if shares[place] > 0
    ]


def _in_words(shares: list[FeatureShare]) -> tuple[str, str]:
    """Return the culprit, and the reason."""
    if not shares:
        return "", "abnormal as a whole"
    named = [f"{each.name} = {each.value:.5g} ({each.share:.0%})" for each in shares[:N_NAMED]]
    return shares[0].name, f"unusual {', '.join(named)}"


def _drift_of(detector: Any) -> DriftMonitor | None:
    """Return a monitor of the scores, if the scores of good rows are known."""
    known = getattr(detector, "calibration_scores_", np.empty(0))
    if len(known) < FEWEST_SCORES:
        return None
    # They are kept in the order of size, and a monitor wants that of time: any, of separate events.
    mixed = np.random.default_rng(0).permutation(turned(known))
    return DriftMonitor().fit(mixed[:, None])
