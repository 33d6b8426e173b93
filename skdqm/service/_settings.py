"""What a service is asked to do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from skdqm.exceptions import UsageError

MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Settings:
    """What a service is asked to do.

    Parameters
    ----------
    models : sequence of str or path-like
        Model files, each as ``"FILE"`` or ``"NAME=FILE"``; the first one is the default. Without a
        name a model has that of its file.
    database : str, default="sqlite:///skdqm-service.sqlite"
        Where verdicts, acknowledgements and model versions are kept: a URL of SQLAlchemy, such as
        ``"postgresql+psycopg://user:password@host/name"``.
    token_file : str, path-like or None, default=None
        A file with a line ``NAME TOKEN`` for everybody who may use the service; None: whoever
        reaches it may.
    allow_update : bool, default=False
        Whether models may learn, and thresholds be changed, over HTTP.
    max_rows : int, default=100_000
        Rows of a request, at most.
    max_bytes : int, default=33_554_432
        Bytes of a request, at most.
    keep : int, default=1_000_000
        Latest verdicts on good rows that are kept. Flagged ones are kept for ever.
    timeout : float, default=30.0
        Seconds in which a request must have come in.
    hosts : sequence of str, default=("localhost", "127.0.0.1", "[::1]", "::1")
        Names by which the service may be addressed (the header ``Host``), without the port; ``"*"``
        for any. It keeps pages of other sites away from a service without tokens.

    Examples
    --------
    >>> from skdqm.service import Settings
    >>> Settings(["run3=models/pixel.skdqm"]).named_models
    {'run3': PosixPath('models/pixel.skdqm')}
    """

    models: Sequence[str | PathLike[str]]
    database: str = "sqlite:///skdqm-service.sqlite"
    token_file: str | PathLike[str] | None = None
    allow_update: bool = False
    max_rows: int = 100_000
    max_bytes: int = 32 * MEBIBYTE
    keep: int = 1_000_000
    timeout: float = 30.0
    hosts: Sequence[str] = LOOPBACK

    @property
    def named_models(self) -> dict[str, Path]:
        """The model files by the names of the models; the first one is the default.

        Raises
        ------
        UsageError
            When there is none, or two have the same name, or a name is no simple word.
        """
        found: dict[str, Path] = {}
        for given in self.models:
            name, path = _name_and_path(str(given))
            if not re.fullmatch(MODEL_NAME, name):
                raise UsageError(
                    f"{name!r} cannot be the name of a model: expected letters, digits, dots, "
                    "dashes and underscores; give NAME=FILE"
                )
            if name in found:
                raise UsageError(f"two models are called {name!r}; tell them apart by NAME=FILE")
            found[name] = path
        if not found:
            raise UsageError("found no model to serve; give at least one file that train wrote")
        return found


def _name_and_path(given: str) -> tuple[str, Path]:
    name, equals, path = given.partition("=")
    return (name, Path(path)) if equals and "/" not in name else (Path(given).stem, Path(given))
