"""Scores of different detectors on one scale: how rare they are among those of training rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

# Share of the largest reference scores that the tail of a distribution is fitted to.
TAIL_SHARE = 0.1
# Spreads below this share of the scores themselves are rounding.
ROUNDING = 1e-12


class PValue:
    """Minus the logarithm of the share of reference scores that are at least as high.

    Empirical where there are reference scores; beyond the highest tenth of them, and so for scores
    that no reference row has reached, the tail of an exponential law with their mean excess.

    Parameters
    ----------
    reference : ndarray of shape (n_reference,)
        Anomaly scores of reference rows, sorted.
    """

    def __init__(self, reference: Scores) -> None:
        n = len(reference)
        # Of equal scores, all are at least as high as the first.
        self.values, first = np.unique(reference, return_index=True)
        self.surprise = -np.log((n - first) / (n + 1))
        place = np.searchsorted(first, int((1 - TAIL_SHARE) * n))
        tail = min(int(place), len(first) - 1)
        self.start, self.surprise_at_start = self.values[tail], self.surprise[tail]
        self.excess = _positive((reference[first[tail] :] - self.start).mean(), reference)

    def __call__(self, scores: Scores) -> Scores:
        """Map anomaly scores of shape (n_samples,) to surprises, in natural units; 0 is usual."""
        inside = np.interp(scores, self.values, self.surprise)
        beyond = self.surprise_at_start + (scores - self.start) / self.excess
        return np.where(scores > self.start, beyond, inside)


class Rank:
    """The share of reference scores that are lower: in [0, 1], so blind to how much higher.

    Parameters
    ----------
    reference : ndarray of shape (n_reference,)
        Anomaly scores of reference rows, sorted.
    """

    def __init__(self, reference: Scores) -> None:
        self.values, first = np.unique(reference, return_index=True)
        self.shares = (first + 1) / (len(reference) + 1)

    def __call__(self, scores: Scores) -> Scores:
        """Map anomaly scores of shape (n_samples,) to shares."""
        return np.interp(scores, self.values, self.shares)


class Standard:
    """The distance from the median of reference scores, in units of their interquartile range.

    Parameters
    ----------
    reference : ndarray of shape (n_reference,)
        Anomaly scores of reference rows, sorted.
    """

    def __init__(self, reference: Scores) -> None:
        low, self.median, high = np.quantile(reference, [0.25, 0.5, 0.75])
        self.spread = _positive(high - low, reference)

    def __call__(self, scores: Scores) -> Scores:
        """Map anomaly scores of shape (n_samples,) to distances."""
        return (scores - self.median) / self.spread


SCALES: dict[str, Any] = {"p_value": PValue, "rank": Rank, "standard": Standard}


def _positive(spread: float, reference: Scores) -> float:
    """Return a unit that can be divided by; of scores that are all alike, the standard one."""
    rounding = ROUNDING * float(np.abs(reference).max())
    return float(spread) if spread > rounding else max(float(reference.std()), rounding, 1.0)
