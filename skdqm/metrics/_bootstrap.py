"""Bootstrap confidence intervals of figures of merit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import UsageError
from skdqm.metrics._survivors import Floats
from skdqm.metrics._validation import check_number, check_scores

__all__ = ["BootstrapInterval", "bootstrap_interval"]

Seed = int | np.random.Generator | np.random.RandomState | None
Labels = NDArray[np.int64]


class BootstrapInterval(NamedTuple):
    """A figure of merit with its statistical uncertainty.

    Attributes
    ----------
    estimate : float
        The figure on all samples.
    low, high : float
        The ends of the confidence interval; the estimate lies between them.
    standard_error : float
        The standard deviation of the figure over the resamples.
    """

    estimate: float
    low: float
    high: float
    standard_error: float


@overload
def bootstrap_interval(
    metric: Callable[..., float],
    y_true: ArrayLike,
    anomaly_score: ArrayLike,
    *,
    confidence_level: float = ...,
    n_resamples: int = ...,
    random_state: Seed = ...,
) -> BootstrapInterval: ...
@overload
def bootstrap_interval(
    metric: Callable[..., Mapping[str, float]],
    y_true: ArrayLike,
    anomaly_score: ArrayLike,
    *,
    confidence_level: float = ...,
    n_resamples: int = ...,
    random_state: Seed = ...,
) -> dict[str, BootstrapInterval]: ...
def bootstrap_interval(
    metric: Callable[..., float | Mapping[str, float]],
    y_true: ArrayLike,
    anomaly_score: ArrayLike,
    *,
    confidence_level: float = 0.95,
    n_resamples: int = 1000,
    random_state: Seed = None,
) -> BootstrapInterval | dict[str, BootstrapInterval]:
    """Compute how far a figure of merit may be off because there are only so many samples.

    The percentile bootstrap [1]_: anomalies and normal samples are drawn with replacement, each
    class by itself and as often as it has members, so that no resample lacks one. The interval
    holds the central part of the values of `metric`.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, anomaly_score)`` with 1 = anomaly and high = abnormal, which returns a
        number, or several by their names: any function of :mod:`skdqm.metrics`, of
        ``sklearn.metrics`` of this shape, or :func:`functools.partial` of one.
    y_true : array-like of shape (n_samples,)
        Labels: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal; for a metric of labels the predictions.
    confidence_level : float, default=0.95
        How often, about, such an interval holds the true value, in (0, 1).
    n_resamples : int, default=1000
        Number of resamples, at least 2. Each evaluates `metric` once.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the resamples.

    Returns
    -------
    interval : BootstrapInterval or dict of str to BootstrapInterval
        A dict when `metric` returns one, such as :func:`evaluate_scores`: all of its figures from
        the same resamples.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `metric` cannot be called or gives a value that is not finite, or another parameter is
        out of range.

    Notes
    -----
    Only the fluctuation of the samples at hand is in it: not that of the training, nor that rows
    of one run resemble each other. With ten anomalies or less in the class it is too narrow; a
    maximum, such as that of the SIC, is biased upwards in resamples, and a skewed distribution can
    leave the estimate outside: the interval is then widened to hold it.

    :func:`scipy.stats.bootstrap` offers more kinds of intervals, but none for a class of one
    member, takes one figure at a time, and its BCa evaluates the metric once more for each sample
    and is not defined where a perfect detector leaves no spread.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall
       (1993), section 13.3.

    Examples
    --------
    >>> from functools import partial
    >>> import numpy as np
    >>> from skdqm.metrics import background_rejection, bootstrap_interval
    >>> rng = np.random.default_rng(0)
    >>> y_true = np.repeat([0, 1], [500, 100])
    >>> score = rng.normal(size=600) + 2 * y_true
    >>> metric = partial(background_rejection, signal_efficiency=0.5)
    >>> found = bootstrap_interval(metric, y_true, score, n_resamples=200, random_state=0)
    >>> found.low < found.estimate < found.high
    True
    """
    labels, scores = check_scores(y_true, anomaly_score)
    if not callable(metric):
        raise UsageError(f"metric must be a function of (y_true, anomaly_score); got {metric!r}")
    if not (isinstance(confidence_level, Real) and 0 < confidence_level < 1):
        raise UsageError(f"confidence_level={confidence_level!r}; give a number in (0, 1)")
    check_number("n_resamples", n_resamples, at_least=2)
    estimate = metric(labels, scores)
    drawn = _resamples(labels, scores, np.random.default_rng(random_state))
    values = [metric(*next(drawn)) for _ in range(n_resamples)]
    if isinstance(estimate, Mapping):
        return {
            name: _interval(estimate[name], [value[name] for value in values], confidence_level)
            for name in estimate
        }
    return _interval(estimate, values, confidence_level)


def _resamples(
    labels: Labels, scores: Floats, random: np.random.Generator
) -> Iterator[tuple[Labels, Floats]]:
    """Draw from each class as many samples as it has, for ever."""
    # Of sorted samples a resample is sorted: each is repeated as often as it was drawn. Most
    # metrics begin with a sort, which then takes no time.
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    counts = np.empty(len(labels), dtype=np.int64)
    while True:
        for members in classes:
            n = len(members)
            counts[members] = np.bincount(random.integers(n, size=n), minlength=n)
        yield np.repeat(labels, counts), np.repeat(scores, counts)


def _interval(estimate: float, values: Sequence[float], level: float) -> BootstrapInterval:
    drawn = np.asarray(values, dtype=np.float64)
    if not np.isfinite([estimate, *drawn]).all():
        raise UsageError("metric gave a value that is not finite; take one that is always defined")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return BootstrapInterval(
        float(estimate),
        float(min(low, estimate)),
        float(max(high, estimate)),
        float(drawn.std(ddof=1)),
    )
