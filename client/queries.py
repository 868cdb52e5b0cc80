"""What to read, as query parameters; and what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar
from uuid import UUID

import msgspec

from client.rows import Row

R = TypeVar("R")

Value: TypeAlias = str | int | bool | Decimal | UUID | datetime | date
Condition: TypeAlias = Value | Mapping[str, Value | Iterable[Value]] | None
"""A value to be equal to; values by operator (`eq`, `ne`, `in`, `gt`, `gte`, `lt`, `lte`, `like`, `is_null`); None for "is null"."""


class Which(TypedDict, total=False):
    """Which rows, and in which order."""

    filter: Mapping[str, Condition]
    """Conditions by column, all of which hold."""
    sort: str
    """Columns, separated by commas; `-` before one turns its order round. By default newest first."""


class Shown(TypedDict, total=False):
    """What of each row."""

    fields: Sequence[str]
    """Columns; by default all."""
    expand: Sequence[str]
    """Related rows to bring along: `venue`, `ticket_categories`."""


class WhichAndShown(Which, Shown, total=False):
    """Which rows, in which order, and what of each."""


class Page(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """Some rows of a list."""

    data: tuple[R, ...]
    next_cursor: str | None
    """None on the last page."""
    position: int
    """The position in the log that these rows show."""
    count: int | None = None
    """Of all rows that fulfil the conditions, if it was asked for."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one record did to a row, and who, when and why."""

    position: int
    recorded_at: datetime
    type: str
    """Of the domain event."""
    action: str
    """One of inserted, changed, deleted, erased."""
    changes: dict[str, Any]
    """The new values of columns."""
    added: dict[str, Any]
    """What was added to the numbers in columns."""
    actor: str
    """`user:<id>`, `key:<id>`, `system:<name>` or `platform`."""
    on_behalf_of: str | None
    reason: str | None
    command: str
    command_id: UUID
    causation_id: UUID | None
    correlation_id: str
    stream_id: UUID
    stream_version: int


def collection_of(of: type[Row] | str) -> str:
    """The path of a table's rows."""
    return f"/v1/{of if isinstance(of, str) else of.COLLECTION}"


@cache
def row_decoder(of: type[Row] | str) -> msgspec.json.Decoder[Any]:
    """Of one row: typed, or as it comes when a table is named by a text."""
    return msgspec.json.Decoder(dict[str, Any] if isinstance(of, str) else of)


@cache
def page_decoder(of: type[Any] | str) -> msgspec.json.Decoder[Page[Any]]:
    """Of a page of such rows."""
    return msgspec.json.Decoder(Page[dict[str, Any]] if isinstance(of, str) else Page[of])  # type: ignore[valid-type]  # a type of run time


def parameters(query: WhichAndShown, **more: Value | None) -> dict[str, str]:
    """The query string of what to read."""
    found = {name: text for column, condition in query.get("filter", {}).items() for name, text in _condition(column, condition)}
    named: dict[str, Any] = {"sort": query.get("sort"), "fields": query.get("fields"), "expand": query.get("expand"), **more}
    return found | {name: _text(value) for name, value in named.items() if value not in (None, ())}


def _condition(column: str, condition: Condition) -> Iterable[tuple[str, str]]:
    if condition is None:
        return [(f"filter[{column}][is_null]", "true")]
    if isinstance(condition, Mapping):
        return [(f"filter[{column}][{operator}]", _text(value)) for operator, value in condition.items()]
    return [(f"filter[{column}]", _text(condition))]


def _text(value: Value | Iterable[Value]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | Decimal | UUID):
        return str(value)
    return ",".join(map(_text, value))
