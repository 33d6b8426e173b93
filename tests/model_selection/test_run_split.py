"""RunSplit: whole runs, forward in time, at home in scikit-learn's model selection."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate

from skdqm.datasets import make_lumisections
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import anomaly_roc_auc_scorer
from skdqm.model_selection import RunSplit


@given(
    runs=st.lists(st.integers(1, 30), min_size=1, max_size=80),
    n_splits=st.integers(1, 6),
    gap=st.integers(0, 3),
    max_train_runs=st.none() | st.integers(1, 5),
    test_runs=st.none() | st.integers(1, 3),
)
def test_runs_are_whole_and_train_comes_before_test(runs, n_splits, gap, max_train_runs, test_runs):
    splitter = RunSplit(n_splits, gap=gap, max_train_runs=max_train_runs, test_runs=test_runs)
    runs, X = np.array(runs), np.zeros((len(runs), 1))
    numbers = np.unique(runs)
    n_test = test_runs or max(1, len(numbers) // (n_splits + 1))
    if len(numbers) < n_test * n_splits + gap + 1:
        with pytest.raises(DataError, match=f"found {len(numbers)} runs, too few"):
            next(splitter.split(X, groups=runs))
        return
    folds = list(splitter.split(X, groups=runs))
    assert len(folds) == splitter.get_n_splits() == n_splits
    for train, test in folds:
        trained, tested = np.unique(runs[train]), np.unique(runs[test])
        assert len(trained)
        assert len(tested) == n_test
        assert ((numbers > trained[-1]) & (numbers < tested[0])).sum() == gap
        assert len(trained) <= (max_train_runs or np.inf)
        for rows, inside in ((train, trained), (test, tested)):
            np.testing.assert_array_equal(rows, np.flatnonzero(np.isin(runs, inside)))
    tested = np.concatenate([runs[test] for _, test in folds])
    assert set(tested) == set(numbers[-n_test * n_splits :])
    assert len(tested) == np.isin(runs, tested).sum()


@pytest.mark.parametrize("parameters", [{}, {"gap": 2}, {"max_train": 3}, {"test": 2, "gap": 1}])
def test_one_row_per_run_is_split_as_scikit_learns_time_series(parameters):
    names = {"gap": "gap", "max_train": "max_train_size", "test": "test_size"}
    reference = TimeSeriesSplit(3, **{names[key]: value for key, value in parameters.items()})
    names = {"gap": "gap", "max_train": "max_train_runs", "test": "test_runs"}
    splitter = RunSplit(3, **{names[key]: value for key, value in parameters.items()})
    X = np.zeros((13, 1))
    expected = list(reference.split(X))
    found = list(splitter.split(X, groups=np.arange(13)))
    for pair, expected_pair in zip(found, expected, strict=True):
        np.testing.assert_array_equal(pair[0], expected_pair[0])
        np.testing.assert_array_equal(pair[1], expected_pair[1])


def test_runs_come_from_the_index_and_groups_come_first():
    X, _ = make_lumisections(6, 5, random_state=0)
    runs = X.index.get_level_values("run")
    by_index = list(RunSplit(2).split(X))
    by_groups = list(RunSplit(2).split(X.to_numpy(), groups=runs))
    for pair, other in zip(by_index, by_groups, strict=True):
        np.testing.assert_array_equal(np.concatenate(pair), np.concatenate(other))
    backwards = list(RunSplit(2).split(X, groups=-runs))
    assert backwards[0][0].min() > by_index[0][1].max()


def test_rows_of_shuffled_runs_are_found():
    X, _ = make_lumisections(4, 5, random_state=0)
    shuffled = X.sample(frac=1, random_state=0)
    for (train, test), (other_train, other_test) in zip(
        RunSplit(3).split(X), RunSplit(3).split(shuffled), strict=True
    ):
        pd.testing.assert_frame_equal(X.iloc[train], shuffled.iloc[other_train].sort_index())
        pd.testing.assert_frame_equal(X.iloc[test], shuffled.iloc[other_test].sort_index())


def test_cross_validation_and_grid_search_take_it():
    X, y = make_lumisections(6, 60, fault_fraction=0.4, random_state=0)
    found = cross_validate(
        IsolationForest(n_estimators=10, random_state=0),
        X,
        y,
        cv=RunSplit(3),
        scoring=anomaly_roc_auc_scorer,
        error_score="raise",
    )
    assert found["test_score"].shape == (3,)
    search = GridSearchCV(
        IsolationForest(random_state=0),
        {"n_estimators": [5, 10]},
        cv=RunSplit(2),
        scoring=anomaly_roc_auc_scorer,
        error_score="raise",
    ).fit(X.to_numpy(), y, groups=X.index.get_level_values("run"))
    assert search.n_splits_ == 2


def test_groups_are_routed_without_being_asked_for():
    X, y = make_lumisections(6, 60, fault_fraction=0.4, random_state=0)
    groups = X.index.get_level_values("run").to_numpy()
    with config_context(enable_metadata_routing=True):
        found = cross_validate(
            IsolationForest(n_estimators=10, random_state=0),
            X.to_numpy(),
            y,
            cv=RunSplit(2),
            scoring=anomaly_roc_auc_scorer,
            params={"groups": groups},
            error_score="raise",
        )
    assert found["test_score"].shape == (2,)


def test_it_shows_its_parameters_and_can_be_cloned():
    splitter = RunSplit(3, gap=1)
    assert repr(splitter) == "RunSplit(gap=1, max_train_runs=None, n_splits=3, test_runs=None)"
    assert repr(clone(splitter, safe=False)) == repr(splitter)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_splits": 0}, "n_splits=0; give a whole number of 1 or more"),
        ({"n_splits": 2.5}, "n_splits=2.5"),
        ({"n_splits": None}, "n_splits=None"),
        ({"gap": -1}, "gap=-1; give a whole number of 0 or more"),
        ({"max_train_runs": 0}, "max_train_runs=0"),
        ({"test_runs": True}, "test_runs=True"),
    ],
)
def test_a_parameter_out_of_range_is_named(wrong, message):
    with pytest.raises(UsageError, match=message):
        next(RunSplit(**wrong).split(np.zeros((9, 1)), groups=range(9)))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (None, "a split by run without groups needs the run of each row"),
        ([1, 2], r"groups have the shape \(2,\); expected one run per row, 3"),
        (["1", "2", "10"], "expected their numbers"),
        ([1.0, 2.0, np.nan], "not all finite"),
        ([1, 2, 2], "found 2 runs, too few for 5 splits with 1 test runs each, .* expected 6"),
    ],
)
def test_rows_that_cannot_be_split_are_named(groups, message):
    with pytest.raises(DataError, match=message):
        next(RunSplit().split(np.zeros((3, 1)), groups=groups))
