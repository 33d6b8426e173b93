"""Figures of merit of a cut on an anomaly score: SIC, rejection, efficiency, FDR."""

from numbers import Real

from numpy.typing import ArrayLike

from skdqm.exceptions import UsageError
from skdqm.metrics._survivors import Floats, checked_survivors
from skdqm.metrics._validation import check_share

__all__ = [
    "background_rejection",
    "false_discovery_rate",
    "max_sic_score",
    "signal_efficiency",
    "significance_improvement_curve",
]


def significance_improvement_curve(
    y_true: ArrayLike, anomaly_score: ArrayLike, *, min_background: int = 25
) -> tuple[Floats, Floats]:
    r"""Compute the significance improvement characteristic (SIC) of a score.

    A cut that keeps the share :math:`\epsilon_S` of the signal and :math:`\epsilon_B` of the
    background multiplies the significance :math:`S/\sqrt{B}` by
    :math:`\epsilon_S/\sqrt{\epsilon_B}`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = signal (anomaly), 0 = background (normal).
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    min_background : int, default=25
        Cuts that leave fewer background events are left out: there the statistical error of
        :math:`\epsilon_B` exceeds 20 %, and the largest value would be a fluctuation. The loosest
        cut, which keeps everything and improves by exactly 1, always stays.

    Returns
    -------
    signal_efficiency : ndarray of shape (n_cuts,)
        :math:`\epsilon_S`, increasing; the last value is 1.
    improvement : ndarray of shape (n_cuts,)
        :math:`\epsilon_S/\sqrt{\epsilon_B}`; the last value is 1.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `min_background` is below 1.

    References
    ----------
    .. [1] J. Gallicchio et al., "Multivariate discrimination and the Higgs + W/Z search",
       JHEP 04 (2011) 069, arXiv:1010.3698.
    .. [2] G. Kasieczka et al., "The LHC Olympics 2020: a community challenge for anomaly
       detection in high energy physics", Rep. Prog. Phys. 84 (2021) 124201, arXiv:2101.08320.

    Examples
    --------
    >>> from skdqm.metrics import significance_improvement_curve
    >>> y_true = [0, 0, 0, 0, 1, 0, 1, 1]
    >>> score = [1, 2, 3, 4, 5, 6, 7, 8]
    >>> efficiency, improvement = significance_improvement_curve(y_true, score, min_background=1)
    >>> efficiency.round(2).tolist()
    [0.67, 1.0, 1.0, 1.0, 1.0, 1.0]
    >>> improvement.round(2).tolist()
    [1.49, 2.24, 1.58, 1.29, 1.12, 1.0]
    """
    if not (isinstance(min_background, Real) and min_background >= 1):
        raise UsageError(f"min_background={min_background!r}; give a number of events of 1 or more")
    return checked_survivors(y_true, anomaly_score).sic(min_background)


def max_sic_score(
    y_true: ArrayLike, anomaly_score: ArrayLike, *, min_background: int = 25
) -> float:
    r"""Compute the largest significance improvement that a cut on the score reaches.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = signal (anomaly), 0 = background (normal).
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    min_background : int, default=25
        Only cuts that leave this many background events count.

    Returns
    -------
    score : float
        The largest :math:`\epsilon_S/\sqrt{\epsilon_B}`, at least 1 (keep everything).

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `min_background` is below 1.

    See Also
    --------
    significance_improvement_curve : The whole curve, with references.

    Examples
    --------
    >>> from skdqm.metrics import max_sic_score
    >>> round(max_sic_score([0, 0, 0, 0, 1, 0, 1, 1], range(8), min_background=1), 2)
    2.24
    """
    _, improvement = significance_improvement_curve(
        y_true, anomaly_score, min_background=min_background
    )
    return float(improvement.max())


def background_rejection(
    y_true: ArrayLike, anomaly_score: ArrayLike, *, signal_efficiency: float = 0.3
) -> float:
    r"""Compute the background rejection :math:`1/\epsilon_B` at a signal efficiency.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = signal (anomaly), 0 = background (normal).
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    signal_efficiency : float, default=0.3
        Share of the signal to keep, in (0, 1]. The cut is the tightest one between two distinct
        scores that keeps at least this share: nothing is interpolated.

    Returns
    -------
    rejection : float
        At least 1. Where no background event survives, the rejection is only known to exceed the
        number of background events, and that number is returned: a lower bound, never infinity.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `signal_efficiency` is outside (0, 1].

    References
    ----------
    .. [1] G. Kasieczka et al., "The Machine Learning landscape of top taggers",
       SciPost Phys. 7 (2019) 014, arXiv:1902.09914.

    Examples
    --------
    >>> from skdqm.metrics import background_rejection
    >>> y_true, score = [0, 0, 0, 0, 1, 0, 1, 1], range(8)
    >>> background_rejection(y_true, score, signal_efficiency=1.0)
    5.0
    """
    check_share("signal_efficiency", signal_efficiency)
    return checked_survivors(y_true, anomaly_score).rejection(signal_efficiency)


def signal_efficiency(
    y_true: ArrayLike, anomaly_score: ArrayLike, *, background_efficiency: float = 0.01
) -> float:
    r"""Compute the share of the signal kept where at most a given share of background survives.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = signal (anomaly), 0 = background (normal).
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    background_efficiency : float, default=0.01
        Largest share of the background that may survive (the false-alarm rate), in (0, 1].

    Returns
    -------
    efficiency : float
        In [0, 1]. With fewer than 1 / `background_efficiency` background events, no background
        event may survive.

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `background_efficiency` is outside (0, 1].

    Examples
    --------
    >>> from skdqm.metrics import signal_efficiency
    >>> y_true, score = [0, 0, 0, 0, 1, 0, 1, 1], range(8)
    >>> round(signal_efficiency(y_true, score, background_efficiency=0.1), 3)
    0.667
    """
    check_share("background_efficiency", background_efficiency)
    return checked_survivors(y_true, anomaly_score).efficiency(background_efficiency)


def false_discovery_rate(
    y_true: ArrayLike,
    anomaly_score: ArrayLike,
    *,
    detection_rate: float = 0.99,
    prevalence: float | None = None,
) -> float:
    r"""Compute the share of false alarms among all alarms at a detection rate.

    "FDR at 99 % detection" is how CMS compares data-quality monitors: the threshold must catch
    99 % of the anomalies, and what counts is how many of its alarms a shifter chases for nothing.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 1 = anomaly, 0 = normal.
    anomaly_score : array-like of shape (n_samples,)
        Scores, high = abnormal.
    detection_rate : float, default=0.99
        Share of the anomalies to detect, in (0, 1]. The threshold is the tightest one between two
        distinct scores that detects at least this share.
    prevalence : float or None, default=None
        Share of anomalies to weigh the classes to, in (0, 1): 0.5 makes figures of sets of
        different sizes comparable, that of the detector says what a shifter will see. None: the
        share in `y_true`.

    Returns
    -------
    rate : float
        False alarms / all alarms, in [0, 1).

    Raises
    ------
    DataError
        When a score is not finite, a class is missing, or labels and scores do not match.
    UsageError
        When `detection_rate` is outside (0, 1] or `prevalence` outside (0, 1).

    See Also
    --------
    alarms_per_day : How often somebody is called.

    References
    ----------
    .. [1] CMS ECAL Collaboration, "Autoencoder-based anomaly detection system for online data
       quality monitoring of the CMS electromagnetic calorimeter", Comput. Softw. Big Sci. 8
       (2024), doi:10.1007/s41781-024-00118-z, arXiv:2309.10157.

    Examples
    --------
    >>> from skdqm.metrics import false_discovery_rate
    >>> y_true, score = [0, 0, 0, 0, 1, 0, 1, 1], range(8)
    >>> false_discovery_rate(y_true, score)
    0.25
    >>> round(false_discovery_rate(y_true, score, prevalence=0.01), 3)
    0.952
    """
    check_share("detection_rate", detection_rate)
    if prevalence is not None and not (isinstance(prevalence, Real) and 0 < prevalence < 1):
        raise UsageError(f"prevalence={prevalence!r}; give the share of faults, in (0, 1), or None")
    found = checked_survivors(y_true, anomaly_score)
    return found.false_discovery_rate(detection_rate, prevalence)
