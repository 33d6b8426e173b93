"""Verdicts on lumisections and on their elements, in one pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdqm.report._runs import BAD, NOT_ENOUGH_DATA


@dataclass(frozen=True, eq=False)
class Judged:
    """Whole runs, before anything of them was learned.

    Attributes
    ----------
    detector : ElementsDetector
        As it judged them, until the next ones are asked for.
    rows : DataFrame of shape (n_lumisections, n_bins)
        What it saw.
    verdicts : DataFrame of shape (n_lumisections, 4)
        anomaly_score, verdict, p_value and element, the worst one; NaN and none where there is not
        enough data.
    surprises : ndarray of shape (n_lumisections, n_elements)
        Minus the logarithm of the p-value of each element.
    """

    detector: Any
    rows: pd.DataFrame
    verdicts: pd.DataFrame
    surprises: NDArray[np.float64]

    @property
    def bad(self) -> NDArray[np.intp]:
        """Positions of the bad lumisections."""
        return np.flatnonzero(self.verdicts["verdict"].to_numpy() == BAD)

    def worst(self) -> list[tuple[int, int]]:
        """Return each bad lumisection with its worst element, as positions."""
        bad = self.bad
        return list(zip(bad.tolist(), self.surprises[bad].argmax(axis=1).tolist(), strict=True))

    def flagged(self) -> NDArray[np.bool_]:
        """Tell which elements of which lumisections are flagged: of bad ones the worst at least.

        Of shape (n_lumisections, n_elements).
        """
        found = self.surprises > self.detector._level()  # noqa: SLF001 (scored already)
        found[self.bad, self.surprises[self.bad].argmax(axis=1)] = True
        return np.asarray(found)

    def worst_of_ranges(self) -> list[tuple[int, int]]:
        """Return, of each range of bad lumisections, where each flagged element is worst."""
        bad = self.bad
        if not len(bad):
            return []
        flagged = self.flagged()
        runs = self.rows.index.get_level_values("run").to_numpy()[bad]
        spans = np.split(bad, np.flatnonzero((np.diff(bad) > 1) | (np.diff(runs) != 0)) + 1)
        return [
            (int(span[self.surprises[span, element].argmax()]), element)
            for span in spans
            for element in np.flatnonzero(flagged[span].any(axis=0)).tolist()
        ]


def judged(detector: Any, rows: pd.DataFrame) -> Judged:
    """Judge lumisections and their elements.

    Where p-values of elements are too small for a number, their logarithms still tell the worst.
    """
    verdicts, surprises = detector._verdicts_and_surprises(rows)  # noqa: SLF001 (one pass)
    names = np.array(detector.elements_, dtype=object)
    has_verdict = verdicts["verdict"].to_numpy() != NOT_ENOUGH_DATA
    verdicts["element"] = np.where(has_verdict, names[surprises.argmax(axis=1)], None)
    verdicts.loc[~has_verdict, ["anomaly_score", "p_value"]] = np.nan
    return Judged(detector, rows, verdicts, surprises)
