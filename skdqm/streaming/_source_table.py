"""A file of rows that is complete, in any format that :mod:`skdqm.io` reads."""

from collections.abc import Iterator
from pathlib import Path

from skdqm.exceptions import DataError
from skdqm.streaming._layout import Layout
from skdqm.streaming._rows import row_batches
from skdqm.streaming._source import MOST_ROWS, Batch, Position


class TableFile:
    """A file that is complete.

    Parameters
    ----------
    path : Path
        The file.
    layout : Layout
        What the model takes.
    key : str or None
        The table in a file with several.
    """

    def __init__(self, path: Path, layout: Layout, key: str | None) -> None:
        self._path, self._layout, self._key = path, layout, key
        self._first_row = 0

    def seek(self, position: Position) -> None:
        """Begin at a row."""
        self._first_row = position["row"]

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches."""
        from skdqm.io import iter_batches

        names, carried = self._columns()
        tables = iter_batches(
            self._path,
            MOST_ROWS,
            columns=names,
            label=None,
            nonfinite="keep",
            key=self._key,
            carry=carried or None,
        )
        for table in tables:
            skipped = max(0, self._first_row - int(table.X.index[0]))
            about = None if table.carried is None else table.carried.iloc[skipped:]
            yield from row_batches(table.X.iloc[skipped:], about, self._path.name)

    def _columns(self) -> tuple[list[str], list[str]]:
        from skdqm.io import describe

        present = describe(self._path, key=self._key).columns
        try:
            return self._layout.columns(present), self._layout.carried(present)
        except DataError as error:
            raise DataError(f"{self._path}: {error}") from error
