"""Whatever detector a model file holds, the service judges as it does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skdqm.datasets import make_detector_data
from skdqm.persistence import save
from tests.instances import instance, names

X, Y = make_detector_data(700, n_channels=4, random_state=0)
# Whole numbers, which detectors of counts take as well.
GOOD, BAD = X[Y == 0].round(), X[Y == 1].round()


@pytest.mark.parametrize("name", names())
def test_scores_flags_and_updates_are_those_of_the_detector(
    serving: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    detector = instance(name).fit(GOOD[:300])
    path = tmp_path / "model.skdqm"
    save(detector, path)
    with serving(path, allow_update=True) as client:
        answer = client.post("/v1/score", json={"events": BAD[:20].to_numpy().tolist()}).json()
        found = [each["anomaly_score"] for each in answer["verdicts"]]
        assert found == (-detector.score_samples(BAD[:20])).tolist()
        flagged = [each["is_anomaly"] for each in answer["verdicts"]]
        assert flagged == (detector.predict(BAD[:20]) == -1).tolist()
        assert all(each["reason"] for each in answer["verdicts"] if each["is_anomaly"])
        updated = client.post("/v1/update", json={"events": GOOD[300:600].to_numpy().tolist()})
        assert updated.status_code == (200 if hasattr(detector, "partial_fit") else 409)
