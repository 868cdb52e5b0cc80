"""How far the projections are, and what they have set aside."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from application.ports import Log
from projections.changes import Projection
from projections.runner.values import Connection


class ParkedSince(NamedTuple):
    """An organization that waits for `retry`."""

    organization_id: UUID
    position: int
    error: str
    parked_at: datetime


class Status(NamedTuple):
    """One projection as of now."""

    projection: str
    version: int
    """Of the program."""
    tables_version: int
    """Of the tables; 0 before the first start."""
    state: str
    """`live` or `paused`."""
    owner: str | None
    """The worker that holds the lease, if one does."""
    head: int
    position: int
    lag_records: int
    lag_seconds: float
    """Age of the oldest record that waits."""
    parked: tuple[ParkedSince, ...]


async def status(projection: Projection, *, connection: Connection, log: Log, now: datetime) -> Status:
    """Where a projection stands."""
    lease = await connection.fetchrow(
        """
        select version, state, scanned_to, case when expires_at > clock_timestamp() then owner end as owner
        from log.projection_leases where projection = $1
        """,
        projection.name,
    )
    parked = await connection.fetch(
        "select organization_id, position, error, parked_at from log.parked where projection = $1 order by position", projection.name
    )
    position = lease["scanned_to"] if lease else 0
    waiting = await log.read(position, 1)
    head = await log.head() if waiting else position
    return Status(
        projection=projection.name,
        version=projection.version,
        tables_version=lease["version"] if lease else 0,
        state=lease["state"] if lease else "live",
        owner=lease["owner"] if lease else None,
        head=head,
        position=position,
        lag_records=head - position,
        lag_seconds=max(0.0, (now - waiting[0].recorded_at).total_seconds()) if waiting else 0.0,
        parked=tuple(ParkedSince(*row) for row in parked),
    )
