from time import sleep

import numpy as np
import pytest

from skdqm.benchmark import stream
from skdqm.benchmark._stream_learning import LEARN_EVERY, RATE, _paced
from skdqm.benchmark._stream_thresholds import DRIFTS, THRESHOLDS, Scores, _worst, drifted
from skdqm.exceptions import UsageError

TINY = {"features": 3, "calls": 30, "rows": 1_000, "seconds": 0.01, "seeds": 1, "repeats": 1}


@pytest.fixture(scope="module")
def events():
    said = []
    result = stream(["events"], **{**TINY, "repeats": 2}, report=said.append)
    assert (result.thresholds, result.learning) == (None, None)
    return result.events.set_index("contender"), said


@pytest.fixture(scope="module")
def thresholds():
    return stream(["thresholds"], **TINY).thresholds


def test_single_events_are_timed_for_everybody_and_batches_where_there_are_any(events):
    table, _ = events
    assert (table["p50_us"] > 0).all()
    assert (table["p99_us"] >= table["p50_us"]).all()
    assert (table["events_per_second"] > 0).all()
    without = table.index[table["batch_events_per_second"].isna()]
    assert list(without) == ["river HalfSpaceTrees"]


def test_scores_of_a_stream_are_those_of_the_torch_module(events):
    table, _ = events
    ours = table.loc[["StreamingDetector", "Pipeline.score_samples"], "difference"]
    assert (ours <= 1e-6).all()
    assert table["difference"].isna().sum() == 2


def test_every_run_is_reported_turn_by_turn(events):
    table, said = events
    expected = [f"run {run} of 2: {name}" for run in (1, 2) for name in table.index]
    assert [line.rpartition(": ")[0] for line in said] == expected


def test_every_threshold_meets_every_drift(thresholds):
    found = list(zip(thresholds["dataset"], thresholds["contender"], strict=True))
    assert found == [(drift, name) for drift in DRIFTS for name in THRESHOLDS]
    assert (thresholds["n_seeds"] == 1).all()
    assert thresholds["recall"].between(0, 1).all()
    assert "auroc" not in thresholds


def test_a_fixed_threshold_alarms_where_scores_drift(thresholds):
    fixed = thresholds[thresholds["contender"] == "fixed"].set_index("dataset")["alarms"]
    assert fixed["stretch"] > 10 * max(fixed["none"], 1)
    assert fixed["jump"] >= fixed["none"]


@pytest.mark.parametrize(
    ("drift", "start", "middle", "end"),
    [
        ("none", 1, 1, 1),
        ("ramp", 1, 4, 7),
        ("jump", 1, 7, 7),
        ("sine", 1, 1, 1),
        ("stretch", 1, 2.5, 4),
    ],
)
def test_scores_drift_by_three_deviations_or_to_four_times(drift, start, middle, end):
    found = drifted(np.ones(1001), drift, spread=2.0)[[0, 500, 1000]]
    np.testing.assert_allclose(found, [start, middle, end], atol=1e-9)


def test_anomalies_take_the_places_of_good_events():
    scores = Scores(np.zeros(5), np.zeros(50), np.arange(1.0, 4.0))
    mixed, is_bad = scores.mixed(seed=1)
    assert sorted(mixed[is_bad]) == [1, 2, 3]
    assert not mixed[~is_bad].any()
    assert len(mixed) == 50


def test_the_worst_window_is_found_where_the_flags_are():
    flags = np.zeros(60_000, dtype=bool)
    flags[[0, 30_000, 30_001, 49_999, 50_001]] = True
    assert _worst(flags) == 3 / 20_000
    assert _worst(flags[:10]) == 0.1


def test_an_event_waits_for_those_before_it():
    stops = iter([0.0, 0.1, 0.0, 0.0])
    figures = _paced(lambda row: sleep(next(stops)), np.zeros((4, 1)))
    # The third and the fourth are due long before the second is done.
    assert figures["due_p50_ms"] > 40
    assert figures["call_p50_ms"] < 40
    assert figures["call_max_ms"] >= 99


def test_detectors_learn_beside_the_stream_and_in_it():
    table = stream(["learning"], **{**TINY, "seconds": LEARN_EVERY / RATE}).learning
    table = table.set_index("contender")
    assert table["lessons"].to_dict() == {
        "no learning": 0,
        "in the background": 1,
        "in the scoring thread": 1,
    }
    assert (table["due_max_ms"] >= table["call_max_ms"]).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"parts": ["rates"]}, r"parts=\['rates'\]: expected some of events, thresholds, learning"),
        ({"parts": []}, r"parts=\[\]"),
        ({"calls": 0}, "calls=0"),
        ({"seeds": 0}, "seeds=0"),
        ({"features": 1}, "features=1"),
        ({"seconds": 0.0}, r"seconds=0\.0"),
        ({"seconds": float("nan")}, "seconds=nan"),
    ],
)
def test_requests_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        stream(**{**TINY, **wrong})
