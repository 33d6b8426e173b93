"""Fixed and following thresholds on scores that drift: how many alarms there are."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.base import BaseDetector
from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._results import averaged
from skdqm.benchmark._run import Report
from skdqm.benchmark._trial import Record
from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector
from skdqm.streaming import AdaptiveThreshold, RollingQuantile, StreamingDetector

Floats = NDArray[np.float64]

ALARM_RATE = 0.001
LEARNED, CALIBRATED = 5_000, 10_000
ANOMALY_SHARE = 0.02
# How far scores drift, in their standard deviations; a stretched score grows by that factor more.
DRIFT = 3.0
# Events in which the worst moment is looked for.
WORST = 20_000


class GivenScores(BaseDetector):
    """A detector whose anomaly score is the only feature: the scores come from elsewhere."""

    def _fit(self, X: Floats) -> None:
        """Learn nothing."""

    def _anomaly_score(self, X: Floats) -> Floats:
        scores: Floats = X[:, 0]
        return scores


# What is added to scores, as a function of time from 0 to 1, in standard deviations.
ADDED: dict[str, Callable[[Floats], Any]] = {
    "none": lambda time: 0.0,
    "ramp": lambda time: DRIFT * time,
    "jump": lambda time: DRIFT * (time >= 0.5),
    "sine": lambda time: DRIFT * np.sin(4 * np.pi * time),
}
DRIFTS = (*ADDED, "stretch")

THRESHOLDS: dict[str, Callable[[], BaseDetector]] = {
    "fixed": GivenScores,
    "plain rolling quantile": lambda: AdaptiveThreshold(
        GivenScores(), strategy=RollingQuantile(), drift_window=None, uses_flagged=True
    ),
    "extreme": lambda: AdaptiveThreshold(GivenScores(), strategy="extreme"),
    "conformal": lambda: AdaptiveThreshold(GivenScores(), strategy="conformal"),
    "quantile": lambda: AdaptiveThreshold(GivenScores(), strategy="quantile"),
}


@dataclass(frozen=True)
class Scores:
    """Scores of one network.

    Attributes
    ----------
    calibration : ndarray of shape (n_calibration,)
        Of good rows, for the threshold to begin with.
    good : ndarray of shape (n_events,)
        Of the good events of the stream.
    bad : ndarray of shape (n_anomalies,)
        Of anomalies.
    """

    calibration: Floats
    good: Floats
    bad: Floats

    @classmethod
    def drawn(cls, features: int, rows: int, seed: int) -> "Scores":
        """Train a network on good rows, and let it score others."""
        n_good, n_bad = LEARNED + CALIBRATED + rows, max(1, round(ANOMALY_SHARE * rows))
        n_all = n_good + n_bad
        X, y = make_detector_data(n_all, features, fault_fraction=n_bad / n_all, random_state=seed)
        good, bad = X[y == 0].to_numpy(), X[y == 1].to_numpy()
        with quiet():
            network = AutoencoderDetector(random_state=seed).fit(good[:LEARNED])
            scores = -network.score_samples(good[LEARNED:])
            return cls(scores[:CALIBRATED], scores[CALIBRATED:], -network.score_samples(bad))

    def mixed(self, seed: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the stream with anomalies in the places of some good events, and which."""
        is_bad = np.zeros(len(self.good), dtype=bool)
        is_bad[: len(self.bad)] = True
        is_bad = np.random.default_rng(seed).permutation(is_bad)
        stream = self.good.copy()
        stream[is_bad] = self.bad
        return stream, is_bad


def thresholds(features: int, rows: int, seeds: int, report: Report) -> pd.DataFrame:
    """Let thresholds follow drifting scores, and count alarms.

    Parameters
    ----------
    features : int
        Features of the rows that are scored.
    rows : int
        Events of a stream.
    seeds : int
        Seeds, from 0.
    report : callable
        Called with a line of text after each stream.

    Returns
    -------
    table : DataFrame
        One row per drift (``dataset``) and threshold (``contender``), means over seeds.
    """
    records = []
    for seed in range(seeds):
        scores = Scores.drawn(features, rows, seed)
        for drift in DRIFTS:
            records += [_record(name, drift, scores, seed) for name in THRESHOLDS]
            report(f"seed {seed + 1} of {seeds}: drift: {drift}")
    # Not of rankings, whose figures stay empty.
    return averaged(records).dropna(axis="columns", how="all")


def _record(name: str, drift: str, scores: Scores, seed: int) -> Record:
    spread = float(scores.calibration.std())
    mixed, is_bad = scores.mixed(seed)
    flagged, seconds = _flagged(name, scores.calibration, drifted(scores.good, drift, spread))
    beside, _ = _flagged(name, scores.calibration, drifted(mixed, drift, spread))
    return {
        "task": drift,
        "contender": name,
        "seed": seed,
        "alarms": float(flagged.mean()) / ALARM_RATE,
        "worst_alarms": _worst(flagged) / ALARM_RATE,
        "good_flagged": float(beside[~is_bad].mean()) / ALARM_RATE,
        "recall": float(beside[is_bad].mean()),
        "events_per_second": len(flagged) / seconds,
    }


def drifted(scores: Floats, drift: str, spread: float) -> Floats:
    """Return scores that drift.

    Parameters
    ----------
    scores : ndarray of shape (n_events,)
        Scores, in the order of time.
    drift : str
        One of ``DRIFTS``.
    spread : float
        Their standard deviation.

    Returns
    -------
    scores : ndarray of shape (n_events,)
        The drifting ones.
    """
    time = np.linspace(0, 1, len(scores))
    if drift == "stretch":
        return np.asarray(scores * (1 + DRIFT * time))
    return np.asarray(scores + spread * ADDED[drift](time))


def _flagged(name: str, calibration: Floats, scores: Floats) -> tuple[NDArray[np.bool_], float]:
    good = calibration[:, None]
    detector = THRESHOLDS[name]().fit(good).calibrate(good, alarm_rate=ALARM_RATE)
    stream = StreamingDetector(detector)
    started = perf_counter()
    flagged = stream.process_batch(scores[:, None]).is_anomaly
    return flagged, perf_counter() - started


def _worst(flagged: NDArray[np.bool_]) -> float:
    """Return the largest share of flagged events in a window."""
    window = min(WORST, len(flagged))
    counts = np.concatenate([[0], np.cumsum(flagged)])
    return float(np.max(counts[window:] - counts[:-window])) / window
