from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skdqm.exceptions import DataError
from skdqm.io import iter_batches, read

Write = Callable[..., Path]
HOLES = "pt,eta,label\n1,2,0\n,4,1\n5,inf,0\n7,8,1\n-inf,,0\n"


def test_nonfinite_values_are_counted_and_located(csv_file: Write) -> None:
    with pytest.raises(
        DataError, match=r"2 NaN and 2 infinite values in 2 columns .*'eta: 2'.* first in row 1;"
    ):
        read(csv_file(HOLES))


def test_dropped_rows_take_their_labels_along_and_keep_row_numbers(csv_file: Write) -> None:
    found = read(csv_file(HOLES), nonfinite="drop")
    assert found.y is not None
    assert (found.n_dropped, len(found), found.y.tolist()) == (3, 2, [0, 1])
    assert found.X.index.tolist() == [0, 3]


def test_kept_values_stay_as_they_are(csv_file: Write) -> None:
    found = read(csv_file(HOLES), nonfinite="keep")
    assert (found.n_dropped, len(found)) == (0, 5)
    assert np.isnan(found.X["pt"][1])
    assert np.isinf(found.X["eta"][2])


def test_columns_left_out_are_not_judged(csv_file: Write) -> None:
    assert len(read(csv_file("pt,name\n1,a\n2,\n"), columns=["pt"])) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_batch_that_lost_every_row_is_not_yielded_but_counted(csv_file: Write, size: int) -> None:
    path = csv_file("pt\nnan\nnan\n1\nnan\nnan\n2\nnan\nnan\nnan\n")
    batches = list(iter_batches(path, size, nonfinite="drop"))
    assert all(len(batch) for batch in batches)
    assert sum(batch.n_dropped for batch in batches) == 7
    assert [row for batch in batches for row in batch.X.index] == [2, 5]


def test_file_that_lost_every_row_is_an_error(csv_file: Write) -> None:
    path = csv_file("pt,eta\n1,\n2,\n")
    with pytest.raises(DataError, match="no row is left: all 2 hold NaN or infinity"):
        read(path, nonfinite="drop")


def test_error_in_a_batch_gives_the_row_of_the_file(csv_file: Write) -> None:
    with pytest.raises(DataError, match="first in row 3"):
        list(iter_batches(csv_file("pt\n1\n2\n3\ninf\n"), 2))


def test_labels_stored_as_floats_become_integers(csv_file: Write) -> None:
    found = read(csv_file("pt,label\n1,0.0\n2,1.0\n"))
    assert found.y is not None
    assert found.y.dtype == np.int64
    assert found.y.tolist() == [0, 1]


@pytest.mark.parametrize("value", ["0.5", "", "inf", "1e30"])
def test_label_that_is_no_integer_is_located(csv_file: Write, value: str) -> None:
    with pytest.raises(DataError, match=r"label column 'label' .* row 1 holds"):
        read(csv_file(f"pt,label\n1,0\n2,{value}\n"), nonfinite="keep")


def test_label_text_is_shown(csv_file: Write) -> None:
    with pytest.raises(DataError, match=r"'label' .*not numbers, for example 'GOOD'"):
        read(csv_file("pt,label\n1,GOOD\n"))


def test_label_of_a_dropped_row_is_not_judged(csv_file: Write) -> None:
    found = read(csv_file("pt,label\n1,0\n,\n"), nonfinite="drop")
    assert found.y is not None
    assert found.y.tolist() == [0]
