from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from skdqm.cli._transform import fit_transformers, name_of, transformed
from skdqm.exceptions import DataError
from skdqm.preprocessing import JetFeatures

DATA = Path("data.csv")


@pytest.fixture
def rows():
    values = np.random.default_rng(0).normal(size=(20, 2))
    return pd.DataFrame(values, columns=["a", "b"], index=range(100, 120))


def test_steps_are_fitted_as_a_pipeline_would(rows):
    steps = make_pipeline(PowerTransformer(), StandardScaler())
    expected = make_pipeline(PowerTransformer(), StandardScaler()).fit(rows).transform(rows)
    np.testing.assert_array_equal(fit_transformers(steps.steps, rows, DATA), expected)
    np.testing.assert_array_equal(transformed(steps.steps, rows, DATA), expected)


def test_a_spread_that_overflows_names_the_column(rows):
    rows["b"] *= 1e200
    with pytest.raises(DataError, match=r"data\.csv: the spread of 'b' is too large"):
        fit_transformers(make_pipeline(StandardScaler()).steps, rows, DATA)


def test_a_value_that_overflows_names_the_row_of_the_file_and_the_column(rows):
    steps = make_pipeline(StandardScaler())
    fit_transformers(steps.steps, rows * 1e-6, DATA)
    rows.loc[103, "b"] = 1e308
    with pytest.raises(
        DataError, match="row 103 is too extreme: 'b' is not finite behind Standard"
    ):
        transformed(steps.steps, rows, DATA)


def test_columns_without_a_name_are_counted(rows):
    assert name_of(1, [], rows) == "b"
    assert name_of(1, [], rows.to_numpy()) == "x1"


def test_only_the_first_step_of_a_pipeline_sees_names(rows):
    steps = make_pipeline(StandardScaler()).steps
    fit_transformers(steps, rows, DATA, named=False)
    assert not hasattr(steps[0][1], "feature_names_in_")
    np.testing.assert_array_equal(
        transformed(steps, rows, DATA, named=False), StandardScaler().fit_transform(rows)
    )


def test_without_steps_the_rows_stay_as_they_are(rows):
    assert fit_transformers([], rows, DATA) is rows
    np.testing.assert_array_equal(transformed([], rows, DATA, named=False), rows.to_numpy())


def test_what_a_step_refuses_names_the_file_and_the_rows(rows):
    steps = make_pipeline(JetFeatures()).steps
    with pytest.raises(DataError, match=r"data\.csv, from row 100 to row 119: JetFeatures needs"):
        fit_transformers(steps, rows, DATA)
