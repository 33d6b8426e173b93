"""What makes files outlive a process, and a computer that stops."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Let the names of new files reach the disk, where the system can."""
    if os.name == "nt":  # pragma: no cover
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path, name: str) -> None:
    """Remove what a killed process left of files with such a name (may hold ``*``)."""
    for leftover in folder.glob(f".skdqm-partial-*-{name}"):
        leftover.unlink(missing_ok=True)
