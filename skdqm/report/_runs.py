"""What a report says about each run: its verdicts in time, what was flagged, what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.io import LumisectionRanges
from skdqm.report._finding import Finding
from skdqm.report._words import number

GOOD, BAD, NOT_ENOUGH_DATA = 1, -1, 0
# The classes of the style sheet, and what a pointer over the bar says.
_KINDS = {
    GOOD: ("good", "good"),
    BAD: ("bad", "flagged"),
    NOT_ENOUGH_DATA: ("few", "not enough data"),
}
_MOSTLY = {
    "bad": ", mostly flagged",
    "not enough data": ", mostly not enough data",
    "other": ", mostly not judged",
}
# More flagged ranges than a tired person reads; the golden JSON has them all.
MOST_RANGES = 15
# The bar of a run in units of its picture: a single lumisection must still be seen.
BAR_WIDTH = 1000
LEAST_WIDTH = 4
_N_TICKS = 4


class Span(NamedTuple):
    """Neighbouring lumisections with the same verdict: rows, lumisections and verdict."""

    start: int
    stop: int
    first: int
    last: int
    verdict: int

    @property
    def text(self) -> str:
        """The lumisections in words."""
        if self.first == self.last:
            return f"lumisection {self.first}"
        return f"lumisections {self.first} to {self.last}"


@dataclass(frozen=True)
class Segment:
    """A piece of the bar of a run."""

    x: float
    width: float
    kind: str
    text: str


@dataclass(frozen=True)
class Alarm:
    """A line of the table of flagged ranges."""

    span: Span
    element: str
    score: str
    p_value: str
    reason: str
    finding: Finding | None


@dataclass(frozen=True)
class RunSummary:
    """What the section of a run shows."""

    run: int
    n_lumisections: int
    n_flagged: int
    n_not_enough: int
    flagged: Sequence[Span]
    segments: Sequence[Segment]
    ticks: Sequence[tuple[float, int]]
    alarms: Sequence[Alarm]
    golden: str
    loss: str

    @property
    def n_alarms(self) -> int:
        """Number of flagged ranges."""
        return len(self.flagged)

    @property
    def n_more(self) -> int:
        """How many flagged ranges the table leaves out."""
        return self.n_alarms - len(self.alarms)


def summary_of(
    run: int,
    rows: pd.DataFrame,
    findings: Sequence[Finding],
    golden: LumisectionRanges,
    loss: str,
) -> RunSummary:
    """Sum up one run; rows are in the order of lumisections, the worst finding comes first."""
    lumisections = rows.index.get_level_values("lumisection").to_numpy()
    verdicts = rows["verdict"].to_numpy()
    spans = spans_of(lumisections, verdicts)
    flagged = [span for span in spans if span.verdict == BAD]
    return RunSummary(
        run=run,
        n_lumisections=len(rows),
        n_flagged=int((verdicts == BAD).sum()),
        n_not_enough=int((verdicts == NOT_ENOUGH_DATA).sum()),
        flagged=flagged,
        segments=_segments(spans),
        ticks=_ticks(int(lumisections[0]), int(lumisections[-1])),
        alarms=[_alarm(span, rows, findings) for span in _worst(flagged, rows)],
        golden=str(list(map(list, golden.ranges_of(run)))),
        loss=loss,
    )


def spans_of(lumisections: NDArray[Any], verdicts: NDArray[Any]) -> list[Span]:
    """Cut the rows of a run where the verdict changes or a lumisection is missing."""
    changes = (np.diff(lumisections) != 1) | (np.diff(verdicts) != 0)
    cuts = [0, *(np.flatnonzero(changes) + 1).tolist(), len(lumisections)]
    return [
        Span(start, stop, int(lumisections[start]), int(lumisections[stop - 1]), verdicts[start])
        for start, stop in pairwise(cuts)
    ]


def loss_text(row: pd.Series, unit: str) -> str:
    """Say what a run, or all of them, lost."""
    unit = f" {unit}" if unit else ""
    if not row["lost"]:
        return f"nothing lost of {number(row['luminosity'])}{unit}"
    mostly = _MOSTLY.get(row.get("reason", ""), "")
    lost, whole = number(row["lost"]), number(row["luminosity"])
    return f"{lost} of {whole}{unit} lost ({percent(row['lost_share'])}{mostly})"


def percent(share: float) -> str:
    """Write a share in per cent; only all of it is 100 %."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _worst(flagged: list[Span], rows: pd.DataFrame) -> list[Span]:
    """Keep the ranges with the highest scores, in the order of lumisections."""
    scores = rows["anomaly_score"].to_numpy()
    by_score = sorted(flagged, key=lambda span: -scores[span.start : span.stop].max())
    return sorted(by_score[:MOST_RANGES])


def _alarm(span: Span, rows: pd.DataFrame, findings: Sequence[Finding]) -> Alarm:
    inside = rows.iloc[span.start : span.stop]
    worst = inside.iloc[int(inside["anomaly_score"].to_numpy().argmax())]
    here = [each for each in findings if span.first <= each.lumisection <= span.last]
    finding = here[0] if here else None
    element = finding.element if finding else worst.get("element")
    return Alarm(
        span=span,
        element="" if pd.isna(element) else str(element),
        score=number(float(worst["anomaly_score"])),
        p_value=_p_text(worst.get("p_value")),
        reason=finding.reason.removeprefix(f"{finding.element}: ") if finding else "",
        finding=finding,
    )


def _p_text(p_value: float | None) -> str:
    if p_value is None or pd.isna(p_value):
        return ""
    return f"{p_value:.1e}" if p_value < 0.001 else f"{p_value:.3f}"


def _segments(spans: list[Span]) -> list[Segment]:
    """Place the spans on the bar, the flagged ones last, so that nothing hides them."""
    low, high = spans[0].first, spans[-1].last + 1
    scale = BAR_WIDTH / (high - low)
    segments = []
    for span in sorted(spans, key=lambda each: each.verdict == BAD):
        kind, word = _KINDS[span.verdict]
        x, width = (span.first - low) * scale, (span.last + 1 - span.first) * scale
        if span.verdict == BAD:
            width = max(width, LEAST_WIDTH)
            x = min(x, BAR_WIDTH - width)
        segments.append(Segment(round(x, 2), round(width, 2), kind, f"{span.text}: {word}"))
    return segments


def _ticks(first: int, last: int) -> list[tuple[float, int]]:
    """Return places in per cent of the bar, and lumisections: both ends and round numbers."""
    length = last - first
    if not length:
        return [(0.0, first)]
    power = 10 ** int(np.floor(np.log10(max(length / _N_TICKS, 1))))
    step = next(power * m for m in (1, 2, 5, 10) if power * m * _N_TICKS >= length)
    between = range(first - first % step + step, last, step)
    # Labels need room on a telephone: none close to those of the ends.
    inner = [each for each in between if 0.12 < (each - first) / length < 0.85]
    return [(100 * (each - first) / length, each) for each in (first, *inner, last)]
