"""Alarms and delays: against a walk through the lumisections one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm._lumisections import lumisection_index
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import (
    alarms_per_day,
    alarms_per_run,
    detection_delay,
    false_alarms_per_day_scorer,
    share_of_faulty_learned,
)


@st.composite
def watched(draw):
    """Flags, labels and runs, the runs in order."""
    n = draw(st.integers(1, 60))
    flags = draw(st.lists(st.sampled_from([-1, -1, 0, 1]), min_size=n, max_size=n))
    labels = draw(st.lists(st.sampled_from([0, 0, 1]), min_size=n, max_size=n))
    runs = sorted(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)))
    return np.array(flags), np.array(labels), np.array(runs)


def alarms_one_by_one(flags, runs):
    """Return (run, rows) of each alarm, by a walk."""
    alarms, last_run, is_on = [], None, False
    for row, (flag, run) in enumerate(zip(flags, runs, strict=True)):
        is_on = is_on and run == last_run
        last_run = run
        if flag == -1 and not is_on:
            alarms.append((run, []))
        if flag == -1:
            alarms[-1][1].append(row)
        is_on = is_on if flag == 0 else flag == -1
    return alarms


@given(watched())
def test_alarms_of_a_run_are_those_of_a_walk_through_it(data):
    flags, _, runs = data
    found = alarms_per_run(flags, runs)
    alarms = alarms_one_by_one(flags, runs)
    assert found.index.tolist() == np.unique(runs).tolist()
    for run, row in found.iterrows():
        assert row["alarms"] == sum(number == run for number, _ in alarms)
        assert row["flagged"] == ((flags == -1) & (runs == run)).sum()
        assert row["not_enough_data"] == ((flags == 0) & (runs == run)).sum()
        assert row["lumisections"] == (runs == run).sum()
    assert alarms_per_day(flags, runs) == pytest.approx(3700 * len(alarms) / len(flags))
    of_rows = alarms_per_day(flags, runs, count="lumisections")
    assert of_rows == pytest.approx(3700 * (flags == -1).mean())


@given(watched())
def test_false_alarms_begin_with_a_good_lumisection_and_count_in_good_time(data):
    flags, y, runs = data
    if y.all():
        with pytest.raises(DataError, match="every lumisection faulty"):
            alarms_per_day(flags, runs, y_true=y)
        return
    false = [rows for _, rows in alarms_one_by_one(flags, runs) if not y[rows[0]]]
    n_good = (y == 0).sum()
    assert alarms_per_day(flags, runs, y_true=y) == pytest.approx(3700 * len(false) / n_good)
    of_rows = alarms_per_day(flags, runs, y_true=y, count="lumisections")
    assert of_rows == pytest.approx(3700 * (flags[y == 0] == -1).sum() / n_good)


@given(watched())
def test_delays_are_those_of_a_walk_through_each_fault(data):
    flags, y, runs = data
    faults = alarms_one_by_one(np.where(y == 1, -1, 1), runs)
    delays = [(run, rows, np.flatnonzero(flags[rows] == -1)) for run, rows in faults]
    found = detection_delay(y, flags, runs)
    assert found.detected.to_numpy().tolist() == [
        [run, rows[0], rows[-1], len(rows), at[0]] for run, rows, at in delays if at.size
    ]
    assert found.undetected.to_numpy().tolist() == [
        [run, rows[0], rows[-1], len(rows)] for run, rows, at in delays if not at.size
    ]
    assert (found.detected.dtypes == np.int64).all()


@given(watched(), st.randoms(use_true_random=False))
def test_an_index_puts_shuffled_rows_in_the_order_of_time(data, random):
    flags, y, runs = data
    order = random.sample(range(len(flags)), len(flags))
    index = lumisection_index(runs, np.arange(len(runs)))
    shuffled = pd.Series(flags, index).iloc[order]
    pd.testing.assert_frame_equal(alarms_per_run(shuffled), alarms_per_run(flags, runs))
    assert alarms_per_day(shuffled) == alarms_per_day(flags, runs)
    found, expected = detection_delay(y[order], shuffled), detection_delay(y, flags, runs)
    names = ["run", "length", "delay"]
    pd.testing.assert_frame_equal(found.detected[names], expected.detected[names])
    first = np.array(order)[found.undetected["first"].to_numpy(dtype=int)]
    assert first.tolist() == expected.undetected["first"].tolist()


def test_an_alarm_goes_on_across_missing_data_and_ends_with_a_good_lumisection_or_the_run():
    assert alarms_per_run([-1, 0, 0, -1], [1, 1, 1, 1])["alarms"].tolist() == [1]
    assert alarms_per_run([-1, 1, -1], [1, 1, 1])["alarms"].tolist() == [2]
    assert alarms_per_run([-1, 0, -1], [1, 2, 2])["alarms"].tolist() == [1, 1]
    assert alarms_per_run([0, 0, 1], [1, 1, 1])["alarms"].tolist() == [0]


def test_a_flag_before_or_after_the_fault_does_not_detect_it():
    found = detection_delay([0, 1, 1, 0], [-1, 1, 1, -1])
    assert len(found.detected) == 0
    assert found.undetected[["first", "last"]].to_numpy().tolist() == [[1, 2]]
    assert detection_delay([0, 1, 1, 0], [-1, -1, 1, 1]).detected["delay"].tolist() == [0]


def test_a_detector_that_flags_everything_is_not_rewarded_for_a_fault_somewhere():
    y = np.zeros(100)
    y[50] = 1
    assert alarms_per_day(-np.ones(100), y_true=y) == pytest.approx(3700 / 99)


def test_delays_are_in_lumisections_where_rows_are_missing():
    index = lumisection_index([1, 1, 1], [50, 10, 60])
    found = detection_delay(pd.Series([1, 1, 0], index), pd.Series([-1, 1, 1], index))
    assert found.detected[["length", "delay"]].to_numpy().tolist() == [[41, 40]]
    missed = detection_delay([1, 1, 0], pd.Series([1, 1, -1], index)).undetected
    assert missed["length"].tolist() == [41]


def test_labels_of_other_rows_are_refused():
    index = lumisection_index([1, 1], [1, 2])
    y, flags = pd.Series([0, 1], index), pd.Series([1, -1], index)
    for metric in (detection_delay, lambda y, flags: alarms_per_day(flags, y_true=y)):
        with pytest.raises(DataError, match=r"y_true has \[1, 2\] in row 0, .* flags \[1, 1\];"):
            metric(y[::-1], flags)
    index = lumisection_index([1, 1, 1], [1, 2, 3])
    y = pd.Series([0, 1, 0], lumisection_index([1, 1, 1], [1, 2, 4]))
    with pytest.raises(DataError, match=r"y_true has \[1, 4\] in row 2, .* flags \[1, 3\];"):
        detection_delay(y, pd.Series([1, 1, 1], index))
    with pytest.raises(DataError, match=r"y_true has \[1, 4\] in row 2, .* flags \[1, 3\];"):
        share_of_faulty_learned(y, pd.Series([True, True, True], index))


@pytest.mark.parametrize("runs", [["99999", "100000"], [1.0, np.nan]])
def test_runs_that_have_no_order_in_time_are_refused(runs):
    for metric in (alarms_per_run, alarms_per_day):
        with pytest.raises(DataError, match="expected their numbers"):
            metric([1, -1], runs)


@pytest.mark.parametrize("count", ["alarms", "lumisections"])
def test_without_good_lumisections_there_is_no_rate_of_false_alarms(count):
    with pytest.raises(DataError, match="every lumisection faulty"):
        alarms_per_day([-1, 1], y_true=[1, 1], count=count)


def test_without_faults_there_are_no_delays():
    found = detection_delay([0, 0], [1, -1])
    assert len(found.detected) == len(found.undetected) == 0


def test_booleans_mean_flagged():
    flags = np.array([True, True, False, True])
    assert alarms_per_day(flags) == alarms_per_day(np.where(flags, -1, 1)) == 3700 / 2


class Threshold:
    """Flags what exceeds 1."""

    def predict(self, X):
        return np.where(np.asarray(X)[:, 0] > 1, -1, 1)


def test_the_scorer_counts_false_alarms_within_runs():
    index = lumisection_index([1, 1, 2, 2], [1, 2, 1, 2])
    X = pd.DataFrame({"x": [0.0, 2.0, 2.0, 0.0]}, index)
    assert false_alarms_per_day_scorer(Threshold(), X, [0, 0, 0, 0]) == -3700 * 2 / 4
    assert false_alarms_per_day_scorer(Threshold(), X.to_numpy(), [0, 0, 0, 0]) == -3700 / 4
    assert false_alarms_per_day_scorer(Threshold(), X, [0, 1, 0, 0]) == -3700 / 3


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "expected one per lumisection"),
        ([[1, -1]], r"flags have the shape \(1, 2\)"),
        ([1, 2], "flags hold 1, 2; expected -1"),
        (["bad"], "flags hold bad; expected -1"),
        ([1, np.nan], "nan"),
    ],
)
def test_anything_but_flags_is_named(flags, message):
    for metric in (alarms_per_run, alarms_per_day):
        with pytest.raises(DataError, match=message):
            metric(flags, np.ones(len(flags)))


def test_what_does_not_match_is_named():
    with pytest.raises(DataError, match="alarms per run without runs needs the run of each row"):
        alarms_per_run([1, -1])
    with pytest.raises(DataError, match=r"runs have the shape \(1,\); expected one run per row, 2"):
        alarms_per_day([1, -1], [1])
    with pytest.raises(DataError, match=r"y_true has the shape \(1,\)"):
        detection_delay([1], [1, -1])
    with pytest.raises(DataError, match="y_true holds -1, 1"):
        detection_delay([1, -1], [1, -1])
    with pytest.raises(UsageError, match="count='flags'; expected one of 'alarms'"):
        alarms_per_day([1, -1], count="flags")
