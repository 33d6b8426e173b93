import asyncio
import threading
from typing import Any

import pytest

from skdqm.exceptions import UsageError, WorkerError
from skdqm.streaming import Results, StreamWorker, Verdict
from tests.streaming.workers import events, stream, without_latency

LONG = 30.0


async def collected(verdicts: Any) -> list[Verdict]:
    return [verdict async for verdict in verdicts]


async def collected_into(found: list[Verdict], verdicts: Any) -> None:
    while True:
        found.append(await anext(verdicts))


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, LONG))


def test_every_verdict_is_read_in_order_while_events_are_submitted() -> None:
    async def main() -> list[Verdict]:
        async with StreamWorker(stream(), capacity=20, batch_size=7) as worker:
            reader = asyncio.create_task(collected(worker.verdicts()))
            for row in events(500):
                assert await worker.asubmit(row)
        return await reader

    expected = stream().process_batch(events(500))
    assert without_latency(run(main())) == without_latency(expected)


def test_a_slow_reader_holds_the_worker_back_and_misses_nothing() -> None:
    async def main() -> tuple[int, int]:
        worker = StreamWorker(stream(), capacity=10, batch_size=5, latency_budget=0)
        async with worker:
            verdicts = worker.verdicts()
            submitting = asyncio.create_task(asyncio.to_thread(worker.submit_many, events(200)))
            await asyncio.sleep(0.2)
            n_before = worker.report.n_judged
            assert not submitting.done()
            for _ in range(200):
                await anext(verdicts)
            assert await submitting == 200
        return n_before, worker.report.n_unread

    n_before, n_unread = run(main())
    assert n_before <= 15
    assert n_unread == 0


@pytest.mark.parametrize("policy", ["drop_oldest", "reject"])
def test_a_slow_reader_misses_the_oldest_where_nothing_waits(policy: str) -> None:
    async def main() -> tuple[list[Verdict], int]:
        worker = StreamWorker(stream(), capacity=10, batch_size=5, when_full=policy)
        async with worker:
            verdicts = worker.verdicts()
            for row in events(100):
                while worker.report.n_waiting > 5:
                    await asyncio.sleep(0.001)
                worker.submit(row)
            while worker.report.n_waiting:
                await asyncio.sleep(0.001)
        return await collected(verdicts), worker.report.n_unread

    found, n_unread = run(main())
    assert n_unread > 0
    assert len(found) + n_unread == 100
    assert [verdict.number for verdict in found] == list(range(n_unread, 100))


def test_a_reader_that_never_reads_does_not_hold_up_the_end() -> None:
    async def main() -> tuple[StreamWorker, list[Verdict]]:
        async with StreamWorker(stream(), capacity=10, batch_size=5) as worker:
            verdicts = worker.verdicts()
            await asyncio.to_thread(worker.submit_many, events(15))
        return worker, await collected(verdicts)

    worker, found = run(main())
    assert worker.report.n_judged == len(found) == 15


def test_a_reader_that_is_left_is_forgotten() -> None:
    async def main() -> StreamWorker:
        async with StreamWorker(stream(), capacity=10, batch_size=5) as worker:
            worker.verdicts()
            verdicts = worker.verdicts()
            await worker.asubmit([1, 2, 3])
            async for _ in verdicts:
                break
            del verdicts
            for row in events(300):
                await worker.asubmit(row)
        return worker

    assert run(main()).report.n_judged == 301


def test_two_readers_get_the_same() -> None:
    async def main() -> list[list[Verdict]]:
        async with StreamWorker(stream()) as worker:
            readers = [asyncio.create_task(collected(worker.verdicts())) for _ in range(2)]
            await asyncio.sleep(0)
            worker.submit_many(events(50))
        return await asyncio.gather(*readers)

    first, second = run(main())
    assert without_latency(first) == without_latency(second)
    assert len(first) == 50


def test_a_reader_of_an_ended_worker_ends_at_once() -> None:
    async def main() -> list[Verdict]:
        async with StreamWorker(stream()) as worker:
            worker.submit_many(events(50))
        return await collected(worker.verdicts())

    assert run(main()) == []


def test_a_reader_is_told_of_a_failure_after_the_last_verdict() -> None:
    def fail_at_second(results: Results) -> None:
        if results.verdicts.first:
            raise ZeroDivisionError("in the callback")

    async def main() -> int:
        worker = StreamWorker(stream(), batch_size=5, callback=fail_at_second).start()
        verdicts = worker.verdicts()
        worker.submit_many(events(10))
        found: list[Verdict] = []
        with pytest.raises(WorkerError, match="in the callback"):
            await collected_into(found, verdicts)
        return len(found)

    assert run(main()) == 5


def test_a_task_that_waits_for_room_is_told_of_a_failure() -> None:
    entered, may_go_on = threading.Event(), threading.Event()

    def fail(results: Results) -> None:
        del results
        entered.set()
        assert may_go_on.wait(LONG)
        raise ZeroDivisionError("in the callback")

    async def main() -> None:
        worker = StreamWorker(stream(), capacity=1, latency_budget=0, callback=fail).start()
        await worker.asubmit([1, 2, 3])
        await asyncio.to_thread(entered.wait, LONG)
        await worker.asubmit([1, 2, 3])
        waiting = asyncio.create_task(worker.asubmit([1, 2, 3]))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        may_go_on.set()
        with pytest.raises(WorkerError, match="in the callback"):
            await waiting

    run(main())


def test_a_cancelled_main_task_ends_with_all_judged() -> None:
    async def main(worker: StreamWorker) -> None:
        async with worker:
            for row in events(100):
                await worker.asubmit(row)
            await asyncio.sleep(LONG)

    async def cancel() -> StreamWorker:
        worker = StreamWorker(stream())
        task = asyncio.create_task(main(worker))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return worker

    worker = run(cancel())
    assert worker.report.n_judged == 100
    assert not any(thread.name == "skdqm-worker" for thread in threading.enumerate())


def test_other_tasks_have_their_turn_while_verdicts_are_read() -> None:
    async def main() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        async with StreamWorker(stream(), batch_size=10) as worker:
            verdicts = worker.verdicts()
            worker.submit_many(events(1000))
            while worker.report.n_waiting:
                await asyncio.sleep(0.001)
            ticking = asyncio.create_task(tick())
            for _ in range(1000):
                await anext(verdicts)
            ticking.cancel()
        return ticks

    assert run(main()) >= 50


def test_a_loop_that_is_gone_does_not_trouble_the_worker() -> None:
    worker = StreamWorker(stream(), capacity=10).start()
    kept: list[Any] = []

    async def subscribe() -> None:
        kept.append(worker.verdicts())

    asyncio.run(subscribe())
    worker.submit_many(events(5))
    worker.stop()
    assert worker.report.n_judged == 5


def test_a_reader_needs_an_event_loop() -> None:
    with StreamWorker(stream()) as worker, pytest.raises(UsageError, match="event loop"):
        worker.verdicts()
