import gc
import os
import signal
import sqlite3
import threading
from types import SimpleNamespace

import h5py
import pandas as pd
import pytest

from skdqm.cli import _watch_run, _watch_signals, _watch_sinks, _watch_view
from skdqm.persistence import load
from tests.cli.watched import (
    ANOMALIES,
    FEATURES,
    N_EVENTS,
    events,
    good_rows,
    json_lines,
    numbers,
    records_in,
    until,
    write_model,
)
from tests.exact import read_csv


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("watched") / "model.skdqm")


@pytest.fixture
def table(tmp_path):
    events().to_csv(tmp_path / "events.csv", index=False)
    return tmp_path / "events.csv"


@pytest.fixture
def watch(run, model):
    def watch(source, *words, follow=False):
        follows = [] if follow else ["--no-follow"]
        return run("watch", source, "--model", model, *follows, *words)

    return watch


def test_flagged_events_are_printed_as_json_lines_with_what_is_known_of_them(watch, table, model):
    code, out, err = watch(table)
    assert code == 0
    records = records_in(out)
    assert [record["number"] for record in records] == ANOMALIES
    scores = -load(model).score_samples(events()[FEATURES])
    for record in records:
        event = events().iloc[record["number"]]
        assert record["about"] == {
            "file": "events.csv",
            "line": record["number"] + 2,
            "run": event["run"],
            "lumisection": event["lumisection"],
        }
        assert record["features"] == pytest.approx(dict(event[FEATURES]), abs=0)
        assert record["anomaly_score"] == scores[record["number"]] > record["threshold"]
        assert record["p_value"] == 0.001
    assert f"watched {N_EVENTS} events" in err
    assert f"{len(ANOMALIES)} flagged (1.667%, promised 0.100%)" in err


@pytest.mark.parametrize("name", ["e.jsonl", "e.h5", "folder", "e.parquet"])
def test_every_source_gives_the_same_alarms(watch, tmp_path, name):
    frame = events()
    if name == "e.h5":
        with h5py.File(tmp_path / name, "w") as file:
            for column in frame:
                file[column] = frame[column]
    elif name == "folder":
        (tmp_path / name).mkdir()
        frame[:200].to_csv(tmp_path / name / "ls9.csv", index=False)
        frame[200:400].to_parquet(tmp_path / name / "ls10.parquet")
        (tmp_path / name / "ls11.jsonl").write_text(json_lines(frame[400:]))
    elif name == "e.parquet":
        frame.to_parquet(tmp_path / name)
    else:
        (tmp_path / name).write_text(json_lines(frame))
    code, out, _ = watch(tmp_path / name)
    assert (code, numbers(out)) == (0, ANOMALIES)
    assert {record["about"]["run"] for record in records_in(out)} == {301, 302}


def test_a_real_table_that_grows_gives_the_alarms_of_a_pass_over_the_whole(
    run, shared_data, tmp_path
):
    whole = shared_data("cms_opendata_csv/Zmumu_Run2011A.csv")
    names = "pt1,eta1,dxy1,iso1,pt2,eta2,dxy2,iso2"
    words = ["-d", "histogram", "--columns", names, "--rows", 3000, "--alarm-rate", 0.01, "-q"]
    assert run("train", whole, "-o", tmp_path / "m", *words).code == 0
    assert run("score", tmp_path / "m", whole, "-o", tmp_path / "s.csv", "--flags").code == 0
    expected = read_csv(tmp_path / "s.csv").query("is_anomaly == 1")
    lines = whole.read_bytes().splitlines(keepends=True)
    words = ["-m", tmp_path / "m", "-a", tmp_path / "alarms.jsonl", "--no-follow"]
    words += ["--checkpoint", tmp_path / "checkpoint"]
    for n_lines in (1, 2000, 5000, len(lines)):
        (tmp_path / "grows.csv").write_bytes(b"".join(lines[:n_lines]))
        assert run("watch", tmp_path / "grows.csv", *words).code == 0
    records = records_in(tmp_path / "alarms.jsonl")
    assert [record["number"] for record in records] == expected.index.tolist()
    assert [record["anomaly_score"] for record in records] == expected["anomaly_score"].tolist()
    assert [record["about"]["Event"] for record in records] == expected["Event"].tolist()


def test_what_is_no_event_is_counted_said_and_kept_and_ends_nothing(watch, tmp_path):
    lines = json_lines(events()).splitlines()
    lines[3:3] = ["{", '{"a": 1}', "[1, 2, 3, 4]", '{"a": "x", "b": 1, "c": 2}', '"\udcff"', "7"]
    path, kept = tmp_path / "e.jsonl", tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines), errors="surrogateescape")
    code, out, err = watch(path, "--malformed", kept)
    assert (code, numbers(out)) == (0, ANOMALIES)
    assert "malformed: e.jsonl line 4: not JSON" in err
    assert "malformed: e.jsonl line 6: found an array of 4, the model takes 3" in err
    assert err.count("malformed: e.jsonl") == _watch_run.MOST_SAID
    assert err.count("malformed: more") == 1
    assert "6 malformed, the last: e.jsonl line 9" in err
    records = records_in(kept)
    assert [record["about"]["line"] for record in records] == [4, 5, 6, 7, 8, 9]
    assert all(record["reason"] and record["kind"] == "malformed" for record in records)


@pytest.mark.parametrize("suffix", [".jsonl", ".sqlite", ".parquet"])
def test_a_checkpoint_goes_on_where_it_was_and_alarms_are_there_once(watch, table, suffix):
    alarms = table.with_name(f"alarms{suffix}")
    words = ["--alarms", alarms, "--checkpoint", table.with_name("checkpoint"), "--events", 250]
    results = [watch(table, *words) for _ in range(4)]
    assert [code for code, _, _ in results] == [0] * 4
    assert "watching" in results[0].err
    assert "going on after 250 events" in results[1].err
    assert [" ".join(result.err.splitlines()[1].split()[:2]) for result in results] == [
        "watched 250",
        "watched 250",
        "watched 100",
        "watched 0",
    ]
    assert _numbers(alarms) == ANOMALIES


def _numbers(alarms):
    if alarms.suffix == ".sqlite":
        with sqlite3.connect(alarms) as base:
            return [number for (number,) in base.execute("select number from events order by 1")]
    if alarms.suffix == ".parquet":
        return pd.read_parquet(alarms)["number"].tolist()
    return numbers(alarms)


def test_an_adaptive_threshold_follows_and_its_state_is_in_the_checkpoint(watch, table):
    frame = read_csv(table)
    frame[["a", "b", "c"]] *= 1 + 0.3 * frame.index.to_numpy()[:, None] / N_EVENTS
    frame.to_csv(table, index=False)
    words = ["--adaptive", "quantile", "--alarm-rate", 0.01]
    whole = watch(table, *words, "--alarms", table.with_name("whole.jsonl"))
    assert whole.code == 0
    assert "promised 1.000%" in whole.err
    words += ["--alarms", table.with_name("parts.jsonl")]
    words += ["--checkpoint", table.with_name("checkpoint"), "--events", 211]
    assert [watch(table, *words).code for _ in range(3)] == [0] * 3
    parts = [records_in(table.with_name(f"{name}.jsonl")) for name in ("whole", "parts")]
    for record in [*parts[0], *parts[1]]:
        del record["time"]
    assert parts[0] == parts[1]
    assert len({record["threshold"] for record in parts[0]}) > 1


def test_another_alarm_rate_moves_the_threshold(watch, table):
    code, out, err = watch(table, "--alarm-rate", 0.4)
    assert code == 0
    assert set(numbers(out)) > set(ANOMALIES)
    assert "promised 40.000%" in err


def test_the_model_learns_in_the_background_and_goes_on_with_what_it_knows(run, table, tmp_path):
    path = tmp_path / "learns"
    good_rows(900, 3).to_csv(tmp_path / "good.csv", index=False)
    words = ["-d", "autoencoder", "--set", "max_epochs=1", "--alarm-rate", 0.05, "-q"]
    assert run("train", tmp_path / "good.csv", "-o", path, *words).code == 0
    words = ["-m", path, "--no-follow", "--learn-every", 200, "--checkpoint", tmp_path / "c"]
    code, _, err = run("watch", table, *words, "--events", 400)
    assert (code, "warning" in err) == (0, False)
    assert "the model has learned" in err
    code, _, err = run("watch", table, *words)
    assert code == 0
    assert "going on after 400 events" in err


def test_fail_on_anomaly_ends_with_1_only_if_something_was_flagged(watch, table):
    assert watch(table, "--fail-on-anomaly").code == 1
    assert watch(table, "--fail-on-anomaly", "--events", ANOMALIES[0]).code == 0


def test_quiet_says_nothing(watch, table):
    code, out, err = watch(table, "--quiet")
    assert (code, len(out.splitlines()), err) == (0, len(ANOMALIES), "")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--alarms", "a.csv"], ".jsonl .ndjson .sqlite"),
        (["--malformed", "a.csv"], "--malformed a.csv"),
        (["--alarms", "no/such/folder/a.jsonl"], "cannot write into the folder"),
        (["--alarms", "events.csv"], "stands for two files"),
        (["--alarms", "a.jsonl", "--malformed", "a.jsonl"], "stands for two files"),
        (["--checkpoint", "no/such/folder/c"], "cannot write into the folder"),
        (["--alarm-rate", "2"], "--alarm-rate 2.0"),
        (["--adaptive", "magic"], "--adaptive"),
        (["--alarm-rate", "0.0001"], "an alarm rate of 0.0001 needs"),
        (["--learn-every", "1"], "learn"),
    ],
)
def test_options_that_make_no_sense_end_in_one_line(watch, table, monkeypatch, words, hint):
    monkeypatch.chdir(table.parent)
    code, out, err = watch("events.csv", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert hint in err


@pytest.mark.parametrize(
    ("source", "code", "hint"),
    [
        ("no.csv", 3, "no.csv: no such file"),
        ("no/such/events.csv", 3, "there is no folder"),
        ("other.csv", 3, "other.csv: the features 'a', 'b', 'c' of the model are missing"),
        ("numbers.csv", 3, "looks like data"),
        ("kafka://broker", 2, "expected kafka://broker:port/topic"),
    ],
)
def test_sources_that_cannot_be_read_end_in_one_line(
    watch, tmp_path, monkeypatch, source, code, hint
):
    pytest.importorskip("confluent_kafka")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("x\n1\n")
    (tmp_path / "numbers.csv").write_text("1,2,3\n")
    found, out, err = watch(source, "--quiet")
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert hint in err


def test_a_model_that_is_not_calibrated_cannot_promise(run, table, tmp_path):
    path = write_model(tmp_path / "m", calibrated=False)
    for words in (["--adaptive", "extreme"], ["--alarm-rate", 0.1]):
        code, _, err = run("watch", table, "-m", path, "--no-follow", *words)
        assert code == 2
        assert f"{words[0]}: {path} is not calibrated" in err
    assert run("watch", table, "-m", path, "--no-follow").code == 0


@pytest.fixture
def uncollected():
    """Keep what nobody has let go of."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_checkpoint_of_another_source_or_model_is_refused(run, watch, table, tmp_path):
    checkpoint = ["--checkpoint", tmp_path / "c"]
    assert watch(table, *checkpoint).code == 0
    events().to_parquet(tmp_path / "e.parquet")
    code, _, err = watch(tmp_path / "e.parquet", *checkpoint)
    assert code == 3
    assert "is no position in" in err
    assert watch(table, *checkpoint).code == 0
    other = write_model(tmp_path / "m", calibrated=False)
    code, _, err = run("watch", table, "-m", other, "--no-follow", *checkpoint)
    assert code == 3
    assert "another model" in err


@pytest.fixture
def interruptible():
    """Let Control-C interrupt, though whoever started the tests may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_it_after_all_that_came_was_judged(watch, table, name, code):
    number = getattr(signal, name)
    alarms, checkpoint = table.with_name("a.jsonl"), table.with_name("c")
    words = ["--alarms", alarms, "--checkpoint", checkpoint]
    before = signal.getsignal(number)

    def ask():
        until(lambda: alarms.exists() and alarms.read_text().count("\n") == len(ANOMALIES))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=ask)
    thread.start()
    found, _, err = watch(table, *words, follow=True)
    thread.join()
    assert found == code
    assert f"watched {N_EVENTS} events" in err
    assert signal.getsignal(number) == before
    with table.open("a") as file:
        file.write("9,9,9,303,1\n")
    assert watch(table, *words).code == 0
    assert numbers(alarms) == [*ANOMALIES, N_EVENTS]


@pytest.mark.usefixtures("interruptible")
def test_the_second_signal_does_not_wait():
    stopped = []
    with _watch_signals.ends_on_signals(lambda: stopped.append(1)) as request:
        signal.raise_signal(signal.SIGINT)
        assert (stopped, request.code) == ([1], 130)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_ends_when_nothing_has_come_for_a_while(watch, table):
    code, out, _ = watch(table, "--until-idle", 0.3, follow=True)
    assert (code, numbers(out)) == (0, ANOMALIES)


def test_without_a_terminal_a_line_is_said_now_and_then(watch, table, monkeypatch):
    monkeypatch.setattr(_watch_view, "LINE_EVERY", 0.05)
    with table.open("a") as file:
        file.write("no event\n")
    code, _, err = watch(table, "--until-idle", 0.5, follow=True)
    assert code == 0
    lines = [line for line in err.splitlines() if line.startswith(f"{N_EVENTS} events, ")]
    assert lines
    assert "10 flagged (1.667%, promised 0.100%); threshold " in lines[-1]
    assert "1 malformed; 0 waiting" in lines[-1]


class Full:
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_sink_that_fails_ends_it_with_the_reason_though_nothing_more_comes(
    watch, table, monkeypatch
):
    monkeypatch.setattr(_watch_sinks, "sys", SimpleNamespace(stdout=Full()))
    code, _, err = watch(table, follow=True)
    assert code == 3
    assert "No space left on device" in err
    assert "Traceback" not in err
