"""A way to run commands in this process, small files, and one small trained model."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from skdqm import registry
from skdqm.base import BaseDetector
from skdqm.cli import main
from skdqm.cli._demo import write_hdf5
from skdqm.datasets import make_lhco_events
from skdqm.persistence import load

SMALL = ["-d", "autoencoder", "--set", "max_epochs=3", "--set", "hidden_layer_sizes=(16,)"]


class Result(NamedTuple):
    """What a command leaves: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def run_command(*words: object) -> Result:
    """Run ``skdqm`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exit_:
        main([str(word) for word in words])
    assert isinstance(exit_.value.code, int)
    return Result(exit_.value.code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    return run_command


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options of a training that takes a moment."""
    return SMALL


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def frame() -> tuple[pd.DataFrame, NDArray[np.int64]]:
    return make_lhco_events(900, 100, random_state=0)


@pytest.fixture(scope="session")
def events(folder: Path, frame: tuple[pd.DataFrame, NDArray[np.int64]]) -> Path:
    """Events with labels, in HDF5."""
    write_hdf5(folder / "events.h5", *frame)
    return folder / "events.h5"


@pytest.fixture(scope="session")
def model(folder: Path, events: Path) -> Path:
    """A small calibrated model of the events."""
    path = folder / "model.skdqm"
    result = run_command(
        "train", events, "-o", path, *SMALL, "--alarm-rate", 0.05, "--features", "jets"
    )
    assert result.code == 0, result.err
    return path


@pytest.fixture(scope="session")
def readings(folder: Path) -> Path:
    """A table of three columns without a label, in CSV."""
    X = np.random.default_rng(0).normal(size=(200, 3))
    pd.DataFrame(X, columns=["a", "b", "c"]).to_csv(folder / "readings.csv", index=False)
    return folder / "readings.csv"


@pytest.fixture(scope="session")
def scores_of() -> Callable[..., NDArray[np.float64]]:
    """Anomaly scores by the Python interface."""

    def scores(path: Path, X: Any) -> NDArray[np.float64]:
        result: NDArray[np.float64] = -load(path).score_samples(X)
        return result

    return scores


class DistanceDetector(BaseDetector):
    """A detector of another package: no seed, no checkpoints, no partial_fit."""

    def __init__(self, *, power: float = 2.0, contamination: float = 0.01) -> None:
        super().__init__(contamination=contamination)
        self.power = power

    def _fit(self, X: NDArray[Any]) -> None:
        self.centre_ = X.mean(axis=0)

    def _anomaly_score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return (np.abs(X - self.centre_) ** self.power).sum(axis=1)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> str:
    """Register a detector as another package would, and return its name."""
    module = ModuleType("skdqm_plugin")
    vars(module)["DistanceDetector"] = DistanceDetector
    monkeypatch.setitem(sys.modules, "skdqm_plugin", module)
    point = EntryPoint("distance", "skdqm_plugin:DistanceDetector", registry.DETECTORS_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [point])
    return "distance"


def particle_rows(n_events: int, n_particles: int = 16) -> NDArray[np.float64]:
    """Make events of two back-to-back jets: pt, eta, phi of each particle, padded with zeros."""
    rng = np.random.default_rng(0)
    shape = (n_events, n_particles)
    pt = rng.exponential(100, shape)
    eta = rng.normal(0, 0.3, shape)
    phi = rng.normal(0, 0.3, shape) + np.where(np.arange(n_particles) % 2, 2.5, -0.6)
    rows = np.stack([pt, eta, phi], axis=2)
    rows[np.arange(n_particles) >= rng.integers(8, n_particles + 1, (n_events, 1))] = 0
    return rows.reshape(n_events, -1)


@pytest.fixture(scope="session")
def particles(folder: Path) -> Path:
    """Raw events as of the LHC Olympics, every fourth one with signal."""
    rows = np.column_stack([particle_rows(60), np.arange(60) % 4 == 0])
    path = folder / "particles.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group.attrs.update({"pandas_type": np.bytes_("frame"), "nblocks": 1})
        group["axis0"] = group["block0_items"] = np.arange(rows.shape[1])
        group["block0_values"] = rows
    return path


@pytest.fixture(scope="session")
def images(folder: Path) -> Path:
    """Maps of 6 x 5 pixels of three classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (90, 6, 5), dtype=np.uint8)
    np.savez(folder / "images.npz", X=pixels, label=np.arange(90) % 3)
    return folder / "images.npz"
