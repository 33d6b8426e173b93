"""Who is better over many sets: mean ranks, and the tests that go with them (Demsar, 2006)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skdqm.exceptions import UsageError
from skdqm.statistics import adjust_p_values

# Published figures have as many digits; differences below are ties.
DIGITS = 4
LEVEL = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """How one contender stands among the others.

    Attributes
    ----------
    contender : str
        Its name.
    mean : float or None
        Mean over the sets; None, like all below, when it lacks a set: means over different sets
        do not compare.
    rank : float or None
        Mean rank, 1 is best.
    wins, ties, losses : int or None
        Sets on which it is above, equal to or below the reference.
    p_value : float or None
        Of Wilcoxon's signed-rank test against the reference, two-sided, not corrected for the
        number of contenders.
    p_holm : float or None
        The same, corrected by Holm for all that are compared with the reference; None for it.
    n_missing : int
        Sets that it lacks.
    """

    contender: str
    mean: float | None = None
    rank: float | None = None
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None
    p_value: float | None = None
    p_holm: float | None = None
    n_missing: int = 0


@dataclass(frozen=True)
class Comparison:
    """Contenders ranked over sets by one figure of merit.

    Attributes
    ----------
    metric : str
        ``"auroc"`` or ``"aupr"``.
    standings : tuple of Standing
        Best mean rank first; those that lack a set come last.
    reference : str
        Whom all are compared with.
    sets : tuple of str
        The sets it is over.
    friedman_p : float or None
        Of Friedman's test that all rank alike; None with fewer than three contenders or two sets.
    critical_distance : float or None
        Mean ranks that differ by less are not told apart by Nemenyi's test at the level 0.05.
    """

    metric: str
    standings: tuple[Standing, ...]
    reference: str
    sets: tuple[str, ...]
    friedman_p: float | None
    critical_distance: float | None


def compare(table: pd.DataFrame, reference: str, metric: str = "auroc") -> Comparison:
    """Rank contenders over sets, and test whether they differ.

    Contenders that lack a set are named, and neither ranked nor averaged.

    Parameters
    ----------
    table : DataFrame of shape (n_sets, n_contenders)
        A figure of merit from 0 to 1, high is good, missing where a contender failed. Figures are
        compared at four digits, as published tables have.
    reference : str
        The column with which the others are compared.
    metric : str, default="auroc"
        What the figure is called.

    Returns
    -------
    comparison : Comparison
        Mean ranks, Friedman's test, Nemenyi's critical distance, and Wilcoxon's signed-rank test
        against the reference, as it is and by Holm's correction.

    Raises
    ------
    UsageError
        When the reference is not among the columns.

    References
    ----------
    .. [1] J. Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7
       (2006) 1-30.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdqm.benchmark import compare
    >>> table = pd.DataFrame({"a": [0.9, 0.8, 0.7], "b": [0.8, 0.8, 0.6], "c": [0.5, 0.6, 0.5]})
    >>> first = compare(table, reference="b").standings[0]
    >>> first.contender, round(first.rank, 2), first.wins, first.ties
    ('a', 1.17, 2, 1)
    """
    if reference not in table:
        raise UsageError(
            f"the reference {reference!r} is not among the contenders {list(table.columns)}"
        )
    table = table.round(DIGITS)
    whole = table.dropna(axis=1)
    ranks = mean_ranks(whole.to_numpy())
    ranked = [
        _standing(whole, name, rank, reference)
        for name, rank in sorted(zip(whole, ranks, strict=True), key=lambda each: each[1])
    ]
    unranked = [
        Standing(str(name), n_missing=int(table[name].isna().sum()))
        for name in table.columns.difference(whole.columns)
    ]
    return Comparison(
        metric=metric,
        standings=(*_corrected(ranked, reference), *unranked),
        reference=reference,
        sets=tuple(map(str, table.index)),
        friedman_p=_friedman(whole.to_numpy()),
        critical_distance=critical_distance(len(ranks), len(table)),
    )


def _standing(table: pd.DataFrame, name: str, rank: float, reference: str) -> Standing:
    mean = float(table[name].mean())
    if reference not in table:
        return Standing(name, mean, rank)
    differences = table[name].to_numpy() - table[reference].to_numpy()
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    ties = len(differences) - wins - losses
    return Standing(name, mean, rank, wins, ties, losses, signed_rank(differences))


def _corrected(standings: list[Standing], reference: str) -> list[Standing]:
    others = [each for each in standings if each.contender != reference]
    p_values = {each.contender: each.p_value for each in others if each.p_value is not None}
    if not p_values:
        return standings
    holm = adjust_p_values(list(p_values.values()), "holm").tolist()
    corrected = dict(zip(p_values, holm, strict=True))
    return [replace(each, p_holm=corrected.get(each.contender)) for each in standings]


def mean_ranks(figures: Floats) -> list[float]:
    """Rank the columns in each row, 1 for the highest, ties sharing their ranks; average them.

    Parameters
    ----------
    figures : ndarray of shape (n_sets, n_contenders)
        High is good.

    Returns
    -------
    ranks : list of float
        One per column.
    """
    if not figures.size:
        return []
    ranks: list[float] = stats.rankdata(-figures, axis=1).mean(axis=0).tolist()
    return ranks


def signed_rank(differences: Floats) -> float:
    """Test by Wilcoxon's signed ranks whether differences centre on zero.

    Parameters
    ----------
    differences : ndarray of shape (n_sets,)
        Zeros are left out.

    Returns
    -------
    p_value : float
        Two-sided; 1 when nothing differs.
    """
    # Rounding in the subtraction would part differences that tie.
    differences = np.round(differences, DIGITS)
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences[differences != 0]).pvalue)


def _friedman(figures: Floats) -> float | None:
    n_sets, n_contenders = figures.shape
    if n_contenders < 3 or n_sets < 2 or (figures == figures[:, :1]).all():
        return None
    return float(stats.friedmanchisquare(*figures.T).pvalue)


def critical_distance(n_contenders: int, n_sets: int) -> float | None:
    """Compute by how much mean ranks must differ, by Nemenyi's test at the level 0.05.

    Parameters
    ----------
    n_contenders : int
        How many are ranked.
    n_sets : int
        Over how many sets.

    Returns
    -------
    distance : float or None
        None with fewer than two contenders or no set.
    """
    if n_contenders < 2 or n_sets < 1:
        return None
    quantile = stats.studentized_range.ppf(1 - LEVEL, n_contenders, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_contenders * (n_contenders + 1) / (6 * n_sets)))


def chosen_reference(names: Sequence[str], wanted: str | None) -> str:
    """Choose whom to compare with: the one wanted, or a nearest-neighbour detector, or the first.

    Parameters
    ----------
    names : sequence of str
        Contenders and published methods.
    wanted : str or None
        One of them, in any case.

    Returns
    -------
    reference : str
        Its proper name.

    Raises
    ------
    UsageError
        When the wanted one is not among them.
    """
    if wanted is None:
        preferred = [name for name in ("pyod:KNN", "published:kNN") if name in names]
        return (preferred or list(names))[0]
    for name in names:
        if name.lower() == wanted.lower():
            return name
    raise UsageError(f"the reference {wanted!r} does not take part; there are {', '.join(names)}")
