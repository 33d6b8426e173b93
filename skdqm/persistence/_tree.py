"""Estimators as a tree of JSON values, with their arrays beside it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skdqm.base import BaseDetector
from skdqm.exceptions import ModelFileError, UsageError
from skdqm.persistence._compiled import build, demand, kind_of, take
from skdqm.persistence._fitting import check_fit, check_place
from skdqm.persistence._river import is_model, make
from skdqm.persistence._river import take as take_model
from skdqm.registry import class_of, name_of

Arrays = dict[str, NDArray[Any]]
# Kinds of arrays that are plain numbers: boolean, signed, unsigned, floating.
NUMBERS = "biuf"
# What settings of drift detectors are; KSWIN also has a window among them, for rows to come.
SETTINGS = (type(None), bool, int, float, str)


def encode(value: Any, arrays: Arrays, where: str = "model") -> Any:
    """Turn a value into JSON; its arrays are added to `arrays` and named in the tree.

    Parameters
    ----------
    value : object
        Numbers, strings, arrays, containers of them, and registered estimators.
    arrays : dict
        Receives the arrays.
    where : str, default="model"
        Path to the value, for the error.

    Returns
    -------
    tree : object
        What :mod:`json` writes and :func:`decode` reads.

    Raises
    ------
    UsageError
        When a value is none of these.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and not isinstance(value, np.generic):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, BaseEstimator):
        return {"estimator": _encode_estimator(value, arrays, where)}
    for kind, (matches, pack) in _PACKERS.items():
        if matches(value):
            return {kind: pack(value, arrays, where)}
    raise UsageError(
        f"{where} cannot be saved: it is a {type(value).__module__}.{type(value).__qualname__}, "
        "and a model file holds only numbers, strings, arrays and registered estimators; pickle "
        "keeps it, for readers who trust its writer"
    )


def decode(tree: Any, arrays: Arrays) -> Any:
    """Turn a tree back into the value that :func:`encode` saw.

    Parameters
    ----------
    tree : object
        JSON values.
    arrays : dict
        The arrays that the tree names; each is taken out as it finds its place.

    Returns
    -------
    value : object
        The value.

    Raises
    ------
    ModelFileError
        When the tree is not one that :func:`encode` gives.
    """
    if not isinstance(tree, dict):
        return tree
    if len(tree) != 1:
        raise ModelFileError(f"expected one kind of value in the model, found {sorted(tree)}")
    ((kind, content),) = tree.items()
    if kind not in _UNPACKERS:
        raise ModelFileError(f"the model holds an unknown kind of value, {kind!r}")
    return _UNPACKERS[kind](content, arrays)


def _encode_estimator(estimator: BaseEstimator, arrays: Arrays, where: str) -> dict[str, Any]:
    name = name_of(estimator)
    parameters = estimator.get_params(deep=False)
    if isinstance(estimator, BaseDetector):
        state = estimator._get_state()  # noqa: SLF001 (the hook is made for this module)
        skipped: tuple[str, ...] = estimator._transient_parameters  # noqa: SLF001
    else:
        state = {key: value for key, value in vars(estimator).items() if key not in parameters}
        skipped = ()
    kept = {key: value for key, value in parameters.items() if key not in skipped}
    return {
        "class": name,
        "parameters": _encode_named(kept, arrays, f"{where}: parameter"),
        "state": _encode_named(state, arrays, f"{where}: attribute"),
    }


def _encode_named(values: dict[str, Any], arrays: Arrays, where: str) -> dict[str, Any]:
    return {key: encode(value, arrays, f"{where} {key!r}") for key, value in values.items()}


def _decode_estimator(content: dict[str, Any], arrays: Arrays) -> Any:
    parameters, state = (
        {key: decode(value, arrays) for key, value in content[part].items()}
        for part in ("parameters", "state")
    )
    check_place(content["class"], {**parameters, **state})
    cls = class_of(content["class"])
    demand(issubclass(cls, BaseEstimator), "an estimator")
    estimator = cls(**parameters)
    # Methods, parameters and what Python itself keeps are not state.
    misplaced = [
        key
        for key in state
        if key.startswith("__") or key in parameters or hasattr(type(estimator), key)
    ]
    if misplaced:
        raise ModelFileError(f"the model sets attributes that it must not: {misplaced}")
    if isinstance(estimator, BaseDetector):
        estimator._set_state(state)
    else:
        vars(estimator).update(state)
    check_fit(content["class"], estimator)
    return estimator


def _pack_array(value: NDArray[Any], arrays: Arrays, where: str) -> Any:
    key = f"array{len(arrays)}"
    native = value.astype(value.dtype.newbyteorder("="), copy=False)
    arrays[key] = np.ascontiguousarray(native).reshape(value.shape)
    # Matrix products may round differently with the memory's order.
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    return {"name": key, "order": "F" if fortran else "C"}


def _unpack_array(content: dict[str, str], arrays: Arrays) -> NDArray[Any]:
    # Each array has one place: a small file cannot ask for many copies of a large one.
    demand(content["name"] in arrays, "an array that has no other place")
    return np.array(arrays.pop(content["name"]), order="F" if content["order"] == "F" else "C")


def _pack_items(value: Any, arrays: Arrays, where: str) -> list[Any]:
    return [encode(item, arrays, f"{where}[{place}]") for place, item in enumerate(value)]


def _pack_pairs(value: dict[Any, Any], arrays: Arrays, where: str) -> list[Any]:
    return [
        [encode(key, arrays, where), encode(item, arrays, f"{where}[{key!r}]")]
        for key, item in value.items()
    ]


def _unpack_items(content: list[Any], arrays: Arrays) -> list[Any]:
    return [decode(item, arrays) for item in content]


def _pack_compiled(value: Any, arrays: Arrays, where: str) -> list[Any]:
    kind = str(kind_of(value))
    return [kind, _encode_named(take(kind, value), arrays, where)]


def _unpack_compiled(content: list[Any], arrays: Arrays) -> Any:
    kind, parts = content
    return build(kind, {key: decode(part, arrays) for key, part in parts.items()})


def _is_river(value: Any) -> bool:
    """Tell whether a value is a drift detector, which is kept by its settings alone."""
    return type(value).__module__.startswith("river.drift")


def _pack_river(value: Any, arrays: Arrays, where: str) -> list[Any]:
    settings = value._get_params()  # noqa: SLF001 (what river clones by)
    plain = {key: each for key, each in settings.items() if isinstance(each, SETTINGS)}
    return [name_of(value), _encode_named(plain, arrays, where)]


def _unpack_river(content: list[Any], arrays: Arrays) -> Any:
    name, settings = content
    made = class_of(name)(**{key: decode(value, arrays) for key, value in settings.items()})
    demand(_is_river(made), "a drift detector of river")
    return made


def _pack_model(value: Any, arrays: Arrays, where: str) -> list[Any]:
    name, parts = take_model(value)
    return [name, _encode_named(parts, arrays, where)]


def _unpack_model(content: list[Any], arrays: Arrays) -> Any:
    name, parts = content
    return make(name, {key: decode(part, arrays) for key, part in parts.items()})


def _unpack_dtype(content: str, arrays: Arrays) -> Any:
    dtype = np.dtype(content)
    demand(dtype.kind in NUMBERS, "a type of numbers")
    return dtype


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS


def _is_strings(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.ndim == 1
        and all(isinstance(item, str) for item in value)
    )


def _is_number_type(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, np.generic)


_Pack = Callable[[Any, Arrays, str], Any]
_PACKERS: dict[str, tuple[Callable[[Any], bool], _Pack]] = {
    "array": (_is_numbers, _pack_array),
    "strings": (_is_strings, lambda value, arrays, where: [str(item) for item in value]),
    "number": (
        lambda value: isinstance(value, np.generic) and value.dtype.kind in NUMBERS,
        lambda value, arrays, where: _pack_array(np.asarray(value), arrays, where),
    ),
    "dtype": (
        lambda value: isinstance(value, np.dtype) and value.kind in NUMBERS,
        lambda value, arrays, where: value.name,
    ),
    "type": (_is_number_type, lambda value, arrays, where: np.dtype(value).name),
    "list": (lambda value: isinstance(value, list), _pack_items),
    "tuple": (lambda value: isinstance(value, tuple), _pack_items),
    "dict": (lambda value: isinstance(value, dict), _pack_pairs),
    "river": (_is_river, _pack_river),
    "river_model": (is_model, _pack_model),
    "compiled": (lambda value: kind_of(value) is not None, _pack_compiled),
    "slice": (
        lambda value: isinstance(value, slice),
        lambda value, arrays, where: _pack_items(
            (value.start, value.stop, value.step), arrays, where
        ),
    ),
}
_UNPACKERS: dict[str, Callable[[Any, Arrays], Any]] = {
    "estimator": _decode_estimator,
    "float": lambda content, arrays: float(content),
    "array": _unpack_array,
    "strings": lambda content, arrays: np.array(content, dtype=object),
    "number": lambda content, arrays: _unpack_array(content, arrays)[()],
    "dtype": _unpack_dtype,
    "type": lambda content, arrays: _unpack_dtype(content, arrays).type,
    "list": _unpack_items,
    "tuple": lambda content, arrays: tuple(_unpack_items(content, arrays)),
    "dict": lambda content, arrays: {
        decode(key, arrays): decode(item, arrays) for key, item in content
    },
    "river": _unpack_river,
    "river_model": _unpack_model,
    "compiled": _unpack_compiled,
    "slice": lambda content, arrays: slice(*_unpack_items(content, arrays)),
}
