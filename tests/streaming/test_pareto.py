import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from skdqm.streaming._pareto import CutPareto, cut_mean, survival

# scipy fails at shapes of 1e-300.
shapes = st.integers(-250, 400).map(lambda thousandths: thousandths / 1000)


@given(scale=st.floats(0.3, 3), width=st.floats(0.2, 6), shape=shapes)
def test_the_mean_of_cut_peaks_is_that_of_the_law(scale: float, width: float, shape: float) -> None:
    width = min(width, 0.99 * scale / -shape) if shape < 0 else width
    law, peaks = genpareto(shape, scale=scale), np.linspace(0, width, 5001)
    expected = np.trapezoid(peaks * law.pdf(peaks), peaks) / law.cdf(width)
    assert cut_mean(scale, width, shape) == pytest.approx(expected, rel=1e-3)
    assert survival(width, scale, shape) == pytest.approx(law.sf(width), abs=1e-6)


@given(scale=st.floats(0.3, 1), width=st.floats(1, 2), shape=shapes)
def test_a_law_is_found_again_by_the_mean_of_its_cut_peaks(
    scale: float, width: float, shape: float
) -> None:
    scale = max(scale, -shape * width * 1.1)
    law = CutPareto.of(cut_mean(scale, width, shape), width, shape)
    assert law.scale == pytest.approx(scale, rel=1e-3)
    assert survival(law.peak(0.01), scale, shape) == pytest.approx(0.01, rel=0.02)


def test_peaks_that_no_law_explains_give_a_law_all_the_same() -> None:
    assert np.isfinite(CutPareto.of(0.99, 1.0, 0.1).peak(0.01))
    assert np.isfinite(CutPareto.of(1e-9, 1.0, -0.3).peak(0.01))
