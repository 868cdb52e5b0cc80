"""The OpenAPI 3.1 description, derived from the registry of commands, the tables of the read model, and what other routes say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, Answer
from api.call import Call
from api.description import Content, Description, described
from api.endpoints import handler
from api.openapi.batch import batch_components, batch_operation
from api.openapi.commands import command_components, command_operation
from api.openapi.examples import row_example
from api.openapi.links import add_links
from api.openapi.parts import HEADERS, PARAMETERS, Operation, Schema, problem_types
from api.openapi.queries import get_operation, history_operation, list_operation, step_schema
from api.openapi.resources import Resources
from api.openapi.schemas import row_components, row_name
from api.openapi.service import described_operations
from api.openapi.shared import Shared
from api.resources import collection, parameter
from api.services import Services
from application.registry import CommandSpec

Operations = Iterator[tuple[str, str, Operation]]
"""(path, method, operation)."""

_OPENAPI: Schema = {
    "type": "object",
    "properties": {name: {"type": "object", "description": "As OpenAPI defines it"} for name in ("info", "paths", "components")}
    | {"openapi": {"const": "3.1.0"}},
    "required": ["openapi", "info", "paths"],
}
_INTRODUCTION = """\
Every change is a command, and is answered when it is in the log: with the resource's `id`, its `version` (the ETag) and the `position` \
in the log. What is read comes from read models that follow the log; send `Stagebook-Min-Position` to read your own writes.

- Send an `Idempotency-Key` with every command, and send the command again with the same key when the answer was lost.
- Send `If-Match` with the version that a change is based on.
- Whatever fails is answered as `application/problem+json` with a stable `code`; invalid input is named with JSON pointers in `errors`.
- Ids are UUIDs; a client may choose those of the resources that it creates. Amounts are texts in major units, times are ISO 8601.
"""


def openapi_route(
    commands: Mapping[str, CommandSpec], tables: Mapping[str, sa.Table], routes: Iterable[HTTPRouteHandler], services: Services
) -> HTTPRouteHandler:
    """`GET /schema/openapi.json`, made at the first request. `routes` bring their own descriptions."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(commands, tables, (*routes, route)), enc_hook=str)

    async def openapi(_: Call) -> Answer:
        return Answer(200, [JSON], document())

    description = Description(
        summary="Read this description",
        text="OpenAPI 3.1, as JSON; `/docs` shows it to people.",
        contents=(Content(_OPENAPI, {"openapi": "3.1.0", "info": {"title": "Stagebook", "version": "1"}, "paths": {}}),),
    )
    route: HTTPRouteHandler = get("/schema/openapi.json", name="openapi", opt=described(description))(handler("openapi", openapi, services))
    return route


def openapi_document(
    commands: Mapping[str, CommandSpec], tables: Mapping[str, sa.Table], routes: Iterable[HTTPRouteHandler] = ()
) -> dict[str, Any]:
    """The whole description."""
    wholes, components = command_components(commands.values())
    responses, filters, links = Shared("responses"), Shared("parameters"), Shared("links")
    operations = [
        *((f"/v1{spec.path}", spec.method.lower(), command_operation(spec, wholes[spec.name], components)) for spec in commands.values()),
        *_queries(commands, tables, wholes, components, filters),
        *described_operations(routes, components),
    ]
    components |= batch_components(commands, wholes)
    operations.append(("/v1/batch", "post", batch_operation(commands, components)))
    add_links({operation["operationId"]: operation for _, _, operation in operations}, commands, tables, links)
    paths: dict[str, dict[str, Operation]] = {}
    for path, method, operation in operations:
        paths.setdefault(path, {})[method] = operation
        operation["responses"] = {status: _shared(response, status, responses) for status, response in operation["responses"].items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stagebook",
            "version": "1",
            "summary": "The system of record for companies that run events",
            "description": _INTRODUCTION,
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in sorted({operation["tags"][0] for _, _, operation in operations})],
        "paths": paths,
        "components": {
            "schemas": components,
            "parameters": {**PARAMETERS, **filters.components},
            "headers": HEADERS,
            "responses": responses.components,
            "links": links.components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "API key sbk_…, or the platform key sbp_…"}},
        },
        "x-problems": problem_types(),
    }


def _queries(
    commands: Mapping[str, CommandSpec],
    tables: Mapping[str, sa.Table],
    wholes: Mapping[str, Schema],
    components: dict[str, Schema],
    filters: Shared,
) -> Operations:
    makers = Resources(tables.values()).made_by(commands)
    step = step_schema()
    for table in tables.values():
        maker = makers.get(table.name)
        components |= row_components(table, wholes[maker.name]["properties"] if maker else {})
        row = row_example(table, components[row_name(table)], maker.example if maker else {}, components)
        path = f"/v1/{collection(table.name)}"
        yield path, "get", list_operation(table, row, filters)
        yield f"{path}/{{{parameter(table.name)}}}", "get", get_operation(table, row)
        yield f"{path}/{{{parameter(table.name)}}}/history", "get", history_operation(table, step)


def _shared(response: dict[str, Any], status: str, responses: Shared) -> dict[str, Any]:
    """Problem responses, most of which are the same everywhere, stand outside of the operations."""
    return responses.reference(f"problems_{status}", response) if "x-codes" in response else response
