"""Query parameters of operations that read, derived from what of a table can be read, filtered and sorted by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from api.openapi.examples import EXAMPLE_ID, EXAMPLE_TIME
from api.openapi.schemas import value_schema
from api.openapi.shared import Shared
from api.queries.parameters import DEFAULT_LIMIT, IN_LIMIT, PAGE_LIMIT, SORT_LIMIT
from api.resources import parameter
from projections.queries import Field, fields, relations
from projections.queries.fields import Operator

_MEANINGS: dict[Operator, str] = {
    "eq": "equals",
    "ne": "differs; null differs from every value",
    "in": f"is one of these, at most {IN_LIMIT}",
    "gt": "is greater",
    "gte": "is greater or equal",
    "lt": "is less",
    "lte": "is less or equal",
    "like": "matches, whatever the case: % stands for any text, _ for one character",
    "is_null": "is null, or is not",
}


_AS_OF: dict[str, Any] = {
    "name": "as_of",
    "in": "query",
    "description": "A position in the log, or an instant; not together with expand",
    "schema": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 10**18 - 1}, {"type": "string", "format": "date-time"}]},
    "examples": {"position": {"value": 4711}, "instant": {"value": EXAMPLE_TIME}},
}


def list_parameters(table: sa.Table, filters: Shared) -> list[dict[str, Any]]:
    """Of a list. What it can be filtered by is much the same for all tables, and goes to `filters`."""
    sortable = [name for name, field in fields(table).items() if field.sortable]
    keys = [f"{direction}{name}" for name in sortable for direction in ("", "-")]
    return [
        *_filters(table, filters),
        _names("sort", keys, f"At most {SORT_LIMIT} different columns; - means descending", limit=SORT_LIMIT),
        *_view(table),
        *_paging(),
        {
            "name": "count",
            "in": "query",
            "schema": {"type": "boolean", "default": False},
            "description": "Count the rows on all pages as well",
        },
    ]


def row_parameters(table: sa.Table) -> list[dict[str, Any]]:
    """Of one row."""
    return [_identifier(table), *_view(table), _AS_OF]


def history_parameters(table: sa.Table) -> list[dict[str, Any]]:
    """Of a row's history."""
    return [_identifier(table), *_paging()]


def _filters(table: sa.Table, filters: Shared) -> Iterator[dict[str, str]]:
    for field in fields(table).values():
        for operator in field.operators:
            yield filters.reference(f"filter.{field.name}.{operator}", _filter(field, operator))


def _filter(field: Field, operator: Operator) -> dict[str, Any]:
    schema = value_schema(field) if operator != "is_null" else {"type": "boolean"}
    if operator == "in":
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": IN_LIMIT}
    if operator == "like":
        schema = {**schema, "examples": ["%light%"]}
    name = f"filter[{field.name}]" if operator == "eq" else f"filter[{field.name}][{operator}]"
    lists = {"style": "form", "explode": False} if operator == "in" else {}
    return {"name": name, "in": "query", "description": f"Rows whose {field.name} {_MEANINGS[operator]}", **lists, "schema": schema}


def _view(table: sa.Table) -> list[dict[str, Any]]:
    shown = _names("fields", [*fields(table)], "The columns to show; by default all of them")
    expanded = [*relations(table)]
    return [
        shown,
        *([_names("expand", expanded, "What else to show of each row: what it refers to, and what refers to it")] if expanded else []),
    ]


def _names(parameter: str, names: list[str], description: str, limit: int | None = None) -> dict[str, Any]:
    different = {"uniqueItems": True, "maxItems": limit} if limit else {}
    schema = {"type": "array", "items": {"enum": names}, "minItems": 1, **different}
    return {"name": parameter, "in": "query", "description": description, "style": "form", "explode": False, "schema": schema}


def _paging() -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": DEFAULT_LIMIT}
    return [
        {"name": "limit", "in": "query", "schema": limit, "description": "Rows of a page, at most"},
        {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "next_cursor of the page before"},
    ]


def _identifier(table: sa.Table) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    return {"name": parameter(table.name), "in": "path", "required": True, "schema": schema, "example": EXAMPLE_ID}
