"""The contract of every registered detector; a new detector is picked up from the registry."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from skdqm.datasets import make_detector_data
from skdqm.exceptions import CalibrationWarning
from skdqm.metrics import anomaly_roc_auc_scorer
from skdqm.persistence import load, save
from tests.instances import able_instance, instance, instances, names

# Readings around 1 with a spread of 0.1, in units that no network likes: nobody scaled them.
READINGS, FAULTY = make_detector_data(700, n_channels=8, fault_fraction=0.1, random_state=0)
X = READINGS[FAULTY == 0][:300]
X_TEST, Y_TEST = READINGS.drop(X.index), FAULTY[~READINGS.index.isin(X.index)]

every_detector = pytest.mark.parametrize("name", names())


def learns_on(name: str) -> bool:
    return hasattr(instance(name), "partial_fit")


every_learner = pytest.mark.parametrize("name", [n for n in names() if learns_on(n)])


@parametrize_with_checks(instances())
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@every_detector
def test_every_parameter_is_judged_by_fit_and_not_before(name: str) -> None:
    detector = instance(name)
    check_param_validation(type(detector).__name__, detector)


@every_detector
def test_planted_faults_rank_above_chance_without_scaling(name: str) -> None:
    detector = able_instance(name).fit(X * 1e4)
    assert roc_auc_score(Y_TEST, -detector.score_samples(X_TEST * 1e4)) > 0.75


@every_detector
def test_a_score_does_not_depend_on_the_batch_to_the_bit(name: str) -> None:
    detector = instance(name).fit(X.to_numpy())
    rows = X_TEST.to_numpy()
    together = detector.score_samples(rows)
    alone = np.concatenate([detector.score_samples(row[None]) for row in rows])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(detector.score_samples(rows[::-1]), together[::-1])
    np.testing.assert_array_equal(detector.score_samples(np.asfortranarray(rows)), together)


@every_detector
def test_extreme_rows_get_finite_scores_below_all_others(name: str) -> None:
    detector = instance(name).fit(X.to_numpy())
    extreme = np.array([[1e300], [-1e300], [1e30]]) * np.ones((1, X.shape[1]))
    scores = detector.score_samples(extreme)
    assert np.isfinite(scores).all()
    assert scores.max() < detector.score_samples(X_TEST.to_numpy()).min()


@every_detector
def test_a_seed_reproduces_to_the_bit_and_another_seed_does_not(name: str) -> None:
    seeds = [{"random_state": seed} for seed in (1, 1, 2)]
    parameters = instance(name).get_params()
    wraps_one_without = "detector" in parameters and "detector__random_state" not in parameters
    if "random_state" not in parameters or wraps_one_without:
        seeds = [{}, {}]
    first, again, *others = (instance(name, **seed).fit(X).score_samples(X_TEST) for seed in seeds)
    np.testing.assert_array_equal(first, again)
    for other in others:
        assert not np.array_equal(first, other)


@every_detector
def test_the_random_generators_of_the_user_are_left_alone(name: str) -> None:
    np.random.seed(0)  # noqa: NPY002 (the generator that must not move)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    detector = instance(name).fit(X)
    if learns_on(name):
        detector.partial_fit(X)
    detector.score_samples(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@every_detector
def test_copies_score_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    detector = instance(name).fit(X).calibrate(X, alarm_rate=0.1)
    save(detector, tmp_path / "model")
    copies = [
        pickle.loads(pickle.dumps(detector)),
        copy.deepcopy(detector),
        load(tmp_path / "model"),
        clone(detector).fit(X).calibrate(X, alarm_rate=0.1),
    ]
    for twin in copies:
        np.testing.assert_array_equal(twin.score_samples(X_TEST), detector.score_samples(X_TEST))
        np.testing.assert_array_equal(twin.p_values(X_TEST), detector.p_values(X_TEST))


@every_learner
def test_a_loaded_detector_goes_on_learning_as_the_saved_one(name: str, tmp_path: Path) -> None:
    detector = instance(name).fit(X)
    save(detector, tmp_path / "model")
    twins = [load(tmp_path / "model"), pickle.loads(pickle.dumps(detector)), detector]
    scores = [twin.partial_fit(X_TEST).score_samples(X) for twin in twins]
    np.testing.assert_array_equal(scores[0], scores[2])
    np.testing.assert_array_equal(scores[1], scores[2])


@every_learner
def test_partial_fit_alone_learns_to_rank(name: str) -> None:
    detector = able_instance(name)
    for _ in range(60):
        detector.partial_fit(X)
    assert roc_auc_score(Y_TEST, -detector.score_samples(X_TEST)) > 0.75


@every_learner
def test_partial_fit_takes_a_block_of_one_row(name: str) -> None:
    detector = instance(name)
    with pytest.warns(UserWarning, match="begin with 10 rows"):
        detector.partial_fit(X[:1])
    detector.partial_fit(X[1:2])
    assert np.isfinite(detector.score_samples(X)).all()


@every_learner
def test_partial_fit_keeps_a_calibration_or_drops_it_aloud(name: str) -> None:
    detector = instance(name).fit(X).calibrate(X, alarm_rate=0.1)
    if detector.keeps_calibration:
        assert detector.partial_fit(X).alarm_rate_ == 0.1
        return
    with pytest.warns(CalibrationWarning):
        detector.partial_fit(X)


@every_detector
def test_feature_scores_point_at_the_faulty_channel(name: str) -> None:
    detector = able_instance(name).fit(X)
    if not hasattr(detector, "feature_scores"):
        pytest.skip("this detector does not localise")
    faulty = X_TEST[Y_TEST == 0].copy()
    faulty.iloc[:, 3] *= 1.6  # six standard deviations
    scores = detector.feature_scores(faulty)
    assert scores.shape == faulty.shape
    assert (scores.argmax(axis=1) == 3).mean() > 0.9


@every_detector
def test_it_is_a_step_of_a_pipeline_searched_over_a_grid(name: str) -> None:
    pipeline = Pipeline([("scaler", StandardScaler()), ("detector", instance(name))])
    rows, labels = pd.concat([X, X_TEST]), np.concatenate([np.zeros(len(X)), Y_TEST])
    split = PredefinedSplit(np.repeat([-1, 0], [len(X), len(X_TEST)]))
    grid = {"detector__contamination": [0.05, 0.1]}
    search = GridSearchCV(pipeline, grid, scoring=anomaly_roc_auc_scorer, cv=split)
    search.fit(rows, labels)
    assert search.best_score_ > 0.5
    assert set(search.predict(X_TEST)) <= {-1, 1}


@every_detector
def test_frames_of_pandas_and_polars_score_as_arrays_do(name: str) -> None:
    detector = instance(name).fit(X)
    expected = instance(name).fit(X.to_numpy()).score_samples(X_TEST.to_numpy())
    np.testing.assert_array_equal(detector.score_samples(X_TEST), expected)
    frame = pl.DataFrame({column: X_TEST[column].to_numpy() for column in X_TEST})
    np.testing.assert_array_equal(detector.score_samples(frame), expected)


@every_detector
def test_columns_in_another_order_are_refused(name: str) -> None:
    detector = instance(name).fit(X)
    with pytest.raises(ValueError, match="feature names"):
        detector.score_samples(X_TEST.iloc[:, ::-1])


@every_detector
def test_latent_vectors_come_as_a_named_frame_when_asked(name: str) -> None:
    detector = instance(name)
    if not hasattr(detector, "transform"):
        pytest.skip("this detector has no latent vectors")
    latent = detector.set_output(transform="pandas").fit(X).transform(X_TEST)
    assert list(latent.columns) == list(detector.get_feature_names_out())
    assert len(latent) == len(X_TEST)


@every_detector
def test_false_alarms_stay_at_the_promised_rate(name: str) -> None:
    good, _ = make_detector_data(6000, n_channels=8, fault_fraction=0, random_state=0)
    detector = instance(name).fit(good[:500]).calibrate(good[500:3000], alarm_rate=0.05)
    rate = (detector.predict(good[3000:]) == -1).mean()
    low, high = detector.alarm_rate_interval_
    # The interval of the promise, widened by three standard deviations of counting 3,000 rows.
    margin = 3 * np.sqrt(0.05 * 0.95 / 3000)
    assert low - margin < rate < high + margin
