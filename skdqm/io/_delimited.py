"""CSV, TSV and their gzipped forms, through pandas in chunks."""

import csv
import gzip
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pandas as pd
from pandas.errors import ParserWarning

from skdqm._messages import listed
from skdqm.exceptions import DataError

_DELIMITERS = ",;\t"
# What stands for a missing number: the texts that pandas documents for read_csv.
_MISSING = [
    "", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
_LONGEST_HEADER = 4_000_000
# From pandas 3.1 on the default parser rounds correctly and the option is deprecated.
_EXACT: dict[str, str] = (
    {"float_precision": "round_trip"}
    if tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
    else {}
)


@contextmanager
def open_reader(path: Path, key: str | None) -> Iterator["CsvReader"]:
    """Open a CSV file and read its header line."""
    del key
    with _open_text(path) as file:
        yield CsvReader(file)


def _open_text(path: Path) -> TextIO:
    # utf-8-sig: spreadsheets write a byte order mark in front of the first column name.
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


class CsvReader:
    """Reader of one open text file."""

    n_rows = None
    labels = ()
    unreadable = ()
    image_shape = None

    def __init__(self, file: TextIO) -> None:
        self._file = file
        header = self._header_line()
        self._delimiter = max(_DELIMITERS, key=header.count)
        self.columns = _column_names(next(csv.reader([header], delimiter=self._delimiter)))

    def _header_line(self) -> str:
        """Return the first line that is not blank."""
        line = "\n"
        while line and not line.strip():
            line = self._file.readline(_LONGEST_HEADER)
        if "\0" in line:
            raise DataError("found binary data, expected CSV text")
        if not line:
            raise DataError("the file is blank, expected a line of column names")
        if line.startswith("#"):
            raise DataError(
                f"the first line is {line.strip()[:60]!r}, expected plain column names; "
                f"remove the lines that start with '#'"
            )
        return line

    def batches(
        self, names: Sequence[str], size: int, exact: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Yield the named columns, ``size`` rows at a time; those of `exact` as the text they are.

        A CSV has no types: those that pandas guesses differ from one batch to the next.
        """
        self._file.seek(0)
        # All columns are parsed: with usecols pandas no longer notices rows that are too long.
        chunks = pd.read_csv(
            self._file,
            sep=self._delimiter,
            header=0,
            names=list(self.columns),
            index_col=False,
            chunksize=size,
            low_memory=False,
            dtype=dict.fromkeys(exact, "object"),
            keep_default_na=False,
            na_values={name: _MISSING for name in self.columns if name not in exact},
            **_EXACT,
        )
        while (chunk := _next_chunk(chunks)) is not None:
            yield chunk[list(names)]


def _next_chunk(chunks: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ParserWarning)
        try:
            return next(chunks, None)
        except ParserWarning as error:
            raise DataError(
                "rows have more fields than the line of column names; "
                "expected one field per column (a comma at the end of a line is one field more)"
            ) from error


def _column_names(fields: Sequence[str]) -> tuple[str, ...]:
    names = tuple(field.strip() or f"Unnamed: {i}" for i, field in enumerate(fields))
    # Numbers count as names only as pandas writes them for a frame without names: 0, 1, 2 ...
    if all(map(_is_decimal, names)) and names != tuple(map(str, range(len(names)))):
        raise DataError(
            f"the first line looks like data, not column names: {listed(names)}; "
            f"write a line of names on top"
        )
    return names


def _is_decimal(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
