"""The rows of a file for a training at constant memory: read again for each purpose."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from skdqm.cli._inputs import Inputs
from skdqm.cli._recipe import Recipe, rows_to_fit
from skdqm.cli._source import digest_of_batches

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StreamedRows:
    """The rows to learn from, of which a few are in memory at a time.

    Attributes
    ----------
    inputs : Inputs
        Where they come from.
    recipe : Recipe
        Which of them are learned, and which are kept for the calibration.
    names : list of str
        The columns.
    n_rows : int
        All of them.
    n_fitted : int
        The first ones, which are learned.
    sha256 : str
        Their checksum, equal to that of the same rows in memory.
    """

    inputs: Inputs
    recipe: Recipe
    names: list[str]
    n_rows: int
    n_fitted: int
    sha256: str

    @classmethod
    def of(cls, inputs: Inputs, recipe: Recipe) -> "StreamedRows":
        """Go through a file once, to count its rows and to compute their checksum."""
        names: list[str] = []
        n_rows = 0

        def counted() -> "Iterator[pd.DataFrame]":
            nonlocal names, n_rows
            for batch in inputs.batches(recipe.on, recipe.background):
                names, n_rows = [str(name) for name in batch.columns], n_rows + len(batch)
                yield batch

        sha256 = digest_of_batches(counted())
        return cls(inputs, recipe, names, n_rows, rows_to_fit(n_rows, recipe.alarm_rate), sha256)

    def fitted_on(self) -> Iterator[Any]:
        """Read the rows to fit on."""
        return self._part(0, self.n_fitted)

    def held_out(self) -> Iterator[Any]:
        """Read the rows to calibrate on."""
        return self._part(self.n_fitted, self.n_rows)

    def _part(self, first: int, last: int) -> Iterator[Any]:
        start = 0
        for batch in self.inputs.batches(self.recipe.on, self.recipe.background):
            part = batch.iloc[max(0, first - start) : max(0, last - start)]
            if len(part):
                # Only the first step of a Pipeline sees names.
                yield part.to_numpy() if self.inputs.row_steps else part
            start += len(batch)
            if start >= last:
                return


def learn(pipeline: Any, rows: StreamedRows, say: Console) -> None:
    """Train what of a Pipeline learns, and calibrate it where an alarm rate is promised."""
    from skdqm.out_of_core import calibrate, fit

    part, rate = rows.inputs.learning_part(pipeline), rows.recipe.alarm_rate
    if not hasattr(part[-1], "partial_fit"):
        say.print(
            f"the detector {rows.recipe.detector} cannot learn in blocks: it learns from a random "
            "sample of the rows"
        )
    fit(part, rows.fitted_on, random_state=rows.recipe.seed)
    if rate is not None:
        calibrate(part, rows.held_out, alarm_rate=rate)
        low, high = part[-1].alarm_rate_interval_
        say.print(
            f"calibrated on {rows.n_rows - rows.n_fitted:,} held-out rows, by "
            f"{len(part[-1].calibration_scores_):,} of their scores: the false-alarm rate on new "
            f"good rows lies between {low:.3%} and {high:.3%} (95 %)"
        )
