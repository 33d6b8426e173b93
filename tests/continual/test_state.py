"""A course in a model file: the same decisions after a reload, whatever is going on."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.continual import (
    ACIThreshold,
    BalancedMemory,
    ContinualDetector,
    FadingMemory,
    FixedThreshold,
    GuardedGate,
    OpenGate,
    PoolStrategy,
    ReplayStrategy,
    ThresholdGate,
    WindowMemory,
)
from skdqm.continual._state import packed, shared_unpacked, unpacked
from skdqm.datasets import make_drift_stream
from skdqm.detectors import AutoencoderDetector
from skdqm.drift import DriftMonitor
from skdqm.exceptions import ModelFileError
from skdqm.persistence import load, save
from tests.continual.parts import numbered

# A condition, then another for good.
X, _ = make_drift_stream(4000, drift="abrupt", n_faults=0, as_frame=True, random_state=0)
FIRST = 1000
GATE = GuardedGate(probation=100, patience=600)
DETECTORS: dict[str, Any] = {
    "default": ContinualDetector(random_state=0),
    "quick": ContinualDetector(gate=GATE, update_every=100, random_state=0),
    "forest": ContinualDetector(
        IsolationForest(n_estimators=10), gate=GATE, memory=FadingMemory(300), random_state=0
    ),
    "pipeline": ContinualDetector(
        make_pipeline(StandardScaler(), AutoencoderDetector(max_epochs=3)),
        strategy=PoolStrategy(max_experts=2),
        gate=GATE,
        random_state=0,
    ),
    "replay": ContinualDetector(
        strategy=ReplayStrategy(replay=0.5),
        gate=ThresholdGate(),
        memory=BalancedMemory(500),
        threshold=ACIThreshold(),
        drift=DriftMonitor("shiryaev-roberts", block_size=16),
        random_state=0,
    ),
    "refit": ContinualDetector(
        strategy="refit",
        gate=OpenGate(),
        memory=WindowMemory(400),
        threshold=FixedThreshold(),
        random_state=0,
    ),
    "asks": ContinualDetector(gate=GATE, auto_release=False, random_state=0),
}


def reloaded(detector: Any, folder: Path) -> Any:
    save(detector, folder / "model")
    return load(folder / "model")


def repickled(detector: Any, folder: Path) -> Any:
    return pickle.loads(pickle.dumps(detector))


def copied(detector: Any, folder: Path) -> Any:
    return copy.deepcopy(detector)


def assert_same(one: Any, other: Any) -> None:
    assert one.events_ == other.events_
    assert one.tickets_ == other.tickets_
    assert one.versions_ == other.versions_
    assert one.experts_ == other.experts_
    assert one.status_ == other.status_
    assert one.offset_ == other.offset_


@pytest.mark.parametrize(
    ("kind", "again"),
    [*((kind, reloaded) for kind in DETECTORS), ("default", repickled), ("default", copied)],
)
def test_decisions_are_the_same_after_a_reload_at_any_time(
    kind: str, again: Callable[[Any, Path], Any], tmp_path: Path
) -> None:
    detector = copy.deepcopy(DETECTORS[kind]).fit(X[:FIRST])
    twin = again(detector, tmp_path)
    # Not at the ends of blocks, before and after the change, and while rows are held.
    for start, stop in ((FIRST, 1933), (1933, 2210), (2210, 2601), (2601, 4000)):
        expected = detector.observe(X[start:stop])
        pd.testing.assert_frame_equal(twin.observe(X[start:stop]), expected)
        twin = again(twin, tmp_path)
        assert_same(twin, detector)
    assert {"held", "learned", "drift", "released", "new condition"} & {
        event["event"] for event in detector.events_
    }


@pytest.fixture
def holding(tmp_path: Path) -> tuple[Any, Any]:
    """A detector that holds rows and asks, and a reloaded one."""
    detector = copy.deepcopy(DETECTORS["asks"]).fit(X[:FIRST])
    detector.partial_fit(X[FIRST:3000])
    assert detector.tickets_[-1]["state"] == "open"
    return detector, reloaded(detector, tmp_path)


def test_a_shifter_decides_after_a_reload_as_before(holding: tuple[Any, Any]) -> None:
    ticket = holding[0].tickets_[-1]["number"]
    scores = []
    for detector in holding:
        detector.confirm(ticket, benign=True).partial_fit(X[3000:3500])
        detector.feedback([1700, 1701], -1)
        scores.append(detector.score_samples(X))
    np.testing.assert_array_equal(*scores)
    assert_same(*holding)


def test_a_reloaded_detector_rolls_back_to_the_same(holding: tuple[Any, Any]) -> None:
    version = holding[0].versions_[0]
    scores = [detector.rollback(version).score_samples(X) for detector in holding]
    np.testing.assert_array_equal(*scores)
    assert_same(*holding)


def test_tags_of_conditions_and_calibrations_are_kept(tmp_path: Path) -> None:
    detector = ContinualDetector(random_state=0).fit(X[:FIRST]).calibrate(X[500:FIRST])
    detector.partial_fit(X[FIRST:1500], condition="cosmics")
    twin = reloaded(detector, tmp_path)
    for one in (detector, twin):
        one.partial_fit(X[1500:2600], condition="beam").partial_fit(X[2600:], condition="cosmics")
    assert_same(twin, detector)
    np.testing.assert_array_equal(twin.p_values(X), detector.p_values(X))
    assert {expert["condition"] for expert in twin.experts_} >= {"cosmics"}


def test_what_versions_share_is_written_once_and_shared_again() -> None:
    rows = numbered(5)
    shared: list[Any] = []
    content = packed({"now": rows, "before": {3: rows, 4: [rows]}}, shared, {})
    assert len(shared) == 1
    back = unpacked(content, shared_unpacked(shared))
    assert back["now"] is back["before"][3] is back["before"][4][0]
    np.testing.assert_array_equal(back["now"].values, rows.values)


def test_a_record_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ModelFileError, match="unknown kind of record, 'Path'"):
        unpacked({"is": "Path", "name": "somewhere"}, [])


def test_a_model_file_of_a_long_stream_is_no_larger_than_that_of_a_short_one(
    tmp_path: Path,
) -> None:
    detector = copy.deepcopy(DETECTORS["quick"]).fit(X[:FIRST])
    sizes = []
    for _ in range(3):
        detector.partial_fit(X[:FIRST].sample(1500, replace=True, random_state=0))
        save(detector, tmp_path / "model")
        sizes.append(sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()))
    assert sizes[-1] < 1.2 * sizes[-2]
