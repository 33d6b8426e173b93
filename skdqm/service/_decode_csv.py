"""CSV with a header of names."""

import csv
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from skdqm.service._errors import RequestError
from skdqm.service._rows import Expected, Limits, Rows, check_names, checked

CSV = "text/csv"
WHERE = ("body", "events")
# Names that a header may have for each of the model's own, and beside them, to be named as unknown.
TIMES, MORE = 10, 1000


def decoded(body: bytes, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of a table with named columns, in any order."""
    text = _text(body)
    # Lines may hold no rows, but rows need lines.
    limits.check_rows(max(text.count("\n"), text.count("\r")) - 1)
    header = _header(text, expected)
    check_names(header, expected, WHERE)
    table = _table(body, header, expected)
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


def _header(text: str, expected: Expected) -> list[str]:
    """Return the names of the first line, which ends where the reader of the rows ends it."""
    found = re.match(r"[^\r\n]*", text)
    line = found.group() if found else ""
    usual = sum(1 + name.count(",") for name in expected.names or ())
    if line.count(",") > MORE + TIMES * usual:
        message = f"the header has about {line.count(',') + 1:,} names"
        raise RequestError(422, f"{message}, the model takes {expected.number:,}", ("body",))
    try:
        names = next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise RequestError(422, f"the header cannot be read: {error}", ("body",)) from error
    if not names:
        raise RequestError(422, "found no header, expected a line of names", ("body",))
    return names


def _table(body: bytes, header: Sequence[str], expected: Expected) -> pa.Table:
    kinds = {name: pa.int64() if name in expected.place_names else pa.float64() for name in header}
    try:
        return _read(body, kinds)
    except pa.ArrowException as error:
        _name_the_wrong_one(body, kinds)
        raise _unreadable(error) from error


def _read(body: bytes, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """Read columns of these kinds, in their order."""
    convert = arrow_csv.ConvertOptions(
        column_types=kinds, null_values=[], strings_can_be_null=False, check_utf8=False
    )
    read = arrow_csv.ReadOptions(
        use_threads=False, block_size=len(body) + 1, skip_rows=1, column_names=list(kinds)
    )
    return arrow_csv.read_csv(pa.BufferReader(body), read, convert_options=convert)


def _name_the_wrong_one(body: bytes, kinds: Mapping[str, pa.DataType]) -> None:
    """Raise an error that names a cell that is no number."""
    try:
        table = _read(body, dict.fromkeys(kinds, pa.string()))
    except pa.ArrowException as error:
        raise _unreadable(error) from error
    for name, kind in kinds.items():
        cells = pc.utf8_trim(table.column(name), " \t")
        if not _are(cells, kind):
            row = _first_wrong(cells, kind)
            expected = "a whole number" if kind == pa.int64() else "a number"
            cell = table.column(name)[row].as_py()[:100]
            message = f"{name!r} of row {row} is {cell!r}; expected {expected}"
            raise RequestError(422, message, (*WHERE, row, name))


def _first_wrong(cells: pa.ChunkedArray, kind: pa.DataType) -> int:
    """Return where the first cell of another kind is, by halves."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        if _are(cells[low:middle], kind):
            low = middle
        else:
            high = middle
    return low


def _are(cells: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        cells.cast(kind)
    except pa.ArrowException:
        return False
    return True


def _unreadable(error: Exception) -> RequestError:
    message = " ".join(str(error).split())[:300]
    return RequestError(422, f"the table cannot be read: {message}", ("body",))
