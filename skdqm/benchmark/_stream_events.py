"""Single events and batches through a stream's detector, and through others, turn by turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._run import Report
from skdqm.benchmark._stream_model import CALIBRATED, EPOCHS, LEARNED, calibrated, network, trained
from skdqm.detectors._reconstruction import LOSS_FLOOR
from skdqm.streaming import AdaptiveThreshold, StreamingDetector

Floats = NDArray[np.float64]

BATCH_ROWS, BATCHES = 4_096, 5
WARM_UP_EVENTS = 100
MICRO = 1e6


@dataclass(frozen=True)
class Judge:
    """One way to judge events.

    Attributes
    ----------
    name : str
        What the table calls it.
    events : sequence
        Single events, in the form that it takes.
    one : callable
        Judges one of them, and gives its score.
    many : callable or None
        Gives the scores of an array; None if it takes single events only.
    is_our_model : bool
        Whether its scores are those of the same network.
    """

    name: str
    events: Sequence[Any]
    one: Callable[[Any], Any]
    many: Callable[[Floats], Any] | None = None
    is_our_model: bool = False


class _Run(NamedTuple):
    """Quantiles of the seconds of one event, and events per second, alone and in batches."""

    p50: float
    p99: float
    rate: float
    batch_rate: float


def events(features: int, calls: int, repeats: int, report: Report) -> pd.DataFrame:
    """Time all judges on the same events.

    Parameters
    ----------
    features : int
        Features of an event.
    calls : int
        Single events of a run.
    repeats : int
        Runs, whose medians are given.
    report : callable
        Called with a line of text after each run.

    Returns
    -------
    table : DataFrame
        One row per contender.
    """
    rows = np.random.default_rng(0).standard_normal((LEARNED + CALIBRATED + calls, features))
    batch = np.random.default_rng(1).standard_normal((BATCH_ROWS, features))
    runs: dict[str, list[_Run]] = {}
    with quiet():
        judges = _judges(rows[:LEARNED], rows[LEARNED:-calls], rows[-calls:])
        differences = _differences(judges)
    for repeat, judge in product(range(repeats), judges):
        runs.setdefault(judge.name, []).append(_timed(judge, batch))
        p50 = MICRO * runs[judge.name][-1].p50
        report(f"run {repeat + 1} of {repeats}: {judge.name}: {p50:.0f} us an event")
    lines = [{"contender": each.name, **_medians(runs[each.name])} for each in judges]
    return pd.DataFrame(lines).assign(difference=differences)


def _judges(train: Floats, good: Floats, rows: Floats) -> list[Judge]:
    """Return all judges, trained; ours and the bare module share one network."""
    model = calibrated(trained(train), good)
    adaptive = make_pipeline(StandardScaler(), AdaptiveThreshold(network())).fit(train)
    singles, tables = list(rows), [rows[[place]] for place in range(len(rows))]
    return [
        _stream("StreamingDetector", model, singles),
        _stream("StreamingDetector, adaptive", calibrated(adaptive, good), singles),
        Judge(
            "Pipeline.score_samples",
            tables,
            lambda row: -model.score_samples(row)[0],
            model.score_samples,
            is_our_model=True,
        ),
        _torch_module(model, tables),
        _pyod(train, tables),
        _river(train, rows),
    ]


def _stream(name: str, model: Pipeline, singles: Sequence[Floats]) -> Judge:
    stream = StreamingDetector(model)
    return Judge(
        name,
        singles,
        lambda row: stream.process_event(row).anomaly_score,
        stream.process_batch,
        is_our_model=True,
    )


def _torch_module(model: Pipeline, tables: Sequence[Floats]) -> Judge:
    """Return the shortest code that gives the scores of the network by its torch module."""
    scaler, detector = model[0], model[-1]
    module = detector.net_.module_.eval()
    usual = detector.feature_loss_ + LOSS_FLOOR

    def scores(rows: Floats) -> Floats:
        standard = ((rows - scaler.mean_) / scaler.scale_ - detector.location_) / detector.scale_
        with torch.inference_mode():
            restored = module(torch.from_numpy(standard.astype(np.float32))).numpy()
        means: Floats = ((restored - standard) ** 2 / usual).mean(axis=1)
        return means

    return Judge("torch module", tables, lambda row: scores(row)[0], scores, is_our_model=True)


def _pyod(train: Floats, tables: Sequence[Floats]) -> Judge:
    from pyod.models.auto_encoder import AutoEncoder

    detector = AutoEncoder(epoch_num=EPOCHS, device="cpu", verbose=0).fit(train)
    score = detector.decision_function
    return Judge("PyOD AutoEncoder", tables, lambda row: score(row)[0], score)


def _river(train: Floats, rows: Floats) -> Judge:
    """Return river's trees, which also learn each event, as they are meant to."""
    from river.anomaly import HalfSpaceTrees
    from river.preprocessing import MinMaxScaler

    trees = MinMaxScaler() | HalfSpaceTrees(seed=0)

    def judge(event: dict[int, float]) -> Any:
        score = trees.score_one(event)
        trees.learn_one(event)
        return score

    for row in train.tolist():
        judge(dict(enumerate(row)))
    named = [dict(enumerate(row)) for row in rows.tolist()]
    return Judge("river HalfSpaceTrees", named, judge)


def _timed(judge: Judge, batch: Floats) -> _Run:
    with quiet():
        for event in judge.events[:WARM_UP_EVENTS]:
            judge.one(event)
        seconds = np.empty(len(judge.events))
        started = perf_counter()
        for place, event in enumerate(judge.events):
            before = perf_counter()
            judge.one(event)
            seconds[place] = perf_counter() - before
        rate = len(seconds) / (perf_counter() - started)
        p50, p99 = np.quantile(seconds, [0.5, 0.99])
        return _Run(float(p50), float(p99), rate, _batch_rate(judge.many, batch))


def _batch_rate(many: Callable[[Floats], Any] | None, batch: Floats) -> float:
    if many is None:
        return float("nan")
    many(batch)
    seconds = []
    for _ in range(BATCHES):
        started = perf_counter()
        many(batch)
        seconds.append(perf_counter() - started)
    return len(batch) / median(seconds)


def _medians(runs: Sequence[_Run]) -> dict[str, float]:
    p50, p99, rate, batch_rate = (median(figures) for figures in zip(*runs, strict=True))
    return {
        "p50_us": MICRO * p50,
        "p99_us": MICRO * p99,
        "events_per_second": rate,
        "batch_events_per_second": batch_rate,
    }


def _differences(judges: Sequence[Judge]) -> list[float]:
    """Return by how much scores differ at most from those of the torch module, relative to them."""
    module = next(each for each in judges if each.name == "torch module")
    expected = np.array([module.one(event) for event in module.events])
    return [_difference(each, expected) for each in judges]


def _difference(judge: Judge, expected: Floats) -> float:
    if not judge.is_our_model:
        return float("nan")
    found = np.array([judge.one(event) for event in judge.events])
    return float(np.max(np.abs(found - expected) / expected))
