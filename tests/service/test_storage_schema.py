"""Tables as the migrations make them are those that the code knows; what is none is refused."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from skdqm.exceptions import UsageError
from skdqm.service import _tables as tables
from skdqm.service._engine import _config
from skdqm.service._storage import Storage
from tests.service.judgements import of_events

DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql <> ''",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "AND indexname NOT LIKE 'alembic%'",
}


def definitions(engine: Engine) -> dict[str, str]:
    """Return how tables and indexes are defined, as the data base tells."""
    with engine.connect() as connection:
        rows = connection.execute(text(DEFINITIONS[engine.dialect.name]))
        return {name: re.sub(r"\s+", " ", sql) for name, sql in rows}


def test_migrations_make_the_tables_that_the_code_knows(
    opened: Callable[..., Storage], database: str, tmp_path: Path
) -> None:
    engine = opened(database)._engine
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    migrated = definitions(engine)
    with engine.begin() as connection:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    assert migrated == definitions(engine)


def test_the_way_back_removes_all_tables(opened: Callable[..., Storage], database: str) -> None:
    engine = opened(database)._engine
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_upgrading_again_keeps_what_there_is(opened: Callable[..., Storage], database: str) -> None:
    opened(database).record(of_events([1.5]))
    assert [row["anomaly_score"] for row in opened(database).verdicts("jets")] == [1.5]


def test_tables_that_are_missing_are_refused(made: Callable[..., Storage], database: str) -> None:
    storage = made(database)
    with pytest.raises(UsageError, match="revision None, expected 0001"):
        storage.open()


def test_tables_of_a_later_version_are_refused(
    opened: Callable[..., Storage], database: str
) -> None:
    storage = opened(database)
    with storage.connected() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError, match="later version of skdqm"):
        storage.upgrade()
    with pytest.raises(UsageError, match="9999"):
        storage.open()


def test_tables_of_another_program_are_left_alone(
    made: Callable[..., Storage], database: str
) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE audit (id INTEGER PRIMARY KEY)"))
    with pytest.raises(UsageError, match=r"cannot be used: .*audit"):
        made(database).upgrade()
    assert inspect(engine).get_table_names() == ["audit"]
    engine.dispose()


def write_text(path: Path) -> None:
    path.write_text("no data base at all, but some text that is long enough\n" * 50)


@pytest.mark.parametrize("spoil", [write_text, Path.mkdir])
def test_a_path_that_is_no_data_base_is_refused(
    spoil: Callable[[Path], Any], made: Callable[..., Storage], tmp_path: Path
) -> None:
    path = tmp_path / "service.sqlite"
    spoil(path)
    with pytest.raises(UsageError, match="cannot be used") as caught:
        made(f"sqlite:///{path}").upgrade()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("service.sqlite", "must be a URL such as"),
        ("mysql://localhost/service", "'mysql\\+mysqldb', expected one of"),
        ("sqlite+aiosqlite:///service.sqlite", "'sqlite\\+aiosqlite', expected one of"),
        ("postgresql+asyncpg://localhost/service", "'postgresql\\+asyncpg', expected one of"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:////nowhere/at/all/service.sqlite", "folder does not exist"),
        ("postgresql://anna:secret@host:port/service", "must be a URL such as"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Storage(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://anna:secret@127.0.0.1:1/service",
        "postgresql+psycopg://127.0.0.1:1/service?password=secret&user=anna",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    pytest.importorskip("psycopg")
    storage = Storage(url)
    for ask in (storage.upgrade, storage.open):
        with pytest.raises(UsageError, match=r"127\.0\.0\.1:1/service cannot be used") as caught:
            ask()
        assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r'pip install "psycopg\[binary\]"'):
        Storage("postgresql+psycopg://localhost/service")
