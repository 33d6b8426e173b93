import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError, UsageError, WorkerError
from skdqm.streaming import JSONLinesSink, Malformed, Results, StreamWorker
from tests.streaming.workers import events, read, stream, without_latency, without_time

LONG = 30.0


class Collector:
    """A callback that keeps what it is given, and can be made to wait."""

    def __init__(self) -> None:
        self.results: list[Results] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_inside = threading.Event()

    def __call__(self, results: Results) -> None:
        self.is_inside.set()
        assert self.may_go_on.wait(LONG)
        self.results.append(results)

    def ordinals(self) -> list[int]:
        judged = [number for each in self.results for number in each.ordinals.tolist()]
        return sorted(judged + [bad.ordinal for each in self.results for bad in each.malformed])


def for_ever(submit: Callable[[Any], object], argument: Any) -> None:
    while True:
        submit(argument)


def sums_up(worker: StreamWorker) -> bool:
    report = worker.report
    found = report.n_judged + report.n_malformed + report.n_dropped + report.n_rejected
    return report.n_submitted == found + report.n_waiting


STEPS = st.lists(
    st.tuples(st.sampled_from(["one", "array", "list"]), st.integers(1, 40)), max_size=12
)


@given(
    steps=STEPS,
    policy=st.sampled_from(["block", "drop_oldest", "reject"]),
    capacity=st.integers(1, 30),
    batch_size=st.integers(1, 50),
    budget=st.sampled_from([0.0, 0.001]),
)
def test_every_event_is_accounted_for(
    steps: list[tuple[str, int]], policy: str, capacity: int, batch_size: int, budget: float
) -> None:
    collector, data = Collector(), events(500, malformed_every=7)
    worker = StreamWorker(
        stream(),
        capacity=capacity,
        when_full=policy,
        batch_size=batch_size,
        latency_budget=budget,
        callback=collector,
    )
    offered = taken = 0
    with worker:
        for kind, number in steps:
            rows = data[offered : offered + number]
            if kind == "one":
                taken += sum(worker.submit(row) for row in rows)
            else:
                taken += worker.submit_many(rows if kind == "array" else list(rows))
            offered += len(rows)
            assert sums_up(worker)
    report = worker.report
    assert sums_up(worker)
    assert (report.n_submitted, report.n_waiting) == (offered, 0)
    assert report.n_rejected == offered - taken
    assert report.n_judged + report.n_malformed == taken - report.n_dropped
    ordinals = collector.ordinals()
    assert len(ordinals) == len(set(ordinals)) == report.n_judged + report.n_malformed
    if policy == "block":
        assert ordinals == list(range(offered))
        assert report.n_malformed == offered // 7


def test_verdicts_are_those_of_the_stream_alone_in_the_order_of_submission() -> None:
    collector, data = Collector(), events(2000)
    with StreamWorker(stream(adaptive=True), callback=collector, batch_size=37) as worker:
        worker.submit_many(data[:700])
        for row in data[700:900]:
            worker.submit(row)
        worker.submit_many(list(data[900:]))
    expected = stream(adaptive=True).process_batch(data)
    found = [verdict for each in collector.results for verdict in each.verdicts]
    assert without_latency(found) == without_latency(expected)


@pytest.mark.parametrize("policy", ["block", "drop_oldest", "reject"])
def test_threads_that_submit_together_lose_nothing(policy: str) -> None:
    collector, data = Collector(), events(3000, malformed_every=11)
    taken = [0] * 4

    def submit(place: int) -> None:
        for start in range(0, 500, 5):
            if place % 2:
                taken[place] += worker.submit_many(data[start : start + 5])
            else:
                taken[place] += sum(worker.submit(row) for row in data[start : start + 5])

    worker = StreamWorker(stream(), capacity=50, when_full=policy, callback=collector)
    with worker:
        threads = [threading.Thread(target=submit, args=[place]) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    report = worker.report
    assert sums_up(worker)
    assert (report.n_submitted, report.n_rejected) == (2000, 2000 - sum(taken))
    assert len(collector.ordinals()) == 2000 - report.n_rejected - report.n_dropped


def test_events_of_one_thread_keep_their_order_beside_those_of_others() -> None:
    collector = Collector()
    with StreamWorker(stream(), capacity=7, batch_size=3, callback=collector) as worker:

        def submit(who: int) -> None:
            for number in range(200):
                worker.submit([1, 2, 3], about={"who": who, "number": number})

        threads = [threading.Thread(target=submit, args=[who]) for who in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    about = [each for results in collector.results for each in results.about]
    for who in range(3):
        assert [each["number"] for each in about if each["who"] == who] == list(range(200))


def test_a_caller_may_use_its_array_again() -> None:
    collector = Collector()
    with StreamWorker(stream(), callback=collector, latency_budget=0.05) as worker:
        row, block = np.ones(3), np.ones((4, 3))
        worker.submit(row)
        worker.submit_many(block)
        row[:], block[:] = np.nan, np.nan
    assert worker.report.n_judged == 5


def test_a_frame_is_judged_by_its_names() -> None:
    names = ["pt", "eta", "phi"]
    data = pd.DataFrame(events(50), columns=names)
    collector = Collector()
    with StreamWorker(stream(names=names), callback=collector) as worker:
        worker.submit_many(data[["phi", "pt", "eta"]])
        with pytest.raises(DataError, match="'phi'"):
            worker.submit_many(data[["pt", "eta"]])
    np.testing.assert_array_equal(collector.results[0].events, data.to_numpy())
    with StreamWorker(stream(), callback=collector) as unnamed:
        unnamed.submit_many(data)
    np.testing.assert_array_equal(collector.results[1].events, data.to_numpy())


@pytest.mark.parametrize(
    "one",
    [{"pt": 1.0}, "text", np.ones(3), Malformed("no", "text")],
    ids=lambda one: str(type(one)),
)
def test_one_event_given_as_many_is_refused(one: Any) -> None:
    with StreamWorker(stream()) as worker, pytest.raises(UsageError, match="submit takes one"):
        worker.submit_many(one)


def test_positions_must_be_as_many_as_events() -> None:
    with StreamWorker(stream()) as worker:
        with pytest.raises(UsageError, match="found 2 positions for 3 events"):
            worker.submit_many(np.ones((3, 3)), positions=[1, 2])
        assert worker.submit_many(np.ones((3, 3)), positions=np.arange(3)) == 3
        assert worker.submit_many([]) == 0
    assert worker.position == 2
    assert type(worker.position) is int


def test_the_position_is_behind_the_last_event_even_if_that_is_malformed() -> None:
    with StreamWorker(stream()) as worker:
        worker.submit([1, 2, 3], position={"file": "a", "row": 5})
        worker.submit("bad", position={"file": "a", "row": 6})
    assert worker.position == {"file": "a", "row": 6}
    with StreamWorker(stream()) as worker:
        worker.submit_many([[1, 2, 3], "bad"])
        worker.submit([1, 2, 3])
    assert worker.position == 3


def test_malformed_events_are_reported_with_their_reasons() -> None:
    with StreamWorker(stream()) as worker:
        for _ in range(150):
            worker.submit("bad")
        worker.submit_many([[1, 2, 3], Malformed("no JSON", "{")], about=[None, {"line": 2}])
    report = worker.report
    assert (report.n_malformed, len(report.malformed)) == (151, 100)
    assert report.malformed[-1] == (151, 152, {"line": 2}, "no JSON", "{")


def test_an_event_is_judged_within_the_latency_budget() -> None:
    collector = Collector()
    with StreamWorker(stream(), callback=collector, latency_budget=0.01) as worker:
        worker.submit([1, 2, 3])
        assert collector.is_inside.wait(LONG)
        while not collector.results:
            time.sleep(0.001)


def test_events_that_wait_are_judged_together() -> None:
    collector = Collector()
    with StreamWorker(stream(), callback=collector, batch_size=8) as worker:
        worker.submit_many(events(64))
    assert worker.report.n_batches == 8
    assert [len(each) for each in collector.results] == [8] * 8


def test_stopping_without_drain_drops_what_waits() -> None:
    collector = Collector()
    collector.may_go_on.clear()
    worker = StreamWorker(stream(), callback=collector, batch_size=5).start()
    worker.submit_many(events(5))
    assert collector.is_inside.wait(LONG)
    worker.submit_many(events(20))
    threading.Timer(0.05, collector.may_go_on.set).start()
    worker.stop(drain=False)
    report = worker.report
    assert (report.n_judged, report.n_dropped, worker.position) == (5, 20, 5)
    assert sums_up(worker)


def test_stopping_gives_up_after_the_timeout_and_can_be_asked_again() -> None:
    collector = Collector()
    collector.may_go_on.clear()
    worker = StreamWorker(stream(), callback=collector).start()
    worker.submit([1, 2, 3])
    with pytest.raises(WorkerError, match=r"has not ended after 0.01 s: 1 events wait"):
        worker.stop(timeout=0.01)
    collector.may_go_on.set()
    worker.stop()
    worker.stop()
    assert worker.report.n_judged == 1


def test_a_stopped_worker_takes_nothing() -> None:
    with StreamWorker(stream()) as worker:
        pass
    for submit in (worker.submit, worker.submit_many):
        with pytest.raises(WorkerError, match="was stopped"):
            submit([[1, 2, 3]])
    with pytest.raises(UsageError, match="started once"):
        worker.start()


def test_a_worker_that_was_not_started_says_so() -> None:
    worker = StreamWorker(stream())
    with pytest.raises(UsageError, match="not started"):
        worker.submit([1, 2, 3])
    worker.stop()


def test_a_worker_can_be_stopped_from_its_callback() -> None:
    worker = StreamWorker(stream(), callback=lambda _: worker.stop(), batch_size=2)
    worker.start()
    with pytest.raises(WorkerError, match="was stopped"):
        for_ever(worker.submit, [1, 2, 3])
    worker.stop()
    assert sums_up(worker)
    assert worker.report.n_waiting == 0


class FailingSink(JSONLinesSink):
    """A sink whose disk is full after some batches."""

    n_left = 3

    def write(self, results: Results) -> None:
        if not self.n_left:
            raise OSError(28, "No space left on device")
        self.n_left -= 1
        super().write(results)


def fail(results: Results) -> None:
    del results
    raise ZeroDivisionError("in the callback")


@pytest.mark.parametrize("how", ["submit", "submit_many", "blocked"])
def test_a_full_disk_stops_the_worker_and_whoever_submits_is_told(how: str, tmp_path: Path) -> None:
    worker = StreamWorker(
        stream(), sink=FailingSink(tmp_path / "a"), batch_size=10, capacity=20, latency_budget=0
    ).start()
    submit, argument = {
        "submit": (worker.submit, [1, 2, 3]),
        "submit_many": (worker.submit_many, events(15)),
        "blocked": (worker.submit_many, events(10_000)),
    }[how]
    with pytest.raises(WorkerError, match=r"OSError.*No space left on device.*stays") as caught:
        for_ever(submit, argument)
    assert isinstance(caught.value.__cause__, OSError)
    for _ in range(2):
        with pytest.raises(WorkerError, match="No space left"):
            worker.stop()
    assert sums_up(worker)
    assert worker.report.n_waiting > 0


def test_an_error_in_the_callback_is_told_by_stop() -> None:
    worker = StreamWorker(stream(), callback=fail).start()
    worker.submit([1, 2, 3])
    with pytest.raises(WorkerError, match="ZeroDivisionError: in the callback") as caught:
        worker.stop()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_with_statement_tells_the_failure_when_nothing_else_went_wrong() -> None:
    with (
        pytest.raises(WorkerError, match="in the callback"),
        StreamWorker(stream(), callback=fail) as worker,
    ):
        worker.submit([1, 2, 3])


def interrupted(worker: StreamWorker) -> None:
    with worker:
        worker.submit_many(events(1000))
        raise KeyboardInterrupt


def test_a_with_statement_judges_what_waits_when_something_else_goes_wrong() -> None:
    for callback, n_judged in ((None, 1000), (fail, 0)):
        worker = StreamWorker(stream(), callback=callback)
        with pytest.raises(KeyboardInterrupt):
            interrupted(worker)
        assert worker.report.n_judged == n_judged


def test_a_sink_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    worker = StreamWorker(stream(), sink=JSONLinesSink(tmp_path / "missing" / "a"))
    with pytest.raises(UsageError, match="create it first"):
        worker.start()
    worker.stop()
    assert not any(thread.name == "skdqm-worker" for thread in threading.enumerate())


def test_no_thread_is_left_and_none_holds_the_interpreter() -> None:
    with StreamWorker(stream()) as worker:
        (thread,) = [each for each in threading.enumerate() if each.name == "skdqm-worker"]
        assert thread.daemon
        worker.submit([1, 2, 3])
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"when_full": "drop"}, "'block', 'drop_oldest' or 'reject'"),
        ({"capacity": 0}, "capacity=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"latency_budget": -1}, "latency_budget=-1"),
        ({"checkpoint_every": float("nan")}, "checkpoint_every=nan"),
        ({"sink": 5}, "expected a Sink"),
    ],
    ids=str,
)
def test_impossible_arguments_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StreamWorker(stream(), **wrong)


def test_sinks_are_committed_even_without_a_checkpoint(tmp_path: Path) -> None:
    committed = threading.Event()

    class Watched(JSONLinesSink):
        def commit(self) -> Any:
            committed.set()
            return super().commit()

    sink = Watched(tmp_path / "a", ["good", "anomaly"])
    with StreamWorker(stream(), sink=sink, checkpoint_every=0.01) as worker:
        worker.submit_many(events(10))
        assert committed.wait(LONG)
    assert len(read(sink)) == 10
    assert worker.report.n_checkpoints == 0


def test_several_sinks_are_written(tmp_path: Path) -> None:
    flagged = JSONLinesSink(tmp_path / "alarms", ["anomaly"])
    malformed = JSONLinesSink(tmp_path / "malformed", ["malformed"])
    with StreamWorker(stream(), sink=[flagged, malformed]) as worker:
        worker.submit_many(events(400, malformed_every=10), about=[{"run": 1}] * 400)
    assert len(read(flagged)) == worker.report.n_anomalies > 0
    assert [each["ordinal"] for each in read(malformed)] == list(range(9, 400, 10))
    assert all(each["about"] == {"run": 1} for each in without_time(read(flagged)))
