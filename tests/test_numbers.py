"""What scikit-learn refuses comes with a note on where it is and what to do."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from skdqm.continual import ContinualDetector
from skdqm.detectors import HistogramDetector

X = pd.DataFrame({"a": np.arange(30.0), "run name": ["x"] * 30, "b": range(30)})


@pytest.mark.parametrize("frame", [X, pl.DataFrame(X.to_dict("list")), pa.Table.from_pandas(X)])
def test_a_column_of_text_is_named(frame):
    with pytest.raises(ValueError, match="could not convert string") as caught:
        HistogramDetector().fit(frame)
    assert caught.value.__notes__ == [
        "column 'run name' holds no numbers: encode it, or leave it out"
    ]


def test_a_column_of_text_is_named_where_scores_are_asked_for():
    detector = HistogramDetector().fit(X[["a", "b"]])
    with pytest.raises(ValueError, match="could not convert string") as caught:
        detector.score_samples(X[["a", "b"]].assign(b="y"))
    assert "column 'b'" in caught.value.__notes__[0]


def test_the_first_rows_of_a_stream_are_looked_at_too():
    with pytest.raises(ValueError, match="could not convert string") as caught:
        ContinualDetector(HistogramDetector()).fit(X)
    assert "column 'run name'" in caught.value.__notes__[0]


def test_images_are_told_to_become_rows():
    with pytest.raises(ValueError, match="dim 3") as caught:
        HistogramDetector().fit(np.zeros((5, 4, 3)))
    assert "X.reshape(5, -1)" in caught.value.__notes__[0]


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("kind", [pd.DataFrame, np.asarray, np.ndarray.tolist])
def test_the_first_value_that_is_missing_is_placed(kind, value):
    good = np.arange(60.0).reshape(30, 2)
    faulty = good.copy()
    faulty[[7, 9], [1, 0]] = value
    detector = HistogramDetector().fit(kind(good))
    for ask in (detector.predict, HistogramDetector().fit):
        with pytest.raises(ValueError, match=r"NaN|infinity") as caught:
            ask(kind(faulty))
        assert caught.value.__notes__ == ["the first one is in row 7, column 1 (from 0)"]


def test_a_missing_value_of_a_frame_is_placed_by_the_name_of_its_column():
    frame = X[["a", "b"]].astype(float)
    frame.loc[3, "b"] = np.nan
    with pytest.raises(ValueError, match="NaN") as caught:
        HistogramDetector().fit(frame)
    assert caught.value.__notes__ == ["the first one is in row 3, column 'b' (from 0)"]


def test_other_faults_have_no_note():
    detector = HistogramDetector().fit(X[["a", "b"]].to_numpy())
    with pytest.raises(ValueError, match="1 features") as caught:
        detector.predict(X[["a"]].to_numpy())
    assert not hasattr(caught.value, "__notes__")
