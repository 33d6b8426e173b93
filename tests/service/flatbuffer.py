"""Arrow streams that no writer of Arrow would write."""

import struct
from collections.abc import Sequence

from flatbuffers import Builder

FLOATING, STRUCT = 3, 13
SCHEMA, BATCH = 1, 3


def schema(
    names: Sequence[str] = ("pt", "eta", "m"),
    *,
    is_big: bool = False,
    notes: tuple[int, int] = (0, 0),
) -> bytes:
    """Write a schema of floats, with so many notes that share one text of that length."""
    builder = Builder()
    shared = {name: builder.CreateString(name) for name in set(names)}
    number = _table(builder, {0: ("Int16", 2)})
    fields = [
        _table(
            builder,
            {
                0: ("UOffsetTRelative", shared[name]),
                2: ("Uint8", FLOATING),
                3: ("UOffsetTRelative", number),
            },
        )
        for name in names
    ]
    said = _notes(builder, *notes)
    listed = _vector(builder, fields)
    table = {0: ("Int16", int(is_big)), 1: ("UOffsetTRelative", listed)}
    return _message(builder, SCHEMA, _table(builder, {**table, **({2: said} if said else {})}))


def nested(depth: int) -> bytes:
    """Write a schema of one column that holds twice what it holds, and so on."""
    builder = Builder()
    name = builder.CreateString("pt")
    kind, field = FLOATING, 0
    for _ in range(depth):
        table = {
            0: ("UOffsetTRelative", name),
            2: ("Uint8", kind),
            3: ("UOffsetTRelative", _table(builder, {})),
        }
        if field:
            table[5] = ("UOffsetTRelative", _vector(builder, [field, field]))
        kind, field = STRUCT, _table(builder, table)
    columns = _vector(builder, [field])
    return _message(builder, SCHEMA, _table(builder, {1: ("UOffsetTRelative", columns)}))


def batch(n_rows: int, n_columns: int, buffers: Sequence[tuple[int, int]], body: bytes) -> bytes:
    """Write a batch of columns; each has two buffers, given by their places and lengths."""
    builder = Builder()
    nodes = _pairs(builder, [(n_rows, 0)] * n_columns)
    places = _pairs(builder, buffers)
    table = {
        0: ("Int64", n_rows),
        1: ("UOffsetTRelative", nodes),
        2: ("UOffsetTRelative", places),
    }
    return _message(builder, BATCH, _table(builder, table), len(body)) + body


def _table(builder: Builder, slots: dict[int, tuple[str, int]]) -> int:
    builder.StartObject(7)
    for slot, (kind, value) in slots.items():
        getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return int(builder.EndObject())


def _vector(builder: Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _pairs(builder: Builder, pairs: Sequence[tuple[int, int]]) -> int:
    builder.StartVector(16, len(pairs), 8)
    for first, second in reversed(pairs):
        builder.Prep(8, 16)
        builder.PrependInt64(second)
        builder.PrependInt64(first)
    return int(builder.EndVector())


def _notes(builder: Builder, n_notes: int, length: int) -> tuple[str, int] | None:
    if not n_notes:
        return None
    text = ("UOffsetTRelative", builder.CreateString(length * "x"))
    note = _table(builder, {0: text, 1: text})
    return ("UOffsetTRelative", _vector(builder, [note] * n_notes))


def _message(builder: Builder, kind: int, header: int, length: int = 0) -> bytes:
    builder.Finish(
        _table(
            builder,
            {
                0: ("Int16", 4),
                1: ("Uint8", kind),
                2: ("UOffsetTRelative", header),
                3: ("Int64", length),
            },
        )
    )
    metadata = bytes(builder.Output())
    metadata += b"\0" * (-len(metadata) % 8)
    return b"\xff\xff\xff\xff" + struct.pack("<i", len(metadata)) + metadata
