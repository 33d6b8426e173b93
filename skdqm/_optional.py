"""Imports of optional packages, with an error that names the pip command."""

from importlib import import_module
from types import ModuleType

from skdqm.exceptions import MissingDependencyError


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package or say how to install it.

    Parameters
    ----------
    module : str
        The module to import, for example ``"uproot"``.
    extra : str
        The extra of skdqm that installs it, for example ``"root"``.

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    MissingDependencyError
        When the package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed; "
            f'install it with: python -m pip install "skdqm[{extra}]"'
        ) from error
