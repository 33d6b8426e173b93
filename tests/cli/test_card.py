import json
from hashlib import sha256

import pytest

from tests.cli.dqm_tables import known_and_new, write_table


@pytest.fixture(scope="module")
def evaluated(run, model, events, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated") / "report"
    assert run("evaluate", model, events, "--report", folder).code == 0
    return folder / "metrics.json"


def test_the_card_goes_to_standard_output(run, model):
    code, out, err = run("card", model)
    assert (code, err) == (0, "")
    assert out.startswith(f"# Model card: {model.name}\n\n`AutoencoderDetector`, behind")
    assert sha256(model.read_bytes()).hexdigest() in out
    assert "| data | events.h5 |" in out
    assert "a share of 0.05 of such rows" in out
    assert "| `max_epochs` | 3 |" in out


def test_the_same_model_gives_the_same_file_twice(run, model, tmp_path):
    for name in ("a.md", "b.md"):
        assert run("card", model, "-o", tmp_path / name) == (0, "", "")
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == run("card", model).out


def test_figures_of_an_evaluation_are_in_it(run, model, evaluated):
    out = run("card", model, "--metrics", evaluated).out
    figure = json.loads(evaluated.read_text())["figures"]["roc_auc"]
    assert f"| roc_auc | {figure['estimate']:.6g} | {figure['low']:.6g} |" in out
    assert "another model" not in out


def test_updates_are_in_it_and_older_figures_are_told_apart(
    run, model, events, evaluated, tmp_path
):
    path = tmp_path / "updated.skdqm"
    run("update", model, events, "-o", path, "--rows", 300, "--alarm-rate", 0.05)
    out = run("card", path, "--metrics", evaluated).out
    assert "| events.h5 | 300 |" in out
    assert "to another model, or to this one before an update" in out


def test_a_model_of_histograms_has_a_card(run, tmp_path):
    table = write_table(tmp_path / "known.parquet", known_and_new()[0])
    run("dqm", "train", table, "-o", tmp_path / "m.skdqm")
    code, out, _ = run("card", tmp_path / "m.skdqm")
    assert code == 0
    assert "unusual lumisections" in out
    assert "| elements | charge, map |" in out


def test_a_model_that_goes_on_learning_has_a_card(run, readings, tmp_path):
    path = tmp_path / "m.skdqm"
    run("train", readings, "-o", path, "-d", "continual", "--set", "detector=histogram")
    code, out, _ = run("card", path)
    assert code == 0
    assert "It follows a stream: 0 rows seen" in out
    assert "No alarm rate is promised" in out


@pytest.mark.parametrize("text", ["{", "[]", '{"figures": 3}', '{"figures": {"a": 1}}', "{}"])
def test_other_files_are_no_figures(run, model, tmp_path, text):
    (tmp_path / "metrics.json").write_text(text)
    code, out, err = run("card", model, "--metrics", tmp_path / "metrics.json")
    assert (code, out) == (3, "")
    assert "metrics.json" in err
    assert err.count("\n") == 1


def test_figures_that_are_not_there_are_unreadable(run, model, tmp_path):
    code, _, err = run("card", model, "--metrics", tmp_path / "none.json")
    assert code == 3
    assert "none.json cannot be read: No such file" in err


def test_the_inputs_are_never_overwritten(run, model, evaluated):
    for inputs in (model, evaluated):
        code, _, err = run("card", model, "--metrics", evaluated, "-o", inputs)
        assert code == 2
        assert "the output is the input" in err
