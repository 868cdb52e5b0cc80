"""JSON Schemas (2020-12) of rows, by the tables' metadata and the limits of the commands that fill them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from api.openapi.parts import Schema, reference
from projections.queries import Field, fields, is_money, relations
from projections.queries.render import EXPANDED_LIMIT, TRUNCATED

_TYPES: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    str: {"type": "string"},
}
_MONEY: Schema = {
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    "description": "Major units, with the currency's decimals",
    "examples": ["120.00"],
}
_CURRENCY: Schema = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217", "examples": ["EUR"]}
_ANY_JSON: Schema = {"description": "Any JSON value"}
_LIMITS = frozenset({"minLength", "maxLength", "pattern", "minimum", "maximum", "description", "examples"})


def row_name(table: sa.Table) -> str:
    """The component of a whole row: every column."""
    return f"{table.name}_row"


def some_name(table: sa.Table) -> str:
    """The component of what a row may have: some of the columns."""
    return f"{table.name}_fields"


def answer_name(table: sa.Table) -> str:
    """The component of a row as a query answers it: whole, or what `fields` names, and what `expand` names."""
    return f"{table.name}_answer"


def row_components(table: sa.Table, filled_by: Mapping[str, Schema]) -> dict[str, Schema]:
    """What goes over the wire of a table. `filled_by` are the properties of the command that makes its rows."""
    properties = {name: _column(field, filled_by.get(name, {})) for name, field in fields(table).items()}
    row = {"title": row_name(table), "type": "object", "properties": properties, "required": [*properties]}
    place = reference(row_name(table))["$ref"]
    some = {
        "title": some_name(table),
        "type": "object",
        "properties": {name: {"$ref": f"{place}/properties/{name}"} for name in properties},
    }
    answer = {
        "title": answer_name(table),
        "anyOf": [reference(row_name(table)), reference(some_name(table))],
        "properties": _expanded(table),
        "unevaluatedProperties": False,
    }
    return {row_name(table): row, some_name(table): some, answer_name(table): answer}


def value_schema(field: Field) -> Schema:
    """A value of the column, without its limits: what a filter compares it with."""
    if field.choices:
        return {"type": "string", "enum": [*field.choices]}
    if field.kind is int:
        return _integer(field)
    if field.kind is Decimal:
        return {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$", "examples": ["120.00"]}
    return {**_TYPES[field.kind], **({"maxLength": 1000} if field.kind is str else {})}


def _column(field: Field, source: Schema) -> Schema:
    schema = _plain(field, _present(source))
    if "subject" in field.column.info:
        schema["description"] = " ".join(
            ["Personal data; null after erasure.", *([schema["description"]] if "description" in schema else [])]
        )
    for key in field.column.foreign_keys:
        schema["description"] = f"Of {key.target_fullname.split('.')[-2]}"
    return _nullable(schema) if field.column.nullable else schema


def _plain(field: Field, source: Schema) -> Schema:
    """Of a column that is not NULL."""
    if is_money(field.column):
        return dict(_MONEY)
    if field.choices:
        return {"type": "string", "enum": [*field.choices]}
    if isinstance(field.column.type, sa.CHAR):
        return dict(_CURRENCY)
    if field.kind is dict:
        return dict(source or _ANY_JSON)
    if field.kind is list:
        return {"type": "array", "items": {"type": "string"}, **{key: source[key] for key in ("items", "maxItems") if key in source}}
    schema = _integer(field) if field.kind is int else _TYPES[field.kind]
    fits = schema.get("format") is None and source.get("type") == schema["type"]
    return {**schema, **({key: source[key] for key in source.keys() & _LIMITS} if fits else {})}


def _integer(field: Field) -> Schema:
    bits = 63 if isinstance(field.column.type, sa.BigInteger) else 31
    # What JSON readers hold exactly (RFC 7493) is less than the database does.
    most = min(2**bits, 2**53) - 1
    return {"type": "integer", "minimum": -most, "maximum": most}


def _present(source: Schema) -> Schema:
    """A command's field without its default, and without null: whether a column may be NULL, the column says."""
    parts = [part for part in source.get("anyOf", [source]) if part.get("type") != "null"]
    return {key: value for key, value in parts[0].items() if key != "default"} if len(parts) == 1 else {}


def _nullable(schema: Schema) -> Schema:
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if "$ref" in schema:
        others = {key: value for key, value in schema.items() if key != "$ref"}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **others}
    return schema


def _expanded(table: sa.Table) -> dict[str, Schema]:
    """The properties that `expand` adds."""
    properties: dict[str, Schema] = {}
    for name, relation in relations(table).items():
        other = reference(row_name(relation.table))
        if not relation.many:
            properties[name] = {
                "anyOf": [other, {"type": "null"}],
                "description": f"With expand={name}: the row that {relation.column} names",
            }
            continue
        note = f"With expand={name}: at most {EXPANDED_LIMIT} rows that refer to this one, newest first"
        properties[name] = {"type": "array", "items": other, "maxItems": EXPANDED_LIMIT, "description": note}
        properties[TRUNCATED.format(name=name)] = {"type": "boolean", "description": f"Whether there are more than those in {name}"}
    return properties
