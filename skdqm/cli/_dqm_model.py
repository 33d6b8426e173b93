"""A model file of ``skdqm dqm``: the detectors of all elements, and what bins they know."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from skdqm._messages import listed
from skdqm._pipeline import parts_of, through
from skdqm.cli._dqm_data import Data, Source
from skdqm.cli._model import DQM, Model
from skdqm.exceptions import DataError, ModelFileError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class DqmModel:
    """The model of a file.

    Attributes
    ----------
    path : Path
        The file.
    estimator : Pipeline
        Ends in an ElementsDetector.
    metadata : dict
        What the file says of its origin.
    """

    path: Path
    estimator: Any
    metadata: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Load a model, if it is one of ``dqm train``."""
        model = Model.open(path)
        if model.metadata.get("kind") != DQM:
            raise ModelFileError(
                f"{path} holds a {type(model.detector).__name__} that was not trained by skdqm dqm "
                "train; judge tables with skdqm score, or train on histograms"
            )
        return cls(path, model.estimator, model.metadata)

    @property
    def detector(self) -> Any:
        """The ElementsDetector."""
        return parts_of(self.estimator)[1]

    @property
    def elements(self) -> list[str]:
        """Names of the monitoring elements."""
        return list(self.metadata["elements"])

    @property
    def last_run(self) -> int:
        """The latest run that was learned, or set the threshold."""
        known = (self.metadata["learned_runs"], self.metadata["calibrated_runs"])
        return max(int(last) for _, last in known)

    def read(self, source: Source) -> Data:
        """Read what the model takes, and refuse other bins than those that it knows."""
        from skdqm.io._binning import binning, same_binning

        try:
            data = source.read(self.elements)
        except DataError as error:
            if ": no element " not in str(error):
                raise
            raise DataError(f"{error}; the model {self.path} needs all of its elements") from error
        for element, known in zip(self.elements, self.metadata["bins"], strict=True):
            found = binning(data.edges[element])
            if not same_binning(known, found):
                raise DataError(
                    f"{source.text}: {element!r} has {found}; the model {self.path} learned "
                    f"{known}: give histograms of these bins, or train a model on the others"
                )
        names = [str(name) for name in self.estimator.feature_names_in_]
        if names != list(data.table.columns):
            raise ModelFileError(f"{self.path}: its columns are not those of {listed(names)}")
        return data

    def prepared(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return rows as the detector takes them: summed, if the model sums."""
        return through(parts_of(self.estimator)[0], rows)

    def save(self, path: Path, learned: dict[str, Any]) -> None:
        """Write the model after it has learned more runs."""
        from skdqm.persistence import save

        kept = {name: value for name, value in self.metadata.items() if name != "versions"}
        first, last = kept["learned_runs"]
        kept["learned_runs"] = [first, max(last, *learned["runs"])]
        kept["updates"] = [*kept.get("updates", []), learned]
        save(self.estimator, path, metadata=kept)
