"""Half-trained models beside the model file, so that a killed training can go on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skdqm.exceptions import UsageError

# How a message calls what is checked.
NAMES = {"sha256": "the rows", "settings": "--set", "alarm_rate": "alarm rate"}


@dataclass(frozen=True)
class CheckpointFile:
    """The checkpoint of one model file.

    Attributes
    ----------
    path : pathlib.Path
        Where the half-trained Pipeline lies.
    record : dict
        What decides the result of the training, the rows included, as JSON values. A checkpoint
        with another record is of another training.
    """

    path: Path
    record: dict[str, Any]

    @classmethod
    def beside(cls, model: Path, record: dict[str, Any]) -> "CheckpointFile":
        """Return the checkpoint that belongs to a model file."""
        return cls(model.with_name(f"{model.name}.checkpoint"), record)

    def load(self) -> Any:
        """Load the half-trained Pipeline, if it is of this training."""
        from skdqm.persistence import load

        if not self.path.exists():
            raise UsageError(f"no checkpoint {self.path} to resume; train without --resume")
        changed = self._changed()
        if changed:
            raise UsageError(
                f"the checkpoint {self.path} is of another training: {', '.join(changed)} differ; "
                "repeat its options and data, or train without --resume"
            )
        return load(self.path)

    def can_resume(self) -> bool:
        """Tell whether there is a checkpoint of this training."""
        return self.path.exists() and not self._changed()

    def _changed(self) -> list[str]:
        """Name what differs between the checkpoint and this training."""
        from skdqm.persistence import read_metadata

        found, wanted = _flat(read_metadata(self.path)), _flat(self.record)
        return [NAMES.get(name, name) for name in wanted if found.get(name) != wanted[name]]

    def attach(self, pipeline: Any, seconds: float) -> None:
        """Make the last step of a Pipeline write a checkpoint now and then as it trains."""
        from skdqm.detectors import Checkpoint

        callback = Checkpoint(self._writer(pipeline), seconds)
        pipeline[-1].set_params(warm_start=True, callbacks=[callback])

    def _writer(self, pipeline: Any) -> Callable[[], None]:
        # A plain function: callbacks are copied before they run, and a copy of a method would
        # hold a copy of the detector, which learns nothing.
        def write() -> None:
            from skdqm.persistence import save

            save(pipeline, self.path, metadata=self.record)

        return write


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Put the options beside the other entries, each under its own name."""
    options = record.get("options")
    return {**record, **options, "options": None} if isinstance(options, dict) else record
