"""Images as rows: their shape, and the names of their pixels."""

from itertools import product

from skdqm.exceptions import DataError

ImageShape = tuple[int, int, int]
# A last axis up to this length behind more channels than this looks like colours.
MOST_COLOURS = 4


def image_shape(stored: tuple[int, ...]) -> ImageShape:
    """Return (channels, height, width) of the images in an array.

    Parameters
    ----------
    stored : tuple of int
        Shape of the array: (n, height, width) or (n, channels, height, width).

    Raises
    ------
    DataError
        When the channels seem to come last.
    """
    channels, height, width = (1, *stored[1:]) if len(stored) == 3 else stored[1:]
    if channels > MOST_COLOURS >= width:
        raise DataError(
            f"found images of shape {(channels, height, width)}, expected (channels, height, "
            f"width); the channels seem to come last, bring them to the front with "
            f"numpy.moveaxis(images, -1, 1)"
        )
    return channels, height, width


def pixel_names(shape: ImageShape) -> tuple[str, ...]:
    """Name pixels by row and column, in front of them the channel if there are several."""
    axes = shape if shape[0] > 1 else shape[1:]
    return tuple("pixel_" + "_".join(map(str, place)) for place in product(*map(range, axes)))
