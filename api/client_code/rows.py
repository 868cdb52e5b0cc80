"""`client/rows.py`: a class per table of the read model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from api.client_code.source import Field, class_source, module, value_source
from api.client_code.types import Names
from api.resources import collection
from projections.queries.fields import Field as Readable
from projections.queries.fields import fields
from projections.queries.relations import singular

_SUMMARY: Final = "What can be read from Stagebook. Amounts are in major units of the currency beside them, times are in UTC."
_ROW: Final = "What every row has."
_CONSTANTS: Final = ("TABLE: ClassVar[str]", "COLLECTION: ClassVar[str]")


def rows_module(tables: Sequence[sa.Table]) -> str:
    """The text of the module."""
    rows = {table.name: [Field(field.name, _type(field), _doc(field)) for field in fields(table).values()] for table in tables}
    shared = [field for field in rows["organizations"] if all(_has(row, field) for row in rows.values())]
    names = {field.name for field in shared}
    base = class_source("Row", "msgspec.Struct, frozen=True, kw_only=True", _ROW, dict.fromkeys(_CONSTANTS, ""), shared)
    return module(_SUMMARY, [base, *(_row(table, [field for field in rows[table.name] if field.name not in names]) for table in tables)])


def row_name(table: str) -> str:
    """One row of a table: `ticket_categories` holds a `TicketCategory`."""
    return "".join(word.capitalize() for word in singular(table).split("_"))


def _has(row: Sequence[Field], field: Field) -> bool:
    return any((other.name, other.type) == (field.name, field.type) for other in row)


def _row(table: sa.Table, shown: Sequence[Field]) -> str:
    constants = dict(zip(_CONSTANTS, map(value_source, (table.name, collection(table.name))), strict=True))
    return class_source(row_name(table.name), "Row, frozen=True, kw_only=True", f"A row of `{table.name}`.", constants, shown)


def _type(field: Readable) -> str:
    if field.kind is dict:
        return "Any"
    kind = field.kind
    if isinstance(field.column.type, sa.ARRAY):
        kind = tuple[field.column.type.item_type.python_type, ...]  # type: ignore[name-defined]  # a type of run time
    return Names().source(kind) + (" | None" if field.column.nullable else "")


def _doc(field: Readable) -> str:
    """What the column's type does not say."""
    notes = [f"Of `{key.target_fullname.split('.')[-2]}`." for key in field.column.foreign_keys]
    if field.choices:
        notes.append(f"One of {', '.join(field.choices)}.")
    if field.kind is dict:
        notes.append("JSON.")
    if "subject" in field.column.info:
        notes.append("Personal; None after erasure.")
    return " ".join(notes)
