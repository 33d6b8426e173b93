"""Files that appear complete or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from skdqm.exceptions import DataError, UsageError


@contextmanager
def atomic_path(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a temporary path whose file replaces ``path`` when the block succeeds.

    The temporary file lies in the same folder, keeps the extension, is flushed to disk before
    it takes the name, and is removed when the block raises. A file that was there before stays
    as it was until then.

    Parameters
    ----------
    path : str or path-like
        The file to create or replace. A symbolic link is followed.

    Yields
    ------
    temporary : pathlib.Path
        Where the block has to write.

    Raises
    ------
    UsageError
        When the folder does not exist or ``path`` is a folder.
    DataError
        When ``path`` is a device, a FIFO or a socket: those are never replaced.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "verdict.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("GOOD")
    >>> target.read_text()
    'GOOD'
    """
    target = Path(path).resolve()
    if not target.parent.is_dir():
        raise UsageError(f"{path}: the folder {target.parent} does not exist; create it first")
    if target.is_dir():
        raise UsageError(f"{path}: found a folder, expected the name of a file to write")
    if target.exists() and not target.is_file():
        raise DataError(f"{path}: found a device or a FIFO, expected a regular file or a new name")
    # The extension stays at the end: writers choose their format by it.
    temporary = target.with_name(f".skdqm-partial-{secrets.token_hex(8)}-{target.name}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
