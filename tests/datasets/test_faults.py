"""inject_faults: every kind is what it says, where and when it says, and nothing else changes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from skdqm._lumisections import bin_names, lumisection_index
from skdqm.datasets import inject_faults, make_lumisections
from skdqm.exceptions import DataError, UsageError

OF_MAPS = ("dead", "hot", "degraded", "noisy", "missing module")
OF_ONE_AXIS = (*OF_MAPS, "shifted", "broadened")


def table(shape=(20,), n_runs=2, length=30, mean=50, seed=0, element="h"):
    """Lumisections with Poisson counts of the same mean in all bins."""
    index = lumisection_index(
        np.repeat(np.arange(n_runs) + 7, length), np.tile(np.arange(length) + 1, n_runs)
    )
    counts = np.random.default_rng(seed).poisson(mean, size=(len(index), np.prod(shape)))
    return pd.DataFrame(counts.astype(float), index, bin_names(element, shape))


@given(
    shape=st.sampled_from([(12,), (6, 5), (3, 4, 2)]),
    kind=st.sampled_from(OF_ONE_AXIS),
    first=st.none() | st.integers(0, 9),
    duration=st.none() | st.integers(1, 20),
    runs=st.none() | st.sampled_from([[7], [8], [7, 8]]),
    seed=st.integers(0, 1000),
)
def test_only_what_the_mask_says_changes_and_counts_stay_whole(
    shape, kind, first, duration, runs, seed
):
    if kind not in OF_MAPS and len(shape) > 1:
        shape = (12,)
    X = table(shape, length=10)
    before = X.copy()
    faulty, mask = inject_faults(
        X, kind, first=first, duration=duration, runs=runs, random_state=seed
    )
    pd.testing.assert_frame_equal(X, before)
    for found in (faulty, mask):
        assert found.index.equals(X.index)
        assert found.columns.equals(X.columns)
    assert (mask.dtypes == np.bool_).all()
    assert (faulty.dtypes == np.float64).all()
    assert (faulty >= 0).all(axis=None)
    np.testing.assert_array_equal(faulty, np.rint(faulty))
    np.testing.assert_array_equal(faulty.to_numpy()[~mask], X.to_numpy()[~mask])
    expected = 10 - (first or 0) if duration is None else min(duration, 10 - (first or 0))
    per_run = mask.any(axis=1).groupby("run").sum()
    assert per_run.to_dict() == {run: expected * (run in (runs or [7, 8])) for run in (7, 8)}
    again, mask_too = inject_faults(
        X, kind, first=first, duration=duration, runs=runs, random_state=seed
    )
    pd.testing.assert_frame_equal(faulty, again)
    pd.testing.assert_frame_equal(mask, mask_too)


def test_arrays_give_arrays_with_the_same_counts():
    X = table((6, 5))
    faulty, mask = inject_faults(X, "hot", size=2, random_state=3)
    array, array_mask = inject_faults(X.to_numpy(), "hot", size=2, shape=(6, 5), random_state=3)
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array_mask.any(axis=0), mask.any(axis=0))
    np.testing.assert_array_equal(array[array_mask], faulty.to_numpy()[mask])


@pytest.mark.parametrize("kind", ["dead", "missing module"])
def test_dead_bins_count_nothing(kind):
    faulty, mask = inject_faults(table(), kind, random_state=0)
    assert (faulty.to_numpy()[mask] == 0).all()


def test_hot_bins_count_a_multiple():
    X = table()
    for factor in (10, 1.5):
        faulty, mask = inject_faults(X, "hot", where=4, factor=factor)
        np.testing.assert_array_equal(faulty.to_numpy()[mask], np.rint(factor * X.to_numpy()[mask]))
    default, _ = inject_faults(X, "hot", where=4)
    np.testing.assert_array_equal(default["h[4]"], 10 * X["h[4]"])


@pytest.mark.parametrize("factor", [0.2, 0.5, 0.8])
def test_degraded_bins_keep_a_binomial_share(factor):
    X = table(mean=400)
    faulty, mask = inject_faults(X, "degraded", size=20, factor=factor, random_state=0)
    kept, total = faulty.to_numpy()[mask].sum(), X.to_numpy()[mask].sum()
    assert binomtest(int(kept), int(total), factor).pvalue > 1e-3
    change = faulty.to_numpy()[mask] - factor * X.to_numpy()[mask]
    variance = (factor * (1 - factor) * X.to_numpy()[mask]).mean()
    assert change.var() == pytest.approx(variance, rel=0.15)


def test_noisy_bins_get_entries_whose_mean_differs_between_lumisections():
    X = table(length=400, mean=50)
    faulty, mask = inject_faults(X, "noisy", size=8, factor=3, random_state=0)
    added = (faulty - X).to_numpy()[:, mask.any(axis=0)]
    assert (added >= 0).all()
    assert added.mean() == pytest.approx(3 * 50, rel=0.1)
    of_rows = added.mean(axis=1)
    assert of_rows.std() == pytest.approx(3 * 50, rel=0.15)  # exponential
    within = ((added - of_rows[:, None]) ** 2).sum(axis=1) / 7
    assert within.mean() == pytest.approx(added.mean(), rel=0.1)  # Poisson


def test_noise_comes_to_bins_that_count_nothing_too():
    faulty, mask = inject_faults(np.zeros((50, 4)), "noisy", where=1, random_state=0)
    assert faulty[mask].sum() > 0
    assert faulty[~mask].sum() == 0


@pytest.mark.parametrize("shift", [3, -3, 2.5])
def test_a_shift_moves_the_mean_and_keeps_the_entries(shift):
    X = np.zeros((40, 50))
    X[:, 20:30] = 1000
    faulty, mask = inject_faults(X, "shifted", factor=shift, random_state=0)
    np.testing.assert_array_equal(faulty.sum(axis=1), X.sum(axis=1))
    moved = faulty.sum(axis=0) @ np.arange(50) / X.sum() - 24.5
    assert moved == pytest.approx(shift, abs=0.01)
    assert mask.all()


def test_a_whole_shift_is_exact_and_stops_at_the_edge():
    X = np.arange(12.0).reshape(2, 6)
    np.testing.assert_array_equal(
        inject_faults(X, "shifted", factor=2)[0], [[0, 0, 0, 1, 2, 12], [0, 0, 6, 7, 8, 30]]
    )


def test_broadening_adds_to_the_variance_and_keeps_entries_and_mean():
    X = np.zeros((40, 101))
    X[:, 50] = 10_000
    faulty, _ = inject_faults(X, "broadened", factor=6, random_state=0)
    np.testing.assert_array_equal(faulty.sum(axis=1), X.sum(axis=1))
    share, bins = faulty.sum(axis=0) / X.sum(), np.arange(101)
    assert share @ bins == pytest.approx(50, abs=0.05)
    assert share @ (bins - 50) ** 2 == pytest.approx(36 + 1 / 12, rel=0.02)
    edge = np.zeros((1, 10))
    edge[0, 0] = 100
    assert inject_faults(edge, "broadened", random_state=0)[0].sum() == 100


def test_the_block_lies_where_it_is_told():
    X = table((6, 8))
    _, mask = inject_faults(X, "dead", where=(2, 3), size=(2, 4))
    expected = np.zeros((6, 8), dtype=bool)
    expected[2:4, 3:7] = True
    np.testing.assert_array_equal(mask.to_numpy()[0].reshape(6, 8), expected)
    _, mask = inject_faults(X, "dead", where=expected)
    np.testing.assert_array_equal(mask.to_numpy()[0].reshape(6, 8), expected)


def test_a_missing_module_is_a_block_of_an_eighth_of_each_axis():
    _, mask = inject_faults(table((16, 24)), "missing module", random_state=0)
    cells = mask.to_numpy()[0].reshape(16, 24)
    assert cells.any(axis=1).sum() == 2
    assert cells.any(axis=0).sum() == 3
    assert cells.sum() == 6


@given(st.integers(0, 200))
def test_a_random_place_has_something_to_lose(seed):
    X = table((8, 8))
    X.iloc[:, :40] = 0
    _, mask = inject_faults(X, "dead", size=2, random_state=seed)
    assert (X.to_numpy()[mask] > 0).any()
    assert mask.to_numpy()[0].sum() == 4


def test_time_is_a_window_of_the_rows_chosen_in_each_run():
    X = table(length=10)
    _, mask = inject_faults(X, "dead", runs=[8], first=3, duration=4)
    at = mask.any(axis=1)
    assert X.index[at].tolist() == [(8, ls) for ls in (4, 5, 6, 7)]
    rows = [0, 1, 15, 16, 17]
    _, mask = inject_faults(X, "dead", rows=rows, first=1)
    assert np.flatnonzero(mask.any(axis=1)).tolist() == [1, 16, 17]
    _, mask = inject_faults(X, "dead", rows=np.arange(20) < 5)
    assert np.flatnonzero(mask.any(axis=1)).tolist() == [0, 1, 2, 3, 4]


def test_a_random_time_lies_inside_the_run_and_differs_between_seeds():
    X = table(n_runs=1, length=30)
    starts = set()
    for seed in range(30):
        at = np.flatnonzero(inject_faults(X, "dead", duration=7, random_state=seed)[1].any(axis=1))
        assert len(at) == 7
        starts.add(at[0])
    assert len(starts) > 10


def test_of_several_elements_only_the_one_named_is_touched():
    X = pd.concat([table(element="a"), table((4, 6), element="b")], axis=1)
    _, mask = inject_faults(X, "missing module", element="b", random_state=0)
    assert {column[0] for column in mask.columns[mask.any(axis=0)]} == {"b"}
    faulty, _ = inject_faults(X, "shifted", element="a", random_state=0)
    pd.testing.assert_frame_equal(faulty.iloc[:, 20:], X.iloc[:, 20:])
    with pytest.raises(UsageError, match="X holds the elements 'a', 'b'; give element="):
        inject_faults(X, "dead")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "broken"}, "kind='broken'; expected one of 'dead', 'hot'"),
        ({"kind": "dead", "factor": 2}, "factor=2, but a fault of kind 'dead' takes none"),
        ({"kind": "hot", "factor": 0.5}, "factor=0.5 of the kind 'hot'; give a number between 1"),
        ({"kind": "degraded", "factor": 1}, "give a number between 0 and 1"),
        ({"kind": "noisy", "factor": -1}, "give a number between 0 and inf"),
        ({"kind": "shifted", "factor": 0}, "and not 0"),
        ({"kind": "broadened", "factor": float("nan")}, "factor=nan"),
        ({"kind": "hot", "factor": "much"}, "factor='much'"),
        ({"kind": "dead", "size": 21}, "size=21; give the number of bins"),
        ({"kind": "dead", "size": (1, 1)}, r"size=\(1, 1\)"),
        ({"kind": "dead", "where": 20}, r"where=20: a block of \(1,\) bins .* not inside"),
        ({"kind": "dead", "where": -1}, "where=-1"),
        ({"kind": "dead", "where": np.zeros(20, dtype=bool)}, "with 0 bins; expected one of"),
        ({"kind": "dead", "where": np.ones(3, dtype=bool)}, r"mask of shape \(3,\)"),
        ({"kind": "shifted", "where": 3}, "moves the whole histogram: leave out size and where"),
        ({"kind": "dead", "runs": [7, 99]}, "runs 99 are not in X"),
        ({"kind": "dead", "runs": [7], "rows": [0]}, "give rows or runs, not both"),
        ({"kind": "dead", "rows": [60]}, "rows must be positions of the 60 rows of X, or a mask"),
        ({"kind": "dead", "first": 30}, "no row is left for the fault"),
        ({"kind": "dead", "rows": np.zeros(60, dtype=bool)}, "0 rows were chosen"),
        ({"kind": "dead", "element": "g"}, "element='g' is not in X, which has 'h'"),
        ({"kind": "dead", "shape": (3, 7)}, r"shape=\(3, 7\): expected .* with the product 20"),
    ],
)
def test_a_fault_that_cannot_be_is_named(arguments, message):
    with pytest.raises(UsageError, match=message):
        inject_faults(table(), **arguments)


def test_a_map_can_neither_shift_nor_broaden():
    for kind in ("shifted", "broadened"):
        with pytest.raises(UsageError, match=r"for histograms of one axis, found the shape \(4, 5"):
            inject_faults(table((4, 5)), kind)
    with pytest.raises(UsageError, match="where=3: a block"):
        inject_faults(table((4, 5)), "dead", where=3)


@pytest.mark.parametrize("wrong", [-1, 0.5, np.nan, np.inf])
def test_what_is_no_count_is_named_with_its_place(wrong):
    X = np.zeros((3, 4))
    X[1, 2] = wrong
    with pytest.raises(DataError, match=r"X holds .* in row 1, column 2; .* whole and not neg"):
        inject_faults(X, "dead")


def test_rows_without_runs_cannot_be_chosen_by_run():
    with pytest.raises(DataError, match="a fault in some runs needs the run of each row"):
        inject_faults(np.zeros((3, 4)), "dead", runs=[1])
    with pytest.raises(UsageError, match="X is an array without names"):
        inject_faults(np.zeros((3, 4)), "dead", element="h")
    with pytest.raises(DataError, match=r"X has shape \(3, 4, 5\)"):
        inject_faults(np.zeros((3, 4, 5)), "dead")


def test_parameters_of_the_wrong_type_are_named():
    for name, value in {"first": -1, "duration": 0, "runs": "all", "random_state": "x"}.items():
        with pytest.raises(ValueError, match=f"'{name}' parameter of inject_faults"):
            inject_faults(table(), "dead", **{name: value})


def test_real_lumisections_take_every_kind(shared_data):
    path = shared_data("dqm/cms_pixel_2017B/chargeInner_PXLayer_1_perLS_dev.csv.gz")
    frame = pd.read_csv(path, nrows=200)
    bins = frame.filter(regex=r"^bin_\d+$")
    X = pd.DataFrame(
        bins.to_numpy(dtype=float),
        lumisection_index(frame["run"], frame["lumi"]),
        bin_names("charge", (bins.shape[1],)),
    )
    for kind in OF_ONE_AXIS:
        faulty, mask = inject_faults(X, kind, duration=20, random_state=0)
        assert (faulty.to_numpy()[mask] != X.to_numpy()[mask]).mean() > 0.3
        np.testing.assert_array_equal(faulty.to_numpy()[~mask], X.to_numpy()[~mask])


def test_generated_tables_take_faults_on_top():
    X, _ = make_lumisections(2, 20, shape=(8, 16, 2), fault_fraction=0, random_state=0)
    _, mask = inject_faults(X, "missing module", random_state=0)
    assert mask.to_numpy()[0].sum() == 1 * 2 * 1


@pytest.mark.parametrize(
    ("kind", "options"),
    [("dead", {"where": (1, 3)}), ("noisy", {"size": (2, 3)}), ("shifted", {"factor": 2})],
)
def test_the_order_of_columns_does_not_matter(kind, options):
    X = table((12,) if kind == "shifted" else (4, 6))
    mixed = X[np.random.default_rng(1).permutation(X.columns)]
    faulty, mask = inject_faults(X, kind, random_state=0, **options)
    found, where = inject_faults(mixed, kind, random_state=0, **options)
    pd.testing.assert_frame_equal(found[X.columns], faulty)
    pd.testing.assert_frame_equal(where[X.columns], mask)


def test_the_time_of_a_fault_is_that_of_lumisections_not_of_rows():
    X = table(length=10, n_runs=2)
    _, mask = inject_faults(X[::-1], "dead", where=3, first=2, duration=3, random_state=0)
    found = mask.index[mask["h[3]"]]
    assert sorted(found) == [(7, 3), (7, 4), (7, 5), (8, 3), (8, 4), (8, 5)]


@pytest.mark.parametrize("kind", ["hot", "noisy"])
def test_counts_that_no_integer_holds_are_refused(kind):
    for factor in (1e300, 1e18):
        with pytest.raises(UsageError, match=rf"factor=.* of the kind '{kind}' makes counts of"):
            inject_faults(table(), kind, factor=factor, where=0, random_state=0)
    with pytest.raises(UsageError, match="factor=1e\\+300 of the kind 'hot'"):
        inject_faults(np.full((2, 3), 2.0**61), "hot", factor=1e300, where=0)


def test_moved_entries_that_no_integer_holds_are_refused():
    with pytest.raises(UsageError, match="moving the entries of a histogram makes counts of"):
        inject_faults(np.full((2, 30), 2.0**61), "shifted", random_state=0)


def test_a_histogram_that_is_broadened_by_next_to_nothing_keeps_its_counts():
    faulty, _ = inject_faults(table(), "broadened", factor=1e-310, random_state=0)
    pd.testing.assert_frame_equal(faulty, table())
