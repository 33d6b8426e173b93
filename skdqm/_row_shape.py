"""What a flattened row holds: the shape that a parameter says, if it fits."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from skdqm.exceptions import UsageError


def checked_row_shape(
    name: str, shape: Sequence[Any], sides: Sequence[str], n_features: int
) -> list[int]:
    """Return a shape as a list of int, or say why rows of `n_features` do not have it.

    Parameters
    ----------
    name : str
        The parameter's name.
    shape : sequence
        Its value.
    sides : sequence of str
        What the numbers of a shape mean.
    n_features : int
        Values in a row.

    Returns
    -------
    shape : list of int
        The same numbers.

    Raises
    ------
    UsageError
        When they are not as many whole numbers above zero, or do not fit the row.
    """
    given: list[Any] = list(shape)
    whole = [int(side) for side in given if isinstance(side, Integral) and int(side) > 0]
    if not len(given) == len(whole) == len(sides):
        raise UsageError(
            f"{name}={shape!r}: expected {len(sides)} whole numbers above zero, "
            f"({', '.join(sides)})"
        )
    if math.prod(whole) != n_features:
        raise UsageError(
            f"{name}={shape!r} means {math.prod(whole)} values, found rows of {n_features}; "
            f"give the shape of what the rows hold"
        )
    return whole


def checked_image_shape(image_shape: Sequence[Any], n_features: int) -> list[int]:
    """Return channels, height and width of the images that rows hold."""
    sides = ("channels", "height", "width")
    return checked_row_shape("image_shape", image_shape, sides, n_features)
