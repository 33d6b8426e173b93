"""evaluate_by_run: nothing is known before its time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest

from skdqm._lumisections import lumisection_index
from skdqm.datasets import make_lumisections
from skdqm.detectors import HistogramDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import alarms_per_run, detection_delay, evaluate_by_run

LEARN = ("good", "accepted", "all", "none")


class Mean(BaseEstimator):
    """Scores the distance from the mean of all it has learned; abstains below 0."""

    def fit(self, X, y=None):
        self.sum_, self.count_, self.seen_ = np.zeros(1), 0, []
        return self.partial_fit(X)

    def partial_fit(self, X, y=None):
        values = np.asarray(X)[:, 0]
        self.sum_ = self.sum_ + values.sum()
        self.count_ += len(values)
        self.seen_ = [*self.seen_, *values]
        return self

    def score_samples(self, X):
        return -np.abs(np.asarray(X)[:, 0] - self.sum_ / self.count_)

    def predict(self, X):
        flags = np.where(self.score_samples(X) < -3, -1, 1)
        return np.where(np.asarray(X)[:, 0] < 0, 0, flags)


@st.composite
def tables(draw):
    """A table of lumisections in any order, and its labels."""
    n = draw(st.integers(1, 40))
    runs = draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    values = draw(st.lists(st.integers(-2, 12), min_size=n, max_size=n))
    labels = draw(st.lists(st.sampled_from([0, 1]), min_size=n, max_size=n))
    index = lumisection_index(runs, draw(st.permutations(range(n))))
    return pd.DataFrame({"x": np.array(values, dtype=float)}, index), np.array(labels)


@pytest.mark.parametrize("runs", [["99999", "100000"], [1.0, np.nan]])
def test_runs_that_have_no_order_in_time_are_refused(runs):
    with pytest.raises(DataError, match="expected their numbers"):
        evaluate_by_run(Mean().fit([[5.0]]), [[1.0], [2.0]], [0, 0], runs=runs)


@given(tables(), st.sampled_from(LEARN), st.data())
def test_a_label_of_a_run_changes_no_score_up_to_that_run(table, learn, data):
    X, y = table
    detector = Mean().fit([[5.0], [6.0]])
    changed = data.draw(st.integers(0, len(y) - 1))
    other = y.copy()
    other[changed] = 1 - y[changed]
    runs = X.index.get_level_values("run")
    before = runs <= runs[changed]
    columns = ["anomaly_score", "prediction"]
    found = evaluate_by_run(detector, X, y, learn=learn).loc[before, columns]
    pd.testing.assert_frame_equal(
        found, evaluate_by_run(detector, X, other, learn=learn).loc[before, columns]
    )


@given(tables(), st.sampled_from(LEARN), st.data())
def test_a_row_changes_no_score_of_its_run_or_of_earlier_ones_but_its_own(table, learn, data):
    X, y = table
    detector = Mean().fit([[5.0], [6.0]])
    changed = data.draw(st.integers(0, len(y) - 1))
    other = X.copy()
    other.iloc[changed, 0] += 7
    runs = X.index.get_level_values("run")
    same = (runs <= runs[changed]) & (np.arange(len(y)) != changed)
    found = evaluate_by_run(detector, X, y, learn=learn)["anomaly_score"][same]
    pd.testing.assert_series_equal(
        found, evaluate_by_run(detector, other, y, learn=learn)["anomaly_score"][same]
    )


@given(tables(), st.sampled_from(LEARN))
def test_scores_are_those_of_a_detector_trained_on_the_earlier_runs(table, learn):
    X, y = table
    detector = Mean().fit([[5.0], [6.0]])
    found = evaluate_by_run(detector, X, y, learn=learn)
    pd.testing.assert_index_equal(found.index, X.index)
    wanted = {"good": y == 0, "accepted": found["prediction"] == 1, "all": True, "none": False}
    np.testing.assert_array_equal(found["learned"], wanted[learn] & (found["prediction"] != 0))
    runs = X.index.get_level_values("run")
    for run in np.unique(runs):
        earlier = X[found["learned"] & (runs < run)]
        trained = Mean().fit([[5.0], [6.0], *earlier.to_numpy().tolist()])
        rows = X[runs == run]
        here = found[runs == run]
        np.testing.assert_allclose(here["anomaly_score"], -trained.score_samples(rows))
        np.testing.assert_array_equal(here["prediction"], trained.predict(rows))


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter_and_repeats_are_equal(table, random):
    X, y = table
    detector = Mean().fit([[5.0], [6.0]])
    order = random.sample(range(len(y)), len(y))
    found = evaluate_by_run(detector, X, y)
    pd.testing.assert_frame_equal(found, evaluate_by_run(detector, X, y))
    shuffled = evaluate_by_run(detector, X.iloc[order], y[order])
    pd.testing.assert_frame_equal(shuffled, found.iloc[order])


def test_a_run_is_learned_in_the_order_of_its_lumisections_when_it_is_over():
    seen = []

    class Watched(Mean):
        def partial_fit(self, X, y=None):
            seen.append(np.asarray(X)[:, 0].tolist())
            return super().partial_fit(X)

        def score_samples(self, X):
            seen.append(len(X))
            return np.zeros(len(X))

    index = lumisection_index([2, 1, 1, 2], [1, 2, 1, 2])
    detector = Watched().fit([[5.0]])
    seen.clear()
    evaluate_by_run(detector, pd.DataFrame({"x": [3.0, 2.0, 1.0, 4.0]}, index), learn="all")
    assert [each for each in seen if isinstance(each, list)] == [[1.0, 2.0], [3.0, 4.0]]
    assert isinstance(seen[0], int)


def test_the_detector_of_the_caller_is_left_alone():
    X, y = make_lumisections(4, 30, random_state=0)
    run = X.index.get_level_values("run")
    detector = HistogramDetector().fit(X[(run == run[0]) & (y == 0)])
    before = detector.score_samples(X)
    later = run != run[0]
    evaluation = evaluate_by_run(detector, X[later], y[later])
    np.testing.assert_array_equal(detector.score_samples(X), before)
    second = run == np.unique(run)[1]
    np.testing.assert_array_equal(
        evaluation["anomaly_score"][second[later]], -before[second], strict=True
    )
    last = run == run[-1]
    assert not np.array_equal(evaluation["anomaly_score"][last[later]], -before[last])


def test_the_result_suits_the_metrics():
    X, y = make_lumisections(4, 30, random_state=0)
    evaluation = evaluate_by_run(Mean().fit(X), X, y)
    assert len(alarms_per_run(evaluation["prediction"])) == 4
    found = detection_delay(y, evaluation["prediction"])
    assert len(found.detected) + len(found.undetected) > 0


def test_arrays_need_runs_and_get_a_plain_index():
    X, runs = np.array([[1.0], [2.0], [9.0]]), [1, 2, 2]
    detector = Mean().fit([[0.0]])
    found = evaluate_by_run(detector, X, [0, 0, 0], runs=runs)
    assert found.index.tolist() == [0, 1, 2]
    assert found["anomaly_score"].tolist() == [1.0, 1.5, 8.5]
    assert found.dtypes.tolist() == [np.float64, np.int64, bool]
    of_lists = evaluate_by_run(detector, X.tolist(), [0, 0, 0], runs=runs)
    pd.testing.assert_frame_equal(of_lists, found)
    with pytest.raises(DataError, match="an evaluation by run without runs needs the run"):
        evaluate_by_run(detector, X, [0, 0, 0])


class NotFinite(Mean):
    def score_samples(self, X):
        return np.where(np.asarray(X)[:, 0] < 1, np.nan, 0.0)


def test_a_score_may_be_missing_only_where_the_detector_abstains():
    X = np.array([[-1.0], [2.0]])
    found = evaluate_by_run(NotFinite().fit([[0.0]]), X, learn="all", runs=[1, 1])
    assert found["prediction"].tolist() == [0, 1]
    assert found["learned"].tolist() == [False, True]
    with pytest.raises(DataError, match="NotFinite gives the score nan to 1 rows"):
        evaluate_by_run(NotFinite().fit([[0.0]]), X + 1.5, learn="all", runs=[1, 1])


@pytest.mark.parametrize(
    ("detector", "arguments", "error", "message"),
    [
        (Mean(), {}, UsageError, "this Mean is not fitted, .* fit it on good rows of earlier runs"),
        (Mean().fit([[0.0]]), {"learn": "bad"}, UsageError, "learn='bad'; expected one of 'good'"),
        (Mean().fit([[0.0]]), {"y": None}, DataError, "learn='good' needs the labels y"),
        (Mean().fit([[0.0]]), {"y": [0]}, DataError, r"y_true has the shape \(1,\)"),
        (Mean().fit([[0.0]]), {"y": [0, 2]}, DataError, "y_true holds 0, 2"),
        (Mean().fit([[0.0]]), {"runs": [1]}, DataError, r"runs have the shape \(1,\)"),
        (IsolationForest(), {}, UsageError, "IsolationForest has no partial_fit"),
    ],
)
def test_what_cannot_be_evaluated_is_named(detector, arguments, error, message):
    right = {"y": [0, 1], "runs": [1, 2]}
    with pytest.raises(error, match=message):
        evaluate_by_run(detector, np.zeros((2, 1)), **{**right, **arguments})


def test_a_detector_that_cannot_learn_is_evaluated_frozen():
    X = np.arange(20.0)[:, None]
    detector = IsolationForest(random_state=0).fit(X)
    found = evaluate_by_run(detector, X, learn="none", runs=np.repeat([1, 2], 10))
    np.testing.assert_allclose(found["anomaly_score"], -detector.score_samples(X))
    assert not found["learned"].any()
