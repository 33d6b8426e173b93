"""What the messages of an Arrow stream say of themselves, before Arrow believes it.

Flatbuffers may refer to one part from many places: a megabyte of names and notes can stand for
gigabytes, and Arrow makes them as soon as it opens a message. This reads the few fields that tell.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# The kinds of headers in Arrow's Message.fbs, and of types in its Schema.fbs.
SCHEMA, BATCH = 1, 3
NUMBERS = {2, 3}
# Places of fields in their tables there.
KIND, HEADER, BODY_LENGTH, MESSAGE_NOTES = 1, 2, 3, 4
FIELDS, SCHEMA_NOTES = 1, 2
NAME, TYPE_KIND, CHILDREN, FIELD_NOTES = 0, 2, 5, 6
N_ROWS, COMPRESSION = 0, 3
KEY, VALUE = 0, 1
# Names and notes of a stream, at most: each takes its time.
MOST_TEXTS = 100_000
CONTINUATION = b"\xff\xff\xff\xff"


@dataclass(frozen=True)
class FlatTable:
    """A table of a flatbuffer.

    Attributes
    ----------
    buffer : bytes
        The flatbuffer.
    start : int
        Where the table begins in it.
    """

    buffer: bytes
    start: int

    @classmethod
    def root_of(cls, buffer: bytes) -> "FlatTable":
        """Return the table that a flatbuffer holds."""
        return cls(buffer, _unpacked("<I", buffer, 0))

    def number(self, field: int, form: str) -> int:
        """Return a number, 0 if it is not there."""
        place = self._place(field)
        return _unpacked(form, self.buffer, place) if place else 0

    def has(self, field: int) -> bool:
        """Return whether a field is there."""
        return self._place(field) > 0

    def table(self, field: int) -> "FlatTable | None":
        """Return a table."""
        place = self._target(field)
        return FlatTable(self.buffer, place) if place else None

    def tables(self, field: int) -> Iterator["FlatTable"]:
        """Return the tables of a list."""
        vector = self._target(field)
        for place in range(vector + 4, vector + 4 + 4 * self.length(field), 4):
            yield FlatTable(self.buffer, place + _unpacked("<I", self.buffer, place))

    def length(self, field: int) -> int:
        """Return the length of a list or text, 0 if it is not there."""
        place = self._target(field)
        return _unpacked("<I", self.buffer, place) if place else 0

    def text(self, field: int) -> str:
        """Return the beginning of a text."""
        place, length = self._target(field) + 4, self.length(field)
        return self.buffer[place : place + min(length, 200)].decode("utf-8", "replace")

    def _target(self, field: int) -> int:
        place = self._place(field)
        return place + _unpacked("<I", self.buffer, place) if place else 0

    def _place(self, field: int) -> int:
        vtable = self.start - _unpacked("<i", self.buffer, self.start)
        offset = 4 + 2 * field
        if vtable < 0 or offset >= _unpacked("<H", self.buffer, vtable):
            return 0
        place = _unpacked("<H", self.buffer, vtable + offset)
        return self.start + place if place else 0


def messages(body: bytes) -> Iterator[tuple[int, FlatTable]]:
    """Yield the kind and the header of each message of a stream, up to its end.

    Raises
    ------
    ValueError, struct.error
        When there is something behind the end, or a message has too many texts, or texts that
        would take more room than itself.
    """
    place, n_texts = 0, 0
    while place < len(body):
        place += 4 * body.startswith(CONTINUATION, place)
        size = _unpacked("<i", body, place)
        place += 4
        if not size:
            break
        metadata = body[place : place + size]
        if size < 0 or len(metadata) < size:
            raise ValueError(f"a message says it has {size:,} bytes, the body {len(metadata):,}")
        message = FlatTable.root_of(metadata)
        header = message.table(HEADER)
        if header is None:
            raise ValueError("a message says nothing of itself")
        kind = message.number(KIND, "<B")
        n_texts += _checked_texts(message, header if kind == SCHEMA else None, n_texts)
        yield kind, header
        length = message.number(BODY_LENGTH, "<q")
        if length < 0:
            raise ValueError(f"a message says its body has {length} bytes")
        place += size + length
    if place != len(body):
        raise ValueError(f"it ends at byte {place:,} of {len(body):,}; send one whole stream")


def _checked_texts(message: FlatTable, schema: FlatTable | None, n_before: int) -> int:
    """Return how many texts a message has; refuse those that take more room than it has itself."""
    n_bytes = n_texts = 0
    for length in _texts(message, schema):
        n_bytes, n_texts = n_bytes + length, n_texts + 1
        if n_bytes > len(message.buffer):
            raise ValueError("names and notes of a message share their bytes")
        if n_before + n_texts > MOST_TEXTS:
            raise ValueError(f"it has more than {MOST_TEXTS:,} names and notes")
    return n_texts


def _texts(message: FlatTable, schema: FlatTable | None) -> Iterator[int]:
    yield from _notes(message, MESSAGE_NOTES)
    if schema is not None:
        yield from _notes(schema, SCHEMA_NOTES)
        for field in schema.tables(FIELDS):
            yield field.length(NAME)
            yield from _notes(field, FIELD_NOTES)


def _notes(table: FlatTable, field: int) -> Iterator[int]:
    for note in table.tables(field):
        yield note.length(KEY) + note.length(VALUE)


def _unpacked(form: str, buffer: bytes, place: int) -> Any:
    # Negative places would count from the end.
    if place < 0:
        raise ValueError("a message refers to what is before it")
    return struct.unpack_from(form, buffer, place)[0]
