"""Metrics against definitions counted by hand, on scores with and without ties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from skdqm import metrics
from skdqm.exceptions import DataError, SkdqmError, UsageError

METRICS = [
    metrics.background_rejection,
    metrics.evaluate_scores,
    metrics.false_discovery_rate,
    metrics.max_sic_score,
    metrics.partial_roc_auc,
    metrics.precision_at_k,
    metrics.signal_efficiency,
    metrics.significance_improvement_curve,
]
PERFECT = (np.repeat([0, 1], [100, 50]), np.arange(150.0))


@st.composite
def labelled_scores(draw):
    """Labels with both classes, and scores with many ties."""
    n = draw(st.integers(2, 60))
    labels = draw(st.lists(st.sampled_from([0, 1]), min_size=n, max_size=n))
    labels[:2] = [0, 1]
    levels = draw(st.integers(1, 30))
    scores = draw(st.lists(st.integers(-levels, levels), min_size=n, max_size=n))
    return np.array(labels), np.array(scores, dtype=float)


def cuts(y, score):
    """Signal and background kept by every cut that keeps whole groups of equal scores."""
    for threshold in sorted(set(score), reverse=True):
        kept = score >= threshold
        yield int(y[kept].sum()), int((1 - y)[kept].sum())


@given(labelled_scores(), st.integers(1, 10))
def test_sic_is_the_best_cut_with_enough_background(data, min_background):
    y, score = data
    n_signal, n_background = y.sum(), (1 - y).sum()
    best = max(
        (s / n_signal) / np.sqrt(b / n_background)
        for s, b in cuts(y, score)
        if b >= min(min_background, n_background)
    )
    expected = max(best, 1.0)
    assert metrics.max_sic_score(y, score, min_background=min_background) == pytest.approx(expected)


@given(labelled_scores(), st.floats(0.01, 1.0))
def test_background_rejection_is_that_of_the_tightest_sufficient_cut(data, efficiency):
    y, score = data
    background = next(b for s, b in cuts(y, score) if s / y.sum() >= efficiency)
    found = metrics.background_rejection(y, score, signal_efficiency=efficiency)
    assert found == pytest.approx((1 - y).sum() / max(background, 1))


@given(labelled_scores(), st.floats(0.01, 1.0))
def test_signal_efficiency_is_that_of_the_loosest_allowed_cut(data, efficiency):
    y, score = data
    allowed = [s for s, b in cuts(y, score) if b / (1 - y).sum() <= efficiency]
    found = metrics.signal_efficiency(y, score, background_efficiency=efficiency)
    assert found == pytest.approx(max(allowed, default=0) / y.sum())


@given(labelled_scores(), st.floats(0.01, 1.0))
def test_false_discovery_rate_is_that_of_the_tightest_sufficient_cut(data, rate):
    y, score = data
    signal, background = next((s, b) for s, b in cuts(y, score) if s / y.sum() >= rate)
    found = metrics.false_discovery_rate(y, score, detection_rate=rate)
    assert found == pytest.approx(background / (signal + background))


@given(labelled_scores())
def test_what_scikit_learn_has_agrees_with_it(data):
    figures = metrics.evaluate_scores(*data)
    assert figures["roc_auc"] == pytest.approx(roc_auc_score(*data))
    assert figures["average_precision"] == pytest.approx(average_precision_score(*data))


@given(labelled_scores(), st.floats(1e-6, 1.0))
def test_the_partial_area_is_that_of_scikit_learn(data, max_fpr):
    found = metrics.partial_roc_auc(*data, max_fpr=max_fpr)
    assert found == pytest.approx(roc_auc_score(*data, max_fpr=max_fpr), abs=1e-9)


@given(labelled_scores(), st.data())
def test_precision_at_k_is_the_mean_over_the_orders_of_equal_scores(data, draw):
    y, score = data
    k = draw.draw(st.integers(1, len(y)))
    last = np.sort(score)[::-1][k - 1]
    above, tied = y[score > last], y[score == last]
    expected = (above.sum() + tied.mean() * (k - len(above))) / k
    assert metrics.precision_at_k(y, score, k=k) == pytest.approx(expected)


@given(labelled_scores())
def test_by_default_k_is_the_number_of_anomalies(data):
    y, score = data
    assert metrics.precision_at_k(y, score) == metrics.precision_at_k(y, score, k=int(y.sum()))


@given(labelled_scores(), st.sampled_from([np.arctan, np.cbrt, lambda s: 3 * s - 7]))
def test_only_the_order_of_the_scores_matters(data, increasing):
    y, score = data
    assert metrics.evaluate_scores(y, increasing(score)) == metrics.evaluate_scores(y, score)


@given(labelled_scores(), st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(data, random):
    y, score = data
    order = random.sample(range(len(y)), len(y))
    expected = metrics.evaluate_scores(y, score)
    assert metrics.evaluate_scores(y[order], score[order]) == pytest.approx(expected)


@given(labelled_scores())
def test_every_figure_lies_in_its_range(data):
    y, score = data
    figures = metrics.evaluate_scores(y, score)
    assert np.isfinite([*figures.values()]).all()
    assert figures["max_sic"] >= 1
    assert 1 <= figures["background_rejection_50"] <= figures["background_rejection_30"]
    assert figures["background_rejection_30"] <= (1 - y).sum()
    assert 0 <= figures["signal_efficiency_1pct"] <= 1
    assert 0 <= figures["fdr_99"] < 1
    for name in ("roc_auc", "partial_roc_auc_10pct", "average_precision", "precision_at_k"):
        assert 0 <= figures[name] <= 1 + 1e-12


@given(labelled_scores(), st.integers(1, 10))
def test_the_curve_ends_where_everything_is_kept(data, min_background):
    efficiency, improvement = metrics.significance_improvement_curve(
        *data, min_background=min_background
    )
    assert (efficiency[-1], improvement[-1]) == (1.0, 1.0)
    assert (np.diff(efficiency) >= 0).all()
    assert efficiency.shape == improvement.shape


def test_a_perfect_score_gets_the_best_of_every_figure():
    assert metrics.evaluate_scores(*PERFECT) == pytest.approx(
        {
            "roc_auc": 1.0,
            "partial_roc_auc_10pct": 1.0,
            "average_precision": 1.0,
            "precision_at_k": 1.0,
            "max_sic": 1 / np.sqrt(25 / 100),
            "background_rejection_30": 100.0,
            "background_rejection_50": 100.0,
            "signal_efficiency_1pct": 1.0,
            "fdr_99": 0.0,
        }
    )


def test_an_inverted_score_gets_the_worst_of_every_figure():
    y, score = PERFECT
    assert metrics.evaluate_scores(y, -score) == pytest.approx(
        {
            "roc_auc": 0.0,
            "partial_roc_auc_10pct": 0.9 / 1.9,
            "average_precision": np.mean(np.arange(1, 51) / np.arange(101, 151)),
            "precision_at_k": 0.0,
            "max_sic": 1.0,
            "background_rejection_30": 1.0,
            "background_rejection_50": 1.0,
            "signal_efficiency_1pct": 0.0,
            "fdr_99": 100 / 150,
        }
    )


def test_a_constant_score_is_worth_keeping_everything():
    y, score = PERFECT
    figures = metrics.evaluate_scores(y, np.zeros_like(score))
    assert figures["roc_auc"] == 0.5
    assert figures["max_sic"] == 1.0
    assert figures["background_rejection_30"] == 1.0
    assert figures["signal_efficiency_1pct"] == 0.0
    assert figures["partial_roc_auc_10pct"] == pytest.approx(0.5)
    assert figures["precision_at_k"] == pytest.approx(50 / 150)  # the share of anomalies


def test_a_random_score_improves_nothing():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=20_000)
    figures = metrics.evaluate_scores(y, rng.normal(size=y.size))
    assert figures["roc_auc"] == pytest.approx(0.5, abs=0.02)
    assert figures["background_rejection_30"] == pytest.approx(1 / 0.3, rel=0.05)
    assert figures["signal_efficiency_1pct"] == pytest.approx(0.01, abs=0.005)
    assert figures["fdr_99"] == pytest.approx(0.5, abs=0.02)


def test_sic_ignores_the_fluctuation_where_little_background_is_left():
    y = np.repeat([0, 1], [1000, 10])
    score = np.concatenate([np.arange(1000), np.full(10, 989.5)])  # above all but 10 of background
    assert metrics.max_sic_score(y, score, min_background=1) == pytest.approx(10.0)
    assert metrics.max_sic_score(y, score) == pytest.approx(np.sqrt(1000 / 25))


def test_with_too_little_background_for_any_cut_sic_is_one():
    assert metrics.max_sic_score([0, 0, 1], [1, 2, 3]) == 1.0


def test_an_exact_share_is_reached_in_spite_of_binary_rounding():
    y = np.repeat([0, 1], [100, 100])
    score = np.concatenate([np.arange(100.0), np.arange(100.0) + 0.5])
    for percent in range(1, 101):
        fdr = metrics.false_discovery_rate(y, score, detection_rate=percent / 100)
        assert fdr == pytest.approx((percent - 1) / (2 * percent - 1))
        # The cut behind the last background event that is allowed lets that many through.
        kept = metrics.signal_efficiency(y, score, background_efficiency=percent / 100)
        assert kept == pytest.approx(min(percent + 1, 100) / 100)


def test_equal_scores_are_never_split():
    y, score = [0, 0, 1, 0, 1], [0, 1, 1, 1, 2]
    assert metrics.background_rejection(y, score, signal_efficiency=0.5) == 3.0
    assert metrics.background_rejection(y, score, signal_efficiency=0.51) == 1.5


def test_lists_series_and_booleans_are_read_alike():
    y, score = [0, 0, 1], [0.1, 0.2, 0.3]
    expected = metrics.evaluate_scores(y, score)
    assert metrics.evaluate_scores(np.array(y, dtype=bool), np.float32(score)) == expected
    series = pd.Series(y, index=[7, 8, 9]), pd.Series(score, index=[1, 2, 3])
    assert metrics.evaluate_scores(*series) == expected


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([], [], "empty"),
        ([0, 0], [1, 2], "only the label 0; both anomalies"),
        ([1, 1], [1, 2], "only the label 1; both anomalies"),
        ([-1, 1], [1, 2], r"y_true holds -1, 1; labels must be 1 .* `y == -1`"),
        (["good", "bad"], [1, 2], "bad, good"),
        ([0.0, np.nan], [1, 2], "nan"),
        (list(range(5)), list(range(5)), "0, 1, 2, 3, 4; labels"),
        (list(range(6)), list(range(6)), r"0, 1, 2, 3, 4, \.\.\.; labels"),
        ([0, 1], [1, np.nan], "1 values that are NaN or infinite, the first at position 1"),
        ([0, 1], [np.inf, 1], "NaN or infinite, the first at position 0"),
        ([0, 1], [1, 2, 3], r"y_true has shape \(2,\) and anomaly_score \(3,\)"),
        ([[0, 1]], [[1, 2]], "one label and one score per sample"),
        ([0, 1], ["low", "high"], "one number per sample"),
    ],
)
def test_unusable_labels_or_scores_are_named(metric, y, score, message):
    with pytest.raises(DataError, match=message):
        metric(y, score)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan"), "a", None])
@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (metrics.background_rejection, "signal_efficiency"),
        (metrics.signal_efficiency, "background_efficiency"),
        (metrics.false_discovery_rate, "detection_rate"),
        (metrics.partial_roc_auc, "max_fpr"),
    ],
)
def test_a_share_outside_0_to_1_is_refused(metric, name, share):
    with pytest.raises(UsageError, match=f"{name}=.* is not a share"):
        metric([0, 1], [0, 1], **{name: share})


@pytest.mark.parametrize("k", [0, -1, 1.5, "all"])
def test_a_k_that_is_no_number_of_samples_is_refused(k):
    with pytest.raises(UsageError, match=r"k=.*; give a whole number of 1 or more"):
        metrics.precision_at_k([0, 1], [0, 1], k=k)


def test_a_k_beyond_the_samples_is_refused():
    with pytest.raises(UsageError, match="k=3 is more than the 2 samples"):
        metrics.precision_at_k([0, 1], [0, 1], k=3)


def test_a_minimum_of_no_background_is_refused():
    with pytest.raises(SkdqmError, match="min_background=0"):
        metrics.max_sic_score([0, 1], [0, 1], min_background=0)
