"""Keep classes, functions and exceptions: ``shrink.py objects.inv small.inv``."""

import sys
import zlib
from pathlib import Path

KEPT = {"py:class", "py:function", "py:exception"}
HEADER_LINES = 4


def shrunk(inventory: bytes) -> bytes:
    """Return an inventory (version 2) with the entries that the docstrings refer to."""
    *header, body = inventory.split(b"\n", HEADER_LINES)
    entries = zlib.decompress(body).decode().splitlines()
    kept = [entry for entry in entries if entry.split(" ")[1] in KEPT]
    return b"\n".join([*header, zlib.compress("\n".join([*kept, ""]).encode(), 9)])


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_bytes(shrunk(source.read_bytes()))
