"""What learning from a stream gave, and what its faults did to the model that learned."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError
from skdqm.metrics._flags import checked_labels
from skdqm.metrics._stream_auc import windowed_roc_auc
from skdqm.metrics._survivors import checked_survivors

__all__ = [
    "AdaptationGain",
    "PoisoningLoss",
    "adaptation_gain",
    "poisoning_loss",
    "share_of_faulty_learned",
]


class AdaptationGain(NamedTuple):
    """What adapting gave over not adapting, in the windowed area under the ROC curve.

    Attributes
    ----------
    gain : float
        ``adapted - static``, the mean of `values`.
    adapted, static : float
        Mean over the windows of each.
    share_better : float
        Share of the windows in which the adapting model is better.
    values : ndarray of shape (n_values,)
        The gain in each window that holds both classes.
    starts : ndarray of shape (n_values,), int64
        Position of the first row of each of them.
    """

    gain: float
    adapted: float
    static: float
    share_better: float
    values: NDArray[np.float64]
    starts: NDArray[np.int64]


class PoisoningLoss(NamedTuple):
    """What meeting faults cost a model, in the area under the ROC curve.

    Attributes
    ----------
    loss : float
        ``clean - poisoned``: 0 if the faults did no harm.
    poisoned, clean : float
        The area of the model that met the faults, and of the one that did not.
    """

    loss: float
    poisoned: float
    clean: float


def adaptation_gain(
    y_true: ArrayLike, anomaly_score: ArrayLike, static_score: ArrayLike, *, window: int = 2000
) -> AdaptationGain:
    """Compute what following a stream gave over the model that was not updated.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels in the order of time: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_rows,)
        Scores of the model that adapts, high = abnormal, each given before its row was learned.
    static_score : array-like of shape (n_rows,)
        Scores of the same rows by the model as it was in the beginning.
    window : int, default=2000
        Rows in a window, at least 2.

    Returns
    -------
    gain : AdaptationGain
        ``gain`` with both means, the share of windows that are better, and the gain in each.

    Raises
    ------
    DataError
        When a score is not finite, no window holds both classes, or labels and scores do not match.
    UsageError
        When `window` is not a whole number of at least 2.

    See Also
    --------
    windowed_roc_auc : The figure of one model.

    Examples
    --------
    >>> from skdqm.metrics import adaptation_gain
    >>> found = adaptation_gain([0, 1, 0, 1], [1, 2, 3, 4], [1, 2, 4, 3], window=2)
    >>> found.gain, found.adapted, found.static, found.share_better
    (0.5, 1.0, 0.5, 0.5)
    """
    adapted = windowed_roc_auc(y_true, anomaly_score, window=window)
    static = windowed_roc_auc(y_true, static_score, window=window)
    values = adapted.values - static.values
    return AdaptationGain(
        gain=adapted.mean - static.mean,
        adapted=adapted.mean,
        static=static.mean,
        share_better=float((values > 0).mean()),
        values=values,
        starts=adapted.starts,
    )


def poisoning_loss(
    y_true: ArrayLike, poisoned_score: ArrayLike, clean_score: ArrayLike
) -> PoisoningLoss:
    """Compute how much worse a model is for having met the faults of its stream.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels of test rows, best those of the conditions that were learned, with anomalies of the
        kind of the faults: 1 = anomaly, 0 = normal.
    poisoned_score : array-like of shape (n_rows,)
        Their scores, high = abnormal, by the model that followed the stream with its faults.
    clean_score : array-like of shape (n_rows,)
        Their scores by a model that followed the same stream without.

    Returns
    -------
    loss : PoisoningLoss
        ``loss``, ``poisoned`` and ``clean``. Not a number of rows: a single learned fault may cost
        more than many.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.

    See Also
    --------
    share_of_faulty_learned : How many faulty rows were learned.

    Examples
    --------
    >>> from skdqm.metrics import poisoning_loss
    >>> poisoning_loss([0, 0, 1, 1], [1, 3, 2, 4], [1, 2, 3, 4])
    PoisoningLoss(loss=0.25, poisoned=0.75, clean=1.0)
    """
    poisoned = checked_survivors(y_true, poisoned_score).roc_area()
    clean = checked_survivors(y_true, clean_score).roc_area()
    return PoisoningLoss(clean - poisoned, poisoned, clean)


def share_of_faulty_learned(y_true: ArrayLike, learned: ArrayLike) -> float:
    """Compute the share of the faulty rows of a stream that a model learned.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels: 1 = anomaly, 0 = normal.
    learned : array-like of shape (n_rows,), bool
        True where the row was learned.

    Returns
    -------
    share : float
        In [0, 1]; 0 if the model was never poisoned. A model that learns nothing has that too.

    Raises
    ------
    DataError
        When no row is faulty, labels are anything else, `learned` is not boolean, or the two do
        not match.

    Examples
    --------
    >>> from skdqm.metrics import share_of_faulty_learned
    >>> share_of_faulty_learned([0, 1, 1, 0, 1, 1], [True, True, False, True, False, False])
    0.25
    """
    is_learned = np.asarray(learned)
    if is_learned.dtype != bool or is_learned.ndim != 1:
        raise DataError(
            f"learned has the shape {is_learned.shape} and the type {is_learned.dtype}; expected a "
            "boolean per row: True where it was learned"
        )
    is_faulty = checked_labels(y_true, len(is_learned), learned)
    if not is_faulty.any():
        raise DataError("y_true calls no row faulty (1); there is none that could be learned")
    return float(is_learned[is_faulty].mean())
