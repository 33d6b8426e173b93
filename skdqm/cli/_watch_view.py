"""What ``skdqm watch`` shows while it runs: a live view in a terminal, else a line now and then."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from skdqm.cli._terminal import shows_progress

if TYPE_CHECKING:
    from skdqm.streaming import StreamingDetector, StreamStatistics, StreamWorker

# Seconds between two lines, looks a second in a terminal, and looks that the curve shows.
LINE_EVERY, LOOKS, N_BARS = 10.0, 4, 40
MOST_SHOWN = 5
BARS = " ▁▂▃▄▅▆▇█"


class View:
    """Draws how a stream fares.

    Parameters
    ----------
    source : str
        Its name.
    stream : StreamingDetector
        What judges.
    worker : StreamWorker
        What waits before it.
    """

    def __init__(self, source: str, stream: "StreamingDetector", worker: "StreamWorker") -> None:
        self.source, self.stream, self.worker = source, stream, worker
        self.promised = promised_by(stream)
        self.latest: deque[dict[str, Any]] = deque(maxlen=MOST_SHOWN)
        self._counts = deque([(monotonic(), self._n_judged())], maxlen=N_BARS + 1)

    def line(self) -> str:
        """Return the state in one line."""
        found, report = self.stream.get_statistics(), self.worker.report
        return (
            f"{found.n_events:,} events, {self.rate():,.0f}/s; {found.n_anomalies:,} flagged "
            f"({self._shares(found)}); threshold {found.threshold:.4g}; latency "
            f"{milliseconds(found.latency_p50)} / {milliseconds(found.latency_p99)} ms (p50/p99); "
            f"{found.n_malformed:,} malformed; {report.n_waiting:,} waiting"
        )

    def picture(self) -> Group:
        """Return the state for a terminal, and remember when it was so."""
        self._counts.append((monotonic(), self._n_judged()))
        found, report = self.stream.get_statistics(), self.worker.report
        grid = Table.grid(padding=(0, 2))
        rows = {
            "source": self.source,
            "events": f"{found.n_events:,}   {self.rate():,.0f}/s   {sparkline(self._rates())}",
            "flagged": f"{found.n_anomalies:,}   {self._shares(found)}",
            "threshold": f"{found.threshold:.4g}   models {found.n_models}",
            "latency": f"p50 {milliseconds(found.latency_p50)} ms   "
            f"p99 {milliseconds(found.latency_p99)} ms   waiting {report.n_waiting:,}",
            "malformed": f"{found.n_malformed:,}",
        }
        if report.n_dropped:
            rows["dropped"] = f"{report.n_dropped:,}"
        for name, value in rows.items():
            grid.add_row(Text(name, style="bold"), Text(value))
        latest = [Text(alarm_line(record), style="red") for record in list(self.latest)]
        return Group(grid, *latest)

    def rate(self) -> float:
        """Return events per second, of the latest looks."""
        now, count = monotonic(), self._n_judged()
        then, before = self._counts[0]
        return (count - before) / (now - then) if now > then else 0.0

    def looked(self) -> None:
        """Count from now on."""
        self._counts.clear()
        self._counts.append((monotonic(), self._n_judged()))

    def _rates(self) -> list[float]:
        looks = list(self._counts)
        steps = pairwise(looks)
        return [(n - m) / max(after - before, 1e-9) for (before, m), (after, n) in steps]

    def _n_judged(self) -> int:
        return self.worker.report.n_judged

    def _shares(self, found: "StreamStatistics") -> str:
        share = f"{found.anomaly_rate:.3%}" if found.n_events else "-"
        return share if self.promised is None else f"{share}, promised {self.promised:.3%}"


def promised_by(stream: "StreamingDetector") -> float | None:
    """Return the alarm rate that a calibrated detector promises."""
    detector = stream.detector
    last = detector[-1] if hasattr(detector, "steps") else detector
    rate = getattr(last, "alarm_rate_", None)
    return None if rate is None else float(rate)


def sparkline(values: Sequence[float]) -> str:
    """Return bars as high as the values."""
    top = max(values, default=0)
    if top <= 0:
        return BARS[0] * len(values)
    # No bar at all is nothing at all.
    return "".join(BARS[-int(-value * (len(BARS) - 1) // top)] for value in values)


def milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds; nothing was measured before the first event."""
    return "-" if seconds != seconds else f"{1000 * seconds:.2f}"  # noqa: PLR0124 (NaN)


def alarm_line(record: dict[str, Any]) -> str:
    """Return an alarm in one line."""
    p_value = record["p_value"]
    p = "" if p_value is None else f", p {p_value:.3g}"
    place = place_of(record["about"])
    return f"event {record['number']:,} ({place}): score {record['anomaly_score']:.4g}{p}"


def place_of(about: dict[str, Any]) -> str:
    """Say where an event comes from."""
    file = str(about.get("file", ""))
    places = {"line": "line", "row": "row", "partition": "partition", "offset": "offset"}
    words = [f"{word} {about[name]}" for name, word in places.items() if name in about]
    words += [f"{name} {value}" for name, value in about.items() if name not in {*places, "file"}]
    return " ".join(filter(None, [file, ", ".join(words)]))


@contextmanager
def shown(view: View, say: Console) -> Iterator[None]:
    """Show the view, from a thread of its own, until the end of the block."""
    if say.quiet:
        yield
    elif shows_progress(say):
        with Live(
            get_renderable=view.picture,
            console=say,
            refresh_per_second=LOOKS,
            transient=True,
            redirect_stdout=_shares_terminal(),
        ):
            yield
    else:
        with _lines(view, say):
            yield


def _shares_terminal() -> bool:
    """Tell whether alarms are printed into a terminal too: they go above the view then."""
    import sys

    return sys.stdout is not None and sys.stdout.isatty()


@contextmanager
def _lines(view: View, say: Console) -> Iterator[None]:
    ended = Event()

    def print_lines() -> None:
        while not ended.wait(LINE_EVERY):
            say.print(view.line())
            view.looked()

    thread = Thread(target=print_lines, name="skdqm-watch-lines", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
