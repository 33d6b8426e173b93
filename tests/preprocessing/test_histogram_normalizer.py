"""Normalised histograms: exposure and conditions gone, columns and index kept, rows alone."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm.datasets import make_lumisections
from skdqm.detectors import ReferenceDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.persistence import load, save
from skdqm.preprocessing import HistogramNormalizer, LumisectionSum

EMPIRICAL = ReferenceDetector(exposure=None, fluctuations="empirical")
BINS = ["charge[0]", "charge[1]", "charge[2]"]
# Contents that change by 2 %, -1 % and not at all with each collision more than 40.
SLOPES = np.array([0.02, -0.01, 0.0])


def counts(values: list[list[float]]) -> Any:
    return arrays(np.float64, np.shape(values), elements=st.integers(0, 2**40))


def piled_up(n: int = 400, *, exact: bool = False, pileup: Any = None) -> pd.DataFrame:
    """Histograms with luminosity and pile-up; usual contents at luminosity 1 are 100, 200, 400."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([[1], range(n)], names=["run", "lumisection"])
    pileup = rng.uniform(20, 60, n) if pileup is None else pileup
    lumi = rng.uniform(0.5, 2, n)
    rates = np.array([100, 200, 400]) * (1 + SLOPES * (pileup - 40)[:, None])
    expected = rates * lumi[:, None]
    X = pd.DataFrame(expected if exact else rng.poisson(expected), index, BINS)
    return X.assign(lumi=lumi, pileup=pileup)


@parametrize_with_checks(
    [HistogramNormalizer(), HistogramNormalizer(None), HistogramNormalizer(correct_for=0)]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@given(counts([[0] * 7] * 4))
def test_each_row_has_unit_area_or_is_empty(X: Any) -> None:
    areas = HistogramNormalizer().fit_transform(X).sum(axis=1)
    np.testing.assert_allclose(areas, X.any(axis=1), atol=1e-12)


def test_each_histogram_has_an_area_of_its_own() -> None:
    columns = ["charge[0]", "time[0]", "charge[1]", "time[1]", "temperature"]
    X = pd.DataFrame([[1, 5, 3, 15, 20], [0, 2, 0, 2, 20]], columns=columns)
    expected = [[0.25, 0.25, 0.75, 0.75, 20], [0, 0.5, 0, 0.5, 20]]
    np.testing.assert_array_equal(HistogramNormalizer().fit_transform(X), expected)


@pytest.mark.parametrize("by", ["lumi", 3])
def test_a_column_of_exposure_divides_and_is_gone(by: Any) -> None:
    X = piled_up(5)
    out = HistogramNormalizer(by).fit_transform(X)
    assert list(out.columns) == [*BINS, "pileup"]
    np.testing.assert_array_equal(out[BINS], X[BINS].to_numpy() / X[["lumi"]].to_numpy())


def test_without_a_divisor_counts_stay() -> None:
    X = piled_up(5)[BINS]
    pd.testing.assert_frame_equal(HistogramNormalizer(None).fit_transform(X), X, check_dtype=False)


def test_a_row_without_exposure_gives_zeros() -> None:
    X = piled_up(50)
    X.iloc[3, 3] = 0.0
    for correct_for in (None, "pileup"):
        out = HistogramNormalizer("lumi", correct_for=correct_for).fit_transform(X)
        assert (out.iloc[3][BINS] == 0).all()
        assert np.isfinite(out).all(axis=None)


@pytest.mark.parametrize("by", ["lumi", "area"])
def test_corrected_rows_are_those_of_the_mean_condition(by: str) -> None:
    X = piled_up(exact=True)
    normalizer = HistogramNormalizer(by, correct_for="pileup").fit(X)
    out = normalizer.transform(X)[BINS]
    assert normalizer.mean_condition_ == pytest.approx(
        np.average(X["pileup"], weights=X["lumi"]), 0.02
    )
    spread = (out.std() / out.mean()).to_numpy()
    before = HistogramNormalizer(by).fit_transform(X)[BINS]
    assert (spread < 0.15 * (before.std() / before.mean()).iloc[0]).all()
    if by == "lumi":
        np.testing.assert_allclose(spread, 0, atol=1e-9)
        np.testing.assert_allclose(out.iloc[0], normalizer.level_)
        assert normalizer.slope_[2] == 0


def test_bins_without_a_slope_are_untouched() -> None:
    X = piled_up()
    plain = HistogramNormalizer("lumi").fit_transform(X)
    corrected = HistogramNormalizer("lumi", correct_for="pileup").fit_transform(X)
    pd.testing.assert_series_equal(corrected["charge[2]"], plain["charge[2]"])
    assert not corrected["charge[0]"].equals(plain["charge[0]"])


def test_a_condition_that_never_changes_corrects_nothing() -> None:
    X = piled_up(pileup=np.full(400, 40.0))
    normalizer = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    plain = HistogramNormalizer("lumi").fit_transform(X)[BINS]
    pd.testing.assert_frame_equal(normalizer.transform(X), plain)
    assert not normalizer.slope_.any()


def test_corrected_contents_are_never_negative_not_even_where_the_line_is() -> None:
    X = piled_up()
    normalizer = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    normalizer.slope_ = -normalizer.level_
    out = normalizer.transform(X)
    assert (out >= 0).all(axis=None)
    plain = HistogramNormalizer("lumi").fit_transform(X)[BINS]
    below = (X["pileup"] > normalizer.mean_condition_ + 1).to_numpy()
    pd.testing.assert_frame_equal(out[below], plain[below])


def test_beyond_the_conditions_of_training_the_correction_is_that_at_their_end() -> None:
    X = piled_up()
    normalizer = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    low, high = X["pileup"].min(), X["pileup"].max()
    np.testing.assert_array_equal(normalizer.condition_range_, [low, high])
    for far, end in ((-500.0, low), (500.0, high)):
        found, expected = (normalizer.transform(X.assign(pileup=mu)) for mu in (far, end))
        pd.testing.assert_frame_equal(found, expected)
    X.iloc[0, 3:] = [0.0, 1000.0]  # no exposure: its condition was not seen
    again = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    assert again.condition_range_[1] < 100


def test_other_columns_beside_bins_pass_through() -> None:
    X = piled_up(50)
    for normalizer in (HistogramNormalizer(), HistogramNormalizer(correct_for="pileup")):
        out = normalizer.fit_transform(X)
        pd.testing.assert_series_equal(out["lumi"], X["lumi"])
    plain = HistogramNormalizer().fit_transform(X)
    pd.testing.assert_frame_equal(plain[BINS], HistogramNormalizer().fit_transform(X[BINS]))
    unnamed = X.set_axis(list("abcde"), axis=1)
    np.testing.assert_allclose(HistogramNormalizer().fit_transform(unnamed).sum(axis=1), 1)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 10])
def test_noise_of_few_rows_has_no_slope(n: int) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(n), rng.uniform(20, 60, n), rng.normal(100, 10, (n, 2000))])
    slopes = HistogramNormalizer(0, correct_for=1).fit(X).slope_
    assert np.count_nonzero(slopes) <= (0 if n < 5 else 20)


def test_a_few_bad_rows_do_not_bend_the_lines() -> None:
    X = piled_up()
    highest = X["pileup"].sort_values().index[-20:]
    X.loc[highest, "charge[2]"] *= 30
    normalizer = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    at_mean = 1 + SLOPES * (normalizer.mean_condition_ - 40)
    np.testing.assert_allclose(normalizer.level_, [100, 200, 400] * at_mean, rtol=0.02)
    np.testing.assert_allclose(normalizer.slope_, [2, -2, 0], atol=0.1)


def test_rare_counts_are_not_taken_for_outliers() -> None:
    rng = np.random.default_rng(0)
    means = np.geomspace(0.01, 10, 30)
    X = np.column_stack([np.ones(4000), rng.uniform(20, 60, 4000), rng.poisson(means, (4000, 30))])
    normalizer = HistogramNormalizer(0, correct_for=1).fit(X)
    np.testing.assert_allclose(normalizer.level_, X[:, 2:].mean(axis=0), rtol=0.01)
    assert np.count_nonzero(normalizer.slope_) <= 1


def test_rows_do_not_depend_on_their_neighbours_nor_on_the_container() -> None:
    frame = piled_up(100)
    # Five elements, so that columns are taken apart; as an array they would be one.
    frame.columns = [f"{'abcba'[i]}[{i}]" for i in range(5)]
    for parameters in ({}, {"correct_for": "b[3]"}, {"by": "b[3]"}):
        normalizer = HistogramNormalizer(**parameters).fit(frame)
        together = normalizer.transform(frame).to_numpy()
        for row in range(0, 100, 7):
            alone = normalizer.transform(frame.iloc[[row]]).to_numpy()
            np.testing.assert_array_equal(alone[0], together[row])
    X = np.random.default_rng(0).poisson(5, (50, 1001)).astype(float)
    normalizer = HistogramNormalizer().fit(X)
    together = normalizer.transform(X)
    np.testing.assert_array_equal(together, normalizer.transform(np.asfortranarray(X)))
    np.testing.assert_array_equal(together[7], normalizer.transform(X[7:8])[0])


def test_negative_exposure_is_refused_with_its_place() -> None:
    X = piled_up(5)
    normalizer = HistogramNormalizer("lumi").fit(X)
    X.iloc[2, 3] = -1.5
    place = "found 1 negative exposures, the first, -1.5, in run 1, lumisection 2"
    with pytest.raises(DataError, match=place):
        normalizer.transform(X)
    with pytest.raises(DataError, match="in row 2"):
        HistogramNormalizer(3).fit(X.to_numpy())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"by": "luminosity"}, "by='luminosity': no column has that name, found 5, such as 'pil"),
        ({"by": 5}, "by=5: expected the number of a column, from 0 to 4"),
        ({"by": -1}, "by=-1"),
        ({"by": True}, "by=True"),
        ({"correct_for": "mu"}, "correct_for='mu': no column"),
    ],
)
def test_unknown_columns_are_refused(parameters: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HistogramNormalizer(**parameters).fit(piled_up(5))


def test_names_without_a_frame_and_a_lonely_exposure_are_refused() -> None:
    with pytest.raises(UsageError, match="found none with a name"):
        HistogramNormalizer("lumi").fit(piled_up(5).to_numpy())
    with pytest.raises(UsageError, match="take all of them"):
        HistogramNormalizer("lumi").fit(piled_up(5)[["lumi"]])


def test_contents_too_large_for_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="too large"):
        HistogramNormalizer(0).fit_transform([[1e-300, 1e300], [1, 1]])
    with pytest.raises(DataError, match="too large"):
        HistogramNormalizer().fit_transform(np.full((2, 5), 1e308))


def test_names_fit_what_comes_out_of_every_container() -> None:
    X = piled_up(30)
    normalizer = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    assert list(normalizer.get_feature_names_out()) == BINS
    default = normalizer.transform(X)
    assert default.index is X.index
    assert list(default.columns) == BINS
    pd.testing.assert_frame_equal(normalizer.set_output(transform="pandas").transform(X), default)
    polars = normalizer.set_output(transform="polars").transform(X)
    assert type(polars).__module__.startswith("polars")
    assert polars.columns == BINS
    np.testing.assert_array_equal(polars.to_numpy(), default)
    with_numbers = HistogramNormalizer(3, correct_for=4).fit(X.to_numpy())
    assert isinstance(with_numbers.transform(X.to_numpy()), np.ndarray)
    assert list(with_numbers.get_feature_names_out()) == ["x0", "x1", "x2"]


def test_parameters_changed_after_the_fit_change_nothing() -> None:
    X = piled_up(30)
    normalizer = HistogramNormalizer("lumi", correct_for="pileup").fit(X)
    before = normalizer.transform(X)
    normalizer.set_params(by="area", correct_for=None)
    pd.testing.assert_frame_equal(normalizer.transform(X), before)
    assert normalizer.fit(X).level_ is None


def test_the_index_survives_a_pipeline_to_a_detector() -> None:
    X, _, truth = make_lumisections(
        3, 30, shape=(20,), fault_fraction=0, random_state=0, return_truth=True
    )
    X["pileup"] = truth.conditions["pileup"]
    pipeline = make_pipeline(
        LumisectionSum(mean_of=["pileup"]),
        HistogramNormalizer(correct_for="pileup"),
        clone(EMPIRICAL).set_params(reference="last-good-run"),
    ).fit(X)
    seen = pipeline[:-1].transform(X)
    pd.testing.assert_index_equal(seen.index, X.index)
    assert list(seen.columns) == list(X.columns[:-1])
    assert pipeline.predict(X).shape == (90,)


def test_it_is_pickled_cloned_and_kept_in_a_model_file(tmp_path: Path) -> None:
    X = piled_up(60)
    model = make_pipeline(HistogramNormalizer("lumi", correct_for="pileup"), clone(EMPIRICAL)).fit(
        X
    )
    save(model, tmp_path / "model")
    for again in (load(tmp_path / "model"), pickle.loads(pickle.dumps(model)), clone(model).fit(X)):
        np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
