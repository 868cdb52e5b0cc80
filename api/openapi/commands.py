"""Operations of commands: what they take and what they answer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

from api.openapi.examples import EXAMPLE_ID, example_of
from api.openapi.parts import (
    EVERYWHERE,
    WITH_BODY,
    WITH_KEY,
    Failures,
    Operation,
    Schema,
    json_content,
    parameter_refs,
    problem_responses,
    reference,
    response_headers,
)
from api.openapi.resources import CREATED
from api.problems import Problem
from api.refusals import InvalidPath
from application.registry import CommandSpec
from application.unit import PreconditionNotSupported
from domain.refusals import NotFound, Stale

COMMAND_REPLY: Schema = {
    "title": "CommandReply",
    "type": "object",
    "description": "What every command answers; what else it answers (numbers, totals, a secret that is shown once) stands beside these.",
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The addressed or created resource"},
        "version": {"type": "integer", "minimum": 0, "description": "Of the resource; the ETag"},
        "position": {
            "type": "integer",
            "minimum": 0,
            "description": "In the log; send it as Stagebook-Min-Position to read your own write",
        },
    },
    "required": ["id", "version", "position"],
}


def command_components(specs: Iterable[CommandSpec]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schema of each command, with the fields of its path, by command name; and the components that they and the replies refer to."""
    specs = list(specs)
    replies = [spec.data for spec in specs if spec.data is not None]
    types = [*(spec.type for spec in specs), Problem, *dict.fromkeys(replies)]
    references, components = msgspec.json.schema_components(types, ref_template=reference("{name}")["$ref"])
    commands = {spec.name: components.pop(_name(found)) for spec, found in zip(specs, references, strict=False)}
    components |= {reply_name(spec): _reply_schema(spec) for spec in specs} | {"CommandReply": COMMAND_REPLY}
    return commands, components


def reply_name(spec: CommandSpec) -> str:
    """The component of what the command answers."""
    return f"{spec.type.__name__}Reply"


def reply_example(spec: CommandSpec, components: dict[str, Schema]) -> dict[str, Any]:
    """A made-up answer."""
    return {"id": EXAMPLE_ID, "version": 1, "position": 4711, **_more(spec, components)}


def command_operation(spec: CommandSpec, whole: Schema, components: dict[str, Schema]) -> Operation:
    """One command's operation. `whole` is the schema of the command."""
    path_failures: Failures = (InvalidPath, NotFound) if spec.path_fields else ()
    located = () if spec.method == "DELETE" else ("Location",)
    operation: Operation = {
        "operationId": spec.name,
        "tags": [spec.path.split("/")[1]],
        "summary": spec.summary,
        "description": spec.description.partition("\n")[2].strip() or inspect.getdoc(spec.type) or spec.summary,
        "parameters": [
            *(_path_parameter(name, whole["properties"][name]) for name in spec.path_fields),
            # There is no version of what is yet to be made.
            *parameter_refs("IdempotencyKey", *(("IfMatch",) if spec.path_fields and spec.status != CREATED else ()), "CorrelationId"),
        ],
        "responses": {
            str(spec.status): {
                "description": "Done, and in the log",
                "headers": response_headers(*located, "ETag", "Stagebook-Position", "Idempotent-Replayed"),
                **json_content(reference(reply_name(spec)), reply_example(spec, components)),
            },
            **problem_responses(EVERYWHERE, WITH_BODY, WITH_KEY, path_failures, (NotFound, Stale, PreconditionNotSupported), spec.refusals),
        },
        "x-permission": spec.permission,
        "x-rules": spec.rules,
    }
    body = without(whole, spec.path_fields)
    if body["properties"]:
        operation["requestBody"] = {"required": bool(body["required"]), **json_content(body, spec.example)}
    return operation


def without(schema: Schema, fields: tuple[str, ...]) -> Schema:
    """An object's schema less some of its properties: the body of a command whose route has them in the path."""
    properties = {name: value for name, value in schema.get("properties", {}).items() if name not in fields}
    required = [name for name in schema.get("required", []) if name not in fields]
    return {**schema, "properties": properties, "required": required}


def _reply_schema(spec: CommandSpec) -> Schema:
    secrets = {name: {"type": "string", "description": "Shown once: a retry gets the answer without it"} for name in spec.secrets}
    parts = [reference("CommandReply"), *([reference(spec.data.__name__)] if spec.data is not None else [])]
    return {"title": reply_name(spec), "allOf": parts, "properties": secrets, "unevaluatedProperties": False}


def _more(spec: CommandSpec, components: dict[str, Schema]) -> dict[str, Any]:
    data = {} if spec.data is None else example_of(reference(spec.data.__name__), components)
    return {**data, **dict.fromkeys(spec.secrets, "…")}


def _path_parameter(name: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": EXAMPLE_ID}


def _name(found: dict[str, Any]) -> str:
    name: str = found["$ref"].rpartition("/")[2]
    return name
