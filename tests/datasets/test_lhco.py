"""make_lhco_events: the public layout, the kinematics, and the distributions of real events."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, kstest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from skdqm.datasets import make_lhco_events
from skdqm.metrics import anomaly_roc_auc_scorer
from skdqm.preprocessing import LHCO_COLUMNS, JetFeatures


def derived(X):
    """Kinematics and substructure, and the angle between the jets."""
    features = JetFeatures(dijet=True).set_output(transform="pandas").fit_transform(X)
    phi1, phi2 = (np.arctan2(X[f"py{jet}"], X[f"px{jet}"]) for jet in ("j1", "j2"))
    return features.assign(dphi=np.mod(phi1 - phi2, 2 * np.pi))


@pytest.fixture(scope="module")
def events():
    return make_lhco_events(20_000, 20_000, random_state=0)


@pytest.fixture(scope="module")
def real(shared_data):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("hdf5plugin")
    with h5py.File(shared_data("lhco/lhco_rd_v1_dev20k.features.h5")) as file:
        values = file["df/block0_values"][:]
    return pd.DataFrame(values[:, :14], columns=list(LHCO_COLUMNS)), values[:, 14]


def test_the_table_has_the_layout_of_the_public_file():
    X, y = make_lhco_events(70, 30, random_state=0)
    assert tuple(X.columns) == LHCO_COLUMNS
    assert X.shape == (100, 14)
    assert (X.dtypes == np.float64).all()
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [70, 30]


@pytest.mark.parametrize("label", [0, 1])
def test_derived_features_are_distributed_as_in_real_events(events, real, label):
    found, expected = (derived(X[y == label]) for X, y in (events, real))
    distances = {name: ks_2samp(found[name], expected[name]).statistic for name in expected}
    assert max(distances.values()) <= 0.05, distances


def test_a_detector_finds_as_much_as_in_real_events(events, real):
    areas = []
    for X, y in (events, real):
        normal = np.flatnonzero(y == 0)[::2]
        test = np.setdiff1d(np.arange(len(y)), normal)
        detector = make_pipeline(JetFeatures(), IsolationForest(random_state=0)).fit(X.iloc[normal])
        areas.append(anomaly_roc_auc_scorer(detector, X.iloc[test], y[test]))
    assert areas[0] == pytest.approx(areas[1], abs=0.045)


def test_events_are_finite_and_obey_trigger_and_order(events):
    X, _ = events
    features = derived(X)
    assert np.isfinite(X).all(axis=None)
    assert features["pt_j1"].min() >= 1200
    assert (features["pt_j1"] >= features["pt_j2"]).all()
    assert (X[["mj1", "mj2"]] > 0).all(axis=None)


def test_substructure_falls_with_the_number_of_axes(events):
    X, _ = events
    for jet in ("j1", "j2"):
        assert (X[f"tau1{jet}"] >= X[f"tau2{jet}"]).all()
        assert (X[f"tau2{jet}"] >= X[f"tau3{jet}"]).all()


def test_signal_is_a_resonance_of_two_resonances(events):
    X, y = events
    features = derived(X[y == 1])
    heavy, light = (X.loc[y == 1, ["mj1", "mj2"]].agg(side, axis=1) for side in ("max", "min"))
    assert features["mjj"].median() == pytest.approx(3500, rel=0.05)
    assert heavy.median() == pytest.approx(500, rel=0.05)
    assert light.median() == pytest.approx(110, rel=0.05)


@pytest.mark.parametrize("label", [0, 1])
def test_azimuth_is_uniform(events, label):
    X, y = events
    phi = np.arctan2(X["pyj1"], X["pxj1"])[y == label]
    assert kstest(phi, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 0.001


def test_the_same_seed_gives_the_same_events():
    first, y = make_lhco_events(50, 20, random_state=7)
    again, y_again = make_lhco_events(50, 20, random_state=np.random.RandomState(7))
    pd.testing.assert_frame_equal(first, again)
    np.testing.assert_array_equal(y, y_again)
    assert not first.equals(make_lhco_events(50, 20, random_state=8)[0])


def test_a_generator_moves_on_from_call_to_call():
    rng = check_random_state(0)
    first, _ = make_lhco_events(50, 20, random_state=rng)
    assert not first.equals(make_lhco_events(50, 20, random_state=rng)[0])


def test_shuffle_mixes_signal_into_background():
    _, ordered = make_lhco_events(500, 500, random_state=0, shuffle=False)
    _, mixed = make_lhco_events(500, 500, random_state=0)
    assert (np.diff(ordered) >= 0).all()
    assert 200 < mixed[:500].sum() < 300


@pytest.mark.parametrize(("n_background", "n_signal"), [(5, 0), (0, 5), (1, 1), (0, 0)])
def test_either_class_may_be_absent(n_background, n_signal):
    X, y = make_lhco_events(n_background, n_signal, random_state=0)
    assert X.shape == (n_background + n_signal, 14)
    assert y.sum() == n_signal


@pytest.mark.parametrize("count", [-1, 1.5, "many"])
def test_an_impossible_number_of_events_is_refused(count):
    with pytest.raises(ValueError, match="'n_signal' parameter of make_lhco_events"):
        make_lhco_events(10, count)


def test_a_million_events_take_seconds():
    start = time.process_time()
    X, _ = make_lhco_events(1_000_000, 0, random_state=0)
    assert len(X) == 1_000_000
    assert time.process_time() - start < 20  # 2 s on an idle core
