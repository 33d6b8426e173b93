"""How training went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from skdqm.exceptions import DataError, UsageError
from skdqm.inspection._common import checked, last_step, one_axes
from skdqm.inspection._style import GUIDE, LINE, SECOND


class TrainingDisplay:
    """Training and validation loss by epoch, with the best epoch marked.

    Parameters
    ----------
    history : sequence of dict
        ``history_`` of a detector: ``epoch``, ``train_loss`` and perhaps ``valid_loss``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from skdqm.inspection import TrainingDisplay
    >>> history = [{"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": 1.0}]
    >>> TrainingDisplay.from_history(history).ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, history: Sequence[Mapping[str, float]]) -> None:
        self.history = history

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Plot the history of a fitted network.

        Parameters
        ----------
        estimator : object
            Fitted detector, or a Pipeline that ends in one.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : TrainingDisplay
            Plotted.

        Raises
        ------
        DataError
            When an epoch lacks its loss, or a loss is not finite.
        UsageError
            When the estimator has no ``history_``.
        """
        return cls.from_history(last_step(estimator, "history_").history_, ax=ax)

    @classmethod
    def from_history(cls, history: Sequence[Mapping[str, float]], *, ax: Any = None) -> Self:
        """Plot a history that was kept.

        Parameters
        ----------
        history : sequence of dict
            ``history_`` of a detector.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : TrainingDisplay
            Plotted.

        Raises
        ------
        DataError
            When an epoch lacks its loss, or a loss is not finite.
        UsageError
            When the history is empty.
        """
        return cls(history).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure if None.

        Returns
        -------
        display : TrainingDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        DataError
            When an epoch lacks its loss, or a loss is not finite.
        UsageError
            When the history is empty.
        """
        if not len(self.history):
            raise UsageError("history is empty; expected one entry or more, as history_ has")
        if any("train_loss" not in each for each in self.history):
            raise DataError("an epoch lacks train_loss; expected history_ of a fitted detector")
        epochs = np.array([each.get("epoch", at + 1) for at, each in enumerate(self.history)])
        has_valid = all("valid_loss" in each for each in self.history)
        train = checked([each["train_loss"] for each in self.history], "train_loss")
        judged = train
        self.ax_ = one_axes(ax)
        self.figure_: Any = self.ax_.figure
        self.ax_.plot(epochs, train, label="training", **LINE)
        if has_valid:
            judged = checked([each["valid_loss"] for each in self.history], "valid_loss")
            self.ax_.plot(epochs, judged, label="validation", **SECOND)
        best = int(judged.argmin())
        self.ax_.axvline(epochs[best], label=f"best epoch: {epochs[best]}", **GUIDE)
        self.ax_.set(xlabel="epoch", ylabel="loss")
        self.ax_.legend()
        return self
