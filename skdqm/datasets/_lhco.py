"""A generator of events like those of the LHC Olympics 2020."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from sklearn.utils import check_random_state

from skdqm._sklearn import Interval, validate_params
from skdqm.preprocessing import LHCO_COLUMNS

__all__ = ["make_lhco_events"]

Floats = NDArray[np.float64]
Variables = dict[str, Floats]

# The trigger of the challenge: the leading jet has at least this transverse momentum, in GeV.
TRIGGER_PT = 1200.0
# A jet that loses energy loses mass too and falls behind: from the lightest to the heaviest heavy
# jet, its chance to lead grows by this much (measured on the real events: from 0.34 to 0.61).
LOSS = 0.3
# Rows drawn at a time, so that the working memory does not grow with the number of events.
BLOCK = 100_000
COUNT = Interval(Integral, 0, None, closed="left")


@dataclass(frozen=True)
class _Copula:
    """Variables with tabulated quantiles, tied together by a Gaussian copula."""

    names: tuple[str, ...]
    probabilities: Floats
    quantiles: Floats
    cholesky: Floats

    @classmethod
    def from_tables(cls, tables: dict[str, Any]) -> Self:
        """Build from one class of the JSON file."""
        quantiles = np.array([tables["table"][name] for name in tables["vars"]])
        cholesky = np.linalg.cholesky(np.array(tables["corr"]))
        return cls(tuple(tables["vars"]), np.array(tables["q"]), quantiles, cholesky)

    def share_below(self, name: str, values: Floats) -> Floats:
        """Return the share of events with a smaller value."""
        return np.interp(values, self.quantiles[self.names.index(name)], self.probabilities)

    def sample(self, n_events: int, rng: RandomState) -> Variables:
        """Draw all variables of `n_events` events."""
        normal = rng.standard_normal((n_events, len(self.names))) @ self.cholesky.T
        shares = ndtr(normal)
        return {
            name: np.interp(shares[:, i], self.probabilities, self.quantiles[i])
            for i, name in enumerate(self.names)
        }


@cache
def _tables() -> dict[str, Any]:
    text = (files("skdqm.datasets") / "_data" / "lhco_generator.json").read_text("utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables


def _background(n_events: int, rng: RandomState) -> Floats:
    """Draw QCD dijet events: momenta first, then masses that scale with them."""
    v = _Copula.from_tables(_tables()["background"]).sample(n_events, rng)
    # The table holds log(pt - 1199.9), so its lowest quantile is exactly the trigger threshold.
    pt1 = np.exp(v["lpt1"]) + (TRIGGER_PT - 0.1)
    pt = np.array([pt1, v["ratio"] * pt1])
    mass = pt * np.exp(np.array([v["rho0"], v["rho1"]]) / 2)
    return _columns(pt, mass, v, rng)


def _signal(n_events: int, rng: RandomState) -> Floats:
    """Draw W' -> XY events: masses first, then the momenta that give the dijet mass."""
    tables = _tables()["signal"]
    copula = _Copula.from_tables(tables)
    v = copula.sample(n_events, rng)
    heavy_leads = tables["p_heavy_is_j1"] + LOSS * (copula.share_below("rho0", v["rho0"]) - 0.5)
    _swap_jets(v, rng.uniform(size=n_events) >= heavy_leads)
    mass = np.exp(np.array([v["rho0"], v["rho1"]]) / 2)
    pt1 = _leading_pt(v, mass)
    events = _columns(np.array([pt1, v["ratio"] * pt1]), mass, v, rng)[pt1 >= TRIGGER_PT]
    missing = n_events - len(events)
    return np.concatenate([events, _signal(missing, rng)]) if missing else events


def _swap_jets(v: Variables, swap: NDArray[np.bool_]) -> None:
    """Exchange the jets of the events in `swap`, in place."""
    for name in ("rho", "lt1", "t21", "t32"):
        first, second = v[f"{name}0"], v[f"{name}1"]
        v[f"{name}0"] = np.where(swap, second, first)
        v[f"{name}1"] = np.where(swap, first, second)


def _etas(v: Variables) -> Floats:
    return np.array([v["yb"] + v["ys"], v["yb"] - v["ys"]])


def _leading_pt(v: Variables, mass: Floats) -> Floats:
    """Solve for the transverse momentum of the first jet, given the dijet mass.

    With x = pt1^2, E1 E2 = (mjj^2 - m1^2 - m2^2) / 2 + p1.p2 becomes, squared, a quadratic
    a x^2 + b x = c; a >= 0 and c > 0 make its positive root unique.
    """
    sinh1, sinh2 = np.sinh(_etas(v))
    m1, m2 = np.square(mass)
    # A resonance outweighs its decay products; the copula alone does not know that.
    half = (np.maximum(np.exp(2 * v["lmjj"]), 1.1 * mass.sum(axis=0) ** 2) - m1 - m2) / 2
    p1, p2 = 1 + sinh1**2, v["ratio"] ** 2 * (1 + sinh2**2)
    product = v["ratio"] * (sinh1 * sinh2 - np.cos(v["dphi"]))
    a = p1 * p2 - product**2
    b = p1 * m2 + p2 * m1 - 2 * half * product
    c = half**2 - m1 * m2
    squared_pt: Floats = 2 * c / (b + np.sqrt(b**2 + 4 * a * c))
    return np.sqrt(squared_pt)


def _columns(pt: Floats, mass: Floats, v: Variables, rng: RandomState) -> Floats:
    """Return the 14 columns of events with a uniform azimuth."""
    phi = rng.uniform(0, 2 * np.pi, size=pt.shape[1])
    phis = (phi, phi + np.pi + v["dphi"])
    columns = []
    for jet, eta in enumerate(_etas(v)):
        tau1 = mass[jet] / pt[jet] * np.exp(v[f"lt1{jet}"])
        tau2 = tau1 * expit(v[f"t21{jet}"])
        tau3 = tau2 * expit(v[f"t32{jet}"])
        momentum = pt[jet] * np.array([np.cos(phis[jet]), np.sin(phis[jet]), np.sinh(eta)])
        columns += [*momentum, mass[jet], tau1, tau2, tau3]
    return np.column_stack(columns)


def _fill(
    X: Floats, rows: NDArray[np.intp], draw: Callable[[int, RandomState], Floats], rng: RandomState
) -> None:
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        X[block] = draw(len(block), rng)


@validate_params(
    {
        "n_background": [COUNT],
        "n_signal": [COUNT],
        "random_state": ["random_state"],
        "shuffle": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_lhco_events(
    n_background: int = 1000,
    n_signal: int = 100,
    *,
    random_state: int | RandomState | None = None,
    shuffle: bool = True,
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    r"""Generate events like those of the LHC Olympics 2020, without any download.

    Background is QCD dijets; signal is a resonance, W' -> XY with masses of 3.5 TeV, 500 GeV and
    100 GeV, each of X and Y seen as one jet with two prongs. The columns, their order and their
    units are those of the public feature files, so that code written for one reads the other.

    Per class, tables of quantiles and a Gaussian copula, fitted to real events [1]_, describe the
    kinematics and substructure of the two jets; a uniform azimuth and the relativistic kinematics
    give the rest. Every distribution of a single derived feature agrees with the real events to a
    Kolmogorov-Smirnov distance of 0.05 or better. Dependence beyond the copula's is not modelled,
    so compare detectors with each other here, but publish numbers of the real events
    (:func:`fetch_lhco_features`).

    Parameters
    ----------
    n_background : int, default=1000
        Number of background events, labelled 0.
    n_signal : int, default=100
        Number of signal events, labelled 1.
    random_state : int, RandomState instance or None, default=None
        Seed: the same one gives the same events.
    shuffle : bool, default=True
        Mix signal into background at random; otherwise all background comes first.

    Returns
    -------
    X : DataFrame of shape (n_background + n_signal, 14), float64
        ``pxj1, pyj1, pzj1, mj1, tau1j1, tau2j1, tau3j1`` of the leading jet and the same of
        ``j2``; momenta and masses in GeV, N-subjettiness as pure numbers.
    y : ndarray of shape (n_background + n_signal,), int64
        1 = signal, 0 = background.

    See Also
    --------
    skdqm.preprocessing.JetFeatures : Kinematics and substructure from these columns.

    References
    ----------
    .. [1] G. Kasieczka, B. Nachman and D. Shih, "R&D dataset for LHC Olympics 2020 anomaly
       detection challenge", Zenodo, doi:10.5281/zenodo.4536377.
    .. [2] G. Kasieczka et al., "The LHC Olympics 2020: a community challenge for anomaly
       detection in high energy physics", Rep. Prog. Phys. 84 (2021) 124201, arXiv:2101.08320.

    Examples
    --------
    >>> from skdqm.datasets import make_lhco_events
    >>> X, y = make_lhco_events(n_background=900, n_signal=100, random_state=0)
    >>> X.shape, int(y.sum())
    ((1000, 14), 100)
    >>> X.columns[:4].tolist()
    ['pxj1', 'pyj1', 'pzj1', 'mj1']
    """
    rng = check_random_state(random_state)
    y = np.repeat([0, 1], [n_background, n_signal])
    if shuffle:
        rng.shuffle(y)
    X = np.empty((len(y), len(LHCO_COLUMNS)))
    _fill(X, np.flatnonzero(y == 0), _background, rng)
    _fill(X, np.flatnonzero(y == 1), _signal, rng)
    return pd.DataFrame(X, columns=list(LHCO_COLUMNS)), y
