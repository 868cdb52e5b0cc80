"""Where a projection stands and who may move it.

A worker owns a projection by a lease; each change of hands, and each intervention of an operator, raises the lease's
epoch. Every batch moves the lease's `scanned_to` and the positions of the slots that it touched, on condition that epoch
and positions are what the worker believes: a worker that was overtaken writes nothing. All transactions take the lease
row before slot rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from application.ports import Record
from projections.runner.values import Connection

SLOTS: Final = 64
PROJECTED: Final = "stagebook_projected"
"""The channel on which a worker says `<projection> <position>` after each batch."""


class Fenced(Exception):
    """The projection was taken over or moved by somebody else: what this worker knows of it is out of date."""


def slot_of(organization_id: UUID) -> int:
    """The slot whose checkpoint counts for an organization."""
    return organization_id.int % SLOTS


@dataclass
class Standing:
    """A projection's lease, checkpoints and parked organizations, as their owner knows them."""

    projection: str
    owner: str | None
    epoch: int
    scanned_to: int
    version: int
    """Of the tables; 0 before there are any."""
    paused: bool = False
    slots: dict[int, int] = field(default_factory=dict)
    parked: dict[UUID, int] = field(default_factory=dict)
    """By organization, the position of the record that could not be applied."""

    def position(self, slot: int) -> int:
        """Up to where the slot's records have been dealt with."""
        return max(self.slots.get(slot, 0), self.scanned_to)

    def missed(self, record: Record) -> bool:
        """Whether the record was passed over because its organization is parked."""
        slot = slot_of(record.organization_id)
        return self.parked.get(record.organization_id, record.position + 1) <= record.position <= self.position(slot)


async def acquire(connection: Connection, projection: str, owner: str, *, seconds: float) -> Standing | None:
    """Take the lease, or take it again; None while somebody else holds it."""
    async with connection.transaction():
        await register(connection, projection)
        epoch = await connection.fetchval(
            """
            update log.projection_leases
            set owner = $2, epoch = epoch + 1, expires_at = clock_timestamp() + make_interval(secs => $3)
            where projection = $1 and (owner is null or owner = $2 or expires_at is null or expires_at < clock_timestamp())
            returning epoch
            """,
            projection,
            owner,
            seconds,
        )
        return None if epoch is None else await _standing(connection, projection)


async def seize(connection: Connection, projection: str) -> Standing:
    """Keep the projection from moving until this transaction ends, and its owner from going on with what it knew before."""
    await register(connection, projection)
    await connection.execute("update log.projection_leases set epoch = epoch + 1 where projection = $1", projection)
    return await _standing(connection, projection)


async def register(connection: Connection, projection: str) -> None:
    """Make the rows of a projection that is not known yet."""
    if await connection.fetchval("select exists (select from log.projection_leases where projection = $1)", projection):
        return
    await connection.execute("insert into log.projection_leases (projection) values ($1) on conflict do nothing", projection)
    await connection.execute(
        "insert into log.projections (projection, slot) select $1, generate_series(0, $2 - 1) on conflict do nothing", projection, SLOTS
    )


async def _standing(connection: Connection, projection: str) -> Standing:
    """What stands there, for who has just raised the epoch: the slots follow it here."""
    [lease] = await connection.fetch("select * from log.projection_leases where projection = $1", projection)
    slots = await connection.fetch(
        "update log.projections set epoch = $2 where projection = $1 returning slot, position", projection, lease["epoch"]
    )
    parked = await connection.fetch("select organization_id, position from log.parked where projection = $1", projection)
    return Standing(
        projection=projection,
        owner=lease["owner"],
        epoch=lease["epoch"],
        scanned_to=lease["scanned_to"],
        version=lease["version"],
        paused=lease["state"] == "paused",
        slots={row["slot"]: row["position"] for row in slots},
        parked={row["organization_id"]: row["position"] for row in parked},
    )


async def is_current(connection: Connection, standing: Standing) -> bool:
    """Whether nobody has taken the projection over or intervened since."""
    found = await connection.fetchval("select epoch from log.projection_leases where projection = $1", standing.projection)
    return bool(found == standing.epoch)


async def renew(connection: Connection, projection: str, owner: str, *, seconds: float) -> None:
    """Keep the lease for longer, also when somebody intervened: its owner stays who it was."""
    await connection.execute(
        """
        update log.projection_leases set expires_at = clock_timestamp() + make_interval(secs => $3) where projection = $1 and owner = $2
        """,
        projection,
        owner,
        seconds,
    )


async def release(connection: Connection, projection: str, owner: str) -> None:
    """Give the lease back, so that another worker need not wait for its end."""
    await connection.execute(
        "update log.projection_leases set owner = null, expires_at = null where projection = $1 and owner = $2", projection, owner
    )


async def advance(connection: Connection, standing: Standing, scanned_to: int, slots: Mapping[int, int]) -> None:
    """Move the checkpoints in the transaction of the rows; raises `Fenced`. The standing itself its owner moves after the commit."""
    moved = await connection.fetchval(
        """
        update log.projection_leases set scanned_to = $4
        where projection = $1 and owner = $2 and epoch = $3 and scanned_to = $5
        returning true
        """,
        standing.projection,
        standing.owner,
        standing.epoch,
        scanned_to,
        standing.scanned_to,
    )
    if not moved:
        raise Fenced(standing.projection)
    rows = await connection.fetch(
        """
        update log.projections as p set position = d.position
        from unnest($3::smallint[], $4::bigint[], $5::bigint[]) as d(slot, was, position)
        where p.projection = $1 and p.epoch = $2 and p.slot = d.slot and p.position = d.was
        returning p.slot
        """,
        standing.projection,
        standing.epoch,
        list(slots),
        [standing.slots[slot] for slot in slots],
        list(slots.values()),
    )
    if len(rows) != len(slots):
        raise Fenced(standing.projection)


async def settle_at(connection: Connection, projection: str, *, version: int, position: int) -> None:
    """State that the tables are of this version and hold all records up to this position. Belongs behind `seize`."""
    await connection.execute(
        "update log.projection_leases set version = $2, scanned_to = $3 where projection = $1", projection, version, position
    )
    await connection.execute("update log.projections set position = $2 where projection = $1", projection, position)
