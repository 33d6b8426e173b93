"""
What a network cannot restore makes up its score: wholly, mostly or in part
===========================================================================

Four networks look at the same events, as images, as particles and as columns of two jets. What each
pixel, particle or column adds to what was not restored is drawn for the worst and the best event.
For graphs and the quantum circuit these losses are the score; the variational network adds how
unusual its latent numbers are, and the contrastive one goes by a distance in latent space as well.
"""

from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import spearmanr
from sklearn.pipeline import make_pipeline

from skdqm.datasets import make_jet_events
from skdqm.detectors import (
    ContrastiveDetector,
    ConvVAEDetector,
    GraphAutoencoderDetector,
    QuantumAutoencoderDetector,
)
from skdqm.preprocessing import JetClusterer, JetConstituents, JetFeatures, JetImages

# %%
# Two networks on images; a graph of particles and a quantum circuit where their extras are
# installed. All learn the first two hundred events.

events, _ = make_jet_events(300, 30, n_particles=150, random_state=0)
images = JetImages(image_size=24).fit(events)
particles = JetConstituents().fit(events)
shape, graph = images.image_shape_, particles.constituents_shape_
quick = {"max_epochs": 10, "random_state": 0}

cases = {
    "conv. VAE": (images, ConvVAEDetector(image_shape=shape, **quick)),
    "contrastive": (images, ContrastiveDetector(image_shape=shape, encoder="conv", **quick)),
}
columns = []
if find_spec("torch_geometric"):
    cases["graph"] = (particles, GraphAutoencoderDetector(graph_shape=graph, **quick))
if find_spec("pennylane") and find_spec("fastjet"):
    features = make_pipeline(JetClusterer().set_output(transform="pandas"), JetFeatures())
    columns = list(features.fit(events).get_feature_names_out())
    cases["quantum"] = (features, QuantumAutoencoderDetector(n_qubits=3, **quick))


def draw(axis, name, values, sizes=None):
    """Show the leading jet as image or particles, or columns as bars."""
    if name == "graph":
        pt, eta, phi = values.reshape(graph)[0].T
        areas = (
            np.sqrt(pt.clip(min=0)) * 3 if sizes is None else sizes.reshape(graph)[0].sum(axis=1)
        )
        axis.scatter(eta, phi, s=areas, color="tab:blue", edgecolor="black", alpha=0.6)
        axis.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[], yticks=[])
    elif name == "quantum":
        axis.bar(range(len(values)), values if sizes is None else sizes, color="tab:blue")
        axis.axhline(0, color="black", lw=0.8)
        axis.set(xticks=[])
    else:
        image = (values if sizes is None else sizes).reshape(shape)[0]
        most = 4 if sizes is None else 6
        axis.imshow(np.log1p(image.clip(min=0)), origin="lower", vmin=0, vmax=most)
        axis.set(xticks=[], yticks=[])


# %%
# For each network the worst and the best of the last events: what it saw, what it restored, and
# what that adds to the loss. Images are logarithmic, with one scale for events and one for losses;
# circles are as large as momenta or losses; bars of events are standard deviations from the mean.

figure, axes = plt.subplots(
    2 * len(cases), 3, figsize=(7.5, 3.6 * len(cases)), layout="constrained"
)
for lines, (name, (transformer, detector)) in zip(
    axes.reshape(-1, 2, 3), cases.items(), strict=True
):
    rows = np.asarray(transformer.transform(events), dtype=float)
    new = rows[200:]
    scores = -detector.fit(rows[:200]).score_samples(new)
    losses = detector.feature_scores(new)
    alike = spearmanr(scores, losses.sum(axis=1)).statistic
    print(f"{name:12s} rank correlation of the score and the sum of losses: {alike:.2f}")
    extremes = {"worst": scores.argmax(), "best": scores.argmin()}
    for line, (which, row) in zip(lines, extremes.items(), strict=True):
        centre, spread = (rows.mean(axis=0), rows.std(axis=0)) if name == "quantum" else (0, 1)
        draw(line[0], name, (new[row] - centre) / spread)
        draw(line[1], name, (detector.reconstruct(new[[row]])[0] - centre) / spread)
        draw(line[2], name, new[row], losses[row])
        line[0].set_ylabel(f"{name}: {which}")
        if name == "quantum":
            line[1].set_ylim(line[0].get_ylim())
    if name == "quantum":
        lines[1, 2].set_ylim(lines[0, 2].get_ylim())
        for axis in lines[1]:
            axis.set_xticks(range(len(columns)), columns, rotation=90, fontsize="x-small")
for axis, title in zip(axes[0], ["event", "restored", "loss"], strict=True):
    axis.set_title(title)
plt.show()

# %%
# What was shown
# --------------
# A loss can be drawn where it is. On five seeds its sum ranks events as the score does for graphs
# and the quantum circuit (rank correlation 1.00); for the variational network it is 0.77 to 0.84,
# for the contrastive one 0.40 to 0.58, whose score these maps explain in part only.
