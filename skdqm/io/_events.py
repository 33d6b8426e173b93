"""Recognise lists of particles: rows of (pt, eta, phi) of every particle, without column names."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.io._reader import Reader

# Fewer columns without names are taken for a table: they say too little.
FEWEST_PARTICLES = 10
# Rows that are looked at.
ROWS = 20


def has_events(reader: Reader) -> bool:
    """Tell whether an open file holds raw events, as those of the LHC Olympics 2020.

    pandas names the columns of a frame without names 0, 1, 2 ...; here they are three for each
    particle, padded with zeros, and in most files one more for the label. As many tables have
    such names, the first rows have to look like particles as well.
    """
    n_columns = len(reader.columns)
    if n_columns < 3 * FEWEST_PARTICLES or n_columns % 3 == 2 or reader.unreadable:
        return False
    if reader.columns != tuple(map(str, range(n_columns))):
        return False
    first = next(reader.batches(reader.columns, ROWS), None)
    return first is not None and _are_events(first.to_numpy())


def event_label(reader: Reader) -> list[str]:
    """Return the column behind the particles, if there is one."""
    return list(reader.columns[-1:]) if len(reader.columns) % 3 else []


def _are_events(rows: NDArray[Any]) -> bool:
    if rows.dtype.kind not in "iuf":
        return False
    n_particles = rows.shape[1] // 3
    label = rows[:, 3 * n_particles :]
    pt, eta, phi = np.moveaxis(rows[:, : 3 * n_particles].reshape(len(rows), -1, 3), -1, 0)
    padding = pt == 0
    return bool(
        (pt >= 0).all()
        and (np.abs(phi) <= 2 * np.pi).all()
        and (eta < 0).any()
        and (eta > 0).any()
        and not (eta[padding].any() or phi[padding].any())
        and (label == np.rint(label)).all()
    )
