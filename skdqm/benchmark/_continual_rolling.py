"""The baseline to beat: a robust Mahalanobis distance to the latest rows."""

from typing import Self

import numpy as np

from skdqm.benchmark._contenders import Floats

# Rows that are looked back on, and after how many the estimate is made anew.
WINDOW, EVERY = 2000, 250
# How often the most distant rows are left out, and which share stays each time.
TRIMS, STAY = 3, 0.95
# Added to the variances: features may be constant.
RIDGE = 1e-3


class RollingMahalanobis:
    """Mahalanobis distance to the last rows, without the most distant of them.

    It learns whatever comes, and flags what is farther than all but the promised share of the rows
    that it looks back on.

    Parameters
    ----------
    alarm_rate : float
        Promised share of flagged rows.
    """

    def __init__(self, alarm_rate: float) -> None:
        self.alarm_rate = alarm_rate

    def fit(self, X: Floats) -> Self:
        """Remember rows."""
        self.latest_ = X[-WINDOW:]
        self.waits_ = 0
        self._estimate()
        return self

    def _estimate(self) -> None:
        # Robust, so that one unit that is far from the others does not decide.
        self.unit_ = np.maximum(self.latest_.std(axis=0), 1e-12)
        rows = self.latest_ / self.unit_
        for _ in range(TRIMS):
            self.centre_ = rows.mean(axis=0)
            covariance = np.cov(rows, rowvar=False) + RIDGE * np.eye(rows.shape[1])
            self.root_ = np.linalg.inv(np.linalg.cholesky(covariance))
            distances = self._distances(rows)
            rows = rows[distances <= np.quantile(distances, STAY)]
        self.limit_ = float(np.quantile(self.anomaly_score(self.latest_), 1 - self.alarm_rate))

    def _distances(self, rows: Floats) -> Floats:
        squares: Floats = np.square((rows - self.centre_) @ self.root_.T).sum(axis=1)
        return squares

    def anomaly_score(self, X: Floats) -> Floats:
        """Return squared distances to what is known now, of shape (n_samples,)."""
        return self._distances(X / self.unit_)

    def observe(self, X: Floats) -> tuple[Floats, Floats]:
        """Judge rows and learn them; return their scores, and the threshold of each."""
        scores, limits = np.empty(len(X)), np.empty(len(X))
        start = 0
        while start < len(X):
            stop = min(start + EVERY - self.waits_, len(X))
            scores[start:stop] = self.anomaly_score(X[start:stop])
            limits[start:stop] = self.limit_
            self.latest_ = np.concatenate([self.latest_, X[start:stop]])[-WINDOW:]
            self.waits_ = (self.waits_ + stop - start) % EVERY
            if not self.waits_:
                self._estimate()
            start = stop
        return scores, limits
