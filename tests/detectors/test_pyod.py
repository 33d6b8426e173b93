"""Models of PyOD behind scikit-learn's promises, and those that cannot keep them."""

import copy
import os
import pickle
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.base import BaseDetector
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.inne import INNE
from pyod.models.knn import KNN
from pyod.models.lscp import LSCP
from pyod.models.sampling import Sampling
from pyod.models.vae import VAE
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.datasets import make_detector_data
from skdqm.detectors import PyODDetector, as_pyod
from skdqm.detectors._contain import contained
from skdqm.exceptions import MissingDependencyError, UsageError
from skdqm.metrics import anomaly_roc_auc_scorer

READINGS, FAULTY = make_detector_data(500, n_channels=8, fault_fraction=0.1, random_state=0)
X = READINGS.to_numpy()
TRAIN, TEST, Y = X[:300], X[300:], FAULTY[300:]


def called(model: Any) -> str:
    """Return a short name of a model that is given as name, class or instance."""
    return str(getattr(model, "__name__", model)).partition("(")[0]


with contained():  # a neural model of PyOD seeds the whole process when it is made
    NEURAL = AutoEncoder(epoch_num=2, batch_size=4)
    SAMPLER = VAE(epoch_num=2, batch_size=32)

CHECKED = [
    PyODDetector(model, random_state=0)
    for model in (
        "COPOD",
        "ECOD",
        "GMM",
        "KDE",
        "LODA",
        "LOF",
        "MCD",
        "OCSVM",
        "PCA",
        KNN,
        INNE(n_estimators=10, max_samples=8),
        Sampling(subset_size=8),
        NEURAL,
    )
]
SELECTORS = LSCP([KNN(n_neighbors=2), KNN(n_neighbors=3)], n_bins=2, random_state=0)
SELECTORS_OF_ANOTHER_KIND = LSCP([KNN(n_neighbors=2), ECOD()], n_bins=2, random_state=0)
# Models that PyOD scores differently in other company, for different reasons.
DEPENDENT = [
    "ECOD",
    "COPOD",
    "GMM",
    "KPCA",
    NEURAL,
    SAMPLER,
    SELECTORS,
    SELECTORS_OF_ANOTHER_KIND,
]


@parametrize_with_checks(CHECKED)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("model", DEPENDENT, ids=called)
def test_a_score_does_not_depend_on_the_batch_to_the_bit(model: Any) -> None:
    detector, rows = PyODDetector(model, random_state=0).fit(TRAIN[:100]), TEST[:30]
    together = detector.score_samples(rows)
    alone = np.concatenate([detector.score_samples(row[None]) for row in rows])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(detector.score_samples(rows[::-1]), together[::-1])
    np.testing.assert_array_equal(detector.score_samples(TEST)[:30], together)


@pytest.mark.parametrize("model", ["ECOD", "COPOD", "KNN", "IForest", "PCA", "AutoEncoder"])
def test_what_is_abnormal_scores_low(model: str) -> None:
    detector = PyODDetector(model, contamination=0.05, random_state=0).fit(TRAIN)
    assert roc_auc_score(Y, -detector.score_samples(TEST)) > 0.75
    assert (detector.predict(TRAIN) == -1).sum() == 15


@pytest.mark.parametrize("found", ["KNN", "knn", KNN, KNN(), KNN(contamination=0.3)], ids=called)
def test_a_name_a_class_and_an_instance_are_the_same_model(found: Any) -> None:
    expected = -KNN().fit(TRAIN).decision_function(TEST)
    detector = PyODDetector(found).fit(TRAIN)
    np.testing.assert_array_equal(detector.score_samples(TEST), expected)


@pytest.mark.parametrize("cls", [ECOD, COPOD])
@pytest.mark.parametrize("tail", [-1, 0, 1])
def test_tails_of_a_row_alone_are_those_of_pyod(cls: Any, tail: int) -> None:
    rng = np.random.default_rng(0)
    rows = (
        rng.normal(size=(200, 3)) if tail == 0 else tail * rng.exponential(size=(200, 3)).round(1)
    )
    new = np.concatenate([rows[:30], rng.normal(size=(30, 3)) * 2, [[9, -9, 9]]])
    model = cls().fit(rows)
    expected = np.concatenate([model.decision_function(row[None]) for row in new])
    scores = -PyODDetector(cls).fit(rows).score_samples(new)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_the_given_model_is_never_changed() -> None:
    model = KNN(n_neighbors=3)
    before = pickle.dumps(model)
    detector = PyODDetector(model).fit(TRAIN)
    assert pickle.dumps(model) == before
    assert detector.model is model
    assert detector.model_ is not model


def test_models_inside_a_model_are_not_changed_either() -> None:
    PyODDetector(SELECTORS, random_state=0).fit(TRAIN)
    assert not any(hasattr(member, "decision_scores_") for member in SELECTORS.detector_list)


def test_parameters_set_later_reach_the_fit() -> None:
    # PyOD's KNN builds its search when it is made, with the neighbours of that moment.
    detector = PyODDetector(KNN()).set_params(model__n_neighbors=2).fit(TRAIN)
    expected = PyODDetector(KNN(n_neighbors=2)).fit(TRAIN).score_samples(TEST)
    np.testing.assert_array_equal(detector.score_samples(TEST), expected)


def test_parameters_of_the_model_are_searched_over_a_grid() -> None:
    split = PredefinedSplit(np.repeat([-1, 0], [len(TRAIN), len(TEST)]))
    grid = {"model__n_neighbors": [1, 40]}
    detector = PyODDetector(KNN())
    search = GridSearchCV(detector, grid, scoring=anomaly_roc_auc_scorer, cv=split).fit(X, FAULTY)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    assert search.best_estimator_.model_.n_neighbors == search.best_params_["model__n_neighbors"]


@pytest.mark.parametrize("model", [NEURAL, SAMPLER, Sampling(), "INNE"], ids=called)
def test_a_seed_reproduces_to_the_bit_and_another_seed_does_not(model: Any) -> None:
    first, again, other = (
        PyODDetector(model, random_state=seed).fit(TRAIN).score_samples(TEST) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_process_is_left_as_it_was(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    generators = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    PyODDetector("VAE", random_state=0).fit(TRAIN[:64]).score_samples(TEST[:5])
    assert random.getstate() == generators[0]
    np.testing.assert_array_equal(np.random.get_state()[1], generators[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), generators[2])
    assert "PYTHONHASHSEED" not in os.environ
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("model", [NEURAL, SAMPLER, "ECOD", KNN, SELECTORS], ids=called)
def test_copies_score_the_same_to_the_bit(model: Any) -> None:
    detector = PyODDetector(model, random_state=0).fit(TRAIN)
    expected = detector.score_samples(TEST[:50])
    twins = [
        pickle.loads(pickle.dumps(detector)),
        copy.deepcopy(detector),
        clone(detector).fit(TRAIN),
    ]
    for twin in twins:
        np.testing.assert_array_equal(twin.score_samples(TEST[:50]), expected)


@pytest.mark.parametrize("model", ["KNN", "GMM", "PCA", "ECOD", NEURAL], ids=called)
def test_extreme_rows_get_finite_scores_not_above_any_other(model: Any) -> None:
    detector = PyODDetector(model, random_state=0).fit(TRAIN)
    extreme = np.array([[1e300], [-1e300], [1e30]]) * np.ones((1, X.shape[1]))
    scores = detector.score_samples(extreme)
    assert np.isfinite(scores).all()
    assert scores.max() <= detector.score_samples(TEST).min()


REFUSED = {
    "COF": "other rows of the same table",
    "loci": "other rows of the same table",
    "DIF": "standardises every table",
    "CD": "leverage",
    "DevNet": "labels",
    "XGBOD": "labels",
    "EmbeddingOD": "texts or images",
    "MyModel": "no model for tables called 'MyModel'; there are ABOD, .*VAE",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_without_scores_of_single_rows_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[name]):
        PyODDetector(name).fit(TRAIN)


def test_classes_and_instances_are_refused_as_names_are() -> None:
    from pyod.models.sos import SOS
    from pyod.models.ts_spectral_residual import SpectralResidual

    for model in (SOS, SOS()):
        with pytest.raises(UsageError, match="SOS scores rows only by the other rows"):
            PyODDetector(model).fit(TRAIN)
    with pytest.raises(UsageError, match="takes time series"):
        PyODDetector(SpectralResidual).fit(TRAIN)


def test_a_model_of_models_is_refused_with_a_member_that_would_be() -> None:
    from pyod.models.cof import COF

    with pytest.raises(UsageError, match="COF scores rows only by the other rows"):
        PyODDetector(LSCP([KNN(), COF()], n_bins=2)).fit(TRAIN)


def test_a_detector_of_scikit_learn_is_refused_for_its_sign() -> None:
    with pytest.raises(UsageError, match="not a model of PyOD"):
        PyODDetector(IsolationForest()).fit(TRAIN)


def test_a_model_that_cannot_learn_from_the_rows_says_so() -> None:
    with pytest.raises(UsageError, match="Sampling cannot learn from 10 samples"):
        PyODDetector("Sampling").fit(TRAIN[:10])


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pyod.models.feature_bagging", raising=False)
    monkeypatch.delitem(sys.modules, "pyod.models.combination", raising=False)
    for name in [each for each in sys.modules if each.startswith("combo.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "combo", None)
    with pytest.raises(MissingDependencyError, match="needs the package 'combo'"):
        PyODDetector("FeatureBagging").fit(TRAIN)


class Strangers(BaseDetector):
    """A model of somebody else, which scores rows by the mean of all that come with them."""

    def __init__(self, contamination: float = 0.1) -> None:
        super().__init__(contamination=contamination)

    def fit(self, X: Any, y: object = None) -> Any:
        self.mean_ = X.mean(axis=0)
        return self

    def decision_function(self, X: Any) -> Any:
        return np.abs(X - self.mean_).sum(axis=1) + len(X)


def test_an_unknown_model_scores_row_by_row() -> None:
    detector = PyODDetector(Strangers).fit(TRAIN)
    expected = -np.abs(TEST - TRAIN.mean(axis=0)).sum(axis=1) - 1
    np.testing.assert_allclose(detector.score_samples(TEST), expected)


def test_there_and_back_is_the_same_detector() -> None:
    inner = PyODDetector("PCA", random_state=0)
    detector = PyODDetector(as_pyod(inner), random_state=0).fit(TRAIN)
    expected = inner.fit(TRAIN).score_samples(TEST)
    np.testing.assert_array_equal(detector.score_samples(TEST), expected)


def test_importing_the_detectors_does_not_import_pyod() -> None:
    code = "import sys, skdqm.detectors; print([m for m in sys.modules if m.startswith('pyod')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
