"""The models of a service by their names: which version judges, and how another one comes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from skdqm.exceptions import ModelFileError, SkdqmError
from skdqm.persistence import load, read_metadata, save
from skdqm.service._audit import THRESHOLD, UPDATE
from skdqm.service._decode import Rows
from skdqm.service._errors import RequestError
from skdqm.service._event_model import EventModel
from skdqm.service._judgement import Judgement
from skdqm.service._lumisection_model import LumisectionModel
from skdqm.service._models import ServedModel, checked_detector
from skdqm.service._storage import Storage

# What the metadata of a model file call a model of histograms.
HISTOGRAMS = "dqm"


@dataclass(frozen=True)
class Version:
    """A version of a model, ready to judge.

    Attributes
    ----------
    number : int
        Counts from 1.
    model : ServedModel
        The model.
    """

    number: int
    model: ServedModel


class HostedModel:
    """A model by its name.

    Parameters
    ----------
    name : str
        Of the model.
    storage : Storage
        Holds its versions.
    """

    def __init__(self, name: str, storage: Storage) -> None:
        self.name = name
        self._storage = storage
        self._current: Version | None = None
        # Loading and learning take turns; judging never waits for them.
        self._changes = Lock()

    @property
    def current(self) -> Version:
        """The version that judges now."""
        if self._current is None:
            raise RequestError(503, f"the model {self.name!r} is being loaded; try again")
        return self._current

    def start(self, path: Path) -> None:
        """Load the version to go on with: of the file, or what it has become since.

        Raises
        ------
        ModelFileError
            When the file is no model, or none that can judge.
        """
        content = read_file(path)
        model = self._loaded(content, path)
        self._take(self._storage.versions.register(self.name, content, model.threshold))

    def follow(self, number: int) -> None:
        """Let the active version judge, if `number`, which it was a moment ago, is not that one."""
        if self.current.number == number:
            return
        with self._changes:
            # It may have changed while the turn was waited for, by this very process.
            active = self._storage.versions.active([self.name])[self.name]
            if active != self.current.number:
                self._take(active)

    def judge(self, rows: Rows) -> tuple[Judgement, int]:
        """Judge rows and record the verdicts; return them, and the number of the first one."""
        current = self.current
        found = current.model.judge(rows)
        judgement = Judgement(
            model=self.name,
            version=current.number,
            time=time.time(),
            runs=rows.runs,
            lumisections=rows.lumisections,
            scores=found.scores,
            p_values=found.p_values,
            thresholds=found.thresholds,
            verdicts=found.verdicts,
            findings=found.findings,
            histograms=found.histograms,
        )
        return judgement, self._storage.record(judgement)

    def update(self, rows: Rows, actor: str) -> Version:
        """Let a copy learn rows, and judge from then on."""
        model = self.current.model
        if not model.can_update:
            raise RequestError(
                409,
                f"the model {self.name!r} cannot learn from more rows: its detector has no "
                "partial_fit; train it anew",
            )
        # Who teaches flagged rows should know: what is learned is normal from then on.
        n_flagged = _asked(lambda: model.n_flagged(rows))
        detail = {"n_rows": len(rows.numbers), "n_flagged": n_flagged}
        return self._changed(UPDATE, actor, detail, lambda model: model.taught(rows))

    def set_threshold(self, asked: Mapping[str, float], actor: str, comment: str) -> Version:
        """Promise another alarm rate, or flag scores above another number."""
        detail = {**asked, "comment": comment}
        if "alarm_rate" in asked:
            return self._changed(
                THRESHOLD, actor, detail, lambda model: model.with_alarm_rate(asked["alarm_rate"])
            )
        return self._changed(
            THRESHOLD, actor, detail, lambda model: model.with_threshold(asked["threshold"])
        )

    def roll_back(self, number: int, actor: str, comment: str) -> Version:
        """Let an earlier version judge again."""
        with self._changes:
            before = self.current
            detail = self._detail({"to": number, "comment": comment}, before)
            self._storage.versions.activate(
                self.name, number, actor=actor, detail=detail, expected=before.number
            )
            return self._take(number)

    def _changed(
        self,
        action: str,
        actor: str,
        detail: dict[str, Any],
        change: Callable[[ServedModel], Any],
    ) -> Version:
        with self._changes:
            before = self.current
            estimator = _asked(lambda: change(before.model))
            content = _packed(estimator, _metadata(before.model, action, detail))
            model = self._loaded(content, Path(self.name))
            detail = self._detail(detail, before, model)
            number = self._storage.versions.add(
                self.name,
                content,
                model.threshold,
                actor=actor,
                action=action,
                detail=detail,
                expected=before.number,
            )
            self._current = Version(number, model)
            return self._current

    def _detail(
        self, detail: dict[str, Any], before: Version, after: ServedModel | None = None
    ) -> dict[str, Any]:
        found = {**detail, "threshold_before": before.model.threshold}
        return found if after is None else {**found, "threshold": after.threshold}

    def _take(self, number: int) -> Version:
        content = self._storage.versions.content(self.name, number)
        self._current = Version(number, self._loaded(content, Path(self.name)))
        return self._current

    def _loaded(self, content: bytes, origin: Path) -> ServedModel:
        with _as_file(content, origin) as path:
            estimator, metadata = load(path), read_metadata(path)
        checked_detector(self.name, estimator)
        if metadata.get("kind") == HISTOGRAMS:
            earlier = self._storage.recent_histograms
            return LumisectionModel(self.name, estimator, metadata, earlier)
        return EventModel(self.name, estimator, metadata)


def read_file(path: Path) -> bytes:
    """Read a model file."""
    if not path.is_file():
        raise ModelFileError(f"{path} cannot be read: expected a model file that train wrote")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def _as_file(content: bytes, origin: Path) -> Iterator[Path]:
    """Give the content of a model file a place on the disk, under the name that messages show."""
    with TemporaryDirectory(prefix="skdqm-") as folder:
        path = Path(folder) / origin.name
        path.write_bytes(content)
        try:
            yield path
        except ModelFileError as error:
            raise ModelFileError(str(error).replace(str(path), str(origin))) from error


def _packed(estimator: Any, metadata: dict[str, Any]) -> bytes:
    with TemporaryDirectory(prefix="skdqm-") as folder:
        path = Path(folder) / "model"
        save(estimator, path, metadata=metadata)
        return path.read_bytes()


def _metadata(model: ServedModel, action: str, detail: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in model.metadata.items() if name != "versions"}
    step = {"action": action, "time": time.time(), **detail}
    return {**kept, "updates": [*kept.get("updates", []), step]}


def _asked(task: Callable[[], Any]) -> Any:
    """Do what a client has asked for, or say why it cannot be done."""
    try:
        return task()
    except SkdqmError as error:
        raise RequestError(422, str(error), ("body",)) from error
