import numpy as np

from skdqm.cli._calibrate import calibrate
from skdqm.cli._terminal import messages
from skdqm.persistence import load


def test_a_calibration_holds_its_rate_and_says_within_which_interval(model, capsys):
    pipeline = load(model)
    X = np.random.default_rng(0).normal(size=(99, pipeline[-1].n_features_in_))
    calibrate(pipeline[-1], X, 0.1, messages(quiet=False))
    assert (pipeline[-1].predict(X) == -1).mean() <= 0.1
    low, high = pipeline[-1].alarm_rate_interval_
    assert "calibrated on 99 held-out rows" in capsys.readouterr().err
    assert low < 0.1 < high
