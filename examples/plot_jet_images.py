"""
A loss map shows where a jet differs from those of the background
=================================================================

Events become images of their two leading jets, with the momentum in GeV as it is. A convolutional
autoencoder that saw background alone restores the core of a jet; momentum far from it stays in
the loss map. The worst and the best event of a test sample are shown.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from skdqm.datasets import make_jet_events
from skdqm.detectors import ConvAutoencoderDetector
from skdqm.preprocessing import JetImages

X_train, _ = make_jet_events(400, 0, n_particles=200, random_state=0)
X_test, y_test = make_jet_events(150, 50, n_particles=200, random_state=1)

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
