"""Where the threshold lies, and how the latest scores stand to those that it came from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from skdqm.continual._expert import normal_scores_of
from skdqm.continual._gate import FITTING
from skdqm.continual._pool import Pool
from skdqm.continual._rows import Floats
from skdqm.continual._threshold import NEVER, ConformalThreshold

# Latest scores that tell a drift: how many, how many at least, and which median.
RECENT_ROWS, FEWEST_RECENT, DRIFTING = 512, 128, 0.2
# Standard error of the median of n normal scores, times the root of n.
MEDIAN_ERROR = 1.25


@dataclass(frozen=True)
class Level:
    """The threshold in force.

    Attributes
    ----------
    rule : threshold
        The part that the user may replace.
    rate : float
        The promised alarm rate.
    limit : float
        Surprise beyond which a row is flagged.
    usual : float
        The same by the promised rate, whatever alarms there were: the gate goes by it.
    recent : ndarray of shape (n_recent,)
        Normal scores of the latest rows.
    middle : float
        Median of those of calibration rows: not 0 where scores are often equal.
    """

    rule: Any
    rate: float
    limit: float
    usual: float
    recent: Floats
    middle: float = 0.0

    def placed(self, pool: Pool) -> "Level":
        """Return the threshold that the promised share of calibration rows lies beyond."""
        scores = pool.calibration_surprise()
        # Calibration rows are older than those to come: as much as scores have moved since then,
        # so much moves the threshold.
        middle = float(np.median(normal_scores_of(scores)))
        shift = self._shift(middle)
        usual = _moved(ConformalThreshold().limit(scores, self.rate), shift)
        limit = self.rule.limit(scores, self.rate)
        limit = limit if limit == NEVER else _moved(limit, shift)
        return replace(self, limit=limit, usual=usual, middle=middle)

    def renewed(self, pool: Pool) -> "Level":
        """Return the threshold after the experts have changed."""
        return self.placed(pool) if self.rule.moves else self

    def after(self, flags: NDArray[np.bool_], pool: Pool) -> "Level":
        """Return the threshold after some rows were judged, for rules that look at alarms."""
        rule = self.rule.after(flags, self.rate)
        return self if rule is self.rule else replace(self, rule=rule).placed(pool)

    def with_scores(self, scores: Floats) -> "Level":
        """Return it with the normal scores of more rows."""
        return replace(self, recent=np.concatenate([self.recent, scores])[-RECENT_ROWS:])

    def without_scores(self, n_kept: int = 0) -> "Level":
        """Return it without all but the latest scores: what was before means nothing now."""
        return replace(self, recent=self.recent[len(self.recent) - n_kept :])

    def is_drifting(self) -> bool:
        """Tell whether the bulk of the latest scores has moved."""
        enough = len(self.recent) >= FEWEST_RECENT
        return enough and abs(float(np.median(self.recent)) - self.middle) > DRIFTING

    def _shift(self, middle: float) -> float:
        """Return by how much the bulk of the latest scores has moved, beyond chance."""
        if len(self.recent) < FEWEST_RECENT:
            return 0.0
        moved = float(np.median(self.recent) - middle)
        surely = max(abs(moved) - MEDIAN_ERROR / np.sqrt(len(self.recent)), 0.0)
        return float(np.sign(moved) * min(surely, FITTING))


def _moved(limit: float, shift: float) -> float:
    """Return a surprise whose normal score has moved; by nothing, exactly: scores may be equal."""
    if not shift:
        return limit
    return float(-norm.logsf(normal_scores_of(np.array([limit])) + shift)[0])
