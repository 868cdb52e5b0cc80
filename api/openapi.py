"""The OpenAPI 3.1 description, derived from the registry of commands and the tables of the read model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from api.problems import Problem, described
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
from domain.refusals import REFUSALS, Forbidden, NotFound, Stale, Unauthenticated

Failures = Iterable[type[Exception]]

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
    names, schemas = command_components(commands.values())
    paths: dict[str, dict[str, Any]] = {}
    for spec in commands.values():
        paths.setdefault(f"/v1{spec.path}", {})[spec.method.lower()] = _command_operation(spec, schemas[names[spec.name]])
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
        "paths": paths | _service_paths(),
        "components": {
            "schemas": {**schemas, "CommandReply": COMMAND_REPLY},
            "parameters": _PARAMETERS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key: sbk_…, or the platform key: sbp_…"}},
        },
        "x-problems": _problems(),
    }


def _command_operation(spec: CommandSpec, whole: Schema) -> dict[str, Any]:
    body = without(whole, spec.path_fields)
    path_failures: Failures = (InvalidPath, NotFound) if spec.path_fields else ()
    operation: dict[str, Any] = {
        "operationId": spec.name,
        "tags": [spec.path.split("/")[1]],
        "summary": spec.summary,
        "description": spec.description,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": whole["properties"][name]} for name in spec.path_fields),
            *_refs("IdempotencyKey", "IfMatch", "CorrelationId"),
        ],
        "responses": {
            str(spec.status): {
                "description": "Done, and in the log",
                "headers": _headers("Location", "ETag", "Stagebook-Position", "Idempotent-Replayed"),
                **_json({"$ref": "#/components/schemas/CommandReply"}, COMMAND_REPLY_EXAMPLE),
            },
            **_failures(_EVERYWHERE, _WITH_BODY, _WITH_KEY, path_failures, (Stale, PreconditionNotSupported), spec.refusals),
        },
        "x-permission": spec.permission,
        "x-rules": spec.rules,
    }
    if body["properties"]:
        operation["requestBody"] = {"required": bool(body["required"]), **_json(body, spec.example)}
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
        "parameters": _refs("IdempotencyKey", "CorrelationId"),
        "requestBody": {"required": True, **_json(schema, example)},
        "responses": {
            "200": {
                "description": "All of them done; of a batch that is not atomic, an answer each",
                "headers": _headers("Stagebook-Position", "Idempotent-Replayed"),
                **_json(answer, {"position": 4711, "replies": [COMMAND_REPLY_EXAMPLE]}),
            },
            **_failures(_EVERYWHERE, _WITH_BODY, _WITH_KEY),
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
        *_refs("MinPosition", "CorrelationId"),
    ]
    operation["responses"] = {
        "200": {
            "description": "A page",
            "headers": _headers("Stagebook-Position"),
            **_json(schema, {"data": [row_example(table)], "next_cursor": None, "position": 4711}),
        },
        **_failures(_EVERYWHERE, (InvalidHeader, InvalidInput, NotYetProjected)),
    }
    return operation


def _get_operation(table: sa.Table) -> dict[str, Any]:
    operation = _query_operation(table, f"get_{table.name}", f"Read one of the {_words(table)}")
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    operation["parameters"] = [identifier, *_refs("MinPosition", "CorrelationId")]
    operation["responses"] = {
        "200": {
            "description": "The row",
            "headers": _headers("ETag", "Stagebook-Position"),
            **_json({"$ref": f"#/components/schemas/{_row_name(table)}"}, row_example(table)),
        },
        **_failures(_EVERYWHERE, (InvalidHeader, InvalidInput, InvalidPath, NotFound, NotYetProjected)),
    }
    return operation


def _query_operation(table: sa.Table, operation_id: str, summary: str) -> dict[str, Any]:
    names = collections(table.name)
    operation: dict[str, Any] = {"operationId": operation_id, "tags": [collection(table.name)], "summary": summary, "x-permission": READ_PERMISSION}
    if len(names) > 1:
        operation["description"] = f"Served as {' and as '.join(f'/v1/{name}' for name in names)}."
    return operation


def _service_paths() -> dict[str, Any]:
    def operation(name: str, summary: str, media_type: str, example: object, *failures: type[Exception]) -> dict[str, Any]:
        content = {media_type: {"schema": {"type": "string" if media_type == "text/html" else "object"}, "example": example}}
        answer = {"description": "As asked", "content": content}
        responses = {"200": answer, **_failures(failures)}
        return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "security": [], "responses": responses}}

    ready = {"status": "ready", "reasons": [], "lag": 0, "parked": 0}
    return {
        "/health/live": operation("live", "Whether the process answers", "application/json", {"status": "live"}),
        "/health/ready": operation("ready", "Whether it can do its work, and what is behind", "application/json", ready, NotReady),
        "/schema/openapi.json": operation("openapi", "This description", "application/json", {"openapi": "3.1.0"}),
        "/docs": operation("docs", "This description, to be read by people", "text/html", "<!doctype html>"),
    }


def _failures(*groups: Failures) -> dict[str, Any]:
    """A response per status, with the codes that it may carry."""
    by_status: dict[int, dict[str, Problem]] = {}
    for problem in (described(failure) for group in groups for failure in group):
        by_status.setdefault(problem.status, {})[problem.code] = problem
    problem_schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {
            "description": "\n".join(f"- `{problem.code}`: {problem.detail}" for problem in problems.values()),
            "content": {"application/problem+json": {"schema": problem_schema, "example": next(iter(problems.values()))}},
            "x-codes": [*problems],
        }
        for status, problems in sorted(by_status.items())
    }


def _problems() -> dict[str, Problem]:
    """Every problem type by code: what the `type` of a problem leads to."""
    failures: list[type[Exception]] = [*REFUSALS.values(), Busy, Unavailable, Exception]
    return {problem.code: problem for problem in sorted(map(described, failures), key=lambda problem: problem.code)}


def _json(schema: Schema, example: object) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema, "example": example}}}


def _headers(*names: str) -> dict[str, Any]:
    return {name: _HEADERS[name] for name in names}


def _refs(*names: str) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _row_name(table: sa.Table) -> str:
    return f"{table.name}_row"


def _words(table: sa.Table) -> str:
    return table.name.replace("_", " ")


def _header_parameter(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


_PARAMETERS = {
    "IdempotencyKey": _header_parameter(
        "Idempotency-Key",
        "Makes a command safe to send again: the same key and body get the same answer (T21)",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    ),
    "IfMatch": _header_parameter("If-Match", "The version that the change is based on", {"type": "string", "pattern": '^"[0-9]+"$', "examples": ['"3"']}),
    "CorrelationId": _header_parameter(
        "X-Correlation-Id", "Comes back with the answer and stands in the log", {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}
    ),
    "MinPosition": _header_parameter(
        "Stagebook-Min-Position", "Wait until the rows show this position, as a command has answered it", {"type": "integer", "minimum": 0}
    ),
}

_HEADERS: dict[str, Any] = {
    "Location": {"description": "Where the resource is read", "schema": {"type": "string"}},
    "ETag": {"description": "The resource's version, in quotes", "schema": {"type": "string"}},
    "Stagebook-Position": {"description": "A position in the log", "schema": {"type": "integer"}},
    "Idempotent-Replayed": {"description": "This had been done before; nothing was recorded now", "schema": {"const": "true"}},
}
