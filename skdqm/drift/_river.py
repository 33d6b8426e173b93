"""River's drift detectors, fed with block means; rebuilt from what they were fed."""

from collections.abc import Callable
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray
from river import drift
from river.base import BinaryDriftDetector

from skdqm.drift._chart import Change, Chart, Level, Plain, Settings
from skdqm.drift._cusum import CusumChart
from skdqm.drift._scale import Reference

Floats = NDArray[np.float64]

# A detector that was fed so many values starts anew from the last half of them: what is kept
# has a bound, and what is kept is all that it knows.
MOST_FED, KEPT_FED = 4096, 2048
# Detectors of errors are told of a block mean beyond this, of one in ten when nothing changed.
UNUSUAL = 1.645
# Columns that differ so much before and after the onset, in standard errors, moved with the first.
MOVED = 4.0

# Detectors at work, by the identity of the array of what they were fed. Taken out while they
# learn: a copy of a monitor, one that failed half-way, and one that was loaded, find none
# here and replay.
_AT_WORK: dict[int, list[Any] | None] = {}


class RiverChart(Chart):
    """A detector of river for each column, fed with block means in units of their spread."""

    @staticmethod
    def learn(settings: Settings, reference: Reference) -> Plain:
        cusum = CusumChart.learn(settings, reference)
        kept = {name: cusum[name] for name in ("centre", "spread", "margins", "limits")}
        first = (reference.means[-KEPT_FED:] - kept["centre"]) / kept["spread"]
        return {**kept, "first": first}

    @staticmethod
    def first_state(learned: Plain, position: int) -> Plain:
        # Each detector meets the reference first.
        return {"fed": np.array(learned["first"])}

    def resume(self, state: Plain) -> None:
        self._fed = state["fed"]
        self._new: list[Floats] = []
        self._detectors = _AT_WORK.pop(id(self._fed), None) or self._replayed(self._fed)
        self.thresholds = np.ones(len(self._detectors))
        self.statistics = np.zeros(len(self._detectors))

    def state(self) -> Plain:
        fed = self._all_fed()
        _AT_WORK[id(fed)] = self._detectors
        finalize(fed, _AT_WORK.pop, id(fed), None).atexit = False
        return {"fed": fed}

    def _all_fed(self) -> Floats:
        # A new array each time, so that its identity stands for one state of the detectors.
        return np.vstack([self._fed, *self._new])

    def _replayed(self, means: Floats) -> list[Any]:
        detectors = [self._fresh(column) for column in range(len(self.learned["centre"]))]
        for column, detector in enumerate(detectors):
            for value in means[:, column].tolist():
                _feed(detector, value)
        return detectors

    def _fresh(self, column: int) -> Any:
        detector = self.settings.detector
        if isinstance(detector, str):
            return WORDS[detector](self.settings, self.learned, column)
        return seeded(detector, column)

    def step(self, block: Floats, position: int) -> Level:
        mean = np.add.reduce(block, axis=0) / len(block)
        values = (mean - self.learned["centre"]) / self.learned["spread"]
        self._new.append(values[None])
        for detector, value in zip(self._detectors, values.tolist(), strict=True):
            _feed(detector, value)
        self.statistics = np.array([0.5 * _level_of(each) for each in self._detectors])
        level = Level(max(_level_of(each) for each in self._detectors))
        if level is not Level.DRIFT and len(self._fed) + len(self._new) > MOST_FED:
            self._begin(self._all_fed()[-KEPT_FED:])
        return level

    def change(self, position: int) -> Change:
        means = self._all_fed()
        fired = self.statistics >= 1
        start = onset_in(means[:, int(np.argmax(fired))])
        steps = _steps_at(means, start)
        leading = int(np.argmax(np.where(fired, np.abs(steps), -1.0)))
        onset = max(position - (len(means) - start) * self.settings.block_size, 0)
        moved = np.flatnonzero(fired | (np.abs(steps) > MOVED))
        return Change(onset, int(np.sign(steps[leading])), [int(each) for each in moved])

    def restart(self, position: int) -> None:
        self._begin(np.empty((0, len(self._detectors))))

    def _begin(self, means: Floats) -> None:
        self._fed, self._new, self._detectors = means, [], self._replayed(means)


def seeded(detector: Any, column: int) -> Any:
    """Return a fresh copy of a detector; one that would draw a seed gets one, to be replayed."""
    parameters = detector._get_params()  # noqa: SLF001 (river's way to look at parameters)
    unseeded = "seed" in parameters and parameters["seed"] is None
    return detector.clone({"seed": column} if unseeded else None)


def _feed(detector: Any, value: float) -> None:
    binary = isinstance(detector, BinaryDriftDetector)
    detector.update(abs(value) > UNUSUAL if binary else value)


def _level_of(detector: Any) -> int:
    # river's update() returns None since 0.15; what it found is read right after.
    return 2 if detector.drift_detected else int(getattr(detector, "warning_detected", False))


def onset_in(values: Floats) -> int:
    """Return where the second of two levels begins, by least squares."""
    n = len(values)
    before = np.arange(1, n)
    sums = np.cumsum(values)
    gap = sums[:-1] - before / n * sums[-1]
    return 1 + int(np.argmax(np.square(gap) / (before * (n - before)))) if n > 1 else 0


def _steps_at(means: Floats, start: int) -> Floats:
    """Return how far each column's level moved at a place, in standard errors."""
    before, after = means[:start], means[start:]
    if len(before) == 0 or len(after) == 0:
        return np.zeros(means.shape[1])
    square = np.square(before - before.mean(axis=0)).sum(axis=0)
    square += np.square(after - after.mean(axis=0)).sum(axis=0)
    error = np.sqrt(square / len(means) * (1 / len(before) + 1 / len(after)))
    return (after.mean(axis=0) - before.mean(axis=0)) / np.maximum(error, 1e-9)


# By the measurements in docs/drift.md.
ADWIN_DELTA = 0.002
KSWIN_WINDOW, KSWIN_RECENT = 64, 16
FEWEST_BLOCKS = 8


def _adwin(settings: Settings, learned: Plain, column: int) -> Any:
    delta = ADWIN_DELTA * settings.false_alarms / len(learned["centre"])
    make: Any = drift.ADWIN  # compiled, so without types
    return make(delta=min(delta, 0.5), clock=1)


def _kswin(settings: Settings, learned: Plain, column: int) -> Any:
    alpha = min(settings.rate / len(learned["centre"]), 0.1)
    return drift.KSWIN(alpha, KSWIN_WINDOW, KSWIN_RECENT, seed=column)


def _page_hinkley(settings: Settings, learned: Plain, column: int) -> Any:
    return drift.PageHinkley(
        min_instances=FEWEST_BLOCKS,
        delta=float(learned["margins"][column]),
        threshold=float(learned["limits"][column]),
    )


WORDS: dict[str, Callable[[Settings, Plain, int], Any]] = {
    "adwin": _adwin,
    "kswin": _kswin,
    "page-hinkley": _page_hinkley,
}
