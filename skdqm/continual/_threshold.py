"""Where the threshold lies after each update."""

from copy import copy
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skdqm._sklearn import Interval

# Rates that an adaptive threshold is placed by; lower ones are a debt of alarms.
LOWEST_RATE, HIGHEST_RATE = 1e-5, 0.5
# Beyond all surprises.
NEVER = float(np.finfo(np.float64).max)


class ConformalThreshold(BaseEstimator):
    """Split-conformal: the quantile of good rows that were not learned when they were scored.

    Parameters
    ----------
    held_out : float, default=0.2
        Share of the new rows that only calibrate: they are never learned, and scored anew after
        every update. With 0 every row is learned, and calibrates by the score that it had before:
        for models that follow quickly, such as the reference of a few runs.
    n_rows : int, default=1000
        Good rows that calibrate, the latest ones. Fewer follow more quickly, and say less of small
        rates.

    Examples
    --------
    >>> from skdqm.continual import ConformalThreshold, ContinualDetector
    >>> ContinualDetector(threshold=ConformalThreshold())
    ContinualDetector(threshold=ConformalThreshold())
    """

    # Whether updates of the model move it, and whether every block does.
    moves = True
    counts_alarms = False

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "held_out": [Interval(Real, 0, 1, closed="left")],
        "n_rows": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(self, held_out: float = 0.2, n_rows: int = 1000) -> None:
        self.held_out = held_out
        self.n_rows = n_rows

    def rate(self, promised: float) -> float:
        """Return the share of good rows that the next threshold is to flag.

        Parameters
        ----------
        promised : float
            The alarm rate that was asked for.

        Returns
        -------
        rate : float
            In (0, 1).
        """
        return promised

    def limit(self, scores: NDArray[np.float64], promised: float) -> float:
        """Return the score beyond which rows are flagged.

        Parameters
        ----------
        scores : ndarray of shape (n_calibration,)
            Surprises of calibration rows, sorted: minus the logarithm of p-values.
        promised : float
            The alarm rate that was asked for.

        Returns
        -------
        limit : float
            In the same units.
        """
        rate = self.rate(promised)
        # The tolerance keeps 0.01 * 100 from falling short of 1.
        rank = int(rate * (len(scores) + 1) + 1e-9)
        # With too few rows, by the tail that the scale of scores has anyway.
        return float(scores[-rank]) if rank else -float(np.log(rate))

    def after(self, flags: NDArray[np.bool_], promised: float) -> Self:
        """Return the threshold's rule after some rows were judged.

        Parameters
        ----------
        flags : ndarray of bool of shape (n_rows,)
            Which rows were flagged.
        promised : float
            The alarm rate that was asked for.

        Returns
        -------
        threshold : object
            The same, or a copy.
        """
        del flags, promised
        return self


class FixedThreshold(ConformalThreshold):
    """Stay where ``fit`` or ``calibrate`` has put it: to compare with.

    Parameters
    ----------
    held_out : float, default=0.2
        As of :class:`ConformalThreshold`: the scale of scores still follows.
    n_rows : int, default=1000
        As of :class:`ConformalThreshold`.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector, FixedThreshold
    >>> ContinualDetector(threshold=FixedThreshold())
    ContinualDetector(threshold=FixedThreshold())
    """

    moves = False


class ACIThreshold(ConformalThreshold):
    """Adaptive conformal inference: steer the share of *alarms* to the promised rate [1]_.

    After every block the rate moves by `step` times what the share of flagged rows fell short of
    the promised one. So alarms are no more than promised on any stream, drifting or not, and of
    whatever share of true anomalies: in `n` rows, their share is beyond the promise by at most
    ``(rate + step * block_size) / (step * n)``. Alarms on true anomalies use the same budget, so
    that many are missed: a storm of alarms is followed by a long silence. A limit for storms more
    than a threshold.

    Parameters
    ----------
    step : float, default=0.005
        Step of the rate per row.
    held_out : float, default=0.2
        As of :class:`ConformalThreshold`.
    n_rows : int, default=1000
        As of :class:`ConformalThreshold`.

    References
    ----------
    .. [1] I. Gibbs and E. Candes, "Adaptive conformal inference under distribution shift", NeurIPS
           (2021), equation 2 and proposition 4.1.

    Examples
    --------
    >>> from skdqm.continual import ACIThreshold, ContinualDetector
    >>> ContinualDetector(threshold=ACIThreshold(step=0.001))
    ContinualDetector(threshold=ACIThreshold(step=0.001))
    """

    counts_alarms = True

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **ConformalThreshold._parameter_constraints,
        "step": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, step: float = 0.005, held_out: float = 0.2, n_rows: int = 1000) -> None:
        super().__init__(held_out=held_out, n_rows=n_rows)
        self.step = step

    def rate(self, promised: float) -> float:
        """Return the share of good rows that the next threshold is to flag."""
        return max(self._owed(promised), LOWEST_RATE)

    def limit(self, scores: NDArray[np.float64], promised: float) -> float:
        """Return the score beyond which rows are flagged: none, as long as alarms are owed."""
        return super().limit(scores, promised) if self._owed(promised) > 0 else NEVER

    def after(self, flags: NDArray[np.bool_], promised: float) -> Self:
        """Return the threshold's rule after some rows were judged."""
        moved = self._owed(promised) + self.step * float(np.sum(promised - flags))
        changed = copy(self)
        changed._rate = min(moved, HIGHEST_RATE)  # noqa: SLF001
        return changed

    def _owed(self, promised: float) -> float:
        """Return the rate, which is below zero when there were more alarms than are allowed."""
        return float(getattr(self, "_rate", promised))
