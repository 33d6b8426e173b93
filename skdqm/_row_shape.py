"""What a row holds: the shape, or the column, that a parameter says, if there is one."""

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


def column_number(estimator: Any, parameter: str, value: str | int) -> int:
    """Return the number of the column that a parameter names.

    Raises
    ------
    UsageError
        When there is no such column.
    """
    if isinstance(value, Integral):
        if isinstance(value, bool) or not 0 <= int(value) < estimator.n_features_in_:
            raise UsageError(
                f"{parameter}={value!r}: expected the number of a column, from 0 to "
                f"{estimator.n_features_in_ - 1}, or the name of one in a data frame"
            )
        return int(value)
    names = list(getattr(estimator, "feature_names_in_", []))
    if value not in names:
        found = f"found {len(names)}, such as {names[-1]!r}" if names else "found none with a name"
        raise UsageError(
            f"{parameter}={value!r}: no column has that name, {found}; give the name of a column "
            "of the data frame, or the number of one"
        )
    return names.index(value)
