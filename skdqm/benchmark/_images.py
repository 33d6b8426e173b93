"""Detectors of one class of images among others: each class in turn is the normal one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm.benchmark._contenders import Floats
from skdqm.benchmark._results import BenchResult, measured
from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._trial import Rows, digest, ranking_figures
from skdqm.datasets import make_jet_events
from skdqm.exceptions import DataError
from skdqm.io import describe, read
from skdqm.preprocessing import JetImages

PROTOCOL = "one class, 1"
DEFAULTS = ("convolutional", "pyod:KNN", "pyod:PCA", "pyod:IForest")
# The images of nobody's file: jets of two kinds.
PER_KIND, N_PARTICLES, SIDE = 1_000, 60, 16


class Images(NamedTuple):
    """Flat images with their labels."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class OneClass:
    """The images of one class to be learned, and some of every class to be ranked.

    Attributes
    ----------
    path : Path or None
        The file of images; None for images of jets.
    normal : int
        The label of the class.
    n_train, n_test : int
        The first of the class are learned, the last of every class are ranked.
    shape : tuple of int
        Channels, height and width.
    data : str
        Digest of the file.
    """

    path: Path | None
    normal: int
    n_train: int
    n_test: int
    shape: tuple[int, int, int]
    data: str

    @property
    def name(self) -> str:
        """The class."""
        return f"class {self.normal}"

    @property
    def size(self) -> float:
        """All take about as long."""
        return 1.0

    @property
    def known(self) -> dict[str, Any]:
        """Return the shape of the images, for detectors of images."""
        return {"image_shape": self.shape}

    def definition(self) -> dict[str, Any]:
        """Return protocol, sizes and data."""
        sizes = {"n_train": self.n_train, "n_test": self.n_test}
        return {"name": PROTOCOL, "data": self.data, **sizes}

    def rows(self, seed: int) -> Rows:
        """Learn the first images of the class, rank the last ones of every class."""
        del seed
        pixels, labels, _ = read_images(self.path)
        classes = [np.flatnonzero(labels == each) for each in np.unique(labels)]
        train = np.flatnonzero(labels == self.normal)[: self.n_train]
        test = np.concatenate([rows[-self.n_test :] for rows in classes])
        # One scale for all pixels keeps the images as they are.
        scale = float(pixels[train].max()) or 1.0
        is_anomaly = (labels[test] != self.normal).astype(np.int64)
        return Rows(_scaled(pixels[train], scale), _scaled(pixels[test], scale), is_anomaly)

    def figures(self, labels: NDArray[np.int64], scores: Floats) -> dict[str, float]:
        """Return AUROC, AUPR and F1."""
        return ranking_figures(labels, scores)


def _scaled(pixels: NDArray[np.float32], scale: float) -> Floats:
    return pixels.astype(np.float64) / scale


@lru_cache(maxsize=1)
def read_images(path: Path | None) -> Images:
    """Read images with labels, or make some of jets.

    Parameters
    ----------
    path : Path or None
        A file of images with labels, such as idx with its labels beside it.

    Returns
    -------
    images : Images
        Pixels, labels and shape.

    Raises
    ------
    DataError
        When the file holds no images, or no labels.
    """
    if path is None:
        return _jet_images()
    shape = describe(path).image_shape
    if shape is None:
        raise DataError(f"{path}: found a table, expected images such as those of Fashion-MNIST")
    table = read(path)
    if table.y is None:
        raise DataError(f"{path}: found images without labels; expected a class for each of them")
    return Images(table.X.to_numpy(dtype=np.float32), table.y, shape)


def _jet_images() -> Images:
    events, labels = make_jet_events(PER_KIND, PER_KIND, n_particles=N_PARTICLES, random_state=0)
    images = JetImages(image_size=SIDE, standardize=False)
    pixels = np.asarray(images.fit_transform(events), dtype=np.float32)
    channels, height, width = images.image_shape_
    return Images(pixels, labels, (channels, height, width))


def images(
    data: str | Path | None = None,
    *,
    out: str | Path | None = None,
    contenders: Sequence[str] | None = None,
    seeds: int = 1,
    n_train: int = 500,
    n_test: int = 500,
    jobs: int = 1,
    report: Report | None = None,
) -> BenchResult:
    """Run detectors on images, with each class in turn as the normal one.

    Parameters
    ----------
    data : str or path-like, default=None
        Images with labels, such as ``train-images-idx3-ubyte.gz`` of Fashion-MNIST with its labels
        beside it; by default images of jets of two kinds, of
        :func:`skdqm.datasets.make_jet_events`.
    out : str or path-like, default=None
        A folder for the results, where a run that was ended goes on.
    contenders : sequence of str, default=None
        Names of :func:`skdqm.registry.detector_names`, and PyOD's classes as ``"pyod:KNN"``, all
        at their defaults; PyOD's and those of tables see flat rows of pixels.
    seeds : int, default=1
        Seeds, from 0, for the detectors.
    n_train : int, default=500
        The first images of the normal class, which are learned.
    n_test : int, default=500
        The last images of each class, which are ranked.
    jobs : int, default=1
        Processes, each with one thread.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    result : BenchResult
        ``auroc``, ``aupr``, ``f1`` and times for each class.

    Raises
    ------
    UsageError
        When a contender does not exist or a number is not positive.
    DataError
        When the file is not one of labelled images, or a class is too small.

    Examples
    --------
    >>> from skdqm.benchmark import images
    >>> result = images(contenders=["pyod:HBOS"], n_train=200, n_test=100)
    >>> result.results["dataset"].tolist()
    ['class 0', 'class 1']
    """
    check_sizes(n_train=n_train, n_test=n_test)
    path = None if data is None else Path(data)
    read_images.cache_clear()  # The file may be another one than it was.
    found = read_images(path)
    about = f"make_jet_events({PER_KIND})" if path is None else digest(path)
    tasks = [
        OneClass(path, label, n_train, n_test, found.shape, about)
        for label in _classes(found.labels, n_train + n_test)
    ]
    names = DEFAULTS if contenders is None else contenders
    return measured(tasks, names, seeds, out=out, jobs=jobs, report=report)


def _classes(labels: NDArray[np.int64], n_images: int) -> list[int]:
    found, counts = np.unique(labels, return_counts=True)
    if len(found) < 2:
        raise DataError(f"found one class of images, {found[0]}; expected two or more")
    if counts.min() < n_images:
        raise DataError(
            f"class {found[counts.argmin()]} has {counts.min()} images; expected {n_images}, to "
            "learn and to rank; ask for fewer"
        )
    return [int(label) for label in found]
