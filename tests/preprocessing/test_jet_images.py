"""JetImages: one frame for all jets, no momentum invented, standardised by the training events."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from skdqm.exceptions import DataError, UsageError
from skdqm.preprocessing import JetConstituents, JetImages


def images(X, **parameters):
    transformer = JetImages(**({"standardize": False} | parameters))
    return transformer.fit_transform(X).reshape(-1, *transformer.image_shape_)


def rotated(particles, angle, mirror=1):
    """Turn all particles of one jet at the origin about it, and perhaps mirror the jet."""
    pt, eta, phi = np.asarray(particles, dtype=float).T
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([pt, eta * cos - phi * sin, mirror * (eta * sin + phi * cos)])


# No particle lies on the border between two pixels, whatever the rounding.
JET = np.array(
    [[50, 0.02, 0.03], [30, 0.1, 0.31], [20, -0.07, -0.35], [11, 0.17, 0.1], [7, -0.2, 0.04]]
)
ONE = {"n_jets": 1, "radius": None}


def test_pixels_are_rows_of_azimuth_and_columns_of_pseudorapidity():
    event = [10.0, -0.9, 0.1, 20.0, 0.9, 0.1, 30.0, 0.1, -0.9, 40.0, 0.1, 1.1]
    found = images([event], **ONE, center=None, rotate=False, flip=False, image_size=2, window=1)
    assert found[0, 0].tolist() == [[0.0, 30.0], [10.0, 20.0]]


def test_a_jet_looks_the_same_however_it_is_turned_and_mirrored():
    original = images(JET.reshape(1, -1), **ONE, image_size=8)
    for angle in np.linspace(0.1, 6.2, 7):
        for mirror in (1, -1):
            turned = rotated(JET, angle, mirror).reshape(1, -1)
            np.testing.assert_allclose(images(turned, **ONE, image_size=8), original, rtol=1e-6)


def test_without_rotation_and_flip_a_turned_jet_looks_different():
    turned = rotated(JET, 1.0).reshape(1, -1)
    for off in ({"rotate": False}, {"rotate": False, "flip": False}):
        original = images(JET.reshape(1, -1), **ONE, **off, image_size=8)
        assert not np.allclose(images(turned, **ONE, **off, image_size=8), original)


@pytest.mark.parametrize("center", ["centroid", "leading"])
@given(shift=st.floats(-3, 3), turn=st.floats(-3, 3))
def test_a_jet_looks_the_same_wherever_it_is(center, shift, turn):
    moved = np.add(JET, (0, shift, turn))
    moved[:, 2] -= 2 * np.pi * np.rint(moved[:, 2] / (2 * np.pi))
    found = images(moved.reshape(1, -1), **ONE, center=center, image_size=9)
    expected = images(JET.reshape(1, -1), **ONE, center=center, image_size=9)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_principal_axis_is_upright_and_the_hard_quadrant_up_and_right():
    jet = [[50, 0.02, 0.02], [30, 0.3, 0.31], [20, -0.3, -0.28], [25, 0.2, 0.2]]
    found = images(np.reshape(jet, (1, -1)), **ONE, image_size=10)[0, 0]
    rows, columns = found.sum(axis=1), found.sum(axis=0)
    assert (rows > 0).sum() > (columns > 0).sum()
    assert found[5:, 5:].sum() == max(
        half[:, side].sum() for half in (found[5:], found[:5]) for side in (slice(5), slice(5, 10))
    )


def test_leading_puts_the_hardest_particle_in_the_middle():
    found = images(JET.reshape(1, -1), **ONE, center="leading", image_size=9)
    assert found[0, 0, 4, 4] == 50.0


def test_flipping_about_the_hardest_particle_looks_at_the_others():
    jet = np.array([[50.0, 0, 0], [20.0, -0.3, 0.4], [5.0, 0.3, 0.4]])
    found = images(jet.reshape(1, -1), **ONE, center="leading", rotate=False, image_size=8)[0, 0]
    assert found[4:, 5:].sum() == 20.0


def test_momentum_in_the_window_is_kept_and_the_rest_left_out(toy_events):
    parameters = {"rotate": False, "flip": False, "window": 0.4, "image_size": 7}
    pt, deta, dphi = np.moveaxis(
        JetConstituents(n_particles=60).fit_transform(toy_events).reshape(60, 2, 60, 3), -1, 0
    )
    inside = (np.abs(deta) < 0.4) & (np.abs(dphi) < 0.4)
    expected = np.where(inside, pt, 0).sum(axis=-1)
    assert images(toy_events, **parameters).sum(axis=(2, 3)) == pytest.approx(expected, rel=1e-5)
    assert (expected < pt.sum(axis=-1)).any()


def test_turning_and_mirroring_lose_no_momentum(toy_events):
    wide = {"window": 2.0, "image_size": 5}
    plain = images(toy_events, rotate=False, flip=False, **wide).sum(axis=(2, 3))
    assert images(toy_events, **wide).sum(axis=(2, 3)) == pytest.approx(plain, rel=1e-5)


def test_the_order_of_particles_changes_nothing(toy_events, shuffled):
    np.testing.assert_array_equal(images(shuffled(toy_events)), images(toy_events))


def test_an_image_does_not_depend_on_its_neighbours(toy_events):
    transformer = JetImages(image_size=8).fit(toy_events)
    whole = transformer.transform(toy_events)
    chunks = [transformer.transform(chunk) for chunk in np.array_split(toy_events, 11)]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_all_pixels_together_have_mean_zero_and_deviation_one(toy_events):
    found = JetImages(image_size=8).fit_transform(toy_events).astype(np.float64)
    assert found.mean() == pytest.approx(0, abs=1e-6)
    assert found.std() == pytest.approx(1, rel=1e-5)


def test_standardising_is_one_shift_and_one_scale_learned_from_training_events(toy_events):
    transformer = JetImages(image_size=8).fit(toy_events[:40])
    plain = images(toy_events, image_size=8).reshape(60, -1)
    train = plain[:40].astype(np.float64)
    expected = (plain - train.mean()) / train.std()
    assert transformer.transform(toy_events) == pytest.approx(expected, abs=1e-5)
    assert (transformer.mean_, transformer.var_) == pytest.approx((train.mean(), train.var()))


@given(cuts=st.lists(st.integers(1, 59), max_size=4, unique=True).map(sorted))
def test_learning_in_chunks_gives_what_the_whole_gives(toy_events, cuts):
    whole = JetImages(image_size=4).fit(toy_events)
    chunked = JetImages(image_size=4)
    for chunk in np.split(toy_events, cuts):
        chunked.partial_fit(chunk)
    assert (chunked.mean_, chunked.var_) == pytest.approx((whole.mean_, whole.var_))
    assert chunked.n_samples_seen_ == 60


def test_fit_forgets_what_partial_fit_learned(toy_events):
    transformer = JetImages(image_size=4).partial_fit(100 * toy_events % 6).fit(toy_events)
    assert transformer.n_samples_seen_ == 60
    assert transformer.mean_ == JetImages(image_size=4).fit(toy_events).mean_


def test_without_standardising_pixels_are_momenta(toy_events):
    transformer = JetImages(standardize=False).partial_fit(toy_events).partial_fit(toy_events)
    assert (transformer.mean_, transformer.var_, transformer.n_samples_seen_) == (0.0, 1.0, 120)
    assert images(toy_events).max() > 10


def test_empty_events_are_finite_images():
    assert not JetImages(image_size=3).fit_transform(np.zeros((2, 9))).any()


def test_a_single_event_of_enormous_momentum_stays_finite(toy_events):
    huge = toy_events.copy()
    huge[:, ::3] *= 1e11
    found = JetImages(image_size=4).fit(toy_events * 1e-3).transform(huge)
    assert np.isfinite(found).all()


def test_pixels_are_named_by_jet_row_and_column(toy_events):
    transformer = JetImages(image_size=3).set_output(transform="pandas")
    found = transformer.fit_transform(pd.DataFrame(toy_events).add_prefix("c"))
    assert transformer.image_shape_ == (2, 3, 3)
    assert found.columns[[0, 5, 17]].tolist() == ["jet1_px0_0", "jet1_px1_2", "jet2_px2_2"]
    assert (found.dtypes == np.float32).all()


@pytest.mark.parametrize("value", [np.nan, -3.0])
def test_bad_values_are_refused_wherever_they_come(toy_events, value):
    bad = toy_events.copy()
    bad[5, 3] = value
    transformer = JetImages(image_size=4).fit(toy_events)
    for method in (clone(transformer).fit, transformer.partial_fit, transformer.transform):
        with pytest.raises(DataError, match="pt of particle 1 in row 5"):
            method(bad)
    assert transformer.n_samples_seen_ == 60


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"center": "middle"}, "'center' parameter of JetImages"),
        ({"window": 0}, "'window' parameter of JetImages"),
        ({"radius": None}, "set n_jets=1"),
        ({"center": None}, "rotate=False and flip=False"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_parameters_are_judged_before_anything_is_learned(toy_events, parameters, message, method):
    transformer = JetImages(**parameters)
    with pytest.raises((UsageError, ValueError), match=message):
        getattr(transformer, method)(toy_events)
    assert not hasattr(transformer, "mean_")


def test_neighbours_of_real_images_find_the_signal(real_events):
    X, y = real_events
    train = np.flatnonzero(y == 0)[:600]
    test = np.setdiff1d(np.arange(len(y)), train)
    transformer = JetImages().fit(X[train])
    near = NearestNeighbors(n_neighbors=5).fit(transformer.transform(X[train]))
    distance, _ = near.kneighbors(transformer.transform(X[test]))
    assert roc_auc_score(y[test], distance.mean(axis=1)) > 0.88  # 0.903 over five splits
