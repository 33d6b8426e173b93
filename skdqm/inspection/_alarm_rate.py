"""Whether a calibrated detector keeps its promised alarm rate."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm.exceptions import DataError
from skdqm.inspection._common import checked, one_axes, rows_for
from skdqm.inspection._style import BAND, GUIDE, LINE


class AlarmRateDisplay:
    """Achieved against promised alarm rate on new good rows, with the binomial 95 % band.

    The band holds the share that independent rows would flag if the promise held exactly.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        Conformal p-values of good rows that were neither learned nor used to calibrate.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.inspection import AlarmRateDisplay
    >>> AlarmRateDisplay.from_p_values(np.linspace(0.01, 1, 100)).ax_.get_xlabel()
    'promised alarm rate'
    """

    def __init__(self, p_values: ArrayLike) -> None:
        self.p_values = p_values

    @classmethod
    def from_estimator(cls, estimator: Any, X_good: Any, *, ax: Any = None) -> Self:
        """Plot the alarm rates of a calibrated detector on new good rows.

        Parameters
        ----------
        estimator : object
            Fitted detector, or a Pipeline that ends in one.
        X_good : array-like of shape (n_samples, n_features)
            New good rows.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : AlarmRateDisplay
            Plotted.

        Raises
        ------
        DataError
            When p-values are missing, not finite, or outside of [0, 1].
        UsageError
            When the estimator has no ``p_values``.
        """
        detector, rows = rows_for(estimator, "p_values", X_good)
        return cls.from_p_values(detector.p_values(rows), ax=ax)

    @classmethod
    def from_p_values(cls, p_values: ArrayLike, *, ax: Any = None) -> Self:
        """Plot known p-values.

        Parameters
        ----------
        p_values : array-like of shape (n_samples,)
            Of new good rows.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : AlarmRateDisplay
            Plotted.

        Raises
        ------
        DataError
            When p-values are missing, not finite, or outside of [0, 1].
        """
        return cls(p_values).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : AlarmRateDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When p-values are missing, not finite, or outside of [0, 1].
        """
        from scipy.stats import binom

        found = np.sort(checked(self.p_values, "p_values"))
        if found[0] < 0 or found[-1] > 1:
            raise DataError(f"p_values lie in [{found[0]}, {found[-1]}]; expected them in [0, 1]")
        n_rows = len(found)
        rates = np.geomspace(1 / n_rows, 1, 200)
        achieved = np.searchsorted(found, rates, side="right") / n_rows
        low, high = (binom.ppf(q, n_rows, rates) / n_rows for q in (0.025, 0.975))
        self.ax_ = one_axes(ax)
        self.figure_: Any = self.ax_.figure
        self.ax_.fill_between(rates, low, high, label="95 % of chance", **BAND)
        self.ax_.plot(rates, rates, label="promise kept", **GUIDE)
        self.ax_.plot(rates, achieved, label="achieved", **LINE)
        # Symlog: rates at which no row was flagged stay in the picture.
        self.ax_.set_xscale("log")
        self.ax_.set_yscale("symlog", linthresh=1 / n_rows)
        self.ax_.set(xlabel="promised alarm rate", ylabel="achieved alarm rate", ylim=(0, 1.05))
        self.ax_.legend(loc="upper left")
        return self
