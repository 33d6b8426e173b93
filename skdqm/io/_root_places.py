"""Which run, lumisection and monitoring element the path of a histogram in a ROOT file tells."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from skdqm.exceptions import DataError
from skdqm.io._stored_histogram import WHOLE_RUN

# As the tools write that turn DQMIO into one file for each element: run367094_ls12_charge.
_FLAT = re.compile(r"run_?(\d+)_(?:(?:ls|lumi|lumisection)_?(\d+)_)?(.+)", re.IGNORECASE)
_RUN = re.compile(r"run[ _]?(\d+)", re.IGNORECASE)
_LUMISECTION = re.compile(r"(?:ls|lumi|lumi ?section)[ _]?(\d+)", re.IGNORECASE)
_RANGE = re.compile(r"by lumi section (\d+)-(\d+)", re.IGNORECASE)
# Folders of CMS files that say nothing of the element.
_FRAME = {"dqmdata", "run summary"}


class Place(NamedTuple):
    """The element, the run and the lumisection of a histogram; 0 if it is of a whole run."""

    element: str
    run: int
    lumisection: int


def place_of(path: str) -> Place:
    """Read the path of a histogram.

    Raises
    ------
    DataError
        When it does not say the run, or more than one lumisection.
    """
    *folders, name = path.split("/")
    flat = _FLAT.fullmatch(name)
    runs = _runs(folders)
    sections = [_lumisection(folder, path) for folder in folders]
    kept = [folder for folder, section in zip(folders, sections, strict=True) if section is None]
    if flat is not None:
        runs.append(int(flat[1]))
        sections.append(None if flat[2] is None else int(flat[2]))
        name = flat[3]
    if not runs:
        raise DataError(no_run(path))
    element = "/".join([*(folder for folder in kept if not _is_frame(folder)), name])
    found = [section for section in sections if section is not None]
    return Place(element, runs[-1], found[-1] if found else WHOLE_RUN)


def tells_run(path: str) -> bool:
    """Tell whether a path says the run of a histogram."""
    *folders, name = path.split("/")
    return bool(_runs(folders)) or _FLAT.fullmatch(name) is not None


def no_run(path: str) -> str:
    """Say that a path tells no run, and which would."""
    return (
        f"histogram {path!r} does not say its run; understood are run367094_ls12_<element>, "
        "Run 367094/LumiSection 12/<element>, and of a whole run run367094_<element> and "
        "DQMData/Run 367094/<subsystem>/Run summary/<element>"
    )


def _runs(folders: Sequence[str]) -> list[int]:
    return [int(found[1]) for found in map(_RUN.fullmatch, folders) if found]


def _is_frame(folder: str) -> bool:
    return folder.casefold() in _FRAME or _RUN.fullmatch(folder) is not None


def _lumisection(folder: str, path: str) -> int | None:
    one, several = _LUMISECTION.fullmatch(folder), _RANGE.fullmatch(folder)
    if several and several[1] != several[2]:
        raise DataError(
            f"histogram {path!r} is of lumisections {several[1]} to {several[2]}; expected one "
            "lumisection or a whole run"
        )
    found = one or several
    return int(found[1]) if found else None
