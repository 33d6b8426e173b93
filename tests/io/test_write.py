import gzip
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from skdqm.exceptions import DataError, UsageError
from skdqm.io import iter_batches, read, write_batches

NAMES = ["a.csv", "a.csv.gz", "a.parquet"]


def halves(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield frame.iloc[: len(frame) // 2]
    yield frame.iloc[len(frame) // 2 :]


@pytest.mark.parametrize("name", NAMES)
@given(values=arrays.arrays(np.float64, st.integers(2, 20)))
def test_numbers_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, name: str, values: np.ndarray
) -> None:
    path = tmp_path_factory.mktemp("write") / name
    frame = pd.DataFrame({"score": values, "label": np.arange(len(values))})
    assert write_batches(halves(frame), path) == len(values)
    found = read(path, nonfinite="keep")
    np.testing.assert_array_equal(found.X["score"].to_numpy(), values)
    np.testing.assert_array_equal(found.y, frame["label"])


def test_csv_is_plain_text_with_quotes_around_texts_only(tmp_path: Path) -> None:
    frame = pd.DataFrame({"row": [0, 1], "pt, GeV": [0.5, np.nan], "verdict": ["GOOD", "a,b"]})
    write_batches([frame], tmp_path / "a.csv")
    expected = 'row,"pt, GeV",verdict\n0,0.5,"GOOD"\n1,,"a,b"\n'
    assert (tmp_path / "a.csv").read_text() == expected
    write_batches([frame], tmp_path / "a.csv.gz")
    packed = (tmp_path / "a.csv.gz").read_bytes()
    write_batches([frame], tmp_path / "b.csv.gz")
    assert packed == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress(packed).decode() == expected


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_numbers_become_text(tmp_path: Path, name: str) -> None:
    write_batches([pd.DataFrame(np.zeros((3, 2)))], tmp_path / name)
    assert list(read(tmp_path / name).X.columns) == ["0", "1"]


@pytest.mark.parametrize("name", NAMES)
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    def broken() -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"score": [1.0]})
        raise DataError("damaged input")

    write_batches([pd.DataFrame({"score": [7.0]})], tmp_path / name)
    with pytest.raises(DataError, match="damaged input"):
        write_batches(broken(), tmp_path / name)
    assert read(tmp_path / name).X["score"].tolist() == [7.0]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"b": [1.0]}, "has the columns 'b'; expected 'a'"),
        ({"a": [1.0], "b": [1.0]}, "has the columns 'a', 'b'"),
        ({"a": ["text"]}, "cannot write a batch"),
        ({"a": [1.5]}, "cannot write a batch"),
    ],
)
def test_batch_unlike_the_first_is_refused(
    tmp_path: Path, second: dict[str, list[object]], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        write_batches([pd.DataFrame({"a": [1]}), pd.DataFrame(second)], tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_types_in_a_csv_may_change_from_batch_to_batch(tmp_path: Path) -> None:
    batches = [pd.DataFrame({"a": values}) for values in ([1, 2], [0.5, np.nan], ["x", "7"])]
    write_batches(batches, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "a\n1\n2\n0.5\n\nx\n7\n"


@pytest.mark.parametrize("text", ["a,b", 'say "x"', "two\nlines", "cr\r", "", " "])
def test_texts_of_any_kind_come_back(tmp_path: Path, text: str) -> None:
    frame = pd.DataFrame({"a": [1, 2], "note": [text, "plain"]})
    write_batches([frame, frame], tmp_path / "a.csv")
    found = pd.read_csv(tmp_path / "a.csv", keep_default_na=False)
    assert found["note"].tolist() == [text, "plain"] * 2


def test_a_stream_gets_the_same_text_as_a_file(tmp_path: Path) -> None:
    batches = [pd.DataFrame({"a": [0.1, 2.0], "b": ["x", "é"]})] * 2
    stream = StringIO()
    assert write_batches(batches, stream) == 4
    write_batches(batches, tmp_path / "a.csv")
    assert stream.getvalue() == (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_values_that_a_csv_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv: cannot write a batch: Unsupported Type:list"):
        write_batches([pd.DataFrame({"a": [[1.0], [2.0]]})], tmp_path / "a.csv")


def test_repeated_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot write a batch"):
        write_batches([pd.DataFrame([[1, 2]], columns=["a", "a"])], tmp_path / "a.csv")


def test_nothing_to_write_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv: nothing to write"):
        write_batches([], tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.h5", "a.xlsx", "a"])
def test_unknown_extension_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"expected one of \.csv \.csv\.gz \.parquet"):
        write_batches([pd.DataFrame({"a": [1]})], tmp_path / name)


def test_disk_errors_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=r"a\.csv: cannot write: No space left on device"):
        write_batches([pd.DataFrame({"a": [1]})], tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_reader_feeds_writer_batch_by_batch(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    write_batches([pd.DataFrame({"pt": np.arange(10.0)})], source)
    scored = (batch.X.assign(score=-batch.X["pt"]) for batch in iter_batches(source, 3))
    assert write_batches(scored, tmp_path / "out.parquet") == 10
    assert read(tmp_path / "out.parquet").X["score"].tolist() == [-float(i) for i in range(10)]
