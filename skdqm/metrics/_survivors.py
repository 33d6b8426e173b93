"""What survives each cut on a score: the counts that every figure of merit comes from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.metrics._validation import check_scores

Floats = NDArray[np.float64]


class Survivors(NamedTuple):
    """Events that survive each cut between distinct scores, from the tightest to the loosest.

    The first cut keeps nothing, the last one everything.
    """

    signal: Floats
    background: Floats

    def at_least(self, signal_efficiency: float) -> tuple[float, float]:
        """Return what survives the tightest cut that keeps this share of the signal."""
        # A share such as 0.3 is not exact in binary: without the tolerance, 3 of 10 would miss it.
        kept = self.signal >= signal_efficiency * self.signal[-1] * (1 - 1e-12)
        first = int(np.argmax(kept))
        return float(self.signal[first]), float(self.background[first])

    def sic(self, min_background: float) -> tuple[Floats, Floats]:
        """Return signal efficiency and significance improvement, where they are measured."""
        measured = self.background >= min_background
        measured[-1] = True  # everything survives: the improvement is 1 without any uncertainty
        efficiency = self.signal[measured] / self.signal[-1]
        return efficiency, efficiency / np.sqrt(self.background[measured] / self.background[-1])

    def rejection(self, signal_efficiency: float) -> float:
        """Return how many background events there are for each one that survives."""
        _, background = self.at_least(signal_efficiency)
        return float(self.background[-1] / max(background, 1))

    def efficiency(self, background_efficiency: float) -> float:
        """Return the share of the signal kept with at most this share of the background."""
        allowed = background_efficiency * self.background[-1] * (1 + 1e-12)
        return float(self.signal[self.background <= allowed][-1] / self.signal[-1])

    def false_discovery_rate(self, detection_rate: float, prevalence: float | None = None) -> float:
        """Return the share of background in what the cut keeps, as if signal had a prevalence."""
        signal, background = self.at_least(detection_rate)
        if prevalence is not None:
            signal *= prevalence / self.signal[-1]
            background *= (1 - prevalence) / self.background[-1]
        return float(background / (signal + background))

    def precision_at(self, k: float) -> float:
        """Return the mean share of signal in the k first events over all orders of equal scores."""
        # Of equal scores, every part holds on average the same share of signal: a straight line.
        return float(np.interp(k, self.signal + self.background, self.signal) / k)

    def average_precision(self) -> float:
        """Return the mean precision of the cuts, each by the signal that it adds."""
        kept = self.signal[1:] + self.background[1:]
        precision = self.signal[1:] / kept
        return float(np.sum(np.diff(self.signal) * precision) / self.signal[-1])

    def roc_area(self, max_fpr: float = 1.0) -> float:
        """Return the area under the ROC curve up to a false-positive rate, standardised."""
        fpr, tpr = self.background / self.background[-1], self.signal / self.signal[-1]
        n_inside = int(np.searchsorted(fpr, max_fpr, side="right"))
        x = np.append(fpr[:n_inside], max_fpr)
        y = np.append(tpr[:n_inside], np.interp(max_fpr, fpr, tpr))
        chance = max_fpr**2 / 2
        return float(0.5 * (1 + (np.trapezoid(y, x) - chance) / (max_fpr - chance)))


def survivors(labels: NDArray[np.int64], scores: Floats) -> Survivors:
    """Count survivors of checked labels and scores, with one sort."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    # Equal scores are never split: a cut lies behind the last of them.
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    signal = np.cumsum(labels[order])[last].astype(np.float64)
    return Survivors(np.append(0.0, signal), np.append(0.0, last + 1 - signal))


def checked_survivors(y_true: ArrayLike, anomaly_score: ArrayLike) -> Survivors:
    """Check labels and scores, and count survivors."""
    return survivors(*check_scores(y_true, anomaly_score))
