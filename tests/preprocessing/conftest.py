"""Events as lists of particles, for all tests of transformers that find jets."""

import numpy as np
import pytest

from skdqm import io
from skdqm.datasets import make_jet_events


@pytest.fixture(scope="session")
def toy_events():
    """60 events of 60 particles, as an array."""
    X, _ = make_jet_events(40, 20, n_particles=60, random_state=0)
    return X.to_numpy()


@pytest.fixture(scope="session")
def real_events(shared_data):
    """1,000 public events of 700 particles, and their labels."""
    table = io.read(shared_data("lhco/events_anomalydetection_tiny.h5"), label="2100")
    return table.X.to_numpy(), table.y


@pytest.fixture
def shuffled():
    """A function that gives the same events with their particles in another order."""

    def shuffle(X, seed=0):
        particles = X.reshape(len(X), -1, 3)
        order = np.random.default_rng(seed).permutation(particles.shape[1])
        return particles[:, order].reshape(X.shape)

    return shuffle
