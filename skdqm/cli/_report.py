"""The folder that ``skdqm evaluate --report`` writes: tables, figures and pictures."""

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm.cli import _picture
from skdqm.cli._figures import CONFIDENCE_LEVEL, MEANINGS, Uncertain
from skdqm.cli._labelled import Labelled
from skdqm.cli._model import Model
from skdqm.cli._source import Source, check_folder, check_output
from skdqm.cli._top import Top, explanation
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.report._strongest import Explanation

PREDICTIONS = "predictions.csv"
METRICS = "metrics.json"
TOP = "top_anomalies.csv"
TOP_PICTURE = "top_features.png"
CURVES = {
    "scores.png": _picture.draw_scores,
    "roc.png": _picture.draw_roc,
    "precision_recall.png": _picture.draw_precision_recall,
    "significance_improvement.png": _picture.draw_improvement,
}
NAMES = (PREDICTIONS, METRICS, TOP, *CURVES, TOP_PICTURE)
PACKAGES = ("skdqm", "scikit-learn", "numpy", "scipy", "torch")
# Rows of the predictions that are turned into text at a time.
WRITTEN_ROWS = 50_000

Write = Callable[[Path], object]


def check_report(folder: Path, *inputs: Path) -> None:
    """Refuse, before hours of work, a folder that cannot be made or written into."""
    if not folder.exists():
        check_folder(folder)
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: found a file, expected the name of a folder for the report")
    for name in NAMES:
        check_output(folder / name, *inputs)


@dataclass(frozen=True)
class Report:
    """What a report tells.

    Attributes
    ----------
    model, source : Model, Source
        What was evaluated on what.
    found : Labelled
        All rows with their scores.
    uncertain : Uncertain
        The figures of merit.
    top : Top
        The most abnormal rows.
    """

    model: Model
    source: Source
    found: Labelled
    uncertain: Uncertain
    top: Top

    def write(self, folder: Path) -> list[str]:
        """Write all files, or none, and return their names."""
        files = self._files()
        try:
            folder.mkdir(exist_ok=True)
            write_together(folder, files)
            for name in set(NAMES) - set(files):  # of an earlier report
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{folder}: cannot write the report: {reason}") from error
        return list(files)

    def _files(self) -> dict[str, Write]:
        files: dict[str, Write] = {
            PREDICTIONS: self._write_predictions,
            METRICS: self._write_metrics,
            TOP: self._write_top,
        }
        evaluated = _picture.Evaluated(
            self.found.is_signal, -self.found.scores, self._threshold, self.uncertain.figures
        )
        files |= {name: partial(_picture.save, draw, evaluated) for name, draw in CURVES.items()}
        if self._explanation is not None:
            files[TOP_PICTURE] = partial(self._draw_top, self._explanation)
        return files

    def _write_predictions(self, path: Path) -> None:
        from skdqm.io import write_batches

        write_batches(self._predictions(), path)

    def _write_metrics(self, path: Path) -> None:
        path.write_text(json.dumps(self._metrics(), indent=2) + "\n", encoding="utf-8")

    def _write_top(self, path: Path) -> None:
        import numpy as np
        import pandas as pd

        from skdqm.io import write_batches
        from skdqm.report._strongest import STRONGEST

        ranks = pd.DataFrame({"rank": np.arange(1, len(self._places) + 1)})
        strongest = {} if self._explanation is None else self._explanation.strongest()
        blamed = pd.DataFrame(strongest, ranks.index).reindex(columns=STRONGEST)
        write_batches([pd.concat([ranks, self._rows(self._places), blamed], axis=1)], path)

    def _draw_top(self, explained: "Explanation", path: Path) -> None:
        ranked = zip(self.found.rows[self._places], self.found.is_signal[self._places], strict=True)
        names = [f"row {row}, {'signal' if is_ else 'background'}" for row, is_ in ranked]
        shape = getattr(self.model.detector, "image_shape", None)
        if shape is None:
            _picture.save(_picture.draw_shares, names, explained.shares, explained.name, path)
        else:
            maps = explained.shares.reshape(len(names), *shape)
            _picture.save(_picture.draw_maps, names, maps, path)

    @property
    def _threshold(self) -> float:
        """The anomaly score above which rows are flagged."""
        return float(-self.model.detector.offset_)

    @cached_property
    def _explanation(self) -> "Explanation | None":
        return explanation(self.model, self.top.rows, self.source.path)

    @cached_property
    def _places(self) -> "NDArray[np.int64]":
        """Where the most abnormal rows stand among all."""
        import numpy as np

        return np.searchsorted(self.found.rows, self.top.rows.index.to_numpy())

    def _predictions(self) -> "Iterator[pd.DataFrame]":
        for start in range(0, len(self.found.rows), WRITTEN_ROWS):
            yield self._rows(slice(start, start + WRITTEN_ROWS))

    def _rows(self, places: "slice | NDArray[np.int64]") -> "pd.DataFrame":
        import pandas as pd

        found = self.found
        columns = {
            "row": found.rows[places],
            "label": found.labels[places],
            "is_signal": found.is_signal[places],
            "anomaly_score": -found.scores[places],
            "is_anomaly": self._flags[places],
        }
        if found.p_values is not None:
            columns["p_value"] = found.p_values[places]
        return pd.DataFrame(columns)

    @cached_property
    def _flags(self) -> "NDArray[np.int64]":
        flags: NDArray[np.int64] = (self.found.scores - self.model.detector.offset_ < 0).astype(int)
        return flags

    def _metrics(self) -> dict[str, Any]:
        n_signal = int(self.found.is_signal.sum())
        figures = self.uncertain.figures
        return {
            "model": str(self.model.path),
            "detector": type(self.model.detector).__name__,
            "data": str(self.source.path),
            "n_rows": len(self.found.rows),
            "n_background": len(self.found.rows) - n_signal,
            "n_signal": n_signal,
            "n_flagged": int(self._flags.sum()),
            "n_dropped": self.found.n_dropped,
            "threshold": self._threshold,
            "alarm_rate": getattr(self.model.detector, "alarm_rate_", None),
            "confidence_level": CONFIDENCE_LEVEL,
            "n_resamples": self.uncertain.n_resamples,
            "figures": {name: {"meaning": MEANINGS[name], **figures[name]} for name in figures},
            "versions": {"python": platform.python_version(), **installed()},
        }


def write_together(folder: Path, files: dict[str, Write]) -> None:
    """Write files of which none appears before all are complete."""
    from skdqm.io import atomic_path

    with ExitStack() as stack:
        for name, write in files.items():
            write(stack.enter_context(atomic_path(folder / name)))


def installed() -> dict[str, str]:
    """Return the versions of the packages that a figure depends on."""
    return {name: version(name) for name in PACKAGES}
