"""What a row can be shown with: the rows that it refers to, and those that refer to it."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import sqlalchemy as sa


class Relation(NamedTuple):
    """Rows of another table that belong to a row."""

    name: str
    """What `expand` calls it, and the property under which it appears."""
    table: sa.Table
    """The other table."""
    column: str
    """The column of the reference: of this table where `many` is false, of the other one where it is true."""
    many: bool
    """True: the other rows refer to this one. False: this one refers to the other."""


def singular(name: str) -> str:
    """One thing of a table: `ticket_categories` holds a `ticket_category`."""
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


@cache
def relations(table: sa.Table) -> dict[str, Relation]:
    """What the table's rows can be expanded by, by name.

    A reference `venue_id` is expanded as `venue`, `created_by` as `created_by_user`. Rows that refer to this one are expanded under their
    table's name, where the reference is named after this table. The organization, to which everything refers, has no such lists.
    """
    found = [_towards(key) for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)]
    if "organization_id" in table.c and table.name != "organizations":
        others = sorted(table.metadata.tables.values(), key=lambda other: other.name)
        found += [_from(key) for other in others for key in other.foreign_keys if key.column.table is table and _is_named_after(key)]
    return {relation.name: relation for relation in found}


def _towards(key: sa.ForeignKey) -> Relation:
    column, other = key.parent.name, key.column.table
    name = column.removesuffix("_id") if column.endswith("_id") else f"{column}_{singular(other.name)}"
    return Relation(name, other, column, many=False)


def _from(key: sa.ForeignKey) -> Relation:
    return Relation(key.parent.table.name, key.parent.table, key.parent.name, many=True)


def _is_named_after(key: sa.ForeignKey) -> bool:
    """`ticket_categories.pool_id` is, after `ticket_pools`; `events.created_by` is not, after `users`."""
    name = key.parent.name
    return name.endswith("_id") and singular(key.column.table.name).endswith(name.removesuffix("_id"))
