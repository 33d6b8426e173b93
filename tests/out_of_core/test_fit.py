import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.base import anomaly_score_of
from skdqm.continual import ContinualDetector
from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector, HistogramDetector, ReferenceDetector, VAEDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.io import read
from skdqm.monitoring import MinimumEntries
from skdqm.out_of_core import _blocks, _shuffle, fit, score
from skdqm.persistence import load, save
from skdqm.preprocessing import JetFeatures

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}
X = np.random.default_rng(0).normal([0, 10, 100], [1, 2, 3], (3000, 3))
SORTED = X[np.argsort(X[:, 0])]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several runs, and several blocks in a pass."""
    monkeypatch.setattr(_shuffle, "RUN_BYTES", 700 * 3 * 8)
    monkeypatch.setattr(_blocks, "ROWS", 1000)


@pytest.fixture(scope="module")
def events():
    frame, y = make_detector_data(8_000, random_state=0)
    rows = frame.to_numpy()
    good = rows[:5000][y[:5000] == 0]
    return good[np.argsort(good[:, 0])], rows[5000:], y[5000:]


@pytest.mark.parametrize(
    "detector",
    [
        AutoencoderDetector(max_epochs=6, random_state=0),
        VAEDetector(max_epochs=6, random_state=0),
        make_pipeline(StandardScaler(), VAEDetector(max_epochs=6, random_state=0)),
    ],
    ids=["autoencoder", "vae", "pipeline"],
)
def test_a_sorted_file_is_learned_as_well_as_in_memory(events, detector):
    good, rows, y = events
    in_memory = clone(detector).fit(good)
    out_of_core = fit(clone(detector), np.array_split(good, 9))
    expected, found = (
        roc_auc_score(y, anomaly_score_of(each, rows)) for each in (in_memory, out_of_core)
    )
    # Another order of the rows changes it by half as much in memory; a shuffle buffer loses 0.05.
    assert abs(found - expected) < 0.01


def test_the_bins_of_a_histogram_span_all_rows_of_a_sorted_file(monkeypatch):
    monkeypatch.setattr(_blocks, "ROWS", 500)
    detector = fit(HistogramDetector(), [SORTED])
    assert detector.counts_[:, 1:-1].sum() > 0.98 * X.size
    in_order = fit(HistogramDetector(), np.array_split(SORTED, 6), shuffle=False)
    assert in_order.counts_[:, 1:-1].sum() < 0.8 * X.size


def test_the_scale_of_a_network_is_that_of_all_rows_of_a_sorted_file():
    detector = fit(AutoencoderDetector(**SMALL), [SORTED])
    np.testing.assert_allclose(detector.location_, X.mean(axis=0), rtol=0.01, atol=0.1)
    np.testing.assert_allclose(detector.scale_, X.std(axis=0), rtol=0.1)
    in_order = fit(AutoencoderDetector(**SMALL), SORTED, shuffle=False)
    assert in_order.location_[0] < -0.5


def test_the_history_has_an_entry_for_each_pass():
    history = fit(AutoencoderDetector(**SMALL), X).history_
    assert [figures["epoch"] for figures in history] == [1, 2, 3]
    assert history[2]["train_loss"] < history[0]["train_loss"]
    assert all(figures["dur"] > 0 for figures in history)


def test_training_goes_on_in_memory_with_the_next_epoch():
    detector = fit(AutoencoderDetector(**SMALL), X).partial_fit(X)
    assert [figures["epoch"] for figures in detector.history_] == [1, 2, 3, 4]


def test_steps_are_as_long_as_in_memory_and_parameters_stay():
    class Spy(AutoencoderDetector):
        def _partial_fit(self, rows):
            seen.append((self.batch_size, len(rows)))
            super()._partial_fit(rows)

    seen = []
    detector = fit(Spy(**SMALL), X)
    in_memory = 3000 // 64
    assert {size for size, _ in seen} == {in_memory}
    assert max(n_rows for _, n_rows in seen) < 3000
    assert detector.batch_size == "auto"


def test_max_epochs_overrules_the_detector():
    assert len(fit(AutoencoderDetector(**SMALL), X, max_epochs=1).history_) == 1


def test_the_threshold_flags_the_asked_share_of_a_block(monkeypatch):
    detector = fit(AutoencoderDetector(**SMALL, contamination=0.1), SORTED)
    assert (detector.predict(X) == -1).mean() == pytest.approx(0.1, abs=0.03)
    monkeypatch.setattr(_blocks, "ROWS", 3000)
    detector = fit(AutoencoderDetector(**SMALL, contamination=0.1), SORTED)
    assert (detector.predict(X) == -1).sum() == 300


def test_fit_forgets_what_was_learned_before_and_a_seed_reproduces():
    detector = fit(AutoencoderDetector(**SMALL), X + 1000)
    again = fit(detector, X)
    assert again is detector
    np.testing.assert_array_equal(
        again.score_samples(X), fit(AutoencoderDetector(**SMALL), X).score_samples(X)
    )
    other = fit(AutoencoderDetector(**SMALL), X, random_state=1)
    assert (again.score_samples(X) != other.score_samples(X)).any()


def test_a_failure_leaves_a_fitted_pipeline_as_it_was():
    pipeline = make_pipeline(StandardScaler(), AutoencoderDetector(**SMALL)).fit(X)
    before = pipeline.score_samples(X)
    broken = X + 5
    broken[2500] = np.nan
    with pytest.raises(DataError, match="row 2500"):
        fit(pipeline, lambda: [broken[:2000], broken[2000:]])
    np.testing.assert_array_equal(pipeline.score_samples(X), before)
    assert pipeline[-1].batch_size == "auto"


def test_names_of_features_are_known_as_after_a_fit_in_memory():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    for detector in (HistogramDetector(), make_pipeline(StandardScaler(), HistogramDetector())):
        assert list(fit(detector, frame).feature_names_in_) == ["a", "b", "c"]


def test_a_model_is_saved_like_any_other(tmp_path):
    pipeline = fit(make_pipeline(StandardScaler(), AutoencoderDetector(**SMALL)), X)
    save(pipeline, tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").score_samples(X), pipeline.score_samples(X)
    )


def test_a_detector_without_blocks_learns_from_a_random_sample():
    forest = fit(IsolationForest(random_state=0, max_samples=1.0), [SORTED], sample_size=400)
    assert forest.max_samples_ == 400
    assert forest.estimators_samples_[0].max() < 400
    # The sample reaches over all of the sorted rows.
    assert (forest.score_samples(X[[X[:, 0].argmin(), X[:, 0].argmax()]]) < -0.5).all()


def test_transformers_of_events_stand_before_a_scaler(shared_data):
    pipeline = make_pipeline(JetFeatures(), StandardScaler(), AutoencoderDetector(**SMALL))
    path = shared_data("lhco/lhco_rd_v1_dev20k.features.h5")
    fit(pipeline, path, sample_size=100, max_epochs=1)
    table = read(path)
    scores = np.concatenate([frame["anomaly_score"] for frame in score(pipeline, path)])
    np.testing.assert_array_equal(scores, -pipeline.score_samples(table.X))
    assert pipeline[1].n_samples_seen_ == len(table)
    assert roc_auc_score(table.y, scores) > 0.6


def test_foreign_detectors_learn_by_their_own_partial_fit():
    pipeline = fit(make_pipeline(StandardScaler(), SGDOneClassSVM(random_state=0)), X, max_epochs=2)
    assert pipeline[-1].t_ == 6001


def test_a_generator_is_enough_for_one_pass():
    detector = fit(HistogramDetector(), (X[start : start + 500] for start in range(0, 3000, 500)))
    assert detector.counts_.sum() == 3000 * 3


@pytest.mark.parametrize(
    ("detector", "options"),
    [
        (make_pipeline(StandardScaler(), HistogramDetector()), {}),
        (AutoencoderDetector(**SMALL), {"shuffle": False}),
    ],
)
def test_a_generator_is_refused_before_work_where_more_passes_are_needed(detector, options):
    def blocks():
        yield pytest.fail("was read")

    with pytest.raises(UsageError, match="a function that returns a new iterator"):
        fit(detector, blocks(), **options)


def test_without_a_shuffle_rows_come_with_their_runs():
    index = pd.MultiIndex.from_arrays(
        [np.repeat([1, 2, 3], 10), np.tile(np.arange(10), 3)], names=["run", "lumisection"]
    )
    counts = pd.DataFrame(np.random.default_rng(0).poisson(50, (30, 4)).astype(float), index)
    counts.columns = [f"h[{number}]" for number in range(4)]
    detector = ReferenceDetector(reference="last-good-run")
    with pytest.raises(UsageError, match="shuffle=False"):
        fit(detector, counts)
    blocks = [counts[:10], counts[10:20], counts[20:]]
    assert np.isfinite(fit(detector, blocks, shuffle=False).score_samples(counts)).all()


def test_what_needs_the_order_of_time_is_not_shuffled():
    with pytest.raises(UsageError, match="ContinualDetector learns a stream"):
        fit(ContinualDetector(AutoencoderDetector(**SMALL)), X)


def test_early_stopping_is_refused_because_nothing_would_be_held_out():
    with pytest.raises(UsageError, match="early_stopping=False"):
        fit(make_pipeline(AutoencoderDetector(early_stopping=True)), X)


def test_the_passes_of_a_detector_inside_another_one_are_made():
    counts = np.random.default_rng(0).poisson(50, (2000, 3)).astype(float)
    detector = fit(MinimumEntries(AutoencoderDetector(**SMALL), min_entries=10), counts)
    # Two blocks, three passes.
    assert len(detector.detector_.history_) == 6


@pytest.mark.parametrize("options", [{"max_epochs": 0}, {"sample_size": 0}, {"shuffle": "no"}])
def test_wrong_arguments_are_refused(options):
    with pytest.raises(ValueError, match=f"'{next(iter(options))}' parameter of fit must be"):
        fit(HistogramDetector(), X, **options)
