"""The detector that developers copy keeps what a registered detector promises."""

import doctest
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from skdqm import registry
from skdqm.datasets import make_detector_data
from skdqm.persistence import load, save

FOLDER = Path(__file__).parents[2] / "docs" / "developer"
sys.path.insert(0, str(FOLDER))
from skdqm_template import MedianDetector  # noqa: E402 (it lies beside its page)

sys.path.remove(str(FOLDER))

READINGS, FAULTY = make_detector_data(700, n_channels=8, fault_fraction=0.1, random_state=0)
GOOD = READINGS[FAULTY == 0]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("median", "skdqm_template:MedianDetector", registry.DETECTORS_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [point])


@parametrize_with_checks([MedianDetector()])
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_its_example_runs() -> None:
    assert doctest.testmod(sys.modules["skdqm_template"]) == (0, 4)


def test_its_parameters_are_judged_by_fit() -> None:
    check_param_validation("MedianDetector", MedianDetector())


def test_a_score_does_not_depend_on_the_batch_to_the_bit() -> None:
    detector = MedianDetector().fit(GOOD.to_numpy())
    rows = READINGS.to_numpy()
    alone = np.concatenate([detector.score_samples(row[None]) for row in rows])
    np.testing.assert_array_equal(alone, detector.score_samples(rows))


def test_extreme_rows_are_finite_and_last() -> None:
    detector = MedianDetector().fit(GOOD.to_numpy())
    scores = detector.score_samples(np.array([[1e300], [-1e300]]) * np.ones((1, 8)))
    assert np.isfinite(scores).all()
    assert scores.max() < detector.score_samples(READINGS.to_numpy()).min()


def test_a_column_that_is_off_is_blamed() -> None:
    row = GOOD[:1].copy()
    row.iloc[0, 5] += 100
    assert MedianDetector().fit(GOOD[1:]).feature_scores(row).argmax() == 5


@pytest.mark.usefixtures("registered")
def test_registered_it_is_listed_calibrated_and_saved(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), MedianDetector()).fit(GOOD[:400])
    model[-1].calibrate(model[0].transform(GOOD[400:]), alarm_rate=0.05)
    save(model, tmp_path / "model.skdqm")
    assert "median" in registry.detector_names()
    again = load(tmp_path / "model.skdqm")
    np.testing.assert_array_equal(again.predict(READINGS), model.predict(READINGS))
