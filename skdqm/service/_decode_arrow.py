"""Streams of Arrow: columns by their names, in one or several batches."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skdqm.service import _arrow_messages as said
from skdqm.service._arrow_messages import FlatTable, messages
from skdqm.service._errors import RequestError
from skdqm.service._rows import LARGEST, Expected, Limits, Rows, check_names, checked

ARROW = "application/vnd.apache.arrow.stream"
WHERE = ("body", "events")


def decoded(body: bytes, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of a stream."""
    try:
        table = _table(body, expected, limits)
    except RequestError:
        raise
    except Exception as error:  # whatever a stream of anybody makes the readers raise
        message = " ".join(str(error).split())[:300]
        hint = (
            "; it is Arrow's file format: send the stream format" if body[:6] == b"ARROW1" else ""
        )
        raise RequestError(422, f"this is no Arrow stream: {message}{hint}", ("body",)) from error
    _check_nulls(table)
    values = np.empty((table.num_rows, expected.number))
    with np.errstate(invalid="ignore"):  # NaN of any kind is named later
        for place, name in enumerate(expected.names or ()):
            values[:, place] = table.column(name).to_numpy()
    places = {
        name: _whole(table, name) for name in expected.place_names if name in table.column_names
    }
    return checked(values, places, expected, WHERE[1])


def encoded(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Write columns as a stream of one batch; NaN is a null.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n_rows,)
        Numbers or booleans.

    Returns
    -------
    body : bytes
        The stream.
    """
    batch = pa.record_batch(
        {name: pa.array(each, from_pandas=True) for name, each in columns.items()}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _table(body: bytes, expected: Expected, limits: Limits) -> pa.Table:
    """Read a stream after a look at what its messages say of themselves."""
    found = messages(body)
    _check_schema(body, found, expected)
    n_rows = 0
    for kind, batch in found:
        if kind != said.BATCH:
            raise ValueError("expected nothing but batches behind its schema")
        if batch.has(said.COMPRESSION):  # it may be a bomb
            raise RequestError(
                415, "compressed batches are not taken; write them without compression"
            )
        rows = batch.number(said.N_ROWS, "<q")
        if rows < 0:
            raise ValueError(f"a batch says it has {rows} rows")
        # Empty ones take their time as well.
        n_rows += max(rows, 1)
        limits.check_rows(n_rows)
    table = pa.ipc.open_stream(pa.BufferReader(body)).read_all()
    table.validate(full=True)
    if table.nbytes > len(body):
        raise ValueError("its columns share their bytes")
    return table


def _check_schema(body: bytes, found: Iterator[tuple[int, FlatTable]], expected: Expected) -> None:
    kind, schema = next(found, (0, None))
    if schema is None or kind != said.SCHEMA:
        raise ValueError("expected a schema at its beginning")
    for field in schema.tables(said.FIELDS):
        # Before Arrow makes them: they may be nested without end.
        is_plain = not field.length(said.CHILDREN)
        if not is_plain or field.number(said.TYPE_KIND, "<B") not in said.NUMBERS:
            name = field.text(said.NAME)
            message = f"column {name[:100]!r} holds no numbers; expected integers or floats"
            raise RequestError(422, message, (*WHERE, name))
    names_and_types = pa.ipc.read_schema(pa.BufferReader(body))
    check_names(names_and_types.names, expected, WHERE)
    for each in names_and_types:
        _check_type(each, is_place=each.name in expected.place_names)


def _check_type(field: pa.Field, *, is_place: bool) -> None:
    is_number = pa.types.is_integer(field.type) or (
        pa.types.is_floating(field.type) and not is_place
    )
    if not is_number:
        kind = "integers" if is_place else "integers or floats"
        message = f"column {field.name!r} holds {str(field.type)[:100]}, expected {kind}"
        raise RequestError(422, message, (*WHERE, field.name))


def _check_nulls(table: pa.Table) -> None:
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count:
            row = int(np.argmax(column.is_null().to_numpy()))
            message = f"{name!r} of row {row} is null; expected a finite number"
            raise RequestError(422, message, (*WHERE, row, name))


def _whole(table: pa.Table, name: str) -> NDArray[np.int64]:
    numbers = table.column(name).to_numpy()
    # Of a batch that says it has no nulls, and has some, they may be floats.
    if numbers.dtype.kind not in "iu" or (numbers > LARGEST).any():
        message = f"{name!r} holds nulls, or numbers beyond {LARGEST}"
        raise RequestError(422, message, (*WHERE, name))
    return numbers.astype(np.int64)
