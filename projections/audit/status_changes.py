"""Table `status_changes`: every state change of every aggregate, for time-in-stage and funnels in one SELECT."""

from __future__ import annotations

from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from application.ports import Record
from projections.changes import Insert, derived_id
from projections.schema import INSTANT, read_table, reference

status_changes = read_table(
    "status_changes",
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("entity_id", UUID_COLUMN, nullable=False),
    reference("event_id", "events", on_delete="cascade"),
    sa.Column("from_status", sa.Text),
    sa.Column("to_status", sa.Text, nullable=False),
    sa.Column("at", INSTANT, nullable=False),
    reference("actor_id", "users", on_delete="set null"),
    sa.Column("reason", sa.Text),
    sa.Index("ix_status_changes_entity", "entity", "entity_id", "at"),
    history=False,
)


class _Who(msgspec.Struct):
    """Of a record's `meta`, what this table shows."""

    actor: str
    reason: str | None = None


_META = msgspec.json.Decoder(_Who)


def status_change(
    record: Record,
    entity: str,
    entity_id: UUID,
    to: str,
    *,
    was: str | None = None,
    event_id: UUID | None = None,
    reason: str | None = None,
    n: int = 0,
) -> Insert:
    """The row for a state change that the record brings; `n` counts further changes by the same record.

    `entity` is the aggregate or part, in snake case and singular. Without a `reason` of its own, the sender's is shown.
    """
    who = _META.decode(record.meta)
    kind, _, actor = who.actor.partition(":")
    values = {
        "entity": entity,
        "entity_id": entity_id,
        "event_id": event_id,
        "from_status": was,
        "to_status": to,
        "at": record.recorded_at,
        "actor_id": UUID(actor) if kind == "user" else None,
        "reason": reason or who.reason,
    }
    return Insert(status_changes, derived_id(record.stream_id, f"{record.version}:{n}"), values)
