"""A splitter by run, forward in time."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

from skdqm._lumisections import checked_runs_of_rows, required_runs
from skdqm.exceptions import DataError, UsageError

__all__ = ["RunSplit"]

Rows = NDArray[np.intp]


class RunSplit(BaseCrossValidator):
    """Train on earlier runs, test on the next ones; no run is ever cut.

    Lumisections of one run resemble each other more than those of other runs: split at random, a
    detector is tested on runs that it knows, and looks better than it will be on the next one.
    This splits as :class:`sklearn.model_selection.TimeSeriesSplit` does, with whole runs in place
    of samples, in the order of their numbers and wherever their rows are.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits, at least 1.
    gap : int, default=0
        Number of runs left out between the training runs and the test runs: those whose verdict
        has not arrived when the detector is trained.
    max_train_runs : int, default=None
        Train on the latest so many runs only; None: on all earlier ones.
    test_runs : int, default=None
        Number of runs in each test set; None: all runs over ``n_splits + 1``, rounded down. The
        first runs, which are left over, belong to the training runs of all splits.

    See Also
    --------
    skdqm.metrics.evaluate_by_run : Goes through the runs one by one, and learns in between.

    Notes
    -----
    Runs are those of `groups`, or else of the index level ``run`` of X. `GridSearchCV` and
    `cross_validate` hand `groups` on. The folds hold faulty rows too: give a detector that is to
    learn from good rows only a table of these, or take one that copes with contamination. A scorer
    of :mod:`skdqm.metrics` needs faulty and good rows in every test set: fewer splits have more.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.model_selection import RunSplit
    >>> runs = [7, 7, 9, 9, 9, 8, 12]
    >>> for train, test in RunSplit(n_splits=3).split(np.zeros((7, 1)), groups=runs):
    ...     print(train.tolist(), test.tolist())
    [0, 1] [5]
    [0, 1, 5] [2, 3, 4]
    [0, 1, 2, 3, 4, 5] [6]
    """

    # scikit-learn's protocol of metadata routing: `groups` are wanted without being asked for.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        gap: int = 0,
        max_train_runs: int | None = None,
        test_runs: int | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.gap = gap
        self.max_train_runs = max_train_runs
        self.test_runs = test_runs

    def split(
        self, X: Any, y: object = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Rows, Rows]]:
        """Generate the rows to train on and the rows to test on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; a data frame with an index level ``run`` unless `groups` are given.
        y : ignored
            Present for the scikit-learn API.
        groups : array-like of int of shape (n_samples,), default=None
            The run of each row.

        Yields
        ------
        train, test : ndarray of int
            Positions of rows, in increasing order.

        Raises
        ------
        DataError
            When the rows do not tell their runs, or there are too few runs.
        UsageError
            When a parameter is out of range.
        """
        self._check()
        runs, run_of_row = np.unique(self._runs(X, groups), return_inverse=True)
        n_test = self._n_test(len(runs))
        yield from self._folds(len(runs), n_test, run_of_row)

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : ignored
            Present for the scikit-learn API.

        Returns
        -------
        n_splits : int
            As the constructor was told.

        Raises
        ------
        UsageError
            When it is no whole number of 1 or more.
        """
        self._check()
        return int(self.n_splits)

    def _folds(self, n_runs: int, n_test: int, run_of_row: Rows) -> Iterator[tuple[Rows, Rows]]:
        for start in range(n_runs - n_test * self.n_splits, n_runs, n_test):
            stop = start - self.gap
            first = 0 if self.max_train_runs is None else max(0, stop - self.max_train_runs)
            yield (
                np.flatnonzero((run_of_row >= first) & (run_of_row < stop)),
                np.flatnonzero((run_of_row >= start) & (run_of_row < start + n_test)),
            )

    def _check(self) -> None:
        lowest = {"n_splits": 1, "gap": 0, "max_train_runs": 1, "test_runs": 1}
        for name, at_least in lowest.items():
            value = getattr(self, name)
            optional = name in ("max_train_runs", "test_runs") and value is None
            is_whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not optional and not (is_whole and value >= at_least):
                raise UsageError(f"{name}={value!r}; give a whole number of {at_least} or more")

    def _n_test(self, n_runs: int) -> int:
        """Return how many runs each test set has."""
        n_test = self.test_runs or max(1, n_runs // (self.n_splits + 1))
        needed = n_test * self.n_splits + self.gap + 1
        if n_runs < needed:
            raise DataError(
                f"found {n_runs} runs, too few for {self.n_splits} splits with {n_test} test runs "
                f"each, a gap of {self.gap} and at least one run to train on: expected {needed} or "
                "more; lower n_splits, gap or test_runs"
            )
        return n_test

    @staticmethod
    def _runs(X: Any, groups: ArrayLike | None) -> NDArray[Any]:
        """Return the number of the run of each row."""
        runs = required_runs(X, "a split by run without groups") if groups is None else groups
        n_rows = len(X) if hasattr(X, "__len__") else X.shape[0]
        return checked_runs_of_rows(runs, n_rows, "groups")
