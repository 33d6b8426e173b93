"""The model whose events are timed: a default autoencoder behind a scaler."""

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import AutoencoderDetector

Floats = NDArray[np.float64]

# Rows to learn and to calibrate. Times do not depend on how well a network is trained.
LEARNED, CALIBRATED, EPOCHS = 2_000, 2_000, 5


def network() -> AutoencoderDetector:
    """Return the autoencoder, unfitted."""
    return AutoencoderDetector(max_epochs=EPOCHS, random_state=0)


def trained(rows: Floats) -> Pipeline:
    """Return the model, which has learned rows."""
    return make_pipeline(StandardScaler(), network()).fit(rows)


def calibrated(model: Pipeline, good: Floats) -> Pipeline:
    """Return a copy of a model that promises an alarm rate, by good rows."""
    twin = deepcopy(model)
    twin[-1].calibrate(twin[:-1].transform(good))
    return twin
