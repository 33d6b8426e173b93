from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from skdqm.cli._transform import fit_transformers, name_of, transformed
from skdqm.exceptions import DataError

DATA = Path("data.csv")


@pytest.fixture
def rows():
    values = np.random.default_rng(0).normal(size=(20, 2))
    return pd.DataFrame(values, columns=["a", "b"], index=range(100, 120))


def test_steps_are_fitted_as_a_pipeline_would(rows):
    steps = make_pipeline(PowerTransformer(), StandardScaler())
    expected = make_pipeline(PowerTransformer(), StandardScaler()).fit(rows).transform(rows)
    np.testing.assert_array_equal(fit_transformers(steps, rows, DATA), expected)
    np.testing.assert_array_equal(transformed(steps, rows, DATA), expected)


def test_a_spread_that_overflows_names_the_column(rows):
    rows["b"] *= 1e200
    with pytest.raises(DataError, match=r"data\.csv: the spread of 'b' is too large"):
        fit_transformers(make_pipeline(StandardScaler()), rows, DATA)


def test_a_value_that_overflows_names_the_row_of_the_file_and_the_column(rows):
    steps = make_pipeline(StandardScaler())
    fit_transformers(steps, rows * 1e-6, DATA)
    rows.loc[103, "b"] = 1e308
    with pytest.raises(
        DataError, match="row 103 is too extreme: 'b' is not finite behind Standard"
    ):
        transformed(steps, rows, DATA)


def test_columns_without_a_name_are_counted(rows):
    assert name_of(1, None, rows) == "b"
    assert name_of(1, None, rows.to_numpy()) == "x1"
