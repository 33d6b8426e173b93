"""
A detector of your own takes two methods; the rest comes by itself
==================================================================

Whoever writes how to learn and how to score has a detector: labels, thresholds, calibrated alarm
rates, explanations, Pipelines and searches are those of :class:`~skdqm.base.BaseDetector`, and
scikit-learn's checks pass. A third method, here one line, says which column is at fault. The
:doc:`developer's page </developer/new_detector>` has a template with all that is advisable.
"""

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.utils.estimator_checks import check_estimator

from skdqm.base import BaseDetector
from skdqm.datasets import make_detector_data
from skdqm.inspection import FeatureScoresDisplay
from skdqm.metrics import anomaly_roc_auc_scorer

# %%
# The detector
# ------------
# How far a row lies from the medians of its columns, in the columns that are farthest off. Rows
# arrive as finite floats; high is abnormal, and the base class turns the sign.


class MedianDetector(BaseDetector):
    """Mean distance from the medians, over the columns that are farthest off.

    Parameters
    ----------
    n_worst : int, default=3
        Columns that count.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags.
    """

    def __init__(self, *, n_worst=3, contamination=0.01):
        super().__init__(contamination=contamination)
        self.n_worst = n_worst

    def _fit(self, X):
        self.median_ = np.median(X, axis=0)
        spread = np.median(np.abs(X - self.median_), axis=0)
        self.spread_ = np.where(spread > 0, spread, 1.0)

    def _feature_scores(self, X):
        return np.minimum(np.abs(X - self.median_) / self.spread_, 1e6)

    def _anomaly_score(self, X):
        return np.sort(self._feature_scores(X), axis=1)[:, -self.n_worst :].mean(axis=1)


# %%
# What comes with it
# ------------------
# All of scikit-learn's checks of an outlier detector; a search for the parameter, in which labels
# only judge; an alarm rate that good rows set which were not learned.

results = check_estimator(MedianDetector(), on_skip=None)
outcomes = Counter(result["status"] for result in results)
print("scikit-learn's checks:", dict(outcomes))

X, y, faults = make_detector_data(6000, random_state=0, return_faults=True)
good = y == 0
train, held_out, new = X[:2000], X[2000:4000][good[2000:4000]], X[4000:]
search = GridSearchCV(
    MedianDetector(),
    {"n_worst": [1, 2, 3, 5, 10, 16]},
    scoring=anomaly_roc_auc_scorer,
    cv=PredefinedSplit(np.where(np.arange(4000) < 2000, -1, 0)),
).fit(X[:4000], y[:4000])
for n_worst, area in zip(
    search.cv_results_["param_n_worst"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"n_worst={n_worst}: area under the ROC curve {area:.3f}")

detector = MedianDetector(**search.best_params_).fit(train).calibrate(held_out, alarm_rate=0.01)
flagged = detector.predict(new) == -1
print(f"good rows flagged, with 1.0 % promised: {flagged[good[4000:]].mean():.1%}")
print(f"faults found: {flagged[~good[4000:]].mean():.0%}")

# %%
# Which column is at fault
# ------------------------
# Twenty of the faults that were found, those with the highest scores of a column, logarithmic;
# crosses where channels are faulty.

found = np.flatnonzero(flagged & ~good[4000:])
is_faulty = faults.mask[4000:][found]
blame = detector.feature_scores(new.iloc[found])
hits = is_faulty[np.arange(len(found)), blame.argmax(axis=1)]
print(f"the worst column is one that is faulty in {hits.mean():.0%} of them")

worst = np.argsort(-blame.max(axis=1), kind="stable")[:20]
display = FeatureScoresDisplay.from_feature_scores(
    np.log1p(blame[worst]), names=list(X), rows=found[worst]
)
rows, columns = np.nonzero(is_faulty[worst])
display.ax_.plot(columns, rows, "x", color="white", mew=3, ms=8)
display.ax_.plot(columns, rows, "x", color="black", mew=1, ms=7)
display.ax_.set_ylabel("row")
plt.show()

# %%
# What was shown
# --------------
# A class of three methods passed all checks of scikit-learn but one, which is skipped without a
# setting of SciPy. On five seeds it flagged 0.6 to 1.0 % of new good rows, with 1.0 %
# promised, and found 62 to 70 % of the faults; the worst column was at fault in 98 to 100 % of
# these.
