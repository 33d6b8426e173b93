"""Normal scores: only the order of values counts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.persistence import load, save
from skdqm.preprocessing import NormalScores

X = np.random.default_rng(0).lognormal(size=(500, 3))
values = arrays(
    np.float64, st.tuples(st.integers(2, 60), st.just(2)), elements=st.floats(-1e6, 1e6)
)


@parametrize_with_checks([NormalScores()])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_it_is_the_quantile_transformer_of_scikit_learn_without_its_warning() -> None:
    theirs = QuantileTransformer(n_quantiles=500, output_distribution="normal").fit_transform(X)
    np.testing.assert_allclose(NormalScores().fit_transform(X), theirs, atol=1e-6)


@given(values)
def test_order_is_kept_and_scores_are_bounded(rows: np.ndarray) -> None:
    scores = NormalScores().fit_transform(rows)
    assert np.abs(scores).max() < 5.3
    for column, score in zip(rows.T, scores.T, strict=True):
        assert (np.diff(score[np.argsort(column, kind="stable")]) >= -1e-9).all()


@given(values)
def test_units_do_not_matter(rows: np.ndarray) -> None:
    expected = NormalScores().fit_transform(rows)
    np.testing.assert_allclose(NormalScores().fit_transform(4 * rows), expected, atol=1e-6)


def test_a_constant_feature_lies_in_the_middle_and_what_differs_at_the_ends() -> None:
    scores = NormalScores().fit(np.ones((10, 1))).transform([[1.0], [0.0], [2.0]])
    np.testing.assert_allclose(scores.ravel(), [0, -5.2, 5.2], atol=0.01)


@pytest.mark.parametrize("n_rows", [1, 7])
def test_a_row_is_scored_alike_alone_and_with_others(n_rows: int) -> None:
    fitted = NormalScores().fit(X)
    together = fitted.transform(X)
    np.testing.assert_array_equal(fitted.transform(X[:n_rows]), together[:n_rows])


def test_a_model_file_keeps_it(tmp_path: Any) -> None:
    fitted = NormalScores().fit(X)
    save(fitted, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").transform(X), fitted.transform(X))
