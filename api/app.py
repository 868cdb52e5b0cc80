"""The HTTP application: every route is derived from the registry of commands or from the tables of the read model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

import sqlalchemy as sa
from litestar import Litestar

from api.auth import Credentials
from api.batch import batch_route
from api.commands import command_route
from api.docs import docs_routes
from api.endpoints import routing_failed
from api.health import health_routes
from api.metrics import metrics_route
from api.openapi import openapi_route
from api.operations.routes import operation_routes
from api.options import options_routes
from api.queries.kept import KeptAnswers
from api.queries.routes import query_routes
from api.services import ApiSettings, Services
from api.telemetry import Telemetry
from application.bus.port import CommandBus
from application.ids import fresh_uuid7
from application.operations.model import Operations
from application.ports import Codec
from application.reading import ReadStore
from application.registry import COMMANDS, CommandSpec
from application.unit import AccessHook
from projections.schema import READ


def create_app(
    bus: CommandBus,
    reads: ReadStore,
    credentials: Credentials,
    *,
    codec: Codec,
    operations: Operations,
    authorize: AccessHook,
    telemetry: Telemetry,
    settings: ApiSettings | None = None,
    commands: Mapping[str, CommandSpec] = COMMANDS,
    tables: Mapping[str, sa.Table] = READ.tables,
    new_id: Callable[[], UUID] = fresh_uuid7,
) -> Litestar:
    """The application. The catalogues must have been imported: routes exist for what is registered by now.

    `authorize` is the access hook that the bus asks too; queries ask it for the permission to read.
    """
    services = Services(bus, reads, codec, operations, credentials, authorize, new_id, settings or ApiSettings(), telemetry)
    described = [*health_routes(services), metrics_route(services), *docs_routes(services), *operation_routes(tables, services)]
    kept = KeptAnswers(bus.last_position, services.settings.kept_bytes)
    routes = [
        *(command_route(spec, services) for spec in commands.values()),
        batch_route(commands, services),
        *(route for table in tables.values() for route in query_routes(table, services, kept)),
        *described,
        openapi_route(commands, tables, described, services),
    ]
    return Litestar(
        # First: the framework has an answer of its own for a path whose other handlers it knows already.
        route_handlers=[*options_routes(routes), *routes],
        exception_handlers={Exception: routing_failed},
        # The description is derived from the registry (api/openapi), the log is written by api/endpoints.py.
        openapi_config=None,
        logging_config=None,
    )
