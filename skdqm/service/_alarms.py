"""Alarms: flagged rows that belong together, as shifters think of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, insert, select, update

from skdqm.service import _tables as tables
from skdqm.service._judgement import Finding, Judgement
from skdqm.service._record import known, plain
from skdqm.service._rows import LARGEST

# An alarm goes on when the next flagged row comes so soon.
LUMISECTIONS, SECONDS = 2, 60.0


class Flagged(NamedTuple):
    """A flagged row with its place."""

    judgement: Judgement
    finding: Finding
    run: int | None
    lumisection: int | None
    n_rows: int


def write_alarms(connection: Connection, judgements: Sequence[Judgement], now: float) -> None:
    """Let alarms go on, or begin new ones."""
    with_findings = [judgement for judgement in judgements if judgement.findings]
    masked = _masked(connection) if with_findings else frozenset()
    for judgement in with_findings:
        for flagged in _grouped(judgement):
            rings = (judgement.model, plain(flagged.finding.culprit)) not in masked
            _write(connection, flagged, now, masked=not rings)


def _masked(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return the models and culprits that do not ring."""
    c = tables.masks.c
    rows = connection.execute(select(c.model, c.culprit).where(c.removed_at.is_(None)))
    return frozenset((model, culprit) for model, culprit in rows)


def _grouped(judgement: Judgement) -> list[Flagged]:
    """Return the worst finding of each culprit and place, in the order of time."""
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in judgement.findings:
        run, lumisection = _place(judgement, finding.place)
        groups.setdefault((run, lumisection, finding.culprit), []).append(finding)
    found = []
    for (run, lumisection, _), findings in groups.items():
        worst = max(findings, key=lambda each: judgement.scores[each.place])
        n_rows = len(findings) if judgement.histograms is None else 1
        found.append(Flagged(judgement, worst, run, lumisection, n_rows))
    return sorted(found, key=lambda each: (each.run or 0, each.lumisection or 0))


def _place(judgement: Judgement, row: int) -> tuple[int | None, int | None]:
    if judgement.runs is None or judgement.lumisections is None:
        return None, None
    return int(judgement.runs[row]), int(judgement.lumisections[row])


def _write(connection: Connection, flagged: Flagged, now: float, *, masked: bool) -> None:
    before = _going_on(connection, flagged, masked=masked)
    worst = _worst_of(flagged)
    if before is None:
        first = _first_of(flagged, masked=masked)
        connection.execute(insert(tables.alarms).values(**first, **worst, changed=now))
        return
    changes = _extended(before, flagged)
    if before.score < worst["score"] or _is_again(before, flagged):
        changes |= worst
    found = tables.alarms.c.id == before.id
    connection.execute(update(tables.alarms).where(found).values(**changes, changed=now))


def _going_on(connection: Connection, flagged: Flagged, *, masked: bool) -> Any:
    """Return the alarm that a flagged row belongs to, if there is one.

    What was masked and is so no more does not go on: it would never ring again.
    """
    c = tables.alarms.c
    same = [
        c.model == flagged.judgement.model,
        c.culprit == plain(flagged.finding.culprit),
        c.masked.is_(masked),
    ]
    if flagged.lumisection is None or flagged.run is None:
        near = and_(c.run.is_(None), c.last_time >= flagged.judgement.time - SECONDS)
    else:
        low = max(flagged.lumisection - LUMISECTIONS, 0)
        high = min(flagged.lumisection + LUMISECTIONS, LARGEST)
        near = and_(c.run == flagged.run, c.last_lumisection >= low, c.first_lumisection <= high)
    columns = [column for column in c if column.name not in {"reason", "evidence"}]
    latest = select(*columns).where(*same, near).order_by(c.last_time.desc()).limit(1)
    return connection.execute(latest).first()


def _first_of(flagged: Flagged, *, masked: bool) -> dict[str, Any]:
    judgement = flagged.judgement
    return {
        "model": judgement.model,
        "run": flagged.run,
        "culprit": plain(flagged.finding.culprit),
        "first_lumisection": flagged.lumisection,
        "last_lumisection": flagged.lumisection,
        "first_time": judgement.time,
        "last_time": judgement.time,
        "n_flagged": flagged.n_rows,
        "masked": masked,
    }


def _worst_of(flagged: Flagged) -> dict[str, Any]:
    judgement, finding = flagged.judgement, flagged.finding
    row = slice(finding.place, finding.place + 1)
    return {
        "version": judgement.version,
        "worst_lumisection": flagged.lumisection,
        "score": known(judgement.scores[row])[0],
        "threshold": known(judgement.thresholds[row])[0],
        "p_value": known(judgement.p_values[row])[0],
        "reason": plain(finding.reason),
        "evidence": finding.evidence,
    }


def _extended(before: Any, flagged: Flagged) -> dict[str, Any]:
    changes: dict[str, Any] = {"last_time": max(before.last_time, flagged.judgement.time)}
    if flagged.lumisection is None:
        return {**changes, "n_flagged": before.n_flagged + flagged.n_rows}
    first = min(before.first_lumisection, flagged.lumisection)
    last = max(before.last_lumisection, flagged.lumisection)
    # A lumisection that is judged again, as more of its data come, is counted once.
    is_new = (first, last) != (before.first_lumisection, before.last_lumisection)
    of_events = flagged.judgement.histograms is None
    count = flagged.n_rows if is_new or of_events else 0
    return {
        **changes,
        "first_lumisection": first,
        "last_lumisection": last,
        "n_flagged": before.n_flagged + count,
    }


def _is_again(before: Any, flagged: Flagged) -> bool:
    """Tell whether the worst lumisection itself was judged again."""
    of_histograms = flagged.judgement.histograms is not None
    return bool(of_histograms and before.worst_lumisection == flagged.lumisection)
