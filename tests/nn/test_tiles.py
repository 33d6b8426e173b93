"""Tiles: the result of a row does not depend on the rows beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.nn import in_blocks, in_tiles
from skdqm.nn._tiles import BLOCK_ROWS, TILE_ROWS, TILES_AT_ONCE

WEIGHTS = np.random.default_rng(0).normal(size=(7, 5))


@pytest.mark.parametrize("n_rows", [1, TILE_ROWS, TILE_ROWS + 1, TILE_ROWS * TILES_AT_ONCE + 3])
def test_every_row_gets_its_own_result_in_order(n_rows: int) -> None:
    X = np.arange(n_rows * 2.0).reshape(n_rows, 2)
    np.testing.assert_array_equal(in_tiles(lambda rows: rows * 2, X), X * 2)
    np.testing.assert_array_equal(in_tiles(lambda rows: rows.sum(axis=-1), X), X.sum(axis=1))


@given(n_rows=st.integers(1, 700), seed=st.integers(0, 1000))
def test_a_matrix_product_is_the_same_to_the_bit_in_any_batch(n_rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 7))
    together = in_tiles(lambda rows: rows @ WEIGHTS, X)
    some = rng.permutation(n_rows)[:20]
    np.testing.assert_array_equal(in_tiles(lambda rows: rows @ WEIGHTS, X[some]), together[some])
    alone = in_tiles(lambda rows: rows @ WEIGHTS, X[some[:1]])
    np.testing.assert_array_equal(alone, together[some[:1]])


def test_float32_rows_are_scored_in_float64() -> None:
    X = np.ones((3, 2), dtype=np.float32)
    assert in_tiles(lambda rows: rows, X).dtype == np.float64


@pytest.mark.parametrize("n_rows", [1, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
def test_blocks_are_always_full_and_results_are_those_of_the_rows(n_rows: int) -> None:
    X = np.random.default_rng(0).normal(size=(n_rows, 7))
    sizes = []

    def product(rows: np.ndarray) -> np.ndarray:
        sizes.append(len(rows))
        return rows @ WEIGHTS

    together = in_blocks(product, X)
    assert set(sizes) == {BLOCK_ROWS}
    np.testing.assert_allclose(together, X @ WEIGHTS)
    np.testing.assert_array_equal(in_blocks(product, X[::-1]), together[::-1])
    np.testing.assert_array_equal(in_blocks(product, X[-1:]), together[-1:])


def test_a_function_of_tables_sees_one_layout_whatever_that_of_the_rows() -> None:
    X = np.random.default_rng(0).normal(size=(BLOCK_ROWS + 3, 7))
    layouts = [X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1][::-1]]
    seen = []

    def product(rows: np.ndarray) -> np.ndarray:
        seen.append(rows.flags.c_contiguous)
        return rows @ WEIGHTS

    first, *others = (in_blocks(product, layout) for layout in layouts)
    assert all(seen)
    for other in others:
        np.testing.assert_array_equal(other, first)
