"""A data file as a command's options describe it, and the rows to learn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from skdqm.cli._options import NonFinite, On
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.io import FileSummary, Table


@dataclass(frozen=True)
class Source:
    """A data file and how to read it.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    label : str
        Name of the label column, ``"auto"`` or ``"none"``.
    key : str or None
        The table in a file with several.
    nonfinite : NonFinite
        What to do with rows that hold NaN or infinity.
    """

    path: Path
    label: str = "auto"
    key: str | None = None
    nonfinite: NonFinite = NonFinite.ERROR

    def summary(self) -> "FileSummary":
        """Describe the file from its header."""
        from skdqm.io import describe

        return describe(self.path, key=self.key)

    def label_name(self) -> str | None:
        """Return the name of the label column, None without one."""
        return self.summary().label if self.label == "auto" else self._label()

    def feature_columns(self) -> list[str]:
        """Return the names of all columns but the label."""
        label = self.label_name()
        return [name for name in self.summary().columns if name != label]

    def read(self, columns: Sequence[str] | None = None) -> "Table":
        """Read all rows."""
        from skdqm.io import read

        return read(
            self.path,
            columns=columns,
            label=self._label(),
            nonfinite=self.nonfinite.value,
            key=self.key,
        )

    def batches(self, size: int, columns: Sequence[str] | None = None) -> Iterator["Table"]:
        """Read some rows at a time."""
        from skdqm.io import iter_batches

        return iter_batches(
            self.path,
            size,
            columns=columns,
            label=self._label(),
            nonfinite=self.nonfinite.value,
            key=self.key,
        )

    def training_rows(self, on: On, columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """Read the rows to learn from: all of them, or those with label 0."""
        table = self.read(columns)
        if on is On.ALL:
            return table.X
        if table.y is None:
            raise DataError(
                f"{self.path}: --on background needs labels, and the file has no label column; "
                "name it with --label, or learn from all rows"
            )
        background = table.X[table.y == 0]
        if background.empty:
            raise DataError(f"{self.path}: no row has the label 0, so there is no background")
        return background

    def _label(self) -> str | None:
        return None if self.label == "none" else self.label


def digest_of(rows: "pd.DataFrame") -> str:
    """Return a checksum of the names and the values of a table."""
    digest = sha256(repr(list(rows.columns)).encode())
    for name in rows.columns:
        digest.update(rows[name].to_numpy().tobytes())
    return digest.hexdigest()


def check_output(path: Path) -> None:
    """Refuse, before hours of work, a path that cannot be written."""
    folder = path.resolve().parent
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{path}: cannot write into the folder {folder}: {reason}") from error
    if path.is_dir():
        raise UsageError(f"{path}: found a folder, expected the name of a file to write")
