"""Table `ticket_pools`: stocks that several categories share; the counts come from the quotas."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from application.ports import Record
from domain.ticketing.box_office import PoolAdded, PoolChanged
from projections.changes import Change, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import read_table, reference

ticket_pools = read_table(
    "ticket_pools",
    reference("event_id", "events", on_delete="cascade", nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("quantity_total", sa.Integer, nullable=False),
    sa.Column("quantity_sold", sa.Integer, nullable=False, default=0),
    sa.Column("quantity_reserved", sa.Integer, nullable=False, default=0),
    sa.Column("over_allocation", sa.Integer, nullable=False, default=0),
    sa.CheckConstraint("quantity_sold >= 0 and quantity_reserved >= 0"),
    sa.CheckConstraint("quantity_sold + quantity_reserved <= quantity_total + over_allocation"),
)


@RELATIONAL.on(PoolAdded)
def pool_added(event: PoolAdded, _: Record) -> Iterable[Change]:
    """A row for the pool, with nothing sold."""
    yield Insert(ticket_pools, event.pool_id, {"event_id": event.event_id, "name": event.name, "quantity_total": event.quantity_total})


@RELATIONAL.on(PoolChanged)
def pool_changed(event: PoolChanged, _: Record) -> Iterable[Change]:
    """Another name or total in the row."""
    yield Set(ticket_pools, event.pool_id, {"name": event.name, "quantity_total": event.quantity_total})
