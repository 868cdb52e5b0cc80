"""Letting parked organizations take part again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from application.ports import Codec, Log, Record
from projections.changes import Projection
from projections.runner import model
from projections.runner.checkpoint import seize, slot_of
from projections.runner.park import Parked, apply_bisecting, park, unpark
from projections.runner.project import Source
from projections.runner.target import Target
from projections.runner.values import Connection, speak
from projections.runner.write import apply

_BATCH: Final = 5_000


async def retry(projection: Projection, *, connection: Connection, log: Log, codec: Codec) -> dict[UUID, Parked]:
    """Apply what parked organizations have missed, in order, and unpark them; returns those that are stuck again, and where.

    The projection stands still meanwhile; its worker then finds itself fenced and reads anew who is parked.
    """
    source = Source(projection, log, codec)
    await speak(connection)
    async with connection.transaction():
        standing = await seize(connection, projection.name)
        if not standing.parked:
            return {}
        target = Target(connection, model.read(projection.metadata))
        stuck: dict[UUID, Parked] = {}

        async def bring(part: Sequence[Record]) -> None:
            await apply(target, source.entries(part))

        slots = {slot_of(organization) for organization in standing.parked}
        first, last = min(standing.parked.values()), max(standing.position(slot) for slot in slots)
        async for records in source.batches(first - 1, last, _BATCH, slots):
            missed = [record for record in records if standing.missed(record) and record.organization_id not in stuck]
            stuck |= await apply_bisecting(connection, missed, bring)
        await unpark(connection, projection.name, [organization for organization in standing.parked if organization not in stuck])
        await park(connection, projection.name, list(stuck.values()))
        return stuck
