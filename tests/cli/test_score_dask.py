"""``skdqm score --dask``: the same bytes, and one line for whatever goes wrong."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

import skdqm
from skdqm.distributed import workers

pytest.importorskip("distributed", reason="Dask is not installed")


@pytest.fixture(scope="module")
def cluster():
    with workers("local:2") as client:
        yield client


@pytest.fixture(scope="module")
def address(cluster):
    return cluster.scheduler.address


@pytest.mark.parametrize("source", ["h5", "csv", "parquet"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_file_is_the_same_to_the_byte(
    run, model, events, frame, address, tmp_path, source, suffix
):
    data = tmp_path / f"in.{source}"
    X, y = frame
    mixed = X.assign(note="a, b", label=y)
    {
        "h5": lambda: data.write_bytes(events.read_bytes()),
        "csv": lambda: mixed.to_csv(data, index=False),
        "parquet": lambda: mixed.to_parquet(data, index=False),
    }[source]()
    here, there = tmp_path / f"here.{suffix}", tmp_path / f"there.{suffix}"
    options = ["--batch-size", 130, "--flags"]
    assert run("score", model, data, "-o", here, *options).code == 0
    code, _, err = run("score", model, data, "-o", there, *options, "--dask", address)
    assert (code, err.startswith("scored 1,000 rows")) == (0, True)
    assert there.read_bytes() == here.read_bytes()


def test_options_of_reading_hold(run, model, frame, address, tmp_path):
    X = frame[0].copy()
    X.iloc[[0, 500], 3] = np.nan
    X.to_csv(tmp_path / "nan.csv", index=False)
    words = ["score", model, tmp_path / "nan.csv", "--nonfinite", "drop", "--rows", 700]
    options = ["--batch-size", 100, "--keep", "none", "-o"]
    here = run(*words, *options, "-")
    there = run(*words, *options, "-", "--dask", address)
    assert here.code == there.code == 0
    assert here.out == there.out
    assert "scored 698 rows" in there.err
    assert "2 dropped" in there.err


@pytest.mark.parametrize("value", [np.nan, -1e308])
def test_rows_that_cannot_be_scored_are_said_in_the_same_words(
    run, readings, small, address, tmp_path, value
):
    X = pd.read_csv(readings) * 1e-6
    X.to_csv(tmp_path / "tiny.csv", index=False)
    assert run("train", tmp_path / "tiny.csv", "-o", tmp_path / "m", *small).code == 0
    X.loc[177, "b"] = value
    X.to_csv(tmp_path / "bad.csv", index=False)
    words = ["score", tmp_path / "m", tmp_path / "bad.csv", "-o", tmp_path / "s.csv"]
    here = run(*words, "--batch-size", 50)
    assert here.code == 3
    assert "row 177" in here.err
    assert run(*words, "--batch-size", 50, "--dask", address) == here
    assert not (tmp_path / "s.csv").exists()


def test_anomalies_have_their_exit_code(run, model, events, address, tmp_path):
    words = ["score", model, events, "-o", tmp_path / "s.csv", "--fail-on-anomaly", "-q"]
    assert run(*words, "--dask", address) == run(*words) == (1, "", "")


@pytest.mark.parametrize("address", ["nonsense", "local:0"])
def test_what_is_no_address_is_wrong_usage(run, model, events, tmp_path, address):
    code, _, err = run("score", model, events, "-o", tmp_path / "s.csv", "--dask", address)
    assert (code, err.count("\n")) == (2, 1)
    assert "is no address of a scheduler" in err


def test_a_dead_scheduler_ends_in_one_line(run, model, events, tmp_path, monkeypatch):
    monkeypatch.setattr("skdqm.distributed._cluster.TO_CONNECT", 0.5)
    words = ["score", model, events, "-o", tmp_path / "s.csv", "--dask", "tcp://127.0.0.1:9"]
    code, _, err = run(*words)
    assert (code, err.count("\n")) == (3, 1)
    assert err.startswith("skdqm: no scheduler of Dask answers at tcp://127.0.0.1:9")
    assert not (tmp_path / "s.csv").exists()


def test_other_versions_on_the_workers_end_in_one_line(
    run, model, events, cluster, address, tmp_path
):
    def pretend(version):
        skdqm.__version__ = version

    cluster.run(pretend, "0.0.0")
    try:
        words = ["score", model, events, "-o", tmp_path / "s.csv", "--dask", address]
        code, _, err = run(*words)
    finally:
        cluster.run(pretend, skdqm.__version__)
    assert (code, err.count("\n")) == (3, 1)
    assert "runs skdqm 0.0.0, this process skdqm" in err


def test_without_dask_the_extra_is_named(run, model, events, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ["score", model, events, "-o", tmp_path / "s.csv", "--dask", "local"]
    code, _, err = run(*words)
    assert (code, err.count("\n")) == (3, 1)
    assert "skdqm[dask]" in err


def test_processes_of_this_machine_are_started_and_ended(run, model, events, tmp_path):
    words = ["score", model, events, "-q", "-o"]
    assert run(*words, tmp_path / "there.csv", "--dask", "local:1") == (0, "", "")
    assert run(*words, tmp_path / "here.csv").code == 0
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_a_worker_that_is_killed_in_the_middle_costs_no_row(
    run, model, frame, cluster, address, tmp_path
):
    many = frame[0].loc[frame[0].index.repeat(5)]
    many.to_csv(tmp_path / "many.csv", index=False)
    words = ["score", model, tmp_path / "many.csv", "--batch-size", 50, "-q", "-o"]
    assert run(*words, tmp_path / "here.csv").code == 0
    victim = next(iter(cluster.run(os.getpid).values()))
    in_the_middle = []

    def is_writing():
        return bool(list(tmp_path.glob(".skdqm-partial-*")))

    def kill_when_it_works():
        while not is_writing():
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(victim, signal.SIGKILL)
        in_the_middle.append(is_writing())

    killer = threading.Thread(target=kill_when_it_works)
    killer.start()
    result = run(*words, tmp_path / "there.csv", "--dask", address)
    killer.join()
    assert in_the_middle == [True]
    assert result == (0, "", "")
    assert victim not in cluster.run(os.getpid).values()
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
