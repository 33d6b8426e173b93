"""Siegmund's formula and what lies around it, against simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.drift._energy import _tail
from skdqm.drift._limits import limits, run_length
from skdqm.drift._river import onset_in
from skdqm.drift._scale import Scale, long_run_variance


@pytest.mark.parametrize(("margin", "limit"), [(0.5, 3.0), (0.25, 4.0), (0.0, 5.0), (-0.5, 5.0)])
def test_the_run_length_is_that_of_simulated_sums(margin, limit):
    rng = np.random.default_rng(0)
    sums, lengths, n = np.zeros(2000), np.zeros(2000), 0
    running = np.ones(2000, dtype=bool)
    while running.any() and n < 5000:
        n += 1
        sums = np.maximum(sums + rng.standard_normal(2000) - margin, 0)
        lengths[running] = n
        running &= sums <= limit
    expected = run_length(np.array(margin), np.array(limit + 1.166))
    assert lengths.mean() == pytest.approx(expected, rel=0.1)


@given(st.floats(0.05, 3), st.floats(-6, -1), st.integers(8, 1000))
def test_limits_meet_the_rate_and_shrink_with_the_reference(margin, power, n_blocks):
    def rate(limit, margins, mean, spread):
        return 1 / run_length((margins - mean) / spread, limit / spread + 1.166)

    margins, wanted = np.array([margin + 1 / np.sqrt(n_blocks)]), 10**power
    found = limits(rate, margins, n_blocks, wanted)
    assert limits(rate, margins, 2 * n_blocks, wanted) <= found
    assert limits(rate, margins, n_blocks, wanted / 2) >= found


def test_the_tail_of_weighted_squares_is_that_of_simulated_ones():
    weights = np.array([0.6, 0.2, 0.1, 0.1])
    sums = np.random.default_rng(0).standard_normal((400_000, 4)) ** 2 @ weights
    for value in (3.0, 5.0, 7.0):
        assert _tail(weights, value) == pytest.approx(np.mean(sums > value), rel=0.1)


def test_the_long_run_variance_of_alike_neighbours():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((20_000, 1))
    assert long_run_variance(noise) == pytest.approx(1, rel=0.1)
    smooth = np.apply_along_axis(lambda x: np.convolve(x, np.ones(3), "valid"), 0, noise)
    # An autoregression takes it for a longer memory: wider limits, never narrower ones.
    assert 8 < long_run_variance(smooth)[0] < 18


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=40), st.randoms())
def test_normal_scores_are_antisymmetric_and_keep_order(values, random):
    rows = np.array(values, dtype=float)[:, None]
    one, other = Scale.of(rows), Scale.of(-rows)
    probes = np.array([[random.uniform(-6, 6)] for _ in range(9)] + rows[:3].tolist())
    np.testing.assert_allclose(one.normal(probes), -other.normal(-probes), atol=1e-12)
    order = np.argsort(probes[:, 0])
    assert (np.diff(one.normal(probes)[order, 0]) >= 0).all()


def test_a_long_reference_is_thinned_and_keeps_its_shares():
    rows = np.random.default_rng(0).standard_normal((50_000, 1))
    scale = Scale.of(rows)
    assert scale.values.shape == (1, 2048)
    assert scale.normal(np.array([[1.0]]))[0, 0] == pytest.approx(1, abs=0.03)


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.1, 10))
def test_the_onset_is_where_the_level_moves(before, after, step):
    assert onset_in(np.repeat([0.0, step], [before, after])) == before
