"""One pass of a model along a stream: score first, then learn."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.console import Console

from skdqm.cli._monitor_log import EventLog, Places
from skdqm.cli._monitor_stream import Chunk, Stream
from skdqm.cli._monitor_summary import Labelled, Tally, say_all, stream_lines, ticket_table
from skdqm.cli._score import write
from skdqm.cli._terminal import progress
from skdqm.exceptions import DataError, SkdqmError

if TYPE_CHECKING:
    import pandas as pd

# What a block must not be for a stream to end well.
STANDING = ("anomaly", "new condition")


@dataclass
class Pass:
    """One pass of a model along a stream, and what it keeps on the way."""

    stream: Stream
    log: EventLog
    learn: bool
    draws: bool
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        from skdqm.inspection._stream_trace import Tracer

        self.detector: Any = self.stream.model.detector
        self.first_place = self.next_place = int(self.detector.n_rows_seen_)
        self.places = Places()
        self.tracer = Tracer() if self.draws else None
        promised = getattr(self.detector, "alarm_rate_", self.detector.contamination)
        has_labels = self.stream.columns.label is not None
        self.labelled = Labelled(float(promised)) if has_labels else None

    def through(self, output: Path | None, batch_size: int | None, say: Console) -> float:
        """Judge all rows, and return how many seconds it took."""
        started = perf_counter()
        source = self.stream.source
        with progress(say, "monitoring", source.n_rows or source.summary.n_rows) as advance:
            frames = self._kept(self._frames(batch_size, advance))
            if output is None:
                for _ in frames:
                    pass
            else:
                write(frames, output)
        return perf_counter() - started

    def _kept(self, frames: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        """Yield frames on, when they are counted."""
        from skdqm.inspection._stream_trace import Trace

        for frame in frames:
            self.tally.add(frame)
            if self.labelled is not None:
                self.labelled.add(frame)
            if self.tracer is not None:
                self.tracer.add(Trace.of(frame, frame["place"], frame.get("label")))
            yield frame

    def _frames(
        self, batch_size: int | None, advance: Callable[[int], object]
    ) -> "Iterator[pd.DataFrame]":
        """Yield rows whose block is whole, and at the end the others."""
        import pandas as pd

        waiting: list[pd.DataFrame] = []
        tag = ""
        for chunk in self.stream.chunks(batch_size):
            found = self._judged(chunk)
            same = chunk.tags is None or str(chunk.tags[0]) == tag
            tag = "" if chunk.tags is None else str(chunk.tags[-1])
            for before in waiting if same else []:
                # These rows are of the block that ends in the new ones.
                before["status"] = found["status"].iloc[0]
            together = pd.concat([*waiting, found], ignore_index=True)
            # The block may have begun in an earlier stream.
            n_whole = max(len(together) - self._n_unfinished(), 0)
            waiting = [together.iloc[n_whole:].copy()] if n_whole < len(together) else []
            if n_whole:
                yield together.iloc[:n_whole]
            self.tally.n_dropped += chunk.n_dropped
            advance(len(chunk) + chunk.n_dropped)
        yield from waiting

    def _n_unfinished(self) -> int:
        """Return how many of the latest rows wait for their block to be whole."""
        return self.detector.n_rows_waiting_ if self.learn else 0

    def _judged(self, chunk: Chunk) -> "pd.DataFrame":
        import pandas as pd

        first = self.next_place
        self.next_place += len(chunk)
        about = chunk.about.copy()
        about.insert(1, "place", range(first, self.next_place))
        with _rows_named(self.stream.source.path, chunk):
            found = self._observed(chunk) if self.learn else self._static(chunk)
            _check_finite(found, chunk)
        if self.learn:
            self.places.add(first, chunk.about)
            self.log.take(self.places)
        return pd.concat([about, found.reset_index(drop=True)], axis=1)

    def _observed(self, chunk: Chunk) -> "pd.DataFrame":
        found: pd.DataFrame = self.detector.observe(chunk.X, chunk.verdicts, condition=chunk.tags)
        return found

    def _static(self, chunk: Chunk) -> "pd.DataFrame":
        """Return what :meth:`observe` would, but for the status: nothing is followed."""
        import numpy as np

        found: pd.DataFrame = self.detector.verdicts(chunk.X)
        active = next(each["number"] for each in self.detector.experts_ if each["active"])
        return found[["anomaly_score", "verdict"]].assign(
            p_value=np.exp(-found["anomaly_score"]),
            expert=active,
            version=self.detector.versions_[-1],
        )

    def draw(self, path: Path) -> None:
        """Write a picture."""
        from matplotlib.figure import Figure

        from skdqm.inspection import ContinualDisplay
        from skdqm.io import atomic_path

        figure = Figure(figsize=(11, 5), layout="constrained")
        if self.tracer is not None:
            display = ContinualDisplay(self.tracer.known(), list(self.log.marks))
            display.plot(figure.subplots())
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=120)

    def report(self, seconds: float, say: Console) -> None:
        """Say what happened."""
        marks = list(self.log.marks)
        say_all(say, self.tally.lines(seconds))
        if self.learn:
            say.print(self.tally.status_line(self.detector.block_size_))
            say_all(say, stream_lines(self.detector, self.log))
            say_all(say, ticket_table(self.detector, marks, self.places))
            if self.first_place:
                say.print(f"rows are places in the stream; the first is {self.first_place}")
        if self.labelled is not None:
            say_all(say, self.labelled.lines(marks, self.first_place))

    def is_anomalous(self) -> bool:
        """Tell whether somebody should look."""
        if not self.learn:
            return self.tally.n_flagged > 0
        tickets = any("ticket" in mark for mark in self.log.marks)
        still_open = any(each["state"] == "open" for each in self.detector.tickets_)
        return tickets or still_open or self.detector.status_ in STANDING


@contextmanager
def _rows_named(path: Path, chunk: Chunk) -> Iterator[None]:
    """Name the file and the place in front of what a detector finds wrong with its rows."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, SkdqmError) and not isinstance(error, DataError):
            raise
        first, last = int(chunk.about["row"].iloc[0]), int(chunk.about["row"].iloc[-1])
        raise DataError(f"{path}, from row {first} to row {last}: {error}") from error


def _check_finite(found: "pd.DataFrame", chunk: Chunk) -> None:
    import numpy as np

    finite = np.isfinite(found["anomaly_score"].to_numpy()) | (found["verdict"].to_numpy() == 0)
    if not finite.all():
        row = int(chunk.about["row"].iloc[int(np.argmin(finite))])
        raise DataError(f"row {row} is too extreme to score; remove it or correct its values")
