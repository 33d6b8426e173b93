"""A generator of streams: a detector whose conditions change and come back, with faults."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skdqm._lumisections import lumisection_index
from skdqm._sklearn import Interval, StrOptions, validate_params
from skdqm.datasets._drift_stream_faults import (
    KINDS,
    Anomalies,
    Places,
    Stretch,
    apply,
    draw_anomalies,
    draw_faults,
    draw_places,
)
from skdqm.datasets._drift_stream_schedule import Schedule, draw_up
from skdqm.datasets._drift_stream_world import World
from skdqm.datasets._lumisection_shapes import FIRST_RUN
from skdqm.exceptions import UsageError

__all__ = ["DriftStreamTruth", "make_drift_stream"]

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Rows = Floats | pd.DataFrame
Stage = str | tuple[str, float]
Pattern = Literal["sustained", "intermittent"]

# Rows of a test set, and how many of them have each kind of fault.
N_TEST, N_TEST_OF_KIND = 3000, 120


class DriftStreamTruth(NamedTuple):
    """What a stream was made of.

    Attributes
    ----------
    condition : ndarray of str of shape (n_samples,)
        The stage of each row: a condition such as ``"A"``, or ``"A>B"`` while it goes from one to
        another, or ``"A~B"`` while it goes to another and back.
    intensity : ndarray of shape (n_samples,)
        How far each row is from the condition of the first one, in [0, 1].
    change_points : ndarray of shape (n_changes,), int64
        Positions of the rows with which a stage begins; in ``"A~B"`` those where the other
        condition begins to prevail.
    kind : ndarray of str of shape (n_samples,)
        ``"dead"``, ``"hot"``, ``"decorrelated"``, ``"shifted"`` or ``"displaced"``; "" if healthy.
    pattern : ndarray of str of shape (n_samples,)
        ``"isolated"``, ``"burst"``, ``"sustained"`` or ``"intermittent"``; "" if healthy.
    faults : DataFrame of shape (n_faults, 4)
        Long faults, in the order of time: ``start`` and ``stop``, the position of the first row and
        of that behind the last, ``kind``, and the number of ``faulty`` rows between.
    bursts : DataFrame of shape (n_bursts, 4)
        Bursts, in the same way.
    drifts : ndarray of bool of shape (n_features,)
        Features that conditions may change.
    test_sets : dict of str to tuple (X, y)
        3,000 rows of each condition in its pure form, apart from the stream, of which 120 have each
        kind of fault: to measure what a model knows of a condition, and what it forgot.
    """

    condition: NDArray[np.str_]
    intensity: Floats
    change_points: NDArray[np.int64]
    kind: NDArray[np.str_]
    pattern: NDArray[np.str_]
    faults: pd.DataFrame
    bursts: pd.DataFrame
    drifts: NDArray[np.bool_]
    test_sets: dict[str, tuple[Any, Labels]]


def _choose_drifting(drift: Any, n_features: int, wanted: int | None, seed: int) -> Any:
    """Return which features conditions may change."""
    if wanted is None:
        wanted = max(1, round(n_features / 3)) if drift == "subset" else n_features
    if wanted > n_features:
        raise UsageError(f"n_drifting={wanted} is more than n_features={n_features}")
    return np.random.default_rng((seed, 1)).permutation(n_features) < wanted


def _stretches(found: list[Stretch], kind: NDArray[np.str_]) -> pd.DataFrame:
    """Return a table of what begins and ends."""
    rows = [(*one, int((kind[one[0] : one[1]] != "").sum())) for one in found]
    table = pd.DataFrame(rows, columns=["start", "stop", "kind", "faulty"])
    return table.astype({"start": np.int64, "stop": np.int64, "faulty": np.int64})


def _test_set(world: World, weights: Floats, places: Places, key: Any) -> tuple[Floats, Labels]:
    """Draw rows of one condition, the last ones with every kind of fault."""
    rng = np.random.default_rng(key)
    kind = np.repeat(["", *KINDS], [N_TEST - N_TEST_OF_KIND * len(KINDS)] + [N_TEST_OF_KIND] * 5)
    X = world.healthy(np.tile(weights, (N_TEST, 1)), rng)
    apply(
        X,
        kind,
        np.arange(N_TEST),
        places,
        others=lambda rows: world.healthy(np.tile(weights, (len(rows), 1)), rng),
        rng=rng,
    )
    return X, np.where(kind == "", 0, 1)


def _named(X: Floats, index: pd.MultiIndex | None = None) -> pd.DataFrame:
    width = max(2, len(str(X.shape[1] - 1)))
    return pd.DataFrame(X, index, [f"channel_{n:0{width}d}" for n in range(X.shape[1])])


def _index(n_samples: int, run_length: int) -> pd.MultiIndex:
    """Return runs of equal length, and the lumisections of each from 1."""
    rows = np.arange(n_samples)
    return lumisection_index(FIRST_RUN + rows // run_length, 1 + rows % run_length)


def _test_sets(world: World, plan: Schedule, places: Places, seed: int) -> dict[str, Any]:
    pure = zip(plan.names, np.eye(len(plan.names)), strict=True)
    return {name: _test_set(world, one, places, (seed, 10, ord(name))) for name, one in pure}


def _truth(
    plan: Schedule, found: Anomalies, drifts: NDArray[np.bool_], tests: dict[str, Any]
) -> DriftStreamTruth:
    return DriftStreamTruth(
        condition=plan.stage,
        intensity=1 - plan.weights[:, 0],
        change_points=plan.change_points,
        kind=found.kind,
        pattern=found.pattern,
        faults=_stretches(found.faults, found.kind),
        bursts=_stretches(found.bursts, found.kind),
        drifts=drifts & (len(plan.names) > 1),
        test_sets=tests,
    )


@overload
def make_drift_stream(
    n_samples: int = ...,
    n_features: int = ...,
    *,
    drift: str | Sequence[Stage] | None = ...,
    n_drifting: int | None = ...,
    period: int = ...,
    n_faults: int = ...,
    fault_length: int = ...,
    fault_density: float = ...,
    fault_kind: str = ...,
    fault_pattern: Pattern = ...,
    anomaly_fraction: float = ...,
    burst_fraction: float = ...,
    as_frame: bool = ...,
    run_length: int = ...,
    random_state: int | RandomState | None = ...,
    return_truth: Literal[False] = ...,
) -> tuple[Any, Labels]: ...
@overload
def make_drift_stream(
    n_samples: int = ...,
    n_features: int = ...,
    *,
    drift: str | Sequence[Stage] | None = ...,
    n_drifting: int | None = ...,
    period: int = ...,
    n_faults: int = ...,
    fault_length: int = ...,
    fault_density: float = ...,
    fault_kind: str = ...,
    fault_pattern: Pattern = ...,
    anomaly_fraction: float = ...,
    burst_fraction: float = ...,
    as_frame: bool = ...,
    run_length: int = ...,
    random_state: int | RandomState | None = ...,
    return_truth: Literal[True],
) -> tuple[Any, Labels, DriftStreamTruth]: ...
@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 2, None, closed="left")],
        "drift": [str, "array-like", None],
        "n_drifting": [Interval(Integral, 1, None, closed="left"), None],
        "period": [Interval(Integral, 2, None, closed="left")],
        "n_faults": [Interval(Integral, 0, None, closed="left")],
        "fault_length": [Interval(Integral, 1, None, closed="left")],
        "fault_density": [Interval(Real, 0, 1, closed="right")],
        "fault_kind": [StrOptions(set(KINDS))],
        "fault_pattern": [StrOptions({"sustained", "intermittent"})],
        "anomaly_fraction": [Interval(Real, 0, 1, closed="both")],
        "burst_fraction": [Interval(Real, 0, 0.3, closed="both")],
        "as_frame": ["boolean"],
        "run_length": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "return_truth": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_drift_stream(
    n_samples: int = 60_000,
    n_features: int = 14,
    *,
    drift: str | Sequence[Stage] | None = "recurring",
    n_drifting: int | None = None,
    period: int = 20_000,
    n_faults: int = 4,
    fault_length: int = 400,
    fault_density: float = 0.6,
    fault_kind: str = "displaced",
    fault_pattern: Pattern = "sustained",
    anomaly_fraction: float = 0.01,
    burst_fraction: float = 0.01,
    as_frame: bool = False,
    run_length: int = 500,
    random_state: int | RandomState | None = None,
    return_truth: bool = False,
) -> tuple[Any, Labels] | tuple[Any, Labels, DriftStreamTruth]:
    """Generate a stream of readings in which healthy conditions change, and faults come and go.

    A row holds readings of all channels: two populations of rows, four hidden quantities that
    channels follow, a slightly crooked response, and noise. A *condition* has gains, offsets and
    correlations of its own. ``A`` is the nominal one; in ``B`` the detector has aged, where half of
    the channels have lost a quarter of their gain and some their baseline; in ``C``, and every
    other capital letter, it is run in another way, and all channels differ. Changes of condition
    are benign: all healthy rows are labelled 0.

    Anomalies are isolated rows, bursts of 30 to 90 rows, and a long fault that comes back in
    whatever condition there is. Their kinds, each always in the same channels but for the second:

    ``"dead"``
        a seventh of the channels reads -2;
    ``"hot"``
        one channel, another one each time, reads 3 to 5 too much or too little;
    ``"decorrelated"``
        half of the channels is that of another healthy row: only correlations tell;
    ``"shifted"``
        a block of two sevenths of the channels reads 1.6 more;
    ``"displaced"``
        three channels of 14 read 2.2 too much or too little: the long fault, if not told otherwise.

    Parameters
    ----------
    n_samples : int, default=60000
        Number of rows.
    n_features : int, default=14
        Number of channels, at least 2.
    drift : str, sequence or None, default="recurring"
        How conditions follow each other. ``"recurring"``: A, ageing to B, then C, A, C and B
        without notice; ``"gradual"``: A, ageing to B, and B; ``"abrupt"``: A, and C from the middle
        on; ``"seasonal"``: from A to B and back, again and again; ``"subset"``: A, ageing to B, and
        C, in a third of the channels; None: A only. Or a sequence of stages: ``"A"``, ``"A>B"``
        (goes from A to B), ``"A~B"`` (to B and back), or pairs of a stage and its share of the
        stream, in any unit.
    n_drifting : int, default=None
        Number of channels that conditions change; None: all, or a third for ``"subset"``.
    period : int, default=20000
        Rows of a season.
    n_faults : int, default=4
        How often the long fault comes: at a random time in each of so many equal parts of the
        stream, of which the first sixth is left out.
    fault_length : int, default=400
        Rows from its beginning to its end.
    fault_density : float, default=0.6
        Share of faulty rows in between, in (0, 1]; the first one is.
    fault_kind : str, default="displaced"
        What is at fault.
    fault_pattern : {"sustained", "intermittent"}, default="sustained"
        Faulty rows are mixed with healthy ones, or the fault is there for 30 rows on average, and
        away for some.
    anomaly_fraction : float, default=0.01
        Share of isolated anomalies in the rows outside of bursts and long faults, in [0, 1]:
        expected, not exact.
    burst_fraction : float, default=0.01
        Share of the rows that are in bursts, about, in [0, 0.3]; none overlaps a long fault.
    as_frame : bool, default=False
        Return readings as data frames with named columns, the stream with runs and lumisections.
    run_length : int, default=500
        Lumisections in a run.
    random_state : int, RandomState instance or None, default=None
        Seed: the same one gives the same stream. Healthy rows do not depend on the anomalies.
    return_truth : bool, default=False
        Also return what the stream was made of, and test sets.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_samples, n_features), float64
        Readings in the order of time; as a frame with index levels ``run`` and ``lumisection`` and
        columns ``channel_00``, ``channel_01`` and so on.
    y : ndarray of shape (n_samples,), int64
        1 = anomaly, 0 = healthy.
    truth : DriftStreamTruth
        Only with `return_truth`.

    Raises
    ------
    UsageError
        When `drift` is no such word or sequence, or stages or faults do not fit into the rows.

    See Also
    --------
    make_lumisections : Histograms with drift from run to run.
    skdqm.metrics.time_to_detection : Takes ``truth.faults``.

    Examples
    --------
    >>> from skdqm.datasets import make_drift_stream
    >>> X, y, truth = make_drift_stream(12_000, random_state=0, return_truth=True)
    >>> X.shape, truth.change_points.tolist(), sorted(truth.test_sets)
    ((12000, 14), [2000, 5000, 7000, 9000, 10400], ['A', 'B', 'C'])
    >>> len(truth.faults), bool(((truth.kind != "") == (y == 1)).all())
    (4, True)
    >>> X, y = make_drift_stream(1000, drift=["A", ("A>D", 3)], n_faults=0, as_frame=True)
    >>> X.index.names, X.index.levels[0].tolist()
    (FrozenList(['run', 'lumisection']), [360000, 360001])
    """
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    # Streams of their own: healthy rows do not depend on what happens to others.
    rngs = [np.random.default_rng((seed, number)) for number in range(2, 9)]
    plan = draw_up(drift, n_samples, period)
    drifts = _choose_drifting(drift, n_features, n_drifting, seed)
    world = World(plan.names, drifts, seed)
    places = draw_places(n_features, rngs[0])
    X = world.healthy(plan.weights, rngs[1])
    faults = draw_faults(n_samples, n_faults, fault_length, fault_kind, rngs[2])
    fractions, fault = (anomaly_fraction, burst_fraction), (fault_density, fault_pattern)
    found = draw_anomalies(n_samples, fractions, faults, fault, rngs[3:6])
    apply(
        X,
        found.kind,
        found.episode,
        places,
        others=lambda rows: world.healthy(plan.weights[rows], rngs[6]),
        rng=rngs[6],
    )
    y = np.where(found.kind == "", 0, 1)
    rows = _named(X, _index(n_samples, run_length)) if as_frame else X
    if not return_truth:
        return rows, y
    tests = _test_sets(world, plan, places, seed)
    if as_frame:
        tests = {name: (_named(X), y) for name, (X, y) in tests.items()}
    return rows, y, _truth(plan, found, drifts, tests)
