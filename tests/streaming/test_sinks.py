import errno
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.streaming import JSONLinesSink, ParquetSink, Results, Sink, SQLiteSink
from skdqm.streaming._sinks import Sinks
from tests.streaming.test_results import results
from tests.streaming.workers import SINKS, read

ALL = ("good", "anomaly", "undecided", "malformed")
sinks = pytest.mark.parametrize("kind", SINKS)


def opened(kind: str, folder: Path, marker: Any = None, **parameters: Any) -> Any:
    sink: Any = SINKS[kind](folder / "out", **parameters)
    sink.open(marker)
    return sink


def numbered(ordinal: int) -> Results:
    """Return results whose malformed event has another ordinal."""
    found = results()
    return replace(found, malformed=[found.malformed[0]._replace(ordinal=ordinal)])


def ordinals(sink: Any) -> list[int]:
    return [each["ordinal"] for each in read(sink)]


@sinks
@pytest.mark.parametrize("names", [None, ["pt", "eta"]])
def test_what_is_written_can_be_read_back(
    kind: str, names: list[str] | None, tmp_path: Path
) -> None:
    sink, found = opened(kind, tmp_path, kinds=ALL), results(names)
    sink.write(found)
    sink.commit()
    sink.close()
    expected = [
        {key: value for key, value in record.items() if value is not None}
        for record in found.records(ALL)
    ]
    assert read(sink) == expected


@sinks
def test_flagged_and_malformed_events_are_written_unless_others_are_asked_for(
    kind: str, tmp_path: Path
) -> None:
    for name, kinds, expected in (
        ("a", {}, [31, 32, 33]),
        ("b", {"kinds": ["malformed"]}, [32]),
        ("c", {"kinds": ["undecided", "good"]}, [30, 34]),
        ("d", {"kinds": []}, []),
    ):
        (tmp_path / name).mkdir()
        sink = opened(kind, tmp_path / name, **kinds)
        sink.write(results())
        sink.commit()
        sink.close()
        assert ordinals(sink) == expected


@sinks
def test_a_sink_is_cut_back_to_its_marker(kind: str, tmp_path: Path) -> None:
    sink = opened(kind, tmp_path, kinds=["malformed"])
    sink.write(numbered(1))
    marker = sink.commit()
    for ordinal in (2, 3):
        sink.write(numbered(ordinal))
        sink.commit()
    sink.write(numbered(4))
    sink.close()
    for ordinal in (5, 6):  # cutting back twice is like once
        again = opened(kind, tmp_path, marker, kinds=["malformed"])
        again.write(numbered(ordinal))
        again.commit()
        again.close()
        assert ordinals(again) == [1, ordinal]


@sinks
def test_a_sink_is_cut_back_to_nothing(kind: str, tmp_path: Path) -> None:
    sink = opened(kind, tmp_path)
    marker = sink.commit()
    sink.write(results())
    sink.commit()
    sink.close()
    again = opened(kind, tmp_path, marker)
    again.commit()
    again.close()
    assert read(again) == []


@sinks
def test_without_a_marker_records_are_added(kind: str, tmp_path: Path) -> None:
    for ordinal in (1, 2):
        sink = opened(kind, tmp_path, kinds=["malformed"])
        sink.write(numbered(ordinal))
        sink.commit()
        sink.close()
    assert ordinals(sink) == [1, 2]


@sinks
def test_a_sink_that_has_lost_what_it_held_is_refused(kind: str, tmp_path: Path) -> None:
    sink = opened(kind, tmp_path)
    sink.write(results())
    marker = sink.commit()
    sink.close()
    other = tmp_path / "other"
    other.mkdir()
    again: Any = SINKS[kind](other / "out")
    with pytest.raises(DataError, match="remove the checkpoint to begin anew"):
        again.open(marker)
    again.close()


@sinks
def test_positions_of_any_shape_are_kept(kind: str, tmp_path: Path) -> None:
    sink = opened(kind, tmp_path, kinds=["anomaly"])
    place = {"file": "a.h5", "row": [1, 2], "more": None}
    sink.write(replace(results(), positions=[place] * 4, about=[None] * 4))
    sink.commit()
    sink.close()
    assert [record["position"] for record in read(sink)] == [place, place]


@sinks
def test_an_impossible_place_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "missing" / "out", tmp_path / "file" / "out"):
        sink: Any = SINKS[kind](place)
        with pytest.raises(UsageError):
            sink.open(None)


@sinks
@pytest.mark.parametrize("kinds", ["anomaly", ["alarm"]])
def test_unknown_kinds_are_refused(kind: str, kinds: Any) -> None:
    with pytest.raises(UsageError, match="'anomaly', 'good', 'malformed', 'undecided'"):
        SINKS[kind]("out", kinds)


@sinks
def test_a_sink_must_be_open(kind: str, tmp_path: Path) -> None:
    sink: Any = SINKS[kind](tmp_path / "out")
    sink.close()
    if kind != "parquet":
        with pytest.raises(UsageError, match="open"):
            sink.commit()


def test_lines_can_be_followed_as_they_come(tmp_path: Path) -> None:
    sink = opened("json", tmp_path)
    sink.write(results())
    assert ordinals(sink) == [31, 32, 33]
    sink.close()


def test_a_torn_line_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b'{"ordinal": 1}\n{"ord')
    sink = opened("json", tmp_path, kinds=["malformed"])
    sink.write(numbered(2))
    sink.close()
    lines = sink.path.read_text().splitlines()
    assert lines[:2] == ['{"ordinal": 1}', '{"ord']
    assert '"ordinal": 2' in lines[2]


def test_a_changed_file_of_lines_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    sink = opened("json", tmp_path)
    sink.write(results())
    marker = sink.commit()
    sink.write(results())
    sink.close()
    changed = sink.path.read_bytes().replace(b"anomaly", b"ANOMALY", 1)
    sink.path.write_bytes(changed)
    with pytest.raises(DataError, match="does not begin with"):
        sink.open(marker)
    sink.close()
    assert sink.path.read_bytes() == changed


class FullDisk:
    """A file to which ten more bytes can be written."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, 10

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: Any) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        written, self.left = self.file.write(data[: self.left]), 0
        return int(written)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    sink = opened("json", tmp_path)
    sink.write(results())
    before = sink.path.read_bytes()
    sink._file = FullDisk(sink._file)
    with pytest.raises(OSError, match="No space left"):
        sink.write(results())
    sink.close()
    assert sink.path.read_bytes() == before


def test_what_was_not_committed_is_taken_back_in_a_data_base(tmp_path: Path) -> None:
    sink = opened("sqlite", tmp_path)
    sink.write(results())
    sink.close()
    assert read(sink) == []


def test_old_records_may_be_deleted_from_a_data_base(tmp_path: Path) -> None:
    sink = opened("sqlite", tmp_path)
    sink.write(results())
    marker = sink.commit()
    sink.close()
    with sqlite3.connect(tmp_path / "out") as connection:
        connection.execute("DELETE FROM events")
    connection.close()
    sink.open(marker)
    sink.write(results())
    sink.commit()
    sink.close()
    assert ordinals(sink) == [31, 32, 33]


def test_readers_do_not_stop_a_data_base_from_being_written(tmp_path: Path) -> None:
    sink = opened("sqlite", tmp_path)
    sink.write(results())
    sink.commit()
    reader = sqlite3.connect(tmp_path / "out")
    reading = reader.execute("SELECT ordinal FROM events")
    reading.fetchone()
    sink.write(results())
    sink.commit()
    reader.close()
    sink.close()
    assert len(read(sink)) == 6


def test_features_in_a_data_base_answer_questions(tmp_path: Path) -> None:
    sink = opened("sqlite", tmp_path)
    sink.write(results(["pt", "eta"]))
    sink.commit()
    question = "SELECT json_extract(features, '$.pt') FROM events WHERE kind = 'anomaly'"
    assert sink._connection.execute(question).fetchall() == [(2.0,), (4.0,)]
    sink.close()


def test_what_is_no_data_base_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("these are no records of ours, " * 100)
    with pytest.raises(DataError, match="cannot be opened as a data base"):
        opened("sqlite", tmp_path)
    connection = sqlite3.connect(tmp_path / "foreign")
    connection.execute("CREATE TABLE events (what TEXT)")
    connection.close()
    sink = SQLiteSink(tmp_path / "foreign")
    with pytest.raises(DataError, match="another table"):
        sink.open(None)
    sink.close()


def test_a_folder_of_tables_is_one_table_and_has_no_leftovers(tmp_path: Path) -> None:
    import pandas as pd

    (tmp_path / "out").mkdir()
    leftover = tmp_path / "out" / ".skdqm-partial-0123-part-00000000.parquet"
    leftover.write_text("half a file")
    (tmp_path / "out" / "notes.txt").write_text("of somebody")
    sink = opened("parquet", tmp_path)
    for _ in range(2):
        sink.write(results(["pt", "eta"]))
        sink.commit()
        sink.commit()
    sink.close()
    assert sorted(path.name for path in sink.folder.iterdir()) == [
        "notes.txt",
        "part-00000000.parquet",
        "part-00000001.parquet",
    ]
    frame = pd.concat(map(pd.read_parquet, sink.folder.glob("*.parquet")))
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"
    assert len(frame) == 6


def test_many_records_do_not_wait_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skdqm.streaming._sink_parquet.MOST_WAITING", 4)
    sink = opened("parquet", tmp_path)
    marker = sink.commit()
    for _ in range(3):
        sink.write(results())
    assert len(list(sink.folder.glob("*.parquet"))) == 1
    sink.commit()
    sink.close()
    assert len(read(sink)) == 9
    opened("parquet", tmp_path, marker).close()
    assert read(sink) == []


def test_lines_go_to_a_regular_file_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="regular file"):
        JSONLinesSink(tmp_path).open(None)


def test_several_sinks_get_all_and_are_all_closed(tmp_path: Path) -> None:
    class Failing(JSONLinesSink):
        def close(self) -> None:
            super().close()
            raise OSError("no")

    several = [Failing(tmp_path / "a"), SQLiteSink(tmp_path / "b"), ParquetSink(tmp_path / "c")]
    together = Sinks.of(several)
    together.open(None)
    together.write(results())
    markers = together.commit()
    with pytest.raises(OSError, match="no"):
        together.close()
    assert several[1]._connection is not None
    with pytest.raises(sqlite3.ProgrammingError):
        several[1].commit()
    assert [ordinals(JSONLinesSink(tmp_path / "a")), *map(ordinals, several[1:])] == [
        [31, 32, 33]
    ] * 3
    assert len(markers) == len(together.description) == 3


def test_what_is_no_sink_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a Sink"):
        Sinks.of("alarms.jsonl")


def test_a_sink_of_ones_own_needs_to_write_and_to_be_known_again() -> None:
    class Own(Sink):
        description = {"sink": "own"}  # noqa: RUF012

        def __init__(self) -> None:
            self.found: list[Results] = []

        def write(self, results: Results) -> None:
            self.found.append(results)

    own = Own()
    together = Sinks.of(own)
    together.open(together.commit())
    together.write(results())
    together.close()
    assert len(own.found) == 1
    with pytest.raises(TypeError, match="abstract"):
        Sink()  # type: ignore[abstract]
