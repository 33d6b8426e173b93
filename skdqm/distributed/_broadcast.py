"""An estimator on its way to the workers: once for each, as a model file where it can be one."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from skdqm.distributed._versions import check_versions
from skdqm.exceptions import UsageError
from skdqm.persistence import load, save

if TYPE_CHECKING:
    from dask.delayed import Delayed
    from distributed import Client, Future


class Broadcast:
    """An estimator that is packed as a model file when it leaves its process.

    Parameters
    ----------
    estimator : object
        A detector or a Pipeline.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __reduce__(self) -> tuple[Any, tuple[bytes, bool]]:
        """Travel as what :func:`_packed` gives."""
        return _unpacked, _packed(self.estimator)


def broadcast(estimator: Any) -> "Delayed | Future":
    """Return the one node of a graph that all tasks take the estimator from.

    With a cluster it is sent now; other schedulers of dask share the object itself.
    """
    from dask import delayed

    client = current_client()
    if client is None:
        return delayed(Broadcast(estimator), traverse=False, pure=False)
    check_versions(client)
    return sent(client, estimator)


def sent(client: "Client", estimator: Any) -> "Future":
    """Send an estimator to a cluster, whose workers hand it on to each other.

    As a task and not as scattered data: of that the cluster drops all copies but one when nobody
    needs them for a moment, and with the worker that holds it everything is lost. As a future and
    not as a Delayed: that would become a task of its own, and each worker would hold two copies.
    """
    import dask

    # A model may well be larger than what dask thinks a graph should be.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        return client.submit(_unpacked, *_packed(estimator), pure=False)


def current_client() -> "Client | None":
    """Return the connection through which dask would compute now, None without a cluster."""
    from dask.base import get_scheduler

    owner = getattr(get_scheduler(), "__self__", None)
    return owner if hasattr(owner, "scatter") else None


def _packed(estimator: Any) -> tuple[bytes, bool]:
    """Return a model file, and true; of what no model file holds a pickle, and false."""
    import cloudpickle

    if _holds_code(estimator):
        return cloudpickle.dumps(estimator), False
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        try:
            save(estimator, path)
        except UsageError:
            return cloudpickle.dumps(estimator), False
        return path.read_bytes(), True


def _holds_code(estimator: Any) -> bool:
    """Tell whether there are callbacks, here or inside: a model file leaves them out."""
    parameters: dict[str, Any] = getattr(estimator, "get_params", dict)()
    return any(
        getattr(part, name, None) is not None
        for part in (estimator, *parameters.values())
        for name in getattr(part, "_transient_parameters", ())
    )


def _unpacked(packed: bytes, is_model_file: bool) -> Broadcast:  # noqa: FBT001 (private)
    import cloudpickle

    if not is_model_file:
        return Broadcast(cloudpickle.loads(packed))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(packed)
        return Broadcast(load(path))
