"""The projection that knows what falls due when; a loop reads it and sends the commands."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa

from application.ports import Record
from domain.aggregate import DomainEvent
from domain.ticketing.order import OrderCancelled, OrderConfirmed, OrderDeleted, OrderExpired, OrderPlaced
from projections.changes import Change, Delete, Insert, Projection, derived_id
from projections.schema import INSTANT

METADATA = sa.MetaData(schema="deadlines")
DEADLINES = Projection("deadlines", version=1, metadata=METADATA)

HOLD = "hold"
"""An order's hold ends."""

deadlines = sa.Table(
    "deadlines",
    METADATA,
    sa.Column("id", sa.UUID, primary_key=True),
    sa.Column("organization_id", sa.UUID, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.UUID, nullable=False),
    sa.Column("due_at", INSTANT, nullable=False, index=True),
    sa.Column("created_at", INSTANT, nullable=False),
    sa.Column("updated_at", INSTANT, nullable=False),
    sa.Column("log_position", sa.BigInteger, nullable=False),
    sa.Column("stream_id", sa.UUID, nullable=False),
    sa.Column("stream_version", sa.Integer, nullable=False),
)


def deadline_id(kind: str, subject_id: UUID) -> UUID:
    """A subject has one deadline of a kind."""
    return derived_id(subject_id, kind)


@DEADLINES.on(OrderPlaced)
def hold_began(event: OrderPlaced, record: Record) -> Iterable[Change]:
    """The hold ends at its time, if nothing else happens before."""
    yield Insert(
        deadlines,
        deadline_id(HOLD, record.stream_id),
        {"kind": HOLD, "subject_id": record.stream_id, "due_at": event.hold_expires_at},
    )


def hold_ended(_: DomainEvent, record: Record) -> Iterable[Change]:
    """Nothing falls due any more."""
    yield Delete(deadlines, deadline_id(HOLD, record.stream_id))


for _ending in (OrderConfirmed, OrderCancelled, OrderExpired, OrderDeleted):
    DEADLINES.on(_ending)(hold_ended)
