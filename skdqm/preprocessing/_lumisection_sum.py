"""Sums over the last lumisections, for histograms that hold too little in one."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._lumisections import LUMISECTION, RUN, lumisections_of, runs_of
from skdqm._row_shape import column_number
from skdqm._sklearn import Interval, _fit_context
from skdqm.exceptions import DataError, MissingRunsWarning
from skdqm.preprocessing._tables import (
    Floats,
    as_given,
    checked_finite,
    rows_at_once,
)

__all__ = ["LumisectionSum"]


class LumisectionSum(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Add to each row the lumisections before it in its run.

    One row in, one row out: every lumisection keeps its verdict, from `n_lumisections` times the
    entries. A fault shows at once with a part of its strength, and fully when it has stayed. The
    CMS ECAL sums its maps so, where one lumisection has too few events [1]_.

    Sums go by the *number* of the lumisection: where some are missing, fewer are added. They never
    reach into another run, and rows may come in any order. Sums of counts are exact.

    Parameters
    ----------
    n_lumisections : int, default=3
        Number of lumisections that a row covers, its own included, at least 1.
    mean_of : sequence of str or int, default=()
        Names or numbers of columns that are averaged instead: conditions, such as pile-up, which do
        not add up.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if ``fit`` saw a data frame.

    Warns
    -----
    MissingRunsWarning
        When rows do not say their run and lumisection: each stands alone then.

    References
    ----------
    .. [1] CMS software, DQM/EcalMonitorClient/src/MLClient.cc, https://github.com/cms-sw/cmssw.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdqm.preprocessing import LumisectionSum
    >>> index = pd.MultiIndex.from_tuples(
    ...     [(7, 1), (7, 2), (7, 4), (8, 5)], names=["run", "lumisection"]
    ... )
    >>> X = pd.DataFrame({"charge[0]": [1, 10, 100, 1000], "pileup": [40, 42, 30, 50]}, index)
    >>> LumisectionSum(3, mean_of=["pileup"]).fit_transform(X)
                     charge[0]  pileup
    run lumisection
    7   1                  1.0    40.0
        2                 11.0    41.0
        4                110.0    36.0
    8   5               1000.0    50.0
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "n_lumisections": [Interval(Integral, 1, None, closed="left")],
        "mean_of": ["array-like"],
    }

    def __init__(self, n_lumisections: int = 3, *, mean_of: Sequence[str | int] = ()) -> None:
        self.n_lumisections = n_lumisections
        self.mean_of = mean_of

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the columns; nothing is learned from the values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        UsageError
            When `mean_of` names what is no column.
        """
        validate_data(self, X, dtype=np.float64)
        averaged = [column_number(self, "mean_of", column) for column in self.mean_of]
        # Parameters that are changed later do not change what was fitted.
        self._averaged = np.array(averaged, dtype=np.intp)
        self._n_lumisections = int(self.n_lumisections)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Sum lumisections.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; a frame of pandas whose index has the levels ``run`` and ``lumisection``. What
            lies before a row and is not among them cannot be added.

        Returns
        -------
        X_summed : ndarray or DataFrame of shape (n_samples, n_features)
            Each row with those before it added. A frame gives a frame, with its index.

        Raises
        ------
        DataError
            When two rows are the same lumisection, or its number is no whole number.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        if self._n_lumisections == 1:
            return as_given(rows.copy(), X)
        if runs_of(X) is None or LUMISECTION not in X.index.names:  # type: ignore[union-attr]
            _warn_of_missing_runs()
            return as_given(rows.copy(), X)
        summed = _summed(rows, _past(X, self._n_lumisections), self._averaged)
        return as_given(checked_finite(summed, "sums of lumisections"), X)


class Past(NamedTuple):
    """Rows in the order of time, and what lies before them."""

    order: NDArray[np.intp]  # rows, sorted by run and lumisection
    # For each step back, which of the sorted rows take what lies so many places before them.
    steps: list[NDArray[np.bool_]]


def _warn_of_missing_runs() -> None:
    # From here over transform and scikit-learn's wrapper of it to who called.
    warn(
        "LumisectionSum adds nothing to rows that do not say their run and lumisection: expected a "
        f"pandas data frame with the index levels {RUN!r} and {LUMISECTION!r}, as "
        "skdqm.io.read_histograms gives; a step before this one may have dropped them: "
        "set_output(transform='pandas') keeps them",
        MissingRunsWarning,
        stacklevel=4,
    )


def _past(X: Any, n_lumisections: int) -> Past:
    runs, numbers = np.asarray(runs_of(X)), lumisections_of(X)
    if not np.issubdtype(numbers.dtype, np.integer):
        raise DataError(
            f"LumisectionSum found lumisections of type {numbers.dtype}, such as {numbers[0]}; "
            "expected whole numbers in the index"
        )
    order = np.lexsort((numbers, runs))
    runs, numbers = runs[order], numbers[order]
    _refuse_duplicates(runs, numbers)
    steps = []
    for back in range(1, min(n_lumisections, len(order))):
        near = np.zeros(len(order), dtype=bool)
        near[back:] = (runs[back:] == runs[:-back]) & (
            numbers[back:] - numbers[:-back] < n_lumisections
        )
        if not near.any():
            break
        steps.append(near)
    return Past(order, steps)


def _refuse_duplicates(runs: NDArray[Any], numbers: NDArray[Any]) -> None:
    twice = np.flatnonzero((runs[1:] == runs[:-1]) & (numbers[1:] == numbers[:-1]))
    if len(twice):
        raise DataError(
            f"LumisectionSum found {len(twice)} rows whose run and lumisection are those of "
            f"another one, the first {RUN} {runs[twice[0]]}, {LUMISECTION} {numbers[twice[0]]}; "
            "expected one row for each: drop or add up what is double"
        )


def _summed(rows: Floats, past: Past, averaged: NDArray[np.intp]) -> Floats:
    """Add rows one by one: running totals would lose the digits of small rows after large ones."""
    out = np.empty_like(rows)
    for part in gen_batches(len(rows), rows_at_once(rows.shape[1])):
        sums = rows[past.order[part]]
        covered = np.ones(len(sums))
        with np.errstate(over="ignore"):
            for back, near in enumerate(past.steps, start=1):
                places = np.flatnonzero(near[part])
                sums[places] += rows[past.order[places + part.start - back]]
                covered[places] += 1
        sums[:, averaged] /= covered[:, None]
        out[past.order[part]] = sums
    return out
