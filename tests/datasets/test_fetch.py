"""fetch_lhco_events, fetch_lhco_features: real downloads from a server on this machine."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from skdqm.datasets import _fetch, fetch_lhco_events, fetch_lhco_features
from skdqm.exceptions import DataError

CONTENT = b"not really HDF5, but the checksum does not mind"


class Handler(SimpleHTTPRequestHandler):
    """Serve a folder, count the requests, print nothing."""

    def do_GET(self):
        self.server.paths.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "good").write_bytes(CONTENT)
    (folder / "bad").write_bytes(CONTENT[:-1])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as http:
        http.paths = []
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.fixture
def fetch_from(server, tmp_path, monkeypatch):
    """Fetch from the given paths of the server instead of from Zenodo."""
    home = f"http://127.0.0.1:{server.server_port}"

    def fetch(*paths, folder=tmp_path / "cache", fetcher=fetch_lhco_features):
        urls = tuple(f"{home}/{path}" for path in paths)
        for name in ("FEATURES", "EVENTS"):
            kind = getattr(_fetch, name).checksum.partition(":")[0]
            checksum = f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}"
            file = replace(getattr(_fetch, name), urls=urls, checksum=checksum)
            monkeypatch.setattr(_fetch, name, file)
        return fetcher(folder)

    return fetch


def test_the_file_is_downloaded_once_and_named_as_on_zenodo(fetch_from, server, tmp_path):
    path = fetch_from("good")
    assert path == tmp_path / "cache" / "events_anomalydetection_v2.features.h5"
    assert path.read_bytes() == CONTENT
    assert fetch_from("good") == path
    assert server.paths == ["/good"]


def test_the_particles_are_another_file_with_another_kind_of_checksum(fetch_from, tmp_path):
    path = fetch_from("good", fetcher=fetch_lhco_events)
    assert path == tmp_path / "cache" / "events_anomalydetection_v2.h5"
    assert path.read_bytes() == CONTENT


def test_a_wrong_checksum_of_the_particles_is_refused(fetch_from):
    with pytest.raises(DataError, match=r"LHC Olympics events.*hash of downloaded file"):
        fetch_from("bad", fetcher=fetch_lhco_events)


def test_a_file_put_there_by_hand_needs_no_network(fetch_from, server, tmp_path):
    by_hand = tmp_path / "events_anomalydetection_v2.features.h5"
    by_hand.write_bytes(CONTENT)
    assert fetch_from("good", folder=str(tmp_path)) == by_hand
    assert not server.paths


def test_a_damaged_copy_is_replaced(fetch_from, tmp_path):
    (tmp_path / "events_anomalydetection_v2.features.h5").write_bytes(CONTENT[:5])
    assert fetch_from("good", folder=tmp_path).read_bytes() == CONTENT


def test_the_second_source_serves_when_the_first_fails(fetch_from, server):
    assert fetch_from("missing", "good").read_bytes() == CONTENT
    assert server.paths == ["/missing", "/good"]


def test_a_wrong_checksum_is_refused_and_leaves_nothing_behind(fetch_from, tmp_path):
    with pytest.raises(DataError, match="hash of downloaded file"):
        fetch_from("bad")
    assert not [*(tmp_path / "cache").iterdir()]


def test_a_missing_file_on_the_server_is_told(fetch_from):
    with pytest.raises(DataError, match="404"):
        fetch_from("missing")


def test_a_folder_that_cannot_be_made_is_told(fetch_from, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="file"):
        fetch_from("good", folder=tmp_path / "file" / "cache")


def test_without_a_network_the_error_says_what_to_do_by_hand(tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        closed_port = http.server_port
    urls = (f"http://127.0.0.1:{closed_port}/events",)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_fetch, "FEATURES", replace(_fetch.FEATURES, urls=urls))
    with pytest.raises(DataError) as caught:
        fetch_lhco_features(tmp_path)
    message = str(caught.value)
    for part in (
        "LHC Olympics features",
        *urls,
        str(tmp_path),
        _fetch.FEATURES.checksum,
        "by hand",
    ):
        assert part in message


def test_the_addresses_are_those_of_the_public_records():
    record, newer = _fetch.FEATURES.urls
    assert record.startswith("https://zenodo.org/records/4536377/files/")
    assert newer.startswith("https://zenodo.org/records/6466204/files/")
    assert _fetch.EVENTS.urls == (
        "https://zenodo.org/records/6466204/files/events_anomalydetection_v2.h5",
    )
    digits = [len(file.checksum.partition(":")[2]) for file in (_fetch.FEATURES, _fetch.EVENTS)]
    assert digits == [32, 64]


def test_importing_datasets_does_not_import_pooch():
    code = "import sys, skdqm.datasets; sys.exit('pooch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
