"""JetFeatures: kinematics by hand, safety on any finite event, scikit-learn's contract."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.exceptions import DataError
from skdqm.preprocessing import LHCO_COLUMNS, JetFeatures

NAMES = [
    *("pt_j1", "eta_j1", "m_j1", "tau21_j1", "tau32_j1"),
    *("pt_j2", "eta_j2", "m_j2", "tau21_j2", "tau32_j2"),
]


@pytest.fixture
def events():
    values = np.random.default_rng(0).uniform(0.1, 1.0, size=(20, 14))
    return pd.DataFrame(values, columns=list(LHCO_COLUMNS))


def one_event(**changes):
    values = dict.fromkeys(LHCO_COLUMNS, 1.0) | changes
    return pd.DataFrame([values])


def features_of(X, **parameters):
    transformer = JetFeatures(**parameters).set_output(transform="pandas")
    return transformer.fit_transform(X).iloc[0]


class AnyWidth(JetFeatures):
    """JetFeatures without the rule of 14 columns, which no generic check can keep."""

    def _jets(self, X):
        return super()._jets(X[:, np.arange(14) % X.shape[1]])


@parametrize_with_checks([AnyWidth(), AnyWidth(dijet=True)])
def test_every_check_of_scikit_learn_passes_but_for_the_number_of_columns(estimator, check):
    check(estimator)


def test_columns_are_those_of_the_public_files_in_their_order():
    assert LHCO_COLUMNS[:8] == (
        *("pxj1", "pyj1", "pzj1", "mj1", "tau1j1", "tau2j1", "tau3j1"),
        "pxj2",
    )
    assert len(LHCO_COLUMNS) == 14


def test_features_of_a_jet_worked_out_by_hand():
    X = one_event(pxj1=3.0, pyj1=-4.0, pzj1=5 * np.sinh(1.5), mj1=2.0, tau1j1=0.8, tau2j1=0.4)
    X["tau3j1"] = 0.1
    first = features_of(X)[:5].to_numpy(dtype=float)
    assert first == pytest.approx([5.0, 1.5, 2.0, 0.5, 0.25])


def test_dijet_mass_is_the_invariant_mass_and_delta_m_has_no_sign():
    X = one_event(pxj1=3.0, pyj1=0.0, pzj1=0.0, mj1=4.0, pxj2=-12.0, pyj2=0.0, pzj2=0.0, mj2=5.0)
    found = features_of(X, dijet=True)
    assert found["mjj"] == pytest.approx(np.sqrt((5.0 + 13.0) ** 2 - 9.0**2))
    assert found["delta_m"] == pytest.approx(1.0)


@pytest.mark.parametrize("boost", [0.0, 1e-3, 1e150])
def test_dijet_mass_scales_with_the_momenta_however_large(boost):
    X = np.random.default_rng(1).normal(size=(5, 14))
    mass = JetFeatures(dijet=True).fit_transform(X)[:, 10]
    scaled = JetFeatures(dijet=True).fit_transform(X * boost)[:, 10]
    assert scaled == pytest.approx(mass * boost, rel=1e-9)


def test_a_jet_without_substructure_has_ratios_of_zero():
    found = features_of(one_event(tau1j1=0.0, tau2j1=0.0, tau3j1=0.0))
    assert (found["tau21_j1"], found["tau32_j1"]) == (0.0, 0.0)


def test_a_ratio_above_one_is_kept():
    assert features_of(one_event(tau1j1=0.2, tau2j1=0.3))["tau21_j1"] == pytest.approx(1.5)


def test_a_negative_mass_counts_as_zero_everywhere():
    negative = features_of(one_event(mj1=-1e-3), dijet=True)
    massless = features_of(one_event(mj1=0.0), dijet=True)
    assert negative["m_j1"] == 0.0
    pd.testing.assert_series_equal(negative, massless)


@pytest.mark.parametrize("pz", [50.0, -50.0])
def test_a_jet_along_the_beam_is_far_forward_on_its_side(pz):
    eta = features_of(one_event(pxj1=0.0, pyj1=0.0, pzj1=pz))["eta_j1"]
    assert np.isfinite(eta)
    assert eta * np.sign(pz) > 20


def test_a_missing_second_jet_is_all_zeros():
    missing = {name: 0.0 for name in LHCO_COLUMNS if name.endswith("j2")}
    assert not features_of(one_event(**missing))[5:].any()


@given(
    arrays(np.float64, (3, 14), elements=st.floats(allow_nan=False, allow_infinity=False, width=64))
)
def test_any_finite_event_gives_finite_features(X):
    assert np.isfinite(JetFeatures(dijet=True).fit_transform(X)).all()


@given(
    arrays(np.float32, (3, 14), elements=st.floats(allow_nan=False, allow_infinity=False, width=32))
)
def test_any_finite_event_in_single_precision_stays_finite_in_single_precision(X):
    found = JetFeatures(dijet=True).fit_transform(X)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@given(st.floats(0, 2 * np.pi))
def test_turning_the_event_about_the_beam_changes_nothing(angle):
    X = np.random.default_rng(2).normal(size=(4, 14))
    turned = X.copy()
    for px in (0, 7):
        turned[:, px] = X[:, px] * np.cos(angle) - X[:, px + 1] * np.sin(angle)
        turned[:, px + 1] = X[:, px] * np.sin(angle) + X[:, px + 1] * np.cos(angle)
    features = JetFeatures(dijet=True).fit(X)
    assert features.transform(turned) == pytest.approx(features.transform(X))


def test_frames_are_read_by_name_whatever_the_order(events):
    transformer = JetFeatures().fit(events)
    expected = transformer.transform(events)
    np.testing.assert_array_equal(transformer.transform(events[events.columns[::-1]]), expected)
    np.testing.assert_array_equal(JetFeatures().fit_transform(events.to_numpy()), expected)
    assert transformer.feature_names_in_.tolist() == list(LHCO_COLUMNS)


def test_polars_frames_are_read_by_name_too(events):
    frame = pl.from_pandas(events[events.columns[::-1]])
    found = JetFeatures().set_output(transform="polars").fit_transform(frame)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == NAMES
    np.testing.assert_array_equal(found.to_numpy(), JetFeatures().fit_transform(events))


def test_frames_with_numbered_columns_count_as_arrays(events):
    numbered = pd.DataFrame(events.to_numpy())
    np.testing.assert_array_equal(
        JetFeatures().fit_transform(numbered), JetFeatures().fit_transform(events)
    )


def test_a_label_column_is_refused_by_name(events):
    with pytest.raises(DataError, match=r"unknown: \['label'\].*drop"):
        JetFeatures().fit(events.assign(label=0))


def test_a_missing_column_is_named(events):
    with pytest.raises(DataError, match=r"missing: \['mj2'\]"):
        JetFeatures().fit(events.drop(columns="mj2"))


def test_a_repeated_column_is_refused(events):
    with pytest.raises(DataError, match="columns in all: 15"):
        JetFeatures().fit(pd.concat([events, events[["mj1"]]], axis=1))


def test_an_array_of_another_width_is_refused(events):
    with pytest.raises(DataError, match="X has 13 columns; JetFeatures needs the 14 columns"):
        JetFeatures().fit(events.to_numpy()[:, :13])
    with pytest.raises(ValueError, match="13 features"):
        JetFeatures().fit(events.to_numpy()).transform(events.to_numpy()[:, :13])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(events, bad):
    events.loc[3, "mj1"] = bad
    with pytest.raises(ValueError, match="Input X contains"):
        JetFeatures().fit(events)


def test_an_unknown_kind_of_parameter_is_refused_in_fit(events):
    with pytest.raises(ValueError, match="'dijet' parameter of JetFeatures"):
        JetFeatures(dijet="yes").fit(events)


@pytest.mark.parametrize(("dijet", "names"), [(False, NAMES), (True, [*NAMES, "mjj", "delta_m"])])
def test_output_names_match_the_columns(events, dijet, names):
    transformer = JetFeatures(dijet=dijet).set_output(transform="pandas").fit(events)
    found = transformer.transform(events)
    assert transformer.get_feature_names_out().tolist() == names == found.columns.tolist()
    assert found.index.equals(events.index)


def test_before_fit_it_says_so(events):
    with pytest.raises(NotFittedError):
        JetFeatures().transform(events)
    with pytest.raises(NotFittedError):
        JetFeatures().get_feature_names_out()


def test_clone_and_pickle_keep_the_parameters_and_the_result(events):
    transformer = JetFeatures(dijet=True).fit(events)
    copy = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(copy.transform(events), transformer.transform(events))
    assert clone(transformer).get_params() == {"dijet": True}
    assert not hasattr(clone(transformer), "n_features_in_")


def test_it_works_first_in_a_pipeline(events):
    detector = make_pipeline(JetFeatures(), StandardScaler(), IsolationForest(random_state=0))
    assert detector.fit(events).score_samples(events).shape == (20,)
    assert detector[:-1].get_feature_names_out().tolist() == NAMES


def test_input_is_left_alone(events):
    before = events.copy()
    JetFeatures(dijet=True).fit_transform(events)
    pd.testing.assert_frame_equal(events, before)
