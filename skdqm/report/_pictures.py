"""Pictures of a finding: what was counted, what was expected, and the pull; readable in grey.

No Display draws them: bins have edges and names, pulls have a sign, and the worst place is marked.
The look is that of the displays.
"""

from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple
from warnings import catch_warnings, filterwarnings

import numpy as np
from numpy.typing import NDArray

from skdqm.inspection._style import ANOMALY, GUIDE, MAP, NORMAL, THRESHOLD
from skdqm.report._finding import Finding, Floats
from skdqm.report._places import shift_of, worst_layer, worst_place
from skdqm.report._words import along, axis_names, pull_text

# Twice the size at which a page shows them: sharp on a telephone and on paper.
DPI = 150
SIZE = (4.0, 2.9)
MARKED = ANOMALY["color"]
GUIDE_PULL = 3
# A single cell that is hot must not darken all others.
_QUANTILE = 0.995


class Picture(NamedTuple):
    """A picture as a page embeds it.

    Attributes
    ----------
    title : str
        What it shows.
    source : str
        The picture as a data address.
    """

    title: str
    source: str


class _Map(NamedTuple):
    """Two axes of a histogram; the arrays are turned, as a picture wants them."""

    counts: Floats
    expectation: Floats
    pull: Floats
    edges: tuple[Floats, Floats]
    names: tuple[str, str]
    marked: NDArray[np.bool_]
    layer: str


def pictures_of(finding: Finding) -> list[Picture]:
    """Draw what was counted, what was expected, and the pull; of three axes, the worst layer."""
    if finding.pull.ndim == 1:
        draws = {"counted": _steps, "expected": _expected_steps, "pull": _pull_steps}
        return [_picture(name, draw, finding) for name, draw in draws.items()]
    shown = _map_of(finding)
    layer = f", {shown.layer}" if shown.layer else ""
    maps = {"counted": _counts_map, "expected": _expectation_map, "pull": _pull_map}
    return [_picture(name + layer, draw, shown) for name, draw in maps.items()]


def _picture(title: str, draw: Callable[[Any, Any], None], shown: Any) -> Picture:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    draw(figure.subplots(), shown)
    buffer = BytesIO()
    with catch_warnings():
        # Names in a script that the font lacks are boxes in the picture; the text has them.
        filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(title, "data:image/png;base64," + b64encode(buffer.getvalue()).decode())


def _edges_of(finding: Finding, axis: int) -> Floats:
    if finding.edges:
        return finding.edges[axis]
    return np.arange(finding.pull.shape[axis] + 1) - 0.5


def _steps(axes: Any, finding: Finding) -> None:
    edges = _edges_of(finding, 0)
    axes.stairs(finding.counts, edges, fill=True, label="counted", **NORMAL)
    axes.stairs(finding.expectation, edges, label="expected", **THRESHOLD)
    axes.legend(fontsize="small", framealpha=0.8)
    _finish_counts(axes, finding)


def _expected_steps(axes: Any, finding: Finding) -> None:
    axes.stairs(finding.expectation, _edges_of(finding, 0), **THRESHOLD)
    _finish_counts(axes, finding)


def _finish_counts(axes: Any, finding: Finding) -> None:
    top = float(np.nanmax([finding.counts, finding.expectation], initial=0))
    bottom = min(0.0, float(np.nanmin([finding.counts, finding.expectation], initial=0)))
    axes.set_ylim(bottom, 1.08 * top or 1)
    axes.set_ylabel("counts")
    _finish_bins(axes, finding)


def _pull_steps(axes: Any, finding: Finding) -> None:
    axes.stairs(finding.pull, _edges_of(finding, 0), fill=True, color="0.3")
    axes.axhline(0, color="black", linewidth=0.8)
    for guide in (-GUIDE_PULL, GUIDE_PULL):
        axes.axhline(guide, **GUIDE)
    limit = 1.1 * max(np.abs(_finite(finding.pull)).max(), GUIDE_PULL)
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("pull (standard deviations)")
    _finish_bins(axes, finding)


def _finish_bins(axes: Any, finding: Finding) -> None:
    edges = _edges_of(finding, 0)
    for first, last in _marked_spans(finding.pull):
        axes.axvspan(edges[first], edges[last + 1], color=MARKED, alpha=0.15, linewidth=0)
        for edge in (edges[first], edges[last + 1]):
            axes.axvline(edge, color=MARKED, linewidth=0.8)
    axes.set_xlim(edges[0], edges[-1])
    name = finding.names[0] if finding.names else "" if finding.edges else "bin"
    axes.set_xlabel(name, parse_math=False)
    if np.abs(edges).max() >= 10_000:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=5)


def _marked_spans(pull: Floats) -> list[tuple[int, int]]:
    shift = shift_of(pull)
    places = [worst_place(pull)] if shift is None else list(shift)
    bins = [np.flatnonzero(place.mask) for place in places if place is not None]
    return [(int(each[0]), int(each[-1])) for each in bins]


def _map_of(finding: Finding) -> _Map:
    """Return the two axes to draw, of more axes the worst layers."""
    place = worst_place(finding.pull)
    marked = np.zeros_like(finding.pull) if place is None else place.mask.astype(np.float64)
    arrays: list[Floats] = [finding.counts, finding.expectation, finding.pull, marked]
    axes = list(range(finding.pull.ndim))
    names, layers = axis_names(finding.names, finding.pull.ndim), []
    while len(axes) > 2:
        axis, layer = worst_layer(arrays[2])
        edges = finding.edges[axes[axis]] if finding.edges else None
        layers.append(along(names[axes[axis]], edges, layer, layer))
        arrays = [np.take(array, layer, axis=axis) for array in arrays]
        del axes[axis]
    x, y = axes
    counts, expectation, pull, marked = (array.T for array in arrays)
    both = (_edges_of(finding, x), _edges_of(finding, y))
    shown = (names[x], names[y])
    return _Map(counts, expectation, pull, both, shown, marked.astype(bool), ", ".join(layers))


def _counts_map(axes: Any, shown: _Map) -> None:
    _map(axes, shown, shown.counts, "counts", cmap=MAP, vmin=0, vmax=_top(shown))


def _expectation_map(axes: Any, shown: _Map) -> None:
    _map(axes, shown, shown.expectation, "counts", cmap=MAP, vmin=0, vmax=_top(shown))


def _pull_map(axes: Any, shown: _Map) -> None:
    limit = max(GUIDE_PULL, float(np.quantile(np.abs(_finite(shown.pull)), _QUANTILE)))
    limit = max(limit, min(float(np.abs(_finite(shown.pull)).max()), 2 * limit))
    _map(axes, shown, shown.pull, "pull", cmap="RdBu_r", vmin=-limit, vmax=limit)
    if shown.marked.any():
        _annotate(axes, shown)


def _annotate(axes: Any, shown: _Map) -> None:
    """Write the largest pull beside the frame: its sign tells red from blue without colours."""
    peak = np.where(shown.marked, np.abs(_finite(shown.pull)), 0.0).argmax()
    rows, columns = np.nonzero(shown.marked)
    x, y = shown.edges
    low, high = y[rows.min()], y[rows.max() + 1]
    is_low = low + high < y[0] + y[-1]
    is_left = x[columns.min()] + x[columns.max() + 1] < x[0] + x[-1]
    axes.annotate(
        pull_text(float(shown.pull.flat[peak])),
        (x[columns.min()] if is_left else x[columns.max() + 1], high if is_low else low),
        xytext=(0, 8 if is_low else -8),
        textcoords="offset points",
        horizontalalignment="left" if is_left else "right",
        verticalalignment="bottom" if is_low else "top",
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": MARKED},
    )


def _map(axes: Any, shown: _Map, values: Floats, label: str, **colours: Any) -> None:
    # Masked cells are left out: hatched, as no colour of the map is.
    axes.patch.set(facecolor="white", edgecolor="0.6", hatch="////")
    mesh = axes.pcolormesh(*shown.edges, np.ma.masked_invalid(values), rasterized=True, **colours)
    beyond = {(False, False): "neither", (False, True): "max", (True, False): "min"}
    outside = _finite(values)
    ends = (bool((outside < colours["vmin"]).any()), bool((outside > colours["vmax"]).any()))
    axes.figure.colorbar(mesh, ax=axes, label=label, extend=beyond.get(ends, "both"))
    axes.set_xlabel(shown.names[0], parse_math=False)
    axes.set_ylabel(shown.names[1], parse_math=False)
    _frame(axes, shown)


def _frame(axes: Any, shown: _Map) -> None:
    """Put a frame around the worst place, with some air so that it hides nothing."""
    if not shown.marked.any():
        return
    from matplotlib.patches import Rectangle

    rows, columns = np.nonzero(shown.marked)
    (x, y), spans = shown.edges, []
    for edges, bins in ((x, columns), (y, rows)):
        air = 0.015 * (edges[-1] - edges[0])
        spans.append((edges[bins.min()] - air, edges[bins.max() + 1] + air))
    (left, right), (low, high) = spans
    for colour, width in (("white", 3), (MARKED, 1.5)):
        box = Rectangle((left, low), right - left, high - low, fill=False, clip_on=False)
        box.set(edgecolor=colour, linewidth=width)
        axes.add_patch(box)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def _top(shown: _Map) -> float:
    both = np.stack([_finite(shown.counts), _finite(shown.expectation)])
    top = max(float(np.quantile(both, _QUANTILE)), float(both[1].max()))
    return top if top > 0 else 1.0


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0, posinf=1e3, neginf=-1e3)
