"""The ensemble: any members, soft and hard votes, nested parameters."""

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyod.models.hbos import HBOS
from sklearn.base import clone
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression, SGDOneClassSVM
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector, HistogramDetector, NeighborsDetector
from skdqm.ensemble import AutoDetector, EnsembleDetector, default_detectors
from skdqm.exceptions import TrainingError, UsageError
from skdqm.metrics import anomaly_roc_auc_scorer
from skdqm.persistence import load, save
from skdqm.preprocessing import NormalScores

FRAME, Y = make_detector_data(600, n_channels=6, fault_fraction=0.1, random_state=0)
ROWS = FRAME.to_numpy()
X, X_TEST, Y_TEST = ROWS[Y == 0][:300], ROWS[300:], Y[300:]


def quick(**parameters: Any) -> EnsembleDetector:
    members = [
        ("forest", IsolationForest(n_estimators=20)),
        ("histogram", HistogramDetector()),
        ("neighbors", NeighborsDetector()),
    ]
    return EnsembleDetector(members, **{"random_state": 0, "contamination": 0.05, **parameters})


def learners(**parameters: Any) -> EnsembleDetector:
    scaled = make_pipeline(StandardScaler(), SGDOneClassSVM(random_state=0))
    members = [("histogram", HistogramDetector()), ("svm", scaled)]
    return EnsembleDetector(members, **{"random_state": 0, **parameters})


@parametrize_with_checks(
    [
        quick(voting="hard", contamination=0.01),
        quick(scale="rank", combination="max", weights=[1, 2, 3]),
        learners(scale="standard"),
    ]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("scale", ["p_value", "rank", "standard"])
@pytest.mark.parametrize(
    "vote", [{"voting": "hard"}, {"combination": "mean"}, {"combination": "max"}]
)
def test_every_vote_on_every_scale_finds_faults(scale: str, vote: dict[str, Any]) -> None:
    ensemble = quick(scale=scale, **vote).fit(X)
    assert roc_auc_score(Y_TEST, -ensemble.score_samples(X_TEST)) > 0.8


def test_a_hard_vote_flags_what_most_members_flag_also_when_calibrated() -> None:
    ensemble = quick(voting="hard").fit(X)
    for fitted in (ensemble, ensemble.calibrate(X, alarm_rate=0.1)):
        flags = (fitted.member_predictions(X_TEST) == -1).sum(axis=1)
        np.testing.assert_array_equal(fitted.predict(X_TEST) == -1, flags >= 2)


def test_member_scores_are_what_is_combined() -> None:
    ensemble = quick(weights=[2, 1, 1]).fit(X)
    scores = ensemble.member_scores(X_TEST)
    np.testing.assert_allclose(ensemble.score_samples(X_TEST), scores @ [0.5, 0.25, 0.25])
    assert list(ensemble.named_detectors_) == ["forest", "histogram", "neighbors"]


def test_agreement_is_cohens_kappa_of_the_flags() -> None:
    ensemble = quick().fit(X)
    labels, kappa = ensemble.member_predictions(X_TEST), ensemble.agreement(X_TEST)
    assert kappa.shape == (3, 3)
    np.testing.assert_array_equal(kappa, kappa.T)
    np.testing.assert_array_equal(np.diag(kappa), 1)
    assert kappa[0, 1] == pytest.approx(cohen_kappa_score(labels[:, 0], labels[:, 1]))


def test_agreement_of_members_that_flag_nothing_is_complete() -> None:
    ensemble = quick().fit(X)
    ensemble.offset_ = -np.inf
    np.testing.assert_array_equal(ensemble.agreement(X_TEST), 1)


def test_the_default_is_four_detectors_that_a_model_file_keeps(tmp_path: Path) -> None:
    ensemble = EnsembleDetector(random_state=0).fit(X)
    assert list(ensemble.named_detectors_) == [name for name, _ in default_detectors()]
    save(ensemble, tmp_path / "model")
    twin = load(tmp_path / "model")
    np.testing.assert_array_equal(twin.member_scores(X_TEST), ensemble.member_scores(X_TEST))
    np.testing.assert_array_equal(twin.feature_scores(X_TEST), ensemble.feature_scores(X_TEST))


def test_members_come_from_scikit_learn_pyod_and_pipelines() -> None:
    members = [
        ("svm", make_pipeline(StandardScaler(), OneClassSVM())),
        ("factor", LocalOutlierFactor(novelty=True)),
        ("envelope", EllipticEnvelope()),
        ("pyod", HBOS()),
    ]
    ensemble = EnsembleDetector(members, random_state=0).fit(X)
    for scores in ensemble.member_scores(X_TEST).T:
        assert roc_auc_score(Y_TEST, -scores) > 0.6
    assert not hasattr(ensemble, "feature_scores")
    assert members[3][1].__dict__.get("decision_scores_") is None  # the given model stays as it was


def test_a_pyod_model_at_the_end_of_a_pipeline_has_scikit_learns_signs() -> None:
    piped = EnsembleDetector([("pyod", make_pipeline(StandardScaler(), HBOS()))]).fit(X)
    plain = EnsembleDetector([("pyod", HBOS())]).fit(X)
    found, expected = (
        roc_auc_score(Y_TEST, -each.score_samples(X_TEST)) for each in (piped, plain)
    )
    assert found == pytest.approx(expected, abs=0.1)
    assert expected > 0.6


def test_a_score_does_not_depend_on_the_batch_whatever_the_pipeline() -> None:
    members = [
        ("ours", make_pipeline(StandardScaler(), NormalScores(), HistogramDetector())),
        ("theirs", make_pipeline(PCA(3), NeighborsDetector())),
        ("frames", make_pipeline(StandardScaler(), OneClassSVM()).set_output(transform="pandas")),
    ]
    ensemble = EnsembleDetector(members).fit(X)
    together = ensemble.score_samples(X_TEST)
    alone = np.concatenate([ensemble.score_samples(row[None]) for row in X_TEST])
    np.testing.assert_array_equal(alone, together)


def test_ensembles_and_blends_are_members_and_survive_a_model_file(tmp_path: Path) -> None:
    members = [("inner", quick()), ("auto", AutoDetector(max_epochs=1)), ("pyod", HBOS())]
    ensemble = EnsembleDetector(members, random_state=0).fit(X)
    ensemble.set_params(inner__neighbors__n_neighbors=1, pyod__n_bins=5)  # after the fit
    save(ensemble, tmp_path / "model")
    for twin in (
        load(tmp_path / "model"),
        pickle.loads(pickle.dumps(ensemble)),
        deepcopy(ensemble),
    ):
        np.testing.assert_array_equal(twin.score_samples(X_TEST), ensemble.score_samples(X_TEST))
        assert clone(twin).get_params()["inner__neighbors__n_neighbors"] == 1


def test_members_fitted_in_processes_are_the_same_to_the_bit() -> None:
    expected = quick().fit(X).score_samples(X_TEST)
    np.testing.assert_array_equal(quick(n_jobs=2).fit(X).score_samples(X_TEST), expected)


def test_parameters_of_members_can_be_set_and_searched() -> None:
    ensemble = quick()
    ensemble.set_params(neighbors__n_neighbors=3, forest=HistogramDetector(n_bins=7))
    parameters = ensemble.get_params()
    assert parameters["neighbors__n_neighbors"] == 3
    assert parameters["forest__n_bins"] == 7
    split = PredefinedSplit(np.repeat([-1, 0], [len(X), len(X_TEST)]))
    labels = np.concatenate([np.zeros(len(X)), Y_TEST])
    grid = {"neighbors__n_neighbors": [1, 5], "voting": ["soft", "hard"]}
    search = GridSearchCV(quick(), grid, scoring=anomaly_roc_auc_scorer, cv=split)
    assert search.fit(np.concatenate([X, X_TEST]), labels).best_score_ > 0.8


def test_a_seed_reaches_members_that_have_none_and_no_others() -> None:
    def scores(seed: int, own: int | None) -> Any:
        members = [("forest", IsolationForest(n_estimators=20, random_state=own))]
        return EnsembleDetector(members, random_state=seed).fit(X).score_samples(X_TEST)

    assert not np.array_equal(scores(0, None), scores(1, None))
    np.testing.assert_array_equal(scores(0, 7), scores(1, 7))


def test_it_learns_where_all_members_do_and_a_pipeline_keeps_its_transformers() -> None:
    assert not hasattr(quick(), "partial_fit")
    ensemble = learners().partial_fit(X)
    means = ensemble.named_detectors_["svm"][0].mean_
    before = ensemble.member_scores(X_TEST)
    ensemble.partial_fit(X + 0.5)
    assert not np.array_equal(ensemble.member_scores(X_TEST), before)
    np.testing.assert_array_equal(ensemble.named_detectors_["svm"][0].mean_, means)


@pytest.mark.parametrize(
    "steps",
    [
        [
            StandardScaler(),
            FunctionTransformer(),
        ],  # the last transformer needs no fit, the first does
        ["passthrough"],
        [],
        [StandardScaler().set_output(transform="pandas")],
    ],
)
def test_any_pipeline_learns_in_blocks(steps: list[Any]) -> None:
    piped = make_pipeline(*steps, SGDOneClassSVM(random_state=0))
    ensemble = EnsembleDetector([("piped", piped)], random_state=0).partial_fit(X)
    before = ensemble.member_scores(X_TEST)
    ensemble.partial_fit(X + 0.5)
    assert not np.array_equal(ensemble.member_scores(X_TEST), before)


class Refusing(HistogramDetector):
    """A detector whose second block fails."""

    def _partial_fit(self, X: Any) -> None:
        if hasattr(self, "counts_"):
            raise TrainingError("enough")
        super()._partial_fit(X)


def test_a_member_that_fails_leaves_all_members_as_they_were() -> None:
    members = [("histogram", HistogramDetector()), ("refusing", Refusing())]
    ensemble = EnsembleDetector(members, random_state=0).partial_fit(X)
    before = ensemble.member_scores(X_TEST)
    with pytest.raises(TrainingError, match="enough"):
        ensemble.partial_fit(X + 1)
    np.testing.assert_array_equal(ensemble.member_scores(X_TEST), before)


def test_what_scores_mean_does_not_change_after_the_fit() -> None:
    ensemble = quick().fit(X)
    before = ensemble.score_samples(X_TEST)
    ensemble.set_params(voting="hard", scale="rank", weights=[1, 0, 0])
    np.testing.assert_array_equal(ensemble.score_samples(X_TEST), before)


def test_a_feature_is_named_by_the_members_that_localise() -> None:
    faulty = X.copy()
    faulty[:, 2] *= 2
    found = quick().fit(X).feature_scores(faulty)
    assert (found.argmax(axis=1) == 2).mean() > 0.95


def test_members_localise_in_units_of_their_own() -> None:
    # The feature scores of a histogram have the mean 0, and those of neighbours grow with units.
    together = EnsembleDetector(
        [("histogram", HistogramDetector()), ("neighbors", NeighborsDetector())]
    ).fit(X)
    members = [each.feature_scores(X) for each in together.detectors_]
    expected = np.mean([each / np.abs(each).mean() for each in members], axis=0)
    # The units come from some of the rows.
    np.testing.assert_allclose(together.feature_scores(X), expected, rtol=0.2, atol=0.2)


def test_features_of_which_none_ever_varied_are_localised() -> None:
    ensemble = EnsembleDetector([("neighbors", NeighborsDetector())]).fit(np.ones((30, 3)))
    found = ensemble.feature_scores(np.array([[1.0, 2.0, 1.0]]))
    np.testing.assert_array_equal(found.argmax(axis=1), 1)


class Undefined(HistogramDetector):
    """A detector without a score for some rows."""

    def score_samples(self, X: Any) -> Any:
        return np.where(np.arange(len(X)) > 3, super().score_samples(X), np.nan)


def test_a_member_that_gives_no_finite_scores_is_named() -> None:
    members = [("histogram", HistogramDetector()), ("undefined", Undefined())]
    with pytest.raises(TrainingError, match="'undefined' gives scores that are not finite"):
        EnsembleDetector(members).fit(X)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([], "at least one"),
        ([IsolationForest()], "list of"),
        ([(1, IsolationForest())], "list of"),
        ([("forest", IsolationForest)], r"is the class IsolationForest; give an object"),
        ([("linear", LinearRegression())], "'linear' is no outlier detector"),
        ([("factor", LocalOutlierFactor())], "novelty=True"),
        ([("a", IsolationForest()), ("a", IsolationForest())], "not unique"),
        ([("a__b", IsolationForest())], "__"),
    ],
)
def test_members_that_do_not_fit_are_refused(members: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        EnsembleDetector(members).fit(X)


@pytest.mark.parametrize("weights", [[1, 2], [0, 0, 0], [1, -1, 1], ["a", 1, 1], [np.nan, 1, 1]])
def test_weights_that_do_not_fit_are_refused(weights: Any) -> None:
    with pytest.raises(UsageError, match="weights must hold"):
        quick(weights=weights).fit(X)


def test_a_clone_has_its_own_members() -> None:
    ensemble = quick()
    twin = clone(ensemble)
    twin.set_params(neighbors__n_neighbors=1)
    assert ensemble.get_params()["neighbors__n_neighbors"] == 5


def test_members_of_other_packages_score_extremes() -> None:
    members = [("envelope", EllipticEnvelope()), ("net", AutoencoderDetector(max_epochs=2))]
    ensemble = EnsembleDetector(members, random_state=0).fit(X)
    assert np.isfinite(ensemble.score_samples(np.full((1, X.shape[1]), 1e300))).all()
