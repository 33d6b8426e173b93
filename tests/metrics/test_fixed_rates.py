"""Figures at a fixed detection or false-positive rate, against their definitions."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import (
    false_discovery_rate,
    make_anomaly_scorer,
    signal_efficiency,
)


@st.composite
def labelled_scores(draw):
    """Labels with both classes, and scores with ties."""
    n = draw(st.integers(2, 60))
    labels = draw(st.lists(st.sampled_from([0, 1]), min_size=n, max_size=n))
    labels[:2] = [0, 1]
    scores = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))
    return np.array(labels), np.array(scores, dtype=float)


@given(labelled_scores(), st.floats(0.01, 1), st.floats(0.001, 0.999))
def test_fdr_is_that_of_the_tightest_cut_weighted_to_the_prevalence(data, detection, prevalence):
    y, score = data
    found = false_discovery_rate(y, score, detection_rate=detection, prevalence=prevalence)
    for cut in np.unique(score)[::-1]:
        tpr, fpr = (score[y == 1] >= cut).mean(), (score[y == 0] >= cut).mean()
        if tpr >= detection * (1 - 1e-12):
            break
    expected = (1 - prevalence) * fpr / ((1 - prevalence) * fpr + prevalence * tpr)
    assert found == pytest.approx(expected)


@given(labelled_scores())
def test_at_the_share_of_the_sample_it_is_the_false_discovery_rate(data):
    y, score = data
    found = false_discovery_rate(y, score, prevalence=y.mean())
    assert found == pytest.approx(false_discovery_rate(y, score))


@given(labelled_scores(), st.integers(2, 5))
def test_how_many_good_samples_there_are_does_not_matter(data, times):
    y, score = data
    repeats = np.where(y == 0, times, 1)
    found = false_discovery_rate(np.repeat(y, repeats), np.repeat(score, repeats), prevalence=0.5)
    assert found == pytest.approx(false_discovery_rate(y, score, prevalence=0.5))


def test_perfect_and_blind_scores_are_at_the_ends():
    y = np.repeat([0, 1], [90, 10])
    assert false_discovery_rate(y, y, prevalence=0.5) == 0.0
    assert false_discovery_rate(y, np.zeros(100), prevalence=0.5) == 0.5
    assert false_discovery_rate(y, np.zeros(100), prevalence=0.01) == 0.99


def test_it_makes_a_scorer():
    class Detector:
        def score_samples(self, X):
            return -np.asarray(X)[:, 0]

    X, y = np.array([[0.0], [1.0], [3.0], [2.0]]), [0, 0, 0, 1]
    scorer = make_anomaly_scorer(
        partial(false_discovery_rate, prevalence=0.5), greater_is_better=False
    )
    assert scorer(Detector(), X, y) == pytest.approx(-0.25)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, "half", float("nan")])
def test_a_prevalence_that_is_no_share_is_refused(prevalence):
    with pytest.raises(UsageError, match=r"prevalence=.*; give the share of faults, in \(0, 1\)"):
        false_discovery_rate([0, 1], [0, 1], prevalence=prevalence)


@given(labelled_scores(), st.floats(1e-3, 1))
def test_signal_efficiency_is_that_of_the_best_cut_that_few_good_rows_pass(data, rate):
    y, score = data
    cuts = [np.inf, *np.unique(score)]
    allowed = [
        (score[y == 1] >= cut).mean()
        for cut in cuts
        if (score[y == 0] >= cut).mean() <= rate * (1 + 1e-12)
    ]
    found = signal_efficiency(y, score, background_efficiency=rate)
    assert found == pytest.approx(max(allowed))


def test_what_cannot_be_evaluated_is_named():
    with pytest.raises(UsageError, match="detection_rate=0 is not a share"):
        false_discovery_rate([0, 1], [0, 1], detection_rate=0)
    with pytest.raises(DataError, match="only the label 0"):
        false_discovery_rate([0, 0], [0, 1])
