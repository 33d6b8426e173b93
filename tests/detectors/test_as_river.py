"""Detectors as anomaly models of river: river's own checks hold, and its tools take them."""

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import river.datasets
from river import anomaly, checks, compose, evaluate, metrics, preprocessing
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_detector_data
from skdqm.detectors import (
    AutoencoderDetector,
    HistogramDetector,
    NeighborsDetector,
    PyODDetector,
    ReferenceDetector,
    RiverAnomalyDetector,
    RiverDetector,
)
from skdqm.exceptions import DataError, UsageError

READINGS, FAULTY = make_detector_data(700, n_channels=8, fault_fraction=0.1, random_state=0)
ROWS = READINGS.to_dict("records")
SEEDED = NeighborsDetector(memory_size=100, random_state=0)
SMALL_NETWORK = AutoencoderDetector(hidden_layer_sizes=(16,), max_epochs=5, random_state=0)

CHECKED = [
    RiverAnomalyDetector(HistogramDetector(), batch_size=50),
    RiverAnomalyDetector(SMALL_NETWORK, batch_size=100),
    RiverAnomalyDetector(make_pipeline(StandardScaler(), SEEDED)),
]


class LocalData:
    """Stands for the data set that river would fetch for its checks."""

    def take(self, n: int) -> Iterator[tuple[dict[str, float], int]]:
        frame, faulty = make_detector_data(n, n_channels=8, fault_fraction=0.02, random_state=0)
        yield from zip(frame.to_dict("records"), faulty.tolist(), strict=True)


def checks_of(model: Any) -> Iterator[Any]:
    # Only the checks that learn need data, and they ask for it when they are listed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(river.datasets, "CreditCard", LocalData)
        for check in checks.yield_checks(model):
            yield pytest.param(model, check, id=f"{model.detector!r:.20}-{check.__name__}")


@pytest.mark.parametrize(
    ("model", "check"), [each for model in CHECKED for each in checks_of(model)]
)
def test_checks_of_river(model: Any, check: Any) -> None:
    check(model.clone())


def test_river_checks_as_much_as_it_does_of_its_own_models() -> None:
    assert len(list(checks_of(CHECKED[0]))) >= 26


def learned(model: Any, rows: Any) -> Any:
    for x in rows:
        model.learn_one(x)
    return model


def test_blocks_are_learned_as_the_detector_alone_would() -> None:
    model = learned(RiverAnomalyDetector(SMALL_NETWORK, batch_size=100), ROWS[:350])
    values = READINGS.to_numpy()
    alone = AutoencoderDetector(hidden_layer_sizes=(16,), max_epochs=5, random_state=0)
    alone.fit(values[:100]).partial_fit(values[100:200]).partial_fit(values[200:300])
    scores = [model.score_one(x) for x in ROWS[350:]]
    np.testing.assert_array_equal(scores, -alone.score_samples(values[350:]))


def test_a_score_is_nothing_before_the_first_block_and_high_for_what_is_abnormal() -> None:
    model = RiverAnomalyDetector(HistogramDetector(), batch_size=300)
    learned(model, ROWS[:299])
    assert model.score_one(ROWS[0]) == 0.0
    assert type(model.score_one(ROWS[0])) is float
    assert model.detector_ is None
    learned(model, ROWS[299:300])
    scores = [model.score_one(x) for x in ROWS[300:]]
    assert roc_auc_score(FAULTY[300:], scores) > 0.7


def test_scoring_changes_nothing() -> None:
    model = learned(RiverAnomalyDetector(SMALL_NETWORK, batch_size=100), ROWS[:150])
    first = model.score_one(ROWS[200])
    for x in ROWS[:50]:
        model.score_one(x)
    assert model.score_one(ROWS[200]) == first


def test_the_given_detector_is_left_as_it_is() -> None:
    detector = HistogramDetector()
    learned(RiverAnomalyDetector(detector, batch_size=50), ROWS[:100])
    assert not hasattr(detector, "counts_")


def test_features_may_come_in_any_order_and_new_ones_do_not_count() -> None:
    model = learned(RiverAnomalyDetector(HistogramDetector(), batch_size=100), ROWS[:100])
    x = ROWS[200]
    assert model.score_one(dict(reversed(x.items()))) == model.score_one(x)
    assert model.score_one({**x, "later": 1e9}) == model.score_one(x)
    assert model.features_ == sorted(READINGS.columns)


def test_a_missing_feature_counts_as_its_mean() -> None:
    model = learned(RiverAnomalyDetector(HistogramDetector(), batch_size=100), ROWS[:200])
    name, *others = READINGS.columns
    mean = sum(x[name] for x in ROWS[:200]) / 200
    x = {other: ROWS[300][other] for other in others}
    assert model.score_one(x) == model.score_one({**x, name: mean})


def test_a_feature_that_is_missing_from_some_first_rows_is_learned_from_the_others() -> None:
    name = READINGS.columns[0]
    rows = [{k: v for k, v in x.items() if k != name or i % 2} for i, x in enumerate(ROWS[:100])]
    model = learned(RiverAnomalyDetector(HistogramDetector(), batch_size=100), rows)
    assert name in model.features_
    assert np.isfinite(model.score_one(ROWS[300]))


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "red", "3", [1], 10**400])
def test_what_is_no_number_is_refused_with_its_name(value: Any) -> None:
    name = READINGS.columns[0]
    model = RiverAnomalyDetector(HistogramDetector(), batch_size=50)
    with pytest.raises(DataError, match=rf"{name}' holds .*expected a finite number"):
        model.learn_one({**ROWS[0], name: value})
    learned(model, ROWS[:50])
    with pytest.raises(DataError, match=rf"{name}' holds .*expected a finite number"):
        model.score_one({**ROWS[0], name: value})


def test_numbers_of_any_kind_are_numbers() -> None:
    model = learned(RiverAnomalyDetector(HistogramDetector(), batch_size=50), ROWS[:50])
    ones = [dict.fromkeys(READINGS, one) for one in (1.0, 1, True, np.float32(1), np.int64(1))]
    assert len({model.score_one(x) for x in ones}) == 1


def test_a_fitted_detector_scores_from_the_first_row_and_goes_on_learning() -> None:
    fitted = HistogramDetector().fit(READINGS[:300])
    model = RiverAnomalyDetector(fitted, batch_size=100)
    expected = -fitted.score_samples(READINGS[300:])
    np.testing.assert_array_equal([model.score_one(x) for x in ROWS[300:]], expected)
    learned(model, ROWS[300:400])
    expected = -fitted.partial_fit(READINGS[300:400]).score_samples(READINGS[400:])
    np.testing.assert_array_equal([model.score_one(x) for x in ROWS[400:]], expected)
    assert list(fitted.feature_names_in_) == list(READINGS)


def test_a_detector_fitted_on_an_array_takes_numbers_for_names() -> None:
    fitted = HistogramDetector().fit(READINGS[:300].to_numpy())
    model = RiverAnomalyDetector(fitted)
    score = model.score_one(dict(enumerate(ROWS[0].values())))
    assert score == -fitted.score_samples(READINGS[:1].to_numpy())[0]
    with pytest.raises(DataError, match=r"feature 0 is missing.*calls its features 0, 1"):
        model.score_one(ROWS[0])


@pytest.mark.parametrize(
    "detector",
    [
        make_pipeline(StandardScaler(), HistogramDetector()),
        ReferenceDetector(exposure=None, fluctuations="empirical"),
    ],
    ids=["pipeline", "reference"],
)
def test_what_needs_the_names_of_columns_gets_them(detector: Any) -> None:
    fitted = detector.fit(READINGS[:300])
    model = learned(RiverAnomalyDetector(fitted, batch_size=50), ROWS[300:350])
    assert model.score_one(ROWS[400]) == model.score_many(READINGS[400:401]).item()


def test_transformers_of_a_pipeline_stay_as_the_first_block_made_them() -> None:
    pipeline = make_pipeline(StandardScaler(), SGDOneClassSVM(random_state=0))
    model = learned(RiverAnomalyDetector(pipeline, batch_size=100), ROWS[:300])
    expected = READINGS[:100].mean().to_numpy()
    np.testing.assert_allclose(model.detector_[0].mean_, expected)
    assert model.detector_[-1].t_ > 101


def test_frames_are_learned_and_scored_as_their_rows_are() -> None:
    one = learned(RiverAnomalyDetector(SMALL_NETWORK, batch_size=64), ROWS[:400])
    many = RiverAnomalyDetector(SMALL_NETWORK, batch_size=64)
    assert (many.score_many(READINGS) == 0).all()
    for start in range(0, 400, 100):
        many.learn_many(READINGS[start : start + 100])
    scores = many.score_many(READINGS[400:])
    pd.testing.assert_index_equal(scores.index, READINGS.index[400:])
    np.testing.assert_array_equal(scores, [one.score_one(x) for x in ROWS[400:]])
    assert many.score_many(READINGS[:0]).empty


def test_it_is_the_end_of_a_pipeline_of_river() -> None:
    model = preprocessing.StandardScaler() | RiverAnomalyDetector(SMALL_NETWORK, batch_size=100)
    stream = list(zip(ROWS, FAULTY.tolist(), strict=True))
    auc = evaluate.progressive_val_score(stream, model, metrics.ROCAUC())
    assert auc.get() > 0.6


def test_filters_of_river_take_it() -> None:
    inner = RiverAnomalyDetector(HistogramDetector(), batch_size=100)
    quantile = learned(anomaly.QuantileFilter(inner.clone(), q=0.95), ROWS)
    assert quantile.classify(quantile.score_one(dict.fromkeys(READINGS, 1e6)))
    assert not quantile.classify(quantile.score_one(dict(READINGS.median())))
    threshold = learned(anomaly.ThresholdFilter(inner.clone(), threshold=1e3), ROWS)
    assert threshold.classify(threshold.score_one(dict.fromkeys(READINGS, 1e6)))
    pipeline = compose.Pipeline(preprocessing.StandardScaler(), quantile.clone())
    assert np.isfinite(learned(pipeline, ROWS).score_one(ROWS[0]))


def test_pickles_go_on_as_it_does() -> None:
    model = learned(RiverAnomalyDetector(SMALL_NETWORK, batch_size=100), ROWS[:150])
    twin = pickle.loads(pickle.dumps(model))
    rest = ROWS[150:300]
    assert learned(twin, rest).score_one(ROWS[0]) == learned(model, rest).score_one(ROWS[0])


def test_a_clone_has_learned_nothing() -> None:
    model = learned(RiverAnomalyDetector(SMALL_NETWORK, batch_size=50), ROWS[:120])
    twin = model.clone()
    assert twin.detector_ is None
    assert twin.score_one(ROWS[0]) == 0.0
    assert twin.batch_size == 50
    assert model.clone({"batch_size": 20}).batch_size == 20


class Fails(HistogramDetector):
    """A detector that cannot learn what is far off."""

    def _partial_fit(self, X: Any) -> None:
        super()._partial_fit(X)
        if X.max() > 1e5:
            raise ValueError("too far")


def test_a_block_that_cannot_be_learned_is_dropped_and_the_stream_goes_on() -> None:
    model = learned(RiverAnomalyDetector(Fails(), batch_size=50), ROWS[:50])
    before = model.score_one(ROWS[0])
    far = dict.fromkeys(READINGS, 1e6)
    learned(model, [far, *ROWS[51:99]])
    with pytest.raises(ValueError, match="too far"):
        model.learn_one(ROWS[99])
    assert model.score_one(ROWS[0]) == before
    first, *others = READINGS.columns
    x = {name: ROWS[0][name] for name in others}
    mean = sum(row[first] for row in ROWS[:50]) / 50
    assert model.score_one(x) == model.score_one({**x, first: mean})
    learned(model, ROWS[100:150])
    assert model.score_one(ROWS[0]) != before


@pytest.mark.parametrize(
    "found", [IsolationForest(), PyODDetector(), AutoencoderDetector, StandardScaler(), "vae"]
)
def test_what_cannot_go_on_learning_is_refused(found: Any) -> None:
    with pytest.raises(UsageError, match="score_samples and partial_fit"):
        RiverAnomalyDetector(found)


@pytest.mark.parametrize("batch_size", [0, 1, 2.5, "many"])
def test_a_block_has_two_rows_at_least(batch_size: Any) -> None:
    with pytest.raises(UsageError, match=f"batch_size={batch_size!r}: expected a whole number"):
        RiverAnomalyDetector(HistogramDetector(), batch_size=batch_size)


def test_there_and_back_scores_as_the_detector_itself() -> None:
    values = READINGS.to_numpy()
    there = RiverAnomalyDetector(HistogramDetector(), batch_size=100)
    back = RiverDetector(there, scale=False).fit(values[:200])
    expected = HistogramDetector().fit(values[:100]).partial_fit(values[100:200])
    np.testing.assert_array_equal(
        back.score_samples(values[200:220]), expected.score_samples(values[200:220])
    )
