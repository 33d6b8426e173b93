"""Bodies of requests: whatever comes in, rows or a named field come out."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdqm._lumisections import bin_names
from skdqm.service._decode import ARROW, CSV, JSON, NPY, Expected, Limits, decoded, encoded
from skdqm.service._errors import RequestError

NAMES = ("pt", "eta", "m")
EVENTS = Expected(NAMES, 3, None)
UNNAMED = Expected(None, 3, None)
SHAPES = {"charge": (4,), "map": (2, 3)}
HISTOGRAMS = Expected(
    tuple(name for element, shape in SHAPES.items() for name in bin_names(element, shape)),
    10,
    SHAPES,
)
LIMITS = Limits(max_rows=100, max_bytes=100_000)
FORMS = (JSON, CSV, ARROW, NPY)
TABLES = arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.just(3)),
    elements=st.floats(allow_nan=False, allow_infinity=False),
)


def body_of(values: np.ndarray, form: str, names: tuple[str, ...] = NAMES) -> bytes:
    """Write rows in one of the forms."""
    if form == JSON:
        return json.dumps({"events": values.tolist()}).encode()
    if form == CSV:
        return pd.DataFrame(values, columns=list(names)).to_csv(index=False).encode()
    if form == ARROW:
        return encoded(dict(zip(names, values.T, strict=True)))
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def refused(body: bytes, form: str, expected: Expected = EVENTS) -> RequestError:
    """Return the error that a body gives."""
    with pytest.raises(RequestError) as caught:
        decoded(body, form, expected, LIMITS)
    return caught.value


def json_of(**content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize("form", FORMS)
@given(values=TABLES)
@settings(max_examples=40, deadline=None)
def test_numbers_come_through_every_form_to_the_bit(form: str, values: np.ndarray) -> None:
    rows = decoded(body_of(values, form), form, EVENTS, LIMITS)
    assert np.array_equal(rows.numbers, values)
    assert rows.runs is None


@pytest.mark.parametrize("form", [CSV, ARROW])
def test_columns_are_found_by_name_in_any_order(form: str) -> None:
    body = body_of(np.array([[3.0, 1.0, 2.0]]), form, ("m", "pt", "eta"))
    assert decoded(body, form, EVENTS, LIMITS).numbers.tolist() == [[1.0, 2.0, 3.0]]


def test_an_event_by_names_has_any_order() -> None:
    rows = decoded(json_of(features={"m": 3, "eta": 2, "pt": 1.0}), JSON, EVENTS, LIMITS)
    assert rows.numbers.tolist() == [[1.0, 2.0, 3.0]]


def test_content_types_have_parameters() -> None:
    body = json_of(features=[1, 2, 3])
    assert decoded(body, "Application/JSON; charset=utf-8", EVENTS, LIMITS).numbers.shape == (1, 3)


@pytest.mark.parametrize("form", ["", "text/plain", "application/octet-stream", "x" * 1000])
def test_other_content_types_are_refused_with_those_that_are_taken(form: str) -> None:
    error = refused(b"1,2,3", form)
    assert error.status == 415
    assert CSV in error.message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("NaN", "nan"),
        ("1e999", "inf"),
        ("-Infinity", "inf"),
        ("1" + 400 * "0", "inf"),
        ("null", "null"),
        ("true", "true"),
        ('"1.5"', "text"),
        ("[1]", "list"),
        ("{}", "object"),
    ],
)
def test_json_that_is_no_finite_number_is_named(value: str, words: str) -> None:
    error = refused(f'{{"events": [[1, 2, 3], [1, {value}, 3]]}}'.encode(), JSON)
    assert error.status == 422
    assert error.loc == ("body", "events", 1, "eta")
    assert words in error.message


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"features": [1, 2]}, "features"),
        ({"features": {"pt": 1, "eta": 2}}, "m"),
        ({"features": {"pt": 1, "eta": 2, "m": 3, "mass": 4}}, "mass"),
        ({"events": [[1, 2, 3], [1, 2]]}, 1),
        ({"events": {"pt": 1}}, "events"),
        ({"features": [1, 2, 3], "comment": ""}, "comment"),
        ({"features": [1, 2, 3], "run": 1.5, "lumisection": 1}, "run"),
        ({"features": [1, 2, 3], "run": -1, "lumisection": 1}, "run"),
        ({"features": [1, 2, 3], "run": 2**63, "lumisection": 1}, "run"),
    ],
)
def test_what_is_wrong_with_json_is_named(content: dict[str, Any], field: str | int) -> None:
    error = refused(json_of(**content), JSON)
    assert error.status == 422
    assert error.loc[-1] == field


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"features": [1, 2, 3], "events": []},
        {"events": []},
        {"events": [[1, 2, 3], {"pt": 1, "eta": 2, "m": 3, "run": 1, "lumisection": 2}]},
        {"features": [1, 2, 3], "run": 7},
        {"lumisections": []},
    ],
)
def test_other_json_is_refused(content: dict[str, Any]) -> None:
    assert refused(json_of(**content), JSON).status == 422


def test_names_are_of_no_use_to_a_model_without() -> None:
    assert "without" in refused(json_of(features={"a": 1}), JSON, UNNAMED).message
    assert refused(b"a,b,c\n1,2,3\n", CSV, UNNAMED).status == 422
    assert decoded(json_of(features=[1, 2, 3]), JSON, UNNAMED, LIMITS).numbers.shape == (1, 3)


@pytest.mark.parametrize("cell", ["", "x", "NA", "1_000", "1;2", "true", "nan", "1e999"])
def test_a_cell_that_is_no_number_is_named(cell: str) -> None:
    error = refused(f"pt,eta,m\n1,2,3\n1,{cell},3\n".encode(), CSV)
    assert error.status == 422
    assert error.loc == ("body", "events", 1, "eta")


@pytest.mark.parametrize(
    "text", ["", "\n", "pt,eta\n1,2\n", "pt,pt,eta,m\n1,1,2,3\n", "pt,eta,m\n", "pt,eta,m\n1,2\n"]
)
def test_other_tables_are_refused(text: str) -> None:
    assert refused(text.encode(), CSV).status == 422


def test_a_mark_of_the_byte_order_is_no_part_of_a_name() -> None:
    body = "\ufeffpt,eta,m\r\n1,2,3\r\n".encode()
    assert decoded(body, CSV, EVENTS, LIMITS).numbers.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("form", [JSON, CSV, ARROW])
def test_runs_and_lumisections_come_along(form: str) -> None:
    place = {"run": 2**60 + 1, "lumisection": 7}
    body = {
        JSON: json_of(events=[{"pt": 1, "eta": 2, "m": 3, **place}]),
        CSV: f"run,pt,eta,m,lumisection\n{place['run']},1,2,3,7\n".encode(),
        ARROW: encoded({n: np.array([v]) for n, v in {**place, "pt": 1, "eta": 2, "m": 3}.items()}),
    }[form]
    rows = decoded(body, form, EVENTS, LIMITS)
    assert rows.runs is not None
    assert rows.lumisections is not None
    assert (rows.runs.tolist(), rows.lumisections.tolist()) == ([place["run"]], [7])


def test_one_run_may_be_that_of_all_events() -> None:
    rows = decoded(json_of(events=2 * [[1, 2, 3]], run=5, lumisection=6), JSON, EVENTS, LIMITS)
    assert rows.runs is not None
    assert rows.runs.tolist() == [5, 5]


def lumisection(**others: Any) -> dict[str, Any]:
    histograms = {"charge": [1, 2, 3, 4], "map": [[5, 6, 7], [8, 9, 10]]}
    return {"run": 1, "lumisection": 2, "histograms": histograms, **others}


@pytest.mark.parametrize("nested", [[[5, 6, 7], [8, 9, 10]], [5, 6, 7, 8, 9, 10]])
def test_histograms_come_in_their_shape_or_flat(nested: list[Any]) -> None:
    given = lumisection(histograms={"map": nested, "charge": [1, 2, 3, 4]})
    rows = decoded(json_of(lumisections=[given]), JSON, HISTOGRAMS, LIMITS)
    assert rows.numbers.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]


@pytest.mark.parametrize("form", [CSV, ARROW])
def test_histograms_come_as_columns_of_bins(form: str) -> None:
    names = ("run", "lumisection", *(HISTOGRAMS.names or ()))
    values = np.arange(12)
    body = {
        CSV: (",".join(f'"{name}"' for name in names) + "\n" + ",".join(map(str, values))).encode(),
        ARROW: encoded({name: values[i : i + 1] for i, name in enumerate(names)}),
    }[form]
    assert decoded(body, form, HISTOGRAMS, LIMITS).numbers.tolist() == [list(range(2, 12))]


@pytest.mark.parametrize(
    ("histograms", "field"),
    [
        ({"charge": [1, 2, 3, 4]}, "map"),
        ({"charge": [1, 2, 3, 4], "map": [[5, 6, 7]], "x": []}, "x"),
        ({"charge": [1, 2, 3], "map": [5, 6, 7, 8, 9, 10]}, "charge"),
        ({"charge": [1, 2, None, 4], "map": [5, 6, 7, 8, 9, 10]}, "charge"),
        ({"charge": [1, 2, 3, 4], "map": [[5, 6], [7, 8], [9, 10]]}, "map"),
        ({"charge": [1, 2, 3, 4], "map": [[5, 6, 7], 8, 9, 10]}, "map"),
        ([], "histograms"),
    ],
)
def test_what_is_wrong_with_histograms_is_named(histograms: Any, field: str) -> None:
    error = refused(json_of(lumisections=[lumisection(histograms=histograms)]), JSON, HISTOGRAMS)
    assert error.status == 422
    assert field in error.loc


def test_the_same_lumisection_twice_is_refused() -> None:
    error = refused(json_of(lumisections=2 * [lumisection()]), JSON, HISTOGRAMS)
    assert "twice" in error.message


def test_kinds_of_models_are_not_confused() -> None:
    assert "lumisections" in refused(json_of(features=[1, 2, 3]), JSON, HISTOGRAMS).message
    assert "events" in refused(json_of(lumisections=[lumisection()]), JSON).message
    assert refused(body_of(np.ones((1, 10)), NPY), NPY, HISTOGRAMS).status == 422


@pytest.mark.parametrize("form", FORMS)
def test_more_rows_than_allowed_are_refused(form: str) -> None:
    assert refused(body_of(np.ones((101, 3)), form), form).status == 413
    assert len(decoded(body_of(np.ones((100, 3)), form), form, EVENTS, LIMITS).numbers) == 100


def test_more_bytes_than_allowed_are_refused() -> None:
    assert refused(b" " * 100_001, JSON).status == 413


@pytest.mark.parametrize("open_", [b"[],", b"{},", b"1,", b'"",'])
def test_a_flood_of_small_values_is_refused_before_it_is_read(open_: bytes) -> None:
    assert refused(b'{"events": [' + 30_000 * open_ + b"1]}", JSON).status == 413


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_batches_are_refused_unread(compression: str) -> None:
    table = pa.table({name: np.zeros(50) for name in NAMES})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    assert refused(bytes(sink.getvalue()), ARROW).status == 415


def arrow(**columns: pa.Array) -> bytes:
    batch = pa.record_batch(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["1"]),
        pa.array([True]),
        pa.array(["1"]).dictionary_encode(),
        pa.array([[1.0]]),
        pa.nulls(1),
        pa.array([None], pa.float64()),
    ],
)
def test_columns_that_are_no_numbers_are_named(column: pa.Array) -> None:
    error = refused(arrow(pt=pa.array([1.0]), eta=column, m=pa.array([1])), ARROW)
    assert error.status == 422
    assert error.loc[-1] == "eta"


def test_several_batches_are_one_table() -> None:
    table = pa.table({name: np.arange(9.0) for name in NAMES})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    assert decoded(bytes(sink.getvalue()), ARROW, EVENTS, LIMITS).numbers.shape == (9, 3)


@pytest.mark.parametrize("dtype", [">f8", "<f4", ">i2", "u1", "f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_all_numbers_and_orders_are_read(dtype: str, order: Any) -> None:
    values = np.arange(6).reshape(2, 3)
    body = body_of(np.asarray(values, dtype=dtype, order=order), NPY)
    assert decoded(body, NPY, EVENTS, LIMITS).numbers.tolist() == values.tolist()


def test_one_event_may_be_a_vector() -> None:
    assert decoded(body_of(np.ones(3), NPY), NPY, EVENTS, LIMITS).numbers.shape == (1, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.ones((2, 4)),
        np.ones((1, 1, 3)),
        np.float64(1),
        np.array([["a", "b", "c"]]),
        np.ones((1, 3), dtype=complex),
        np.ones((1, 3), dtype=bool),
        np.zeros(1, dtype=[("pt", "f8"), ("eta", "f8"), ("m", "f8")]),
        np.full((1, 3), np.nan),
    ],
)
def test_other_arrays_are_refused(array: Any) -> None:
    assert refused(body_of(array, NPY), NPY).status == 422


def test_objects_are_not_unpickled() -> None:
    file = io.BytesIO()
    np.save(file, np.array([[{}, 1, 2]], dtype=object), allow_pickle=True)
    assert refused(file.getvalue(), NPY).status == 422


def test_a_shape_that_the_bytes_do_not_hold_allocates_nothing() -> None:
    body = body_of(np.ones((2, 3)), NPY).replace(b"(2, 3)", b"(9, 3)")
    assert "bytes" in refused(body, NPY).message


MUTATED = st.tuples(
    st.sampled_from(FORMS),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
)


@given(MUTATED, st.integers(0, 2000))
@settings(max_examples=400, deadline=None)
def test_damaged_bodies_give_rows_or_an_error_of_the_client(
    mutated: tuple[str, list[tuple[int, int]]], end: int
) -> None:
    form, changes = mutated
    body = bytearray(body_of(np.arange(12.0).reshape(4, 3), form))
    for place, byte in changes:
        body[place % len(body)] = byte
    _rows_or_refused(bytes(body[: end or None]), form)


@given(st.sampled_from(FORMS), st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_rows_or_an_error_of_the_client(form: str, body: bytes) -> None:
    _rows_or_refused(body, form)


def _rows_or_refused(body: bytes, form: str) -> None:
    try:
        rows = decoded(body, form, EVENTS, LIMITS)
    except RequestError as error:
        json.dumps([error.message, *error.loc])
        is_fault_of_client = 400 <= error.status < 500
        assert is_fault_of_client, error.message  # noqa: PT017 (both are right)
    else:
        assert np.isfinite(rows.numbers).all()
        assert rows.numbers.shape[1:] == (3,)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        # Found by mutating bodies: numpy's and Arrow's readers raise more than they say.
        (NPY, b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fort\x00an_order'(: False" + bytes(80)),
        (CSV, b"pt,eta,m\x0bx\n1,2,3\n"),
        (CSV, b'pt,eta,"m\nx"\n1,2,3\n'),
        (CSV, b"pt,eta,m\x00\n1,2,3\n"),
        (CSV, b"\xff\xfept,eta,m\n1,2,3\n"),
        (ARROW, b"ARROW1\x00\x00" + bytes(100)),
        (JSON, b'{"features": ' + b"[" * 200),
    ],
)
def test_bodies_that_broke_a_reader_are_refused(form: str, body: bytes) -> None:
    assert refused(body, form).status in {413, 422}
