"""Judgements as rows of tables: verdicts, points of the trend, histograms."""

from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Connection, Dialect, Table, bindparam, case, func, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from skdqm.service import _tables as tables
from skdqm.service._judgement import Floats, Integers, Judgement
from skdqm.service._prepared import Prepared

# Seconds that a point of the trend stands for, of events without a lumisection.
SLOT = 5
DIALECTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
FLAGGED, UNDECIDED = -1, 0
LARGEST = np.finfo(np.float64).max
COUNTS = ("n", "n_flagged", "n_undecided")


def first_numbers(connection: Connection, judgements: Sequence[Judgement]) -> list[int]:
    """Take numbers for all verdicts, and with them the turn to write."""
    counts = [len(judgement) for judgement in judgements]
    last = _raising(connection.dialect).run(connection, [{"n": sum(counts)}]).scalar_one()
    return [*accumulate(counts[:-1], initial=last - sum(counts) + 1)]


def write_verdicts(
    connection: Connection,
    judgements: Sequence[Judgement],
    firsts: Sequence[int],
    *,
    keeps_good: bool,
) -> None:
    """Add a row for each verdict, or for each flagged one."""
    rows: list[tuple[Any, ...]] = []
    for judgement, first in zip(judgements, firsts, strict=True):
        added = _rows_of(judgement, first)
        rows += added if keeps_good else [row for row in added if row[-1] == FLAGGED]
    if rows:
        _insert_many(connection, tables.verdicts, rows)


def write_points(connection: Connection, judgements: Sequence[Judgement], now: float) -> None:
    """Bring the trend up to date."""
    for is_replaced in (False, True):
        points: dict[tuple[str, str], dict[str, Any]] = {}
        for judgement in judgements:
            if (judgement.histograms is not None) == is_replaced:
                for point in _points_of(judgement, now):
                    place = point["model"], point["key"]
                    before = None if is_replaced else points.get(place)
                    points[place] = point if before is None else _added(before, point)
        if points:
            adding = _adding_points(connection.dialect, is_replaced=is_replaced)
            adding.run(connection, list(points.values()))


def write_histograms(connection: Connection, judgements: Sequence[Judgement]) -> None:
    """Keep the counts of lumisections: sums and persistence look back."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for judgement in judgements:
        for run, number, counts in zip(
            *_places(judgement), judgement.histograms or (), strict=False
        ):
            place = {"model": judgement.model, "run": run, "lumisection": number}
            row = {**place, "time": judgement.time, "counts": counts}
            rows[judgement.model, run, number] = row
    if rows:
        _adding_histograms(connection.dialect).run(connection, list(rows.values()))


@cache
def _raising(dialect: Dialect) -> Prepared:
    counter = tables.counters.c
    raised = update(tables.counters).where(counter.name == tables.VERDICTS)
    raised = raised.values(value=counter.value + bindparam("n", type_=BigInteger))
    return Prepared(raised.returning(counter.value), dialect)


@cache
def _adding_points(dialect: Dialect, *, is_replaced: bool) -> Prepared:
    """Return what adds a point: to those of events, or in place of that of a lumisection."""
    statement = DIALECTS[dialect.name](tables.points)
    new, old = statement.excluded, tables.points.c
    largest = case((new.score > old.score, new.score), else_=func.coalesce(old.score, new.score))
    changes = {
        **{name: new[name] if is_replaced else old[name] + new[name] for name in COUNTS},
        "score": new.score if is_replaced else largest,
        **{name: new[name] for name in ("time", "threshold", "changed")},
    }
    keys = [old.model, old.key]
    added = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    return Prepared(added, dialect)


@cache
def _adding_histograms(dialect: Dialect) -> Prepared:
    statement = DIALECTS[dialect.name](tables.histograms)
    keys = [tables.histograms.c[name] for name in ("model", "run", "lumisection")]
    changes = {name: statement.excluded[name] for name in ("time", "counts")}
    added = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    return Prepared(added, dialect)


def key_of(run: int | None, lumisection: int | None, time: float) -> str:
    """Return the name of the point that a verdict belongs to."""
    return f"t/{int(time // SLOT)}" if run is None else f"{run}/{lumisection}"


def known(values: Floats) -> list[float | None]:
    """Return numbers that JSON and every data base know, None where there is none."""
    return [value if value == value else None for value in bounded(values).tolist()]  # noqa: PLR0124 (NaN)


def bounded(values: Floats) -> Floats:
    """Return numbers with the largest one in place of infinity."""
    return np.maximum(np.minimum(values, LARGEST), -LARGEST)


def plain(text: str) -> str:
    """Return text that every data base takes: no NUL, no half of a character."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _rows_of(judgement: Judgement, first: int) -> list[tuple[Any, ...]]:
    """Return rows in the order of the columns."""
    n = len(judgement)
    runs, lumisections = _places(judgement)
    return list(
        zip(
            range(first, first + n),
            [judgement.time] * n,
            [judgement.model] * n,
            [judgement.version] * n,
            runs,
            lumisections,
            known(judgement.scores),
            known(judgement.p_values),
            known(judgement.thresholds),
            judgement.verdicts.tolist(),
            strict=True,
        )
    )


def _places(judgement: Judgement) -> tuple[list[Any], list[Any]]:
    if judgement.runs is None or judgement.lumisections is None:
        nowhere = [None] * len(judgement)
        return nowhere, nowhere
    return judgement.runs.tolist(), judgement.lumisections.tolist()


def _insert_many(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows as the driver takes them fastest: tuples where it counts, names elsewhere."""
    statement = _insert_text(table, connection.dialect)
    if connection.dialect.positional:
        connection.exec_driver_sql(statement, rows)
    else:
        names = [column.name for column in table.columns]
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(statement, named)


@cache
def _insert_text(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


def _points_of(judgement: Judgement, now: float) -> list[dict[str, Any]]:
    """Return a point for each lumisection, or one for events without."""
    order, starts = _groups(judgement)
    ends = np.append(starts[1:], len(order))
    last = order[ends - 1]
    if judgement.histograms is not None:
        # A lumisection that is there twice counts once, as it is judged last.
        order, starts, ends = last, np.arange(len(last)), np.arange(1, len(last) + 1)
    verdicts, scores = judgement.verdicts[order], bounded(judgement.scores[order])
    is_decided = (verdicts != UNDECIDED) & ~np.isnan(scores)
    largest = np.maximum.reduceat(np.where(is_decided, scores, -np.inf), starts)
    columns = {
        "n": (ends - starts).tolist(),
        "n_flagged": np.add.reduceat(verdicts == FLAGGED, starts, dtype=np.int64).tolist(),
        "n_undecided": np.add.reduceat(verdicts == UNDECIDED, starts, dtype=np.int64).tolist(),
        "score": known(np.where(largest > -np.inf, largest, np.nan)),
        "threshold": known(judgement.thresholds[last]),
    }
    same = {"model": judgement.model, "time": judgement.time, "changed": now}
    return [
        {**same, **place, **dict(zip(columns, numbers, strict=True))}
        for place, *numbers in zip(_keys(judgement, last), *columns.values(), strict=True)
    ]


def _groups(judgement: Judgement) -> tuple[Integers, Integers]:
    """Return rows in the order of their lumisections, and where each of these begins."""
    if judgement.runs is None or judgement.lumisections is None:
        return np.arange(len(judgement)), np.zeros(1, dtype=np.int64)
    order = np.lexsort((judgement.lumisections, judgement.runs))
    runs, lumisections = judgement.runs[order], judgement.lumisections[order]
    is_next = (np.diff(runs) != 0) | (np.diff(lumisections) != 0)
    return order, np.flatnonzero(np.concatenate([[True], is_next]))


def _keys(judgement: Judgement, rows: Integers) -> list[dict[str, Any]]:
    """Return the names of the points that rows belong to."""
    if judgement.runs is None or judgement.lumisections is None:
        key = key_of(None, None, judgement.time)
        return [{"key": key, "run": None, "lumisection": None}]
    places = zip(judgement.runs[rows].tolist(), judgement.lumisections[rows].tolist(), strict=True)
    return [
        {"key": key_of(run, number, judgement.time), "run": run, "lumisection": number}
        for run, number in places
    ]


def _added(before: dict[str, Any], point: dict[str, Any]) -> dict[str, Any]:
    """Return a point with the events of an earlier one."""
    sums = {name: before[name] + point[name] for name in COUNTS}
    scores = [each["score"] for each in (before, point) if each["score"] is not None]
    return {**point, **sums, "score": max(scores, default=None)}
