"""A model file, opened for the commands that use one."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from skdqm._messages import listed
from skdqm._pipeline import name_of, parts_of
from skdqm.cli._options import On
from skdqm.cli._source import Source
from skdqm.cli._transform import quiet_overflow, row_number, transformed
from skdqm.exceptions import DataError, ModelFileError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.base import BaseDetector

# What the metadata call a model of histograms.
DQM = "dqm"


@dataclass(frozen=True)
class Model:
    """A trained detector with the transformers before it.

    Attributes
    ----------
    path : pathlib.Path
        The file it comes from.
    estimator : object
        The detector, or the Pipeline that ends in it.
    """

    path: Path
    estimator: Any

    @classmethod
    def open(cls, path: Path) -> Self:
        """Load a model that can score."""
        from skdqm.base import BaseDetector
        from skdqm.persistence import load

        model = cls(path, load(path))
        if not isinstance(model.detector, BaseDetector):
            raise ModelFileError(
                f"{path} holds a {type(model.detector).__name__}, expected a detector or a "
                "Pipeline that ends in one"
            )
        if not hasattr(model.detector, "offset_"):
            raise ModelFileError(
                f"{path} holds a detector whose training has not ended; if it is a checkpoint, "
                "finish with skdqm train --resume"
            )
        return model

    @classmethod
    def for_tables(cls, path: Path) -> Self:
        """Load a model that scores the rows of a table."""
        model = cls.open(path)
        if model.metadata.get("kind") == DQM:
            raise ModelFileError(
                f"{path} was trained by skdqm dqm train; judge histograms with skdqm dqm check"
            )
        return model

    @property
    def detector(self) -> "BaseDetector":
        """The last step."""
        detector: BaseDetector = parts_of(self.estimator)[1]
        return detector

    @property
    def features(self) -> list[str] | None:
        """Names of the columns that the model takes, None if it was fitted without names."""
        names = getattr(self.estimator, "feature_names_in_", None)
        return None if names is None else [str(name) for name in names]

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the file says of its origin."""
        from skdqm.persistence import read_metadata

        return read_metadata(self.path)

    def settle_label(self, source: Source) -> Source:
        """Return the source with the name of its label, which is no feature of the model."""
        return replace(source, label=self._label_in(source) or "none")

    def _label_in(self, source: Source) -> str | None:
        if source.label == "none":
            return None
        if source.label != "auto":
            self._check_label(source)
            return source.label
        features = self.features or []
        recorded = self.metadata.get("label")
        if recorded in source.summary.columns and recorded not in features:
            return str(recorded)
        found = [name for name in source.summary.label_candidates if name not in features]
        if len(found) > 1:
            raise DataError(
                f"{source.path}: columns {', '.join(found)} all look like a label; "
                "choose one with --label"
            )
        return found[0] if found else None

    def _check_label(self, source: Source) -> None:
        if source.label in (self.features or []):
            raise UsageError(
                f"--label {source.label}: {source.label!r} is a feature of the model and cannot "
                "be the label"
            )
        if source.label not in source.summary.columns:
            raise DataError(
                f"{source.path}: no column {source.label!r}; "
                f"the file has {listed(source.summary.columns)}"
            )

    def columns_in(self, source: Source) -> list[str]:
        """Return the model's columns in a file, or say which are missing."""
        found = source.feature_columns()
        if self.features is None:
            self._check_number(found, source.path)
            return found
        # Part of an image is another image, and some of the particles are another event.
        known = found == self.features or self.metadata.get("content") == source.content()
        if source.summary.kind != "table" and not known:
            raise DataError(
                f"{source.path}: found {source.content()}, the model {self.path} learned from "
                f"others: it takes {len(self.features):,} columns, and the file has {len(found):,}"
            )
        # Of a ROOT file also the values of lists, such as Muon_pt_0, which no column is called.
        present = {*found, *filter(source.summary.is_list_value, self.features)}
        missing = [name for name in self.features if name not in present]
        if missing:
            raise DataError(
                f"{source.path}: the model {self.path} needs columns that the file lacks: "
                f"{listed(missing)}; the file has {listed(found)}; rename columns of the file, or "
                "take a model that was trained on such files"
            )
        return self.features

    def transform(self, rows: "pd.DataFrame", path: Path) -> Any:
        """Turn the columns that :meth:`columns_in` names into what the detector takes.

        Always from float64: the same events give the same scores from a file of float32 and CSV.
        """
        steps, _ = parts_of(self.estimator)
        return transformed(steps, rows.astype("float64"), path, named=self.features is not None)

    def training_rows(self, source: Source, on: On, background: int) -> "pd.DataFrame":
        """Read the rows to learn from, as :meth:`transform` leaves them."""
        import pandas as pd

        batches = source.training_batches(on, self.columns_in(source), background)
        ready = (pd.DataFrame(self.transform(rows, source.path), rows.index) for rows in batches)
        return pd.concat(ready)

    def takes(self, rows: "pd.DataFrame") -> Any:
        """Return rows of :meth:`training_rows` in the form that the detector has learned from."""
        return rows if hasattr(self.detector, "feature_names_in_") else rows.to_numpy()

    def judge(
        self, rows: "pd.DataFrame", path: Path
    ) -> "tuple[NDArray[np.float64], NDArray[np.int64]]":
        """Return the scores of rows, low is abnormal, and their labels; 0 has too little data."""
        import numpy as np

        from skdqm.base import BaseDetector

        X = self.transform(rows, path)
        scores = self._scored(X, rows, path)
        if type(self.detector)._has_enough is BaseDetector._has_enough:  # noqa: SLF001
            return scores, np.where(scores - self.detector.offset_ >= 0, 1, -1)
        return scores, self.detector.predict(X)

    def score(self, rows: "pd.DataFrame", path: Path) -> "NDArray[np.float64]":
        """Return the scores of rows; low is abnormal."""
        return self._scored(self.transform(rows, path), rows, path)

    def _scored(self, X: Any, rows: "pd.DataFrame", path: Path) -> "NDArray[np.float64]":
        import numpy as np

        with quiet_overflow():
            scores = self.detector.score_samples(X)
        finite = np.isfinite(scores)
        if finite.all():
            return scores
        row = int(np.argmin(finite))
        worst = int(np.argmax(np.abs(np.asarray(X)[row])))
        name = name_of(worst, parts_of(self.estimator)[0], rows)
        raise DataError(
            f"{path}: row {row_number(rows, row)} is too extreme to score, the worst column is "
            f"{name!r}; remove the row or correct its values"
        )

    def p_values_of(self, scores: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Return the p-values of scores by a calibrated model, without scoring again."""
        return self.detector._p_values_of(scores)  # noqa: SLF001 (rows may cost milliseconds)

    def _check_number(self, found: list[str], path: Path) -> None:
        expected = int(self.estimator.n_features_in_)
        if len(found) != expected:
            raise DataError(
                f"{path}: found {len(found)} features, the model {self.path} expects {expected} "
                "and was fitted without names"
            )
