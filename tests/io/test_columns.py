from collections.abc import Callable
from pathlib import Path

import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.io import describe, iter_batches, read

Write = Callable[..., Path]
TEXT = "tau32,pt,eta,signal\n1,2,3,0\n4,5,6,1\n"


def test_columns_come_in_the_order_asked_for(csv_file: Write) -> None:
    found = read(csv_file(TEXT), columns=["eta", "tau32"])
    assert found.X.to_numpy().tolist() == [[3, 1], [6, 4]]
    assert found.y is not None


def test_missing_column_names_the_closest(csv_file: Write) -> None:
    with pytest.raises(DataError, match=r"no column 'tau23'; the file has .*mean 'tau32'\?"):
        read(csv_file(TEXT), columns=["pt", "tau23"])


def test_many_columns_are_shortened_in_the_message(csv_file: Write) -> None:
    path = csv_file(",".join(f"bin_{i}" for i in range(500)) + "\n")
    with pytest.raises(DataError, match="and 492 more") as caught:
        read(path, columns=["entries"])
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["label", "SIGNAL", "Is_Signal", "target"])
def test_label_is_found_by_its_name(csv_file: Write, name: str) -> None:
    assert describe(csv_file(TEXT.replace("signal", name))).label == name


def test_column_y_is_a_coordinate_not_a_label(csv_file: Write) -> None:
    found = read(csv_file("x,y\n1,0\n2,1\n"))
    assert found.y is None
    assert list(found.X.columns) == ["x", "y"]


def test_without_a_label_every_column_is_a_feature(csv_file: Write) -> None:
    found = read(csv_file(TEXT), label=None)
    assert found.y is None
    assert "signal" in found.X


def test_named_label_leaves_the_features(csv_file: Write) -> None:
    found = read(csv_file("pt,bad\n1,3\n2,-1\n"), label="bad")
    assert list(found.X.columns) == ["pt"]
    assert found.y is not None
    assert found.y.tolist() == [3, -1]


def test_missing_label_is_an_error(csv_file: Write) -> None:
    with pytest.raises(DataError, match="no column 'truth'"):
        read(csv_file(TEXT), label="truth")


def test_label_never_leaks_into_the_features(csv_file: Write) -> None:
    with pytest.raises(DataError, match="'signal' is the label and cannot be a feature"):
        read(csv_file(TEXT), columns=["pt", "signal"])


def test_two_labels_are_not_guessed(csv_file: Write) -> None:
    with pytest.raises(DataError, match="'label', 'target' all look like a label"):
        read(csv_file("pt,label,target\n1,0,1\n"))


def test_file_of_labels_only_has_no_feature(csv_file: Write) -> None:
    with pytest.raises(DataError, match="no feature besides the label 'label'"):
        read(csv_file("label\n0\n1\n"))


def test_repeated_names_in_the_file_are_refused(csv_file: Write) -> None:
    with pytest.raises(DataError, match="'pt' occur more than once"):
        read(csv_file("pt,eta,pt\n1,2,3\n"))


@pytest.mark.parametrize("reader", [read, iter_batches])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": "pt"}, r"expected a list, columns=\['pt'\]"),
        ({"columns": []}, "expected one or more names"),
        ({"columns": ["pt", "pt"]}, "each once"),
        ({"nonfinite": "ignore"}, "nonfinite='ignore'"),
    ],
)
def test_arguments_are_judged_before_the_file_is_opened(
    reader: Callable[..., object], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        reader("no_such_file.csv", **arguments)


def test_batches_have_at_least_one_row() -> None:
    with pytest.raises(UsageError, match="size=0"):
        iter_batches("no_such_file.csv", 0)
