import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read

Write = Callable[..., Path]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.tsv", "A.CSV"])
def test_delimiter_is_found_in_the_header(csv_file: Write, delimiter: str, name: str) -> None:
    path = csv_file("pt,eta,label\n1,2,0\n3.5,4,1\n".replace(",", delimiter), name)
    found = read(path)
    assert found.X.to_dict("list") == {"pt": [1.0, 3.5], "eta": [2.0, 4.0]}
    assert found.y is not None
    assert found.y.tolist() == [0, 1]


def test_gzip_equals_plain(csv_file: Write) -> None:
    text = "pt,eta\n1,2\n3,4\n"
    packed = csv_file(gzip.compress(text.encode()), "a.csv.gz")
    pd.testing.assert_frame_equal(read(packed).X, read(csv_file(text)).X)


def test_byte_order_mark_and_blank_lines_do_not_reach_the_names(csv_file: Write) -> None:
    assert describe(csv_file("\ufeff\n\npt, eta\n\n1,2\n")).columns == ("pt", "eta")
    assert len(read(csv_file("\ufeff\n\npt, eta\n\n1,2\n"))) == 1


def test_values_keep_every_bit(csv_file: Write) -> None:
    values = np.random.default_rng(0).normal(size=500) * 10.0 ** np.arange(-250, 250)
    path = csv_file("pt\n" + "\n".join(map(repr, values.tolist())))
    np.testing.assert_array_equal(read(path).X["pt"].to_numpy(), values)


def test_quoted_names_may_hold_the_delimiter(csv_file: Write) -> None:
    assert describe(csv_file('"pt, GeV",eta\n1,2\n')).columns == ("pt, GeV", "eta")


def test_true_and_false_are_numbers(csv_file: Write) -> None:
    assert read(csv_file("ready,pt\nTrue,1\nFalse,2\n")).X["ready"].tolist() == [1.0, 0.0]


def test_text_after_the_first_chunk_is_found(csv_file: Write) -> None:
    path = csv_file("pt,eta\n1,2\n3,4\n5,6\n7,8\n9,oops\n")
    batches = iter_batches(path, 2)
    assert len(next(batches)) == 2
    with pytest.raises(DataError, match="'eta' are not numbers, for example 'oops'"):
        list(batches)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a,b\n1,2\n3,4,5\n", id="later row"),
        pytest.param("a,b\n1,2,3\n4,5\n", id="first row"),
        pytest.param("a,b\n1,2,3\n4,5,6\n", id="every row"),
    ],
)
def test_rows_that_are_too_long_are_an_error(csv_file: Write, text: str) -> None:
    with pytest.raises(DataError, match="fields"):
        read(csv_file(text), columns=["a"])


def test_row_that_ends_early_counts_as_nan(csv_file: Write) -> None:
    path = csv_file("a,b\n1,2\n3\n")
    with pytest.raises(DataError, match=r"1 NaN .* first in row 1"):
        read(path)
    assert len(read(path, nonfinite="drop")) == 1


def test_first_line_of_numbers_is_no_header(csv_file: Write) -> None:
    for header in ("0.5,1.5", "1,2", "1,0", "0,1.5"):
        with pytest.raises(DataError, match="first line looks like data, not column names"):
            read(csv_file(f"{header}\n2.5,3.5\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# made by ROOT\na,b\n1,2\n", "first line is '# made by ROOT'"),
        ("a;b\n1,5;2,5\n", "decimal comma"),
        ("\xe9,b\n1,2\n".encode("latin1"), r"b'\\xe9', which is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_foreign_habits_of_writing_are_named(
    csv_file: Write, content: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(csv_file(content))


def test_numbered_columns_are_a_header(csv_file: Write) -> None:
    assert list(read(csv_file("0,1\n2.5,3.5\n")).X.columns) == ["0", "1"]


def test_column_without_a_name_is_called_as_pandas_does(csv_file: Write) -> None:
    assert describe(csv_file(",pt\n0,1.5\n")).columns == ("Unnamed: 0", "pt")


def test_decimal_commas_are_not_read_as_numbers(csv_file: Write) -> None:
    with pytest.raises(DataError, match="for example '1,5'"):
        read(csv_file("pt;eta\n1,5;2,5\n"))
