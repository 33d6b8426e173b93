"""
What a detector cannot restore is what it calls abnormal
========================================================

Four networks look at the same events, as images, as particles and as columns of two jets. Each
pair of rows shows the worst and the best event of a test sample for one of them: what it saw, what
it restored, and how much each pixel, particle or column adds to the score.
"""

from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skdqm.datasets import make_jet_events
from skdqm.detectors import (
    ContrastiveDetector,
    ConvVAEDetector,
    GraphAutoencoderDetector,
    QuantumAutoencoderDetector,
)
from skdqm.preprocessing import JetClusterer, JetConstituents, JetFeatures, JetImages

events, _ = make_jet_events(300, 30, n_particles=150, random_state=0)
images = JetImages(image_size=24).fit(events)
particles = JetConstituents().fit(events)
shape, graph = images.image_shape_, particles.constituents_shape_
quick = {"max_epochs": 10, "random_state": 0}

cases = {
    "conv. VAE": (images, ConvVAEDetector(image_shape=shape, **quick)),
    "contrastive": (images, ContrastiveDetector(image_shape=shape, encoder="conv", **quick)),
}
if find_spec("torch_geometric"):
    cases["graph"] = (particles, GraphAutoencoderDetector(graph_shape=graph, **quick))
if find_spec("pennylane") and find_spec("fastjet"):
    features = make_pipeline(JetClusterer().set_output(transform="pandas"), JetFeatures())
    cases["quantum"] = (features.fit(events), QuantumAutoencoderDetector(n_qubits=3, **quick))


def draw(axis, name, row, reference, size=None):
    """Show one row: the leading jet as image or particles, columns as bars."""
    if name == "graph":
        pt, eta, phi = row.reshape(graph)[0].T
        area = (
            3 * np.sqrt(pt.clip(min=0)) if size is None else 8 * size.reshape(graph)[0].sum(axis=1)
        )
        axis.scatter(eta, phi, s=area, alpha=0.6)
        axis.set(xlim=(-1, 1), ylim=(-1, 1))
    elif name == "quantum":
        values = (row - reference.mean(axis=0)) / reference.std(axis=0)
        axis.bar(range(len(row)), np.asarray(values if size is None else size))
    else:
        image = (row if size is None else size).reshape(shape)[0]
        axis.imshow(np.log1p((image - np.median(image)).clip(min=0)), origin="lower")
    axis.set(xticks=[], yticks=[])


figure, axes = plt.subplots(2 * len(cases), 3, figsize=(6, 3.6 * len(cases)), layout="constrained")
for lines, (name, (transformer, detector)) in zip(
    axes.reshape(-1, 2, 3), cases.items(), strict=True
):
    rows = np.asarray(transformer.transform(events), dtype=float)
    scores = detector.fit(rows[:200]).score_samples(rows[200:])
    for line, which, position in zip(
        lines, ["worst", "best"], [scores.argmin(), scores.argmax()], strict=True
    ):
        row = rows[200:][[position]]
        draw(line[0], name, row[0], rows)
        draw(line[1], name, detector.reconstruct(row)[0], rows)
        draw(line[2], name, row[0], rows, size=detector.feature_scores(row)[0])
        line[0].set_ylabel(f"{name}: {which}")
for axis, title in zip(axes[0], ["event", "restored", "at fault"], strict=True):
    axis.set_title(title)
plt.show()
