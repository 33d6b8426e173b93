"""
The best detector changes with the data; an ensemble stays near the best
========================================================================

Without labels nobody knows which detector suits the data. The autoencoder is the worst of four on
jets of LHC Olympics-like events and among the best two on readings of a detector; the isolation
forest is the other way round. The mean of all four, brought to one scale, is near the best on both.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from skdqm.datasets import make_detector_data, make_lhco_events
from skdqm.ensemble import EnsembleDetector
from skdqm.preprocessing import JetFeatures

events, _ = make_lhco_events(3000, 0, random_state=0)
new_events, is_signal = make_lhco_events(3000, 300, random_state=1)
jets = JetFeatures().fit(events)
readings, is_faulty = make_detector_data(4000, random_state=0)
good = readings[is_faulty == 0][:1500]
data = {
    "jets of events": (jets.transform(events), jets.transform(new_events), is_signal),
    "detector readings": (good, readings[2000:], is_faulty[2000:]),
}

figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained", width_ratios=[3, 2])
for (left, right), (title, (train, test, truth)) in zip(axes, data.items(), strict=True):
    ensemble = EnsembleDetector(random_state=0).fit(train)
    names = list(ensemble.named_detectors_)
    scores = [*ensemble.member_scores(test).T, ensemble.score_samples(test)]
    areas = [roc_auc_score(truth, -score) for score in scores]
    left.barh([*names, "all together"], areas, color=["0.7"] * len(names) + ["0.2"])
    for place, area in enumerate(areas):
        left.text(area, place, f" {area:.3f}", va="center")
    left.set(xlim=(0.5, 1.05), xlabel="area under the ROC curve", title=title)
    print(f"{title}: the best {max(areas[:-1]):.3f}, all together {areas[-1]:.3f}")

    # How far two members flag the same rows, beyond chance.
    kappa = ensemble.agreement(test)
    right.imshow(kappa, vmin=0, vmax=1, cmap="Greys")
    for row, column in np.ndindex(kappa.shape):
        shade = "white" if kappa[row, column] > 0.5 else "black"
        right.text(column, row, f"{kappa[row, column]:.2f}", ha="center", va="center", color=shade)
    right.set_xticks(range(len(names)), names, rotation=30, ha="right")
    right.set_yticks(range(len(names)), names)
    right.set_title("agreement (Cohen's kappa)")
plt.show()

# %%
# What was shown
# --------------
# The mean of four is never the best, and loses little to whichever is: on five seeds 0.009 to 0.023
# on jets and 0.005 to 0.014 on readings. The worst member loses 0.08 to 0.15 and 0.14 to 0.17.
# Those that suit different data also flag different rows.
