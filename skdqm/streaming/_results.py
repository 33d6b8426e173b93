"""What a worker found out about some events, as arrays and as records."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdqm.streaming._malformed import MalformedEvent
from skdqm.streaming._verdict import Verdicts

# Kinds of records, and the verdicts that they stand for.
KINDS = {"good": 1, "anomaly": -1, "undecided": 0}
MALFORMED = "malformed"


@dataclass(frozen=True, eq=False)
class Results:
    """What a worker found out about some events, in the order of the stream.

    Attributes
    ----------
    verdicts : Verdicts
        Those of the events that could be judged.
    events : ndarray of shape (n_judged, n_features)
        These events.
    ordinals : ndarray of int of shape (n_judged,)
        Their places among all events that came into the queue, malformed ones too.
    positions : list
        Where the source stands after each of them.
    about : list of (mapping or None)
        What was submitted with each of them.
    malformed : list of MalformedEvent
        Those that could not be judged.
    time : datetime
        When this was, in UTC.
    names : list of str or None
        Of the features.
    position : object
        Where the source stands after all of them.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> import numpy as np
    >>> from skdqm.streaming import Results, Verdicts
    >>> one, verdict = np.ones(2), np.array([1, -1])
    >>> verdicts = Verdicts(0, one, one, verdict, one, 0.001)
    >>> now = datetime.now(UTC)
    >>> results = Results(verdicts, np.eye(2), np.arange(2), [1, 2], [None] * 2, [], now, None, 2)
    >>> results.records(["anomaly"])[0]["features"]
    [0.0, 1.0]
    """

    verdicts: Verdicts
    events: NDArray[np.float64]
    ordinals: NDArray[np.int64]
    positions: list[Any]
    about: list[Any]
    malformed: list[MalformedEvent]
    time: datetime
    names: list[str] | None
    position: Any

    def __len__(self) -> int:
        return len(self.verdicts) + len(self.malformed)

    def records(self, kinds: Collection[str]) -> list[dict[str, Any]]:
        """Return what is to be written of some kinds of events.

        Parameters
        ----------
        kinds : collection of str
            Out of ``"good"``, ``"anomaly"``, ``"undecided"`` and ``"malformed"``.

        Returns
        -------
        records : list of dict
            In the order of the stream, as JSON values; numbers that are not finite are None. What
            was submitted with an event stands there as ``about``, else its ``position``.
        """
        wanted = [verdict for kind, verdict in KINDS.items() if kind in kinds]
        places = np.flatnonzero(np.isin(self.verdicts.verdict, wanted)).tolist()
        records = [self._record(place) for place in places]
        if MALFORMED in kinds and self.malformed:
            records += [self._malformed_record(event) for event in self.malformed]
            records.sort(key=lambda record: record["ordinal"])
        return records

    def _record(self, place: int) -> dict[str, Any]:
        verdict, features = self.verdicts[place], self.events[place].tolist()
        if self.names is not None:
            features = dict(zip(self.names, features, strict=True))
        return {
            "kind": _KIND_OF[verdict.verdict],
            "ordinal": int(self.ordinals[place]),
            "number": verdict.number,
            **_origin(self.positions[place], self.about[place]),
            "time": self.time.isoformat(timespec="microseconds"),
            "anomaly_score": _finite(verdict.anomaly_score),
            "p_value": _finite(verdict.p_value),
            "threshold": _finite(verdict.threshold),
            "features": features,
        }

    def _malformed_record(self, event: MalformedEvent) -> dict[str, Any]:
        return {
            "kind": MALFORMED,
            "ordinal": event.ordinal,
            **_origin(event.position, event.about),
            "time": self.time.isoformat(timespec="microseconds"),
            "reason": event.reason,
            "raw": event.raw,
        }


def _origin(position: Any, about: Any) -> dict[str, Any]:
    """Return where an event comes from: in its source's words, if there are any."""
    return {"position": position} if about is None else {"about": about}


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None


_KIND_OF = {verdict: kind for kind, verdict in KINDS.items()}
