"""Files of histograms: which layout a file has."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from skdqm.exceptions import DataError
from skdqm.io._formats import detect
from skdqm.io._histogram_arrays import is_pandas, rows_of_arrays
from skdqm.io._histogram_rows import Request, Rows, check_counts
from skdqm.io._histogram_tables import rows_of_table
from skdqm.io._stored_histogram import WHOLE_RUN, StoredHistogram

_TABLES = ("Parquet", "CSV", "gzipped CSV")
_ARRAYS = ("HDF5", "npz")


def rows_of(path: Path, request: Request) -> Iterator[Rows]:
    """Yield the histograms of each wanted element in a file, block after block."""
    if path.name.lower().endswith(".root"):
        return _rows_of_root(path, request)
    name = detect(path).name
    if name in _TABLES or (name == "HDF5" and is_pandas(path)):
        return rows_of_table(path, request)
    if name in _ARRAYS:
        return rows_of_arrays(path, name, request)
    raise DataError(
        f"{path}: found {name}, which does not hold histograms by lumisection; expected ROOT, "
        "Parquet, CSV, HDF5 or npz"
    )


def _rows_of_root(path: Path, request: Request) -> Iterator[Rows]:
    from skdqm.io._root_histograms import stored_histograms

    # Layers of a stack have names that are known only after looking.
    elements = None if request.stack else request.elements
    stored: dict[str, list[StoredHistogram]] = {}
    for histogram in stored_histograms(path, elements):
        if request.wants(histogram.element):
            stored.setdefault(histogram.element, []).append(histogram)
    for element in list(stored):
        yield _rows(path, element, stored.pop(element))


def _rows(path: Path, element: str, stored: list[StoredHistogram]) -> Rows:
    _check_one_kind(path, element, stored)
    edges = stored[0].edges
    for histogram in stored:
        same = map(np.array_equal, histogram.edges, edges)
        if len(histogram.edges) != len(edges) or not all(same):
            raise DataError(
                f"{path}: {element!r} has other bins in lumisection {histogram.lumisection} of run "
                f"{histogram.run} than in lumisection {stored[0].lumisection} of run "
                f"{stored[0].run}; expected one binning for one element"
            )
    numbers = np.arange(len(stored), dtype=np.int64)
    counts = np.stack([histogram.counts.ravel() for histogram in stored])
    try:
        check_counts(counts, lambda bin_: f"bin {bin_} of {element!r}", numbers)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return Rows(
        element,
        str(path),
        numbers,
        np.array([histogram.run for histogram in stored], dtype=np.int64),
        np.array([histogram.lumisection for histogram in stored], dtype=np.int64),
        counts,
        np.array([histogram.entries for histogram in stored], dtype=np.float64),
        edges,
        pd.DataFrame(index=numbers),
    )


def _check_one_kind(path: Path, element: str, stored: list[StoredHistogram]) -> None:
    whole = [histogram for histogram in stored if histogram.lumisection == WHOLE_RUN]
    if 0 < len(whole) < len(stored):
        raise DataError(
            f"{path}: {element!r} has histograms of whole runs, as of run {whole[0].run}, and of "
            "single lumisections; expected one or the other: choose by keeping only one kind in "
            "the file, or leave the element out with elements=[...]"
        )
