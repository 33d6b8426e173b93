"""Bootstrap intervals: where they lie, how often they hold the truth, and what they refuse."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from skdqm import metrics
from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import bootstrap_interval


def difference(y, score):
    """Difference of the means of the two classes, whose interval theory knows."""
    return score[y == 1].mean() - score[y == 0].mean()


def sample(seed, n_normal=200, n_anomalies=50, distance=1.0):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n_normal, n_anomalies])
    return y, rng.normal(size=len(y)) + distance * y


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 30))
def test_the_interval_holds_the_estimate_and_stays_in_the_range_of_the_metric(seed, n, m):
    y, score = sample(seed, n, m)
    score = score.round(1)  # with ties
    for metric in (metrics.evaluate_scores, metrics.partial_roc_auc, metrics.precision_at_k):
        found = bootstrap_interval(metric, y, score, n_resamples=20, random_state=seed)
        for figure in found.values() if isinstance(found, dict) else [found]:
            assert figure.low <= figure.estimate <= figure.high
            assert figure.standard_error >= 0
    assert 0 <= found.low <= found.high <= 1


def test_the_interval_holds_the_truth_as_often_as_it_says():
    find = partial(bootstrap_interval, difference, n_resamples=300)
    found = [find(*sample(seed), random_state=seed) for seed in range(80)]
    held = sum(each.low <= 1.0 <= each.high for each in found)
    # 95 % of 80 is 76; the binomial law leaves this range once in a thousand times.
    assert 69 <= held <= 80


def test_width_and_standard_error_are_those_of_theory():
    found = bootstrap_interval(difference, *sample(1, 2000, 1000), random_state=0)
    expected = np.sqrt(1 / 2000 + 1 / 1000)
    assert found.standard_error == pytest.approx(expected, rel=0.1)
    assert found.high - found.low == pytest.approx(2 * 1.96 * expected, rel=0.1)


def test_no_resample_misses_a_class():
    y, score = [1] + [0] * 300, np.arange(301.0)
    sizes = set()

    def metric(labels, scores):
        sizes.add((int(labels.sum()), len(labels), len(scores)))
        return 0.5

    bootstrap_interval(metric, y, score, n_resamples=50, random_state=0)
    assert sizes == {(1, 301, 301)}


def test_resamples_differ_and_keep_labels_beside_their_scores():
    y, score = sample(0, 30, 10)
    known = set(zip(y.tolist(), score.tolist(), strict=True))
    seen = set()

    def metric(labels, scores):
        assert set(zip(labels.tolist(), scores.tolist(), strict=True)) <= known
        seen.add(scores.tobytes())
        return 0.0

    bootstrap_interval(metric, y, score, n_resamples=20, random_state=0)
    assert len(seen) == 21


def test_a_seed_gives_the_same_interval_whatever_the_order_of_the_samples():
    y, score = sample(0)
    order = np.random.default_rng(1).permutation(len(y))
    find = partial(bootstrap_interval, roc_auc_score, n_resamples=50)
    found = find(y, score, random_state=3)
    assert found == find(y, score, random_state=np.random.default_rng(3))
    assert found == pytest.approx(find(y[order], score[order], random_state=3))
    assert found != find(y, score, random_state=4)


def test_a_perfect_detector_has_an_interval_of_no_width():
    found = bootstrap_interval(metrics.evaluate_scores, [0] * 9 + [1] * 3, range(12))
    assert found["roc_auc"] == (1.0, 1.0, 1.0, 0.0)


def test_figures_of_several_are_those_of_each_alone():
    y, score = sample(0)
    find = partial(bootstrap_interval, n_resamples=30, random_state=0)
    together = find(metrics.evaluate_scores, y, score)
    assert together.keys() == metrics.evaluate_scores(y, score).keys()
    alone = find(partial(metrics.background_rejection, signal_efficiency=0.5), y, score)
    assert together["background_rejection_50"] == pytest.approx(alone)


def test_predictions_have_intervals_too():
    y, score = sample(0)
    predicted = np.where(score > 1, -1, 1)
    found = bootstrap_interval(metrics.evaluate_labels, y, predicted, n_resamples=50)
    assert found["recall"].estimate == metrics.evaluate_labels(y, predicted)["recall"]
    assert found["recall"].low < found["recall"].high


def test_the_interval_is_the_central_part_of_the_values_and_their_deviation_the_error():
    values = []

    def noted(y, score):
        values.append(difference(y, score))
        return values[-1]

    found = bootstrap_interval(noted, *sample(0), confidence_level=0.8, n_resamples=20)
    assert found.estimate == values.pop(0)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, (0.1, 0.9))))
    assert found.standard_error == pytest.approx(np.std(values, ddof=1))


def test_a_higher_level_gives_a_wider_interval():
    y, score = sample(0)
    find = partial(bootstrap_interval, difference, y, score, random_state=0)
    narrow, wide = find(confidence_level=0.5), find(confidence_level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metric": "roc_auc"}, "metric must be a function .*; got 'roc_auc'"),
        ({"metric": lambda y, score: float("nan")}, "not finite"),
        ({"confidence_level": 95}, r"confidence_level=95; give a number in \(0, 1\)"),
        ({"confidence_level": 0}, "confidence_level=0; give"),
        ({"confidence_level": 1}, "confidence_level=1; give"),
        ({"confidence_level": 1.5}, "confidence_level=1.5; give"),
        ({"n_resamples": 1}, "n_resamples=1; give a whole number of 2 or more"),
        ({"n_resamples": 10.5}, "n_resamples=10.5"),
    ],
)
def test_a_parameter_out_of_range_is_refused(wrong, message):
    right = {"metric": roc_auc_score, "y_true": [0, 1], "anomaly_score": [0, 1]}
    with pytest.raises(UsageError, match=message):
        bootstrap_interval(**{**right, **wrong})


def test_unusable_labels_or_scores_are_named():
    with pytest.raises(DataError, match="only the label 0"):
        bootstrap_interval(roc_auc_score, [0, 0], [1, 2])
