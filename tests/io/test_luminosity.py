"""Kept and lost luminosity add up, and the reasons for the loss too."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.exceptions import DataError
from skdqm.io._luminosity import lost_luminosity
from skdqm.io._lumisection_ranges import LumisectionRanges

INDEX = pd.MultiIndex.from_product([[5, 6], [1, 2, 3, 4]], names=["run", "lumisection"])
LUMINOSITY = pd.Series([1.0, 2, 3, 4, 10, 20, 30, 40], INDEX)
VERDICTS = pd.Series([1, -1, 0, 1, -1, -1, 1], INDEX[:-1])


def test_runs_and_total_are_added_up() -> None:
    table = lost_luminosity(LumisectionRanges({5: [(1, 3)]}), LUMINOSITY)
    assert table.index.tolist() == [5, 6, "total"]
    assert table["lumisections"].tolist() == [4, 4, 8]
    assert table["luminosity"].tolist() == [10, 100, 110]
    assert table["kept"].tolist() == [6, 0, 6]
    assert table["lost"].tolist() == [4, 100, 104]
    assert table["lost_share"].tolist() == [0.4, 1.0, 104 / 110]


def test_only_what_lies_within_is_counted() -> None:
    on = LumisectionRanges({5: [(3, 9)]})
    table = lost_luminosity(LumisectionRanges({5: [(1, 3)]}), LUMINOSITY, on)
    assert table.index.tolist() == [5, "total"]
    assert table.loc["total", ["lumisections", "kept", "lost"]].tolist() == [2, 3, 4]


def test_verdicts_say_why_luminosity_is_lost() -> None:
    good = LumisectionRanges.from_verdicts(VERDICTS) - LumisectionRanges({6: [(3, 3)]})
    table = lost_luminosity(good, LUMINOSITY, verdicts=VERDICTS)
    assert table["lost_bad"].tolist() == [2, 30, 32]
    assert table["lost_not_enough_data"].tolist() == [3, 0, 3]
    assert table["lost_otherwise"].tolist() == [0, 70, 70]
    assert table["reason"].tolist() == ["not enough data", "other", "other"]


def test_nothing_lost_has_no_reason() -> None:
    everything = LumisectionRanges({5: [(1, 4)], 6: [(1, 4)]})
    table = lost_luminosity(everything, LUMINOSITY, verdicts=VERDICTS)
    assert table["reason"].tolist() == ["", "", ""]
    assert table["lost_share"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("verdicts", [None, VERDICTS])
def test_no_luminosity_is_no_error(verdicts: pd.Series | None) -> None:
    none = lost_luminosity(LumisectionRanges(), 0 * LUMINOSITY, verdicts=verdicts)
    assert none["lost_share"].tolist() == [0, 0, 0]
    empty = lost_luminosity(LumisectionRanges(), LUMINOSITY[:0], verdicts=verdicts)
    assert empty.index.tolist() == ["total"]
    assert empty["lost"].tolist() == [0]


def test_levels_may_come_in_another_order() -> None:
    good, turned = LumisectionRanges.from_verdicts(VERDICTS), ["lumisection", "run"]
    expected = lost_luminosity(good, LUMINOSITY, verdicts=VERDICTS)
    found = lost_luminosity(good, LUMINOSITY.reorder_levels(turned), verdicts=VERDICTS)
    pd.testing.assert_frame_equal(found, expected)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([-1, 0, 1])), min_size=8, max_size=8))
def test_parts_add_up_to_the_whole(rows: list[tuple[float, int]]) -> None:
    luminosity = pd.Series([lumi for lumi, _ in rows], INDEX)
    verdicts = pd.Series([verdict for _, verdict in rows], INDEX)
    good = LumisectionRanges.from_verdicts(verdicts)
    table = lost_luminosity(good, luminosity, verdicts=verdicts)
    np.testing.assert_allclose(table["kept"] + table["lost"], table["luminosity"], atol=1e-12)
    parts = table["lost_bad"] + table["lost_not_enough_data"] + table["lost_otherwise"]
    np.testing.assert_allclose(parts, table["lost"], atol=1e-12)
    assert table["lost_otherwise"].sum() == 0
    assert table.loc["total", "luminosity"] == pytest.approx(luminosity.sum())


def test_damaged_tables_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"not finite in 1 of 8 lumisections, first in lumisection 2 of run 5"
    ):
        lost_luminosity(LumisectionRanges(), LUMINOSITY.where(LUMINOSITY != 2))
    with pytest.raises(DataError, match="lumisection 1 of run 5 twice"):
        lost_luminosity(LumisectionRanges(), pd.concat([LUMINOSITY, LUMINOSITY]))
    with pytest.raises(DataError, match="expected 'run' and 'lumisection'"):
        lost_luminosity(LumisectionRanges(), pd.Series([1.0]))
    with pytest.raises(DataError, match="found the verdicts 7"):
        lost_luminosity(LumisectionRanges(), LUMINOSITY, verdicts=VERDICTS.replace(0, 7))


def test_texts_and_verdicts_without_lumisections_are_refused() -> None:
    with pytest.raises(DataError, match="luminosity holds no numbers"):
        lost_luminosity(LumisectionRanges(), LUMINOSITY.astype(object).replace(2.0, "two"))
    for verdicts in (VERDICTS.reset_index(drop=True), VERDICTS[:4].droplevel("run")):
        with pytest.raises(DataError, match="expected 'run' and 'lumisection'"):
            lost_luminosity(LumisectionRanges(), LUMINOSITY, verdicts=verdicts)


def test_run_2024e_loses_two_percent_to_detectors_that_are_not_ready(
    shared_data: Callable[[str], Path],
) -> None:
    table = pd.read_parquet(shared_data("dqm/cms_oms_2024/oms_pixel_Run2024E-v1.parquet"))
    names = {"run_number": "run", "lumisection_number": "lumisection"}
    table = table.rename(columns=names).set_index(["run", "lumisection"])
    ready = table[["physics_flag", "bpix_ready", "fpix_ready"]].all(axis="columns")
    good = LumisectionRanges.from_flags(table.index, ready.to_numpy())
    total = lost_luminosity(good, table["recorded_lumi_per_lumisection"]).loc["total"]
    assert total["lumisections"] == 33_796
    assert total["luminosity"] == pytest.approx(6676.765, abs=1e-3)
    assert total["lost_share"] == pytest.approx(0.018, abs=0.001)
