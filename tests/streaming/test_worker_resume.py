import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skdqm.detectors import AutoencoderDetector, HistogramDetector
from skdqm.exceptions import DataError, ModelFileError, UsageError, WorkerError
from skdqm.persistence import load, save
from skdqm.streaming import (
    JSONLinesSink,
    ParquetSink,
    Results,
    StreamingDetector,
    StreamWorker,
)
from skdqm.streaming._checkpoint import write_checkpoint
from tests.streaming.streams import rows
from tests.streaming.workers import N_FEATURES, SINKS, events, read, stream, without_time

DATA = events(900, malformed_every=50)
SEVERAL = pytest.mark.parametrize("kind", SINKS)


def worker_in(folder: Path, sink: Any = None, judge: Any = None, **parameters: Any) -> StreamWorker:
    judge = stream(adaptive=True) if judge is None else judge
    return StreamWorker(judge, sink=sink, checkpoint=folder / "checkpoint", **parameters)


def uninterrupted(folder: Path, kind: str) -> list[dict[str, Any]]:
    sink: Any = SINKS[kind](folder / "whole")
    with StreamWorker(stream(adaptive=True), sink=sink) as worker:
        worker.submit_many(DATA)
    return without_time(read(sink))


@SEVERAL
def test_a_worker_goes_on_where_the_last_one_was_stopped(kind: str, tmp_path: Path) -> None:
    for stop in (300, 301, 900):
        worker = worker_in(tmp_path, SINKS[kind](tmp_path / "out"))
        with worker:
            worker.submit_many(DATA[worker.position or 0 : stop])
        assert worker.position == stop
        assert worker.report.n_checkpoints > 0
    assert without_time(read(SINKS[kind](tmp_path / "out"))) == uninterrupted(tmp_path, kind)


@SEVERAL
def test_what_came_after_the_last_checkpoint_is_done_again(kind: str, tmp_path: Path) -> None:
    def fail_later(results: Results) -> None:
        if results.ordinals[0] >= 300:
            worker._every = 1e9  # no checkpoint from here on
        if results.ordinals[0] >= 500:
            raise ZeroDivisionError

    sink = SINKS[kind](tmp_path / "out")
    worker = worker_in(tmp_path, sink, callback=fail_later, batch_size=30, checkpoint_every=0)
    worker.start()
    worker.submit_many(DATA)
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        worker.stop()
    again = worker_in(tmp_path, SINKS[kind](tmp_path / "out"))
    assert again.position == 300
    with again:
        again.submit_many(DATA[300:])
    assert without_time(read(sink)) == uninterrupted(tmp_path, kind)


def test_statistics_and_ordinals_go_on(tmp_path: Path) -> None:
    judges = [stream(adaptive=True), stream(adaptive=True)]
    with worker_in(tmp_path, judge=judges[0]) as worker:
        worker.submit_many(DATA[:500])
    seen: list[Results] = []
    with worker_in(tmp_path, judge=judges[1], callback=seen.append) as worker:
        worker.submit_many(DATA[500:])
    whole = stream(adaptive=True)
    whole.process_batch(DATA[np.isfinite(DATA).all(axis=1)])
    found, expected = judges[1].get_statistics(), whole.get_statistics()
    assert (found.n_events, found.n_anomalies) == (expected.n_events, expected.n_anomalies)
    assert found.threshold_history == expected.threshold_history
    assert (found.n_malformed, worker.report.n_malformed) == (18, 8)
    assert seen[0].ordinals[0] == 500


def test_positions_of_the_source_are_kept_as_they_are(tmp_path: Path) -> None:
    position = {"file": "b.csv", "offsets": [1, 2.5, None], "deep": {"é": True}}
    with worker_in(tmp_path) as worker:
        worker.submit([1, 2, 3], position=position)
    assert worker_in(tmp_path).position == position


def test_an_idle_worker_writes_its_checkpoint(tmp_path: Path) -> None:
    written = threading.Event()
    worker = worker_in(tmp_path, checkpoint_every=0.01)
    keep = worker._keeper.keep

    def watched(position: Any, n_taken: int) -> None:
        keep(position, n_taken)
        if n_taken == 10:
            written.set()

    worker._keeper.keep = watched  # type: ignore[method-assign]
    with worker:
        worker.submit_many(DATA[:10])
        assert written.wait(30)


def test_stopping_without_drain_leaves_the_rest_to_the_next_worker(tmp_path: Path) -> None:
    entered, may_go_on = threading.Event(), threading.Event()

    def hold(results: Results) -> None:
        del results
        entered.set()
        assert may_go_on.wait(30)

    sink = JSONLinesSink(tmp_path / "out")
    worker = worker_in(tmp_path, sink, callback=hold, batch_size=100).start()
    worker.submit_many(DATA)
    assert entered.wait(30)
    threading.Timer(0.05, may_go_on.set).start()
    worker.stop(drain=False)
    assert worker.report.n_dropped == 800
    with worker_in(tmp_path, sink) as again:
        again.submit_many(DATA[again.position :])
    assert without_time(read(sink)) == uninterrupted(tmp_path, "json")


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    with worker_in(tmp_path) as worker:
        worker.submit_many(DATA)
    other = StreamingDetector(HistogramDetector().fit(rows(500, N_FEATURES, seed=9)))
    refused = []  # an error that somebody keeps must not keep the checkpoint locked
    for judge in (other, stream()):
        with pytest.raises(DataError, match="of another model") as caught:
            worker_in(tmp_path, judge=judge)
        refused.append(caught)
    with worker_in(tmp_path) as worker:
        assert worker.position == len(DATA)


def test_a_checkpoint_with_other_sinks_is_refused(tmp_path: Path) -> None:
    with worker_in(tmp_path, JSONLinesSink(tmp_path / "out")):
        pass
    for other in (
        None,
        JSONLinesSink(tmp_path / "another"),
        JSONLinesSink(tmp_path / "out", ["anomaly"]),
        ParquetSink(tmp_path / "out"),
        [JSONLinesSink(tmp_path / "out")] * 2,
    ):
        with pytest.raises(DataError, match="with the sinks"):
            worker_in(tmp_path, other)


def test_a_sink_that_was_removed_is_refused_and_the_checkpoint_stays(tmp_path: Path) -> None:
    sink = JSONLinesSink(tmp_path / "out")
    with worker_in(tmp_path, sink) as worker:
        worker.submit_many(DATA)
    kept = sink.path.read_bytes()
    sink.path.unlink()
    refused = worker_in(tmp_path, sink)
    with pytest.raises(DataError, match="put that file back"):
        refused.start()
    sink.path.write_bytes(kept)
    with worker_in(tmp_path, sink) as worker:
        assert worker.position == 900


def test_a_damaged_checkpoint_is_refused_and_a_new_one_can_be_begun(tmp_path: Path) -> None:
    with worker_in(tmp_path) as worker:
        worker.submit_many(DATA[:100])
    path = tmp_path / "checkpoint"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(DataError, match="is damaged"):
        worker_in(tmp_path)
    path.unlink()
    with worker_in(tmp_path) as worker:
        assert worker.position is None
        worker.submit_many(DATA[:50])
    assert worker.position == 50


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / ".skdqm-partial-0123456789abcdef-checkpoint"
    other = tmp_path / ".skdqm-partial-0123456789abcdef-another"
    for path in (leftover, other):
        path.write_text("half")
    with worker_in(tmp_path):
        pass
    assert not leftover.exists()
    assert other.exists()


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: dict[str, Any]) -> None:
        if content["n_taken"] > 400:
            raise OSError(28, "No space left on device")
        write_checkpoint(path, content)

    monkeypatch.setattr("skdqm.streaming._keeper.write_checkpoint", full)
    sink = JSONLinesSink(tmp_path / "out")
    worker = worker_in(tmp_path, sink, batch_size=30, checkpoint_every=0).start()
    worker.submit_many(DATA)
    with pytest.raises(WorkerError, match="No space left"):
        worker.stop()
    monkeypatch.undo()
    with worker_in(tmp_path, sink) as again:
        assert again.position == 390
        again.submit_many(DATA[390:])
    assert without_time(read(sink)) == uninterrupted(tmp_path, "json")


def test_two_workers_cannot_share_a_checkpoint(tmp_path: Path) -> None:
    with worker_in(tmp_path), pytest.raises(UsageError, match="in use by another worker"):
        worker_in(tmp_path)
    worker_in(tmp_path).stop()
    with worker_in(tmp_path):
        pass


def test_a_checkpoint_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="create it first"):
        worker_in(tmp_path / "missing")


def small_network() -> AutoencoderDetector:
    return AutoencoderDetector(hidden_layer_sizes=(4,), max_epochs=2, random_state=0)


def test_a_model_that_has_learned_goes_on_as_it_was(tmp_path: Path) -> None:
    model, sink = small_network().fit(rows(300, N_FEATURES)), JSONLinesSink(tmp_path / "out")
    save(model, tmp_path / "model.skdqm")
    judge = StreamingDetector(model)
    with worker_in(tmp_path, sink, judge) as worker:
        worker.submit_many(DATA[:200])
        judge.learn(rows(200, N_FEATURES, seed=3)).result()
        worker.submit_many(DATA[200:400])
        judge.learn(rows(200, N_FEATURES, seed=4)).result()
    judge.close()
    again = StreamingDetector(load(tmp_path / "model.skdqm"))
    with worker_in(tmp_path, sink, again) as worker:
        worker.submit_many(DATA[400:])
    assert again.get_statistics().n_models == 3
    np.testing.assert_array_equal(
        again.process_batch(DATA[:10]).anomaly_score, judge.process_batch(DATA[:10]).anomaly_score
    )
    assert [path.name for path in tmp_path.glob("checkpoint.model*")] == [
        "checkpoint.model-3.skdqm"
    ]


def test_a_learned_model_that_is_gone_is_told(tmp_path: Path) -> None:
    judge = StreamingDetector(small_network().fit(rows(300, N_FEATURES)))
    with worker_in(tmp_path, judge=judge):
        judge.learn(rows(200, N_FEATURES, seed=3)).result()
    judge.close()
    (tmp_path / "checkpoint.model-2.skdqm").unlink()
    again = StreamingDetector(small_network().fit(rows(300, N_FEATURES)))
    with pytest.raises(ModelFileError, match="cannot be read"):
        worker_in(tmp_path, judge=again).start()


def test_what_is_being_learned_when_it_stops_is_in_the_last_checkpoint(tmp_path: Path) -> None:
    model = HistogramDetector().fit(rows(500, N_FEATURES))
    with worker_in(tmp_path, judge=StreamingDetector(model, learn_every=100)) as worker:
        worker.submit_many(rows(150, N_FEATURES, seed=1))
    later = StreamingDetector(model, learn_every=100)
    with worker_in(tmp_path, judge=later):
        assert later.get_statistics().n_models == 2
