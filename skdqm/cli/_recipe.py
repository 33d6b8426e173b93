"""What decides the result of a training, and which rows it keeps for the calibration."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skdqm.cli._inputs import Features
from skdqm.cli._options import On
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd

# Share of the rows, the last ones, that --alarm-rate keeps from the fit.
HELD_OUT = 0.2


@dataclass(frozen=True)
class Recipe:
    """What decides, together with the rows, the result of a training."""

    detector: str
    settings: list[str]
    seed: int
    on: On
    features: Features
    alarm_rate: float | None
    background: int = 0
    out_of_core: bool = False


def split(
    rows: "pd.DataFrame", alarm_rate: float | None
) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """Keep the last rows for the calibration, if there is one: time runs forward."""
    if alarm_rate is None:
        return rows, None
    n_fitted = rows_to_fit(len(rows), alarm_rate)
    return rows.iloc[:n_fitted], rows.iloc[n_fitted:]


def rows_to_fit(n_rows: int, alarm_rate: float | None) -> int:
    """Return how many of the rows, the first ones, are not kept for the calibration."""
    if alarm_rate is None:
        return n_rows
    if not 0 < alarm_rate < 1:
        raise UsageError(f"--alarm-rate {alarm_rate:g}: expected a number between 0 and 1")
    n_held_out = int(HELD_OUT * n_rows)
    # Of tiny rates it would be infinite.
    needed = math.ceil(min(1 / alarm_rate - 1, 1e18))
    if n_held_out < needed:
        raise UsageError(
            f"--alarm-rate {alarm_rate:g} needs at least {needed:,} rows to calibrate on, and the "
            f"last 20 % of the rows to learn from are {n_held_out:,}; "
            f"give more rows or a larger rate"
        )
    return n_rows - n_held_out
