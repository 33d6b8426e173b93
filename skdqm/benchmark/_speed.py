"""Time of fit, of scoring and of one event, and peak memory, in one run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm.benchmark._memory import peak_memory
from skdqm.benchmark._networks import CONTENDERS, Network, Training, warm_up
from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._trial import seconds
from skdqm.exceptions import UsageError

# Calls of the scoring function on one row, after those that warm it up.
CALLS, WARM_UP_CALLS = 300, 20


@dataclass(frozen=True)
class SpeedResult:
    """What one contender took; times are medians over the repeats.

    Attributes
    ----------
    contender : str
        A key of ``CONTENDERS``.
    fit_seconds : float
        Processor time to train: on one thread, and on an idle machine, that of the clock.
    score_seconds : float
        Processor time to score all rows in one call.
    event_microseconds : float
        Time of the clock to score one row, the median of 300.
    peak_mebibytes : float or None
        Peak memory of fit and score in a process of its own, above its imports and the rows;
        None if not measured.
    """

    contender: str
    fit_seconds: float
    score_seconds: float
    event_microseconds: float
    peak_mebibytes: float | None = None

    def measures(self) -> dict[str, float | None]:
        """Return the figures by name.

        Returns
        -------
        measures : dict of str to float or None
            All fields but the name.
        """
        return {name: value for name, value in asdict(self).items() if name != "contender"}

    def relative_to(self, reference: "SpeedResult") -> dict[str, float | None]:
        """Divide the figures by those of another contender.

        Parameters
        ----------
        reference : SpeedResult
            The other one, of the same run.

        Returns
        -------
        ratios : dict of str to float or None
            Above 1 where this contender takes more.
        """
        theirs = reference.measures()
        return {name: _ratio(value, theirs[name]) for name, value in self.measures().items()}


def _ratio(value: float | None, reference: float | None) -> float | None:
    return value / reference if value is not None and reference else None


def speed(
    n_rows: int = 100_000,
    n_features: int = 14,
    *,
    batch_size: int = 1024,
    epochs: int = 10,
    repeats: int = 3,
    contenders: Sequence[str] | None = None,
    memory: bool = True,
    report: Report | None = None,
) -> list[SpeedResult]:
    """Time our autoencoders, PyOD's and a bare torch loop, on the same arrays.

    All train and score networks of the same layer sizes on one thread, turn by turn in this
    process. Long work is measured by what it computes, not by the clock, so that others on a busy
    machine count for little. Random generators, threads and warnings are left as they were.

    Parameters
    ----------
    n_rows : int, default=100_000
        Rows to fit and to score.
    n_features : int, default=14
        Columns.
    batch_size : int, default=1024
        Rows of a training step.
    epochs : int, default=10
        Passes over the rows.
    repeats : int, default=3
        Runs of everything but the memory.
    contenders : sequence of str, default=None
        Some of ``CONTENDERS``; all by default.
    memory : bool, default=True
        Whether to measure the memory too, which starts one process per contender.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    results : list of SpeedResult
        One per contender, in their order.

    Raises
    ------
    UsageError
        When a contender is unknown, a size is not positive, or the rows do not fill a batch.

    Examples
    --------
    >>> from skdqm.benchmark import speed
    >>> bare = ["bare torch loop"]
    >>> results = speed(500, 5, batch_size=100, repeats=1, contenders=bare, memory=False)
    >>> results[0].contender, results[0].fit_seconds > 0
    ('bare torch loop', True)
    """
    names = list(CONTENDERS) if contenders is None else list(contenders)
    _check(names, n_features=n_features, batch_size=batch_size, epochs=epochs, repeats=repeats)
    if n_rows < batch_size:
        raise UsageError(f"n_rows={n_rows} do not fill a batch of {batch_size}: PyOD would crash")
    training = Training(batch_size, epochs)
    say = report or _silent
    X = np.random.default_rng(0).standard_normal((n_rows, n_features))
    runs: dict[str, list[_Run]] = {name: [] for name in names}
    for repeat in range(repeats):
        for name in names:
            runs[name].append(_timed(name, X, training))
            say(f"run {repeat + 1} of {repeats}: {name} fitted in {runs[name][-1].fit:.2f} s")
    peaks = {
        name: peak_memory(name, n_rows, n_features, training) if memory else None for name in names
    }
    return [_medians(name, runs[name], peaks[name]) for name in names]


def _check(names: Sequence[str], **sizes: int) -> None:
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise UsageError(f"unknown contenders {unknown}; there are {list(CONTENDERS)}")
    check_sizes(**sizes)


def _silent(message: str) -> None:
    """Swallow a report."""


class _Run(NamedTuple):
    """Seconds to fit, to score all rows, and to score one."""

    fit: float
    score: float
    event: float


def _medians(name: str, runs: Sequence[_Run], peak: float | None) -> SpeedResult:
    fit, score, event = (median(times) for times in zip(*runs, strict=True))
    return SpeedResult(name, fit, score, 1e6 * event, peak)


def _timed(name: str, X: NDArray[np.float64], training: Training) -> _Run:
    with quiet():
        warm_up(name, X, training)
        contender = CONTENDERS[name](training)
        fit = _processor_seconds(lambda: contender.fit(X))
        score = _processor_seconds(lambda: contender.decision_function(X))
        return _Run(fit, score, _one_event(contender, X))


def _processor_seconds(work: Callable[[], Any]) -> float:
    """Time some work by what it computes: others on a busy machine count for little."""
    started = process_time()
    work()
    return process_time() - started


def _one_event(contender: Network, X: NDArray[np.float64]) -> float:
    rows = [X[[i % len(X)]] for i in range(WARM_UP_CALLS + CALLS)]
    times = [seconds(partial(contender.decision_function, row))[0] for row in rows]
    return median(times[WARM_UP_CALLS:])
