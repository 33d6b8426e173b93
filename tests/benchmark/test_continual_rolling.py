from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skdqm.benchmark._continual_rolling import RollingMahalanobis


def shifted(n_rows, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, (n_rows, 4))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_how_rows_are_cut_into_calls_makes_no_difference_to_the_baseline(sizes):
    X = shifted(500 + sum(sizes))
    whole = RollingMahalanobis(0.01).fit(X[:500]).observe(X[500:])
    cut = RollingMahalanobis(0.01).fit(X[:500])
    ends = 500 + np.cumsum([0, *sizes])
    parts = [cut.observe(X[a:b]) for a, b in pairwise(ends)]
    for one, other in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_allclose(one, np.concatenate(other), rtol=1e-10)


def test_the_baseline_follows_a_new_condition_and_scores_before_it_learns():
    X = np.concatenate([shifted(2000), shifted(4000, 6.0, seed=1)])
    scores, limits = RollingMahalanobis(0.01).fit(X[:2000]).observe(X[2000:])
    assert (scores[:250] > limits[:250]).all()
    assert (scores[-1000:] > limits[-1000:]).mean() < 0.05


def test_units_and_constant_features_do_not_matter_to_the_baseline():
    X = shifted(1500)
    plain = RollingMahalanobis(0.01).fit(X[:1000]).anomaly_score(X[1000:])
    scaled = RollingMahalanobis(0.01).fit(X[:1000] * [1e-6, 1, 1e6, 1])
    np.testing.assert_allclose(scaled.anomaly_score(X[1000:] * [1e-6, 1, 1e6, 1]), plain, rtol=1e-6)
    constant = RollingMahalanobis(0.01).fit(np.column_stack([X, np.ones(1500)]))
    assert np.isfinite(constant.anomaly_score(np.column_stack([X, np.ones(1500)]))).all()
