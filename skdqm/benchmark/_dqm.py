"""Detectors as monitors of data quality: forward in time, run by run, and cell by cell."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from skdqm.benchmark._dqm_contenders import Watcher, chosen, over_maps, over_runs
from skdqm.benchmark._dqm_maps import FACTORS, USUAL, Maps, found_on
from skdqm.benchmark._dqm_rows import Source, Stream, halved
from skdqm.benchmark._dqm_trial import watched
from skdqm.benchmark._results import averaged, failures, journal_in
from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._trial import Record
from skdqm.benchmark._work import Work, key_of, measured
from skdqm.datasets._fault_kinds import checked_kind
from skdqm.exceptions import UsageError
from skdqm.io import atomic_path

MAP_SHAPE = (16, 32)
RUNS_TABLE, MAPS_TABLE = "runs.csv", "maps.csv"
OF_RANKINGS = ("auroc", "aupr")


@dataclass(frozen=True)
class DqmResult:
    """What a run found.

    Attributes
    ----------
    runs : DataFrame
        One row per contender: ``dataset``, ``contender``, ``n_seeds``, ``n_failed``, and of
        ``auroc`` (of all verdicts), ``auroc_by_run`` (mean over runs with good and faulty ones),
        ``tpr_at_1_percent``, ``detected`` and ``false_alarm_rate`` (shares of the faulty and of the
        good that are flagged), ``alarms_per_run``, ``false_alarms_per_day``, seconds and so on the
        mean over seeds, with its standard deviation under ``_std``.
    maps : DataFrame
        The same of maps, with ``fdr_KIND`` and ``localised_KIND`` of each kind of fault; empty with
        a file.
    failures : tuple of str
        What failed, and why: one line each.
    """

    runs: pd.DataFrame
    maps: pd.DataFrame
    failures: tuple[str, ...]


def dqm(
    histograms: str | Path | None = None,
    *,
    label: str | None = None,
    good: str = "1",
    where: Sequence[str] = (),
    detectors: Sequence[str] | None = None,
    seeds: int = 3,
    faults: Sequence[str] | None = None,
    maps: Sequence[int] | None = None,
    min_entries: float = 200,
    out: str | Path | None = None,
    report: Report | None = None,
) -> DqmResult:
    """Measure detectors as monitors of data quality, forward in time.

    A detector is fitted to the good lumisections of the first runs, until there are 200. Each later
    run is judged as a whole; then the detector learns the good lumisections of it, or nothing where
    the contender is called ``static``, and the next run follows
    (:func:`skdqm.metrics.evaluate_by_run`). Histograms of fewer than `min_entries` get no verdict,
    and are in no figure of merit. What has no ``partial_fit`` is fitted anew to all good
    lumisections so far.

    Without a file, lumisections are those of :func:`skdqm.datasets.make_lumisections`, others for
    each seed; and detectors also look for single faulty cells of maps of a detector that does not
    drift, with pile-up and luminosity that do.

    Parameters
    ----------
    histograms : str or path-like, default=None
        A file of :func:`skdqm.io.read_histograms`, of one monitoring element or more; several are
        judged each by a detector of its own (:class:`skdqm.monitoring.ElementsDetector`).
    label : str, default=None
        The condition in the file that labels lumisections.
    good : str, default="1"
        Its value where they are good; a lumisection is faulty if any element has another one.
    where : sequence of str, default=()
        Conditions that are to hold, such as ``"src=train"``, of all elements alike.
    detectors : sequence of str, default=None
        Names such as ``max_pull/rolling``, detectors such as ``max_pull`` with all their
        references, or patterns such as ``*/static``; None takes all.
    seeds : int, default=3
        Seeds, from 0, for detectors where they matter, and for what is generated.
    faults : sequence of str, default=None
        Kinds of fault that are generated; of maps those that one cell can have.
    maps : sequence of int, default=None
        Number of cells of a map along both axes; None: 16 x 32.
    min_entries : float, default=200
        Entries of a histogram that a verdict needs. What is learned first has them in each element.
    out : str or path-like, default=None
        A folder for the results, where a run that was ended goes on.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : DqmResult
        Tables, and what failed.

    Raises
    ------
    UsageError
        When there is no such detector, kind of fault or shape, or an argument belongs to the other
        kind of data.
    DataError
        When the file cannot be read, has no such condition, has elements that disagree about one of
        `where`, or too few runs.

    Examples
    --------
    >>> from skdqm.benchmark import dqm
    >>> result = dqm(detectors=["max_pull/last-good-run", "max_pull/static"], seeds=1)
    >>> best = result.runs.sort_values("auroc").iloc[-1]
    >>> best["contender"], bool(best["auroc"] > 0.8)
    ('max_pull/last-good-run', True)
    """
    check_sizes(seeds=seeds)
    _check(histograms, label, where, faults, maps)
    path = None if histograms is None else Path(histograms)
    kinds = None if faults is None else tuple(faults)
    source = Source(path, label, str(good), tuple(where), kinds, float(min_entries))
    of_maps = _maps(maps, kinds) if path is None else None
    competing = chosen([*over_runs(), *(over_maps(of_maps.shape) if of_maps else [])], detectors)
    names = {each.name for each in over_runs()}
    first = [each for each in competing if each.name in names]
    second = [each for each in competing if each.name not in names]
    journal = journal_in(out)
    run_records = measured(_over_runs(source, first, seeds, report), journal, report, _brief)
    map_records = measured(_over_maps(of_maps, second, seeds), journal, report, _brief)
    result = DqmResult(
        _table(run_records),
        _table(map_records),
        failures([*run_records, *map_records]),
    )
    if out is not None:
        _write(result, Path(out))
    return result


def _check(
    histograms: object, label: object, where: object, faults: Sequence[str] | None, maps: object
) -> None:
    if histograms is None and (label is not None or where):
        raise UsageError("label and where are about the conditions in a file; name the file too")
    if histograms is not None and (faults is not None or maps is not None):
        raise UsageError(
            "faults and maps are generated, and a file has its own; leave them out, or the file"
        )
    if isinstance(faults, str):
        raise UsageError(f"faults={faults!r}: expected a sequence of kinds, such as ['dead']")
    for kind in faults or ():
        checked_kind(kind)


def _maps(shape: Sequence[int] | None, faults: tuple[str, ...] | None) -> Maps | None:
    """Return the maps, None where no kind of fault is one of single cells."""
    sides = tuple(MAP_SHAPE if shape is None else shape)
    if len(sides) != 2 or min(sides) < 4:
        raise UsageError(f"maps={sides}: expected two numbers of cells, 4 or more, such as 16x32")
    kinds = USUAL if faults is None else tuple(kind for kind in faults if kind in FACTORS)
    return Maps(sides, kinds) if kinds else None


def _over_runs(
    source: Source, watchers: Sequence[Watcher], seeds: int, report: Report | None
) -> Iterator[Work]:
    """Give the trials, and the lumisections of one seed after the other."""
    definition = source.definition() if watchers else {}
    streams = range(seeds if source.varies else 1) if watchers else ()
    for seed in streams:
        stream = source.stream(seed)
        judge = _judge(stream, source.min_entries, report)
        for watcher in watchers:
            own = range(seeds if watcher.seeded else 1)
            for each in (seed,) if source.varies else own:
                key = key_of(source.name, definition, each, watcher.definition())
                yield Work(key, partial(judge, watcher, seed=each))


def _judge(stream: Stream, min_entries: float, report: Report | None) -> Callable[..., Record]:
    halves = halved(stream, min_entries)
    if report is not None:
        report(
            f"{len(halves.first)} good lumisections are learned first; of {len(halves.later)} "
            f"later ones in {halves.later.index.get_level_values(0).nunique()} runs "
            f"{int(halves.labels.sum())} are faulty"
        )
    return partial(watched, halves=halves, n_elements=stream.n_elements, min_entries=min_entries)


def _over_maps(maps: Maps | None, watchers: Sequence[Watcher], seeds: int) -> Iterator[Work]:
    if maps is None:
        return
    for seed in range(seeds):
        for watcher in watchers:
            key = key_of(maps.name, maps.definition(), seed, watcher.definition())
            yield Work(key, partial(found_on, maps, watcher, seed))


def _brief(record: Record) -> str:
    about = f"{record['task']}, seed {record['seed']}, {record['contender']}"
    if "error" in record:
        return f"{about}: failed, {record['error']}"
    seconds = record["fit_seconds"] + record["score_seconds"]
    ranking = f"AUROC {record['auroc']:.4f} " if "auroc" in record else ""
    return f"{about}: {ranking}in {seconds:.2f} s"


def _table(records: Sequence[Record]) -> pd.DataFrame:
    if not records:
        return pd.DataFrame(columns=["dataset", "contender", "n_seeds", "n_failed"])
    table = averaged(records)
    # Figures of the other table.
    unknown = [name for name in OF_RANKINGS if not any(name in record for record in records)]
    return table.drop(columns=[name + end for name in unknown for end in ("", "_std")])


def _write(result: DqmResult, folder: Path) -> None:
    for name, table in {RUNS_TABLE: result.runs, MAPS_TABLE: result.maps}.items():
        with atomic_path(folder / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
