"""Detectors as models of PyOD: PyOD's own tools take them and combine them."""

import pickle
from typing import Any

import numpy as np
import pytest
from pyod.models.base import BaseDetector
from pyod.models.knn import KNN
from pyod.models.lscp import LSCP
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.svm import OneClassSVM

from skdqm.datasets import make_detector_data
from skdqm.detectors import PyODDetector, VAEDetector, as_pyod
from skdqm.exceptions import UsageError

READINGS, FAULTY = make_detector_data(500, n_channels=8, fault_fraction=0.1, random_state=0)
X = READINGS.to_numpy()
TRAIN, TEST, Y = X[:300], X[300:], FAULTY[300:]

DETECTORS = [
    VAEDetector(hidden_layer_sizes=(16,), max_epochs=3, random_state=0),
    PyODDetector("ECOD"),
    IsolationForest(n_estimators=20, random_state=0),
    OneClassSVM(),
]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: type(detector).__name__)
def test_it_keeps_what_pyod_promises_of_its_models(detector: Any) -> None:
    model = as_pyod(detector, contamination=0.05)
    assert isinstance(model, BaseDetector)
    model.fit(TRAIN)
    assert model.labels_.sum() == 15
    np.testing.assert_array_equal(model.decision_scores_ > model.threshold_, model.labels_ == 1)
    np.testing.assert_array_equal(model.decision_function(TRAIN), model.decision_scores_)
    scores = -clone(detector).fit(TRAIN).score_samples(TEST)
    np.testing.assert_array_equal(model.decision_function(TEST), scores)
    np.testing.assert_array_equal(model.predict(TEST), scores > model.threshold_)
    assert set(model.predict(TEST)) == {0, 1}
    chance = model.predict_proba(TEST)
    assert chance.shape == (len(TEST), 2)
    assert roc_auc_score(Y, chance[:, 1]) == pytest.approx(roc_auc_score(Y, scores), abs=0.05)


def test_the_given_detector_is_left_as_it_is() -> None:
    detector = IsolationForest(random_state=0)
    as_pyod(detector).fit(TRAIN)
    assert not hasattr(detector, "estimators_")


def test_it_can_be_cloned_searched_and_pickled() -> None:
    model = as_pyod(PyODDetector(KNN(), random_state=0))
    model.set_params(detector__model__n_neighbors=2)
    twin = clone(model).fit(TRAIN)
    assert twin.detector_.model_.n_neighbors == 2
    back = pickle.loads(pickle.dumps(twin))
    np.testing.assert_array_equal(back.decision_function(TEST), twin.decision_function(TEST))


@pytest.mark.filterwarnings("ignore:Local region size:UserWarning")
def test_lscp_of_pyod_selects_among_them() -> None:
    members = [as_pyod(detector) for detector in DETECTORS[1:]]
    ensemble = LSCP([*members, KNN()], n_bins=3, random_state=0).fit(TRAIN)
    assert roc_auc_score(Y, ensemble.decision_function(TEST)) > 0.75


def test_feature_bagging_of_pyod_repeats_it() -> None:
    pytest.importorskip("combo")
    from pyod.models.feature_bagging import FeatureBagging

    base = as_pyod(IsolationForest(n_estimators=5))
    bagged = FeatureBagging(base, n_estimators=3, random_state=0).fit(TRAIN)
    seeds = {each.detector_.random_state for each in bagged.estimators_}
    assert len(seeds) == 3
    assert roc_auc_score(Y, bagged.decision_function(TEST)) > 0.75


@pytest.mark.parametrize("rule", ["average", "maximization", "median"])
def test_scores_are_combined_by_the_rules_of_pyod(rule: str) -> None:
    pytest.importorskip("combo")
    from pyod.models import combination
    from pyod.utils.utility import standardizer

    models = [as_pyod(detector).fit(TRAIN) for detector in DETECTORS]
    known, new = (
        np.stack([model.decision_function(rows) for model in models], axis=1)
        for rows in (TRAIN, TEST)
    )
    _, new = standardizer(known, new)
    assert roc_auc_score(Y, getattr(combination, rule)(new)) > 0.75


def test_suod_of_pyod_fits_them_side_by_side() -> None:
    pytest.importorskip("suod")
    from pyod.models.suod import SUOD

    members = [as_pyod(IsolationForest(random_state=seed)) for seed in range(3)]
    ensemble = SUOD(members, n_jobs=1, rp_flag_global=False).fit(TRAIN)
    assert roc_auc_score(Y, ensemble.decision_function(TEST)) > 0.75


@pytest.mark.parametrize("found", ["ECOD", IsolationForest, object()])
def test_what_cannot_score_is_refused(found: Any) -> None:
    with pytest.raises(UsageError, match="takes an outlier detector"):
        as_pyod(found)
