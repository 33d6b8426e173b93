"""Events as arrays, or a message that says what is wrong with one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm._messages import listed
from skdqm.exceptions import DataError

Floats = NDArray[np.float64]


class Features:
    """What a model expects of events.

    Parameters
    ----------
    estimator : detector or Pipeline
        It is fitted.
    """

    def __init__(self, estimator: Any) -> None:
        names = getattr(estimator, "feature_names_in_", None)
        self.names = None if names is None else [str(name) for name in names]
        self.number = _number_of(estimator)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Features) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.number)

    def __str__(self) -> str:
        return f"{self.number} features" if self.names is None else listed(self.names)

    def row(self, event: ArrayLike | Mapping[str, Any]) -> Floats:
        """Return one event as an array of shape (1, n_features), which may be the caller's own."""
        if type(event) is not np.ndarray or event.dtype != np.float64:
            event = self._converted(event)
        if event.shape != (self.number,):
            raise DataError(
                f"found an event of shape {event.shape}, the model takes {self.number} features: "
                f"expected shape ({self.number},)"
            )
        row: Floats = event[None]
        if not np.isfinite(row).all():
            self._name_the_infinite(row)
        return row

    def rows(self, events: Any) -> Floats:
        """Return events as an array of shape (n_events, n_features)."""
        if self.names is not None and hasattr(events, "columns"):
            self._check_names([name for name in self.names if name not in events.columns])
            events = events[self.names]
        try:
            rows = np.ascontiguousarray(events, dtype=np.float64)
        except (OverflowError, TypeError, ValueError) as error:
            raise DataError(f"events must be numbers, of equal lengths: {error}") from error
        if rows.ndim != 2 or rows.shape[1] != self.number:
            raise DataError(
                f"found events of shape {rows.shape}, the model takes {self.number} features: "
                f"expected shape (n_events, {self.number})"
            )
        if not np.isfinite(rows).all():
            self._name_the_infinite(rows)
        return rows

    def named(self, rows: Floats) -> Any:
        """Return rows as the model was fitted to: a frame, if it has names."""
        if self.names is None:
            return rows
        import pandas as pd

        return pd.DataFrame(rows, columns=self.names)

    def _converted(self, event: Any) -> Floats:
        if isinstance(event, Mapping):
            event = self._in_order(event)
        try:
            return np.asarray(event, dtype=np.float64)
        except (OverflowError, TypeError, ValueError) as error:
            raise DataError(f"an event must be {self.number} numbers: {error}") from error

    def _in_order(self, event: Mapping[str, Any]) -> list[Any]:
        if self.names is None:
            raise DataError(
                "found an event with names, but the model was fitted without: give its "
                f"{self.number} numbers in order, or fit the model to a data frame"
            )
        self._check_names([name for name in self.names if name not in event])
        return [event[name] for name in self.names]

    def _check_names(self, missing: list[str]) -> None:
        if missing:
            raise DataError(
                f"the features {listed(missing)} are missing; the model takes "
                f"{listed(self.names or [])}"
            )

    def _name_the_infinite(self, rows: Floats) -> None:
        place, column = np.argwhere(~np.isfinite(rows))[0].tolist()
        name = column if self.names is None else repr(self.names[column])
        where = f" of event {place}" if len(rows) > 1 else ""
        raise DataError(
            f"feature {name}{where} is {rows[place, column]}; expected finite numbers: remove the "
            "event or correct its values"
        )


def _number_of(estimator: Any) -> int:
    """Return how many features a model takes; the first steps of a Pipeline may be words."""
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    return next(int(step.n_features_in_) for step in steps if hasattr(step, "n_features_in_"))
