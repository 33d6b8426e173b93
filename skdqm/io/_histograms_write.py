"""write_histograms: Parquet in the layout of CMS DQMIO tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skdqm._lumisections import LUMISECTION, RUN
from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError
from skdqm.io._atomic import atomic_path
from skdqm.io._histogram_columns import columns_of
from skdqm.io._histogram_rows import Floats, check_counts
from skdqm.io._histograms import Histograms
from skdqm.io._lumisection_ranges import check_levels, check_once

if TYPE_CHECKING:
    import pyarrow as pa

_AXES = "XYZ"
# TH1F, TH2F and TH3F as CMS numbers the kinds of monitoring elements.
_KINDS = (3, 6, 9)
# Whole numbers up to here are the same in floating point.
_LARGEST_WHOLE = 2.0**53
# A group of rows takes 64 MiB in double precision.
_VALUES = 2**23


def write_histograms(histograms: Mapping[str, Histograms], path: str | PathLike[str]) -> int:
    """Write histograms to Parquet, in the layout in which CMS keeps DQMIO.

    A row is one histogram of one lumisection: fromrun, fromlumi, hname, metype, histo (a list),
    entries, Xmin, Xmax, Xbins and so on, and the conditions. Whole counts are written as integers.
    Three columns go beyond DQMIO where they are needed: ``Zmin``, ``Zmax`` and ``Zbins`` for a
    third axis, and ``Xedges`` ... for bins of different widths. :func:`read_histograms` gives back
    equal histograms. The file appears whole or not at all.

    Parameters
    ----------
    histograms : mapping of str to Histograms
        One monitoring element or more, of one to three axes.
    path : str or path-like
        Ends in ``.parquet``.

    Returns
    -------
    n_rows : int
        Number of histograms written.

    Raises
    ------
    UsageError
        When the extension is another or the folder does not exist.
    DataError
        When there is nothing to write, when a histogram has more than three axes or does not fit
        its edges, when the counts do not say run and lumisection, when conditions have other
        lumisections or another order than the counts, a name of the layout or values that Parquet
        cannot hold, or when the file cannot be written.

    Notes
    -----
    Conditions of several elements come back in one order. A condition without any value in an
    element is not read back. One that is an integer here and a fraction there is a fraction then.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from skdqm.io import read_histograms
    >>> path = Path(tempfile.mkdtemp()) / "charge.parquet"
    >>> index = pd.MultiIndex.from_tuples([(1, 7)], names=["run", "lumisection"])
    >>> counts = pd.DataFrame([[3.0, 4.0]], index, ["charge[0]", "charge[1]"])
    >>> edges = (np.array([0.0, 5.0, 10.0]),)
    >>> charge = Histograms("charge", counts, np.array([7.0]), edges, pd.DataFrame(index=index), "")
    >>> write_histograms({"charge": charge}, path)
    1
    >>> read_histograms(path)["charge"].edges
    (array([ 0.,  5., 10.]),)
    """
    target = Path(path)
    if not target.name.lower().endswith(".parquet"):
        raise UsageError(f"{target}: cannot write {target.suffix!r}; expected .parquet")
    if not histograms:
        raise DataError(f"{target}: nothing to write; expected at least one monitoring element")
    with _write_errors(target):
        for one in histograms.values():
            _check(one)
        _check_names(histograms)
        with atomic_path(target) as temporary:
            _write(list(histograms.values()), temporary)
    return sum(map(len, histograms.values()))


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error
    except UsageError:
        raise
    except (ValueError, TypeError, NotImplementedError) as error:
        reason = " ".join(" ".join(map(str, error.args)).split())
        raise DataError(f"{target}: cannot write histograms: {reason}") from error


def _check(one: Histograms) -> None:
    n_rows = len(one.counts)
    n_bins = int(np.prod(one.shape))
    if not 1 <= len(one.edges) <= len(_AXES) or not n_rows:
        raise DataError(
            f"{one.element!r} has {n_rows} rows and {len(one.edges)} axes; expected at least one "
            f"row and one to {len(_AXES)} axes"
        )
    shapes = (one.counts.shape, one.entries.shape, len(one.conditions))
    if shapes != ((n_rows, n_bins), (n_rows,), n_rows):
        raise DataError(
            f"{one.element!r} has {n_rows} lumisections of shape {one.shape}, but counts, entries "
            f"and conditions of {shapes}; expected {((n_rows, n_bins), (n_rows,), n_rows)}"
        )
    if not all((np.diff(edges) > 0).all() for edges in one.edges):
        raise DataError(f"{one.element!r} has edges that do not rise; expected edges in order")
    _check_index(one)
    numbers = np.arange(n_rows, dtype=np.int64)
    check_counts(one.counts.to_numpy(), list(one.counts.columns).__getitem__, numbers)
    check_counts(one.entries[:, None], lambda _: f"entries of {one.element!r}", numbers)


def _check_index(one: Histograms) -> None:
    check_levels(one.counts.index)
    check_once(one.counts.index)
    if not one.conditions.index.equals(one.counts.index):
        raise DataError(
            f"{one.element!r} has conditions of other lumisections than counts, or in another "
            "order; expected the same index: reindex the conditions to that of the counts"
        )


def _check_names(histograms: Mapping[str, Histograms]) -> None:
    """Refuse conditions that reading would take for something else."""
    elements = [one.element for one in histograms.values()]
    if len(set(elements)) < len(elements):
        raise DataError(f"elements {listed(sorted(elements))} are not different; rename one")
    for one in histograms.values():
        names = [str(name) for name in one.conditions.columns]
        kept = columns_of([*_layout(3, _AXES), *names]).conditions
        if kept != names:
            reserved = [name for name in names if name not in kept or names.count(name) > 1]
            raise DataError(
                f"conditions {listed(reserved)} of {one.element!r} have a name that the layout "
                "needs, or the same name; rename them"
            )


def _layout(n_axes: int, with_edges: str) -> list[str]:
    """Return the columns of the layout in order."""
    names = ["fromrun", "fromlumi", "hname", "metype", "histo", "entries"]
    for letter in _AXES[: max(2, n_axes)]:
        names += [f"{letter}min", f"{letter}max", f"{letter}bins"]
    return names + [f"{letter}edges" for letter in with_edges]


def _write(histograms: list[Histograms], path: Path) -> None:
    from pyarrow import parquet

    schema = _schema(histograms)
    options = {"compression": "zstd", "write_page_checksum": True}
    with parquet.ParquetWriter(path, schema, **options) as file:
        for one in histograms:
            step = max(1, _VALUES // one.counts.shape[1])
            for start in range(0, len(one), step):
                file.write_table(_table(one, slice(start, start + step), schema))


def _schema(histograms: list[Histograms]) -> "pa.Schema":
    """Return columns that hold all elements: the layout, and the conditions of any of them."""
    import pyarrow as pa

    uneven = {
        letter
        for one in histograms
        for letter, edges in zip(_AXES, one.edges, strict=False)
        if not _is_even(edges)
    }
    whole = pa.int64() if all(_is_whole(one.counts.to_numpy()) for one in histograms) else None
    types = {"hname": pa.string(), "histo": pa.list_(whole or pa.float64())}
    if not all(_is_whole(one.entries) for one in histograms):
        types["entries"] = pa.float64()
    ends = {"min": pa.float64(), "max": pa.float64(), "edges": pa.list_(pa.float64())}
    names = _layout(max(len(one.edges) for one in histograms), "".join(sorted(uneven)))
    layout = [(name, types.get(name) or ends.get(name[1:]) or pa.int64()) for name in names]
    conditions = [
        pa.Schema.from_pandas(one.conditions, preserve_index=False).remove_metadata()
        for one in histograms
    ]
    return pa.unify_schemas([pa.schema(layout), *conditions], promote_options="permissive")


def _table(one: Histograms, rows: slice, schema: "pa.Schema") -> "pa.Table":
    """Return some rows of one element; conditions that only others have are empty."""
    import pyarrow as pa

    counts = np.ascontiguousarray(one.counts.to_numpy(np.float64)[rows])
    n_rows, n_bins = counts.shape
    index = one.counts.index[rows]
    offsets = pa.array(np.arange(0, counts.size + 1, n_bins, dtype=np.int32))
    bins = pa.array(counts.ravel()).cast(schema.field("histo").type.value_type)
    conditions = one.conditions.iloc[rows]
    contents: dict[str, Any] = {
        "fromrun": pa.array(index.get_level_values(RUN).to_numpy(np.int64)),
        "fromlumi": pa.array(index.get_level_values(LUMISECTION).to_numpy(np.int64)),
        "histo": pa.ListArray.from_arrays(offsets, bins),
        "entries": pa.array(one.entries[rows]),
    } | {str(name): pa.array(conditions[name], from_pandas=True) for name in conditions}
    constants = _constants(one)
    columns = [
        contents[field.name].cast(field.type)
        if field.name in contents
        else pa.repeat(pa.scalar(constants.get(field.name), field.type), n_rows)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _constants(one: Histograms) -> dict[str, Any]:
    """Return what is the same in all rows of an element."""
    constants: dict[str, Any] = {"hname": one.element, "metype": _KINDS[len(one.edges) - 1]}
    for letter in _AXES:
        constants |= {f"{letter}min": 0.0, f"{letter}max": 0.0, f"{letter}bins": 0}
    for letter, edges in zip(_AXES, one.edges, strict=False):
        constants |= {f"{letter}min": edges[0], f"{letter}max": edges[-1]}
        constants |= {f"{letter}bins": len(edges) - 1}
        constants |= {f"{letter}edges": None if _is_even(edges) else edges.tolist()}
    return constants


def _is_whole(values: Floats) -> bool:
    return bool((values == np.floor(values)).all() and (values < _LARGEST_WHOLE).all())


def _is_even(edges: Floats) -> bool:
    """Tell whether first, last and number say all, to the last bit."""
    if not np.isfinite(edges).all():
        return False
    return np.array_equal(edges, np.linspace(edges[0], edges[-1], len(edges)))
