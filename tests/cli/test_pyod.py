import pandas as pd
import pytest

from skdqm.persistence import load


@pytest.mark.parametrize("model", ["ECOD", "iforest"])
def test_a_model_of_pyod_is_trained_by_its_name_and_scores(run, readings, tmp_path, model):
    path = tmp_path / "m.skdqm"
    done = run("train", readings, "-o", path, "-d", "pyod", "--set", f"model={model}")
    assert done.code == 0, done.err
    assert type(load(path)[-1].model_).__name__.lower() == model.lower()
    code, out, err = run("score", path, readings, "-o", "-")
    assert code == 0, err
    assert len(out.splitlines()) == len(pd.read_csv(readings)) + 1


def test_a_model_that_scores_no_rows_is_a_wrong_usage_with_the_reason(run, readings, tmp_path):
    code, _, err = run("train", readings, "-o", tmp_path / "m", "-d", "pyod", "--set", "model=LOCI")
    assert code == 2
    assert "PyOD's LOCI scores rows only by the other rows of the same table" in err


def test_a_model_that_no_file_can_hold_says_so(run, readings, tmp_path):
    code, _, err = run("train", readings, "-o", tmp_path / "m", "-d", "pyod", "--set", "model=KPCA")
    assert code == 2
    assert "pickle keeps it" in err
    assert not (tmp_path / "m").exists()
