"""One faulty cell of a map: whether it is found, and whether it is the one that is blamed."""

from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm._lumisections import RUN
from skdqm.base import anomaly_score_of, blame_of
from skdqm.benchmark._dqm_contenders import Watcher, over_maps
from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._trial import Record
from skdqm.datasets import inject_faults, make_lumisections
from skdqm.metrics import false_discovery_rate

Floats = NDArray[np.float64]

# Kinds of fault that one cell can have, and how strong they are.
FACTORS = {"dead": None, "degraded": 0.5, "hot": 2.0, "noisy": 1.0}
USUAL = ("dead", "degraded", "hot")
# Short runs, each with a fault elsewhere. In the last lumisections a fault has lasted as long as
# the longest memory among the contenders, and all are measured there.
TRAIN_RUNS, TEST_RUNS, LENGTH, N_LAST = 60, 150, 8, 2
ENTRIES_OF_A_CELL = 100.0


class MapRows(NamedTuple):
    """Good maps to learn, good ones to judge, and the same with a fault of each kind."""

    train: pd.DataFrame
    good: pd.DataFrame
    faulty: dict[str, tuple[pd.DataFrame, NDArray[np.intp]]]


@dataclass(frozen=True)
class Maps:
    """Generated maps.

    Attributes
    ----------
    shape : pair of int
        Number of cells along each axis.
    faults : tuple of str
        Kinds of fault.
    """

    shape: tuple[int, ...]
    faults: tuple[str, ...]

    @property
    def name(self) -> str:
        """How records call it."""
        return f"maps of {'x'.join(map(str, self.shape))}"

    def definition(self) -> dict[str, Any]:
        """Describe data and protocol, so that results of others are told apart.

        Returns
        -------
        definition : dict
            As JSON can hold it.
        """
        return {
            "name": "one cell of a map, 1",
            "shape": list(self.shape),
            "faults": {kind: FACTORS[kind] for kind in self.faults},
            "runs": [TRAIN_RUNS, TEST_RUNS, LENGTH, N_LAST],
            "entries_of_a_cell": ENTRIES_OF_A_CELL,
        }

    def rows(self, seed: int) -> MapRows:
        """Make maps, and copies with faults.

        Parameters
        ----------
        seed : int
            Of maps and places.

        Returns
        -------
        rows : MapRows
            Whole runs.
        """
        X, _ = make_lumisections(
            TRAIN_RUNS + TEST_RUNS,
            LENGTH,
            shape=self.shape,
            statistics=ENTRIES_OF_A_CELL * np.prod(self.shape),
            drift=0.0,
            fault_fraction=0.0,
            random_state=seed,
        )
        train, good = X.iloc[: TRAIN_RUNS * LENGTH], X.iloc[TRAIN_RUNS * LENGTH :]
        places = np.random.RandomState(seed)
        return MapRows(train, good, {kind: _faulty(good, kind, places) for kind in self.faults})


def _faulty(
    good: pd.DataFrame, kind: str, places: np.random.RandomState
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Give every run a fault of its own, from its beginning; return the cells too."""
    parts, cells = [], []
    for _, run in good.groupby(level=RUN, sort=False):
        faulty, mask = inject_faults(run, kind, factor=FACTORS[kind], random_state=places)
        parts.append(faulty)
        cells.append(np.flatnonzero(np.asarray(mask).any(axis=0))[0])
    return pd.concat(parts), np.repeat(cells, LENGTH)


@lru_cache(maxsize=1)
def _rows(maps: Maps, seed: int) -> MapRows:
    """Make maps once for all contenders."""
    return maps.rows(seed)


class Fitted(NamedTuple):
    """A detector, and seconds of the clock and of the processor to fit it."""

    detector: Any
    seconds: float
    cpu_seconds: float


@lru_cache(maxsize=1)
def _fitted(maps: Maps, head: str, seed: int) -> Fitted:
    """Fit once for both readings of a network, which follow each other."""
    watcher = next(each for each in over_maps(maps.shape) if each.name == head)
    began, started = process_time(), perf_counter()
    detector = watcher.make(seed).fit(_rows(maps, seed).train)
    return Fitted(detector, perf_counter() - started, process_time() - began)


def found_on(maps: Maps, watcher: Watcher, seed: int) -> Record:
    """Measure how well a detector finds one cell.

    Parameters
    ----------
    maps : Maps
        The maps.
    watcher : Watcher
        The detector.
    seed : int
        Of both.

    Returns
    -------
    record : dict
        For each kind of fault ``fdr_KIND``, the false discovery rate at 99 % detection, and
        ``localised_KIND``, the share of faulty maps whose largest feature score is in the faulty
        cell; and seconds.
    """
    with quiet(seed):
        rows = _rows(maps, seed)
        fitted = _fitted(maps, watcher.name.partition("/")[0], seed)
        began, started = process_time(), perf_counter()
        good = _scores(watcher, fitted.detector, rows.good)
        measured: Record = {}
        for kind, (faulty, cells) in rows.faulty.items():
            bad = _scores(watcher, fitted.detector, faulty)
            y = np.repeat([0, 1], [len(good), len(bad)])
            rate = false_discovery_rate(y, np.concatenate([good, bad]), prevalence=0.5)
            measured[f"fdr_{kind}"] = rate
            measured[f"localised_{kind}"] = _localised(fitted.detector, faulty, cells)
    return {
        **measured,
        "fit_seconds": fitted.seconds,
        "score_seconds": perf_counter() - started,
        "cpu_seconds": fitted.cpu_seconds + process_time() - began,
    }


def _scores(watcher: Watcher, detector: Any, X: pd.DataFrame) -> Floats:
    """Score the last maps of each run."""
    scored = detector.detector_ if watcher.own_score else detector
    seen, last = _seen(detector, X)
    return anomaly_score_of(scored, seen)[last]


def _localised(detector: Any, X: pd.DataFrame, cells: NDArray[np.intp]) -> float:
    seen, last = _seen(detector, X)
    blamed = blame_of(detector, seen).argmax(axis=1)[last]
    return float((blamed == cells[_last(X)]).mean())


def _seen(detector: Any, X: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return maps, and which are the last of their run; only these for who remembers no others."""
    last = _last(X)
    return (X, last) if detector.persistence > 1 else (X[last], last[last])


def _last(X: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which maps are among the last ones of their run."""
    following = X.groupby(level=RUN).cumcount(ascending=False)
    return np.asarray(following < N_LAST)
