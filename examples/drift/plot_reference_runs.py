"""
A reference that follows the detector finds more faults
=======================================================

Good runs differ more from each other than faults do from good runs. On one stream of lumisections,
judged forward in time, every test of the same histograms ranks faults better where its reference
follows the detector: the latest rows, the last good run, or the runs that are nearest.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from skdqm.datasets import make_lumisections
from skdqm.detectors import ReferenceDetector
from skdqm.metrics import evaluate_by_run

X, y = make_lumisections(24, 60, drift=0.03, statistics=5000, random_state=0)
runs = X.index.get_level_values("run")
past = runs < np.unique(runs)[4]
first, first_faulty = X[past], y[past]

tests = ["max_pull", "chi2", "kolmogorov_smirnov"]
references = {"fit": "none", "rolling": "all", "last-good-run": "good", "k-nearest-runs": "good"}
figure, axis = plt.subplots(figsize=(9, 4.5), layout="constrained")
for shift, (test, shade) in enumerate(zip(tests, ["0.2", "0.5", "0.8"], strict=True)):
    areas = []
    for reference, learn in references.items():
        detector = ReferenceDetector(test=test, reference=reference).fit(first[first_faulty == 0])
        # Each run is judged before it is learned; its labels are known when it has ended.
        found = evaluate_by_run(detector, X[~past], y[~past], learn=learn)
        areas.append(roc_auc_score(y[~past], found["anomaly_score"]))
    places = np.arange(len(areas)) + 0.27 * (shift - 1)
    axis.bar(places, areas, 0.25, color=shade, edgecolor="black", label=test)
    for place, area in zip(places, areas, strict=True):
        axis.text(place, area, f"{area:.2f}", ha="center", va="bottom")
names = ["static", "rolling\n(no labels)", "last good run", "nearest runs"]
axis.set_xticks(range(len(names)), names)
axis.set(ylim=(0.5, 1.05), ylabel="area under the ROC curve", title="reference and test")
axis.legend(ncols=3, loc="upper left")
plt.show()
