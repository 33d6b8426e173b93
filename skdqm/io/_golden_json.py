"""Golden JSON: the file format in which experiments list their good lumisections."""

import gzip
import json
from os import PathLike
from pathlib import Path
from typing import Any

from skdqm.exceptions import DataError, UsageError
from skdqm.io._atomic import atomic_path
from skdqm.io._guard import guard
from skdqm.io._lumisection_ranges import LumisectionRanges

_SUFFIXES = (".json", ".txt", ".json.gz", ".txt.gz")
_GZIP = b"\x1f\x8b"


def read_golden_json(path: str | PathLike[str]) -> LumisectionRanges:
    """Read which lumisections a golden JSON, or one of the detector control system, lists.

    Parameters
    ----------
    path : str or path-like
        The file: plain or gzipped text, of any name.

    Returns
    -------
    ranges : LumisectionRanges
        The lumisections; ranges of the file that overlap or touch are joined.

    Raises
    ------
    DataError
        When the file cannot be read, is no JSON or lists something else than ranges of whole
        numbers by run. The message names the file, the run and the range.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "golden.json"
    >>> _ = path.write_text('{"297050": [[193, 776], [12, 100], [101, 137]]}')
    >>> read_golden_json(path)
    LumisectionRanges({297050: [(12, 137), (193, 776)]})
    """
    source = Path(path)
    raw = _bytes_of(source)
    with guard(source, "golden JSON"):
        text = gzip.decompress(raw) if raw.startswith(_GZIP) else raw
        # Some editors put a byte order mark in front.
        found = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once_each)
        if not isinstance(found, dict):
            raise DataError(
                f"found a JSON {type(found).__name__}; expected ranges by run, as in "
                '{"297050": [[12, 137], [193, 776]]}'
            )
        return LumisectionRanges(found)


def write_golden_json(ranges: LumisectionRanges, path: str | PathLike[str]) -> None:
    """Write lumisections as a golden JSON: runs in order, one on a line.

    The same lumisections give the same bytes. The file appears whole or not at all.

    Parameters
    ----------
    ranges : LumisectionRanges
        The good lumisections.
    path : str or path-like
        Ends in ``.json`` or ``.txt``, with ``.gz`` behind it for a gzipped file.

    Raises
    ------
    UsageError
        When the extension is another or the folder does not exist.
    DataError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "golden.json"
    >>> write_golden_json(LumisectionRanges({2: [(1, 9)], 1: [(5, 5), (7, 8)]}), path)
    >>> print(path.read_text())
    {
    "1": [[5, 5], [7, 8]],
    "2": [[1, 9]]
    }
    """
    target = Path(path)
    if not target.name.lower().endswith(_SUFFIXES):
        raise UsageError(
            f"{target}: cannot write {target.suffix!r}; expected one of {' '.join(_SUFFIXES)}"
        )
    content = _text_of(ranges).encode()
    if target.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)
    try:
        with atomic_path(target) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error


def _text_of(ranges: LumisectionRanges) -> str:
    lines = [
        f'"{run}": {json.dumps(list(map(list, pairs)))}' for run, pairs in ranges.to_dict().items()
    ]
    return "\n".join(["{", ",\n".join(lines), "}"]) + "\n" if lines else "{}\n"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot open: {reason}; expected a readable file") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a run that is listed twice, of which JSON would silently keep the last."""
    found: dict[str, Any] = {}
    for run, ranges in pairs:
        if run in found:
            raise DataError(f"found run {run} twice; expected all its ranges in one list")
        found[run] = ranges
    return found
