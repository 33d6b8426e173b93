"""make_detector_data: healthy channels are correlated, every kind of fault is what it says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.datasets import make_detector_data
from skdqm.exceptions import UsageError

KINDS = ("dead", "hot", "noisy", "shifted", "decorrelated")


def with_fault(kind):
    """Healthy and faulty versions of the same readings, in units of the baseline spread."""
    size = {"n_samples": 4000, "n_channels": 8, "random_state": 0}
    healthy, _ = make_detector_data(**size, fault_fraction=0)
    X, _, faults = make_detector_data(**size, fault_fraction=0.5, faults=[kind], return_faults=True)
    spread = 0.1 * healthy.to_numpy().mean(axis=0)
    change = (X.to_numpy() - healthy.to_numpy()) / spread
    return X.to_numpy(), change, faults


@given(
    n_samples=st.integers(1, 60),
    n_channels=st.integers(2, 12),
    fraction=st.floats(0, 1),
    kinds=st.sets(st.sampled_from(KINDS), min_size=1).map(sorted),
    seed=st.integers(0, 1000),
)
def test_labels_kinds_and_mask_tell_the_same_story(n_samples, n_channels, fraction, kinds, seed):
    size = (n_samples, n_channels)
    X, y, faults = make_detector_data(
        *size, fault_fraction=fraction, faults=kinds, random_state=seed, return_faults=True
    )
    healthy, _ = make_detector_data(*size, fault_fraction=0, random_state=seed)
    assert X.shape == faults.mask.shape == size
    assert y.sum() == round(fraction * n_samples)
    np.testing.assert_array_equal(y == 1, faults.mask.any(axis=1))
    np.testing.assert_array_equal(y == 1, faults.kind != "")
    assert set(faults.kind) <= {*kinds, ""}
    assert faults.mask.sum(axis=1).max() <= max(1, n_channels // 4)
    np.testing.assert_array_equal(X.to_numpy() == healthy.to_numpy(), ~faults.mask)


def test_without_return_faults_the_data_are_the_same():
    X, y = make_detector_data(random_state=3)
    X_too, y_too, _ = make_detector_data(random_state=3, return_faults=True)
    pd.testing.assert_frame_equal(X, X_too)
    np.testing.assert_array_equal(y, y_too)


def test_columns_are_named_and_sort_in_their_order():
    X, _ = make_detector_data(5, 120, random_state=0)
    assert X.columns[:2].tolist() == ["channel_000", "channel_001"]
    assert X.columns.is_monotonic_increasing
    assert (X.dtypes == np.float64).all()


def test_healthy_channels_follow_the_same_conditions():
    X, _ = make_detector_data(5000, 10, fault_fraction=0, random_state=0)
    correlation = np.abs(np.corrcoef(X.to_numpy().T))
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(X.to_numpy().T))
    assert correlation[np.triu_indices(10, 1)].mean() > 0.3
    assert eigenvalues[-3:].sum() / eigenvalues.sum() == pytest.approx(0.86, abs=0.05)


def test_healthy_channels_fluctuate_by_a_tenth_around_their_baselines():
    X, _ = make_detector_data(5000, 10, fault_fraction=0, random_state=0)
    assert X.mean().between(49, 151).all()
    assert (X.std() / X.mean()).to_numpy() == pytest.approx(0.1, rel=0.1)


def test_a_dead_channel_reads_zero():
    X, _, faults = with_fault("dead")
    assert (X[faults.mask] == 0).all()
    assert (X[~faults.mask] > 0).all()


def test_a_hot_channel_reads_one_baseline_more():
    _, change, faults = with_fault("hot")
    assert change[faults.mask] == pytest.approx(10, rel=0.02)


def test_a_noisy_channel_fluctuates_about_the_truth():
    _, change, faults = with_fault("noisy")
    assert change[faults.mask].mean() == pytest.approx(0, abs=0.4)
    assert change[faults.mask].std() == pytest.approx(5, rel=0.1)


def test_a_shifted_channel_goes_up_or_down_by_a_fixed_step():
    _, change, faults = with_fault("shifted")
    assert np.abs(change[faults.mask]) == pytest.approx(3, rel=0.02)
    assert (change[faults.mask] > 0).mean() == pytest.approx(0.5, abs=0.1)


def test_a_decorrelated_channel_shows_only_in_the_company_of_others():
    X, _, faults = with_fault("decorrelated")
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    faulty = z[faults.mask]
    assert faulty.mean() == pytest.approx(0, abs=0.1)
    assert faulty.std() == pytest.approx(1, abs=0.1)
    normal = z[faults.kind == ""]
    whitened = np.linalg.solve(np.linalg.cholesky(np.cov(normal.T)), z.T)
    distance = np.square(whitened).sum(axis=0)
    assert np.median(distance[faults.kind != ""]) > 1.5 * np.median(distance[faults.kind == ""])


def test_all_kinds_occur_equally_often():
    _, _, faults = make_detector_data(5000, fault_fraction=1, random_state=0, return_faults=True)
    names, counts = np.unique(faults.kind, return_counts=True)
    assert sorted(names) == sorted(KINDS)
    assert counts == pytest.approx(1000, rel=0.15)


def test_the_same_seed_gives_the_same_readings():
    first, _ = make_detector_data(random_state=1)
    again, _ = make_detector_data(random_state=np.random.RandomState(1))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(make_detector_data(random_state=2)[0])


@pytest.mark.parametrize("faults", [["broken"], ["dead", "dead"], ["dead", "Hot"]])
def test_kinds_that_do_not_exist_or_repeat_are_refused(faults):
    with pytest.raises(UsageError, match=r"different kinds out of .*'decorrelated'"):
        make_detector_data(faults=faults)


def test_no_kinds_are_fine_only_without_faults():
    with pytest.raises(UsageError, match=r"faults is empty but fault_fraction=0\.05"):
        make_detector_data(faults=[])
    assert make_detector_data(faults=[], fault_fraction=0)[1].sum() == 0


@pytest.mark.parametrize(
    "parameters",
    [{"n_samples": 0}, {"n_channels": 1}, {"fault_fraction": 1.1}, {"faults": "dead"}],
)
def test_impossible_parameters_are_named(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of make_detector_data"):
        make_detector_data(**parameters)


def test_without_drift_the_readings_are_those_of_earlier_versions():
    X, y = make_detector_data(random_state=0)
    corners = [[95.23529752031403, 72.64265785524255], [95.66774898330465, 61.04736645543578]]
    assert X.to_numpy()[np.ix_([0, -1], [0, -1])] == pytest.approx(np.array(corners), rel=1e-12)
    assert np.flatnonzero(y)[:5].tolist() == [2, 28, 39, 43, 55]
    pd.testing.assert_frame_equal(X, make_detector_data(drift=0, drift_kinds=[], random_state=0)[0])


@given(st.floats(0, 0.9), st.sampled_from(["gain", "baseline"]), st.integers(0, 1000))
def test_drift_changes_neither_the_first_half_nor_the_faults(drift, kind, seed):
    size = {"n_samples": 61, "fault_fraction": 0.3, "random_state": seed, "return_faults": True}
    X, y, faults = make_detector_data(**size)
    Z, z, drifted = make_detector_data(**size, drift=drift, drift_kinds=[kind])
    pd.testing.assert_frame_equal(X.iloc[:30], Z.iloc[:30])
    np.testing.assert_array_equal(y, z)
    np.testing.assert_array_equal(faults.mask, drifted.mask)
    np.testing.assert_array_equal(faults.kind, drifted.kind)
    dead = faults.mask & (faults.kind == "dead")[:, None]
    assert (Z.to_numpy()[dead] == 0).all()
    moved = (X.to_numpy() != Z.to_numpy()).any(axis=0)
    assert not moved[~drifted.drifts].any()
    assert drifted.drifts.sum() == (8 if drift else 0)


def test_drifting_readings_do_not_depend_on_the_faults():
    drifting = {"drift": 0.3, "random_state": 0, "return_faults": True}
    healthy, _, without = make_detector_data(fault_fraction=0, **drifting)
    X, y, faults = make_detector_data(fault_fraction=0.3, **drifting)
    np.testing.assert_array_equal(X[y == 0], healthy[y == 0])
    np.testing.assert_array_equal(without.drifts, faults.drifts)


def test_the_last_row_has_drifted_by_as_much_as_was_asked():
    size = {"n_samples": 1000, "fault_fraction": 0, "random_state": 0}
    X, _ = make_detector_data(**size)
    gain, _ = make_detector_data(**size, drift=0.4, drift_kinds=["gain"])
    ratio = (gain / X).to_numpy()
    assert sorted(set(ratio[-1].round(12))) == [0.6, 1.0]
    assert ratio[749].round(3).tolist() == np.where(ratio[-1] < 0.9, 0.8, 1.0).tolist()
    baseline, _, faults = make_detector_data(
        **size, drift=0.4, drift_kinds=["baseline"], return_faults=True
    )
    change = ((baseline - X) / X.mean()).to_numpy()[-1]
    assert np.abs(change[faults.drifts]) == pytest.approx(0.4, rel=0.05)
    assert {*np.sign(change[faults.drifts])} == {-1, 1}
    assert (change[~faults.drifts] == 0).all()


@pytest.mark.parametrize("kinds", [["ageing"], ["gain", "gain"]])
def test_kinds_of_drift_that_do_not_exist_or_repeat_are_refused(kinds):
    with pytest.raises(UsageError, match=r"drift_kinds=.* different kinds out of .*'baseline'"):
        make_detector_data(drift=0.1, drift_kinds=kinds)


def test_no_kinds_of_drift_are_fine_only_without_drift():
    with pytest.raises(UsageError, match=r"drift_kinds is empty but drift=0\.1"):
        make_detector_data(drift=0.1, drift_kinds=[])
    with pytest.raises(ValueError, match="'drift' parameter of make_detector_data"):
        make_detector_data(drift=1.0)
