"""How the time to fit and to score grows with the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from skdqm.benchmark._contenders import Contender, contenders_called
from skdqm.benchmark._defaults import DEFAULT_CONTENDERS
from skdqm.benchmark._run import Report, check_sizes
from skdqm.benchmark._trial import fit_and_score
from skdqm.exceptions import UsageError

SMALLEST, SEED = 1_000, 0
# Two steps a decade: what comes next can be told from what was measured, also where time grows
# with the square of the rows.
STEP = 10**0.5
# The slope over the largest sizes, one decade: below, what does not grow hides what does.
POINTS_OF_SLOPE = 3


@dataclass
class GrowthResult:
    """What one contender took at each size.

    Attributes
    ----------
    contender : str
        Its name.
    rows : list of int
        Sizes measured.
    fit_seconds, score_seconds : list of float
        Time to fit these rows, and to score as many others: medians over the repeats.
    stopped : str or None
        Why larger sizes are missing: ``"> limit"``, or what failed.
    """

    contender: str
    rows: list[int] = field(default_factory=list)
    fit_seconds: list[float] = field(default_factory=list)
    score_seconds: list[float] = field(default_factory=list)
    stopped: str | None = None

    def fit_exponent(self) -> float | None:
        """Compute the power of the number of rows with which the time to fit grows.

        Returns
        -------
        exponent : float or None
            Slope of log time against log rows over the largest three sizes; None if fewer were
            measured.
        """
        return _slope(self.rows, self.fit_seconds)

    def score_exponent(self) -> float | None:
        """Compute the power of the number of rows with which the time to score grows.

        Returns
        -------
        exponent : float or None
            As :meth:`fit_exponent`.
        """
        return _slope(self.rows, self.score_seconds)

    def predicted(self, n_rows: int) -> float:
        """Predict the seconds to fit and score at a larger size.

        Parameters
        ----------
        n_rows : int
            The size.

        Returns
        -------
        seconds : float
            From the last two sizes, growing at least in proportion; 0 before any was measured.
        """
        if not self.rows:
            return 0.0
        total = [a + b for a, b in zip(self.fit_seconds, self.score_seconds, strict=True)]
        slope = max(1.0, _slope(self.rows, total, 2) or 1.0)
        return float(total[-1] * (n_rows / self.rows[-1]) ** slope)


def _slope(
    rows: Sequence[int], seconds: Sequence[float], n_points: int = POINTS_OF_SLOPE
) -> float | None:
    if len(rows) < n_points:
        return None
    x, y = np.log(rows[-n_points:]), np.log(seconds[-n_points:])
    return float(np.polyfit(x, y, 1)[0])


def growth(
    max_rows: int = 100_000,
    n_features: int = 14,
    *,
    contenders: Sequence[str] | None = None,
    limit: float = 60.0,
    repeats: int = 1,
    report: Report | None = None,
) -> list[GrowthResult]:
    """Time detectors at sizes from 1,000 rows up, two a decade, one after the other.

    All run in this process on one thread, after a warm-up. A contender that would take longer than
    the limit at the next size, as its last two sizes tell, is measured no further.

    Parameters
    ----------
    max_rows : int, default=100_000
        The largest size.
    n_features : int, default=14
        Columns.
    contenders : sequence of str, default=None
        Names of :func:`skdqm.registry.detector_names`, and PyOD's classes as ``"pyod:KNN"``, all
        at their defaults.
    limit : float, default=60.0
        Seconds that one fit with its scoring may be expected to take.
    repeats : int, default=1
        Measurements, whose medians are given.
    report : callable, default=None
        Called with a line of text after each measurement.

    Returns
    -------
    results : list of GrowthResult
        One per contender, in their order.

    Raises
    ------
    UsageError
        When a contender does not exist or a number is too small.

    Examples
    --------
    >>> from skdqm.benchmark import growth
    >>> (result,) = growth(3_200, 5, contenders=["pyod:HBOS"])
    >>> result.rows, result.stopped
    ([1000, 3162], None)
    """
    check_sizes(n_features=n_features, repeats=repeats)
    if max_rows < SMALLEST or not limit > 0:
        raise UsageError(
            f"max_rows={max_rows}, limit={limit}: expected {SMALLEST} rows or more and a positive "
            "number of seconds"
        )
    names = DEFAULT_CONTENDERS if contenders is None else contenders
    chosen = {each.name: each for each in contenders_called(names)}
    results = [GrowthResult(name) for name in chosen]
    for n_rows in _sizes(max_rows):
        for result in [each for each in results if each.stopped is None]:
            _measure(result, chosen[result.contender], (n_rows, n_features), limit, repeats)
            if report is not None:
                report(f"{n_rows} rows: {result.contender}: {_outcome(result)}")
    return results


def _sizes(max_rows: int) -> list[int]:
    steps = int(np.log(max_rows / SMALLEST) / np.log(STEP) + 1e-9)
    return [round(SMALLEST * STEP**step) for step in range(steps + 1)]


def _measure(
    result: GrowthResult, who: Contender, shape: tuple[int, int], limit: float, repeats: int
) -> None:
    """Add one size to a result, unless that would take too long."""
    if result.predicted(shape[0]) > limit:
        result.stopped = f"> {limit:g} s"
        return
    train, test = np.random.default_rng(SEED).standard_normal((2, *shape))
    try:
        runs = [fit_and_score(who, train, test, SEED) for _ in range(repeats)]
    except Exception as error:
        result.stopped = " ".join(f"failed, {type(error).__name__}: {error}".split())
        return
    result.rows.append(shape[0])
    result.fit_seconds.append(median(run.fit_seconds for run in runs))
    result.score_seconds.append(median(run.score_seconds for run in runs))


def _outcome(result: GrowthResult) -> str:
    if result.stopped is not None:
        return result.stopped
    return f"fitted in {result.fit_seconds[-1]:.2f} s, scored in {result.score_seconds[-1]:.2f} s"
