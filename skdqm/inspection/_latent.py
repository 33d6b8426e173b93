"""Where rows lie in the latent space of a network."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skdqm._optional import require
from skdqm.exceptions import DataError, UsageError
from skdqm.inspection._common import SCATTER_POINTS, checked, checked_labels, one_axes, rows_for
from skdqm.inspection._style import ANOMALY_POINT, NORMAL_POINT


class LatentDisplay:
    """Latent vectors projected to two axes.

    Of more than 5,000 rows some are drawn, evenly spaced in their order.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_latent)
        Latent vectors.
    y : array-like of shape (n_samples,), default=None
        1 = anomaly, 0 = normal.
    projection : {"pca", "umap"}, default="pca"
        How they are projected; umap needs the extra ``umap``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import LatentDisplay
    >>> display = LatentDisplay.from_representations([[0, 1, 2], [2, 1, 0], [1, 1, 5]])
    >>> display.ax_.get_xlabel()
    'first component'
    """

    def __init__(
        self, Z: ArrayLike, y: ArrayLike | None = None, *, projection: str = "pca"
    ) -> None:
        self.Z = Z
        self.y = y
        self.projection = projection

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        projection: str = "pca",
        ax: Any = None,
    ) -> Self:
        """Plot rows as a network encodes them with ``transform``.

        Parameters
        ----------
        estimator : object
            Fitted detector, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,), default=None
            1 = anomaly, 0 = normal.
        projection : {"pca", "umap"}, default="pca"
            How they are projected.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : LatentDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite, labels do not match, or there is one row only.
        MissingDependencyError
            When `projection` is "umap" and the extra ``umap`` is not installed.
        UsageError
            When the estimator has no ``transform``, or `projection` is another word.
        """
        detector, rows = rows_for(estimator, "transform", X)
        Z = detector.transform(rows)
        return cls.from_representations(Z, y, projection=projection, ax=ax)

    @classmethod
    def from_representations(
        cls, Z: ArrayLike, y: ArrayLike | None = None, *, projection: str = "pca", ax: Any = None
    ) -> Self:
        """Plot known latent vectors.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_latent)
            Latent vectors.
        y : array-like of shape (n_samples,), default=None
            1 = anomaly, 0 = normal.
        projection : {"pca", "umap"}, default="pca"
            How they are projected.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : LatentDisplay
            Plotted.

        Raises
        ------
        DataError
            When a value is not finite, labels do not match, or there is one row only.
        MissingDependencyError
            When `projection` is "umap" and the extra ``umap`` is not installed.
        UsageError
            When `projection` is another word.
        """
        return cls(Z, y, projection=projection).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : LatentDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When a value is not finite, labels do not match, or there is one row only.
        MissingDependencyError
            When `projection` is "umap" and the extra ``umap`` is not installed.
        UsageError
            When `projection` is another word.
        """
        latent = checked(self.Z, "Z", 2)
        known = np.zeros(len(latent), dtype=bool)
        if self.y is not None:
            known = checked_labels(self.y, len(latent), both=False)
        kept = np.unique(np.linspace(0, len(latent) - 1, SCATTER_POINTS).astype(int))
        points, known = _projected(latent[kept], self.projection), known[kept]
        self.ax_ = one_axes(ax)
        self.figure_: Any = self.ax_.figure
        label = "all rows" if self.y is None else "normal"
        self.ax_.scatter(*points[~known].T, label=label, **NORMAL_POINT)
        if known.any():
            self.ax_.scatter(*points[known].T, label="anomaly", **ANOMALY_POINT)
        self.ax_.set(xlabel="first component", ylabel="second component")
        if len(kept) < len(latent):
            self.ax_.set_title(f"{len(kept):,} of {len(latent):,} rows", fontsize="small")
        self.ax_.legend()
        return self


def _projected(latent: Any, projection: str) -> Any:
    """Return two coordinates of each row; a latent space of one axis lies on a line."""
    if projection not in ("pca", "umap"):
        raise UsageError(f"projection is {projection!r}; expected 'pca' or 'umap'")
    if len(latent) < 2:
        raise DataError("Z has one row; a projection needs two or more")
    if projection == "umap":
        umap = require("umap", extra="umap")
        return umap.UMAP(n_components=2, random_state=0, n_jobs=1).fit_transform(latent)
    from sklearn.decomposition import PCA

    n_components = min(2, *latent.shape)
    # Rows that are all the same have no variance to share.
    with np.errstate(invalid="ignore"):
        found = PCA(n_components, random_state=0).fit_transform(latent)
    return np.pad(found, ((0, 0), (0, 2 - n_components)))
