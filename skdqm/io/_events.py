"""Recognise lists of particles: rows of (pt, eta, phi) of every particle, without column names."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.io._reader import Reader

# Fewer columns without names are taken for a table: they say too little.
FEWEST_PARTICLES = 10
# Rows that are looked at.
ROWS = 20
# Labels are classes, 0 to this number exclusive; a count of hits is none.
MOST_CLASSES = 10


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
    """Let the rows vote: a few bad ones are told when the particles are checked."""
    if rows.dtype.kind not in "iuf":
        return False
    good = rows[_like_events(rows)]
    if 2 * len(good) <= len(rows):
        return False
    _, eta, phi = _particles(good)
    is_azimuth = (phi < 0).any() or (phi > np.pi).any()
    label = good[:, 3 * (rows.shape[1] // 3) :]
    is_class = (label == np.rint(label)) & (label >= 0) & (label < MOST_CLASSES)
    return bool((eta < 0).any() and (eta > 0).any() and is_azimuth and is_class.all())


def _particles(rows: NDArray[Any]) -> NDArray[Any]:
    n_particles = rows.shape[1] // 3
    return np.moveaxis(rows[:, : 3 * n_particles].reshape(len(rows), n_particles, 3), -1, 0)


def _like_events(rows: NDArray[Any]) -> NDArray[np.bool_]:
    pt, eta, phi = _particles(rows)
    empty = (eta == 0) & (phi == 0)
    valid = (pt >= 0) & (np.abs(phi) <= 2 * np.pi) & ((pt != 0) | empty)
    like: NDArray[np.bool_] = np.isfinite(rows).all(axis=1) & valid.all(axis=1)
    return like
