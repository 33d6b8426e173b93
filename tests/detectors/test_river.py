"""Anomaly models of river behind scikit-learn's promises, and those that cannot keep them."""

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from river import (
    anomaly,
    compose,
    feature_extraction,
    linear_model,
    neighbors,
    preprocessing,
    time_series,
)
from river.anomaly import LODA, HalfSpaceTrees, LocalOutlierFactor, OneClassSVM
from river.base import AnomalyDetector
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.datasets import make_detector_data
from skdqm.detectors import RiverDetector
from skdqm.exceptions import UsageError
from skdqm.metrics import anomaly_roc_auc_scorer

READINGS, FAULTY = make_detector_data(700, n_channels=8, fault_fraction=0.1, random_state=0)
X = READINGS.to_numpy()
TRAIN, TEST, Y = X[:400], X[400:], FAULTY[400:]
UNIT = (X - TRAIN.min(axis=0)) / (TRAIN.max(axis=0) - TRAIN.min(axis=0))

SCALED_TREES = preprocessing.MinMaxScaler() | HalfSpaceTrees(n_trees=5, height=5, window_size=10)
WITH_KERNEL = (
    preprocessing.StandardScaler()
    | feature_extraction.RBFSampler(n_components=20)
    | OneClassSVM(nu=0.1)
)
FOREST = HalfSpaceTrees(n_trees=50)
FILTERED = anomaly.QuantileFilter(SCALED_TREES.clone(), q=0.95)
MODELS = [
    None,
    SCALED_TREES,
    LODA(n_random_cuts=10),
    LocalOutlierFactor(engine=neighbors.LazySearch(window_size=30)),
    OneClassSVM(),
    WITH_KERNEL,
    FILTERED,
]


def called(model: Any) -> str:
    return str(getattr(model, "__name__", model))


def rows_of(values: Any) -> list[dict[int, float]]:
    return [dict(enumerate(row)) for row in values.tolist()]


@parametrize_with_checks([RiverDetector(model, random_state=0) for model in MODELS[:4]])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "make",
    [
        lambda seed: HalfSpaceTrees(seed=seed),
        lambda seed: preprocessing.MinMaxScaler() | HalfSpaceTrees(seed=seed),
        lambda seed: LODA(n_random_cuts=20, seed=seed),
        lambda seed: OneClassSVM(nu=0.1 + 0.1 * seed),
    ],
)
def test_scores_are_those_of_river_alone_to_the_bit(make: Any, seed: int) -> None:
    alone = make(seed)
    for x in rows_of(UNIT[:400]):
        alone.learn_one(x)
    detector = RiverDetector(make(seed), scale=False).fit(UNIT[:400])
    expected = [alone.score_one(x) for x in rows_of(UNIT[400:])]
    np.testing.assert_array_equal(-detector.score_samples(UNIT[400:]), expected)


def test_scaling_is_that_of_the_first_rows() -> None:
    model = HalfSpaceTrees(seed=0)
    scaled = RiverDetector(model).fit(X[:400]).partial_fit(X[400:] * 3)
    by_hand = RiverDetector(model, scale=False).fit(UNIT[:400])
    low, high = TRAIN.min(axis=0), TRAIN.max(axis=0)
    by_hand.partial_fit((X[400:] * 3 - low) / (high - low))
    np.testing.assert_array_equal(scaled.score_samples(X), by_hand.score_samples(UNIT))
    np.testing.assert_array_equal((scaled.low_, scaled.high_), (low, high))


@pytest.mark.parametrize("model", ["LODA", "localoutlierfactor", FOREST], ids=called)
def test_what_is_abnormal_scores_low(model: Any) -> None:
    detector = RiverDetector(model, contamination=0.05, random_state=0).fit(TRAIN[:260])
    assert roc_auc_score(Y[:60], -detector.score_samples(TEST[:60])) > 0.6
    assert (detector.predict(TRAIN[:100]) == -1).mean() < 0.2


@pytest.mark.parametrize("found", ["LODA", "loda", LODA, LODA()], ids=called)
def test_a_name_a_class_and_an_instance_are_the_same_model(found: Any) -> None:
    detector = RiverDetector(found, random_state=0).fit(TRAIN[:50])
    expected = RiverDetector("LODA", random_state=0).fit(TRAIN[:50]).score_samples(TEST[:20])
    np.testing.assert_array_equal(detector.score_samples(TEST[:20]), expected)


@pytest.mark.parametrize("model", MODELS, ids=called)
def test_blocks_are_learned_as_all_rows_at_once(model: Any) -> None:
    # The default model takes its window from the first block.
    at_once = RiverDetector(model, random_state=0).fit(X[:250]).partial_fit(X[250:400])
    detector = RiverDetector(model, random_state=0).partial_fit(X[:250])
    for start in range(250, 400, 10):
        detector.partial_fit(X[start : start + 10])
    np.testing.assert_array_equal(detector.score_samples(TEST[:9]), at_once.score_samples(TEST[:9]))
    assert detector.n_samples_seen_ == 400


@pytest.mark.parametrize("model", MODELS, ids=called)
def test_fit_starts_anew(model: Any) -> None:
    detector = RiverDetector(model, random_state=0)
    expected = detector.fit(TRAIN).score_samples(TEST[:9])
    again = detector.fit(2 * TRAIN[:200]).partial_fit(TRAIN).fit(TRAIN).score_samples(TEST[:9])
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("model", MODELS, ids=called)
def test_scoring_never_learns_and_no_row_depends_on_the_others(model: Any) -> None:
    detector = RiverDetector(model, random_state=0).fit(TRAIN)
    rows = TEST[:12]
    together = detector.score_samples(rows)
    alone = [detector.score_samples(row[None])[0] for row in rows]
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(detector.score_samples(rows[::-1]), together[::-1])


def test_a_model_that_changes_while_it_scores_is_asked_row_by_row() -> None:
    # Its search begins at places that it draws.
    engine = neighbors.SWINN(graph_k=5, maxlen=60, warm_up=20)
    detector = RiverDetector(LocalOutlierFactor(3, engine), random_state=0).fit(TRAIN[:100])
    before = pickle.dumps(detector.model_)
    first = detector.score_samples(TEST[:5])
    np.testing.assert_array_equal(detector.score_samples(TEST[4::-1]), first[::-1])
    assert pickle.dumps(detector.model_) == before


class Counts(AnomalyDetector):
    """A model of somebody else, which scores by how often it was asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def learn_one(self, x: Any) -> None:
        pass

    def score_one(self, x: Any) -> float:
        self.n_asked += 1
        return float(self.n_asked)


def test_a_model_of_somebody_else_is_not_trusted_to_stay_as_it_is() -> None:
    detector = RiverDetector(Counts()).fit(TRAIN[:20])
    np.testing.assert_array_equal(detector.score_samples(TEST), -np.ones(len(TEST)))


def test_the_given_model_is_never_changed() -> None:
    model = LODA()
    before = pickle.dumps(model)
    detector = RiverDetector(model).fit(TRAIN[:50])
    assert pickle.dumps(model) == before
    assert detector.model is model


def test_a_model_that_has_learned_before_starts_anew() -> None:
    model = HalfSpaceTrees(seed=0)
    expected = RiverDetector(model).fit(TRAIN).score_samples(TEST)
    for x in rows_of(TRAIN):
        model.learn_one(x)
    np.testing.assert_array_equal(RiverDetector(model).fit(TRAIN).score_samples(TEST), expected)


def test_models_are_searched_over_a_grid() -> None:
    split = PredefinedSplit(np.repeat([-1, 0], [len(TRAIN), len(TEST)]))
    grid = {"model": [HalfSpaceTrees(height=1, n_trees=1), LODA(n_random_cuts=20)]}
    detector = RiverDetector(random_state=0)
    search = GridSearchCV(detector, grid, scoring=anomaly_roc_auc_scorer, cv=split).fit(X, FAULTY)
    assert isinstance(search.best_estimator_.model_, LODA)


@pytest.mark.parametrize("model", [None, "LODA", SCALED_TREES, WITH_KERNEL, FILTERED], ids=called)
def test_a_seed_reproduces_to_the_bit_and_another_seed_does_not(model: Any) -> None:
    first, again, other = (
        RiverDetector(model, random_state=seed).fit(TRAIN).score_samples(TEST) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_seed_of_the_model_itself_stays() -> None:
    first, other = (
        RiverDetector(LODA(seed=7), random_state=seed).fit(TRAIN).score_samples(TEST)
        for seed in (1, 2)
    )
    np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("model", MODELS, ids=called)
def test_a_copy_goes_its_own_way(model: Any) -> None:
    detector = RiverDetector(model, random_state=0).fit(TRAIN)
    expected = detector.score_samples(TEST[:9])
    twins = [copy.copy(detector), copy.deepcopy(detector), pickle.loads(pickle.dumps(detector))]
    learned = [twin.partial_fit(3 * TRAIN[:250]).score_samples(TEST[:9]) for twin in twins]
    np.testing.assert_array_equal(detector.score_samples(TEST[:9]), expected)
    np.testing.assert_array_equal(learned[0], learned[1])
    np.testing.assert_array_equal(learned[0], learned[2])
    assert (learned[0] != expected).any()
    np.testing.assert_array_equal(clone(detector).fit(TRAIN).score_samples(TEST[:9]), expected)


class Fails(LODA):
    """A model that cannot learn what is far off, and notices late."""

    def learn_one(self, x: dict[Any, float]) -> None:
        super().learn_one(x)
        if max(x.values()) > 100:
            raise ArithmeticError("too far")


def test_learning_that_fails_leaves_the_detector_as_it_was() -> None:
    detector = RiverDetector(Fails(n_random_cuts=5), random_state=0).fit(TRAIN)
    expected = detector.score_samples(TEST)
    with pytest.raises(UsageError, match=r"Fails of river cannot learn.*ArithmeticError: too far"):
        detector.partial_fit(np.vstack([TRAIN, 1e6 * TRAIN]))
    np.testing.assert_array_equal(detector.score_samples(TEST), expected)
    assert detector.n_samples_seen_ == len(TRAIN)


class Says(LODA):
    """A model whose score of what is far off is none."""

    far_off: Any = None

    def score_one(self, x: dict[Any, float]) -> float:
        score: float = super().score_one(x) if max(x.values()) < 100 else self.far_off[0]
        return score


@pytest.mark.parametrize(
    ("far_off", "message"), [([np.nan], "a score is NaN"), ([None], "NaN"), ([], "IndexError")]
)
def test_a_score_that_is_none_is_no_score(far_off: Any, message: str) -> None:
    detector = RiverDetector(Says(n_random_cuts=5), random_state=0).fit(TRAIN)
    detector.model_.far_off = far_off
    assert np.isfinite(detector.score_samples(TEST)).all()
    with pytest.raises(UsageError, match=f"Says of river cannot score rows of .*{message}"):
        detector.score_samples(np.vstack([TEST, 1e6 * np.abs(TEST)]))


def test_a_model_that_looks_for_names_is_told_of_numbers() -> None:
    model = compose.Select("channel_00") | LODA()
    with pytest.raises(UsageError, match=r"by their numbers 0, 1, \.\.\., not by their names"):
        RiverDetector(model).fit(READINGS)
    RiverDetector(compose.Select(0) | LODA()).fit(READINGS)


def test_functions_in_a_pipeline_learn_and_copy_too() -> None:
    def halved(x: dict[int, float]) -> dict[int, float]:
        return {name: value / 2 for name, value in x.items()}

    model = compose.FuncTransformer(halved) | HalfSpaceTrees(seed=0)
    detector = RiverDetector(model).fit(TRAIN).partial_fit(TEST)
    assert np.isfinite(detector.score_samples(TEST[:20])).all()


@pytest.mark.parametrize("n_rows", [12, 100, 249])
def test_the_default_tells_rows_apart_after_few(n_rows: int) -> None:
    detector = RiverDetector(random_state=0).fit(TRAIN[:n_rows])
    assert detector.model_.window_size == n_rows
    assert len(np.unique(detector.score_samples(TEST))) > 5
    assert RiverDetector(random_state=0).fit(TRAIN).model_.window_size == 250


@pytest.mark.parametrize(
    ("model", "waits"),
    [
        (HalfSpaceTrees(), r"HalfSpaceTrees\(window_size=250\) has learned 100 rows"),
        (SCALED_TREES.clone({"HalfSpaceTrees": {"window_size": 101}}), r"\(window_size=101\)"),
    ],
    ids=called,
)
def test_a_model_that_waits_for_more_rows_says_so(model: Any, waits: str) -> None:
    detector = RiverDetector(model, random_state=0)
    with pytest.warns(UserWarning, match=waits):
        detector.fit(TRAIN[:100])
    assert (detector.score_samples(TEST) == 0).all()
    detector.partial_fit(TRAIN[100:400])
    assert (detector.score_samples(TEST) != 0).any()


@pytest.mark.parametrize("name", ["GaussianScorer", "StandardAbsoluteDeviation"])
def test_a_model_of_a_target_watches_one_column(name: str) -> None:
    column = TRAIN[:, :1]
    alone = getattr(anomaly, name)()
    for value in column[:, 0].tolist():
        alone.learn_one(None, value)
    detector = RiverDetector(name, scale=False).fit(column)
    expected = [alone.score_one(None, value) for value in TEST[:, 0].tolist()]
    np.testing.assert_array_equal(-detector.score_samples(TEST[:, :1]), expected)
    with pytest.raises(UsageError, match=f"{name} watches one column, found 8"):
        RiverDetector(name).fit(TRAIN)


def test_one_that_waits_watches_one_column_too() -> None:
    with pytest.warns(UserWarning, match=r"GaussianScorer\(grace_period=100\) has learned 50"):
        RiverDetector("GaussianScorer").fit(TRAIN[:50, :1])


FORECAST = time_series.HoltWinters(alpha=0.3, beta=0.1, multiplicative=False)
REFUSED = {
    "a name of nothing": ("Trees", "no anomaly model called 'Trees'; there are .*HalfSpaceTrees"),
    "a filter by name": ("QuantileFilter", "no anomaly model called 'QuantileFilter'"),
    "a regression": (linear_model.LinearRegression(), "The 'model' parameter"),
    "a scaler": (preprocessing.StandardScaler, "The 'model' parameter"),
    "a pipeline to elsewhere": (
        preprocessing.StandardScaler() | linear_model.LinearRegression(),
        "no anomaly model of river",
    ),
    "one that learns while it scores": (
        anomaly.PredictiveAnomalyDetection(FORECAST),
        "learns while it scores",
    ),
    "a pipeline with a target": (
        preprocessing.StandardScaler() | anomaly.GaussianScorer(),
        "learns from a target",
    ),
    "a class with arguments": (anomaly.ThresholdFilter, "cannot be made without arguments"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_model_that_cannot_score_rows_is_refused_with_the_reason(case: str) -> None:
    model, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        RiverDetector(model).fit(TRAIN)


@pytest.mark.parametrize("model", [3, IsolationForest(), {}])
def test_what_is_no_model_of_river_is_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="The 'model' parameter"):
        RiverDetector(model).fit(TRAIN)


@pytest.mark.parametrize("model", [None, "LODA", "LocalOutlierFactor", "OneClassSVM"])
@pytest.mark.parametrize("scale", [True, False])
def test_extreme_rows_get_finite_scores(model: Any, scale: bool) -> None:
    detector = RiverDetector(model, scale=scale, random_state=0).fit(X[:120])
    extreme = np.array([[1e300], [-1e300], [1e30]]) * np.ones((1, X.shape[1]))
    assert np.isfinite(detector.score_samples(extreme)).all()


def test_columns_that_never_change_do_no_harm() -> None:
    rows = np.hstack([TRAIN, np.full((len(TRAIN), 1), 7.0), np.zeros((len(TRAIN), 1))])
    scores = RiverDetector(random_state=0).fit(rows).score_samples(rows)
    assert len(np.unique(scores)) > 5


def test_importing_the_detectors_does_not_import_the_models_of_river() -> None:
    code = "import sys, skdqm.detectors; print('river.anomaly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
