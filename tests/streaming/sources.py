"""Scripted sources: what tests of growing files share."""

from types import SimpleNamespace

import numpy as np

from skdqm.streaming._layout import Layout
from skdqm.streaming._malformed import Malformed
from skdqm.streaming._patience import Patience


def layout(*names, number=None):
    """What a model takes that was fitted with these names, or without."""
    return Layout(SimpleNamespace(names=list(names) or None, number=number or len(names)))


class Script(Patience):
    """Whenever nothing new is found, the next step of a script happens; after the last it ends."""

    def __init__(self, *steps, follow=True):
        super().__init__(follow=follow)
        self.steps = list(steps)

    def lasts(self):
        return self.follow and bool(self.steps) and not self.is_stopped

    def wait(self):
        if not self.lasts():
            return False
        self.steps.pop(0)()
        return True


def read_all(source):
    """Return the events of a source one by one: (values or Malformed, position, about)."""
    found = []
    for events, positions, about in source:
        assert len(events) == len(positions) == len(about) > 0
        if not isinstance(events, list):
            assert events.dtype == np.float64
            assert np.isfinite(events).all()
        found += zip(events, positions, about, strict=True)
    return [
        (event if isinstance(event, Malformed) else tuple(event.tolist()), position, where)
        for event, position, where in found
    ]


def values(found):
    """Return the events that could be read."""
    return [event for event, _, _ in found if not isinstance(event, Malformed)]


def reasons(found):
    """Return why the others could not."""
    return [event.reason for event, _, _ in found if isinstance(event, Malformed)]
