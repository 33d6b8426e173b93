"""Lines of a pipe as events."""

import os
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread

from skdqm.exceptions import DataError
from skdqm.streaming._layout import Layout
from skdqm.streaming._patience import Patience
from skdqm.streaming._source import Batch, Position, Say
from skdqm.streaming._source_text import CHUNK, LineReader

# Pieces that are read ahead.
_AHEAD = 8


class Pipe:
    """CSV below a line of names, or JSON lines, from a pipe such as standard input.

    What was read from a pipe is gone: after a restart, what comes is read.

    Parameters
    ----------
    descriptor : int
        The open file to read from.
    layout : Layout
        What the model takes.
    patience : Patience
        How long to wait.
    form : {"csv", "jsonl"} or None
        How lines are written; None: the first one tells.
    say : callable
        Takes messages.
    """

    def __init__(
        self, descriptor: int, layout: Layout, patience: Patience, form: str | None, say: Say
    ) -> None:
        self._descriptor, self._patience, self._say = descriptor, patience, say
        self._reader = LineReader(layout, form, {})

    def seek(self, position: Position) -> None:
        """Only say that a pipe is not read again."""
        self._say(
            f"standard input is read on from what comes now; {position['line']:,} lines were read "
            "before"
        )

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""
        pieces: Queue[bytes] = Queue(_AHEAD)
        # Reading may wait for ever; a thread that does so does not keep the process alive.
        Thread(target=_read, args=(self._descriptor, pieces), daemon=True).start()
        try:
            while (piece := self._next(pieces)) is not None:
                yield from self._reader.feed(piece) if piece else self._reader.end()
                if not piece:
                    return
        except DataError as error:
            raise DataError(f"standard input: {error}") from error

    def _next(self, pieces: "Queue[bytes]") -> bytes | None:
        """Return the next piece, empty at the end; None if nobody waits for it any more."""
        while not self._patience.is_stopped:
            try:
                piece = pieces.get(timeout=self._patience.poll)
            except Empty:
                if not self._lasts():
                    return None
            else:
                self._patience.found()
                return piece
        return None

    def _lasts(self) -> bool:
        # A pipe ends by itself: without following its end is waited for as well.
        return self._patience.lasts() or not self._patience.follow


def _read(descriptor: int, pieces: "Queue[bytes]") -> None:
    piece = b"more"
    while piece:
        try:
            piece = os.read(descriptor, CHUNK)
        except OSError:
            piece = b""
        pieces.put(piece)
