"""A checkpoint: plain data in one file that appears whole, and is refused when it is damaged.

A line with a checksum, then safetensors: the arrays, and a tree of JSON that names them.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from skdqm.exceptions import DataError
from skdqm.io import atomic_path
from skdqm.persistence._tree import Arrays, decode, encode
from skdqm.streaming._durable import sync_folder

HEAD = b"skdqm-checkpoint 1 "
TREE = "tree"


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write plain data to a file, in one go.

    Parameters
    ----------
    path : pathlib.Path
        The file; one that is there is replaced when the new one has reached the disk.
    content : dict
        Numbers, strings, arrays, and containers of them.

    Raises
    ------
    UsageError
        When something is no plain data.
    """
    arrays: Arrays = {}
    tree = json.dumps(encode(content, arrays, "checkpoint")).encode()
    arrays[TREE] = np.frombuffer(tree, dtype=np.uint8)
    payload = safetensors.numpy.save(arrays)
    with atomic_path(path) as unfinished:
        unfinished.write_bytes(HEAD + _digest(payload) + b"\n" + payload)
    sync_folder(path.parent)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what :func:`write_checkpoint` has written.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    content : dict
        The plain data.

    Raises
    ------
    DataError
        When it cannot be read, is damaged, or is something else.
    """
    try:
        head, _, payload = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if not head.startswith(HEAD):
        raise DataError(
            f"{path} is no checkpoint of this version: expected a file that a worker wrote; name a "
            "new file to begin anew"
        )
    if head != HEAD + _digest(payload):
        raise DataError(
            f"{path} is damaged: its checksum does not fit; put a copy back, or remove it to begin "
            "anew"
        )
    arrays = safetensors.numpy.load(payload)
    content: dict[str, Any] = decode(json.loads(arrays.pop(TREE).tobytes()), arrays)
    return content


def _digest(payload: bytes) -> bytes:
    return sha256(payload).hexdigest().encode()
