"""Images to the strength of their gradients, by direction, on a coarser grid."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._row_shape import checked_image_shape
from skdqm._sklearn import Interval, _fit_context
from skdqm.exceptions import DataError

__all__ = ["OrientedGradients"]

# Images handled at a time, so that the working memory does not grow with their number.
BLOCK = 256
HEIGHT_AND_WIDTH = (-2, -1)
DECIDING = ("n_directions", "gradient_scale", "pooling_scale", "stride", "power")


class OrientedGradients(TransformerMixin, BaseEstimator):
    """Turn images into maps of the strength of their gradients in several directions.

    A gradient is taken over about `gradient_scale` pixels, cut to its positive part in each
    direction, blurred over `pooling_scale` pixels, kept at every `stride`-th and raised to `power`:
    histograms of oriented gradients [1]_ without their normalisation, or the first layer of a
    scattering network [2]_. Small shifts then change little, and a constant added to an image
    nothing. Nothing is learned, and every image is treated alone.

    It is for images in which shapes count: distances between the maps of garments tell more than
    those between pixels. It is not for images whose scale counts, such as the momenta in
    :class:`JetImages`: there it makes detectors worse.

    Parameters
    ----------
    image_shape : sequence of three int or None, default=None
        Channels, height and width, in pixels, of the images that the rows hold, channel after
        channel and line after line; None takes a row as one line of pixels.
    n_directions : int, default=8
        Number of directions, evenly around the circle.
    gradient_scale : float, default=1.0
        Standard deviation, in pixels, of the normal distribution whose derivative is taken; at
        least 0.5.
    pooling_scale : float, default=2.0
        Standard deviation, in pixels, of the blurring of each map.
    stride : int, default=3
        Pixels between two places that are kept.
    power : float, default=0.5
        Exponent of the strengths: below one, faint gradients count more.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of an output row: a map for each channel and direction, height and width.
    n_features_in_ : int
        Number of pixels seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the pixels, if ``fit`` saw a data frame.

    References
    ----------
    .. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR
           (2005).
    .. [2] J. Bruna and S. Mallat, "Invariant scattering convolution networks", IEEE Transactions
           on Pattern Analysis and Machine Intelligence 35 (2013) 1872.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.preprocessing import OrientedGradients
    >>> images = np.tril(np.ones((1, 12, 12))).reshape(1, -1)
    >>> gradients = OrientedGradients(image_shape=(1, 12, 12))
    >>> maps = gradients.fit_transform(images).reshape(gradients.image_shape_)
    >>> maps.shape
    (8, 4, 4)
    >>> int(maps.sum(axis=(1, 2)).argmax())  # brighter to the lower left: down is 2, left is 4
    3
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": ["array-like", None],
        "n_directions": [Interval(Integral, 1, None, closed="left")],
        "gradient_scale": [Interval(Real, 0.5, None, closed="left")],
        "pooling_scale": [Interval(Real, 0, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "power": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        image_shape: Sequence[int] | None = None,
        n_directions: int = 8,
        gradient_scale: float = 1.0,
        pooling_scale: float = 2.0,
        stride: int = 3,
        power: float = 0.5,
    ) -> None:
        self.image_shape = image_shape
        self.n_directions = n_directions
        self.gradient_scale = gradient_scale
        self.pooling_scale = pooling_scale
        self.stride = stride
        self.power = power

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Check `X`; nothing is learned from the values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Flattened images.
        y : None
            Ignored.

        Returns
        -------
        self : OrientedGradients
            The fitted transformer.

        Raises
        ------
        UsageError
            When `image_shape` does not fit the rows.
        """
        n_pixels = validate_data(self, X, dtype=(np.float64, np.float32)).shape[1]
        shape = (1, 1, n_pixels) if self.image_shape is None else self.image_shape
        self._input_shape = tuple(checked_image_shape(shape, n_pixels))
        # What decides the maps; changed later, it does not change those of what was fitted.
        self._fitted = {name: getattr(self, name) for name in DECIDING}
        channels, *sides = self._input_shape
        kept = ((side - 1) // self.stride + 1 for side in sides)
        self.image_shape_ = (channels * self.n_directions, *kept)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Draw the maps.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Flattened images.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features_out)
            Maps of `image_shape_`, flattened; float32 for float32.

        Raises
        ------
        DataError
            When a gradient is too large for floating-point numbers.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        out = np.empty((len(rows), math.prod(self.image_shape_)), dtype=rows.dtype)
        for block in gen_batches(len(rows), BLOCK):
            images = rows[block].reshape(-1, *self._input_shape)
            maps = _maps(images.astype(np.float64), **self._fitted)
            out[block] = maps.reshape(len(images), -1)
        if not np.isfinite(out).all():
            raise DataError(
                "the gradients of some images are too large for floating-point numbers; scale the "
                "images or mask invalid values"
            )
        return out

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored: the names are fixed.

        Returns
        -------
        names : ndarray of str objects
            ``gradient0_0_0, gradient0_0_1`` and so on: map, row and column.
        """
        check_is_fitted(self)
        places = np.ndindex(*self.image_shape_)
        return np.array([f"gradient{m}_{row}_{col}" for m, row, col in places], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _maps(
    images: NDArray[np.float64],
    *,
    n_directions: int,
    gradient_scale: float,
    pooling_scale: float,
    stride: int,
    power: float,
) -> NDArray[np.float64]:
    """Map (n, channels, height, width) to (n, channels, directions, height, width)."""
    # Beyond the edge the outermost pixels go on: the edge itself is no gradient.
    down, across = (
        gaussian_filter(images, gradient_scale, order=order, mode="nearest", axes=HEIGHT_AND_WIDTH)
        for order in ((1, 0), (0, 1))
    )
    angles = 2 * np.pi / n_directions * np.arange(n_directions)
    with np.errstate(over="ignore", invalid="ignore"):
        strengths = np.stack([np.cos(a) * across + np.sin(a) * down for a in angles], axis=2)
    pooled = gaussian_filter(
        strengths.clip(min=0), pooling_scale, mode="constant", axes=HEIGHT_AND_WIDTH
    )
    maps: NDArray[np.float64] = pooled[..., ::stride, ::stride] ** power
    return maps
