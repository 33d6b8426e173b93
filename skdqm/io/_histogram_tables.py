"""Tables of histograms in CSV, Parquet and pandas frames of HDF5: one histogram in each row."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.exceptions import DataError
from skdqm.io._arrays import decoded
from skdqm.io._formats import open_reader
from skdqm.io._histogram_axes import PROFILES, axes_of, binning_of, numbered_edges
from skdqm.io._histogram_columns import Columns, columns_of, elements_in, whole_shape
from skdqm.io._histogram_lists import Lists
from skdqm.io._histogram_rows import (
    Floats,
    Ints,
    Request,
    Rows,
    check_counts,
    entries_of,
    key_of,
    matrix_of,
)
from skdqm.io._reader import Reader
from skdqm.io._stored_histogram import a_profile

# Rows are read so many at a time that their bins take 32 MiB in double precision.
_VALUES = 2**22


def rows_of_table(path: Path, request: Request) -> Iterator[Rows]:
    """Yield the histograms of each wanted element, block after block of the table."""
    with open_reader(path, None) as (chosen, reader):
        typed = chosen.name == "Parquet"
        names = _stored_names(path) if typed else list(reader.columns)
        columns = columns_of(names)
        start, found = 0, False
        for frame in _blocks(reader, names, columns, typed=typed):
            numbers = np.arange(start, start + len(frame), dtype=np.int64)
            start += len(frame)
            for rows in _Block(path, columns, request, frame, numbers).rows():
                found = True
                yield rows
        if not start:
            raise DataError("no rows; expected at least one histogram")
        if not found and request.elements is None:
            raise DataError(
                "the file holds profiles only, which are means; expected counts, as in TH1, TH2 or "
                "TH3"
            )


def _stored_names(path: Path) -> list[str]:
    """Return all columns; run and lumisection may be those that pandas calls an index."""
    from pyarrow import parquet

    return list(parquet.read_schema(path).names)


def _blocks(
    reader: Reader, names: list[str], columns: Columns, *, typed: bool
) -> Iterator[pd.DataFrame]:
    exact = [name for name in (columns.stored, *_edge_columns(columns)) if name]
    n_bins = len(names)
    if columns.stored:
        first = next(reader.batches([columns.stored], 1, [columns.stored]), None)
        n_bins = 1 if first is None or not len(first) else _length(first[columns.stored].iloc[0])
    if typed:  # an integer that is missing in other elements stays one in its own
        exact += columns.conditions
    return reader.batches(names, max(1, _VALUES // n_bins), exact)


def _edge_columns(columns: Columns) -> list[str]:
    return [name for key, name in columns.declared.items() if key.endswith("edges")]


def _length(stored: Any) -> int:
    """Estimate the number of bins in a list, be it text or not."""
    if isinstance(stored, str):
        return stored.count(",") + 1
    return max(1, len(stored)) if hasattr(stored, "__len__") else 1


class _Block:
    """Some rows of a table."""

    def __init__(
        self, path: Path, columns: Columns, request: Request, frame: pd.DataFrame, numbers: Ints
    ) -> None:
        self._path = path
        self._columns = columns
        self._request = request
        self._frame = frame
        self._numbers = numbers

    def rows(self) -> Iterator[Rows]:
        """Yield the rows of each wanted element."""
        if self._columns.wide:
            yield from self._rows_side_by_side()
            return
        wanted = list(self._places())
        if wanted:
            lists = self._lists(np.concatenate([places for _, places in wanted]))
            for element, places in wanted:
                yield self._rows_of(element, places, lists)

    def _places(self) -> Iterator[tuple[str, Ints]]:
        """Yield the wanted elements and where their rows are in the block; no profiles."""
        for element, places in self._all_places():
            profiles = places[self._is_profile[places]]
            if len(profiles) and self._request.elements is None:
                continue
            if self._request.wants(element):
                if len(profiles):
                    what = a_profile(element, f"metype {self._metypes[profiles[0]]:g}")
                    raise DataError(f"row {self._numbers[profiles[0]]}: {what}")
                yield element, places

    @cached_property
    def _metypes(self) -> Floats:
        name = self._columns.declared.get("metype")
        if name is None:
            return np.full(len(self._frame), np.nan)
        numbers = pd.to_numeric(self._frame[name], errors="coerce")
        return numbers.to_numpy(np.float64, na_value=np.nan)

    @cached_property
    def _is_profile(self) -> NDArray[np.bool_]:
        return np.isin(self._metypes, PROFILES)

    def _all_places(self) -> Iterator[tuple[str, Ints]]:
        name = self._columns.element
        if name is None:
            element = self._path.name.partition(".")[0]
            yield element, np.arange(len(self._frame), dtype=np.int64)
            return
        codes, elements = pd.factorize(self._frame[name])
        if (codes < 0).any():
            raise DataError(
                f"row {self._numbers[np.argmin(codes)]}: {name} is empty; "
                "expected the name of a monitoring element"
            )
        for code, element in enumerate(map(decoded, elements)):
            yield element, np.flatnonzero(codes == code)

    def _lists(self, places: Ints) -> Lists:
        """Take the bins out of the rows that are wanted: others may hold no histogram at all."""
        frame, numbers, name = self._frame, self._numbers, self._columns.stored
        whole = len(places) == len(frame)
        if not whole:
            places = np.sort(places)
            frame, numbers = frame.iloc[places], numbers[places]
        if name is None:
            found = Lists.of_bins(frame[self._columns.bins], numbers)
        else:
            found = Lists.of(frame[name], numbers)
        return found if whole else found.spread(places, len(self._frame))

    def _rows_of(self, element: str, places: Ints, lists: Lists) -> Rows:
        numbers = self._numbers[places]
        self._same_length(element, lists.lengths[places], numbers)
        counts = lists.at(places)
        check_counts(counts, lambda bin_: f"bin {bin_} of {element!r}", numbers)
        try:
            axes = axes_of(self._declared(element, places))
            binning = binning_of(axes, counts.shape[1], self._request.flow)
        except DataError as error:
            raise DataError(f"row {numbers[0]}: {element!r}: {error}") from error
        filled = counts.sum(axis=1)
        arranged = binning.arranged(counts)
        return self._made(element, places, counts=arranged, entries=filled, edges=binning.edges)

    @cached_property
    def _codes(self) -> Ints:
        """One row for each column that tells the binning: equal numbers for equal values."""
        declared = self._columns.declared
        edges = _edge_columns(self._columns)  # lists, which have no order and no hash
        columns = [
            self._frame[name].map(str) if name in edges else self._frame[name]
            for name in declared.values()
        ]
        codes = [pd.factorize(column)[0] for column in columns]
        return np.array(codes, dtype=np.int64).reshape(len(columns), len(self._frame))

    def _declared(self, element: str, places: Ints) -> dict[str, Any]:
        """Return what the rows of an element say of its binning, which is the same in all."""
        codes = self._codes[:, places]
        differs = codes != codes[:, :1]
        if differs.any():
            which, other = np.argwhere(differs)[0]
            name = list(self._columns.declared.values())[which]
            values = self._frame[name].iloc[places]
            raise DataError(
                f"{name} is {str(values.iloc[0])[:60]}, and {str(values.iloc[other])[:60]} in row "
                f"{self._numbers[places[other]]}; expected one binning for one element"
            )
        declared = {
            key: self._frame[name].iloc[places[0]] for key, name in self._columns.declared.items()
        }
        return {key: value for key, value in declared.items() if np.any(pd.notna(value))}

    def _same_length(self, element: str, lengths: Ints, numbers: Ints) -> None:
        differs = lengths != lengths[0]
        if differs.any() or not lengths[0]:
            other = int(np.argmax(differs))
            raise DataError(
                f"row {numbers[other]}: {element!r} has {lengths[other]} bins; expected "
                f"{lengths[0] or 'at least one'}, one binning for one element"
            )

    def _rows_side_by_side(self) -> Iterator[Rows]:
        # The layout of this package's own tables: bins are in C order, what is flow was decided.
        places = np.arange(len(self._frame), dtype=np.int64)
        for element, names in elements_in(self._columns.wide).items():
            if self._request.wants(element):
                counts = matrix_of(self._frame[names], self._numbers)
                check_counts(counts, names.__getitem__, self._numbers)
                edges = tuple(map(numbered_edges, whole_shape(element, names)))
                filled = counts.sum(axis=1)
                yield self._made(element, places, counts=counts, entries=filled, edges=edges)

    def _made(self, element: str, places: Ints, **contents: Any) -> Rows:
        columns, numbers = self._columns, self._numbers[places]
        frame = self._frame if len(places) == len(self._frame) else self._frame.iloc[places]
        if columns.entries:
            contents["entries"] = entries_of(frame[columns.entries], columns.entries, numbers)
        return Rows(
            element,
            str(self._path),
            numbers,
            key_of(frame, columns.run, numbers),
            key_of(frame, columns.lumisection, numbers),
            conditions=frame[columns.conditions],
            **contents,
        )
