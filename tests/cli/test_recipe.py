import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from skdqm.cli._recipe import Features, columns_of, new_pipeline, split
from skdqm.exceptions import UsageError
from skdqm.preprocessing import LHCO_COLUMNS, JetFeatures


@pytest.mark.parametrize("columns", [None, ["mj1", "mj2"]])
def test_columns_stay_as_they_are_unless_jets_are_asked_for(columns):
    assert columns_of(Features.RAW, columns) == columns


@pytest.mark.parametrize("columns", [None, list(LHCO_COLUMNS)[::-1]])
def test_jets_read_their_columns_and_no_others(columns):
    assert columns_of(Features.JETS, columns) == list(LHCO_COLUMNS)


def test_jets_need_all_their_columns():
    with pytest.raises(UsageError, match="needs exactly the columns"):
        columns_of(Features.JETS, ["mj1"])


def test_the_split_keeps_the_last_fifth_in_order():
    rows = pd.DataFrame({"time": range(100)})
    fitted_on, held_out = split(rows, 0.1)
    assert fitted_on["time"].tolist() == list(range(80))
    assert held_out["time"].tolist() == list(range(80, 100))
    assert split(rows, None) == (rows, None)


@pytest.mark.parametrize(("rate", "message"), [(0, "between 0 and 1"), (0.01, "at least 99 rows")])
def test_an_alarm_rate_that_cannot_be_held_is_refused_before_training(rate, message):
    with pytest.raises(UsageError, match=message):
        split(pd.DataFrame({"a": range(100)}), rate)


@pytest.mark.parametrize(
    ("features", "steps"),
    [(Features.JETS, [JetFeatures, StandardScaler]), (Features.RAW, [StandardScaler])],
)
def test_the_detector_comes_last_behind_a_scaler(features, steps):
    pipeline = new_pipeline("the detector", features)
    assert [type(step) for _, step in pipeline.steps[:-1]] == steps
    assert pipeline.steps[-1] == ("detector", "the detector")
