"""The conventions of every read-model table, in one place.

A table is made with `read_table`; it gets `id`, `organization_id`, the timestamps and the provenance columns. Foreign
keys are always `no action deferrable initially deferred` in the database and only verify; what happens on delete is
metadata (`reference(..., on_delete=...)`), carried out by the runner, the same live and in a rebuild.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from domain.money import Money

OnDelete = Literal["cascade", "set null", "no action"]

READ = sa.MetaData(schema="read", info={"row_records": True})
"""The documented schema. Beside its tables the runner keeps which records touched which rows (`projections.runner.history`)."""

MONEY = sa.Numeric(18, 3)
"""Major units; the currency stands in a column beside it."""

TEXT_LIST = ARRAY(sa.Text)
JSON = JSONB(none_as_null=True)
INSTANT = sa.TIMESTAMP(timezone=True)


@lru_cache(maxsize=16_384)
def major(amount: int, currency: str) -> Decimal:
    """Minor units as a `MONEY` column holds them; a row has many of them, and the same again and again."""
    return Money(amount, currency).major


def reference(name: str, target: str, *, on_delete: OnDelete = "no action", nullable: bool = True) -> sa.Column[Any]:
    """A foreign key to `target`'s id."""
    return sa.Column(
        name,
        UUID,
        sa.ForeignKey(f"read.{target}.id", deferrable=True, initially="DEFERRED"),
        nullable=nullable,
        info={"on_delete": on_delete},
    )


def personal(name: str, subject: str, type_: Any = sa.Text) -> sa.Column[Any]:
    """Personal data of the person whose key id stands in the column `subject`; NULL after erasure."""
    return sa.Column(name, type_, nullable=True, info={"subject": subject})


def choice(name: str, *values: str, nullable: bool = False) -> sa.Column[Any]:
    """A text column that admits these values only."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return sa.Column(name, sa.Text, sa.CheckConstraint(f"{name} in ({quoted})"), nullable=nullable, info={"values": values})


def currency(name: str = "currency", *, nullable: bool = False) -> sa.Column[Any]:
    """An ISO 4217 code."""
    return sa.Column(name, sa.CHAR(3), nullable=nullable)


def unique(*columns: str) -> sa.UniqueConstraint:
    """A deferrable unique constraint."""
    return sa.UniqueConstraint(*columns, deferrable=True, initially="DEFERRED")


def read_table(name: str, *parts: Any, tenant: bool = True, history: bool = True) -> sa.Table:
    """A table of the documented schema with the conventions' columns.

    It has an index in the order in which an organization lists its rows and one in the order in which they changed. What rows are mostly
    looked up by has one in the order in which those that have it in common are listed: references, states, e-mail addresses.
    `organizations` itself is made with `tenant=False`. Without `history` it is not kept which records touched a row.
    """
    organization: sa.Column[Any] = (
        reference("organization_id", "organizations", on_delete="cascade", nullable=False)
        if tenant
        else sa.Column("organization_id", UUID, nullable=False)
    )
    return sa.Table(
        name,
        READ,
        sa.Column("id", UUID, primary_key=True),
        organization,
        *parts,
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("log_position", sa.BigInteger, nullable=False),
        sa.Column("stream_id", UUID, nullable=False),
        sa.Column("stream_version", sa.Integer, nullable=False),
        sa.Index(f"ix_{name}_listed", "organization_id", "created_at", "id"),
        sa.Index(f"ix_{name}_changed", "organization_id", "log_position", "id"),
        *(_lookup(name, part) for part in parts if isinstance(part, sa.Column) and _is_looked_up(part)),
        info={"history": history},
    )


def _is_looked_up(column: sa.Column[Any]) -> bool:
    is_state = "values" in column.info and column.name.endswith("status")
    return bool(column.foreign_keys) or is_state or ("subject" in column.info and column.name.endswith("email"))


def _lookup(table: str, column: sa.Column[Any]) -> sa.Index:
    """An id belongs to one organization, a state or an address to many."""
    leading = (column.name,) if column.foreign_keys else ("organization_id", column.name)
    return sa.Index(f"ix_{table}_{column.name}", *leading, "created_at", "id")
