"""Strategies of continual learning: prequential along streams, and concept after concept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from skdqm.benchmark._continual_concepts import Concepts, learned_one_by_one
from skdqm.benchmark._continual_contenders import Entrant, entrants
from skdqm.benchmark._continual_streams import Generated, OneClass, of_file
from skdqm.benchmark._continual_trial import followed
from skdqm.benchmark._results import averaged, failures, journal_in
from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._trial import Record
from skdqm.benchmark._work import Work, key_of, measured
from skdqm.datasets._drift_stream_schedule import SCHEDULES
from skdqm.exceptions import UsageError
from skdqm.io import atomic_path

DRIFTS = tuple(name for name in SCHEDULES if name is not None)
TABLE = "continual.csv"
EACH = "each"


@dataclass(frozen=True)
class ContinualResult:
    """What :func:`continual` measured.

    Attributes
    ----------
    table : DataFrame
        One row per stream (``dataset``) and ``contender``: ``n_seeds``, ``n_failed``, and of each
        figure the mean over seeds, with its standard deviation under ``_std``. Of streams:
        ``auroc`` of all rows, ``normalised`` by condition, ``windowed`` in 2,000 rows,
        ``phase_I_NAME`` within each phase; ``false_alarms`` (share of good rows flagged, outside
        holds),
        ``worst_window`` of 1,000 rows, ``share_above_3x``, ``false_alarms_held``, ``held``;
        ``recall``, ``fault_recall``, ``rows_to_detection`` and ``faults_missed``;
        ``recovery_rows`` and ``not_recovered`` after changes; ``clean_NAME``, the area on rows of a
        pure condition in the end, ``clean``, their mean, and ``forgetting``; ``learned``,
        ``faulty_learned`` and ``fault_learned``: shares of all rows, of the faulty ones and of
        those of long faults that were learned; ``rows_per_second``, ``times_scoring``, the time
        beside that to score the same rows at once; ``memory_mib``, the peak over the first half,
        and ``memory_growth_mib``, what the second half added. Of concepts: ``lifelong``,
        ``backward``, ``backward_stepwise``, ``forward``, ``forgetting`` and ``final``.
    failures : tuple of str
        What failed, one line each.
    """

    table: pd.DataFrame
    failures: tuple[str, ...]


def continual(
    files: Sequence[str | Path] = (),
    *,
    concepts: bool = False,
    drifts: Sequence[str] | None = None,
    rows: int = 60_000,
    fault_length: int = 400,
    fault_density: float = 0.6,
    label: str | None = None,
    hold_out: Sequence[int] | str | None = None,
    anomaly_share: float | None = None,
    changes: Sequence[int] = (),
    first: int = 2_000,
    contenders: Sequence[str] | None = None,
    detectors: Sequence[str] | None = None,
    passes: int = 1,
    seeds: int = 3,
    out: str | Path | None = None,
    report: Report | None = None,
) -> ContinualResult:
    """Let strategies of continual learning go along streams: each row is scored, then learned.

    Without files, streams are those of :func:`skdqm.datasets.make_drift_stream`, others for each
    seed: the first rows are fitted as they come, few anomalies among them. Of a labelled file the
    first good rows are fitted, and all rows after them follow, good and bad; so nothing is learned
    from the future. With `concepts`, a file holds concepts: the first one is fitted, the others are
    learned one after the other, and after each all are judged.

    Contenders are ``default``, a :class:`skdqm.continual.ContinualDetector` as it is; its
    strategies ``static``, ``naive``, ``replay``, ``refit``, ``ewc`` and ``distillation``;
    ``oracle``, the default that is told the labels of rows after it has judged them; ``tagged``,
    the default that is told the condition of each row; ``shifter``, the default whose tickets are
    answered, and rightly; and ``rolling-mahalanobis``, a robust distance to the latest 2,000 rows.

    Parameters
    ----------
    files : sequence of str or path-like, default=()
        Labelled tables in the order of time, or npz files of concepts.
    concepts : bool, default=False
        Whether the files hold concepts: arrays ``NAME_K__train``, ``NAME_K__test`` and
        ``NAME_K__label`` of each.
    drifts : sequence of str, default=None
        Kinds of generated streams; None: ``"recurring"``.
    rows : int, default=60_000
        Rows of a generated stream.
    fault_length : int, default=400
        Rows of each of its four long faults.
    fault_density : float, default=0.6
        Share of faulty rows in a long fault, in (0, 1].
    label : str, default=None
        The column of labels in files; None: the usual ones.
    hold_out : sequence of int or "each", default=None
        Classes that are the anomaly, each in a stream of its own; None: labels are 1 for anomalies
        and 0 for others.
    anomaly_share : float, default=None
        Anomalies of a file are thinned out to this share, in (0, 1); None: all stay.
    changes : sequence of int, default=()
        Rows of a file at which conditions are known to change.
    first : int, default=2_000
        Rows that are learned first.
    contenders : sequence of str, default=None
        None: all but ``tagged``, ``shifter``, ``ewc`` and ``distillation``.
    detectors : sequence of str, default=None
        Detectors inside, by their names in the registry; ``"default"``, as None, is the one that
        ContinualDetector has by itself.
    passes : int, default=1
        Times that an update goes over its rows (``n_passes`` of the pool and of replay).
    seeds : int, default=3
        Seeds, from 0.
    out : str or path-like, default=None
        A folder for results, where a run that was ended goes on.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : ContinualResult
        The table, and what failed.

    Raises
    ------
    UsageError
        When there is no such contender, detector or drift, an argument belongs to another kind of
        data, or a number is out of range.
    DataError
        When a file cannot be read, has no such class, or too few good rows.

    Examples
    --------
    >>> from skdqm.benchmark import continual
    >>> found = continual(rows=6_000, first=1_000, contenders=["static", "naive"], seeds=1).table
    >>> found["contender"].tolist(), bool((found["windowed"] > 0.5).all())
    (['static', 'naive'], True)
    """
    check_sizes(seeds=seeds, rows=rows, first=first, passes=passes, fault_length=fault_length)
    _check(files, concepts=concepts, drifts=drifts, hold_out=hold_out)
    competing = entrants(contenders, detectors, passes)
    if concepts:
        tasks: list[Any] = [Concepts(Path(path)) for path in files]
    elif files:
        _check_share(anomaly_share)
        tasks = [
            each
            for path in files
            for each in of_file(
                Path(path),
                label=label,
                hold_out=hold_out,
                n_first=first,
                changes=changes,
                share=anomaly_share,
            )
        ]
    else:
        tasks = [
            Generated(drift, rows, first, fault_length, fault_density)
            for drift in drifts or ("recurring",)
        ]
    trials = _concept_trials if concepts else _stream_trials
    records = measured(trials(tasks, competing, seeds), journal_in(out), report, _brief)
    # Not of rankings, whose figures stay empty.
    table = averaged(records).dropna(axis="columns", how="all")
    if out is not None:
        with atomic_path(Path(out) / TABLE) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    return ContinualResult(table, failures(records))


def _check(files: Any, *, concepts: bool, drifts: Any, hold_out: Any) -> None:
    if concepts and not files:
        raise UsageError("concepts are read from a file; name one")
    if files and drifts is not None:
        raise UsageError(
            "drifts are generated, and a file has its own; leave them out, or the file"
        )
    if hold_out is not None and (concepts or not files):
        raise UsageError("hold_out names classes of a labelled file; name the file too")
    if isinstance(hold_out, str) and hold_out != EACH:
        raise UsageError(f"hold_out={hold_out!r}: expected whole numbers, or 'each'")
    for drift in drifts or ():
        if drift not in DRIFTS:
            raise UsageError(f"no drift is called {drift!r}; there are {', '.join(DRIFTS)}")


def _check_share(share: float | None) -> None:
    if share is not None and not 0 < share < 1:
        raise UsageError(f"anomaly_share={share!r}: expected a number between 0 and 1")


def _stream_trials(
    tasks: Sequence[Generated | OneClass], competing: Sequence[Entrant], seeds: int
) -> Iterator[Work]:
    """Give the trials; those on the same rows follow each other."""
    for task in tasks:
        definition = task.definition()
        for seed in range(seeds):
            rows = _Once(partial(task.stream, seed))
            for entrant in competing:
                key = key_of(task.name, definition, seed, entrant.definition())
                yield Work(key, partial(_follow, entrant, rows, seed))


class _Once:
    """Rows that are made when they are first asked for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make, self.made = make, None

    def __call__(self) -> Any:
        if self.made is None:
            self.made = self.make()
        return self.made


def _follow(entrant: Entrant, rows: _Once, seed: int) -> Record:
    return followed(entrant, rows(), seed)


def _concept_trials(
    tasks: Sequence[Concepts], competing: Sequence[Entrant], seeds: int
) -> Iterator[Work]:
    for task in tasks:
        task.concepts()
        definition = task.definition()
        for seed in range(seeds):
            for entrant in competing:
                key = key_of(task.name, definition, seed, entrant.definition())
                yield Work(key, partial(learned_one_by_one, entrant, task, seed))


def _brief(record: Record) -> str:
    about = f"{record['task']}, seed {record['seed']}, {record['contender']}"
    if "error" in record:
        return f"{about}: failed, {record['error']}"
    name = "windowed" if "windowed" in record else "lifelong"
    return f"{about}: {name} AUC {record[name]:.4f} in {record['score_seconds']:.1f} s"
