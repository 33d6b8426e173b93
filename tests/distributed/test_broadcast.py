"""How an estimator leaves its process."""

import pickle
import pickletools

import cloudpickle
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback

from skdqm.distributed._broadcast import Broadcast
from skdqm.monitoring import PersistenceDetector
from tests.distributed.conftest import small_autoencoder

pytest.importorskip("dask", reason="Dask is not installed")


def names_in(packed):
    """Return what the pickle would import."""
    texts = [str(argument) for _, argument, _ in pickletools.genops(packed) if argument is not None]
    return {text for text in texts if text.startswith(("skdqm", "torch", "sklearn", "skorch"))}


def test_a_detector_travels_as_a_model_file_and_scores_alike(named, frame):
    packed = pickle.dumps(Broadcast(named))
    assert names_in(packed) == {"skdqm.distributed._broadcast"}
    arrived = pickle.loads(packed).estimator
    np.testing.assert_array_equal(arrived.p_values(frame), named.p_values(frame))


class Unknown(BaseEstimator):
    """An estimator that no model file holds."""


@pytest.mark.parametrize(
    "estimator", [Unknown(), small_autoencoder().set_params(callbacks=[Callback()])]
)
def test_what_no_model_file_holds_travels_all_the_same(estimator):
    arrived = cloudpickle.loads(cloudpickle.dumps(Broadcast(estimator))).estimator
    assert type(arrived).__name__ == type(estimator).__name__
    assert len(arrived.get_params().get("callbacks") or []) == bool(estimator.get_params())


def test_callbacks_inside_of_a_detector_travel_too():
    inside = small_autoencoder().set_params(callbacks=[Callback()])
    arrived = cloudpickle.loads(cloudpickle.dumps(Broadcast(PersistenceDetector(inside)))).estimator
    assert len(arrived.detector.callbacks) == 1
