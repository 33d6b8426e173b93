"""Models of PyOD as detectors that keep scikit-learn's promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from inspect import signature
from typing import Any, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skdqm._sklearn import HasMethods
from skdqm.base import BaseDetector
from skdqm.detectors._contain import contained, seed_everything
from skdqm.detectors._pyod_models import check_model_class, model_class, named_dependencies, way_of
from skdqm.exceptions import SkdqmError, UsageError

Rows = NDArray[np.float64]
# Seeds that numpy, torch and PyOD's models all take.
SEEDS = 2**31 - 1
# Rows farther out than so many times the width of the training rows are scored as if there: the
# squares of what is beyond overflow, in float32 long before float64.
REACH = 1e6


class PyODDetector(BaseDetector):
    """Any model of PyOD [1]_ for tables, with scikit-learn's manners.

    It validates rows, turns the labels and the sign of the scores, leaves the random generators of
    the process alone, silences what the model prints, and scores every row as if it were alone:
    models of PyOD that join the batch to the training rows (ECOD, COPOD), or draw random
    numbers while they score (VAE, ALAD), otherwise give other scores in other company.

    Models that have no score for a single row of a table are refused by ``fit``: those that only
    compare the rows of one table (COF, LOCI, LMDD, ROD, SOD, SOS, CD, DIF, RGraph), that need
    labels (DevNet, XGBOD), or that take graphs, time series, texts, images or sounds.

    Parameters
    ----------
    model : str, class or instance, default="KNN"
        The model: its name (``"ECOD"``, ``"iforest"``), its class, or an instance with parameters
        of its own, which is never changed. Parameters of an instance can be searched:
        ``model__n_neighbors``. Its contamination does not count, and its seed is replaced.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5].
    random_state : int, RandomState instance or None, default=None
        Seeds the model.

    Attributes
    ----------
    model_ : pyod.models.base.BaseDetector
        The fitted model.
    offset_ : float
        The threshold: ``decision_function = score_samples - offset_``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    Notes
    -----
    The threshold comes from scores as ``score_samples`` gives them, not from PyOD's
    ``decision_scores_``: models of neighbours leave each training row out of its own score there.

    References
    ----------
    .. [1] Y. Zhao, Z. Nasrullah and Z. Li, "PyOD: a Python toolbox for scalable outlier detection",
           JMLR 20 (2019).

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import PyODDetector
    >>> X, faulty = make_detector_data(300, random_state=0)
    >>> PyODDetector("ECOD").fit(X).predict(X).shape
    (300,)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "model": [str, HasMethods(["fit", "decision_function"])],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        model: Any = "KNN",
        *,
        contamination: float = 0.01,
        random_state: int | RandomState | None = None,
    ) -> None:
        super().__init__(contamination=contamination)
        self.model = model
        self.random_state = random_state

    def _fit(self, X: NDArray[Any]) -> None:
        rows = _own(X)
        low, high = rows.min(axis=0), rows.max(axis=0)
        # A column that never changed says nothing of how far is far.
        width = np.where(high > low, high - low, np.maximum(np.abs(high), 1))
        self._low, self._high = low - REACH * width, high + REACH * width
        seed = int(check_random_state(self.random_state).randint(SEEDS))
        with contained():
            seed_everything(seed)
            model = self._unfitted_model(seed, rows.shape[1])
            with _explained(type(model).__name__, rows):
                model.fit(rows)
        self.model_ = model

    def _anomaly_score(self, X: NDArray[Any]) -> Rows:
        rows = np.clip(_own(X), self._low, self._high)
        with contained():
            return way_of(type(self.model_))(self.model_, rows)

    def _unfitted_model(self, seed: int, n_features: int) -> Any:
        """Make the model anew: constructors of PyOD build parts from parameters set only later."""
        found, parameters = self._chosen()
        known = signature(found).parameters
        ours = {"random_state": seed, "random_seed": seed, "n_features": n_features, "verbose": 0}
        parameters |= {name: value for name, value in ours.items() if name in known}
        with named_dependencies(found.__name__):
            return found(**parameters)

    def _chosen(self) -> tuple[Any, dict[str, Any]]:
        if isinstance(self.model, str):
            return model_class(self.model), {}
        if isinstance(self.model, type):
            return check_model_class(self.model), {}
        found, held = check_model_class(type(self.model)), vars(self.model)
        # Parameters that a constructor did not keep come back as None.
        parameters = self.model.get_params(deep=False)
        return found, deepcopy({name: parameters[name] for name in parameters if name in held})

    def __sklearn_clone__(self) -> Self:
        # scikit-learn's clone refuses the many models whose constructors change their parameters.
        return type(self)(**deepcopy(self.get_params(deep=False)))


def _own(X: NDArray[Any]) -> Rows:
    """Return a copy in one precision and order: models of PyOD may write to what they get."""
    return np.array(X, dtype=np.float64, order="C")


@contextmanager
def _explained(name: str, rows: Rows) -> Iterator[None]:
    """Say which model failed on what; the errors of PyOD's models speak of their own variables."""
    try:
        with named_dependencies(name):
            yield
    except SkdqmError:
        raise
    except Exception as error:
        shape = f"{len(rows):,} samples with n_features = {rows.shape[1]}"
        raise UsageError(
            f"PyOD's {name} cannot learn from {shape}: {type(error).__name__}: {error}"
        ) from error
