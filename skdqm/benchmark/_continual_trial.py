"""One follower along one stream: what it says before it learns, and what it knows after."""

from itertools import pairwise
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skdqm.benchmark._contenders import Floats
from skdqm.benchmark._continual_contenders import Entrant
from skdqm.benchmark._continual_followers import ALARM_RATE, Flags, Follower, Seen, Truth
from skdqm.benchmark._memory import MIB, _peak, _reset_peak
from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._trial import Record, seconds
from skdqm.exceptions import DataError
from skdqm.metrics import (
    alarm_storms,
    forgetting,
    normalised_roc_auc,
    recovery_time,
    share_of_faulty_learned,
    time_to_detection,
    windowed_roc_auc,
)

Labels = NDArray[np.int64]

# Rows that are observed in one call.
BLOCK = 4000
WINDOW, ALARM_WINDOW = 2000, 1000
# Phases with figures of their own: a stream of many seasons has none.
MOST_PHASES = 12


class Stream(NamedTuple):
    """Rows in the order of time, those that are learned first apart.

    Attributes
    ----------
    first : ndarray of shape (n_first, n_features)
        Good rows to fit, or nearly so.
    X : ndarray of shape (n_rows, n_features)
        The rows that follow.
    y : ndarray of shape (n_rows,)
        1 = anomaly.
    phase : ndarray of str of shape (n_rows,)
        The condition of each row.
    change_points : ndarray of int
        Rows with which phases begin, but for the first.
    faults : DataFrame
        ``start`` and ``stop`` of long faults.
    tests : dict of str to tuple of arrays
        Rows and labels of conditions in their pure form.
    """

    first: Floats
    X: Floats
    y: Labels
    phase: NDArray[np.str_]
    change_points: NDArray[np.int64]
    faults: pd.DataFrame
    tests: dict[str, tuple[Floats, Labels]]


class Journey(NamedTuple):
    """What was seen on the way: verdicts, knowledge after each phase, seconds and MiB."""

    seen: Seen
    known: Floats  # (n_phases, n_conditions): areas on test sets
    observe_seconds: float
    memory: tuple[float, float]


def followed(entrant: Entrant, stream: Stream, seed: int) -> Record:
    """Fit a follower, let it go along a stream, and measure.

    Parameters
    ----------
    entrant : Entrant
        The follower.
    stream : Stream
        The stream.
    seed : int
        Its random state.

    Returns
    -------
    record : dict
        Figures and seconds.
    """
    # What a stage leads to is known when it begins.
    tags = np.array([phase[-1:] for phase in stream.phase])
    with quiet(seed):
        follower = entrant.make(seed)
        began = process_time()
        fit_seconds, _ = seconds(lambda: follower.fit(stream.first, tags[0]))
        follower.anomaly_score(stream.X[:BLOCK])  # Warm: what is compiled is compiled.
        scoring, _ = seconds(lambda: follower.anomaly_score(stream.X))
        journey = _went_along(follower, stream, tags)
        held, learned = follower.held(len(stream.X)), follower.learned(len(stream.X))
    n_rows = len(stream.X)
    return {
        **ranking(stream, journey.seen.scores),
        **alarms(stream, journey.seen.verdicts, held),
        **knowledge(stream, journey.known),
        **_poison(stream, learned),
        "rows_per_second": n_rows / journey.observe_seconds,
        "times_scoring": journey.observe_seconds / scoring,
        "memory_mib": journey.memory[0],
        "memory_growth_mib": journey.memory[1] - journey.memory[0],
        "fit_seconds": fit_seconds,
        "score_seconds": journey.observe_seconds,
        "cpu_seconds": process_time() - began,
    }


def _went_along(follower: Follower, stream: Stream, tags: NDArray[np.str_]) -> Journey:
    n_rows = len(stream.X)
    ends = {int(change) for change in stream.change_points} | {n_rows}
    cuts = sorted({*range(0, n_rows, BLOCK), *ends, n_rows // 2} - {0})
    parts, known, peaks, spent, start = [], [], [], 0.0, 0
    _reset_peak()
    for stop in cuts:
        started = perf_counter()
        truth = Truth(stream.y[start:stop], tags[start:stop])
        parts.append(follower.observe(stream.X[start:stop], truth))
        spent += perf_counter() - started
        if stop in {n_rows // 2, n_rows}:
            peaks.append(_peak() / MIB)
            _reset_peak()
        if stop in ends:
            known.append([_area(y, follower.anomaly_score(X)) for X, y in stream.tests.values()])
        start = stop
    seen = Seen(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return Journey(seen, np.array(known), spent, (peaks[0], peaks[-1]))


def _area(y: Labels, scores: Floats) -> float:
    return float(roc_auc_score(y, scores))


def ranking(stream: Stream, scores: Floats) -> Record:
    """Measure how well scores rank along the stream.

    Parameters
    ----------
    stream : Stream
        The stream.
    scores : ndarray of shape (n_rows,)
        High is abnormal.

    Returns
    -------
    figures : dict
        ``auroc`` of all rows, ``normalised`` by condition, ``windowed`` in 2,000 rows, and
        ``phase_I_NAME``, windowed within each phase.
    """
    figures = {
        "auroc": _area(stream.y, scores),
        "windowed": windowed_roc_auc(stream.y, scores, window=WINDOW).mean,
    }
    edges = [0, *stream.change_points.tolist(), len(scores)]
    if 2 < len(edges) <= MOST_PHASES + 1:
        number = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        figures["normalised"] = normalised_roc_auc(stream.y, scores, number)
        for phase, (start, stop) in enumerate(pairwise(edges)):
            rows = slice(start, stop)
            if 0 < stream.y[rows].mean() < 1:
                area = windowed_roc_auc(stream.y[rows], scores[rows], window=WINDOW).mean
                figures[f"phase_{phase}_{stream.phase[start]}"] = area
    return figures


def alarms(stream: Stream, verdicts: NDArray[np.int64], held: Flags) -> Record:
    """Measure verdicts, those of holds apart: there one ticket stands for all.

    Parameters
    ----------
    stream : Stream
        The stream.
    verdicts : ndarray of int of shape (n_rows,)
        -1 = flagged, 0 = none.
    held : ndarray of bool of shape (n_rows,)
        Whether learning had stopped.

    Returns
    -------
    figures : dict
        ``false_alarms``: the share of good rows outside holds that are flagged, ``worst_window``
        of 1,000 rows and ``share_above_3x``; ``false_alarms_held``, that inside; ``held``, the
        share of rows inside; ``recall``; ``fault_recall`` within long faults, ``faults_missed``
        and ``rows_to_detection``; ``recovery_rows`` after changes of condition, and
        ``not_recovered``.
    """
    good, flagged = stream.y == 0, verdicts == -1
    figures: Record = {"held": float(held.mean()), "recall": float(flagged[~good].mean())}
    if (good & held).any():
        figures["false_alarms_held"] = float(flagged[good & held].mean())
    try:
        storms = alarm_storms(
            stream.y,
            np.where(held, 0, verdicts),
            promised_rate=ALARM_RATE,
            window=ALARM_WINDOW,
        )
    except DataError:  # All is held.
        pass
    else:
        figures["false_alarms"] = storms.rate
        figures["worst_window"] = storms.worst_rate
        figures["share_above_3x"] = storms.share_above
    return figures | _detection(stream, verdicts) | _recovery(stream, verdicts)


def _detection(stream: Stream, verdicts: NDArray[np.int64]) -> Record:
    if not len(stream.faults):
        return {}
    delays = time_to_detection(stream.faults, verdicts)
    inside = _inside(stream.faults, len(verdicts)) & (stream.y == 1)
    figures: Record = {
        "fault_recall": float((verdicts == -1)[inside].mean()),
        "faults_missed": len(delays.undetected),
    }
    if len(delays.detected):
        figures["rows_to_detection"] = float(delays.detected["delay"].mean())
    return figures


def _recovery(stream: Stream, verdicts: NDArray[np.int64]) -> Record:
    if not len(stream.change_points):
        return {}
    try:
        times = recovery_time(
            stream.y, stream.change_points, flags=verdicts, window=ALARM_WINDOW // 2
        )
    except DataError:
        return {}
    figures: Record = {"not_recovered": len(times.unrecovered)}
    if len(times.recovered):
        figures["recovery_rows"] = float(times.recovered["rows"].mean())
    return figures


def knowledge(stream: Stream, known: Floats) -> Record:
    """Measure what was known of conditions in their pure form.

    Parameters
    ----------
    stream : Stream
        The stream.
    known : ndarray of shape (n_phases, n_conditions)
        Area under the ROC curve on each test set after each phase.

    Returns
    -------
    figures : dict
        ``clean_NAME`` at the end, ``clean``, their mean, and ``forgetting``.
    """
    if not stream.tests:
        return {}
    names = list(stream.tests)
    figures: dict[str, Any] = {f"clean_{name}": float(known[-1, n]) for n, name in enumerate(names)}
    figures["clean"] = float(known[-1].mean())
    steps = _learned_in(stream, names)
    if (
        len(known) > 1
        and None not in steps
        and any(step < len(known) - 1 for step in steps if step is not None)
    ):
        figures["forgetting"] = forgetting(known, learned_in=np.array(steps, dtype=np.int64))
    return figures


def _learned_in(stream: Stream, names: list[str]) -> list[int | None]:
    """Return the phase that first ends in each condition, or None."""
    starts = [0, *stream.change_points.tolist()]
    ends_in = [str(stream.phase[start])[-1] for start in starts]
    return [ends_in.index(name) if name in ends_in else None for name in names]


def _poison(stream: Stream, learned: Flags) -> Record:
    """Return the shares of faulty rows, of long faults, and of all rows that were learned."""
    figures = {
        "faulty_learned": share_of_faulty_learned(stream.y, learned),
        "learned": float(learned.mean()),
    }
    inside = _inside(stream.faults, len(learned)) & (stream.y == 1)
    if inside.any():
        figures["fault_learned"] = float(learned[inside].mean())
    return figures


def _inside(stretches: pd.DataFrame, n_rows: int) -> Flags:
    inside = np.zeros(n_rows, dtype=bool)
    for start, stop in stretches[["start", "stop"]].to_numpy():
        inside[start:stop] = True
    return inside
