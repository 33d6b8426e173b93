"""What every file format offers to the rest of the subpackage."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pandas as pd

from skdqm.io._images import ImageShape

if TYPE_CHECKING:
    from skdqm.io._columns import Choice


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


@runtime_checkable
class ChoosingReader(Reader, Protocol):
    """An open table of which some columns are read only when asked for, as ROOT files have them."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns of text, which can only be carried."""

    @property
    def lists(self) -> tuple[str, ...]:
        """Lists of numbers, of which a request tells how many to read: ``Muon_pt[3]``."""

    def choose(
        self, columns: Sequence[str] | None, label: str | None, carry: str | Sequence[str] | None
    ) -> "Choice":
        """Return the features in order, the label column, and the columns to carry."""
