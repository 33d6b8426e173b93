"""A connection to the workers, and waiting for them without waiting for ever."""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from skdqm._optional import require
from skdqm.distributed._errors import cluster_errors
from skdqm.distributed._versions import check_versions
from skdqm.exceptions import ClusterError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

# Seconds until a scheduler answers and has a worker.
TO_CONNECT = 10.0
# Seconds that a cluster may be without workers: one that died comes back in about five.
WITHOUT_WORKERS = 30.0
# Seconds between two looks at the workers.
BETWEEN_LOOKS = 1.0

_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
# Ctrl-C reaches all processes of a terminal: this one ends the workers, without their tracebacks.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"

_LOCAL = re.compile(r"local(?::([1-9]\d*))?")
_REMOTE = re.compile(r"(?!local:)\S+:\d+")


@contextmanager
def workers(address: str = "local") -> Iterator["Client"]:
    """Connect to a Dask cluster, or start one on this machine, for the time of a block.

    Inside, everything that dask computes runs there. At the end of the block the connection is
    closed, and a cluster that was started here ends. Log messages of dask are off inside: what
    matters is raised.

    Parameters
    ----------
    address : str, default="local"
        The address of a scheduler, such as ``"tcp://10.0.0.7:8786"``, or ``"local"``: as many
        processes of one thread on this machine as it has cores; ``"local:4"`` starts four.

    Yields
    ------
    client : distributed.Client
        The connection.

    Raises
    ------
    UsageError
        When the address is none.
    ClusterError
        When no scheduler answers, it has no workers, or they run other versions than this process.
    MissingDependencyError
        When Dask is not installed.

    Notes
    -----
    A script that starts local workers needs ``if __name__ == "__main__":`` around what it does,
    because each worker imports it.

    Examples
    --------
    >>> from skdqm.distributed import workers
    >>> with workers("local:2") as client:
    ...     len(client.nthreads())
    2
    """
    require("distributed", extra="dask")
    local = _LOCAL.fullmatch(address)
    if local is None and _REMOTE.fullmatch(address) is None:
        raise UsageError(
            f"{address!r} is no address of a scheduler; expected tcp://HOST:PORT, local, or "
            "local:N for N processes on this machine"
        )
    with _quiet():
        if local is None:
            with _connected(address) as client:
                yield client
        else:
            with _local_cluster(local[1]) as cluster, _connected(cluster) as client:
                yield client


def result_of(client: "Client", future: "Future") -> Any:
    """Wait for a result, and return it."""
    wait_for(client, future)
    with cluster_errors():
        return future.result()


def wait_for(client: "Client", future: "Future") -> None:
    """Wait for a task, and raise its error, or that nobody is left to end it."""
    from distributed import wait

    seen = monotonic()
    with cluster_errors():
        while not future.done():
            with suppress(TimeoutError):
                wait([future], timeout=BETWEEN_LOOKS)
            now = monotonic()
            seen = now if _has_workers(client) else seen
            if now - seen > WITHOUT_WORKERS:
                raise ClusterError(
                    f"all workers are gone, and none came back within {WITHOUT_WORKERS:g} s; see "
                    "their logs, start workers and begin again"
                )
        if future.status != "finished":
            future.result()


@contextmanager
def _local_cluster(n_workers: str | None) -> Iterator["LocalCluster"]:
    import dask
    from distributed import LocalCluster

    # Dask lets workers give memory back at once, which costs a page fault for every temporary
    # array: scoring took 2.2 times as long.
    with dask.config.set({f"{_ENVIRONMENT}.MALLOC_TRIM_THRESHOLD_": None}):
        cluster = LocalCluster(
            n_workers=None if n_workers is None else int(n_workers),
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            preload=[_DEAF],
        )
    with cluster:
        yield cluster


@contextmanager
def _connected(where: "str | LocalCluster") -> Iterator["Client"]:
    from distributed import Client

    if isinstance(where, str):
        _check_scheduler(where)
    with Client(where, timeout=TO_CONNECT) as client:
        _wait_for_one(client, where)
        check_versions(client)
        yield client


def _check_scheduler(address: str) -> None:
    """Refuse what does not answer as a scheduler: a client would wait for ever for some of it."""
    from distributed import Security
    from distributed.core import rpc
    from distributed.utils import LoopRunner

    async def asked() -> Any:
        security = Security().get_connection_args("client")
        async with rpc(address, connection_args=security) as scheduler:
            return await scheduler.identity()

    async def asked_in_time() -> Any:
        return await asyncio.wait_for(asked(), TO_CONNECT)

    try:
        found = LoopRunner().run_sync(asked_in_time)
    except (OSError, TimeoutError, TypeError, ValueError, MemoryError) as error:
        # The answer of another server is taken for a length of many exabytes.
        reason = f" ({error})" if str(error) else ""
        raise ClusterError(
            f"no scheduler of Dask answers at {address} within {TO_CONNECT:g} s{reason}; expected "
            "the address that the command 'dask scheduler' prints"
        ) from error
    if found["type"] != "Scheduler":
        raise ClusterError(
            f"found a {found['type'].lower()} of Dask at {address}, expected a scheduler; give the "
            "address that the command 'dask scheduler' prints"
        )


def _wait_for_one(client: "Client", where: object) -> None:
    try:
        client.wait_for_workers(1, timeout=TO_CONNECT)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler at {where} has no workers, and none came within {TO_CONNECT:g} s; "
            "start some with the command 'dask worker'"
        ) from error


def _has_workers(client: "Client") -> bool:
    """Ask the scheduler, which may have fallen silent itself."""
    try:
        return bool(client.sync(client.scheduler.ncores, callback_timeout=TO_CONNECT))
    except (OSError, TimeoutError):
        return False


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask from logging: it does so in many lines, and what matters is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
