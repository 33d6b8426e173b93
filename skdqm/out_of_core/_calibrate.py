"""Calibration on rows in blocks."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdqm._sklearn import Interval, validate_params
from skdqm.base import BaseDetector
from skdqm.exceptions import UsageError
from skdqm.out_of_core._blocks import Blocks, Source
from skdqm.out_of_core._sample import UniformSample
from skdqm.out_of_core._steps import Behind, checked_parts


@validate_params(
    {
        "alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "max_scores": [Interval(Integral, 1, None, closed="left")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def calibrate(
    detector: Any,
    source: Source,
    *,
    alarm_rate: float = 0.01,
    max_scores: int = 1_000_000,
    random_state: int = 0,
) -> Any:
    """Set the threshold so that a promised share of good rows is flagged, at constant memory.

    As the method of the same name of a detector, :meth:`skdqm.base.BaseDetector.calibrate`, on more
    rows than memory holds. Of more than `max_scores` rows a uniform random sample of that many
    scores is kept, 8 bytes each, in memory and in the model file. A sample of exchangeable rows is
    exchangeable too, so the promise holds as before, and ``alarm_rate_interval_`` is that of as
    many rows: at 1,000,000 and an alarm rate of 0.1 %, from 0.094 to 0.106 %, and p-values go down
    to one in a million.

    Parameters
    ----------
    detector : estimator
        A fitted detector of skdqm, or a Pipeline that ends in one. It is calibrated in place.
    source : path, array, iterable or callable
        Good rows that were *not* used to fit, as :func:`skdqm.out_of_core.fit` takes them. One
        pass is made.
    alarm_rate : float, default=0.01
        Promised share of good rows that are flagged, in (0, 1).
    max_scores : int, default=1_000_000
        Scores kept at most.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    detector : estimator
        The calibrated detector.

    Raises
    ------
    DataError
        When a file is unreadable, or there are no rows.
    UsageError
        When the detector is not one of skdqm, or there are too few rows for the rate.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.out_of_core import calibrate, fit
    >>> X = np.random.default_rng(0).normal(size=(20_000, 3))
    >>> detector = fit(HistogramDetector(), X[:10_000])
    >>> calibrate(detector, X[10_000:], alarm_rate=0.05).alarm_rate_
    0.05
    """
    steps, last = checked_parts(detector)
    if not isinstance(last, BaseDetector):
        raise UsageError(
            f"a {type(last).__name__} cannot be calibrated; expected a detector of skdqm, or a "
            "Pipeline that ends in one"
        )
    check_is_fitted(last)
    sample = UniformSample(max_scores, np.random.default_rng(random_state))
    for rows in Behind(Blocks(source), steps):
        sample.add(last._scores_with_verdict(rows))  # noqa: SLF001 (scores rows as calibrate does)
    last._calibrated_by(sample.rows, float(alarm_rate))  # noqa: SLF001
    return detector
