"""Gates: which rows may be learned, and when a hold has ended."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.continual import GuardedGate, OpenGate, ThresholdGate
from skdqm.continual._gate import fits

SURPRISES = st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(np.array)
LIMITS = st.floats(0, 1e3)


@given(surprise=SURPRISES, limit=LIMITS)
def test_an_open_gate_lets_everything_through(surprise: Any, limit: float) -> None:
    assert OpenGate().admits(surprise, limit).all()
    assert OpenGate().admits(np.array([np.inf]), limit).all()


@given(surprise=SURPRISES, limit=LIMITS, margin=st.floats(1, 10))
def test_a_gate_lets_through_what_is_not_flagged_and_nothing_beyond_its_margin(
    surprise: Any, limit: float, margin: float
) -> None:
    for gate in (ThresholdGate(margin), GuardedGate(margin=margin)):
        admitted = gate.admits(surprise, limit)
        assert admitted[surprise <= limit].all()
        assert not admitted[surprise > margin * limit].any()


@given(surprise=SURPRISES, limit=LIMITS, margins=st.tuples(st.floats(1, 10), st.floats(1, 10)))
def test_a_wider_margin_lets_more_through(
    surprise: Any, limit: float, margins: tuple[float, float]
) -> None:
    narrow, wide = (ThresholdGate(margin).admits(surprise, limit) for margin in sorted(margins))
    assert (narrow <= wide).all()


def test_only_a_guarded_gate_guards_and_lets_rows_wait() -> None:
    assert [gate.guards for gate in (OpenGate(), ThresholdGate(), GuardedGate())] == [
        False,
        False,
        True,
    ]
    assert OpenGate().probation == ThresholdGate().probation == 0


def test_too_few_rows_have_not_recovered() -> None:
    gate = GuardedGate(recovery=96)
    assert not gate.has_recovered(np.zeros(95))
    assert gate.has_recovered(np.zeros(96))


def test_usual_rows_have_recovered_and_shifted_ones_have_not() -> None:
    gate, random = GuardedGate(), np.random.default_rng(0)
    usual = random.standard_normal((1000, 96))
    assert np.mean([gate.has_recovered(scores) for scores in usual]) > 0.95
    assert np.mean([gate.has_recovered(scores + 1) for scores in usual]) < 0.001


@pytest.mark.parametrize("third", [0, 1, 2])
def test_a_third_that_does_not_fit_keeps_the_hold(third: int) -> None:
    scores = np.full(96, -1.0)
    scores[32 * third : 32 * (third + 1)] = 0.8
    assert not GuardedGate().has_recovered(scores)


@given(st.integers(1, 96))
def test_what_was_before_does_not_matter_to_recovery(n_before: int) -> None:
    scores = np.concatenate([np.full(n_before, 8.0), np.zeros(96)])
    assert GuardedGate().has_recovered(scores)


@pytest.mark.parametrize("recovery", [1, 2, 3, 7])
def test_recovery_by_a_handful_of_rows_works(recovery: int) -> None:
    assert GuardedGate(recovery=recovery).has_recovered(np.zeros(recovery))
    assert not GuardedGate(recovery=recovery).has_recovered(np.full(recovery, 8.0))


@given(st.integers(1, 500), st.floats(-3, 3))
def test_scores_fit_when_their_mean_does(n_rows: int, level: float) -> None:
    allowed = max(0.5, 3 / np.sqrt(n_rows))
    if abs(level - allowed) > 1e-6:
        assert fits(np.full(n_rows, level)) == (level < allowed)


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        (ThresholdGate(margin=0.99), "margin"),
        (GuardedGate(probation=-1), "probation"),
        (GuardedGate(patience=0), "patience"),
        (GuardedGate(recovery=0), "recovery"),
        (GuardedGate(margin="wide"), "margin"),
    ],
)
def test_parameters_that_make_no_sense_are_named(gate: Any, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        gate._validate_params()
