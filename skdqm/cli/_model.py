"""A model file, opened for the commands that use one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from skdqm.cli._source import Source
from skdqm.exceptions import DataError, ModelFileError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.base import BaseDetector


def parts_of(estimator: Any) -> tuple[Any, Any]:
    """Return the transformers of a Pipeline (None without any) and its last step."""
    steps = getattr(estimator, "steps", None)
    if steps is None:
        return None, estimator
    return (estimator[:-1] if len(steps) > 1 else None), estimator[-1]


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

    def columns_in(self, source: Source) -> list[str]:
        """Return the model's columns in a file, or say which are missing."""
        found = source.feature_columns()
        if self.features is None:
            self._check_number(found, source.path)
            return found
        missing = [name for name in self.features if name not in found]
        if missing:
            raise DataError(
                f"{source.path}: the model {self.path} needs columns that the file lacks: "
                f"{', '.join(missing)}; the file has {', '.join(found)}"
            )
        return self.features

    def transform(self, rows: "pd.DataFrame") -> "NDArray[Any]":
        """Turn the columns that :meth:`columns_in` names into what the detector takes."""
        transformers, _ = parts_of(self.estimator)
        X = rows.to_numpy() if self.features is None else rows
        transformed: NDArray[Any] = X if transformers is None else transformers.transform(X)
        return transformed

    def _check_number(self, found: list[str], path: Path) -> None:
        expected = int(self.estimator.n_features_in_)
        if len(found) != expected:
            raise DataError(
                f"{path}: found {len(found)} features, the model {self.path} expects {expected} "
                "and was fitted without names"
            )
