"""What only a process of its own can show: growing files, pipes, kills, a terminal."""

import os
import random
import signal
import subprocess
import time

import pytest

from tests.cli.watched import (
    ANOMALIES,
    events,
    json_lines,
    numbers,
    records_in,
    start,
    until,
    write_model,
)
from tests.streaming.kafka import running_broker

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of another kind")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("watched") / "model.skdqm")


def n_lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def test_killed_at_any_moment_it_loses_and_repeats_no_alarm_of_a_growing_file(run, model, tmp_path):
    path, alarms, malformed = (tmp_path / f"{name}.jsonl" for name in ("events", "alarms", "bad"))
    words = [path, "-m", model, "--adaptive", "conformal", "-b", 16]
    kept = ["-a", alarms, "--malformed", malformed]
    kept += ["--checkpoint", tmp_path / "checkpoint", "--checkpoint-every", 0.02]
    # More than is written until the last kill.
    lines = json_lines(events()).splitlines(keepends=True) * 20
    lines[100:100] = ["no event\n"]
    text, draw = "".join(lines), random.Random(0)  # noqa: S311
    path.touch()

    def write(n_bytes):
        """Write the next bytes, which may end in the middle of a line."""
        with path.open("a") as file:
            file.write(text[path.stat().st_size :][:n_bytes])

    checkpoint = tmp_path / "checkpoint"
    for _ in range(2):
        seen, n_before = set(), n_lines(alarms)
        with start(*words, *kept) as process:
            # Some checkpoints after it began, and anywhere behind the last one.
            while n_lines(alarms) < n_before + 2 or len(seen) < 4:
                assert process.poll() is None, process.communicate()
                seen |= {checkpoint.stat().st_mtime_ns} if checkpoint.exists() else set()
                write(draw.randint(1, 300))
                time.sleep(0.01)
            process.kill()
    write(len(text))
    code, _, err = run("watch", *words, *kept, "--no-follow")
    assert code == 0
    assert "going on after" in err
    assert "truncated" not in err
    assert run("watch", *words, "-a", tmp_path / "whole.jsonl", "--no-follow").code == 0
    found, expected = records_in(alarms), records_in(tmp_path / "whole.jsonl")
    for record in [*found, *expected]:
        del record["time"]
    assert found == expected
    assert set(ANOMALIES) <= {record["number"] for record in found}
    assert [record["about"]["line"] for record in records_in(malformed)] == [101]


def test_alarms_of_a_pipe_are_printed_at_once_and_a_reader_that_goes_away_is_no_error(model):
    frame = events()
    with start("-", "-m", model, "-q", stdin=subprocess.PIPE) as process:
        process.stdin.write(frame[:8].to_csv(index=False))
        process.stdin.flush()
        assert '"number": 7' in process.stdout.readline()
        process.stdout.close()
        process.stdin.write(frame[8:].to_csv(index=False, header=False))
        process.stdin.flush()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141


def test_in_a_terminal_it_shows_how_the_stream_fares_until_sigterm(model, tmp_path):
    pty = pytest.importorskip("pty")
    events().to_csv(tmp_path / "events.csv", index=False)
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    words = [tmp_path / "events.csv", "-m", model]
    with start(*words, stderr=slave, env=environment) as process:
        os.close(slave)
        alarms = [process.stdout.readline() for _ in ANOMALIES]
        shown = os.read(master, 65536).decode()
        while "1.667%, promised 0.100%" not in shown:
            shown += os.read(master, 65536).decode()
        process.send_signal(signal.SIGTERM)
        shown += _read_all(master)
        assert process.wait(timeout=60) == 143
    assert numbers("".join(alarms)) == ANOMALIES
    for text in ("flagged", "p99", "event 556 (events.csv line 558", "watched 600 events"):
        assert text in shown
    assert "Traceback" not in shown


def _read_all(descriptor):
    found = b""
    try:
        while piece := os.read(descriptor, 65536):
            found += piece
    except OSError:  # how a terminal ends
        pass
    return found.decode()


def test_killed_it_loses_and_repeats_no_alarm_of_a_kafka_topic(run, model, tmp_path):
    """Against the broker that librdkafka has built in, over TCP; it lives in this process."""
    alarms = tmp_path / "alarms.jsonl"
    rows = events().to_dict("records")
    with running_broker() as broker:
        words = [broker.url, "-m", model, "-a", alarms, "-b", 16]
        words += ["--checkpoint", tmp_path / "c", "--checkpoint-every", 0.02]
        for place, row in enumerate(rows[:300]):
            broker.send({**row, "id": place}, partition=place % 3)
        with start(*words) as process:
            until(lambda: n_lines(alarms) >= 3 or process.poll() is not None)
            time.sleep(0.2)
            process.kill()
        for place, row in enumerate(rows[300:], start=300):
            broker.send({**row, "id": place}, partition=place % 3)
        code, _, err = run("watch", *words, "--no-follow")
        assert code == 0
        assert "going on after" in err
    found = records_in(alarms)
    assert sorted(record["about"]["id"] for record in found) == ANOMALIES
    assert {record["about"]["partition"] for record in found} == {0, 1, 2}
    assert len({record["ordinal"] for record in found}) == len(found)
