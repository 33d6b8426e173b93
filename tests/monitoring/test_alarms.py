"""Alarms: raised by faults that stay, cleared by themselves, ended by their run."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.datasets import inject_faults, make_lumisections
from skdqm.exceptions import DataError
from skdqm.monitoring import MinimumEntries, find_alarms

LETTERS = {1: "G", -1: "B"}


def series(verdicts: list[int], run: int = 7) -> pd.Series:
    index = pd.MultiIndex.from_product(
        [[run], range(1, len(verdicts) + 1)], names=["run", "lumisection"]
    )
    return pd.Series(verdicts, index, dtype=np.int64)


def rows(verdicts: pd.Series, **parameters: int) -> list[tuple[Any, ...]]:
    alarms = find_alarms(verdicts, **parameters)
    cleared = [None if pd.isna(number) else int(number) for number in alarms["cleared"]]
    return list(zip(*(alarms[name] for name in alarms.columns[:-1]), cleared, strict=True))


@pytest.mark.parametrize(
    ("verdicts", "raise_after", "clear_after", "expected"),
    [
        ([1, -1, 1], 1, 1, [(7, 2, 2, 1, 3)]),
        ([-1, 1, -1, -1, 1], 2, 1, [(7, 3, 4, 2, 5)]),
        ([-1, -1, 1, -1, 1, 1, -1], 2, 2, [(7, 1, 4, 3, 6)]),
        ([1, 1, -1], 1, 1, [(7, 3, 3, 1, None)]),
        ([-1, 1], 1, 2, [(7, 1, 1, 1, None)]),
        ([-1, 0, -1, 0, 0], 2, 1, [(7, 1, 3, 2, None)]),
        ([-1, 1, 0, 1], 1, 2, [(7, 1, 1, 1, 4)]),
        ([0, 0, 0], 1, 1, []),
        ([1, 1, 1], 1, 1, []),
    ],
)
def test_alarms_are_raised_and_clear(
    verdicts: list[int], raise_after: int, clear_after: int, expected: list[Any]
) -> None:
    found = rows(series(verdicts), raise_after=raise_after, clear_after=clear_after)
    assert found == expected


def test_the_end_of_a_run_ends_its_alarm_and_the_next_run_counts_anew() -> None:
    verdicts = pd.concat([series([1, -1], 7), series([-1, 1], 8)])
    assert rows(verdicts) == [(7, 2, 2, 1, None), (8, 1, 1, 1, 2)]
    assert rows(verdicts, raise_after=2) == []


VERDICTS = st.dictionaries(
    st.tuples(st.integers(1, 3), st.integers(1, 30)), st.sampled_from([-1, -1, 0, 1]), max_size=50
)


def as_one_would_read_them(
    verdicts: dict[tuple[int, int], int], raise_after: int, clear_after: int
) -> list[tuple[Any, ...]]:
    """Find the alarms of each run as words of the letters G and B."""
    within = rf"(?:G{{1,{clear_after - 1}}}B+)*" if clear_after > 1 else ""
    end = rf"(?:G{{{clear_after}}}|G{{0,{clear_after - 1}}}\Z)"
    alarm = re.compile(rf"B{{{raise_after},}}{within}{end}")
    found = []
    for run in sorted({run for run, _ in verdicts}):
        numbers = sorted(ls for r, ls in verdicts if r == run and verdicts[r, ls])
        text = "".join(LETTERS[verdicts[run, ls]] for ls in numbers)
        for word in alarm.finditer(text):
            last = numbers[word.start() + word.group().rindex("B")]
            cleared = word.group().endswith("G" * clear_after)
            until = numbers[word.end() - 1] if cleared else None
            found.append((run, numbers[word.start()], last, word.group().count("B"), until))
    return found


@given(VERDICTS, st.integers(1, 4), st.integers(1, 4), st.randoms(use_true_random=False))
def test_alarms_are_those_that_one_would_read_in_any_order_of_the_rows(
    verdicts: dict[tuple[int, int], int], raise_after: int, clear_after: int, random: Any
) -> None:
    places = list(verdicts)
    random.shuffle(places)
    index = pd.MultiIndex.from_arrays(
        [[run for run, _ in places], [number for _, number in places]],
        names=["run", "lumisection"],
    )
    given_rows = pd.Series([verdicts[place] for place in places], index, dtype=np.int64)
    found = rows(given_rows, raise_after=raise_after, clear_after=clear_after)
    assert found == as_one_would_read_them(verdicts, raise_after, clear_after)


def test_no_rows_make_an_empty_table_of_the_same_columns() -> None:
    alarms, some = find_alarms(series([])), find_alarms(series([-1]))
    assert not len(alarms)
    assert alarms.dtypes.to_dict() == some.dtypes.to_dict()


def test_runs_keep_their_names() -> None:
    index = pd.MultiIndex.from_tuples([("A", 1), ("B", 1)], names=["run", "lumisection"])
    assert find_alarms(pd.Series([1, -1], index))["run"].tolist() == ["B"]


def test_an_alarm_of_a_hundred_thousand_lumisections_takes_no_time() -> None:
    assert rows(series([-1] * 100_000)) == [(7, 1, 100_000, 100_000, None)]


@pytest.mark.parametrize(
    "verdicts",
    [series([1, 2]), series([1, -1]) + 0.5, series([1]).to_frame(), series([1]).astype(str)],
)
def test_what_is_no_series_of_verdicts_is_refused(verdicts: Any) -> None:
    with pytest.raises(DataError, match="series of \\+1"):
        find_alarms(verdicts)


def test_rows_without_a_run_are_refused() -> None:
    with pytest.raises(DataError, match="find_alarms needs the run of each row"):
        find_alarms(np.array([1, -1]))


def test_the_verdicts_of_a_detector_become_one_alarm_of_the_fault() -> None:
    X, _ = make_lumisections(3, 60, fault_fraction=0, drift=0, random_state=0)
    good, bad = X.loc[X.index.unique("run")[:2]], X.loc[X.index.unique("run")[2:]]
    faulty, _ = inject_faults(bad, "dead", size=8, first=20, duration=15, random_state=0)
    faulty.iloc[30] = 0  # one lumisection without data inside the fault
    detector = MinimumEntries().fit(good).calibrate(good, alarm_rate=0.01)
    alarms = find_alarms(detector.verdicts(faulty)["verdict"], raise_after=3, clear_after=2)
    assert alarms[["first", "last", "n_flagged", "cleared"]].to_numpy().tolist() == [
        [21, 35, 14, 37]
    ]
