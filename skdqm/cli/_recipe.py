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


def split(
    rows: "pd.DataFrame", alarm_rate: float | None
) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """Keep the last rows for the calibration, if there is one: time runs forward."""
    if alarm_rate is None:
        return rows, None
    if not 0 < alarm_rate < 1:
        raise UsageError(f"--alarm-rate {alarm_rate:g}: expected a number between 0 and 1")
    first_held_out = len(rows) - int(HELD_OUT * len(rows))
    fitted_on, held_out = rows.iloc[:first_held_out], rows.iloc[first_held_out:]
    needed = math.ceil(1 / alarm_rate - 1)
    if len(held_out) < needed:
        raise UsageError(
            f"--alarm-rate {alarm_rate:g} needs at least {needed:,} rows to calibrate on, and the "
            f"last 20 % of the rows to learn from are {len(held_out):,}; "
            f"give more rows or a larger rate"
        )
    return fitted_on, held_out
