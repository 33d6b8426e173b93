import numpy as np
import pytest
from scipy.stats import energy_distance, ks_2samp

from skdqm.drift import two_sample_test
from skdqm.exceptions import DataError, UsageError

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((200, 3)), RNG.standard_normal((150, 3))
MOVED = Y + np.array([0, 1, 0])


@pytest.mark.parametrize("method", ["ks", "energy"])
def test_the_feature_that_moved_is_named(method):
    result = two_sample_test(X, MOVED, method)
    assert result.moved().tolist() == [1]
    assert result.p_value < 0.01
    assert two_sample_test(X, Y, method).p_value > 0.01


def test_statistics_are_those_of_scipy():
    ks = two_sample_test(X, MOVED, "ks", correction="bonferroni")
    expected = [ks_2samp(*pair, method="asymp") for pair in zip(X.T, MOVED.T, strict=True)]
    np.testing.assert_allclose(ks.statistics, [each.statistic for each in expected])
    np.testing.assert_allclose(ks.p_values, [min(1, 3 * each.pvalue) for each in expected])
    deviation = np.vstack([X, MOVED]).std(axis=0)
    found = two_sample_test(X, MOVED, "energy", n_permutations=9).statistics * deviation
    # scipy gives the square root.
    squares = [energy_distance(*pair) ** 2 for pair in zip(X.T, MOVED.T, strict=True)]
    np.testing.assert_allclose(found, squares)


def test_energy_sees_features_that_no_longer_go_together():
    together = RNG.multivariate_normal([0, 0], [[1, 0.95], [0.95, 1]], 200)
    apart = RNG.standard_normal((200, 2))
    result = two_sample_test(together, apart, "energy", n_permutations=199)
    assert result.p_value < 0.01
    assert result.moved().tolist() == []


@pytest.mark.parametrize("method", ["ks", "energy"])
def test_p_values_are_as_small_as_they_say(method):
    rng = np.random.default_rng(1)
    found = [
        two_sample_test(*rng.standard_normal((2, 40, 2)), method, n_permutations=99).p_value
        for _ in range(200)
    ]
    assert np.mean(np.array(found) <= 0.1) < 0.17


def test_a_seed_reproduces():
    one, other = (two_sample_test(X, Y, "energy", random_state=3) for _ in range(2))
    assert one.p_value == other.p_value


def test_flat_samples_and_constant_ones_are_taken():
    assert two_sample_test(X[:, 0], MOVED[:, 1]).moved().tolist() == [0]
    assert two_sample_test(np.ones(20), np.ones(30), "energy").p_value == 1


@pytest.mark.parametrize(
    ("pair", "options", "error", "message"),
    [
        ((X, Y[:, :2]), {}, DataError, "X has 3 features, Y has 2"),
        ((X, Y * np.nan), {}, DataError, "Y: Input Y contains NaN"),
        ((X, Y[:0]), {}, DataError, "0 sample"),
        ((np.ones(9999), np.ones(9)), {"method": "energy"}, UsageError, "found 10008 rows"),
        ((X, Y), {"method": "t"}, ValueError, "method"),
    ],
)
def test_wrong_input_is_refused(pair, options, error, message):
    with pytest.raises(error, match=message):
        two_sample_test(*pair, **options)
