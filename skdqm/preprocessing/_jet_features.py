"""LHC Olympics jet columns to kinematics and substructure."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._sklearn import _fit_context
from skdqm.exceptions import DataError

__all__ = ["LHCO_COLUMNS", "JetFeatures"]

Floats = NDArray[np.float64]

_JETS = ("j1", "j2")
_RAW = ("px", "py", "pz", "m", "tau1", "tau2", "tau3")
_DERIVED = ("pt", "eta", "m", "tau21", "tau32")

LHCO_COLUMNS: tuple[str, ...] = tuple(f"{name}{jet}" for jet in _JETS for name in _RAW)
"""The 14 columns of the LHC Olympics 2020 feature files, in their order."""


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with 0 where the denominator is 0."""
    out = np.zeros_like(numerator)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def _pseudorapidity(pz: Floats, pt: Floats) -> Floats:
    """Return asinh(pz / pt), finite also for a jet along the beam (pt = 0)."""
    limits = np.finfo(np.float64)
    slope: Floats = np.clip(pz / np.maximum(pt, limits.tiny), limits.min, limits.max)
    return np.arcsinh(slope)


def _jet_features(jet: Floats) -> list[Floats]:
    """Return pt, eta, m, tau21 and tau32 of one jet, given its seven columns."""
    px, py, pz, mass, tau1, tau2, tau3 = jet.T
    pt = np.hypot(px, py)
    return [
        pt,
        _pseudorapidity(pz, pt),
        np.maximum(mass, 0),
        _ratio(tau2, tau1),
        _ratio(tau3, tau2),
    ]


def _dijet_mass(jets: Floats) -> Floats:
    """Return the invariant mass of two jets, given (px, py, pz, m) as (n, 2, 4)."""
    # In units of each event's largest component: squares of huge values would overflow.
    scale = np.abs(jets).max(axis=(1, 2), initial=0)
    momentum = _ratio(jets, np.broadcast_to(scale[:, None, None], jets.shape))
    momentum[..., 3] = np.maximum(momentum[..., 3], 0)
    energy = np.sqrt(np.square(momentum).sum(axis=2)).sum(axis=1)
    total = momentum[..., :3].sum(axis=1)
    mass: Floats = scale * np.sqrt(np.maximum(energy**2 - np.square(total).sum(axis=1), 0))
    return mass


class JetFeatures(TransformerMixin, BaseEstimator):
    r"""Turn the 14 LHC Olympics columns into kinematics and substructure of two jets.

    Per jet: transverse momentum ``pt``, pseudorapidity ``eta``, mass ``m``, and the ratios
    ``tau21`` and ``tau32`` of neighbouring N-subjettiness values. The azimuth of the event, uniform
    by symmetry, is dropped.

    Columns of a data frame are found by name and may come in any order; an array has the 14
    columns in the order of `LHCO_COLUMNS`. Any other column is refused, a label above all.

    Parameters
    ----------
    dijet : bool, default=False
        Also return the invariant mass of the two jets, ``mjj``, and the absolute difference of
        their masses, ``delta_m``.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in ``fit``: 14.
    feature_names_in_ : ndarray of shape (14,)
        `LHCO_COLUMNS`, if ``fit`` saw a data frame.

    Notes
    -----
    Momenta and masses keep their unit (GeV in the public files); the other features are pure
    numbers. Finite input gives finite output:

    * a ratio is 0 where its denominator is 0 (a jet with too few constituents); a ratio above 1,
      which the exclusive-kT axes allow, is kept;
    * a negative mass, the trace of rounding in :math:`E^2 - p^2`, counts as 0;
    * a jet along the beam (``pt`` = 0) has a large finite ``eta`` of the sign of ``pz``, and a
      missing jet (all zeros) has ``eta`` = 0;
    * a result beyond the range of the dtype is the largest finite number.

    The dtype is kept: float32 in, float32 out, computed in float64.

    References
    ----------
    .. [1] G. Kasieczka et al., "The LHC Olympics 2020: a community challenge for anomaly
       detection in high energy physics", Rep. Prog. Phys. 84 (2021) 124201, arXiv:2101.08320.
    .. [2] J. Thaler and K. Van Tilburg, "Identifying boosted objects with N-subjettiness",
       JHEP 03 (2011) 015, arXiv:1011.2268.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.preprocessing import JetFeatures
    >>> jet1 = [1200.0, 0.0, 0.0, 100.0, 0.4, 0.2, 0.1]
    >>> jet2 = [-1200.0, 0.0, 0.0, 40.0, 0.0, 0.0, 0.0]
    >>> features = JetFeatures(dijet=True)
    >>> X = features.fit_transform(np.array([jet1 + jet2]))
    >>> dict(zip(features.get_feature_names_out(), X[0].round(1).tolist()))
    ... # doctest: +NORMALIZE_WHITESPACE
    {'pt_j1': 1200.0, 'eta_j1': 0.0, 'm_j1': 100.0, 'tau21_j1': 0.5, 'tau32_j1': 0.5,
     'pt_j2': 1200.0, 'eta_j2': 0.0, 'm_j2': 40.0, 'tau21_j2': 0.0, 'tau32_j2': 0.0,
     'mjj': 2404.8, 'delta_m': 60.0}
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"dijet": ["boolean"]}

    def __init__(self, *, dijet: bool = False) -> None:
        self.dijet = dijet

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Check that `X` has the 14 columns; nothing is learned from the values.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, 14)
            Events in the columns of `LHCO_COLUMNS`.
        y : None
            Ignored.

        Returns
        -------
        self : JetFeatures
            The fitted transformer.

        Raises
        ------
        DataError
            When columns are missing, unknown or repeated.
        """
        self._validated(X, reset=True)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the features.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, 14)
            Events in the columns of `LHCO_COLUMNS`.

        Returns
        -------
        X_out : ndarray of shape (n_samples, 10) or (n_samples, 12)
            The columns of :meth:`get_feature_names_out`; a data frame after ``set_output``.

        Raises
        ------
        DataError
            When columns are missing, unknown or repeated.
        """
        check_is_fitted(self)
        events = self._validated(X, reset=False)
        jets = self._jets(events.astype(np.float64, copy=False))
        with np.errstate(over="ignore", under="ignore"):
            features = [column for jet in (0, 1) for column in _jet_features(jets[:, jet])]
            if self.dijet:
                features += [_dijet_mass(jets[..., :4]), np.abs(features[2] - features[7])]
        limits = np.finfo(events.dtype)
        X_out: NDArray[Any] = np.clip(np.column_stack(features), limits.min, limits.max)
        return X_out.astype(events.dtype)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored: the names are fixed.

        Returns
        -------
        names : ndarray of str objects
            ``pt_j1, eta_j1, m_j1, tau21_j1, tau32_j1``, the same of ``j2``, and with `dijet`
            ``mjj, delta_m``.
        """
        check_is_fitted(self)
        names = [f"{name}_{jet}" for jet in _JETS for name in _DERIVED]
        return np.array(names + ["mjj", "delta_m"] * self.dijet, dtype=object)

    def _validated(self, X: Any, *, reset: bool) -> NDArray[Any]:
        events: NDArray[Any] = validate_data(
            self, _in_order(X), reset=reset, dtype=(np.float64, np.float32)
        )
        self._jets(events)
        return events

    def _jets(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return `X` as (n_samples, 2 jets, 7 columns)."""
        if X.shape[1] != len(LHCO_COLUMNS):
            raise DataError(
                f"X has {X.shape[1]} columns; JetFeatures needs the {len(LHCO_COLUMNS)} columns "
                f"{', '.join(LHCO_COLUMNS)}, in this order"
            )
        return X.reshape(len(X), len(_JETS), len(_RAW))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _in_order(X: Any) -> Any:
    """Return the columns of a data frame in the standard order; leave anything else alone."""
    names = list(getattr(X, "columns", ()))
    if not any(isinstance(name, str) for name in names):
        return X
    missing = [name for name in LHCO_COLUMNS if name not in names]
    unknown = [name for name in names if name not in LHCO_COLUMNS]
    if missing or unknown or len(names) > len(LHCO_COLUMNS):
        raise DataError(
            f"JetFeatures needs exactly the columns {', '.join(LHCO_COLUMNS)}; missing: "
            f"{missing or 'none'}, unknown: {unknown or 'none'}, columns in all: {len(names)}. "
            "Rename or drop columns first, for example X.drop(columns=['label'])"
        )
    return X[list(LHCO_COLUMNS)]
