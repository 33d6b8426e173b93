"""Files of models that have learned, beside a checkpoint."""

from glob import escape
from pathlib import Path
from typing import Any

from skdqm.persistence import load, save
from skdqm.streaming._detector import StreamingDetector
from skdqm.streaming._durable import sync_folder


class LearnedModels:
    """Keeps the model of a stream that has learned in a file, which the checkpoint names.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    known : list of (int, str) or None
        Number of the model and name of its file; None: it has not learned.
    """

    def __init__(self, path: Path, known: list[Any] | None) -> None:
        self._path, self.known = path, known

    def keep(self, stream: StreamingDetector) -> dict[str, Any]:
        """Return the state of a stream; write the model that it belongs to, unless it is known."""
        n_models, detector, state = _moment(stream)
        if n_models != (self.known[0] if self.known else 1):
            name = f"{self._path.name}.model-{n_models}.skdqm"
            save(detector, self._path.with_name(name))
            sync_folder(self._path.parent)
            self.known = [n_models, name]
        return state

    def load(self) -> Any:
        """Return the model that has learned, None if it has not."""
        return load(self._path.with_name(self.known[1])) if self.known else None

    def remove_others(self) -> None:
        """Remove the files that the checkpoint does not name."""
        for file in self._path.parent.glob(f"{escape(self._path.name)}.model-*.skdqm"):
            if self.known is None or file.name != self.known[1]:
                file.unlink(missing_ok=True)


def _moment(stream: StreamingDetector) -> tuple[int, Any, dict[str, Any]]:
    """Return the number of models, the detector and the state, all of the same moment."""
    while True:
        n_models = stream.get_statistics().n_models
        detector, state = stream.detector, stream.get_state()
        if stream.get_statistics().n_models == n_models:
            return n_models, detector, state
