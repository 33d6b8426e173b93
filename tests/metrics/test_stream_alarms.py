"""False alarms, recovery and detection along a stream: against a walk through its windows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from skdqm._lumisections import lumisection_index
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import (
    alarm_storms,
    detection_delay,
    recovery_time,
    time_to_detection,
    windowed_false_alarm_rate,
)


@st.composite
def judged(draw):
    """Labels and flags, with a good row that got a verdict."""
    n = draw(st.integers(2, 60))
    labels = draw(st.lists(st.sampled_from([0, 0, 1]), min_size=n, max_size=n))
    flags = draw(st.lists(st.sampled_from([-1, 0, 1, 1]), min_size=n, max_size=n))
    labels[0], flags[0] = 0, draw(st.sampled_from([-1, 1]))
    return np.array(labels), np.array(flags)


def rate(y, flags):
    kept = flags[(y == 0) & (flags != 0)]
    return np.mean(kept == -1) if len(kept) else None


@given(judged(), st.integers(1, 70))
def test_false_alarm_rates_are_those_of_each_window(data, window):
    y, flags = data
    cuts = [slice(first, first + window) for first in range(0, len(y), window)]
    rates = {cut.start: rate(y[cut], flags[cut]) for cut in cuts}
    expected = {start: value for start, value in rates.items() if value is not None}
    mean, values, starts, n_windows = windowed_false_alarm_rate(y, flags, window=window)
    assert starts.tolist() == list(expected)
    assert values == pytest.approx(list(expected.values()))
    assert mean == pytest.approx(np.mean(values))
    assert n_windows == len(cuts)


def storms_by_a_walk(rates, limit, window):
    """Count windows above the limit that share no row with the one above before."""
    n, last = 0, -window
    for start, value in rates.items():
        if value > limit:
            n += start - last >= window
            last = start
    return n


@given(judged(), st.integers(1, 70), st.sampled_from([0.1, 0.3, 0.6]))
def test_storms_are_those_of_a_walk_through_all_windows(data, window, promised):
    y, flags = data
    length = min(window, len(y))
    cuts = [slice(start, start + length) for start in range(len(y) - length + 1)]
    counted = [c for c in cuts if 2 * ((y[c] == 0) & (flags[c] != 0)).sum() >= length]
    if not counted:
        with pytest.raises(DataError, match="holds as many good rows with a verdict as half"):
            alarm_storms(y, flags, promised_rate=promised, window=window)
        return
    rates = {cut.start: rate(y[cut], flags[cut]) for cut in counted}
    found = alarm_storms(y, flags, promised_rate=promised, window=window, factor=1.5)
    limit = 1.5 * promised + 1e-9
    assert found.worst_rate == pytest.approx(max(rates.values()))
    assert rates[found.worst_start] == pytest.approx(found.worst_rate)
    assert found.share_above == pytest.approx(np.mean([r > limit for r in rates.values()]))
    assert found.n_storms == storms_by_a_walk(rates, limit, length)
    assert found.rate == pytest.approx(rate(y, flags))


def test_two_storms_are_two_and_anomalies_and_holds_are_none():
    flags = np.ones(10_000)
    flags[2000:2100] = flags[7000:7050] = -1
    y = np.zeros(10_000)
    found = alarm_storms(y, flags, promised_rate=0.01)
    assert (found.n_storms, found.worst_rate, found.rate) == (2, 0.1, 0.015)
    y[7000:7050] = 1
    assert alarm_storms(y, flags, promised_rate=0.01).n_storms == 1
    held = np.where((np.arange(10_000) >= 2000) & (np.arange(10_000) < 2100), 0, flags)
    assert alarm_storms(y, held, promised_rate=0.01).worst_rate == 0


def test_a_storm_lies_above_the_factor_and_not_at_it():
    flags = np.ones(100)
    flags[:50] = -1
    for promised, n_storms in ((0.5, 0), (0.5 * (1 - 1e-15), 0), (0.49, 1)):
        found = alarm_storms(np.zeros(100), flags, promised_rate=promised, window=100, factor=1)
        assert (found.n_storms, found.rate) == (n_storms, 0.5)
    small = alarm_storms(np.zeros(100), flags, promised_rate=0.9, window=100, factor=0.5)
    assert small.n_storms == 1


def test_booleans_mean_flagged():
    flags = np.array([True, False, False, False])
    assert windowed_false_alarm_rate(np.zeros(4), flags).mean == 0.25


def test_labels_of_other_rows_are_refused():
    y, flags = pd.Series([0, 0], [5, 6]), pd.Series([1, -1], [6, 5])
    for figure in (
        windowed_false_alarm_rate,
        lambda y, flags: alarm_storms(y, flags, promised_rate=0.01),
        lambda y, flags: recovery_time(y, [1], flags=flags),
    ):
        with pytest.raises(DataError, match="y_true has 5 in row 0, that of the flags 6"):
            figure(y, flags)


def test_rates_need_good_rows_with_a_verdict():
    for figure in (
        windowed_false_alarm_rate,
        lambda y, flags: alarm_storms(y, flags, promised_rate=0.01),
        lambda y, flags: recovery_time(y, [1], flags=flags),
    ):
        with pytest.raises(DataError, match="no row is good"):
            figure([0, 1], [0, -1])
        with pytest.raises(DataError, match="y_true holds -1, 1"):
            figure([1, -1], [1, -1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"promised_rate": 0}, "promised_rate=0 is not a share"),
        ({"window": 0}, "window=0; give a whole number of 1 or more"),
        ({"factor": np.nan}, "factor=nan; give a positive number"),
        ({"factor": 0}, "factor=0; give a positive number"),
        ({"factor": np.inf}, "factor=inf; give a positive number"),
    ],
)
def test_impossible_parameters_of_storms_are_named(wrong, message):
    with pytest.raises(UsageError, match=message):
        alarm_storms([0, 0], [1, 1], **{"promised_rate": 0.01, **wrong})


def recovery_by_a_walk(y, values, changes, window, margin, figure):
    """Return (change, rows or None) of each change; None for the whole if a figure is missing."""
    found, edges = [], [0, *changes, len(y)]
    for previous, change, following in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        rows = slice(max(previous, change - window), change)
        before = figure(y[rows], values[rows])
        length = min(window, following - change)
        starts = range(change, following - length + 1)
        after = [figure(y[s : s + length], values[s : s + length]) for s in starts]
        if before is None or all(value is None for value in after):
            return None
        back = [n for n, v in enumerate(after) if v is not None and v <= before + margin + 1e-9]
        found.append((change, back[0] if back else None))
    return found


def loss(y, score):
    """Return minus the area under the ROC curve, which like a rate is good when low."""
    return -roc_auc_score(y, score) if y.min() < y.max() else None


def check_recovery(found, expected):
    assert found.recovered[["change", "rows"]].to_numpy().tolist() == [
        [change, rows] for change, rows in expected if rows is not None
    ]
    assert found.unrecovered["change"].tolist() == [c for c, rows in expected if rows is None]


@given(judged(), st.integers(2, 20), st.sampled_from([0, 0.1, 0.3]), st.data())
def test_recovery_of_the_false_alarm_rate_is_that_of_a_walk(data, window, margin, more):
    y, flags = data
    changes = sorted(more.draw(st.sets(st.integers(1, len(y) - 1), max_size=3)))
    expected = recovery_by_a_walk(y, flags, changes, window, margin, rate)
    if expected is None:
        with pytest.raises(DataError, match="holds a good row with a verdict: widen the window"):
            recovery_time(y, changes, flags=flags, window=window, margin=margin)
        return
    check_recovery(recovery_time(y, changes, flags=flags, window=window, margin=margin), expected)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=10, max_size=60),
    st.integers(4, 20),
    st.sampled_from([0, 0.1, 0.3]),
)
def test_recovery_of_the_area_is_that_of_a_walk(rows, window, margin):
    y, score = np.array(rows, dtype=float).T
    assume(y.min() < y.max())
    changes = [len(y) // 2]
    expected = recovery_by_a_walk(y, score, changes, window, margin, loss)
    if expected is None:
        with pytest.raises(DataError, match="holds both classes: widen the window"):
            recovery_time(y, changes, anomaly_score=score, window=window, margin=margin)
        return
    found = recovery_time(y, changes, anomaly_score=score, window=window, margin=margin)
    check_recovery(found, expected)


def test_recovery_tells_levels_and_counts_runs_and_lumisections():
    index = lumisection_index(np.repeat([7, 8, 9], 200), np.tile(np.repeat(np.arange(100), 2), 3))
    flags = pd.Series(np.ones(600, dtype=int), index)
    flags.iloc[[10, 30, *range(200, 450)]] = -1
    found = recovery_time(np.zeros(600), [200], flags=flags, window=100, margin=0)
    assert found.recovered.to_dict("records") == [
        {
            "change": 200,
            "before": 0.0,
            "worst": 1.0,
            "rows": 250,
            "runs": 2,
            "lumisections": 125,
        }
    ]
    only_runs = flags.droplevel("lumisection")
    found = recovery_time(np.zeros(600), [200], flags=only_runs, window=100)
    assert found.recovered.columns.tolist() == ["change", "before", "worst", "rows", "runs"]


def test_recovery_of_the_area_counts_runs_and_lumisections_of_the_scores():
    index = lumisection_index(np.repeat([7, 8], 100), np.tile(np.arange(100), 2))
    y = np.tile([0, 1], 100)
    score = pd.Series(np.where((np.arange(200) >= 90) & (np.arange(200) < 110), 0.0, y), index)
    found = recovery_time(y, [90], anomaly_score=score, window=10, margin=0).recovered
    assert found[["rows", "runs", "lumisections"]].to_numpy().tolist() == [[20, 2, 20]]


def test_a_window_of_one_pair_has_an_area():
    y = np.tile([0, 1], 10)
    found = recovery_time(y, [10], anomaly_score=y.astype(float), window=2).recovered
    assert found[["before", "worst", "rows"]].to_numpy().tolist() == [[1.0, 1.0, 0]]


@pytest.mark.parametrize(("margin", "n_recovered"), [(0.19, 0), (0.21, 1)])
def test_an_area_is_back_when_it_is_less_than_the_margin_below(margin, n_recovered):
    y = np.tile([0, 1], 100)
    score = y.astype(float)
    score[101:120:2] = -1.0
    found = recovery_time(y, [100], anomaly_score=score, window=100, margin=margin)
    assert len(found.recovered) == n_recovered


def test_the_level_before_a_change_begins_with_the_first_row():
    flags = np.ones(20)
    flags[0] = -1
    found = recovery_time(np.zeros(20), [10], flags=flags, window=20).recovered
    assert found["before"].tolist() == [0.1]


def test_what_never_comes_back_is_told_apart():
    flags = np.ones(300)
    flags[200:] = -1
    found = recovery_time(np.zeros(300), [100, 200], flags=flags, window=50)
    assert found.recovered[["change", "rows"]].to_numpy().tolist() == [[100, 0]]
    assert found.unrecovered.to_dict("records") == [
        {"change": 200, "before": 0.0, "worst": 1.0, "watched": 100}
    ]
    assert len(recovery_time(np.zeros(300), [], flags=flags).recovered) == 0


def test_the_worst_area_after_a_change_is_the_smallest_one():
    y = np.tile([0, 1], 100)
    score = np.where(np.arange(200) < 100, y, 0).astype(float)
    score[100:120] = 1 - y[100:120]
    found = recovery_time(y, [100], anomaly_score=score, window=10).unrecovered
    assert found[["before", "worst"]].to_numpy().tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("changes", [[0], [300], [20, 20], [30, 20], [1.5], [[1, 2]], ["a"]])
def test_change_points_that_are_no_positions_are_refused(changes):
    with pytest.raises(DataError, match=r"expected increasing positions of rows, .* from 1 to 299"):
        recovery_time(np.zeros(300), changes, flags=np.ones(300))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give flags, for the false-alarm rate, or anomaly_score"),
        ({"flags": [1, 1], "anomaly_score": [1, 2]}, "and not both"),
        ({"flags": [1, 1], "window": 1}, "window=1; give a whole number of 2 or more"),
        ({"flags": [1, 1], "margin": -1}, "margin=-1; give a number of 0 or more"),
        ({"flags": [1, 1], "margin": np.nan}, "margin=nan"),
        ({"flags": [1, 1], "margin": np.inf}, "margin=inf"),
    ],
)
def test_recovery_of_nothing_or_two_things_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        recovery_time([0, 1], [1], **arguments)


@given(judged())
def test_faults_without_a_break_are_those_of_the_labels(data):
    y, flags = data
    edges = np.flatnonzero(np.diff(np.concatenate([[0], y, [0]]))).reshape(-1, 2)
    found, expected = time_to_detection(edges, flags), detection_delay(y, flags)
    names = ["first", "last", "length"]
    pd.testing.assert_frame_equal(found.detected[[*names, "delay"]], expected.detected.iloc[:, 1:])
    pd.testing.assert_frame_equal(found.undetected[names], expected.undetected.iloc[:, 1:])


def test_a_fault_that_comes_and_goes_is_one_and_neighbours_are_two():
    flags = np.array([1, 1, 1, -1, 1, 1, 1, -1])
    faults = pd.DataFrame({"kind": ["hot"] * 2, "start": [0, 5], "stop": [5, 8]})
    found = time_to_detection(faults, flags)
    assert found.detected[["fault", "delay"]].to_numpy().tolist() == [[0, 3], [1, 2]]
    assert len(found.undetected) == 0
    none = time_to_detection([], flags)
    assert len(none.detected) == len(none.undetected) == 0


def test_columns_of_faults_are_found_by_name():
    faults = pd.DataFrame({"stop": [5], "start": [2]})
    found = time_to_detection(faults, np.array([1, 1, 1, -1, 1, 1]))
    assert found.detected["delay"].tolist() == [1]


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([1, 2], r"the shape \(2,\)"),
        ([[0.5, 2]], "type float64; expected pairs of whole numbers"),
        ([[0, 4], [3, 5]], "overlap"),
        ([[4, 4]], "are empty"),
        ([[0, 9]], "from row 0 to 9; there are only 8 rows"),
        ([[-2, 4]], "from row -2"),
    ],
)
def test_impossible_faults_are_named(faults, message):
    with pytest.raises(DataError, match=message):
        time_to_detection(faults, np.ones(8))
