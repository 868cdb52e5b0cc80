"""The HTTP application: every route is derived from the registry of commands or from the tables of the read model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

import sqlalchemy as sa
from litestar import Litestar

from api.auth import Credentials
from api.batch import batch_route
from api.commands import command_route
from api.docs import docs_route
from api.endpoints import routing_failed
from api.health import health_routes
from api.openapi import openapi_route
from api.queries import query_routes
from api.services import ApiSettings, Services
from application.bus.port import CommandBus
from application.ids import fresh_uuid7
from application.reading import ReadStore
from application.registry import COMMANDS, CommandSpec
from application.unit import AccessHook
from projections.schema import READ


def create_app(
    bus: CommandBus,
    reads: ReadStore,
    credentials: Credentials,
    *,
    authorize: AccessHook,
    settings: ApiSettings | None = None,
    commands: Mapping[str, CommandSpec] = COMMANDS,
    tables: Mapping[str, sa.Table] = READ.tables,
    new_id: Callable[[], UUID] = fresh_uuid7,
) -> Litestar:
    """The application. The catalogues must have been imported: routes exist for what is registered by now.

    `authorize` is the access hook that the bus asks too; queries ask it for the permission to read.
    """
    services = Services(bus, reads, credentials, authorize, new_id, settings or ApiSettings())
    return Litestar(
        route_handlers=[
            *(command_route(spec, services) for spec in commands.values()),
            batch_route(commands, services),
            *(route for table in tables.values() for route in query_routes(table, services)),
            *health_routes(services),
            docs_route(services),
            openapi_route(commands, tables, services),
        ],
        exception_handlers={Exception: routing_failed},
        # The description is derived from the registry (api/openapi.py), the log is written by api/endpoints.py.
        openapi_config=None,
        logging_config=None,
    )
