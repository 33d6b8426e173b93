from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.streaming import Malformed, StreamingDetector
from skdqm.streaming._micro_batch import judged, rows_of
from skdqm.streaming._queue import Chunk
from tests.streaming.streams import FirstColumn, rows
from tests.streaming.workers import stream, without_latency

NAMES = ["pt", "eta", "phi"]
GOOD: list[Any] = [
    [1.0, 2, 3],
    (3, 2, 1),
    np.array([4.0, 5, 6]),
    np.array([4, 5, 6], dtype=np.float32),
    {"pt": 1.0, "eta": 2, "phi": 3, "run": 7},
    ["1.5", "2", "3"],
]
BAD: list[Any] = [
    [1.0, 2],
    [1.0, 2, 3, 4],
    [1.0, float("nan"), 3],
    [1.0, None, 3],
    ["a", 2, 3],
    "text",
    b"bytes",
    None,
    5.0,
    {"pt": 1.0, "eta": 2},
    {"pt": 1.0, "eta": [2], "phi": 3},
    {"pt": "high", "eta": 2, "phi": 3},
    {1, 2, 3},
    object(),
    [[1.0, 2, 3]],
    np.ones((1, 3)),
    [10**400, 2, 3],
    Malformed("it is no JSON", "{"),
]


def one_by_one(judge: StreamingDetector, events: list[Any]) -> tuple[list[Any], list[int]]:
    verdicts, refused = [], []
    for place, event in enumerate(events):
        try:
            verdicts.append(judge.process_event(event))
        except (DataError, OverflowError):
            refused.append(place)
    return verdicts, refused


@pytest.mark.parametrize("event", BAD, ids=range(len(BAD)))
def test_a_malformed_event_leaves_the_others_alone(event: Any) -> None:
    results = judged(stream(names=NAMES), 10, [Chunk([GOOD[0], event, GOOD[2]])])
    assert results.ordinals.tolist() == [10, 12]
    assert [verdict.number for verdict in results.verdicts] == [0, 1]
    (malformed,) = results.malformed
    assert (malformed.ordinal, malformed.position) == (11, 12)
    assert malformed.reason


@given(st.lists(st.one_of(st.sampled_from(GOOD), st.sampled_from(BAD)), min_size=1), st.data())
def test_verdicts_are_those_of_the_events_one_by_one(events: list[Any], data: Any) -> None:
    chunks, left = [], events
    while left:
        size = data.draw(st.integers(1, len(left)))
        chunks.append(Chunk(left[:size]))
        left = left[size:]
    results = judged(stream(adaptive=True, names=NAMES), 0, chunks)
    verdicts, refused = one_by_one(stream(adaptive=True, names=NAMES), events)
    assert without_latency(results.verdicts) == without_latency(verdicts)
    assert [malformed.ordinal for malformed in results.malformed] == refused
    assert len(results) == len(events)
    assert results.position == len(events)


def test_arrays_and_lists_are_judged_together_in_their_order() -> None:
    X = rows(6, 3)
    chunks = [Chunk(X[:2].copy()), Chunk([X[2]]), Chunk([X[3].tolist()]), Chunk(X[4:].copy())]
    results = judged(stream(), 0, chunks)
    np.testing.assert_array_equal(results.events, X)


def test_an_array_of_another_width_is_malformed_event_by_event() -> None:
    results = judged(stream(), 0, [Chunk(rows(3, 5))])
    assert len(results.verdicts) == 0
    assert "5" in results.malformed[2].reason


def test_malformed_events_are_counted_once_by_the_stream() -> None:
    judge = stream()
    judged(judge, 0, [Chunk([[1, 2, 3], ["text", 2, 3], [4, 5, np.inf], [1, 2]])])
    assert judge.get_statistics().n_malformed == 3


def test_events_beyond_a_score_are_malformed() -> None:
    class Overflowing(FirstColumn):
        def score_samples(self, X: Any) -> Any:
            with np.errstate(over="ignore"):
                return super().score_samples(X) * 1e10

    judge = StreamingDetector(Overflowing().fit(rows(100, 2)))
    X = rows(20, 2)
    X[[0, 7, 19], 0] = 1e300
    results = judged(judge, 0, [Chunk(X)])
    assert [malformed.ordinal for malformed in results.malformed] == [0, 7, 19]
    assert "too extreme" in results.malformed[0].reason
    np.testing.assert_array_equal(results.events, np.delete(X, [0, 7, 19], axis=0))


def test_the_reason_of_a_source_is_kept_and_long_events_are_shortened() -> None:
    line = "x" * 10_000
    results = judged(stream(), 0, [Chunk([Malformed("line 3 is no JSON", line), line])])
    assert results.malformed[0].reason == "line 3 is no JSON"
    assert results.malformed[0].raw == results.malformed[1].raw == "x" * 197 + "..."


def test_what_belongs_to_malformed_events_is_theirs() -> None:
    chunk = Chunk([[1, 2, 3], "bad", [4, 5, 6]], ["a", "b", "c"], [{"id": 1}, {"id": 2}, None])
    results = judged(stream(), 0, [chunk])
    assert results.malformed[0][:3] == (1, "b", {"id": 2})
    assert (results.positions, results.about) == (["a", "c"], [{"id": 1}, None])
    assert results.position == "c"


def test_a_few_malformed_events_cost_few_conversions() -> None:
    n_conversions = 0

    class Watched:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            nonlocal n_conversions
            n_conversions += 1
            return np.ones(3)

    events: list[Any] = rows(512, 3).tolist()
    events[100], events[300] = "bad", Watched()
    found = rows_of(events, stream().features)
    assert np.isnan(found).all(axis=1).nonzero()[0].tolist() == [100]
    assert n_conversions < 10
