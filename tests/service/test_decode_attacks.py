"""Bodies made to break the service: refused at once, and for what they are."""

import asyncio
import json
import struct
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from starlette.exceptions import HTTPException

from skdqm.service._decode import ARROW, CSV, JSON, NPY, Expected, Limits, decoded, encoded
from skdqm.service._errors import RequestError
from skdqm.service._guard import Held, _Answer, _Body
from tests.service.flatbuffer import batch, nested, schema

EVENTS = Expected(("pt", "eta", "m"), 3, None)
LIMITS = Limits(max_rows=100_000, max_bytes=32 * 2**20)
# Of a column each: no bitmap, and eight bytes.
BUFFERS = [(0, 0), (0, 8), (0, 0), (8, 8), (0, 0), (16, 8)]
ONE_ROW = struct.pack("<3d", 1, 2, 3)
SOUND = schema() + batch(1, 3, BUFFERS, ONE_ROW)


def refused(body: bytes, form: str, expected: Expected = EVENTS) -> RequestError:
    """Return the error that a body gives."""
    with pytest.raises(RequestError) as caught:
        decoded(body, form, expected, LIMITS)
    return caught.value


@contextmanager
def cheaply(seconds: float = 15.0, n_bytes: int = 200_000_000) -> Iterator[None]:
    """Demand that something takes little time and room; without care it is ten times as much."""
    started = time.perf_counter()
    tracemalloc.start()
    try:
        yield
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - started < seconds
    assert most < n_bytes


def npy(header: str, content: bytes = bytes(24)) -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + content


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': (), 'fortran_order': False, 'shape': (3,)}",
        "{'descr': ('<f8',), 'fortran_order': False, 'shape': (3,)}",
        "{'descr': ('<f8', 10**30), 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,",
        "{'descr': (",
        "'''",
        "(" * 900,
        "-" * 900 + "1",
    ],
)
def test_headers_of_arrays_that_are_no_literals_are_refused(header: str) -> None:
    assert refused(npy(header + "\n"), NPY).status == 422


@pytest.mark.parametrize("bits", [b"\1\0\x80\x7f", b"\0\0\x80\x7f"])
def test_odd_bits_of_numbers_are_not_finite_and_no_warning(bits: bytes) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}\n"
    assert refused(npy(header, 3 * bits), NPY).loc[-1] == "pt"


def test_numbers_beyond_our_range_are_not_finite_and_no_warning() -> None:
    body = np.full(3, np.longdouble("1e4000"))
    if np.isinf(np.float64(np.longdouble("1e400"))) and np.isfinite(body).all():
        header = f"{{'descr': {body.dtype.str!r}, 'fortran_order': False, 'shape': (3,)}}\n"
        assert "inf" in refused(npy(header, body.tobytes()), NPY).message


@pytest.mark.parametrize("end", ["\v", "\f", "\x1c", "\x85", "\u2028"])
def test_only_ends_of_lines_end_a_header(end: str) -> None:
    assert refused(f"pt,eta,m{end},x\n1,2,3,4\n".encode(), CSV).status == 422


def test_a_header_of_one_name_again_and_again_is_refused_at_once() -> None:
    many = Expected(tuple(f"x{i}" for i in range(20_000)), 20_000, None)
    text, stream = b"pt," * 150_000 + b"eta,m\n1\n", schema(["pt"] * 40_000)
    with cheaply():
        assert refused(text, CSV, many).status == 422
        assert refused(stream, ARROW, many).status == 422


@pytest.mark.parametrize("line", [b"\n", b"ab\n", b"\r", b"abc,"])
def test_floods_of_lines_and_names_take_no_room(line: bytes) -> None:
    body = b"pt,eta,m\n" * (line != b"abc,") + line * (10_000_000 // len(line))
    with cheaply(n_bytes=60_000_000):
        assert refused(body, CSV).status in {413, 422}


def test_the_one_wrong_cell_of_many_is_found_at_once() -> None:
    names = tuple(f"f{i}" for i in range(100))
    rows = [",".join(names), *[",".join(["1"] * 100)] * 10_000, ",".join([*["1"] * 99, "x"])]
    with cheaply():
        error = refused("\n".join(rows).encode(), CSV, Expected(names, 100, None))
    assert error.loc == ("body", "events", 10_000, "f99")


def test_room_around_a_number_is_not_what_is_wrong() -> None:
    assert refused(b"pt,eta,m\n 1, 2\t,x\n", CSV).loc == ("body", "events", 0, "m")


def test_places_within_features_come_along() -> None:
    body = {"features": {"pt": 1, "eta": 2, "m": 3, "run": 5, "lumisection": 6}}
    rows = decoded(json.dumps(body).encode(), JSON, EVENTS, LIMITS)
    assert rows.runs is not None
    assert rows.lumisections is not None
    assert (rows.runs.tolist(), rows.lumisections.tolist()) == ([5], [6])


@pytest.mark.parametrize("run", ["null", "true", '"5"', "5.0", "NaN", "-1", "9" * 400])
def test_places_that_are_no_whole_numbers_are_named(run: str) -> None:
    inside = f'{{"features": {{"pt": 1, "eta": 2, "m": 3, "run": {run}, "lumisection": 6}}}}'
    beside = f'{{"features": [1, 2, 3], "run": {run}, "lumisection": 6}}'
    assert refused(inside.encode(), JSON).loc == ("body", "features", "run")
    assert refused(beside.encode(), JSON).loc == ("body", "run")


def test_a_place_is_given_once() -> None:
    body = {"features": {"pt": 1, "eta": 2, "m": 3, "run": 5, "lumisection": 6}, "run": 7}
    assert refused(json.dumps(body).encode(), JSON).loc == ("body", "run")


def test_the_attacks_on_arrow_are_near_a_stream_that_is_sound() -> None:
    assert decoded(SOUND, ARROW, EVENTS, LIMITS).numbers.tolist() == [[1, 2, 3]]


def test_numbers_with_the_large_end_first_are_read_so() -> None:
    body = schema(is_big=True) + batch(1, 3, BUFFERS, struct.pack(">3d", 1, 2, 3))
    assert decoded(body, ARROW, EVENTS, LIMITS).numbers.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (schema(notes=(2000, 200_000)), "share"),
        (schema([200_000 * "x"] * 2000), "share"),
        (schema(notes=(150_000, 1)), "more than"),
        (nested(60), "no numbers"),
    ],
    ids=["notes", "names", "many notes", "columns"],
)
def test_parts_that_many_refer_to_are_refused_before_they_are_made(body: bytes, words: str) -> None:
    with cheaply():
        error = refused(body, ARROW)
    assert error.status == 422
    assert words in error.message


def test_columns_that_share_their_bytes_are_refused() -> None:
    names = tuple(f"f{i}" for i in range(500))
    numbers = bytes(8 * 10_000)
    shared = batch(10_000, 500, [(0, 0), (0, len(numbers))] * 500, numbers)
    with cheaply(n_bytes=20_000_000):
        error = refused(schema(names) + shared, ARROW, Expected(names, 500, None))
    assert "share" in error.message


def test_empty_batches_are_not_taken_without_end() -> None:
    empty = batch(0, 3, [(0, 0)] * 6, b"")
    assert refused(schema() + 100_001 * empty, ARROW).status == 413


@pytest.mark.parametrize("more", [SOUND, b"\0", b"x" * 100])
def test_what_is_behind_a_stream_is_not_passed_over(more: bytes) -> None:
    end = b"\xff\xff\xff\xff\0\0\0\0"
    assert refused(SOUND + end + more, ARROW).status == 422
    assert len(decoded(SOUND + end, ARROW, EVENTS, LIMITS).numbers) == 1


@pytest.mark.parametrize(
    ("n_rows", "buffers"),
    [
        (2, BUFFERS),
        (-1, BUFFERS),
        (1, BUFFERS[:1]),
        (1, [(0, 0), (10**9, 8)] * 3),
        (1, [(0, 0), (-8, 8)] * 3),
        (1, [(0, 0), (0, -8)] * 3),
        (1, [(0, 0), (2**63 - 4, 8)] * 3),
        (1, [(0, 0), (20, 8)] * 3),
    ],
)
def test_lies_of_batches_are_refused(n_rows: int, buffers: list[tuple[int, int]]) -> None:
    assert refused(schema() + batch(n_rows, 3, buffers, ONE_ROW), ARROW).status == 422


def test_streams_of_arrow_itself_are_taken_with_their_notes() -> None:
    fields = [pa.field(name, pa.float64(), metadata={"unit": "GeV"}) for name in EVENTS.names or ()]
    table = pa.table([pa.array([1.0])] * 3, schema=pa.schema(fields, metadata={"pandas": "{}"}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table.to_batches()[0], custom_metadata={"by": "a client"})
    assert decoded(bytes(sink.getvalue()), ARROW, EVENTS, LIMITS).numbers.tolist() == [[1, 1, 1]]
    old = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(use_legacy_format=True)
    with pa.ipc.new_stream(old, table.schema, options=options) as writer:
        writer.write_table(table)
    assert decoded(bytes(old.getvalue()), ARROW, EVENTS, LIMITS).numbers.tolist() == [[1, 1, 1]]


def test_our_own_answers_are_sound_streams() -> None:
    body = encoded({name: np.ones(2) for name in EVENTS.names or ()})
    assert len(decoded(body, ARROW, EVENTS, LIMITS).numbers) == 2


def test_a_body_that_never_ends_lets_go_of_an_answer_under_way() -> None:
    async def never() -> Any:
        await asyncio.sleep(60)

    async def nobody(message: Any) -> None:
        del message

    async def ask() -> Any:
        answer = _Answer("/v1/stream", nobody)
        body = _Body(never, answer, Held(1000), 1000, 0.01)
        with pytest.raises(HTTPException):
            await body()
        await answer({"type": "http.response.start", "status": 200})
        return await body()

    assert asyncio.run(ask()) == {"type": "http.disconnect"}


@pytest.mark.parametrize("path", ["/v1/masks", "/v1/alarms/1/acknowledge", "/v1/stream"])
def test_large_texts_are_refused_before_anybody_reads_them(client: Any, path: str) -> None:
    kind = {"content-type": "application/json"}
    body = b"[" + b"[]," * 100_000 + b"[]]"
    assert client.post(path, content=body, headers=kind).status_code in {405, 413}
    parts = (body[place : place + 10_000] for place in range(0, len(body), 10_000))
    assert client.post(path, content=parts, headers=kind).status_code in {405, 413}


def test_the_plain_form_judges_one_event_alone(client: Any) -> None:
    answer = client.post("/score", json={"events": [[1, 2, 3, 4, 5, 6]] * 2})
    assert answer.status_code == 422
    assert "/v1/score" in answer.text
    assert client.get("/v1/verdicts").json() == []
