"""Damaged files and wrong requests: one line of error, exit code 2 or 3, nothing written."""

import json
import os
import pickle
import re

import h5py
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from sklearn.preprocessing import MinMaxScaler

from skdqm.persistence import save


def truncated(source, target):
    content = source.read_bytes()
    target.write_bytes(content[: len(content) // 2])


def flipped(source, target):
    content = bytearray(source.read_bytes())
    content[-100] ^= 1
    target.write_bytes(content)


def text_column(target):
    pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}).to_csv(target, index=False)


def two_tables(target):
    with h5py.File(target, "w") as file:
        file["first"] = np.zeros((3, 2))
        file["second"] = np.zeros((3, 2))


# The name of a file, and how it is made from a good one.
BAD_DATA = {
    "missing.h5": None,
    "unknown.xyz": lambda good, path: path.write_text("1,2"),
    "empty.csv": lambda good, path: path.write_text(""),
    "header.csv": lambda good, path: path.write_text("a,b\n"),
    "one-row.csv": lambda good, path: path.write_text("a,b\n1,2\n"),
    "truncated.h5": truncated,
    "text.h5": lambda good, path: path.write_text("this is no HDF5 file"),
    "two.h5": lambda good, path: two_tables(path),
    "text.csv": lambda good, path: text_column(path),
    "nan.csv": lambda good, path: path.write_text("a,b\n1,2\n3,nan\n"),
    "binary.csv": lambda good, path: path.write_bytes(bytes(range(256)) * 20),
    "fake.parquet": lambda good, path: path.write_bytes(b"PAR1 and nothing"),
    "pickle.npy": lambda good, path: np.save(path, np.array([{"a": 1}]), allow_pickle=True),
    "folder.csv": lambda good, path: path.mkdir(),
    "labels.csv": lambda good, path: path.write_text("a,label,target\n1,0,1\n2,0,1\n"),
    "half.csv": lambda good, path: path.write_text("a,label\n1,0.5\n2,0\n"),
    "data.csv": lambda good, path: path.write_text("1,2\n3,4\n5,6\n"),
    "huge.csv": lambda good, path: path.write_text("a,b\n1e200,1\n2,3\n-1e200,1\n4,7\n"),
}
BAD_MODELS = {
    "missing": None,
    "empty": lambda good, path: path.write_bytes(b""),
    "truncated": truncated,
    "flipped": flipped,
    "pickle": lambda good, path: path.write_bytes(pickle.dumps({"model": 1})),
    "json": lambda good, path: path.write_text(json.dumps({"model": 1})),
    "random": lambda good, path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "foreign": lambda good, path: path.write_bytes(foreign()),
    "folder": lambda good, path: path.mkdir(),
    "scaler": lambda good, path: save(MinMaxScaler(), path),
}
# Options that spoil `train DATA -o OUTPUT`, and words of the message.
BAD_TRAINING = {
    "detector": (["-d", "forest"], "no detector is called 'forest'"),
    "parameter": (["--set", "latentdim=4"], "did you mean latent_dim"),
    "setting": (["--set", "latent_dim"], "expected NAME=VALUE"),
    "value": (["--set", "lr=-1"], "lr"),
    "choice": (["--set", "loss=cubic"], "loss"),
    "type": (["--set", "max_epochs=many"], "max_epochs"),
    "sizes": (["--set", "hidden_layer_sizes=wide"], "hidden_layer_sizes"),
    "device": (["--set", "device=toaster"], "toaster"),
    "on": (["--on", "signal"], "--on"),
    "column": (["--columns", "a,z"], "no column 'z'"),
    "columns": (["--columns", ""], "no column"),
    "twice": (["--columns", "a,a"], "each once"),
    "label": (["--label", "truth"], "truth"),
    "label as feature": (["--columns", "a,b", "--label", "b"], "cannot be a feature"),
    "no label": (["--on", "background"], "no label column"),
    "key": (["--key", "table"], "key"),
    "jets": (["--features", "jets"], "no column"),
    "alarm rate": (["--alarm-rate", "2"], "between 0 and 1"),
    "few rows": (["--alarm-rate", "0.001"], "at least 999 rows"),
    "seed": (["--seed", "-1"], "--seed"),
    "resume": (["--resume"], "no checkpoint"),
}
BAD_OUTPUTS = {
    "missing/out.csv": "No such file",
    "file/out.csv": "Not a directory",
    "folder": "found a folder",
}


def foreign():
    return safetensors.numpy.save({"weight": np.zeros(3)}, {"format": "pt"})


def make(recipe, good, path):
    if recipe is not None:
        recipe(good, path)
    return path


def check(result, *hints):
    assert result.code in (2, 3), result.err
    assert result.err.startswith("skdqm: ")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    # Messages speak to people at a shell, not in Python.
    assert not re.search(r"=None|\bkey=|\bcolumns=|\blabel=|nonfinite=", result.err)
    for hint in hints:
        assert hint in result.err


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_refused_by_train(run, events, small, tmp_path, name):
    data = make(BAD_DATA[name], events, tmp_path / name)
    result = run("train", data, "-o", tmp_path / "m", *small, "-q")
    check(result, name)
    assert result.code == 3
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["missing.h5", "truncated.h5", "text.csv", "two.h5"])
@pytest.mark.parametrize("command", ["score", "evaluate", "update"])
def test_bad_data_is_refused_by_the_commands_that_use_a_model(
    run, model, events, tmp_path, command, name
):
    data = make(BAD_DATA[name], events, tmp_path / name)
    output = [] if command == "evaluate" else ["-o", tmp_path / "out.csv", "-q"]
    result = run(command, model, data, *output)
    check(result, name)
    assert result.code == 3
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", BAD_MODELS)
@pytest.mark.parametrize("command", ["score", "evaluate", "update", "info"])
def test_bad_models_are_refused(run, model, events, tmp_path, command, name):
    path = make(BAD_MODELS[name], model, tmp_path / name)
    data = [] if command == "info" else [events]
    output = ["-o", tmp_path / "out.csv"] if command in ("score", "update") else []
    result = run(command, path, *data, *output)
    check(result, name)
    assert result.code == 3
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", BAD_TRAINING)
def test_wrong_options_of_train_are_refused(run, readings, tmp_path, name):
    options, hint = BAD_TRAINING[name]
    fast = ["-d", "autoencoder", "--set", "max_epochs=1"]
    result = run("train", readings, "-o", tmp_path / "m", "-q", *fast, *options)
    check(result, hint)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BAD_OUTPUTS)
@pytest.mark.parametrize("command", ["train", "score", "update"])
def test_outputs_that_cannot_be_written_are_refused_before_the_work(
    run, model, events, tmp_path, command, name
):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    words = [events] if command == "train" else [model, events]
    result = run(command, *words, "-o", tmp_path / name)
    check(result, name, BAD_OUTPUTS[name])
    assert result.code == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_is_refused(run, events, small, tmp_path):
    tmp_path.chmod(0o500)
    check(run("train", events, "-o", tmp_path / "m", *small), "Permission denied")


@pytest.mark.parametrize("name", ["scores.txt", "scores"])
def test_scores_of_an_unknown_format_are_refused(run, model, events, tmp_path, name):
    check(run("score", model, events, "-o", tmp_path / name), "expected one of .csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["score", "evaluate", "update"])
def test_data_without_the_columns_of_the_model_is_refused(run, model, readings, tmp_path, command):
    output = [] if command == "evaluate" else ["-o", tmp_path / "out.csv"]
    options = ["--label", "c"] if command == "evaluate" else []
    result = run(command, model, readings, *output, *options)
    check(result, "readings.csv", "lacks: 'pxj1'")


def test_an_evaluation_without_a_label_is_refused(run, model, readings):
    check(run("evaluate", model, readings), "no label column")


def test_the_output_is_never_an_input(run, model, frame, tmp_path):
    data, copy = tmp_path / "e.csv", tmp_path / "m.csv"
    frame[0].to_csv(data, index=False)
    copy.write_bytes(model.read_bytes())
    before = data.read_bytes()
    (tmp_path / "link.csv").symlink_to(data)
    for output in (data, tmp_path / "link.csv"):
        for words in (["train"], ["score", copy], ["update", copy]):
            result = run(*words, data, "-o", output)
            check(result, "the output is the input")
            assert result.code == 2
    check(run("score", copy, data, "-o", copy), "the output is the input")
    assert data.read_bytes() == before
    assert copy.read_bytes() == model.read_bytes()


@pytest.mark.parametrize("command", ["score", "evaluate", "update"])
def test_values_too_large_to_scale_name_their_row_and_column(
    run, readings, small, tmp_path, command
):
    X = pd.read_csv(readings) * 1e-6
    X.to_csv(tmp_path / "tiny.csv", index=False)
    assert run("train", tmp_path / "tiny.csv", "-o", tmp_path / "m", *small).code == 0
    X.loc[7, "b"] = -1e308
    X.assign(label=[0, 1] * 100).to_csv(tmp_path / "huge.csv", index=False)
    output = [] if command == "evaluate" else ["-o", tmp_path / "out.csv", "-q"]
    result = run(command, tmp_path / "m", tmp_path / "huge.csv", *output)
    check(result, "huge.csv: row 7 is too extreme: 'b' is not finite behind StandardScaler")
    assert result.code == 3
    assert not (tmp_path / "out.csv").exists()


def test_a_score_that_overflows_is_refused_with_its_row_and_column(run, readings, plugin, tmp_path):
    assert run("train", readings, "-o", tmp_path / "m", "-d", plugin).code == 0
    X = pd.read_csv(readings)
    X.loc[150, "c"] = 1e200
    X.to_csv(tmp_path / "huge.csv", index=False)
    words = ["score", tmp_path / "m", tmp_path / "huge.csv", "-o", tmp_path / "out.csv"]
    check(run(*words, "--batch-size", 100), "row 150 is too extreme to score", "'c'")


def test_a_demo_needs_a_folder(run, tmp_path):
    (tmp_path / "file").touch()
    check(run("demo", "-o", tmp_path / "file"), "file: found a file, expected the name of a folder")
    check(run("demo", "-o", tmp_path / "no" / "demo"), "no/demo: cannot write", "No such file")


def test_a_folder_is_no_model(run, readings, tmp_path):
    check(run("info", tmp_path), "found a folder, expected a model file")
