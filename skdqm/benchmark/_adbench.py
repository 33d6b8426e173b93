"""The protocol of DTE (ICLR 2024): learn the first half of the normal rows, rank all others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.benchmark._contenders import Floats
from skdqm.benchmark._trial import Rows, digest, ranking_figures, scaled
from skdqm.exceptions import DataError, UsageError
from skdqm.io import read

PROTOCOL = "DTE semi-supervised, 1"
# Smaller sets are drawn up to this size with replacement; larger ones down without.
MIN_ROWS, MAX_ROWS = 1000, 50_000


@dataclass(frozen=True)
class AdbenchSet:
    """A file of ADBench's format: rows ``X`` and labels ``y`` (1 = anomaly).

    Attributes
    ----------
    path : Path
        The npz file.
    max_rows : int
        Rows drawn of larger sets; 50,000 in the protocol.
    shape : tuple of int
        Rows and columns in the file.
    digest : str
        Of its content.
    """

    path: Path
    max_rows: int
    shape: tuple[int, int]
    digest: str

    @property
    def name(self) -> str:
        """The file without its folder and extension."""
        return self.path.stem

    @property
    def size(self) -> float:
        """How many numbers take part; every set has some work to it whatever its size."""
        rows, columns = self.shape
        return 20_000 + min(max(rows, MIN_ROWS), self.max_rows) * columns

    @property
    def known(self) -> dict[str, Any]:
        """Return nothing: a table is a table."""
        return {}

    def definition(self) -> dict[str, Any]:
        """Return protocol, rows at most, and a digest of the data."""
        return {"name": PROTOCOL, "max_rows": self.max_rows, "data": self.digest}

    def rows(self, seed: int) -> Rows:
        """Split as the protocol does, and scale by what is learned."""
        return split(*_read(self.path), seed, self.max_rows)

    def figures(self, labels: NDArray[np.int64], scores: Floats) -> dict[str, float]:
        """Return AUROC, AUPR and F1."""
        return ranking_figures(labels, scores)


def open_set(path: Path, max_rows: int = MAX_ROWS) -> AdbenchSet:
    """Look at a file and refuse what cannot be split.

    Parameters
    ----------
    path : Path
        An npz file.
    max_rows : int, default=50_000
        Rows drawn of larger sets.

    Returns
    -------
    adbench_set : AdbenchSet
        The task.

    Raises
    ------
    DataError
        When the file is not a table with labels 0 and 1.
    """
    X, _ = _read(path)
    return AdbenchSet(path, max_rows, X.shape, digest(path))


def open_folder(folder: Path, max_rows: int = MAX_ROWS) -> list[AdbenchSet]:
    """Open every npz file of a folder.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    max_rows : int, default=50_000
        Rows drawn of larger sets.

    Returns
    -------
    sets : list of AdbenchSet
        By name.

    Raises
    ------
    UsageError
        When there is no such folder, or no npz file in it.
    DataError
        When a file is not a table with labels 0 and 1.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: found no such folder; expected one with npz files of ADBench")
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise UsageError(f"{folder}: found no npz file; expected files of ADBench with X and y")
    return [open_set(path, max_rows) for path in paths]


def _read(path: Path) -> tuple[Floats, NDArray[np.int64]]:
    table = read(path)
    if table.y is None:
        raise DataError(f"{path}: found no labels; expected the arrays X and y (1 = anomaly)")
    found = np.unique(table.y).tolist()
    if found != [0, 1]:
        raise DataError(
            f"{path}: the labels are {found[:8]}; expected 0 for normal rows and 1 for anomalies"
        )
    return table.X.to_numpy(dtype=np.float64), table.y


def split(X: Floats, y: NDArray[np.int64], seed: int, max_rows: int = MAX_ROWS) -> Rows:
    """Split a labelled table as the protocol does.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows in the order of the file: the first half of the normal ones is learned.
    y : ndarray of shape (n_samples,)
        1 for anomalies.
    seed : int
        Draws rows of tables smaller than 1,000 rows or larger than `max_rows`; others are split
        the same way with every seed.
    max_rows : int, default=50_000
        Rows of the largest table.

    Returns
    -------
    rows : Rows
        Scaled by mean and deviation of the learned ones.

    Raises
    ------
    DataError
        When no anomaly, or not two normal rows, were drawn.
    """
    drawn = _drawn(len(X), seed, max_rows)
    X, y = X[drawn], y[drawn]
    normal, anomalies = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    n_train = round(0.5 * len(normal))
    if not (n_train and len(anomalies)):
        raise DataError(
            f"seed {seed} drew {len(normal)} normal rows and {len(anomalies)} anomalies; "
            "expected both; allow more rows"
        )
    train, test = normal[:n_train], np.concatenate([normal[n_train:], anomalies])
    return scaled(X[train], X[test], y[test])


def _drawn(n: int, seed: int, max_rows: int) -> NDArray[np.int64]:
    """Return row numbers, drawn by the generator that the published results come from."""
    rows = np.arange(n)
    if n < MIN_ROWS:
        rows = np.random.RandomState(seed).choice(n, MIN_ROWS, replace=True)
    if len(rows) > max_rows:
        chosen = np.random.RandomState(seed).choice(len(rows), max_rows, replace=False)
        rows = rows[chosen]
    return rows
