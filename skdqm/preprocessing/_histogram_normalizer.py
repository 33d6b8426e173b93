"""Histograms of lumisections that differ in exposure and conditions, made comparable."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._row_shape import column_number
from skdqm._sklearn import _fit_context
from skdqm.exceptions import DataError, UsageError
from skdqm.preprocessing._robust_lines import robust_lines
from skdqm.preprocessing._tables import (
    Floats,
    areas_of,
    as_given,
    checked_finite,
    divided,
    histograms_of,
    part_of,
    row_name,
    rows_at_once,
)

__all__ = ["HistogramNormalizer"]

AREA = "area"


class HistogramNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide histograms by their exposure, and correct them for a condition such as pile-up.

    A lumisection of twice the luminosity has twice the counts, and one of more pile-up another
    shape; neither is a fault. Columns that say the exposure or the condition are used and dropped.
    Other columns without a bin in their name stay as they are, beside columns with one: of
    ``charge[0]``, ``charge[1]`` and ``temperature``, the last is no content.

    Normalised contents are no counts. A detector that counts
    (:class:`skdqm.detectors.ReferenceDetector` by default) wants them as they are and divides by
    itself; give it ``fluctuations="empirical"`` after this transformer.

    Parameters
    ----------
    by : "area", str, int or None, default="area"
        ``"area"``
            the sum of the sizes of the contents of the histogram, so that it has unit area;
            each one of its own where the names of the columns, ``element[bin]``, say several;
        int or another str
            the column of that name or number, such as a luminosity, a number of events or the rate
            of a trigger;
        None
            nothing: contents stay as they are.
    correct_for : str, int or None, default=None
        Column of a condition, such as ``"pileup"``. Each bin of a row is multiplied by the ratio of
        its usual content at the mean condition to that at the condition of the row. What is usual
        is a straight line of normalised content against the condition, fitted in ``fit`` by
        exposure and without outliers; one for all bins is in use at the CMS ECAL [1]_. Bins of no
        significant slope stay, as all do with less than 5 rows, and so do contents where the line
        is not above 0. Beyond the conditions of the training rows the correction is that at the
        nearest of them: learn from rows that cover the conditions to come.

    Attributes
    ----------
    mean_condition_ : float or None
        Mean of the condition over training rows, by exposure; None without `correct_for`.
    condition_range_ : ndarray of shape (2,) or None
        Smallest and largest condition of training rows with exposure; others are taken for these.
    level_ : ndarray of shape (n_features_out,) or None
        Usual content of each bin at the mean condition.
    slope_ : ndarray of shape (n_features_out,) or None
        Its change with each unit of the condition; 0 where there is none.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if ``fit`` saw a data frame.

    See Also
    --------
    LumisectionSum : Sums of lumisections, for more entries before this.

    References
    ----------
    .. [1] CMS software, DQM/EcalMonitorClient/src/MLClient.cc, https://github.com/cms-sw/cmssw:
           maps are corrected for pile-up by one line for all cells.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdqm.preprocessing import HistogramNormalizer
    >>> X = pd.DataFrame({"lumi": [1.0, 2.0, 0.0], "charge[0]": [3, 8, 5], "charge[1]": [1, 2, 5]})
    >>> HistogramNormalizer(by="lumi").fit_transform(X)
       charge[0]  charge[1]
    0        3.0        1.0
    1        4.0        1.0
    2        0.0        0.0
    >>> HistogramNormalizer().fit_transform(X[["charge[0]", "charge[1]"]]).to_numpy()
    array([[0.75, 0.25],
           [0.8 , 0.2 ],
           [0.5 , 0.5 ]])
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "by": [str, Integral, None],
        "correct_for": [str, Integral, None],
    }

    def __init__(self, by: Any = AREA, *, correct_for: Any = None) -> None:
        self.by = by
        self.correct_for = correct_for

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the columns, and learn how contents depend on the condition.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, mostly good.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        UsageError
            When `by` or `correct_for` is no column, or no column is left.
        DataError
            When an exposure is negative.
        """
        rows = validate_data(self, X, dtype=np.float64, order="C")
        self._find_columns()
        exposures = self._exposures(rows, X)
        # Numbers and arrays where there is a condition.
        self.mean_condition_: Any = None
        self.condition_range_: Any = None
        self.level_: Any = None
        self.slope_: Any = None
        if self._condition is not None:
            self._learn_lines(rows, exposures)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Normalise and correct rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of histograms, with their exposure and condition.

        Returns
        -------
        X_normalized : ndarray or DataFrame of shape (n_samples, n_features_out)
            Contents over exposure, at the mean condition; zeros where a row has no exposure. A
            frame of pandas gives a frame, with its index.

        Raises
        ------
        DataError
            When an exposure is negative.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        out = divided(rows, self._bins, self._histograms, self._exposures(rows, X))
        if self._condition is not None:
            self._correct(out, rows[:, self._condition])
        return as_given(out, X, self._bins)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input columns; those seen in ``fit``, or ``x0``, ``x1`` and so on.

        Returns
        -------
        names : ndarray of str objects
            Those of the input without the exposure and the condition.
        """
        names: NDArray[Any] = super().get_feature_names_out(input_features)
        return names[self._bins]

    def _find_columns(self) -> None:
        self._by_area = self.by == AREA
        self._exposure = self._column("by", None if self._by_area else self.by)
        self._condition = self._column("correct_for", self.correct_for)
        used = {self._exposure, self._condition} - {None}
        self._bins = np.delete(np.arange(self.n_features_in_), sorted(used))  # type: ignore[type-var]
        if not len(self._bins):
            raise UsageError(
                f"n_features={self.n_features_in_}, and by={self.by!r} and correct_for="
                f"{self.correct_for!r} take all of them; expected columns of bins beside them"
            )
        self._histograms = histograms_of(self, self._bins)

    def _column(self, parameter: str, value: Any) -> int | None:
        return None if value is None else column_number(self, parameter, value)

    def _exposures(self, rows: Floats, X: Any) -> Floats:
        """Return the exposure of each histogram of each row."""
        if self._by_area:
            return areas_of(rows, self._bins, self._histograms)
        exposure = np.ones(len(rows)) if self._exposure is None else rows[:, self._exposure]
        negative = np.flatnonzero(exposure < 0)
        if len(negative):
            raise DataError(
                f"by={self.by!r}: found {len(negative)} negative exposures, the first, "
                f"{exposure[negative[0]]:g}, in {row_name(X, negative[0])}; expected 0 or more: "
                "drop these rows, or set the exposure of those without data to 0"
            )
        return np.repeat(exposure[:, None], len(self._histograms), axis=1)

    def _learn_lines(self, rows: Floats, exposures: Floats) -> None:
        contents = divided(rows, self._bins, self._histograms, exposures)
        condition, total = rows[:, self._condition], exposures.sum(axis=1)
        self.mean_condition_ = float(np.average(condition, weights=total if total.any() else None))
        seen = condition[total > 0] if total.any() else condition
        self.condition_range_ = np.array([seen.min(), seen.max()])
        self.level_, self.slope_ = np.zeros((2, contents.shape[1]))
        for number, where in enumerate(self._histograms):
            weights, apart = exposures[:, number], condition - self.mean_condition_
            lines = robust_lines(part_of(contents, where), weights, apart)
            self.level_[where], self.slope_[where] = lines

    def _correct(self, contents: Floats, condition: Floats) -> None:
        """Bring contents to the mean condition, in place."""
        apart = (np.clip(condition, *self.condition_range_) - self.mean_condition_)[:, None]
        for part in gen_batches(len(contents), rows_at_once(contents.shape[1])):
            with np.errstate(over="ignore"):
                line = self.level_ + self.slope_ * apart[part]
                known = (line > 0) & (self.level_ > 0)
                contents[part] *= np.divide(self.level_, line, out=np.ones_like(line), where=known)
        checked_finite(contents, "contents at the mean condition")
