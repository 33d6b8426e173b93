"""One fitted detector with what belongs to it: kept rows, and held-out rows that calibrate it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from skdqm.continual._memory import Memory
from skdqm.continual._rows import Floats, Record, Rows
from skdqm.continual._trainer import Trainer
from skdqm.ensemble._scales import PValue

# Calibration rows that are kept, the latest ones.
CALIBRATION_ROWS = 1000
# Of them, those that say what the condition was like when it was met.
BIRTH_ROWS = 250
# Share of the first rows that only calibrate.
HELD_OUT = 0.2
# With fewer of them, scores of training rows calibrate: optimistic, but better than nothing.
FEWEST_CALIBRATION = 10
# Of the first rows, those beyond what this share of good rows should reach are taken for anomalies.
BEYOND = 3e-3
# Normal scores beyond eight standard deviations mean nothing more.
LARGEST_NORMAL = 8.0


@dataclass(frozen=True)
class Expert(Record):
    """A detector that knows one condition.

    Attributes
    ----------
    number : int
        From 1, in the order of birth.
    detector : detector or Pipeline
        Fitted.
    memory : Rows
        Learned rows that are kept.
    calibration : Rows
        Held-out good rows, the latest ones.
    scores : ndarray of shape (n_calibration,)
        Their anomaly scores by `detector`.
    birth : Rows
        The calibration rows of the time when the condition was met.
    n_learned : int
        Rows ever learned.
    n_censored : float
        Calibration rows that should be there and are not: what is more abnormal than is learned
        is kept away, and with it, by expectation, so many good rows.
    is_kept : bool
        Whether it stays although it was never used for long: the first one, former selves of
        others, those that a shifter or a tag stands for.
    condition : str
        The tag it was given, or "".
    is_fault : bool
        Whether a shifter called its rows a fault: it then only recognises that fault.
    """

    number: int
    detector: Any
    memory: Rows
    calibration: Rows
    scores: Floats
    birth: Rows
    n_learned: int = 0
    n_censored: float = 0.0
    is_kept: bool = False
    condition: str = ""
    is_fault: bool = False

    @cached_property
    def scale(self) -> PValue:
        """Anomaly scores to surprises, by the calibration rows."""
        return PValue(np.sort(self.scores))

    def surprise(self, trainer: Trainer, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        """Return minus the logarithm of the p-values of rows, and which have enough data."""
        found, has_enough = trainer.scores(self.detector, rows)
        return self.scale(found), has_enough

    def normal_scores(self, trainer: Trainer, rows: Rows) -> Floats:
        """Return scores that are standard normal for rows of the expert's condition."""
        return normal_scores_of(self.surprise(trainer, rows)[0])

    def recalibrated(self, trainer: Trainer, calibration: Rows) -> "Expert":
        """Return the expert with other rows to calibrate it."""
        if not len(calibration):
            return self
        return replace(
            self, calibration=calibration, scores=trainer.scores(self.detector, calibration)[0]
        )


def split_off(rows: Rows, share: float, random: np.random.Generator) -> tuple[Rows, Rows]:
    """Return rows to learn from, and a random share of them to calibrate with."""
    n_held_out = int(share * len(rows) + random.random())
    held_out = np.zeros(len(rows), dtype=bool)
    held_out[random.permutation(len(rows))[:n_held_out]] = True
    return rows[~held_out], rows[held_out]


def new_expert(
    trainer: Trainer, memory: Memory, rows: Rows, number: int, random: np.random.Generator
) -> Expert:
    """Return an expert that was fitted to rows, some of which calibrate it."""
    rows = rows.of_group(number)
    training, calibration = split_off(rows, HELD_OUT, random)
    if len(calibration) < FEWEST_CALIBRATION:
        training = calibration = rows
    detector = trainer.fitted(training, number)
    calibration = _with_verdict(trainer, detector, calibration, rows)[-CALIBRATION_ROWS:]
    scores = trainer.scores(detector, calibration)[0]
    highest = upper_limit(scores, BEYOND)
    usual = scores <= highest
    known = calibration[usual]
    n_censored = len(known) * missing_share(BEYOND, len(scores), int((~usual).sum()))
    usual_training = training[trainer.scores(detector, training)[0] <= highest]
    kept = memory.kept(rows[:0], usual_training, 0, random)
    birth = known[-BIRTH_ROWS:]
    return Expert(number, detector, kept, known, scores[usual], birth, len(training), n_censored)


def _with_verdict(trainer: Trainer, detector: Any, chosen: Rows, others: Rows) -> Rows:
    """Return the rows with enough data, of others where none of those chosen have."""
    for rows in (chosen, others):
        known = rows[trainer.enough(detector, rows)]
        if len(known):
            return known
    return others


def missing_share(expected: float, n_offered: float, n_refused: float) -> float:
    """Return how many good rows are missing for one that is kept, where abnormal rows are refused.

    Where more are refused than expected of good rows, some are anomalies; others of them are less
    abnormal and were kept, where good rows are missing: then fewer are added.
    """
    if not (expected and n_offered):
        return 0.0
    # Beyond what chance gives.
    surely = max(n_refused - 2 * np.sqrt(n_refused), 0.0)
    return expected / (1 - expected) / max(surely / (expected * n_offered), 1.0)


def upper_limit(scores: Floats, beyond: float) -> float:
    """Return the score that a share of good rows lies beyond, whatever anomalies are among them.

    The upper tail above the median is taken for a power of minus the logarithm of the share, as it
    is of Weibull laws, through the points that a tenth and a quarter of all rows lie beyond.
    """
    middle, high, higher = np.quantile(scores, [0.5, 0.75, 0.9])
    if not (middle < high < higher):
        return float(scores.max())
    depth = np.log(0.5 / np.array([0.25, 0.1, beyond]))
    power = np.log((higher - middle) / (high - middle)) / np.log(depth[1] / depth[0])
    return float(middle + (high - middle) * (depth[2] / depth[0]) ** power)


def normal_scores_of(surprise: Floats) -> Floats:
    """Turn minus the logarithm of p-values into standard normal scores; high is abnormal."""
    found: Floats = norm.isf(np.exp(-surprise))
    return np.clip(found, -LARGEST_NORMAL, LARGEST_NORMAL)
