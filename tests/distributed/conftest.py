"""Data, small detectors, and a real cluster of two processes on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector
from skdqm.distributed import workers

if TYPE_CHECKING:
    from distributed import Client


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """Rows whose index says more than their number."""
    X = make_detector_data(600, random_state=0)[0].iloc[:, :4]
    return X.set_index(pd.RangeIndex(1000, 1600, name="event"))


def small_autoencoder() -> AutoencoderDetector:
    return AutoencoderDetector(hidden_layer_sizes=(8,), max_epochs=1, random_state=0)


@pytest.fixture(scope="session")
def named(frame: pd.DataFrame) -> AutoencoderDetector:
    """A calibrated detector that knows the names of its columns."""
    return small_autoencoder().fit(frame[:400]).calibrate(frame[400:], alarm_rate=0.05)


@pytest.fixture(scope="session")
def nameless(frame: pd.DataFrame) -> AutoencoderDetector:
    return small_autoencoder().fit(frame.to_numpy())


@pytest.fixture
def files(frame: pd.DataFrame, tmp_path: Path) -> list[Path]:
    """The rows in three files of different formats, with one more column and another order."""
    paths = [tmp_path / "a.parquet", tmp_path / "b.csv", tmp_path / "c.parquet"]
    for i, path in enumerate(paths):
        part = frame[::-1][200 * i : 200 * (i + 1)]
        part = part[sorted(frame.columns, reverse=True)].assign(label=0, run=7)
        write: Any = part.to_csv if path.suffix == ".csv" else part.to_parquet
        write(path, index=False)
    return paths


@pytest.fixture(scope="module")
def client() -> Iterator["Client"]:
    pytest.importorskip("distributed", reason="Dask is not installed")
    with workers("local:2") as client:
        yield client
