import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdqm.benchmark import compare
from skdqm.benchmark._compare import (
    chosen_reference,
    critical_distance,
    mean_ranks,
    signed_rank,
)
from skdqm.exceptions import UsageError

TABLES = arrays(float, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=st.floats(0, 1))


@given(TABLES)
def test_ranks_add_up_whatever_ties(figures):
    ranks = mean_ranks(figures)
    k = figures.shape[1]
    assert sum(ranks) == pytest.approx(k * (k + 1) / 2)
    assert all(1 <= rank <= k for rank in ranks)


@given(TABLES, st.randoms())
def test_ranks_do_not_depend_on_the_order_of_sets_and_contenders(figures, random):
    rows, columns = (random.sample(range(n), n) for n in figures.shape)
    shuffled = mean_ranks(figures[rows][:, columns])
    assert shuffled == pytest.approx([mean_ranks(figures)[column] for column in columns])


@given(TABLES)
def test_wins_ties_and_losses_are_all_sets_and_p_values_are_shares(figures):
    table = pd.DataFrame(figures).rename(columns=str)
    for standing in compare(table, reference="0").standings:
        assert standing.wins + standing.ties + standing.losses == len(table)
        assert 0 <= standing.p_value <= 1


# Table 5 of Demsar (2006): critical values of the two-tailed Nemenyi test at 0.05.
@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_critical_distances_are_those_of_the_published_table(k, q):
    expected = q * np.sqrt(k * (k + 1) / (6 * 14))
    assert critical_distance(k, 14) == pytest.approx(expected, rel=1e-3)


def test_the_worked_example_of_the_paper():
    """Table 6 of Demsar (2006): four versions of C4.5 on 14 sets, ranks 3.143, 2, 2.893, 1.964."""
    sets = [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
    table = pd.DataFrame(sets, columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"])
    comparison = compare(table, reference="C4.5")
    ranks = {each.contender: round(each.rank, 3) for each in comparison.standings}
    assert ranks == {"C4.5+m+cf": 1.964, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5": 3.143}
    assert comparison.critical_distance == pytest.approx(1.25, abs=0.01)
    assert comparison.friedman_p < 0.05


def test_differences_below_the_digits_of_published_tables_are_ties():
    table = pd.DataFrame({"a": [0.90001, 0.8], "b": [0.9, 0.80004]})
    first, second = compare(table, reference="b").standings
    assert first.rank == second.rank == 1.5
    assert (first.ties, first.p_value) == (2, 1.0)


def test_a_contender_that_lacks_a_set_is_counted_and_neither_ranked_nor_averaged():
    table = pd.DataFrame({"a": [0.9, 0.8], "b": [0.7, np.nan], "c": [0.6, 0.5]})
    *ranked, last = compare(table, reference="c").standings
    assert [(each.contender, each.rank) for each in ranked] == [("a", 1.0), ("c", 2.0)]
    assert (last.contender, last.n_missing, last.mean, last.rank) == ("b", 1, None, None)


def test_a_reference_that_failed_leaves_the_ranks():
    table = pd.DataFrame({"a": [0.9, 0.8], "b": [0.7, np.nan]})
    first = compare(table, reference="b").standings[0]
    assert (first.rank, first.wins, first.p_value) == (1.0, None, None)


def test_when_all_fail_nothing_is_ranked():
    comparison = compare(pd.DataFrame({"a": [np.nan]}), reference="a")
    assert [each.rank for each in comparison.standings] == [None]
    assert comparison.critical_distance is None


def test_signed_ranks_of_nothing_and_of_one_side():
    assert signed_rank(np.zeros(5)) == 1.0
    assert signed_rank(np.linspace(0.1, 0.8, 8)) == pytest.approx(2 / 2**8)


def test_all_but_the_reference_are_corrected_for_each_other():
    steps = np.linspace(0.01, 0.08, 8)
    table = pd.DataFrame({"a": 0.5 + steps, "b": np.full(8, 0.5), "c": 0.5 - steps})
    found = {each.contender: each.p_holm for each in compare(table, reference="b").standings}
    assert found == {"a": pytest.approx(4 / 2**8), "b": None, "c": pytest.approx(4 / 2**8)}


def test_unknown_references_are_refused():
    with pytest.raises(UsageError, match="'b' is not among"):
        compare(pd.DataFrame({"a": [1.0]}), reference="b")
    with pytest.raises(UsageError, match="'b' does not take part; there are a"):
        chosen_reference(["a"], "b")


def test_references_are_found_in_any_case_and_chosen_where_none_is_named():
    names = ["vae", "pyod:KNN", "published:kNN"]
    assert chosen_reference(names, "PYOD:knn") == "pyod:KNN"
    assert chosen_reference(names, None) == "pyod:KNN"
    assert chosen_reference(["vae", "published:kNN"], None) == "published:kNN"
    assert chosen_reference(["vae"], None) == "vae"
