import json

import numpy as np
import pytest

from skdqm.metrics import evaluate_scores
from skdqm.persistence import load


def test_json_holds_the_figures_of_merit(run, model, events, frame, scores_of):
    X, y = frame
    code, out, err = run("evaluate", model, events, "--json")
    assert (code, err) == (0, "")
    figures = json.loads(out)
    expected = evaluate_scores(y, scores_of(model, X.astype("float32").astype("float64")))
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert (figures["n_background"], figures["n_signal"]) == (900, 100)


def test_shares_at_the_threshold_are_those_of_predict(run, model, events, frame):
    X, y = frame
    flagged = load(model).predict(X.astype("float32").astype("float64")) == -1
    figures = json.loads(run("evaluate", model, events, "--json").out)
    assert figures["background_flagged"] == pytest.approx(flagged[y == 0].mean())
    assert figures["signal_detected"] == pytest.approx(flagged[y == 1].mean())
    assert figures["precision"] == pytest.approx(y[flagged].mean())
    assert figures["accuracy"] == pytest.approx((flagged == (y == 1)).mean())
    assert figures["f1"] == pytest.approx(2 * flagged[y == 1].sum() / (flagged.sum() + y.sum()))


def test_a_pipe_gets_a_table_with_tabs(run, model, events):
    code, out, _ = run("evaluate", model, events)
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert rows[0] == ["figure", "value", "meaning"]
    assert {"roc_auc", "max_sic", "signal_detected"} <= {row[0] for row in rows}
    assert all(len(row) == 3 and row[2] for row in rows)


def test_without_rows_the_file_is_named(run, model, frame, tmp_path):
    X, y = frame
    empty = tmp_path / "empty.csv"
    X.assign(label=y).head(0).to_csv(empty, index=False)
    holes = tmp_path / "holes.csv"
    X.assign(label=y, mj1=np.nan).head(9).to_csv(holes, index=False)
    for path, options in ((empty, []), (holes, ["--nonfinite", "drop"])):
        code, out, err = run("evaluate", model, path, *options)
        assert (code, out) == (3, "")
        assert path.name in err
        assert "unexpected" not in err


def test_batches_do_not_change_the_figures(run, model, events):
    one, many = (
        run("evaluate", model, events, "--json", "--batch-size", size).out for size in (10_000, 77)
    )
    assert one == many


def test_the_label_may_have_any_name(run, model, events, frame, tmp_path):
    X, y = frame
    X.astype("float32").assign(truth=y).to_parquet(tmp_path / "named.parquet")
    words = ["evaluate", model, tmp_path / "named.parquet", "--json"]
    assert run(*words).code == 3
    named = json.loads(run(*words, "--label", "truth").out)
    auto = json.loads(run("evaluate", model, events, "--json").out)
    assert named["roc_auc"] == auto["roc_auc"]


def test_labels_of_one_kind_are_refused_with_the_name_of_the_file(run, model, frame, tmp_path):
    X, y = frame
    X.assign(label=np.zeros_like(y)).to_csv(tmp_path / "background.csv", index=False)
    code, out, err = run("evaluate", model, tmp_path / "background.csv")
    assert (code, out) == (3, "")
    assert "background.csv" in err


def test_labels_may_have_other_values(run, model, events, frame, tmp_path):
    X, y = frame
    X.astype("float32").assign(label=np.where(y == 1, 1, -1)).to_parquet(tmp_path / "pm.parquet")
    X.astype("float32").assign(label=np.where(y == 1, 7, 5)).to_parquet(tmp_path / "75.parquet")
    auto = json.loads(run("evaluate", model, events, "--json").out)
    for name, options in (("pm", []), ("75", ["--signal", 7])):
        found = json.loads(
            run("evaluate", model, tmp_path / f"{name}.parquet", "--json", *options).out
        )
        assert (found["roc_auc"], found["n_signal"]) == (auto["roc_auc"], 100)
    code, _, err = run("evaluate", model, tmp_path / "75.parquet")
    assert code == 3
    assert "the labels found are 5, 7; expected two of them, and --signal" in err


def test_all_labels_but_that_of_background_may_be_signal(run, model, events, frame, tmp_path):
    X, y = frame
    several = np.where(y == 1, np.arange(len(y)) % 3, 7)
    X.astype("float32").assign(label=several).to_parquet(tmp_path / "several.parquet")
    words = ["evaluate", model, tmp_path / "several.parquet", "--json", "--background"]
    auto = json.loads(run("evaluate", model, events, "--json").out)
    assert json.loads(run(*words, 7).out)["roc_auc"] == auto["roc_auc"]
    code, _, err = run(*words, 5)
    assert code == 3
    assert "no row has the background label 5; the labels found are 0, 1, 2, 7" in err


def test_the_first_rows_alone_can_be_evaluated(run, model, events):
    found = json.loads(run("evaluate", model, events, "--json", "--rows", 500).out)
    assert found["n_background"] + found["n_signal"] == 500


def test_the_same_events_give_the_same_figures_in_any_format(run, model, events, frame, tmp_path):
    X, y = frame
    # What a float32 is, in decimal digits that give it back.
    X.astype("float32").astype("float64").assign(label=y).to_csv(tmp_path / "e.csv", index=False)
    outputs = [
        run("evaluate", model, path, "--json").out.replace(str(path), "")
        for path in (events, tmp_path / "e.csv")
    ]
    assert outputs[0] == outputs[1]
