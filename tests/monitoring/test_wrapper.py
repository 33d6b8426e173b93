"""What is wrapped: detectors of any package, alone or behind the steps of a Pipeline."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_lumisections
from skdqm.detectors import HistogramDetector, ReferenceDetector
from skdqm.exceptions import UsageError
from skdqm.monitoring import ElementsDetector, MinimumEntries, PersistenceDetector
from skdqm.preprocessing import HistogramNormalizer, LumisectionSum

X, _ = make_lumisections(4, 50, shape={"a": (8,), "b": (6,)}, fault_fraction=0, random_state=0)
COMPARES = ReferenceDetector(exposure=None, fluctuations="empirical")

every_wrapper = pytest.mark.parametrize(
    "wrapper", [ElementsDetector, MinimumEntries, PersistenceDetector]
)


@every_wrapper
@pytest.mark.parametrize(
    "inner",
    [
        make_pipeline(ReferenceDetector()),
        make_pipeline(HistogramNormalizer(), StandardScaler(), COMPARES),
        make_pipeline("passthrough", COMPARES),
    ],
)
def test_a_pipeline_keeps_what_its_last_step_can(wrapper: Any, inner: Any) -> None:
    detector = wrapper(inner).fit(X)
    assert set(detector.predict(X)) <= {-1, 1}
    assert detector.feature_scores(X).shape == detector.reconstruct(X).shape == X.shape
    detector.partial_fit(X)


@every_wrapper
def test_feature_scores_of_other_columns_are_refused_with_what_to_do(wrapper: Any) -> None:
    detector = wrapper(make_pipeline(StandardScaler(), PCA(3), COMPARES)).fit(X)
    rows = detector.score_samples(X)
    alone = [detector.score_samples(X.iloc[[0]]), detector.score_samples(X.iloc[:1])]
    assert len(rows) == len(X)
    np.testing.assert_array_equal(np.ravel(alone), rows[0])  # the first of its run
    for method in ("feature_scores", "reconstruct"):
        with pytest.raises(UsageError, match=r"sees 3 columns.*before the outermost detector"):
            getattr(detector, method)(X)


@every_wrapper
def test_detectors_of_scikit_learn_get_arrays_and_leave_no_warning(wrapper: Any) -> None:
    detector = wrapper(IsolationForest(n_estimators=10), random_state=0).fit(X)
    assert set(detector.predict(X)) <= {-1, 1}
    if wrapper is PersistenceDetector:
        assert set(detector.kinds(X)) <= {"", "transient", "persistent"}


@every_wrapper
def test_the_detector_that_was_given_stays_unfitted(wrapper: Any) -> None:
    inner = ReferenceDetector()
    wrapper(inner).fit(X)
    with pytest.raises(NotFittedError):
        inner.predict(X)


@every_wrapper
def test_it_has_the_methods_and_the_sign_of_what_it_wraps(wrapper: Any) -> None:
    assert wrapper().signed_feature_scores
    assert wrapper(make_pipeline(LumisectionSum(), ReferenceDetector())).signed_feature_scores
    unsigned = wrapper(HistogramDetector())
    assert hasattr(unsigned, "feature_scores")
    assert not hasattr(unsigned, "reconstruct")
    assert not unsigned.signed_feature_scores
    forest = wrapper(IsolationForest())
    assert not hasattr(forest, "feature_scores")
    assert not hasattr(forest, "partial_fit")
    with pytest.raises(AttributeError, match="feature_scores"):
        forest.feature_scores(X)


@every_wrapper
def test_what_is_no_detector_is_refused_when_fitted(wrapper: Any) -> None:
    with pytest.raises(ValueError, match="'detector' parameter"):
        wrapper("reference").fit(X)


def test_references_that_follow_runs_see_them_through_all_wrappers() -> None:
    inner = ReferenceDetector(reference="last-good-run")
    deep = ElementsDetector(PersistenceDetector(MinimumEntries(inner), persistence=1)).fit(X)
    for element, detector in zip(deep.elements_, deep.detectors_, strict=True):
        rows = X[[name for name in X if name.startswith(element)]]
        alone = ReferenceDetector(reference="last-good-run").fit(rows)
        pulls = alone.feature_scores(rows)
        np.testing.assert_array_equal(detector.feature_scores(rows), pulls)


def test_a_frame_keeps_its_index_and_an_array_has_none() -> None:
    detector = ElementsDetector().fit(X)
    for found in (detector.element_p_values(X), detector.element_predictions(X)):
        pd.testing.assert_index_equal(found.index, X.index)
    by_array = ElementsDetector().fit(X.to_numpy()).element_p_values(X.to_numpy())
    pd.testing.assert_index_equal(by_array.index, pd.RangeIndex(len(X)))
