import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from skdqm import inspection
from skdqm._pipeline import before_scaling
from skdqm.datasets import make_lumisections
from skdqm.detectors import (
    AutoencoderDetector,
    ConvAutoencoderDetector,
    HistogramDetector,
    ReferenceDetector,
)
from skdqm.ensemble import EnsembleDetector
from skdqm.exceptions import DataError, UsageError
from skdqm.inspection import (
    AgreementDisplay,
    AlarmRateDisplay,
    DetectionDelayDisplay,
    FeatureScoresDisplay,
    LatentDisplay,
    ReconstructionDisplay,
    RocSicDisplay,
    ScoreDistributionDisplay,
    ScoreStreamDisplay,
    TrainingDisplay,
)
from skdqm.preprocessing import NormalScores
from tests.inspection.pictures import ROWS, SCORES, Y

HISTORY = [{"epoch": at, "train_loss": 1 / at, "valid_loss": (at - 3) ** 2} for at in range(1, 6)]
DISPLAYS = {
    "agreement": AgreementDisplay(ROWS),
    "alarm rate": AlarmRateDisplay(np.linspace(0.005, 1, 200)),
    "delay": DetectionDelayDisplay([0, 1, 10], [np.inf, 4, 1]),
    "features": FeatureScoresDisplay(ROWS),
    "map": FeatureScoresDisplay(ROWS, shape=(2, 2)),
    "latent": LatentDisplay(ROWS, Y),
    "reconstruction": ReconstructionDisplay(ROWS[:2], ROWS[2:4]),
    "images": ReconstructionDisplay(ROWS[:8].reshape(2, 4, 4), ROWS[8:16].reshape(2, 4, 4)),
    "roc": RocSicDisplay(Y, SCORES),
    "scores": ScoreDistributionDisplay(Y, SCORES, threshold=2),
    "stream": ScoreStreamDisplay(SCORES, threshold=2, alarms=[150], drifts=[100], runs=Y),
    "training": TrainingDisplay(HISTORY),
}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("display", DISPLAYS.values(), ids=DISPLAYS)
def test_a_display_draws_twice_where_it_is_told_and_leaves_settings_alone(display):
    before = dict(mpl.rcParams)
    first = display.plot().figure_
    figure, ax = plt.subplots()
    assert display.plot(ax=ax) is display
    assert display.figure_ is figure is not first
    assert all(axes.figure is figure for axes in np.ravel(display.ax_))
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before


def test_the_best_epoch_is_that_of_the_smallest_validation_loss():
    best = TrainingDisplay.from_history(HISTORY).ax_.get_lines()[-1]
    assert best.get_xdata()[0] == 3


def test_no_peak_of_a_long_stream_is_lost():
    scores = np.zeros(100_000)
    scores[77_777] = 9
    line = ScoreStreamDisplay.from_scores(scores).ax_.get_lines()[0]
    assert len(line.get_xdata()) <= 2000
    assert line.get_ydata().max() == 9


def test_faults_that_are_missed_are_not_rewarded():
    display = DetectionDelayDisplay.from_delays({1: [1, np.inf, np.inf], 5: [1, 2, np.inf]})
    np.testing.assert_array_equal(display.ax_.get_lines()[0].get_xydata(), [[5, 2]])


@pytest.mark.parametrize(
    ("draw", "error", "says"),
    [
        (lambda: RocSicDisplay.from_predictions(np.zeros(200), SCORES), DataError, "expected 1"),
        (lambda: RocSicDisplay.from_predictions(Y[1:], SCORES), DataError, "one per row"),
        (lambda: ScoreDistributionDisplay.from_predictions(None, [np.nan]), DataError, "NaN"),
        (lambda: ReconstructionDisplay.from_arrays(ROWS, ROWS[1:]), DataError, "the same"),
        (lambda: ScoreStreamDisplay.from_scores([1.0], alarms=[3]), DataError, "marks"),
        (lambda: AlarmRateDisplay(["much"]).plot(), DataError, "no table of numbers"),
        (
            lambda: FeatureScoresDisplay(ROWS, shape=(4,)).plot(),
            UsageError,
            "two numbers or more",
        ),
        (lambda: ScoreDistributionDisplay(Y, SCORES, names=["a"]).plot(), UsageError, "expected 2"),
        (lambda: RocSicDisplay(Y, SCORES).plot(plt.subplots(3)[1]), UsageError, "3 axes"),
        (lambda: LatentDisplay.from_estimator(object(), ROWS), UsageError, "no transform"),
    ],
)
def test_errors_say_what_was_expected(draw, error, says):
    with pytest.raises(error, match=says):
        draw()


def test_a_pipeline_draws_what_its_scores_draw():
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    scaler = StandardScaler().set_output(transform="pandas")
    network = AutoencoderDetector(max_epochs=2, random_state=0)
    pipeline = make_pipeline(scaler, network).fit(frame)
    scores = -pipeline.score_samples(frame)
    found = RocSicDisplay.from_estimator(pipeline, frame, Y).ax_[0].get_lines()[0].get_xydata()
    expected = RocSicDisplay.from_predictions(Y, scores).ax_[0].get_lines()[0].get_xydata()
    np.testing.assert_array_equal(found, expected)
    features = FeatureScoresDisplay.from_estimator(pipeline, frame)
    assert [each.get_text() for each in features.ax_.get_xticklabels()] == list("abcd")
    for display in (LatentDisplay, ReconstructionDisplay, ScoreDistributionDisplay):
        display.from_estimator(pipeline, frame)
    alarms = ScoreStreamDisplay.from_estimator(pipeline, frame).ax_.get_lines()[-1].get_xdata()
    np.testing.assert_array_equal(alarms, np.flatnonzero(pipeline.predict(frame) == -1))
    TrainingDisplay.from_estimator(pipeline)


def test_features_keep_their_names_behind_a_scaler_that_gives_arrays():
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), HistogramDetector()).fit(frame)
    features = FeatureScoresDisplay.from_estimator(pipeline, frame)
    assert [each.get_text() for each in features.ax_.get_xticklabels()] == list("abcd")


def test_members_of_an_ensemble_are_named():
    members = [("forest", IsolationForest(random_state=0)), ("histogram", HistogramDetector())]
    display = AgreementDisplay.from_estimator(EnsembleDetector(members).fit(ROWS), ROWS)
    labels = [each.get_text() for each in display.ax_.get_xticklabels()]
    assert labels == ["forest", "histogram"]


def test_rows_that_are_maps_are_drawn_as_maps():
    table, _ = make_lumisections(4, 20, shape={"map": (6, 8)}, random_state=0)
    display = FeatureScoresDisplay.from_estimator(ReferenceDetector().fit(table), table)
    assert display.ax_.images[0].get_array().shape == (6, 8)
    images = np.random.default_rng(0).normal(size=(30, 2 * 8 * 8))
    network = ConvAutoencoderDetector(image_shape=(2, 8, 8), max_epochs=1, random_state=0)
    network.fit(images)
    assert FeatureScoresDisplay.from_estimator(network, images).shape == (2, 8, 8)
    restored = ReconstructionDisplay.from_estimator(network, images, n_rows=2).ax_
    assert [each.images[0].get_array().shape for each in restored.flat] == [(8, 8)] * 6


# What is missing there is a network that nobody asked for.
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_umap_gives_two_axes_where_it_is_installed() -> None:
    pytest.importorskip("umap")
    display = LatentDisplay.from_representations(
        np.random.default_rng(0).normal(size=(60, 5)), projection="umap"
    )
    assert np.isfinite(display.ax_.collections[0].get_offsets()).all()


SCALED = pd.DataFrame(ROWS * [1000, 1, 0.1, 5] + [600, 0, 0.5, 30], columns=list("abcd"))


@pytest.mark.parametrize(
    ("steps", "is_undone"),
    [
        ([StandardScaler()], True),
        ([PowerTransformer(), StandardScaler().set_output(transform="pandas")], True),
        ([FunctionTransformer(np.arcsinh, np.sinh)], True),
        ([FunctionTransformer(np.arcsinh)], False),
        ([PCA(4, random_state=0)], False),
        ([NormalScores()], False),
    ],
)
def test_rows_are_shown_in_their_own_units_where_scaling_can_be_undone(steps, is_undone):
    network = AutoencoderDetector(max_epochs=2, random_state=0)
    pipeline = make_pipeline(*steps, network).fit(SCALED)
    display = ReconstructionDisplay.from_estimator(pipeline, SCALED)
    inside = np.asarray(pipeline[:-1].transform(SCALED[:3]))
    np.testing.assert_allclose(display.seen, SCALED[:3] if is_undone else inside)
    counted = np.abs(network.feature_scores(pipeline[:-1].transform(SCALED[:3])))
    np.testing.assert_allclose(display.losses, counted)


def test_of_steps_only_the_last_ones_are_undone():
    network = AutoencoderDetector(max_epochs=2, random_state=0)
    pipeline = make_pipeline(PCA(3, random_state=0), StandardScaler(), network).fit(SCALED)
    display = ReconstructionDisplay.from_estimator(pipeline, SCALED)
    np.testing.assert_allclose(display.seen, pipeline[0].transform(SCALED[:3]))
    assert [each.get_text() for each in display.ax_[0, 0].get_xticklabels()] == [
        "pca0",
        "pca1",
        "pca2",
    ]


def test_what_cannot_be_undone_in_finite_numbers_stays_as_it_is():
    steps = [("exp", FunctionTransformer(np.exp, np.log))]
    kept, found = before_scaling(steps, np.array([[-1.0, 2.0]]))
    assert kept == steps
    np.testing.assert_array_equal(found, [[-1.0, 2.0]])


@pytest.mark.parametrize("step", [MinMaxScaler(clip=True), QuantileTransformer(n_quantiles=50)])
def test_a_row_beyond_the_range_of_a_step_is_shown_as_it_is(step):
    network = AutoencoderDetector(max_epochs=2, random_state=0)
    pipeline = make_pipeline(step, network).fit(SCALED)
    beyond = SCALED[:3].assign(a=1e5)
    inside = pipeline[:-1].transform(beyond)
    display = ReconstructionDisplay.from_estimator(pipeline, beyond)
    shown = np.asarray(display.seen)
    assert np.allclose(shown, beyond) or np.allclose(shown, inside)
    restored, inside_restored = display.restored, network.reconstruct(inside)
    is_own = np.allclose(shown, beyond)
    expected = step.inverse_transform(pd.DataFrame(inside_restored, columns=list("abcd")))
    np.testing.assert_allclose(restored, expected if is_own else inside_restored)


def test_categories_as_numbers_stay_numbers():
    network = AutoencoderDetector(max_epochs=2, random_state=0)
    rows = pd.DataFrame({"kind": ["x", "y", "z"] * 20, "other": ["p", "q"] * 30})
    pipeline = make_pipeline(OrdinalEncoder(), network).fit(rows)
    display = ReconstructionDisplay.from_estimator(pipeline, rows)
    np.testing.assert_array_equal(display.seen, [[0, 0], [1, 1], [2, 0]])


def test_small_features_can_be_read_beside_large_ones():
    display = ReconstructionDisplay.from_arrays([[600, 0.4, -0.2]], [[580, 0.5, -0.1]])
    axes = display.ax_[0, 0]
    assert axes.get_yscale() == "symlog"
    assert [text.get_text() for text in axes.texts] == ["600", "0.4", "-0.2"]
    heights = [abs(bar.get_window_extent().height) for bar in axes.patches]
    assert min(heights) > 0.05 * axes.bbox.height


def test_a_table_in_a_new_figure_has_room_for_its_names():
    figure = FeatureScoresDisplay.from_feature_scores(np.ones((30, 40))).figure_
    assert figure.get_size_inches().tolist() == pytest.approx([14.7, 9.1])


def test_rows_stay_in_the_order_that_was_given():
    display = FeatureScoresDisplay.from_feature_scores([[1, 0], [3, 2]], rows="ab", sort=False)
    assert [each.get_text() for each in display.ax_.get_yticklabels()] == ["a", "b"]


def test_figures_of_agreement_are_left_out_where_nobody_could_read_them():
    assert len(AgreementDisplay(ROWS).plot().ax_.texts) == 16
    _, axes = plt.subplots(4, 4)
    assert not AgreementDisplay(ROWS).plot(axes[0, 0]).ax_.texts


@pytest.mark.parametrize("display", [getattr(inspection, name) for name in inspection.__all__])
def test_plot_says_what_it_raises(display):
    assert "Raises\n" in display.plot.__doc__


@pytest.mark.parametrize(
    "display",
    [
        AgreementDisplay([[1], [2]]),
        FeatureScoresDisplay(np.zeros((2, 2))),
        LatentDisplay(np.ones((3, 2))),
        ReconstructionDisplay(np.zeros((1, 2)), np.zeros((1, 2))),
        ReconstructionDisplay([[1e-300, 1e300]], [[1e-300, 1e300]]),
        ScoreDistributionDisplay(None, [1, 1]),
        TrainingDisplay([{"train_loss": 1.0}]),
    ],
    ids=lambda display: type(display).__name__,
)
def test_data_without_any_spread_are_drawn_without_a_warning(display):
    display.plot().figure_.canvas.draw()


def test_given_axes_need_no_pyplot():
    code = (
        "import sys, pandas as pd\n"
        "from matplotlib.figure import Figure\n"
        "from skdqm.inspection import ContinualDisplay, DriftDisplay, RocSicDisplay\n"
        "from skdqm.inspection import ScoreStreamDisplay\n"
        "RocSicDisplay([0, 1], [1, 2]).plot(Figure().subplots(1, 2))\n"
        "for display in (DriftDisplay([1], [1]), ScoreStreamDisplay([1])):\n"
        "    display.plot(Figure().subplots())\n"
        "found = pd.DataFrame({'anomaly_score': [1.0], 'verdict': [1], 'expert': [1]})\n"
        "ContinualDisplay.from_verdicts(found, [], ax=Figure().subplots())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
