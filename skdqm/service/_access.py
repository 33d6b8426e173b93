"""What handlers ask for: the service, who asks, the body."""

from typing import Annotated

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from skdqm.service._errors import RequestError
from skdqm.service._schemas import Name
from skdqm.service._security import ANONYMOUS
from skdqm.service._service import Service

bearer = HTTPBearer(auto_error=False, description="A token of the service, where it has any.")


async def service_of(request: Request) -> Service:
    """Return the service of an application."""
    found: Service = request.app.state.service
    return found


ServiceOf = Annotated[Service, Depends(service_of)]


async def actor_of(
    request: Request,
    service: ServiceOf,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> str:
    """Return who asks, or refuse."""
    if not service.tokens.are_needed:
        return ANONYMOUS
    address = request.client.host if request.client else ""
    service.failures.check(address)
    owner = None if given is None else service.tokens.owner(given.credentials)
    if owner is not None:
        return owner
    if given is not None:
        service.failures.add(address)
    raise RequestError(401, "a token is needed: send the header Authorization: Bearer TOKEN")


Actor = Annotated[str, Depends(actor_of)]


async def changer_of(service: ServiceOf, actor: Actor) -> str:
    """Return who asks to change a model, where that is allowed."""
    if not service.settings.allow_update:
        raise RequestError(
            403, "models are not changed here; start the service with --allow-update"
        )
    return actor


Changer = Annotated[str, Depends(changer_of)]
OfModel = Annotated[Name | None, Query(description="Name of a model; the default one without.")]


async def body_of(request: Request) -> tuple[bytes, str]:
    """Return a body and its type."""
    return await request.body(), request.headers.get("content-type", "")


Body = Annotated[tuple[bytes, str], Depends(body_of)]
