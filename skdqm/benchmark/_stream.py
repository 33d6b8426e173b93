"""Streaming: the time of an event, alarms under drift, and learning beside the stream."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._stream_events import events
from skdqm.benchmark._stream_learning import learning
from skdqm.benchmark._stream_thresholds import thresholds
from skdqm.exceptions import UsageError

PARTS = ("events", "thresholds", "learning")


@dataclass(frozen=True)
class StreamResult:
    """What :func:`stream` measured; a part that was not asked for is None.

    Attributes
    ----------
    events : DataFrame or None
        One row per contender: ``p50_us`` and ``p99_us`` of one event, ``events_per_second`` one by
        one, ``batch_events_per_second`` in batches of 4,096, and ``difference``, the largest one
        between its scores and those of the torch module, relative to them.
    thresholds : DataFrame or None
        One row per drift (``dataset``) and threshold (``contender``), means over ``n_seeds`` with
        their standard deviation under ``_std``. In units of the promised rate: ``alarms``,
        ``worst_alarms`` in the worst 20,000 events, ``good_flagged`` of the good events beside 2 %
        anomalies. Further ``recall``, the share of those that is flagged, and
        ``events_per_second``.
    learning : DataFrame or None
        One row per way to learn (``contender``): median, 99 % quantile and maximum, in
        milliseconds, of the time from when an event was due (``due_p50_ms`` ...) and of the call
        alone (``call_p50_ms`` ...), and ``lessons``.
    """

    events: pd.DataFrame | None = None
    thresholds: pd.DataFrame | None = None
    learning: pd.DataFrame | None = None


def stream(
    parts: Sequence[str] | None = None,
    *,
    features: int = 14,
    calls: int = 2_000,
    rows: int = 100_000,
    seconds: float = 10.0,
    seeds: int = 3,
    repeats: int = 3,
    report: Report | None = None,
) -> StreamResult:
    """Measure streaming beside other ways to do the same, in one process and on one thread.

    ``"events"`` times single events and batches of a default autoencoder behind a scaler: in a
    :class:`~skdqm.streaming.StreamingDetector`, by ``score_samples`` of the Pipeline, and by the
    torch module itself; beside PyOD's autoencoder and river's half-space trees, which learn too.
    ``"thresholds"`` counts alarms, 0.1 % promised, on real scores that drift by three standard
    deviations: a ramp, a jump, two periods of a sine, or stretched to four times.
    ``"learning"`` times 2,000 events a second while a detector learns each 2,000 of them: in the
    background, or between two events in the scoring thread.

    Parameters
    ----------
    parts : sequence of {"events", "thresholds", "learning"}, default=None
        What to measure; None: all.
    features : int, default=14
        Features of an event.
    calls : int, default=2_000
        Single events of a run of ``"events"``.
    rows : int, default=100_000
        Events of a drifting stream.
    seconds : float, default=10.0
        Length of a run of ``"learning"``.
    seeds : int, default=3
        Seeds of ``"thresholds"``, from 0.
    repeats : int, default=3
        Runs of what is timed, turn by turn; medians are given.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : StreamResult
        A table for each part.

    Raises
    ------
    UsageError
        When a part does not exist or a number is not positive.

    Examples
    --------
    >>> from skdqm.benchmark import stream
    >>> table = stream(["events"], features=3, calls=20, repeats=1).events
    >>> table["contender"].head(1).item()
    'StreamingDetector'
    """
    chosen = PARTS if parts is None else tuple(parts)
    unknown = [part for part in chosen if part not in PARTS]
    if unknown or not chosen:
        raise UsageError(f"parts={unknown or []}: expected some of {', '.join(PARTS)}")
    check_sizes(calls=calls, rows=rows, seeds=seeds, repeats=repeats)
    if features < 2 or not 0 < seconds < float("inf"):
        raise UsageError(
            f"features={features}, seconds={seconds}: expected 2 features or more and a positive "
            "number of seconds"
        )
    say = report or _silent
    measure: dict[str, Callable[[], pd.DataFrame]] = {
        "events": lambda: events(features, calls, repeats, say),
        "thresholds": lambda: thresholds(features, rows, seeds, say),
        "learning": lambda: learning(features, seconds, repeats, say),
    }
    return StreamResult(**{part: measure[part]() for part in PARTS if part in chosen})


def _silent(message: str) -> None:
    """Swallow a report."""
