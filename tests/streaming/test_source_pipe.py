import os
from contextlib import closing, suppress
from threading import Thread

import pytest

from skdqm.exceptions import DataError
from skdqm.streaming._patience import Patience
from skdqm.streaming._source_pipe import Pipe
from tests.streaming.sources import layout, read_all, reasons, values


class Ends:
    def __init__(self):
        self.reading, self.writing = os.pipe()

    def write(self, data):
        os.write(self.writing, data)

    def close(self):
        for end in (self.reading, self.writing):
            with suppress(OSError):
                os.close(end)


@pytest.fixture
def ends():
    with closing(Ends()) as made:
        yield made


def pipe(ends, said=None, **patience):
    say = (lambda message: None) if said is None else said.append
    made = Patience(poll=0.01, **patience)
    return Pipe(ends.reading, layout("a"), made, None, say), made


@pytest.mark.parametrize("follow", [True, False])
def test_a_pipe_is_read_to_its_end_with_a_last_line_that_has_none(ends, follow):
    ends.write(b"a,run\n1,7\nx,7\n2,8")
    os.close(ends.writing)
    found = read_all(pipe(ends, follow=follow)[0])
    assert values(found) == [(1,), (2,)]
    assert len(reasons(found)) == 1
    assert [about for _, _, about in found] == [
        {"line": 2, "run": 7},
        {"line": 3},
        {"line": 4, "run": 8},
    ]


def test_events_come_before_the_pipe_ends(ends):
    ends.write(b'[1]\n{"a": 2}\n[3')
    source = iter(pipe(ends)[0])
    assert next(source).events.tolist() == [[1], [2]]
    ends.write(b"0]\n")
    assert next(source).events.tolist() == [[30]]


def test_it_ends_when_nothing_comes_for_a_while(ends):
    ends.write(b"[1]\n[2")
    # A busy machine may take long to read what is there: only then the wait becomes short.
    source, patience = pipe(ends, until_idle=60)
    batches = iter(source)
    assert next(batches).events.tolist() == [[1]]
    patience.until_idle = 0.05
    assert list(batches) == []


def test_another_thread_can_stop_it(ends):
    source, patience = pipe(ends)
    thread = Thread(target=read_all, args=[source])
    thread.start()
    patience.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_a_line_of_names_that_does_not_fit_is_an_error_of_standard_input(ends):
    ends.write(b"b\n")
    with pytest.raises(DataError, match="standard input: the features 'a'"):
        read_all(pipe(ends)[0])


def test_what_was_read_before_is_only_spoken_of(ends):
    said = []
    source, _ = pipe(ends, said=said)
    source.seek({"line": 17})
    assert "17 lines were read before" in said[0]
