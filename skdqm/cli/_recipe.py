"""What a training is made of: the recipe, the columns, the split, the Pipeline."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from skdqm.cli._options import On
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd

# Share of the rows, the last ones, that --alarm-rate keeps from the fit.
HELD_OUT = 0.2


class Features(StrEnum):
    """What becomes of the columns before they are scaled."""

    RAW = "raw"
    JETS = "jets"


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


def columns_of(features: Features, columns: list[str] | None) -> list[str] | None:
    """Return the columns to read for what was asked; None reads all."""
    if features is Features.RAW:
        return columns
    from skdqm.preprocessing import LHCO_COLUMNS

    if columns is not None and set(columns) != set(LHCO_COLUMNS):
        raise UsageError(
            f"--features jets needs exactly the columns {','.join(LHCO_COLUMNS)}; "
            "leave --columns out, or take --features raw"
        )
    return list(LHCO_COLUMNS)


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
            f"last 20 % of the file are {len(held_out):,}; give more rows or a larger rate"
        )
    return fitted_on, held_out


def new_pipeline(detector: Any, features: Features) -> Any:
    """Return an unfitted Pipeline: features where the columns are jets, scaler, detector."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from skdqm.preprocessing import JetFeatures

    first = [("features", JetFeatures())] if features is Features.JETS else []
    return Pipeline([*first, ("scaler", StandardScaler()), ("detector", detector)])
