"""A real cluster of two processes: bits, errors, workers that die, schedulers that are none."""

import logging
import os
import signal
import socket
import threading
import time

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_backend
from sklearn.model_selection import GridSearchCV

import skdqm
from skdqm.detectors import AutoencoderDetector, HistogramDetector
from skdqm.distributed import (
    _cluster,
    in_order,
    partial_fit,
    score,
    verdicts,
    workers,
)
from skdqm.exceptions import ClusterError, DataError, UsageError
from tests.distributed.conftest import small_autoencoder

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
db = pytest.importorskip("dask.bag")
dd = pytest.importorskip("dask.dataframe")


def test_workers_give_the_bits_of_one_process(client, named, nameless, frame, files):
    expected = named.verdicts(frame)
    found = verdicts(named, dd.from_pandas(frame, npartitions=5)).compute()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    X = da.from_array(frame.to_numpy(), chunks=(130, -1))
    np.testing.assert_array_equal(
        score(nameless, X).compute(), -nameless.score_samples(frame.to_numpy())
    )
    backwards = expected["anomaly_score"][::-1]
    np.testing.assert_array_equal(score(named, files).compute(), backwards)
    bag = score(named, db.from_sequence(files)).compute()
    np.testing.assert_array_equal(pd.concat(bag), backwards)


def test_the_model_travels_once_to_each_worker(client, named, frame):
    def loads(dask_worker):
        return getattr(dask_worker, "n_loads", 0)

    def count(dask_worker):
        from skdqm.distributed import _broadcast

        dask_worker.n_loads, load = 0, _broadcast.load

        def counted(path):
            dask_worker.n_loads += 1
            return load(path)

        _broadcast.load = counted

    client.run(count)
    verdicts(named, dd.from_pandas(frame, npartitions=20)).compute()
    assert set(client.run(loads).values()) == {1}


def test_workers_may_keep_the_memory_of_temporary_arrays(client):
    assert set(client.run(os.environ.get, "MALLOC_TRIM_THRESHOLD_").values()) == {None}


def test_torch_has_one_thread_in_a_worker(client):
    def threads():
        import torch

        return torch.get_num_threads()

    assert set(client.run(threads).values()) == {1}
    assert set(client.nthreads().values()) == {1}


def test_an_error_of_a_worker_comes_back_as_ours(client, named, frame):
    bad = frame.copy()
    bad.iloc[450, 2] = np.nan
    with pytest.raises(DataError, match=r"^partition 2, rows 1400 to 1599: .* contains NaN\.$"):
        verdicts(named, dd.from_pandas(bad, npartitions=3)).compute()
    with pytest.raises(DataError, match=r"^partition 2, rows 1400 to 1599: .* contains NaN\.$"):
        partial_fit(named, dd.from_pandas(bad, npartitions=3))


def test_workers_learn_what_one_process_learns(client, frame):
    rows = dd.from_pandas(frame, npartitions=4)
    learned = partial_fit(small_autoencoder(), rows)
    expected = small_autoencoder()
    for part in rows.partitions:
        expected.partial_fit(part.compute())
    np.testing.assert_array_equal(learned.score_samples(frame), expected.score_samples(frame))
    assert learned.get_params() == expected.get_params()


def test_batches_of_a_stream_come_back_in_their_order(client, named, frame):
    read = []

    def batches():
        for start in range(0, 600, 50):
            read.append(start)
            yield frame[start : start + 50]

    found = in_order(client, AutoencoderDetector.verdicts, named, batches())
    first = next(found)
    assert len(read) == 4, "two batches for each of two threads are under way"
    together = pd.concat([first, *found])
    pd.testing.assert_frame_equal(together, named.verdicts(frame), check_exact=True)


def test_a_function_that_fails_fails_here(client, named):
    with pytest.raises(ZeroDivisionError):
        list(in_order(client, lambda _, batch: 1 / batch, named, [1, 0, 2]))


def test_other_versions_on_a_worker_are_refused(client, named, frame):
    def pretend(version):
        skdqm.__version__ = version

    client.run(pretend, "0.0.0")
    try:
        with pytest.raises(ClusterError, match=r"runs skdqm 0\.0\.0, this process skdqm"):
            score(named, dd.from_pandas(frame, npartitions=2))
    finally:
        client.run(pretend, skdqm.__version__)


def test_a_scheduler_that_goes_away_is_said(named):
    with (
        # Until then the client tries to come back.
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        distributed.LocalCluster(
            n_workers=1, processes=False, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as other,
    ):

        def batches():
            yield from (0, 0)
            other.sync(cluster.scheduler.close)

        with _cluster._quiet(), pytest.raises(ClusterError, match="lost its scheduler"):
            list(in_order(other, lambda *_: time.sleep(1), named, batches()))


def test_a_grid_search_runs_on_the_workers(client, frame):
    grid = {"n_bins": [5, 20]}
    y = np.where(np.arange(600) % 10, 1, -1)
    search = GridSearchCV(HistogramDetector(), grid, scoring="accuracy", cv=3)
    here = search.fit(frame, y).cv_results_["mean_test_score"]
    with parallel_backend("dask"):
        there = search.set_params(n_jobs=-1).fit(frame, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(here, there)


def test_waiting_for_workers_that_are_gone_ends(client, monkeypatch):
    monkeypatch.setattr(_cluster, "WITHOUT_WORKERS", 0.3)
    monkeypatch.setattr(_cluster, "BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr(_cluster, "_has_workers", lambda _: False)
    sleeping = client.submit(time.sleep, 5)
    with pytest.raises(ClusterError, match="all workers are gone"):
        _cluster.result_of(client, sleeping)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_cluster, "TO_CONNECT", 0.5)


def test_a_port_at_which_nobody_listens_is_said(impatient):
    with pytest.raises(ClusterError, match=r"no scheduler of Dask answers at tcp://127\.0\.0\.1:9"):
        workers("tcp://127.0.0.1:9").__enter__()


def test_a_server_that_is_no_scheduler_is_said(impatient):
    def answer():
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.0 400 Bad request\r\n\r\n" * 9)
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(ClusterError, match="no scheduler of Dask answers"):
            workers(f"tcp://127.0.0.1:{server.getsockname()[1]}").__enter__()
        answering.join()


def test_the_address_of_a_worker_is_told_from_that_of_a_scheduler(client):
    with pytest.raises(ClusterError, match="found a worker of Dask"):
        workers(next(iter(client.nthreads()))).__enter__()


@pytest.mark.parametrize("address", ["", "local:0", "local:x", "localhost", "tcp://a", "a b:1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UsageError, match="is no address of a scheduler"):
        workers(address).__enter__()


def test_logging_of_dask_is_as_before_afterwards(impatient):
    logger = logging.getLogger("distributed.client")
    before = logger.level
    with pytest.raises(ClusterError):
        workers("tcp://127.0.0.1:9").__enter__()
    assert logger.level == before


# The last ones: workers that are started anew take a while.


def test_a_worker_that_dies_is_replaced_and_no_batch_is_lost(client, named, frame, tmp_path):
    def judge(detector, batch):
        start, rows = batch
        if start == 200 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os._exit(1)
        return detector.verdicts(rows)

    batches = ((start, frame[start : start + 50]) for start in range(0, 600, 50))
    found = pd.concat(in_order(client, judge, named, batches))
    assert (tmp_path / "died").exists()
    pd.testing.assert_frame_equal(found, named.verdicts(frame), check_exact=True)


def test_a_batch_that_kills_every_worker_is_said(client, named):
    # By default a worker would be started anew three times.
    client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    with pytest.raises(ClusterError, match="died over the same rows"):
        list(in_order(client, lambda *_: os._exit(1), named, [0]))
    client.wait_for_workers(2, timeout=30)


def test_an_interrupt_from_the_terminal_is_left_to_the_process_that_started_the_workers(client):
    handlers = client.run(lambda: str(signal.getsignal(signal.SIGINT)))
    assert set(handlers.values()) == {str(signal.SIG_IGN)}
