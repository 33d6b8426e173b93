"""Lumisections with labels, cut in two: what is learned first, and what is judged after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._lumisections import elements_of, required_runs
from skdqm._messages import listed
from skdqm.benchmark._trial import digest
from skdqm.datasets import make_lumisections
from skdqm.exceptions import DataError, UsageError
from skdqm.io import join_histograms, read_histograms

Labels = NDArray[np.int64]

# Good lumisections with enough data that are learned before anything is judged.
FIRST_ROWS = 200
# Of generated lumisections.
N_RUNS, FAULT_FRACTION = 12, 0.1


class Stream(NamedTuple):
    """Lumisections of all runs, and labels (1 = faulty)."""

    X: pd.DataFrame
    y: Labels

    @property
    def n_elements(self) -> int:
        """Number of monitoring elements."""
        return len(elements_of([str(name) for name in self.X.columns]))


class Halves(NamedTuple):
    """Good lumisections of the first runs, and all of the later ones."""

    first: pd.DataFrame
    later: pd.DataFrame
    labels: Labels


@dataclass(frozen=True)
class Source:
    """Where lumisections come from.

    Attributes
    ----------
    path : Path or None
        A file of histograms; None for generated ones.
    label : str or None
        The condition that labels them.
    good : str
        Its value where they are good.
    where : tuple of str
        ``name=value`` of conditions that are to hold.
    faults : tuple of str or None
        Kinds of fault, of generated ones.
    min_entries : float
        Entries that a verdict needs.
    """

    path: Path | None
    label: str | None
    good: str
    where: tuple[str, ...]
    faults: tuple[str, ...] | None
    min_entries: float

    @property
    def name(self) -> str:
        """How records call it."""
        return "generated lumisections" if self.path is None else self.path.name

    @property
    def varies(self) -> bool:
        """Whether a seed makes other lumisections."""
        return self.path is None

    def definition(self) -> dict[str, Any]:
        """Describe the data and the protocol, so that results of others are told apart.

        Returns
        -------
        definition : dict
            As JSON can hold it.
        """
        about: dict[str, Any] = {"name": "dqm by run, 2", "min_entries": self.min_entries}
        if self.path is None:
            sizes = {"n_runs": N_RUNS, "fault_fraction": FAULT_FRACTION}
            return about | sizes | {"faults": self.faults and list(self.faults)}
        chosen = {"label": self.label, "good": self.good, "where": list(self.where)}
        return about | chosen | {"data": digest(self.path)}

    def stream(self, seed: int) -> Stream:
        """Read or make lumisections.

        Parameters
        ----------
        seed : int
            Of generated ones.

        Returns
        -------
        stream : Stream
            Sorted by run and lumisection.
        """
        if self.path is None:
            X, y = make_lumisections(
                N_RUNS, faults=self.faults, fault_fraction=FAULT_FRACTION, random_state=seed
            )
            return Stream(X, y)
        return _read(self.path, self.label, self.good, self.where)


def _read(path: Path, label: str | None, good: str, where: Sequence[str]) -> Stream:
    histograms = read_histograms(path)
    X = join_histograms(histograms)
    frames = [one.conditions for one in histograms.values()]
    for condition in where:
        name, equals, value = condition.partition("=")
        if not equals:
            raise UsageError(f"where={condition!r}: expected name=value, such as src=train")
        X = X[_chosen(path, _holds(path, frames, name, value, X.index), condition, X.index)]
    if label is None:
        raise UsageError(
            f"{path}: which condition labels its lumisections? name it with label; there are "
            f"{listed(_names(frames)) or 'none'}"
        )
    if X.empty:
        raise DataError(f"{path}: no lumisection is left where {' and '.join(where)}")
    labels = _holds(path, frames, label, good, X.index)
    unlabelled = ~X.index.isin(labels.index)
    if unlabelled.any():
        raise DataError(
            f"{path}: {int(unlabelled.sum())} of {len(X)} lumisections have no value in "
            f"{label!r}; expected a label for each, or leave them out by where"
        )
    # A fault of any element makes the lumisection faulty.
    faulty = X.index.isin(labels.index[~labels.to_numpy()])
    return Stream(X, faulty.astype(np.int64))


def _names(frames: Sequence[pd.DataFrame]) -> list[str]:
    return list(dict.fromkeys(str(name) for frame in frames for name in frame.columns))


def _holds(
    path: Path, frames: Sequence[pd.DataFrame], name: str, value: str, index: "pd.Index[Any]"
) -> "pd.Series[bool]":
    """Tell where a condition has a value; a row per element and lumisection of `index` that has it.

    Elements may differ: each has a row of its own.
    """
    having = [frame[name].dropna() for frame in frames if name in frame.columns]
    if not having:
        raise DataError(
            f"{path}: no condition is called {name!r}; there are {listed(_names(frames)) or 'none'}"
        )
    every = pd.concat([pd.Series(_equal(one, value), one.index, dtype=bool) for one in having])
    return every[every.index.isin(index)]


def _chosen(
    path: Path, holds: "pd.Series[bool]", condition: str, index: "pd.Index[Any]"
) -> NDArray[np.bool_]:
    """Return which lumisections a condition chooses, and raise where elements disagree."""
    chosen, others = holds.index[holds.to_numpy()], holds.index[~holds.to_numpy()]
    mixed = index[index.isin(chosen) & index.isin(others)]
    if len(mixed):
        run, lumisection = mixed[0]
        raise DataError(
            f"{path}: where {condition}, its elements disagree in {len(mixed)} lumisections, first "
            f"in {lumisection} of run {run}; expected one value for all elements: choose by "
            "another condition, or give a file of one element"
        )
    return np.asarray(index.isin(chosen))


def _equal(values: "pd.Series[Any]", value: str) -> NDArray[np.bool_]:
    """Tell where a condition has a value, which is a number if the condition is."""
    if values.empty:
        return np.zeros(0, dtype=bool)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        return np.asarray(values.astype(str) == value)
    try:
        wanted = float({"true": "1", "false": "0"}.get(value.lower(), value))
    except ValueError as error:
        raise UsageError(
            f"{values.name!r} holds numbers, and {value!r} is none; give one of its values"
        ) from error
    return np.asarray(values.astype(np.float64) == wanted)


def halved(stream: Stream, min_entries: float) -> Halves:
    """Cut between two runs, as soon as there are enough good lumisections to learn from.

    Parameters
    ----------
    stream : Stream
        All lumisections.
    min_entries : float
        Entries that each of its elements needs, to be learned.

    Returns
    -------
    halves : Halves
        What is learned, and what follows.

    Raises
    ------
    DataError
        When there are too few good ones, or those that follow are all good or all faulty.
    """
    X, y = stream
    runs = required_runs(X, "a benchmark forward in time")
    counts_of = elements_of([str(name) for name in X.columns]).values()
    entries = np.min([X.to_numpy()[:, at].sum(axis=1) for at in counts_of], axis=0)
    usable = (y == 0) & (entries >= min_entries)
    numbers = np.unique(runs)
    counts = np.cumsum([usable[runs == run].sum() for run in numbers])
    place = int(np.searchsorted(counts, FIRST_ROWS))
    later = runs > numbers[min(place, len(numbers) - 1)]
    if not later.any():
        raise DataError(
            f"found {counts[-1]} good lumisections with {min_entries:g} entries in {len(numbers)} "
            f"runs; expected {FIRST_ROWS} before the last run, to learn from, and runs after them"
        )
    if len(np.unique(y[later])) < 2:
        raise DataError(
            f"{int(y[later].sum())} of the {later.sum()} lumisections after the first runs are "
            "faulty; expected good and faulty ones: is the label, and its good value, the right one"
        )
    return Halves(X[usable & ~later], X[later], y[later])
