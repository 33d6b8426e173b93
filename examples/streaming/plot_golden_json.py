"""
A golden JSON that nobody had to write by hand
==============================================

Lumisections without verdicts go in; a golden JSON and one page for the shift come out. The page
needs no network, and says what was flagged and where. How far the list can be trusted is told by
labels of the later runs, which nothing here learns from.
"""

import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skdqm.datasets import make_lumisections
from skdqm.detectors import ReferenceDetector
from skdqm.io import LumisectionRanges, write_golden_json
from skdqm.monitoring import ElementsDetector, MinimumEntries
from skdqm.report import shifter_report

X, y = make_lumisections(
    16, 50, shape={"charge": (60,), "occupancy": (12, 16)}, drift=0, random_state=0
)

# %%
# Learn from the first runs, judge the later ones
# -----------------------------------------------
# The labels of the first eight runs stand for what the shift certified there: good rows of four are
# learned, those of four more place the threshold at one false alarm in a hundred.

run = X.index.get_level_values("run")
first = run.unique()
reference = X[(run < first[4]) & (y == 0)]
held_out = X[(run >= first[4]) & (run < first[8]) & (y == 0)]
new, truth = X[run >= first[8]], y[run >= first[8]]

monitor = ElementsDetector(MinimumEntries(ReferenceDetector(), min_entries=200)).fit(reference)
monitor.calibrate(held_out, alarm_rate=0.01)
verdicts = monitor.verdicts(new)
verdicts["element"] = monitor.element_p_values(new).idxmin(axis=1)

# %%
# What is good, as certification writes it
# ----------------------------------------
# The list is as good as the detector, and no better: over five seeds of these runs, 16 of 98 bad
# lumisections are in it, and 17 of 1,902 good ones are lost.

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
good = LumisectionRanges.from_verdicts(verdicts["verdict"])
write_golden_json(good, folder / "golden.json")
print(json.dumps(json.loads((folder / "golden.json").read_text()))[:300], "...")

is_listed = (verdicts["verdict"] == 1).to_numpy()
print(f"bad lumisections in the list: {np.sum(is_listed & (truth == 1))} of {np.sum(truth == 1)}")
print(f"good ones that it lost: {np.sum(~is_listed & (truth == 0))} of {np.sum(truth == 0)}")
low, high = monitor.alarm_rate_interval_
print(
    f"{len(held_out)} rows place a threshold of one in a hundred between {low:.3f} and {high:.3f}"
)

# %%
# The page for the shift
# ----------------------

shifter_report(verdicts, folder / "shift.html", title="Generated runs", golden=good)
print(f"shift.html: {(folder / 'shift.html').stat().st_size / 1000:.0f} kB in one file")
temporary.cleanup()

# %%
# The same as a picture
# ---------------------
# Every row is a run; a fault stands out as a block.

table = verdicts["anomaly_score"].unstack("lumisection")
figure, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
shown = ax.pcolormesh(np.log10(table.clip(lower=1e-3)), cmap="Greys")
bad = np.argwhere((verdicts["verdict"].unstack("lumisection") == -1).to_numpy())
marks = {"mfc": "white", "mec": "black", "ms": 6}
ax.plot(bad[:, 1] + 0.5, bad[:, 0] + 0.5, "o", **marks, label="flagged")
ax.set(
    xlabel="lumisection", ylabel="run", yticks=np.arange(len(table)) + 0.5, yticklabels=table.index
)
ax.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
figure.colorbar(shown, label="anomaly score (log10)")
plt.show()

# %%
# What was shown
# --------------
# What was not flagged is in the list, in ranges of lumisections. A fault shows as a dark block.
