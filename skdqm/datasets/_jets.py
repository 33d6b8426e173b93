"""A generator of events as lists of particles."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state, gen_batches

from skdqm._sklearn import Interval, validate_params

__all__ = ["make_jet_events"]

Floats = NDArray[np.float64]

# In GeV: the trigger on the leading jet, the resonance, and the two particles it decays to.
TRIGGER_PT = 1200.0
RESONANCE = 3500.0
HEAVY, LIGHT = 500.0, 100.0
# Softer particles, in GeV, are not seen.
MIN_PT = 0.1
MAX_ETA = 2.5
# How evenly the particles of a prong share its momentum: about this many per e-fold of momentum.
CONCENTRATION = 4.0
# Rows drawn at a time, so that the working memory does not grow with the number of events.
BLOCK = 1000
COUNT = Interval(Integral, 0, None, closed="left")


@dataclass(frozen=True)
class _Jets:
    """Two jets per event, each of two prongs; arrays of shape (n_events, 2).

    `share` is the softer prong's part of the momentum and `angle` its distance from the other;
    `width` is that of all prongs.
    """

    pt: Floats
    eta: Floats
    share: Floats
    angle: Floats
    width: float


def _background(n_events: int, rng: RandomState) -> _Jets:
    """Draw QCD dijets: a steep spectrum, one soft and collinear emission in each wide jet."""
    leading = TRIGGER_PT * rng.uniform(size=n_events) ** (-1 / 6)
    pt = leading[:, None] * np.column_stack([np.ones(n_events), rng.beta(10, 1, n_events)])
    boost, opening = rng.normal(0, [[0.5], [0.6]], size=(2, n_events))
    share, angle = (np.exp(rng.uniform(np.log(low), 0, size=pt.shape)) for low in (0.03, 0.05))
    return _Jets(pt, _etas(boost, opening), share / 2, angle, width=0.022)


def _signal(n_events: int, rng: RandomState) -> _Jets:
    """Draw a resonance that decays into two particles, each of which decays into two prongs."""
    mass = np.where(rng.uniform(size=(n_events, 1)) < 0.5, [HEAVY, LIGHT], [LIGHT, HEAVY])
    momentum = np.sqrt(
        (RESONANCE**2 - (HEAVY + LIGHT) ** 2) * (RESONANCE**2 - (HEAVY - LIGHT) ** 2)
    ) / (2 * RESONANCE)
    cosine = rng.uniform(-1, 1, size=n_events) * np.sqrt(1 - (TRIGGER_PT / momentum) ** 2)
    sine = np.sqrt(1 - cosine**2)
    pt = momentum * sine[:, None] * rng.normal(1, 0.03, size=mass.shape)
    share = rng.uniform(0.2, 0.5, size=mass.shape)
    # The mass of two massless prongs: m^2 = share (1 - share) angle^2 pt^2.
    angle = mass / (pt * np.sqrt(share * (1 - share)))
    boost = rng.normal(0, 0.4, size=n_events)
    return _Jets(pt, _etas(boost, np.arcsinh(cosine / sine)), share, angle, width=0.012)


def _etas(boost: Floats, opening: Floats) -> Floats:
    etas: Floats = np.clip(boost[:, None] + opening[:, None] * [1, -1], -MAX_ETA, MAX_ETA)
    return etas


def _prongs(jets: _Jets, rng: RandomState) -> Floats:
    """Return (pt, eta, phi) of the four prongs of each event; shape (n_events, 4, 3)."""
    n_events = len(jets.pt)
    away = np.pi + rng.normal(0, 0.05, size=n_events)
    phi = rng.uniform(-np.pi, np.pi, size=n_events)[:, None] + np.column_stack([0 * away, away])
    turn = rng.uniform(0, 2 * np.pi, size=jets.pt.shape)
    prongs = []
    # Each prong recoils against the other, so that the jet keeps its axis.
    for part, lever in ((1 - jets.share, jets.share), (jets.share, jets.share - 1)):
        eta = jets.eta + lever * jets.angle * np.cos(turn)
        prongs.append(np.stack([part * jets.pt, eta, phi + lever * jets.angle * np.sin(turn)], -1))
    return np.concatenate(prongs, axis=1)


def _fragments(prongs: Floats, width: float, n_particles: int, rng: RandomState) -> Floats:
    """Break each prong into `n_particles`, the softer the wider; (n_events, 4 n_particles, 3)."""
    shape = (*prongs.shape[:2], n_particles)
    share = rng.gamma(CONCENTRATION / n_particles, size=shape)
    share /= np.maximum(share.sum(axis=-1, keepdims=True), np.finfo(np.float64).tiny)
    pt = prongs[..., :1] * share
    spread = width * np.exp(rng.normal(0, 0.5, size=(*shape[:2], 1)))
    angle = rng.exponential(spread, size=shape) * np.minimum((share + 1e-4) ** -0.3, 8)
    turn = rng.uniform(0, 2 * np.pi, size=shape)
    eta = prongs[..., 1:2] + angle * np.cos(turn)
    phi = prongs[..., 2:] + angle * np.sin(turn)
    return np.stack([pt, eta, phi], axis=-1).reshape(len(prongs), -1, 3)


def _soft(n_events: int, n_particles: int, rng: RandomState) -> Floats:
    """Draw what is everywhere in the detector: about 60 soft particles."""
    shape = (n_events, n_particles)
    seen = rng.uniform(size=shape) < 60 / n_particles
    pt = np.where(seen, MIN_PT + rng.exponential(0.8, size=shape), 0)
    eta = rng.uniform(-2 * MAX_ETA, 2 * MAX_ETA, size=shape)
    return np.stack([pt, eta, rng.uniform(-np.pi, np.pi, size=shape)], axis=-1)


def _padded(particles: Floats, rng: RandomState) -> Floats:
    """Shuffle the particles of an event, put what is not seen at the end, and wrap azimuth."""
    seen = particles[..., :1] >= MIN_PT
    particles[..., 2] = np.remainder(particles[..., 2] + np.pi, 2 * np.pi) - np.pi
    place = np.where(seen[..., 0], rng.uniform(size=seen.shape[:2]), 2)
    order = np.argsort(place, axis=1, kind="stable")
    return np.take_along_axis(np.where(seen, particles, 0), order[..., None], axis=1)


def _events(jets: _Jets, n_particles: int, rng: RandomState) -> Floats:
    per_prong = n_particles // 5
    hard = _fragments(_prongs(jets, rng), jets.width, per_prong, rng)
    soft = _soft(len(hard), n_particles - 4 * per_prong, rng)
    return _padded(np.concatenate([hard, soft], axis=1), rng).reshape(len(hard), -1)


@validate_params(
    {
        "n_background": [COUNT],
        "n_signal": [COUNT],
        "n_particles": [Interval(Integral, 10, None, closed="left")],
        "random_state": ["random_state"],
        "shuffle": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_jet_events(
    n_background: int = 1000,
    n_signal: int = 100,
    *,
    n_particles: int = 700,
    random_state: int | RandomState | None = None,
    shuffle: bool = True,
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    r"""Generate events as lists of particles, a toy of those of the LHC Olympics 2020.

    Background is two back-to-back jets of a steep spectrum above 1.2 TeV, each with one soft and
    collinear emission. Signal is a resonance of 3.5 TeV that decays into particles of 500 and
    100 GeV, each seen as one jet with two prongs. Every prong breaks into particles, and some sixty
    soft ones lie everywhere. Columns, order and units are those of the public file of particles
    [1]_, so that code written for one reads the other.

    It is a toy: momenta and jet masses are roughly those of the real events, correlations inside
    the jets are not. Signal is slightly easier to find than in the real events.

    Parameters
    ----------
    n_background : int, default=1000
        Number of background events, labelled 0.
    n_signal : int, default=100
        Number of signal events, labelled 1.
    n_particles : int, default=700
        Number of particles that fit in a row, at least 10. With few, jets have fewer particles.
    random_state : int, RandomState instance or None, default=None
        Seed: the same one gives the same events.
    shuffle : bool, default=True
        Mix signal into background at random; otherwise all background comes first.

    Returns
    -------
    X : DataFrame of shape (n_background + n_signal, 3 * n_particles), float64
        (pt, eta, phi) of every particle, in random order, padded with zeros; pt in GeV, phi in
        radians within [-pi, pi]. The columns are ``"0"``, ``"1"`` and so on, as in the public file.
    y : ndarray of shape (n_background + n_signal,), int64
        1 = signal, 0 = background.

    See Also
    --------
    make_lhco_events : Events as features of two jets, much closer to the real ones.
    skdqm.preprocessing.JetImages : Images of the jets in these events.

    References
    ----------
    .. [1] G. Kasieczka, B. Nachman and D. Shih, "R&D dataset for LHC Olympics 2020 anomaly
       detection challenge", Zenodo, doi:10.5281/zenodo.4536377.

    Examples
    --------
    >>> from skdqm.datasets import make_jet_events
    >>> X, y = make_jet_events(n_background=90, n_signal=10, n_particles=100, random_state=0)
    >>> X.shape, int(y.sum())
    ((100, 300), 10)
    """
    rng = check_random_state(random_state)
    y = np.repeat([0, 1], [n_background, n_signal])
    if shuffle:
        rng.shuffle(y)
    X = np.empty((len(y), 3 * n_particles))
    for label, draw in enumerate((_background, _signal)):
        rows = np.flatnonzero(y == label)
        for block in gen_batches(len(rows), BLOCK):
            jets = draw(len(rows[block]), rng)
            X[rows[block]] = _events(jets, n_particles, rng)
    return pd.DataFrame(X, columns=[str(column) for column in range(X.shape[1])]), y
