"""Judgements to be stored, made by hand."""

import time
from collections.abc import Sequence

import numpy as np

from skdqm.service._judgement import Finding, Judgement


def of_events(
    scores: Sequence[float] = (1.0,),
    *,
    model: str = "jets",
    version: int = 1,
    flagged: Sequence[int] = (),
    undecided: Sequence[int] = (),
    culprit: str = "pt_j1",
    at: float | None = None,
    places: Sequence[tuple[int, int]] | None = None,
) -> Judgement:
    """Return a judgement of events, those at some places flagged."""
    return _judgement(
        scores, model, version, flagged, undecided, culprit, at, places, histograms=None
    )


def of_lumisections(
    places: Sequence[tuple[int, int]],
    scores: Sequence[float] | None = None,
    *,
    model: str = "pixel",
    flagged: Sequence[int] = (),
    undecided: Sequence[int] = (),
    culprit: str = "charge",
    at: float | None = None,
) -> Judgement:
    """Return a judgement of lumisections."""
    scores = [1.0] * len(places) if scores is None else scores
    histograms = [f"{run}/{number}".encode() for run, number in places]
    return _judgement(
        scores, model, 1, flagged, undecided, culprit, at, places, histograms=histograms
    )


def _judgement(
    scores: Sequence[float],
    model: str,
    version: int,
    flagged: Sequence[int],
    undecided: Sequence[int],
    culprit: str,
    at: float | None,
    places: Sequence[tuple[int, int]] | None,
    *,
    histograms: list[bytes] | None,
) -> Judgement:
    verdicts = np.ones(len(scores), dtype=np.int64)
    verdicts[list(flagged)] = -1
    verdicts[list(undecided)] = 0
    where = None if places is None else np.array(places, dtype=np.int64).reshape(-1, 2)
    return Judgement(
        model=model,
        version=version,
        time=time.time() if at is None else at,
        runs=None if where is None else where[:, 0],
        lumisections=None if where is None else where[:, 1],
        scores=np.array(scores, dtype=np.float64),
        p_values=np.full(len(scores), np.nan),
        thresholds=np.full(len(scores), 2.5),
        verdicts=verdicts,
        findings=[
            Finding(place, culprit, f"{culprit} is too large", f"evidence {scores[place]}".encode())
            for place in flagged
        ],
        histograms=histograms,
    )
