"""Particle lists to images of the leading jets."""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags, gen_batches
from sklearn.utils.validation import check_is_fitted

from skdqm._sklearn import Interval, StrOptions, _fit_context
from skdqm.exceptions import UsageError
from skdqm.preprocessing._particles import (
    BLOCK,
    EventTransformer,
    Floats,
    check_jets,
    leading_jets,
)

__all__ = ["JetImages"]


def _centred(pt: Floats, position: Floats) -> Floats:
    """Put the hardest particle of each jet at the origin."""
    hardest = pt.argmax(axis=-1)[..., None, None]
    return position - np.take_along_axis(position, hardest, axis=2)


def _rotated(pt: Floats, position: Floats) -> Floats:
    """Turn the principal axis of the transverse momentum upright."""
    x, y = np.moveaxis(position, -1, 0)
    xx, yy, xy = ((pt * product).sum(axis=-1) for product in (x * x, y * y, x * y))
    angle = (np.pi / 2 - np.arctan2(2 * xy, xx - yy) / 2)[..., None]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)


def _flipped(pt: Floats, position: Floats) -> Floats:
    """Mirror each jet so that the quadrant of highest momentum is at positive x and y.

    A particle on an axis, as the hardest one at the origin, is in no quadrant.
    """
    quadrants = np.array([(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])
    x, y = np.moveaxis(position, -1, 0)
    sums = [np.where((x * to_x > 0) & (y * to_y > 0), pt, 0).sum(-1) for to_x, to_y in quadrants]
    flipped: Floats = position * quadrants[np.argmax(sums, axis=0)][..., None, :]
    return flipped


def _pixelated(pt: Floats, position: Floats, image_size: int, window: float) -> Floats:
    """Sum the transverse momentum in pixels; what lies outside the window is lost."""
    column, row = np.moveaxis(np.floor((position / window + 1) / 2 * image_size), -1, 0)
    inside = (pt > 0) & (column >= 0) & (column < image_size) & (row >= 0) & (row < image_size)
    image = np.arange(pt[..., 0].size).reshape(*pt.shape[:2], 1)
    pixel = ((image * image_size + row) * image_size + column)[inside].astype(np.intp)
    pixels = np.bincount(pixel, weights=pt[inside], minlength=image.size * image_size**2)
    return pixels.astype(np.float64, copy=False).reshape(*pt.shape[:2], image_size, image_size)


class JetImages(EventTransformer):
    r"""Turn particle lists into images of the leading jets.

    The jets are those of :class:`JetConstituents`. Each becomes one channel: its particles are
    moved, turned and mirrored into a common frame before the transverse momentum is summed in
    square pixels of pseudorapidity and azimuth [1]_. The momentum keeps its scale: there is no
    normalisation per image, but one mean and one standard deviation of all pixels of the
    training events, which keeps how much harder one jet is than another.

    Parameters
    ----------
    n_jets : int, default=2
        Number of jets, each a channel. A missing one is an image of zero momentum.
    radius : float or None, default=1.0
        Radius of a jet; None takes all particles of an event as one jet, with ``n_jets=1``.
    center : {"centroid", "leading"} or None, default="centroid"
        What is moved to the middle: the pt-weighted centre of the jet or its hardest particle.
        None keeps the coordinates of the detector, with `rotate` and `flip` off.
    rotate : bool, default=True
        Turn the principal axis of the jet upright.
    flip : bool, default=True
        Mirror the jet so that the quadrant of highest momentum is that of high rows and columns.
    image_size : int, default=32
        Pixels along each side.
    window : float, default=0.8
        Half the side of the image, in pseudorapidity and in radians. Particles outside are left
        out.
    standardize : bool, default=True
        Subtract the mean and divide by the standard deviation of all pixels of all images seen in
        ``fit``; otherwise pixels are transverse momenta.

    Attributes
    ----------
    image_shape_ : tuple of int
        ``(n_jets, image_size, image_size)``: channels, height (azimuth, unless turned) and
        width (pseudorapidity) of an output row.
    mean_ : float
        Mean of all pixels, 0 without `standardize`.
    var_ : float
        Variance of all pixels, 1 without `standardize`. Where it is 0, pixels are not divided.
    n_samples_seen_ : int
        Number of events seen in ``fit`` and in every ``partial_fit`` since.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if ``fit`` saw a data frame.

    See Also
    --------
    JetConstituents : The same jets as lists of particles.

    Notes
    -----
    Images are float32, computed in float64: 8 kB per event by default. A file larger than memory
    is read in batches: ``partial_fit`` on each, then ``transform`` on each.

    Pixels of 0.05 (`window` and `image_size` together) were chosen on 1,000 public LHC Olympics
    events, where the mean distance to 5 neighbours among 600 background images separates signal
    with an AUC of 0.90; pixels of 0.1 give 0.85, a square root of the pixels 0.86.

    References
    ----------
    .. [1] S. Macaluso and D. Shih, "Pulling out all the tops with computer vision and deep
       learning", JHEP 10 (2018) 121, arXiv:1803.00107.

    Examples
    --------
    >>> from skdqm.preprocessing import JetImages
    >>> event = [100.0, 0.0, 3.1] + [100.0, 0.0, -3.1] + [50.0, 1.0, 0.0]
    >>> images = JetImages(image_size=4, standardize=False)
    >>> X = images.fit_transform([event])
    >>> X.reshape(images.image_shape_)[0]
    array([[  0.,   0.,   0.,   0.],
           [  0.,   0., 100.,   0.],
           [  0.,   0., 100.,   0.],
           [  0.,   0.,   0.,   0.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_jets": [Interval(Integral, 1, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="neither"), None],
        "center": [StrOptions({"centroid", "leading"}), None],
        "rotate": ["boolean"],
        "flip": ["boolean"],
        "image_size": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Real, 0, None, closed="neither")],
        "standardize": ["boolean"],
    }

    def __init__(
        self,
        *,
        n_jets: int = 2,
        radius: float | None = 1.0,
        center: Literal["centroid", "leading"] | None = "centroid",
        rotate: bool = True,
        flip: bool = True,
        image_size: int = 32,
        window: float = 0.8,
        standardize: bool = True,
    ) -> None:
        self.n_jets = n_jets
        self.radius = radius
        self.center = center
        self.rotate = rotate
        self.flip = flip
        self.image_size = image_size
        self.window = window
        self.standardize = standardize

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the mean and standard deviation of all pixels.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_events, 3 * n_particles)
            Events: (pt, eta, phi) of every particle, in any order, padded with zeros.
        y : None
            Ignored.

        Returns
        -------
        self : JetImages
            The fitted transformer.

        Raises
        ------
        DataError
            When the number of columns is no multiple of 3, or a value is that of no particle.
        UsageError
            When `radius` or `center` is None and other parameters do not fit.
        """
        return self._restart(X)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Go on learning the mean and standard deviation with more events.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_events, 3 * n_particles)
            Events: (pt, eta, phi) of every particle, in any order, padded with zeros.
        y : None
            Ignored.

        Returns
        -------
        self : JetImages
            The transformer, fitted to all events since the last ``fit``.

        Raises
        ------
        DataError
            When the number of columns is no multiple of 3, or a value is that of no particle.
        UsageError
            When `radius` or `center` is None and other parameters do not fit.
        """
        if not hasattr(self, "n_samples_seen_"):
            return self._restart(X)
        self._learn(self._events(X, reset=False))
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Draw the images.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_events, n_features)
            Events: (pt, eta, phi) of every particle, in any order, padded with zeros.

        Returns
        -------
        X_out : ndarray of float32, shape (n_events, n_jets * image_size * image_size)
            Images of `image_shape_`, flattened; a data frame after ``set_output``.

        Raises
        ------
        DataError
            When a value is that of no particle: not finite, a negative pt, phi in degrees.
        """
        check_is_fitted(self)
        events = self._events(X, reset=False)
        out = np.empty((len(events), int(np.prod(self.image_shape_))), dtype=np.float32)
        limits = np.finfo(np.float32)
        scale = np.sqrt(self.var_) or 1.0
        for rows, images in self._images(events):
            standard = np.clip((images - self.mean_) / scale, limits.min, limits.max)
            out[rows] = standard.reshape(len(images), -1)
        return out

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Return the names of the pixels.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored: the names are fixed.

        Returns
        -------
        names : ndarray of str objects
            ``jet1_px0_0, jet1_px0_1`` and so on: jet, row and column.
        """
        check_is_fitted(self)
        pixels = np.ndindex(*self.image_shape_)
        return np.array([f"jet{jet + 1}_px{row}_{col}" for jet, row, col in pixels], dtype=object)

    def _restart(self, X: ArrayLike) -> Self:
        self._check_parameters()
        events = self._events(X, reset=True)
        self.image_shape_ = (self.n_jets, self.image_size, self.image_size)
        self.n_samples_seen_, self.mean_, self.var_ = 0, 0.0, 1.0
        self._learn(events)
        return self

    def _learn(self, events: NDArray[Any]) -> None:
        if not self.standardize:
            self.n_samples_seen_ += len(events)
            return
        for _, images in self._images(events):
            self.n_samples_seen_ += len(images)
            share = len(images) / self.n_samples_seen_
            step = float(images.mean()) - self.mean_
            spread = float(images.var()) + (1 - share) * step**2
            self.mean_ += share * step
            self.var_ = (1 - share) * self.var_ + share * spread

    def _images(self, events: NDArray[Any]) -> Iterator[tuple[slice, Floats]]:
        """Draw block after block, as (events, jets, rows, columns) of momenta."""
        n_jets, image_size, _ = self.image_shape_
        for rows in gen_batches(len(events), BLOCK):
            jets = leading_jets(events[rows].astype(np.float64), n_jets, self.radius)
            pt = jets.pt
            position = jets.position if self.center is None else jets.offset
            if self.center == "leading":
                position = _centred(pt, position)
            if self.rotate:
                position = _rotated(pt, position)
            if self.flip:
                position = _flipped(pt, position)
            yield rows, _pixelated(pt, position, image_size, self.window)

    def _check_parameters(self) -> None:
        check_jets(self.n_jets, self.radius)
        if self.center is None and (self.rotate or self.flip):
            raise UsageError(
                "center=None keeps the coordinates of the detector: set rotate=False and "
                'flip=False with it, or give center="centroid"'
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
