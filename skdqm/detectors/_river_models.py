"""What is known of river's anomaly models: which there are, how rows reach them, which cannot."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm._sklearn import HasMethods
from skdqm.exceptions import UsageError

Rows = NDArray[np.float64]
# A model of river, by what it can do.
MODEL_METHODS = HasMethods(["learn_one", "score_one"])
DEFAULT = "HalfSpaceTrees"
# Of the default model; the window of river's own default, and the shortest that says something.
LONGEST_WINDOW, SHORTEST_WINDOW = 250, 10
# Scoring changes no model of river, by its convention, but these. Models of others are unknown.
TRUSTED = ("river.", "skdqm.")
CHANGING = frozenset({"SWINN"})  # searches from places that it draws
REFUSALS = {
    "PredictiveAnomalyDetection": "learns while it scores, so that a score depends on those before"
}
# Until it has learned so many rows, a model gives all rows the same score.
WARM_UPS = {"HalfSpaceTrees": "window_size", "GaussianScorer": "grace_period"}


def made(model: Any, n_rows: int, draw: Callable[[], int]) -> Any:
    """Return a fresh model of river, with seeds where it has none.

    Parameters
    ----------
    model : None, str, class or instance
        The parameter of a RiverDetector.
    n_rows : int
        Rows of the first block: the default model has no window beyond them.
    draw : callable
        Returns a seed.

    Returns
    -------
    model : river.base.Estimator
        The model, which has learned nothing.

    Raises
    ------
    UsageError
        When it is no anomaly model of river, or none that scores rows one by one.
    """
    if model is None:
        window = min(max(n_rows, SHORTEST_WINDOW), LONGEST_WINDOW)
        return _class_called(DEFAULT)(window_size=window, seed=draw())
    checked = _checked(_instance_of(model))
    return checked.clone(_missing_seeds(checked._get_params(), draw))  # noqa: SLF001 (river's way)


def _instance_of(model: Any) -> Any:
    found = _class_called(model) if isinstance(model, str) else model
    if not isinstance(found, type):
        return found
    try:
        return found()
    except TypeError as error:
        raise UsageError(
            f"{found.__name__} cannot be made without arguments ({error}); give an object"
        ) from error


def _class_called(name: str) -> Any:
    from river import anomaly, base

    kinds = (base.AnomalyDetector, base.SupervisedAnomalyDetector)
    found = {each: getattr(anomaly, each) for each in anomaly.__all__}
    known = {each.lower(): cls for each, cls in found.items() if issubclass(cls, kinds)}
    if name.lower() not in known:
        names = ", ".join(sorted({cls.__name__ for cls in known.values()} - set(REFUSALS)))
        raise UsageError(f"river has no anomaly model called {name!r}; there are {names}")
    return known[name.lower()]


def _checked(model: Any) -> Any:
    from river import base, compose

    parts = parts_of(model)
    if not isinstance(parts[-1], (base.AnomalyDetector, base.SupervisedAnomalyDetector)):
        raise UsageError(
            f"{type(model).__module__}.{type(model).__qualname__} is no anomaly model of river: "
            "expected one of river.anomaly, or a Pipeline of river that ends in one"
        )
    for part in parts:
        why = REFUSALS.get(type(part).__name__)
        if why is not None:
            raise UsageError(f"river's {type(part).__name__} {why}; take another model")
    if takes_target(model) and any(isinstance(part, compose.Pipeline) for part in parts):
        raise UsageError(
            f"{model} learns from a target, which rows of a detector do not have; take a Pipeline "
            "without one, or a model of one column by itself"
        )
    return model


def parts_of(model: Any) -> list[Any]:
    """Return what a model is made of, itself included; the anomaly model comes last."""
    if isinstance(steps := getattr(model, "steps", None), dict):
        return [model, *(part for step in steps.values() for part in parts_of(step))]
    if isinstance(transformers := getattr(model, "transformers", None), dict):
        return [model, *(part for each in transformers.values() for part in parts_of(each))]
    if hasattr(model, "anomaly_detector"):
        return [model, *parts_of(model.anomaly_detector)]
    return [model.engine, model] if hasattr(model, "engine") else [model]


def _is_steady(model: Any) -> bool:
    """Tell whether a model stays as it is while it scores."""
    return all(
        type(part).__module__.startswith(TRUSTED) and type(part).__name__ not in CHANGING
        for part in parts_of(model)
    )


def _missing_seeds(parameters: Any, draw: Callable[[], int]) -> dict[str, Any]:
    """Return the seeds that nobody has set, in the shape that river's clone takes."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        of_class = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type)
        inner = value[1] if of_class else value
        if name == "seed" and value is None:
            found[name] = draw()
        elif isinstance(inner, dict) and (seeds := _missing_seeds(inner, draw)):
            found[name] = (value[0], seeds) if of_class else seeds
    return found


def takes_target(model: Any) -> bool:
    """Tell whether a model watches a target instead of features."""
    return bool(model._supervised)  # noqa: SLF001 (river's way to ask)


def learn(model: Any, rows: Rows) -> None:
    """Let a model learn rows in their order; it changes in place."""
    arguments = _arguments(model, rows)
    with _named_errors(model, "learn", rows):
        for row in arguments:
            model.learn_one(*row)


def scores(model: Any, rows: Rows) -> Rows:
    """Score rows one by one, each by the model as it is."""
    steady, arguments = _is_steady(model), _arguments(model, rows)
    with _named_errors(model, "score", rows):
        found = [(model if steady else copied(model)).score_one(*row) for row in arguments]
        values = np.array(found, dtype=np.float64)
        if np.isnan(values).any():
            raise ValueError("a score is NaN")
        return values


@contextmanager
def _named_errors(model: Any, what: str, rows: Rows) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise UsageError(
            f"{model} of river cannot {what} rows of {rows.shape[1]} columns: "
            f"{type(error).__name__}: {error} (it sees columns by their numbers 0, 1, ..., not by "
            "their names)"
        ) from error


def _arguments(model: Any, rows: Rows) -> Iterable[tuple[Any, ...]]:
    n_columns = rows.shape[1]
    if not takes_target(model):
        # Numbers instead of names: models sort features, and a frame must score as its array does.
        return ((dict(zip(range(n_columns), row, strict=True)),) for row in rows.tolist())
    if n_columns != 1:
        raise UsageError(
            f"river's {type(model).__name__} watches one column, found {n_columns}; give it the "
            "one to watch, or take a model of rows such as HalfSpaceTrees"
        )
    return ((None, value) for value in rows[:, 0].tolist())


def copied(model: Any) -> Any:
    """Return a copy of a model: by pickle, five times as fast as a deep copy, where it can be."""
    try:
        return pickle.loads(pickle.dumps(model, pickle.HIGHEST_PROTOCOL))  # noqa: S301 (our own)
    except (pickle.PicklingError, AttributeError, TypeError):
        return deepcopy(model)  # it holds functions


def rows_to_come(model: Any, n_learned: int) -> str | None:
    """Say what a model waits for that has learned too little to tell rows apart, None if nothing.

    Parameters
    ----------
    model : river.base.Estimator
        The model.
    n_learned : int
        Rows that it has learned.

    Returns
    -------
    waits : str or None
        Such as ``"HalfSpaceTrees(window_size=250)"``.
    """
    last = parts_of(model)[-1]
    name = WARM_UPS.get(type(last).__name__)
    if name is None or n_learned >= getattr(last, name):
        return None
    return f"{type(last).__name__}({name}={getattr(last, name)})"
