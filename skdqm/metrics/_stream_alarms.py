"""False alarms along a stream: their rate in windows, and storms of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError, UsageError
from skdqm.metrics._flags import checked_flags, checked_labels
from skdqm.metrics._stream_windows import WindowedFigures, consecutive, needs_window, sums_in
from skdqm.metrics._validation import check_number, check_share

__all__ = ["AlarmStorms", "alarm_storms", "windowed_false_alarm_rate"]

# A window in which fewer of its rows are good and judged tells no rate.
LEAST_JUDGED = 0.5


class AlarmStorms(NamedTuple):
    """How unevenly false alarms come.

    Attributes
    ----------
    worst_rate : float
        The largest false-alarm rate of any window.
    worst_start : int
        Position of the first row of the first window that has it.
    share_above : float
        Share of the windows whose rate exceeds ``factor * promised_rate``.
    n_storms : int
        Number of storms: windows above that share rows are one.
    rate : float
        False-alarm rate of the whole stream.
    """

    worst_rate: float
    worst_start: int
    share_above: float
    n_storms: int
    rate: float


def judged_good(y_true: ArrayLike, flags: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are good and got a verdict, and which of these are flagged."""
    checked = checked_flags(flags)
    good = ~checked_labels(y_true, len(checked), flags) & (checked != 0)
    if not good.any():
        raise DataError(
            "no row is good (y_true 0) and judged (a flag of -1 or 1); false alarms need good rows"
        )
    return good, good & (checked == -1)


def windowed_false_alarm_rate(
    y_true: ArrayLike, flags: ArrayLike, *, window: int = 1000
) -> WindowedFigures:
    """Compute the share of good rows that are flagged, in consecutive windows of a stream.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels in the order of time: 1 = anomaly, 0 = good.
    flags : array-like of shape (n_rows,)
        Predictions: -1 = flagged, 1 = good, 0 = no verdict, which counts nowhere; or booleans,
        True = flagged.
    window : int, default=1000
        Rows in a window. The last window has what is left.

    Returns
    -------
    figures : WindowedFigures
        ``mean`` over the windows with a good row that was judged, their ``values`` and ``starts``,
        and ``n_windows``, the number of all windows.

    Raises
    ------
    DataError
        When flags or labels are anything else or do not match, or no good row was judged.
    UsageError
        When `window` is not a whole number of at least 1.

    See Also
    --------
    alarm_storms : The worst of all sliding windows.

    Examples
    --------
    >>> from skdqm.metrics import windowed_false_alarm_rate
    >>> found = windowed_false_alarm_rate([0, 0, 0, 1], [1, -1, 1, -1], window=2)
    >>> found.mean, found.values.tolist()
    (0.25, [0.5, 0.0])
    """
    check_number("window", window, at_least=1)
    good, false = judged_good(y_true, flags)
    windows = consecutive(len(good), window)
    held = [rows for rows in windows if good[rows].any()]
    values = np.array([false[rows].sum() / good[rows].sum() for rows in held])
    starts = np.array([rows.start for rows in held], dtype=np.int64)
    return WindowedFigures(float(values.mean()), values, starts, len(windows))


def alarm_storms(
    y_true: ArrayLike,
    flags: ArrayLike,
    *,
    promised_rate: float,
    window: int = 1000,
    factor: float = 3.0,
) -> AlarmStorms:
    """Find the windows of a stream in which false alarms are far more than promised.

    Every stretch of `window` rows is looked at, wherever it begins. A rate that holds on average
    may come as silence and storms, and a storm is what makes shifters switch a monitor off.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels in the order of time: 1 = anomaly, 0 = good.
    flags : array-like of shape (n_rows,)
        Predictions: -1 = flagged, 1 = good, 0 = no verdict; or booleans, True = flagged. Rows
        without a verdict count nowhere: set those of a hold to 0 to look outside holds.
    promised_rate : float
        The promised share of good rows that are flagged, in (0, 1].
    window : int, default=1000
        Rows in a window; at most all of them. Windows where less than half of the rows are good
        and judged are left out.
    factor : float, default=3.0
        A window is above when its rate exceeds `factor` times the promised one. Even a rate that
        holds exceeds it somewhere in short windows: expect several promised alarms in each.

    Returns
    -------
    storms : AlarmStorms
        ``worst_rate``, ``worst_start``, ``share_above``, ``n_storms`` and ``rate``.

    Raises
    ------
    DataError
        When flags or labels are anything else or do not match, or all windows are left out.
    UsageError
        When the rate is outside (0, 1], the window no whole number or the factor not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.metrics import alarm_storms
    >>> flags = np.ones(5000)
    >>> flags[2000:2100] = -1
    >>> found = alarm_storms(np.zeros(5000), flags, promised_rate=0.01)
    >>> found.worst_rate, found.n_storms, found.rate
    (0.1, 1, 0.02)
    """
    check_share("promised_rate", promised_rate)
    check_number("window", window, at_least=1)
    if not 0 < factor < np.inf:
        raise UsageError(f"factor={factor!r}; give a positive number, such as 3")
    good, false = judged_good(y_true, flags)
    length = min(window, len(good))
    n_judged, n_false = sums_in(good, length), sums_in(false, length)
    starts = np.flatnonzero(n_judged >= LEAST_JUDGED * length)
    if not starts.size:
        raise needs_window("as many good rows with a verdict as half of it", length)
    rates = n_false[starts] / n_judged[starts]
    above = starts[rates > factor * promised_rate * (1 + 1e-12)]
    return AlarmStorms(
        worst_rate=float(rates.max()),
        worst_start=int(starts[rates.argmax()]),
        share_above=above.size / starts.size,
        n_storms=int(above.size > 0) + int((np.diff(above) >= length).sum()),
        rate=float(false.sum() / good.sum()),
    )
