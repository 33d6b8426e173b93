"""Many elements: each judged alone, one verdict on all, and the element that made it."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdqm._lumisections import element_of, lumisection_index
from skdqm.base import blame_of
from skdqm.datasets import inject_faults, make_lumisections
from skdqm.detectors import ConvAutoencoderDetector, ReferenceDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.monitoring import ElementsDetector, MinimumEntries, PersistenceDetector
from skdqm.persistence import load, save
from skdqm.preprocessing import LumisectionSum
from skdqm.statistics import combine_p_values

COMPARES = ReferenceDetector(exposure=None, fluctuations="empirical")
SHAPES = {"charge": (20,), "time": (10,), "map": (4, 5)}


def lumisections(n: int, shape: Any = SHAPES, *, seed: int = 0) -> pd.DataFrame:
    return make_lumisections(
        n // 100, 100, shape=shape, drift=0, fault_fraction=0, random_state=seed
    )[0]


TABLE = lumisections(500)
X, X_NEW = TABLE.iloc[:300], TABLE.iloc[300:]
ELEMENTS = np.array([element_of(name) for name in X.columns])


def of(element: str, rows: pd.DataFrame = X) -> pd.DataFrame:
    return rows.loc[:, element == ELEMENTS]


@parametrize_with_checks(
    [
        ElementsDetector(COMPARES, combine="cauchy"),
        ElementsDetector(COMPARES, combine="fisher"),
        ElementsDetector(MinimumEntries(COMPARES, min_entries=0)),
        ElementsDetector(IsolationForest(n_estimators=10), random_state=0),
    ]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_each_element_has_a_detector_that_saw_its_columns_alone() -> None:
    detector = ElementsDetector().fit(X)
    assert detector.elements_ == list(SHAPES)
    for element, inner in zip(detector.elements_, detector.detectors_, strict=True):
        alone = ReferenceDetector().fit(of(element))
        np.testing.assert_array_equal(
            inner.score_samples(of(element, X_NEW)), alone.score_samples(of(element, X_NEW))
        )


def test_columns_of_different_elements_may_be_mixed() -> None:
    order = np.argsort([name.partition("[")[2] for name in X.columns], kind="stable")
    mixed = X.iloc[:, order]
    detector, other = ElementsDetector().fit(X), ElementsDetector().fit(mixed)
    assert sorted(other.elements_) == sorted(detector.elements_)
    scores = other.element_p_values(X_NEW.iloc[:, order])[detector.elements_]
    np.testing.assert_allclose(scores, detector.element_p_values(X_NEW), rtol=1e-9)
    for method in ("feature_scores", "reconstruct"):
        found = getattr(other, method)(X_NEW.iloc[:, order])
        expected = getattr(detector, method)(X_NEW)[:, order]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_feature_scores_and_expectations_land_in_the_columns_of_their_element() -> None:
    detector = ElementsDetector().fit(X)
    for element in SHAPES:
        alone = ReferenceDetector().fit(of(element))
        for method in ("feature_scores", "reconstruct"):
            found = getattr(detector, method)(X_NEW)[:, element == ELEMENTS]
            np.testing.assert_array_equal(found, getattr(alone, method)(of(element, X_NEW)))


@pytest.mark.parametrize("combine", ["union", "cauchy", "fisher"])
def test_the_faulty_element_is_named(combine: str) -> None:
    shape = {f"element {i}": (10,) for i in range(10)}
    table = lumisections(600, shape)
    detector = ElementsDetector(combine=combine).fit(table.iloc[:300])
    detector.calibrate(table.iloc[300:500], alarm_rate=0.01)
    hits, blamed = [], []
    for element in shape:
        faulty, mask = inject_faults(
            table.iloc[500:], "degraded", element=element, size=2, factor=0.3, random_state=0
        )
        rows = faulty[mask.to_numpy().any(axis=1)]
        hits.append(detector.element_p_values(rows).idxmin(axis=1) == element)
        worst = rows.columns[blame_of(detector, rows).argmax(axis=1)]
        blamed.append([element_of(name) == element for name in worst])
        flags = detector.element_predictions(rows)
        assert (flags[element] == -1).mean() > 0.95
        assert (flags.drop(columns=element) == -1).to_numpy().mean() < 0.01
        assert (detector.predict(rows) == -1).mean() > 0.95
    assert np.mean(hits) > 0.95
    assert np.mean(blamed) > 0.95


def test_a_row_is_flagged_exactly_where_one_of_its_elements_is() -> None:
    detector = ElementsDetector(contamination=0.1).fit(X)
    for fitted in (detector, detector.calibrate(X, alarm_rate=0.2)):
        flagged = (fitted.element_predictions(X_NEW) == -1).any(axis=1)
        np.testing.assert_array_equal(fitted.predict(X_NEW) == -1, flagged)
        assert 0 < flagged.sum() < len(X_NEW)


@pytest.mark.parametrize("combine", ["union", "cauchy", "fisher"])
@pytest.mark.parametrize("n_elements", [1, 30])
def test_one_calibration_holds_the_alarm_rate_of_all_elements(
    combine: str, n_elements: int
) -> None:
    # Rows in any order: from run to run, conditions differ, and no promise holds.
    table = lumisections(3000, {f"e{i}": (8,) for i in range(n_elements)})
    table = table.sample(frac=1, random_state=0)
    parts = table.iloc[:400], table.iloc[400:1700], table.iloc[1700:]
    detector = ElementsDetector(combine=combine).fit(parts[0]).calibrate(parts[1], alarm_rate=0.05)
    rate = (detector.predict(parts[2]) == -1).mean()
    low, high = detector.alarm_rate_interval_
    margin = 3 * np.sqrt(0.05 * 0.95 / len(parts[2]))
    assert low - margin < rate < high + margin


@pytest.mark.parametrize("combine", ["union", "cauchy", "fisher"])
def test_the_fused_score_is_what_statistics_says_of_the_p_values(combine: str) -> None:
    detector = ElementsDetector(combine=combine).fit(X)
    faulty, _ = inject_faults(X_NEW, "degraded", factor=0.9, element="time", random_state=0)
    p_values = detector.element_p_values(faulty).to_numpy()
    combined = combine_p_values(p_values, combine)
    order = spearmanr(detector.score_samples(faulty), combined).statistic
    assert order == pytest.approx(1, abs=1e-3 if combine == "cauchy" else 1e-9)


def test_a_little_of_many_elements_adds_up_with_fisher() -> None:
    shape = {f"e{i}": (8,) for i in range(20)}
    table = lumisections(500, shape)
    good, bad = table.iloc[300:], table.iloc[300:]
    for element in shape:
        bad, _ = inject_faults(
            bad, "degraded", element=element, where=2, factor=0.95, random_state=0
        )
    labels = np.repeat([0, 1], len(good))

    def auc(combine: str) -> float:
        detector = ElementsDetector(combine=combine).fit(table.iloc[:300])
        return float(roc_auc_score(labels, -detector.score_samples(pd.concat([good, bad]))))

    assert auc("fisher") > auc("union") + 0.05


def gated(rows: pd.DataFrame, *empty: str) -> pd.DataFrame:
    found = rows.copy()
    for element in empty:
        found.loc[:, element == ELEMENTS] = 0.0
    return found


@pytest.mark.parametrize("combine", ["union", "cauchy", "fisher"])
def test_an_element_that_abstains_says_nothing(combine: str) -> None:
    detector = ElementsDetector(MinimumEntries(min_entries=100), combine=combine).fit(X)
    rows = gated(X_NEW, "time")
    # Seven entries in one bin, which would be anything but usual.
    rows.loc[:, "time[0]"] = 7.0
    labels, p_values = detector.element_predictions(rows), detector.element_p_values(rows)
    assert (labels["time"] == 0).all()
    assert (p_values["time"] == 1).all()
    assert not detector.feature_scores(rows)[:, ELEMENTS == "time"].any()
    others = ["charge", "map"]
    pd.testing.assert_frame_equal(p_values[others], detector.element_p_values(X_NEW)[others])
    assert set(detector.predict(rows)) <= {-1, 1}
    if combine == "union":
        np.testing.assert_allclose(
            detector.score_samples(rows), np.log(p_values[others].min(axis=1))
        )


@pytest.mark.parametrize("combine", ["cauchy", "fisher"])
def test_elements_that_abstain_do_not_vouch_for_the_row(combine: str) -> None:
    detector = ElementsDetector(MinimumEntries(min_entries=100), combine=combine).fit(X)
    rows = gated(X_NEW, "time", "charge")
    p_values = detector.element_p_values(rows)["map"]
    np.testing.assert_allclose(detector.score_samples(rows), np.log(p_values))
    two = gated(X_NEW, "time")
    combined = combine_p_values(detector.element_p_values(two)[["charge", "map"]], combine)
    found = np.exp(detector.score_samples(two))
    small = combined < 0.02
    assert small.any()
    np.testing.assert_allclose(found[small], combined[small], rtol=0.1)


def test_there_is_no_verdict_where_all_elements_abstain() -> None:
    detector = ElementsDetector(MinimumEntries(min_entries=100)).fit(X).calibrate(X)
    rows = gated(X_NEW, *SHAPES)
    assert (detector.predict(rows) == 0).all()
    assert (detector.verdicts(rows)["verdict"] == 0).all()
    assert (detector.element_predictions(rows) == 0).all(axis=None)
    half = pd.concat([X_NEW, rows.set_index(lumisection_index(np.full(200, 9), np.arange(200)))])
    twin = clone(detector).fit(X).calibrate(half)
    assert len(twin.calibration_scores_) == len(X_NEW)


def test_elements_keep_learning_where_one_of_them_has_no_data() -> None:
    detector = ElementsDetector(MinimumEntries(min_entries=100)).fit(X)
    before = detector.element_p_values(X_NEW)
    detector.partial_fit(gated(X_NEW, "time"))
    after = detector.element_p_values(X_NEW)
    np.testing.assert_array_equal(after["time"], before["time"])
    assert not np.allclose(after["map"], before["map"])


def test_errors_name_the_element_when_learning_and_when_judging() -> None:
    with pytest.raises(DataError, match="monitoring element 'time': 0 of 300 rows"):
        ElementsDetector(MinimumEntries(min_entries=100)).fit(gated(X, "time"))
    maps = ConvAutoencoderDetector(image_shape=(1, 4, 5), max_epochs=1)
    with pytest.raises(UsageError, match="monitoring element 'time': image_shape="):
        ElementsDetector(maps).fit(X)
    rows = X.assign(lumi=1.0)
    detector = ElementsDetector(ReferenceDetector(exposure="lumi"), shared=["lumi"]).fit(rows)
    with pytest.raises(DataError, match="monitoring element 'charge': the exposure of row 2"):
        detector.predict(rows.assign(lumi=np.where(np.arange(300) == 2, -1.0, 1.0)))


def test_a_shared_luminosity_is_the_exposure_of_every_element() -> None:
    lumi = np.random.default_rng(0).uniform(0.5, 1, size=len(TABLE))
    counts = np.random.default_rng(1).poisson(np.outer(lumi, X.mean()))
    rows = pd.DataFrame(counts.astype(float), TABLE.index, TABLE.columns)
    rows.insert(7, "luminosity", lumi)  # amid the bins of an element
    inner = ReferenceDetector(exposure="luminosity")
    detector = ElementsDetector(inner, shared=["luminosity"]).fit(rows.iloc[:300])
    assert detector.elements_ == list(SHAPES)
    new = rows.iloc[300:]
    lost = new.copy()
    lost[[name for name in lost if element_of(name) == "time"]] *= 0.7  # of the same shape
    assert (detector.predict(lost) == -1).mean() > 0.95
    assert (detector.element_p_values(lost).idxmin(axis=1) == "time").mean() > 0.95
    assert (detector.predict(new) == -1).mean() < 0.1
    assert not detector.feature_scores(new)[:, 7].any()
    np.testing.assert_array_equal(detector.reconstruct(new)[:, 7], new["luminosity"])


@pytest.mark.parametrize("shared", [["pileup"], [3], [["time[0]"]], ["time[0]", "time[0]"]])
def test_shared_columns_that_do_not_exist_are_refused(shared: Any) -> None:
    with pytest.raises(UsageError, match="list of different names of columns; there are 'lumi'"):
        ElementsDetector(shared=shared).fit(X.assign(lumi=1.0))
    with pytest.raises(UsageError, match="there are none beside bins"):
        ElementsDetector(shared=shared).fit(X.to_numpy())


def test_there_must_be_an_element_beside_what_is_shared() -> None:
    with pytest.raises(UsageError, match="all columns are shared"):
        ElementsDetector(shared=["a", "b"]).fit(pd.DataFrame(np.eye(5)[:, :2], columns=["a", "b"]))


def test_arrays_and_columns_without_bins_are_one_element() -> None:
    rows, new = X.to_numpy(), X_NEW.to_numpy()
    detector = ElementsDetector().fit(rows)
    alone = ReferenceDetector().fit(rows)
    assert detector.elements_ == ["columns without an element"]
    np.testing.assert_array_equal(detector.feature_scores(new), alone.feature_scores(new))
    ranks = spearmanr(detector.score_samples(new), alone.score_samples(new)).statistic
    assert ranks == pytest.approx(1)
    named = ElementsDetector(COMPARES).fit(X.assign(temperature=np.arange(300.0), mass=1.0))
    assert named.elements_ == [*SHAPES, "columns without an element"]


def test_a_loaded_detector_judges_and_learns_as_the_saved_one(tmp_path: Path) -> None:
    detector = ElementsDetector(MinimumEntries(min_entries=100), combine="cauchy").fit(X)
    detector.calibrate(X_NEW, alarm_rate=0.05)
    save(detector, tmp_path / "model")
    twins = [load(tmp_path / "model"), pickle.loads(pickle.dumps(detector))]
    for twin in twins:
        pd.testing.assert_frame_equal(
            twin.element_p_values(X_NEW), detector.element_p_values(X_NEW), check_exact=True
        )
        pd.testing.assert_frame_equal(twin.verdicts(X_NEW), detector.verdicts(X_NEW))
        np.testing.assert_array_equal(twin.feature_scores(X_NEW), detector.feature_scores(X_NEW))
    learned = []
    for each in (detector, *twins):
        with pytest.warns(UserWarning, match="calibration was dropped"):
            learned.append(each.partial_fit(X_NEW).score_samples(X))
    np.testing.assert_array_equal(learned[1], learned[0])
    np.testing.assert_array_equal(learned[2], learned[0])


def test_learning_that_fails_for_one_element_changes_none() -> None:
    rows = X.assign(lumi=1.0)
    detector = ElementsDetector(ReferenceDetector(exposure="lumi"), shared=["lumi"]).fit(rows)
    before = detector.score_samples(rows)
    with pytest.raises(DataError, match="exposure"):
        detector.partial_fit(rows.assign(lumi=-1.0))
    np.testing.assert_array_equal(detector.score_samples(rows), before)


def test_it_judges_sums_of_lumisections_in_a_pipeline() -> None:
    pipeline = make_pipeline(LumisectionSum(3), ElementsDetector()).fit(X)
    by_hand = ElementsDetector().fit(LumisectionSum(3).fit_transform(X))
    summed = LumisectionSum(3).fit_transform(X_NEW)
    np.testing.assert_array_equal(pipeline.score_samples(X_NEW), by_hand.score_samples(summed))
    each = ElementsDetector(make_pipeline(LumisectionSum(3), ReferenceDetector())).fit(X)
    np.testing.assert_array_equal(each.score_samples(X_NEW), by_hand.score_samples(summed))
    np.testing.assert_array_equal(each.feature_scores(X_NEW), by_hand.feature_scores(summed))


def test_a_weak_fault_that_stays_is_found_in_its_element_either_way_round() -> None:
    good = X_NEW.iloc[:100]
    faulty, mask = inject_faults(
        good,
        "degraded",
        element="time",
        where=4,
        factor=0.92,
        first=30,
        duration=40,
        random_state=0,
    )
    built_up = mask.to_numpy().any(axis=1).nonzero()[0][6:]
    alone = ElementsDetector().fit(X).calibrate(X)
    each = ElementsDetector(PersistenceDetector()).fit(X).calibrate(X)
    around = PersistenceDetector(ElementsDetector()).fit(X).calibrate(X)
    for detector in (each, around):
        found = (detector.predict(faulty)[built_up] == -1).mean()
        assert found > 0.9
        assert (alone.predict(faulty)[built_up] == -1).mean() < 0.7
        worst = X.columns[blame_of(detector, faulty.iloc[built_up]).argmax(axis=1)]
        assert (worst == "time[4]").mean() > 0.9
    assert (each.element_p_values(faulty).iloc[built_up].idxmin(axis=1) == "time").mean() > 0.9


def test_one_seed_decides_about_all_elements() -> None:
    forest = IsolationForest(n_estimators=5)
    first, again, other = (
        ElementsDetector(forest, random_state=seed).fit(X).score_samples(X_NEW)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
