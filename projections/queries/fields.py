"""What of a table can be read, filtered and sorted by."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa

SECRETS: Final = frozenset({("api_keys", "hash")})
"""(table, column) of what is no reader's business."""

Operator = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "like", "is_null"]

_SAME: Final[tuple[Operator, ...]] = ("eq", "ne", "in")
_ORDERED: Final[tuple[Operator, ...]] = (*_SAME, "gt", "gte", "lt", "lte")

_OPERATORS: Final[dict[type, tuple[Operator, ...]]] = {
    bool: ("eq", "ne"),
    UUID: _ORDERED,
    str: (*_ORDERED, "like"),
    int: _ORDERED,
    Decimal: _ORDERED,
    datetime: _ORDERED,
    date: _ORDERED,
}
"""What a column of this type can be compared by."""


class Field(NamedTuple):
    """A column as readers see it."""

    name: str
    column: sa.Column[Any]
    kind: type
    """Python type of its values; `list` and `dict` for lists of text and for JSON."""
    operators: tuple[Operator, ...]

    @property
    def sortable(self) -> bool:
        """Whether rows can be put in its order."""
        return self.kind in _OPERATORS

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of an enumeration; empty where it is none."""
        return tuple(self.column.info.get("values", ()))


@cache
def fields(table: sa.Table) -> dict[str, Field]:
    """The readable columns by name, in the table's order."""
    return {column.name: _field(column) for column in table.columns if (table.name, column.name) not in SECRETS}


def shown(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that leave the program."""
    return [field.column for field in fields(table).values()]


def _field(column: sa.Column[Any]) -> Field:
    kind = _kind(column)
    nullable: tuple[Operator, ...] = ("is_null",) if column.nullable else ()
    if "values" in column.info:
        return Field(column.name, column, kind, (*_SAME, *nullable))
    return Field(column.name, column, kind, (*_OPERATORS.get(kind, ()), *nullable))


def _kind(column: sa.Column[Any]) -> type:
    if isinstance(column.type, sa.ARRAY):
        return list
    return dict if isinstance(column.type, sa.JSON) else column.type.python_type


def is_money(column: sa.Column[Any]) -> bool:
    """Whether the column holds an amount in major units, `numeric(18,3)`."""
    kind = column.type
    return isinstance(kind, sa.Numeric) and (kind.precision, kind.scale) == (18, 3)
