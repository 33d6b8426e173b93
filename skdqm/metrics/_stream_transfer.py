"""What learning one condition does to the others: transfer and forgetting."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm.exceptions import DataError, UsageError

__all__ = ["backward_transfer", "forgetting", "forward_transfer", "lifelong_score"]

Floats = NDArray[np.float64]
Definition = Literal["average", "final", "stepwise"]


def _as_matrix(transfer_matrix: ArrayLike) -> Floats:
    try:
        return np.asarray(transfer_matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"transfer_matrix must hold numbers: {error}") from error


def _check_measured(matrix: Floats, needed: NDArray[np.bool_]) -> None:
    missing = needed & ~np.isfinite(matrix)
    if missing.any():
        step, judged = np.argwhere(missing)[0].tolist()
        raise DataError(
            f"transfer_matrix[{step}, {judged}] is {matrix[step, judged]}: measure the figure on "
            f"condition {judged} after learning step {step}; {int((~needed).sum())} of "
            f"{needed.size} figures may be missing, this one not"
        )


def _checked_matrix(transfer_matrix: ArrayLike, at_least: int, *, with_future: bool) -> Floats:
    """Return a square matrix that is measured where it must be, or raise ``DataError``."""
    matrix = _as_matrix(transfer_matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < at_least:
        raise DataError(
            f"transfer_matrix has the shape {matrix.shape}; expected a square of at least "
            f"{at_least} conditions, with the figure on condition j after learning condition i in "
            "row i and column j"
        )
    everything = np.ones(matrix.shape, dtype=bool)
    _check_measured(matrix, everything if with_future else np.tril(everything))
    return matrix


def _checked_steps(matrix: Floats, learned_in: ArrayLike) -> NDArray[np.intp]:
    """Return the step that first learned each condition, or raise ``DataError``."""
    steps = np.asarray(learned_in)
    if matrix.ndim != 2 or steps.shape != matrix.shape[1:] or steps.dtype.kind not in "iu":
        raise DataError(
            f"learned_in has the shape {steps.shape} and the type {steps.dtype}, transfer_matrix "
            f"the shape {matrix.shape}; expected for each column the number of a row"
        )
    is_before_the_last = (steps >= 0) & (steps < len(matrix) - 1)
    if not is_before_the_last.any() or (steps < 0).any() or (steps >= len(matrix)).any():
        raise DataError(
            f"learned_in is {steps.tolist()}; expected rows from 0 to {len(matrix) - 1}, and a "
            "condition that was learned before the last: only that one can be forgotten"
        )
    return steps.astype(np.intp)


def lifelong_score(transfer_matrix: ArrayLike) -> float:
    """Compute the mean figure on all conditions learned so far, after each condition.

    Parameters
    ----------
    transfer_matrix : array-like of shape (n_conditions, n_conditions)
        Row i, column j: the figure on condition j (high = good, such as the area under the ROC
        curve) after learning condition i, in the order of learning. Above the diagonal NaN is
        allowed.

    Returns
    -------
    score : float
        Mean over all j <= i: the lifelong ROC-AUC of [1]_ if the figures are ROC-AUC.

    Raises
    ------
    DataError
        When the matrix is not square, or a figure on or under the diagonal is missing.

    References
    ----------
    .. [1] K. Faber et al., "Lifelong continual learning for anomaly detection: new challenges,
       perspectives, and insights", IEEE Access 12 (2024), doi:10.1109/ACCESS.2024.3377690.

    Examples
    --------
    >>> from skdqm.metrics import lifelong_score
    >>> lifelong_score([[1.0, float("nan")], [0.7, 0.9]])
    0.866...
    """
    matrix = _checked_matrix(transfer_matrix, 1, with_future=False)
    return float(matrix[np.tril_indices(len(matrix))].mean())


# Each takes the matrix, and the pairs of an earlier condition `judged` after `learned`.
_BACKWARD: dict[str, Callable[[Floats, NDArray[np.intp], NDArray[np.intp]], Floats]] = {
    "average": lambda matrix, learned, judged: matrix[learned, judged] - matrix[judged, judged],
    "final": lambda matrix, _learned, _judged: (matrix[-1] - np.diag(matrix))[:-1],
    "stepwise": lambda matrix, learned, judged: (
        matrix[learned, judged] - matrix[learned - 1, judged]
    ),
}


def backward_transfer(transfer_matrix: ArrayLike, *, definition: Definition = "average") -> float:
    r"""Compute how much learning a condition changed the figure on earlier ones.

    Negative where the model forgets. With :math:`R_{ij}` the figure on condition j after learning
    condition i of n, the definitions in use are

    * ``"average"`` [1]_: :math:`R_{ij} - R_{jj}`, the mean over all :math:`i > j`;
    * ``"final"`` [2]_: :math:`R_{nj} - R_{jj}`, the mean over all :math:`j < n`;
    * ``"stepwise"``, as the package pyCLAD has it: :math:`R_{ij} - R_{i-1,j}`, the mean over all
      :math:`i > j`. A loss counts where it happens, and not again with every later condition: quote
      the definition with the number.

    Parameters
    ----------
    transfer_matrix : array-like of shape (n_conditions, n_conditions)
        Row i, column j: the figure on condition j (high = good) after learning condition i, in the
        order of learning. Above the diagonal NaN is allowed.
    definition : {"average", "final", "stepwise"}, default="average"
        Which of them.

    Returns
    -------
    transfer : float
        In the units of the figure.

    Raises
    ------
    DataError
        When the matrix is not square, has one condition only, or a figure on or under the diagonal
        is missing.
    UsageError
        When `definition` is another word.

    References
    ----------
    .. [1] N. Diaz-Rodriguez et al., "Don't forget, there is more than forgetting: new metrics for
       continual learning", arXiv:1810.13166, equation 3.
    .. [2] D. Lopez-Paz and M. Ranzato, "Gradient episodic memory for continual learning", NeurIPS
       (2017), arXiv:1706.08840, equation 3.

    Examples
    --------
    >>> from skdqm.metrics import backward_transfer
    >>> matrix = [[1.0, 0.5, 0.5], [0.8, 1.0, 0.5], [0.6, 0.9, 1.0]]
    >>> words = ("average", "final", "stepwise")
    >>> [round(backward_transfer(matrix, definition=word), 3) for word in words]
    [-0.233, -0.25, -0.167]
    """
    if definition not in _BACKWARD:
        words = ", ".join(map(repr, get_args(Definition)))
        raise UsageError(f"definition={definition!r}; expected one of {words}")
    matrix = _checked_matrix(transfer_matrix, 2, with_future=False)
    learned, judged = np.tril_indices(len(matrix), -1)
    return float(_BACKWARD[definition](matrix, learned, judged).mean())


def forward_transfer(transfer_matrix: ArrayLike) -> float:
    """Compute the mean figure on conditions that were not learned yet.

    Parameters
    ----------
    transfer_matrix : array-like of shape (n_conditions, n_conditions)
        Row i, column j: the figure on condition j (high = good) after learning condition i, in the
        order of learning.

    Returns
    -------
    transfer : float
        Mean over all j > i, as in [1]_: the figure itself, from which no untrained model's is
        subtracted. 0.5 is chance, if the figure is the area under the ROC curve.

    Raises
    ------
    DataError
        When the matrix is not square, has one condition only, or a figure is missing.

    References
    ----------
    .. [1] N. Diaz-Rodriguez et al., "Don't forget, there is more than forgetting: new metrics for
       continual learning", arXiv:1810.13166, equation 4.

    Examples
    --------
    >>> from skdqm.metrics import forward_transfer
    >>> forward_transfer([[1.0, 0.5, 0.6], [0.8, 1.0, 0.7], [0.6, 0.9, 1.0]])
    0.6
    """
    matrix = _checked_matrix(transfer_matrix, 2, with_future=True)
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def forgetting(transfer_matrix: ArrayLike, *, learned_in: ArrayLike | None = None) -> float:
    r"""Compute how much worse the last model is on each condition than the best one was.

    Parameters
    ----------
    transfer_matrix : array-like of shape (n_steps, n_conditions)
        Row i, column j: the figure on condition j (high = good) after step i of learning. Where
        conditions come once each, a step is a condition, and the matrix is square. NaN is allowed
        in the rows before a condition was learned: what a model knew of it before is not asked.
    learned_in : array-like of shape (n_conditions,), int, default=None
        The row of the step that first learned each condition, where conditions come back. None:
        step i learns condition i.

    Returns
    -------
    forgetting : float
        :math:`\max_i R_{ij} - R_{nj}` over the steps i from the one that learned j to the one
        before the last, n; the mean over all conditions that were learned before the last step, as
        in [1]_. Negative where the last model is the best one.

    Raises
    ------
    DataError
        When the matrix is not square and steps are not told, no condition was learned before the
        last step, or a figure after learning is missing.

    References
    ----------
    .. [1] A. Chaudhry et al., "Riemannian walk for incremental learning: understanding forgetting
       and intransigence", ECCV (2018), arXiv:1801.10112, section 3.

    Examples
    --------
    >>> from skdqm.metrics import forgetting
    >>> forgetting([[0.8, 0.5, 0.5], [1.0, 1.0, 0.5], [0.6, 0.9, 1.0]])
    0.25

    A stream of the conditions 0, 1, 0 and 1:

    >>> forgetting([[0.9, 0.5], [0.7, 1.0], [0.9, 0.8], [0.8, 0.9]], learned_in=[0, 1])
    0.1
    """
    if learned_in is None:
        matrix = _checked_matrix(transfer_matrix, 2, with_future=False)
        steps = np.arange(len(matrix))
    else:
        matrix = _as_matrix(transfer_matrix)
        steps = _checked_steps(matrix, learned_in)
    known = np.arange(len(matrix))[:, None] >= steps
    _check_measured(matrix, known)
    best = np.where(known, matrix, -np.inf)[:-1].max(axis=0)
    is_earlier = steps < len(matrix) - 1
    return float((best - matrix[-1])[is_earlier].mean())
