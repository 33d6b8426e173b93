import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.streaming import AdaptiveConformal, PeaksOverThreshold, RollingQuantile
from skdqm.streaming._strategies import Past, explained_by_chance, tail_width


@given(
    st.lists(st.floats(-5, 5), min_size=20, max_size=60),
    st.floats(0.01, 0.3),
    st.floats(0.05, 1),
)
def test_conformal_alarms_beyond_the_promise_are_the_rise_of_the_threshold(
    scores: list[float], rate: float, step: float
) -> None:
    strategy, known, placed, start, n_flagged = AdaptiveConformal(step), {"width": 0.7}, 1.0, 1.0, 0
    for first in range(0, len(scores), 2):
        some = np.array(scores[first : first + 2])
        n_flagged += int((some > placed).sum())
        past = Past(some, np.full(len(some), placed), len(some), uses_flagged=False)
        placed, known = strategy.placed(past, rate, known)
    rise = (placed - start) / (step * 0.7)
    assert rise == pytest.approx(n_flagged - rate * len(scores), abs=1e-6)


def test_flagged_scores_that_chance_explains_count_the_lowest_first() -> None:
    scores = np.arange(1000.0)
    kept = explained_by_chance(scores, scores >= 970, 0.01)  # 10 expected, 19 are possible
    assert kept.max() == 970 + 18
    assert len(explained_by_chance(scores, scores >= 990, 0.01)) == 1000


@pytest.mark.parametrize("strategy", [PeaksOverThreshold(step=0), RollingQuantile()])
def test_the_threshold_flags_the_promised_share_of_good_scores(strategy: object) -> None:
    scores = np.random.default_rng(0).exponential(size=10_000)
    rate = 0.005
    met = np.full(10_000, -np.log(rate))
    known = strategy.learned(scores, rate)
    placed, _ = strategy.placed(Past(scores, met, 100, uses_flagged=False), rate, known)
    assert np.exp(-placed) == pytest.approx(rate, rel=0.3)


def test_far_anomalies_do_not_move_the_law_of_peaks() -> None:
    random = np.random.default_rng(0)
    scores, rate = random.exponential(size=10_000), 0.005
    met = np.full(10_000, -np.log(rate))
    strategy = PeaksOverThreshold(step=0)
    known = strategy.learned(scores, rate)
    clean, _ = strategy.placed(Past(scores, met, 100, uses_flagged=False), rate, known)
    polluted = np.where(random.random(10_000) < 0.03, 50.0, scores)
    same, _ = strategy.placed(Past(polluted, met, 100, uses_flagged=False), rate, known)
    assert same == pytest.approx(clean, abs=0.5)
    blind, _ = strategy.placed(Past(polluted, met, 100, uses_flagged=True), rate, known)
    assert blind > 2 * clean


def test_the_correction_of_the_law_is_bounded() -> None:
    scores, met = np.full(200, 9.0), np.full(200, 1.0)
    known = {"width": 1.0, "shape": 0.0, "raised": 0.0}
    for _ in range(50):
        past = Past(scores, met, 100, uses_flagged=False)
        _, known = PeaksOverThreshold().placed(past, 0.01, known)
    assert np.exp(known["raised"]) == pytest.approx(3)


def test_with_too_little_of_a_tail_the_threshold_stays() -> None:
    past = Past(np.zeros(50), np.full(50, 2.5), 10, uses_flagged=False)
    known = PeaksOverThreshold().learned(np.zeros(50), 0.01)
    assert PeaksOverThreshold().placed(past, 0.01, known)[0] == 2.5


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.floats(1e-4, 0.5))
def test_the_width_of_a_tail_is_never_zero(scores: list[float], rate: float) -> None:
    width = tail_width(np.array(scores), rate)
    assert width > 0
    assert np.isfinite(width)


def test_the_width_of_an_exponential_tail_is_its_scale() -> None:
    scores = np.random.default_rng(0).exponential(3.0, size=20_000)
    assert tail_width(scores, 0.01) == pytest.approx(3.0, rel=0.1)
