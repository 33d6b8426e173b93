import pytest

from skdqm.benchmark import GrowthResult, growth
from skdqm.exceptions import UsageError


def result(rows, seconds):
    return GrowthResult("a", list(rows), list(seconds), [0.0 * each for each in seconds])


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_the_exponent_is_the_slope_over_the_last_decade(power):
    rows = [1000, 3162, 10_000, 31_623]
    found = result(rows, [9.0, *(1e-9 * n**power for n in rows[1:])])
    assert found.fit_exponent() == pytest.approx(power)


def test_too_few_sizes_have_no_exponent():
    assert result([1000, 3162], [1, 2]).fit_exponent() is None


def test_predictions_follow_the_growth_and_are_at_least_proportional():
    assert result([1000, 2000], [1.0, 4.0]).predicted(4000) == pytest.approx(16)
    assert result([1000, 2000], [1.0, 1.0]).predicted(4000) == pytest.approx(2)
    assert result([1000], [1.0]).predicted(3000) == pytest.approx(3)
    assert result([], []).predicted(3000) == 0


def test_a_contender_that_would_pass_the_limit_is_measured_no_further():
    said = []
    (found,) = growth(10_000, 3, contenders=["pyod:KNN"], limit=1e-9, report=said.append)
    assert (found.rows, found.stopped) == ([1000], "> 1e-09 s")
    assert [line.split(": ")[0] for line in said] == ["1000 rows", "3162 rows"]


def test_a_contender_that_fails_leaves_the_others():
    first, second = growth(1000, 3, contenders=["pyod:MAD", "pyod:PCA"])
    assert first.stopped.startswith("failed, ValueError: MAD algorithm")
    assert (second.rows, second.stopped) == ([1000], None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_rows": 999}, "max_rows=999"),
        ({"limit": 0.0}, r"limit=0\.0"),
        ({"limit": float("nan")}, "limit=nan"),
        ({"repeats": 0}, "repeats=0"),
        ({"contenders": ["forest"]}, "forest"),
    ],
)
def test_wrong_requests_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        growth(**wrong)
