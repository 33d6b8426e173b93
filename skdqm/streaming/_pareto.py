"""Laws of peaks, of which only those below a threshold are seen."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

# Shapes closer to none are taken for none: an exponential law.
EXPONENTIAL = 1e-6


@dataclass(frozen=True)
class CutPareto:
    """A generalised Pareto law of peaks, of which only those below a width are seen.

    Attributes
    ----------
    scale, shape : float
        Its parameters.
    beyond : float
        Share of the peaks that are not seen.
    """

    scale: float
    shape: float
    beyond: float

    @classmethod
    def of(cls, mean: float, width: float, shape: float) -> "CutPareto":
        """Return the law of a shape whose peaks below a width have a mean."""
        if not np.isfinite(width):
            return cls(mean * (1 - shape), shape, 0.0)
        # Below the smallest scale of a light tail, no peak would reach the width.
        lowest, highest = max(width / 50, -shape * width * 1.001), 50 * width
        if mean <= cut_mean(lowest, width, shape):
            scale = lowest
        elif mean >= cut_mean(highest, width, shape):
            scale = highest
        else:
            scale = brentq(lambda each: cut_mean(each, width, shape) - mean, lowest, highest)
        return cls(float(scale), shape, survival(width, scale, shape))

    def peak(self, share: float) -> float:
        """Return the peak that a share of them lies beyond."""
        if abs(self.shape) < EXPONENTIAL:
            return float(-self.scale * np.log(share))
        return float(self.scale / self.shape * (share**-self.shape - 1))


def survival(peak: float, scale: float, shape: float) -> float:
    """Return the share of peaks beyond one, by a generalised Pareto law."""
    if abs(shape) < EXPONENTIAL:
        return float(np.exp(-peak / scale))
    return float(max(1 + shape * peak / scale, 0.0) ** (-1 / shape))


def cut_mean(scale: float, width: float, shape: float) -> float:
    """Return the mean of those peaks of a generalised Pareto law that are smaller than a width."""
    beyond = survival(width, scale, shape)
    if abs(shape) < EXPONENTIAL:
        area = scale * (1 - beyond)
    else:
        area = scale / (1 - shape) * (1 - beyond ** (1 - shape))
    return float((area - width * beyond) / (1 - beyond))
