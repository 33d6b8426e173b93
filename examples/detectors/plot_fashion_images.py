"""
In pictures of things, edges tell more than grey values
=======================================================

A pullover may be dark or bright, plain or striped, and is a pullover. Behind
:class:`~skdqm.preprocessing.OrientedGradients`, which sees where edges are and which way they run,
a detector tells other garments better than by the pixels, or as well where both do.

The page draws simple garments of 28 x 28 pixels, which are easier to tell apart than real ones. Set
the variable ``SKDQM_DATA`` to a folder that has the files of Fashion-MNIST in ``fashion_mnist``,
and it takes those; :func:`skdqm.datasets.fetch_fashion_mnist` downloads them.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from skdqm.datasets import fetch_fashion_mnist
from skdqm.detectors import ContrastiveDetector
from skdqm.preprocessing import OrientedGradients

# The classes that are used, with their labels in Fashion-MNIST.
KINDS = {"T-shirt": 0, "trousers": 1, "pullover": 2, "dress": 3, "bag": 8}


def draw(kind, rng):
    """Draw a garment: half of its width at each height, sleeves, brightness and stripes."""
    height, width = np.mgrid[-1:1:28j, -1:1:28j]
    stretch, wide = rng.uniform(0.9, 1.15, 2)
    height, width = height * stretch, np.abs(width - rng.uniform(-0.1, 0.1)) / wide
    inside = (np.abs(height) < 0.85) & (width < 0.45)
    if kind == "T-shirt":
        inside |= (np.abs(height + 0.6) < 0.25) & (width < 0.85)
    elif kind == "pullover":
        inside |= (height > -0.85) & (height < 0.7) & (np.abs(width - 0.7) < 0.14)
    elif kind == "dress":
        inside = (np.abs(height) < 0.85) & (width < 0.3 + 0.15 * (height + 0.85))
    elif kind == "trousers":
        inside &= (width > 0.08) | (height < -0.4)
    elif kind == "bag":
        inside = (np.abs(height - 0.2) < 0.5) & (width < 0.75)
    stripes = 1 + rng.uniform(0, 0.4) * np.sin(rng.uniform(3, 20) * height + rng.uniform(0, 6))
    noise = rng.normal(0, 8, inside.shape)
    return np.clip(inside * rng.uniform(60, 200) * stripes + noise * inside, 0, 255)


if "SKDQM_DATA" in os.environ:
    X, label = fetch_fashion_mnist(Path(os.environ["SKDQM_DATA"]) / "fashion_mnist")
    kept = np.flatnonzero(np.isin(label, list(KINDS.values())))[:3000]
    X, label = X[kept], label[kept]
else:
    rng = np.random.default_rng(0)
    label = rng.choice(list(KINDS.values()), 3000)
    names = {number: name for name, number in KINDS.items()}
    X = np.array([draw(names[number], rng).ravel() for number in label])
is_first = np.arange(len(X)) < 2000

# %%
# Each class in turn is the normal one
# ------------------------------------
# The detector learns images of one class among the first 2,000; it judges all of the last 1,000.

gradients = OrientedGradients(image_shape=(1, 28, 28))
detector = ContrastiveDetector(max_epochs=10, random_state=0)
models = {"pixels": make_pipeline(detector), "gradients": make_pipeline(gradients, detector)}
areas = {name: [] for name in models}
nearest = {"pullovers": np.empty(0, dtype=int)}
for number in KINDS.values():
    is_other = label[~is_first] != number
    for name, model in models.items():
        score = -clone(model).fit(X[is_first & (label == number)]).score_samples(X[~is_first])
        areas[name].append(roc_auc_score(is_other, score))
        if number == KINDS["pullover"]:
            nearest[name] = np.argsort(np.where(is_other, score, np.inf))[:4]
            nearest["pullovers"] = np.flatnonzero(~is_other)[:4]

print("normal class" + "".join(f"{name:>12s}" for name in models))
for place, kind in enumerate(KINDS):
    print(f"{kind:12s}" + "".join(f"{values[place]:12.3f}" for values in areas.values()))

# %%
# Pullovers, the other garments that are nearest to them for each model, and the areas.

figure = plt.figure(figsize=(10, 4.5), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[2, 3])
for line, (name, rows) in zip(left.subplots(3, 4), nearest.items(), strict=True):
    for axis, image in zip(line, X[~is_first][rows], strict=True):
        axis.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=255)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(name)
left.suptitle("pullovers, and what is nearest to them by ...")
axis = right.subplots()
places = np.arange(len(KINDS))
for shift, (name, values), shade in zip((-0.2, 0.2), areas.items(), ("0.75", "0.3"), strict=True):
    axis.bar(places + shift, values, 0.4, color=shade, edgecolor="black", label=name)
    for place, value in zip(places + shift, values, strict=True):
        axis.text(place, value, f"{value:.2f}", ha="center", va="bottom")
axis.set_xticks(places, list(KINDS))
axis.set(ylim=(0.5, 1.12), xlabel="normal class", ylabel="area under the ROC curve")
axis.legend(loc="upper left", ncols=2)
plt.show()

# %%
# What was shown
# --------------
# The T-shirts that pixels take for pullovers are dark ones. Gradients gained most where other
# classes cover the same pixels, and lost nowhere; on the real images they gained in all five
# classes.
