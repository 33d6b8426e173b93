"""
A row's score must not depend on its company
============================================

PyOD's ECOD ranks the rows that it is asked about together with those that it learned, so an event
gets one score alone and another in a batch. The same model inside
:class:`~skdqm.detectors.PyODDetector` gives both times the first one, with scikit-learn's labels
and signs.
"""

import matplotlib.pyplot as plt
import numpy as np
from pyod.models.ecod import ECOD
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector, PyODDetector

X, y = make_detector_data(2000, fault_fraction=0.1, random_state=0)
train, test, truth = X[:500][y[:500] == 0], X[500:800], y[500:800]

# %%
# Side by side
# ------------
# PyOD says 1 for an anomaly and scores it high; scikit-learn says -1 and scores it low. Behind
# ``PyODDetector`` a model of PyOD has the manners of ours. The areas only show that signs are
# right: which detector is best is another question, and its answer changes with the data.

theirs = ECOD(contamination=0.05).fit(train.to_numpy())
wrapped = PyODDetector("ECOD", contamination=0.05).fit(train)
ours = AutoencoderDetector(contamination=0.05, random_state=0).fit(train)

print("                  labels    AUC of the score   columns in another order")
for name, model, sign in [("PyOD", theirs, 1), ("wrapped", wrapped, -1), ("ours", ours, -1)]:
    rows = test.to_numpy() if model is theirs else test
    labels = sorted(int(label) for label in np.unique(model.predict(rows)))
    area = roc_auc_score(truth, sign * model.decision_function(rows))
    try:
        model.predict(test[test.columns[::-1]])
        manners = "taken"
    except ValueError:
        manners = "refused"
    print(f"{name:14s} {labels!s:>9s} {area:19.3f}   {manners}")

# %%
# Alone and in company
# --------------------

rows = test.to_numpy()
together = theirs.decision_function(rows)
alone = np.array([theirs.decision_function(row[None])[0] for row in rows])
wrapped_together = -wrapped.score_samples(test)
wrapped_alone = np.array([-wrapped.score_samples(test[i : i + 1])[0] for i in range(len(test))])
for name, one, many in [
    ("PyOD", alone, together),
    ("wrapped", wrapped_alone, wrapped_together),
]:
    print(f"{name:8s} {np.sum(one != many):3d} of {len(one)} rows have another score in the batch")
changed = (alone > theirs.threshold_) != (together > theirs.threshold_)
print("rows whose verdict changes with PyOD:", changed.sum())

# %%
# Pipelines and copies
# --------------------

copy = make_pipeline(StandardScaler(), clone(wrapped)).fit(train)
print("in a Pipeline, cloned:", copy.predict(test[:8]))

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharex=True, sharey=True)
panels = {"PyOD's ECOD": (alone, together), "PyODDetector": (wrapped_alone, wrapped_together)}
for axis, (title, (one, many)) in zip(axes, panels.items(), strict=True):
    axis.axhline(0, color="0.6", lw=1)
    axis.plot(one, many - one, ".", color="black")
    axis.set(title=title, xlabel="score of the row alone")
axes[0].set_ylabel("change of it among 300 rows")
plt.show()

# %%
# What was shown
# --------------
# ECOD gave every row another score in company than alone, and a few rows another verdict. Wrapped,
# all scores were the same to the last bit. It was so on each of four seeds.
