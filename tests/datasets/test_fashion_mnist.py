"""fetch_fashion_mnist: real downloads through pooch from a server on this machine."""

import gzip
import hashlib
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from skdqm.datasets._fashion_mnist import FILES, fetch_fashion_mnist
from skdqm.exceptions import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 784), dtype=np.uint8)
LABELS = np.arange(6, dtype=np.uint8)


class Handler(SimpleHTTPRequestHandler):
    """Serve a folder, count the requests, print nothing."""

    def do_GET(self):
        self.server.paths.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


def idx(array, *lengths):
    header = bytes([0, 0, 8, len(lengths)]) + np.array(lengths, ">u4").tobytes()
    return gzip.compress(header + array.tobytes())


def change(monkeypatch, name, **facts):
    monkeypatch.setitem(FILES, name, replace(FILES[name], **facts))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of a small set of the same form, whose files have checksums of their own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "server"
    folder.mkdir()
    contents = {
        "train-images-idx3-ubyte.gz": idx(IMAGES, 6, 28, 28),
        "train-labels-idx1-ubyte.gz": idx(LABELS, 6),
        "t10k-images-idx3-ubyte.gz": idx(IMAGES[:2], 2, 28, 28),
        "t10k-labels-idx1-ubyte.gz": idx(LABELS[:2], 2),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        md5 = hashlib.md5(content).hexdigest()  # noqa: S324
        change(monkeypatch, name, checksum=f"md5:{md5}")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as http:
        http.paths = []
        http.home = f"http://127.0.0.1:{http.server_port}/"
        for name in contents:
            change(monkeypatch, name, urls=(http.home + name,))
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.mark.parametrize(("subset", "n_images"), [("train", 6), ("test", 2)])
def test_images_are_rows_of_grey_values_with_their_classes(server, tmp_path, subset, n_images):
    X, y = fetch_fashion_mnist(tmp_path / "cache", subset=subset)
    np.testing.assert_array_equal(X, IMAGES[:n_images])
    np.testing.assert_array_equal(y, LABELS[:n_images])
    assert (X.dtype, y.dtype) == (np.float32, np.int64)


def test_files_are_downloaded_once_and_only_those_of_the_subset(server, tmp_path):
    for _ in range(2):
        fetch_fashion_mnist(tmp_path / "cache", subset="test")
    expected = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == expected
    assert server.paths == [f"/{name}" for name in expected]


def test_files_put_there_by_hand_need_no_network(server, tmp_path):
    fetch_fashion_mnist(str(tmp_path / "server"))
    assert not server.paths


def test_the_second_home_serves_when_the_first_fails(server, tmp_path, monkeypatch):
    for name in FILES:
        change(monkeypatch, name, urls=(server.home + "nothing", server.home + name))
    assert fetch_fashion_mnist(tmp_path / "cache")[0].shape == (6, 784)


def test_a_wrong_checksum_is_refused_and_leaves_nothing_behind(server, tmp_path, monkeypatch):
    change(monkeypatch, "train-labels-idx1-ubyte.gz", checksum="md5:" + "0" * 32)
    with pytest.raises(DataError, match="hash of downloaded file"):
        fetch_fashion_mnist(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["train-images-idx3-ubyte.gz"]


def test_without_a_network_the_error_says_what_to_do_by_hand(tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        home = f"http://127.0.0.1:{http.server_port}/"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    name = "train-images-idx3-ubyte.gz"
    change(monkeypatch, name, urls=(home + name,))
    with pytest.raises(DataError) as caught:
        fetch_fashion_mnist(tmp_path)
    for part in ("Fashion-MNIST", home, str(tmp_path / name), FILES[name].checksum, "by hand"):
        assert part in str(caught.value)


def test_another_subset_is_refused():
    with pytest.raises(InvalidParameterError, match="subset"):
        fetch_fashion_mnist(subset="t10k")


def test_the_checksums_are_those_of_the_public_files(shared_data):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        content = shared_data(f"fashion_mnist/{name}").read_bytes()
        assert FILES[name].checksum == "md5:" + hashlib.md5(content).hexdigest()  # noqa: S324


def test_the_public_training_images_have_six_thousand_of_each_class(shared_data):
    folder = shared_data("fashion_mnist/train-images-idx3-ubyte.gz").parent
    X, y = fetch_fashion_mnist(folder)
    assert X.shape == (60_000, 784)
    assert np.bincount(y).tolist() == [6000] * 10


def test_every_file_has_a_checksum_and_two_homes():
    for name, file in FILES.items():
        assert len(file.checksum) == len("md5:") + 32
        assert [url.rpartition("/")[2] for url in file.urls] == [name, name]
