"""Rows in random order, at constant memory: shuffled through a temporary file.

The rows are written in runs, each as large as a buffer in memory and in an order of its own. A
block takes one slice of every run: so it holds a random sample of every part of the source, in
proportion, however the source is sorted. A shuffle buffer, in contrast, mixes neighbours only.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm._lumisections import runs_of
from skdqm.exceptions import DataError, UsageError
from skdqm.out_of_core._blocks import usual_rows

# Bytes of the rows that are shuffled in memory, before they are written.
RUN_BYTES = 2**25
# Rows of a run that are written at a time.
WRITTEN_ROWS = 2**14


class ShuffledRows:
    """Rows that were shuffled, to be gone through again and again, each time in another order.

    They lie in a temporary file that has no name where the system allows it, so that nothing is
    left behind. Close it after use.

    Parameters
    ----------
    blocks : iterable
        Blocks of rows of numbers, all finite. Columns of frames keep their names.
    rng : Generator
        For the order.
    folder : str, path-like or None
        Where the file lies; None: where Python puts temporary files.
    """

    def __init__(
        self, blocks: Iterable[Any], rng: np.random.Generator, folder: str | PathLike[str] | None
    ) -> None:
        self._rng = rng
        self._runs: list[int] = []  # the rows of each
        self._columns: list[Any] | None = None
        with _disk_errors():
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115 (closed by `close`)
        try:
            self._write(self._checked(blocks))
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(self._runs)

    @property
    def n_blocks(self) -> int:
        """How many blocks one pass gives."""
        return max(1, len(self) // usual_rows(self._shape[1]))

    def close(self) -> None:
        """Delete the file."""
        # What a full disk did not take is not needed any more.
        with suppress(OSError):
            self._file.close()

    def __iter__(self) -> Iterator[Any]:
        """Go through all rows once, in blocks, in a new order."""
        # Each time other slices of the runs come together.
        shifts = self._rng.integers(self.n_blocks, size=len(self._runs))
        for block in self._rng.permutation(self.n_blocks):
            rows = self._gathered((block + shifts) % self.n_blocks)
            yield self._as_given(rows[self._rng.permutation(len(rows))])

    def _write(self, blocks: Iterable[NDArray[Any]]) -> None:
        filled = 0
        for rows in blocks:
            if not self._runs and not filled:
                size = max(1, RUN_BYTES // (rows.shape[1] * rows.itemsize))
                run = np.empty((size, rows.shape[1]), rows.dtype)
            while len(rows):
                taken = rows[: len(run) - filled]
                run[filled : filled + len(taken)] = taken
                filled, rows = filled + len(taken), rows[len(taken) :]  # noqa: PLW2901
                if filled == len(run):
                    self._write_run(run)
                    filled = 0
        self._shape, self._dtype = run.shape, run.dtype
        if filled:
            self._write_run(run[:filled])
        with _disk_errors():
            self._file.flush()

    def _write_run(self, run: NDArray[Any]) -> None:
        order = self._rng.permutation(len(run))
        with _disk_errors():
            for start in range(0, len(run), WRITTEN_ROWS):
                self._file.write(run[order[start : start + WRITTEN_ROWS]].data)
        self._runs.append(len(run))

    def _gathered(self, slices: NDArray[Any]) -> NDArray[Any]:
        """Read one slice of each run."""
        runs = np.array(self._runs)
        first, last = runs * slices // self.n_blocks, runs * (slices + 1) // self.n_blocks
        rows = np.empty((int((last - first).sum()), self._shape[1]), self._dtype)
        before, filled = np.cumsum(runs) - runs, 0
        for start, length in zip(before + first, last - first, strict=True):
            self._file.seek(int(start) * self._shape[1] * self._dtype.itemsize)
            self._file.readinto(rows[filled : filled + length].data)
            filled += length
        return rows

    def _as_given(self, rows: NDArray[Any]) -> Any:
        if self._columns is None:
            return rows
        import pandas as pd

        return pd.DataFrame(rows, columns=self._columns)

    def _checked(self, blocks: Iterable[Any]) -> Iterator[NDArray[Any]]:
        """Yield blocks as arrays of one type: float32 if the first one is, else float64."""
        dtype, n_before = None, 0
        for block in blocks:
            if runs_of(block) is not None:
                raise UsageError(
                    "the rows say their run in their index, and lose it when they are shuffled; "
                    "give shuffle=False to learn them in their order"
                )
            rows = np.asarray(block)
            if dtype is None:
                dtype = rows.dtype if rows.dtype == np.float32 else np.dtype(np.float64)
                self._columns = getattr(block, "columns", None)
            rows = _numbers(rows, dtype, n_before)
            _check_finite(rows, n_before)
            n_before += len(rows)
            yield rows


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the rows cannot be written into the temporary folder ({error}); name one on a "
            "larger disk by temporary_directory=, or by the environment variable TMPDIR"
        ) from error


def _numbers(rows: NDArray[Any], dtype: np.dtype[Any], n_before: int) -> NDArray[Any]:
    try:
        if np.iscomplexobj(rows):
            raise TypeError("complex numbers")  # noqa: TRY301 (numpy drops half of them)
        return np.ascontiguousarray(rows, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the block from row {n_before} (from 0) on holds what is no number ({error}); leave "
            "such columns out, or encode them"
        ) from error


def _check_finite(rows: NDArray[Any], n_before: int) -> None:
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise DataError(
            f"row {n_before + row} (from 0) holds {rows[row, column]} in feature {column}; "
            "expected finite numbers: drop such rows, or scale features that overflow"
        )
