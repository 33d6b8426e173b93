"""A connection to the data base, and its schema."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from skdqm.exceptions import UsageError

# Gives a connection for one transaction.
Connected = Callable[[], AbstractContextManager[Connection]]
MIGRATIONS = Path(__file__).parent / "migrations"
SECONDS_TO_WAIT = 10
# Any number: whoever migrates a PostgreSQL data base holds this lock.
LOCK = 7_350_461
DRIVERS = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary"}
KINDS = {"sqlite+pysqlite", *(f"postgresql+{driver}" for driver in DRIVERS)}


def engine_of(text_: str) -> Engine:
    """Return an engine for a URL; nothing is connected yet.

    Raises
    ------
    UsageError
        When the URL is none, or of a data base that is not known here.
    """
    url = _url(text_)
    kind = f"{url.get_backend_name()}+{url.get_driver_name()}"
    if kind not in KINDS:
        raise UsageError(
            f"found a data base of the kind {kind!r}, expected one of {', '.join(sorted(KINDS))}"
        )
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return _postgresql(url)


def upgrade(engine: Engine) -> None:
    """Make the tables, or bring them to the newest form; several processes may ask at once.

    Raises
    ------
    UsageError
        When the data base cannot be used, or a later version has changed it.
    """
    with _usage_errors(engine), _alone(engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def check(engine: Engine) -> None:
    """Refuse tables that are not of the newest form."""
    with _usage_errors(engine), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if found != newest:
        raise UsageError(
            f"the tables of the data base {shown(engine.url)} are of revision {found}, expected "
            f"{newest}; upgrade them first"
        )


def shown(url: URL) -> str:
    """Return the address of a data base without its secrets."""
    return url.set(query={}).render_as_string(hide_password=True)


def _url(given: str) -> URL:
    try:
        url = make_url(given)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # What is wrong may be a password: the text is not shown.
        raise UsageError(
            "the data base must be a URL such as sqlite:///verdicts.sqlite or "
            "postgresql+psycopg://user:password@host/name"
        ) from error
    return url


def _sqlite(url: URL) -> Engine:
    path = url.database
    if not path or path == ":memory:":
        raise UsageError("the data base must be a file: workers and restarts share it")
    if not Path(path).absolute().parent.is_dir():
        raise UsageError(f"{path}: the folder does not exist; create it first")
    options = {"timeout": SECONDS_TO_WAIT, "check_same_thread": False}
    engine = create_engine(url, connect_args=options)
    event.listen(engine, "connect", _prepare)
    return engine


def _postgresql(url: URL) -> Engine:
    # A server that is away is an answer, too, and not a request that hangs.
    waits = {} if "connect_timeout" in url.query else {"connect_timeout": SECONDS_TO_WAIT}
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args=waits)
    except ImportError as error:
        driver = url.get_driver_name()
        raise UsageError(
            f"the data base needs the driver {driver!r}; install it with: "
            f'python -m pip install "{DRIVERS[driver]}"'
        ) from error
    event.listen(engine, "connect", _limit_waits)
    return engine


def _limit_waits(connection: Any, record: Any) -> None:
    """Let nobody wait for a lock for ever."""
    del record
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{SECONDS_TO_WAIT}s'")
    connection.commit()


def _prepare(connection: Any, record: Any) -> None:
    """Let readers never wait; what is written survives the end of the process."""
    del record
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Whoever copies the log into the data base keeps the others waiting: seldom, 40 MB at a time.
    connection.execute("PRAGMA wal_autocheckpoint = 10000")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Connect, while nobody else migrates."""
    if engine.dialect.name == "sqlite":
        with FileLock(f"{engine.url.database}.lock"), engine.connect() as connection:
            # All or nothing: what is killed half-way must not leave half of the tables.
            connection.execute(text("BEGIN IMMEDIATE"))
            yield connection
        return
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        yield connection


@contextmanager
def _usage_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise UsageError(
            f"the data base {shown(engine.url)} was changed by a later version of skdqm; install "
            "that one, or use another data base"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise UsageError(
            f"the data base {shown(engine.url)} cannot be used: {reason_of(error)}"
        ) from error


def reason_of(error: Exception) -> str:
    """Return in one line what a data base says."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
