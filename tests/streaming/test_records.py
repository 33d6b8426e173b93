import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.streaming._records import CsvRecords, JsonRecords, records_of
from tests.streaming.sources import layout

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=5,
)


def test_fields_are_found_by_the_names_of_their_columns():
    records = CsvRecords(b"id;b;run;a;x", layout("a", "b"))
    values, about = records.read(b'"07-k";2;301; 1e3;9')
    assert values == [1000, 2]
    assert about == {"id": "07-k", "run": 301}


def test_keys_are_found_by_name_and_arrays_are_taken_in_order():
    records = JsonRecords(layout("a", "b"))
    assert records.read(b'{"b": 2, "lumisection": 7, "a": 1}') == ([1, 2], {"lumisection": 7})
    assert records.read(b"[1, 2.5]") == ([1, 2.5], {})


def test_a_model_without_names_takes_the_columns_that_are_no_labels_and_no_keys():
    assert CsvRecords(b"run,p,q,label", layout(number=2)).read(b"1,2,3,4") == ([2, 3], {"run": 1})
    assert CsvRecords(b"run,p", layout(number=2)).read(b"1,2")[0] == [1, 2]
    with pytest.raises(DataError, match=r"found 3 features.*the model takes 2"):
        CsvRecords(b"p,q,r", layout(number=2))


def test_a_feature_called_run_is_a_feature():
    assert JsonRecords(layout("run")).read(b'{"run": 3}') == ([3], {})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "found 1 fields, the line of names has 2"),
        (b"1,2,3", "found 3 fields"),
        (b"1,", "feature 'b' is '', expected a finite number"),
        (b"1,x", "feature 'b' is 'x'"),
        (b"1,1_000", "feature 'b' is '1_000'"),
        (b"nan,1", "feature 'a' is 'nan'"),
        (b"1,-inf", "feature 'b' is '-inf'"),
        (b"1,1e999", "feature 'b' is '1e999'"),
        (b"1,\xff", "not UTF-8: byte 3 is 0xff"),
        (b'1,"2', "not CSV"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_the_reason(line, reason):
    with pytest.raises(DataError, match=reason.replace("(", r"\(")):
        CsvRecords(b"a,b", layout("a", "b")).read(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1, "b', "not JSON: .* at character"),
        (b"[" * 100_000, "not JSON"),
        (b"[" + b"9" * 5000 + b", 1]", "not JSON"),
        (b'{"a": 1}', "features 'b' .*missing; found 'a'"),
        (b"{}", "missing; found none"),
        (b'{"a": 1, "b": null}', "feature 'b' is None"),
        (b'{"a": 1, "b": "2"}', "feature 'b' is '2'"),
        (b'{"a": true, "b": 2}', "feature 'a' is True"),
        (b'{"a": NaN, "b": 2}', "feature 'a' is nan"),
        (b'{"a": 1e999, "b": 2}', "feature 'a' is inf"),
        (b"[1" + b"0" * 400 + b", 2]", "feature 'a' is 1000"),
        (b"[1, 2, 3]", "an array of 3, the model takes 2"),
        (b"[1, [2]]", "feature 'b' is "),
        (b"7", "found 7, expected a JSON object or array"),
        (b'"\xe9"', "not UTF-8"),
        ("[1, 2]".encode("utf-16"), "not UTF-8"),
    ],
)
def test_json_that_is_no_event_is_refused_with_the_reason(line, reason):
    with pytest.raises(DataError, match=reason):
        JsonRecords(layout("a", "b")).read(line)


def test_very_large_numbers_whose_sum_is_none_are_finite():
    assert JsonRecords(layout("a", "b")).read(b"[1.5e308, 1.5e308]")[0] == [1.5e308, 1.5e308]


@given(ANY_JSON)
def test_any_json_is_an_event_or_refused(value):
    try:
        found = JsonRecords(layout("a", "b")).read(json.dumps(value).encode())
    except DataError:
        return
    assert len(found.values) == 2
    assert all(map(isfinite, found.values))


@given(st.binary(max_size=40))
def test_any_bytes_are_an_event_or_refused(line):
    for records in (JsonRecords(layout("a")), CsvRecords(b"a,b", layout("a"))):
        try:
            found = records.read(line)
        except DataError:
            continue
        assert len(found.values) == 1
        assert isfinite(found.values[0])


@pytest.mark.parametrize(
    ("first", "form", "kind", "is_event"),
    [
        (b'{"a": 1}', None, JsonRecords, True),
        (b"\xef\xbb\xbf[1]", None, JsonRecords, True),
        (b"\xef\xbb\xbfa,b", None, CsvRecords, False),
        (b"a", "jsonl", JsonRecords, True),
        (b"a", "csv", CsvRecords, False),
    ],
)
def test_the_first_line_tells_how_lines_are_written(first, form, kind, is_event):
    found = records_of(first, layout("a"), form)
    assert (type(found[0]), found[1]) == (kind, is_event)


@pytest.mark.parametrize(
    ("header", "reason"),
    [(b"1,2", "looks like data"), (b"a,a", "more than once"), (b"a,c", "'b'.*missing")],
)
def test_a_line_of_names_that_does_not_fit_is_refused(header, reason):
    with pytest.raises(DataError, match=reason):
        CsvRecords(header, layout("a", "b"))
