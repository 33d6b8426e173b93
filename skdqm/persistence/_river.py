"""Anomaly models of river as plain data, and the checks under which they are made again.

A model is made from its settings, and what it had learned is put in after it was measured: a file
decides neither what an object looks like nor how much is made of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from skdqm.exceptions import UsageError
from skdqm.persistence._compiled import demand
from skdqm.persistence._river_parts import (
    Parts,
    make_machine,
    make_max_min,
    make_moments,
    make_neighbours,
    make_pipeline,
    make_projections,
    take_machine,
    take_max_min,
    take_moments,
    take_neighbours,
    take_pipeline,
    take_projections,
)
from skdqm.persistence._river_trees import make_trees, take_trees
from skdqm.registry import class_of

PREFIX = "river."


class Kind(NamedTuple):
    """How models of one class are taken apart and made.

    Attributes
    ----------
    take : callable
        Maps a model to its parts: numbers, arrays, and models of other kinds.
    make : callable
        Maps the class and the parts to a model, or raises.
    """

    take: Callable[[Any], Parts]
    make: Callable[[Any, Parts], Any]


def is_model(value: object) -> bool:
    """Tell whether a value is a part of river that learns, and is no drift detector."""
    module = type(value).__module__
    return module.startswith(PREFIX) and not module.startswith("river.drift")


def take(model: Any) -> tuple[str, Parts]:
    """Return the registered name of a model and its parts.

    Parameters
    ----------
    model : object
        What :func:`is_model` knows.

    Returns
    -------
    name : str
        Such as ``"river.HalfSpaceTrees"``.
    parts : dict
        What :func:`make` takes.

    Raises
    ------
    UsageError
        When files hold no models of that class, or none with such parts.
    """
    name = type(model).__name__
    if name not in _KINDS or class_of(PREFIX + name) is not type(model):
        raise UsageError(
            f"{type(model).__module__}.{name} cannot be saved: of river, a model file holds "
            f"{', '.join(sorted(_KINDS))}; pickle keeps it, for readers who trust its writer"
        )
    return PREFIX + name, _KINDS[name].take(model)


def make(name: str, parts: Parts) -> Any:
    """Make a model of its parts.

    Parameters
    ----------
    name : str
        What :func:`take` called it.
    parts : dict
        What :func:`take` returned.

    Returns
    -------
    model : object
        A model that scores and learns as the first one did.

    Raises
    ------
    ModelFileError
        When the parts do not fit together.
    """
    kind = _KINDS.get(name.removeprefix(PREFIX))
    demand(name.startswith(PREFIX) and kind is not None, "a model of river that files hold")
    assert kind is not None  # noqa: S101 (for the type checker)
    return kind.make(class_of(name), parts)


_KINDS = {
    "HalfSpaceTrees": Kind(take_trees, make_trees),
    "LODA": Kind(take_projections, make_projections),
    "LocalOutlierFactor": Kind(take_neighbours, make_neighbours),
    "MinMaxScaler": Kind(take_max_min, make_max_min),
    "OneClassSVM": Kind(take_machine, make_machine),
    "Pipeline": Kind(take_pipeline, make_pipeline),
    "StandardScaler": Kind(take_moments, make_moments),
}
