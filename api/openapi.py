"""The OpenAPI 3.1 description, derived from the registry of commands and the tables of the read model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, Answer
from api.batch import COMMANDS_LIMIT
from api.call import Call
from api.endpoints import handler
from api.openapi_parts import (
    PARAMETERS,
    Failures,
    json_content,
    parameter_refs,
    problem_responses,
    problem_types,
    response_headers,
    shared_responses,
)
from api.queries import DEFAULT_LIMIT, PAGE_LIMIT, READ_PERMISSION
from api.refusals import (
    BodyTooLarge,
    ClientGone,
    InvalidHeader,
    InvalidInput,
    InvalidPath,
    MalformedJson,
    NotReady,
    NotYetProjected,
    UnsupportedMediaType,
)
from api.resources import collection, collections
from api.schemas import COMMAND_REPLY, COMMAND_REPLY_EXAMPLE, Schema, command_components, row_example, row_schema, without
from api.services import Services
from application.bus.messages import Busy, IdempotencyInFlight, IdempotencyMismatch, Unavailable
from application.registry import CommandSpec
from application.unit import PreconditionNotSupported
from domain.refusals import Forbidden, NotFound, Stale, Unauthenticated

_EVERYWHERE: Failures = (Unauthenticated, Forbidden, Unavailable, Exception)
_WITH_BODY: Failures = (MalformedJson, InvalidHeader, ClientGone, BodyTooLarge, UnsupportedMediaType, InvalidInput)
_WITH_KEY: Failures = (IdempotencyMismatch, IdempotencyInFlight, Busy)


def openapi_route(commands: Mapping[str, CommandSpec], tables: Mapping[str, sa.Table], services: Services) -> HTTPRouteHandler:
    """`GET /schema/openapi.json`; made at the first request."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(commands, tables), enc_hook=str)

    async def openapi(_: Call) -> Answer:
        return Answer(200, [JSON], document())

    return get("/schema/openapi.json", name="openapi")(handler("openapi", openapi, services))


def openapi_document(commands: Mapping[str, CommandSpec], tables: Mapping[str, sa.Table]) -> dict[str, Any]:
    """The whole description."""
    wholes, schemas = command_components(commands.values())
    paths: dict[str, dict[str, Any]] = _service_paths()
    for spec in commands.values():
        paths.setdefault(f"/v1{spec.path}", {})[spec.method.lower()] = _command_operation(spec, wholes[spec.name])
    paths["/v1/batch"] = {"post": _batch_operation(commands)}
    for table in tables.values():
        path = f"/v1/{collection(table.name)}"
        paths.setdefault(path, {})["get"] = _list_operation(table)
        paths.setdefault(f"{path}/{{id}}", {})["get"] = _get_operation(table)
        schemas[_row_name(table)] = row_schema(table)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stagebook", "version": "1", "summary": "The system of record for companies that run events"},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "CommandReply": COMMAND_REPLY},
            "parameters": PARAMETERS,
            "responses": shared_responses(paths),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "API key sbk_…, or the platform key sbp_…"}},
        },
        "x-problems": problem_types(),
    }


def _command_operation(spec: CommandSpec, whole: Schema) -> dict[str, Any]:
    body = without(whole, spec.path_fields)
    path_failures: Failures = (InvalidPath, NotFound) if spec.path_fields else ()
    operation: dict[str, Any] = {
        "operationId": spec.name,
        "tags": [spec.path.split("/")[1]],
        "summary": spec.summary,
        "description": spec.description.partition("\n")[2].strip(),
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": whole["properties"][name]} for name in spec.path_fields),
            *parameter_refs("IdempotencyKey", "IfMatch", "CorrelationId"),
        ],
        "responses": {
            str(spec.status): {
                "description": "Done, and in the log",
                "headers": response_headers("Location", "ETag", "Stagebook-Position", "Idempotent-Replayed"),
                **json_content({"$ref": "#/components/schemas/CommandReply"}, COMMAND_REPLY_EXAMPLE),
            },
            **problem_responses(_EVERYWHERE, _WITH_BODY, _WITH_KEY, path_failures, (Stale, PreconditionNotSupported), spec.refusals),
        },
        "x-permission": spec.permission,
        "x-rules": spec.rules,
    }
    if body["properties"]:
        operation["requestBody"] = {"required": bool(body["required"]), **json_content(body, spec.example)}
    return operation


def _batch_operation(commands: Mapping[str, CommandSpec]) -> dict[str, Any]:
    item = {
        "type": "object",
        "properties": {"command": {"enum": sorted(commands)}},
        "required": ["command"],
        "description": "The command's name, and the fields of its path and of its body side by side",
    }
    schema = {
        "type": "object",
        "properties": {
            "commands": {"type": "array", "items": item, "minItems": 1, "maxItems": COMMANDS_LIMIT},
            "atomic": {"type": "boolean", "default": True, "description": "False: each on its own, at the same time, in no order"},
        },
        "required": ["commands"],
        "additionalProperties": False,
    }
    answer = {
        "type": "object",
        "properties": {
            "position": {"type": "integer"},
            "replies": {
                "type": "array",
                "items": {"type": "object"},
                "description": "In the order of the commands: a CommandReply each; of a batch that is not atomic {status, body}",
            },
        },
        "required": ["position", "replies"],
    }
    example = {"commands": [_batch_item(spec) for spec in list(commands.values())[:1]], "atomic": True}
    return {
        "operationId": "batch",
        "tags": ["batch"],
        "summary": "Run many commands, all or nothing or each on its own",
        "parameters": parameter_refs("IdempotencyKey", "CorrelationId"),
        "requestBody": {"required": True, **json_content(schema, example)},
        "responses": {
            "200": {
                "description": "All of them done; of a batch that is not atomic, an answer each",
                "headers": response_headers("Stagebook-Position", "Idempotent-Replayed"),
                **json_content(answer, {"position": 4711, "replies": [COMMAND_REPLY_EXAMPLE]}),
            },
            **problem_responses(_EVERYWHERE, _WITH_BODY, _WITH_KEY),
        },
    }


def _batch_item(spec: CommandSpec) -> dict[str, Any]:
    return {"command": spec.name, **dict.fromkeys(spec.path_fields, COMMAND_REPLY_EXAMPLE["id"]), **spec.example}


def _list_operation(table: sa.Table) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": {"$ref": f"#/components/schemas/{_row_name(table)}"}},
            "next_cursor": {"type": ["string", "null"], "description": "Null on the last page"},
            "position": {"type": "integer", "description": "The position in the log that these rows show"},
        },
        "required": ["data", "next_cursor", "position"],
    }
    limit = {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": DEFAULT_LIMIT}
    operation = _query_operation(table, f"list_{table.name}", f"List {_words(table)}, newest first")
    operation["parameters"] = [
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "next_cursor of the page before"},
        *parameter_refs("MinPosition", "CorrelationId"),
    ]
    operation["responses"] = {
        "200": {
            "description": "A page",
            "headers": response_headers("Stagebook-Position"),
            **json_content(schema, {"data": [row_example(table)], "next_cursor": None, "position": 4711}),
        },
        **problem_responses(_EVERYWHERE, (InvalidHeader, InvalidInput, NotYetProjected)),
    }
    return operation


def _get_operation(table: sa.Table) -> dict[str, Any]:
    operation = _query_operation(table, f"get_{table.name}", f"Read one of the {_words(table)}")
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    operation["parameters"] = [identifier, *parameter_refs("MinPosition", "CorrelationId")]
    operation["responses"] = {
        "200": {
            "description": "The row",
            "headers": response_headers("ETag", "Stagebook-Position"),
            **json_content({"$ref": f"#/components/schemas/{_row_name(table)}"}, row_example(table)),
        },
        **problem_responses(_EVERYWHERE, (InvalidHeader, InvalidInput, InvalidPath, NotFound, NotYetProjected)),
    }
    return operation


def _query_operation(table: sa.Table, operation_id: str, summary: str) -> dict[str, Any]:
    names = collections(table.name)
    operation: dict[str, Any] = {"operationId": operation_id, "tags": [collection(table.name)], "summary": summary}
    operation["x-permission"] = READ_PERMISSION
    if len(names) > 1:
        operation["description"] = f"Served as {' and as '.join(f'/v1/{name}' for name in names)}."
    return operation


def _service_paths() -> dict[str, Any]:
    def operation(name: str, summary: str, media_type: str, example: object, *failures: type[Exception]) -> dict[str, Any]:
        content = {media_type: {"schema": {"type": "string" if media_type == "text/html" else "object"}, "example": example}}
        answer = {"description": "As asked", "content": content}
        responses = {"200": answer, **problem_responses(failures)}
        return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "security": [], "responses": responses}}

    ready = {"status": "ready", "reasons": [], "lag": 0, "parked": 0}
    return {
        "/health/live": operation("live", "Whether the process answers", "application/json", {"status": "live"}),
        "/health/ready": operation("ready", "Whether it can do its work, and what is behind", "application/json", ready, NotReady),
        "/schema/openapi.json": operation("openapi", "This description", "application/json", {"openapi": "3.1.0"}),
        "/docs": operation("docs", "This description, to be read by people", "text/html", "<!doctype html>"),
    }


def _row_name(table: sa.Table) -> str:
    return f"{table.name}_row"


def _words(table: sa.Table) -> str:
    return table.name.replace("_", " ")
