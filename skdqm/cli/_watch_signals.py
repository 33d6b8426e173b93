"""Signals that ask to end: what came is judged first."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@dataclass
class Request:
    """Whether somebody has asked to end.

    Attributes
    ----------
    number : int
        Of the signal; 0 without.
    """

    number: int = 0

    @property
    def code(self) -> int:
        """The exit code that tells of it."""
        return 128 + self.number if self.number else 0


@contextmanager
def ends_on_signals(stop: Callable[[], object]) -> Iterator[Request]:
    """Call `stop` on the first signal; the second one interrupts whatever is going on."""
    request = Request()

    def ask(number: int, frame: object) -> None:
        del frame
        if request.number:
            raise KeyboardInterrupt
        request.number = number
        stop()

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        # What the caller ignores stays ignored (nohup).
        caught = [each for each in numbers if signal.getsignal(each) is not signal.SIG_IGN]
        before = {number: signal.signal(number, ask) for number in caught}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
