"""A model of histograms: all monitoring elements of a lumisection are one row."""

from collections.abc import Callable
from copy import copy
from typing import Any
from warnings import catch_warnings, simplefilter
from zlib import compress, decompress

import numpy as np
import pandas as pd

from skdqm._lumisections import LUMISECTION, RUN, elements_of, lumisection_index
from skdqm._pipeline import parts_of, through
from skdqm.base import turned
from skdqm.exceptions import CalibrationWarning, DataError
from skdqm.io._binning import edges_in
from skdqm.preprocessing import LumisectionSum
from skdqm.report._explain import findings, reasons_of
from skdqm.report._judged import Judged, judged
from skdqm.service._decode import Expected, Rows
from skdqm.service._errors import RequestError
from skdqm.service._evidence import packed_finding
from skdqm.service._judgement import Finding, Floats
from skdqm.service._models import MOST_EXPLAINED, ServedModel, Verdicts

# Scores of good lumisections that set the threshold, at most.
LATEST_SCORES = 2048
# Gives the packed counts of the lumisections of a run before one of them, with their numbers.
Earlier = Callable[[str, int, int, int], list[tuple[int, bytes]]]


class LumisectionModel(ServedModel):
    """A model that ``skdqm dqm train`` wrote.

    Parameters
    ----------
    name : str
        Of the model.
    estimator : Pipeline
        Ends in an ElementsDetector.
    metadata : dict
        What the model file says of its origin.
    earlier : callable
        ``earlier(name, run, lumisection, n)`` gives the packed counts of the last `n` lumisections
        before one: sums and persistence look back.
    """

    kind = "lumisections"

    def __init__(
        self, name: str, estimator: Any, metadata: dict[str, Any], earlier: Earlier
    ) -> None:
        super().__init__(name, estimator, metadata)
        names = tuple(str(each) for each in estimator.feature_names_in_)
        self._edges = dict(zip(metadata["elements"], map(edges_in, metadata["bins"]), strict=True))
        shapes = {
            element: tuple(len(axis) - 1 for axis in self._edges[element])
            for element in elements_of(names)
        }
        self.expected = Expected(names, len(names), shapes)
        self._steps = parts_of(estimator)[0]
        self._earlier = earlier
        self._memory = _memory_of(self._steps, self.detector)

    def judge(self, rows: Rows) -> Verdicts:
        """Judge lumisections."""
        table = self._table(rows)
        judged_rows = self._judged(self._with_earlier(table))
        places = judged_rows.rows.index.get_indexer(table.index)
        verdicts = judged_rows.verdicts.iloc[places]
        return Verdicts(
            verdicts["anomaly_score"].to_numpy(dtype=np.float64),
            self._p_values(verdicts),
            np.full(len(table), -float(self.detector.offset_)),
            verdicts["verdict"].to_numpy(dtype=np.int64),
            self._findings(judged_rows, places),
            [packed_counts(each) for each in rows.numbers],
        )

    def taught(self, rows: Rows) -> Any:
        """Return a copy that has learned good lumisections.

        They are scored before they are learned: such scores are those of new good rows, and the
        latest of them set the threshold, so that the promised alarm rate is kept.
        """
        prepared = through(self._steps, self._table(rows).sort_index())
        twin = copy(self.detector)
        rate = getattr(twin, "alarm_rate_", None)
        known = getattr(twin, "calibration_scores_", np.empty(0))
        new = turned(judged(self.detector, prepared).verdicts["anomaly_score"].to_numpy())
        with catch_warnings():
            simplefilter("ignore", CalibrationWarning)
            twin.partial_fit(prepared)
        if rate is not None:
            # Sorted by now: what is pushed out first is drawn by lot.
            mixed = np.random.default_rng(0).permutation(known)
            scores = np.concatenate([mixed, new[np.isfinite(new)]])[-LATEST_SCORES:]
            twin._calibrated_by(scores, rate)  # noqa: SLF001 (by scores from before)
        return self._ending_in(twin)

    def n_flagged(self, rows: Rows) -> int:
        """Return how many of some lumisections are flagged, without counting them as judged."""
        return len(self._judged(self._table(rows).sort_index()).bad)

    def _table(self, rows: Rows) -> pd.DataFrame:
        if rows.runs is None or rows.lumisections is None:
            raise RequestError(
                422, "found no run and lumisection; each row of histograms has them", ("body",)
            )
        index = lumisection_index(rows.runs, rows.lumisections)
        return pd.DataFrame(rows.numbers, index, list(self.expected.names or ()))

    def _with_earlier(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return lumisections in the order of time, with those before them that still count."""
        table = table.sort_index()
        if not self._memory:
            return table
        parts = []
        for run, rows in table.groupby(level=RUN, sort=True):
            first = int(rows.index.get_level_values(LUMISECTION)[0])
            parts += [self._stored(int(run), first), rows]
        return pd.concat(parts)

    def _stored(self, run: int, lumisection: int) -> pd.DataFrame:
        found = self._earlier(self.name, run, lumisection, self._memory)
        values = [unpacked_counts(packed, self.expected.number) for _, packed in found]
        index = lumisection_index([run] * len(found), [number for number, _ in found])
        empty = np.empty((0, self.expected.number))
        rows = np.stack(values) if values else empty
        return pd.DataFrame(rows, index, list(self.expected.names or ()))

    def _judged(self, table: pd.DataFrame) -> Judged:
        try:
            return judged(self.detector, through(self._steps, table))
        except DataError as error:
            raise RequestError(422, str(error), ("body",)) from error

    def _p_values(self, verdicts: pd.DataFrame) -> Floats:
        if "p_value" not in verdicts:
            return np.full(len(verdicts), np.nan)
        return verdicts["p_value"].to_numpy(dtype=np.float64)

    def _findings(self, found: Judged, places: Any) -> list[Finding]:
        row_of = {int(place): row for row, place in enumerate(places)}
        flagged = found.flagged()
        picks = [
            (place, int(element))
            for place in found.bad.tolist()
            if place in row_of
            for element in np.flatnonzero(flagged[place])
        ]
        picks = sorted(picks, key=lambda pick: -found.surprises[pick])[:MOST_EXPLAINED]
        reasons = reasons_of(found, picks, self._edges)
        names = found.detector.elements_
        packed = {
            (place, finding.element): packed_finding(finding)
            for place, finding in findings(found, picks, self._edges)
        }
        return [
            Finding(
                row_of[place],
                names[element],
                reasons[place, element],
                packed.get((place, names[element]), b""),
            )
            for place, element in picks
        ]


def packed_counts(values: Floats) -> bytes:
    """Pack the counts of a lumisection."""
    return compress(np.ascontiguousarray(values, dtype="<f8").tobytes(), 1)


def unpacked_counts(packed: bytes, number: int) -> Floats:
    """Return the counts that :func:`packed_counts` packed."""
    return np.frombuffer(decompress(packed), dtype="<f8", count=number)


def _memory_of(steps: Any, detector: Any) -> int:
    """Return how many lumisections before one have a say in its verdict."""
    sums = sum(step.n_lumisections - 1 for _, step in steps if isinstance(step, LumisectionSum))
    looks_back = [getattr(each, "persistence", 1) - 1 for each in detector.detectors_]
    return int(sums + max(looks_back, default=0))
