"""Streams of Arrow: columns by their names, in one or several batches."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skdqm.service._errors import RequestError
from skdqm.service._rows import LARGEST, Expected, Limits, Rows, check_names, checked

ARROW = "application/vnd.apache.arrow.stream"
WHERE = ("body", "events")
# Arrow's Message.fbs: the second field of a Message says what its third one is, and the first and
# the fourth of a RecordBatch are its number of rows and its compression.
HEADER, ROWS, COMPRESSION = 2, 0, 3


def decoded(body: bytes, expected: Expected, limits: Limits) -> Rows:
    """Return the rows of a stream."""
    try:
        batches = _batches(body, expected, limits)
    except RequestError:
        raise
    except Exception as error:  # whatever a stream of anybody makes the readers raise
        message = " ".join(str(error).split())[:300]
        hint = (
            "; it is Arrow's file format: send the stream format" if body[:6] == b"ARROW1" else ""
        )
        raise RequestError(422, f"this is no Arrow stream: {message}{hint}", ("body",)) from error
    n_rows = sum(batch.num_rows for batch in batches)
    values = np.empty((n_rows, expected.number))
    for place, name in enumerate(expected.names or ()):
        values[:, place] = _joined(batches, name, np.float64)
    present = batches[0].schema.names if batches else []
    places = {
        name: _joined(batches, name, np.int64) for name in expected.place_names if name in present
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


def _batches(body: bytes, expected: Expected, limits: Limits) -> list[pa.RecordBatch]:
    """Read batches one by one, each after a look at what it says of itself."""
    messages = iter(pa.ipc.MessageReader.open_stream(pa.BufferReader(body)))
    first = next(messages, None)
    if first is None or first.type != "schema":
        raise ValueError("expected a schema at its beginning")
    schema = pa.ipc.read_schema(first)
    _check_schema(schema, expected)
    batches, n_rows = [], 0
    for message in messages:
        if message.type != "record batch":
            raise ValueError(f"found a message of the kind {message.type!r}, expected batches")
        n_rows += _announced(message.metadata.to_pybytes())
        limits.check_rows(n_rows)
        batch = pa.ipc.read_record_batch(message, schema)
        batch.validate(full=True)
        _check_nulls(batch)
        batches.append(batch)
    return batches


def _check_schema(schema: pa.Schema, expected: Expected) -> None:
    check_names(schema.names, expected, WHERE)
    for field in schema:
        is_place = field.name in expected.place_names
        is_number = pa.types.is_integer(field.type) or (
            pa.types.is_floating(field.type) and not is_place
        )
        if not is_number:
            kind = "integers" if is_place else "integers or floats"
            raise RequestError(
                422,
                f"column {field.name!r} holds {str(field.type)[:100]}, expected {kind}",
                (*WHERE, field.name),
            )


def _check_nulls(batch: pa.RecordBatch) -> None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count:
            row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
            message = f"{name!r} of row {row} of a batch is null; expected a finite number"
            raise RequestError(422, message, (*WHERE, row, name))


def _announced(metadata: bytes) -> int:
    """Return how many rows a batch says it has; refuse a compressed one, which may be a bomb."""
    message = struct.unpack_from("<I", metadata)[0]
    header = _field(metadata, message, HEADER)
    if not header:
        raise ValueError("a batch says nothing of itself")
    batch = header + struct.unpack_from("<I", metadata, header)[0]
    if _field(metadata, batch, COMPRESSION):
        raise RequestError(415, "compressed batches are not taken; write them without compression")
    rows = _field(metadata, batch, ROWS)
    n_rows = int(struct.unpack_from("<q", metadata, rows)[0]) if rows else 0
    if n_rows < 0:
        raise ValueError(f"a batch says it has {n_rows} rows")
    return n_rows


def _field(buffer: bytes, table: int, number: int) -> int:
    """Return where a field of a table of flatbuffers begins, 0 if it is not there."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    offset = 4 + 2 * number
    if vtable < 0 or offset >= struct.unpack_from("<H", buffer, vtable)[0]:
        return 0
    place = struct.unpack_from("<H", buffer, vtable + offset)[0]
    return table + int(place) if place else 0


def _joined(batches: list[pa.RecordBatch], name: str, dtype: Any) -> NDArray[Any]:
    columns = [batch.column(name).to_numpy(zero_copy_only=False) for batch in batches]
    joined = np.concatenate(columns) if columns else np.empty(0)
    if dtype is np.int64:
        _check_whole(joined, name)
    with np.errstate(invalid="ignore"):  # NaN of any kind is named later
        return joined.astype(dtype)


def _check_whole(numbers: NDArray[Any], name: str) -> None:
    # A batch that says it has no nulls, and has some, becomes floats.
    if numbers.dtype.kind not in "iu" or (numbers > LARGEST).any():
        message = f"{name!r} holds nulls, or numbers beyond {LARGEST}"
        raise RequestError(422, message, (*WHERE, name))
