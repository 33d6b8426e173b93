"""What rows a detector takes and in what form, what failure leaves, and its state as plain data."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from skdqm.base import BaseDetector, anomaly_score_of, blame_of
from skdqm.exceptions import ModelFileError, TrainingError


class SumDetector(BaseDetector):
    """The sum of a row, and how the last array that was learned lay in memory."""

    def _fit(self, X: NDArray[Any]) -> None:
        self.is_c_ordered_ = X.flags.c_contiguous

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return X.sum(axis=1).astype(np.float64)

    def _partial_fit(self, X: NDArray[Any]) -> None:
        self.is_c_ordered_ = X.flags.c_contiguous


class Diverging(SumDetector):
    """Learns, and then scores with what is not finite."""

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return np.full(len(X), np.inf)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(50, 3))


# Rows.


def test_two_rows_are_enough_to_fit_and_one_is_refused(rows: NDArray[Any]) -> None:
    assert len(SumDetector().fit(rows[:2]).predict(rows)) == len(rows)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        SumDetector().fit(rows[:1])


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_learning_sees_rows_that_lie_in_memory_one_after_the_other(
    learn: str, rows: NDArray[Any]
) -> None:
    assert getattr(SumDetector(), learn)(np.asfortranarray(rows)).is_c_ordered_


def test_no_rows_are_refused(rows: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="0 sample"):
        SumDetector().fit(rows).score_samples(rows[:0])


def test_a_few_plain_rows_are_scored_without_the_slow_check(
    rows: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = SumDetector().fit(rows)

    def slow(*_: Any, **__: Any) -> None:
        raise RuntimeError("the slow check")

    monkeypatch.setattr("skdqm.base.validated_numbers", slow)
    for n_rows in (1, 32):
        expected = -rows[:n_rows].sum(axis=1)
        np.testing.assert_array_equal(detector.score_samples(rows[:n_rows]), expected)
    for other in (rows[:33], rows[:1].astype(np.float32), rows[:1].tolist(), rows[:1, :2]):
        with pytest.raises(RuntimeError, match="slow check"):
            detector.score_samples(other)


class SeenDetector(SumDetector):
    """Keeps the rows as they were given, and as they were scored."""

    def _as_seen(self, rows: NDArray[Any], X: Any) -> NDArray[Any]:
        self.given_ = X
        return rows

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        self.scored_dtype_ = X.dtype
        return super()._anomaly_score(X)


@pytest.mark.parametrize("n_rows", [1, 50])
def test_a_subclass_sees_what_the_user_gave_few_rows_or_many(
    n_rows: int, rows: NDArray[Any]
) -> None:
    detector, given = SeenDetector().fit(rows), rows[:n_rows]
    detector.score_samples(given)
    assert detector.given_ is given


@pytest.mark.parametrize("n_rows", [1, 50])
@pytest.mark.parametrize(
    ("given", "scored"),
    [("int64", "float64"), ("bool", "float64"), ("float32", "float32"), ("float64", "float64")],
)
def test_whole_numbers_are_scored_in_double_precision_and_single_precision_stays(
    n_rows: int, given: str, scored: str, rows: NDArray[Any]
) -> None:
    detector = SeenDetector().fit(rows)
    detector.score_samples(rows[:n_rows].astype(given))
    assert detector.scored_dtype_ == scored


def test_an_array_without_names_is_warned_of_where_a_frame_was_learned(rows: NDArray[Any]) -> None:
    detector = SumDetector().fit(pd.DataFrame(rows, columns=["a", "b", "c"]))
    with pytest.warns(UserWarning, match="feature names"):
        detector.score_samples(rows[:1])


def test_a_first_fit_that_fails_leaves_no_attribute_behind(rows: NDArray[Any]) -> None:
    detector = Diverging()
    with pytest.raises(TrainingError):
        detector.fit(rows)
    assert vars(detector) == {"contamination": 0.01}


# Detectors of any kind.


def test_any_outlier_detector_gives_scores_that_are_high_where_abnormal(rows: NDArray[Any]) -> None:
    both = SimpleNamespace(score_samples=lambda X: X[:, 0], decision_function=None)
    one = SimpleNamespace(decision_function=lambda X: X[:, 0])
    for detector in (both, one):
        np.testing.assert_array_equal(anomaly_score_of(detector, rows), -rows[:, 0])


@pytest.mark.parametrize(("signed", "expected"), [(True, 2.0), (False, -2.0)])
def test_blame_has_no_direction_even_where_feature_scores_have(
    signed: bool, expected: float
) -> None:
    detector = SimpleNamespace(feature_scores=lambda X: X, signed_feature_scores=signed)
    assert blame_of(detector, [[-2.0]]) == expected
    assert blame_of(SimpleNamespace(feature_scores=lambda X: X), [[-2.0]]) == -2.0


# State.


def test_the_state_is_what_was_learned_without_the_parameters(rows: NDArray[Any]) -> None:
    detector = SumDetector(contamination=0.2).fit(rows)
    state = detector._get_state()
    assert {"offset_", "n_features_in_", "is_c_ordered_"} <= set(state)
    assert "contamination" not in state
    copy = SumDetector(contamination=0.2)
    copy._set_state(state)
    np.testing.assert_array_equal(copy.predict(rows), detector.predict(rows))


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        np.array([1.0, np.nan]),
        np.array([np.inf], dtype=np.float32),
        [1.0, float("nan")],
        {"a": [1, {"b": np.array([np.nan])}]},
    ],
    ids=str,
)
def test_a_state_that_is_not_finite_is_refused_by_name_and_changes_nothing(value: Any) -> None:
    detector = SumDetector()
    with pytest.raises(ModelFileError, match="'mean_'"):
        detector._set_state({"offset_": 0.0, "mean_": value})
    assert vars(detector) == {"contamination": 0.01}


@pytest.mark.parametrize(
    "value",
    [1.5, 3, "text", None, True, [1.0, "a", [2]], {"a": {"b": 1.0}}, np.array(["a", "b"]), [], {}],
    ids=str,
)
def test_a_state_of_plain_data_is_taken(value: Any) -> None:
    detector = SumDetector()
    detector._set_state({"mean_": value})
    assert vars(detector)["mean_"] is value
