"""Watches a stream of scores, features or latent coordinates for a change."""

from copy import copy
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skdqm._sklearn import HasMethods, Interval, StrOptions, _fit_context
from skdqm.drift._chart import Chart, Level, Plain, Settings
from skdqm.drift._kinds import CHARTS, chart_class
from skdqm.drift._scale import Reference, Scale
from skdqm.exceptions import DataError

__all__ = ["DriftMonitor"]

Floats = NDArray[np.float64]

FEWEST_BLOCKS = 8
# Blocks taken at once: bounds the memory of a long update.
CHUNK = 1024
# Positions that are remembered: a change that is never learned fires for ever.
REMEMBERED = 1000


class DriftMonitor(BaseEstimator):
    """Watch columns of a stream for a lasting change.

    The monitor sees one column of anomaly scores, or a column for each feature or latent
    coordinate. ``fit`` learns what is usual from a reference stretch in the order of time;
    ``update`` takes any number of rows, in the order of time. Rows are judged in blocks: a value
    becomes the normal score of its rank in the reference (units and heavy tails are gone), and
    means of blocks are compared with how far they wander *in the order of time* in the reference,
    so that a stream whose neighbours are alike does not raise one alarm after another.

    Limits follow from `false_alarms` (by theory; measured in the documentation), are corrected for
    the number of columns, and are wider for a short reference.

    Parameters
    ----------
    detector : str or a drift detector of river, default="cusum"
        ``"cusum"``, Page's two-sided cumulative sum, and ``"shiryaev-roberts"``: fast, for shifts
        of the level. ``"ks"``: the last `window` blocks of each column against the reference,
        Kolmogorov and Smirnov's test with Holm's correction; also for spread and shape.
        ``"energy"``: the same blocks, all columns together, by their energy distance; also for
        what columns have to do with each other. These compare with the reference, and fire again
        and again until the monitor is :meth:`rebased`. ``"adwin"``, ``"kswin"``,
        ``"page-hinkley"``, or any detector of ``river.drift``, which is copied and never
        updated itself: they are fed with block means in units of their spread (detectors of
        errors, such as DDM: with whether one is beyond 1.645), compare with what they met before,
        the reference first, and fire once.
    block_size : int, default=32
        Rows of a block.
    false_alarms : float, default=1.0
        False alarms per 100,000 rows that are accepted, for all columns together. Detectors of
        river that are given as objects have their own parameters instead.
    shift : float, default=0.5
        The smallest shift of a column to look for, in its standard deviations: of ``"cusum"``,
        ``"shiryaev-roberts"`` and ``"page-hinkley"``.
    window : int, default=8
        Blocks that ``"ks"`` and ``"energy"`` take together.
    min_duration : int, default=0
        Rows that an event lasts at least to count as drift, of ``"cusum"`` and
        ``"shiryaev-roberts"``: a shorter one, however high, does not fire alone. It makes the
        detection of large shifts take about as long.

    Attributes
    ----------
    drift_, warning_ : bool
        Whether the last ``update`` found a drift; whether it came close to one: ten times as often
        when nothing changes. Detectors of river without warnings give none.
    drift_positions_, warning_positions_ : list of int
        Rows seen since ``fit`` when a block fired, and when the statistic went into the zone of
        warnings; the last 1,000.
    n_drifts_ : int
        All drifts since ``fit``.
    onset_ : int or None
        Row since ``fit`` at which the last change is thought to have begun, to a block.
    direction_ : int
        +1 when it went up, -1 when down, 0 when neither or not known.
    moved_ : list of int or str
        Columns that moved, by name if ``fit`` saw a data frame.
    changes_ : list of dict
        Drifts of the last ``update``: "position", "onset", "direction" and "moved" of each.
    statistic_ : float
        After the last block: the largest one in units of its limit; before the restart if it fired.
    threshold_ : float
        1.
    statistics_, thresholds_ : ndarray of shape (n_features,) or (1,)
        The statistic of each column, or of all together, and the limits, in the units of the
        method: standard deviations of block means, minus the logarithm (base 10) of p-values.
        Detectors of river have no statistic in common: 1 for a drift, 0.5 for a warning.
    n_seen_ : int
        Rows since ``fit``.
    n_waiting_ : int
        Rows that wait for their block to fill.
    n_features_in_ : int
        Columns.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if ``fit`` saw a data frame.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.drift import DriftMonitor
    >>> rng = np.random.default_rng(0)
    >>> monitor = DriftMonitor().fit(rng.exponential(size=2000))
    >>> monitor.update(rng.exponential(size=1000)).drift_
    False
    >>> monitor.update(rng.exponential(size=500) + 0.5).drift_
    True
    >>> monitor.changes_[0]
    {'position': 1152, 'onset': 1024, 'direction': 1, 'moved': [0]}
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "detector": [StrOptions(set(CHARTS)), HasMethods(["update", "clone"])],
        "block_size": [Interval(Integral, 1, None, closed="left")],
        "false_alarms": [Interval(Real, 0, None, closed="neither")],
        "shift": [Interval(Real, 0, None, closed="neither")],
        "window": [Interval(Integral, 1, None, closed="left")],
        "min_duration": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        detector: Any = "cusum",
        *,
        block_size: int = 32,
        false_alarms: float = 1.0,
        shift: float = 0.5,
        window: int = 8,
        min_duration: int = 0,
    ) -> None:
        self.detector = detector
        self.block_size = block_size
        self.false_alarms = false_alarms
        self.shift = shift
        self.window = window
        self.min_duration = min_duration

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn what is usual, and start anew.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_features)
            Usual rows in the order of time: at least 8 blocks, better 60 or more. One column of
            scores, or several columns.
        y : ignored
            Present for the scikit-learn API.

        Returns
        -------
        self : object
            The fitted monitor.

        Raises
        ------
        DataError
            When there are too few rows, or a value is not finite.
        """
        rows = self._rows(X, reset=True)
        settings = self._asked()
        if len(rows) < FEWEST_BLOCKS * settings.block_size:
            raise DataError(
                f"found {len(rows)} rows of reference, expected {FEWEST_BLOCKS} blocks of "
                f"{settings.block_size} or more; give a longer stretch or a smaller block_size"
            )
        scale = Scale.of(rows)
        reference = Reference(scale, rows, settings.block_size)
        self._learned: Plain = chart_class(self.detector).learn(settings, reference)
        self._values: Floats = scale.values
        self._settings: Plain = {
            name: value for name, value in vars(settings).items() if name != "detector"
        }
        return self._start(0, [], [], 0)

    def _asked(self) -> Settings:
        names = Settings.__dataclass_fields__
        return Settings(**{name: getattr(self, name) for name in names})

    def _start(self, n_seen: int, drifts: list[int], warnings: list[int], n_drifts: int) -> Self:
        self.n_seen_, self.n_drifts_ = n_seen, n_drifts
        self.drift_positions_, self.warning_positions_ = drifts, warnings
        self.drift_ = self.warning_ = False
        self.changes_: list[Plain] = []
        self.onset_: int | None = None
        self.direction_, self.moved_ = 0, list[int | str]()
        self.threshold_ = 1.0
        return self._from_zero()

    def _from_zero(self) -> Self:
        self._waiting: Floats = np.empty((0, self.n_features_in_))
        self.n_waiting_ = 0
        self._warned = False
        self._state: Plain = chart_class(self.detector).first_state(self._learned, self.n_seen_)
        self._show(self._chart())
        return self

    def _chart(self) -> Chart:
        settings = Settings(detector=self.detector, **self._settings)
        return chart_class(self.detector)(settings, self._learned, self._state)

    def _show(self, chart: Chart) -> None:
        self.statistics_, self.thresholds_ = chart.statistics, chart.thresholds
        self.statistic_ = float((chart.statistics / chart.thresholds).max())

    def update(self, X: ArrayLike) -> Self:
        """Take rows; how they are cut into calls does not matter.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_features)
            The next rows in the order of time; none, one, or many. Those that do not fill a block
            wait for the next call.

        Returns
        -------
        self : object
            With ``drift_``, ``warning_`` and what belongs to them.

        Raises
        ------
        DataError
            When a value is not finite; the monitor is then as before.
        """
        check_is_fitted(self)
        rows = np.concatenate([self._waiting, self._rows(X, reset=False)])
        size = self._settings["block_size"]
        whole = len(rows) // size * size
        pass_ = _Pass(self._chart(), self.n_seen_ - len(self._waiting), warned=self._warned)
        scale = Scale(self._values)
        for start in range(0, whole, CHUNK * size):
            pass_.take(scale, rows[start : min(start + CHUNK * size, whole)])
        self.n_seen_ += len(rows) - len(self._waiting)
        self._waiting = rows[whole:].copy()
        self.n_waiting_ = len(self._waiting)
        self._keep(pass_)
        return self

    def _keep(self, pass_: "_Pass") -> None:
        self._state, self._warned = pass_.chart.state(), pass_.warned
        self.drift_, self.warning_ = bool(pass_.changes), pass_.warning
        self.changes_ = [{**each, "moved": self._named(each["moved"])} for each in pass_.changes]
        positions = [change["position"] for change in self.changes_]
        self.drift_positions_ = (self.drift_positions_ + positions)[-REMEMBERED:]
        self.warning_positions_ = (self.warning_positions_ + pass_.warnings)[-REMEMBERED:]
        self.n_drifts_ += len(positions)
        if pass_.shown is not None:
            self.statistics_, self.thresholds_ = pass_.shown
            self.statistic_ = float((self.statistics_ / self.thresholds_).max())
        if self.changes_:
            last = self.changes_[-1]
            self.onset_, self.direction_ = last["onset"], last["direction"]
            self.moved_ = list(last["moved"])

    def _named(self, columns: list[int]) -> list[int | str]:
        names = getattr(self, "feature_names_in_", None)
        return list(columns) if names is None else [str(names[column]) for column in columns]

    def reset(self) -> Self:
        """Forget the blocks so far, and rows that wait for theirs; the reference stays.

        Returns
        -------
        self : object
            The monitor; what it counts goes on.
        """
        check_is_fitted(self)
        return self._from_zero()

    def rebased(self, X: ArrayLike) -> Self:
        """Return a monitor with another reference that counts on.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_features)
            As in :meth:`fit`.

        Returns
        -------
        monitor : DriftMonitor
            A new one; rows and positions go on from here.

        Raises
        ------
        DataError
            As in :meth:`fit`.
        """
        check_is_fitted(self)
        counted = self.n_seen_, self.drift_positions_, self.warning_positions_, self.n_drifts_
        return copy(self).fit(X)._start(*counted)  # noqa: SLF001 (of this very class)

    def _rows(self, X: ArrayLike, *, reset: bool) -> Floats:
        given = np.asarray(X)[:, None] if np.ndim(X) == 1 else X
        rows: Floats = validate_data(
            self,
            given,
            dtype=np.float64,
            ensure_all_finite=False,
            ensure_min_samples=0,
            reset=reset,
        )
        wrong = np.argwhere(~np.isfinite(rows))
        if len(wrong):
            row, column = (int(place) for place in wrong[0])
            name = getattr(self, "feature_names_in_", range(rows.shape[1]))[column]
            raise DataError(
                f"row {row}, column {name!r}: found {rows[row, column]}, expected a finite number; "
                "drop the row or fill the value in before the monitor sees it"
            )
        return rows


class _Pass:
    """What one call of ``update`` finds."""

    def __init__(self, chart: Chart, position: int, *, warned: bool) -> None:
        self.chart, self.position, self.warned = chart, position, warned
        self.warning = False
        self.changes: list[Plain] = []
        self.warnings: list[int] = []
        self.shown: tuple[Floats, Floats] | None = None

    def take(self, scale: Scale, rows: Floats) -> None:
        size = self.chart.settings.block_size
        prepared = self.chart.prepared(scale, rows)
        for start in range(0, len(rows), size):
            self.position += size
            self._judge(self.chart.step(prepared[start : start + size], self.position))

    def _judge(self, level: Level) -> None:
        self.shown = (self.chart.statistics, self.chart.thresholds)
        if level is Level.WARNING:
            self.warning = True
            if not self.warned:
                self.warnings.append(self.position)
        self.warned = level is Level.WARNING
        if level is Level.DRIFT:
            change = self.chart.change(self.position)
            self.changes.append({"position": self.position, **vars(change)})
            self.chart.restart(self.position)
