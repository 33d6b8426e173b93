"""Verdicts on rows that come late."""

import numpy as np

from skdqm.continual import OpenGate
from tests.continual.streams import FIRST, events, faulty, healthy, quick, states


def test_rows_called_bad_later_are_forgotten() -> None:
    detector = quick(gate=OpenGate(), strategy="replay").fit(FIRST)
    detector.observe(np.concatenate([healthy(500, 1), faulty(60, 2), healthy(240, 3)]))
    poisoned = detector.score_samples(faulty(100, 4)).mean()
    detector.feedback(range(500, 560), -1)
    expert = detector._course.pool.expert
    for rows in (expert.memory, expert.calibration):
        assert not np.isin(rows.positions, np.arange(500, 560)).any()
    assert detector.score_samples(faulty(100, 4)).mean() < poisoned - 1
    assert events(detector, "forgotten")[0]["n_rows"] > 40


def test_rows_called_good_later_leave_the_hold_and_are_learned() -> None:
    detector = quick(auto_release=False).fit(FIRST)
    detector.observe(np.concatenate([healthy(500, 1), healthy(200, 2, "B")]))
    assert states(detector) == ["open"]
    detector.feedback(range(480, 700), 1)
    assert states(detector) == ["benign"]
    known = detector._course.pool.expert.memory.positions
    assert np.isin(np.arange(500, 700), known).mean() > 0.5
