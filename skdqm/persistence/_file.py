"""The model file around the tree: safetensors, versions, a checksum, atomic writes."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
import safetensors.numpy
import sklearn
from safetensors import SafetensorError, safe_open
from sklearn.exceptions import InconsistentVersionWarning

import skdqm
from skdqm.exceptions import MissingDependencyError, ModelFileError, SkdqmError
from skdqm.io import atomic_path
from skdqm.persistence._compiled import demand
from skdqm.persistence._tree import Arrays, decode, encode

FORMAT = "skdqm-model"
FORMAT_VERSION = 1


def save(
    estimator: Any, path: str | PathLike[str], *, metadata: dict[str, Any] | None = None
) -> None:
    """Write a detector or a Pipeline to one file.

    The file appears whole or not at all: a process killed half-way leaves what was there.

    Parameters
    ----------
    estimator : object
        A registered detector, or a Pipeline of registered parts; fitted or not. What is code,
        such as the `callbacks` of a neural detector, is left out.
    path : str or path-like
        The file to write, for example ``"model.skdqm"``.
    metadata : dict, default=None
        JSON values to keep beside the model; :func:`read_metadata` returns them.

    Raises
    ------
    UsageError
        When the estimator, a parameter or an attribute is not plain data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.persistence import load, save
    >>> X, _ = make_detector_data(200, random_state=0)
    >>> detector = AutoencoderDetector(max_epochs=2, random_state=0).fit(X)
    >>> path = Path(mkdtemp()) / "model.skdqm"
    >>> save(detector, path)
    >>> bool((load(path).score_samples(X) == detector.score_samples(X)).all())
    True
    """
    arrays: Arrays = {}
    tree = json.dumps(encode(estimator, arrays))
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "versions": json.dumps(_versions()),
        "metadata": json.dumps(metadata or {}),
        "tree": tree,
    }
    header["sha256"] = _digest(header, arrays)
    with atomic_path(path) as unfinished:
        Path(unfinished).write_bytes(safetensors.numpy.save(arrays, header))


def load(path: str | PathLike[str]) -> Any:
    """Read a detector or a Pipeline from a file that :func:`save` wrote.

    Nothing from the file is executed: it holds numbers, and names that are looked up in
    :mod:`skdqm.registry`.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : object
        The estimator, which scores bit for bit as the saved one.

    Raises
    ------
    ModelFileError
        When the file is missing, truncated, changed, foreign or of a later format.

    Warns
    -----
    InconsistentVersionWarning
        When another scikit-learn than the present one wrote the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from skdqm.detectors import VAEDetector
    >>> from skdqm.persistence import load, save
    >>> path = Path(mkdtemp()) / "model.skdqm"
    >>> save(VAEDetector(latent_dim=3), path)
    >>> load(path)
    VAEDetector(latent_dim=3)
    """
    header, arrays = _read(path)
    with _content_errors(path):
        _warn_of_versions(json.loads(header["versions"]))
        tree = json.loads(header["tree"])
        demand(isinstance(tree, dict) and "estimator" in tree, "an estimator")
        return decode(tree, arrays)


def read_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Read what is kept beside the model, without building it.

    Parameters
    ----------
    path : str or path-like
        A file that :func:`save` wrote.

    Returns
    -------
    metadata : dict
        The `metadata` given to :func:`save`, and under ``"versions"`` the versions of the
        packages that wrote the file.

    Raises
    ------
    ModelFileError
        When the file is missing, truncated, changed, foreign or of a later format.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from skdqm.detectors import VAEDetector
    >>> from skdqm.persistence import read_metadata, save
    >>> path = Path(mkdtemp()) / "model.skdqm"
    >>> save(VAEDetector(), path, metadata={"era": "Run2022"})
    >>> read_metadata(path)["era"]
    'Run2022'
    """
    header, _ = _read(path)
    with _content_errors(path):
        return {**json.loads(header["metadata"]), "versions": json.loads(header["versions"])}


def _read(path: str | PathLike[str]) -> tuple[dict[str, str], Arrays]:
    if Path(path).is_dir():
        raise ModelFileError(f"{path} cannot be read: found a folder, expected a model file")
    if Path(path).exists() and not Path(path).is_file():
        raise ModelFileError(f"{path} cannot be read: it is not a regular file")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            _check_format(path, header)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(f"{path} cannot be read: {reason}") from error
    except ModelFileError:
        raise
    except (SafetensorError, AttributeError, ValueError, TypeError) as error:
        raise ModelFileError(
            f"{path} is not a model of skdqm, or is truncated: expected a safetensors file "
            f"written by skdqm.persistence.save ({_one_line(error)})"
        ) from error
    if header.get("sha256") != _digest(header, arrays):
        raise ModelFileError(
            f"{path} is damaged or was changed after it was written: its checksum does not fit"
        )
    return header, arrays


@contextmanager
def _content_errors(path: str | PathLike[str]) -> Iterator[None]:
    """Turn whatever goes wrong with content whose checksum fits into one kind of error."""
    try:
        yield
    except (Warning, MissingDependencyError):
        raise
    except SkdqmError as error:
        raise ModelFileError(f"{path} cannot be loaded: {error}") from error
    except Exception as error:
        # The checksum fits, so whoever wrote the file wrote what no version of skdqm writes.
        raise ModelFileError(
            f"{path} cannot be loaded: its content does not fit skdqm {skdqm.__version__} "
            f"({type(error).__name__}: {_one_line(error)})"
        ) from error


def _check_format(path: str | PathLike[str], header: dict[str, str]) -> None:
    if header.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} is a safetensors file but not a model of skdqm: its format is "
            f"{header.get('format')!r}, expected {FORMAT!r}"
        )
    version = header.get("format_version", "")
    if version != str(FORMAT_VERSION):
        raise ModelFileError(
            f"{path} has format version {version!r}, this skdqm {skdqm.__version__} reads "
            f"{FORMAT_VERSION}; install the skdqm that wrote it or a later one"
        )


def _digest(header: dict[str, str], arrays: Arrays) -> str:
    digest = sha256()
    parts = {name: value for name, value in header.items() if name != "sha256"}
    digest.update(json.dumps(sorted(parts.items())).encode())
    for name, array in sorted(arrays.items()):
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    torch = sys.modules.get("torch")
    versions = {
        "skdqm": skdqm.__version__,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }
    return versions if torch is None else {**versions, "torch": str(torch.__version__)}


def _warn_of_versions(versions: dict[str, str]) -> None:
    written_by, present = versions.get("scikit-learn", ""), sklearn.__version__
    if written_by.split(".")[:2] != present.split(".")[:2]:
        warn(
            InconsistentVersionWarning(
                estimator_name="a skdqm model file",
                current_sklearn_version=present,
                original_sklearn_version=written_by,
            ),
            stacklevel=3,
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
