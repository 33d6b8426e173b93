"""Which rows may be learned, and when."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skdqm._sklearn import Interval
from skdqm.continual._rows import Floats
from skdqm.drift import two_sample_test

# Blocks of 32 standard normal scores lie this close to their mean with a chance of 0.995.
FITTING = 0.5
# Distance of two cumulative distributions (Kolmogorov and Smirnov's) that makes a feature one that
# has moved, and features without which there is no telling what most of them do.
FAR, FEWEST_FEATURES = 0.2, 4


class OpenGate(BaseEstimator):
    """Learn every row at once: what there is without a gate, to compare with.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, OpenGate
    >>> ContinualDetector(strategy="replay", gate=OpenGate())
    ContinualDetector(gate=OpenGate(), strategy='replay')
    """

    # Whether learning stops while something looks wrong.
    guards = False
    # Rows that wait before they are learned.
    probation = 0
    # Surprise of the most abnormal row that is learned, in units of the threshold.
    margin = np.inf
    # Of holds: without a guard there are only those that collect rows of a new tag.
    patience, widespread_patience, recovery = 0, 1, 96

    _parameter_constraints: dict[str, list[Any]] = {}  # noqa: RUF012

    def admits(self, surprise: Floats, limit: float) -> NDArray[np.bool_]:
        """Tell which rows may be learned.

        Parameters
        ----------
        surprise : ndarray of shape (n_rows,)
            Minus the logarithm of the p-values of rows.
        limit : float
            The threshold, on the same scale.

        Returns
        -------
        admitted : ndarray of bool of shape (n_rows,)
            True where a row may be learned.
        """
        del limit
        return np.ones(len(surprise), dtype=bool)

    def has_recovered(self, normal_scores: Floats) -> bool:
        """Tell whether the latest rows fit again.

        Parameters
        ----------
        normal_scores : ndarray of shape (n_rows,)
            Standard normal where all is well, in the order of time.

        Returns
        -------
        has_recovered : bool
            Whether the last `recovery` rows, and each third of them, are as usual.
        """
        if len(normal_scores) < self.recovery:
            return False
        latest = normal_scores[-self.recovery :]
        parts = np.array_split(latest, min(3, len(latest)))
        return bool(fits(latest, FITTING / 2) and all(fits(part) for part in parts))


class ThresholdGate(OpenGate):
    """Learn rows that are not much more abnormal than the threshold, at once.

    Parameters
    ----------
    margin : float, default=1.25
        Surprise of the most abnormal row that is learned, in units of the threshold. At 1 the
        calibration would only ever see rows below the threshold, and the alarm rate run away.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, ThresholdGate
    >>> ContinualDetector(strategy="naive", gate=ThresholdGate())
    ContinualDetector(gate=ThresholdGate(), strategy='naive')
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "margin": [Interval(Real, 1, None, closed="left")],
    }

    def __init__(self, margin: float = 1.25) -> None:
        self.margin = margin

    def admits(self, surprise: Floats, limit: float) -> NDArray[np.bool_]:
        """Tell which rows may be learned."""
        return surprise <= self.margin * limit


class GuardedGate(ThresholdGate):
    """Learn rows after a probation, and nothing while something looks wrong.

    When the drift monitor fires, learning stops: the rows since the change began are held, and so
    is what follows. The hold ends when the rows fit again (they are discarded, it was a fault),
    when an expert for another condition fits (it takes over), or when it has lasted for `patience`
    rows (they are released, as a new condition).

    Parameters
    ----------
    probation : int, default=500
        Rows that wait before they are learned. What the monitor finds within them is not learned.
    margin : float, default=1.25
        Surprise of the most abnormal row that is learned, in units of the threshold.
    patience : int, default=2000
        Rows that a hold lasts before it is released. A fault that is longer is learned: choose it
        longer than the faults to be expected, and shorter than the conditions.
    widespread_patience : int, default=500
        The same where most features have moved, of at least four: faults are in some channels,
        conditions are of the whole detector.
    recovery : int, default=96
        Rows that must fit again for a hold to end.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, GuardedGate
    >>> ContinualDetector(gate=GuardedGate(patience=500))
    ContinualDetector(gate=GuardedGate(patience=500))
    """

    guards = True

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ThresholdGate._parameter_constraints,
        "probation": [Interval(Integral, 0, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "widespread_patience": [Interval(Integral, 1, None, closed="left")],
        "recovery": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        probation: int = 500,
        margin: float = 1.25,
        patience: int = 2000,
        widespread_patience: int = 500,
        recovery: int = 96,
    ) -> None:
        super().__init__(margin=margin)
        self.probation = probation
        self.patience = patience
        self.widespread_patience = widespread_patience
        self.recovery = recovery


def is_widespread(known: Floats, held: Floats) -> bool:
    """Tell whether most features have moved.

    Parameters
    ----------
    known, held : ndarray of shape (n_rows, n_features)
        Rows of the condition so far, and rows that look wrong.

    Returns
    -------
    is_widespread : bool
        Whether the distributions of more than half of at least four features are far apart, of
        those that vary.
    """
    varies = np.ptp(np.concatenate([known, held]), axis=0) > 0
    if varies.sum() < FEWEST_FEATURES:
        return False
    distances = two_sample_test(known[:, varies], held[:, varies]).statistics
    return bool((distances > FAR).mean() > 0.5)


def fits(normal_scores: Floats, allowance: float = FITTING) -> bool:
    """Tell whether scores are no higher than usual on average.

    Parameters
    ----------
    normal_scores : ndarray of shape (n_rows,)
        Standard normal where all is well.
    allowance : float
        Of the mean; for few rows, three standard errors if that is more.

    Returns
    -------
    fits : bool
        Whether the mean is within the allowance.
    """
    return bool(normal_scores.mean() <= max(allowance, 3 / np.sqrt(len(normal_scores))))
