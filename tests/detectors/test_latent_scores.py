"""Distances from remembered points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from skdqm.detectors._latent_scores import LATENT_SCORES, Directions, Ellipsoid, Neighbors

POINTS = np.random.default_rng(0).normal(size=(50, 6))
QUERIES = np.random.default_rng(1).normal(size=(3, 8, 6))


@given(st.integers(1, 60), st.integers(1, 50))
def test_neighbours_are_those_of_scikit_learn(n_points: int, n_neighbors: int) -> None:
    points = POINTS[:n_points]
    k = min(n_neighbors, max(1, len(points) - 1))
    distances, _ = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(QUERIES.reshape(-1, 6))
    found = Neighbors(points, n_neighbors)(QUERIES)
    np.testing.assert_allclose(found.ravel(), distances.mean(axis=1), atol=1e-9)


def test_a_remembered_point_is_none_of_its_own_neighbours() -> None:
    distances, _ = NearestNeighbors(n_neighbors=3).fit(POINTS).kneighbors()
    found = Neighbors(POINTS + 100, 3)(POINTS[None] + 100)
    np.testing.assert_allclose(found[0], distances.mean(axis=1), atol=1e-6)
    among_others = Directions(POINTS, 1)(POINTS[None])
    assert among_others.min() > 1e-6


def test_of_two_equal_points_one_stays_a_neighbour() -> None:
    points = np.repeat(POINTS, 2, axis=0)
    assert Neighbors(points, 1)(points[None]).max() < 1e-6


def test_directions_see_no_length() -> None:
    score = Directions(POINTS, 3)
    away = QUERIES - score.center
    np.testing.assert_allclose(score(score.center + 7 * away), score(QUERIES), atol=1e-12)


def test_a_direction_opposite_to_all_others_scores_highest() -> None:
    points = np.array([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]])
    queries = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    along, across = Directions(points, 2)(queries)[0]
    assert along < 0.1 < across


def test_the_ellipsoid_counts_spreads() -> None:
    points = np.random.default_rng(0).normal(size=(20_000, 2)) * [1.0, 10.0]
    short, long = Ellipsoid(points, 5)(np.array([[[3.0, 0.0], [0.0, 30.0]]]))[0]
    assert short == pytest.approx(long, rel=0.05)
    assert short == pytest.approx(9 / 2, rel=0.05)


@pytest.mark.parametrize("name", sorted(LATENT_SCORES))
@pytest.mark.parametrize("points", [POINTS[:1], np.zeros((5, 6)), np.repeat(POINTS[:2], 4, axis=0)])
def test_few_or_equal_points_give_finite_scores(name: str, points: np.ndarray) -> None:
    score = LATENT_SCORES[name](points, 5)
    assert np.isfinite(score(QUERIES)).all()
    assert np.isfinite(score(points[None])).all()
