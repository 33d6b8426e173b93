"""The way back: detectors with scikit-learn's manners as models of PyOD."""

from typing import Any

from skdqm.exceptions import UsageError


def as_pyod(detector: Any, *, contamination: float = 0.1) -> Any:
    """Make a model of PyOD of an outlier detector, for PyOD's own combinations.

    The model is a ``pyod.models.base.BaseDetector``: high scores and the label 1 are abnormal, and
    ``fit`` sets ``decision_scores_``, ``threshold_`` and ``labels_``. It may stand among the
    detectors of LSCP, SUOD and FeatureBagging, and its scores among those that
    ``pyod.models.combination`` combines.

    Parameters
    ----------
    detector : object
        A detector of skdqm, or any of scikit-learn with ``score_samples``. It is not changed: the
        model fits a clone.
    contamination : float, default=0.1
        Share of the training rows that PyOD's threshold flags, in (0, 0.5]. The detector's own
        threshold does not count.

    Returns
    -------
    model : pyod.models.base.BaseDetector
        The model, with the parameters `detector` and `contamination`. After ``fit`` it holds the
        fitted clone as ``detector_``.

    Raises
    ------
    UsageError
        When `detector` cannot score rows.

    Examples
    --------
    >>> from pyod.models.lscp import LSCP
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import PyODDetector, as_pyod
    >>> X, _ = make_detector_data(200, random_state=0)
    >>> members = [as_pyod(IsolationForest(random_state=0)), as_pyod(PyODDetector("ECOD"))]
    >>> int(LSCP(members, n_bins=2, random_state=0).fit(X.to_numpy()).labels_.sum())
    20
    """
    if isinstance(detector, type) or not hasattr(detector, "score_samples"):
        raise UsageError(
            f"as_pyod takes an outlier detector with score_samples, found {detector!r}"
        )
    # PyOD takes a second to import, and the class below is one of its own.
    from skdqm.detectors._pyod_adapter import PyODAdapter

    return PyODAdapter(detector, contamination=contamination)
