"""What one request has judged, on its way to the storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Finding(NamedTuple):
    """Why a row was flagged.

    Attributes
    ----------
    place : int
        Its place among the rows of the request.
    culprit : str
        The monitoring element, or the strongest feature; empty where the model does not tell.
    reason : str
        In words.
    evidence : bytes
        What the page shows of it, as :mod:`skdqm.service._evidence` packs it.
    """

    place: int
    culprit: str
    reason: str
    evidence: bytes


@dataclass(frozen=True, eq=False)
class Judgement:
    """The verdicts on the rows of one request.

    Attributes
    ----------
    model : str
        Name of the model.
    version : int
        Its version.
    time : float
        When, in seconds since 1970 (UTC).
    runs, lumisections : ndarray of int of shape (n,), or None
        Where the rows come from; both or none.
    scores, p_values, thresholds : ndarray of float of shape (n,)
        Anomaly scores, p-values and thresholds; NaN for none.
    verdicts : ndarray of int of shape (n,)
        +1 good, -1 bad, 0 not enough data.
    findings : sequence of Finding
        Those of flagged rows that are explained, at most one for each culprit of a row.
    histograms : sequence of bytes, or None
        Of a model of histograms, the packed counts of each row, to be kept.
    """

    model: str
    version: int
    time: float
    runs: Integers | None
    lumisections: Integers | None
    scores: Floats
    p_values: Floats
    thresholds: Floats
    verdicts: Integers
    findings: Sequence[Finding] = ()
    histograms: Sequence[bytes] | None = None

    def __len__(self) -> int:
        return len(self.verdicts)
