"""What the page shows of a flagged row: packed when it is judged, drawn when somebody looks."""

import json
from collections.abc import Sequence
from io import BytesIO
from threading import Lock
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from skdqm.report import Finding
from skdqm.report._pictures import pictures_of
from skdqm.service._errors import RequestError

# The beginning of a zip file, which npz is; features are JSON.
ZIP = b"PK"
# One at a time: matplotlib's caches of fonts know no threads.
DRAWING = Lock()


class FeatureShare(NamedTuple):
    """A feature, its value, and its share in what made an event abnormal."""

    name: str
    value: float
    share: float


def packed_features(features: Sequence[FeatureShare]) -> bytes:
    """Pack the strongest features of an event."""
    return json.dumps([list(each) for each in features]).encode()


def packed_finding(finding: Finding) -> bytes:
    """Pack a histogram and what was expected of it."""
    arrays = {"counts": finding.counts, "expectation": finding.expectation, "pull": finding.pull}
    edges = {f"edges_{axis}": each for axis, each in enumerate(finding.edges)}
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays, **edges)
    return buffer.getvalue()


def evidence_of(alarm: dict[str, Any], packed: bytes) -> dict[str, Any]:
    """Return pictures of a histogram, or the features of an event, as JSON values."""
    if not packed:
        return {"pictures": [], "features": []}
    if not packed.startswith(ZIP):
        shares = [FeatureShare(*each)._asdict() for each in json.loads(packed)]
        return {"pictures": [], "features": shares}
    finding = _unpacked(alarm, packed)
    with DRAWING:
        pictures = [picture._asdict() for picture in pictures_of(finding)]
    return {"pictures": pictures, "features": []}


def _unpacked(alarm: dict[str, Any], packed: bytes) -> Finding:
    try:
        with np.load(BytesIO(packed), allow_pickle=False) as file:
            arrays = [file[name] for name in ("counts", "expectation", "pull")]
            edges = tuple(file[name] for name in sorted(file.files) if name.startswith("edges_"))
    except (BadZipFile, KeyError, ValueError) as error:
        raise RequestError(404, "the evidence of this alarm is damaged") from error
    place = alarm["run"] or 0, alarm["worst_lumisection"] or 0
    counts, expectation, pull = arrays
    return Finding(*place, alarm["culprit"] or "", counts, expectation, pull, edges)
