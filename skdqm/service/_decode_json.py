"""JSON: one event, many, or lumisections."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from skdqm.service._errors import RequestError
from skdqm.service._rows import LARGEST, PLACE, Expected, Limits, Rows, check_names, checked

JSON = "application/json"
FORMS = ("features", "events", "lumisections")
NUMBERS = {int, float}
# Brackets and commas of a row, and of the request around them, beside those of its numbers.
SLACK = 8


def decoded(body: bytes, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of a body of one of the forms."""
    _check_size(body, expected, limits)
    content = _parsed(body)
    forms = [name for name in FORMS if name in content]
    if len(forms) != 1:
        found = " and ".join(forms) or "none of them"
        raise RequestError(422, f"expected one of features, events, lumisections; found {found}")
    _check_keys(content, {forms[0], *PLACE}, ("body",))
    return _READ[forms[0]](content, expected, limits)


def _check_size(body: bytes, expected: Expected, limits: Limits) -> None:
    """Refuse what would become far more values or lists than rows may have, before it does."""
    shapes = (expected.shapes or {}).values()
    lists = SLACK + sum(1 + math.prod(shape[:-1]) * len(shape) for shape in shapes)
    n_lists = body.count(b"[") + body.count(b"{")
    n_values = body.count(b",")
    most_lists = SLACK + limits.max_rows * lists
    most_values = SLACK + limits.max_rows * (expected.number + SLACK)
    if n_lists > most_lists or n_values > most_values:
        raise RequestError(
            413,
            f"the request holds more than the {limits.max_rows:,} rows that are taken at a time",
        )


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = from_json(body, allow_inf_nan=True)
    except ValueError as error:
        raise RequestError(422, f"this is no JSON: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise RequestError(422, f"found a JSON {_kind(content)}, expected an object")
    return content


def _one(content: dict[str, Any], expected: Expected, limits: Limits) -> Rows:
    del limits
    _check_events(expected)
    where, event = ("body", "features"), content["features"]
    row = _row(event, expected, where)
    own = [name for name in expected.place_names if isinstance(event, dict) and name in event]
    if own:
        _check_keys(content, {"features"}, ("body",))
    places = _places_of_one(event if own else content, where if own else ("body",), of=own or PLACE)
    return checked(_array([row], expected), places, expected, "features")


def _many(content: dict[str, Any], expected: Expected, limits: Limits) -> Rows:
    _check_events(expected)
    events = content["events"]
    if not isinstance(events, list):
        raise _wrong(events, "a list of events", ("body", "events"))
    limits.check_rows(len(events))
    beside = [each for each in events if isinstance(each, dict)]
    own = expected.place_names
    has_own = any(name in each for each in beside for name in own)
    if has_own and len(beside) < len(events):
        raise RequestError(422, "some events have a run, and others are plain lists")
    rows = [_row(each, expected, ("body", "events", place)) for place, each in enumerate(events)]
    if has_own:
        _check_keys(content, {"events"}, ("body",))
        places = _places(beside, ("body", "events"), of=own)
    else:
        one = _places_of_one(content, ("body",))
        places = {name: np.repeat(number, len(rows)) for name, number in one.items()}
    return checked(_array(rows, expected), places, expected, "events")


def _lumisections(content: dict[str, Any], expected: Expected, limits: Limits) -> Rows:
    where = ("body", "lumisections")
    if expected.shapes is None:
        raise RequestError(422, "this model takes events; give features or events", where)
    _check_keys(content, {"lumisections"}, ("body",))
    given = content["lumisections"]
    if not isinstance(given, list):
        raise _wrong(given, "a list of lumisections", where)
    limits.check_rows(len(given))
    for place, each in enumerate(given):
        if not isinstance(each, dict):
            raise _wrong(each, "an object with run, lumisection and histograms", (*where, place))
        _check_keys(each, {*PLACE, "histograms"}, (*where, place), all_needed=True)
    rows = [
        _histograms(each["histograms"], expected.shapes, (*where, place, "histograms"))
        for place, each in enumerate(given)
    ]
    return checked(_array(rows, expected), _places(given, where), expected, where[1])


_READ: Mapping[str, Callable[[dict[str, Any], Expected, Limits], Rows]] = {
    "features": _one,
    "events": _many,
    "lumisections": _lumisections,
}


def _check_events(expected: Expected) -> None:
    if expected.shapes is not None:
        raise RequestError(
            422, "this model takes lumisections: run, lumisection and histograms of each"
        )


def _row(event: Any, expected: Expected, where: tuple[str | int, ...]) -> list[Any]:
    """Return the numbers of an event in the order of the model's features."""
    if isinstance(event, dict):
        if event.keys() != expected.name_set or expected.names is None:
            check_names(list(event), expected, where)
        event = [event[name] for name in expected.names or ()]
    elif not isinstance(event, list):
        raise _wrong(event, f"{expected.number} numbers, or numbers by name", where)
    if len(event) != expected.number:
        raise RequestError(
            422, f"found {len(event)} numbers, the model takes {expected.number}", where
        )
    if not set(map(type, event)) <= NUMBERS:
        place = next(i for i, value in enumerate(event) if type(value) not in NUMBERS)
        raise _wrong(event[place], "a number", (*where, expected.name(place)))
    return event


def _histograms(
    given: Any, shapes: Mapping[str, tuple[int, ...]], where: tuple[str | int, ...]
) -> list[Any]:
    """Return the counts of all elements, one behind the other."""
    if not isinstance(given, dict):
        raise _wrong(given, "histograms by the names of their elements", where)
    _check_keys(given, set(shapes), where, all_needed=True)
    return [
        value
        for name, shape in shapes.items()
        for value in _flat(given[name], shape, (*where, name))
    ]


def _flat(given: Any, shape: tuple[int, ...], where: tuple[str | int, ...]) -> list[Any]:
    """Return the counts of a histogram, which comes in its shape or flat."""
    is_nested = isinstance(given, list) and given and isinstance(given[0], list)
    if len(shape) < 2 or not is_nested:
        return _checked_flat(given, shape, where)
    if len(given) != shape[0]:
        raise _wrong(given, f"counts of the shape {shape}", where)
    return [value for part in given for value in _flat(part, shape[1:], where)]


def _checked_flat(values: Any, shape: tuple[int, ...], where: tuple[str | int, ...]) -> list[Any]:
    if not isinstance(values, list) or len(values) != math.prod(shape):
        raise _wrong(values, f"counts of the shape {shape}", where)
    wrong = next((value for value in values if type(value) not in NUMBERS), None)
    if wrong is not None or not set(map(type, values)) <= NUMBERS:
        raise _wrong(wrong, "numbers", where)
    return values


def _array(rows: list[list[Any]], expected: Expected) -> NDArray[np.float64]:
    try:
        return np.array(rows, dtype=np.float64).reshape(len(rows), expected.number)
    except OverflowError:
        # Whole numbers beyond all floats are as little finite as those in the next check.
        wide = [[_float(value) for value in row] for row in rows]
        return np.array(wide, dtype=np.float64).reshape(len(rows), expected.number)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _places_of_one(
    given: dict[str, Any], where: tuple[str | int, ...], of: Sequence[str] = PLACE
) -> dict[str, NDArray[np.int64]]:
    """Return run and lumisection of one row, or of all, those that are given."""
    return {
        name: np.array([_place(given[name], (*where, name))], dtype=np.int64)
        for name in of
        if name in given
    }


def _place(value: Any, where: tuple[str | int, ...]) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise _wrong(value, "a whole number from 0 to 2**63 - 1", where)
    return value


def _places(
    given: list[dict[str, Any]], where: tuple[str | int, ...], of: Sequence[str] = PLACE
) -> dict[str, NDArray[np.int64]]:
    """Return runs and lumisections of rows, those that all have."""
    found = {}
    for name in of:
        having = [name in each for each in given]
        if not any(having):
            continue
        if not all(having):
            place = having.index(False)
            raise RequestError(422, f"{name} is missing; others have one", (*where, place, name))
        numbers = [_place(each[name], (*where, row, name)) for row, each in enumerate(given)]
        found[name] = np.array(numbers, dtype=np.int64)
    return found


def _check_keys(
    given: Mapping[str, Any],
    known: set[str],
    where: tuple[str | int, ...],
    *,
    all_needed: bool = False,
) -> None:
    missing = sorted(known - set(given)) if all_needed else []
    wrong = missing or [name for name in given if name not in known]
    if wrong:
        what = "missing" if missing else "unknown"
        raise RequestError(422, f"{what}: {wrong[0][:100]!r}", (*where, wrong[0][:200]))


def _wrong(found: Any, expected: str, where: tuple[str | int, ...]) -> RequestError:
    return RequestError(422, f"found {_kind(found)}, expected {expected}", where)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:50]!r}"
    if isinstance(value, (int, float)):
        return f"the number {value!r}" if not abs(value) >= 1e300 else "a huge number"
    return f"a list of {len(value)}" if isinstance(value, list) else "an object"
