"""Every display draws what was looked at, and can be read without colours."""

from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import skdqm.inspection
from skdqm.inspection._continual import MARKS, SHADES, _expert_style
from tests.inspection.pictures import PICTURES

# Root mean square of the differences of pixels, which are 0 to 255. Between matplotlib 3.9 and 3.11
# lines differ by 0, and the edges of a map's cells by 3.2 at most; a mark that is missing makes 1.6
# or more among lines, and 11 or more in a map.
LINES, MAPS = 1.0, 5.0
MAP_NAMES = ("agreement", "feature_scores", "feature_map", "reconstruction_images")
# Of 0 to 1: what eyes tell apart in a print.
LUMINANCES = 0.2


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def without_text(figure: Any) -> Any:
    """Take texts and legends away: each version of matplotlib sets them a little differently."""
    for axes in figure.findobj(Axes):
        axes.tick_params(which="both", labelleft=False, labelbottom=False, labelright=False)
        if axes.get_legend() is not None:
            axes.get_legend().remove()
        # They also round the edges of cells to other pixels.
        for image in axes.images:
            image.set_interpolation("bilinear")
    for text in figure.findobj(Text):
        text.set_text("")
    return figure


def compared(tolerance: float) -> Any:
    return pytest.mark.mpl_image_compare(
        style="default", tolerance=tolerance, savefig_kwargs={"dpi": 60}
    )


@pytest.mark.parametrize("name", [name for name in PICTURES if name not in MAP_NAMES])
@compared(LINES)
def test_lines(name: str) -> Any:
    return without_text(PICTURES[name]().figure_)


@pytest.mark.parametrize("name", MAP_NAMES)
@compared(MAPS)
def test_map(name: str) -> Any:
    return without_text(PICTURES[name]().figure_)


def test_every_display_has_a_picture() -> None:
    drawn = {type(draw()).__name__ for draw in PICTURES.values()}
    assert drawn == set(skdqm.inspection.__all__)


def test_pictures_are_compared(pytestconfig: pytest.Config) -> None:
    # The plugin does nothing unless it is told to; pyproject.toml tells it.
    options = pytestconfig.option
    assert options.mpl or options.mpl_generate_path


def luminance(colour: Any) -> float:
    """Return how light a colour is on white paper."""
    red, green, blue, alpha = to_rgba(colour)
    return alpha * (0.299 * red + 0.587 * green + 0.114 * blue) + 1 - alpha


def shape_of(handle: Any) -> tuple[Any, ...]:
    """Return what tells an element apart in any colour: kind, line style, marker, hatch, width."""
    if isinstance(handle, Line2D):
        if handle.get_linestyle() == "None":
            return ("points", handle.get_marker())
        # A line of more than twice the width is another one.
        return ("line", handle._unscaled_dash_pattern, round(np.log2(handle.get_linewidth()) / 1.5))
    if isinstance(handle, PathCollection):
        return ("points", handle.get_paths()[0].vertices.tobytes())
    return ("area", handle.get_fill(), handle.get_hatch())


def colour_of(handle: Any) -> Any:
    if isinstance(handle, Line2D):
        return handle.get_color()
    if isinstance(handle, PathCollection):
        return handle.get_facecolor()[0]
    return handle.get_facecolor() if handle.get_fill() else handle.get_edgecolor()


def confused(handles: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which elements look alike without colours."""
    return [
        (first, second)
        for (first, one), (second, other) in combinations(handles.items(), 2)
        if shape_of(one) == shape_of(other)
        and abs(luminance(colour_of(one)) - luminance(colour_of(other))) < LUMINANCES
    ]


@pytest.mark.parametrize("name", PICTURES)
def test_elements_of_a_picture_differ_without_colours(name: str) -> None:
    figure = PICTURES[name]().figure_
    for legend in [axes.get_legend() for axes in figure.axes if axes.get_legend()]:
        handles = dict(
            zip([each.get_text() for each in legend.texts], legend.legend_handles, strict=True)
        )
        assert len(handles) > 1
        assert confused(handles) == []


def test_colours_alone_would_be_noticed() -> None:
    _, axes = plt.subplots()
    red, blue = (axes.plot([0, 1], color=colour)[0] for colour in ("tab:red", "tab:blue"))
    assert confused({"red": red, "blue": blue}) == [("red", "blue")]


@pytest.mark.parametrize("name", PICTURES)
def test_maps_become_darker_from_end_to_end(name: str) -> None:
    for axes in PICTURES[name]().figure_.axes:
        for image in axes.images:
            shades = [luminance(each) for each in image.cmap(np.linspace(0, 1, 30))]
            assert np.all(np.diff(shades) < 0)
    assert not np.all(np.diff([luminance(each) for each in colormaps["jet"](range(256))]) < 0)


def test_figures_of_agreement_stand_out_from_their_cells() -> None:
    axes = PICTURES["agreement"]().ax_
    cells = axes.images[0].cmap(axes.images[0].norm(axes.images[0].get_array())).reshape(-1, 4)
    for text, cell in zip(axes.texts, cells, strict=True):
        assert abs(luminance(text.get_color()) - luminance(cell)) > 2 * LUMINANCES


def test_whatever_happens_to_a_detector_that_learns_can_be_told_apart_without_colours() -> None:
    _, axes = plt.subplots()
    lines = {name: axes.axvline(0, **style) for name, style in MARKS.items()}
    assert confused(lines) == []
    assert confused({name: axes.axvspan(0, 1, **each) for name, each in SHADES.items()}) == []


def test_sixteen_experts_can_be_told_apart_without_colours() -> None:
    styles = [_expert_style(number) for number in range(1, 17)]
    looks = {(style["facecolor"], style["hatch"]) for style in styles}
    assert len(looks) == 16
    shades = sorted({luminance(style["facecolor"]) for style in styles})
    assert min(np.diff(shades)) > 0.14


@pytest.mark.parametrize("name", PICTURES)
def test_texts_lie_inside_and_not_on_each_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = PICTURES[name]().figure_
    drawn: dict[Text, str] = {}
    draw = Text.draw

    def note(self: Text, renderer: Any, *more: Any, **named: Any) -> None:
        if self.get_visible() and self.get_text().strip():
            drawn[self] = self.get_text()
        draw(self, renderer, *more, **named)

    monkeypatch.setattr(Text, "draw", note)
    figure.canvas.draw()
    assert drawn
    boxes = {text: text.get_window_extent() for text in drawn}
    paper = figure.bbox.padded(1)
    for text, box in boxes.items():
        assert paper.x0 <= box.x0 <= box.x1 <= paper.x1, drawn[text]
        assert paper.y0 <= box.y0 <= box.y1 <= paper.y1, drawn[text]
    upright = [text for text in boxes if text.get_rotation() % 90 == 0]
    for one, other in combinations(upright, 2):
        # Boxes have air around the letters.
        common = Bbox.intersection(boxes[one], boxes[other])
        assert common is None or min(common.width, common.height) < 3, (drawn[one], drawn[other])
