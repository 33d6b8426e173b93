"""One run of ``skdqm watch``: from the source to the worker, and what is said of it."""

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.console import Console

from skdqm.cli._watch_signals import ends_on_signals
from skdqm.cli._watch_view import View, milliseconds, place_of, promised_by, shown

if TYPE_CHECKING:
    from skdqm.streaming import (
        EventSource,
        MalformedEvent,
        Results,
        StreamingDetector,
        StreamWorker,
        WorkerReport,
    )

ANOMALY = "anomaly"
# Malformed events that are said as they come; later ones are counted.
MOST_SAID = 5


class Watch:
    """Brings the events of a source to a worker.

    Parameters
    ----------
    name : str
        Of the source.
    stream : StreamingDetector
        What judges.
    say : Console
        Takes messages.
    """

    def __init__(self, name: str, stream: "StreamingDetector", say: Console) -> None:
        self._name, self._stream, self._say = name, stream, say
        self._worker: StreamWorker | None = None
        self._view: View | None = None
        self._n_said = 0

    def through(self, source: "EventSource", worker: "StreamWorker", n_events: int | None) -> int:
        """Judge events until there are no more; return 0, or the exit code of a signal."""
        started = perf_counter()
        self._worker, self._view = worker, View(self._name, self._stream, worker)
        _go_on(source, worker)
        with ends_on_signals(source.stop) as request:
            try:
                # The view ends last: it shows how the worker judges what still waits.
                with shown(self._view, self._say), worker:
                    self._say_begin(worker)
                    _bring(source, worker, n_events)
            except Exception as error:
                _raise_broken_pipe(error)
                raise
            finally:
                self._stream.close()
        for line in self._summary(worker.report, perf_counter() - started):
            self._say.print(line)
        return request.code

    def heard(self, results: "Results") -> None:
        """Take what the worker found out, in its thread."""
        if self._view is not None:
            self._view.latest.extend(results.records([ANOMALY]))
        for event in results.malformed:
            self._n_said += 1
            if self._n_said <= MOST_SAID:
                self._say.print(_malformed_line(event))
            elif self._n_said == MOST_SAID + 1:
                self._say.print("malformed: more, which are counted, and kept by --malformed FILE")

    def check(self) -> None:
        """Raise what has stopped the worker, while nothing comes that it would refuse."""
        if self._worker is not None:
            self._worker.submit_many([])

    def _say_begin(self, worker: "StreamWorker") -> None:
        found = self._stream.get_statistics()
        again = worker.position is not None
        begin = f"going on after {found.n_events:,} events of" if again else "watching"
        self._say.print(f"{begin} {self._name}; threshold {found.threshold:.4g}")

    def _summary(self, report: "WorkerReport", seconds: float) -> Iterator[str]:
        found, promised = self._stream.get_statistics(), promised_by(self._stream)
        share = f" ({report.n_anomalies / report.n_judged:.3%}" if report.n_judged else " (-"
        share += ")" if promised is None else f", promised {promised:.3%})"
        yield (
            f"watched {report.n_judged:,} events in {seconds:.1f} s "
            f"({report.n_judged / seconds:,.0f}/s); {report.n_anomalies:,} flagged{share}"
        )
        if report.n_malformed:
            yield f"{report.n_malformed:,} malformed, the last: {_place(report.malformed[-1])}"
        if report.n_dropped:
            yield f"{report.n_dropped:,} dropped, because they came faster than they were judged"
        if found.n_models > 1:
            yield f"the model has learned {found.n_models - 1:,} times"
        yield (
            f"latency {milliseconds(found.latency_p50)} ms (p50), "
            f"{milliseconds(found.latency_p99)} ms (p99); threshold {found.threshold:.4g}"
        )


def _go_on(source: "EventSource", worker: "StreamWorker") -> None:
    """Let the source read on where the worker is, or let go of the checkpoint."""
    if worker.position is None:
        return
    try:
        source.seek(worker.position)
    except BaseException:
        worker.stop()
        raise


def _bring(source: "EventSource", worker: "StreamWorker", n_events: int | None) -> None:
    left = n_events
    for events, positions, about in source:
        taken = slice(None, left)
        worker.submit_many(events[taken], positions[taken], about[taken])
        if left is not None:
            left -= len(events[taken])
            if not left:
                return


def _malformed_line(event: "MalformedEvent") -> str:
    return f"malformed: {_place(event)}: {event.reason}"


def _place(event: "MalformedEvent") -> str:
    about: Any = event.about
    return place_of(about)


def _raise_broken_pipe(error: Exception) -> None:
    """Let a reader of standard output that has gone away end this as it ends other commands."""
    if isinstance(error.__cause__, BrokenPipeError):
        raise error.__cause__
