import json
from datetime import UTC, datetime

import numpy as np

from skdqm.streaming import MalformedEvent, Results, Verdicts
from skdqm.streaming._malformed import short

NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def results(names: list[str] | None = None) -> Results:
    scores, p_values = np.array([1.0, 9, np.inf, 2]), np.array([0.5, 0.01, np.nan, np.nan])
    verdicts = Verdicts(20, scores, p_values, np.array([1, -1, -1, 0]), np.full(4, 5.0), 0.1)
    return Results(
        verdicts,
        np.arange(8.0).reshape(4, 2),
        np.array([30, 31, 33, 34]),
        ["a", "b", "d", "e"],
        [None, {"run": 1}, None, None],
        [MalformedEvent(32, "c", {"run": 2}, "it is text", "'text'")],
        NOW,
        names,
        "e",
    )


def test_records_of_a_kind_hold_what_is_known_of_the_event() -> None:
    (first, second) = results(["pt", "eta"]).records(["anomaly"])
    assert first == {
        "kind": "anomaly",
        "ordinal": 31,
        "number": 21,
        "about": {"run": 1},
        "time": "2025-01-02T03:04:05.000000+00:00",
        "anomaly_score": 9.0,
        "p_value": 0.01,
        "threshold": 5.0,
        "features": {"pt": 2.0, "eta": 3.0},
    }
    assert (second["position"], second["anomaly_score"], second["p_value"]) == ("d", None, None)


def test_records_of_all_kinds_are_in_the_order_of_the_stream() -> None:
    records = results().records(["good", "anomaly", "undecided", "malformed"])
    kinds = ["good", "anomaly", "malformed", "anomaly", "undecided"]
    assert [record["kind"] for record in records] == kinds
    assert [record["ordinal"] for record in records] == [30, 31, 32, 33, 34]
    assert records[0]["features"] == [0.0, 1.0]
    assert (records[2]["reason"], records[2]["raw"]) == ("it is text", "'text'")
    json.dumps(records, allow_nan=False)


def test_no_kind_no_record() -> None:
    assert results().records([]) == []


def test_raw_events_are_short_and_readable() -> None:
    assert short(np.array([1.0, np.nan])) == "[1.0, nan]"
    assert short({"pt": "high"}) == "{'pt': 'high'}"
    assert len(short(list(range(1000)))) == 200
