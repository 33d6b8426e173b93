"""What a detector sees of a file: tables, images and raw events, and the steps in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from skdqm._pipeline import Steps
from skdqm.cli._options import On
from skdqm.cli._source import Source
from skdqm.cli._transform import fit_transformers, transformed
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd


class Features(StrEnum):
    """What becomes of the columns of a file."""

    RAW = "raw"
    JETS = "jets"
    IMAGES = "images"
    CONSTITUENTS = "constituents"
    GRADIENTS = "gradients"


# Parameters of a detector that say how a row is laid out, and the attribute of the transformer that
# knows it.
SHAPES = {"image_shape": "image_shape_", "graph_shape": "constituents_shape_"}
FROM_EVENTS = (Features.IMAGES, Features.CONSTITUENTS)


@dataclass(frozen=True)
class Inputs:
    """How the rows of a file become what a detector takes.

    Attributes
    ----------
    source : Source
        The file.
    features : Features
        What the detector sees.
    columns : list of str
        The columns to read.
    row_steps : list of (str, transformer)
        Steps that learn nothing and take each row alone. They are applied as the file is read, so
        that events of thousands of columns are never in memory together.
    scaling : list of (str, transformer)
        Steps that learn from all rows.
    """

    source: Source
    features: Features
    columns: list[str]
    row_steps: Steps
    scaling: Steps

    @classmethod
    def of(
        cls, source: Source, asked: Features | None, columns: list[str] | None, detector: Any
    ) -> "Inputs":
        """Choose the steps for a file and a detector, or refuse what does not fit."""
        kind = source.summary.kind
        features = asked or _default(kind, detector)
        if kind == "images" and features is Features.IMAGES:
            features = Features.RAW
        _check_kind(source, features, columns)
        return cls(
            source,
            features,
            _columns_to_read(source, features, columns),
            _row_steps(source, features),
            _scaling(kind, features, detector),
        )

    def rows(self, on: On, background: int) -> "pd.DataFrame":
        """Read the rows to learn from, behind the steps that take each row alone."""
        import pandas as pd

        return pd.concat(self.batches(on, background))

    def batches(self, on: On, background: int) -> Iterator["pd.DataFrame"]:
        """Read what :meth:`rows` gives batch by batch."""
        import pandas as pd

        batches = self.source.training_batches(on, self.columns, background)
        if not self.row_steps:
            # Pixels stay as the file has them: bytes are read as float32, half the memory.
            yield from (batch.astype("float64") if self.scaling else batch for batch in batches)
            return
        apply, path = fit_transformers, self.source.path
        dtype = "float64" if self.features is Features.JETS else "float32"
        for batch in batches:
            values = apply(self.row_steps, batch.astype("float64"), path)
            names = self.row_steps[-1][1].get_feature_names_out()
            yield pd.DataFrame(values.astype(dtype), batch.index, names)
            apply = transformed

    def settle_shape(self, detector: Any) -> None:
        """Tell a detector how its rows are laid out, unless the user did."""
        for name, shape in self._shapes().items():
            asked = getattr(detector, name, shape)
            if asked is None:
                detector.set_params(**{name: shape})
            elif name == "image_shape" and tuple(asked) != shape:
                raise UsageError(
                    f"--set {name}={tuple(asked)}: {self.source.path} gives {shape}; leave it out"
                )

    def pipeline(self, detector: Any) -> Any:
        """Return a Pipeline of all steps and the detector."""
        from sklearn.pipeline import Pipeline

        return Pipeline([*self.row_steps, *self.scaling, ("detector", detector)])

    def learned_steps(self, pipeline: Any) -> Steps:
        """Return the steps of a Pipeline that follow those that :meth:`rows` applies."""
        steps: Steps = self.learning_part(pipeline).steps[:-1]
        return steps

    def learning_part(self, pipeline: Any) -> Any:
        """Return the end of a Pipeline, behind the steps that :meth:`rows` applies; no copy."""
        return pipeline[len(self.row_steps) :]

    def _shapes(self) -> dict[str, Any]:
        found = {"image_shape": self.source.summary.image_shape}
        for _, step in self.row_steps:
            found |= {name: getattr(step, known, None) for name, known in SHAPES.items()}
        return {name: tuple(shape) for name, shape in found.items() if shape is not None}


def _default(kind: str, detector: Any) -> Features:
    """Return what suits the detector: of raw events what it is made for, else all columns."""
    if kind != "events":
        return Features.RAW
    if hasattr(detector, "graph_shape"):
        return Features.CONSTITUENTS
    return Features.IMAGES if hasattr(detector, "image_shape") else Features.JETS


def _check_kind(source: Source, features: Features, columns: list[str] | None) -> None:
    kind = source.summary.kind
    if features in FROM_EVENTS and kind != "events":
        raise UsageError(
            f"--features {features} needs raw events (pt, eta, phi of every particle), and "
            f"{source.path} holds {source.content()}; take --features raw"
        )
    if features is Features.GRADIENTS and kind != "images":
        raise UsageError(
            f"--features gradients needs images, and {source.path} holds {source.content()}; "
            "leave it out"
        )
    if features is Features.JETS and kind == "images":
        raise UsageError(
            f"--features jets needs raw events or the columns of jets, and {source.path} holds "
            f"{source.content()}; leave it out"
        )
    if (
        columns is not None
        and kind != "table"
        and not (kind == "events" and features is Features.RAW)
    ):
        raise UsageError(
            f"--columns chooses columns of a table, and {source.path} holds {source.content()}, "
            "which are taken whole; leave it out"
        )


def _columns_to_read(source: Source, features: Features, columns: list[str] | None) -> list[str]:
    if features is not Features.JETS or source.summary.kind != "table":
        return source.feature_columns() if columns is None else columns
    from skdqm.preprocessing import LHCO_COLUMNS

    if columns is not None and set(columns) != set(LHCO_COLUMNS):
        raise UsageError(
            f"--features jets needs exactly the columns {','.join(LHCO_COLUMNS)}; "
            "leave --columns out, or take --features raw"
        )
    return list(LHCO_COLUMNS)


def _row_steps(source: Source, features: Features) -> Steps:
    from skdqm import preprocessing

    kind, image_shape = source.summary.kind, source.summary.image_shape
    if features is Features.GRADIENTS:
        return [("gradients", preprocessing.OrientedGradients(image_shape=image_shape))]
    if features is Features.IMAGES:
        # Detectors of images standardise themselves.
        return [("images", preprocessing.JetImages(standardize=False))]
    if features is Features.CONSTITUENTS:
        return [("constituents", preprocessing.JetConstituents())]
    if features is Features.RAW:
        return []
    clusterer = [("clusterer", preprocessing.JetClusterer())] if kind == "events" else []
    return [*clusterer, ("features", preprocessing.JetFeatures())]


def _scaling(kind: str, features: Features, detector: Any) -> Steps:
    """Scale columns apart, but not those that share a unit and a meaning: pixels, and counts."""
    from sklearn.preprocessing import StandardScaler

    if getattr(detector, "takes_counts", False):
        return []
    is_laid_out = any(getattr(detector, name, None) is not None for name in SHAPES)
    if kind == "images" or features in FROM_EVENTS or is_laid_out:
        return []
    return [("scaler", StandardScaler())]
