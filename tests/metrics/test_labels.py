"""Figures of flags, against scikit-learn and where nothing is flagged."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from skdqm.exceptions import DataError
from skdqm.metrics import evaluate_labels


@st.composite
def labels_and_predictions(draw):
    """Labels with both classes, and flags."""
    n = draw(st.integers(2, 50))
    labels = draw(st.lists(st.sampled_from([0, 1]), min_size=n, max_size=n))
    labels[:2] = [0, 1]
    predictions = draw(st.lists(st.sampled_from([-1, 1]), min_size=n, max_size=n))
    return np.array(labels), np.array(predictions)


@given(labels_and_predictions())
def test_figures_of_flags_are_those_of_scikit_learn(data):
    y, predicted = data
    flags = (predicted == -1).astype(int)
    assert evaluate_labels(y, predicted) == pytest.approx(
        {
            "accuracy": accuracy_score(y, flags),
            "precision": precision_score(y, flags, zero_division=0),
            "recall": recall_score(y, flags),
            "f1": f1_score(y, flags),
            "false_alarm_rate": flags[y == 0].mean(),
        }
    )


@pytest.mark.parametrize("prediction", [1, -1])
def test_flagging_nothing_or_everything_is_defined_and_warns_of_nothing(prediction):
    y = np.array([0, 0, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = evaluate_labels(y, np.full(4, prediction))
    flags_all = float(prediction == -1)
    assert figures["recall"] == figures["false_alarm_rate"] == flags_all
    assert figures["precision"] == flags_all / 4
    assert np.isfinite([*figures.values()]).all()


@pytest.mark.parametrize(
    ("y", "predicted", "message"),
    [
        ([0, 1], [0, 1], r"y_pred holds 0, 1; predictions must be -1 .*np.where\(y_pred == 1"),
        ([0, 1], [True, False], "y_pred holds False, True"),
        ([0, 1], ["bad", "good"], "y_pred holds bad, good"),
        ([0, 1], [1, np.nan], "nan"),
        ([-1, 1], [-1, 1], r"y_true holds -1, 1; labels must be 1 .* `y == -1`"),
        ([0, 0], [1, 1], "only the label 0"),
        ([0, 1], [1], r"y_true has shape \(2,\) and y_pred \(1,\)"),
        ([], [], "y_true is empty"),
    ],
)
def test_labels_of_another_convention_are_named(y, predicted, message):
    with pytest.raises(DataError, match=message):
        evaluate_labels(y, predicted)
