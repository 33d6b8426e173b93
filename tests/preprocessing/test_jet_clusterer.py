"""JetClusterer: jets worked out by hand, and the public feature file event by event."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skdqm import _optional, io
from skdqm.exceptions import DataError, MissingDependencyError
from skdqm.preprocessing import LHCO_COLUMNS, JetClusterer, JetConstituents, JetFeatures

pytest.importorskip("fastjet", reason="needs the extra jets")

EVENT = [60.0, 0.2, 0.0, 0.0, 0.0, 0.0, 100.0, 0.0, 3.0, 60.0, -0.2, 0.0]


def columns(X, **parameters):
    return JetClusterer(**parameters).set_output(transform="pandas").fit_transform(X)


def test_two_jets_worked_out_by_hand():
    event = columns([EVENT]).iloc[0]
    assert event[["pxj1", "pyj1", "pzj1"]].tolist() == pytest.approx([120, 0, 0])
    assert event["mj1"] == pytest.approx(120 * np.sinh(0.2))
    assert event[["tau1j1", "tau2j1", "tau3j1"]].tolist() == pytest.approx([0.2, 0, 0])
    expected = [100 * np.cos(3), 100 * np.sin(3), 0, 0, 0, 0, 0]
    assert event.to_numpy()[7:] == pytest.approx(expected, abs=1e-5)


def test_the_momentum_weights_the_particles_of_a_jet():
    # kt joins the two close particles first: the axes are theirs and the third particle.
    event = columns([[80.0, 0.0, 0.0, 20.0, 0.1, 0.0, 50.0, 0.0, 0.7]]).iloc[0]
    eta = np.arcsinh(20 * np.sinh(0.1) / 100)
    assert event["tau2j1"] == pytest.approx((80 * eta + 20 * (0.1 - eta)) / 150)
    assert event["tau1j1"] > event["tau2j1"] > event["tau3j1"] == pytest.approx(0, abs=1e-12)


def test_a_jet_across_the_seam_of_azimuth_is_one_jet():
    seam = columns([[60.0, 0.0, 3.1, 60.0, 0.0, -3.1]]).iloc[0]
    assert seam["pxj1"] == pytest.approx(-120 * np.cos(np.pi - 3.1))
    assert seam["tau1j1"] == pytest.approx(np.pi - 3.1)


def test_missing_jets_are_zeros():
    both, one, none = columns([EVENT, [90.0, *[0.0] * 11], [0.0] * 12]).to_numpy()
    assert (both[0], one[0]) == pytest.approx((120, 90))
    assert not one[7:].any()
    assert not none.any()
    assert not columns([[0.0] * 12]).to_numpy().any()


def test_jets_below_the_threshold_are_missing():
    assert columns([EVENT], min_pt=110.0).to_numpy()[0, 7:].tolist() == [0.0] * 7
    assert not columns([EVENT], min_pt=130.0).to_numpy().any()


def test_the_radius_decides_what_is_one_jet():
    narrow = columns([EVENT], radius=0.3).iloc[0]
    assert np.hypot(narrow["pxj1"], narrow["pyj1"]) == pytest.approx(100)
    assert narrow["pxj2"] == pytest.approx(60)


@pytest.mark.parametrize("algorithm", ["antikt", "cambridge", "kt"])
def test_every_algorithm_agrees_on_clear_jets(algorithm):
    found = columns([EVENT], algorithm=algorithm).to_numpy()
    assert found == pytest.approx(columns([EVENT]).to_numpy(), abs=1e-5)


def test_the_order_of_particles_changes_only_the_rounding(toy_events, shuffled):
    found, expected = columns(shuffled(toy_events)), columns(toy_events)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, atol=1e-4)


def test_chunks_give_what_the_whole_gives(toy_events):
    transformer = JetClusterer().fit(toy_events[:1])
    chunks = [transformer.transform(chunk) for chunk in np.array_split(toy_events, 7)]
    np.testing.assert_array_equal(np.concatenate(chunks), transformer.transform(toy_events))


def test_more_events_than_a_block_keep_their_order(toy_events):
    many = np.tile(toy_events, (18, 1))
    expected = np.tile(JetClusterer().fit_transform(toy_events), (18, 1))
    np.testing.assert_array_equal(JetClusterer().fit_transform(many), expected)


def test_the_features_follow_in_a_pipeline(toy_events):
    pipeline = make_pipeline(JetClusterer(), JetFeatures(dijet=True))
    found = pipeline.set_output(transform="pandas").fit_transform(toy_events)
    assert np.isfinite(found).all(axis=None)
    assert (found["pt_j1"] >= found["pt_j2"]).all()


def test_the_cone_of_the_other_transformers_finds_the_same_jets(toy_events):
    cone = JetConstituents(n_particles=60, relative=False).fit_transform(toy_events)
    pt, _, phi = np.moveaxis(cone.reshape(60, 2, 60, 3), -1, 0)
    momentum = np.hypot((pt * np.cos(phi)).sum(axis=-1), (pt * np.sin(phi)).sum(axis=-1))
    jets = JetFeatures().fit_transform(columns(toy_events))[:, [0, 5]]
    assert (np.abs(momentum / jets - 1) < 0.02).mean() > 0.9


def test_the_public_features_are_reproduced(real_events, shared_data):
    X, y = real_events
    table = io.read(shared_data("lhco/lhco_rd_v1_dev20k.features.h5"))
    found, public = JetClusterer().fit_transform(X), table.X.to_numpy()
    distance, row = cKDTree(public[:, :3]).query(found[:, :3])
    same = distance < 1e-6
    assert same.sum() > 300
    np.testing.assert_allclose(found[same], public[row[same]], rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(y[same], table.y[row[same]])


def test_warnings_keep_their_format_and_the_wrapper_gives_none(toy_events):
    format_before = warnings.formatwarning
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        JetClusterer().fit_transform(toy_events)
    assert not caught
    assert warnings.formatwarning is format_before


def test_standard_output_stays_clean():
    code = (
        "from skdqm.preprocessing import JetClusterer;"
        "JetClusterer().fit_transform([[50.0, 0.0, 0.0]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b""


def test_without_fastjet_the_error_names_the_extra(monkeypatch, toy_events):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_optional, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"skdqm\[jets\]"):
        JetClusterer().fit(toy_events)


def test_names_are_those_of_the_public_file(toy_events):
    transformer = JetClusterer()
    with pytest.raises(NotFittedError):
        transformer.get_feature_names_out()
    assert tuple(transformer.fit(toy_events).get_feature_names_out()) == LHCO_COLUMNS


def test_bad_input_and_parameters_are_refused(toy_events):
    with pytest.raises(DataError, match="pt of particle 0 in row 0"):
        JetClusterer().fit(-toy_events)
    with pytest.raises(ValueError, match="'algorithm' parameter of JetClusterer"):
        JetClusterer(algorithm="cone").fit(toy_events)
    with pytest.raises(ValueError, match="'radius' parameter of JetClusterer"):
        JetClusterer(radius=None).fit(toy_events)
