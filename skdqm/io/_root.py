"""ROOT files: a TTree or an RNTuple as a table, through uproot."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from skdqm._messages import listed
from skdqm._optional import require
from skdqm.exceptions import DataError
from skdqm.io._columns import Choice, check_names, choose_columns
from skdqm.io._root_columns import Column, Columns
from skdqm.io._root_file import open_root, plain_errors, tree_in
from skdqm.io._root_leaves import Leaf, leaves_of


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator["RootReader"]:
    """Open the one tree of the file, or the one that ``key`` names."""
    with open_root(path) as file:
        tree = tree_in(file, key)
        with plain_errors():
            columns, n_rows = Columns(tuple(leaves_of(tree))), int(tree.num_entries)
        check_names(columns.names)
        texts = columns.texts
        numbers = tuple(name for name in columns.plain if name not in texts)
        yield RootReader(tree, columns, numbers, n_rows)


@dataclass(frozen=True)
class RootReader:
    """Reader of one open tree; its columns are the numbers, and what else was asked for."""

    _tree: Any
    _known: Columns
    columns: tuple[str, ...]
    n_rows: int | None
    labels: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    image_shape: None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that can only be carried."""
        return self._known.texts

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of the lists of numbers, which are columns when their length is told."""
        return tuple(self._known.lists)

    def choose(
        self, columns: Sequence[str] | None, label: str | None, carry: str | Sequence[str] | None
    ) -> Choice:
        """Choose as `choose_columns` does; ``Muon_pt[3]`` is the first three of each list."""
        features = None if columns is None else self._known.expanded(columns)
        named = [] if label in (None, "auto") else [str(label)]
        if features is None and not self.columns:
            raise DataError(self._no_numbers())
        chosen = choose_columns(self._with([*(features or []), *named]), features, label, None)
        carried = self._carried(carry)
        view = self._with([*chosen.numbers, *(carried or [])])
        return choose_columns(view, chosen.features, chosen.label, carried)

    def _carried(self, carry: str | Sequence[str] | None) -> list[str] | None:
        if carry is None:
            return None
        return list(self._known.plain) if isinstance(carry, str) else self._known.expanded(carry)

    def _no_numbers(self) -> str:
        lists = list(self._known.lists)
        if not lists:
            return "the tree has no column of numbers; expected at least one"
        return (
            f"the tree has lists of numbers only, {listed(lists)}; choose columns such as "
            f"'{lists[0]}[3]', the first 3 padded with zeros (--columns on the command line)"
        )

    def _with(self, names: Sequence[str]) -> "RootReader":
        """Return the same reader with further columns."""
        more = [name for name in names if self._known.column(name) is not None]
        return replace(self, columns=tuple(dict.fromkeys([*self.columns, *more])))

    def batches(
        self, names: Sequence[str], size: int, exact: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the named columns, ``size`` rows at a time, all in the types of the file."""
        del exact
        found = {name: self._known.column(name) for name in names}
        wanted = {name: column for name, column in found.items() if column is not None}
        sources = list(dict.fromkeys(column.leaf.source for column in wanted.values()))
        chunks = self._chunks(sources, size)
        frames = (_frame(chunk, wanted) for chunk in chunks)
        while True:
            with plain_errors():
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def _chunks(self, sources: list[str], size: int) -> Iterator[Any]:
        if not hasattr(self._tree, "branches"):
            return _chunks_of_clusters(self._tree, sources, size)
        # Baskets that reach into the next batch are kept, so that each is unpacked once.
        chunks: Iterator[Any] = self._tree.iterate(sources, step_size=size, how=dict)
        return chunks


def _frame(chunk: Any, wanted: dict[str, Column]) -> pd.DataFrame:
    """Cut columns out of what uproot has read."""
    widths: dict[Leaf, int] = {}
    for leaf, place in wanted.values():
        widths[leaf] = max(widths.get(leaf, 0), place + 1)
    values: dict[Leaf, NDArray[Any]] = {
        leaf: leaf.values(chunk, width) for leaf, width in widths.items()
    }
    return pd.DataFrame({name: values[leaf][:, place] for name, (leaf, place) in wanted.items()})


def _chunks_of_clusters(ntuple: Any, sources: Collection[str], size: int) -> Iterator[Any]:
    """Read an RNTuple cluster by cluster, and cut that into batches.

    By its own batches uproot would unpack every cluster once for each batch in it.
    """
    ak = require("awkward", extra="root")
    held: list[Any] = []
    for cluster in ntuple.cluster_summaries:
        start = int(cluster.num_first_entry)
        stop = start + int(cluster.num_entries)
        # One by one: uproot takes seconds to choose among 1,500 fields.
        fields = {source: ntuple[source].array(start, stop) for source in sources}
        rows = ak.zip(fields, depth_limit=1)
        held.append(rows)
        if sum(map(len, held)) < size:
            continue
        joined = ak.concatenate(held)
        whole = len(joined) - len(joined) % size
        yield from (joined[first : first + size] for first in range(0, whole, size))
        # Packed, because a slice of lists keeps the values of all rows before it.
        held = [ak.to_packed(joined[whole:])]
    if sum(map(len, held)):
        yield ak.concatenate(held)
