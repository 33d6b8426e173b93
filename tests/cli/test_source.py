import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import skdqm.io
from skdqm.cli._options import NonFinite, On
from skdqm.cli._source import Source, check_output, digest_of
from skdqm.exceptions import DataError, UsageError


def test_the_label_column_is_found_by_name_or_taken_as_told(events, readings):
    assert Source(events).label_name() == "label"
    assert Source(events, label="none").label_name() is None
    assert Source(readings).label_name() is None
    assert Source(readings, label="c").label_name() == "c"


def test_feature_columns_leave_the_label_out(readings):
    assert Source(readings, label="c").feature_columns() == ["a", "b"]


def test_learning_from_background_takes_the_rows_with_label_0_alone(events, frame):
    X, y = frame
    rows = pd.concat(Source(events).training_batches(On.BACKGROUND))
    np.testing.assert_array_equal(rows, X[y == 0].astype("float32"))


def test_learning_from_background_needs_a_label(readings):
    with pytest.raises(DataError, match="no label column"):
        list(Source(readings).training_batches(On.BACKGROUND))


def test_learning_from_background_needs_some(tmp_path):
    pd.DataFrame({"a": [1.0, 2.0], "label": [1, 1]}).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(
        DataError, match="no row has the background label 0; the labels found are 1;"
    ):
        list(Source(tmp_path / "s.csv").training_batches(On.BACKGROUND))


def test_rows_with_nan_are_refused_or_dropped(tmp_path):
    pd.DataFrame({"a": [1.0, np.nan, 3.0]}).to_csv(tmp_path / "nan.csv", index=False)
    with pytest.raises(DataError, match="NaN"):
        list(Source(tmp_path / "nan.csv").batches())
    (table,) = Source(tmp_path / "nan.csv", nonfinite=NonFinite.DROP).batches()
    assert len(table) == 2


@pytest.mark.parametrize(
    "other",
    [
        pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]}),
        pd.DataFrame({"a": [1.0, 2.0], "c": [3.0, 4.0]}),
        pd.DataFrame({"b": [3.0, 4.0], "a": [1.0, 2.0]}),
    ],
    ids=["values", "names", "order"],
)
def test_the_digest_changes_with_the_data(other):
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert digest_of(rows) == digest_of(rows.copy())
    assert digest_of(rows) != digest_of(other)


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        check_output(tmp_path / "missing" / "m")
    with pytest.raises(UsageError, match="found a folder"):
        check_output(tmp_path)
    check_output(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_an_input_is_refused_also_through_a_link(tmp_path, readings):
    (tmp_path / "link.csv").symlink_to(readings)
    for output in (readings, tmp_path / "link.csv"):
        with pytest.raises(UsageError, match="the output is the input"):
            check_output(output, tmp_path / "other.csv", readings)
    check_output(tmp_path / "other.csv", readings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_devices_and_fifos_are_no_output_and_a_fifo_is_no_data(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for output in (tmp_path / "pipe.csv", Path(os.devnull)):
        with pytest.raises(UsageError, match="a device or a FIFO"):
            check_output(output)
    with pytest.raises(DataError, match="found a FIFO, which can be read only once"):
        list(Source(tmp_path / "pipe.csv").batches())


def test_the_header_is_read_once(readings, monkeypatch):
    calls = []
    describe = skdqm.io.describe
    monkeypatch.setattr(skdqm.io, "describe", lambda *a, **k: calls.append(1) or describe(*a, **k))
    source = Source(readings)
    assert source.label_name() is None
    assert source.feature_columns() == ["a", "b", "c"]
    assert calls == [1]


def test_the_first_rows_alone_can_be_asked_for(events, frame):
    _, y = frame
    source = Source(events, n_rows=50)
    assert [len(table) for table in source.batches(20)] == [20, 20, 10]
    assert sum(map(len, source.training_batches(On.BACKGROUND))) == (y[:50] == 0).sum()


def test_a_batch_without_background_is_left_out(tmp_path):
    pd.DataFrame({"a": range(6), "label": [0, 0, 1, 1, 0, 1]}).to_csv(tmp_path / "t.csv")
    source = Source(tmp_path / "t.csv")
    batches = source.batches
    source.__dict__["batches"] = lambda **how: batches(2, **how)
    rows = source.training_batches(On.BACKGROUND, ["a"])
    assert [batch["a"].tolist() for batch in rows] == [[0, 1], [4]]


def test_the_content_is_told_in_words(readings, tmp_path):
    assert Source(readings).content() == "a table of 3 columns"
    np.save(tmp_path / "maps.npy", np.zeros((5, 2, 4, 3)))
    assert Source(tmp_path / "maps.npy").content() == "images of 2 x 4 x 3 pixels"
