"""Pages that are fed at the same time: not too many."""

from collections.abc import Iterator
from contextlib import contextmanager

from skdqm.service._errors import RequestError

MOST_STREAMS = 200


class Streams:
    """Counts open streams; used by one thread, that of the event loop."""

    def __init__(self) -> None:
        self._n_open = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a stream while it is open, or refuse it."""
        if self._n_open >= MOST_STREAMS:
            raise RequestError(503, f"{MOST_STREAMS} pages are open already; close some")
        self._n_open += 1
        try:
            yield
        finally:
            self._n_open -= 1
