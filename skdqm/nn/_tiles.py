"""Apply a function to rows in tiles of a fixed size, so that no row depends on its batch.

Matrix products round differently for different numbers of rows. In tiles of one size (the last
one padded with zeros) every row takes the same arithmetic path, alone or among a million.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Small, because one event pays for a whole tile; large enough for full speed on many.
TILE_ROWS = 8
# Tiles handed over at once: their intermediate results stay in the processor's cache.
TILES_AT_ONCE = 128
# Rows that a foreign function, which takes a table and not tiles, gets in one call.
BLOCK_ROWS = 256


def in_tiles(
    function: Callable[[NDArray[np.float64]], NDArray[Any]], X: NDArray[Any]
) -> NDArray[np.float64]:
    """Apply a function of rows, in float64 tiles.

    Parameters
    ----------
    function : callable
        Maps an array of shape (n_tiles, tile_rows, n_features) to one of shape
        (n_tiles, tile_rows) or (n_tiles, tile_rows, n_outputs), row by row.
    X : ndarray of shape (n_samples, n_features)
        Rows, at least one.

    Returns
    -------
    results : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The results in the order of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.nn import in_tiles
    >>> in_tiles(lambda rows: rows.sum(axis=-1), np.ones((3, 5)))
    array([5., 5., 5.])
    """
    step = TILE_ROWS * TILES_AT_ONCE
    parts = [_tiled(function, X[start : start + step]) for start in range(0, len(X), step)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _tiled(
    function: Callable[[NDArray[np.float64]], NDArray[Any]], X: NDArray[Any]
) -> NDArray[np.float64]:
    n_tiles = -(-len(X) // TILE_ROWS)
    rows = np.zeros((n_tiles * TILE_ROWS, X.shape[1]))
    rows[: len(X)] = X
    results = function(rows.reshape(n_tiles, TILE_ROWS, X.shape[1])).astype(np.float64, copy=False)
    return results.reshape(len(rows), *results.shape[2:])[: len(X)]


def in_blocks(
    function: Callable[[NDArray[Any]], NDArray[Any]], X: NDArray[Any], block_rows: int = BLOCK_ROWS
) -> NDArray[np.float64]:
    """Apply a function of whole tables, always to as many rows.

    For functions of other packages, which take a table and round each row differently with the
    number of rows beside it.

    Parameters
    ----------
    function : callable
        Maps a table of shape (block_rows, n_features) to an array of shape (block_rows, ...).
    X : ndarray of shape (n_samples, n_features)
        Rows, at least one.
    block_rows : int, default=256
        Rows of a call; the last one is filled up with its own first row.

    Returns
    -------
    results : ndarray of shape (n_samples, ...)
        The results in the order of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.nn import in_blocks
    >>> in_blocks(lambda rows: rows.sum(axis=1), np.ones((3, 5)))
    array([5., 5., 5.])
    """
    blocks = [X[start : start + block_rows] for start in range(0, len(X), block_rows)]
    missing = block_rows - len(blocks[-1])
    if missing:
        blocks[-1] = np.concatenate([blocks[-1], np.repeat(blocks[-1][:1], missing, axis=0)])
    # Row after row in memory: products of another layout round differently, too.
    tables = (np.ascontiguousarray(block) for block in blocks)
    results = [np.asarray(function(table), dtype=np.float64) for table in tables]
    return np.concatenate(results)[: len(X)]
