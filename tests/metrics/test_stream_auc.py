"""Areas under the ROC curve along a stream: against scikit-learn in every window."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from skdqm.exceptions import DataError, UsageError
from skdqm.metrics import (
    adaptation_gain,
    normalised_roc_auc,
    poisoning_loss,
    prequential_roc_auc,
    share_of_faulty_learned,
    windowed_roc_auc,
)

AT_EACH_ROW = partial(prequential_roc_auc, stride=1)
ROWS = ([0, 1, 0, 1, 0], [1.0, 2.0, 3.0, 4.0, 5.0])


@st.composite
def streams(draw):
    """Labels with both classes beside each other, and scores with many ties."""
    n = draw(st.integers(2, 60))
    rare = draw(st.booleans())
    labels = draw(st.lists(st.sampled_from([0, 0, 0, rare, 1]), min_size=n, max_size=n))
    labels[:2] = [0, 1]
    levels = draw(st.integers(1, 30))
    scores = draw(st.lists(st.integers(-levels, levels), min_size=n, max_size=n))
    return np.array(labels, dtype=int), np.array(scores, dtype=float)


def has_both(labels):
    return labels.min() < labels.max()


@given(streams(), st.integers(2, 70))
def test_the_windowed_area_is_that_of_each_window_with_both_classes(data, window):
    y, score = data
    cuts = [slice(first, first + window) for first in range(0, len(y), window)]
    expected = {cut.start: roc_auc_score(y[cut], score[cut]) for cut in cuts if has_both(y[cut])}
    found = windowed_roc_auc(y, score, window=window)
    assert found.starts.tolist() == list(expected)
    assert found.values == pytest.approx(list(expected.values()))
    assert found.mean == pytest.approx(np.mean(found.values))
    assert found.n_windows == len(cuts)


@given(streams(), st.integers(0, 10))
def test_one_window_is_the_whole_area(data, more):
    y, score = data
    whole = pytest.approx(roc_auc_score(y, score))
    assert windowed_roc_auc(y, score, window=len(y) + more).mean == whole
    assert prequential_roc_auc(y, score, window=len(y) + more).values[-1] == whole
    assert prequential_roc_auc(y, score, window=None).values[-1] == whole


@given(streams(), st.integers(2, 70), st.randoms(use_true_random=False))
def test_the_order_of_rows_in_a_window_changes_nothing(data, window, random):
    y, score = data
    order = []
    for first in range(0, len(y), window):
        rows = list(range(first, min(first + window, len(y))))
        order += random.sample(rows, len(rows))
    shuffled = windowed_roc_auc(y[order], score[order], window=window)
    np.testing.assert_array_equal(shuffled.values, windowed_roc_auc(y, score, window=window).values)


@given(streams(), st.one_of(st.none(), st.integers(2, 70)), st.integers(1, 20))
def test_the_prequential_area_is_that_of_the_last_rows_at_each_row(data, window, stride):
    y, score = data
    ends = range((len(y) - 1) % stride, len(y), stride)
    cuts = {end: slice(max(0, end + 1 - (window or len(y))), end + 1) for end in ends}
    expected = {e: roc_auc_score(y[c], score[c]) for e, c in cuts.items() if has_both(y[c])}
    if not expected:
        with pytest.raises(DataError, match="both an anomaly and a normal row"):
            prequential_roc_auc(y, score, window=window, stride=stride)
        return
    found = prequential_roc_auc(y, score, window=window, stride=stride)
    assert found.rows.tolist() == list(expected)
    assert found.values == pytest.approx(list(expected.values()))
    assert found.mean == pytest.approx(np.mean(found.values))


@given(streams(), st.integers(2, 70))
def test_an_increasing_transform_of_scores_changes_nothing(data, window):
    y, score = data
    other = np.exp(rankdata(score, method="dense") / 10)
    for figure in (windowed_roc_auc, AT_EACH_ROW):
        before, after = (figure(y, values, window=window) for values in (score, other))
        np.testing.assert_array_equal(before.values, after.values)


@given(streams(), st.integers(2, 70))
def test_turned_scores_have_the_area_that_lacks_to_one(data, window):
    y, score = data
    for figure in (windowed_roc_auc, AT_EACH_ROW):
        assert figure(y, -score, window=window).mean == pytest.approx(
            1 - figure(y, score, window=window).mean
        )


@given(streams())
def test_one_condition_is_the_whole_area(data):
    y, score = data
    one = normalised_roc_auc(y, score, np.zeros(len(y)))
    spread = np.subtract(*np.quantile(score[y == 0], (0.75, 0.25)))
    assert spread == 0 or one == pytest.approx(roc_auc_score(y, score))


@given(streams(), st.integers(1, 9), st.integers(-5, 5))
def test_the_scale_of_a_condition_changes_nothing(data, scale, shift):
    y, score = data
    y, score = np.tile(y, 2), np.tile(score, 2)
    condition = np.repeat(["cold", "warm"], len(y) // 2)
    moved = np.where(condition == "warm", 2.0**scale * score + shift, score)
    assert normalised_roc_auc(y, moved, condition) == normalised_roc_auc(y, score, condition)


def test_conditions_are_compared_on_one_scale_and_not_apart():
    y = np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
    score = np.array([1.0, 2, 3, 4, 20, 10, 20, 30, 40, 45])
    condition = np.repeat([1, 2], 5)
    assert roc_auc_score(y, score) < normalised_roc_auc(y, score, condition) == 1
    # In its own condition the fault is on top, but an ordinary row of the other is further out.
    score[[3, 9]] = 9, 41
    assert normalised_roc_auc(y, score, condition) < 1


def test_of_a_constant_score_only_what_differs_is_abnormal():
    y = [0, 0, 0, 1, 0, 1, 0, 0, 0, 1]
    score = [5, 5, 5, 6, 5, 5, 1, 2, 3, 4]
    condition = ["flat"] * 6 + ["usual"] * 4
    # The first and the last anomaly win; the other one ties with four rows and one of the three.
    assert normalised_roc_auc(y, score, condition) == pytest.approx((7 + 7 + (1 + 5 / 2)) / 21)


def test_a_score_may_lie_more_widths_away_than_there_are_numbers():
    score = [0, 1e-300, 2e-300, 1e300, 1, 2, 3, 4]
    assert normalised_roc_auc([0, 0, 0, 1, 0, 0, 0, 1], score, [1] * 4 + [2] * 4) == 1


def test_a_condition_without_normal_rows_is_named():
    with pytest.raises(DataError, match="no row of the condition warm is normal"):
        normalised_roc_auc([0, 1, 1], [1, 2, 3], ["cold", "cold", "warm"])
    with pytest.raises(DataError, match=r"conditions have the shape \(2,\); expected one per row"):
        normalised_roc_auc([0, 1, 1], [1, 2, 3], ["cold", "cold"])


def test_the_gain_is_the_difference_of_the_windows():
    rng = np.random.default_rng(0)
    y = (rng.random(1000) < 0.1).astype(int)
    static = rng.standard_normal(1000)
    adapted = static + 2 * y
    found = adaptation_gain(y, adapted, static, window=100)
    apart = [windowed_roc_auc(y, score, window=100) for score in (adapted, static)]
    np.testing.assert_array_equal(found.values, apart[0].values - apart[1].values)
    assert found.gain == found.adapted - found.static == apart[0].mean - apart[1].mean
    np.testing.assert_array_equal(found.starts, apart[0].starts)
    assert found.share_better == 1
    assert adaptation_gain(y, static, static).gain == 0


@given(streams())
def test_the_loss_by_poison_is_a_difference_of_areas(data):
    y, score = data
    found = poisoning_loss(y, score, y)
    assert found.clean == 1
    assert found.loss == pytest.approx(1 - roc_auc_score(y, score))
    assert poisoning_loss(y, score, score).loss == 0


def test_only_faulty_rows_count_as_poison():
    assert share_of_faulty_learned([0, 0, 1, 1], np.array([True, True, True, False])) == 0.5
    with pytest.raises(DataError, match="y_true calls no row faulty"):
        share_of_faulty_learned([0, 0], np.array([True, True]))
    with pytest.raises(DataError, match="type int64; expected a boolean per row"):
        share_of_faulty_learned([0, 1], [0, 1])


def test_windows_that_never_hold_both_classes_are_refused():
    y = np.repeat([0, 1], 4)
    with pytest.raises(DataError, match="no window of 4 rows holds both an anomaly and a normal"):
        windowed_roc_auc(y, np.arange(8.0), window=4)
    with pytest.raises(DataError, match="no window of 2 rows holds both"):
        prequential_roc_auc(y, np.arange(8.0), window=2, stride=8)


@pytest.mark.parametrize("figure", [windowed_roc_auc, prequential_roc_auc])
def test_impossible_windows_scores_and_labels_are_named(figure):
    with pytest.raises(UsageError, match="window=1; give a whole number of 2 or more"):
        figure(*ROWS, window=1)
    with pytest.raises(DataError, match="anomaly_score has 1 values that are NaN"):
        figure([0, 1], [np.nan, 1])
    with pytest.raises(DataError, match="y_true holds only the label 0"):
        figure([0, 0], [1, 1])


def test_an_impossible_stride_is_named():
    with pytest.raises(UsageError, match="stride=0; give a whole number of 1 or more"):
        prequential_roc_auc(*ROWS, stride=0)
