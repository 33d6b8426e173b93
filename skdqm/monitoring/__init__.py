"""From scores to the verdicts of a detector's shift: gates, many elements, persistence, alarms.

Wrappers of detectors that keep their contract: :class:`MinimumEntries` abstains where there is too
little data, :class:`ElementsDetector` fuses one detector for each of many monitoring elements, and
:class:`PersistenceDetector` asks whether a fault stays. :func:`find_alarms` makes alarms, which
clear by themselves, of verdicts, and :func:`roll_up` blames towers and modules for the pulls of
channels. Give them data frames: the index says which run and lumisection a row is, the names of the
columns which bin of which element.
"""

from skdqm.monitoring._alarms import find_alarms
from skdqm.monitoring._elements import ElementsDetector
from skdqm.monitoring._minimum_entries import MinimumEntries
from skdqm.monitoring._persistence import PersistenceDetector
from skdqm.monitoring._roll_up import roll_up

__all__ = [
    "ElementsDetector",
    "MinimumEntries",
    "PersistenceDetector",
    "find_alarms",
    "roll_up",
]
