"""A detector that goes on learning, and knows when not to."""

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skdqm._lumisections import checked_runs_of_rows, lumisections_of, runs_of
from skdqm._numbers import validated_numbers
from skdqm._sklearn import HasMethods, Interval, StrOptions, _fit_context, available_if
from skdqm.base import turned
from skdqm.continual._course import Course
from skdqm.continual._expert import new_expert
from skdqm.continual._follow import follow, judged_only
from skdqm.continual._labels import checked_conditions, checked_verdicts
from skdqm.continual._level import Level
from skdqm.continual._parts import DEFAULTS, STRATEGIES, Parts
from skdqm.continual._pool import pool_of
from skdqm.continual._record import RecordMixin
from skdqm.continual._reference import usual_scores
from skdqm.continual._rows import Floats, Rows
from skdqm.continual._state import packed, shared_unpacked, unpacked
from skdqm.continual._threshold import ConformalThreshold
from skdqm.continual._trainer import Trainer
from skdqm.detectors import NeighborsDetector
from skdqm.detectors._standardise import warn_of_few_first_rows
from skdqm.monitoring._wrapper import WrapperDetector, expected, features, wraps

if TYPE_CHECKING:
    import pandas as pd


class ContinualDetector(RecordMixin, WrapperDetector):
    """A detector whose ``partial_fit`` is safe: it follows a drifting stream, not its faults.

    Rows are judged first and learned later. They wait on probation; when a drift monitor finds
    that scores have risen and stay so, nothing is learned any more, the rows since then are held,
    and one *ticket* is opened instead of an alarm for every row. When rows fit again, what was held
    is discarded: it was a fault. When an expert for an earlier condition knows them, it takes over.
    When it lasts longer than the gate's patience, it is released: a new condition, for which a
    new expert is made, until a shifter says otherwise (:meth:`confirm`). Every decision is an entry
    of ``events_``.

    Scores are minus the logarithm of p-values among held-out good rows, which are scored anew after
    every update: they mean the same before and after an update, and for every condition. The
    threshold follows in the same way.

    After :meth:`calibrate` updates keep the rate that was promised there, by the held-out rows.

    A fault that is longer than `patience` and a new condition cannot be told apart from the rows
    alone; a tag of the condition, labels, or a shifter's word can. Faults so small that the monitor
    does not see them, and those that come as slowly as ageing, are learned.

    Parameters
    ----------
    detector : detector, Pipeline or None, default=None
        What is cloned for every condition (a fitted one is fitted anew); learns by its
        ``partial_fit``, or by being fitted anew to the kept rows where it has none. None is a
        ``NeighborsDetector(metric="mahalanobis", memory_size=2000)``.
    strategy : {"pool", "replay", "refit", "naive", "static", "ewc", "distillation"} or strategy, \
default="pool"
        What is learned, and what becomes of a new condition. All but the first are there to compare
        with, and learn without a guarded gate unless one is given.
    gate : gate or None, default=None
        Which rows are learned, and when; None: the one that goes with the strategy, for
        ``"pool"`` a :class:`GuardedGate`.
    memory : memory or None, default=None
        Which learned rows are kept; None: the one that goes with the strategy.
    threshold : threshold or None, default=None
        Where the threshold lies after an update; None is a :class:`ConformalThreshold`.
    drift : DriftMonitor or None, default=None
        Watches normal scores, in blocks of its `block_size`; None is
        ``DriftMonitor(shift=1.0)``. It is copied.
    update_every : int, default=256
        Rows that are learned together.
    auto_release : bool, default=True
        Release what lasts longer than the gate's patience; if not, hold until the ticket is
        confirmed.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice of rows, and of detectors that have none of their own.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]; also the share of good
        rows that it flags after updates, unless :meth:`calibrate` says another.

    Attributes
    ----------
    status_ : str
        Of the latest block: ``"normal"``, ``"anomaly"``, ``"drift"``, ``"new condition"`` or
        ``"not enough data"``.
    events_ : list of dict
        The latest 10,000 decisions: what (``event``), why (``reason``), on which rows, at which row
        of the stream, by which version and expert.
    tickets_ : list of dict
        The latest 200 tickets.
    versions_ : list of int
        Versions that :meth:`rollback` can go back to, and the present one.
    experts_ : list of dict
        What is known of each expert.
    detector_ : detector or Pipeline
        The fitted detector of the active expert.
    offset_ : float
        The threshold on ``score_samples``.
    n_rows_seen_ : int
        Rows of the stream so far, without those of ``fit``.
    n_rows_waiting_ : int
        The latest of them, whose block is not whole: they are judged, and no more.
    block_size_ : int
        Rows that are decided on together.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    skdqm.drift.DriftMonitor : The monitor by itself.
    skdqm.datasets.make_drift_stream : Streams to try it on.

    Examples
    --------
    >>> from skdqm.continual import ContinualDetector
    >>> from skdqm.datasets import make_drift_stream
    >>> X, y = make_drift_stream(4000, drift="abrupt", n_faults=0, random_state=0)
    >>> detector = ContinualDetector(random_state=0).fit(X[:1000])
    >>> verdicts = detector.observe(X[1000:2300])  # conditions change at row 2,000
    >>> verdicts["status"].iloc[-1], detector.tickets_[-1]["state"]
    ('anomaly', 'open')
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **WrapperDetector._parameter_constraints,
        "strategy": [StrOptions(set(STRATEGIES)), HasMethods(["learned", "adopted"])],
        "gate": [HasMethods(["admits"]), None],
        "memory": [HasMethods(["kept"]), None],
        "threshold": [HasMethods(["rate", "after"]), None],
        "drift": [HasMethods(["fit", "update", "reset"]), None],
        "update_every": [Interval(Integral, 1, None, closed="left")],
        "auto_release": ["boolean"],
    }

    keeps_calibration = True
    chooses_rows = True

    def __init__(
        self,
        detector: Any = None,
        *,
        strategy: Any = "pool",
        gate: Any = None,
        memory: Any = None,
        threshold: Any = None,
        drift: Any = None,
        update_every: int = 256,
        auto_release: bool = True,
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.detector = detector
        self.strategy = strategy
        self.gate = gate
        self.memory = memory
        self.threshold = threshold
        self.drift = drift
        self.update_every = update_every
        self.auto_release = auto_release
        self.random_state = random_state

    @property
    def detector_(self) -> Any:
        """The fitted detector of the active expert."""
        return self._course.pool.expert.detector

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None, *, condition: Any = None) -> Self:
        """Go on with the stream: judge rows, then learn what may be learned.

        The same as :meth:`observe`, without the verdicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows, in the order of time. Without a fit before, the first call is one.
        y : array-like of shape (n_samples,), default=None
            What is known of them: **+1 good**, -1 bad, 0 not known; any other number is taken for
            0. It overrides gate and guard. Labels of metrics and data sets, where 1 is an anomaly,
            are another matter: give ``np.where(labels == 1, -1, 1)``.
        condition : str, array-like of str or None, default=None
            Tag of the run condition, of all rows or of each; None: not known.

        Returns
        -------
        self : object
            The updated detector.
        """
        self.observe(X, y, condition=condition)
        return self

    def observe(
        self, X: ArrayLike, y: ArrayLike | None = None, *, condition: Any = None
    ) -> "pd.DataFrame":
        """Judge the next rows of the stream, then learn what may be learned of them.

        How a stream is cut into calls makes no difference, but for labels, which are believed at
        the end of their block.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows, in the order of time. Without a fit before, the first call is one.
        y : array-like of shape (n_samples,), default=None
            What is known of them: **+1 good**, -1 bad, 0 not known; any other number is taken for
            0. It overrides gate and guard. Labels of metrics and data sets, where 1 is an anomaly,
            are another matter: give ``np.where(labels == 1, -1, 1)``.
        condition : str, array-like of str or None, default=None
            Tag of the run condition, of all rows or of each; None: not known.

        Returns
        -------
        verdicts : DataFrame of shape (n_samples, 6)
            ``anomaly_score``, ``verdict`` (+1, -1, 0: not enough data) and ``p_value`` of each row
            by what was known before it, ``status`` of its block, or of the latest whole one,
            and the ``expert`` and ``version`` that judged; with the index of `X` if it is a frame.

        Raises
        ------
        UsageError
            When `y` or `condition` do not fit the rows.
        TrainingError
            When learning fails; the detector is then as it was.
        """
        is_first = not hasattr(self, "_course")
        with self._all_or_nothing():
            if is_first:
                self._begin(X)
            rows = self._validated(X)
            labels = checked_verdicts(y, len(rows))
            tags = checked_conditions(condition, len(rows))
            course = self._followed_from()
            # The first rows were learned to begin with.
            found = judged_only(course, rows) if is_first else follow(course, rows, labels, tags)
            self._settle(course)
        return found.as_frame(X)

    def _begin(self, X: ArrayLike) -> None:
        valid = validated_numbers(self, X, order="C", reset=True)
        warn_of_few_first_rows(valid)
        rows = self._as_seen(valid, X)
        self._fit(rows)
        self.offset_ = self._placed_threshold(self._finite_scores(rows))

    def _followed_from(self) -> Course:
        """Return a copy of the course that may go on, with the threshold that holds now."""
        course = self._known_course().copied()
        limit = -self.offset_
        if limit != course.level.limit:  # by fit, or by calibrate
            rate = float(getattr(self, "alarm_rate_", course.level.rate))
            course.level = replace(course.level, rate=rate, limit=limit, usual=limit)
        if course.n_rows == 0 and not hasattr(self, "alarm_rate_"):
            course.level = course.level.renewed(course.pool)
        return course

    def _settle(self, course: Course) -> None:
        """Go on from a course, and put the threshold where it says."""
        self._course = course
        self._forget_calibration()
        known = turned(course.pool.calibration_surprise())
        level = course.level
        if type(level.rule) is ConformalThreshold and level.rate * (len(known) + 1) >= 1:
            self._calibrated_by(known, level.rate)
        self.offset_ = -level.limit

    def _changed(self, change: Callable[[Course], None]) -> Self:
        with self._all_or_nothing():
            course = self._followed_from()
            change(course)
            self._settle(course)
        return self

    def _known_course(self) -> Course:
        check_is_fitted(self)
        return self._course

    def _as_seen(self, rows: NDArray[Any], X: ArrayLike) -> Rows:
        keys = np.full((len(rows), 2), -1, dtype=np.int64)
        runs = runs_of(X) if hasattr(self, "feature_names_in_") else None
        if runs is not None:
            keys = np.stack([checked_runs_of_rows(runs, len(rows)), lumisections_of(X)], axis=1)
        first = self._course.n_rows if hasattr(self, "_course") else -len(rows)
        none = np.zeros(len(rows), dtype=np.int64)
        return Rows(rows, first + np.arange(len(rows)), keys.astype(np.int64), none)

    def _fit(self, X: Rows) -> None:
        parts = self._parts()
        random = np.random.default_rng(parts.trainer.seed)
        X = replace(X, positions=np.arange(-len(X), 0))
        expert = new_expert(parts.trainer, parts.memory, X, 1, random)
        pool = pool_of(parts.trainer, expert)
        monitor = self._part("drift")
        monitor.fit(usual_scores(parts.trainer, expert, X, int(monitor.block_size)))
        level = Level(
            self._part("threshold"), float(self.contamination), np.inf, np.inf, np.zeros(0)
        )
        self._course = Course(parts, pool, monitor, level, X[:0])

    def _part(self, name: str) -> Any:
        """Return a copy of a part that changes with the stream."""
        asked = getattr(self, name)
        return DEFAULTS[name]() if asked is None else clone(asked)

    def _parts(self) -> Parts:
        names = getattr(self, "feature_names_in_", None)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        prototype = clone(self._asked_detector(), safe=False)
        return Parts.asked(
            Trainer(prototype, None if names is None else [str(name) for name in names], seed), self
        )

    def _asked_detector(self) -> Any:
        if self.detector is None:
            return NeighborsDetector(metric="mahalanobis", memory_size=2000)
        return self.detector

    def _anomaly_score(self, X: Rows) -> Floats:
        return self._course.judged(X, np.zeros(len(X), dtype=np.int64)).surprise

    def _judged(self, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        # Rows go through the detector once only.
        block = self._course.judged(rows, np.zeros(len(rows), dtype=np.int64))
        return turned(block.surprise), block.enough

    def _has_enough(self, rows: Rows) -> NDArray[np.bool_]:
        return self._course.parts.trainer.enough(self.detector_, rows)

    @available_if(wraps("feature_scores"))
    def _feature_scores(self, X: Rows) -> Floats:
        return features(self.detector_, self._course.parts.trainer.frame(X))

    def _expected(self, rows: Rows) -> Floats:
        return expected(self.detector_, self._course.parts.trainer.frame(rows))

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        course = state.pop("_course", None)
        if course is None:
            return state
        shared: list[Any] = []
        content = packed(vars(course), shared, {})
        return {**state, "_shared": shared, "_course": content}

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        shared, content = state.pop("_shared", None), state.pop("_course", None)
        super()._set_state(state)
        if content is not None:
            self._course = Course.of(unpacked(content, shared_unpacked(shared)))
