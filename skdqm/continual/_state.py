"""A course as plain data, for model files: what several versions share is held once."""

from dataclasses import fields, is_dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skdqm.continual._block import Block
from skdqm.continual._expert import Expert
from skdqm.continual._hold import Hold, Ticket
from skdqm.continual._journal import Journal
from skdqm.continual._level import Level
from skdqm.continual._parts import Parts
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Rows
from skdqm.continual._trainer import Trainer
from skdqm.exceptions import ModelFileError

KINDS_OF_RECORDS = (Block, Expert, Hold, Journal, Level, Parts, Pool, Rows, Ticket, Trainer)
KINDS: dict[str, Any] = {cls.__name__: cls for cls in KINDS_OF_RECORDS}
IS, SHARED = "is", "shared"


def packed(value: Any, shared: list[Any], known: dict[int, int]) -> Any:
    """Turn records into dicts; what may have several places is put into `shared`, once.

    Parameters
    ----------
    value : object
        Records, detectors, plain data.
    shared : list
        Receives what may have several places.
    known : dict
        Where in the list an object is, by its identity.

    Returns
    -------
    plain : object
        Plain data, and numbers of places.
    """
    if isinstance(value, dict):
        return {key: packed(item, shared, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [packed(item, shared, known) for item in value]
    if not (is_dataclass(value) or isinstance(value, (BaseEstimator, Pipeline))):
        return value
    if id(value) not in known:
        found = _fields(value, shared, known) if is_dataclass(value) else value
        shared.append(found)
        known[id(value)] = len(shared) - 1
    return {SHARED: known[id(value)]}


def _fields(record: Any, shared: list[Any], known: dict[int, int]) -> dict[str, Any]:
    content = {f.name: packed(getattr(record, f.name), shared, known) for f in fields(record)}
    return {IS: type(record).__name__, **content}


def unpacked(value: Any, shared: list[Any]) -> Any:
    """Turn what :func:`packed` gave back; `shared` is a list of what is unpacked already.

    Parameters
    ----------
    value : object
        Plain data, and numbers of places.
    shared : list
        Of objects.

    Returns
    -------
    value : object
        Records, detectors, plain data.
    """
    if isinstance(value, list):
        return [unpacked(item, shared) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {SHARED}:
        return shared[value[SHARED]]
    content = {key: unpacked(item, shared) for key, item in value.items() if key != IS}
    return _record(value[IS], content) if IS in value else content


def _record(kind: str, content: dict[str, Any]) -> Any:
    if kind not in KINDS:
        raise ModelFileError(f"the model holds an unknown kind of record, {kind!r}")
    if kind == Pool.__name__:
        content["experts"] = tuple(content["experts"])
    return KINDS[kind](**content)


def shared_unpacked(items: list[Any]) -> list[Any]:
    """Return the objects of a list in which later items may refer to earlier ones.

    Parameters
    ----------
    items : list
        What :func:`packed` has put there.

    Returns
    -------
    shared : list
        The objects.
    """
    shared: list[Any] = []
    for item in items:
        shared.append(unpacked(item, shared))
    return shared
