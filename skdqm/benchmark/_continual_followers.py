"""What goes along a stream: a continual detector by itself or with help, and the baseline."""

from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skdqm.base import anomaly_score_of
from skdqm.benchmark._contenders import Floats
from skdqm.benchmark._continual_rolling import RollingMahalanobis
from skdqm.continual import ContinualDetector

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# The promised share of good rows that are flagged.
ALARM_RATE = 0.01
# A shifter looks at tickets after so many rows, and answers if there are so many to look at: a
# fault, if that share of them is faulty.
ANSWERED_EVERY, ANSWERED_ROWS, FAULTY = 250, 64, 0.3


class Seen(NamedTuple):
    """What was said of rows before they were learned: scores, and verdicts (-1, 0, +1)."""

    scores: Floats
    verdicts: Integers


class Truth(NamedTuple):
    """What only some followers are told of rows: labels (1 = anomaly), and tags of conditions."""

    y: Integers
    tags: NDArray[np.str_]


class Follower(Protocol):
    """What goes along a stream."""

    def fit(self, X: Floats, tag: str) -> object:
        """Learn the first rows, of one condition."""

    def observe(self, X: Floats, truth: Truth) -> Seen:
        """Judge rows, then learn them."""

    def anomaly_score(self, X: Floats) -> Floats:
        """Score rows by what is known now."""

    def held(self, n_rows: int) -> Flags:
        """Tell during which rows of the stream learning had stopped."""

    def learned(self, n_rows: int) -> Flags:
        """Tell which rows of the stream were ever learned."""


class _Witness:
    """A strategy, and the rows that it was given to learn: events tell their ends only."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self.positions: list[Integers] = []

    def learned(self, pool: Any, rows: Any, shop: Any) -> Any:
        return self._noted(self._strategy.learned(pool, rows, shop), pool, rows)

    def adopted(self, pool: Any, rows: Any, shop: Any) -> Any:
        return self._noted(self._strategy.adopted(pool, rows, shop), pool, rows)

    def _noted(self, after: Any, before: Any, rows: Any) -> Any:
        if after is not before:
            self.positions.append(rows.positions)
        return after


class Watched(ContinualDetector):
    """A continual detector that tells which rows it has learned."""

    def _parts(self) -> Any:
        parts = super()._parts()
        self._witness = _Witness(parts.strategy)
        return replace(parts, strategy=self._witness)


class Alone:
    """A continual detector on its way along a stream, by itself.

    Parameters
    ----------
    detector : ContinualDetector
        Not fitted.
    """

    # Rows that the detector has observed before those of the stream.
    n_before = 0

    def __init__(self, detector: Any) -> None:
        self.detector = detector

    def fit(self, X: Floats, tag: str) -> object:
        """Learn the first rows."""
        del tag
        return self.detector.fit(X)

    def observe(self, X: Floats, truth: Truth) -> Seen:
        """Judge rows, then learn them."""
        del truth
        return self._seen(X)

    def _seen(self, X: Floats, y: Any = None, condition: Any = None) -> Seen:
        found = self.detector.observe(X, y, condition=condition)
        return Seen(found["anomaly_score"].to_numpy(), found["verdict"].to_numpy())

    def anomaly_score(self, X: Floats) -> Floats:
        """Score rows by what is known now."""
        return anomaly_score_of(self.detector, X)

    def held(self, n_rows: int) -> Flags:
        """Tell during which rows of the stream learning had stopped: those of tickets."""
        held = np.zeros(n_rows, dtype=bool)
        for ticket in self.detector.tickets_:
            first, last = (ticket[end] - self.n_before for end in ("first_row", "last_row"))
            held[max(first, 0) : max(last + 1, 0)] = True
        return held

    def learned(self, n_rows: int) -> Flags:
        """Tell which rows of the stream were ever learned."""
        learned = np.zeros(n_rows, dtype=bool)
        for positions in self.detector._witness.positions:  # noqa: SLF001 (our own class)
            learned[positions[positions >= self.n_before] - self.n_before] = True
        return learned


class Oracle(Alone):
    """Told the labels of rows after they were judged: its gate cannot err."""

    def observe(self, X: Floats, truth: Truth) -> Seen:
        """Judge rows, then learn the good ones."""
        return self._seen(X, np.where(truth.y == 1, -1, 1))


class Tagged(Alone):
    """Told the condition of rows, not their labels."""

    n_before = 1

    def fit(self, X: Floats, tag: str) -> object:
        """Learn the first rows; the tag of the first one that is observed names what was fitted."""
        self.detector.fit(X[:-1])
        return self.detector.observe(X[-1:], condition=tag)

    def observe(self, X: Floats, truth: Truth) -> Seen:
        """Judge rows, then learn them."""
        return self._seen(X, condition=truth.tags)


class Asking(Alone):
    """A shifter answers its tickets, and is right; nobody labels rows."""

    def fit(self, X: Floats, tag: str) -> object:
        """Learn the first rows."""
        self.truth = np.zeros(0, dtype=np.int64)
        return super().fit(X, tag)

    def observe(self, X: Floats, truth: Truth) -> Seen:
        """Judge rows, then learn them; ask now and then."""
        parts = []
        for start in range(0, len(X), ANSWERED_EVERY):
            rows = slice(start, start + ANSWERED_EVERY)
            parts.append(self._seen(X[rows]))
            self.truth = np.concatenate([self.truth, truth.y[rows]])
            self._answer()
        return Seen(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _answer(self) -> None:
        for ticket in self.detector.tickets_:
            rows = self.truth[max(ticket["first_row"], 0) : ticket["last_row"] + 1]
            if ticket["state"] == "open" and len(rows) >= ANSWERED_ROWS:
                self.detector.confirm(ticket["number"], benign=bool(rows.mean() < FAULTY))


class Rolling:
    """The baseline on its way along a stream; it holds nothing, and learns all."""

    def __init__(self) -> None:
        self.detector = RollingMahalanobis(ALARM_RATE)

    def fit(self, X: Floats, tag: str) -> object:
        """Learn the first rows."""
        del tag
        return self.detector.fit(X)

    def observe(self, X: Floats, truth: Truth) -> Seen:
        """Judge rows, then learn them."""
        del truth
        scores, limits = self.detector.observe(X)
        return Seen(scores, np.where(scores > limits, -1, 1))

    def anomaly_score(self, X: Floats) -> Floats:
        """Score rows by what is known now."""
        return self.detector.anomaly_score(X)

    def held(self, n_rows: int) -> Flags:
        """Tell that nothing is held."""
        return np.zeros(n_rows, dtype=bool)

    def learned(self, n_rows: int) -> Flags:
        """Tell that all is learned."""
        return np.ones(n_rows, dtype=bool)
