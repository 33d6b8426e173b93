"""Streams to go along: generated ones, and files of which one class is the anomaly."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._messages import listed
from skdqm.benchmark._continual_trial import Stream
from skdqm.benchmark._trial import digest
from skdqm.datasets import make_drift_stream
from skdqm.exceptions import DataError, UsageError
from skdqm.io import read

NO_FAULTS = pd.DataFrame(
    {"start": np.zeros(0, dtype=np.int64), "stop": np.zeros(0, dtype=np.int64)}
)


@dataclass(frozen=True)
class Generated:
    """A stream of :func:`skdqm.datasets.make_drift_stream`, another one for each seed.

    Attributes
    ----------
    drift : str
        How conditions follow each other.
    n_rows, n_first : int
        Rows of all, and those that are learned first.
    fault_length : int
        Rows of each of four long faults.
    fault_density : float
        Share of faulty rows in them.
    """

    drift: str
    n_rows: int
    n_first: int
    fault_length: int
    fault_density: float

    @property
    def name(self) -> str:
        """How records call it."""
        return self.drift

    def definition(self) -> dict[str, Any]:
        """Describe it, so that results of others are told apart."""
        return {"generated": vars(self)}

    def stream(self, seed: int) -> Stream:
        """Generate the rows."""
        X, y, truth = make_drift_stream(
            self.n_rows,
            drift=self.drift,
            fault_length=self.fault_length,
            fault_density=self.fault_density,
            random_state=seed,
            return_truth=True,
        )
        first = self.n_first
        changes = truth.change_points[truth.change_points > first] - first
        faults = truth.faults.assign(
            start=(truth.faults["start"] - first).clip(lower=0), stop=truth.faults["stop"] - first
        )
        return Stream(
            X[:first],
            X[first:],
            y[first:],
            truth.condition[first:],
            changes,
            faults[faults["stop"] > 0],
            truth.test_sets,
        )


@dataclass(frozen=True)
class OneClass:
    """A labelled file: good rows are learned first, and all rows after them follow.

    Attributes
    ----------
    path : Path
        The file.
    label : str or None
        The column of labels; None: the usual ones.
    anomaly : int or None
        The label that is the anomaly, held out of what is learned first; None: 1, of 0 and 1.
    n_first : int
        Good rows that are learned first.
    changes : tuple of int
        Rows of the file at which conditions are known to change.
    share : float or None
        Share of anomalies in what follows, to which they are thinned out by chance; None: all stay.
    """

    path: Path
    label: str | None
    anomaly: int | None
    n_first: int
    changes: tuple[int, ...]
    share: float | None

    @property
    def name(self) -> str:
        """How records call it."""
        return self.path.stem if self.anomaly is None else f"{self.path.stem} {self.anomaly}"

    def definition(self) -> dict[str, Any]:
        """Describe it, so that results of others are told apart."""
        about = {key: value for key, value in vars(self).items() if key != "path"}
        return {"digest": digest(self.path), **about, "changes": list(self.changes)}

    def stream(self, seed: int) -> Stream:
        """Read the rows, and thin out the anomalies."""
        X, labels = labelled_rows(self.path, self.label)
        y = self._anomalies(labels)
        good = np.flatnonzero(y == 0)
        if len(good) <= self.n_first:
            raise DataError(
                f"{self.path}: {len(good)} rows are good; expected more than the {self.n_first} "
                "that are learned first; learn fewer"
            )
        start = int(good[self.n_first])
        first_change = min(self.changes, default=len(X))
        if start > first_change:
            raise UsageError(
                f"the {self.n_first} good rows that are learned first end at row {start} of "
                f"{self.path}, after the change at row {first_change}; learn fewer"
            )
        rows = self._kept(y, start, seed)
        changes = np.searchsorted(rows, np.array(self.changes, dtype=np.int64))
        changes = changes[(changes > 0) & (changes < len(rows))]
        phase = np.char.mod("%d", np.searchsorted(changes, np.arange(len(rows)), side="right"))
        return Stream(X[good[: self.n_first]], X[rows], y[rows], phase, changes, NO_FAULTS, {})

    def _anomalies(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        known = np.unique(labels).tolist()
        if self.anomaly is None and set(known) - {0, 1}:
            raise DataError(
                f"{self.path}: labels are {listed(known)}; expected 0 and 1, or --hold-out-class "
                "with the one that is the anomaly"
            )
        anomaly = 1 if self.anomaly is None else self.anomaly
        if anomaly not in known or len(known) < 2:
            raise DataError(
                f"{self.path}: labels are {listed(known)}; expected {anomaly}, that of the "
                "anomaly, and others"
            )
        return (labels == anomaly).astype(np.int64)

    def _kept(self, y: NDArray[np.int64], start: int, seed: int) -> NDArray[np.intp]:
        follows = np.arange(len(y)) >= start
        if self.share is not None:
            n_good = int((follows & (y == 0)).sum())
            bad = np.flatnonzero(follows & (y == 1))
            wanted = min(round(n_good * self.share / (1 - self.share)), len(bad))
            leave = np.random.default_rng(seed).permutation(bad)[max(wanted, 1) :]
            follows[leave] = False
        return np.flatnonzero(follows)


def labelled_rows(path: Path, label: str | None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read all rows of a file with their labels.

    Parameters
    ----------
    path : Path
        What :func:`skdqm.io.read` takes.
    label : str or None
        The column of labels; None: the usual ones.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
        The rows.
    y : ndarray of shape (n_rows,)
        Their labels.

    Raises
    ------
    DataError
        When the file cannot be read, or has no labels.
    """
    table = read(path, label=label or "auto")
    if table.y is None:
        raise DataError(f"{path}: found no labels; expected them in a column named with --label")
    return table.X.to_numpy(np.float64), table.y


def of_file(
    path: Path,
    *,
    label: str | None,
    hold_out: Sequence[int] | str | None,
    n_first: int,
    changes: Sequence[int],
    share: float | None,
) -> list[OneClass]:
    """Return the streams that a file is.

    Parameters
    ----------
    path : Path
        The file.
    label : str or None
        The column of labels.
    hold_out : sequence of int, "each" or None
        Classes that are the anomaly, each in a stream of its own.
    n_first : int
        Good rows that are learned first.
    changes : sequence of int
        Rows at which conditions change.
    share : float or None
        Share of anomalies; None: all stay.

    Returns
    -------
    streams : list of OneClass
        One for each class.

    Raises
    ------
    DataError
        When the file cannot be read.
    """
    classes: Sequence[int | None]
    if hold_out == "each":
        classes = np.unique(labelled_rows(path, label)[1]).tolist()
    else:
        classes = [None] if hold_out is None else [int(each) for each in hold_out]
    return [OneClass(path, label, each, n_first, tuple(changes), share) for each in classes]
