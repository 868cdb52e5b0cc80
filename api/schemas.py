"""JSON Schemas (2020-12) and examples of what goes over the wire: commands by msgspec, rows by the tables' metadata."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import sqlalchemy as sa

from api.problems import Problem
from application.registry import CommandSpec
from projections.queries import is_money, shown

Schema: TypeAlias = dict[str, Any]

REF = "#/components/schemas/{name}"
EXAMPLE_ID = "019760f4-8a00-7c3e-9d41-5b6f0a1c2d3e"
EXAMPLE_TIME = "2027-06-12T19:30:00+00:00"

_TYPES: dict[type, tuple[Schema, Any]] = {
    bool: ({"type": "boolean"}, True),
    int: ({"type": "integer"}, 1),
    Decimal: ({"type": "number"}, 1.5),
    UUID: ({"type": "string", "format": "uuid"}, EXAMPLE_ID),
    datetime: ({"type": "string", "format": "date-time"}, EXAMPLE_TIME),
    date: ({"type": "string", "format": "date"}, EXAMPLE_TIME[:10]),
}
"""Schema and example by the Python type of a column; the others are text."""

COMMAND_REPLY: Schema = {
    "title": "CommandReply",
    "type": "object",
    "description": "Whatever else the command answers (numbers, totals, a secret that is shown once) stands beside these.",
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The addressed or created resource"},
        "version": {"type": "integer", "description": "Of the resource; the ETag"},
        "position": {"type": "integer", "description": "In the log; send it as Stagebook-Min-Position to read your own write"},
    },
    "required": ["id", "version", "position"],
    "additionalProperties": True,
}
COMMAND_REPLY_EXAMPLE: dict[str, Any] = {"id": EXAMPLE_ID, "version": 1, "position": 4711}


def command_components(specs: Iterable[CommandSpec]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schema of each command, with the fields of its path, by command name; and the components that they refer to."""
    specs = list(specs)
    references, components = msgspec.json.schema_components([*(spec.type for spec in specs), Problem], ref_template=REF)
    commands = {spec.name: components.pop(reference["$ref"].rpartition("/")[2]) for spec, reference in zip(specs, references, strict=False)}
    return commands, components


def without(schema: Schema, fields: tuple[str, ...]) -> Schema:
    """An object's schema less some of its properties: the body of a command whose route has them in the path."""
    properties = {name: value for name, value in schema.get("properties", {}).items() if name not in fields}
    required = [name for name in schema.get("required", []) if name not in fields]
    return {**schema, "properties": properties, "required": required}


def row_schema(table: sa.Table) -> Schema:
    """A row as queries answer it."""
    columns = shown(table)
    return {
        "title": table.name,
        "type": "object",
        "properties": {column.name: _column_schema(column) for column in columns},
        "required": [column.name for column in columns],
    }


def row_example(table: sa.Table) -> dict[str, Any]:
    """A made-up row that is valid by its schema."""
    return {column.name: _schema_and_example(column)[1] for column in shown(table)}


def _column_schema(column: sa.Column[object]) -> Schema:
    schema = dict(_schema_and_example(column)[0])
    if "values" in column.info:
        schema["enum"] = [*column.info["values"], *([None] if column.nullable else [])]
    if column.nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "subject" in column.info:
        schema["description"] = "Personal data; null after erasure"
    for key in column.foreign_keys:
        schema["description"] = f"Of {key.target_fullname.split('.')[-2]}"
    return schema


def _schema_and_example(column: sa.Column[object]) -> tuple[Schema, Any]:
    if is_money(column):
        return {"type": "string", "description": "Major units, with the currency's decimals"}, "120.00"
    if "values" in column.info:
        return {"type": "string"}, column.info["values"][0]
    if isinstance(column.type, sa.ARRAY):
        item, example = _scalar(column.type.item_type, column.name)
        return {"type": "array", "items": item}, [example]
    if isinstance(column.type, sa.JSON):
        return {}, {}
    return _scalar(column.type, column.name)


def _scalar(kind: sa.types.TypeEngine[Any], name: str) -> tuple[Schema, Any]:
    text = "EUR" if name.endswith("currency") else name.replace("_", " ")
    return _TYPES.get(kind.python_type, ({"type": "string"}, text))
