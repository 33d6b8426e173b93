"""Statements that are made once: to make one takes longer than to run it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import ClauseElement


class Prepared:
    """A statement as the driver takes it.

    Parameters
    ----------
    statement : ClauseElement
        An insert or update with named parameters.
    dialect : Dialect
        Of the data base.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._constants: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        self._order: Sequence[str] | None = compiled.positiontup

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Run it for each row of parameters, and return what it gives."""
        given: Any = [{**self._constants, **row} for row in rows]
        if self._order is not None:
            given = [tuple(row[name] for name in self._order) for row in given]
        return connection.exec_driver_sql(self._text, given[0] if len(given) == 1 else given)
