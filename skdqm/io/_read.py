"""read, iter_batches and describe: the same for every file format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import get_args

import pandas as pd

from skdqm.exceptions import DataError, UsageError
from skdqm.io._columns import (
    Choice,
    check_carry,
    check_request,
    choose_columns,
    label_candidates,
)
from skdqm.io._convert import NonFinite, to_table
from skdqm.io._events import has_events
from skdqm.io._formats import open_reader
from skdqm.io._reader import ChoosingReader, Reader
from skdqm.io._table import FileSummary, Kind, Table

# A batch of the usual size: this many rows, of wide tables only so many that their numbers take
# 64 MiB in double precision.
_ROWS = 50_000
_VALUES = 2**23


@dataclass(frozen=True)
class _Request:
    """What the caller asks of a file, checked before the file is opened."""

    path: Path
    columns: Sequence[str] | None
    label: str | None
    nonfinite: NonFinite
    key: str | None
    carry: str | Sequence[str] | None
    n_rows: int | None

    def __post_init__(self) -> None:
        check_request(self.columns)
        check_carry(self.carry)
        if self.nonfinite not in get_args(NonFinite):
            raise UsageError(f"nonfinite={self.nonfinite!r}: expected one of {get_args(NonFinite)}")
        if self.n_rows is not None and self.n_rows < 1:
            raise UsageError(f"n_rows={self.n_rows}: expected at least 1 row")


def read(
    path: str | PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    label: str | None = "auto",
    nonfinite: NonFinite = "error",
    key: str | None = None,
    carry: str | Sequence[str] | None = None,
    n_rows: int | None = None,
) -> Table:
    """Read a file of numbers into memory.

    The format follows from the extension and is checked against the first bytes: HDF5 (pandas
    frames in the *fixed* and the *table* layout, plain arrays, named columns), ROOT (a TTree or an
    RNTuple), CSV (separated by comma, semicolon or tab; gzipped or not), Parquet, npz, npy and idx
    (the images of the MNIST family; gzipped or not).

    In HDF5, npz, npy and idx an array of shape (n, height, width) or (n, channels, height, width)
    holds images. Each becomes a row of pixels, named ``pixel_0_0``, ``pixel_0_1`` and so on by row
    and column, or ``pixel_0_0_0`` by channel, row and column; `FileSummary.image_shape` keeps their
    shape. The labels of ``train-images-idx3-ubyte.gz`` are taken from
    ``train-labels-idx1-ubyte.gz`` beside it.

    In ROOT an array of fixed length becomes numbered columns: ``hits[2]`` is ``hits_0`` and
    ``hits_1``. A list, as long as each row has it, is read when asked for: ``"Muon_pt[3]"`` is its
    first three values, padded with zeros, as ``Muon_pt_0``, ``Muon_pt_1`` and ``Muon_pt_2``. Texts
    are no features, but can be carried.

    Raw events, such as those of the LHC Olympics 2020, are columns without names: pt, eta and phi
    of each particle, padded with zeros, and the label behind them.

    Parameters
    ----------
    path : str or path-like
        The file.
    columns : sequence of str, optional
        Features to keep, in this order. All columns but the label by default; of ROOT files all of
        numbers.
    label : str or None, default="auto"
        The column of integer labels. ``"auto"`` takes a column called label, signal, is_signal or
        target (in any case; next to a matrix in npz or HDF5 also an array called y), of raw events
        the column behind the particles; a name takes that column, and None means no label: every
        column is a feature then.
    nonfinite : {"error", "drop", "keep"}, default="error"
        What to do with rows in which a feature is NaN or infinite.
    key : str, optional
        The group, dataset or array to read when an HDF5 or npz file holds several tables; the tree
        of a ROOT file, in directories ``"one/two/tree"``. Of several cycles the newest is read.
    carry : "all" or sequence of str, optional
        Columns to pass on as they are in the file, of any kind, in `Table.carried`. Features and
        label may be among them. ``"all"`` takes every column that can be read.
    n_rows : int, optional
        Read the first rows of the file only.

    Returns
    -------
    table : Table
        Features of shape (n_samples, n_features) and labels of shape (n_samples,) or None.

    Raises
    ------
    DataError
        When the file is missing, damaged, empty, holds text where numbers are expected, or lacks
        a requested column. The message names the file and what to do.
    UsageError
        When an argument makes no sense for any file.
    MissingDependencyError
        When a ROOT file is asked for and ``uproot`` is not installed.

    Notes
    -----
    The index of a frame is not a column and is not read. In a CSV a row that ends early counts as
    NaN; a row that is too long is an error. Pickled data in HDF5 or npz is never loaded. A CSV has
    no types, so columns of it that are only carried are its text, character by character.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "jets.csv"
    >>> jets = pd.DataFrame({"pt": [410.0, 980.5], "eta": [0.1, -1.2], "label": [0, 1]})
    >>> jets.to_csv(path, index=False)
    >>> table = read(path)
    >>> table.X
          pt  eta
    0  410.0  0.1
    1  980.5 -1.2
    >>> table.y
    array([0, 1])
    """
    request = _Request(Path(path), columns, label, nonfinite, key, carry, n_rows)
    (table,) = _tables(request, whole=True)
    return table


def iter_batches(
    path: str | PathLike[str],
    size: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    label: str | None = "auto",
    nonfinite: NonFinite = "error",
    key: str | None = None,
    carry: str | Sequence[str] | None = None,
    n_rows: int | None = None,
) -> Iterator[Table]:
    """Read a file in batches of rows, for files larger than memory.

    HDF5, CSV, Parquet, npy and idx are read at constant memory, ROOT in whole baskets of a TTree
    and clusters of an RNTuple; an npz array is loaded as a whole.
    Put together, the batches equal what :func:`read` returns.

    Parameters
    ----------
    path : str or path-like
        The file.
    size : int, optional
        Rows of the file per batch; by default 50,000, or so many that they take 64 MiB, if these
        are fewer. A batch has fewer rows when rows are dropped; a batch with no
        row left is not yielded, its dropped rows are counted in a neighbour.
    columns : sequence of str, optional
        Features to keep, as in :func:`read`.
    label : str or None, default="auto"
        The column of labels, as in :func:`read`.
    nonfinite : {"error", "drop", "keep"}, default="error"
        What to do with NaN and infinity, as in :func:`read`.
    key : str, optional
        The table inside the file, as in :func:`read`.
    carry : "all" or sequence of str, optional
        Columns to pass on as they are, as in :func:`read`.
    n_rows : int, optional
        Read the first rows of the file only.

    Returns
    -------
    tables : iterator of Table
        Row after row of the file; the index continues from batch to batch.

    Raises
    ------
    DataError, UsageError, MissingDependencyError
        As in :func:`read`. Damage in the middle of a file shows when its batch is reached.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "jets.csv"
    >>> pd.DataFrame({"pt": [410.0, 980.5, 77.0]}).to_csv(path, index=False)
    >>> [len(batch) for batch in iter_batches(path, size=2)]
    [2, 1]
    """
    if size is not None and size < 1:
        raise UsageError(f"size={size}: expected at least 1 row per batch")
    return _tables(_Request(Path(path), columns, label, nonfinite, key, carry, n_rows), size)


def describe(path: str | PathLike[str], *, key: str | None = None) -> FileSummary:
    """Say what a file holds by reading its header, and the first rows of columns without names.

    Parameters
    ----------
    path : str or path-like
        The file.
    key : str, optional
        As in :func:`read`.

    Returns
    -------
    summary : FileSummary
        Format, number of rows where that is cheap to know, columns, label and kind of rows.

    Raises
    ------
    DataError, MissingDependencyError
        As in :func:`read`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "jets.csv"
    >>> pd.DataFrame({"pt": [410.0], "eta": [0.1], "label": [0]}).to_csv(path, index=False)
    >>> summary = describe(path)
    >>> summary.format, summary.columns, summary.label
    ('CSV', ('pt', 'eta', 'label'), 'label')
    """
    source = Path(path)
    with open_reader(source, key) as (chosen, reader):
        labels = label_candidates(reader)
        return FileSummary(
            source=str(source),
            format=chosen.name,
            n_rows=reader.n_rows,
            columns=reader.columns,
            label=labels[0] if len(labels) == 1 else None,
            label_candidates=tuple(labels),
            kind=_kind_of(reader),
            image_shape=reader.image_shape,
            texts=reader.texts if isinstance(reader, ChoosingReader) else (),
            lists=reader.lists if isinstance(reader, ChoosingReader) else (),
        )


def _kind_of(reader: Reader) -> Kind:
    if reader.image_shape is not None:
        return "images"
    return "events" if has_events(reader) else "table"


def _tables(request: _Request, size: int | None = None, *, whole: bool = False) -> Iterator[Table]:
    """Yield tables of `size` rows of the file, or one table of all."""
    with open_reader(request.path, request.key) as (_, reader):
        chosen = _choice(reader, request)
        names = [*chosen.numbers, *chosen.only_carried]
        n_rows = request.n_rows or reader.n_rows
        step = n_rows if whole and n_rows else size or max(1, min(_ROWS, _VALUES // len(names)))
        batches = _first_rows(reader.batches(names, step, chosen.only_carried), request.n_rows)
        raws = _numbered_rows(_joined(batches) if whole else batches)
        source = str(request.path)
        yield from _never_empty(to_table(raw, chosen, request.nonfinite, source) for raw in raws)


def _choice(reader: Reader, request: _Request) -> Choice:
    if isinstance(reader, ChoosingReader):
        return reader.choose(request.columns, request.label, request.carry)
    return choose_columns(reader, request.columns, request.label, request.carry)


def _first_rows(batches: Iterator[pd.DataFrame], n_rows: int | None) -> Iterator[pd.DataFrame]:
    if n_rows is None:
        yield from batches
        return
    for raw in batches:
        yield raw.iloc[:n_rows]
        n_rows -= len(raw)
        if n_rows <= 0:
            return


def _joined(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    frames = list(batches)
    yield from frames if len(frames) < 2 else [pd.concat(frames)]


def _numbered_rows(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    start = 0
    for raw in batches:
        if len(raw):
            raw.index = pd.RangeIndex(start, start + len(raw))
            start += len(raw)
            yield raw


def _never_empty(tables: Iterator[Table]) -> Iterator[Table]:
    """Hold one table back and let it take over the count of dropped rows of an empty one."""
    held: Table | None = None
    for table in tables:
        if held is None:
            held = table
        elif len(held) and len(table):
            yield held
            held = table
        else:
            kept = held if len(held) else table
            held = replace(kept, n_dropped=held.n_dropped + table.n_dropped)
    if held is None:
        raise DataError("no rows; expected at least one")
    if not len(held):
        raise DataError(f"no row is left: all {held.n_dropped} hold NaN or infinity")
    yield held
