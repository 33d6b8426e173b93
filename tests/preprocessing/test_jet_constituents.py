"""JetConstituents: the right particles in the right order, whatever the order of the input."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skdqm.exceptions import DataError, UsageError
from skdqm.preprocessing import JetConstituents

EVENT = [
    *(20.0, 0.2, 3.1),
    *(30.0, 0.2, -3.1),
    *(0.0, 0.0, 0.0),
    *(45.0, -1.0, 0.5),
    *(5.0, 0.1, 3.0),
]


def constituents(X, **parameters):
    transformer = JetConstituents(**parameters)
    return transformer.fit_transform(X).reshape(-1, *transformer.constituents_shape_)


def test_a_jet_across_the_seam_worked_out_by_hand():
    first, second = constituents([EVENT], n_particles=4)[0]
    away = 2 * np.pi - 6.2
    eta = (20 * 0.2 + 30 * 0.2 + 5 * 0.1) / 55
    phi = (20 * -away + 5 * (-away - 0.1)) / 55  # seen from the hardest particle
    expected = [[30, 0.2 - eta, -phi], [20, 0.2 - eta, -away - phi], [5, 0.1 - eta, 0]]
    expected[2][2] = -away - 0.1 - phi
    assert first == pytest.approx(np.array([*expected, [0, 0, 0]]))
    assert second == pytest.approx(np.array([[45, 0, 0], *[[0, 0, 0]] * 3]))


def test_absolute_positions_are_those_of_the_input_to_the_bit():
    first, second = constituents([EVENT], n_particles=3, relative=False)[0]
    assert first.tolist() == [[30, 0.2, -3.1], [20, 0.2, 3.1], [5, 0.1, 3.0]]
    assert second[0].tolist() == [45, -1.0, 0.5]


def test_only_the_hardest_are_kept(toy_events):
    many, few = (constituents(toy_events, n_particles=n) for n in (60, 4))
    np.testing.assert_array_equal(few, many[:, :, :4])
    assert (np.diff(many[..., 0], axis=-1) <= 0).all()


def test_more_places_than_particles_are_zeros(toy_events):
    wide = constituents(toy_events, n_particles=80)
    assert wide.shape == (60, 2, 80, 3)
    assert not wide[:, :, 60:].any()


def test_the_whole_event_as_one_jet_keeps_every_particle(toy_events):
    found = constituents(toy_events, n_jets=1, radius=None, n_particles=60)
    assert found[..., 0].sum() == pytest.approx(toy_events[:, ::3].sum())


def test_the_axis_is_the_centre_of_the_jet(toy_events):
    pt, deta, dphi = np.moveaxis(constituents(toy_events, n_particles=60), -1, 0)
    assert (pt * deta).sum(axis=-1) == pytest.approx(0, abs=1e-8)
    assert (pt * dphi).sum(axis=-1) == pytest.approx(0, abs=1e-8)


def test_the_order_of_particles_changes_nothing(toy_events, shuffled):
    np.testing.assert_array_equal(constituents(shuffled(toy_events)), constituents(toy_events))


def test_turning_and_boosting_the_event_changes_nothing(toy_events):
    moved = toy_events.reshape(60, -1, 3).copy()
    real = moved[..., 0] > 0
    moved[real] += (0, 0.3, 2.5)
    moved[..., 2] -= 2 * np.pi * np.rint(moved[..., 2] / (2 * np.pi))
    found = constituents(moved.reshape(60, -1))
    assert found == pytest.approx(constituents(toy_events), abs=1e-9)


def test_chunks_give_what_the_whole_gives(toy_events):
    transformer = JetConstituents(n_particles=5).fit(toy_events[:1])
    whole = transformer.transform(toy_events)
    chunks = [transformer.transform(chunk) for chunk in np.array_split(toy_events, 7)]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_an_event_without_particles_is_zeros():
    assert not constituents(np.zeros((3, 12))).any()


def test_names_tell_jet_quantity_and_rank():
    transformer = JetConstituents(n_particles=2).set_output(transform="pandas")
    found = transformer.fit_transform([EVENT])
    assert found.columns[:6].tolist() == [
        *("jet1_pt_0", "jet1_deta_0", "jet1_dphi_0"),
        *("jet1_pt_1", "jet1_deta_1", "jet1_dphi_1"),
    ]
    assert found["jet2_pt_0"].tolist() == [45.0]
    assert "jet1_eta_0" in JetConstituents(relative=False).fit([EVENT]).get_feature_names_out()


def test_frames_are_taken(toy_events):
    expected = JetConstituents(n_particles=3).fit_transform(toy_events)
    names = [str(column) for column in range(toy_events.shape[1])]
    for frame in (pd.DataFrame(toy_events, columns=names), pl.DataFrame(toy_events, schema=names)):
        found = JetConstituents(n_particles=3).fit_transform(frame)
        np.testing.assert_array_equal(found, expected)


def test_single_precision_stays_single(toy_events):
    found = JetConstituents().fit_transform(toy_events.astype(np.float32))
    assert found.dtype == np.float32
    assert found == pytest.approx(JetConstituents().fit_transform(toy_events), abs=1e-3)


def test_a_label_among_the_columns_is_refused():
    with pytest.raises(DataError, match=r"7 columns, which is no multiple of 3.*label"):
        JetConstituents().fit(np.zeros((2, 7)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -3.0])
def test_bad_values_are_refused_in_fit_and_in_transform(toy_events, value):
    bad = toy_events.copy()
    bad[5, 3] = value
    with pytest.raises(DataError, match="pt of particle 1 in row 5"):
        JetConstituents().fit(bad)
    with pytest.raises(DataError, match="pt of particle 1 in row 5"):
        JetConstituents().fit(toy_events).transform(bad)


def test_parameters_are_judged_in_fit(toy_events):
    with pytest.raises(ValueError, match="'radius' parameter of JetConstituents"):
        JetConstituents(radius=-1).fit(toy_events)
    with pytest.raises(UsageError, match="n_jets=1"):
        JetConstituents(radius=None).fit(toy_events)
    with pytest.raises(NotFittedError):
        clone(JetConstituents().fit(toy_events)).transform(toy_events)


def test_real_jets_are_the_trigger_jets_of_the_challenge(real_events):
    X, _ = real_events
    found = constituents(X, n_particles=200, relative=False)
    pt, _, phi = np.moveaxis(found, -1, 0)
    jets = np.hypot((pt * np.cos(phi)).sum(axis=-1), (pt * np.sin(phi)).sum(axis=-1))
    assert (jets[:, 0] >= jets[:, 1]).all()
    assert (jets[:, 0] > 1190).mean() > 0.99
    np.testing.assert_array_equal(found[:9], constituents(X[:9], n_particles=200, relative=False))
