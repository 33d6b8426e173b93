"""Where the results of a worker go: what all sinks share."""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

from skdqm._messages import listed
from skdqm.exceptions import UsageError
from skdqm.streaming._results import KINDS, MALFORMED, Results

WRITTEN = ("anomaly", MALFORMED)
METHODS = ("description", "open", "write", "commit", "close")


class Sink(ABC):
    """Keeps results, and can be cut back to where it stood at a checkpoint: base class.

    A worker calls :meth:`open` once, then :meth:`write` for each micro-batch, now and then
    :meth:`commit`, and :meth:`close` at the end, with or without a commit before. Any error that is
    raised stops the worker. A sink that cannot be cut back sees some results again after a crash.

    Examples
    --------
    >>> from skdqm.streaming import Sink
    >>> class Printer(Sink):
    ...     description = {"sink": "printer"}
    ...
    ...     def write(self, results):
    ...         for record in results.records(["anomaly"]):
    ...             print(record["ordinal"])
    """

    @property
    @abstractmethod
    def description(self) -> dict[str, Any]:
        """JSON values that tell this sink from others: a checkpoint goes on with equal ones."""

    @abstractmethod
    def write(self, results: Results) -> None:
        """Take the results of a micro-batch.

        Parameters
        ----------
        results : Results
            Verdicts and malformed events.
        """

    def open(self, marker: Any) -> None:  # noqa: B027 (some have nothing to do)
        """Begin to write, behind what is there.

        Parameters
        ----------
        marker : object
            What :meth:`commit` returned: what was written later is removed first. None: nothing is.
        """

    def commit(self) -> Any:  # noqa: B027 (some have nothing to do)
        """Let all that was written reach the disk.

        Returns
        -------
        marker : object
            JSON values: how far the sink is written.
        """

    def close(self) -> None:  # noqa: B027 (some have nothing to do)
        """Release what is held; what was not committed may be lost."""


class Sinks:
    """Several sinks as one.

    Parameters
    ----------
    sinks : sequence of Sink
        Each one gets all results.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)

    @classmethod
    def of(cls, sink: Any) -> "Sinks":
        """Return the sinks that None, a sink or a sequence of sinks stand for."""
        sinks = [] if sink is None else sink if isinstance(sink, (list, tuple)) else [sink]
        for each in sinks:
            if not all(hasattr(each, name) for name in METHODS):
                raise UsageError(
                    f"sink={each!r}: expected a Sink, such as a JSONLinesSink, or a list of them"
                )
        return cls(sinks)

    @property
    def description(self) -> list[dict[str, Any]]:
        """Those of all."""
        return [sink.description for sink in self._sinks]

    def open(self, markers: list[Any] | None) -> None:
        """Open all."""
        for sink, marker in zip(self._sinks, markers or [None] * len(self._sinks), strict=True):
            sink.open(marker)

    def write(self, results: Results) -> None:
        """Let all write."""
        for sink in self._sinks:
            sink.write(results)

    def commit(self) -> list[Any]:
        """Commit all, and return their markers."""
        return [sink.commit() for sink in self._sinks]

    def close(self) -> None:
        """Close all, also when one fails."""
        errors = []
        for sink in self._sinks:
            try:
                sink.close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


def checked_kinds(kinds: Collection[str]) -> tuple[str, ...]:
    """Return the kinds of records that a sink writes, or refuse unknown ones."""
    known = {*KINDS, MALFORMED}
    if isinstance(kinds, str) or not set(kinds) <= known:
        raise UsageError(f"kinds={kinds!r}: expected some of {listed(sorted(known))}, in a list")
    return tuple(kinds)


def as_text(value: Any) -> str | None:
    """Return JSON values as text, for a column of a table."""
    return None if value is None else json.dumps(value, allow_nan=False)
