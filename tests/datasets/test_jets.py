"""make_jet_events: the public layout, two back-to-back jets, and masses about right."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from skdqm import io
from skdqm.datasets import make_jet_events
from skdqm.preprocessing import JetConstituents, JetFeatures


def jets_of(X):
    """Momentum, mass and azimuth of the two jets of each event."""
    transformer = JetConstituents(n_particles=400, relative=False)
    found = transformer.fit_transform(X).reshape(-1, *transformer.constituents_shape_)
    pt, eta, phi = np.moveaxis(found, -1, 0)
    energy, px, py, pz = (
        (pt * part).sum(axis=-1) for part in (np.cosh(eta), np.cos(phi), np.sin(phi), np.sinh(eta))
    )
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    dijet = energy.sum(axis=1) ** 2 - sum(p.sum(axis=1) ** 2 for p in (px, py, pz))
    return pd.DataFrame(
        {
            "pt": np.hypot(px, py)[:, 0],
            "pt2": np.hypot(px, py)[:, 1],
            "heavy": mass.max(axis=1),
            "light": mass.min(axis=1),
            "mjj": np.sqrt(dijet),
            "dphi": np.mod(np.arctan2(py, px) @ [1, -1], 2 * np.pi),
        }
    )


@pytest.fixture(scope="module")
def events():
    return make_jet_events(400, 400, random_state=0)


@given(
    n_background=st.integers(0, 12),
    n_signal=st.integers(0, 12),
    n_particles=st.integers(10, 80),
    seed=st.integers(0, 1000),
)
def test_every_row_is_a_valid_padded_event(n_background, n_signal, n_particles, seed):
    X, y = make_jet_events(n_background, n_signal, n_particles=n_particles, random_state=seed)
    assert X.shape == (n_background + n_signal, 3 * n_particles)
    assert (len(y), y.sum()) == (n_background + n_signal, n_signal)
    particles = X.to_numpy().reshape(len(X), n_particles, 3)
    real = particles[..., 0] > 0
    assert not particles[~real].any()
    assert (np.diff(real.astype(int), axis=1) <= 0).all()
    assert np.isfinite(particles).all()
    assert (particles[..., 0][real] >= 0.1).all()
    assert (np.abs(particles[..., 2]) <= np.pi).all()


def test_columns_are_those_of_the_public_file(events, shared_data):
    X, y = events
    public = io.read(shared_data("lhco/events_anomalydetection_tiny.h5"), label="2100").X
    assert X.columns.tolist() == public.columns.tolist()
    assert (X.dtypes == np.float64).all()
    assert y.dtype == np.int64


def test_background_is_two_back_to_back_jets_of_a_steep_spectrum(events):
    X, y = events
    jets = jets_of(X[y == 0])
    assert jets["pt"].quantile(0.05) > 1150
    assert 1300 < jets["pt"].median() < 1420
    assert jets["pt"].quantile(0.99) > 1900
    assert np.abs(jets["dphi"] - np.pi).median() < 0.1
    assert 60 < jets["light"].median() < jets["heavy"].median() < 300


def test_signal_is_a_resonance_of_two_resonances(events):
    X, y = events
    jets = jets_of(X[y == 1])
    assert jets["mjj"].median() == pytest.approx(3500, rel=0.05)
    assert jets["heavy"].median() == pytest.approx(500, rel=0.05)
    assert jets["light"].median() == pytest.approx(110, rel=0.15)


def test_signal_can_be_told_from_background_without_labels(events):
    X, y = events
    jets = jets_of(X)[["pt", "heavy", "light"]]
    forest = IsolationForest(random_state=0).fit(jets[y == 0])
    assert roc_auc_score(y, -forest.score_samples(jets)) > 0.7


def test_substructure_is_roughly_that_of_the_real_events(events, real_features):
    pytest.importorskip("fastjet", reason="needs the extra jets")
    from skdqm.preprocessing import JetClusterer

    X, y = events
    toy = make_jet_features(JetClusterer().fit_transform(X[y == 0]))
    for name in ("pt_j1", "m_j1", "tau21_j1", "tau32_j1"):
        assert toy[name].median() == pytest.approx(real_features[name].median(), rel=0.2), name


def make_jet_features(columns):
    return JetFeatures().set_output(transform="pandas").fit_transform(columns)


@pytest.fixture(scope="module")
def real_features(shared_data):
    table = io.read(shared_data("lhco/lhco_rd_v1_dev20k.features.h5"))
    return make_jet_features(table.X[table.y == 0])


def test_particles_come_in_no_order(events):
    pt = events[0].to_numpy()[:, ::3]
    assert 0.4 < (np.diff(pt[:, :50], axis=1) > 0).mean() < 0.6


def test_the_same_seed_gives_the_same_events():
    first, y = make_jet_events(20, 5, n_particles=30, random_state=7)
    again, y_again = make_jet_events(20, 5, n_particles=30, random_state=np.random.RandomState(7))
    pd.testing.assert_frame_equal(first, again)
    np.testing.assert_array_equal(y, y_again)
    assert not first.equals(make_jet_events(20, 5, n_particles=30, random_state=8)[0])


def test_shuffle_mixes_signal_into_background():
    _, ordered = make_jet_events(300, 300, n_particles=10, random_state=0, shuffle=False)
    _, mixed = make_jet_events(300, 300, n_particles=10, random_state=0)
    assert (np.diff(ordered) >= 0).all()
    assert 100 < mixed[:300].sum() < 200


def test_more_events_than_a_block_are_all_different():
    X, _ = make_jet_events(2100, 0, n_particles=10, random_state=0)
    assert not X.duplicated().any()


@pytest.mark.parametrize("parameters", [{"n_signal": -1}, {"n_particles": 9}, {"shuffle": "no"}])
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match="parameter of make_jet_events"):
        make_jet_events(**({"n_background": 5} | parameters))
