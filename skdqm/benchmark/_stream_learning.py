"""Learning beside a stream of events at a steady rate: how late verdicts come."""

from collections.abc import Callable
from copy import deepcopy
from statistics import median
from time import perf_counter, sleep
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skdqm.benchmark._run import Report
from skdqm.benchmark._stream_model import CALIBRATED, LEARNED, calibrated, trained
from skdqm.streaming import StreamingDetector

Floats = NDArray[np.float64]
Figures = dict[str, float]

# Events per second, and events of a lesson.
RATE, LEARN_EVERY = 2_000, 2_000
MILLI = 1e3


def learning(features: int, seconds: float, repeats: int, report: Report) -> pd.DataFrame:
    """Time events while a detector learns, in the background or not.

    Parameters
    ----------
    features : int
        Features of an event.
    seconds : float
        Length of a run.
    repeats : int
        Runs, whose medians are given.
    report : callable
        Called with a line of text after each run.

    Returns
    -------
    table : DataFrame
        One row per way to learn.
    """
    n_events = max(1, round(RATE * seconds))
    rows = np.random.default_rng(0).standard_normal((LEARNED + CALIBRATED + n_events, features))
    runs: dict[str, list[Figures]] = {name: [] for name in WAYS}
    with threadpool_limits(1):
        model = trained(rows[:LEARNED])
        good, stream = rows[LEARNED:-n_events], rows[-n_events:]
        for repeat in range(repeats):
            for name, way in WAYS.items():
                runs[name].append(way(model, good, stream))
                worst = runs[name][-1]["due_p99_ms"]
                report(f"run {repeat + 1} of {repeats}: {name}: p99 {worst:.1f} ms")
    return pd.DataFrame({"contender": name, **_medians(runs[name])} for name in WAYS)


def _without(model: Pipeline, good: Floats, rows: Floats) -> Figures:
    return _judged(StreamingDetector(calibrated(model, good)), rows)


def _in_the_background(model: Pipeline, good: Floats, rows: Floats) -> Figures:
    return _judged(StreamingDetector(calibrated(model, good), learn_every=LEARN_EVERY), rows)


def _judged(stream: StreamingDetector, rows: Floats) -> Figures:
    figures = _paced(stream.process_event, rows)
    stream.close()
    return {**figures, "lessons": stream.get_statistics().n_models - 1}


def _in_the_thread(model: Pipeline, good: Floats, rows: Floats) -> Figures:
    """Learn between two events, as a loop does that calls ``partial_fit`` now and then."""
    stream, learner = StreamingDetector(calibrated(model, good)), deepcopy(model)
    block: list[Floats] = []
    n_lessons = 0

    def judge(row: Floats) -> None:
        nonlocal n_lessons
        stream.process_event(row)
        block.append(row)
        if len(block) == LEARN_EVERY:
            learner[-1].partial_fit(learner[0].transform(np.array(block)))
            block.clear()
            n_lessons += 1

    return {**_paced(judge, rows), "lessons": n_lessons}


WAYS: dict[str, Callable[[Pipeline, Floats, Floats], Figures]] = {
    "no learning": _without,
    "in the background": _in_the_background,
    "in the scoring thread": _in_the_thread,
}


def _paced(process: Callable[[Floats], Any], rows: Floats) -> Figures:
    """Process events that come at a steady rate; one that is late waits for those before it."""
    late, call = np.empty(len(rows)), np.empty(len(rows))
    start = perf_counter()
    for place, row in enumerate(rows):
        due = start + place / RATE
        before = perf_counter()
        if before < due:
            sleep(due - before)
            before = perf_counter()
        process(row)
        ended = perf_counter()
        late[place], call[place] = ended - due, ended - before
    return _quantiles("due", late) | _quantiles("call", call)


def _quantiles(name: str, seconds: Floats) -> Figures:
    p50, p99, most = MILLI * np.quantile(seconds, [0.5, 0.99, 1])
    return {f"{name}_p50_ms": p50, f"{name}_p99_ms": p99, f"{name}_max_ms": most}


def _medians(runs: list[Figures]) -> Figures:
    return {name: float(median(run[name] for run in runs)) for name in runs[0]}
