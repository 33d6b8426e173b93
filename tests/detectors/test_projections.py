"""Projections: what a few shapes express, row by row, of whatever rows there are."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from skdqm.detectors import ReferenceDetector
from skdqm.detectors._projections import PROJECTIONS, Parts, PrincipalComponents, Projection
from skdqm.exceptions import DataError
from tests.detectors.histograms import abnormal, good

every_projection = pytest.mark.parametrize("kind", PROJECTIONS.values(), ids=PROJECTIONS.keys())
SHAPES = np.array([[1.0, 2, 3, 4, 5, 6], [6, 5, 0, 0, 0, 0]])


def mixtures(n_rows: int = 200, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(1, 3, size=(n_rows, 2)) @ SHAPES


def learned(kind: type[Projection], rows: Any, n_shapes: int = 2) -> Projection:
    return kind.of(np.asarray(rows, dtype=float), np.ones(len(rows)), n_shapes, counted=True)


@every_projection
def test_rows_made_of_the_shapes_are_expressed(kind: type[Projection]) -> None:
    rows = mixtures(seed=1)
    found = learned(kind, mixtures()).rates(rows, np.ones(len(rows)))
    # Parts that were never seen alone are found but nearly.
    assert np.median(np.abs(found - rows)) < 0.01
    assert np.abs(found - rows).max() < 1.5


@every_projection
def test_a_deviation_of_one_bin_is_not_expressed(kind: type[Projection]) -> None:
    rows = mixtures(20, seed=1)
    rows[:, 3] = 0
    found = learned(kind, mixtures()).rates(rows, np.ones(20))
    assert (found[:, 3] > 1).all()


@every_projection
def test_a_longer_exposure_is_the_same_shape(kind: type[Projection]) -> None:
    rows, exposures = mixtures(9, seed=1), np.arange(1.0, 10)
    projection = learned(kind, mixtures())
    found = projection.rates(rows * exposures[:, None], exposures)
    np.testing.assert_allclose(found, projection.rates(rows, np.ones(9)), rtol=1e-9)


@every_projection
def test_a_row_does_not_depend_on_the_rows_beside_it(kind: type[Projection]) -> None:
    rows, projection = mixtures(19, seed=1), learned(kind, mixtures())
    together = projection.rates(rows, np.ones(19))
    alone = [projection.rates(row[None], np.ones(1))[0] for row in rows]
    np.testing.assert_array_equal(together, alone)


@every_projection
def test_rows_without_exposure_are_not_learned_and_expressed_as_finite(
    kind: type[Projection],
) -> None:
    rows = np.concatenate([mixtures(), np.zeros((50, 6))])
    exposures = np.repeat([1.0, 0.0], [200, 50])
    found, expected = kind.of(rows, exposures, 2, counted=True), learned(kind, mixtures())
    np.testing.assert_array_equal(found.shapes, expected.shapes)
    assert np.isfinite(found.rates(rows, exposures)).all()


@every_projection
def test_there_are_no_more_shapes_than_rows_or_bins(kind: type[Projection]) -> None:
    assert len(learned(kind, mixtures(4), 10).shapes) <= 4
    assert len(learned(kind, mixtures(40), 10).shapes) <= 6


@every_projection
def test_learning_again_gives_the_same_shapes(kind: type[Projection]) -> None:
    np.testing.assert_array_equal(
        learned(kind, mixtures()).shapes, learned(kind, mixtures()).shapes
    )


@every_projection
def test_a_projection_is_back_from_its_state(kind: type[Projection]) -> None:
    projection = learned(kind, mixtures())
    back, rows = kind(**projection.as_state()), mixtures(8, 1)
    found, expected = (each.rates(rows, np.ones(8)) for each in (back, projection))
    np.testing.assert_array_equal(found, expected)


def test_parts_have_no_negative_values_and_express_none() -> None:
    projection = learned(Parts, mixtures())
    rows = np.random.default_rng(2).normal(size=(20, 6))
    assert (projection.shapes >= 0).all()
    assert (projection.rates(rows, np.ones(20)) >= 0).all()


def test_parts_express_as_well_as_any_weights_could() -> None:
    projection, row = learned(Parts, mixtures()), mixtures(1, 1) + np.eye(6)[:1]
    found = np.square(projection.rates(row, np.ones(1)) - row).sum()
    weights = np.random.default_rng(0).uniform(0, 5, size=(20_000, 2))
    others = np.square(weights @ projection.shapes - row).sum(axis=1)
    assert found <= others.min() + 1e-9


def test_components_are_added_to_the_mean() -> None:
    projection = learned(PrincipalComponents, mixtures(), 1)
    np.testing.assert_allclose(projection.center, mixtures().mean(axis=0))
    found = projection.rates(projection.center[None], np.ones(1))
    np.testing.assert_allclose(found[0], projection.center)


@pytest.mark.parametrize("n_rows", [1, 5])
def test_equal_rows_have_components_without_a_warning(n_rows: int) -> None:
    rows = np.repeat([[1.0, 2.0, 4.0]], n_rows, axis=0)
    found = learned(PrincipalComponents, rows).rates(rows, np.ones(n_rows))
    np.testing.assert_allclose(found, rows)


@every_projection
def test_nothing_filled_is_said_in_words_of_histograms(kind: type[Projection]) -> None:
    with pytest.raises(DataError, match="no row has any entries or exposure"):
        kind.of(np.zeros((5, 3)), np.zeros(5), 2, counted=True)


def test_something_is_left_that_components_cannot_express() -> None:
    rows = np.random.default_rng(0).poisson(100, size=(50, 3)).astype(float)
    faulty = np.array([[100.0, 0.0, 100.0]])
    residual = learned(PrincipalComponents, rows, 3).rates(faulty, np.ones(1)) - faulty
    assert np.abs(residual).max() > 1


def test_parts_do_not_depend_on_the_unit_of_the_exposure() -> None:
    rows, unit = mixtures(20, 1), 1e-20
    plain = learned(Parts, mixtures()).rates(rows, np.ones(20))
    small = learned(Parts, mixtures() * unit).rates(rows * unit, np.ones(20))
    np.testing.assert_allclose(small / unit, plain, rtol=1e-6)


# The same in a detector.


def drifting(n_rows: int, seed: int) -> NDArray[np.float64]:
    """One way to vary by 20 %, of bins with 10,000 entries."""
    generator = np.random.default_rng(seed)
    way = np.repeat([1.0, -1.0], 10) * generator.normal(0, 0.2, size=(n_rows, 1))
    return generator.poisson(1e4 * np.maximum(1 + way, 0.1)).astype(float)


@pytest.mark.parametrize("test", list(PROJECTIONS))
def test_shapes_find_a_fault_below_what_rows_usually_vary(test: str) -> None:
    fitted = ReferenceDetector(test=test, tolerance=0, n_components=2).fit(drifting(300, 0))
    rows = drifting(100, 1)
    rows[:, 3] *= 1.15
    assert np.quantile(abnormal(fitted, rows), 0.1) > np.quantile(
        abnormal(fitted, drifting(300, 2)), 0.9
    )


@pytest.mark.parametrize("test", list(PROJECTIONS))
def test_pulls_of_what_shapes_cannot_express_have_spread_1(test: str) -> None:
    fitted = ReferenceDetector(test=test, tolerance=0, n_components=2).fit(drifting(300, 0))
    spread = fitted.feature_scores(drifting(300, 1)).std()
    assert 0.7 < spread < 1.2


@pytest.mark.parametrize(
    "test",
    [
        "nmf",
        "pca",
    ],
)
def test_shapes_of_sparse_bins_leave_pulls_of_good_rows_small(test: str) -> None:
    shape = np.repeat([50.0, 0.05], [20, 40])
    scales = np.random.default_rng(2).uniform(0.5, 1.5, size=(300, 1))
    fitted = ReferenceDetector(test=test).fit(np.random.default_rng(3).poisson(shape * scales))
    assert np.abs(fitted.feature_scores(good(300, 1, shape))).max() < 7
