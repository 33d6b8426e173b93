"""read_histograms: the same for every file format."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from skdqm._lumisections import bin_names, lumisection_index
from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError
from skdqm.io._histogram_axes import numbered_edges
from skdqm.io._histogram_layouts import rows_of
from skdqm.io._histogram_rows import Flow, Request, Rows, stack_of, with_keys
from skdqm.io._histograms import Histograms

# Of more files, the first is named and the rest counted.
_MOST_NAMED = 3


def read_histograms(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    elements: Sequence[str] | None = None,
    flow: Flow = "keep",
    stack: str | Sequence[str] = (),
    run: int | None = None,
    first_lumisection: int | None = None,
) -> dict[str, Histograms]:
    r"""Read histograms that were filled lumisection by lumisection.

    Parameters
    ----------
    path : str, path-like or sequence of them
        The file, or several whose lumisections are joined. What they may hold is in the notes.
    elements : sequence of str, optional
        Monitoring elements to read, in this order. All of them by default.
    flow : {"keep", "drop"}, default="keep"
        What to do with underflow and overflow where a file holds them among the bins. With
        ``"keep"`` they are bins like the others. With ``"drop"`` they are left out; of columns of
        bins without a declared number of them, the first and the last are dropped; of declared
        edges, bins with an infinite one are. Histograms of ROOT files are always read without.
    stack : str or sequence of str, default=none
        Beginnings of names: elements called by that and a number become one, with the numbers as
        its first axis. ``stack="Occupancy_depth"`` makes ``Occupancy_depth[i,j,k]`` of the maps
        ``Occupancy_depth1`` to ``Occupancy_depth7``; its conditions are those of the first.
    run, first_lumisection : int, optional
        The run, and the first lumisection of each run, where a file does not say: its histograms
        are taken for consecutive ones.

    Returns
    -------
    histograms : dict of str to Histograms
        By element. Lumisections without any entry are kept.

    Raises
    ------
    DataError
        When a file is missing, damaged or no file of histograms, lacks a requested element or what
        tells run and lumisection; when a bin is negative, NaN or text; when the bins of an element
        change, or a lumisection occurs twice. The message names the file and the row, counted
        from 0.
    UsageError
        When an argument makes no sense for any file.
    MissingDependencyError
        When a ROOT file is asked for and ``uproot`` is not installed.

    Notes
    -----
    CSV (gzipped or not) and Parquet hold a histogram in each row. The run is in a column called
    run, run_number or fromrun, the lumisection in lumisection, lumisection_number, ls, fromlumi or
    lumi, the element in hname (by default it is the name of the file), the number of entries in
    entries. The bins are in a column histo with lists, text in CSV, as in the tables that CMS makes
    of DQMIO [1]_, or in columns ``bin_0``, ``bin_1`` and so on; Xbins, Xmin, Xmax, Ybins ... tell
    the edges. Lists of two-dimensional histograms run fastest along y; with underflow and overflow
    they run fastest along x, as in ROOT. A table with columns ``element[0]``, ``element[1]`` ...
    holds one lumisection in each row.

    HDF5 and npz hold an array of shape (n_lumisections, n_x, n_y) for each element, with arrays
    ``run`` and ``lumisection`` beside it where they say. ROOT files hold one histogram for each
    element and lumisection, or whole run, which is lumisection 0; not both of one element.

    Profiles (metype 10 and 11, TProfile) hold means and no counts: they are left out, and refused
    where `elements` names one.

    References
    ----------
    .. [1] L. Lambrecht, "Tools for producing and reading (per-lumisection) DQMIO files",
       https://github.com/LukaLambrecht/dqmiotools

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "charge.csv"
    >>> lines = ["run,lumi,hname,entries,good,bin_0,bin_1"]
    >>> lines += ["1,8,charge,7,1,3,4", "1,7,charge,0,0,0,0"]
    >>> _ = path.write_text("\n".join(lines))
    >>> charge = read_histograms(path)["charge"]
    >>> charge.counts
                     charge[0]  charge[1]
    run lumisection
    1   7                  0.0        0.0
        8                  3.0        4.0
    >>> charge.entries, charge.conditions["good"].tolist()
    (array([0., 7.]), [0, 1])
    """
    request = _request(elements, flow, stack, run, first_lumisection)
    paths = _paths(path)
    found: dict[str, list[Rows]] = {}
    for source in paths:
        for element, parts in _by_element(source, request).items():
            found.setdefault(element, []).append(_of_file(parts, request))
    sources = _named(paths)
    _check_elements(request, sources)
    # Taken out one by one, so that no element is in memory twice for longer than needed.
    histograms = {element: _sorted(found.pop(element), sources) for element in list(found)}
    for name in request.stack:
        if elements is not None and name not in elements:
            continue
        histograms = _stacked(histograms, name)
    return histograms if elements is None else {name: histograms[name] for name in elements}


def _request(
    elements: Sequence[str] | None,
    flow: Flow,
    stack: str | Sequence[str],
    run: int | None,
    first_lumisection: int | None,
) -> Request:
    if isinstance(elements, str):
        raise UsageError(f"elements={elements!r} is one text; expected a list, [{elements!r}]")
    if elements is not None and (not elements or len(set(elements)) < len(elements)):
        raise UsageError(f"elements={list(elements)!r}: expected one or more names, each once")
    if flow not in get_args(Flow):
        raise UsageError(f"flow={flow!r}: expected one of {get_args(Flow)}")
    for name, number in {"run": run, "first_lumisection": first_lumisection}.items():
        if number is not None and not (isinstance(number, Integral) and number >= 0):
            raise UsageError(f"{name}={number!r}: expected a whole number from 0")
    names = (stack,) if isinstance(stack, str) else tuple(stack)
    twice = [name for name in elements or () if stack_of(name, names) in (elements or ())]
    if twice:
        raise UsageError(f"elements {listed(twice)} are layers of the stack {listed(names)} too")
    return Request(elements, names, flow, run, first_lumisection)


def _paths(path: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[Path]:
    paths = [Path(path)] if isinstance(path, str | PathLike) else [Path(one) for one in path]
    if not paths:
        raise UsageError("path is empty; expected one file or more")
    return paths


def _named(paths: list[Path]) -> str:
    if len(paths) <= _MOST_NAMED:
        return ", ".join(map(str, paths))
    return f"{paths[0]} and {len(paths) - 1} other files"


def _by_element(path: Path, request: Request) -> dict[str, list[Rows]]:
    parts: dict[str, list[Rows]] = {}
    for rows in rows_of(path, request):
        parts.setdefault(rows.element, []).append(rows)
    return parts


def _check_elements(request: Request, source: str) -> None:
    names = {*request.seen, *(stack_of(element, request.stack) for element in request.seen)}
    # Of a ROOT file only those are known that were asked for.
    holds = listed(sorted(request.seen)) or "others, which reading it without elements= shows"
    missing = [name for name in request.elements or () if name not in names]
    if missing:
        raise DataError(f"{source}: no element {listed(missing)}; the file has {holds}")
    unused = [name for name in request.stack if name not in names]
    if unused:
        raise DataError(
            f"{source}: no element is called {listed(unused)} and a number, to be stacked; the "
            f"file has {holds}"
        )


def _of_file(parts: list[Rows], request: Request) -> Rows:
    """Put the blocks of one element in one file together."""
    rows = with_keys(_concatenated(parts), request)
    plain = {name: _numpy_typed(column) for name, column in rows.conditions.items()}
    return replace(rows, conditions=pd.DataFrame(plain, index=rows.conditions.index))


def _numpy_typed(column: pd.Series) -> pd.Series:
    """Turn Arrow's types, in which Parquet comes, into those that pandas uses by default."""
    import pyarrow as pa

    if not isinstance(column.dtype, pd.ArrowDtype):
        return column
    return pa.chunked_array(pa.array(column)).to_pandas().set_axis(column.index)


def _concatenated(parts: list[Rows]) -> Rows:
    """Put blocks of one element one below the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        _check_bins(first, part)
    runs, lumisections = (
        None if getattr(first, key) is None else np.concatenate([getattr(p, key) for p in parts])
        for key in ("runs", "lumisections")
    )
    return Rows(
        first.element,
        first.source,
        np.concatenate([part.numbers for part in parts]),
        runs,
        lumisections,
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.entries for part in parts]),
        first.edges,
        _conditions([part.conditions for part in parts]),
    )


def _check_bins(first: Rows, other: Rows) -> None:
    same = len(first.edges) == len(other.edges) and all(
        map(np.array_equal, first.edges, other.edges)
    )
    if not same:
        raise DataError(
            f"{other.source}: row {other.numbers[0]}: {other.element!r} has {_bins(other)}; "
            f"expected {_bins(first)} as in row {first.numbers[0]} of {first.source}, one binning "
            "for one element"
        )


def _bins(rows: Rows) -> str:
    return " x ".join(
        f"{len(edges) - 1} bins {edges[0]:g} .. {edges[-1]:g}" for edges in rows.edges
    )


def _conditions(frames: list[pd.DataFrame]) -> pd.DataFrame:
    names = dict.fromkeys(name for frame in frames for name in frame)
    # A column without any value has no type of its own: pandas fills it in.
    joined = pd.concat([frame.dropna(axis=1, how="all") for frame in frames], ignore_index=True)
    for name in joined:
        kinds = {frame[name].dtype for frame in frames if name in frame}
        if joined[name].dtype == object and len(kinds) > 1:  # text in one block, numbers in others
            joined[name] = joined[name].map(str, na_action="ignore")
    return joined[[name for name in names if name in joined]]


def _sorted(parts: list[Rows], source: str) -> Histograms:
    """Sort the rows of one element by run and lumisection."""
    rows = _concatenated(parts)
    keys: tuple[Any, Any] = (rows.runs, rows.lumisections)
    order = np.lexsort(keys[::-1])
    index = lumisection_index(*keys)[order]
    if not index.is_unique:
        _refuse_twice(parts, order, index)
    # What lies in the memory of Arrow cannot be changed: the caller gets counts of its own.
    as_is = rows.counts.flags.writeable and (np.diff(order) == 1).all()
    counts = rows.counts if as_is else rows.counts[order]
    conditions = rows.conditions.iloc[order].set_axis(index, axis=0).dropna(axis=1, how="all")
    columns = bin_names(rows.element, tuple(len(edges) - 1 for edges in rows.edges))
    return Histograms(
        rows.element,
        pd.DataFrame(counts, index, columns, copy=False),
        rows.entries[order],
        rows.edges,
        conditions,
        source,
    )


def _refuse_twice(parts: list[Rows], order: Any, index: pd.MultiIndex) -> None:
    second = int(np.argmax(index.duplicated()))
    places = [f"row {number} of {part.source}" for part in parts for number in part.numbers]
    first, other = (places[order[position]] for position in (second - 1, second))
    run, lumisection = index[second]
    raise DataError(
        f"{parts[-1].source}: lumisection {lumisection} of run {run} occurs twice in "
        f"{parts[0].element!r}, in {first} and {other}; expected one histogram"
    )


def _stacked(histograms: dict[str, Histograms], name: str) -> dict[str, Histograms]:
    """Make the elements that are called `name` and a number one, in the place of the first."""
    layers = {key: one for key, one in histograms.items() if stack_of(key, [name])}
    by_number = {int(key[len(name) :]): one for key, one in layers.items()}
    numbers = sorted(by_number)
    first = by_number[numbers[0]]
    if numbers != [*range(numbers[0], numbers[0] + len(layers))]:
        raise DataError(
            f"{first.source}: found the numbers {listed(numbers)} behind {name!r}; expected each "
            "once and none missing"
        )
    _check_layers(list(by_number.values()), name)
    counts = np.concatenate([by_number[number].counts.to_numpy() for number in numbers], axis=1)
    edges = (numbered_edges(len(numbers), numbers[0]), *first.edges)
    columns = bin_names(name, tuple(len(along) - 1 for along in edges))
    whole = Histograms(
        name,
        pd.DataFrame(counts, first.counts.index, columns, copy=False),
        np.sum([one.entries for one in layers.values()], axis=0),
        edges,
        first.conditions,
        first.source,
    )
    merged = {name if key in layers else key: one for key, one in histograms.items()}
    return merged | {name: whole}


def _check_layers(layers: list[Histograms], name: str) -> None:
    first = layers[0]
    for layer in layers:
        if not layer.counts.index.equals(first.counts.index):
            raise DataError(
                f"{layer.source}: {layer.element!r} has other lumisections than "
                f"{first.element!r}; expected the same, to be stacked as {name!r}"
            )
        if layer.shape != first.shape or not all(map(np.array_equal, layer.edges, first.edges)):
            raise DataError(
                f"{layer.source}: {layer.element!r} has other bins (shape {layer.shape}) than "
                f"{first.element!r} ({first.shape}); expected the same, to be stacked as {name!r}"
            )
