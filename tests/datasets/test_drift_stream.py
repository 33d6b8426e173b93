"""make_drift_stream: conditions change when they should, faults are where it says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from skdqm.datasets import make_drift_stream
from skdqm.exceptions import UsageError
from skdqm.metrics import time_to_detection

DRIFTS = ("recurring", "gradual", "abrupt", "seasonal", "subset", None)
KINDS = ("dead", "hot", "decorrelated", "shifted", "displaced")
CLEAN = {"n_faults": 0, "anomaly_fraction": 0, "burst_fraction": 0, "random_state": 0}


def stream(n_samples=12_000, **parameters):
    given = {"random_state": 0, "return_truth": True, **parameters}
    return make_drift_stream(n_samples, **given)


def distance(rows, others):
    """Return how far apart the means of two sets of rows are, per channel, in spreads."""
    return np.abs(rows.mean(axis=0) - others.mean(axis=0)) / others.std(axis=0)


@given(
    n_samples=st.integers(40, 400),
    n_features=st.integers(2, 12),
    drift=st.sampled_from(DRIFTS),
    n_faults=st.integers(0, 3),
    density=st.floats(0.1, 1),
    kind=st.sampled_from(KINDS),
    pattern=st.sampled_from(["sustained", "intermittent"]),
    fractions=st.tuples(st.floats(0, 1), st.floats(0, 0.3)),
    seed=st.integers(0, 1000),
)
def test_labels_kinds_and_stretches_tell_the_same_story(
    n_samples, n_features, drift, n_faults, density, kind, pattern, fractions, seed
):
    size = {"n_features": n_features, "drift": drift, "random_state": seed}
    X, y, truth = make_drift_stream(
        n_samples,
        **size,
        n_faults=n_faults,
        fault_length=10,
        fault_density=density,
        fault_kind=kind,
        fault_pattern=pattern,
        anomaly_fraction=fractions[0],
        burst_fraction=fractions[1],
        return_truth=True,
    )
    healthy, _ = make_drift_stream(n_samples, **{**CLEAN, **size})
    assert X.shape == (n_samples, n_features)
    assert np.isfinite(X).all()
    np.testing.assert_array_equal((healthy != X).any(axis=1), y == 1)
    np.testing.assert_array_equal(y == 1, truth.kind != "")
    np.testing.assert_array_equal(y == 1, truth.pattern != "")
    assert len(truth.faults) == n_faults
    for table, name in ((truth.faults, pattern), (truth.bursts, "burst")):
        inside = np.zeros(n_samples, dtype=bool)
        for row in table.itertuples():
            rows = slice(row.start, row.stop)
            assert not inside[rows].any()
            inside[rows] = True
            assert truth.kind[row.start] == row.kind
            assert set(truth.kind[rows]) <= {row.kind, ""}
            assert (truth.kind[rows] != "").sum() == row.faulty
        np.testing.assert_array_equal(truth.pattern[~inside] == name, False)
    assert (truth.faults["stop"] - truth.faults["start"] == 10).all()
    assert (truth.faults["start"] >= n_samples // 6).all()


@pytest.mark.parametrize(
    ("drift", "stages", "changes"),
    [
        ("recurring", ["A", "A>B", "C", "A", "C", "B"], [2000, 5000, 7000, 9000, 10_400]),
        ("gradual", ["A", "A>B", "B"], [2400, 9600]),
        ("abrupt", ["A", "C"], [6000]),
        ("subset", ["A", "A>B", "C"], [4000, 8000]),
        (None, ["A"], []),
        (["C", ("A>D", 2)], ["C", "A>D"], [4000]),
        ([["A", 1], ["B", 3]], ["A", "B"], [3000]),
    ],
)
def test_stages_follow_each_other_as_the_schedule_says(drift, stages, changes):
    _, _, truth = stream(drift=drift)
    assert truth.change_points.tolist() == changes
    parts = np.split(truth.condition, changes)
    assert [set(part) for part in parts] == [{stage} for stage in stages]
    assert sorted(truth.test_sets) == sorted({c for stage in stages for c in stage if c.isalpha()})


def test_ageing_grows_evenly_and_other_changes_come_at_once():
    _, _, truth = stream()
    for stage, low, high in (("A", 0, 0), ("C", 1, 1), ("B", 1, 1), ("A>B", 0, 1)):
        intensity = truth.intensity[truth.condition == stage]
        assert (intensity.min(), intensity.max()) == (low, high)
    ageing = truth.intensity[truth.condition == "A>B"]
    assert np.diff(ageing) == pytest.approx(1 / (len(ageing) - 1))


def test_seasons_come_back():
    X, _, truth = stream(drift="seasonal", period=4000, **CLEAN)
    assert truth.change_points.tolist() == [1001, 3000, 5001, 7000, 9001, 11_000]
    assert truth.intensity[[0, 1000, 2000, 4000, 6000]] == pytest.approx([0, 0.5, 1, 0, 1])
    summers = [slice(1700, 2300), slice(5700, 6300)]
    assert distance(X[summers[0]], X[summers[1]]).max() < 0.3
    assert distance(X[summers[0]], X[3700:4300]).max() > 0.5


def test_a_condition_that_comes_back_is_the_same_and_others_are_not():
    X, _, truth = stream(60_000, **CLEAN)
    first, again = X[:10_000], X[35_000:45_000]
    assert distance(first, again).max() < 0.1
    for stage in ("B", "C"):
        assert distance(X[truth.condition == stage], first).max() > 0.5


def test_without_drift_nothing_changes():
    X, _, truth = stream(40_000, drift=None, **CLEAN)
    assert distance(X[:20_000], X[20_000:]).max() < 0.1
    assert not truth.drifts.any()
    assert not truth.intensity.any()


def test_only_the_chosen_channels_drift():
    X, _, truth = stream(60_000, drift="subset", **CLEAN)
    assert truth.drifts.sum() == 5
    moved = distance(X[truth.condition == "C"], X[truth.condition == "A"])
    assert moved[~truth.drifts].max() < 0.1
    assert np.median(moved[truth.drifts]) > 0.5
    undrifting, _ = make_drift_stream(60_000, drift=None, **CLEAN)
    np.testing.assert_array_equal(X[:, ~truth.drifts], undrifting[:, ~truth.drifts])
    assert stream(drift="abrupt", n_drifting=1)[2].drifts.sum() == 1


def test_a_condition_does_not_depend_on_the_others_of_the_stream():
    alone, _ = make_drift_stream(1000, drift=["C"], **CLEAN)
    beside, _ = make_drift_stream(1000, drift=["B", ("C", 999)], **CLEAN)
    np.testing.assert_allclose(alone[1:], beside[1:])


def test_healthy_rows_do_not_depend_on_the_anomalies():
    X, y, _ = stream()
    Z, z, _ = stream(n_faults=2, fault_kind="dead", anomaly_fraction=0.2, burst_fraction=0)
    both = (y == 0) & (z == 0)
    np.testing.assert_array_equal(X[both], Z[both])


def test_the_fractions_come_out():
    _, _, truth = stream(200_000, n_faults=0, anomaly_fraction=0.03, burst_fraction=0.02)
    assert (truth.pattern == "isolated").mean() == pytest.approx(0.03, rel=0.1)
    assert (truth.pattern == "burst").mean() == pytest.approx(0.02, rel=0.15)
    assert (truth.bursts["stop"] - truth.bursts["start"]).between(30, 90).all()
    kinds, counts = np.unique(truth.kind[truth.pattern == "isolated"], return_counts=True)
    assert set(kinds) == {"dead", "hot", "decorrelated", "shifted"}
    assert counts == pytest.approx(1500, rel=0.15)


@pytest.mark.parametrize("density", [0.3, 0.8, 1.0])
def test_an_intermittent_fault_comes_and_goes_and_a_sustained_one_flickers(density):
    lengths = {}
    for pattern in ("sustained", "intermittent"):
        long = {"n_faults": 1, "fault_length": 40_000, "fault_density": density}
        _, y, truth = stream(60_000, **long, fault_pattern=pattern)
        fault = truth.faults.iloc[0]
        there = y[fault["start"] : fault["stop"]]
        assert there.mean() == pytest.approx(density, abs=0.06)
        assert there[0] == 1
        lengths[pattern] = there.sum() / ((np.diff(there) == 1).sum() + 1)
    if density < 1:
        assert lengths["intermittent"] == pytest.approx(30, rel=0.2)
        assert lengths["sustained"] < 8
    else:
        assert lengths["intermittent"] == lengths["sustained"] == 40_000


def change_by(kind, length=2000):
    """Return healthy and faulty rows of one fault without drift."""
    one = {"n_faults": 1, "fault_length": length, "fault_density": 1.0, "fault_kind": kind}
    X, y, _ = stream(4000, drift=None, **{**CLEAN, **one})
    healthy, _ = make_drift_stream(4000, drift=None, **CLEAN)
    return healthy[y == 1], X[y == 1]


@pytest.mark.parametrize(
    ("kind", "n_hit"), [("dead", 2), ("hot", 1), ("decorrelated", 7), ("shifted", 4)]
)
def test_a_fault_hits_as_many_channels_as_it_says(kind, n_hit):
    healthy, faulty = change_by(kind)
    hit = (healthy != faulty).any(axis=0)
    assert hit.sum() == n_hit
    if kind == "shifted":
        assert faulty[:, hit] - healthy[:, hit] == pytest.approx(1.6)
        assert np.ptp(np.flatnonzero(hit)) == 3
    if kind == "dead":
        assert (faulty[:, hit] == -2).all()
    if kind == "hot":
        change = np.abs(faulty - healthy)[:, hit]
        assert 3 <= change.min() <= change.max() <= 5
    if kind == "decorrelated":
        assert distance(faulty, healthy).max() < 0.1
        correlations = [np.corrcoef(rows.T)[hit][:, ~hit] for rows in (healthy, faulty)]
        assert np.abs(correlations[0]).max() > 0.4
        assert np.abs(correlations[1]).max() < 0.1


def test_the_long_fault_comes_back_in_the_same_channels():
    X, y, truth = stream(n_faults=3, fault_density=1.0)
    healthy, _ = make_drift_stream(12_000, **CLEAN)
    changes = [(X - healthy)[row.start : row.stop] for row in truth.faults.itertuples()]
    for change in changes:
        assert change == pytest.approx(np.tile(changes[0][0], (400, 1)))
    assert np.sort(np.abs(changes[0][0]))[-4:] == pytest.approx([0, 2.2, 2.2, 2.2])
    assert time_to_detection(truth.faults, y == 1).detected["delay"].tolist() == [0, 0, 0]


def test_test_sets_show_their_condition_and_every_kind_of_fault():
    X, _, truth = stream(60_000, **CLEAN)
    assert sorted(truth.test_sets) == ["A", "B", "C"]
    for name, (rows, y) in truth.test_sets.items():
        assert rows.shape == (3000, 14)
        assert y.sum() == 600
        assert not y[:2400].any()
        same = X[truth.condition == name]
        assert distance(rows[y == 0], same).max() < 0.15
        centred = rows - same.mean(axis=0)
        squared = np.sum(centred @ np.linalg.inv(np.cov(same.T)) * centred, axis=1)
        for number in range(5):
            part = slice(2400 + 120 * number, 2520 + 120 * number)
            score = np.concatenate([squared[:2400], squared[part]])
            assert roc_auc_score(np.repeat([0, 1], [2400, 120]), score) > 0.65
    assert not np.array_equal(truth.test_sets["A"][0], truth.test_sets["B"][0])


def test_test_sets_do_not_depend_on_the_anomalies_of_the_stream():
    first, second = stream()[2], stream(n_faults=0, anomaly_fraction=0.1)[2]
    for name, (X, _) in first.test_sets.items():
        np.testing.assert_array_equal(X, second.test_sets[name][0])


def test_a_frame_tells_runs_lumisections_and_channels():
    X, y, truth = stream(1200, n_faults=0, as_frame=True, run_length=500)
    Z, z = make_drift_stream(1200, n_faults=0, random_state=0)
    np.testing.assert_array_equal(X.to_numpy(), Z)
    np.testing.assert_array_equal(y, z)
    assert X.index.names == ["run", "lumisection"]
    assert X.groupby("run").size().tolist() == [500, 500, 200]
    assert X.index.get_level_values("lumisection")[[0, 499, 500]].tolist() == [1, 500, 1]
    assert X.columns[[0, 13]].tolist() == ["channel_00", "channel_13"]
    assert all(isinstance(rows, pd.DataFrame) for rows, _ in truth.test_sets.values())
    assert truth.test_sets["A"][0].columns.equals(X.columns)


def test_the_same_seed_gives_the_same_stream():
    first, again = stream(), stream(random_state=np.random.RandomState(0))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    pd.testing.assert_frame_equal(first[2].faults, again[2].faults)
    assert not np.array_equal(first[0], stream(random_state=1)[0])


@pytest.mark.parametrize(
    "drift", ["ageing", "A", [], ["a"], ["A>A"], ["A>"], [("A", 0)], [("A", np.inf)], [("A",)]]
)
def test_schedules_that_do_not_exist_are_named(drift):
    with pytest.raises(UsageError, match=r"drift=.*(expected one of|each stage must be)"):
        make_drift_stream(1000, drift=drift, n_faults=0)


def test_what_does_not_fit_is_named():
    with pytest.raises(UsageError, match="n_samples=3 leaves a stage"):
        make_drift_stream(3, n_faults=0)
    with pytest.raises(UsageError, match="n_faults=4 of fault_length=400 do not fit in n_samples"):
        make_drift_stream(1000)
    with pytest.raises(UsageError, match="n_drifting=20 is more than n_features=14"):
        make_drift_stream(1000, n_faults=0, n_drifting=20)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_samples": 0},
        {"n_features": 1},
        {"fault_density": 0},
        {"fault_kind": "broken"},
        {"burst_fraction": 0.5},
        {"run_length": 0},
        {"drift": 3},
    ],
)
def test_impossible_parameters_are_named(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of make_drift_stream"):
        make_drift_stream(**parameters)
