"""Lines of text to events: CSV below a line of names, or JSON."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from math import isfinite
from typing import Any, NamedTuple, Protocol

from skdqm.exceptions import DataError
from skdqm.io._columns import check_names
from skdqm.io._delimited import CsvReader
from skdqm.streaming._layout import Layout, plain

CSV, JSONL = "csv", "jsonl"
_JSON_STARTS = (b"{", b"[")
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_SHOWN = 40
# What JSON calls a number: not true, and no text that looks like one.
_NUMBERS = frozenset((int, float))

Convert = Callable[[Sequence[Any]], list[float]]


class Record(NamedTuple):
    """An event and what is carried beside it.

    Attributes
    ----------
    values : list of float
        The features, in the order of the model's.
    about : dict
        Run, lumisection or id, where they are known.
    """

    values: list[float]
    about: dict[str, Any]


class Records(Protocol):
    """Turns lines into events."""

    def read(self, line: bytes) -> Record:
        """Return the event; a DataError says what is wrong with the line."""


def records_of(first_line: bytes, layout: Layout, form: str | None) -> tuple[Records, bool]:
    """Return what reads the lines, and whether the first one is an event itself."""
    start = first_line.lstrip(b"\xef\xbb\xbf \t")
    if form == JSONL or (form is None and start.startswith(_JSON_STARTS)):
        return JsonRecords(layout), True
    return CsvRecords(first_line, layout), False


class CsvRecords:
    """Fields between commas, semicolons or tabs; an event does not go on in the next line.

    Parameters
    ----------
    header : bytes
        The line of names.
    layout : Layout
        What the model takes.
    """

    def __init__(self, header: bytes, layout: Layout) -> None:
        reader = CsvReader(StringIO(_decoded(header)))
        check_names(reader.columns)
        self._delimiter = reader._delimiter  # noqa: SLF001 (of this package)
        self._n_fields = len(reader.columns)
        self._names = layout.columns(reader.columns)
        place = {name: number for number, name in enumerate(reader.columns)}
        self._places = [place[name] for name in self._names]
        self._carried = [(name, place[name]) for name in layout.carried(reader.columns)]

    def read(self, line: bytes) -> Record:
        """Return the event; a DataError says what is wrong with the line."""
        fields = self._fields(_decoded(line))
        if len(fields) != self._n_fields:
            raise DataError(f"found {len(fields)} fields, the line of names has {self._n_fields}")
        values = _numbers([fields[place] for place in self._places], self._names, _of_texts)
        return Record(values, {name: plain(fields[place]) for name, place in self._carried})

    def _fields(self, line: str) -> list[str]:
        if '"' not in line:
            return line.split(self._delimiter)
        try:
            return next(csv.reader([line], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            raise DataError(f"not CSV: {error}") from error


class JsonRecords:
    """An object with the features by name, or an array of them in order.

    Parameters
    ----------
    layout : Layout
        What the model takes.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._by_place = layout.names or [str(place) for place in range(layout.number)]

    def read(self, line: bytes) -> Record:
        """Return the event; a DataError says what is wrong with the line."""
        found = _json(_decoded(line))
        if isinstance(found, Mapping):
            return self._of_object(found)
        if not isinstance(found, list):
            raise DataError(f"found {_shown(found)}, expected a JSON object or array")
        if len(found) != self._layout.number:
            raise DataError(
                f"found an array of {len(found)}, the model takes {self._layout.number} features"
            )
        return Record(_numbers(found, self._by_place, _of_json), {})

    def _of_object(self, found: Mapping[str, Any]) -> Record:
        names = self._layout.names
        # Only a model without names, or an event without one of them, needs more than a look-up.
        if names is None or not all(name in found for name in names):
            names = self._layout.columns(list(found))
        values = _numbers([found[name] for name in names], names, _of_json)
        return Record(values, {name: plain(found[name]) for name in self._layout.carried(found)})


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}") from error


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8: byte {error.start + 1} is {line[error.start]:#04x}") from error


def _numbers(values: Sequence[Any], names: Sequence[str], convert: Convert) -> list[float]:
    """Return finite numbers, or name the feature that is none."""
    found = _converted(values, convert)
    if found is not None:
        return found
    place = next(n for n, value in enumerate(values) if _converted([value], convert) is None)
    raise DataError(
        f"feature {names[place]!r} is {_shown(values[place])}, expected a finite number"
    )


def _converted(values: Sequence[Any], convert: Convert) -> list[float] | None:
    try:
        found = convert(values)
    except (TypeError, ValueError, OverflowError):
        return None
    # A sum is finite only if all are; of very large numbers it may not be though they are.
    return found if isfinite(sum(found)) or all(map(isfinite, found)) else None


def _of_texts(texts: Sequence[str]) -> list[float]:
    # Python's own 1_000 is a number nowhere else.
    if "_" in "".join(texts):
        raise ValueError
    return list(map(float, texts))


def _of_json(values: Sequence[Any]) -> list[float]:
    if not _NUMBERS.issuperset(map(type, values)):
        raise TypeError
    return list(map(float, values))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
