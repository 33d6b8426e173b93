"""Bytes that arrive in pieces, cut into lines."""

from typing import NamedTuple

# A line that is longer is no event: only its beginning is kept.
LONGEST_LINE = 16 * 2**20
_END = b"\n"


class Line(NamedTuple):
    """A line that has ended.

    Attributes
    ----------
    text : bytes
        Its bytes without the end; of one that is too long the first ones.
    number : int
        Lines so far, with this one.
    offset : int
        Bytes so far, with this line and its end.
    length : int
        Bytes of the line, with its end.
    """

    text: bytes
    number: int
    offset: int
    length: int

    @property
    def is_too_long(self) -> bool:
        """Whether only the beginning is here."""
        return len(self.text) > LONGEST_LINE


class LineCutter:
    """Cuts bytes into lines: the same lines, however the bytes arrive.

    Parameters
    ----------
    number, offset : int
        Lines and bytes before.
    """

    def __init__(self, number: int = 0, offset: int = 0) -> None:
        self.number, self.offset = number, offset
        self._start()

    def _start(self) -> None:
        self._text, self._length = bytearray(), 0

    @property
    def n_waiting(self) -> int:
        """Bytes of a line that has not ended."""
        return self._length

    def feed(self, data: bytes) -> list[Line]:
        """Take more bytes, and return the lines that they end."""
        *ends, rest = data.split(_END)
        lines = []
        for piece in ends:
            self._add(piece)
            lines.append(self._line(len(_END)))
        self._add(rest)
        return lines

    def end(self) -> list[Line]:
        """Take what waits for a line, because no more will come."""
        return [self._line(0)] if self._length else []

    def _add(self, piece: bytes) -> None:
        self._length += len(piece)
        self._text += piece[: LONGEST_LINE + 1 - len(self._text)]

    def _line(self, end: int) -> Line:
        length = self._length + end
        self.number += 1
        self.offset += length
        line = Line(bytes(self._text), self.number, self.offset, length)
        self._start()
        return line
