"""Histograms of every feature: abnormal is what falls where few training rows fell."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm._sklearn import Interval, StrOptions
from skdqm.base import BaseDetector
from skdqm.detectors._standardise import Rows, StandardisingMixin, warn_of_few_first_rows
from skdqm.nn import in_tiles

# The bins of a feature span what the first rows span, and this share of it more on each side.
MARGIN = 0.01
# n_bins="auto": twice the cube root of the rows (Rice's rule), within these bounds.
FEWEST_BINS, MOST_BINS = 5, 50
# Entries that every bin has before any row is counted: an empty one is rare, not impossible.
PRIOR = 0.1
# How an entry is shared between its bin and the two beside it.
KERNEL = (0.25, 0.5, 0.25)


class HistogramDetector(StandardisingMixin, BaseDetector):
    """How rare the values of a row are, feature by feature.

    The anomaly score is the sum over the features of minus the logarithm of the density at the
    row's value, which is that of independent features [1]_; the mean of each term over the training
    rows is taken off. Densities are histograms, each entry shared with the neighbouring bins; a
    value outside all bins is rarer than any inside, by one for each standard deviation of distance,
    as in the tail of an exponential law.

    Fast, additive and easy to explain: ``feature_scores`` are the terms of the sum, and
    ``partial_fit`` adds entries. It is blind to relations between features. Bins are fixed by
    the first rows seen: values that drift out of them come to be less rare, but stay as far away;
    ``fit`` anew then.

    Parameters
    ----------
    n_bins : int or "auto", default="auto"
        Bins of each feature. ``"auto"`` takes twice the cube root of the number of first rows, at
        least 5, at most 50.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    counts_ : ndarray of shape (n_features, n_bins + 2)
        Entries of each bin; the first and the last column count what lay outside.
    low_, high_ : ndarray of shape (n_features,)
        Lower edge of the first bin and upper edge of the last one inside, in units of `scale_`
        from `location_`.
    location_, scale_ : ndarray of shape (n_features,)
        What the features were standardised with.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    NeighborsDetector : Sees relations between features.

    References
    ----------
    .. [1] M. Goldstein and A. Dengel, "Histogram-based outlier score (HBOS): a fast unsupervised
           anomaly detection algorithm", KI (2012).

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import HistogramDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = HistogramDetector().fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.4
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "n_bins": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    }

    def __init__(self, *, n_bins: int | str = "auto", contamination: float = 0.01) -> None:
        super().__init__(contamination=contamination)
        self.n_bins = n_bins

    def _fit(self, X: NDArray[Any]) -> None:
        self._start(X)
        self._count(X)

    def _partial_fit(self, X: NDArray[Any]) -> None:
        if not hasattr(self, "counts_"):
            warn_of_few_first_rows(X)
            self._start(X)
        self._count(X)

    def _start(self, X: NDArray[Any]) -> None:
        """Fix the bins."""
        self._learn_scale(X)
        standard = self._standardise(X)
        low, high = standard.min(axis=0), standard.max(axis=0)
        margin = MARGIN * np.where(high > low, high - low, 1.0)
        self.low_, self.high_ = low - margin, high + margin
        self.counts_ = np.zeros((X.shape[1], self._number_of_bins(len(X)) + 2))

    def _number_of_bins(self, n_rows: int) -> int:
        if isinstance(self.n_bins, str):
            return int(np.clip(np.ceil(2 * np.cbrt(n_rows)), FEWEST_BINS, MOST_BINS))
        return self.n_bins

    def _count(self, X: NDArray[Any]) -> None:
        n_features, n_bins = self.counts_.shape
        bins = self._bins(self._standardise(X)) + n_bins * np.arange(n_features)
        entries = np.bincount(bins.ravel(), minlength=n_features * n_bins)
        self.counts_ = self.counts_ + entries.reshape(n_features, n_bins)
        self._surprise = _surprise(self.counts_)

    def _bins(self, standard: Rows) -> NDArray[np.intp]:
        """Return the bin of every value; the first and the last one lie outside."""
        inside = self.counts_.shape[1] - 2
        place = inside * (standard - self.low_) / (self.high_ - self.low_)
        return np.clip(np.floor(place) + 1, 0, inside + 1).astype(np.intp)

    def _terms(self, rows: Rows) -> Rows:
        """Return how rare every value is."""
        standard = self._standardise(rows)
        outside = np.maximum(self.low_ - standard, standard - self.high_).clip(min=0)
        columns = np.arange(len(self.counts_))
        return self._surprise[columns, self._bins(standard)] + outside

    def _anomaly_score(self, X: NDArray[Any]) -> Rows:
        return in_tiles(lambda rows: np.add.reduce(self._terms(rows), axis=-1), X)

    def _feature_scores(self, X: NDArray[Any]) -> Rows:
        return in_tiles(self._terms, X)

    def _get_state(self) -> dict[str, Any]:
        return {name: value for name, value in super()._get_state().items() if name != "_surprise"}

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if hasattr(self, "counts_"):
            self._surprise = _surprise(self.counts_)


def _surprise(counts: Rows) -> Rows:
    """Return minus the logarithm of the share of each bin, above its mean over the entries."""
    smooth = counts + PRIOR
    inside = np.pad(counts[:, 1:-1], ((0, 0), (1, 1)))
    left, middle, right = KERNEL
    smooth[:, 1:-1] = (
        left * inside[:, :-2] + middle * inside[:, 1:-1] + right * inside[:, 2:] + PRIOR
    )
    rarity = -np.log(smooth / smooth.sum(axis=1, keepdims=True))
    usual = (counts * rarity).sum(axis=1) / counts.sum(axis=1)
    return rarity - usual[:, None]
