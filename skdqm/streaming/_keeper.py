"""What a worker keeps: sinks, state of the stream and position, all of the same moment."""

from glob import escape
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from skdqm.exceptions import DataError, UsageError
from skdqm.streaming._checkpoint import read_checkpoint, write_checkpoint
from skdqm.streaming._detector import StreamingDetector
from skdqm.streaming._durable import remove_leftovers
from skdqm.streaming._fingerprint import fingerprint
from skdqm.streaming._learned_models import LearnedModels
from skdqm.streaming._sinks import Sinks


class Keeper:
    """Commits the sinks of a worker.

    Parameters
    ----------
    sinks : Sinks
        Not open yet.

    Attributes
    ----------
    position : object
        Where the source is to read on, None at the beginning.
    n_taken : int
        Events that have come into the queue before there.
    n_kept : int
        Checkpoints that were written.
    """

    def __init__(self, sinks: Sinks) -> None:
        self.sinks = sinks
        self.position: Any = None
        self.n_taken = self.n_kept = 0

    def open(self) -> None:
        """Open the sinks."""
        self.sinks.open(None)

    def keep(self, position: Any, n_taken: int) -> None:
        """Let all that was written so far reach the disk.

        Parameters
        ----------
        position : object
            Where the source is to read on.
        n_taken : int
            Events that have come into the queue before there.
        """
        self.sinks.commit()
        self.position, self.n_taken = position, n_taken

    def close(self) -> None:
        """Close the sinks."""
        self.sinks.close()


class CheckpointKeeper(Keeper):
    """Writes checkpoints of all that belongs together, and goes on from the last one.

    A checkpoint names the markers that the sinks gave after all before it had reached the disk. On
    resume they are cut back to these, and the stream takes up its state: so whatever a killed
    process had done since then happens once more, and nothing is doubled.

    Parameters
    ----------
    sinks : Sinks
        Not open yet.
    stream : StreamingDetector
        What judges.
    path : pathlib.Path
        The file.

    Raises
    ------
    UsageError
        When another worker uses the file, or its folder does not exist.
    DataError
        When it is damaged, or of another model or other sinks.
    """

    def __init__(self, sinks: Sinks, stream: StreamingDetector, path: Path) -> None:
        super().__init__(sinks)
        self._stream, self._path = stream, path
        self._lock = _locked(path)
        try:
            self._identity = {"model": fingerprint(stream.detector), "sinks": sinks.description}
            self._found = read_checkpoint(path) if path.exists() else None
            if self._found is not None:
                self._check(self._found)
                self.position, self.n_taken = self._found["position"], self._found["n_taken"]
            self._models = LearnedModels(path, self._found["learned"] if self._found else None)
        except BaseException:
            self._lock.release()
            raise

    def open(self) -> None:
        """Go on from the checkpoint, or write the first one."""
        remove_leftovers(self._path.parent, escape(self._path.name))
        if self._found is None:
            self.sinks.open(None)
            self.keep(None, 0)
            return
        learned = self._models.load()
        self.sinks.open(self._found["markers"])
        if learned is not None:
            self._stream.swap(learned)
        self._stream.set_state(self._found["state"])

    def keep(self, position: Any, n_taken: int) -> None:
        """Let all that was written so far reach the disk, and the checkpoint after it.

        Parameters
        ----------
        position : object
            Where the source is to read on.
        n_taken : int
            Events that have come into the queue before there.
        """
        content = {
            **self._identity,
            "markers": self.sinks.commit(),
            "state": self._models.keep(self._stream),
            "learned": self._models.known,
            "position": position,
            "n_taken": n_taken,
        }
        write_checkpoint(self._path, content)
        self._models.remove_others()
        self.position, self.n_taken = position, n_taken
        self.n_kept += 1

    def close(self) -> None:
        """Close the sinks, and let another worker use the file."""
        try:
            self.sinks.close()
        finally:
            self._lock.release()

    def _check(self, found: dict[str, Any]) -> None:
        if found["model"] != self._identity["model"]:
            raise DataError(
                f"{self._path} is a checkpoint of another model: give the model that it was begun "
                "with, or name a new file to begin anew"
            )
        if found["sinks"] != self._identity["sinks"]:
            raise DataError(
                f"{self._path} is a checkpoint with the sinks {found['sinks']}, found "
                f"{self._identity['sinks']}: give the same, or name a new file to begin anew"
            )


def keeper_of(sink: Any, stream: StreamingDetector, checkpoint: Any) -> Keeper:
    """Return what keeps the results of a worker, with a checkpoint or without."""
    sinks = Sinks.of(sink)
    if checkpoint is None:
        return Keeper(sinks)
    return CheckpointKeeper(sinks, stream, Path(checkpoint).resolve())


def _locked(path: Path) -> FileLock:
    """Refuse a second worker; the lock goes with the process, however that ends."""
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder does not exist; create it first")
    # It is released by the thread that stops the worker, whichever that is.
    lock = FileLock(f"{path}.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"{path} is in use by another worker: stop that one first, or name another file"
        ) from error
    return lock
