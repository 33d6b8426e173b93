"""Download of the images of Fashion-MNIST."""

import gzip
from os import PathLike
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skdqm._sklearn import StrOptions, validate_params
from skdqm.datasets._fetch import _fetch, _RemoteFile

__all__ = ["fetch_fashion_mnist"]

# The repository of the data set, and the address that its README names.
HOMES = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
# MD5, as the README tells them.
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
FILES = {
    name: _RemoteFile("Fashion-MNIST", name, f"md5:{md5}", tuple(home + name for home in HOMES))
    for name, md5 in CHECKSUMS.items()
}
PREFIXES = {"train": "train", "test": "t10k"}
N_PIXELS = 28 * 28


@validate_params(
    {"data_home": [str, PathLike, None], "subset": [StrOptions({"train", "test"})]},
    prefer_skip_nested_validation=True,
)
def fetch_fashion_mnist(
    data_home: str | PathLike[str] | None = None, *, subset: Literal["train", "test"] = "train"
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Load the images of Fashion-MNIST [1]_, and download them once.

    A usual trial of detectors for images takes one class, or all but one, as normal, and measures
    how well the others are found. The four files (31 MB in all, MIT license) are looked for in
    `data_home` by their MD5 checksums, and only the missing ones of `subset` are downloaded.
    :func:`skdqm.io.read` and ``skdqm train`` read them too.

    Parameters
    ----------
    data_home : str, path or None, default=None
        Folder of the files; None means the user's cache folder, as ``pooch.os_cache`` names it.
    subset : {"train", "test"}, default="train"
        The 60,000 images to train with or the 10,000 to test with.

    Returns
    -------
    X : ndarray of shape (n_samples, 784), float32
        Grey values from 0 to 255, line after line: an image is ``X[i].reshape(28, 28)``, and the
        `image_shape` of a detector is ``(1, 28, 28)``.
    y : ndarray of shape (n_samples,), int64
        Classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7
        sneaker, 8 bag, 9 ankle boot.

    Raises
    ------
    DataError
        When a file can be neither found nor downloaded, for example without a network. The
        message says where to get it and where to put it by hand.

    See Also
    --------
    skdqm.io.read : Reads the files, also those of the other sets of the MNIST family.

    References
    ----------
    .. [1] H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
       machine learning algorithms", arXiv:1708.07747, https://github.com/zalandoresearch/fashion-mnist.

    Examples
    --------
    >>> from skdqm.datasets import fetch_fashion_mnist
    >>> X, y = fetch_fashion_mnist()  # doctest: +SKIP
    >>> normal = X[y != 8]  # doctest: +SKIP
    """
    images, labels = (
        _numbers(FILES[f"{PREFIXES[subset]}-{name}-ubyte.gz"], data_home)
        for name in ("images-idx3", "labels-idx1")
    )
    # The headers take 16 and 8 bytes; the checksums vouch for what is in them.
    X = images[16:].reshape(-1, N_PIXELS).astype(np.float32)
    return X, labels[8:].astype(np.int64)


def _numbers(file: _RemoteFile, data_home: str | PathLike[str] | None) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(_fetch(file, data_home).read_bytes()), np.uint8)
