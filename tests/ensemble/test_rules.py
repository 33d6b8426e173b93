"""Rules: what an ensemble makes of the scores of its members."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdqm.ensemble._rules import RULES

SCORES = np.array([[1.0, 2.0, 6.0, 0.0], [3.0, 3.0, 3.0, 3.0]])
EQUAL = np.full(4, 0.25)
tables = arrays(np.float64, st.tuples(st.integers(1, 20), st.just(5)), elements=st.floats(-9, 9))


def test_the_mean_and_the_largest_are_those_of_the_weighted_scores() -> None:
    np.testing.assert_allclose(RULES["mean"](SCORES, EQUAL), [2.25, 3])
    np.testing.assert_allclose(RULES["mean"](SCORES, np.array([0.5, 0.5, 0, 0])), [1.5, 3])
    np.testing.assert_allclose(RULES["max"](SCORES, EQUAL), [6, 3])


def test_a_member_without_weight_says_nothing_of_the_largest() -> None:
    usual = np.array([[-2.0, 5.0, -1.0]])  # below zero, as half of all are on the standard scale
    found = RULES["max"](usual, np.array([0.5, 0.0, 0.5]))
    np.testing.assert_array_equal(found, [-1.5])


def test_two_of_four_are_no_majority() -> None:
    # Three reach 1, two reach 2.
    np.testing.assert_array_equal(RULES["majority"](SCORES, EQUAL), [1, 3])


@given(scores=tables, level=st.floats(-9, 9))
def test_a_threshold_on_the_majority_flags_what_most_members_flag(
    scores: np.ndarray, level: float
) -> None:
    votes = (scores >= level).sum(axis=1)
    flagged = RULES["majority"](scores, np.full(5, 0.2)) >= level
    np.testing.assert_array_equal(flagged, votes >= 3)


@given(scores=tables, heavy=st.integers(0, 4))
def test_a_member_with_most_of_the_weight_decides_alone(scores: np.ndarray, heavy: int) -> None:
    weights = np.full(5, 0.1)
    weights[heavy] = 0.6
    np.testing.assert_array_equal(RULES["majority"](scores, weights), scores[:, heavy])
