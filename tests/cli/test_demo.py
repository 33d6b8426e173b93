import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.cli import _demo
from skdqm.cli._demo import write_hdf5
from skdqm.io import read
from skdqm.persistence import load


@pytest.fixture(scope="module")
def shown(run, tmp_path_factory):
    """The demo on fewer events, with fewer epochs."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_demo, "TRAINING", (1000, 0))
        patch.setattr(_demo, "TEST", (500, 100))
        patch.setattr(_demo, "SETTINGS", ["score=kl", "max_epochs=3"])
        return folder, run("demo", "-o", folder)


def test_the_demo_writes_data_model_scores_and_a_picture(shown):
    folder, (code, out, err) = shown
    assert code == 0, err
    names = {"train.h5", "test.h5", "model.skdqm", "scores.csv", "scores.png"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert "roc_auc" in out


def test_the_scores_of_the_demo_have_labels_flags_and_p_values(shown):
    folder, _ = shown
    scores = pd.read_csv(folder / "scores.csv")
    assert len(scores) == 600
    assert {"label", "anomaly_score", "is_anomaly", "p_value"} <= set(scores.columns)


def test_the_commands_that_the_demo_prints_do_the_same(run, shown, tmp_path):
    folder, (_, out, err) = shown
    by_hand = [line.split()[1:] for line in err.splitlines() if line.startswith("  skdqm ")]
    assert [words[0] for words in by_hand] == ["train", "score", "evaluate"]
    model = load(folder / "model.skdqm")
    results = [run(*words) for words in by_hand]
    assert {result.code for result in results} == {0}
    assert results[-1].out == out
    X = read(folder / "test.h5").X
    again = load(folder / "model.skdqm")
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))


def test_the_demo_refuses_a_folder_that_it_cannot_make(run, tmp_path):
    code, _, err = run("demo", "-o", tmp_path / "missing" / "out")
    assert code == 2
    assert "No such file" in err


def test_the_data_file_is_plain_hdf5_that_the_reader_takes(frame, tmp_path):
    X, y = frame
    write_hdf5(tmp_path / "e.h5", X, y)
    with h5py.File(tmp_path / "e.h5") as file:
        assert set(file) == {"X", "label"}
    table = read(tmp_path / "e.h5")
    pd.testing.assert_frame_equal(table.X, X.astype("float32"))
    np.testing.assert_array_equal(table.y, y)
