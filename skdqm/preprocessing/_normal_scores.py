"""Values to normal scores, by their ranks among training rows."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._sklearn import Interval, _fit_context

__all__ = ["NormalScores"]

# Values at and beyond the smallest and the largest one seen get this probability: about 5.2
# standard deviations.
EXTREME = 1e-7

Column = NDArray[np.float64]


class NormalScores(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Replace the values of each feature by the normal scores of their ranks.

    A value becomes the quantile of the standard normal distribution at its share among the training
    values (van der Waerden's scores [1]_): every feature is then about normal, heavy tails and
    units are gone, and only the order of values remains. Distances after it tell rows apart that
    are odd in their ranks; keep a detector on the values beside it, since ranks do not know
    how far an extreme lies.

    It is :class:`sklearn.preprocessing.QuantileTransformer` with as many quantiles as there are
    rows, up to `n_quantiles`, without a sample and without a warning.

    Parameters
    ----------
    n_quantiles : int, default=1000
        Quantiles of each feature that are kept at most.

    Attributes
    ----------
    quantiles_ : ndarray of shape (n_kept, n_features)
        Values at evenly spaced shares.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if ``fit`` saw a data frame.

    References
    ----------
    .. [1] B. L. van der Waerden, "Order tests for the two-sample problem and their power",
           Indagationes Mathematicae 14 (1952) 453.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.preprocessing import NormalScores
    >>> X = np.array([[1.0], [2.0], [40.0], [1000.0], [1e6]])
    >>> NormalScores().fit(X).transform([[2.0], [40.0], [1e9]]).round(2).ravel()
    array([-0.67,  0.  ,  5.2 ])
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "n_quantiles": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(self, *, n_quantiles: int = 1000) -> None:
        self.n_quantiles = n_quantiles

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the quantiles of each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        rows = validate_data(self, X, dtype=np.float64)
        shares = np.linspace(0, 1, max(2, min(len(rows), self.n_quantiles)))
        self.quantiles_: NDArray[np.float64] = np.quantile(rows, shares, axis=0)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Turn values into normal scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of values.

        Returns
        -------
        X_scores : ndarray of shape (n_samples, n_features)
            Between -5.2 and 5.2; those of values that are alike in training lie in their middle.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        spaced = np.linspace(0, 1, len(self.quantiles_))
        columns = zip(
            np.ascontiguousarray(rows.T), np.ascontiguousarray(self.quantiles_.T), strict=True
        )
        shares = np.column_stack([_shares(*column, spaced) for column in columns])
        return ndtri(shares.clip(EXTREME, 1 - EXTREME))


def _shares(values: Column, quantiles: Column, shares: Column) -> Column:
    """Return the share of training values below each value, half of those equal to it included."""
    # Interpolation takes the last of equal quantiles; seen from above it takes the first.
    from_below = np.interp(values, quantiles, shares)
    from_above = -np.interp(-values, -quantiles[::-1], -shares[::-1])
    return 0.5 * (from_below + from_above)
