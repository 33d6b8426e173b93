import asyncio
import time
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import WorkerError
from skdqm.streaming._queue import Chunk, EventQueue

POLICIES = ["block", "drop_oldest", "reject"]
LONG, AT_ONCE = 30.0, 0.0


def chunk(*events: Any) -> Chunk:
    return Chunk(list(events), [f"after {event}" for event in events])


def content(chunks: list[Chunk]) -> list[Any]:
    return [event for each in chunks for event in each.events]


@given(
    st.sampled_from(POLICIES),
    st.integers(1, 6),
    st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=30),
)
def test_every_event_is_taken_dropped_or_rejected_in_order(
    policy: str, capacity: int, steps: list[tuple[bool, int]]
) -> None:
    queue = EventQueue(capacity, policy, first=100)
    entered: list[int] = []
    given_out: list[tuple[int, int]] = []
    n_offered = 0
    for puts, number in steps:
        if puts:
            size = min(number, capacity - len(queue)) if policy == "block" else number
            new = list(range(n_offered, n_offered + size))
            taken = queue.put(chunk(*new))
            entered += new[:taken]
            n_offered += size
        else:
            first, chunks = queue.take(number, AT_ONCE, AT_ONCE)
            given_out += list(enumerate(content(chunks), first))
        assert len(queue) <= capacity
    # An ordinal counts what came in before, dropped events too.
    assert all(entered[ordinal - 100] == event for ordinal, event in given_out)
    assert [ordinal for ordinal, _ in given_out] == sorted({ordinal for ordinal, _ in given_out})
    counts = queue.counts()
    assert counts["n_submitted"] == n_offered
    assert n_offered == len(entered) + counts["n_rejected"]
    assert len(entered) == len(given_out) + counts["n_dropped"] + len(queue)
    assert counts["n_dropped"] == 0 or policy == "drop_oldest"
    assert counts["n_rejected"] == 0 or policy == "reject"


def test_what_belongs_to_an_event_stays_with_it_when_chunks_are_cut() -> None:
    queue = EventQueue(10, "block")
    queue.put(Chunk([1, 2, 3], ["a", "b", "c"], [{"run": 1}, {"run": 2}, {"run": 3}]))
    queue.take(2, AT_ONCE, None)
    _, (rest,) = queue.take(2, AT_ONCE, None)
    assert (rest.events, rest.positions, rest.about) == ([3], ["c"], [{"run": 3}])


def test_the_newest_events_stay_when_more_come_at_once_than_there_is_room() -> None:
    queue = EventQueue(3, "drop_oldest")
    assert queue.put(chunk(*range(10))) == 10
    first, chunks = queue.take(9, AT_ONCE, None)
    assert (first, content(chunks)) == (7, [7, 8, 9])


def test_a_blocked_submitter_goes_on_as_room_comes() -> None:
    queue = EventQueue(2, "block")
    submitter = Thread(target=queue.put, args=[chunk(*range(7))])
    submitter.start()
    found: list[Any] = []
    while len(found) < 7:
        found += content(queue.take(2, AT_ONCE, LONG)[1])
    submitter.join(LONG)
    assert found == list(range(7))


def test_an_event_waits_for_others_no_longer_than_the_budget() -> None:
    queue = EventQueue(10, "block")
    queue.put(chunk(1))
    started = time.monotonic()
    assert content(queue.take(10, 0.05, None)[1]) == [1]
    assert 0.04 < time.monotonic() - started < 5


def test_a_full_batch_does_not_wait() -> None:
    queue = EventQueue(10, "block")
    queue.put(chunk(1, 2))
    assert content(queue.take(2, LONG, None)[1]) == [1, 2]


def test_events_that_arrive_while_one_waits_are_taken_with_it() -> None:
    queue = EventQueue(10, "block")
    queue.put(chunk(1))
    later = Thread(target=lambda: (time.sleep(0.02), queue.put(chunk(2))))
    later.start()
    assert content(queue.take(2, LONG, None)[1]) == [1, 2]
    later.join()


def test_taking_gives_up_after_the_timeout() -> None:
    assert EventQueue(1, "block").take(1, LONG, 0.01) == (0, [])


def test_closing_wakes_whoever_waits() -> None:
    full, empty = EventQueue(1, "block"), EventQueue(1, "block")
    full.put(chunk(1))
    errors: list[WorkerError] = []

    def submit() -> None:
        with pytest.raises(WorkerError, match="it was stopped") as caught:
            full.put(chunk(2))
        errors.append(caught.value)

    waiting = [Thread(target=submit), Thread(target=empty.take, args=[1, LONG, None])]
    for thread in waiting:
        thread.start()
    for queue in (full, empty):
        queue.close(WorkerError("it was stopped"))
    for thread in waiting:
        thread.join(LONG)
        assert not thread.is_alive()
    assert len(errors) == 1
    assert not full.is_done
    assert empty.is_done


def test_the_first_reason_to_close_stays() -> None:
    queue = EventQueue(1, "reject")
    for reason in ("the disk is full", "it was stopped"):
        queue.close(WorkerError(reason))
    with pytest.raises(WorkerError, match="the disk is full"):
        queue.put(chunk(1))


def test_a_task_waits_for_room_without_blocking_its_loop() -> None:
    async def main() -> list[Any]:
        queue = EventQueue(1, "block")
        await queue.aput(chunk(1))
        task = asyncio.create_task(queue.aput(chunk(2)))
        await asyncio.sleep(0.01)
        assert not task.done()
        found = content(queue.take(1, AT_ONCE, None)[1])
        assert await asyncio.wait_for(task, LONG) == 1
        return found + content(queue.take(1, AT_ONCE, None)[1])

    assert asyncio.run(main()) == [1, 2]


def test_a_cancelled_task_has_submitted_nothing() -> None:
    async def main() -> EventQueue:
        queue = EventQueue(1, "block")
        await queue.aput(chunk(1))
        task = asyncio.create_task(queue.aput(chunk(2)))
        await asyncio.sleep(0)
        task.cancel()
        queue.take(1, AT_ONCE, None)
        with pytest.raises(asyncio.CancelledError):
            await task
        return queue

    queue = asyncio.run(main())
    assert len(queue) == 0
    assert queue.counts()["n_submitted"] == 1


def test_room_for_a_task_whose_loop_is_gone_troubles_nobody() -> None:
    queue = EventQueue(1, "block")

    async def leave() -> None:
        await queue.aput(chunk(1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.aput(chunk(2)), 0.001)
        queue._future_of_room()

    asyncio.run(leave())
    assert content(queue.take(1, AT_ONCE, None)[1]) == [1]


@pytest.mark.parametrize("policy", ["drop_oldest", "reject"])
def test_a_task_never_waits_where_nothing_blocks(policy: str) -> None:
    queue = EventQueue(1, policy)
    taken = [asyncio.run(queue.aput(chunk(event))) for event in (1, 2)]
    assert taken == ([1, 1] if policy == "drop_oldest" else [1, 0])


def test_what_waits_can_be_dropped() -> None:
    queue = EventQueue(5, "block")
    queue.put(chunk(1, 2, 3))
    queue.drop_all()
    assert len(queue) == 0
    assert queue.counts()["n_dropped"] == 3
