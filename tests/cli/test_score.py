import io

import numpy as np
import pandas as pd
import pytest

from skdqm.cli._score import columns_to_copy
from skdqm.cli._source import Source
from skdqm.persistence import load, save
from tests.exact import read_csv


@pytest.fixture
def score(run, model, events, tmp_path):
    def score(*options, data=events, model=model, output=tmp_path / "scores.parquet"):
        result = run("score", model, data, "-o", output, *options)
        assert result.code == 0, result.err
        read = pd.read_parquet if output.suffix == ".parquet" else read_csv
        return read(output)

    return score


def test_the_output_holds_columns_label_and_score(score, frame, model, scores_of):
    X, y = frame
    X = X.astype("float32")
    scored = score()
    assert list(scored.columns) == [*X.columns, "label", "anomaly_score"]
    pd.testing.assert_frame_equal(scored[X.columns], X)
    np.testing.assert_array_equal(scored["label"], y)
    np.testing.assert_array_equal(scored["anomaly_score"], scores_of(model, X.astype("float64")))


def test_csv_and_parquet_hold_the_same_scores(score, tmp_path):
    csv = score(output=tmp_path / "scores.csv")
    np.testing.assert_array_equal(csv["anomaly_score"], score()["anomaly_score"])


def test_the_size_of_the_batches_changes_nothing(score):
    pd.testing.assert_frame_equal(score("--batch-size", 7), score())


def test_columns_may_come_in_any_order_and_others_stay(score, frame, tmp_path):
    X, _ = frame
    other = X[sorted(X.columns)].astype("float32").assign(run=321.0)
    other.to_parquet(tmp_path / "other.parquet")
    scored = score(data=tmp_path / "other.parquet")
    assert list(scored.columns) == [*sorted(X.columns), "run", "anomaly_score"]
    np.testing.assert_array_equal(scored["anomaly_score"], score()["anomaly_score"])


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("all", "all"),
        ("none", ["b", "a", "label"]),
        ("run, a", ["run", "b", "a", "label"]),
        ("lost", ["b", "a", "label", "lost"]),
    ],
)
def test_keep_says_which_columns_are_copied_in_the_order_of_the_file(tmp_path, keep, expected):
    (tmp_path / "t.csv").write_text("run,b,a,note,label\n1,2,3,x,0\n")
    assert columns_to_copy(Source(tmp_path / "t.csv"), ["a", "b"], keep) == expected


@pytest.fixture
def mixed(frame):
    """Events between columns of every kind."""
    X, y = frame
    others = X.assign(comment="fine", good=y == 0, empty=np.nan, label=np.where(y, "sig", "bkg"))
    others["when"] = pd.Timestamp("2026-11-22 12:00:00.123")
    others.insert(0, "event", 2**53 + 1 + np.arange(len(X)))
    return others


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_that_the_model_does_not_take_are_copied_as_they_are(
    run, model, mixed, tmp_path, suffix
):
    data, output = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    write, read = {
        "csv": (mixed.to_csv, read_csv),
        "parquet": (mixed.to_parquet, pd.read_parquet),
    }[suffix]
    write(data, index=False)
    result = run("score", model, data, "-o", output, "--batch-size", 300)
    assert result.code == 0, result.err
    scored = read(output)
    assert list(scored.columns) == [*mixed.columns, "anomaly_score"]
    pd.testing.assert_frame_equal(scored[mixed.columns], read(data), check_dtype=False)
    assert scored["event"].tolist() == mixed["event"].tolist()


def test_a_csv_keeps_the_characters_of_other_columns(run, readings, small, tmp_path):
    lines = readings.read_text().splitlines()
    notes = ["007", "1.50", "NA", "", "True"] * 40
    table = [f"{note},{line}" for note, line in zip(["id", *notes], lines, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(table))
    assert run("train", readings, "-o", tmp_path / "m", *small).code == 0
    words = ["score", tmp_path / "m", tmp_path / "t.csv", "-o", tmp_path / "s.csv"]
    assert run(*words, "--batch-size", 7).code == 0
    scored = read_csv(tmp_path / "s.csv", dtype=str, keep_default_na=False)
    assert scored["id"].tolist() == notes
    assert '"' not in (tmp_path / "s.csv").read_text()


def test_dropped_rows_leave_their_numbers(run, model, frame, tmp_path):
    X = frame[0].copy()
    X.iloc[[0, 5], 3] = np.nan
    X.to_csv(tmp_path / "nan.csv", index=False)
    words = ["score", model, tmp_path / "nan.csv", "-o", tmp_path / "s.csv", "--nonfinite", "drop"]
    assert run(*words, "--batch-size", 400).code == 0
    scored = read_csv(tmp_path / "s.csv")
    assert scored.columns[0] == "row"
    assert scored["row"].tolist() == [*range(1, 5), *range(6, 1000)]
    frame[0].to_csv(tmp_path / "nan.csv", index=False)
    assert run(*words).code == 0
    assert read_csv(tmp_path / "s.csv").columns[0] == "row"


def test_float32_and_the_same_numbers_in_csv_score_alike(score, events, frame, tmp_path):
    wide = frame[0].astype("float32").astype("float64")
    wide.to_csv(tmp_path / "e.csv", index=False)
    np.testing.assert_array_equal(
        score(data=tmp_path / "e.csv")["anomaly_score"], score(data=events)["anomaly_score"]
    )


def test_what_cannot_be_read_is_left_out_and_said(run, readings, small, tmp_path):
    X = read_csv(readings)
    np.savez(tmp_path / "t.npz", **{name: X[name] for name in X}, junk=np.array([{}] * 200))
    assert run("train", readings, "-o", tmp_path / "m", *small).code == 0
    code, _, err = run("score", tmp_path / "m", tmp_path / "t.npz", "-o", tmp_path / "s.csv")
    assert code == 0
    assert "left out, because they cannot be read: junk" in err


def test_flags_are_those_of_predict_and_p_values(score, frame, model):
    pipeline = load(model)
    rows = pipeline[:-1].transform(frame[0].astype("float32").astype("float64"))
    scored = score("--flags")
    np.testing.assert_array_equal(scored["is_anomaly"], pipeline[-1].predict(rows) == -1)
    np.testing.assert_array_equal(scored["p_value"], pipeline[-1].p_values(rows))
    assert 0 < scored["is_anomaly"].mean() < 0.5


def test_without_a_calibration_there_are_no_p_values(run, score, readings, small, tmp_path):
    assert run("train", readings, "-o", tmp_path / "m", *small).code == 0
    scored = score("--flags", data=readings, model=tmp_path / "m")
    assert list(scored.columns) == ["a", "b", "c", "anomaly_score", "is_anomaly"]


def test_standard_output_gets_csv_and_nothing_else(run, score, model, events):
    code, out, err = run("score", model, events, "-o", "-", "--batch-size", 300)
    assert code == 0
    printed = read_csv(io.StringIO(out))
    np.testing.assert_array_equal(printed["anomaly_score"], score()["anomaly_score"])
    assert "scored 1,000 rows" in err


def test_quiet_says_nothing(run, model, events, tmp_path):
    assert run("score", model, events, "-o", tmp_path / "s.csv", "-q") == (0, "", "")


def test_rows_with_nan_are_refused_or_dropped_and_counted(run, model, frame, tmp_path):
    X = frame[0].copy()
    X.iloc[5, 3] = np.nan
    X.to_csv(tmp_path / "nan.csv", index=False)
    words = ["score", model, tmp_path / "nan.csv", "-o", tmp_path / "s.csv"]
    code, _, err = run(*words)
    assert code == 3
    assert not (tmp_path / "s.csv").exists()
    assert "NaN" in err
    code, _, err = run(*words, "--nonfinite", "drop")
    assert code == 0
    assert "scored 999 rows" in err
    assert "1 dropped" in err
    assert len(read_csv(tmp_path / "s.csv")) == 999


def test_fail_on_anomaly_exits_with_1_only_if_a_row_is_flagged(run, frame, model, tmp_path):
    X, _ = frame
    flagged = load(model).predict(X) == -1
    for name, rows, expected in (("bad", X[flagged], 1), ("good", X[~flagged], 0)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
        output = tmp_path / f"{name}-scores.csv"
        words = ["score", model, tmp_path / f"{name}.csv", "-o", output]
        assert run(*words).code == 0
        assert run(*words, "--fail-on-anomaly").code == expected
        assert output.exists()


def test_a_bare_detector_without_names_scores_columns_by_place(score, model, readings, tmp_path):
    X = read_csv(readings)
    detector = load(model)[-1].set_params(max_epochs=1).fit(X.to_numpy())
    save(detector, tmp_path / "bare")
    scored = score(data=readings, model=tmp_path / "bare")
    np.testing.assert_array_equal(scored["anomaly_score"], -detector.score_samples(X.to_numpy()))


def test_scores_are_never_written_over_a_column_of_that_name(run, score, model, tmp_path):
    scored = score(output=tmp_path / "scores.csv")
    assert "anomaly_score" in scored
    words = ["score", model, tmp_path / "scores.csv", "-o", tmp_path / "again.csv"]
    code, _, err = run(*words)
    assert code == 3
    assert "already has a column anomaly_score" in err
    assert run(*words, "--keep", "none").code == 0


def test_two_possible_labels_are_both_copied(run, score, model, frame, tmp_path):
    frame[0].assign(signal=1, target=0).to_csv(tmp_path / "two.csv", index=False)
    scored = score(data=tmp_path / "two.csv", output=tmp_path / "s.csv")
    assert list(scored.columns[-3:]) == ["signal", "target", "anomaly_score"]
    words = ["score", model, tmp_path / "two.csv", "-o", tmp_path / "s.csv", "--keep", "none"]
    assert "all look like a label" in run(*words).err
