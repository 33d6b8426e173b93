"""How long a source waits for more."""

from collections.abc import Callable
from time import monotonic, sleep


class Patience:
    """Says whether to look for more events.

    Parameters
    ----------
    follow : bool, default=True
        Whether to wait at all; without, what is there is all.
    until_idle : float or None, default=None
        Seconds without anything new after which that was all.
    poll : float, default=0.1
        Seconds between two looks.
    while_waiting : callable or None, default=None
        Is called after each look that found nothing; what it raises ends the source.
    """

    def __init__(
        self,
        *,
        follow: bool = True,
        until_idle: float | None = None,
        poll: float = 0.1,
        while_waiting: Callable[[], object] | None = None,
    ) -> None:
        self.follow, self.until_idle, self.poll = follow, until_idle, poll
        self._while_waiting = while_waiting
        self.is_stopped = False
        self._idle_since: float | None = None

    def stop(self) -> None:
        """Want no more, not even what is there; a signal handler may call this."""
        # A plain flag: what has a lock inside may hang when a handler interrupts its holder.
        self.is_stopped = True

    def found(self) -> None:
        """Begin to wait anew, because something came."""
        self._idle_since = None

    def lasts(self) -> bool:
        """Tell whether to look again, after a look that found nothing."""
        if self._while_waiting is not None:
            self._while_waiting()
        if self.is_stopped or not self.follow:
            return False
        now = monotonic()
        if self._idle_since is None:
            self._idle_since = now
        return self.until_idle is None or now - self._idle_since < self.until_idle

    def wait(self) -> bool:
        """Wait a moment first, if it lasts."""
        if not self.lasts():
            return False
        sleep(self.poll)
        return not self.is_stopped
