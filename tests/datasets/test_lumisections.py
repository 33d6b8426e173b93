"""make_lumisections: counts are Poisson, conditions show, runs drift, the truth is true."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from skdqm._lumisections import elements_of, shape_of
from skdqm.datasets import make_lumisections
from skdqm.exceptions import UsageError

KINDS = ("dead", "hot", "degraded", "noisy", "missing module", "shifted", "broadened")
SHAPES = {"charge": (30,), "map": (6, 16), "depths": (4, 8, 2)}


def healthy(**parameters):
    return make_lumisections(
        **{"fault_fraction": 0, "random_state": 0, "return_truth": True, **parameters}
    )


@given(
    n_runs=st.integers(1, 4),
    lengths=st.integers(1, 15) | st.tuples(st.integers(1, 5), st.integers(5, 15)),
    names=st.sets(st.sampled_from(sorted(SHAPES)), min_size=1).map(sorted),
    fraction=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_table_labels_and_truth_tell_the_same_story(n_runs, lengths, names, fraction, seed):
    shapes = {name: SHAPES[name] for name in names}
    parameters = {"shape": shapes, "random_state": seed}
    X, y, truth = make_lumisections(
        n_runs, lengths, fault_fraction=fraction, return_truth=True, **parameters
    )
    clean, _ = make_lumisections(n_runs, lengths, fault_fraction=0, **parameters)
    positions = elements_of(list(X.columns))
    assert {name: shape_of(X.columns[at]) for name, at in positions.items()} == shapes
    assert X.index.is_unique
    assert X.index.is_monotonic_increasing
    shortest, longest = (lengths, lengths) if isinstance(lengths, int) else lengths
    assert X.groupby("run").size().between(shortest, longest).all()
    assert X.index.unique("run").size == n_runs
    assert (X.dtypes == np.float64).all()
    np.testing.assert_array_equal(X, np.rint(X))
    assert (X >= 0).all(axis=None)
    assert y.sum() == round(fraction * len(X))
    np.testing.assert_array_equal(truth.mask.any(axis=1), y == 1)
    np.testing.assert_array_equal(truth.kind != "", y == 1)
    for frame in (truth.mask, truth.conditions):
        assert frame.index.equals(X.index)
    np.testing.assert_array_equal(X.to_numpy()[~truth.mask], clean.to_numpy()[~truth.mask])


@given(seed=st.integers(0, 1000))
def test_the_table_of_faults_says_what_kind_and_mask_say(seed):
    X, _, truth = make_lumisections(
        4, 30, shape=SHAPES, fault_fraction=0.3, random_state=seed, return_truth=True
    )
    kind = pd.Series("", index=X.index)
    n_bins = pd.Series(0, index=X.index)
    for fault in truth.faults.itertuples():
        rows = pd.IndexSlice[fault.run, fault.first : fault.last]
        assert (kind.loc[rows] == "").all()
        kind.loc[rows], n_bins.loc[rows] = fault.kind, fault.n_bins
        of_element = truth.mask.columns.str.startswith(f"{fault.element}[")
        assert not truth.mask.loc[rows, ~of_element].any(axis=None)
    np.testing.assert_array_equal(kind, truth.kind)
    np.testing.assert_array_equal(n_bins, truth.mask.sum(axis=1))
    assert truth.faults[["run", "first"]].apply(tuple, axis=1).is_monotonic_increasing


def test_shapes_have_the_faults_that_they_can_have():
    for shape, impossible in (((40,), {"missing module"}), ((8, 16), {"shifted", "broadened"})):
        *_, truth = make_lumisections(
            20, 100, shape=shape, fault_fraction=0.5, random_state=0, return_truth=True
        )
        names, counts = np.unique(truth.faults["kind"], return_counts=True)
        assert set(names) == set(KINDS) - impossible
        assert counts.min() > 0.5 * counts.mean()
        length = truth.faults["last"] - truth.faults["first"] + 1
        assert 5 < length.mean() < 12


def test_counts_fluctuate_by_their_square_root():
    X, _, truth = healthy(n_runs=1, n_lumisections=2000, shape=(20,), pileup=0)
    exposure = truth.conditions["exposure"].to_numpy()[:, None]
    expected = exposure * X.sum().to_numpy() / exposure.sum()
    bins = expected.mean(axis=0) > 20
    pull = ((X.to_numpy() - expected) / np.sqrt(np.maximum(expected, 1)))[:, bins]
    assert bins.sum() > 10
    assert pull.std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("statistics", [5, 10_000])
def test_entries_are_poisson_round_the_exposure(statistics):
    X, _, truth = healthy(statistics=statistics)
    expected = statistics * truth.conditions["exposure"]
    assert expected.mean() == pytest.approx(statistics)
    entries = X.sum(axis=1)
    probability = poisson.cdf(entries, expected) - poisson.pmf(entries, expected) / 2
    assert probability.mean() == pytest.approx(0.5, abs=0.04)


def test_luminosity_and_pile_up_fall_within_a_run_and_exposure_differs_between_runs():
    X, _, truth = healthy(pileup=50)
    for _, run in truth.conditions.groupby("run"):
        assert (run["luminosity"].diff().iloc[1:] < 0).all()
    assert truth.conditions["pileup"].to_numpy() == pytest.approx(
        50 * truth.conditions["luminosity"].to_numpy()
    )
    of_runs = truth.conditions["exposure"].groupby("run").mean()
    assert of_runs.max() > 1.5 * of_runs.min()
    assert X.groupby("run").size().nunique() > 5


@pytest.mark.parametrize("shape", [(50,), (11, 16)])
def test_shares_of_bins_are_those_of_a_straight_line_in_pile_up(shape):
    X, _, truth = healthy(
        n_runs=40, n_lumisections=50, shape=shape, drift=0, statistics=1e6, pileup=100
    )
    pileup = truth.conditions["pileup"].to_numpy()
    share = X.to_numpy() / X.to_numpy().sum(axis=1, keepdims=True)
    slope, offset = np.polyfit(pileup, share, 1)
    assert np.abs(slope).max() * np.ptp(pileup) > 0.05 * share.mean()
    bins = share.mean(axis=0) > 1e-4
    residual = (share - pileup[:, None] * slope - offset)[:, bins]
    noise = np.sqrt(share[:, bins].mean(axis=0) / X.to_numpy().sum(axis=1).mean())
    # A map's shares are normalised, so they bend a little.
    assert (residual.std(axis=0) / noise).mean() == pytest.approx(1, abs=0.15)


def test_a_spectrum_has_one_peak_and_a_long_tail_to_high_charges():
    X, *_ = healthy(pileup=0, statistics=1e5)
    mean = X.sum().to_numpy()
    peak = mean.argmax()
    assert 20 < peak < 40
    above, below = (np.flatnonzero(mean > 0.1 * mean.max())[at] for at in (-1, 0))
    assert above - peak > 1.5 * (peak - below)
    assert mean[-1] > 0


@pytest.mark.parametrize("shape", [(20, 40), (10, 24, 3)])
def test_maps_have_rings_modules_depths_and_cells_that_do_not_exist(shape):
    X, *_ = healthy(shape=shape, statistics=1e5, drift=0)
    mean = X.mean().to_numpy().reshape(shape)
    absent = X.to_numpy().max(axis=0).reshape(shape) == 0
    assert 0.005 < absent.mean() < 0.04
    present = np.where(absent, np.nan, mean)
    rings = np.nanmean(present.reshape(shape[0], -1), axis=1)
    assert rings[[0, -1]].min() > 1.3 * rings[shape[0] // 2]
    relative = present / np.nanmean(present, axis=tuple(range(1, len(shape))), keepdims=True)
    if len(shape) == 3:
        depth = np.nanmean(present, axis=(0, 1))
        assert depth[1:] / depth[:-1] == pytest.approx(np.exp(-0.3), rel=0.05)
        relative = relative[..., 0]
    modules = np.nanmean(relative, axis=0).reshape(8, -1)
    assert modules.mean(axis=1).std() > 2 * modules.std(axis=1).mean() / np.sqrt(modules.shape[1])


@pytest.mark.parametrize("shape", [(50,), (10, 16)])
def test_runs_differ_only_if_the_detector_drifts(shape):
    def spread(drift):
        X, _, _ = healthy(
            n_runs=12, n_lumisections=20, shape=shape, drift=drift, statistics=1e6, pileup=0
        )
        of_runs = X.groupby("run").sum().to_numpy()
        share = of_runs / of_runs.sum(axis=1, keepdims=True)
        bins = share.mean(axis=0) > 1e-3
        noise = np.sqrt(share / of_runs.sum(axis=1, keepdims=True))[:, bins]
        return (share[:, bins].std(axis=0) / noise.mean(axis=0)).mean()

    assert spread(0) == pytest.approx(1, abs=0.2)
    assert spread(0.05) > 2 * spread(0.01) > 4


def test_the_same_seed_gives_the_same_table_with_and_without_the_truth():
    X, y = make_lumisections(random_state=1)
    again, y_too, _ = make_lumisections(random_state=np.random.RandomState(1), return_truth=True)
    pd.testing.assert_frame_equal(X, again)
    np.testing.assert_array_equal(y, y_too)
    assert not X.equals(make_lumisections(random_state=2)[0])


def test_further_elements_leave_the_first_one_as_it_was():
    alone, _, _ = healthy(shape={"charge": (30,)})
    first, _, _ = healthy(shape=SHAPES)
    pd.testing.assert_frame_equal(first.iloc[:, :30], alone)


def test_cells_that_do_not_exist_are_never_faulty():
    X, y, truth = make_lumisections(
        10, 50, shape=(16, 32), fault_fraction=0.5, random_state=0, return_truth=True
    )
    absent = X[y == 0].to_numpy().max(axis=0) == 0
    assert absent.any()
    assert not truth.mask.to_numpy()[:, absent].any()


def test_next_to_no_entries_still_make_a_table():
    X, y, truth = make_lumisections(
        2, 20, shape=(4, 8), statistics=1e-9, fault_fraction=0.5, random_state=0, return_truth=True
    )
    assert y.sum() == 20
    assert truth.mask.to_numpy()[y == 1].sum(axis=1).max() <= 4
    assert X.to_numpy()[~truth.mask].sum() == 0


def test_names_of_the_elements():
    assert make_lumisections(1, 2, shape=(5,))[0].columns[-1] == "charge[4]"
    assert make_lumisections(1, 2, shape=[2, 3])[0].columns[-1] == "occupancy[1,2]"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shape": ()}, "shape of 'occupancy' is"),
        ({"shape": (1,)}, "at least 2 bins in all"),
        ({"shape": (2, 2, 2, 2)}, "1 to 3 whole numbers"),
        ({"shape": (2, 2.5)}, "1 to 3 whole numbers"),
        ({"shape": {}}, "shape names no monitoring element"),
        ({"shape": {"a[0]": (4,)}}, "a name without brackets"),
        ({"n_lumisections": 0}, "n_lumisections=0; give the length of a run"),
        ({"n_lumisections": (5, 4)}, r"n_lumisections=\(5, 4\)"),
        ({"n_lumisections": (1, 2, 3)}, r"n_lumisections=\(1, 2, 3\)"),
        ({"faults": ["broken"]}, "kind='broken'; expected one of"),
        ({"faults": ["dead", "dead"]}, "a sequence of different kinds"),
        ({"faults": []}, "a sequence of different kinds"),
        ({"faults": ["dead", "missing module"]}, r"can have the faults 'missing module'"),
        ({"faults": ["shifted"], "shape": (4, 5)}, r"faults 'shifted'; expected some of 'dead'"),
    ],
)
def test_what_cannot_be_generated_is_named(parameters, message):
    with pytest.raises(UsageError, match=message):
        make_lumisections(**parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_runs": 0},
        {"pileup": 251},
        {"statistics": 0},
        {"drift": -0.1},
        {"fault_fraction": 1.1},
        {"faults": "dead"},
        {"shape": 5},
    ],
)
def test_impossible_parameters_are_named(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of make_lumisections"):
        make_lumisections(**parameters)


@pytest.mark.parametrize("shape", [(100,), (8, 16)])
def test_the_largest_drift_and_statistics_leave_counts(shape):
    for seed in range(3):
        X, _ = make_lumisections(100, 3, shape=shape, drift=1.0, random_state=seed)
        assert (X.to_numpy().sum(axis=1) > 0).all()
    X, _ = make_lumisections(3, 50, shape=shape, statistics=1e12, random_state=0)
    counts = X.to_numpy()
    assert (counts >= 0).all()
    assert (counts < 2.0**53).all()


def test_statistics_that_no_count_holds_are_refused():
    with pytest.raises(ValueError, match="'statistics' parameter"):
        make_lumisections(3, 5, statistics=1e21)
