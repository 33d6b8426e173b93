"""Thresholds: the promised rate, on usual rows and on any."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.continual import (
    ACIThreshold,
    ConformalThreshold,
    ContinualDetector,
    FixedThreshold,
    OpenGate,
    ReplayStrategy,
    ThresholdGate,
)
from tests.continual.parts import Column

BLOCK = 32
CALIBRATION = np.sort(np.random.default_rng(0).exponential(size=999))


@given(n=st.integers(1, 300), rate=st.floats(0.001, 0.5))
def test_a_conformal_limit_has_the_promised_share_of_scores_at_or_beyond_it(
    n: int, rate: float
) -> None:
    scores = np.sort(np.random.default_rng(n).exponential(size=n))
    limit = ConformalThreshold().limit(scores, rate)
    rank = int(rate * (n + 1) + 1e-9)
    if rank:
        assert (scores >= limit).sum() == rank
    else:
        assert limit == pytest.approx(-np.log(rate))


def test_alarms_do_not_move_a_conformal_threshold() -> None:
    for threshold in (ConformalThreshold(), FixedThreshold()):
        assert threshold.after(np.ones(BLOCK, dtype=bool), 0.01) is threshold


def mean_alarm_rate(levels: list[float], step: float, promised: float) -> float:
    """Return the share of alarms on a stream of blocks, each of rows that are so abnormal."""
    threshold, n_flagged = ACIThreshold(step=step), 0
    for level in levels:
        flags = np.full(BLOCK, level) > threshold.limit(CALIBRATION, promised)
        threshold = threshold.after(flags, promised)
        n_flagged += int(flags.sum())
    return n_flagged / (BLOCK * len(levels))


@given(
    levels=st.lists(st.sampled_from([0.0, 1.0, 4.6, 6.0, 20.0, 1e9]), min_size=1, max_size=300),
    step=st.sampled_from([0.0005, 0.005, 0.05]),
    promised=st.sampled_from([0.001, 0.01, 0.1]),
)
def test_adaptive_alarms_stay_within_their_budget_on_any_stream(
    levels: list[float], step: float, promised: float
) -> None:
    bound = (promised + step * BLOCK) / (step * BLOCK * len(levels))
    assert mean_alarm_rate(levels, step, promised) <= promised + bound + 1e-12


def test_the_worst_stream_has_the_promised_rate_of_adaptive_alarms() -> None:
    assert mean_alarm_rate([1e12] * 4000, 0.005, 0.01) == pytest.approx(0.01, abs=0.002)


def test_adaptive_alarms_on_usual_rows_are_as_promised() -> None:
    random, threshold, flags = np.random.default_rng(1), ACIThreshold(), []
    for _ in range(2000):
        block = random.exponential(size=BLOCK) > threshold.limit(CALIBRATION, 0.01)
        threshold = threshold.after(block, 0.01)
        flags.append(block)
    assert np.mean(flags) == pytest.approx(0.01, abs=0.001)


def test_a_quiet_stream_lowers_the_adaptive_threshold_to_the_median_at_most() -> None:
    threshold = ACIThreshold(step=0.1)
    for _ in range(1000):
        threshold = threshold.after(np.zeros(BLOCK, dtype=bool), 0.01)
    assert threshold.limit(CALIBRATION, 0.01) == pytest.approx(np.median(CALIBRATION))


def test_adapting_leaves_the_rule_before_as_it_was() -> None:
    threshold = ACIThreshold()
    moved = threshold.after(np.ones(BLOCK, dtype=bool), 0.01)
    assert threshold.rate(0.01) == 0.01
    assert moved.rate(0.01) < 0.01


def rate_of_new_alarms(gate: Any, n_features: int = 2) -> float:
    """Return the share of good rows that are flagged after many updates on rows of one kind.

    The scores do not depend on what is learned: what a gate keeps from the calibration is all
    that can move the threshold.
    """
    rows = np.random.default_rng(0).exponential(size=(62_000, n_features))
    detector = ContinualDetector(
        Column(), strategy=ReplayStrategy(), gate=gate, random_state=0
    ).fit(rows[:2000])
    detector.observe(rows[2000:42_000])
    return float((detector.predict(rows[42_000:]) == -1).mean())


class Secretive(OpenGate):
    """Keeps away what is flagged, and does not say so."""

    def admits(self, surprise: Any, limit: float) -> Any:
        return surprise <= limit


@pytest.mark.parametrize("gate", [OpenGate(), ThresholdGate(), ThresholdGate(margin=2)], ids=repr)
def test_the_alarm_rate_does_not_run_away_behind_a_gate(gate: Any) -> None:
    assert 0.004 < rate_of_new_alarms(gate) < 0.017


def test_without_amends_for_what_a_gate_keeps_away_the_alarm_rate_runs_away() -> None:
    assert rate_of_new_alarms(Secretive()) > 0.025


@pytest.mark.parametrize(
    ("threshold", "name"),
    [
        (ConformalThreshold(held_out=1.0), "held_out"),
        (ACIThreshold(step=0.0), "step"),
        (ACIThreshold(held_out=-0.1), "held_out"),
    ],
)
def test_parameters_that_make_no_sense_are_named(threshold: Any, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        threshold._validate_params()
