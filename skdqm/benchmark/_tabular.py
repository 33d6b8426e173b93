"""Detectors on sets of ADBench's format, by a published protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skdqm._messages import listed
from skdqm.benchmark._adbench import MAX_ROWS, open_folder
from skdqm.benchmark._compare import Comparison, chosen_reference, compare
from skdqm.benchmark._contenders import contenders_called
from skdqm.benchmark._defaults import DEFAULT_CONTENDERS
from skdqm.benchmark._published import published_for, read_published
from skdqm.benchmark._rank_picture import save_rank_picture
from skdqm.benchmark._results import BenchResult, by_set, measured
from skdqm.benchmark._run import Report, check_sizes
from skdqm.exceptions import DataError

METRICS = ("auroc", "aupr")


@dataclass(frozen=True)
class TabularResult(BenchResult):
    """What a run over tabular sets found.

    Attributes
    ----------
    results : DataFrame
        One row per set and contender: mean and standard deviation over the seeds of ``auroc``,
        ``aupr``, ``f1`` and the times, ``n_seeds`` that finished and ``n_failed``.
    failures : tuple of str
        What failed, and why: one line each.
    comparisons : tuple of Comparison
        By AUROC and by AUPR; with published tables, over the sets that both have.
    """

    comparisons: tuple[Comparison, ...]


def tabular(
    data: str | Path,
    *,
    out: str | Path | None = None,
    published: str | Path | None = None,
    contenders: Sequence[str] | None = None,
    reference: str | None = None,
    seeds: int = 5,
    max_rows: int = MAX_ROWS,
    jobs: int = 1,
    report: Report | None = None,
) -> TabularResult:
    """Run detectors over sets of ADBench's format by the protocol of DTE [1]_.

    Each set is scaled by its first half of normal rows, which are learned; the other normal rows
    and all anomalies are ranked. Sets below 1,000 rows are drawn up to that with replacement before
    the split, which flatters methods that remember rows; the protocol has it so.

    Parameters
    ----------
    data : str or path-like
        A folder of npz files, each with rows ``X`` and labels ``y`` (1 = anomaly).
    out : str or path-like, default=None
        A folder for the results. ``results.jsonl`` takes each at once; a run that was ended goes
        on there, in whatever way it ended, and what failed is tried again. ``results.csv`` and
        the pictures of ranks follow at the end.
    published : str or path-like, default=None
        A folder with ``dte_semi_aucroc.csv`` and ``dte_semi_aucpr.csv``, or one such file, whose
        methods are ranked along; see :func:`skdqm.benchmark.compare`.
    contenders : sequence of str, default=None
        Names of :func:`skdqm.registry.detector_names`, and PyOD's classes as ``"pyod:KNN"``, all
        at their defaults.
    reference : str, default=None
        Whom to compare with; ``"pyod:KNN"`` by default, if it takes part.
    seeds : int, default=5
        Seeds, from 0, for the detectors and for the rows drawn.
    max_rows : int, default=50_000
        Rows drawn of larger sets; the protocol has 50,000.
    jobs : int, default=1
        Processes, each with one thread. They do not change the figures.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : TabularResult
        Figures of all sets, standings, and failures.

    Raises
    ------
    UsageError
        When a contender, the reference or a folder does not exist.
    DataError
        When a file is not what it should be.

    References
    ----------
    .. [1] V. Livernoche et al., "On diffusion modeling for anomaly detection", ICLR 2024.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skdqm.benchmark import tabular
    >>> folder = Path(tempfile.mkdtemp())
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> y = np.arange(1000) % 20 == 0
    >>> X[y] += 4
    >>> np.savez(folder / "1_planted.npz", X=X, y=y)
    >>> result = tabular(folder, contenders=["pyod:KNN", "pyod:HBOS"], seeds=1)
    >>> bool(result.results["auroc"].min() > 0.98)
    True
    """
    check_sizes(max_rows=max_rows)
    wanted = DEFAULT_CONTENDERS if contenders is None else contenders
    names = [each.name for each in contenders_called(wanted)]
    sets = open_folder(Path(data), max_rows)
    rivals = {} if published is None else _rivals(Path(published), [each.name for each in sets])
    whom = chosen_reference([*names, *rivals.get("auroc", pd.DataFrame())], reference)
    found = measured(sets, names, seeds, out=out, jobs=jobs, report=report)
    comparisons = tuple(_compared(found.results, each, rivals.get(each), whom) for each in METRICS)
    if out is not None:
        for comparison in comparisons:
            save_rank_picture(Path(out) / f"ranks_{comparison.metric}.png", comparison)
    return TabularResult(found.results, found.failures, comparisons)


def _rivals(path: Path, sets: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return what is published about our sets."""
    tables = read_published(path)
    rivals = {
        metric: published_for(table, sets).dropna(how="all") for metric, table in tables.items()
    }
    for metric, table in rivals.items():
        if table.empty:
            raise DataError(
                f"the published {metric} has none of the sets {listed(sets)}; expected their names "
                "in its column 'dataset'"
            )
    return rivals


def _compared(
    table: pd.DataFrame, metric: str, rivals: pd.DataFrame | None, reference: str
) -> Comparison:
    figures = by_set(table, metric)
    if rivals is not None:
        figures = figures.join(rivals, how="inner")
    whom = reference if reference in figures else chosen_reference(list(figures), None)
    return compare(figures, whom, metric)
