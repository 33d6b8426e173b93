"""Scorers: right for both label conventions, and at home in scikit-learn's model selection."""

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm import metrics
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import (
    anomaly_average_precision_scorer,
    anomaly_roc_auc_scorer,
    background_rejection,
    evaluate_labels,
    evaluate_scores,
    false_discovery_rate,
    get_anomaly_scorer,
    get_anomaly_scorer_names,
    make_anomaly_scorer,
)


class Distance(BaseEstimator):
    """A detector in scikit-learn's signs: the further from 0, the lower the score."""

    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        return -np.abs(np.asarray(X)[:, 0])

    def predict(self, X):
        return np.where(self.score_samples(X) < -3, -1, 1)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(90, 2)), rng.normal(6, 1, size=(10, 2))])
    return X, np.repeat([0, 1], [90, 10])


@pytest.mark.parametrize("scorer", [anomaly_roc_auc_scorer, anomaly_average_precision_scorer])
def test_a_perfect_detector_gets_one_where_scikit_learns_scorer_gets_zero(scorer):
    X, y = np.array([[0.1], [-0.2], [9.0]]), np.array([0, 0, 1])
    assert scorer(Distance(), X, y) == 1.0
    assert roc_auc_score(y, Distance().score_samples(X)) == 0.0


@pytest.mark.parametrize(("normal", "anomaly"), [(0, 1), (1, -1), (-1, 1), ("good", "bad")])
def test_any_pair_of_labels_gives_the_same_score(data, normal, anomaly):
    X, y = data
    scorer = make_anomaly_scorer(roc_auc_score, anomaly_label=anomaly)
    labels = np.where(y == 1, anomaly, normal)
    assert scorer(Distance(), X, labels) == anomaly_roc_auc_scorer(Distance(), X, y)


def test_labels_other_than_the_anomaly_count_as_normal():
    X, labels = np.array([[0.0], [1.0], [5.0], [9.0]]), [0, 1, 2, 2]
    scorer = make_anomaly_scorer(roc_auc_score, anomaly_label=2)
    assert scorer(Distance(), X, labels) == 1.0


def test_a_metric_to_minimise_is_negated(data):
    X, y = data
    scorer = make_anomaly_scorer(false_discovery_rate, greater_is_better=False)
    assert scorer(Distance(), X, y) == -false_discovery_rate(y, -Distance().score_samples(X))


def test_metric_arguments_go_in_with_partial(data):
    X, y = data
    scorer = make_anomaly_scorer(partial(background_rejection, signal_efficiency=0.5))
    expected = background_rejection(y, -Distance().score_samples(X), signal_efficiency=0.5)
    assert scorer(Distance(), X, y) == expected


def test_grid_search_finds_the_better_detector(data):
    X, y = data
    search = GridSearchCV(
        make_pipeline(StandardScaler(), IsolationForest(random_state=0)),
        {"isolationforest__n_estimators": [1, 30]},
        scoring=anomaly_roc_auc_scorer,
        cv=StratifiedKFold(2),
    ).fit(X, y)
    assert search.best_params_ == {"isolationforest__n_estimators": 30}
    assert search.score(X, y) > 0.95


def test_cross_validate_takes_several_scorers(data):
    found = cross_validate(
        Distance(),
        *data,
        scoring={"auc": anomaly_roc_auc_scorer, "ap": anomaly_average_precision_scorer},
        cv=StratifiedKFold(2),
        error_score="raise",
    )
    assert found["test_auc"].mean() > 0.95
    assert found["test_ap"].shape == (2,)


def test_a_scorer_survives_pickling(data):
    scorer = pickle.loads(pickle.dumps(make_anomaly_scorer(roc_auc_score, anomaly_label=-1)))
    X, y = data
    assert scorer(Distance(), X, np.where(y == 1, -1, 1)) > 0.95


@pytest.mark.parametrize("labels", [[0, 1], [-1, -1], []])
def test_an_absent_class_is_an_error_that_names_what_was_looked_for(labels):
    scorer = make_anomaly_scorer(roc_auc_score, anomaly_label=-1)
    with pytest.raises(DataError, match=r"both anomalies \(anomaly_label=-1\) and normal"):
        scorer(Distance(), np.zeros((len(labels), 1)), labels)


def test_an_estimator_without_anomaly_scores_is_refused(data):
    X, y = data
    with pytest.raises(UsageError, match="LinearRegression has no score_samples"):
        anomaly_roc_auc_scorer(LinearRegression().fit(X, y), X, y)


def test_a_metric_that_cannot_be_called_is_refused():
    with pytest.raises(UsageError, match="got 'roc_auc'"):
        make_anomaly_scorer("roc_auc")


def test_every_name_is_that_of_a_scorer():
    scorers = {f"anomaly_{name}_scorer" for name in get_anomaly_scorer_names()}
    assert scorers == {name for name in metrics.__all__ if name.startswith("anomaly_")}
    for name in get_anomaly_scorer_names():
        assert get_anomaly_scorer(name) is getattr(metrics, f"anomaly_{name}_scorer")


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(UsageError, match=r"no scorer is called 'auc'; expected .*max_sic.*roc_auc"):
        get_anomaly_scorer("auc")


def test_ready_made_scorers_give_the_figures_of_their_names(data):
    X, y = data
    detector = Distance()
    score = -detector.score_samples(X)
    figures = {**evaluate_scores(y, score), **evaluate_labels(y, detector.predict(X))}
    figures["false_discovery_rate"] = -figures.pop("fdr_99")
    for other, name in {
        "background_rejection_30": "background_rejection",
        "signal_efficiency_1pct": "signal_efficiency",
        "partial_roc_auc_10pct": "partial_roc_auc",
    }.items():
        figures[name] = figures.pop(other)
    found = {name: get_anomaly_scorer(name)(detector, X, y) for name in get_anomaly_scorer_names()}
    assert found == pytest.approx({name: figures[name] for name in found})


@pytest.mark.parametrize("name", get_anomaly_scorer_names())
def test_a_ready_made_scorer_prefers_the_better_detector(data, name):
    X, y = data
    scorer = pickle.loads(pickle.dumps(get_anomaly_scorer(name)))

    class Inverted(Distance):
        def score_samples(self, X):
            return -np.abs(np.asarray(X)[:, 0] - 6)

    assert scorer(Distance(), X, y) > scorer(Inverted(), X, y)


def test_grid_search_takes_scorers_of_flags(data):
    X, y = data
    scoring = {name: get_anomaly_scorer(name) for name in ("f1", "recall", "max_sic")}
    search = GridSearchCV(
        IsolationForest(random_state=0),
        {"contamination": [0.01, 0.1, 0.5]},
        scoring=scoring,
        refit="f1",
        cv=StratifiedKFold(2),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"contamination": 0.1}


def test_a_detector_that_flags_nothing_scores_zero_without_a_warning(data):
    class Silent(Distance):
        def predict(self, X):
            return np.ones(len(X), dtype=int)

    for name in ("precision", "recall", "f1"):
        assert get_anomaly_scorer(name)(Silent(), *data) == 0.0


def test_predictions_of_a_classifier_are_refused(data):
    class Classifier(Distance):
        def predict(self, X):
            return np.arange(len(X)) % 2

    with pytest.raises(DataError, match="y_pred holds 0, 1; predictions must be -1"):
        get_anomaly_scorer("f1")(Classifier(), *data)


def test_an_estimator_that_cannot_predict_is_refused(data):
    with pytest.raises(UsageError, match="StandardScaler has no predict"):
        get_anomaly_scorer("f1")(StandardScaler().fit(data[0]), *data)


def test_another_response_method_is_refused():
    with pytest.raises(UsageError, match="response_method='predict_proba'; expected one of"):
        make_anomaly_scorer(roc_auc_score, response_method="predict_proba")
