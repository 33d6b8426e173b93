"""Which columns of a source are the features of the model, and which are carried beside them."""

import re
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from skdqm._messages import listed
from skdqm.exceptions import DataError
from skdqm.io._columns import LABEL_NAMES
from skdqm.streaming._events import Features

# Columns that say which event it is: they go into the record of an alarm, never to the model.
_WORDS = ("run", "lumisection", "lumi", "ls", "event", "id")
CARRIED = frozenset(
    ("luminosityBlock", *_WORDS, *map(str.capitalize, _WORDS), *map(str.upper, _WORDS))
)
_LONGEST = 200
# As numbers are written: 007 is a name.
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")


class Layout:
    """What of a record is an event.

    Parameters
    ----------
    features : Features
        What the model expects.
    """

    def __init__(self, features: Features) -> None:
        self.names, self.number = features.names, features.number
        self._carried = CARRIED.difference(features.names or ())

    def columns(self, present: Sequence[str]) -> list[str]:
        """Return the columns of the features, in the order of the model's."""
        if self.names is not None:
            known = set(present)
            missing = [name for name in self.names if name not in known]
            if missing:
                raise DataError(
                    f"the features {listed(missing)} of the model are missing; found "
                    f"{listed(present) or 'none'}"
                )
            return self.names
        found = list(present)
        if len(found) != self.number:
            others = {*CARRIED, *LABEL_NAMES}
            found = [name for name in present if name not in others]
        if len(found) != self.number:
            raise DataError(
                f"found {len(found)} features ({listed(found)}), the model takes {self.number} and "
                "was fitted without names"
            )
        return found

    def carried(self, present: Iterable[str]) -> list[str]:
        """Return the columns that say which event it is."""
        return [name for name in present if name in self._carried]


def plain(value: Any) -> Any:
    """Return a carried value as JSON can hold it: a number, a short text, or nothing.

    Whole numbers stay what they are, though a table keeps them as floats or text.
    """
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return (int(value) if value.is_integer() else value) if isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return int(text) if _WHOLE.fullmatch(text) else text[:_LONGEST]
