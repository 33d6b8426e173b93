"""
A drift alarm must know how alike neighbours are
================================================

Scores of consecutive lumisections resemble each other. A monitor that takes them for independent
raises one alarm after another while nothing changes; one that has learned, from the reference *in
the order of time*, how far block means wander raises none, and still finds a change, with its
onset.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

from skdqm.drift import DriftMonitor
from skdqm.inspection import DriftDisplay

rng = np.random.default_rng(3)
scores = lfilter([1], [1, -0.9], rng.standard_normal(16_000))
scores /= scores.std()
reference, stream = scores[:5_000], scores[5_000:]
change = 10_000
stream[change:] += 1.0

figure, axes = plt.subplots(2, 1, figsize=(9, 6), sharex=True, layout="constrained")
# Shuffled, the reference has forgotten what came after what.
references = {"in the order of time": reference, "shuffled": rng.permutation(reference)}
for axis, (order, rows) in zip(axes, references.items(), strict=True):
    monitor = DriftMonitor("cusum").fit(rows)
    display = DriftDisplay.from_monitor(monitor, stream, ax=axis)
    false = sum(each["position"] <= change for each in display.changes)
    axis.axvline(change, color="black", ls=":")
    axis.set_title(f"reference {order}: {false} false alarms before the change (dotted)")
plt.show()
