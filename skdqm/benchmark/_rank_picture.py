"""The critical-difference picture: mean ranks, and which of them Nemenyi's test cannot part."""

from pathlib import Path
from typing import Any

from skdqm.benchmark._compare import Comparison, Standing
from skdqm.benchmark._contenders import PYOD
from skdqm.benchmark._published import PUBLISHED
from skdqm.io import atomic_path

TITLES = {"auroc": "AUROC", "aupr": "AUPR"}
# Shapes and fills, not colours, so that a grey print says as much.
OURS = ("skdqm", {"marker": "o", "markerfacecolor": "black"})
THEIRS = ("PyOD, run here", {"marker": "s", "markerfacecolor": "white"})
PRINTED = ("published", {"marker": "^", "markerfacecolor": "lightgrey"})


def save_rank_picture(path: str | Path, comparison: Comparison) -> None:
    """Draw mean ranks with Nemenyi's critical distance.

    Each contender has a bar of half the distance to either side: two whose bars do not overlap
    differ. The band is the bar of the best, so that those which it touches are not told from it.

    Parameters
    ----------
    path : str or path-like
        The picture to write; its extension decides on the format.
    comparison : Comparison
        Of :func:`compare`.

    Raises
    ------
    UsageError
        When the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skdqm.benchmark import compare, save_rank_picture
    >>> table = pd.DataFrame({"a": [0.9, 0.8, 0.7], "b": [0.8, 0.8, 0.6], "c": [0.5, 0.6, 0.5]})
    >>> picture = Path(tempfile.mkdtemp()) / "ranks.png"
    >>> save_rank_picture(picture, compare(table, reference="b"))
    >>> picture.exists()
    True
    """
    from matplotlib.figure import Figure

    ranked = [each for each in comparison.standings if each.rank is not None]
    figure = Figure(figsize=(8, 2.2 + 0.24 * len(ranked)), layout="constrained")
    axes = figure.subplots()
    _draw(axes, ranked, comparison.critical_distance or 0.0)
    _label(axes, ranked)
    axes.set_title("\n".join(_findings(comparison)), fontsize=10)
    if ranked:
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _draw(axes: Any, ranked: list[Standing], distance: float) -> None:
    ranks = [each.rank or 0.0 for each in ranked]
    if ranks:
        axes.axvspan(ranks[0] - distance / 2, ranks[0] + distance / 2, color="0.9", zorder=0)
    for row, (standing, rank) in enumerate(zip(ranked, ranks, strict=True)):
        axes.plot([rank - distance / 2, rank + distance / 2], [row, row], color="0.45")
        _, style = _origin(standing)
        axes.plot(rank, row, color="black", **style)
    for name, style in dict(map(_origin, ranked)).items():
        axes.plot([], [], color="black", linestyle="none", label=name, **style)


def _origin(standing: Standing) -> tuple[str, dict[str, str]]:
    """Return whose detector it is, and how it is marked."""
    if standing.contender.startswith(PUBLISHED):
        return PRINTED
    return THEIRS if standing.contender.startswith(PYOD) else OURS


def _label(axes: Any, ranked: list[Standing]) -> None:
    names = [each.contender.removeprefix(PUBLISHED).removeprefix(PYOD) for each in ranked]
    texts = [
        f"{name}  {each.mean:.3f}  {each.rank:5.2f}"
        for name, each in zip(names, ranked, strict=True)
    ]
    axes.set_yticks(range(len(ranked)), texts, family="monospace", fontsize=9)
    axes.set_ylim(max(len(ranked), 1) - 0.5, -0.5)
    axes.set_xlabel("mean rank, 1 is best; bars that touch the band are not told from the best")
    axes.grid(axis="x", color="0.85", linewidth=0.6)


def _findings(comparison: Comparison) -> list[str]:
    """Return what is shown, and what the tests say."""
    metric = TITLES.get(comparison.metric, comparison.metric)
    lines = [f"{metric} over {len(comparison.sets)} sets: mean, and mean rank"]
    if comparison.friedman_p is not None:
        lines.append(f"Friedman's test that all rank alike: p = {comparison.friedman_p:.1e}")
    if comparison.critical_distance is not None:
        lines.append(f"Nemenyi's critical distance at 5 %: {comparison.critical_distance:.2f}")
    return lines
