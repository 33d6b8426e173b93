"""Errors of the reading libraries, turned into one line that names the file."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skdqm.exceptions import DataError, SkdqmError

# What h5py, pandas, pyarrow, numpy, gzip and zipfile raise on files that are not what they claim.
# numpy takes the header of an npy file for Python text, and its tokenizer has errors of its own.
_FOREIGN = (
    OSError, EOFError, LookupError, ValueError, TypeError, RuntimeError, NotImplementedError,
    zlib.error, zipfile.BadZipFile, tokenize.TokenError, SyntaxError, OverflowError,
)  # fmt: skip
_LONGEST_REASON = 160


@contextmanager
def guard(path: Path, format_name: str) -> Iterator[None]:
    """Name the file in front of every DataError and turn foreign errors into a DataError."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error.__cause__
    except SkdqmError:
        raise
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: found {error.object[error.start : error.start + 1]!r}, which is not UTF-8; "
            f"save the file as UTF-8 text"
        ) from error
    except _FOREIGN as error:
        raise DataError(
            f"{path}: cannot read this as {format_name}: {_one_line(error)}; "
            f"the file may be truncated or damaged, fetch or write it again"
        ) from error


def _one_line(error: BaseException) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    return reason if len(reason) <= _LONGEST_REASON else reason[:_LONGEST_REASON] + " ..."
