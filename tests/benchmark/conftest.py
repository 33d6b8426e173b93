"""Small sets of ADBench's format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def write_set(path: Path, n_rows: int = 300, shift: float = 3.0, seed: int = 0) -> None:
    """Write rows of which every tenth is an anomaly, moved away from the others."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n_rows) % 10 == 0).astype(int)
    np.savez(path, X=rng.normal(size=(n_rows, 3)) + shift * y[:, None], y=y)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let spawned processes import functions of these tests, not of another package's `tests`."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A folder of three sets, from the hardest to the easiest."""
    folder = tmp_path / "sets"
    folder.mkdir()
    for number, name in enumerate(("1_hard", "2_middle_rebuilt", "3_Easy")):
        write_set(folder / f"{name}.npz", shift=1.0 + number, seed=number)
    return folder


@pytest.fixture(scope="session")
def make_set() -> Callable[..., None]:
    return write_set
