"""What reading a file gives: a Table of numbers, or a FileSummary of what is inside."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.io._images import ImageShape

Kind = Literal["table", "images", "events"]


@dataclass(frozen=True, eq=False)
class Table:
    """Features, and labels where the file has them.

    Parameters
    ----------
    X : pandas.DataFrame of shape (n_samples, n_features)
        Features, float32 or float64. The index is the row number in the file, counted from 0, so
        that dropped rows stay traceable.
    y : ndarray of shape (n_samples,) or None
        Integer labels, by convention 1 for signal or anomaly and 0 for background or normal.
    source : str
        The file the rows come from.
    n_dropped : int
        Rows left out because a feature was NaN or infinite (``nonfinite="drop"``).
    carried : pandas.DataFrame or None
        The columns that ``carry`` asked for, as they are in the file, with the index of `X`.
    """

    X: pd.DataFrame
    y: NDArray[np.int64] | None
    source: str
    n_dropped: int = 0
    carried: pd.DataFrame | None = None

    def __len__(self) -> int:
        """Return the number of rows kept."""
        return len(self.X)


@dataclass(frozen=True)
class FileSummary:
    """What a file holds, as far as its header tells.

    Parameters
    ----------
    source : str
        The file.
    format : str
        ``"HDF5"``, ``"ROOT"``, ``"CSV"``, ``"gzipped CSV"``, ``"Parquet"``, ``"npz"``, ``"npy"``,
        ``"idx"`` or ``"gzipped idx"``.
    n_rows : int or None
        Number of rows, None where counting would mean reading the file (CSV).
    columns : tuple of str
        Every column in file order, the label too; of ROOT files those that hold numbers.
    label : str or None
        The column that ``label="auto"`` takes; None without one, or when several look like one.
    label_candidates : tuple of str
        Every column that looks like a label.
    kind : {"table", "images", "events"}
        What a row is: numbers under their names, the pixels of an image, or pt, eta and phi of
        every particle of an event.
    image_shape : tuple of int or None
        (channels, height, width) of images.
    texts : tuple of str
        Columns of text in a ROOT file, which are read only when carried.
    lists : tuple of str
        Lists of numbers in a ROOT file, as long as each row has them. They are read only when asked
        for: ``"Muon_pt[3]"`` becomes ``Muon_pt_0``, ``Muon_pt_1`` and ``Muon_pt_2``.
    """

    source: str
    format: str
    n_rows: int | None
    columns: tuple[str, ...]
    label: str | None
    label_candidates: tuple[str, ...] = ()
    kind: Kind = "table"
    image_shape: ImageShape | None = None
    texts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    def is_list_value(self, name: str) -> bool:
        """Tell whether a column is a value of one of the lists.

        Parameters
        ----------
        name : str
            The column, such as ``"Muon_pt_0"``.

        Returns
        -------
        is_list_value : bool
            True where its name is that of a list and a place in it.

        Examples
        --------
        >>> summary = FileSummary("a.root", "ROOT", 9, ("MET",), None, lists=("Muon_pt",))
        >>> summary.is_list_value("Muon_pt_1"), summary.is_list_value("MET")
        (True, False)
        """
        of, _, place = name.rpartition("_")
        return of in self.lists and place.isdecimal()
