"""The default blend: one detector that a user who knows nothing can pick."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skdqm import io
from skdqm.datasets import make_detector_data, make_lhco_events
from skdqm.ensemble import AutoDetector
from skdqm.persistence import load, save
from skdqm.preprocessing import JetFeatures


def test_it_ranks_every_kind_of_fault_above_healthy_readings() -> None:
    frame, labels, faults = make_detector_data(3000, random_state=0, return_faults=True)
    good = frame[labels == 0]
    detector = AutoDetector(max_epochs=20, random_state=0).fit(good[:1500])
    healthy = -detector.score_samples(good[1500:])
    for kind in set(faults.kind) - {""}:
        faulty = -detector.score_samples(frame[faults.kind == kind])
        truth = np.repeat([0, 1], [len(healthy), len(faulty)])
        # One channel of many that no longer follows the others is the hardest.
        assert roc_auc_score(truth, np.concatenate([healthy, faulty])) > 0.7, kind


def test_a_loaded_blend_goes_on_learning_as_the_saved_one(tmp_path: Path) -> None:
    X, _ = make_lhco_events(400, 0, random_state=0)
    detector = AutoDetector(max_epochs=2, random_state=0).fit(X[:300])
    save(detector, tmp_path / "model")
    twin = load(tmp_path / "model")
    for each in (detector, twin):
        each.partial_fit(X[300:])
    np.testing.assert_array_equal(twin.score_samples(X), detector.score_samples(X))


@pytest.mark.parametrize("epochs", [15])
def test_real_events_of_new_physics_rank_high(shared_data: object, epochs: int) -> None:
    table = io.read(shared_data("lhco/lhco_rd_v1_dev20k.features.h5"))  # type: ignore[operator]
    X, y = JetFeatures().fit_transform(table.X), np.asarray(table.y)
    background = np.flatnonzero(y == 0)
    detector = AutoDetector(max_epochs=epochs, random_state=0).fit(X[background[:4000]])
    test = np.concatenate([background[4000:8000], np.flatnonzero(y == 1)])
    assert roc_auc_score(y[test], -detector.score_samples(X[test])) > 0.8
