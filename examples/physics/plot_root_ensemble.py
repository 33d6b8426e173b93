"""
The twenty most abnormal events of a tree are the hardest ones, not the signal
==============================================================================

A ROOT tree goes into four detectors. Their votes agree on the top of the list, and its physics is
plain: events of the highest dijet masses, which are rare by themselves. A good area under the ROC
curve promises nothing of the first twenty events. Without the momenta, there is more than twice as
much signal among the first two hundred.

The page needs the extra ``root``: ``python -m pip install "skdqm[root]"``. It makes its events; set
the variable ``SKDQM_DATA`` to a folder that has ``lhco/lhco_rd_v1_dev20k.features.h5``, and it
takes those of the LHC Olympics.
"""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from skdqm.datasets import make_lhco_events
from skdqm.ensemble import EnsembleDetector
from skdqm.inspection import FeatureScoresDisplay
from skdqm.io import read
from skdqm.preprocessing import LHCO_COLUMNS, JetFeatures

if not (find_spec("uproot") and find_spec("awkward")):
    raise ModuleNotFoundError('this page needs: python -m pip install "skdqm[root]"')
import uproot

# %%
# A tree
# ------
# Usually it comes from somewhere else; here it is written first, with numbers of the events.

if "SKDQM_DATA" in os.environ:
    source = Path(os.environ["SKDQM_DATA"]) / "lhco" / "lhco_rd_v1_dev20k.features.h5"
    table = read(source, n_rows=6000)
    columns, is_signal = table.X, table.y
else:
    columns, is_signal = make_lhco_events(5800, 200, random_state=0)

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "events.root"
with uproot.recreate(path) as file:
    branches = {name: columns[name].to_numpy() for name in columns}
    branches["event"] = np.arange(len(columns))
    branches["label"] = is_signal
    file.mktree("events", {name: values.dtype for name, values in branches.items()})
    file["events"].extend(branches)

tree = read(path, columns=list(LHCO_COLUMNS), label="label", carry=["event"])
folder.cleanup()
print(f"{len(tree.X)} events with {tree.X.shape[1]} columns, {tree.y.mean():.1%} of them signal")

# %%
# Four detectors, one list
# ------------------------
# Nobody tells them what a signal is. A vote is a flag of one detector at its own threshold, which
# one training event in a hundred exceeds.

jets = JetFeatures(dijet=True).set_output(transform="pandas").fit_transform(tree.X)
ensemble = EnsembleDetector(random_state=0).fit(jets)
scores = -ensemble.score_samples(jets)
top = np.argsort(-scores)[:20]

flags = ensemble.member_predictions(jets.iloc[top]) == -1
at_fault = ensemble.feature_scores(jets.iloc[top])
ranking = pd.DataFrame(
    {
        "event": tree.carried["event"].to_numpy()[top],
        "votes": flags.sum(axis=1),
        "most unusual": jets.columns[at_fault.argmax(axis=1)],
        "mjj / GeV": jets["mjj"].to_numpy()[top].round(),
        "signal": tree.y[top],
    }
)
print(ranking.to_string(index=False))
names = list(ensemble.named_detectors_)
print("votes of each:", dict(zip(names, flags.sum(axis=0).tolist(), strict=True)))

# %%
# What the physics is
# -------------------
# Medians in GeV: the top of the list lies at the end of the falling spectrum.

shown = ["pt_j1", "pt_j2", "m_j1", "m_j2", "mjj"]
medians = {
    "all events": jets[shown].median(),
    "top twenty": jets.iloc[top][shown].median(),
    "signal": jets[tree.y == 1][shown].median(),
}
print(pd.DataFrame(medians).round().astype(int))

# %%
# The same without momenta
# ------------------------
# What is rare for a reason that is known need not be searched: masses and prongs are left.

inside = [name for name in jets if name.startswith(("m_", "tau"))]
without = EnsembleDetector(random_state=0).fit(jets[inside])
lists = {"all columns": scores, "masses and prongs": -without.score_samples(jets[inside])}
for name, score in lists.items():
    order = np.argsort(-score)
    n_20, n_200 = tree.y[order[:20]].sum(), tree.y[order[:200]].sum()
    area = roc_auc_score(tree.y, score)
    print(f"{name:18s} AUC {area:.2f}; signal: {n_20} of the first 20, {n_200} of 200")

figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 5), layout="constrained", width_ratios=[5, 6]
)
heavier = jets[["m_j1", "m_j2"]].max(axis=1)
for label, (marker, shade, name) in enumerate(
    [(".", "0.75", "background"), ("x", "0.35", "signal")]
):
    rows = tree.y == label
    left.plot(jets["mjj"][rows], heavier[rows], marker, color=shade, ms=4, label=name)
left.plot(
    jets["mjj"].iloc[top], heavier.iloc[top], "o", mfc="none", color="black", label="top twenty"
)
left.set(xlabel="dijet mass / GeV", ylabel="mass of the heavier jet / GeV")
left.locator_params(axis="x", nbins=5)
left.legend()
FeatureScoresDisplay.from_feature_scores(
    at_fault, names=list(jets), rows=ranking["event"].tolist(), ax=right
)
right.set_ylabel("number of the event")
plt.show()

# %%
# What was shown
# --------------
# The circles surround the signal, and hold none of it. On three seeds the first two hundred had 5
# to 9 signal events by all columns, and 23 to 32 by masses and prongs.
