"""ReferenceDetector: what all of its tests and references promise, alone and together."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.detectors import ReferenceDetector, _reference
from skdqm.detectors._projections import PROJECTIONS
from skdqm.detectors._reference_tests import TESTS
from skdqm.detectors._references import REFERENCES
from skdqm.exceptions import DataError, ModelFileError
from skdqm.persistence import load, save
from tests.detectors.histograms import SHAPE, abnormal, detector, framed, good, with_luminosity

VARIANTS = [
    ReferenceDetector(),
    ReferenceDetector(exposure=None),
    ReferenceDetector(test="chi2", reference="rolling", window=50),
    ReferenceDetector(test="kolmogorov_smirnov", reference="last-good-run"),
    ReferenceDetector(test="beta_binomial", reference="k-nearest-runs"),
    ReferenceDetector(test="modified_chi2", half_life=20),
    ReferenceDetector(test="pca", n_components=1),
    ReferenceDetector(test="nmf", n_components=1, exposure=None),
]
ALL_TESTS = [*TESTS, *PROJECTIONS]

every_test = pytest.mark.parametrize("test", ALL_TESTS)
every_reference = pytest.mark.parametrize("reference", list(REFERENCES))
every_pair = pytest.mark.parametrize(("test", "reference"), list(product(ALL_TESTS, REFERENCES)))


@parametrize_with_checks(VARIANTS)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@every_pair
def test_a_row_does_not_depend_on_the_rows_beside_it(
    test: str, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, rows = detector(test, reference).fit(framed()), framed(9, 3, 17, seed=1)
    scores, features = fitted.score_samples(rows), fitted.feature_scores(rows)
    for which in (slice(0, 1), slice(5, 6), slice(3, 12), slice(None, None, -1)):
        np.testing.assert_array_equal(fitted.score_samples(rows[which]), scores[which])
        np.testing.assert_array_equal(fitted.feature_scores(rows[which]), features[which])
    monkeypatch.setattr(_reference, "VALUES_AT_ONCE", 1)
    np.testing.assert_array_equal(fitted.score_samples(rows), scores)
    np.testing.assert_array_equal(fitted.feature_scores(rows), features)


@every_pair
def test_a_loaded_detector_scores_and_learns_as_the_saved_one(
    test: str, reference: str, tmp_path: Path
) -> None:
    fitted, rows = detector(test, reference, half_life=30).fit(framed()), framed(7, 2, seed=1)
    save(fitted, tmp_path / "model")
    back: Any = load(tmp_path / "model")
    np.testing.assert_array_equal(back.score_samples(rows), fitted.score_samples(rows))
    for more in (framed(4, 2, 11, seed=2), framed(6, 1, 30, seed=3)):
        back.partial_fit(more)
        fitted.partial_fit(more)
    np.testing.assert_array_equal(back.feature_scores(rows), fitted.feature_scores(rows))
    np.testing.assert_array_equal(back.decision_function(rows), fitted.decision_function(rows))


@every_pair
def test_a_new_fit_forgets_everything(test: str, reference: str) -> None:
    rows = framed(7, 2, seed=1)
    used = detector(test, reference).fit(framed(1, 4, seed=5)).partial_fit(framed(5, 2, seed=6))
    used.fit(framed())
    fresh = clone(used).fit(framed())
    np.testing.assert_array_equal(used.feature_scores(rows), fresh.feature_scores(rows))
    np.testing.assert_array_equal(used.decision_function(rows), fresh.decision_function(rows))


@every_pair
def test_an_update_that_fails_leaves_the_detector_as_it_was(test: str, reference: str) -> None:
    rows, bad = framed(7, 2, seed=1), framed(5, 2, seed=2)
    fitted = detector(test, reference).fit(framed())
    before = fitted.decision_function(rows)
    bad.iloc[3, 0] = -1
    with pytest.raises(DataError, match="exposure of row 3 is -1"):
        fitted.partial_fit(bad)
    np.testing.assert_array_equal(fitted.decision_function(rows), before)
    twin = detector(test, reference).fit(framed()).partial_fit(rows)
    np.testing.assert_array_equal(
        fitted.partial_fit(rows).decision_function(rows), twin.decision_function(rows)
    )


@every_pair
def test_scores_are_finite_of_rows_that_nobody_expects(test: str, reference: str) -> None:
    fitted = detector(test, reference).fit(framed())
    width = len(SHAPE) + 1
    rows = np.zeros((6, width))
    rows[1:, 0] = [1, 0, 1e300, 1e-300, 1]
    rows[2:, 1:] = np.array([1, 1e300, 1e-300, -1e300])[:, None]
    frame = pd.DataFrame(rows, columns=framed().columns)
    assert np.isfinite(fitted.score_samples(frame)).all()
    assert np.isfinite(fitted.feature_scores(frame)).all()


@every_test
@pytest.mark.parametrize("exposure", ["total", None, 0])
def test_two_rows_are_enough_to_begin_with(test: str, exposure: Any) -> None:
    fitted = ReferenceDetector(test=test, exposure=exposure, n_components=1)
    fitted.fit(with_luminosity(2))
    assert np.isfinite(fitted.score_samples(with_luminosity(9))).all()


@pytest.mark.filterwarnings("ignore:.*begin with 10 rows:UserWarning")
@pytest.mark.parametrize(
    "test",
    [
        *TESTS,
        "nmf",
        "pca",
    ],
)
def test_one_row_is_enough_to_go_on_from(test: str) -> None:
    fitted = ReferenceDetector(test=test, exposure=None).partial_fit(good(1))
    assert np.isfinite(fitted.partial_fit(good(1, 1)).score_samples(good(5, 2))).all()


@pytest.mark.parametrize(
    "test",
    [
        *TESTS,
        *(name for name in PROJECTIONS),
    ],
)
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_rows_without_entries_cannot_be_learned_and_the_error_says_so(
    test: str, learn: str
) -> None:
    with pytest.raises(DataError, match="no row has any entries or exposure"):
        getattr(ReferenceDetector(test=test), learn)(np.zeros((20, 4)))


@pytest.mark.parametrize("test", [*TESTS, "nmf"])
def test_training_that_was_exposed_and_never_filled_expects_nothing(test: str) -> None:
    empty = np.column_stack([np.ones(20), np.zeros((20, 4))])
    fitted = ReferenceDetector(test=test, exposure=0).fit(empty)
    scores = abnormal(fitted, np.array([[1.0, 0, 0, 0, 0], [1, 0, 0, 0, 50]]))
    assert np.isfinite(scores).all()
    assert scores[1] > scores[0] + 1


@pytest.mark.parametrize("test", [test for test in TESTS if test != "beta_binomial"])
def test_one_bin_is_a_histogram_too(test: str) -> None:
    fitted = ReferenceDetector(test=test, exposure=None).fit(good(50, shape=[100]))
    low, usual, high = abnormal(fitted, [[0.0], [100.0], [300.0]])
    assert max(low, high) > usual + 0.5
    by_total = ReferenceDetector(test=test).fit(good(50, shape=[100]))
    assert abnormal(by_total, [[10.0], [1e6]]).max() < 0.01


@every_pair
def test_what_is_expected_of_good_rows_is_about_what_they_hold(test: str, reference: str) -> None:
    rows = framed()
    found = detector(test, reference).fit(rows).reconstruct(rows)
    assert found.shape == rows.shape
    full = rows.to_numpy()[:, 4:7]
    assert np.median(np.abs(found[:, 4:7] / full - 1)) < 0.12


def test_a_parameter_that_is_changed_waits_for_the_next_fit() -> None:
    fitted, rows = detector().fit(framed()), framed(7, 2, seed=1)
    before = fitted.score_samples(rows)
    fitted.set_params(test="chi2", reference="rolling", tolerance=0.5, exposure=None)
    np.testing.assert_array_equal(fitted.score_samples(rows), before)
    assert not np.array_equal(fitted.fit(framed()).score_samples(rows), before)


def test_verdicts_keep_the_runs_and_lumisections() -> None:
    fitted = detector().fit(framed()).calibrate(framed(5, 8, seed=4), alarm_rate=0.05)
    rows = framed(30, 2, seed=1)
    found = fitted.verdicts(rows)
    pd.testing.assert_index_equal(found.index, rows.index)
    np.testing.assert_array_equal(found["anomaly_score"], -fitted.score_samples(rows))
    np.testing.assert_array_equal(found["verdict"], fitted.predict(rows))
    np.testing.assert_array_equal(found["p_value"], fitted.p_values(rows))


def test_a_state_whose_rates_are_no_numbers_is_refused() -> None:
    state = detector().fit(framed())._get_state()
    state["_reference"]["template"]["rate"] = np.full(len(SHAPE), np.nan)
    with pytest.raises(ModelFileError, match="not finite"):
        detector()._set_state(state)


@every_reference
def test_float32_and_lists_are_histograms_too(reference: str) -> None:
    fitted = detector(reference=reference, exposure=0).fit(with_luminosity().astype(np.float32))
    rows = good(5, 1).astype(int)
    rows = np.column_stack([np.ones(5, dtype=int), rows])
    np.testing.assert_array_equal(
        fitted.score_samples(rows.tolist()), fitted.score_samples(rows.astype(float))
    )
