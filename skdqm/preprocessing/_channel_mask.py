"""Channels that are known to be bad, or that do not exist, set to zero."""

import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._lumisections import elements_of, place_of, shape_of
from skdqm._row_shape import column_number
from skdqm._sklearn import _fit_context
from skdqm.exceptions import UsageError
from skdqm.preprocessing._tables import as_given

__all__ = ["ChannelMask"]

Bools = NDArray[np.bool_]


class ChannelMask(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Set masked cells to zero in every row.

    A channel that is known to be dead or noisy is no news. Masked, it is the same in all rows, and
    no detector can learn anything of it, nor find anything in it.

    Parameters
    ----------
    channels : array-like or None, default=None
        The cells to mask: names of columns, numbers of columns, or a boolean array, True = masked,
        with one value for each column or of the histogram's shape.
    never_filled : bool, default=False
        Also mask the cells that are 0 in every training row.

    Attributes
    ----------
    mask_ : ndarray of bool of shape (n_features,)
        True = masked.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if ``fit`` saw a data frame.

    Examples
    --------
    >>> from skdqm.preprocessing import ChannelMask
    >>> X = [[5, 6, 900, 0], [4, 7, 800, 0]]
    >>> mask = ChannelMask([2], never_filled=True).fit(X)
    >>> mask.mask_
    array([False, False,  True,  True])
    >>> mask.transform([[5, 0, 870, 1]])
    array([[5., 0., 0., 0.]])
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "channels": ["array-like", None],
        "never_filled": ["boolean"],
    }

    def __init__(self, channels: Any = None, *, never_filled: bool = False) -> None:
        self.channels = channels
        self.never_filled = never_filled

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the columns to mask.

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

        Raises
        ------
        UsageError
            When a channel is no column, or a boolean array has another shape than the histogram.
        """
        rows = validate_data(self, X, dtype=np.float64)
        mask = self._given() if self.channels is not None else np.zeros(rows.shape[1], dtype=bool)
        self.mask_: Bools = mask | ~rows.any(axis=0) if self.never_filled else mask
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Set masked cells to zero.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_masked : ndarray or DataFrame of shape (n_samples, n_features)
            All other cells are as they were. A frame of pandas gives a frame, with its index.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return as_given(np.where(self.mask_, 0.0, rows), X)

    def _given(self) -> Bools:
        """Return what `channels` says, column after column."""
        given = np.asarray(self.channels)
        if given.dtype == bool:
            return self._in_columns(given)
        if given.ndim != 1:
            raise UsageError(
                f"channels is an array of shape {given.shape} and type {given.dtype}; expected a "
                "list of names or numbers of columns, or a boolean array of the histogram's shape"
            )
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[self._numbers(self.channels)] = True
        return mask

    def _numbers(self, channels: Iterable[Any]) -> list[int]:
        return [column_number(self, "channels", channel) for channel in channels]

    def _in_columns(self, given: Bools) -> Bools:
        """Return a boolean array of the histogram's shape in the order of the columns."""
        if given.shape == (self.n_features_in_,):
            return given.copy()
        names = list(getattr(self, "feature_names_in_", []))
        shape = shape_of(names) if len(elements_of(names)) == 1 else ()
        if len(shape) > 1 and given.shape == shape:
            places = np.array([place_of(name) for name in names])
            return given[tuple(places.T)]
        if len(shape) > 1 or math.prod(given.shape) != self.n_features_in_:
            raise UsageError(
                f"channels is a boolean array of shape {given.shape}; expected "
                f"({self.n_features_in_},), one value for each column"
                + (f", or {shape}, the shape of the histogram" if len(shape) > 1 else "")
            )
        return given.ravel()
