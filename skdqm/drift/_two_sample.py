"""Have the rows of two samples the same distribution, and which features differ."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp
from sklearn.utils.validation import check_array

from skdqm._sklearn import Interval, StrOptions, validate_params
from skdqm.exceptions import DataError, UsageError
from skdqm.statistics import adjust_p_values

Floats = NDArray[np.float64]

# Distances of all pairs are in memory: 800 MB.
MOST_ROWS = 10_000


class TwoSampleResult(NamedTuple):
    """What :func:`two_sample_test` finds.

    Attributes
    ----------
    p_value : float
        Chance of samples that differ as much, if their rows have one distribution.
    statistics : ndarray of shape (n_features,)
        Distance of the samples in each feature.
    p_values : ndarray of shape (n_features,)
        Of each feature, corrected for their number.
    """

    p_value: float
    statistics: Floats
    p_values: Floats

    def moved(self, level: float = 0.01) -> NDArray[np.intp]:
        """Return the numbers of the features whose p-value is below a level.

        Parameters
        ----------
        level : float, default=0.01
            Chance of a false one.

        Returns
        -------
        features : ndarray of shape (n_moved,)
            Their numbers.
        """
        return np.flatnonzero(self.p_values < level)


@validate_params(
    {
        "X": ["array-like"],
        "Y": ["array-like"],
        "method": [StrOptions({"ks", "energy"})],
        "correction": [StrOptions({"holm", "bonferroni", "fdr"})],
        "n_permutations": [Interval(Integral, 1, None, closed="left")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def two_sample_test(
    X: ArrayLike,
    Y: ArrayLike,
    method: Literal["ks", "energy"] = "ks",
    *,
    correction: Literal["holm", "bonferroni", "fdr"] = "holm",
    n_permutations: int = 999,
    random_state: int = 0,
) -> TwoSampleResult:
    """Test whether two samples have one distribution, and which features differ.

    Rows must be independent: those of a stream whose neighbours are alike differ more, and are
    what :class:`DriftMonitor` is for.

    Parameters
    ----------
    X, Y : array-like of shape (n_rows,) or (n_rows, n_features)
        The samples.
    method : {"ks", "energy"}, default="ks"
        ``"ks"``: Kolmogorov and Smirnov's test of each feature [1]_; the p-value of all is the
        smallest one, corrected by Holm or Bonferroni. ``"energy"``: the energy distance [2]_ of
        each feature, and of all together, in units of their standard deviations, against
        permutations: also sees what features have to do with each other.
    correction : {"holm", "bonferroni", "fdr"}, default="holm"
        As of :func:`skdqm.statistics.adjust_p_values`.
    n_permutations : int, default=999
        Of ``"energy"``; no p-value is below 1 / (n_permutations + 1).
    random_state : int, default=0
        Seed of the permutations.

    Returns
    -------
    result : TwoSampleResult
        With ``p_value``, ``statistics``, ``p_values``, and ``moved(level)``.

    Raises
    ------
    DataError
        When a sample is empty, holds what is not a finite number, or they have different features.
    UsageError
        When ``"energy"`` is asked of more than 10,000 rows.

    References
    ----------
    .. [1] N. Smirnov, "Table for estimating the goodness of fit of empirical distributions", Annals
           of Mathematical Statistics 19 (1948) 279.
    .. [2] G. J. Szekely and M. L. Rizzo, "Energy statistics: a class of statistics based on
           distances", Journal of Statistical Planning and Inference 143 (2013) 1249.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.drift import two_sample_test
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(2, 300, 3))
    >>> Y[:, 1] *= 2
    >>> two_sample_test(X, Y).moved()
    array([1])
    """
    one, other = _sample("X", X), _sample("Y", Y)
    if one.shape[1] != other.shape[1]:
        raise DataError(
            f"X has {one.shape[1]} features, Y has {other.shape[1]}: expected the same ones"
        )
    if method == "ks":
        return _ks(one, other, correction)
    rng = np.random.default_rng(random_state)
    return _energy(one, other, correction, n_permutations, rng)


def _sample(name: str, rows: ArrayLike) -> Floats:
    given: Any = np.asarray(rows)[:, None] if np.ndim(rows) == 1 else rows
    try:
        found: Floats = check_array(given, dtype=np.float64, input_name=name)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from error
    return found


def _ks(one: Floats, other: Floats, correction: Any) -> TwoSampleResult:
    found = [ks_2samp(*pair, method="asymp") for pair in zip(one.T, other.T, strict=True)]
    raw = np.array([each.pvalue for each in found])
    joint = adjust_p_values(raw, "holm").min()
    statistics = np.array([each.statistic for each in found])
    return TwoSampleResult(float(joint), statistics, adjust_p_values(raw, correction))


def _energy(
    one: Floats, other: Floats, correction: Any, n_permutations: int, rng: np.random.Generator
) -> TwoSampleResult:
    rows = np.vstack([one, other])
    if len(rows) > MOST_ROWS:
        raise UsageError(
            f"method='energy': found {len(rows)} rows, expected {MOST_ROWS} at most, since it "
            "holds the distances of all pairs; give fewer rows, or take method='ks'"
        )
    deviation = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    # One column for each way to choose X: the given one, then permutations.
    chosen = np.zeros((len(rows), 1 + n_permutations))
    chosen[: len(one), 0] = 1
    chosen[:, 1:] = rng.permuted(np.tile(chosen[:, :1], n_permutations), axis=0)
    judge = _permutation_test(chosen)
    features = [judge(rows[:, [column]]) for column in range(rows.shape[1])]
    statistics, p_values = (np.array(each) for each in zip(*features, strict=True))
    joint = judge(rows)[1] if rows.shape[1] > 1 else float(p_values[0])
    return TwoSampleResult(joint, statistics, adjust_p_values(p_values, correction))


def _permutation_test(chosen: Floats) -> Callable[[Floats], tuple[float, float]]:
    """Return a function of rows that gives the energy distance and its p-value."""
    n = float(chosen[:, 0].sum())
    m = len(chosen) - n
    weights = chosen / n - (1 - chosen) / m

    def judge(rows: Floats) -> tuple[float, float]:
        distances = -np.einsum("ij,ij->j", weights, cdist(rows, rows) @ weights)
        # Ties of equal samples must not turn on rounding.
        as_far = distances[1:] >= distances[0] - 1e-12
        return max(float(distances[0]), 0.0), float((1 + as_far.sum()) / len(distances))

    return judge
