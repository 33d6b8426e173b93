"""
A loss map shows where a jet differs from those of the background
=================================================================

Events become images of their two leading jets, with the momentum in GeV as it is. A convolutional
autoencoder that saw background alone restores the core of a jet; momentum far from it stays in
the loss map. Each step from particles to images is drawn first, then the worst and the best event
of a test sample.

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
axes[0, 0].set_ylabel("one jet")
axes[1, 0].set_ylabel(f"mean of {len(signal)}")
plt.show()

# %%
# What the network does not restore
# ---------------------------------

images = JetImages().fit(X_train)
detector = ConvAutoencoderDetector(image_shape=images.image_shape_, random_state=0)
model = make_pipeline(images, detector).fit(X_train)
scores = -model.score_samples(X_test)

pixels = images.transform(X_test)
rows = np.array([scores.argmax(), scores.argmin()])
panels = {
    "image": pixels[rows],
    "reconstruction": detector.reconstruct(pixels[rows]),
    "loss map": detector.feature_scores(pixels[rows]),
}
figure, axes = plt.subplots(2, 3, figsize=(8, 5), layout="constrained")
for column, (title, flat) in enumerate(panels.items()):
    leading = flat.reshape(-1, *images.image_shape_)[:, 0]
    for line, image in enumerate(leading):
        axis = axes[line, column]
        shown = np.log1p(image.clip(min=0))
        axis.imshow(shown, cmap="viridis", origin="lower")
        axis.set(xticks=[], yticks=[], title=title if line == 0 else "")
for line, name in enumerate(["worst", "best"]):
    kind = ["background", "signal"][y_test[rows[line]]]
    axes[line, 0].set_ylabel(f"{name} ({kind})")
figure.suptitle(f"leading jets, logarithmic; ROC-AUC {roc_auc_score(y_test, scores):.2f}")
plt.show()
