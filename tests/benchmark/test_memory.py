import sys

import numpy as np
import pytest

from skdqm.benchmark._memory import _peak, _reset_peak


@pytest.mark.skipif(sys.platform == "win32", reason="no counter of the peak here")
def test_the_peak_counts_memory_that_is_in_use_no_more():
    before = _reset_peak()
    block = np.ones(8_000_000)
    del block
    assert _peak() - before > 40_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can set the counter back")
def test_the_peak_can_be_set_back():
    block = np.ones(8_000_000)
    high = _peak()
    del block
    assert _reset_peak() < high - 40_000_000
