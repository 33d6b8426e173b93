"""Drift monitors on streams of scores: false alarms while nothing changes, delay when it does."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter

import skdqm
from skdqm.benchmark._results import averaged, failures, journal_in
from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._trial import Record
from skdqm.benchmark._work import Work, key_of, measured
from skdqm.drift import DriftMonitor
from skdqm.exceptions import UsageError

Floats = NDArray[np.float64]
Intervals = list[tuple[int, int]]

DETECTORS = ("cusum", "shiryaev-roberts", "ks", "energy", "adwin", "page-hinkley", "kswin")
SHIFTS = (0.5, 1.0, 2.0)
# Rows before and after each change, and changes for each shift and seed.
BEFORE, AFTER, CHANGES = 1000, 4000, 10
PER_ROWS = 100_000
# Of the autoregression: neighbours correlate by this, and the memory is ten rows.
MEMORY = 0.9
# Rows after a burst in which an alarm is still its own: those of a window of blocks.
AFTERMATH = 256
BURST_LENGTHS, BURST_SHARE, BURST_HEIGHT = (30, 91), 0.015, 3.0
WARM_UP = 500
LIBRARIES = ("numpy", "river", "scipy")
TABLE = "drift.csv"


def _gaussian(rng: np.random.Generator, n: int) -> tuple[Floats, Intervals]:
    return rng.standard_normal(n), []


def _heavy(rng: np.random.Generator, n: int) -> tuple[Floats, Intervals]:
    return rng.standard_t(2, n), []


def _autocorrelated(rng: np.random.Generator, n: int) -> tuple[Floats, Intervals]:
    noise = rng.standard_normal(n + WARM_UP) * np.sqrt(1 - MEMORY**2)
    rows: Floats = lfilter([1.0], [1.0, -MEMORY], noise)[WARM_UP:]
    return rows, []


def _with_bursts(rng: np.random.Generator, n: int) -> tuple[Floats, Intervals]:
    rows = rng.standard_normal(n)
    count = max(1, round(BURST_SHARE * n / np.mean(BURST_LENGTHS)))
    starts = np.sort(rng.integers(0, n, count)).tolist()
    lengths = rng.integers(*BURST_LENGTHS, count).tolist()
    bursts = [(at, min(at + long, n)) for at, long in zip(starts, lengths, strict=True)]
    for start, stop in bursts:
        rows[start:stop] = BURST_HEIGHT + rng.standard_normal(stop - start)
    return rows, bursts


STREAMS: dict[str, Callable[[np.random.Generator, int], tuple[Floats, Intervals]]] = {
    "gaussian": _gaussian,
    "heavy-tailed": _heavy,
    "autocorrelated": _autocorrelated,
    "with bursts": _with_bursts,
}


@dataclass(frozen=True)
class DriftResult:
    """What :func:`drift` measured.

    Attributes
    ----------
    table : DataFrame
        One row per stream (``dataset``) and detector (``contender``): ``n_seeds``, ``n_failed``,
        ``false_alarms`` per 100,000 rows, ``bursts_flagged`` (share of the bursts that fired),
        ``delay_0.5``, ``delay_1`` and ``delay_2`` in rows, ``rows_per_second``; each with its
        standard deviation over the seeds under ``_std``.
    failures : tuple of str
        What failed, one line each.
    """

    table: pd.DataFrame
    failures: tuple[str, ...]


def drift(
    rows: int = 100_000,
    *,
    reference: int = 2_000,
    detectors: Sequence[str] | None = None,
    seeds: int = 5,
    out: str | Path | None = None,
    report: Report | None = None,
) -> DriftResult:
    """Count false alarms of drift monitors on stationary streams, and time how late they fire.

    Streams are scores of one column: independent normal ones, Student's with two degrees of
    freedom, an autoregression (neighbours correlate by 0.9), and normal ones with bursts of 30 to
    90 rows, three deviations high, 1.5 % of all rows. An alarm in a burst or up to 256 rows after
    it is the burst's and no false one. For each shift, in standard deviations (of heavy-tailed
    scores: in their own unit), there are ten changes, each after 1,000 rows; the delay counts to
    the first alarm after the change, and is 4,000 rows at most.

    Parameters
    ----------
    rows : int, default=100_000
        Stationary rows of each stream and seed.
    reference : int, default=2_000
        Rows that a monitor is fitted to.
    detectors : sequence of str, default=None
        Words of :class:`skdqm.drift.DriftMonitor`; None takes all.
    seeds : int, default=5
        Seeds, from 0.
    out : str or path-like, default=None
        A folder for results; a run that was ended goes on.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : DriftResult
        The table, and what failed.

    Raises
    ------
    UsageError
        When a detector does not exist, a number is not positive, or the folder cannot be made.
    DataError
        When the file of results is damaged.

    Examples
    --------
    >>> from skdqm.benchmark import drift
    >>> table = drift(2_000, detectors=["cusum"], seeds=1).table
    >>> table[["dataset", "false_alarms"]].head(1)
        dataset  false_alarms
    0  gaussian           0.0
    """
    check_sizes(rows=rows, reference=reference, seeds=seeds)
    chosen = DETECTORS if detectors is None else tuple(detectors)
    unknown = [name for name in chosen if name not in DETECTORS]
    if unknown or not chosen:
        raise UsageError(f"detectors={unknown or []}: expected some of {', '.join(DETECTORS)}")
    journal = journal_in(out)
    protocol = {"rows": rows, "reference": reference}
    records = measured(_works(chosen, seeds, protocol), journal, report, _brief)
    # Not of rankings, whose figures stay empty.
    table = averaged(records).dropna(axis="columns", how="all")
    if out is not None:
        table.to_csv(Path(out) / TABLE, index=False, float_format="%.6g")
    return DriftResult(table, failures(records))


def _works(names: Sequence[str], seeds: int, protocol: dict[str, int]) -> Iterator[Work]:
    for stream, seed, name in product(STREAMS, range(seeds), names):
        definition = {
            "contender": name,
            "package": f"skdqm {skdqm.__version__}",
            "parameters": DriftMonitor().get_params() | {"detector": name},
        }
        key = key_of(stream, protocol, seed, definition, LIBRARIES)
        yield Work(key, partial(_measured, name, stream, seed, **protocol))


def _measured(name: str, stream: str, seed: int, rows: int, reference: int) -> Record:
    rng = np.random.default_rng([seed, list(STREAMS).index(stream)])
    make = STREAMS[stream]
    values, bursts = make(rng, reference + rows)
    started = perf_counter()
    monitor = DriftMonitor(name).fit(values[:reference])
    fitted = perf_counter()
    # Positions are remembered up to a bound: parts are counted one by one.
    watching = deepcopy(monitor)
    parts = range(reference, reference + rows, PER_ROWS)
    alarms = [
        change["position"]
        for start in parts
        for change in watching.update(values[start : min(start + PER_ROWS, len(values))]).changes_
    ]
    ended = perf_counter()
    ours = [(start - reference, stop - reference) for start, stop in bursts if stop > reference]
    return {
        **_alarm_figures(alarms, ours, rows),
        **{f"delay_{shift:g}": _delay(monitor, make, rng, shift) for shift in SHIFTS},
        "rows_per_second": rows / (ended - fitted),
        "fit_seconds": fitted - started,
        "score_seconds": ended - fitted,
    }


def _alarm_figures(alarms: list[int], bursts: Intervals, rows: int) -> Record:
    of_burst = [
        any(start < alarm <= stop + AFTERMATH for alarm in alarms) for start, stop in bursts
    ]
    outside = [
        alarm
        for alarm in alarms
        if not any(start < alarm <= stop + AFTERMATH for start, stop in bursts)
    ]
    flagged = {"bursts_flagged": float(np.mean(of_burst))} if bursts else {}
    return {"false_alarms": len(outside) * PER_ROWS / rows, **flagged}


def _delay(
    monitor: DriftMonitor,
    make: Callable[[np.random.Generator, int], tuple[Floats, Intervals]],
    rng: np.random.Generator,
    shift: float,
) -> float:
    return float(np.mean([_one_delay(deepcopy(monitor), make, rng, shift) for _ in range(CHANGES)]))


def _one_delay(
    monitor: DriftMonitor,
    make: Callable[[np.random.Generator, int], tuple[Floats, Intervals]],
    rng: np.random.Generator,
    shift: float,
) -> int:
    # Changes fall anywhere in a block.
    before = BEFORE + int(rng.integers(monitor.block_size))
    values, _ = make(rng, before + AFTER)
    values[before:] += shift
    alarms = [change["position"] for change in monitor.update(values).changes_]
    return min([alarm - before for alarm in alarms if alarm > before], default=AFTER)


def _brief(record: Record) -> str:
    about = f"{record['task']}, seed {record['seed']}, {record['contender']}"
    if "error" in record:
        return f"{about}: failed, {record['error']}"
    return f"{about}: {record['false_alarms']:.3g} false alarms in {record['score_seconds']:.2f} s"
