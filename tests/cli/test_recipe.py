import pandas as pd
import pytest

from skdqm.cli._recipe import split
from skdqm.exceptions import UsageError


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
