"""What every file format offers to the rest of the subpackage."""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import pandas as pd

from skdqm.io._images import ImageShape


class Reader(Protocol):
    """An open table: its columns, and its rows in batches of raw (unconverted) columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column in file order."""

    @property
    def n_rows(self) -> int | None:
        """Number of rows, None when only reading everything would tell."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns that the layout itself marks as labels (array ``y`` next to ``X``)."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Columns whose values cannot be read at all, such as pickled objects."""

    @property
    def image_shape(self) -> ImageShape | None:
        """(channels, height, width) where each row is an image, else None."""

    def batches(
        self, names: Sequence[str], size: int, exact: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the named columns, in file order of rows, ``size`` rows at a time.

        The values of the columns `exact` are only passed on: they come in whatever type loses
        nothing of them.
        """
