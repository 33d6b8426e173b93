"""Pictures are written, and show what they should, whatever is in the data."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from skdqm.cli import _picture
from skdqm.cli._figures import figures_of
from skdqm.cli._picture import Evaluated, save, save_picture
from skdqm.cli._report import CURVES
from skdqm.inspection._common import CURVE_POINTS
from skdqm.inspection._feature_scores import MOST_FEATURES


def evaluated(labels, scores, threshold, interval=(None, None)):
    low, high = interval
    found = figures_of(np.asarray(labels), np.asarray(scores, dtype=float), offset=-threshold)
    figures = {name: {"estimate": value, "low": low, "high": high} for name, value in found.items()}
    return Evaluated(np.asarray(labels), np.asarray(scores, dtype=float), threshold, figures)


def sample(n_background=500, n_signal=50):
    labels = np.repeat([0, 1], [n_background, n_signal])
    return labels, np.random.default_rng(0).exponential(size=len(labels)) + labels


def drawn(draw, *arguments):
    figure = Figure()
    draw(figure, *arguments)
    return figure


@pytest.mark.parametrize("threshold", [0.5, 50.0])
def test_the_picture_is_written_whatever_the_threshold(tmp_path, threshold):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [500, 50])
    save_picture(tmp_path / "p.png", labels, rng.exponential(size=550), threshold=threshold)
    pixels = imread(tmp_path / "p.png")
    assert pixels.shape[0] > 300
    assert pixels.std() > 0


@pytest.mark.parametrize("draw", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize(
    ("labels", "scores", "threshold"),
    [
        (*sample(), 2.0),
        (*sample(), 50.0),  # nothing is flagged
        (*sample(), -1.0),  # everything is
        ([0, 0, 1], [0.0, 1.0, 2.0], 1.5),  # perfect
        ([0, 1], [1.0, 0.0], 0.5),  # inverted
        ([0, 0, 1, 1], [3.0, 3.0, 3.0, 3.0], 3.0),  # constant
    ],
)
def test_every_curve_is_written_whatever_the_scores(tmp_path, draw, labels, scores, threshold):
    save(draw, evaluated(labels, scores, threshold), tmp_path / "p.png")
    assert imread(tmp_path / "p.png").std() > 0


def test_figures_stand_beside_their_curves_with_their_intervals():
    shown = evaluated(*sample(), 2.0, interval=(0.25, 0.75))
    legend = drawn(_picture.draw_roc, shown).axes[0].get_legend()
    area = f"AUC = {shown.figures['roc_auc']['estimate']:.3f} [0.250, 0.750]"
    assert [text.get_text() for text in legend.get_texts()] == [area, "chance", "threshold"]


def test_curves_of_many_rows_stay_small_and_keep_their_ends():
    labels, scores = sample(20_000, 20_000)
    axes = drawn(_picture.draw_precision_recall, evaluated(labels, scores, 2.0)).axes[0]
    recall = axes.lines[0].get_xdata()
    assert len(recall) <= CURVE_POINTS
    assert (recall.max(), recall.min()) == (1.0, 1 / 20_000)


def test_of_many_features_the_telling_ones_are_shown_in_their_order():
    shares = np.full((4, 100), 0.001)
    shares[0, 70] = shares[3, 5] = 0.5
    figure = drawn(_picture.draw_shares, list("abcd"), shares, "x{}".format)
    names = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert len(names) == MOST_FEATURES
    assert {"x5", "x70"} <= set(names)
    assert names == sorted(names, key=lambda name: int(name[1:]))
    assert "40 of 100 features" in figure.axes[0].get_title()


@pytest.mark.parametrize(("n_rows", "n_features"), [(1, 1), (500, 3)])
def test_any_number_of_rows_and_features_makes_a_heat_map(tmp_path, n_rows, n_features):
    shares = np.full((n_rows, n_features), 1 / n_features)
    names = [f"row {row}" for row in range(n_rows)]
    save(_picture.draw_shares, names, shares, str, tmp_path / "p.png")
    height, width, _ = imread(tmp_path / "p.png").shape
    assert 300 < height < 1500 > width > 300


@pytest.mark.parametrize("n_rows", [1, 5, 7, 50])
def test_maps_add_up_channels_and_fill_lines(n_rows):
    maps = np.ones((n_rows, 2, 3, 4))
    figure = drawn(_picture.draw_maps, [f"row {row}" for row in range(n_rows)], maps)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(shown) == min(n_rows, _picture.MOST_MAPS)
    assert shown[0].shape == (3, 4)
    assert (shown[0] == 2).all()
