"""What the path of a histogram tells."""

import pytest

from skdqm.exceptions import DataError
from skdqm.io._root_places import place_of

UNDERSTOOD = {
    "run367094_ls12_charge": ("charge", 367094, 12),
    "run367094_ls12_charge_ls_3": ("charge_ls_3", 367094, 12),
    "Run367094_LS7_charge": ("charge", 367094, 7),
    "run_367094_lumi_12_charge": ("charge", 367094, 12),
    "run367094_charge": ("charge", 367094, 0),
    "Pixel/run367094_ls12_charge": ("Pixel/charge", 367094, 12),
    "Run 367094/LumiSection 12/Pixel/charge": ("Pixel/charge", 367094, 12),
    "run_367094/ls_12/charge": ("charge", 367094, 12),
    "Run 367094/Lumi Section 12/charge": ("charge", 367094, 12),
    "Run 367094/Pixel/charge": ("Pixel/charge", 367094, 0),
    "DQMData/Run 367094/Pixel/Run summary/Barrel/charge": ("Pixel/Barrel/charge", 367094, 0),
    "DQMData/Run 367094/Pixel/By Lumi Section 12-12/Barrel/charge": (
        "Pixel/Barrel/charge",
        367094,
        12,
    ),
}
NOT_UNDERSTOOD = {
    "charge": "'charge' does not say its run; understood are run367094_ls12_<element>",
    "Pixel/charge": "does not say its run",
    "runaway_ls12_charge": "does not say its run",
    "LumiSection 12/charge": "does not say its run",
    "DQMData/Run x/Pixel/Run summary/charge": "does not say its run",
    "DQMData/Run 1/Pixel/By Lumi Section 3-5/charge": "is of lumisections 3 to 5; expected one",
}


@pytest.mark.parametrize(("path", "place"), UNDERSTOOD.items())
def test_paths_tell_element_run_and_lumisection(path: str, place: tuple[str, int, int]) -> None:
    assert place_of(path) == place


@pytest.mark.parametrize(("path", "message"), NOT_UNDERSTOOD.items())
def test_paths_that_do_not_tell_are_refused(path: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        place_of(path)
