"""The histograms of a command's files, as one table of lumisections."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Edges = tuple[NDArray[np.float64], ...]

# Values that are judged together: each block has a cost of its own.
VALUES_AT_ONCE = 2**23
LARGEST_RUN = 2**31


@dataclass(frozen=True)
class Source:
    """Files of histograms, and which of their content to take.

    Attributes
    ----------
    paths : list of Path
        The files.
    runs : str or None
        The first and the last run, as in ``"297050-297178"``.
    run, first_lumisection : int or None
        What files without an index mean.
    """

    paths: list[Path]
    runs: str | None = None
    run: int | None = None
    first_lumisection: int | None = None

    @property
    def text(self) -> str:
        """The files in words."""
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0]}{more}"

    def read(self, elements: Sequence[str] | None) -> "Data":
        """Read the histograms of some monitoring elements, or of all."""
        from skdqm.io import join_histograms, read_histograms

        first, last = self._bounds()
        histograms = read_histograms(
            self.paths, elements=elements, run=self.run, first_lumisection=self.first_lumisection
        )
        edges = {name: one.edges for name, one in histograms.items()}
        table = join_histograms(histograms)
        numbers = table.index.get_level_values("run")
        chosen = table.iloc[slice(*numbers.searchsorted([first, last + 1]))]
        if not len(chosen):
            known = f"its runs are {numbers[0]} to {numbers[-1]}" if len(numbers) else "it is empty"
            raise DataError(f"{self.text}: no lumisection to take; {known}")
        return Data(chosen, edges)

    def _bounds(self) -> tuple[int, int]:
        first, dash, last = (self.runs or "-").partition("-")
        last = last if dash else first
        if not all(not each or each.strip().isdecimal() for each in (first, last)):
            raise UsageError(f"--runs {self.runs}: expected FIRST-LAST, as in 297050-297178")
        return int(first or 0), int(last) if last else LARGEST_RUN


@dataclass(frozen=True, eq=False)
class Data:
    """A table of lumisections, sorted, and the bins of its monitoring elements.

    Attributes
    ----------
    table : DataFrame of shape (n_lumisections, n_bins)
        Counts, with the index levels run and lumisection.
    edges : dict of str to tuple of ndarray
        The edges along each axis, by element, in the order of the columns.
    """

    table: "pd.DataFrame"
    edges: "dict[str, Edges]"

    def blocks(self, *, run_by_run: bool) -> "Iterator[pd.DataFrame]":
        """Yield whole runs, the earliest first: one by one, or several that are not too much."""
        import numpy as np

        runs = self.table.index.get_level_values("run").to_numpy()
        ends = [*(np.flatnonzero(np.diff(runs)) + 1).tolist(), len(runs)]
        fewest = 1 if run_by_run else max(1, VALUES_AT_ONCE // self.table.shape[1])
        start = 0
        for end in ends:
            if end - start >= fewest or end == len(runs):
                yield self.table.iloc[start:end]
                start = end

    def of_elements(self, elements: Sequence[str]) -> "Data":
        """Return the columns of some elements only."""
        if list(elements) == list(self.edges):
            return self
        columns = columns_of(self.table)
        places = [place for name in elements for place in columns[name]]
        edges = {name: self.edges[name] for name in elements}
        return replace(self, table=self.table.iloc[:, places], edges=edges)


def columns_of(table: "pd.DataFrame") -> dict[str, list[int]]:
    """Return the positions of the columns of each monitoring element."""
    from skdqm._lumisections import elements_of

    return elements_of([str(name) for name in table.columns])


def count_of(number: int, what: str) -> str:
    """Say how many there are."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def runs_in_words(runs: Sequence[int]) -> str:
    """Say how many runs there are, and the first and the last of them."""
    if len(runs) == 1:
        return f"run {runs[0]}"
    return f"{count_of(len(runs), 'run')} ({min(runs)} to {max(runs)})"
