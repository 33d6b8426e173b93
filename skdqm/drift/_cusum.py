"""Charts of block means that add up: CUSUM, and Shiryaev and Roberts' sum of likelihoods."""

import math

import numpy as np
from numpy.typing import NDArray

from skdqm.drift._chart import WARNINGS_PER_DRIFT, Change, Chart, Level, Plain, Settings
from skdqm.drift._limits import OVERSHOOT, Rate, limits, run_length
from skdqm.drift._scale import Reference

Floats = NDArray[np.float64]

# Smaller shifts of a block mean, in units of its spread, are not looked for: they are within
# what a reference leaves open.
LEAST_MARGIN = 0.25
# The logarithm of none, as a number that every file of plain data holds.
NO_EVIDENCE = -1e300
SIDES = np.array([[1.0], [-1.0]])


class CusumChart(Chart):
    """Page's two-sided cumulative sum of block means, of all columns at once.

    S = max(0, S + x - k), for x and for -x; x is the block mean less that of the reference, in
    units of its long-run spread, k half of the shift that is looked for (E. S. Page, "Continuous
    inspection schemes", Biometrika 41 (1954) 100).
    """

    @classmethod
    def rate_with(cls, roughness: Floats) -> Rate:
        """Return the false alarms per block of one side."""
        overshoot = OVERSHOOT * roughness[:, None, None]

        def rate(limit: Floats, margin: Floats, mean: Floats, spread: Floats) -> Floats:
            return 1 / run_length((margin - mean) / spread, limit / spread + overshoot)

        return rate

    @classmethod
    def _gain(cls, margins: Floats) -> Floats:
        """Return what the statistic gains by a block mean that is 1 above the margin."""
        return np.ones_like(margins)

    @classmethod
    def learn(cls, settings: Settings, reference: Reference) -> Plain:
        means, spread = reference.means, reference.spread
        margins = np.maximum(0.5 * settings.shift * _deviation(reference) / spread, LEAST_MARGIN)
        margins = margins + 1 / np.sqrt(len(means))
        n_columns = len(spread)

        def limits_at(rate: float) -> Floats:
            chart = cls.rate_with(reference.roughness)
            return limits(chart, margins, len(means), rate / 2)

        found = limits_at(settings.rate / n_columns)
        return {
            "centre": means.mean(axis=0),
            "spread": spread,
            "margins": margins,
            "limits": found,
            "warning_limits": limits_at(WARNINGS_PER_DRIFT * settings.rate / n_columns),
            "single_limits": limits_at(settings.rate),
            "largest": margins + found / (cls._gain(margins) * _blocks_touched(settings)),
        }

    @staticmethod
    def first_state(learned: Plain, position: int) -> Plain:
        shape = (2, len(learned["centre"]))
        return {"sums": np.zeros(shape), "since": np.full(shape, position)}

    def resume(self, state: Plain) -> None:
        self.sums, self.since = state["sums"], state["since"]
        self.thresholds = self.learned["limits"]
        self.statistics = self.sums.max(axis=0)

    def state(self) -> Plain:
        return {"sums": self.sums, "since": self.since}

    def step(self, block: Floats, position: int) -> Level:
        self.sums = np.maximum(self.sums + self._excess(block), 0.0)
        self.since = np.where(self.sums > 0, self.since, position)
        self.statistics = self.sums.max(axis=0)
        return self._level()

    def _excess(self, block: Floats) -> Floats:
        learned = self.learned
        mean = np.add.reduce(block, axis=0) / len(block)
        steps = SIDES * ((mean - learned["centre"]) / learned["spread"])
        return np.minimum(steps, learned["largest"]) - learned["margins"]

    def _level(self) -> Level:
        if (self.statistics > self.thresholds).any():
            return Level.DRIFT
        return Level(int((self.statistics > self.learned["warning_limits"]).any()))

    def change(self, position: int) -> Change:
        # A column that goes with the first one need not pass the limit of many, only its own.
        moved = np.flatnonzero(self.statistics > self.learned["single_limits"])
        leading = int(np.argmax(self.statistics / self.thresholds))
        side = int(np.argmax(self.sums[:, leading]))
        return Change(int(self.since[side, leading]), 1 - 2 * side, [int(each) for each in moved])


class ShiryaevRobertsChart(CusumChart):
    """The sum of the likelihood ratios of all possible onsets, as its logarithm.

    R = (1 + R) exp(theta x - theta**2 / 2), for x and for -x (S. W. Roberts, "A comparison of some
    control chart procedures", Technometrics 8 (1966) 411); when nothing has changed, R grows by 1
    a block on average, so that a limit A is crossed every A exp(0.583 theta) blocks (M. Pollak,
    "Average run lengths of an optimal method of detecting a change in distribution", Annals of
    Statistics 15 (1987) 749). A spread or a mean that is off by a little changes the power of A.
    """

    @classmethod
    def rate_with(cls, roughness: Floats) -> Rate:
        overshoot = OVERSHOOT * roughness[:, None, None]

        def rate(limit: Floats, margin: Floats, mean: Floats, spread: Floats) -> Floats:
            power = np.clip((margin - mean) / margin / spread**2, 0.0, None)
            return np.exp(-power * (limit + overshoot * margin))

        return rate

    @classmethod
    def _gain(cls, margins: Floats) -> Floats:
        # theta = 2 k: the logarithm of the ratio is theta (x - k).
        return 2 * margins

    @staticmethod
    def first_state(learned: Plain, position: int) -> Plain:
        return {
            **CusumChart.first_state(learned, position),
            "evidence": np.full((2, len(learned["centre"])), NO_EVIDENCE),
        }

    def resume(self, state: Plain) -> None:
        super().resume(state)
        self.evidence = state["evidence"]
        self.statistics = np.maximum(self.evidence.max(axis=0), 0.0)

    def state(self) -> Plain:
        return {**super().state(), "evidence": self.evidence}

    def step(self, block: Floats, position: int) -> Level:
        excess = self._excess(block)
        self.sums = np.maximum(self.sums + excess, 0.0)
        self.since = np.where(self.sums > 0, self.since, position)
        self.evidence = (
            np.logaddexp(self.evidence, 0.0) + self._gain(self.learned["margins"]) * excess
        )
        self.statistics = np.maximum(self.evidence.max(axis=0), 0.0)
        return self._level()


def _deviation(reference: Reference) -> Floats:
    """Return the standard deviation of rows: 1, less where many values are equal."""
    return reference.normal.std(axis=0)


def _blocks_touched(settings: Settings) -> float:
    """Return in how many blocks the limit is reached at the earliest.

    One more than an event shorter than asked may touch, since noise has a share in the sum.
    """
    if settings.min_duration == 0:
        return 1e-9
    return math.ceil((settings.min_duration - 1) / settings.block_size) + 2.0
