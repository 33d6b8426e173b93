"""A source of events by its name."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from skdqm.exceptions import DataError, UsageError
from skdqm.streaming._events import Features
from skdqm.streaming._layout import Layout
from skdqm.streaming._patience import Patience
from skdqm.streaming._records import CSV, JSONL
from skdqm.streaming._source import Batch, Position, Say, Source
from skdqm.streaming._source_folder import Folder
from skdqm.streaming._source_hdf5 import GrowingHDF5
from skdqm.streaming._source_kafka import KAFKA, KafkaTopic
from skdqm.streaming._source_pipe import Pipe
from skdqm.streaming._source_table import TableFile
from skdqm.streaming._source_text import TextFile

STANDARD_INPUT = "-"
# As skdqm.io calls them; what else a folder may hold is not read.
_TEXTS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
_HDF5 = (".h5", ".hdf5", ".hdf")
_TABLES = (".parquet", ".pq", ".npz", ".npy", ".root", ".csv.gz", ".tsv.gz", ".txt.gz")


class EventSource:
    r"""Events of a file that grows, a folder, standard input or a Kafka topic, batch by batch.

    Columns of a table, or keys of JSON objects, are matched to the features by name, if the model
    has names; a JSON array is taken in order. What is no event does not end the stream: it comes as
    a batch of one :class:`Malformed`. A batch is what :meth:`StreamWorker.submit_many` takes.

    Parameters
    ----------
    source : str or path-like
        * a file of CSV, below a line of names, or of JSON lines;
        * an HDF5 file;
        * a folder of such files, or of any others that :func:`skdqm.io.read` takes, each of which
          is read once, when it is complete;
        * ``"-"``: CSV or JSON lines from standard input;
        * ``"kafka://broker:port/topic"``: JSON in messages; needs ``skdqm[kafka]``.
    features : Features
        What the model takes: :attr:`StreamingDetector.features`.
    follow : bool, default=True
        Whether to wait for more.
    until_idle : float or None, default=None
        Seconds without anything new after which it ends; None: never.
    form : {"csv", "jsonl"} or None, default=None
        How lines of text are written; None: the first one tells.
    key : str or None, default=None
        The table in HDF5 files with several.
    settle : float, default=2.0
        Seconds without a change after which a file in a folder is complete.
    poll : float, default=0.1
        Seconds between two looks.
    say : callable or None, default=None
        Takes messages, such as that a file was replaced.
    while_waiting : callable or None, default=None
        Is called after each look that found nothing; what it raises ends the source.

    Raises
    ------
    UsageError
        When there can be no such source.
    DataError
        While iterating: when the features are missing, or the source cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skdqm.detectors import HistogramDetector
    >>> from skdqm.streaming import EventSource, StreamingDetector
    >>> X = pd.DataFrame({"pt": [1.0, 2.0, 3.0], "eta": [0.1, 0.2, 0.3]})
    >>> stream = StreamingDetector(HistogramDetector().fit(X))
    >>> path = Path(tempfile.mkdtemp()) / "events.jsonl"
    >>> _ = path.write_text('{"eta": 0.2, "pt": 2, "run": 7}\n{"pt": 1}\n')
    >>> for events, positions, about in EventSource(path, stream.features, follow=False):
    ...     print(events, about)
    [[2.  0.2]] [{'file': 'events.jsonl', 'line': 1, 'run': 7}]
    [Malformed(reason="the features 'eta' ... are missing; found 'pt'", raw='{"pt": 1}')] ...
    """

    def __init__(
        self,
        source: Any,
        features: Features,
        *,
        follow: bool = True,
        until_idle: float | None = None,
        form: str | None = None,
        key: str | None = None,
        settle: float = 2.0,
        poll: float = 0.1,
        say: Say | None = None,
        while_waiting: Callable[[], object] | None = None,
    ) -> None:
        if form not in (None, CSV, JSONL):
            raise UsageError(f"form={form!r}: expected {CSV!r}, {JSONL!r} or None")
        self._layout, self._form, self._key, self._settle = Layout(features), form, key, settle
        self._patience = Patience(
            follow=follow, until_idle=until_idle, poll=poll, while_waiting=while_waiting
        )
        self._say: Say = _be_silent if say is None else say
        self._name = str(source)
        self._source = self._opened(self._name)

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches ``(events, positions, about)``, until there are no more or it is stopped.

        `events` is an array of shape (n_events, n_features) of finite numbers, or a list of one
        :class:`Malformed`; `positions` are where to read on after each event, and `about` says
        which event it is: file, line or row, and run, lumisection, event or id where it has them.
        """
        return iter(self._source)

    def seek(self, position: Position) -> None:
        """Begin behind an event, before iterating.

        Parameters
        ----------
        position : dict
            The position of that event. A file that is not the same any more is read from its
            beginning.

        Raises
        ------
        DataError
            When it is the position in another kind of source.
        """
        try:
            self._source.seek(position)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{position} is no position in {self._name}, but of another kind of source: name "
                "the one that it is of, or begin anew"
            ) from error

    def stop(self) -> None:
        """End soon; a signal handler or another thread may call this."""
        self._patience.stop()

    def _opened(self, source: str) -> Source:
        if source == STANDARD_INPUT:
            return self._pipe()
        if source.startswith(KAFKA):
            return KafkaTopic(source, self._layout, self._patience, self._say)
        path = Path(source)
        if path.is_dir():
            # Nothing is read before it has settled, and to look into a folder is work.
            self._patience.poll = max(self._patience.poll, self._settle / 4)
            return Folder(path, self._complete, self._patience, self._settle, self._say)
        if not path.parent.is_dir():
            raise DataError(f"{path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise UsageError(
                f"{path}: found a device or a FIFO, expected a file or a folder; name it as "
                f"standard input: skdqm watch - < {path}"
            )
        return self._growing(path)

    def _pipe(self) -> Source:
        if sys.stdin is None:
            raise UsageError("standard input is closed; give the name of a file")
        return Pipe(sys.stdin.fileno(), self._layout, self._patience, self._form, self._say)

    def _growing(self, path: Path) -> Source:
        name = path.name.lower()
        if name.endswith(_HDF5) and self._patience.follow:
            return GrowingHDF5(path, self._layout, self._patience, self._key, self._say)
        if name.endswith((*_HDF5, *_TABLES)):
            return TableFile(path, self._layout, self._key)
        return TextFile(path, self._layout, self._patience, self._form, self._say)

    def _complete(self, path: Path) -> Source | None:
        """Return the source of a complete file in a folder, None if it can hold no events."""
        name = path.name.lower()
        if name.endswith((*_HDF5, *_TABLES)):
            return TableFile(path, self._layout, self._key)
        if name.endswith(_TEXTS):
            return TextFile(path, self._layout, Patience(follow=False), self._form, self._say)
        self._say(f"{path}: is of no kind that holds events; not read")
        return None


def _be_silent(message: str) -> None:
    del message
