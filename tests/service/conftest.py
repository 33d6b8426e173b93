"""Two small models, of events and of lumisections, and a service in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_detector_data, make_lumisections
from skdqm.detectors import AutoencoderDetector, ReferenceDetector
from skdqm.io._binning import binning
from skdqm.monitoring import ElementsDetector, MinimumEntries
from skdqm.persistence import save
from skdqm.service import Settings, create_app
from tests.service.storages import database, made, opened, storage

__all__ = ["database", "made", "opened", "storage"]

SHAPES = {"charge": (20,), "map": (6, 4)}
HOSTS = ("testserver",)


class Events(NamedTuple):
    """A model of events, and rows that it did not learn."""

    path: Path
    model: Pipeline
    good: pd.DataFrame
    bad: pd.DataFrame


class Histograms(NamedTuple):
    """A model of lumisections, and good ones that it did not learn."""

    path: Path
    model: Pipeline
    good: pd.DataFrame


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory) -> Events:
    X, y = make_detector_data(6000, n_channels=6, random_state=0)
    good, bad = X[y == 0], X[y == 1]
    detector = AutoencoderDetector(hidden_layer_sizes=(8,), max_epochs=5, random_state=0)
    model = make_pipeline(StandardScaler(), detector).fit(good[:2000])
    model[-1].calibrate(model[:-1].transform(good[2000:4000]), alarm_rate=0.01)
    path = tmp_path_factory.mktemp("events") / "tracker.skdqm"
    save(model, path, metadata={"data": "tracker.csv"})
    return Events(path, model, good[4000:], bad)


@pytest.fixture(scope="session")
def histograms(tmp_path_factory: pytest.TempPathFactory) -> Histograms:
    X, _ = make_lumisections(
        6, 50, shape=SHAPES, fault_fraction=0, drift=0, statistics=5000, random_state=0
    )
    monitor = ElementsDetector(MinimumEntries(ReferenceDetector(), min_entries=200))
    model = Pipeline([("elements", monitor.fit(X[:200]))])
    monitor.calibrate(X[200:250], alarm_rate=0.02)
    path = tmp_path_factory.mktemp("histograms") / "pixel.skdqm"
    edges = {name: tuple(np.arange(n + 1.0) for n in shape) for name, shape in SHAPES.items()}
    metadata = {
        "kind": "dqm",
        "elements": list(SHAPES),
        "bins": [binning(each) for each in edges.values()],
    }
    save(model, path, metadata=metadata)
    return Histograms(path, model, X[250:])


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'service.sqlite'}"


@pytest.fixture
def serving(url: str) -> Callable[..., Any]:
    """Start a service with some models, in this process."""

    @contextmanager
    def start(*models: Any, **settings: Any) -> Iterator[TestClient]:
        app = create_app(Settings(models, **{"database": url, "hosts": HOSTS, **settings}))
        with TestClient(app) as client:
            yield client

    return start


@pytest.fixture
def client(serving: Callable[..., Any], events: Events, histograms: Histograms) -> Iterator[Any]:
    """Serve both models; they may learn."""
    with serving(events.path, histograms.path, allow_update=True) as started:
        yield started


def lumisection(row: pd.Series, number: int, run: int = 370_000, **changed: Any) -> dict[str, Any]:
    """Return a lumisection as clients send it, with histograms replaced by others."""
    counts = row.to_numpy(dtype=float)
    found = {"charge": counts[:20], "map": counts[20:].reshape(6, 4), **changed}
    listed = {name: np.asarray(each).tolist() for name, each in found.items()}
    return {"run": run, "lumisection": number, "histograms": listed}


def dead(row: pd.Series) -> np.ndarray:
    """Return the map of a lumisection with a dead corner."""
    counts = row.to_numpy(dtype=float)[20:].reshape(6, 4).copy()
    counts[:2, :2] = 0
    return counts
