"""What is said of a stream at its end, and figures of merit where labels are known."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console

from skdqm.cli._monitor_log import EventLog, Places
from skdqm.cli._monitor_parameters import LUMISECTION, RUN

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# Tickets that the summary lists, the latest ones.
MOST_TICKETS = 20
WINDOW, FEWEST_FAULTY = 2000, 32


@dataclass
class Tally:
    """Counts what was found of the rows."""

    n_rows: int = 0
    n_dropped: int = 0
    n_flagged: int = 0
    n_unknown: int = 0
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, found: "pd.DataFrame") -> None:
        """Count more rows."""
        self.n_rows += len(found)
        self.n_flagged += int((found["verdict"] == -1).sum())
        self.n_unknown += int((found["verdict"] == 0).sum())
        if "status" in found:
            self.statuses.update(found["status"].value_counts().to_dict())

    def lines(self, seconds: float) -> Iterator[str]:
        """Say how many there were."""
        dropped = f", {self.n_dropped:,} dropped (NaN or infinity)" if self.n_dropped else ""
        unknown = f", {self.n_unknown:,} with not enough data" if self.n_unknown else ""
        yield (
            f"monitored {self.n_rows:,} rows in {seconds:.1f} s "
            f"({self.n_rows / seconds:,.0f} rows/s){dropped}; {self.n_flagged:,} flagged "
            f"({self.n_flagged / self.n_rows:.2%}){unknown}"
        )

    def status_line(self, block_size: int) -> str:
        """Say how many blocks were what."""
        n_blocks = -(-self.n_rows // block_size)
        parts = [
            f"{name} {-(-count // block_size):,}" for name, count in self.statuses.most_common()
        ]
        return f"status of {n_blocks:,} blocks of {block_size} rows: {', '.join(parts)}"


def stream_lines(detector: Any, log: EventLog) -> Iterator[str]:
    """Say what was learned and decided along the stream."""
    experts = detector.experts_
    active = next(each["number"] for each in experts if each["active"])
    yield (
        f"learned {log.n_learned:,} rows; version {detector.versions_[-1]}, "
        f"{_counted(len(experts), 'expert')} (number {active} is active)"
    )
    n_marks = log.counts["held"] + log.counts["drift"]
    yield (
        f"drift was found {_counted(n_marks, 'time')}; "
        f"{_counted(log.counts['new condition'], 'new condition')}, "
        f"{_counted(log.counts['switch'], 'switch', 'es')} of the expert"
    )


def ticket_table(detector: Any, marks: Sequence[dict[str, Any]], places: Places) -> Iterator[str]:
    """Yield the lines of a table of the latest tickets that the marks speak of."""
    opened = {mark["ticket"]: mark for mark in reversed(marks) if mark.get("ticket")}
    tickets = [each for each in detector.tickets_ if each["number"] in opened]
    if not tickets:
        yield "no ticket"
        return
    lines = [("ticket", "state", "rows", "run:lumisection", "expert", "reason")]
    lines += [_cells(each, opened[each["number"]], places) for each in tickets[-MOST_TICKETS:]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)]
        yield "  ".join(cells).rstrip()
    if len(tickets) > MOST_TICKETS:
        yield f"({len(tickets) - MOST_TICKETS} earlier tickets are not shown)"


def _cells(
    ticket: dict[str, Any], opened: dict[str, Any], places: Places
) -> tuple[str, str, str, str, str, str]:
    return (
        str(ticket["number"]),
        ticket["state"],
        f"{ticket['first_row']}-{ticket['last_row']}",
        _lumisections(opened, places.find(ticket["last_row"])),
        str(ticket["expert"] or "-"),
        opened["reason"],
    )


def _lumisections(opened: dict[str, Any], last: "pd.Series[Any] | None") -> str:
    """Return the first and the last run and lumisection, if the last one is not too long ago."""
    if "lumisections" not in opened:
        return "-"
    run, lumisection = opened["lumisections"][0]
    end = "" if last is None else f"{last[RUN]}:{last[LUMISECTION]}"
    return f"{run}:{lumisection}-{end}"


def _counted(number: int, what: str, plural: str = "s") -> str:
    return f"{number:,} {what}{'' if number == 1 else plural}"


@dataclass
class Labelled:
    """The labelled rows of a stream, 10 bytes each."""

    promised: float
    labels: list[Any] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)
    verdicts: list[Any] = field(default_factory=list)

    def add(self, found: "pd.DataFrame") -> None:
        """Keep more rows."""
        self.labels.append(found["label"].to_numpy(dtype="int8"))
        self.scores.append(found["anomaly_score"].to_numpy())
        self.verdicts.append(found["verdict"].to_numpy(dtype="int8"))

    def lines(self, marks: Sequence[dict[str, Any]], first_place: int) -> Iterator[str]:
        """Say how well the stream was judged; rows were scored before they were learned."""
        import numpy as np

        labels, scores, verdicts = map(np.concatenate, (self.labels, self.scores, self.verdicts))
        n_anomalies = int(labels.sum())
        yield f"labels: {n_anomalies:,} anomalies, {len(labels) - n_anomalies:,} good rows"
        if 0 < n_anomalies < len(labels):
            yield _areas(labels, scores)
        outside = verdicts.copy()
        outside[_held(marks, first_place, len(labels))] = 0
        yield from _false_alarms(labels, verdicts, outside, self.promised)
        yield from _delays(labels, verdicts)


def _areas(labels: "NDArray[np.int8]", scores: "NDArray[np.float64]") -> str:
    from sklearn.metrics import roc_auc_score

    from skdqm.metrics import windowed_roc_auc

    windowed = windowed_roc_auc(labels, scores, window=WINDOW)
    return (
        f"AUC {roc_auc_score(labels, scores):.3f} of all rows, {windowed.mean:.3f} in windows of "
        f"{WINDOW:,} rows"
    )


def _held(marks: Sequence[dict[str, Any]], first: int, n_rows: int) -> "NDArray[np.bool_]":
    import numpy as np

    from skdqm.inspection._stream_trace import holds_of

    held = np.zeros(n_rows, dtype=bool)
    for span in holds_of(marks, first + n_rows):
        held[max(span.start - first, 0) : max(span.stop - first, 0)] = True
    return held


def _false_alarms(labels: Any, verdicts: Any, outside: Any, promised: float) -> Iterator[str]:
    good = labels == 0
    rates = []
    for flags in (verdicts, outside):
        judged = good & (flags != 0)
        rates.append(
            f"{(judged & (flags == -1)).sum() / judged.sum():.2%}" if judged.any() else "-"
        )
    yield (f"good rows flagged: {rates[0]}, outside holds {rates[1]} (promised {promised:.2%})")


def _delays(labels: Any, verdicts: Any) -> Iterator[str]:
    from skdqm.metrics import detection_delay

    found = detection_delay(labels, verdicts)
    long = [table[table["length"] >= FEWEST_FAULTY] for table in (found.detected, found.undetected)]
    n_faults = sum(map(len, long))
    if n_faults:
        delay = f", after {long[0]['delay'].median():.0f} rows (median)" if len(long[0]) else ""
        yield (
            f"faults of {FEWEST_FAULTY} rows or more: {len(long[0])} of {n_faults} flagged{delay}"
        )


def say_all(say: Console, lines: Iterator[str]) -> None:
    """Print lines."""
    for line in lines:
        say.print(line)
