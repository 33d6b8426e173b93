import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.streaming import _lines, _source_text
from skdqm.streaming._source_text import TextFile
from tests.streaming.sources import Script, layout, read_all, reasons, values

CSV_LINES = ["run,a", "7,1", "7,x", "", "8,2", "8", "8,nan", "9,3\r"]
JSON_LINES = ['{"a": 1, "run": 7}', "[2]", "{", "", '{"b": 1}', '{"a": NaN}', "[3]", "\ufeff[4]"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events"


def growing(path, *steps, at=None, follow=True, said=None):
    say = (lambda message: None) if said is None else said.append
    source = TextFile(path, layout("a"), Script(*steps, follow=follow), None, say)
    if at is not None:
        source.seek(at)
    return source


def append(path, data):
    def step():
        with path.open("ab") as file:
            file.write(data.encode() if isinstance(data, str) else data)

    return step


def write(path, text):
    return lambda: path.write_text(text)


def rename(path, other):
    return lambda: path.rename(other)


@pytest.mark.parametrize("lines", [CSV_LINES, JSON_LINES], ids=["csv", "jsonl"])
@given(data=st.data())
def test_any_cut_of_the_bytes_into_writes_gives_the_same_events(lines, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "events"
    whole = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(whole)
    expected = read_all(growing(path, follow=False))
    path.unlink()
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6).map(sorted))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    found = read_all(growing(path, *(append(path, piece) for piece in pieces), lambda: None))
    assert found == expected
    assert len(found) == len(lines) - 1 - (lines is CSV_LINES)


@pytest.mark.parametrize("lines", [CSV_LINES, JSON_LINES], ids=["csv", "jsonl"])
def test_reading_on_from_any_position_gives_the_rest(lines, path):
    path.write_text("\n".join(lines) + "\n")
    expected = read_all(growing(path, follow=False))
    for number, (_, position, _) in enumerate(expected, start=1):
        assert read_all(growing(path, at=position, follow=False)) == expected[number:]


def test_events_say_file_line_run_and_what_is_wrong(path):
    path.write_text("\n".join(CSV_LINES))
    found = read_all(growing(path, follow=False))
    assert values(found) == [(1,), (2,), (3,)]
    assert [about["line"] for _, _, about in found] == [2, 3, 5, 6, 7, 8]
    assert found[0][2] == {"file": "events", "line": 2, "run": 7}
    assert found[1][2] == {"file": "events", "line": 3}
    assert [reason.partition(",")[0] for reason in reasons(found)] == [
        "feature 'a' is 'x'",
        "found 1 fields",
        "feature 'a' is 'nan'",
    ]


def test_the_last_line_counts_without_its_end_only_if_no_more_is_awaited(path):
    path.write_text("a\n1\n2")
    assert values(read_all(growing(path, follow=False))) == [(1,), (2,)]
    said = []
    found = read_all(growing(path, said=said))
    assert values(found) == [(1,)]
    assert "line 3 has not ended; its 1 bytes" in said[0]
    append(path, "5\n")()
    assert values(read_all(growing(path, at=found[-1][1]))) == [(25,)]


def test_a_file_that_does_not_exist_yet_is_awaited(path):
    said = []
    assert values(read_all(growing(path, write(path, "a\n1\n"), said=said))) == [(1,)]
    assert said == [f"waiting for {path}, which does not exist"]
    path.unlink()
    with pytest.raises(DataError, match="no such file"):
        read_all(growing(path, follow=False))


def test_a_truncated_file_is_read_from_its_beginning_and_that_is_said(path):
    said = []
    path.write_text("a\n1\n2\n")
    found = read_all(growing(path, write(path, "a\n3\n"), said=said))
    assert values(found) == [(1,), (2,), (3,)]
    assert ["truncated or replaced after line 3" in message for message in said] == [True]


def test_a_file_that_was_truncated_and_is_longer_again_is_noticed(path):
    said = []
    path.write_text("a\n1\n2\n")
    steps = [write(path, "a\n3\n4\n5\n6\n"), lambda: None]
    assert values(read_all(growing(path, *steps, said=said))) == [(n,) for n in range(1, 7)]
    assert len(said) == 1


def test_of_a_renamed_file_the_rest_is_read_before_the_next_one(path, tmp_path):
    said, old = [], tmp_path / "events.1"
    path.write_text("a,run\n1,1\n")

    def rotate():
        rename(path, old)()
        append(old, "2,1\n3,")()
        path.write_text("run,a\n2,4\n")

    found = read_all(growing(path, rotate, append(path, "2,5\n"), said=said))
    assert values(found) == [(1,), (2,), (4,), (5,)]
    assert [about["run"] for _, _, about in found] == [1, 1, 2, 2]
    assert "was replaced before line 4 had ended; its 2 bytes" in said[0]


def test_a_renamed_file_is_followed_until_the_next_one_is_there(path, tmp_path):
    old = tmp_path / "events.1"
    path.write_text("a\n1\n")
    steps = [rename(path, old), append(old, "2\n"), write(path, "a\n3\n"), lambda: None]
    assert values(read_all(growing(path, *steps))) == [(1,), (2,), (3,)]


def test_another_copy_of_the_same_file_goes_on(path, tmp_path):
    said, copy = [], tmp_path / "copy"
    path.write_text("a\n1\n")
    copy.write_text("a\n1\n2\n")
    found = read_all(growing(path, lambda: os.replace(copy, path), said=said))  # noqa: PTH105
    assert (values(found), said) == ([(1,), (2,)], [])


def test_a_file_that_was_replaced_while_nobody_watched_is_noticed(path):
    said = []
    path.write_text("a\n1\n2\n")
    position = read_all(growing(path, follow=False))[-1][1]
    path.write_text("a\n8\n9\n7\n")
    assert values(read_all(growing(path, at=position, said=said))) == [(8,), (9,), (7,)]
    assert len(said) == 1


def test_a_line_that_is_too_long_is_malformed_and_the_next_ones_are_read(path, monkeypatch):
    monkeypatch.setattr(_lines, "LONGEST_LINE", 8)
    monkeypatch.setattr(_source_text, "LONGEST_LINE", 8)
    path.write_text("[1]\n[1.0000000000000]\n[2]\n")
    found = read_all(growing(path, follow=False))
    assert values(found) == [(1,), (2,)]
    assert reasons(found) == ["the line has 18 bytes, at most 8 can"]
    assert values(read_all(growing(path, at=found[1][1], follow=False))) == [(2,)]


def test_a_line_of_names_without_the_features_ends_with_the_name_of_the_file(path):
    path.write_text("b\n1\n")
    with pytest.raises(DataError, match="events: the features 'a'"):
        read_all(growing(path))


def test_nothing_more_is_read_after_stop(path, monkeypatch):
    monkeypatch.setattr(_source_text, "CHUNK", 4)
    path.write_text("a\n1\n2\n3\n4\n")
    patience = Script(lambda: None)
    source = iter(TextFile(path, layout("a"), patience, None, print))
    next(source)
    patience.stop()
    assert list(source) == []


def test_an_empty_file_holds_no_events(path):
    path.write_text("\n\n")
    assert read_all(growing(path, follow=False)) == []
