"""``skdqm serve``: models behind HTTP, and the shifter's page."""

from pathlib import Path
from typing import Annotated

import typer

from skdqm._optional import require
from skdqm.cli._options import QuietOption
from skdqm.cli._terminal import messages
from skdqm.exceptions import UsageError

DATABASE = "skdqm-service.sqlite"
MEBIBYTE = 2**20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Files that train or dqm train wrote, or NAME=FILE; the first is the default.",
        ),
    ],
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback need --token-file.")
    ] = LOOPBACK[0],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="Host name by which browsers call the service; once for each name."
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Lines NAME TOKEN: who may use the service."),
    ] = None,
    database: Annotated[
        str,
        typer.Option(
            metavar="FILE|URL",
            help="Where verdicts, acknowledgements and versions are kept: a SQLite file, or a URL "
            "such as postgresql+psycopg://user@host/name.",
        ),
    ] = DATABASE,
    allow_update: Annotated[
        bool,
        typer.Option("--allow-update", help="Let clients update models and change thresholds."),
    ] = False,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of a request, at most.")] = 100_000,
    max_megabytes: Annotated[int, typer.Option(min=1, help="MiB of a request, at most.")] = 32,
    keep: Annotated[
        int,
        typer.Option(min=0, help="Latest verdicts on good rows to keep; flagged ones stay."),
    ] = 1_000_000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
    quiet: QuietOption = False,
) -> None:
    """Serve MODEL... over HTTP: scores under /v1, the shifter's page at /, how to ask at /docs.

    What is acknowledged to a client is in the data base first. Workers that die are replaced.
    Control-C ends.
    """
    for module in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "prometheus_client"):
        require(module, extra="service")
    from skdqm.service import Settings
    from skdqm.service._serve import serve as run

    if host not in LOOPBACK and token_file is None:
        raise UsageError(
            f"--host {host} lets other machines reach the service: name who may use it with "
            "--token-file FILE (lines NAME TOKEN)"
        )
    settings = Settings(
        tuple(models),
        database=url_of(database),
        token_file=token_file,
        allow_update=allow_update,
        max_rows=max_rows,
        max_bytes=max_megabytes * MEBIBYTE,
        keep=keep,
        hosts=_hosts(host, names),
    )
    run(settings, host, port, workers, messages(quiet=quiet).print)


def url_of(database: str) -> str:
    """Return the URL of a data base; a file is one of SQLite."""
    return database if "://" in database else f"sqlite:///{Path(database).absolute()}"


def _hosts(host: str, names: list[str] | None) -> tuple[str, ...]:
    """Return the names by which the service may be called."""
    from skdqm.service._settings import LOOPBACK as KNOWN

    if names:
        return (*KNOWN, host, *names)
    return KNOWN if host in LOOPBACK else ("*",)
