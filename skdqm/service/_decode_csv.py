"""CSV with a header of names."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from skdqm.service._errors import RequestError
from skdqm.service._rows import Expected, Limits, Rows, check_names, checked

CSV = "text/csv"
WHERE = ("body", "events")


def decoded(body: bytes, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of a table with named columns, in any order."""
    text = _text(body)
    header = _header(text)
    check_names(header, expected, WHERE)
    # Lines may hold no rows, but rows need lines.
    limits.check_rows(max(text.count("\n"), text.count("\r")) - 1)
    table = _table(body, text, header, expected)
    values = np.empty((table.num_rows, expected.number))
    for column, name in enumerate(expected.names or ()):
        values[:, column] = table.column(name).to_numpy()
    limits.check_rows(len(values))
    places = {
        name: table.column(name).to_numpy() for name in expected.place_names if name in header
    }
    return checked(values, places, expected, WHERE[1])


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(422, f"the text is no UTF-8: {error.reason}", ("body",)) from error


def _header(text: str) -> list[str]:
    found = next(_rows(text), [])
    if not found:
        raise RequestError(422, "found no header, expected a line of names", ("body",))
    return found


def _table(body: bytes, text: str, header: Sequence[str], expected: Expected) -> pa.Table:
    kinds = {name: pa.float64() for name in header}
    kinds.update(dict.fromkeys(set(expected.place_names) & set(header), pa.int64()))
    convert = arrow_csv.ConvertOptions(
        column_types=kinds, null_values=[], strings_can_be_null=False, check_utf8=False
    )
    # By the names that were checked, so that the two parsers cannot differ on them.
    read = arrow_csv.ReadOptions(
        use_threads=False, block_size=len(body) + 1, column_names=header, skip_rows=1
    )
    try:
        return arrow_csv.read_csv(pa.BufferReader(body), read, convert_options=convert)
    except pa.ArrowException as error:
        _name_the_wrong_one(text, header, expected)
        message = " ".join(str(error).split())[:300]
        raise RequestError(422, f"the table cannot be read: {message}", ("body",)) from error


def _name_the_wrong_one(text: str, header: Sequence[str], expected: Expected) -> None:
    """Raise an error that names the first cell that is no number."""
    rows = _rows(text)
    next(rows)
    for place, row in enumerate(rows):
        if row and len(row) != len(header):
            message = f"row {place} has {len(row)} cells, the header {len(header)}"
            raise RequestError(422, message, (*WHERE, place))
        for name, cell in zip(header, row, strict=False):
            whole = name in expected.place_names
            if not _is_number(cell, whole=whole):
                kind = "a whole number" if whole else "a number"
                message = f"{name!r} of row {place} is {cell[:100]!r}; expected {kind}"
                raise RequestError(422, message, (*WHERE, place, name))


def _is_number(cell: str, *, whole: bool) -> bool:
    try:
        pa.array([cell]).cast(pa.int64() if whole else pa.float64())
    except pa.ArrowException:
        return False
    return True


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise RequestError(422, f"the table cannot be read: {error}", ("body",)) from error
