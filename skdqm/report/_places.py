"""Where in a histogram the deviation is: the worst region of neighbouring bins, or a shift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtri

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A bin stands out when the worst of as many good ones would rarely deviate as much.
_CHANCE = 0.05
# A neighbour belongs to the region when its pull has the sign of the worst bin, and this size. A
# cell of a map has more neighbours than a bin, some of which deviate by chance.
_LEAST_PULL, _LEAST_PULL_OF_CELL = 1.5, 2.5
_SHARE_OF_PEAK, _SHARE_OF_PEAK_OF_CELL = 0.25, 0.4
# Another region is worth a word when it is this strong beside the worst one.
_SHARE_OF_OTHERS = 0.5
# Of a shift, either side has one sign, a part of the deviation and a bin that stands out.
_PURITY = 0.6
_SHARE_OF_SIDE = 0.2
_SHARE_OF_SIDE_PEAK = 0.2
_TINY = 1e-12
# Where next to nothing was expected, pulls are huge or infinite.
_LARGEST = 1e4


@dataclass(frozen=True, eq=False)
class Place:
    """Neighbouring bins that deviate in the same direction.

    Attributes
    ----------
    mask : ndarray of bool
        True for the bins of the region; of the shape of the histogram.
    peak : tuple of int
        The bin with the largest pull.
    pull : float
        Its pull.
    n_others : int
        How many other regions deviate about as much.
    """

    mask: Mask
    peak: tuple[int, ...]
    pull: float
    n_others: int


def without_masked(pull: Floats) -> Floats:
    """Return pulls with 0 where a bin is masked (NaN), and none beyond all meaning."""
    clean: Floats = np.clip(np.nan_to_num(pull, nan=0.0), -_LARGEST, _LARGEST)
    return clean


def worst_place(pull: Floats) -> Place | None:
    """Return the region around the bin with the largest pull, None if no bin stands out."""
    clean = without_masked(pull)
    if np.abs(clean).max() < _stands_out(clean.size):
        return None
    peak = _peak(clean)
    labels, _ = ndimage.label(_like(clean, peak), _neighbours(clean.ndim))
    mask = labels == labels[peak]
    return Place(mask, peak, float(clean[peak]), _n_others(clean, peak, mask))


def shift_of(pull: Floats) -> tuple[Place, Place] | None:
    """Return the low and the high side of a histogram of one axis that is shifted, else None."""
    clean = without_masked(pull)
    split = _split(clean)
    if split is None:
        return None
    is_left = np.arange(len(clean)) < split
    sides = [worst_place(np.where(side, clean, 0.0)) for side in (is_left, ~is_left)]
    left, right = sides
    if left is None or right is None or left.pull * right.pull > 0:
        return None
    strengths = sorted(abs(side.pull) for side in (left, right))
    return (left, right) if strengths[0] >= _SHARE_OF_SIDE_PEAK * strengths[1] else None


def worst_layer(pull: Floats) -> tuple[int, int]:
    """Return the axis along which a map is layered, the shortest, and the layer that is worst."""
    axis = pull.ndim - 1 - int(np.argmin(pull.shape[::-1]))
    return axis, _peak(without_masked(pull))[axis]


def _stands_out(n_bins: int) -> float:
    """Return the pull that the largest of `n_bins` exceeds by chance in 5 % of the cases."""
    return float(-ndtri(_CHANCE / 2 / n_bins))


def _peak(clean: Floats) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(np.abs(clean).argmax(), clean.shape)))


def _neighbours(n_axes: int) -> Mask:
    """Cells that touch at a corner are neighbours too."""
    return np.ones((3,) * n_axes, dtype=bool)


def _like(clean: Floats, peak: tuple[int, ...]) -> Mask:
    """Mark the bins that deviate as the worst bin does; one bin in between does not part them."""
    upward = clean * np.sign(clean[peak])
    if clean.ndim > 1:
        least = max(_LEAST_PULL_OF_CELL, _SHARE_OF_PEAK_OF_CELL * upward[peak])
        return np.asarray(upward >= least)
    strong = upward >= max(_LEAST_PULL, _SHARE_OF_PEAK * upward[peak])
    padded = np.pad(strong, 1)
    return np.asarray(strong | (padded[:-2] & padded[2:]))


def _n_others(clean: Floats, peak: tuple[int, ...], mask: Mask) -> int:
    least = max(_stands_out(clean.size), _SHARE_OF_OTHERS * np.abs(clean[peak]))
    count = 0
    for sign in (-1, 1):
        # Flanks of the region itself are no place of their own.
        strong = (clean * sign >= least) & ~ndimage.binary_dilation(mask)
        count += ndimage.label(strong, _neighbours(clean.ndim))[1]
    return count


def _split(clean: Floats) -> int | None:
    """Return where pulls change their sign for good, None if they do not."""
    signed, sizes = np.cumsum(clean), np.cumsum(np.abs(clean))
    total = sizes[-1]
    if not total:
        return None
    left, right = signed[:-1], signed[-1] - signed[:-1]
    # A shift changes many bins a little on either side, so that pulls count by size, not square.
    shares = np.stack([sizes[:-1], total - sizes[:-1]])
    purities = np.abs([left, right]) / np.maximum(shares, _TINY * total)
    fits = (left * right < 0) & (purities.min(axis=0) >= _PURITY)
    fits &= shares.min(axis=0) >= _SHARE_OF_SIDE * total
    return int(np.argmax(np.where(fits, np.abs(left - right), -1))) + 1 if fits.any() else None
