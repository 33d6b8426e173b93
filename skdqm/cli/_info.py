"""``skdqm info``: what is in a model file."""

from typing import Any

from skdqm._pipeline import parts_of
from skdqm.cli._model import Model
from skdqm.cli._options import JsonOption, ModelArgument
from skdqm.cli._terminal import print_json, print_table

# Items of a list that the table shows; JSON has all.
MOST_ITEMS = 16


def info(model: ModelArgument, *, json: JsonOption = False) -> None:
    """Show the steps, features, threshold and origin of MODEL."""
    facts = description(Model.open(model))
    if json:
        print_json(facts)
    else:
        print_table(("what", "value"), [(name, _text(value)) for name, value in facts.items()])


def description(model: Model) -> dict[str, Any]:
    """Return what a model file holds, as JSON values."""
    detector = model.detector
    interval = getattr(detector, "alarm_rate_interval_", None)
    return {
        "model": str(model.path),
        "steps": _steps(model.estimator),
        "features": model.features,
        "parameters": {name: _plain(value) for name, value in detector.get_params().items()},
        "threshold": -detector.offset_,
        "alarm_rate": getattr(detector, "alarm_rate_", None),
        "alarm_rate_interval": None if interval is None else list(interval),
        "epochs": len(getattr(detector, "history_", [])) or None,
        **_of_the_stream(detector),
        **model.metadata,
    }


def _of_the_stream(detector: Any) -> dict[str, Any]:
    """Return what a detector that goes on learning has come to."""
    if not hasattr(detector, "n_rows_seen_"):
        return {}
    return {
        "rows_seen": detector.n_rows_seen_,
        "status": detector.status_,
        "version": detector.versions_[-1],
        "versions_kept": detector.versions_,
        "experts": detector.experts_,
        "tickets": detector.tickets_,
    }


def _steps(estimator: Any) -> list[str]:
    transformers, detector = parts_of(estimator)
    return [type(step).__name__ for step in [*(step for _, step in transformers), detector]]


def _plain(value: Any) -> Any:
    """Return what JSON holds as it is, and the text of anything else."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, list):
        shown = ", ".join(_text_of_item(each) for each in value[:MOST_ITEMS])
        return shown if len(value) <= MOST_ITEMS else f"{shown}, ... ({len(value):,} in all)"
    return value


def _text_of_item(value: Any) -> str:
    if isinstance(value, dict):
        return f"({_text(value)})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
