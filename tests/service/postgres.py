"""A private PostgreSQL server, where its programs are."""

import atexit
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest
from sqlalchemy import create_engine, text

NUMBERS = count()
# A server refuses to run as root: then it belongs to the user whom Debian's package makes.
OWNER = "postgres"


@cache
def server() -> Path:
    """Start a server that listens in a folder, and return the folder; it ends with the tests."""
    pytest.importorskip("psycopg")
    # Addresses of sockets are short, so that a folder of pytest would not do.
    folder = Path(mkdtemp(prefix="pg-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    programs, data = _programs(), folder / "data"
    if os.getuid() == 0:
        shutil.chown(folder, OWNER)
    _run(programs / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "-N")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    start = ("-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    _run(programs / "pg_ctl", *start)
    atexit.register(_run, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    return folder


def fresh_database() -> str:
    """Return the URL of a data base with nothing in it."""
    folder, name = server(), f"service{next(NUMBERS)}"
    url = f"postgresql+psycopg://{OWNER}@/{{}}?host={folder}"
    engine = create_engine(url.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.format(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty data base of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.sqlite'}"
    return fresh_database()


def _programs() -> Path:
    found = [*_versions(), *(Path(each).parent for each in [shutil.which("pg_ctl")] if each)]
    if not found:
        pytest.skip("needs the programs of PostgreSQL (Debian: postgresql)")
    if os.getuid() == 0 and not _is_known(OWNER):
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {OWNER}")
    return found[0]


def _versions() -> Iterator[Path]:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "pg_ctl").exists():
            yield folder


def _is_known(user: str) -> bool:
    return any(each.pw_name == user for each in pwd.getpwall())


def _run(*command: object) -> None:
    user = OWNER if os.getuid() == 0 else None
    words = [str(word) for word in command]
    subprocess.run(words, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)
