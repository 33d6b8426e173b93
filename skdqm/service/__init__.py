"""The scoring service: verdicts over HTTP, the shifter's page, storage that survives a kill.

:func:`create_app` makes an ASGI application of :class:`Settings`; ``skdqm serve`` runs it.
"""

from skdqm.service._app import create_app
from skdqm.service._settings import Settings

__all__ = ["Settings", "create_app"]
