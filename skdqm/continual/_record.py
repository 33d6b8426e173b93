"""What is known of a stream so far, and what people say of it."""

from collections.abc import Callable
from typing import Any, Self

from skdqm.continual import _feedback, _verdicts
from skdqm.continual._course import Course
from skdqm.continual._labels import positions_of
from skdqm.exceptions import UsageError


class RecordMixin:
    """The record of a stream, and people's word on it, for the detector that follows it."""

    def _known_course(self) -> Course:
        """Return the course so far; an error where there is none."""
        raise NotImplementedError

    def _changed(self, change: Callable[[Course], None]) -> Self:
        """Change the course, or leave everything as it was."""
        raise NotImplementedError

    @property
    def status_(self) -> str:
        """What the latest block of the stream was found to be."""
        return str(self._known_course().status)

    @property
    def events_(self) -> list[dict[str, Any]]:
        """The latest decisions, the oldest first."""
        return [dict(event) for event in self._known_course().journal.events]

    @property
    def tickets_(self) -> list[dict[str, Any]]:
        """The latest tickets, the oldest first."""
        return [dict(vars(ticket)) for ticket in self._known_course().journal.tickets]

    @property
    def versions_(self) -> list[int]:
        """The versions that are kept, and the present one."""
        course = self._known_course()
        return sorted({*course.journal.versions, course.version})

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """What is known of each expert."""
        course = self._known_course()
        return [
            {
                "number": expert.number,
                "active": expert.number == course.pool.active,
                "condition": expert.condition,
                "is_fault": expert.is_fault,
                "n_learned": expert.n_learned,
                "n_used": course.used.get(expert.number, 0),
            }
            for expert in course.pool.experts
        ]

    @property
    def n_rows_seen_(self) -> int:
        """Rows of the stream so far."""
        return int(self._known_course().n_rows)

    @property
    def n_rows_waiting_(self) -> int:
        """Latest rows whose block is not whole: they are judged, and no more was decided yet."""
        return len(self._known_course().waiting)

    @property
    def block_size_(self) -> int:
        """Rows that are decided on together."""
        return int(self._known_course().monitor.block_size)

    def confirm(self, ticket: int, *, benign: bool) -> Self:
        """Say what a ticket was.

        Parameters
        ----------
        ticket : int
            Number of one that is open, or was released without being asked.
        benign : bool
            True: what is held is learned now, and what was released stays. False: it was a fault:
            what is held is put away, and what was released is undone; later rows that look like it
            are recognised and never released.

        Returns
        -------
        self : object
            The detector.

        Raises
        ------
        UsageError
            When no such ticket waits for a decision.
        """
        return self._changed(lambda course: _verdicts.confirm(course, ticket, benign=benign))

    def rollback(self, version: int) -> Self:
        """Go back to the experts of an earlier version.

        Parameters
        ----------
        version : int
            One of ``versions_``.

        Returns
        -------
        self : object
            The detector.

        Raises
        ------
        UsageError
            When that version is not kept.
        """
        return self._changed(lambda course: _verdicts.roll_back(course, version, "asked for"))

    def feedback(self, index: Any, verdict: int) -> Self:
        """Take a verdict that comes late.

        Rows called bad are forgotten: by waiting rows, by memories and calibrations, and experts
        that have kept some are fitted anew to what they keep without them. Rows called good are
        learned with the next update, if they were held, put away, or wait. Rows that are kept no
        more cannot be helped: events say how many were found.

        Parameters
        ----------
        index : array-like
            Places in the stream (as ``rows`` of events), or pairs of run and lumisection, such as
            the index of a data frame.
        verdict : {-1, +1}
            -1: bad, +1: good.

        Returns
        -------
        self : object
            The detector.

        Raises
        ------
        UsageError
            When `index` or `verdict` is something else.
        """
        if verdict not in {-1, 1}:
            raise UsageError(f"verdict is {verdict!r}; expected +1 (good) or -1 (bad)")
        positions = positions_of(index, _feedback.known_rows(self._known_course()))
        return self._changed(lambda course: _feedback.believe(course, positions, good=verdict == 1))
