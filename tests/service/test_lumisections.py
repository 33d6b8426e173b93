"""Models that look back see the lumisections before, whoever has judged them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from skdqm.detectors import ReferenceDetector
from skdqm.monitoring import ElementsDetector, PersistenceDetector
from skdqm.persistence import read_metadata, save
from skdqm.preprocessing import LumisectionSum
from tests.service.conftest import Histograms, lumisection


def looking_back(kind: str, rows: pd.DataFrame) -> Pipeline:
    """Return a model whose verdicts depend on the last three lumisections of a run."""
    if kind == "sum":
        steps = [("sum", LumisectionSum(3).fit(rows)), ("elements", ElementsDetector())]
        return Pipeline(steps).fit(rows)
    detector = PersistenceDetector(ReferenceDetector(), persistence=3)
    return Pipeline([("elements", ElementsDetector(detector))]).fit(rows)


@pytest.mark.parametrize("kind", ["sum", "persistence"])
def test_one_by_one_is_as_whole_runs(
    serving: Callable[..., Any], histograms: Histograms, tmp_path: Path, kind: str
) -> None:
    rows = histograms.good[:12]
    model = looking_back(kind, rows)
    path = tmp_path / "back.skdqm"
    metadata = read_metadata(histograms.path)
    save(model, path, metadata={name: metadata[name] for name in ("kind", "elements", "bins")})
    run = int(rows.index[0][0])
    given = [lumisection(row, place[1], run) for place, row in rows.iterrows()]
    with serving(path) as client:
        answers = [client.post("/v1/score", json={"lumisections": [each]}).json() for each in given]
    found = [answer["verdicts"][0]["anomaly_score"] for answer in answers]
    expected = -model.score_samples(rows)
    np.testing.assert_array_equal(np.array(found), expected)
