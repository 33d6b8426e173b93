"""An argument that makes no sense is refused by its name."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skdqm.exceptions import UsageError
from skdqm.metrics import (
    adaptation_gain,
    alarm_storms,
    background_rejection,
    bootstrap_interval,
    false_discovery_rate,
    partial_roc_auc,
    prequential_roc_auc,
    recovery_time,
    signal_efficiency,
    windowed_false_alarm_rate,
    windowed_roc_auc,
)

Y = np.array([0, 1, 0, 1])
FLAGS = np.array([1, -1, 1, -1])
SCORES = np.arange(4.0)


@pytest.mark.parametrize("value", [0, -1, 1.5, "two", ()])
@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (partial(windowed_false_alarm_rate, Y, FLAGS), "window"),
        (partial(alarm_storms, Y, FLAGS, promised_rate=0.1), "window"),
        (partial(adaptation_gain, Y, SCORES, SCORES), "window"),
        (partial(windowed_roc_auc, Y, SCORES), "window"),
        (partial(prequential_roc_auc, Y, SCORES), "stride"),
        (partial(recovery_time, Y, [2], flags=FLAGS), "window"),
        (partial(bootstrap_interval, roc_auc_score, Y, SCORES), "n_resamples"),
    ],
)
def test_what_is_no_whole_number_is_refused_by_name(
    metric: Callable[..., Any], name: str, value: Any
) -> None:
    with pytest.raises(
        UsageError, match=rf"^{name}={re.escape(repr(value))}; give a whole number of \d or more"
    ):
        metric(**{name: value})


@pytest.mark.parametrize("value", [0, -0.1, 1.001, "half", None])
def test_a_promised_rate_that_is_no_share_is_refused_by_name(value: Any) -> None:
    with pytest.raises(UsageError, match=rf"^promised_rate={value!r} is not a share"):
        alarm_storms(Y, FLAGS, promised_rate=value)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (partial(background_rejection, Y, SCORES), "signal_efficiency"),
        (partial(signal_efficiency, Y, SCORES), "background_efficiency"),
        (partial(false_discovery_rate, Y, SCORES), "detection_rate"),
        (partial(partial_roc_auc, Y, SCORES), "max_fpr"),
    ],
)
def test_all_of_the_events_are_a_share(metric: Callable[..., Any], name: str) -> None:
    assert np.isfinite(metric(**{name: 1}))
