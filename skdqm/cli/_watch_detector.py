"""The detector that ``skdqm watch`` judges with: that of a model file, with another threshold."""

from typing import Any

from skdqm.cli._model import Model
from skdqm.exceptions import UsageError


def detector_of(model: Model, strategy: str | None, alarm_rate: float | None) -> Any:
    """Return what judges.

    Parameters
    ----------
    model : Model
        The model, whose threshold is changed.
    strategy : str or None
        How the threshold follows; None: it does not.
    alarm_rate : float or None
        Share of good events to flag; None: that of the model.
    """
    if alarm_rate is not None and not 0 < alarm_rate < 1:
        raise UsageError(f"--alarm-rate {alarm_rate}: expected a share between 0 and 1")
    if strategy is None and alarm_rate is None:
        return model.estimator
    known = getattr(model.detector, "calibration_scores_", None)
    if known is None:
        option = "--alarm-rate" if strategy is None else "--adaptive"
        raise UsageError(
            f"{option}: {model.path} is not calibrated; train or update it with --alarm-rate, "
            "which holds back good rows for that"
        )
    if strategy is None:
        return _promising(model.estimator, model.detector, known, alarm_rate)
    made = _around(model, strategy)
    return _promising(made, made, known, alarm_rate)


def _promising(estimator: Any, detector: Any, known: Any, alarm_rate: float | None) -> Any:
    if alarm_rate is not None:
        detector._calibrated_by(known, alarm_rate)  # noqa: SLF001 (of this package)
    return estimator


def _around(model: Model, strategy: str) -> Any:
    """Return a threshold that follows, around what is fitted already."""
    from skdqm.streaming import AdaptiveThreshold

    if isinstance(model.detector, AdaptiveThreshold):
        raise UsageError(f"--adaptive: that of {model.path} follows by itself; leave it out")
    return AdaptiveThreshold.around(model.estimator, strategy=strategy)
