"""Work that is measured once: what the journal holds already is not done again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from skdqm.benchmark._journal import Journal
from skdqm.benchmark._run import LIBRARIES, Report
from skdqm.benchmark._trial import Record


@dataclass(frozen=True)
class Work:
    """What is measured, under its key in the journal.

    Attributes
    ----------
    key : dict
        Says what it is: of equal keys one is measured.
    do : callable
        Gives the figures.
    """

    key: dict[str, Any]
    do: Callable[[], Record]


def key_of(
    name: str,
    protocol: Any,
    seed: int,
    definition: dict[str, Any],
    libraries: Iterable[str] = LIBRARIES,
) -> dict[str, Any]:
    """Return the key of a contender on a task.

    Parameters
    ----------
    name : str
        The task.
    protocol : object
        What decides its figures, as JSON can hold it.
    seed : int
        Of both.
    definition : dict
        The contender.
    libraries : iterable of str
        Packages whose versions matter.

    Returns
    -------
    key : dict
        As JSON can hold it.
    """
    versions = {library: version(library) for library in libraries}
    about = {"task": name, "protocol": protocol, "seed": seed}
    return about | definition | {"libraries": versions}


def measured(
    works: Iterable[Work],
    journal: Journal,
    report: Report | None,
    brief: Callable[[Record], str],
) -> list[Record]:
    """Do what the journal does not hold; what fails becomes a record with the error.

    Parameters
    ----------
    works : iterable of Work
        What to do, one after the other.
    journal : Journal
        Where records are kept.
    report : callable or None
        Is told about every record.
    brief : callable
        What it is told.

    Returns
    -------
    records : list of dict
        One for each.
    """
    records = []
    for work in works:
        record = journal.get(work.key)
        if record is None or "error" in record:
            record = {**work.key, **_attempt(work.do)}
            journal.add(record)
        records.append(record)
        if report is not None:
            report(brief(record))
    return records


def _attempt(do: Callable[[], Record]) -> Record:
    try:
        return do()
    except Exception as error:  # A detector of another package may raise anything.
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())}
