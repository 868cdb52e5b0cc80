"""Made-up values that are valid by a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from api.openapi.parts import Schema
from projections.queries import fields

EXAMPLE_ID: Final = "019760f4-8a00-7c3e-9d41-5b6f0a1c2d3e"
EXAMPLE_TIME: Final = "2027-06-12T19:30:00+00:00"

_BY_FORMAT: Final = {"uuid": EXAMPLE_ID, "date-time": EXAMPLE_TIME, "date": EXAMPLE_TIME[:10]}
_AS_TOLD: Final = (str, int, dict, list)
"""Kinds of columns that hold what a command says as it says it; amounts, times and ids are made of it."""


def row_example(table: sa.Table, row: Schema, filled_with: Mapping[str, Any], components: Mapping[str, Schema]) -> dict[str, Any]:
    """A row of the schema `row`. `filled_with` is the example of the command that makes such rows."""
    told = {name: value for name, value in filled_with.items() if name in row["properties"] and fields(table)[name].kind in _AS_TOLD}
    return {name: told[name] if name in told else example_of(schema, components, name) for name, schema in row["properties"].items()}


def example_of(schema: Schema, components: Mapping[str, Schema], name: str = "") -> Any:
    """A value of the schema. `name` is that of the property, for texts that may be anything."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, name)
    if "anyOf" in schema:
        return example_of(next(part for part in schema["anyOf"] if part.get("type") != "null"), components, name)
    given = [*schema.get("examples", ()), *schema.get("enum", ())]
    if given:
        return given[0]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {key: example_of(part, components, key) for key, part in schema.get("properties", {}).items()}
        case "array":
            return [example_of(schema["items"], components, name)]
        case scalar:
            return _scalar(schema, scalar, name)


def _scalar(schema: Schema, kind: str | None, name: str) -> Any:
    match kind:
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), name.replace("_", " "))
        case "integer":
            return max(schema.get("minimum", 1), 1)
        case "number":
            return 1.5
        case "boolean":
            return True
        case _:
            return {}
