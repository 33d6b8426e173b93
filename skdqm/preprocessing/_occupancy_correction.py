"""Maps of occupancy made flat, so that a loss in a quiet corner counts as one in a busy place."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm.preprocessing._robust_lines import robust_lines
from skdqm.preprocessing._tables import (
    Floats,
    areas_of,
    as_given,
    checked_finite,
    divided,
    histograms_of,
    part_of,
)

__all__ = ["OccupancyCorrection"]


class OccupancyCorrection(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide each cell by how full it usually is, relative to the mean cell.

    Then a flat map is expected, and a relative deviation has the same size wherever it is. The CMS
    ECAL corrects its maps so for the crystals at large eta, which see more particles [1]_.

    What is usual is the mean share of the training rows in each cell, by exposure and without
    outliers: a channel that is hot or dead in some rows does not count. Each histogram stands for
    itself where the names of the columns, ``element[bin]``, say several. Columns without a bin in
    their name, such as a luminosity beside ``charge[0]``, stay as they are.

    Attributes
    ----------
    relative_occupancy_ : ndarray of shape (n_features,)
        Mean share of each cell over that of the mean cell of its histogram; 0 for cells that were
        never filled in training: they do not exist. 1 for columns that are no cells.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if ``fit`` saw a data frame.

    References
    ----------
    .. [1] CMS ECAL collaboration, "Autoencoder-based anomaly detection system for online data
           quality monitoring of the CMS electromagnetic calorimeter", Computing and Software for
           Big Science 8 (2024) 11.

    Examples
    --------
    >>> from skdqm.preprocessing import OccupancyCorrection
    >>> X = [[10, 30, 20, 0], [20, 60, 40, 0]]
    >>> OccupancyCorrection().fit(X).transform([[10, 30, 20, 0], [10, 15, 20, 3]])
    array([[20., 20., 20.,  0.],
           [20., 10., 20.,  0.]])
    """

    _parameter_constraints: dict[str, list[Any]] = {}  # noqa: RUF012

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn how full each cell usually is.

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
        """
        rows = validate_data(self, X, dtype=np.float64, order="C")
        columns = np.arange(rows.shape[1])
        histograms = histograms_of(self, columns)
        areas = areas_of(rows, columns, histograms)
        shares = divided(rows, columns, histograms, areas)
        np.abs(shares, out=shares)
        self.relative_occupancy_: Floats = np.ones(rows.shape[1])
        for number, where in enumerate(histograms):
            usual = _usual_shares(part_of(shares, where), areas[:, number])
            exists = usual > 0
            mean = usual[exists].mean() if exists.any() else 1.0
            self.relative_occupancy_[where] = usual / mean
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Divide cells by how full they usually are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of maps, of any exposure.

        Returns
        -------
        X_flat : ndarray or DataFrame of shape (n_samples, n_features)
            In the units of `X`, flat where nothing is wrong; 0 in cells that do not exist. A frame
            of pandas gives a frame, with its index.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        occupancy = self.relative_occupancy_
        with np.errstate(over="ignore"):
            flat = rows / np.where(occupancy > 0, occupancy, np.inf)
        return as_given(checked_finite(flat, "contents over the occupancy of their cell"), X)


def _usual_shares(shares: Floats, areas: Floats) -> Floats:
    """Return the mean share of each cell; 0 only where it was never filled."""
    usual, _ = robust_lines(shares, areas, np.zeros(len(shares)))
    return np.where(usual > 0, usual, shares.mean(axis=0))
