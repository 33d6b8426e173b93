import json

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm._lumisections import lumisection_index
from skdqm.cli import _monitor_stream
from skdqm.continual import ContinualDetector, _journal
from skdqm.persistence import load, read_metadata, save
from tests.cli.monitor_streams import FAULT, FEATURES, quick_settings, rows

JUDGED = ["anomaly_score", "verdict", "p_value", "status", "expert", "version"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return tmp_path_factory.mktemp("monitor")


@pytest.fixture(scope="module")
def frame():
    return rows(2000, 1, FAULT)


@pytest.fixture(scope="module")
def stream(here, frame):
    frame.to_csv(here / "stream.csv", index=False)
    return here / "stream.csv"


@pytest.fixture(scope="module")
def follower(run, here):
    """A model that follows streams."""
    rows(800, 0).to_parquet(here / "good.parquet", index=False)
    words = ["train", here / "good.parquet", "-o", here / "model", *quick_settings()]
    result = run(*words)
    assert result.code == 0, result.err
    return here / "model"


@pytest.fixture
def monitor(run, follower, stream, tmp_path):
    """Run the command, and return what it prints and its table."""

    def monitor(*options, data=stream, model=follower):
        output = tmp_path / "verdicts.parquet"
        result = run("monitor", data, "-m", model, "-o", output, *options)
        assert result.code == 0, result.err
        return result, pd.read_parquet(output)

    return monitor


@pytest.fixture(scope="module")
def usual(run, follower, stream, here):
    """The messages and the table without any option."""
    words = ["monitor", stream, "-m", follower, "-o", here / "verdicts.parquet"]
    result = run(*words)
    assert result.code == 0, result.err
    return result.err, pd.read_parquet(here / "verdicts.parquet")


def observed(frame, model, y=None, condition=None):
    """Return the detector after the stream, and what it has said of it."""
    detector = load(model)[-1]
    X = frame[FEATURES].set_axis(lumisection_index(frame["run"], frame["lumisection"]))
    return detector, detector.observe(X, y, condition=condition)


def test_the_table_is_what_the_detector_says_of_the_stream(usual, frame, follower):
    err, table = usual
    _, expected = observed(frame, follower)
    assert list(table.columns) == ["row", "place", "run", "lumisection", *JUDGED]
    pd.testing.assert_frame_equal(table[JUDGED], expected.reset_index(drop=True), check_dtype=False)
    np.testing.assert_array_equal(table["row"], np.arange(2000))
    np.testing.assert_array_equal(table[["run", "lumisection"]], frame[["run", "lumisection"]])
    assert set(table["status"]) >= {"normal", "anomaly"}
    assert "monitored 2,000 rows" in err


@pytest.mark.parametrize("size", [77, 1024])
def test_the_size_of_the_batches_changes_nothing(monitor, usual, size):
    _, parts = monitor("-b", size)
    pd.testing.assert_frame_equal(parts, usual[1])


@pytest.mark.parametrize("suffix", ["parquet", "npz"])
def test_the_format_of_the_file_changes_nothing(monitor, usual, frame, tmp_path, suffix):
    path = tmp_path / f"stream.{suffix}"
    if suffix == "npz":
        np.savez(path, **{name: frame[name].to_numpy() for name in frame})
    else:
        frame.to_parquet(path, index=False)
    _, table = monitor(data=path)
    pd.testing.assert_frame_equal(table, usual[1])


def test_every_decision_is_logged_with_its_runs_and_rows(monitor, frame, follower, tmp_path):
    monitor("--log", tmp_path / "log.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    detector, _ = observed(frame, follower)
    assert [{k: v for k, v in line.items() if k != "file_rows"} for line in lines] == json.loads(
        json.dumps(detector.events_)
    )
    held = next(line for line in lines if line["event"] == "held")
    first, last = held["file_rows"]
    assert abs(first - FAULT.start) < 64
    keys = frame[["run", "lumisection"]].to_numpy()
    assert held["lumisections"] == [keys[first].tolist(), keys[last].tolist()]


def test_the_log_is_complete_though_the_detector_forgets(monitor, tmp_path, monkeypatch):
    monkeypatch.setattr(_journal, "MOST_EVENTS", 12)
    monkeypatch.setattr(_monitor_stream, "ROWS_AT_ONCE", 256)
    monitor("--log", tmp_path / "log.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(len(lines)))
    assert len(lines) > 12


def test_the_log_on_standard_output_is_json_and_nothing_else(run, follower, stream):
    code, out, _ = run("monitor", stream, "-m", follower, "--log", "-")
    assert code == 0
    assert {json.loads(line)["event"] for line in out.splitlines()} >= {"learned", "held"}


def test_the_summary_shows_blocks_tickets_and_lumisections(usual):
    err, _ = usual
    assert "status of 63 blocks of 32 rows: normal" in err
    assert "drift was found 1 time;" in err
    (ticket,) = [line.split() for line in err.splitlines() if line.startswith("1  ")]
    assert ticket[1] == "discarded"
    assert ticket[3].startswith(("301:", "302:"))


def test_labels_make_figures_and_are_never_learned(monitor, usual):
    result, table = monitor("--label", "label")
    pd.testing.assert_frame_equal(table.drop(columns="label"), usual[1])
    assert "labels: 200 anomalies, 1,800 good rows" in result.err
    assert "faults of 32 rows or more: 1 of 1 flagged, after 0 rows" in result.err
    area = float(result.err.split("AUC ")[1].split()[0])
    assert area > 0.95


def test_verdicts_are_believed_and_an_empty_one_is_none(monitor, usual, frame, follower, tmp_path):
    y = np.zeros(2000, dtype=int)
    y[FAULT] = 1
    y[:50] = -1
    words = np.where(y == 0, "", y.astype(str))
    frame.assign(shifter=words).to_csv(tmp_path / "said.csv", index=False)
    _, table = monitor("--verdicts", "shifter", data=tmp_path / "said.csv")
    _, expected = observed(frame, follower, y)
    np.testing.assert_array_equal(table["anomaly_score"], expected["anomaly_score"])
    np.testing.assert_array_equal(table["version"], expected["version"])
    assert not np.array_equal(table["anomaly_score"], usual[1]["anomaly_score"])


def test_conditions_reach_the_detector(monitor, frame, follower, tmp_path):
    tags = np.where(np.arange(2000) < 700, "cosmics", "collisions")
    frame.assign(mode=tags).to_parquet(tmp_path / "tagged.parquet", index=False)
    _, table = monitor("--condition", "mode", data=tmp_path / "tagged.parquet")
    _, expected = observed(frame, follower, condition=tags)
    np.testing.assert_array_equal(table["expert"], expected["expert"])
    np.testing.assert_array_equal(table["anomaly_score"], expected["anomaly_score"])


def test_the_next_stream_goes_on_with_the_updated_model(
    run, monitor, usual, frame, follower, tmp_path
):
    whole = usual[1]
    parts, model = [], follower
    for number, part in enumerate([frame[:1100], frame[1100:]]):
        part.to_parquet(tmp_path / f"{number}.parquet", index=False)
        updated = tmp_path / f"model{number}"
        result, table = monitor(
            "--update", updated, data=tmp_path / f"{number}.parquet", model=model
        )
        parts.append(table)
        model = updated
    together = pd.concat(parts, ignore_index=True)
    np.testing.assert_array_equal(together["place"], np.arange(2000))
    for name in ("anomaly_score", "verdict", "expert", "version"):
        np.testing.assert_array_equal(together[name], whole[name])
    assert "the first is 1100" in result.err
    assert [step["n_rows"] for step in read_metadata(model)["updates"]] == [1100, 900]
    facts = json.loads(run("info", model, "--json").out)
    assert (facts["rows_seen"], facts["status"]) == (2000, "normal")
    assert facts["tickets"][0]["state"] == "discarded"
    assert facts["experts"][0]["active"]
    assert "state=discarded" in run("info", model).out


def test_a_stream_may_end_before_the_block_that_an_earlier_one_began(
    monitor, frame, stream, tmp_path
):
    monitor("--update", tmp_path / "m", "--rows", 1100)
    frame[1100:1105].to_csv(tmp_path / "few.csv", index=False)
    words = ("--picture", tmp_path / "p.svg", "-b", 2)
    _, table = monitor(*words, data=tmp_path / "few.csv", model=tmp_path / "m")
    assert table["place"].tolist() == [1100, 1101, 1102, 1103, 1104]
    assert (tmp_path / "p.svg").exists()


def test_inputs_are_never_overwritten(run, follower, stream):
    before = follower.read_bytes()
    for words in (["--update", follower], ["-o", stream], ["--log", stream], ["--log", follower]):
        code, _, err = run("monitor", stream, "-m", follower, *words)
        assert code == 2
        assert "the output is the input" in err or "cannot write" in err
    assert follower.read_bytes() == before


def test_two_outputs_need_two_names(run, follower, stream, tmp_path):
    code, _, err = run("monitor", stream, "-m", follower, "-o", "-", "--log", "-")
    assert code == 2
    assert "both print" in err
    same = tmp_path / "same.csv"
    code, _, err = run("monitor", stream, "-m", follower, "-o", same, "--log", same)
    assert code == 2
    assert "two outputs have this name" in err


def test_without_learning_rows_are_only_judged(monitor, frame, follower):
    _, table = monitor("--no-learn")
    pipeline = load(follower)
    assert "status" not in table
    np.testing.assert_array_equal(table["anomaly_score"], -pipeline.score_samples(frame[FEATURES]))
    np.testing.assert_array_equal(table["verdict"], pipeline.predict(frame[FEATURES]))
    assert set(table["version"]) == {0}


def test_without_learning_nothing_is_decided_or_updated(run, follower, stream, tmp_path):
    words = ["monitor", stream, "-m", follower, "--no-learn", "--update", tmp_path / "new"]
    code, _, err = run(*words, "--log", "-")
    assert code == 2
    assert "leave out --log, --update" in err


def test_fail_on_anomaly_is_about_tickets_and_not_single_rows(run, follower, stream, tmp_path):
    rows(1500, 5).to_csv(tmp_path / "quiet.csv", index=False)
    quiet = ["monitor", tmp_path / "quiet.csv", "-m", follower, "--fail-on-anomaly"]
    result = run(*quiet)
    assert result.code == 0, result.err
    assert "; 0 flagged" not in result.err
    assert run(*quiet, "--no-learn").code == 1
    assert run("monitor", stream, "-m", follower, "--fail-on-anomaly").code == 1
    assert run("monitor", stream, "-m", follower).code == 0


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_is_drawn(monitor, tmp_path, suffix):
    path = tmp_path / f"stream.{suffix}"
    monitor("--picture", path, "--label", "label")
    head = path.read_bytes()[:300]
    assert head.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in path.read_bytes()


def test_a_model_that_does_not_follow_streams_is_refused(run, readings, small, tmp_path):
    assert run("train", readings, "-o", tmp_path / "m", *small).code == 0
    code, _, err = run("monitor", readings, "-m", tmp_path / "m")
    assert code == 2
    assert "AutoencoderDetector, which does not follow a stream" in err
    assert "--detector continual" in err


def test_rows_with_nan_are_refused_or_dropped(run, monitor, frame, follower, tmp_path):
    holes = frame.copy()
    holes.loc[[3, 900], "b"] = np.nan
    holes.to_csv(tmp_path / "holes.csv", index=False)
    code, _, err = run("monitor", tmp_path / "holes.csv", "-m", follower)
    assert code == 3
    assert "NaN" in err
    words = ("--nonfinite", "drop", "--log", tmp_path / "log.jsonl", "-b", 500)
    result, table = monitor(*words, data=tmp_path / "holes.csv")
    assert "2 dropped" in result.err
    np.testing.assert_array_equal(table["row"], np.delete(np.arange(2000), [3, 900]))
    np.testing.assert_array_equal(table["place"], np.arange(1998))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    held = next(line for line in lines if line["event"] == "held")
    assert held["file_rows"][0] == held["rows"][0] + 2


@pytest.mark.parametrize(
    ("column", "value", "words", "code", "message"),
    [
        ("label", "7", ["--label", "label"], 3, "row 5 has '7' in 'label'; --label expects 0, 1"),
        ("label", "x", ["--label", "label"], 3, "expected a whole number"),
        ("label", "3", ["--verdicts", "label"], 3, "--verdicts expects -1, 0, 1"),
        ("run", "x", [], 3, "row 5 has 'x' in 'run'"),
        ("label", "0", ["--label", "lost"], 3, "no column 'lost' for --label"),
        ("label", "0", ["--label", "a"], 2, "the model takes it as a feature"),
        ("a", "text", [], 3, "a"),
    ],
)
def test_bad_input_ends_in_one_line(
    run, frame, follower, tmp_path, column, value, words, code, message
):
    table = frame[:200].astype("object")
    table.loc[5, column] = value
    path = tmp_path / "stream.csv"
    table.to_csv(path, index=False)
    found, out, err = run("monitor", path, "-m", follower, "-o", tmp_path / "v.csv", *words)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "v.csv").exists()


def test_a_row_that_is_too_extreme_to_score_is_named(run, follower, stream, monkeypatch):
    observe = ContinualDetector.observe

    def overflowing(self, *arguments, **options):
        found = observe(self, *arguments, **options)
        found.iloc[5, 0] = np.inf
        return found

    monkeypatch.setattr(ContinualDetector, "observe", overflowing)
    code, _, err = run("monitor", stream, "-m", follower)
    assert code == 3
    assert "stream.csv, from row 0 to row 1999: row 5 is too extreme to score" in err


def test_what_a_detector_refuses_names_the_file(run, follower, stream, monkeypatch):
    def refusing(self, *arguments, **options):
        raise ValueError("not these")

    monkeypatch.setattr(ContinualDetector, "observe", refusing)
    code, _, err = run("monitor", stream, "-m", follower)
    assert code == 3
    assert "stream.csv, from row 0 to row 1999: not these" in err


def test_an_interrupted_run_leaves_nothing_half_written(
    run, follower, stream, tmp_path, monkeypatch
):
    observe = ContinualDetector.observe

    def interrupted(self, *arguments, **options):
        if self.n_rows_seen_ >= 1024:
            raise KeyboardInterrupt
        return observe(self, *arguments, **options)

    monkeypatch.setattr(ContinualDetector, "observe", interrupted)
    monkeypatch.setattr(_monitor_stream, "ROWS_AT_ONCE", 256)
    outputs = [
        "-o",
        tmp_path / "v.csv",
        "--update",
        tmp_path / "m",
        "--picture",
        tmp_path / "p.png",
    ]
    words = ["monitor", stream, "-m", follower, "--log", tmp_path / "log.jsonl", *outputs]
    code, _, err = run(*words)
    assert code == 130
    assert "interrupted" in err
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        json.loads(line)


def test_events_behind_a_scaler_still_tell_their_lumisections(monitor, frame, tmp_path):
    detector = ContinualDetector(random_state=0)
    save(make_pipeline(StandardScaler(), detector).fit(rows(800, 0)[FEATURES]), tmp_path / "m")
    monitor("--log", tmp_path / "log.jsonl", model=tmp_path / "m")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    held = next(line for line in lines if line["event"] == "held")
    keys = frame[["run", "lumisection"]].to_numpy()
    assert held["lumisections"][0] == keys[held["rows"][0]].tolist()


def test_a_model_without_names_takes_what_is_no_other_column(monitor, frame, tmp_path):
    detector = ContinualDetector(random_state=0).fit(rows(800, 0)[FEATURES].to_numpy())
    save(detector, tmp_path / "m")
    _, table = monitor("--verdicts", "label", model=tmp_path / "m")
    expected = load(tmp_path / "m").observe(frame[FEATURES].to_numpy(), frame["label"])
    np.testing.assert_array_equal(table["anomaly_score"], expected["anomaly_score"])
    _, table = monitor(model=tmp_path / "m")
    expected = load(tmp_path / "m").observe(frame[FEATURES].to_numpy())
    np.testing.assert_array_equal(table["anomaly_score"], expected["anomaly_score"])


def test_run_and_lumisection_are_not_learned(follower):
    assert list(load(follower)[-1].feature_names_in_) == FEATURES


def test_quiet_says_nothing(run, follower, stream):
    assert run("monitor", stream, "-m", follower, "-q") == (0, "", "")
