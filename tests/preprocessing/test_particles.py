"""Particle lists: what is refused and where, and the cone against jets known by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.exceptions import DataError, UsageError
from skdqm.preprocessing import JetClusterer, JetConstituents, JetImages
from skdqm.preprocessing._particles import check_jets, check_particles, leading_jets, wrap


class AnyNumbers:
    """Makes particles of numbers that are none, which generic checks bring."""

    def _particles(self, X):
        columns = X[:, np.arange(12) % X.shape[1]].reshape(len(X), 4, 3)
        return np.where(np.isfinite(columns), np.tanh(np.abs(columns)), columns)


class AnyClusterer(AnyNumbers, JetClusterer):
    """Needs FastJet."""


class AnyConstituents(AnyNumbers, JetConstituents):
    """Needs nothing."""


class AnyImages(AnyNumbers, JetImages):
    """Needs nothing."""


@parametrize_with_checks(
    [
        AnyConstituents(n_particles=3),
        AnyConstituents(n_jets=1, radius=None),
        AnyImages(image_size=4),
        AnyImages(n_jets=1, radius=None, center="leading", image_size=2, standardize=False),
    ]
)
def test_every_check_of_scikit_learn_passes_but_for_what_a_particle_is(estimator, check):
    check(estimator)


@parametrize_with_checks([AnyClusterer(radius=0.4, min_pt=0.1)])
def test_every_check_passes_with_fastjet_too(estimator, check):
    pytest.importorskip("fastjet", reason="needs the extra jets")
    check(estimator)


def jet_at(eta, phi, pt, n_particles=20, spread=0.1, seed=0):
    """Particles around a direction; their transverse momenta add up to `pt`."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(n_particles))
    position = rng.normal((eta, phi), spread, size=(n_particles, 2))
    return np.column_stack([pt * share, position])


def event(*jets):
    return np.concatenate(jets)[None]


@given(st.floats(-20, 20))
def test_wrapped_azimuth_is_the_same_direction_within_half_a_turn(phi):
    assert abs(wrap(np.array(phi))) <= np.pi + 1e-12
    assert np.exp(1j * wrap(np.array(phi))) == pytest.approx(np.exp(1j * phi))


def test_jets_come_out_by_falling_momentum_with_all_their_particles():
    soft, hard = jet_at(1.0, 2.0, 500.0), jet_at(-1.0, -1.0, 900.0, seed=1)
    found = leading_jets(event(soft, hard), 2, 1.0)
    assert found.pt.sum(axis=-1)[0] == pytest.approx([900.0, 500.0])
    assert found.members.sum(axis=-1).tolist() == [[20, 20]]
    for axis, jet in zip(found.axes[0], (hard, soft), strict=True):
        assert axis == pytest.approx(np.average(jet[:, 1:], axis=0, weights=jet[:, 0]))


def test_a_lone_hard_particle_does_not_displace_a_jet_of_more_momentum():
    lone = np.array([[300.0, 2.0, 0.0]])
    jets = jet_at(0.0, 2.0, 900.0), jet_at(0.0, -1.0, 800.0, seed=1)
    found = leading_jets(event(lone, *jets), 2, 1.0)
    assert found.pt.sum(axis=-1)[0] == pytest.approx([900.0, 800.0])


def test_a_jet_across_the_seam_of_azimuth_is_one_jet():
    found = leading_jets(event(jet_at(0.0, np.pi, 700.0), jet_at(0.0, 0.5, 100.0)), 2, 1.0)
    assert found.pt.sum(axis=-1)[0] == pytest.approx([700.0, 100.0])
    assert np.abs(found.offset[0, 0, :, 1][found.members[0, 0]]).max() < 0.5


def test_a_cone_moves_to_the_centre_of_its_particles():
    particles = np.array([[100.0, 0.0, 0.0], [90.0, 0.8, 0.0], [80.0, 1.2, 0.0]])
    found = leading_jets(particles[None], 1, 1.0)
    assert found.members.all()
    assert found.axes[0, 0] == pytest.approx([(90 * 0.8 + 80 * 1.2) / 270, 0.0])


def test_each_particle_is_in_one_jet_at_most():
    crowd = np.random.default_rng(0).uniform(0, 1, size=(5, 60, 3)) * (50, 3, 3)
    found = leading_jets(crowd, 4, 0.7)
    assert (found.members.sum(axis=1) <= 1).all()


def test_without_particles_there_are_no_jets():
    found = leading_jets(np.zeros((3, 4, 3)), 2, 1.0)
    assert not found.members.any()
    assert not found.axes.any()


def test_padding_with_a_position_is_no_particle():
    padded = np.array([[[50.0, 0.0, 0.0], [0.0, 0.1, 0.1]]])
    assert leading_jets(padded, 1, 1.0).members.sum() == 1


def test_an_event_has_the_same_jets_alone_and_in_company():
    crowd = np.random.default_rng(1).uniform(0, 1, size=(200, 40, 3)) * (50, 4, 4)
    together = leading_jets(crowd, 2, 0.8)
    for row in (0, 7, 199):
        alone = leading_jets(crowd[row : row + 1], 2, 0.8)
        np.testing.assert_array_equal(alone.axes[0], together.axes[row])
        np.testing.assert_array_equal(alone.offset[0], together.offset[row])


@pytest.mark.parametrize(
    ("which", "value", "name"),
    [(0, -1.0, "pt"), (0, np.nan, "pt"), (1, np.inf, "eta"), (1, 60.0, "eta"), (2, 90.0, "phi")],
)
def test_a_value_of_no_particle_is_located(which, value, name):
    events = np.ones((3, 4, 3))
    events[2, 1, which] = value
    with pytest.raises(DataError, match=rf"{value} .* as {name} of particle 1 in row 2"):
        check_particles(events)


def test_a_full_turn_in_single_precision_is_accepted():
    check_particles(np.full((1, 1, 3), 2 * np.pi, dtype=np.float32))


def test_several_jets_need_a_radius():
    check_jets(1, None)
    with pytest.raises(UsageError, match="set n_jets=1"):
        check_jets(2, None)
