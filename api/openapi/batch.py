"""The operation that runs many commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.batch import COMMANDS_LIMIT
from api.openapi.commands import reply_example, reply_name
from api.openapi.examples import EXAMPLE_ID
from api.openapi.parts import (
    EVERYWHERE,
    WITH_BODY,
    WITH_KEY,
    Operation,
    Schema,
    json_content,
    parameter_refs,
    problem_responses,
    reference,
    response_headers,
)
from api.openapi.service import content_of
from api.operations.batch import BATCH_LIMIT
from api.operations.batch import COMMANDS_LIMIT as ASYNC_LIMIT
from api.operations.description import OPERATION, PREFER
from api.problems import described
from application.operations.model import TooManyOperations
from application.registry import CommandSpec
from application.unit import PreconditionNotSupported
from domain.refusals import NotFound


def batch_components(commands: Mapping[str, CommandSpec], wholes: Mapping[str, Schema]) -> dict[str, Schema]:
    """Every command as an item of a batch, by its type's name; and what a batch answers."""
    items = {spec.type.__name__: _item(spec, wholes[spec.name]) for spec in commands.values()}
    replies = [reference(reply_name(spec)) for spec in commands.values()]
    return {
        **items,
        "BatchItem": {
            "title": "BatchItem",
            "description": "The command's name, and the fields of its path and of its body side by side",
            "oneOf": [reference(name) for name in items],
            "discriminator": {
                "propertyName": "command",
                "mapping": {spec.name: reference(spec.type.__name__)["$ref"] for spec in commands.values()},
            },
        },
        "BatchReply": {"title": "BatchReply", "description": "What the command answers when it is sent alone", "anyOf": replies},
    }


def batch_operation(commands: Mapping[str, CommandSpec], components: dict[str, Schema]) -> Operation:
    """`POST /v1/batch`."""
    request = _closed(
        {
            "commands": {"type": "array", "items": reference("BatchItem"), "minItems": 1, "maxItems": COMMANDS_LIMIT},
            "atomic": {"type": "boolean", "default": True, "description": "False: each on its own, at the same time, in no order"},
        },
        required=["commands"],
    )
    first = next(iter(commands.values()))
    example = {"commands": [_example(first)], "atomic": True}
    answer = {"position": 4711, "replies": [reply_example(first, components)]}
    refusals = dict.fromkeys(refusal for spec in commands.values() for refusal in spec.refusals)
    return {
        "operationId": "batch",
        "tags": ["batch"],
        "summary": "Run many commands, all or nothing or each on its own",
        "description": (
            "With `atomic: true` the commands run in order as one unit: all of them succeed, or nothing is recorded and the problem says "
            "by JSON pointer which one was refused. With `atomic: false` each runs on its own, and has an answer of its own. With "
            f"`Prefer: respond-async` these may be {ASYNC_LIMIT} commands of {BATCH_LIMIT // 2**20} MiB together, sent in the background: "
            "the answer is 202 with an operation to ask after."
        ),
        "parameters": [*parameter_refs("IdempotencyKey", "CorrelationId"), PREFER],
        "requestBody": {"required": True, **json_content(request, example)},
        "responses": {
            "200": {
                "description": "All of them done; of a batch that is not atomic, an answer each",
                "headers": response_headers("Stagebook-Position", "Idempotent-Replayed"),
                "content": {"application/json": {"schema": {"anyOf": [_all(), _each()]}, "examples": _answers(answer)}},
            },
            "202": {
                "description": "With `Prefer: respond-async`: it will be done; the answers can be read at `/v1/operations/{id}/results`",
                "headers": response_headers("Location", "Idempotent-Replayed"),
                "content": content_of([OPERATION], components),
            },
            **problem_responses(EVERYWHERE, WITH_BODY, WITH_KEY, (NotFound, PreconditionNotSupported, TooManyOperations), refusals),
        },
    }


def _item(spec: CommandSpec, whole: Schema) -> Schema:
    properties = {"command": {"const": spec.name}, **whole["properties"]}
    return {**whole, "properties": properties, "required": ["command", *whole.get("required", [])], "example": _example(spec)}


def _example(spec: CommandSpec) -> dict[str, Any]:
    return {"command": spec.name, **dict.fromkeys(spec.path_fields, EXAMPLE_ID), **spec.example}


def _all() -> Schema:
    return _replies("All or nothing", reference("BatchReply"))


def _each() -> Schema:
    status = {"type": "integer", "minimum": 200, "maximum": 599, "description": "As if the command had been sent alone"}
    answer = {"status": status, "body": {"anyOf": [reference("BatchReply"), reference("Problem")]}}
    return _replies("Each on its own", _closed(answer, required=[*answer]))


def _replies(title: str, item: Schema) -> Schema:
    properties = {
        "position": {
            "type": "integer",
            "minimum": 0,
            "description": "In the log; send it as Stagebook-Min-Position to read what was written",
        },
        "replies": {"type": "array", "items": item, "description": "In the order of the commands"},
    }
    return {"title": title, **_closed(properties, required=[*properties])}


def _closed(properties: dict[str, Any], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _answers(answer: dict[str, Any]) -> dict[str, Any]:
    each = [{"status": 201, "body": reply} for reply in answer["replies"]] + [{"status": 404, "body": described(NotFound)}]
    return {
        "all": {"summary": "All or nothing", "value": answer},
        "each": {"summary": "Each on its own", "value": {**answer, "replies": each}},
    }
