"""Figures of merit of the top of a ranking: precision at k, partial area under the ROC curve."""

from numpy.typing import ArrayLike

from skdqm.exceptions import UsageError
from skdqm.metrics._survivors import checked_survivors
from skdqm.metrics._validation import check_number, check_share

__all__ = ["partial_roc_auc", "precision_at_k"]


def precision_at_k(y_true: ArrayLike, anomaly_score: ArrayLike, *, k: int | None = None) -> float:
    r"""Compute the share of anomalies among the k most abnormal samples.

    What a shifter meets who has the time to look at k alarms. Where equal scores straddle the
    k-th place, the value is the mean over all their orders, as in [1]_: a constant score gets the
    share of anomalies, whatever the order of the samples.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    k : int, default=None
        How many samples to look at, at most n_samples. By default as many as there are anomalies:
        then precision equals recall (R-precision), and only a perfect score gets 1.

    Returns
    -------
    precision : float
        In [0, 1]. It depends on the share of anomalies in `y_true`.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `k` is not a whole number from 1 to n_samples.

    References
    ----------
    .. [1] F. McSherry and M. Najork, "Computing information retrieval performance measures
       efficiently in the presence of tied scores", ECIR (2008), section 2.1,
       doi:10.1007/978-3-540-78646-7_38.

    Examples
    --------
    >>> from skdqm.metrics import precision_at_k
    >>> y_true, score = [0, 0, 0, 0, 1, 0, 1, 1], range(8)
    >>> precision_at_k(y_true, score, k=2)
    1.0
    >>> round(precision_at_k(y_true, score), 3)
    0.667
    """
    found = checked_survivors(y_true, anomaly_score)
    n_anomalies, n_samples = int(found.signal[-1]), int(found.signal[-1] + found.background[-1])
    if k is None:
        return found.precision_at(n_anomalies)
    check_number("k", k, at_least=1)
    if k > n_samples:
        raise UsageError(f"k={k} is more than the {n_samples} samples; give at most that")
    return found.precision_at(k)


def partial_roc_auc(y_true: ArrayLike, anomaly_score: ArrayLike, *, max_fpr: float = 0.1) -> float:
    r"""Compute the area under the ROC curve at low false-positive rates, standardised.

    Nobody works where half of the good rows are flagged, yet there lies half of the area under
    the ROC curve. The part :math:`A` up to the false-positive rate :math:`f` is standardised as
    in [1]_ to

    .. math:: \frac{1}{2}\left(1 + \frac{A - f^2/2}{f - f^2/2}\right),

    which is 1 for a perfect score and 0.5 for a useless one at every :math:`f`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    max_fpr : float, default=0.1
        The largest false-positive rate, in (0, 1]; with 1 the value is the whole area. Between
        two points of the curve a straight line is taken. Choose it so that several normal samples
        lie below: it can resolve nothing finer than 1 / n_normal.

    Returns
    -------
    area : float
        In [0, 1], the same as ``sklearn.metrics.roc_auc_score(..., max_fpr=max_fpr)``.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `max_fpr` is outside (0, 1].

    References
    ----------
    .. [1] D. K. McClish, "Analyzing a portion of the ROC curve", Med. Decis. Making 9 (1989) 190,
       doi:10.1177/0272989X8900900307.

    Examples
    --------
    >>> from skdqm.metrics import partial_roc_auc
    >>> y_true, score = [0, 0, 0, 0, 1, 0, 1, 1], range(8)
    >>> round(partial_roc_auc(y_true, score, max_fpr=0.2), 3)
    0.815
    """
    check_share("max_fpr", max_fpr)
    return checked_survivors(y_true, anomaly_score).roc_area(max_fpr)
