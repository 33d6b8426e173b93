from hypothesis import given
from hypothesis import strategies as st

from skdqm.streaming import _lines
from skdqm.streaming._lines import LineCutter


def cut(pieces):
    cutter = LineCutter()
    lines = [line for piece in pieces for line in cutter.feed(piece)]
    return lines + cutter.end()


@given(st.lists(st.binary(max_size=8) | st.just(b"\n") | st.just(b"ab\ncd"), max_size=12))
def test_lines_do_not_depend_on_how_bytes_arrive(pieces):
    whole = b"".join(pieces)
    lines = cut(pieces)
    assert lines == cut([whole])
    assert b"\n".join(line.text for line in lines) == whole.removesuffix(b"\n")
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        assert whole[line.offset - line.length : line.offset].removesuffix(b"\n") == line.text
    assert not lines or lines[-1].offset == len(whole)


def test_a_line_without_its_end_waits():
    cutter = LineCutter()
    assert cutter.feed(b"a\nbc") == [(b"a", 1, 2, 2)]
    assert (cutter.number, cutter.offset, cutter.n_waiting) == (1, 2, 2)
    assert cutter.feed(b"d\n") == [(b"bcd", 2, 6, 4)]


def test_of_a_line_that_is_too_long_only_the_beginning_is_kept(monkeypatch):
    monkeypatch.setattr(_lines, "LONGEST_LINE", 4)
    pieces = [b"0123", b"45678", b"9\nok\n"]
    lines = cut(pieces)
    assert lines == cut([b"".join(pieces)])
    assert [(line.text, line.is_too_long) for line in lines] == [(b"01234", True), (b"ok", False)]
    assert [line.offset for line in lines] == [11, 14]
