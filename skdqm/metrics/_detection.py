"""What is quoted for data-quality monitors: figures at a fixed detection or false-positive rate."""

from numbers import Real

from numpy.typing import ArrayLike

from skdqm.exceptions import UsageError
from skdqm.metrics._survivors import checked_survivors
from skdqm.metrics._validation import check_share

__all__ = ["false_discovery_rate_at_detection"]


def false_discovery_rate_at_detection(
    y_true: ArrayLike,
    anomaly_score: ArrayLike,
    *,
    detection: float = 0.99,
    prevalence: float | None = None,
) -> float:
    r"""Compute the share of false alarms among all alarms, at a detection and a share of faults.

    "FDR at 99 % detection" [1]_: the threshold is the tightest one that finds 99 % of the faults,
    and the figure is what part of all that it flags is good. That part depends on how many faults
    there are: with the share :math:`\pi` of faults, the detection :math:`D` and the share
    :math:`F` of the good that is flagged it is

    .. math:: \frac{(1 - \pi) F}{\pi D + (1 - \pi) F}.

    Sets of injected faults have any share, and detectors do not have theirs. So this function
    quotes :math:`\pi = 1/2`, as if there were as many faulty as good samples, unless told another,
    and figures of different sets can be compared. :func:`false_discovery_rate` takes the share
    that `y_true` happens to have.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = faulty, 0 = good.
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal. Samples are lumisections, or the cells of maps: flatten both.
    detection : float, default=0.99
        Share of the faults to detect, in (0, 1].
    prevalence : float, default=None
        Share of faults to assume, in (0, 1), for example 0.001; None means one half.

    Returns
    -------
    rate : float
        False alarms / all alarms, in [0, 1).

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `detection` is outside (0, 1] or `prevalence` outside (0, 1).

    See Also
    --------
    false_discovery_rate : The same at the share of faults in `y_true`.
    alarms_per_day : How often somebody is called.

    Notes
    -----
    :func:`make_anomaly_scorer` makes a scorer of it, with ``greater_is_better=False``.

    References
    ----------
    .. [1] CMS ECAL Collaboration, "Autoencoder-based anomaly detection system for online data
       quality monitoring of the CMS electromagnetic calorimeter", Comput. Softw. Big Sci. 8
       (2024), doi:10.1007/s41781-024-00118-z, arXiv:2309.10157.

    Examples
    --------
    >>> from skdqm.metrics import false_discovery_rate_at_detection
    >>> y_true, score = [0, 0, 0, 0, 1, 0, 1, 1], range(8)
    >>> round(false_discovery_rate_at_detection(y_true, score), 3)
    0.167
    >>> round(false_discovery_rate_at_detection(y_true, score, prevalence=0.01), 3)
    0.952
    """
    check_share("detection", detection)
    share = 0.5 if prevalence is None else prevalence
    if not (isinstance(share, Real) and 0 < share < 1):
        raise UsageError(f"prevalence={prevalence!r}; give the share of faults, in (0, 1), or None")
    found = checked_survivors(y_true, anomaly_score)
    faulty, good = found.at_least(detection)
    true_alarms = share * faulty / found.signal[-1]
    false_alarms = (1 - share) * good / found.background[-1]
    return float(false_alarms / (true_alarms + false_alarms))
