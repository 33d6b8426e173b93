"""A model that follows the detector: what it learns of a run that is over."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from skdqm.cli._dqm_data import Data
from skdqm.cli._dqm_model import DqmModel
from skdqm.exceptions import CalibrationWarning, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

NONE, ACCEPTED = "none", "accepted"
# Latest scores of good lumisections that set the threshold.
RECENT = 2048


class Follow:
    """Lets a model learn the good lumisections of each run that is over.

    The threshold stays calibrated. What shifters call good is scored before it is learned, so these
    scores are those of new good rows, and the latest of them set the threshold of the next run.
    What the model accepted by itself cannot do that: it holds no score above the threshold, which
    would fall from run to run. There the threshold stays; scores are logarithms of p-values among
    what was learned, and keep their meaning.

    Parameters
    ----------
    model : DqmModel
        The model, which is changed.
    what : str
        ``"none"``, ``"accepted"`` or the path of a golden JSON.
    """

    def __init__(self, model: DqmModel, what: str) -> None:
        self.model = model
        self.what = what
        self.golden = _golden(what)
        self.runs: list[int] = []
        self.n_learned = 0

    def start(self, data: Data) -> None:
        """Refuse a model that cannot learn, and runs that it knows."""
        import numpy as np

        if not self.learns:
            return
        detector = self.model.detector
        if not hasattr(detector, "partial_fit"):
            name = self.model.metadata["options"]["detector"]
            raise UsageError(f"--follow {self.what}: the detector {name} cannot learn run by run")
        first = int(data.table.index.get_level_values("run").min())
        if first <= self.model.last_run:
            raise UsageError(
                f"--follow {self.what}: run {first} is not after run {self.model.last_run}, the "
                "last one that the model has learned; choose the later ones with --runs "
                f"{self.model.last_run + 1}-"
            )
        # Sorted by now: what is pushed out first is drawn by lot.
        known = detector.calibration_scores_
        self._scores = np.random.default_rng(0).permutation(known)
        self._window = max(RECENT, len(known))

    @property
    def learns(self) -> bool:
        """Whether anything is learned."""
        return self.what != NONE

    def learn(self, rows: "pd.DataFrame", verdicts: "pd.DataFrame") -> None:
        """Learn the good rows of a run that is over."""
        chosen = self._chosen(verdicts)
        if not chosen.any():
            return
        if self.golden is not None:
            self._remember(verdicts["anomaly_score"].to_numpy()[chosen])
        with catch_warnings():
            simplefilter("ignore", CalibrationWarning)
            rate = self.model.detector.alarm_rate_
            self.model.detector.partial_fit(self.model.prepared(rows[chosen]))
        # By scores that rows had before they were learned.
        self.model.detector._calibrated_by(self._scores, rate)  # noqa: SLF001
        self.runs.append(int(rows.index.get_level_values("run")[0]))
        self.n_learned += int(chosen.sum())

    def step(self, data: list[str]) -> dict[str, Any]:
        """Return what a model file says of what was learned."""
        return {"data": data, "runs": self.runs, "n_rows": self.n_learned, "good by": self.what}

    def _chosen(self, verdicts: "pd.DataFrame") -> "NDArray[np.bool_]":
        import numpy as np

        labels = verdicts["verdict"].to_numpy()
        if self.golden is not None:
            return np.asarray(self.golden.contains(verdicts.index) & (labels != 0))
        return np.asarray((labels == 1) & (self.what == ACCEPTED))

    def _remember(self, anomaly_scores: "NDArray[np.float64]") -> None:
        import numpy as np

        from skdqm.base import turned

        self._scores = np.concatenate([self._scores, turned(anomaly_scores)])[-self._window :]


def _golden(what: str) -> Any:
    from skdqm.io import read_golden_json

    if what in (NONE, ACCEPTED):
        return None
    if not Path(what).exists():
        raise UsageError(f"--follow {what}: expected none, accepted or the file of a golden JSON")
    return read_golden_json(what)
