import os
from threading import Thread
from types import SimpleNamespace

import pandas as pd
import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.streaming import EventSource
from tests.streaming.sources import read_all, values

FEATURES = SimpleNamespace(names=["a"], number=1)
FRAME = pd.DataFrame({"a": [1.0, 2.0]})


def source(path, **options):
    return EventSource(path, FEATURES, **{"poll": 0.01, "settle": 0.02, **options})


@pytest.fixture
def table(tmp_path):
    FRAME.to_csv(tmp_path / "events.csv", index=False)
    return tmp_path / "events.csv"


def test_a_file_is_read_by_its_name(tmp_path, table):
    FRAME.to_parquet(tmp_path / "events.parquet")
    FRAME.to_csv(tmp_path / "events.csv.gz", index=False)
    FRAME.to_json(tmp_path / "events.json", orient="records", lines=True)
    for path in tmp_path.iterdir():
        assert values(read_all(source(path, follow=False))) == [(1,), (2,)], path


def test_a_folder_is_followed_until_nothing_comes(table):
    assert values(read_all(source(table.parent, until_idle=0.2))) == [(1,), (2,)]


def test_a_complete_file_goes_on_at_any_row(tmp_path):
    FRAME.to_parquet(tmp_path / "events.parquet")
    again = source(tmp_path / "events.parquet", follow=False)
    again.seek({"row": 1})
    assert values(read_all(again)) == [(2,)]


def test_lines_are_read_as_they_are_said_to_be_written(tmp_path):
    (tmp_path / "lines").write_text("[1]\n2\n")
    assert read_all(source(tmp_path / "lines", follow=False))[0][0] == (1,)
    with pytest.raises(DataError, match="'a' of the model are missing"):
        read_all(source(tmp_path / "lines", follow=False, form="csv"))
    with pytest.raises(UsageError, match="form='xml'"):
        source(tmp_path / "lines", form="xml")


def test_another_thread_can_stop_it(table):
    followed = source(table)
    thread = Thread(target=read_all, args=[followed])
    thread.start()
    followed.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_what_goes_wrong_while_it_waits_ends_it(table):
    def fail():
        raise RuntimeError("the worker has failed")

    with pytest.raises(RuntimeError, match="the worker has failed"):
        read_all(source(table, while_waiting=fail))


@pytest.mark.parametrize("position", [{"row": 1}, {"0": 7}, {"done": []}, 7])
def test_the_position_in_another_kind_of_source_is_refused(table, position):
    with pytest.raises(DataError, match="is no position in"):
        source(table).seek(position)


def test_a_file_in_no_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        source(tmp_path / "no" / "events.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_fifo_is_refused_with_what_to_do(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="skdqm watch - <"):
        source(tmp_path / "fifo")


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        source("-")
