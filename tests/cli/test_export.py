import sys
from hashlib import sha256

import numpy as np
import onnx
import onnxruntime
import pytest

from skdqm.persistence import load


def test_both_files_are_written_and_the_graph_scores_as_the_model(run, model, frame, tmp_path):
    outputs = tmp_path / "m.onnx", tmp_path / "m.pt2"
    code, out, err = run("export", model, "--onnx", outputs[0], "--torch", outputs[1])
    assert (code, out) == (0, "")
    assert err == f"wrote {outputs[0]}\nwrote {outputs[1]}\n"
    assert outputs[1].stat().st_size > 0
    rows = frame[0].to_numpy(np.float64)
    session = onnxruntime.InferenceSession(outputs[0])
    scores, _ = session.run(None, {"features": rows})
    np.testing.assert_allclose(scores, -load(model).score_samples(frame[0]), rtol=1e-5)


def test_the_graph_names_the_model_and_its_checksum(run, model, tmp_path):
    run("export", model, "--onnx", tmp_path / "m.onnx")
    facts = {each.key: each.value for each in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert facts["model"] == model.name
    assert facts["model_sha256"] == sha256(model.read_bytes()).hexdigest()
    assert float(facts["threshold"]) == -load(model)[-1].offset_


def test_quiet_says_nothing(run, model, tmp_path):
    assert run("export", model, "--torch", tmp_path / "m.pt2", "-q") == (0, "", "")


def test_without_a_file_to_write_there_is_nothing_to_do(run, model):
    code, out, err = run("export", model)
    assert (code, out) == (2, "")
    assert "--onnx OUT.onnx, --torch OUT.pt2, or both" in err


@pytest.mark.parametrize("option", ["--onnx", "--torch"])
def test_the_model_is_never_overwritten(run, model, option):
    before = model.read_bytes()
    code, _, err = run("export", model, option, model)
    assert code == 2
    assert "the output is the input" in err
    assert model.read_bytes() == before


def test_one_name_for_two_files_is_refused(run, model, tmp_path):
    same = tmp_path / "same"
    code, _, err = run("export", model, "--onnx", same, "--torch", same)
    assert code == 2
    assert "give two names" in err
    assert not same.exists()


def test_a_model_that_is_no_network_is_refused_by_name(run, readings, tmp_path):
    run("train", readings, "-o", tmp_path / "h.skdqm", "-d", "histogram")
    code, _, err = run("export", tmp_path / "h.skdqm", "--onnx", tmp_path / "h.onnx")
    assert code == 2
    assert err.count("\n") == 1
    assert "HistogramDetector cannot be exported" in err
    assert not (tmp_path / "h.onnx").exists()


def test_a_file_that_is_no_model_is_unreadable(run, readings, tmp_path):
    code, _, err = run("export", readings, "--onnx", tmp_path / "m.onnx")
    assert code == 3
    assert "is not a model" in err


def test_a_missing_package_is_named_with_the_extra(run, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    code, _, err = run("export", model, "--onnx", tmp_path / "m.onnx")
    assert code == 3
    assert "skdqm[onnx]" in err
