import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    QuantileTransformer,
    StandardScaler,
)

from skdqm.detectors import HistogramDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.out_of_core._blocks import Blocks
from skdqm.out_of_core._steps import Behind, checked_parts, learn_steps, learning_anew, n_passes

X = np.random.default_rng(0).gamma(2, size=(1000, 3))
BLOCKS = Blocks(np.array_split(X, 7))


def named(steps):
    return [(type(step).__name__, step) for step in steps]


def learned(*steps, sample_size=100, blocks=BLOCKS):
    return learn_steps(blocks, named(steps), sample_size, np.random.default_rng(0))


def test_scalers_learn_from_all_rows_as_in_memory():
    scaler = StandardScaler()
    rows = np.concatenate(list(learned(scaler)))
    np.testing.assert_allclose(scaler.mean_, X.mean(axis=0))
    np.testing.assert_allclose(rows, StandardScaler().fit_transform(X))


def test_each_step_learns_what_the_one_before_gives():
    steps = [StandardScaler(), MinMaxScaler()]
    rows = np.concatenate(list(learned(*steps)))
    np.testing.assert_allclose(
        rows, make_pipeline(StandardScaler(), MinMaxScaler()).fit_transform(X)
    )


def test_what_cannot_learn_in_blocks_learns_from_a_sample():
    transformer = QuantileTransformer(n_quantiles=50)
    learned(transformer, sample_size=200)
    known = set(X[:, 0])
    assert transformer.quantiles_[0, 0] in known
    assert transformer.quantiles_.shape == (50, 3)
    # A sample of all rows, not the first ones.
    in_memory = QuantileTransformer(n_quantiles=50).fit(X)
    np.testing.assert_allclose(transformer.quantiles_[25], in_memory.quantiles_[25], rtol=0.2)


def test_a_sample_of_frames_is_a_frame():
    frame = pd.DataFrame(X.copy(), columns=["a", "b", "c"])
    sample = Behind(Blocks([frame[:500], frame[500:]]), []).sample(10, np.random.default_rng(0))
    assert list(sample.columns) == ["a", "b", "c"]
    assert len(sample) == 10


def test_steps_without_anything_to_learn_see_the_first_block_alone():
    def blocks():
        yield X
        pytest.fail("the second block was read")

    learned(Normalizer(), FunctionTransformer(), blocks=Blocks(blocks))
    assert n_passes(named([Normalizer(), FunctionTransformer(), StandardScaler()])) == 1


def test_a_spread_that_overflows_is_refused_by_the_name_of_the_feature():
    frame = pd.DataFrame(X.copy(), columns=["a", "b", "c"])
    frame.loc[:1, "b"] = [1e300, -1e300]
    with pytest.raises(DataError, match="the spread of feature 'b' is too large"):
        learned(StandardScaler(), blocks=Blocks([frame]))


def test_learning_anew_forgets_but_keeps_how_results_are_given():
    scaler = StandardScaler().set_output(transform="pandas").fit(X)
    with learning_anew([scaler]):
        assert not hasattr(scaler, "mean_")
        scaler.fit(X[:10])
    assert isinstance(scaler.transform(X), pd.DataFrame)


def test_a_failure_brings_back_what_was_known():
    scaler = StandardScaler().fit(X)
    with pytest.raises(ValueError, match="0 sample"), learning_anew([scaler]):
        scaler.fit(X[:10]).partial_fit(X[:0])
    np.testing.assert_allclose(scaler.mean_, X.mean(axis=0))


def test_a_failure_leaves_nothing_in_what_knew_nothing():
    scaler = StandardScaler()
    with pytest.raises(ValueError, match="0 sample"), learning_anew([scaler]):
        scaler.fit(X[:10]).partial_fit(X[:0])
    assert not hasattr(scaler, "mean_")


def test_a_pipeline_in_a_pipeline_has_back_what_it_knew_too():
    inner = make_pipeline(StandardScaler(), QuantileTransformer(n_quantiles=50)).fit(X)
    expected = inner.transform(X)
    with pytest.raises(ValueError, match="0 sample"), learning_anew([inner]):
        inner.fit(100 * X).transform(X[:0])
    np.testing.assert_array_equal(inner.transform(X), expected)


@pytest.mark.parametrize(
    "estimator", [HistogramDetector, 3, make_pipeline(StandardScaler(), "passthrough")]
)
def test_what_is_no_detector_is_refused(estimator):
    with pytest.raises(UsageError, match="expected a detector, or a Pipeline that ends in one"):
        checked_parts(estimator)
