"""A data file as a command's options describe it, and the rows to learn from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from skdqm.cli._options import NonFinite, On
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from skdqm.io import FileSummary, Table

# Different labels that a message lists.
MOST_LABELS = 8
# Rows of a checksum that are copied at a time.
DIGEST_ROWS = 4096


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
    n_rows : int or None
        Read so many rows, the first ones.
    """

    path: Path
    label: str = "auto"
    key: str | None = None
    nonfinite: NonFinite = NonFinite.ERROR
    n_rows: int | None = None

    @cached_property
    def summary(self) -> "FileSummary":
        """What the header of the file tells."""
        from skdqm.io import describe

        return describe(self.path, key=self.key)

    def label_name(self) -> str | None:
        """Return the name of the label column, None without one."""
        return self.summary.label if self.label == "auto" else self._label()

    def feature_columns(self) -> list[str]:
        """Return the names of all columns but the label."""
        label = self.label_name()
        return [name for name in self.summary.columns if name != label]

    def content(self) -> str:
        """Say what a row of the file is."""
        n_columns = len(self.summary.columns)
        if self.summary.image_shape is not None:
            return "images of " + " x ".join(map(str, self.summary.image_shape)) + " pixels"
        if self.summary.kind == "events":
            return f"raw events of {n_columns // 3} particles"
        return f"a table of {n_columns} columns"

    def batches(
        self,
        size: int | None = None,
        columns: Sequence[str] | None = None,
        carry: str | Sequence[str] | None = None,
    ) -> Iterator["Table"]:
        """Read some rows at a time."""
        from skdqm.io import iter_batches

        return iter_batches(
            self.path,
            size,
            columns=columns,
            label=self._label(),
            nonfinite=self.nonfinite.value,
            key=self.key,
            carry=carry,
            n_rows=self.n_rows,
        )

    def training_batches(
        self, on: On, columns: Sequence[str] | None = None, background: int = 0
    ) -> Iterator["pd.DataFrame"]:
        """Read the rows to learn from: all, or those with the background label."""
        import numpy as np

        if on is On.ALL:
            yield from (table.X for table in self.batches(columns=columns))
            return
        if self.label_name() is None:
            raise DataError(
                f"{self.path}: --on background needs labels, and the file has no label column; "
                "name it with --label, or learn from all rows"
            )
        seen: set[int] = set()
        for table in self.batches(columns=columns):
            labels = np.asarray(table.y)
            seen.update(labels.tolist())
            if (labels == background).any():
                yield table.X[labels == background]
        if background not in seen:
            raise DataError(
                f"{self.path}: no row has the background label {background}; "
                f"{found_labels(sorted(seen))}; name the right one with --background"
            )

    def _label(self) -> str | None:
        return None if self.label == "none" else self.label


def digest_of(rows: "pd.DataFrame") -> str:
    """Return a checksum of the names and the values of a table."""
    return digest_of_batches([rows])


def digest_of_batches(batches: "Iterable[pd.DataFrame]") -> str:
    """Return the checksum of the table that batches make when they are put together."""
    digest = None
    for rows in batches:
        digest = digest or sha256(repr(list(rows.columns)).encode())
        for start in range(0, len(rows), DIGEST_ROWS):
            digest.update(rows.iloc[start : start + DIGEST_ROWS].to_numpy().tobytes())
    return "" if digest is None else digest.hexdigest()


def found_labels(labels: "ArrayLike") -> str:
    """Say which labels there are, of many the first ones."""
    import numpy as np

    values = [str(value) for value in np.unique(labels)]
    more = " ..." if len(values) > MOST_LABELS else ""
    return f"the labels found are {', '.join(values[:MOST_LABELS])}{more}"


def check_output(path: Path, *inputs: Path) -> None:
    """Refuse, before hours of work, a path that cannot be written or is one of the inputs."""
    check_folder(path)
    if path.is_dir():
        raise UsageError(f"{path}: found a folder, expected the name of a file to write")
    if path.exists() and not path.is_file():
        raise UsageError(
            f"{path}: found a device or a FIFO, expected the name of a file to write; "
            "for standard output, where a command offers it, give -o -"
        )
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise UsageError(f"{path}: the output is the input {source}; give another name")


def check_folder(path: Path) -> None:
    """Refuse a path in a folder that is missing or closed."""
    folder = path.resolve().parent
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{path}: cannot write into the folder {folder}: {reason}") from error
