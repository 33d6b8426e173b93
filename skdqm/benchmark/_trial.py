"""One trial: a contender learns the normal rows of a task and ranks others."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from skdqm.benchmark._contenders import Contender, Floats, contender
from skdqm.benchmark._quiet import quiet
from skdqm.metrics import precision_at_k

Record = dict[str, Any]
WARM_UP_ROWS = 128


class Rows(NamedTuple):
    """Rows to learn, and others with their labels (1 = anomaly)."""

    train: Floats
    test: Floats
    labels: NDArray[np.int64]


def scaled(train: Floats, test: Floats, labels: NDArray[np.int64]) -> Rows:
    """Scale rows by the mean and the deviation of those that are learned.

    Parameters
    ----------
    train, test : ndarray of shape (n_samples, n_features)
        Rows to learn and rows to rank.
    labels : ndarray of shape (n_samples,)
        Of the rows to rank.

    Returns
    -------
    rows : Rows
        What a task gives.
    """
    scaler = StandardScaler().fit(train)
    return Rows(scaler.transform(train), scaler.transform(test), labels)


class Task(Protocol):
    """Rows that a seed splits, and what is measured on them; hashable, to be sent to a process."""

    def __hash__(self) -> int:
        """Tell tasks apart."""

    @property
    def name(self) -> str:
        """How records call it."""

    @property
    def size(self) -> float:
        """About how many numbers are learned: big tasks start first."""

    @property
    def known(self) -> Mapping[str, Any]:
        """What detectors may be told of the rows, such as ``image_shape``."""

    def definition(self) -> Mapping[str, Any]:
        """Describe the data and the protocol, so that results of others are told apart."""

    def rows(self, seed: int) -> Rows:
        """Split."""

    def figures(self, labels: NDArray[np.int64], scores: Floats) -> dict[str, float]:
        """Measure how well scores rank."""


@dataclass(frozen=True)
class Trial:
    """What one process does at a time.

    Attributes
    ----------
    task : Task
        The rows.
    contender : str
        Name of the detector.
    seed : int
        For the split and for the detector.
    """

    task: Task
    contender: str
    seed: int

    def __str__(self) -> str:
        return f"{self.task.name}, seed {self.seed}, {self.contender}"


class Timed(NamedTuple):
    """Seconds to fit, to score, of one processor in both together, and the scores."""

    fit_seconds: float
    score_seconds: float
    cpu_seconds: float
    scores: Floats


def measure(trial: Trial) -> Record:
    """Run a trial; what fails becomes a record with the error.

    Parameters
    ----------
    trial : Trial
        Task, contender and seed.

    Returns
    -------
    record : dict
        The figures of the task with the seconds, or ``error`` alone.
    """
    try:
        rows = _rows(trial.task, trial.seed)
        who, known = contender(trial.contender), trial.task.known
        timed = fit_and_score(who, rows.train, rows.test, trial.seed, **known)
        figures = trial.task.figures(rows.labels, timed.scores)
    except Exception as error:  # A foreign detector may raise anything.
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())}
    return {
        **figures,
        "fit_seconds": timed.fit_seconds,
        "score_seconds": timed.score_seconds,
        "cpu_seconds": timed.cpu_seconds,
    }


@lru_cache(maxsize=1)
def _rows(task: Task, seed: int) -> Rows:
    """Split once for all contenders: they follow each other on the same rows."""
    return task.rows(seed)


def fit_and_score(who: Contender, train: Floats, test: Floats, seed: int, **known: Any) -> Timed:
    """Fit a fresh detector and score rows, after a warm-up.

    Parameters
    ----------
    who : Contender
        The detector.
    train, test : ndarray of shape (n_samples, n_features)
        Rows to learn and rows to score.
    seed : int
        Random state.
    **known : object
        What the detector may be told of the rows.

    Returns
    -------
    timed : Timed
        Seconds and scores.
    """
    _warm_up(who, train.shape[1], **known)
    return _timed(who, train, test, seed, **known)


@cache
def _warm_up(who: Contender, n_features: int, **known: Any) -> None:
    """Fit a few rows once in a process: libraries compile and import as late as in the first fit.

    What fails here fails again where it is told.
    """
    rows = np.random.default_rng(0).standard_normal((WARM_UP_ROWS, n_features))
    with suppress(Exception):
        _timed(who, rows, rows, 0, **known)


def _timed(who: Contender, train: Floats, test: Floats, seed: int, **known: Any) -> Timed:
    with quiet(seed):
        detector = who.make(seed, n_features=train.shape[1], **known)
        # Copies: some detectors scale their input in place.
        learned, ranked = train.copy(), test.copy()
        started = process_time()
        fit, _ = seconds(lambda: detector.fit(learned))
        score, scores = seconds(lambda: who.anomaly_score(detector, ranked))
        return Timed(fit, score, process_time() - started, scores)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Time some work.

    Parameters
    ----------
    work : callable
        Without arguments.

    Returns
    -------
    seconds : float
        How long it took.
    result : object
        What it returned.
    """
    started = perf_counter()
    result = work()
    return perf_counter() - started, result


def digest(path: Path) -> str:
    """Return what tells the content of a file from any other.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    digest : str
        Sixteen hexadecimal digits.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def ranking_figures(labels: NDArray[np.int64], scores: Floats) -> dict[str, float]:
    """Measure AUROC, AUPR, and F1 where as many rows are flagged as there are anomalies.

    There precision, recall and F1 are the same. Of rows that tie at the threshold the mean over
    all orders counts, so that the order of rows does not.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        1 for anomalies, 0 for normal rows.
    scores : ndarray of shape (n_samples,)
        High is abnormal.

    Returns
    -------
    figures : dict of str to float
        ``auroc``, ``aupr`` and ``f1``, from 0 to 1.
    """
    return {
        "auroc": float(roc_auc_score(labels, scores)),
        "aupr": float(average_precision_score(labels, scores)),
        "f1": precision_at_k(labels, scores),
    }
