"""From records, one per seed, to tables, one row per data set and contender."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from skdqm.benchmark._contenders import contenders_called
from skdqm.benchmark._journal import KEY, Journal
from skdqm.benchmark._run import Report, check_sizes, run
from skdqm.benchmark._trial import Record, Task
from skdqm.exceptions import UsageError
from skdqm.io import atomic_path

MEASURED = dict.fromkeys(("auroc", "aupr", "fit_seconds", "score_seconds", "cpu_seconds"), float)
JOURNAL, TABLE = "results.jsonl", "results.csv"


@dataclass(frozen=True)
class BenchResult:
    """What a run found.

    Attributes
    ----------
    results : DataFrame
        One row per data set and contender: ``dataset``, ``contender``, ``n_seeds`` that finished,
        ``n_failed``, and of each figure and time the mean over the seeds that finished, with its
        standard deviation under ``_std``.
    failures : tuple of str
        What failed, and why: one line each.
    """

    results: pd.DataFrame
    failures: tuple[str, ...]


def measured(
    tasks: Sequence[Task],
    contenders: Sequence[str],
    seeds: int,
    *,
    out: str | Path | None,
    jobs: int,
    report: Report | None,
) -> BenchResult:
    """Run, average, and write the table.

    Parameters
    ----------
    tasks : sequence of Task
        What is learned.
    contenders : sequence of str
        Who learns.
    seeds : int
        How many.
    out : path-like or None
        Folder for the results.
    jobs : int
        Processes.
    report : callable or None
        Called with a line of text after each result.

    Returns
    -------
    result : BenchResult
        Averages and failures.

    Raises
    ------
    UsageError
        When a contender is unknown, a number is not positive, or the folder cannot be made.
    DataError
        When the file of earlier results is damaged.
    """
    check_sizes(seeds=seeds, jobs=jobs)
    chosen = contenders_called(contenders)
    records = run(tasks, chosen, seeds, jobs=jobs, journal=journal_in(out), report=report)
    table = averaged(records)
    if out is not None:
        with atomic_path(Path(out) / TABLE) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    return BenchResult(table, failures(records))


def journal_in(folder: str | Path | None) -> Journal:
    """Open the results in a folder, and make the folder where it is not there.

    Parameters
    ----------
    folder : path-like or None
        None keeps results in memory.

    Returns
    -------
    journal : Journal
        With what earlier runs left.

    Raises
    ------
    UsageError
        When the folder cannot be made.
    DataError
        When the file of results is damaged.
    """
    if folder is None:
        return Journal(None)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot make this folder for the results ({error.strerror}); name another"
        ) from error
    return Journal(Path(folder) / JOURNAL)


def averaged(records: Sequence[Record]) -> pd.DataFrame:
    """Average over the seeds.

    Parameters
    ----------
    records : sequence of dict
        Of :func:`skdqm.benchmark._run.run`.

    Returns
    -------
    table : DataFrame
        One row per ``dataset`` and ``contender``, in their order: ``n_seeds`` that finished,
        ``n_failed``, and of each figure the mean over those that finished, with its (population)
        standard deviation under ``_std``.
    """
    frame = pd.DataFrame(map(_figures, records))
    # There, if empty, also when everything failed.
    frame = frame.reindex(columns=dict.fromkeys([*frame, *MEASURED])).astype(MEASURED)
    groups = frame.groupby(["dataset", "contender"], sort=False)
    failed = groups["failed"].sum().astype(int)
    counts = pd.DataFrame({"n_seeds": groups.size() - failed, "n_failed": failed})
    figures = [name for name in frame if name not in {"dataset", "contender", "failed"}]
    columns = {}
    for name in figures:
        columns[name] = groups[name].mean()
        columns[f"{name}_std"] = groups[name].std(ddof=0)
    return pd.concat([counts, pd.DataFrame(columns, index=counts.index)], axis=1).reset_index()


def _figures(record: Record) -> dict[str, Any]:
    about = {"dataset": record["task"], "contender": record["contender"]}
    measured = {k: v for k, v in record.items() if k not in {*KEY, "error"}}
    return {**about, "failed": "error" in record, **measured}


def by_set(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Spread one figure: sets in rows, contenders in columns, missing where a seed failed.

    Parameters
    ----------
    table : DataFrame
        Of :func:`averaged`.
    metric : str
        One of its columns.

    Returns
    -------
    figures : DataFrame of shape (n_sets, n_contenders)
        In the order of the table.
    """
    whole = table.assign(**{metric: table[metric].where(table["n_failed"] == 0)})
    spread = whole.pivot_table(metric, "dataset", "contender", dropna=False, sort=False)
    return spread.reindex(
        index=whole["dataset"].unique(), columns=whole["contender"].unique()
    ).astype(float)


def failures(records: Sequence[Record]) -> tuple[str, ...]:
    """Say what failed.

    Parameters
    ----------
    records : sequence of dict
        Of :func:`skdqm.benchmark._run.run`.

    Returns
    -------
    failures : tuple of str
        One line each.
    """
    return tuple(
        f"{record['task']}, seed {record['seed']}, {record['contender']}: {record['error']}"
        for record in records
        if "error" in record
    )
