"""What the pictures mark is what the words say, in grey too."""

import base64
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from skdqm.report import Finding
from skdqm.report._pictures import _map_of, _pull_map, _pull_steps, pictures_of

EDGES = np.linspace(0, 6000, 61)


def finding_of(pull: np.ndarray, **more: Any) -> Finding:
    expectation = np.full(pull.shape, 400.0)
    return Finding(1, 1, "element", expectation + 20 * pull, expectation, pull, **more)


def drawn(draw: Any, shown: Any) -> Any:
    axes = Figure().subplots()
    draw(axes, shown)
    return axes


def test_pictures_are_repeatable_and_of_the_size_that_the_page_states() -> None:
    finding = finding_of(np.where(np.arange(60) == 7, -9.0, 0.0))
    first = pictures_of(finding)
    assert [picture.title for picture in first] == ["counted", "expected", "pull"]
    assert first == pictures_of(finding)
    content = base64.b64decode(first[0].source.partition(",")[2])
    assert content[:4] == b"\x89PNG"
    assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (600, 435)


def test_bins_that_deviate_are_shaded() -> None:
    pull = np.where((np.arange(60) >= 20) & (np.arange(60) < 26), -9.0, 0.0)
    axes = drawn(_pull_steps, finding_of(pull, edges=(EDGES,)))
    (span,) = [patch for patch in axes.patches if patch.get_alpha()]
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((2000, 2600))


def test_both_sides_of_a_shift_are_shaded() -> None:
    pull = np.where(np.arange(60) < 30, -9.0, 9.0)
    axes = drawn(_pull_steps, finding_of(pull, edges=(EDGES,)))
    assert len([patch for patch in axes.patches if patch.get_alpha()]) == 2


@pytest.mark.parametrize("pull", [-12.3, 91.8])
def test_map_of_pulls_is_centred_and_says_the_sign_without_colours(pull: float) -> None:
    pulls = np.zeros((12, 10))
    pulls[9, 2] = pull
    axes = drawn(_pull_map, _map_of(finding_of(pulls, names=("ieta", "iphi"))))
    assert [text.get_text() for text in axes.texts] == [f"{pull:+.1f}"]
    mesh = axes.collections[0]
    assert mesh.get_clim()[0] == -mesh.get_clim()[1]
    frame = axes.patches[-1]
    assert frame.get_x() < 9 < frame.get_x() + frame.get_width()
    assert frame.get_y() < 2 < frame.get_y() + frame.get_height()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("ieta", "iphi")


def test_map_of_three_axes_is_the_worst_layer_of_the_shortest_axis() -> None:
    pulls = np.zeros((3, 12, 10))
    pulls[1, 9, 2] = -12.0
    shown = _map_of(finding_of(pulls, names=("depth", "ieta", "iphi")))
    assert shown.layer == "depth 1"
    assert shown.names == ("ieta", "iphi")
    assert shown.pull[2, 9] == -12


def test_masked_cells_are_not_drawn() -> None:
    pulls = np.zeros((12, 10))
    pulls[3] = np.nan
    mesh = drawn(_pull_map, _map_of(finding_of(pulls))).collections[0]
    assert mesh.get_array().mask.sum() == 10
