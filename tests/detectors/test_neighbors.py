"""Neighbours: exact distances, bounded memory, approximate search."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import NeighborsDetector
from skdqm.detectors._neighbor_index import TREE_COORDINATES, BruteIndex, GraphIndex, TreeIndex
from skdqm.exceptions import MissingDependencyError, UsageError

RNG = np.random.default_rng(0)
X, X_TEST = RNG.normal(size=(500, 4)) * [1, 10, 100, 1000], RNG.normal(size=(200, 4)) * 30
needs_faiss = pytest.mark.skipif(find_spec("faiss") is None, reason="faiss is not installed")


def distances(rows: np.ndarray, k: int) -> np.ndarray:
    scaler = StandardScaler().fit(X)
    return (
        NearestNeighbors(n_neighbors=k)
        .fit(scaler.transform(X))
        .kneighbors(scaler.transform(rows))[0]
    )


def test_the_score_is_the_distance_to_the_kth_neighbour() -> None:
    detector = NeighborsDetector(n_neighbors=5).fit(X)
    np.testing.assert_allclose(-detector.score_samples(X_TEST), distances(X_TEST, 5)[:, -1] + 1e-3)


def test_the_mean_distance_is_that_of_all_neighbours() -> None:
    detector = NeighborsDetector(n_neighbors=5, distance="mean").fit(X)
    expected = distances(X_TEST, 5).mean(axis=1) + 1e-3
    np.testing.assert_allclose(-detector.score_samples(X_TEST), expected)


def test_several_numbers_give_the_geometric_mean_and_shares_are_of_the_memory() -> None:
    detector = NeighborsDetector(n_neighbors=(1, 5, 0.1)).fit(X)
    found = distances(X_TEST, 50)[:, [0, 4, 49]] + 1e-3
    expected = np.exp(np.log(found).mean(axis=1))
    np.testing.assert_allclose(-detector.score_samples(X_TEST), expected)


def test_the_mahalanobis_distance_is_that_of_the_shrunk_covariance() -> None:
    rows, others = (mixed(n, seed) for n, seed in ((400, 1), (50, 2)))
    detector = NeighborsDetector(metric="mahalanobis").fit(rows)
    scaler = StandardScaler().fit(rows)
    precision = np.linalg.inv(LedoitWolf().fit(scaler.transform(rows)).covariance_)
    differences = scaler.transform(others)[:, None] - scaler.transform(rows)
    squares = np.einsum("ijk,kl,ijl->ij", differences, precision, differences)
    expected = np.sqrt(np.sort(squares, axis=1)[:, 4]) + 1e-3
    np.testing.assert_allclose(-detector.score_samples(others), expected, rtol=1e-6)


def test_a_step_against_what_is_in_common_is_farther_by_the_mahalanobis_distance() -> None:
    rows = mixed(1000, 1)
    faulty = mixed(1000, 2)
    faulty[:, 3] += rows[:, 3].std()
    y = np.repeat([0, 1], 1000)
    tested = np.concatenate([mixed(1000, 3), faulty])
    found = {
        metric: roc_auc_score(y, -NeighborsDetector(metric=metric).fit(rows).score_samples(tested))
        for metric in ("euclidean", "mahalanobis")
    }
    assert found["mahalanobis"] > found["euclidean"] + 0.05


@pytest.mark.parametrize("n_features", [6, 40])
def test_mahalanobis_scores_do_not_depend_on_the_rows_beside_it(n_features: int) -> None:
    rows = np.random.default_rng(0).normal(size=(700, n_features))
    detector = NeighborsDetector(metric="mahalanobis").fit(rows[:300])
    together = detector.score_samples(rows)
    alone = [detector.score_samples(row[None])[0] for row in rows]
    np.testing.assert_array_equal(together, alone)


def test_features_that_never_vary_or_repeat_others_are_no_trouble() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 3))
    rows = np.column_stack([rows, rows[:, 0], np.ones(100)])
    scores = NeighborsDetector(metric="mahalanobis").fit(rows).score_samples(rows)
    assert np.isfinite(scores).all()


def mixed(n_rows: int, seed: int) -> np.ndarray:
    """Return rows of six features with two common causes."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(2, 6))
    return rng.normal(size=(n_rows, 2)) @ mixing + 0.2 * rng.normal(size=(n_rows, 6))


def test_one_share_is_a_number_too() -> None:
    found, expected = (NeighborsDetector(n_neighbors=n).fit(X) for n in (0.1, (0.1,)))
    np.testing.assert_array_equal(found.score_samples(X_TEST), expected.score_samples(X_TEST))


@pytest.mark.parametrize("n_features", [3, TREE_COORDINATES + 1])
def test_the_number_of_rows_beside_it_does_not_move_a_score(n_features: int) -> None:
    rows = RNG.normal(size=(300, n_features))
    detector = NeighborsDetector(n_neighbors=(1, 0.3)).fit(rows)
    together = detector.score_samples(rows)
    for n in (1, 7, 33):
        np.testing.assert_array_equal(detector.score_samples(rows[:n]), together[:n])


def test_a_remembered_row_is_none_of_its_own_neighbours() -> None:
    detector = NeighborsDetector(n_neighbors=1).fit(X)
    np.testing.assert_allclose(-detector.score_samples(X), distances(X, 2)[:, 1] + 1e-3)


def test_feature_scores_add_up_to_the_squared_distance() -> None:
    detector = NeighborsDetector(n_neighbors=1).fit(X)
    expected = distances(X_TEST, 1)[:, 0] ** 2
    np.testing.assert_allclose(detector.feature_scores(X_TEST).sum(axis=1), expected)


def test_memory_stays_bounded_and_follows_what_comes() -> None:
    detector = NeighborsDetector(memory_size=100, random_state=0).fit(X)
    moved = X + 5 * X.std(axis=0)
    before = detector.score_samples(moved).mean()
    for _ in range(3):
        detector.partial_fit(moved)
    assert detector.memory_.shape == (100, 4)
    assert detector.score_samples(moved).mean() > before


@pytest.mark.parametrize("n_features", [2, TREE_COORDINATES, TREE_COORDINATES + 1, 60])
def test_trees_and_products_find_the_same_points(n_features: int) -> None:
    points, rows = RNG.normal(size=(400, n_features)), RNG.normal(size=(70, n_features))
    (tree, near), (brute, also_near) = (i(points)(rows, 7) for i in (TreeIndex, BruteIndex))
    np.testing.assert_array_equal(tree, brute)
    np.testing.assert_allclose(near, also_near)
    np.testing.assert_allclose(near, np.linalg.norm(points[tree] - rows[:, None], axis=2))


def test_equal_rows_have_equal_scores_and_no_warning() -> None:
    detector = NeighborsDetector(n_neighbors=(1, 5)).fit(np.ones((20, 3)))
    assert len(set(detector.score_samples(np.ones((4, 3))))) == 1
    assert detector.score_samples(np.zeros((1, 3))) < detector.score_samples(np.ones((1, 3)))


@needs_faiss
def test_the_graph_finds_nearly_all_neighbours_and_the_same_ones_again() -> None:
    points, rows = RNG.normal(size=(5000, 8)), RNG.normal(size=(300, 8))
    exact, graph, again = TreeIndex(points), GraphIndex(points), GraphIndex(points)
    found, distances = graph(rows, 6)
    assert (np.diff(distances, axis=1) >= 0).all()
    np.testing.assert_array_equal(found, again(rows, 6)[0])
    np.testing.assert_array_equal(found[:1], graph(rows[:1], 6)[0])
    shared = [len(set(a) & set(b)) for a, b in zip(found, exact(rows, 6)[0], strict=True)]
    assert np.mean(shared) > 5.8


@needs_faiss
def test_points_that_the_graph_cannot_reach_are_found_one_by_one() -> None:
    points = np.repeat(RNG.normal(size=(3, 4)), 200, axis=0)
    found, _ = GraphIndex(points)(points[:5], 300)
    assert found.min() >= 0
    assert all(len(set(row)) == 300 for row in found)


@needs_faiss
def test_an_approximate_detector_ranks_as_the_exact_one() -> None:
    labels = np.repeat([0, 1], [len(X), len(X_TEST)])
    rows = np.concatenate([RNG.normal(size=X.shape) * X.std(axis=0), X_TEST])
    exact, near = (
        roc_auc_score(labels, -NeighborsDetector(algorithm=name).fit(X).score_samples(rows))
        for name in ("exact", "approximate")
    )
    assert near == pytest.approx(exact, abs=0.01)


def test_without_faiss_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"skdqm\[neighbors\]"):
        NeighborsDetector(algorithm="approximate").fit(X)


@pytest.mark.parametrize("n_neighbors", [(), (0,), (1.5,), (-0.5,), ("a",), (1, 0.0)])
def test_numbers_of_neighbours_that_make_no_sense_are_refused(n_neighbors: Any) -> None:
    with pytest.raises(UsageError, match="n_neighbors must hold"):
        NeighborsDetector(n_neighbors=n_neighbors).fit(X)
