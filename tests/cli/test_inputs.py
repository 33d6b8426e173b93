import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from skdqm.cli._inputs import Features, Inputs
from skdqm.cli._options import On
from skdqm.cli._source import Source
from skdqm.detectors import AutoencoderDetector, ConvAutoencoderDetector
from skdqm.exceptions import UsageError
from skdqm.io import read
from skdqm.preprocessing import LHCO_COLUMNS, JetFeatures, JetImages

DENSE, CONVOLUTIONAL = AutoencoderDetector, ConvAutoencoderDetector


class GraphDetector(AutoencoderDetector):
    """A detector of sets of particles, as far as its inputs go."""

    graph_shape = None


@pytest.fixture
def inputs(request):
    """Say what a detector of some class gets of a file that a fixture wrote."""

    def inputs(name, features=None, columns=None, detector=DENSE, **parameters):
        source = Source(request.getfixturevalue(name))
        return Inputs.of(source, features, columns, detector(**parameters))

    return inputs


@pytest.mark.parametrize(
    ("name", "features", "detector", "steps"),
    [
        ("events", None, DENSE, ["StandardScaler"]),
        ("events", None, CONVOLUTIONAL, ["StandardScaler"]),
        ("events", Features.JETS, DENSE, ["JetFeatures", "StandardScaler"]),
        ("images", None, DENSE, []),
        ("images", Features.IMAGES, CONVOLUTIONAL, []),
        ("images", Features.GRADIENTS, DENSE, ["OrientedGradients"]),
        ("particles", None, DENSE, ["JetClusterer", "JetFeatures", "StandardScaler"]),
        ("particles", None, CONVOLUTIONAL, ["JetImages"]),
        ("particles", None, GraphDetector, ["JetConstituents"]),
        ("particles", Features.CONSTITUENTS, DENSE, ["JetConstituents"]),
        ("particles", Features.IMAGES, DENSE, ["JetImages"]),
        ("particles", Features.RAW, DENSE, ["StandardScaler"]),
    ],
)
def test_the_steps_suit_the_file_and_the_detector(inputs, name, features, detector, steps):
    pipeline = inputs(name, features, detector=detector).pipeline("the detector")
    assert [type(step).__name__ for _, step in pipeline.steps[:-1]] == steps
    assert pipeline.steps[-1] == ("detector", "the detector")


def test_columns_that_are_laid_out_as_an_image_are_not_scaled_apart(inputs):
    found = inputs("events", detector=CONVOLUTIONAL, image_shape=(1, 2, 7))
    assert found.scaling == []


@pytest.mark.parametrize(
    ("name", "features", "columns", "message"),
    [
        ("readings", Features.IMAGES, None, "images needs raw events .* a table of 3 columns"),
        ("images", Features.CONSTITUENTS, None, "constituents needs raw events .* 1 x 6 x 5"),
        ("images", Features.JETS, None, "jets needs raw events or the columns of jets"),
        ("images", None, ["pixel_0_0"], "--columns chooses columns of a table"),
        ("particles", None, ["0", "1", "2"], "raw events of 16 particles, which are taken whole"),
        ("events", Features.JETS, ["mj1"], "needs exactly the columns"),
    ],
)
def test_what_does_not_fit_the_file_is_refused(inputs, name, features, columns, message):
    with pytest.raises(UsageError, match=message):
        inputs(name, features, columns)


@pytest.mark.parametrize("columns", [None, list(LHCO_COLUMNS)[::-1]])
def test_jets_read_their_columns_and_no_others(inputs, columns):
    assert inputs("events", Features.JETS, columns).columns == list(LHCO_COLUMNS)


def test_rows_of_a_table_are_float64_under_their_names(inputs, frame):
    rows = inputs("events").rows(On.ALL, 0)
    assert set(rows.dtypes.astype(str)) == {"float64"}
    pd.testing.assert_frame_equal(rows, frame[0].astype("float32").astype("float64"))


def test_rows_behind_jets_are_those_of_the_transformer(inputs, frame):
    X, y = frame
    rows = inputs("events", Features.JETS).rows(On.BACKGROUND, 0)
    expected = JetFeatures().fit_transform(X[y == 0].astype("float32").astype("float64"))
    np.testing.assert_array_equal(rows, expected)
    assert list(rows.columns[:2]) == ["pt_j1", "eta_j1"]
    assert rows.index.tolist() == np.flatnonzero(y == 0).tolist()


def test_events_are_reduced_batch_by_batch_as_if_at_once(inputs, particles, monkeypatch):
    found = inputs("particles", detector=CONVOLUTIONAL)
    rows = found.rows(On.ALL, 0)
    batches = Source.batches
    monkeypatch.setattr(Source, "batches", lambda *a, **how: batches(*a, **{**how, "size": 7}))
    again = inputs("particles", detector=CONVOLUTIONAL).rows(On.ALL, 0)
    pd.testing.assert_frame_equal(rows, again)
    events = read(particles).X
    expected = JetImages(standardize=False).fit_transform(events.astype("float64"))
    np.testing.assert_array_equal(rows, expected)
    assert set(rows.dtypes.astype(str)) == {"float32"}


@pytest.mark.parametrize(
    ("name", "shape"), [("images", (1, 6, 5)), ("particles", (2, 32, 32)), ("readings", None)]
)
def test_a_detector_learns_the_shape_of_its_rows(inputs, name, shape):
    detector = CONVOLUTIONAL()
    found = inputs(name, detector=CONVOLUTIONAL)
    found.rows(On.ALL, 0)
    found.settle_shape(detector)
    assert detector.image_shape == shape


def test_a_shape_of_images_that_the_user_set_has_to_be_that_of_the_file(inputs):
    found = inputs("images", detector=CONVOLUTIONAL)
    found.settle_shape(CONVOLUTIONAL(image_shape=[1, 6, 5]))
    with pytest.raises(UsageError, match=r"image_shape=\(1, 5, 6\).*gives \(1, 6, 5\)"):
        found.settle_shape(CONVOLUTIONAL(image_shape=(1, 5, 6)))


def test_a_detector_without_a_shape_takes_flat_images(inputs):
    detector = DENSE()
    inputs("images").settle_shape(detector)
    assert not hasattr(detector, "image_shape")


def test_steps_behind_the_reading_are_those_that_learn(inputs):
    found = inputs("events", Features.JETS)
    steps = found.learned_steps(found.pipeline(DENSE()))
    assert [type(step) for _, step in steps] == [StandardScaler]


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_pixels_lose_nothing(tmp_path, dtype):
    pixels = np.array([[[0, 255], [1, 3]], [[7, 8], [9, 1]]]).astype(dtype)
    if dtype == "float64":
        pixels *= 1e300
    np.save(tmp_path / "maps.npy", pixels)
    found = Inputs.of(Source(tmp_path / "maps.npy"), None, None, CONVOLUTIONAL())
    rows = found.rows(On.ALL, 0)
    np.testing.assert_array_equal(rows, pixels.reshape(2, 4).astype("float64"))
    assert set(rows.dtypes.astype(str)) == {"float64" if dtype == "float64" else "float32"}
