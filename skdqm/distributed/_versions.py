"""Whether the workers run what this process runs: other versions round differently, or fail."""

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import skdqm
from skdqm.exceptions import ClusterError

if TYPE_CHECKING:
    from distributed import Client

# What the bits of a score depend on.
PACKAGES = ("numpy", "pandas", "scikit-learn", "torch")


def versions() -> dict[str, str]:
    """Return the versions in this process, without importing anything heavy."""
    python = ".".join(map(str, sys.version_info[:2]))
    # Builds of torch for other devices (2.8.0+cpu) are one version.
    packages = {name: version(name).partition("+")[0] for name in PACKAGES}
    return {"skdqm": skdqm.__version__, "python": python, **packages}


def check_versions(client: "Client") -> None:
    """Refuse a cluster that cannot give the same scores as this process.

    The scheduler, too, looks into what it is given to hand on.
    """
    here = versions()
    try:
        found = {"scheduler": client.run_on_scheduler(versions)}
    except Exception as error:
        found = {"scheduler": error}
    found |= {f"worker {at}": v for at, v in client.run(versions, on_error="return").items()}
    for who, there in found.items():
        if isinstance(there, Exception):
            raise ClusterError(
                f"the {who} cannot run skdqm {here['skdqm']} ({there}); install there what is "
                "installed here"
            ) from there
        other = [name for name in here if there[name] != here[name]]
        if other:
            raise ClusterError(
                f"the {who} runs {_listed(there, other)}, this process {_listed(here, other)}; "
                "install the same versions on all machines"
            )


def _listed(found: dict[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {found[name]}" for name in names)
