"""Detectors that compete at their defaults: ours by their short names, PyOD's as ``pyod:NAME``.

The speed test alone has its own in :mod:`skdqm.benchmark._networks`, with layers of equal sizes.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm import __version__
from skdqm.base import anomaly_score_of
from skdqm.benchmark._quiet import quiet
from skdqm.detectors._pyod_models import any_model_class
from skdqm.exceptions import UsageError
from skdqm.registry import detector_class, detector_names

PYOD = "pyod:"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contender:
    """A detector under the name it competes by.

    Attributes
    ----------
    name : str
        A name of :func:`skdqm.registry.detector_names`, or ``pyod:`` and the name of a class.
    estimator_class : type
        Its class.
    """

    name: str
    estimator_class: Any

    def make(self, seed: int, **known: Any) -> Any:
        """Return a fresh detector at its defaults, with a seed where it takes one, and silent.

        Parameters
        ----------
        seed : int
            Its random state.
        **known : object
            What is known of the rows, such as ``image_shape``, for those that ask for it.

        Returns
        -------
        estimator : object
            Not fitted.
        """
        accepted = inspect.signature(self.estimator_class).parameters
        wanted = {"random_state": seed, "verbose": 0, **known}
        return self.estimator_class(**{k: v for k, v in wanted.items() if k in accepted})

    def anomaly_score(self, fitted: Any, X: ArrayLike) -> Floats:
        """Score rows; high is abnormal.

        Parameters
        ----------
        fitted : object
            What :meth:`make` returned, fitted.
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Anomaly scores.
        """
        if self.is_pyod:
            return np.asarray(fitted.decision_function(X), dtype=np.float64)
        return anomaly_score_of(fitted, X)

    @property
    def is_pyod(self) -> bool:
        """Tell whether PyOD made it."""
        return self.name.startswith(PYOD)

    def definition(self) -> dict[str, Any]:
        """Describe what competes, so that results of another definition are told apart.

        Returns
        -------
        definition : dict
            Name, package with its version, and parameters but the seed, as JSON can hold them.

        Raises
        ------
        UsageError
            When it cannot be made without arguments.
        """
        try:
            with quiet():
                parameters = self.make(0, n_features=2).get_params()
        except Exception as error:
            raise UsageError(
                f"{self.name} cannot be made with its defaults ({error}); choose another contender"
            ) from error
        for name in ("random_state", "n_features"):
            parameters.pop(name, None)
        return {
            "contender": self.name,
            "package": f"pyod {version('pyod')}" if self.is_pyod else f"skdqm {__version__}",
            "parameters": {name: _plain(value) for name, value in sorted(parameters.items())},
        }


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it, without addresses in memory, which change."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return getattr(value, "__qualname__", type(value).__qualname__)


def contender(name: str) -> Contender:
    """Find a contender by its name.

    Parameters
    ----------
    name : str
        A detector of skdqm's registry, or ``pyod:`` and a class of PyOD in any case.

    Returns
    -------
    contender : Contender
        The detector under its proper name.

    Raises
    ------
    UsageError
        When there is none of that name.
    MissingDependencyError
        When a package is missing that a model of PyOD needs.
    """
    if name.lower().startswith(PYOD):
        found = any_model_class(name[len(PYOD) :])
        return Contender(PYOD + found.__name__, found)
    if name not in detector_names():
        raise UsageError(
            f"no contender is called {name!r}; there are {', '.join(detector_names())}, and "
            "PyOD's such as pyod:KNN"
        )
    return Contender(name, detector_class(name))


def contenders_called(names: Sequence[str]) -> list[Contender]:
    """Find several contenders, each of them named once.

    Parameters
    ----------
    names : sequence of str
        What :func:`contender` takes.

    Returns
    -------
    contenders : list of Contender
        In their order.

    Raises
    ------
    UsageError
        When a name is unknown, comes twice, or there is none.
    """
    found = [contender(name) for name in names]
    repeated = [each.name for each in found if found.count(each) > 1]
    if repeated:
        raise UsageError(f"the contender {repeated[0]!r} is named twice; name it once")
    if not found:
        raise UsageError("found no contenders; name one at least, such as pyod:KNN")
    return found
