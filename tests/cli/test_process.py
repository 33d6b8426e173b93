"""What only a process of its own can show: kills, signals, pipes, imports."""

import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from skdqm.persistence import load

LONG = ["-d", "autoencoder", "--set", "max_epochs=60", "--set", "batch_size=16"]
CHECKPOINTS = ["--checkpoint-every", "0"]


def start(*words):
    command = [sys.executable, "-m", "skdqm", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def train_until_a_checkpoint(data, model):
    process = start("train", data, "-o", model, *LONG, *CHECKPOINTS)
    checkpoint = model.with_name(f"{model.name}.checkpoint")
    while not checkpoint.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    return process


def test_a_killed_training_leaves_the_old_model_and_resumes_to_the_same_bits(
    run, model, events, frame, scores_of, tmp_path
):
    X, _ = frame
    path, before = tmp_path / "m", model.read_bytes()
    path.write_bytes(before)
    process = train_until_a_checkpoint(events, path)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    code, _, err = run("train", events, "-o", path, *LONG, "--resume")
    assert code == 0
    assert "continuing after epoch" in err
    run("train", events, "-o", tmp_path / "through", *LONG)
    np.testing.assert_array_equal(scores_of(path, X), scores_of(tmp_path / "through", X))
    assert len(load(path)[-1].history_) == 60


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_control_c_ends_in_one_line_and_code_130(events, tmp_path):
    process = train_until_a_checkpoint(events, tmp_path / "m")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "skdqm: interrupted; continue with --resume"
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="pipes of another kind")
def test_a_reader_that_goes_away_is_no_error(model, frame, tmp_path):
    X, _ = frame
    X.loc[X.index.repeat(20)].to_csv(tmp_path / "many.csv", index=False)
    process = start("score", model, tmp_path / "many.csv", "-o", "-", "--batch-size", 500, "-q")
    assert process.stdout.readline().startswith("pxj1,")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_the_module_runs_as_a_program(tmp_path):
    process = start("score", tmp_path / "no-model", "data.h5", "-o", tmp_path / "s.csv")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, "")
    assert err.startswith("skdqm: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["list"], ["--help"], ["train", "--help"]])
def test_a_look_around_imports_no_heavy_library(words):
    heavy = ["torch", "sklearn", "pandas", "numpy", "h5py", "matplotlib"]
    code = (
        "import sys; from skdqm.cli import main\n"
        f"try: main({words})\n"
        f"finally: assert not set({heavy}) & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_terminated_training_leaves_no_temporary_file(events, tmp_path, name):
    number = getattr(signal, name)
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored by whoever started the tests, as nohup does")
    process = train_until_a_checkpoint(events, tmp_path / "m")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} <= {"m.checkpoint"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(
    ("redirection", "code"),
    [(">/dev/full 2>/dev/null", 3), (">/dev/full 2>/dev/full", 3), (">&- 2>&-", 2), ("2>&-", 0)],
)
def test_output_that_cannot_be_written_never_looks_like_anomalies(model, events, redirection, code):
    words = [sys.executable, "-m", "skdqm", "score", model, events, "-o", "-"]
    line = f"{shlex.join(map(str, words))} {redirection}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert done.returncode == code
