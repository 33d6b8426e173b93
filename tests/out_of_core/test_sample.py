import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skdqm.out_of_core._sample import UniformSample


def sample_of(lengths, size, seed=0):
    sample, start = UniformSample(size, np.random.default_rng(seed)), 0
    for length in lengths:
        sample.add(np.arange(start, start + length))
        start += length
    return sample


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(1, 40))
def test_a_sample_holds_different_rows_and_as_many_as_it_may(lengths, size):
    sample = sample_of(lengths, size)
    n_rows = sum(lengths)
    assert sample.n_seen == n_rows
    assert len(sample.rows) == min(size, n_rows)
    assert len(set(sample.rows)) == len(sample.rows)
    assert set(sample.rows) <= set(range(n_rows))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_as_few_rows_as_there_is_room_for_are_all_kept_in_order(lengths):
    np.testing.assert_array_equal(sample_of(lengths, 45).rows, np.arange(sum(lengths)))


def test_every_row_has_the_same_chance_wherever_it_stands():
    counts = np.zeros(40)
    for seed in range(4000):
        counts[sample_of([3, 17, 1, 19], 10, seed).rows] += 1
    # A binomial count of 4,000 draws at 1/4 has a standard deviation of 27.
    assert np.abs(counts - 1000).max() < 4 * 27


def test_an_untouched_sample_is_empty():
    assert len(UniformSample(3, np.random.default_rng(0)).rows) == 0


def test_rows_keep_their_type_and_width():
    sample = UniformSample(5, np.random.default_rng(0))
    sample.add(np.ones((9, 2), dtype=np.float32))
    assert sample.rows.dtype == np.float32
    assert sample.rows.shape == (5, 2)


def test_fractions_behind_whole_numbers_stay_fractions():
    sample = UniformSample(3, np.random.default_rng(0))
    sample.add(np.array([1, 2, 3]))
    sample.add(np.linspace(0.1, 0.9, 100))
    assert (sample.rows % 1 > 0).any()
