"""What all reading endpoints share: whose rows, and as of which position."""

from __future__ import annotations

from uuid import UUID

import msgspec

from api.answers import Header
from api.call import Call
from api.refusals import InvalidPath, NotYetProjected
from api.services import Services
from application.principal import Principal
from application.reading import Found
from domain.refusals import Forbidden
from projections.queries.sql import Sql

READ_PERMISSION = "data.read"
"""Of `application.access`: what every query needs."""


async def organization_of(call: Call, services: Services) -> UUID:
    """The organization whose rows the credential may read. Raises `Unauthenticated`, `Forbidden`."""
    principal: Principal = await services.credentials.principal(call.headers.get(b"authorization"))
    if principal.organization_id is None:
        raise Forbidden(permission=READ_PERMISSION)
    await services.bus.ask(principal, lambda unit: services.authorize(READ_PERMISSION, unit))
    return principal.organization_id


async def fetch(organization_id: UUID, statement: Sql, wanted: int, services: Services) -> Found:
    """The rows, as of the position that the client wants to see or later. Mostly it is there already: look first, wait then."""
    found = await services.reads.fetch(organization_id, *statement)
    if found.position < wanted:
        await reach(organization_id, wanted, services)
        found = await services.reads.fetch(organization_id, *statement)
    return found


async def reach(organization_id: UUID, wanted: int, services: Services) -> None:
    """Wait until the read models show a position. Raises `NotYetProjected`."""
    if not await services.reads.wait(organization_id, wanted, services.settings.wait_seconds):
        raise NotYetProjected(position=wanted)


def id_of(call: Call) -> UUID:
    """The id that is the path's only parameter. Raises `InvalidPath`."""
    ((name, text),) = call.path.items()
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise InvalidPath(parameter=name) from None


def position_header(position: int) -> Header:
    """What position an answer shows."""
    return (b"stagebook-position", b"%d" % position)
