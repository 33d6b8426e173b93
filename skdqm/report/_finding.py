"""One histogram of one lumisection that deserves a look, with what was expected of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError

Floats = NDArray[np.float64]
Edges = tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class Finding:
    """One histogram of one lumisection, and what was expected of it.

    Attributes
    ----------
    run, lumisection : int
        When it was filled.
    element : str
        Name of the monitoring element.
    counts, expectation : ndarray of shape (n_x,), (n_x, n_y) or (n_x, n_y, n_z)
        What was counted and what was expected of as many entries.
    pull : ndarray of the same shape
        Deviation in standard deviations, negative where too little was counted; NaN for a bin that
        is masked.
    edges : tuple of ndarray, default=()
        Bin edges along each axis, of shape (n_x + 1,) and so on; none where they are not known.
    reason : str, default=""
        What is wrong, in words; ``""`` for the words of :func:`reason_in_words`.
    names : tuple of str, default=()
        Name of each axis, for example ``("ieta", "iphi", "depth")``.
    """

    run: int
    lumisection: int
    element: str
    counts: Floats
    expectation: Floats
    pull: Floats
    edges: Edges = ()
    reason: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        arrays = checked_arrays(self.element, self.counts, self.expectation, self.pull)
        for name, array in zip(("counts", "expectation", "pull"), arrays, strict=True):
            object.__setattr__(self, name, array)
        shape = self.pull.shape
        object.__setattr__(self, "edges", checked_edges(self.element, self.edges, shape))
        object.__setattr__(self, "names", checked_names(self.element, self.names, shape))

    @property
    def largest_pull(self) -> float:
        """Size of the largest deviation."""
        return float(np.nan_to_num(np.abs(self.pull)).max())


def checked_arrays(
    element: str, counts: ArrayLike, expectation: ArrayLike, pull: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Return the three as arrays of floats and of one shape."""
    arrays = tuple(np.asarray(array, dtype=np.float64) for array in (counts, expectation, pull))
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) != 1 or 0 in (*shapes[0], len(shapes[0])):
        raise DataError(
            f"{element}: found counts, expectation and pull of the shapes {shapes}; expected the "
            "shape of the histogram, three times the same and not empty"
        )
    first, second, third = arrays
    return first, second, third


def checked_edges(element: str, edges: Sequence[ArrayLike] | None, shape: tuple[int, ...]) -> Edges:
    """Return bin edges that fit the shape; none where they are not known."""
    found = tuple(np.asarray(axis, dtype=np.float64) for axis in edges or ())
    expected = [(length + 1,) for length in shape]
    if found and [axis.shape for axis in found] != expected:
        raise DataError(
            f"{element}: found edges of the shapes {[axis.shape for axis in found]}; expected "
            f"{expected}, or none"
        )
    if not all((np.diff(axis) > 0).all() for axis in found):
        raise DataError(f"{element}: the edges do not rise; expected finite and rising edges")
    return found


def checked_names(
    element: str, names: Sequence[str] | None, shape: tuple[int, ...]
) -> tuple[str, ...]:
    """Return a name for each axis; none where they are not given."""
    found = tuple(names or ())
    if found and len(found) != len(shape):
        raise DataError(
            f"{element}: found {len(found)} names of axes, {found}; expected {len(shape)}, or none"
        )
    return found
