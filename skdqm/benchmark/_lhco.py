"""Detectors on the features of LHC Olympics events: background is learned, signal is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.benchmark._contenders import Floats
from skdqm.benchmark._defaults import DEFAULT_CONTENDERS
from skdqm.benchmark._results import BenchResult, measured
from skdqm.benchmark._run import Report
from skdqm.benchmark._trial import Rows, digest, scaled
from skdqm.datasets import make_lhco_events
from skdqm.exceptions import DataError
from skdqm.io import read
from skdqm.metrics import evaluate_scores
from skdqm.preprocessing import JetFeatures

PROTOCOL = "half of the background, 1"
N_BACKGROUND, N_SIGNAL = 18_000, 2_000
FIGURES = {
    "auroc": "roc_auc",
    "aupr": "average_precision",
    "max_sic": "max_sic",
    "rejection_30": "background_rejection_30",
    "rejection_50": "background_rejection_50",
}


@dataclass(frozen=True)
class Events:
    """Events with labels, as 14 columns or as jet features.

    Attributes
    ----------
    path : Path or None
        A feature file; None for events of :func:`make_lhco_events`.
    jets : bool
        Whether detectors see jet features.
    forward : bool
        Whether the first half of the background is learned, with every seed, instead of a half
        drawn by it.
    data : str
        Digest of the file.
    """

    path: Path | None
    jets: bool
    forward: bool
    data: str

    @property
    def name(self) -> str:
        """The representation."""
        return "jet features" if self.jets else "14 columns"

    @property
    def size(self) -> float:
        """Both take about as long."""
        return 1.0

    @property
    def known(self) -> dict[str, Any]:
        """Return nothing: a table is a table."""
        return {}

    def definition(self) -> dict[str, Any]:
        """Return protocol, order and data."""
        return {"name": PROTOCOL, "forward": self.forward, "data": self.data}

    def rows(self, seed: int) -> Rows:
        """Learn half of the background; rank the other half and all signal."""
        X, y = read_events(self.path)
        values = JetFeatures().fit_transform(X) if self.jets else X
        background, signal = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
        if not self.forward:
            background = np.random.default_rng(seed).permutation(background)
        half = len(background) // 2
        test = np.concatenate([background[half:], signal])
        rows = np.asarray(values, dtype=np.float64)
        return scaled(rows[background[:half]], rows[test], y[test])

    def figures(self, labels: NDArray[np.int64], scores: Floats) -> dict[str, float]:
        """Return AUROC, AUPR, the largest significance improvement, and background rejection."""
        found = evaluate_scores(labels, scores)
        return {name: float(found[source]) for name, source in FIGURES.items()}


def read_events(path: Path | None) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Read events and their labels, or generate some.

    Parameters
    ----------
    path : Path or None
        A feature file of the LHC Olympics.

    Returns
    -------
    X : DataFrame of shape (n_events, 14)
        The columns of the file.
    y : ndarray of shape (n_events,)
        1 for signal.

    Raises
    ------
    DataError
        When labels are missing or are not 0 and 1.
    """
    if path is None:
        return make_lhco_events(N_BACKGROUND, N_SIGNAL, random_state=0)
    table = read(path)
    found = [] if table.y is None else np.unique(table.y).tolist()
    if table.y is None or found != [0, 1] or (table.y == 0).sum() < 4:
        raise DataError(
            f"{path}: found {f'the labels {found[:8]}' if found else 'no labels'}; expected 0 for "
            "background (four events or more) and 1 for signal"
        )
    return table.X, table.y


def lhco(
    data: str | Path | None = None,
    *,
    out: str | Path | None = None,
    contenders: Sequence[str] | None = None,
    seeds: int = 5,
    forward: bool = False,
    jobs: int = 1,
    report: Report | None = None,
) -> BenchResult:
    """Run detectors on events of the LHC Olympics 2020, as 14 columns and as jet features.

    Half of the background is learned; the other half and all signal are ranked. Both are scaled by
    what is learned.

    Parameters
    ----------
    data : str or path-like, default=None
        A feature file with labels; events of :func:`skdqm.datasets.make_lhco_events` by default.
    out : str or path-like, default=None
        A folder for the results, where a run that was ended goes on.
    contenders : sequence of str, default=None
        Names of :func:`skdqm.registry.detector_names`, and PyOD's classes as ``"pyod:KNN"``, all
        at their defaults.
    seeds : int, default=5
        Seeds, from 0, for the detectors and for the halves.
    forward : bool, default=False
        Learn the first half in the order of the file, whatever the seed.
    jobs : int, default=1
        Processes, each with one thread.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : BenchResult
        ``auroc``, ``aupr``, ``max_sic`` (the largest significance improvement), ``rejection_30``
        and ``rejection_50`` (of background, at these percentages of signal) and times.

    Raises
    ------
    UsageError
        When a contender does not exist.
    DataError
        When the file is not one of labelled events.

    Examples
    --------
    >>> from skdqm.benchmark import lhco
    >>> result = lhco(contenders=["pyod:HBOS"], seeds=1)
    >>> result.results["dataset"].tolist()
    ['14 columns', 'jet features']
    >>> bool(result.results["auroc"].min() > 0.6)
    True
    """
    path = None if data is None else Path(data)
    X, _ = read_events(path)
    # Refuses columns that are not those of jets before anything is measured.
    JetFeatures().fit(X)
    about = f"make_lhco_events({N_BACKGROUND}, {N_SIGNAL})" if path is None else digest(path)
    tasks = [Events(path, jets, forward, about) for jets in (False, True)]
    names = DEFAULT_CONTENDERS if contenders is None else contenders
    return measured(tasks, names, seeds, out=out, jobs=jobs, report=report)
