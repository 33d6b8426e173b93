"""What the handlers of an application share: models, storage, tokens, and a look at them now."""

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from skdqm.exceptions import SkdqmError, UsageError
from skdqm.service._audit import DRIFT, SERVICE
from skdqm.service._decode import Limits
from skdqm.service._errors import RequestError
from skdqm.service._hosted import HostedModel
from skdqm.service._metrics import Metrics
from skdqm.service._security import Failures, Tokens
from skdqm.service._settings import Settings
from skdqm.service._storage import Storage
from skdqm.service._streams import Streams

logger = logging.getLogger(__name__)

# Between two looks at which versions are active.
SECONDS = 1.0


class Service:
    """Models, storage and tokens of an application.

    Parameters
    ----------
    settings : Settings
        What is asked for.

    Raises
    ------
    UsageError
        When names of models or the file of tokens are not as they should be.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens, self.failures = Tokens.of(settings.token_file), Failures()
        self.limits = Limits(settings.max_rows, settings.max_bytes)
        self.storage = Storage(settings.database, keep=settings.keep)
        self.models = {name: HostedModel(name, self.storage) for name in settings.named_models}
        self.metrics, self.streams = Metrics(), Streams()
        self._ending = Event()
        self.is_ending = False
        self._watcher: Thread | None = None

    @property
    def default(self) -> HostedModel:
        """The model that judges when none is named."""
        return next(iter(self.models.values()))

    def open(self) -> None:
        """Open the storage, load the models, and begin to look after them.

        Raises
        ------
        SkdqmError
            When a model or the storage cannot be used.
        """
        self.storage.upgrade()
        self.storage.open()
        try:
            for name, path in self.settings.named_models.items():
                self.models[name].start(path)
            self.look()
        except BaseException:
            self.storage.close()
            raise
        self._watcher = Thread(target=self._watch, name="skdqm-watch", daemon=True)
        self._watcher.start()

    def end_streams(self) -> None:
        """Let the streams to pages end, so that a server can."""
        self.is_ending = True

    def close(self) -> None:
        """Let go of the storage; what was acknowledged is in it."""
        self._ending.set()
        if self._watcher is not None:
            self._watcher.join()
        self.storage.close()

    def model(self, name: str | None) -> HostedModel:
        """Return a model by its name, or the default one."""
        if name is None:
            return self.default
        found = self.models.get(name)
        if found is None:
            raise RequestError(404, f"no model {name!r}; there are {', '.join(self.models)}")
        return found

    def check_workers(self, n_workers: int) -> None:
        """Refuse several workers for a threshold that follows: each would have its own."""
        following = [name for name, each in self.models.items() if each.current.model.is_stateful]
        if n_workers > 1 and following:
            raise UsageError(
                f"the threshold of {following[0]} follows the scores that it sees, and "
                f"{n_workers} workers would each see a part; serve it with --workers 1"
            )

    def look(self) -> None:
        """Follow versions that other workers made, and tell Prometheus how things are."""
        for name, number in self.storage.versions.active(list(self.models)).items():
            self.models[name].follow(number)
        for name, hosted in self.models.items():
            self._look_at(name, hosted)

    def _look_at(self, name: str, hosted: HostedModel) -> None:
        current = hosted.current
        self.metrics.versions.labels(name).set(current.number)
        self.metrics.thresholds.labels(name).set(current.model.threshold)
        self.metrics.took_scores(name, current.model.recent_scores())
        self.metrics.open_alarms.labels(name).set(self.storage.shift.n_open_alarms(name))
        n_drifts = current.model.new_drifts()
        if n_drifts:
            self.metrics.drifts.labels(name).inc(n_drifts)
            self.storage.log(SERVICE, DRIFT, name, current.number, {"n": n_drifts})

    def _watch(self) -> None:
        said: str | None = None
        while not self._ending.wait(SECONDS):
            problem = _problem(self.look)
            # Once, not every second: a storage that is down is down for a while.
            if problem and problem != said:
                logger.warning("%s", problem)
            said = problem


def _problem(look: Callable[[], Any]) -> str | None:
    try:
        look()
    except (RequestError, SkdqmError) as error:
        return str(error)
    return None
