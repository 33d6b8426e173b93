"""Histograms in ROOT files, one for each monitoring element and lumisection."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._formats import detect
from skdqm.io._guard import guard
from skdqm.io._root_file import classes_in, in_utf8, open_root, plain_errors
from skdqm.io._root_places import Place, no_run, place_of, tells_run
from skdqm.io._stored_histogram import StoredHistogram, a_profile

_HISTOGRAM = re.compile(r"TH([123])[CSILFD]")
_PROFILE = re.compile(r"TProfile[23]?D?")


def stored_histograms(
    path: Path, elements: Sequence[str] | None = None
) -> Iterator[StoredHistogram]:
    """Yield the histograms (TH1, TH2, TH3) of a ROOT file in its order.

    Run, lumisection and element are told by the name, ``run367094_ls12_<element>``, or by the
    folders, ``Run 367094/LumiSection 12/<element>`` or ``DQMData/Run 367094/<subsystem>/Run
    summary/<element>``. A histogram of a whole run has lumisection 0. The element keeps the folders
    that say neither: ``<subsystem>/<element>``.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    elements : sequence of str, optional
        Monitoring elements to read. All by default; profiles are left out then. Objects that do not
        say their run are no hindrance where others of the same name do.

    Raises
    ------
    DataError
        When the file is damaged or holds no histogram, when a name does not say the run, or when an
        element is a profile, which holds means and no counts.
    MissingDependencyError
        When ``uproot`` is not installed.
    """
    with guard(path, detect(path).name), open_root(path) as file:
        for name, place in _places(classes_in(file), elements):
            with plain_errors():
                histogram = _stored(file[name], place)
            yield histogram


def _places(classes: dict[str, str], elements: Sequence[str] | None) -> Iterator[tuple[str, Place]]:
    histograms = [name for name, kind in classes.items() if _HISTOGRAM.fullmatch(kind)]
    profiles = [name for name, kind in classes.items() if _PROFILE.fullmatch(kind)]
    if elements is None:
        if not histograms:
            raise DataError(_no_histogram(classes, profiles))
        yield from ((name, place_of(in_utf8(name))) for name in histograms)
        return
    wanted = _wanted([*histograms, *profiles], elements)
    for name in profiles:
        if name in wanted:
            raise DataError(a_profile(name, classes[name]))
    yield from wanted.items()


def _wanted(names: Sequence[str], elements: Sequence[str]) -> dict[str, Place]:
    """Return those that belong to the elements; others may be called as they like."""
    alike = [name for name in names if name.endswith(_ends(elements))]
    telling = {name: place_of(in_utf8(name)) for name in alike if tells_run(in_utf8(name))}
    places = {name: place for name, place in telling.items() if place.element in elements}
    missing = set(elements) - {place.element for place in places.values()}
    # Copies beside the histograms of an element, such as a reference, are of no run.
    for name in alike:
        if name not in telling and name.endswith(_ends(missing)):
            raise DataError(no_run(in_utf8(name)))
    return places


def _ends(elements: Iterable[str]) -> tuple[str, ...]:
    return tuple(element.rpartition("/")[2] for element in elements)


def _no_histogram(classes: dict[str, str], profiles: Sequence[str]) -> str:
    if profiles:
        return (
            f"the file holds profiles only, {listed(profiles, 3)}; these are means, and counts are "
            "expected, as in TH1, TH2 or TH3"
        )
    objects = [f"{name} ({kind})" for name, kind in classes.items()]
    return f"no histogram (TH1, TH2 or TH3); the file holds {listed(objects, 3) or 'nothing'}"


def _stored(histogram: Any, place: Place) -> StoredHistogram:
    counts: NDArray[np.float64] = np.array(histogram.values(), dtype=np.float64)
    edges = tuple(np.array(axis.edges(), dtype=np.float64) for axis in _axes(histogram, counts))
    # Some programs set the contents and not how many entries they are of.
    entries = float(histogram.member("fEntries")) or float(counts.sum())
    return StoredHistogram(*place, counts=counts, entries=entries, edges=edges)


def _axes(histogram: Any, counts: NDArray[np.float64]) -> Iterator[Any]:
    yield from (histogram.axis(number) for number in range(counts.ndim))
