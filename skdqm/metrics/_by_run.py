"""Evaluation in the order of time: the verdict on a run arrives when it is over."""

from copy import deepcopy
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skdqm._lumisections import cut_at_runs, required_runs
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics._flags import checked_flags, checked_labels, checked_runs, in_time

__all__ = ["evaluate_by_run"]

Learn = Literal["good", "accepted", "all", "none"]
LEARN = ("good", "accepted", "all", "none")


def evaluate_by_run(
    detector: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    learn: Learn = "good",
    runs: ArrayLike | None = None,
) -> pd.DataFrame:
    """Score each run by a detector that has learned from earlier runs only.

    Runs are taken in the order of their numbers. A run is scored and judged as a whole; when it is
    over, and not before, some of its rows are learned by ``partial_fit``, and the next run follows.
    So no score depends on a label, or on a row, that was not known when it was due: a random split
    of lumisections looks better than this, and better than the detector will be.

    Parameters
    ----------
    detector : object
        A detector fitted on runs before those of `X`; it is copied and not changed. It has
        ``score_samples`` (low = abnormal), ``predict`` (1 = good, -1 = flagged, 0 = not enough
        data) and, unless `learn` is ``"none"``, ``partial_fit``.
    X : DataFrame or array-like of shape (n_lumisections, n_features)
        Rows, in any order: those of a run are sorted by the index level ``lumisection``, if there
        is one.
    y : array-like of shape (n_lumisections,), default=None
        Labels: 1 = faulty, 0 = good. Needed if good rows are to be learned.
    learn : {"good", "accepted", "all", "none"}, default="good"
        What is learned of a run that is over: rows labelled good, rows that the detector itself
        called good, all, or none. A row without enough data (0) is never learned.
    runs : array-like of shape (n_lumisections,), default=None
        The number of the run of each row; None: the index level ``run`` of X.

    Returns
    -------
    evaluation : DataFrame of shape (n_lumisections, 3)
        In the order and with the index of X: ``anomaly_score`` (high = abnormal), ``prediction``
        (1, -1 or 0) and ``learned`` (bool). Its columns suit the functions of this module:
        ``alarms_per_run(evaluation["prediction"])``.

    Raises
    ------
    DataError
        When rows do not tell the number of their run, labels are missing or anything else, or the
        detector gives a score that is not finite to a row with enough data.
    UsageError
        When the detector is not fitted or cannot learn, or `learn` is another word.

    See Also
    --------
    skdqm.model_selection.RunSplit : The same order for scikit-learn's model selection.

    Notes
    -----
    ``partial_fit`` moves the threshold too. A calibration describes the detector before it and is
    dropped, with a warning, by the first run that is learned.

    Examples
    --------
    >>> from skdqm.datasets import make_lumisections
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.metrics import evaluate_by_run
    >>> X, y = make_lumisections(4, 50, random_state=0)
    >>> run = X.index.get_level_values("run")
    >>> first, later = run == run[0], run != run[0]
    >>> detector = HistogramDetector().fit(X[first & (y == 0)])
    >>> evaluation = evaluate_by_run(detector, X[later], y[later])
    >>> evaluation.columns.tolist(), len(evaluation)
    (['anomaly_score', 'prediction', 'learned'], 150)
    """
    _check(detector, y, learn)
    X = X if hasattr(X, "iloc") else np.asarray(X)
    n_rows = len(X)
    known = required_runs(X, "an evaluation by run without runs") if runs is None else runs
    run_of_row = checked_runs(known, X, n_rows)
    good = np.zeros(n_rows, dtype=bool) if y is None else ~checked_labels(y, n_rows)
    score, prediction = np.empty(n_rows), np.empty(n_rows, dtype=np.int64)
    learned = np.zeros(n_rows, dtype=bool)
    model = deepcopy(detector)
    for rows in cut_at_runs(run_of_row, in_time(run_of_row, X)):
        score[rows], prediction[rows] = _judged(model, _rows(X, rows))
        chosen = rows[_wanted(learn, good[rows], prediction[rows])]
        if chosen.size:
            model.partial_fit(_rows(X, chosen))
        learned[chosen] = True
    columns = {"anomaly_score": score, "prediction": prediction, "learned": learned}
    return pd.DataFrame(columns, index=getattr(X, "index", None))


def _check(detector: Any, y: ArrayLike | None, learn: str) -> None:
    if learn not in LEARN:
        raise UsageError(f"learn={learn!r}; expected one of {', '.join(map(repr, LEARN))}")
    name = type(detector).__name__
    if learn != "none" and not hasattr(detector, "partial_fit"):
        raise UsageError(
            f"{name} has no partial_fit and cannot learn run by run; take learn='none', or a "
            "detector that can"
        )
    if learn == "good" and y is None:
        raise DataError("learn='good' needs the labels y (1 = faulty, 0 = good); found none")
    try:
        check_is_fitted(detector)
    except NotFittedError as error:
        raise UsageError(
            f"this {name} is not fitted, and the first run needs one that has learned: fit it on "
            "good rows of earlier runs, and give the later runs"
        ) from error


def _rows(X: Any, rows: NDArray[np.intp]) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _judged(model: Any, X: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return anomaly scores and predictions."""
    score = -np.asarray(model.score_samples(X), dtype=np.float64)
    prediction = checked_flags(np.asarray(model.predict(X)))
    wrong = np.flatnonzero(~np.isfinite(score) & (prediction != 0))
    if wrong.size:
        raise DataError(
            f"{type(model).__name__} gives the score {score[wrong[0]]} to {wrong.size} rows of one "
            "run that have enough data; mend the detector, or drop these rows"
        )
    return score, prediction


def _wanted(
    learn: str, good: NDArray[np.bool_], prediction: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which rows of a run that is over are learned."""
    wanted = {
        "good": good & (prediction != 0),
        "accepted": prediction == 1,
        "all": prediction != 0,
        "none": np.zeros_like(good),
    }
    return wanted[learn]
